package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"datanet/linkage"
	"datanet/pipeline/hub"
	"datanet/pseudonym"
)

// An answer is what a Guardian says to a request: yes, no, or no longer.
type answer struct {
	verb, done string // sign, signed
	reason     bool   // must be given
	body       func(d *linkage.Approval, key *pseudonym.GuardianKey, reason string) (linkage.Body, error)
}

var (
	signs = answer{"sign", "signed", false, func(d *linkage.Approval, key *pseudonym.GuardianKey, _ string) (linkage.Body, error) {
		return linkage.NewSignature(d, key.Dataset, key.Signer)
	}}
	refuses = answer{"refuse", "refused", true, func(d *linkage.Approval, key *pseudonym.GuardianKey, reason string) (linkage.Body, error) {
		return linkage.NewRefusal(d, key.Dataset, reason, key.Signer)
	}}
	revokes = answer{"revoke", "revoked", true, func(d *linkage.Approval, key *pseudonym.GuardianKey, reason string) (linkage.Body, error) {
		return linkage.NewRevocation(d, key.Dataset, reason, key.Signer)
	}}
)

func newApprovalSign(a *app) *cobra.Command {
	return newAnswer(a, signs, &cobra.Command{
		Use: "sign ID --guardian FILE", Short: "sign a request, as the Guardian of one of its datasets",
		Long: `Signs the request's text with the key of a dataset's Caldicott Guardian. At a
terminal it is shown in plain words first, with what it connects and what taking it
back cannot undo, and its id must be typed.`,
		Example: "  datanet approval sign 2026-001 --guardian guardian.key --hub hub",
	})
}

func newApprovalRefuse(a *app) *cobra.Command {
	return newAnswer(a, refuses, &cobra.Command{
		Use: "refuse ID --guardian FILE --reason T", Short: "refuse a request, with a reason",
		Long:    "One Guardian's no is enough, and final: what answers the reason is a new request.",
		Example: "  datanet approval refuse 2026-001 --guardian guardian.key --reason \"The columns go beyond the purpose\" --hub hub",
	})
}

func newApprovalRevoke(a *app) *cobra.Command {
	return newAnswer(a, revokes, &cobra.Command{
		Use: "revoke ID --guardian FILE --reason T", Short: "take an approval back, at once",
		Long: `Any one of the Guardians can take an approval back. From then on nothing is released,
linked, published or answered under it at this hub; datanet hub sweep removes what is
there. Copies that were taken away before stay: they leave no trail and cannot be recalled.`,
		Example: "  datanet approval revoke 2026-001 --guardian guardian.key --reason \"The study has ended\" --hub hub",
	})
}

func newAnswer(a *app, kind answer, c *cobra.Command) *cobra.Command {
	var guardian, reason string
	c.Args, c.ValidArgsFunction = cobra.ExactArgs(1), a.completeApproval
	a.command(c, func(ctx context.Context, args []string) error { return a.answer(kind, args[0], guardian, reason) })
	c.Flags().StringVar(&guardian, "guardian", "", "the Guardian's key file")
	c.MarkFlagRequired("guardian")
	if kind.reason {
		c.Flags().StringVar(&reason, "reason", "", "why, in a sentence that everybody may read")
		c.MarkFlagRequired("reason")
	}
	return c
}

func (a *app) answer(kind answer, id, guardian, reason string) error {
	if kind.reason && strings.TrimSpace(reason) == "" {
		return &useError{"--reason is empty", "say in a sentence why"}
	}
	h, err := a.openHub()
	if err != nil {
		return err
	}
	d, err := h.decision(id)
	if err != nil {
		return err
	}
	if _, err := h.ledgerKey(); err != nil {
		return err
	}
	key, err := openKey[*pseudonym.GuardianKey](a, guardian)
	if err != nil {
		return err
	}
	if err := a.confirm(fmt.Sprintf("%s\nTo %s it, type its id", h.plain(a, d.Approval), kind.verb), id); err != nil {
		return err
	}
	body, err := kind.body(d.Approval, key, reason)
	if err != nil {
		return err
	}
	if err := a.record(h, body); err != nil {
		return err
	}
	if err := h.Audit(hub.AuditEntry{Time: a.now(), Key: key.Signer.ID(), What: "approval " + kind.verb, On: id, Outcome: kind.done}); err != nil {
		return err
	}
	line := newApprovalLine(h.decisions.Of(id), a.clock(h))
	who := "the Guardian of " + key.Dataset
	if h.trust.Dataset(key.Dataset).Guardian != key.Signer.Public() {
		who = "a deputy of " + who
	}
	return a.say(line, func(w io.Writer) {
		fmt.Fprintf(w, "%s: %s by %s. Now %s: %s.\n", id, kind.done, who, line.Status, line.Says)
		if kind.done == revokes.done {
			fmt.Fprintln(w, "Nothing more is done under it here. Remove what is there with: datanet hub sweep\nCopies of a publication that were taken away before can be read until their last day.")
		}
	})
}

// confirm shows a person at a terminal what they are about to do, and does it
// only when they have typed a word that they cannot type without having read.
func (a *app) confirm(what, word string) error {
	if a.json || a.in == nil || !term.IsTerminal(int(a.in.Fd())) {
		return nil
	}
	fmt.Fprintf(a.err, "%s: ", what)
	typed := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(io.LimitReader(a.in, 256)).ReadString('\n')
		typed <- strings.TrimSpace(line)
	}()
	select {
	case <-a.ctx.Done():
		return a.ctx.Err()
	case got := <-typed:
		if got != word {
			return &useError{"that is not what was asked for, so nothing was signed", "what is to be typed is " + word}
		}
		return nil
	}
}
