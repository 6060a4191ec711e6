package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"datanet/linkage"
)

func newApproval(a *app) *cobra.Command {
	c := &cobra.Command{
		Use: "approval", Short: "ask for, read, sign, refuse and revoke Caldicott approvals",
		Long: `Datasets are joined only under an approval: a plain text that says which columns of
which datasets may be joined, what for, by whom and until when. It holds when the
Caldicott Guardian of every dataset has signed it, and until one of them takes it back.`,
		Example: "  datanet approval list --hub hub", Args: cobra.NoArgs,
	}
	a.command(c, func(context.Context, []string) error { return c.Help() })
	c.AddCommand(newApprovalDraft(a), newApprovalShow(a), newApprovalSign(a), newApprovalRefuse(a), newApprovalRevoke(a),
		newApprovalList(a), newApprovalExport(a), newApprovalImport(a), newApprovalProve(a), newApprovalVerify(a),
		newApprovalRegister(a), newApprovalHistory(a))
	return c
}

// An approvalLine is what list says of one approval.
type approvalLine struct {
	ID       string   `json:"id"`
	Title    string   `json:"title"`
	Status   string   `json:"status"`
	Says     string   `json:"says"` // the status in a sentence
	Datasets []string `json:"datasets"`
	Pairs    []string `json:"pairs"`
	From     string   `json:"from"`
	Until    string   `json:"until"`
	Review   string   `json:"review"`
	Signed   []string `json:"signed"` // datasets whose Guardian has signed
}

func newApprovalLine(d *linkage.Decision, clock time.Time) approvalLine {
	line := approvalLine{ID: d.Approval.ID, Title: d.Approval.Title, Status: string(d.Status(clock)), Says: d.Sentence(clock),
		Datasets: d.Approval.Names(), Pairs: []string{}, From: d.Approval.From, Until: d.Approval.Until, Review: d.Approval.Review, Signed: []string{}}
	for _, p := range d.Approval.Pairs {
		line.Pairs = append(line.Pairs, p.String())
	}
	for _, name := range d.Approval.Names() {
		if _, ok := d.Signatures[name]; ok {
			line.Signed = append(line.Signed, name)
		}
	}
	return line
}

// clock is the time by which approvals are judged: never earlier than what the
// record of decisions has seen.
func (a *app) clock(h *openHub) time.Time { return h.ledger.Head().Clock(a.now()) }

func newApprovalList(a *app) *cobra.Command {
	return a.command(&cobra.Command{
		Use: "list", Short: "list all approvals and how they stand", Example: "  datanet approval list --hub hub", Args: cobra.NoArgs,
	}, func(context.Context, []string) error {
		h, err := a.openHub()
		if err != nil {
			return err
		}
		lines := []approvalLine{}
		for _, d := range h.decisions.All() {
			lines = append(lines, newApprovalLine(d, a.clock(h)))
		}
		return a.say(map[string]any{"approvals": lines}, func(w io.Writer) { printApprovals(w, lines) })
	})
}

func printApprovals(w io.Writer, lines []approvalLine) {
	if len(lines) == 0 {
		fmt.Fprintln(w, "Nobody has asked for an approval at this hub.")
	}
	for _, l := range lines {
		fmt.Fprintf(w, "%s  %-10s  %s\n%22s%s, until %s: %s\n", l.ID, l.Status, l.Title, "", strings.Join(l.Datasets, " and "), min(l.Until, l.Review), l.Says)
	}
}

// decision finds an approval of the hub.
func (h *openHub) decision(id string) (*linkage.Decision, error) {
	d := h.decisions.Of(id)
	if d == nil {
		return nil, &useError{"there is no approval " + quote(id) + " at this hub", "datanet approval list shows those that are"}
	}
	return d, nil
}

func newApprovalShow(a *app) *cobra.Command {
	var text bool
	var page string
	c := a.command(&cobra.Command{
		Use: "show ID|FILE", Short: "read an approval in plain words",
		Long: `Says in plain words what may be joined, which columns, by whom and until when, what
it lets people join together with other approvals, what each of the eight Caldicott
Principles asks of it, and how it stands. FILE is a request that was exported. --html
writes it as a page that can be printed and signed off in a meeting.`,
		Example: "  datanet approval show 2026-001 --hub hub\n  datanet approval show 2026-001.request\n  datanet approval show 2026-001 --text --hub hub\n  datanet approval show 2026-001 --html request.html --hub hub", Args: cobra.ExactArgs(1),
	}, func(_ context.Context, args []string) error {
		if page != "" {
			return a.showPage(args[0], page)
		}
		return a.runShow(args[0], text)
	})
	c.ValidArgsFunction = a.completeApproval
	c.Flags().BoolVar(&text, "text", false, "print the text that is signed, byte for byte")
	c.Flags().StringVar(&page, "html", "", "write a page to this file instead")
	c.MarkFlagsMutuallyExclusive("text", "html")
	return c
}

func (a *app) runShow(asked string, text bool) error {
	c, err := a.consult(asked)
	if err != nil {
		return err
	}
	d := c.decision()
	line := newApprovalLine(d, c.clock(a))
	document := struct {
		approvalLine
		SHA256 string `json:"approval_sha256"`
		Text   string `json:"text"`
	}{line, d.Approval.SHA256(), d.Approval.Text()}
	return a.say(document, func(w io.Writer) {
		if text {
			fmt.Fprint(w, d.Approval.Text())
			return
		}
		fmt.Fprintf(w, "%s\nHow it stands: %s: %s.\n", c.plain(a), line.Status, line.Says)
	})
}

// completeApproval offers the ids of the hub's approvals to a shell.
func (a *app) completeApproval(_ *cobra.Command, args []string, _ string) (ids []string, _ cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	h, err := a.openHub()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	for _, d := range h.decisions.All() {
		ids = append(ids, d.Approval.ID+"\t"+string(d.Status(a.clock(h)))+", "+d.Approval.Title)
	}
	return ids, cobra.ShellCompDirectiveNoFileComp
}

// permit asks whether something may be done under an approval. What is refused
// is recorded, and if it cannot be recorded it is refused all the same.
func (a *app) permit(h *openHub, ask linkage.Ask) (linkage.Permit, error) {
	ask.Now = a.now()
	seen := h.ledger
	p, err := linkage.Check(seen, ask)
	if err == nil {
		err = errors.Join(a.freshen(h), h.ledger.Fresh(ask.Now))
	}
	if err == nil && h.ledger != seen { // it was read again, with what others had recorded by then: a revocation, maybe
		p, err = linkage.Check(h.ledger, ask)
	}
	if err != nil {
		p = linkage.Permit{}
	}
	return p, a.denyFor(h, denialOf(ask), err)
}

// denialOf is what is recorded of something that was asked and refused.
func denialOf(ask linkage.Ask) linkage.DeniedRecord {
	return linkage.DeniedRecord{Approval: ask.Approval, Action: ask.Action, Dataset: ask.Dataset}
}
