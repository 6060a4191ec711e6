package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"datanet/pipeline/hub"
	"datanet/pipeline/inspect"
	"datanet/schemas"
)

// inspected is what --json prints of an extract.
type inspected struct {
	Kind      string            `json:"kind"`
	Manifest  *schemas.Manifest `json:"manifest"`
	Digest    string            `json:"manifest_sha256"`
	Tables    []schemas.Table   `json:"tables"`
	Whole     bool              `json:"files_match"`
	Signature signature         `json:"signature"`
	Figures   *inspect.Report   `json:"figures"` // null when the files do not match

	wrong string // what does not hold, first
}

// A signature is what can be said of one without knowing whose keys count.
type signature struct {
	Key     string `json:"key"`     // the name and hash of the key that it says it was made with
	Holds   bool   `json:"holds"`   // it is a signature's form, over this manifest, in the name of this site
	Checked bool   `json:"checked"` // always false: there is no list of trusted keys here
}

func (a *app) inspectExtract(ctx context.Context, o inspectOptions, dir string) error {
	d, err := hub.OpenDelivery(dir)
	if err != nil {
		return errNothingThere()
	}
	defer d.Close()
	x, err := readExtract(d)
	if err != nil {
		return err
	}
	if x.Whole {
		dataset, err := schemas.DatasetByID(x.Manifest.Dataset)
		if err != nil {
			return err
		}
		if x.Figures, err = a.figures(ctx, o, dir, x.sources(dir), dataset.Combinations()); err != nil {
			return err
		}
	}
	if err := a.say(x, func(w io.Writer) { printInspected(w, x, o) }); err != nil {
		return err
	}
	if !x.Whole {
		return &integrityError{x.wrong, "do not use it, and do not send it; extract again, or ask the site to send it again"}
	}
	return nil
}

// readExtract reads the manifest and holds everything else to it.
func readExtract(d *hub.Delivery) (*inspected, error) {
	body, err := d.Small("manifest.json", schemas.MaxManifest)
	if err != nil {
		return nil, err
	}
	m, err := schemas.DecodeManifest(body)
	if err != nil {
		return nil, &integrityError{err.Error(), "extract again, or ask the site to send it again"}
	}
	dataset, err := schemas.DatasetByID(m.Dataset)
	if err != nil {
		return nil, err
	}
	x := &inspected{Kind: "extract", Manifest: m, Digest: schemas.Digest(body), Tables: dataset.Tables, Whole: true}
	known := []string{"manifest.json", "manifest.sig"}
	for _, f := range m.AllFiles() {
		known = append(known, f.Name)
		if d.Verify(f.Name, f.SHA256, f.Bytes) != nil {
			x.broken("a file of the extract is not the one that its manifest names")
		}
	}
	if d.Alone(known...) != nil {
		x.broken("a file lies in the extract's folder that its manifest does not name")
	}
	signed, err := d.Small("manifest.sig", 4<<10)
	x.Signature = signatureOn(signed, m, x.Digest)
	if err != nil || !x.Signature.Holds {
		x.broken("the signature is missing, or of another manifest or site")
	}
	return x, nil
}

func (x *inspected) broken(rule string) {
	if x.Whole {
		x.Whole, x.wrong = false, rule
	}
}

// signatureOn reads a signature without a key to check it by.
func signatureOn(signed []byte, m *schemas.Manifest, digest string) signature {
	var unverified *note.UnverifiedNoteError
	if _, err := note.Open(signed, note.VerifierList()); !errors.As(err, &unverified) || len(unverified.Note.UnverifiedSigs) != 1 {
		return signature{}
	}
	by := unverified.Note.UnverifiedSigs[0]
	if unverified.Note.Text != schemas.Statement("manifest", digest) || by.Name != "site/"+m.Dataset+"/"+m.Site {
		return signature{}
	}
	return signature{Key: fmt.Sprintf("%s+%08x", by.Name, by.Hash), Holds: true}
}

func (x *inspected) sources(dir string) []inspect.Source {
	var all []inspect.Source
	for i, f := range x.Manifest.Files {
		all = append(all, inspect.Source{Name: f.Table, Path: filepath.Join(dir, f.Name), Rows: f.Rows, Table: &x.Tables[i]})
	}
	return all
}

func printInspected(w io.Writer, x *inspected, o inspectOptions) {
	if o.column != "" && x.Figures != nil {
		printFigures(w, x.Figures, x.sources(""), o)
		return
	}
	m := x.Manifest
	fmt.Fprintf(w, "extract %d of site %s of %s, as at %s (%s)\n", m.Sequence, m.Site, m.Dataset, m.AsAt, m.SourceFormat)
	if m.TestNumbers {
		fmt.Fprintln(w, "synthetic people: test NHS numbers only")
	}
	fmt.Fprintf(w, "about %s people; about %s left out for their choices and safety\n", thousands(m.Persons), thousands(m.LeftOut))
	fmt.Fprintf(w, "linkage key %s, wrap key %s (check values)\ntool %s\n", m.LinkageCheck, m.WrapCheck, m.Tool)
	printGovernance(w, m)
	if m.Geography != "" {
		wrapped(w, "", "geography "+m.Geography)
	}
	if m.IgnoredColumns > 0 {
		fmt.Fprintf(w, "source columns that the format does not know, left unread: %d\n", m.IgnoredColumns)
	}
	wrapped(w, "", "code lists: "+versions(m.CodeLists))
	if x.Signature.Holds {
		wrapped(w, "", "signed, it says, by "+x.Signature.Key+". Whose key that is cannot be told here: compare it with what datanet key show says at the site, or have load check it.")
	}
	if x.Figures == nil {
		for _, t := range x.Tables {
			fmt.Fprintf(w, "\n%s: a row is %s\n", t.Name, t.Grain)
			printColumnsOf(w, &t)
		}
		fmt.Fprintf(w, "\nTHIS IS NOT AS IT WAS SIGNED: a file or the signature is missing, changed or one too many. Do not use it.\n")
		return
	}
	printFigures(w, x.Figures, x.sources(""), o)
	fmt.Fprintln(w, "\nThe files are the ones that the manifest names.")
}

// versions says which code lists were used, those of one version together.
func versions(lists map[string]string) string {
	by := map[string][]string{}
	for _, name := range slices.Sorted(maps.Keys(lists)) {
		by[lists[name]] = append(by[lists[name]], name)
	}
	var all []string
	for _, v := range slices.Sorted(maps.Keys(by)) {
		all = append(all, strings.Join(by[v], ", ")+" ("+v+")")
	}
	if len(all) == 0 {
		return "none"
	}
	return strings.Join(all, "; ")
}
