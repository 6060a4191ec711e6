package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"datanet/pipeline/hub"
	"datanet/pipeline/publication"
	"datanet/schemas"
)

func newInspect(a *app) *cobra.Command {
	return a.command(&cobra.Command{
		Use: "inspect PATH", Short: "look at an extract, a release, linked tables or a publication; touch nothing",
		Long: `Says what a folder is, what it holds, and whether its files are the ones that its
manifest names. Whose signature is on it can be checked only where the signer's
public key is known: at the hub, by load, or by query.`,
		Example: "  datanet inspect extracts/primary-care_Z99001_2026-10-31", Args: cobra.ExactArgs(1),
	}, func(_ context.Context, args []string) error {
		for file, look := range map[string]func(dir string) error{
			"publication.json": a.inspectPublication, hub.ReleaseFile: a.inspectRelease, hub.LinkedFile: a.inspectLinked,
		} {
			if _, err := os.Stat(filepath.Join(args[0], file)); err == nil {
				return look(args[0])
			}
		}
		return a.inspectExtract(args[0])
	})
}

// inspected is what --json prints of an extract.
type inspected struct {
	Kind     string            `json:"kind"`
	Manifest *schemas.Manifest `json:"manifest"`
	Digest   string            `json:"manifest_sha256"`
	Tables   []schemas.Table   `json:"tables"`
	Whole    bool              `json:"files_match"`
}

func (a *app) inspectExtract(dir string) error {
	body, err := readPlain(filepath.Join(dir, "manifest.json"), schemas.MaxManifest)
	if err != nil {
		return &useError{"there is no extract, release, linked table or publication here", "give the folder that datanet extract, release, link or publish wrote"}
	}
	m, err := schemas.DecodeManifest(body)
	if err != nil {
		return &integrityError{err.Error(), "ask the site to send it again"}
	}
	d, err := schemas.DatasetByID(m.Dataset)
	if err != nil {
		return err
	}
	x := inspected{Kind: "extract", Manifest: m, Digest: schemas.Digest(body), Tables: d.Tables, Whole: true}
	for _, f := range m.Files {
		if digest, err := digestOf(filepath.Join(dir, f.Name), f.Bytes); err != nil || digest != f.SHA256 {
			x.Whole = false
		}
	}
	if err := a.say(x, func(w io.Writer) { printInspected(w, x) }); err != nil {
		return err
	}
	if !x.Whole {
		return &integrityError{"a file of the extract is not the one that its manifest names", "do not use it; ask the site to send it again"}
	}
	return nil
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

func digestOf(path string, bytes int64) (string, error) {
	f, err := plain(path, bytes)
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, io.LimitReader(f, bytes)); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

func printInspected(w io.Writer, x inspected) {
	m := x.Manifest
	fmt.Fprintf(w, "extract %d of site %s of %s, as at %s (%s)\n", m.Sequence, m.Site, m.Dataset, m.AsAt, m.SourceFormat)
	if m.TestNumbers {
		fmt.Fprintln(w, "synthetic people: test NHS numbers only")
	}
	fmt.Fprintf(w, "about %s people; about %s left out for their choices and safety\n", thousands(m.Persons), thousands(m.LeftOut))
	fmt.Fprintf(w, "linkage key %s, wrap key %s (check values)\npolicy %s, tool %s\n", m.LinkageCheck, m.WrapCheck, m.Policy, m.Tool)
	for i, t := range x.Tables {
		fmt.Fprintf(w, "\n%s: %s rows, %s bytes; a row is %s\n", t.Name, thousands(m.Files[i].Rows), thousands(m.Files[i].Bytes), t.Grain)
		for _, c := range t.Columns {
			fmt.Fprintf(w, "  %-18s %-9s %s\n", c.Name, c.Type, c.Description)
		}
	}
	if x.Whole {
		fmt.Fprintln(w, "\nThe files are the ones that the manifest names.")
	} else {
		fmt.Fprintln(w, "\nA FILE IS NOT THE ONE THAT THE MANIFEST NAMES: do not use this extract.")
	}
}

func (a *app) inspectPublication(dir string) error {
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
	})
}
