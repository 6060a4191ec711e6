package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"datanet/linkage"
	"datanet/schemas"
)

type draftOptions struct {
	want     linkage.Approval
	datasets []string
	pairs    []string
	columns  string
}

func newApprovalDraft(a *app) *cobra.Command {
	var o draftOptions
	c := a.command(&cobra.Command{
		Use: "draft --datasets A,B --pairs A:B …", Short: "ask for an approval",
		Long: `Writes a request into the hub's record of decisions, for the datasets' Caldicott
Guardians to read and sign. What is asked cannot be changed afterwards: ask anew.

--columns default asks for what the catalogue's measures of these pairs need and what
says who is in each dataset, and for no more. A file names columns, one to a line:
dataset table column.`,
		Example: `  datanet approval draft --datasets primary-care,slam --pairs primary-care:slam --columns default \
    --title "Physical health in severe mental illness" --summary "Who misses blood pressure checks" \
    --purpose "Population health management" --legal-basis "UK GDPR 6(1)(e) and 9(2)(h)" --dpia DPIA-1 \
    --applicant "$(datanet key show --public applicant.key)" --users analysts --from 2026-11-01 --until 2027-04-30`,
		Args: cobra.NoArgs,
	}, func(context.Context, []string) error { return a.runDraft(o) })
	f := c.Flags()
	f.StringSliceVar(&o.datasets, "datasets", nil, "datasets, the one whose people all stay first")
	f.StringSliceVar(&o.pairs, "pairs", nil, "pairs of datasets that may be joined, as A:B; every pair is named")
	f.StringVar(&o.columns, "columns", "default", "default, or a file of lines: dataset table column")
	for _, field := range []struct {
		name, help string
		into       *string
		required   bool
	}{
		{"title", "title", &o.want.Title, true},
		{"summary", "summary for lay readers", &o.want.Summary, true},
		{"purpose", "what the joined data are for", &o.want.Purpose, true},
		{"legal-basis", "legal basis", &o.want.LegalBasis, true},
		{"dpia", "reference of the data protection impact assessment", &o.want.DPIA, true},
		{"applicant", "verifier key of who asks", &o.want.Applicant, true},
		{"from", "first day, YYYY-MM-DD", &o.want.From, true},
		{"until", "last day, YYYY-MM-DD", &o.want.Until, true},
		{"review", "day of review (default: a year after the first day, or the last day)", &o.want.Review, false},
		{"denominator", "dataset whose people stay although they link to nobody (default: the first)", &o.want.Denominator, false},
		{"cohort", "who may be included: all (default: all)", &o.want.Cohort, false},
		{"refresh", "how often it may be released: none, which is once (default: none)", &o.want.Refresh, false},
		{"opt-outs", "how opt-outs count: as-loaded (default: as-loaded)", &o.want.OptOuts, false},
		{"disclosure", "disclosure policy (default: the hub's)", &o.want.Disclosure, false},
	} {
		f.StringVar(field.into, field.name, "", field.help)
		if field.required {
			c.MarkFlagRequired(field.name)
		}
	}
	f.StringSliceVar(&o.want.Users, "users", nil, "who may work with the joined data")
	for _, name := range []string{"datasets", "users"} {
		c.MarkFlagRequired(name)
	}
	return c
}

func (a *app) runDraft(o draftOptions) error {
	want, err := o.approval()
	if err != nil {
		return err
	}
	h, err := a.openHub()
	if err != nil {
		return err
	}
	if _, err := h.ledgerKey(); err != nil {
		return err
	}
	var drafted *linkage.Approval
	if err := a.alone(h.Dir(), func() error { // the id is the next one that is free
		h, err = a.openHub()
		if err != nil {
			return err
		}
		if drafted, err = linkage.Draft(h.ledger, want, a.now()); err != nil {
			return err
		}
		body, err := linkage.NewApproval(drafted)
		if err != nil {
			return err
		}
		return a.record(h, body)
	}); err != nil {
		return err
	}
	document := map[string]any{"id": drafted.ID, "approval_sha256": drafted.SHA256(), "status": linkage.StatusDraft, "datasets": drafted.Names()}
	return a.say(document, func(w io.Writer) {
		fmt.Fprintf(w, "%s: %s\nIt waits for the Guardian of %s to sign, with:\n  datanet approval sign %s --guardian KEYFILE\n",
			drafted.ID, drafted.Title, strings.Join(drafted.Names(), " and of "), drafted.ID)
		if drafted.Denominator != "primary-care" && slices.Contains(drafted.Names(), "primary-care") {
			fmt.Fprintf(w, "Note: everybody of %s stays, and of primary care those only who link; the measures of linked data need it the other way round: --denominator primary-care.\n", drafted.Denominator)
		}
	})
}

// approval is the request as it was typed.
func (o draftOptions) approval() (linkage.Approval, error) {
	want := o.want
	for _, p := range o.pairs {
		pair, ok := linkage.ParsePair(p)
		if !ok {
			return want, &useError{"--pairs is not a list of pairs", "a pair is written A:B, for example primary-care:slam"}
		}
		want.Pairs = append(want.Pairs, pair)
	}
	columns, err := o.scope()
	if err != nil {
		return want, err
	}
	for _, name := range o.datasets {
		if _, err := schemas.DatasetByID(name); err != nil {
			return want, err
		}
		want.Datasets = append(want.Datasets, linkage.Scope{Dataset: name, Columns: columns[name]})
		delete(columns, name)
	}
	for name := range columns {
		return want, &useError{"the file of columns names the dataset " + quote(name) + ", which is not asked for", "name it with --datasets too, or leave its columns out"}
	}
	return want, nil
}

// scope is the columns asked for, by dataset.
func (o draftOptions) scope() (map[string][]linkage.Column, error) {
	columns := map[string][]linkage.Column{}
	if o.columns == "default" {
		for dataset, needed := range schemas.StandardCatalogue().ColumnsFor(o.datasets) {
			for _, c := range needed {
				columns[dataset] = append(columns[dataset], linkage.Column{Table: c.Table, Name: c.Name})
			}
		}
		return columns, nil
	}
	text, err := readPlain(o.columns, 1<<20)
	if err != nil {
		return nil, &useError{"the file of columns cannot be read", "--columns is default, or a file of lines: dataset table column"}
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		words := strings.Fields(lines.Text())
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		if len(words) != 3 {
			return nil, &useError{fmt.Sprintf("line %d of the file of columns is not three words", n), "a line reads: dataset table column"}
		}
		c := linkage.Column{Table: words[1], Name: words[2]}
		if slices.Contains(columns[words[0]], c) {
			return nil, &useError{fmt.Sprintf("line %d of the file of columns names a column twice", n), "name each column once"}
		}
		columns[words[0]] = append(columns[words[0]], c)
	}
	return columns, lines.Err()
}
