package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"datanet/linkage"
)

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
