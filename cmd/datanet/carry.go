package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"datanet/linkage"
	"datanet/pipeline/hub"
)

func newApprovalExport(a *app) *cobra.Command {
	var out string
	c := a.command(&cobra.Command{
		Use: "export ID --out FILE", Short: "write a request to a file, for somebody who has no hub",
		Long: `Writes a request with its signatures and the whole record of decisions, so that a
Guardian can check, read and answer it on a machine of their own: datanet approval
show, sign, refuse and revoke take the file. The answer comes back as a file too,
and counts once datanet approval import has taken it in.`,
		Example: "  datanet approval export 2026-001 --out 2026-001.request --hub hub", Args: cobra.ExactArgs(1),
	}, func(_ context.Context, args []string) error { return a.runExport(args[0], out) })
	c.ValidArgsFunction = a.completeApproval
	c.Flags().StringVar(&out, "out", "", "file to make")
	c.MarkFlagRequired("out")
	return c
}

func (a *app) runExport(id, out string) error {
	h, err := a.openHub()
	if err != nil {
		return err
	}
	d, err := h.decision(id)
	if err != nil {
		return err
	}
	if err := a.freshen(h); err != nil {
		return err
	}
	carried, err := linkage.CarryRequest(h.ledger, id)
	if err != nil {
		return err
	}
	if err := writeNew(out, carried); err != nil {
		return err
	}
	head := h.ledger.Head()
	return a.say(map[string]any{"id": id, "out": out, "records": head.Size, "time": head.Time}, func(w io.Writer) {
		fmt.Fprintf(w, "%s: %s: %s, with the record of decisions as of %s\nNext, wherever the Guardian is: datanet approval sign %s --guardian KEYFILE\n", out, id, d.Approval.Title, head.Time.Format(time.DateTime), quote(out))
	})
}

func newApprovalImport(a *app) *cobra.Command {
	return a.command(&cobra.Command{
		Use: "import FILE", Short: "take in an answer at the hub, or a request anywhere",
		Long: `Takes a Guardian's answer, made from an exported request, into the hub's record of
decisions, if it still may be given: the same checks are made as if it were given at
the hub now. The same answer again is a skip.

A request is checked, with all that came with it, and the state of the record that it
shows is remembered: an older or another one is refused from then on.`,
		Example: "  datanet approval import 2026-001.slam.signed --hub hub\n  datanet approval import 2026-001.request", Args: cobra.ExactArgs(1),
	}, func(_ context.Context, args []string) error { return a.runImport(args[0]) })
}

func (a *app) runImport(path string) error {
	raw, err := readPlain(path, mostRequest)
	if err != nil {
		return &useError{"the file " + quote(path) + " cannot be read", "it is a file that datanet approval export, sign, refuse or revoke makes"}
	}
	switch {
	case linkage.IsAnswer(raw):
		return a.importAnswer(raw)
	case linkage.IsRequest(raw):
		return a.importRequest(path)
	}
	return &useError{path + " is neither a request nor an answer", "it is a file that datanet approval export, sign, refuse or revoke makes"}
}

// imported is what --json prints of an answer.
type imported struct {
	approvalLine
	Answer string `json:"answer"` // signed, refused or revoked
	By     string `json:"by"`
	Status string `json:"import"` // recorded or skipped
}

func (a *app) importAnswer(raw []byte) error {
	forHub, record, err := linkage.OpenAnswer(raw)
	if err != nil {
		return err
	}
	h, err := a.openHub()
	if err != nil {
		return err
	}
	body, err := record.Decode()
	if err != nil {
		return err
	}
	id, dataset, done := answerOf(body)
	if forHub != h.ID {
		return a.deny(h, body, &refusal{"the answer was made for another hub", "import it at the hub that the request came from", linkage.CheckHub})
	}
	status := "skipped"
	if !h.has(record) {
		if err := a.recordDated(h, record); err != nil {
			return err
		}
		if err := h.Audit(hub.AuditEntry{Time: a.now(), What: "approval import", On: id, Outcome: done + " for " + dataset}); err != nil {
			return err
		}
		status = "recorded"
	}
	line := newApprovalLine(h.decisions.Of(id), a.clock(h))
	return a.say(imported{line, done, dataset, status}, func(w io.Writer) {
		fmt.Fprintf(w, "%s: %s for %s: %s. Now %s: %s.\n", id, done, dataset, status, line.Status, line.Says)
		if done == revokes.done {
			fmt.Fprintln(w, afterRevoking)
		}
	})
}

