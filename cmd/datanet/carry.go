package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"datanet/linkage"
	"datanet/pipeline/hub"
)

// mostRequest bounds a request that came as a file: it carries the whole record
// of decisions.
const mostRequest = 1 << 28

// A consulted is a record of decisions that somebody reads: at the hub, or in a
// file that came from it.
type consulted struct {
	hub       *openHub // nil where it came as a file
	id        string   // of the approval that was asked for
	ledger    *linkage.Ledger
	decisions *linkage.Decisions
	trust     linkage.Trust
}

// consult finds an approval by its id at the hub, or in a request that came as
// a file.
func (a *app) consult(asked string) (*consulted, error) {
	if !linkage.IsApprovalID(asked) {
		return a.openRequest(asked)
	}
	h, err := a.openHub()
	if err != nil {
		return nil, err
	}
	if _, err := h.decision(asked); err != nil {
		return nil, err
	}
	return &consulted{hub: h, id: asked, ledger: h.ledger, decisions: h.decisions, trust: h.trust}, nil
}

// openRequest reads a request that came as a file, and remembers the record of
// decisions that came with it as the hub's.
func (a *app) openRequest(path string) (*consulted, error) {
	c, err := readRequest(path)
	if err != nil {
		return nil, err
	}
	if _, err := a.remember(c.ledger.Hub(), func() (*linkage.Ledger, error) { return c.ledger, nil }); err != nil {
		return nil, err
	}
	return c, nil
}

// readRequest reads a request that came as a file, and all that came with it.
func readRequest(path string) (*consulted, error) {
	raw, err := readPlain(path, mostRequest)
	if err != nil {
		return nil, &useError{"there is no approval with such an id, and no such file: " + quote(path), "an id reads like 2026-001, and datanet approval list shows them; a file is made by datanet approval export"}
	}
	if !linkage.IsRequest(raw) {
		return nil, &useError{path + " is not a request in a file", "it is a file that datanet approval export makes"}
	}
	id, l, err := linkage.OpenRequest(raw)
	if err != nil {
		return nil, err
	}
	decisions, err := l.Decisions()
	if err != nil {
		return nil, err
	}
	return &consulted{id: id, ledger: l, decisions: decisions, trust: decisions.Trust()}, nil
}

func (c *consulted) decision() *linkage.Decision { return c.decisions.Of(c.id) }

func (c *consulted) clock(a *app) time.Time { return c.ledger.Head().Clock(a.now()) }

// plain is the approval in plain words, with what it connects to and whose keys
// decide about it.
func (c *consulted) plain(a *app) string {
	request := c.decision().Approval
	text := request.Plain(c.decisions.All(), c.clock(a)) + "\nWhose keys count\n  Compare them with the people, not with the hub.\n"
	for _, name := range request.Names() {
		has := c.trust.Dataset(name)
		text += fmt.Sprintf("  %s\n    Guardian  %s\n", name, has.Guardian)
		for _, deputy := range has.Deputies {
			text += fmt.Sprintf("    deputy    %s, until %s\n", deputy.Key, deputy.Until)
		}
	}
	if c.hub == nil {
		text += fmt.Sprintf("\nRead from a copy of the record of decisions of %s. What was decided since is not in it.\n", c.ledger.Head().Time.Format(time.DateOnly))
	}
	return text
}

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

// freshen signs the record of decisions anew when that was last done a day ago.
func (a *app) freshen(h *openHub) error { return a.signAnew(h, 24*time.Hour, false) }

// signAnew signs the head of the record of decisions with the present time when
// it is as old as this, where the key for it is at hand.
func (a *app) signAnew(h *openHub, age time.Duration, acceptClock bool) error {
	if a.now().Sub(h.ledger.Head().Time) < age {
		return nil
	}
	key, err := h.ledgerKey()
	if err != nil {
		return nil // whoever lacks it reads what there is
	}
	if err := h.ledger.Resign(key.Signer, a.now(), acceptClock); err != nil {
		return err
	}
	return a.read(h)
}

