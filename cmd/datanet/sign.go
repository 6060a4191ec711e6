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
)

// An answer is what a Guardian says to a request: yes, no, or no longer.
type answer struct {
	verb, done string // sign, signed
	reason     bool   // must be given
	body       func(d *linkage.Approval, key *guardian, reason string) (linkage.Body, error)
}

var (
	signs = answer{"sign", "signed", false, func(d *linkage.Approval, key *guardian, _ string) (linkage.Body, error) {
		return linkage.NewSignature(d, key.Dataset, key.Signer)
	}}
	refuses = answer{"refuse", "refused", true, func(d *linkage.Approval, key *guardian, reason string) (linkage.Body, error) {
		return linkage.NewRefusal(d, key.Dataset, reason, key.Signer)
	}}
	revokes = answer{"revoke", "revoked", true, func(d *linkage.Approval, key *guardian, reason string) (linkage.Body, error) {
		return linkage.NewRevocation(d, key.Dataset, reason, key.Signer)
	}}
)

func newApprovalSign(a *app) *cobra.Command {
	return newAnswer(a, signs, &cobra.Command{
		Use: "sign ID|FILE --guardian FILE", Short: "sign a request, as the Guardian of one of its datasets",
		Long: `Signs the request's text with the key of a dataset's Caldicott Guardian. At a
terminal it is shown in plain words first, with what it connects and what taking it
back cannot undo, and its id must be typed. From a FILE that was exported the answer
is a file too, which the hub imports.`,
		Example: "  datanet approval sign 2026-001 --guardian guardian.key --hub hub\n  datanet approval sign 2026-001.request --guardian guardian.key",
	})
}

func newApprovalRefuse(a *app) *cobra.Command {
	return newAnswer(a, refuses, &cobra.Command{
		Use: "refuse ID|FILE --guardian FILE --reason T", Short: "refuse a request, with a reason",
		Long:    "One Guardian's no is enough, and final: what answers the reason is a new request.",
		Example: "  datanet approval refuse 2026-001 --guardian guardian.key --reason \"The columns go beyond the purpose\" --hub hub",
	})
}

func newApprovalRevoke(a *app) *cobra.Command {
	return newAnswer(a, revokes, &cobra.Command{
		Use: "revoke ID|FILE --guardian FILE --reason T", Short: "take an approval back, at once",
		Long: `Any one of the Guardians can take an approval back. From then on nothing is released,
linked, published or answered under it at this hub; datanet hub sweep removes what is
there. Copies that were taken away before stay: they leave no trail and cannot be recalled.`,
		Example: "  datanet approval revoke 2026-001 --guardian guardian.key --reason \"The study has ended\" --hub hub",
	})
}

func newAnswer(a *app, kind answer, c *cobra.Command) *cobra.Command {
	var o answerOptions
	c.Args, c.ValidArgsFunction = cobra.ExactArgs(1), a.completeApproval
	a.command(c, func(ctx context.Context, args []string) error { return a.answer(kind, args[0], o) })
	c.Flags().StringVar(&o.guardian, "guardian", "", "the Guardian's key file, or a deputy's; or an SSH key: the private file, or the .pub file of one in an ssh-agent")
	c.MarkFlagRequired("guardian")
	c.Flags().StringVar(&o.out, "out", "", "file to make, for the hub to import (default for a FILE: ID.DATASET."+kind.done+")")
	if kind.reason {
		c.Flags().StringVar(&o.reason, "reason", "", "why, in a sentence that everybody may read")
		c.MarkFlagRequired("reason")
	}
	return c
}

type answerOptions struct{ guardian, reason, out string }

const afterRevoking = "Nothing more is done under it here. Remove what is there with: datanet hub sweep\nCopies of a publication that were taken away before can be read until their last day."

func (a *app) answer(kind answer, asked string, o answerOptions) error {
	if kind.reason && strings.TrimSpace(o.reason) == "" {
		return &useError{"--reason is empty", "say in a sentence why"}
	}
	c, err := a.consult(asked)
	if err != nil {
		return err
	}
	carried := c.hub == nil || o.out != ""
	if !carried {
		if _, err := c.hub.ledgerKey(); err != nil {
			return err
		}
	}
	key, err := a.openGuardian(o.guardian, c.trust)
	if err != nil {
		return err
	}
	if err := a.confirm(fmt.Sprintf("%s\nTo %s it, type its id", c.plain(a), kind.verb), c.id); err != nil {
		return err
	}
	body, err := kind.body(c.decision().Approval, key, o.reason)
	if err != nil && !carried {
		return a.denyFor(c.hub, linkage.DeniedRecord{Approval: c.id, Action: linkage.Action(kind.verb), Dataset: key.Dataset}, err)
	}
	if err != nil {
		return err
	}
	if carried {
		return a.carryAnswer(c, kind, key, o.out, body)
	}
	return a.recordAnswer(c, kind, key, body)
}

func (a *app) recordAnswer(c *consulted, kind answer, key *guardian, body linkage.Body) error {
	h := c.hub
	if err := a.record(h, body); err != nil {
		return err
	}
	if err := h.Audit(hub.AuditEntry{Time: a.now(), Key: key.ID(), What: "approval " + kind.verb, On: c.id, Outcome: kind.done}); err != nil {
		return err
	}
	line := newApprovalLine(h.decisions.Of(c.id), a.clock(h))
	return a.say(line, func(w io.Writer) {
		fmt.Fprintf(w, "%s: %s by %s. Now %s: %s.\n", c.id, kind.done, decider(h.trust, key), line.Status, line.Says)
		if kind.done == revokes.done {
			fmt.Fprintln(w, afterRevoking)
		}
	})
}

// decider says in words in whose name a key answers.
func decider(trust linkage.Trust, key *guardian) string {
	if trust.Dataset(key.Dataset).Guardian != key.vkey {
		return "a deputy of the Guardian of " + key.Dataset
	}
	return "the Guardian of " + key.Dataset
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
