package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"datanet/pipeline/hub"
	"datanet/pipeline/inspect"
	"datanet/schemas"
)

// inspectRelease looks at what a custodian gave to a project. Whose signature
// is on it is for link to check, at the hub.
func (a *app) inspectRelease(ctx context.Context, o inspectOptions, dir string) error {
	r, err := hub.OpenRelease(dir)
	if err != nil {
		return err
	}
	defer r.Close()
	d, err := schemas.DatasetByID(r.Release.Dataset)
	if err != nil {
		return err
	}
	var tables []inspect.Source
	var combinations []schemas.Combination
	for _, t := range r.Release.Tables {
		tables = append(tables, inspect.Source{Name: t.Table, Path: filepath.Join(dir, t.File()), Rows: t.Rows, Table: d.TableByName(t.Table).Only(t.Columns)})
		combinations = append(combinations, left(d, t.Table, t.Table, t.Columns)...)
	}
	broken := r.VerifyFiles()
	var figures *inspect.Report
	if broken == nil {
		if figures, err = a.figures(ctx, o, dir, tables, combinations); err != nil {
			return err
		}
	}
	document := map[string]any{"kind": "release", "release": r.Release, "release_sha256": r.Digest, "files_match": broken == nil, "figures": figures}
	return errors.Join(a.say(document, func(w io.Writer) {
		if o.column == "" {
			x := r.Release
			fmt.Fprintf(w, "release of %s to approval %s, as at %s\n", x.Dataset, x.Approval, x.AsAt)
			fmt.Fprintf(w, "about %s people; about %s more were left out, without a usable NHS number\n", thousands(x.Persons), thousands(x.Unlinkable))
			fmt.Fprintf(w, "linkage key %s, project key %s (check values)\n", x.LinkageCheck, x.ProjectCheck)
		}
		a.printTables(w, tables, figures, o)
	}), broken)
}

// inspectLinked looks at the linked tables of a project.
func (a *app) inspectLinked(ctx context.Context, o inspectOptions, dir string) error {
	l, err := hub.OpenLinked(dir, "")
	if err != nil {
		return err
	}
	defer l.Close()
	x := l.Linked
	var names []string
	for _, d := range x.Datasets {
		names = append(names, d.Dataset)
	}
	var tables []inspect.Source
	var combinations []schemas.Combination
	for _, t := range x.Tables {
		tables = append(tables, inspect.Source{Name: t.Name(), Path: filepath.Join(dir, t.File()), Rows: t.Rows, Table: linkedTable(t, names)})
		if d, err := schemas.DatasetByID(t.Dataset); err == nil {
			combinations = append(combinations, left(d, t.Table, t.Name(), t.Columns)...)
		}
	}
	figures, err := a.figures(ctx, o, dir, tables, combinations)
	if err != nil {
		return err
	}
	document := map[string]any{"kind": "linked", "linked": x, "linked_sha256": l.Digest, "files_match": true, "figures": figures}
	return a.say(document, func(w io.Writer) {
		if o.column == "" {
			fmt.Fprintf(w, "linked tables of approval %s: %s people\n", x.Approval, thousands(x.People))
			for _, d := range x.Datasets {
				fmt.Fprintf(w, "  %-14s as at %s: %s people, %s of them linked\n", d.Dataset, d.AsAt, thousands(d.People), thousands(d.Linked))
			}
		}
		a.printTables(w, tables, figures, o)
	})
}

// left are the dataset's combinations of one table with the columns that it
// has left, by the name that it has here. What becomes the same is one.
func left(d *schemas.Dataset, table, name string, columns []string) []schemas.Combination {
	var all []schemas.Combination
	seen := map[string]bool{}
	for _, c := range d.Combinations() {
		only := c.Only(columns)
		only.Table = name
		if key := strings.Join(only.Columns, " "); c.Table == table && key != "" && !seen[key] {
			seen[key], all = true, append(all, only)
		}
	}
	return all
}

// printTables prints the figures, or where files do not hold the columns alone.
func (a *app) printTables(w io.Writer, tables []inspect.Source, figures *inspect.Report, o inspectOptions) {
	if figures == nil {
		for _, t := range tables {
			fmt.Fprintf(w, "\n%s: a row is %s\n", t.Name, strings.TrimSpace(t.Table.Grain))
			printColumnsOf(w, t.Table)
		}
	} else {
		printFigures(w, figures, tables, o)
	}
	if o.column == "" {
		printMatch(w, figures != nil)
	}
}

// linkedTable describes a table of linked data.
func linkedTable(t schemas.LinkedTable, datasets []string) *schemas.Table {
	switch {
	case t.Dataset != "":
		d, _ := schemas.DatasetByID(t.Dataset)
		return d.TableByName(t.Table).Only(t.Columns)
	case t.Table == schemas.EdgesTable:
		return schemas.EdgeColumns(len(t.Columns) > 2)
	}
	return schemas.PeopleColumns(datasets)
}

func printColumnsOf(w io.Writer, t *schemas.Table) {
	for _, c := range t.Columns {
		fmt.Fprintf(w, "  %-18s %-9s %s\n", c.Name, c.Type, c.Description)
	}
}

func printMatch(w io.Writer, whole bool) {
	if whole {
		fmt.Fprintln(w, "\nThe files are the ones that the description names.")
	} else {
		fmt.Fprintln(w, "\nTHIS IS NOT AS IT WAS SIGNED: a file is missing, changed or one too many. Do not use it.")
	}
}