func newApprovalVerify(a *app) *cobra.Command {
	var head string
	c := a.command(&cobra.Command{
		Use: "verify [FILE | FOLDER]", Short: "check the whole record of decisions, every signature in it included",
		Long: `Reads every record again and checks it: that nothing was changed, removed or put in
since the head that this tool remembers, that every signature holds, and that every
step was allowed when it was taken. Anybody who can read the record can do it: at the
hub, from a copy of its ledger folder, or from a request that was exported. With --head
it is also held against a head that somebody kept: a copy of the file ledger/head.

A folder of proofs (datanet approval prove) is checked for what it proves.`,
		Example: "  datanet approval verify --hub hub\n  datanet approval verify 2026-001.request --head head-of-last-year", Args: cobra.MaximumNArgs(1),
	}, func(_ context.Context, args []string) error { return a.runVerify(args, head) })
	c.Flags().StringVar(&head, "head", "", "a head that somebody kept, which the record must extend")
	return c
}

func (a *app) runVerify(args []string, headFile string) error {
	if len(args) == 1 && headFile == "" && isEvidence(args[0]) {
		return a.verifyEvidence(args[0])
	}
	l, err := a.verifiable(args)
	if err != nil {
		return err
	}
	if !l.Carried() {
		err = l.Verify()
	}
	if err != nil {
		return err
	}
	decisions, err := l.Decisions()
	if err != nil {
		return err
	}
	document := verifiedRecord{Records: l.Head().Size, Root: l.Head().Root.String(), Time: l.Head().Time, Approvals: len(decisions.All())}
	for _, d := range decisions.All() {
		document.Signatures += len(d.Signatures)
	}
	if headFile != "" {
		old, err := a.keptHead(headFile, l)
		if err != nil {
			return err
		}
		document.Since, document.Extends = &old.Time, old.Size
	}
	return a.say(document, func(w io.Writer) { printVerified(w, document) })
}

// A verifiedRecord is what --json prints.
type verifiedRecord struct {
	Records    int64      `json:"records"`
	Root       string     `json:"root"`
	Time       time.Time  `json:"time"`
	Approvals  int        `json:"approvals"`
	Signatures int        `json:"signatures"`
	Extends    int64      `json:"extends,omitempty"` // the entries of the head that was kept
	Since      *time.Time `json:"since,omitempty"`   // when that head was signed
}

func printVerified(w io.Writer, v verifiedRecord) {
	fmt.Fprintf(w, "The record of decisions holds: %d entries up to %s; approvals: %d, signatures under them: %d.\n  its state %s\n",
		v.Records, v.Time.Format(time.DateTime), v.Approvals, v.Signatures, v.Root)
	if v.Since != nil {
		fmt.Fprintf(w, "It begins with the %d entries that were there on %s, unchanged.\n", v.Extends, v.Since.Format(time.DateTime))
	}
}

// verifiable finds the record of decisions that is asked about.
func (a *app) verifiable(args []string) (*linkage.Ledger, error) {
	if len(args) == 0 {
		h, err := a.openHub()
		if err != nil {
			return nil, err
		}
		return h.ledger, nil
	}
	info, err := os.Stat(args[0])
	switch {
	case err != nil:
		return nil, &useError{"there is no such file or folder", "give a request that datanet approval export made, or a copy of a hub's ledger folder"}
	case info.IsDir():
		l, err := linkage.OpenFolder(args[0])
		if errors.Is(err, os.ErrNotExist) {
			return nil, &useError{"the folder holds no record of decisions", "give a copy of a hub's ledger folder"}
		}
		if err != nil {
			return nil, err
		}
		return a.remember(l.Hub(), func() (*linkage.Ledger, error) { return l, nil })
	}
	c, err := a.openRequest(args[0])
	if err != nil {
		return nil, err
	}
	return c.ledger, nil
}

// keptHead reads a head that somebody kept and holds the record against it.
func (a *app) keptHead(path string, l *linkage.Ledger) (linkage.Head, error) {
	raw, err := readPlain(path, 4<<10)
	if err != nil {
		return linkage.Head{}, &useError{"the head cannot be read", "--head takes a copy of the file ledger/head of a hub"}
	}
	old, err := linkage.ParseHead(raw, l.Key())
	if err != nil {
		return linkage.Head{}, err
	}
	return old, extends(l, old)
}
