package main

import (
	"fmt"
	"io"
	"strings"

	"datanet/pipeline/hub"
	"datanet/schemas"
)

// inspectRelease looks at what a custodian gave to a project. Whose signature
// is on it is for link to check, at the hub.
func (a *app) inspectRelease(dir string) error {
	r, err := hub.OpenRelease(dir)
	if err != nil {
		return err
	}
	defer r.Close()
	broken := r.VerifyFiles()
	document := map[string]any{"kind": "release", "release": r.Release, "release_sha256": r.Digest, "files_match": broken == nil}
	if err := a.say(document, func(w io.Writer) {
		x := r.Release
		fmt.Fprintf(w, "release of %s to approval %s, as at %s\n", x.Dataset, x.Approval, x.AsAt)
		fmt.Fprintf(w, "about %s people; about %s more were left out, without a usable NHS number\n", thousands(x.Persons), thousands(x.Unlinkable))
		fmt.Fprintf(w, "linkage key %s, project key %s (check values)\n", x.LinkageCheck, x.ProjectCheck)
		d, _ := schemas.DatasetByID(x.Dataset)
		for _, t := range x.Tables {
			printSchema(w, t.Table, t.Rows, t.Bytes, d.TableByName(t.Table).Only(t.Columns))
		}
		printMatch(w, broken == nil)
	}); err != nil {
		return err
	}
	return broken
}

// inspectLinked looks at the linked tables of a project.
func (a *app) inspectLinked(dir string) error {
	l, err := hub.OpenLinked(dir, "")
	if err != nil {
		return err
	}
	defer l.Close()
	document := map[string]any{"kind": "linked", "linked": l.Linked, "linked_sha256": l.Digest, "files_match": true}
	return a.say(document, func(w io.Writer) {
		x := l.Linked
		fmt.Fprintf(w, "linked tables of approval %s: %s people\n", x.Approval, thousands(x.People))
		for _, d := range x.Datasets {
			fmt.Fprintf(w, "  %-14s as at %s: %s people, %s of them linked\n", d.Dataset, d.AsAt, thousands(d.People), thousands(d.Linked))
		}
		names := []string{}
		for _, d := range x.Datasets {
			names = append(names, d.Dataset)
		}
		for _, t := range x.Tables {
			printSchema(w, t.Name(), t.Rows, t.Bytes, linkedTable(t, names))
		}
		printMatch(w, true)
	})
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

func printSchema(w io.Writer, name string, rows, bytes int64, t *schemas.Table) {
	fmt.Fprintf(w, "\n%s: %s rows, %s bytes; a row is %s\n", name, thousands(rows), thousands(bytes), strings.TrimSpace(t.Grain))
	for _, c := range t.Columns {
		fmt.Fprintf(w, "  %-18s %-9s %s\n", c.Name, c.Type, c.Description)
	}
}

func printMatch(w io.Writer, whole bool) {
	if whole {
		fmt.Fprintln(w, "\nThe files are the ones that the description names.")
	} else {
		fmt.Fprintln(w, "\nA FILE IS NOT THE ONE THAT THE DESCRIPTION NAMES: do not use this.")
	}
}