// has says whether the record of decisions holds exactly this record.
func (h *openHub) has(record linkage.Record) bool {
	line, err := record.Line()
	if err != nil {
		return false
	}
	return slices.ContainsFunc(h.ledger.Records(), func(r linkage.Record) bool {
		if r.Kind != record.Kind {
			return false
		}
		there, err := r.Line()
		return err == nil && bytes.Equal(there, line)
	})
}

// answerOf is what an answer is about, and what was done.
func answerOf(body linkage.Body) (id, dataset, done string) {
	switch b := body.(type) {
	case linkage.SignatureRecord:
		return b.Approval, b.Dataset, signs.done
	case linkage.RefusalRecord:
		return b.Approval, b.Dataset, refuses.done
	case linkage.RevocationRecord:
		return b.Approval, b.Dataset, revokes.done
	}
	return "", "", ""
}

func (a *app) importRequest(path string) error {
	open := a.openRequest
	if a.hub != "" { // an honest copy of its record is an older one
		open = readRequest
	}
	c, err := open(path)
	if err != nil {
		return err
	}
	remembered := "This state of the record is remembered here."
	if a.hub != "" {
		if err := a.comparedWithHub(c); err != nil {
			return err
		}
		remembered = "The hub's record of decisions begins with it."
	}
	line, head := newApprovalLine(c.decision(), c.clock(a)), c.ledger.Head()
	document := struct {
		approvalLine
		Records int64     `json:"records"`
		Time    time.Time `json:"time"`
	}{line, head.Size, head.Time}
	return a.say(document, func(w io.Writer) {
		fmt.Fprintf(w, "%s: %s\nIt holds: %d entries in the record of decisions, up to %s.\n%s: %s.\n%s\nNext: datanet approval show %s\n",
			c.id, line.Title, head.Size, head.Time.Format(time.DateTime), capital(line.Status), line.Says, remembered, quote(path))
	})
}

// comparedWithHub refuses a request whose record of decisions is not the
// beginning of this hub's: one of the two was rewritten.
func (a *app) comparedWithHub(c *consulted) error {
	h, err := a.openHub()
	if err != nil {
		return err
	}
	if h.ID != c.ledger.Hub() {
		return &refusal{"the request came from another hub", "give it without --hub, and without DATANET_HUB", linkage.CheckHub}
	}
	return h.ledger.CheckExtends(c.ledger.Head())
}

func capital(word string) string {
	if word == "" {
		return ""
	}
	return strings.ToUpper(word[:1]) + word[1:]
}

// carryAnswer writes what a Guardian answers to a file, when the rules would
// let it in as things stand in the record at hand.
func (a *app) carryAnswer(c *consulted, kind answer, key *guardian, out string, body linkage.Body) error {
	dataset := key.Dataset
	record, err := linkage.NewRecord(c.clock(a), body)
	if err != nil {
		return err
	}
	if err := c.decisions.Allows(record, c.clock(a)); err != nil {
		return err
	}
	carried, err := linkage.CarryAnswer(c.ledger.Hub(), record)
	if err != nil {
		return err
	}
	if out == "" {
		out = c.id + "." + dataset + "." + kind.done
	}
	if err := writeNew(out, carried); err != nil {
		return err
	}
	return a.say(map[string]any{"id": c.id, "dataset": dataset, "answer": kind.done, "out": out}, func(w io.Writer) {
		fmt.Fprintf(w, "%s: %s by %s, in the file %s.\nIt counts once it is in the hub's record of decisions. Send it there; whoever runs the hub takes it in with:\n  datanet approval import %s\n",
			c.id, kind.done, decider(c.trust, key), out, quote(out))
		if kind.done == revokes.done && c.decision().Status(c.clock(a)) == linkage.StatusApproved {
			fmt.Fprintln(w, "Until then the approval stands. Ask to be told when it was taken in.")
		}
	})
}
