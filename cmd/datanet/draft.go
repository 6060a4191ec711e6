package main

import (
	"bufio"
	"bytes"
	"cmp"
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
	measures []string
	given    func(flag string) bool

	applicantName string // of an SSH key
}

// needed are the flags without which there is no request, unless it supersedes
// another one, from which they are taken.
var needed = []string{"datasets", "title", "summary", "purpose", "legal-basis", "dpia", "applicant", "users", "from", "until"}

func newApprovalDraft(a *app) *cobra.Command {
	var o draftOptions
	c := a.command(&cobra.Command{
		Use: "draft --datasets A,B --pairs A:B …", Short: "ask for an approval",
		Long: `Writes a request into the hub's record of decisions, for the datasets' Caldicott
Guardians to read and sign. What is asked cannot be changed afterwards: --supersedes
asks anew, takes from the other request what is not given, and ends it once everybody
has signed. That is how an approval is amended, and renewed at its review.

--columns default asks for what the catalogue's measures of these pairs need and what
says who is in each dataset, and for no more; --measures for what some of them need.
A file names columns, one to a line: dataset table column.`,
		Example: `  datanet approval draft --datasets primary-care,slam --pairs primary-care:slam --columns default \
    --title "Physical health in severe mental illness" --summary "Who misses blood pressure checks" \
    --purpose "Population health management" --legal-basis "UK GDPR 6(1)(e) and 9(2)(h)" --dpia DPIA-1 \
    --applicant "$(datanet key show --public applicant.key)" --users analysts --from 2026-11-01 --until 2027-04-30
  datanet approval draft --supersedes 2026-001 --from 2027-05-01 --until 2027-10-31`,
		Args: cobra.NoArgs,
	}, func(context.Context, []string) error { return a.runDraft(o) })
	f := c.Flags()
	o.given = f.Changed
	f.StringVar(&o.want.Supersedes, "supersedes", "", "id of the approval that this one amends or renews")
	c.RegisterFlagCompletionFunc("supersedes", a.completeApproval)
	f.StringSliceVar(&o.measures, "measures", nil, "measures whose columns are asked for, instead of --columns")
	f.StringSliceVar(&o.datasets, "datasets", nil, "datasets, the one whose people all stay first")
	f.StringSliceVar(&o.pairs, "pairs", nil, "pairs of datasets that may be joined, as A:B; every pair is named")
	f.StringVar(&o.columns, "columns", "default", "default, or a file of lines: dataset table column")
	for _, field := range []struct {
		name, help string
		into       *string
	}{
		{"title", "title", &o.want.Title},
		{"summary", "summary for lay readers", &o.want.Summary},
		{"purpose", "what the joined data are for", &o.want.Purpose},
		{"legal-basis", "legal basis", &o.want.LegalBasis},
		{"dpia", "reference of the data protection impact assessment", &o.want.DPIA},
		{"applicant", "verifier key of who asks, or public SSH key: its line or its .pub file", &o.want.Applicant},
		{"applicant-name", "name of who asks, for an SSH key whose comment is none", &o.applicantName},
		{"from", "first day, YYYY-MM-DD", &o.want.From},
		{"until", "last day, YYYY-MM-DD", &o.want.Until},
		{"review", "day of review (default: a year after the first day, or the last day)", &o.want.Review},
		{"denominator", "dataset whose people stay although they link to nobody (default: the first)", &o.want.Denominator},
		{"cohort", "who may be included: all (default: all)", &o.want.Cohort},
		{"refresh", "how often it may be released: none, which is once (default: none)", &o.want.Refresh},
		{"opt-outs", "how opt-outs count: as-loaded, or \"as-loaded 92\" for data of at most 92 days when they are released (default: as-loaded)", &o.want.OptOuts},
		{"disclosure", "disclosure policy (default: the hub's)", &o.want.Disclosure},
	} {
		f.StringVar(field.into, field.name, "", field.help)
	}
	f.StringSliceVar(&o.want.Users, "users", nil, "who may work with the joined data")
	c.MarkFlagsMutuallyExclusive("measures", "columns")
	return c
}

