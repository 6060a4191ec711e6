package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"datanet/linkage/pages"
)

func newApprovalRegister(a *app) *cobra.Command {
	return newPagesCommand(a, &cobra.Command{
		Use: "register --out DIR", Short: "write the public register of data uses",
		Long: `Writes a page, index.html, and the same as register.csv and register.json: every request
about which a Guardian has decided, what for, which data, for whom, until when, how it
stands, and what was published under it. Those refused, revoked and ended stand apart.
Drafts that nobody has signed are not in it. The users that a request names are named.

It is written from the record of decisions alone, as of its newest entry: the same record
gives the same bytes. DIR is new, empty, or an earlier register, whose place it takes whole
or not at all. In the CSV file a cell that begins with = + - @, a tab, a carriage return
or an apostrophe has an apostrophe put before it, so that no spreadsheet takes it for a
formula. Everybody may read the files.`,
		Example: "  datanet approval register --out register --hub hub",
	}, pages.Register, pages.WriteRegister)
}

func newApprovalHistory(a *app) *cobra.Command {
	return newPagesCommand(a, &cobra.Command{
		Use: "history --out DIR", Short: "write everything that was ever decided and done",
		Long: `Writes every entry of the record of decisions in plain words: a page, decisions.html, and
decisions.csv with a row for each entry. DIR is new, empty, or an earlier history, whose
place it takes whole or not at all. In the CSV file a cell that begins with = + - @, a tab,
a carriage return or an apostrophe has an apostrophe put before it, so that no spreadsheet
takes it for a formula. Only you may read the files.`,
		Example: "  datanet approval history --out decisions --hub hub",
	}, pages.History, pages.WriteHistory)
}

// newPagesCommand makes a folder of pages from the record of decisions.
func newPagesCommand(a *app, c *cobra.Command, made func(pages.Record) ([]pages.File, error), write func(string, []pages.File) error) *cobra.Command {
	var out string
	c.Args = cobra.NoArgs
	a.command(c, func(context.Context, []string) error { return a.writePages(out, made, write) })
	c.Flags().StringVar(&out, "out", "", "the folder to write")
	c.MarkFlagRequired("out")
	return c
}

func (a *app) writePages(out string, made func(pages.Record) ([]pages.File, error), write func(string, []pages.File) error) error {
	if out == "" {
		return &useError{"--out is empty", "name a folder"}
	}
	h, err := a.openHub()
	if err != nil {
		return err
	}
	record, err := pages.Of(h.ledger)
	if err != nil {
		return err
	}
	files, err := made(record)
	if err != nil {
		return err
	}
	if a.ctx.Err() != nil {
		return a.ctx.Err()
	}
	if err := write(out, files); err != nil {
		return err
	}
	var names []string
	for _, f := range files {
		names = append(names, filepath.Join(out, f.Name))
	}
	head := h.ledger.Head()
	return a.say(map[string]any{"files": names, "records": head.Size, "time": head.Time}, func(w io.Writer) {
		for _, name := range names {
			fmt.Fprintln(w, name)
		}
		fmt.Fprintf(w, "As of entry %d of the record of decisions.\n", head.Size-1)
	})
}

// showPage writes one request as a page.
func (a *app) showPage(asked, path string) error {
	c, err := a.consult(asked)
	if err != nil {
		return err
	}
	record, err := pages.Of(c.ledger)
	if err != nil {
		return err
	}
	page, err := pages.Request(record, c.id)
	if err != nil {
		return err
	}
	return a.writePage(path, page)
}

// statusPage writes how the hub stands as a page, from what --json prints.
func (a *app) statusPage(path string, s hubStatus) error {
	document, err := json.Marshal(s)
	if err != nil {
		return err
	}
	page, err := pages.Status(document)
	if err != nil {
		return err
	}
	return a.writePage(path, page)
}

func (a *app) writePage(path string, page []byte) error {
	if err := pages.WritePage(path, page); err != nil {
		return err
	}
	return a.say(map[string]string{"page": path}, func(w io.Writer) { fmt.Fprintln(w, path) })
}
