package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"datanet/pipeline/hub"
	"datanet/pipeline/inspect"
	"datanet/pipeline/publication"
	"datanet/schemas"
)

type inspectOptions struct {
	column string
	limits limits
}

func newInspect(a *app) *cobra.Command {
	var o inspectOptions
	c := a.command(&cobra.Command{
		Use: "inspect PATH", Short: "look at an extract, a release, linked tables or a publication; touch nothing",
		Long: `Says what a folder is, what it holds, and whether its files are the ones that its
manifest names. Of tables of coded rows it says what is in every column and how
easily people could be told apart. Figures are of people, rounded to 5, and 1 to 7
people are withheld, so they may be shown to whoever has to agree.

It has no list of trusted keys: it says whose signature a manifest claims to bear,
and load checks it. Nothing is written, neither there nor elsewhere.`,
		Example: `  datanet inspect extracts/primary-care_Z99001_2026-10-31
  datanet inspect extracts/primary-care_Z99001_2026-10-31 --column patients.ward`, Args: cobra.ExactArgs(1),
	}, func(ctx context.Context, args []string) error { return a.runInspect(ctx, o, args[0]) })
	c.Flags().StringVar(&o.column, "column", "", "look closer at one column, as TABLE.COLUMN")
	o.limits.flags(c, "1GiB")
	return c
}

func (a *app) runInspect(ctx context.Context, o inspectOptions, path string) error {
	if _, _, err := o.limits.read(); err != nil {
		return err
	}
	if sealed(path) {
		return a.sayOnly(o, map[string]any{"kind": "sealed"},
			"sealed: only the custodian whom it is for can open it.\nLook at an extract before it is sealed: nothing in it can be seen here.\n")
	}
	dir, err := filepath.EvalSymlinks(path)
	if err != nil {
		return errNothingThere()
	}
	for _, kind := range []struct {
		file string
		look func(ctx context.Context, o inspectOptions, dir string) error
	}{{"publication.json", a.inspectPublication}, {hub.ReleaseFile, a.inspectRelease}, {hub.LinkedFile, a.inspectLinked}, {"manifest.json", a.inspectExtract}} {
		if _, err := os.Lstat(filepath.Join(dir, kind.file)); err == nil {
			return kind.look(ctx, o, dir)
		}
	}
	return errNothingThere()
}

func errNothingThere() error {
	return &useError{"there is no extract, release, linked table or publication here", "give the folder that datanet extract, release, link or publish wrote"}
}

// sealed says whether a file is one that only its recipient can open.
func sealed(path string) bool {
	f, err := plain(path, 1<<50)
	if err != nil {
		return false
	}
	defer f.Close()
	const first = "age-encryption.org/"
	begin := make([]byte, len(first))
	_, err = io.ReadFull(f, begin)
	return err == nil && bytes.Equal(begin, []byte(first))
}

// sayOnly answers where there are no columns to look at.
func (a *app) sayOnly(o inspectOptions, document any, prose string) error {
	if o.column != "" {
		return &useError{"this has no columns to look at", "leave --column out"}
	}
	return a.say(document, func(w io.Writer) { fmt.Fprint(w, prose) })
}

// figures looks at tables in a folder whose files have been verified.
func (a *app) figures(ctx context.Context, o inspectOptions, dir string, tables []inspect.Source, combinations []schemas.Combination) (*inspect.Report, error) {
	threads, memory, err := o.limits.read()
	if err != nil {
		return nil, err
	}
	defer a.progressDone()
	return inspect.Run(ctx, inspect.Options{Folder: dir, Tables: tables, Combinations: combinations, Column: o.column,
		Threads: threads, Memory: memory, Progress: a.progress()})
}

// plain opens a regular file of at most so many bytes: not a link to somewhere
// else, nor a pipe that never ends.
func plain(path string, most int64) (*os.File, error) {
	if i, err := os.Lstat(path); err != nil {
		return nil, err
	} else if !i.Mode().IsRegular() || i.Size() > most {
		return nil, errors.New("not a plain file of the size expected")
	}
	return os.Open(path)
}

func readPlain(path string, most int64) ([]byte, error) {
	f, err := plain(path, most)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, most))
}

func (a *app) inspectPublication(_ context.Context, o inspectOptions, dir string) error {
	if o.column != "" {
		return &useError{"a publication has no columns of people to look at", "leave --column out; datanet query asks a publication"}
	}
	p, err := publication.Open(dir, func(h *publication.Header) (string, error) { return h.Publisher, nil })
	if err != nil {
		return err
	}
	return a.say(p.Header, func(w io.Writer) {
		fmt.Fprintf(w, "publication %s of %s by hub %s (%s), as at %s\n", p.ID, strings.Join(p.Sources(), " and "), p.Hub, p.HubName, p.AsAt)
		if p.Approval != nil {
			fmt.Fprintf(w, "linked under approval %s; it may be read until %s\n", p.ApprovalID(), p.LastDay)
		}
		fmt.Fprintf(w, "%s\ndisclosure policy %s\n", counted(p.Nodes, p.Withheld, p.Audit.ExactRecoveries), p.PolicyText)
		fmt.Fprintf(w, "signed by the key it names, %s\n", p.Publisher)
		for _, m := range p.Catalogue.Measures {
			fmt.Fprintf(w, "  %-20s %s\n", m.ID, m.Title)
		}
		for _, n := range p.NotAvailable {
			fmt.Fprintf(w, "  %-20s %s: %s\n", n.Measure, n.Title, n.Reason())
		}
	})
}