func (a *app) runDraft(o draftOptions) error {
	if err := o.complete(); err != nil {
		return err
	}
	h, err := a.openHub()
	if err != nil {
		return err
	}
	want, err := o.approval(h)
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

// complete says which flags are missing, in cobra's order.
func (o draftOptions) complete() error {
	if o.want.Supersedes != "" {
		return nil
	}
	var missing []string
	for _, flag := range slices.Sorted(slices.Values(needed)) {
		if !o.given(flag) {
			missing = append(missing, "--"+flag)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return &useError{"missing: " + strings.Join(missing, ", "), "see datanet approval draft --help"}
}

// approval is the request as it was typed, and for the rest as the one that it supersedes.
func (o draftOptions) approval(h *openHub) (linkage.Approval, error) {
	if o.given("applicant") {
		var err error
		if o.want.Applicant, err = (publicFlag{"applicant", o.want.Applicant, "applicant-name", o.applicantName, asApplicant}).vkey(); err != nil {
			return o.want, err
		}
	}
	want := o.want
	if want.Supersedes != "" {
		earlier, err := h.decision(want.Supersedes)
		if err != nil {
			return want, err
		}
		want = o.over(earlier.Approval)
	}
	if o.given("pairs") || o.given("datasets") {
		want.Pairs = nil
	}
	for _, p := range o.pairs {
		pair, ok := linkage.ParsePair(p)
		if !ok {
			return want, &useError{"--pairs is not a list of pairs", "a pair is written A:B, for example primary-care:slam"}
		}
		want.Pairs = append(want.Pairs, pair)
	}
	if want.Supersedes != "" && !o.given("datasets") && !o.given("columns") && !o.given("measures") {
		return want, nil
	}
	return o.scoped(want)
}

// scoped puts the datasets and columns asked for into a request.
func (o draftOptions) scoped(want linkage.Approval) (linkage.Approval, error) {
	if !o.given("datasets") {
		o.datasets = want.Names()
	}
	columns, err := o.scope()
	if err != nil {
		return want, err
	}
	want.Datasets = nil
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

// over lays what was typed over an earlier request. Its number and what follows
// from the present are not taken over, nor a day of review that no longer fits.
func (o draftOptions) over(earlier *linkage.Approval) linkage.Approval {
	want := o.want
	for _, field := range []struct {
		into *string
		from string
	}{
		{&want.Title, earlier.Title}, {&want.Summary, earlier.Summary}, {&want.Purpose, earlier.Purpose}, {&want.LegalBasis, earlier.LegalBasis},
		{&want.DPIA, earlier.DPIA}, {&want.Applicant, earlier.Applicant}, {&want.From, earlier.From}, {&want.Until, earlier.Until},
		{&want.Cohort, earlier.Cohort}, {&want.Refresh, earlier.Refresh}, {&want.OptOuts, earlier.OptOuts},
	} {
		*field.into = cmp.Or(*field.into, field.from)
	}
	if !o.given("datasets") {
		want.Denominator = cmp.Or(want.Denominator, earlier.Denominator)
	}
	if !o.given("users") {
		want.Users = earlier.Users
	}
	want.Datasets, want.Pairs = earlier.Datasets, earlier.Pairs
	return want
}

// catalogue is what of the catalogue the request is for.
func (o draftOptions) catalogue() (*schemas.Catalogue, error) {
	all := schemas.StandardCatalogue().MeasuresFor(o.datasets)
	if !o.given("measures") {
		return all, nil
	}
	for _, id := range o.measures {
		if _, err := all.Measure(id); err != nil {
			return nil, &useError{"the measure " + quote(id) + " is none of these datasets", "datanet catalogue measures shows them and the datasets that they link"}
		}
	}
	return all.Only(func(m *schemas.Measure) bool { return slices.Contains(o.measures, m.ID) }), nil
}

// scope is the columns asked for, by dataset.
func (o draftOptions) scope() (map[string][]linkage.Column, error) {
	columns := map[string][]linkage.Column{}
	if o.columns == "default" {
		catalogue, err := o.catalogue()
		if err != nil {
			return nil, err
		}
		for dataset, needed := range catalogue.Columns(o.datasets) {
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
