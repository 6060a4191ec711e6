package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/term"

	"datanet/linkage"
	"datanet/pipeline/hub"
	"datanet/pipeline/publication"
	"datanet/schemas"
)

type queryOptions struct {
	measure, population, publication, approval, period, format, statistic, publisher string

	by, where []string
	named     bool // --publisher was given, if only empty: a script's variable may be unset
	long      bool
}

func newQuery(a *app) *cobra.Command {
	var o queryOptions
	c := a.command(&cobra.Command{
		Use: "query --measure M [--by D1,D2]", Short: "answer a planner's question from a publication",
		Long: `Answers from published counts only: of all data, nothing but the publication's
folder is read. Where the hub is at hand, its record of decisions is asked whether
a linked publication's approval still stands. Whose signature must be on a
publication is remembered in DATANET_HOME.
[c] stands where a number is withheld to protect people.`,
		Example: `  datanet query --measure hypertension --by ward,ethnicity
  datanet query --measure diabetes --by ethnicity --where sex=F --long
  datanet query --measure smi --by ward --format csv`, Args: cobra.NoArgs,
	}, func(ctx context.Context, _ []string) error { return a.runQuery(ctx, o) })
	c.PreRun = func(c *cobra.Command, _ []string) { o.named = c.Flags().Changed("publisher") }
	f := c.Flags()
	f.StringVar(&o.measure, "measure", "", "measure; datanet catalogue measures lists them")
	f.StringSliceVar(&o.by, "by", nil, "dimensions to break down by; datanet catalogue dimensions lists them")
	f.StringArrayVar(&o.where, "where", nil, "limit to dimension=value[+value] (repeatable); several values are added up")
	f.StringVar(&o.population, "population", "resident", "resident (registered and living in the borough) or registered (all on the lists)")
	f.StringVar(&o.publication, "publication", "", "the publication's folder (default: the hub's newest)")
	approvalFlag(a, c, &o.approval)
	c.Flags().Lookup("approval").Usage = "the approval whose publication in the hub is meant; without it, the hub's own"
	f.StringVar(&o.period, "period", "", "date of the hub's publication (default: the newest)")
	f.StringVar(&o.publisher, "publisher", "", "verifier key of the hub's publisher (default: pinned at first use)")
	f.StringVar(&o.statistic, "statistic", publication.Statistic, "statistic: proportion")
	f.StringVar(&o.format, "format", "", "table, csv, json or parquet (default: table)")
	f.BoolVar(&o.long, "long", false, "one line for each group, with counts and intervals")
	c.MarkFlagRequired("measure")
	complete := func(names func(*schemas.Catalogue) []string) func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return names(schemas.StandardCatalogue()), cobra.ShellCompDirectiveNoFileComp
		}
	}
	c.RegisterFlagCompletionFunc("measure", complete(measureNames))
	c.RegisterFlagCompletionFunc("by", complete(dimensionNames))
	return c
}

func (a *app) runQuery(ctx context.Context, o queryOptions) error {
	if a.json && o.format != "" && o.format != "json" {
		return &useError{"--json and --format " + o.format + " exclude each other", "give one of them"}
	}
	if o.format == "" {
		o.format = "table"
	}
	if a.json {
		o.format = "json"
	}
	write, ok := formats[o.format]
	if !ok {
		return &useError{fmt.Sprintf("there is no format %q", o.format), "known: table, csv, json, parquet"}
	}
	if o.statistic != publication.Statistic {
		return &useError{fmt.Sprintf("there is no statistic %q", o.statistic), "known: " + publication.Statistic}
	}
	if o.named && !isVerifier(o.publisher) {
		return &useError{"--publisher is not a verifier key", "it is what datanet hub init prints as publisher; leave it out to go by the key seen first"}
	}
	q, err := o.question()
	if err != nil {
		return err
	}
	p, err := a.openPublication(o)
	if err != nil {
		return err
	}
	if q.Now, err = a.mayRead(p); err != nil {
		return err
	}
	answer, err := p.Ask(ctx, q)
	if err != nil {
		return err
	}
	return write(ctx, a, p, answer, o)
}

// formats writes an answer in the form asked for.
var formats = map[string]func(context.Context, *app, *publication.Publication, *publication.Answer, queryOptions) error{
	"table": writeTable, "csv": writeCSV, "json": writeJSON, "parquet": writeParquet,
}

func (o queryOptions) question() (publication.Question, error) {
	q := publication.Question{Measure: o.measure, By: o.by, Population: o.population, Where: map[string][]string{}}
	for _, w := range o.where {
		dimension, values, ok := strings.Cut(w, "=")
		if !ok || values == "" {
			return q, &useError{"--where is not dimension=value", "for example --where sex=F or --where ward=Oval+Vauxhall"}
		}
		if _, twice := q.Where[dimension]; twice {
			return q, &useError{fmt.Sprintf("--where names %q twice", dimension), "add values up with +, for example --where ward=Oval+Vauxhall"}
		}
		q.Where[dimension] = splitValues(dimension, values)
	}
	return q, nil
}

// splitValues splits at +, but keeps ids that hold one, as 75+ does.
func splitValues(dimension, text string) []string {
	var values []string
	for _, part := range strings.Split(text, "+") {
		if part == "" && len(values) > 0 {
			values[len(values)-1] += "+"
			continue
		}
		values = append(values, part)
	}
	if d, err := schemas.StandardCatalogue().Dimension(dimension); err == nil {
		a := schemas.StandardCatalogue().Axis(d.Axis)
		for i, v := range values {
			if a.Index(v) < 0 && a.Index(v+"+") > 0 {
				values[i] = v + "+"
			}
		}
	}
	return values
}

// mayRead asks the record of decisions whether a linked publication's approval
// still stands, where the hub that made it is at hand. A copy elsewhere holds to
// its last day. It says what day it is.
func (a *app) mayRead(p *publication.Publication) (time.Time, error) {
	if p.Approval == nil {
		return a.now(), nil
	}
	own, err := a.nearHub()
	if err != nil {
		return time.Time{}, err
	}
	if own == nil || own.ID != p.Hub {
		a.unasked = a.hub != ""
		return a.now(), nil
	}
	h, err := a.openHub()
	if err != nil {
		return time.Time{}, err
	}
	_, err = a.permit(h, linkage.Ask{Approval: *p.Approval, Action: linkage.ActionQuery})
	return a.clock(h), err
}

// nearHub is the hub at hand, if there is one. A hub that is named with --hub
// must open, and so must one that is there: a mistyped or damaged one must not
// switch a question to it off. That of DATANET_HUB may be gone, as on a
// planner's machine, which needs nothing but a publication.
func (a *app) nearHub() (*hub.Hub, error) {
	if a.hub == "" {
		return nil, nil
	}
	if _, err := os.Lstat(a.hub); errors.Is(err, fs.ErrNotExist) && a.hub == a.env("DATANET_HUB") {
		return nil, nil
	}
	return hub.Open(a.hub)
}

// openPublication opens the folder asked for, or the hub's newest.
func (a *app) openPublication(o queryOptions) (*publication.Publication, error) {
	if o.publication == "" {
		return a.published(o.period, o.approval)
	}
	if o.period != "" || o.approval != "" {
		return nil, &useError{"--period and --approval are for a hub's publications; --publication names one itself", "leave one of the two out"}
	}
	pin := ""
	p, err := publication.Open(o.publication, func(h *publication.Header) (key string, err error) {
		key, pin, err = a.pinned(h, o.publisher)
		return key, err
	})
	if err == nil && pin != "" { // only now is it known that this key signed
		err = keep(pin, []byte(p.Publisher))
	}
	return p, err
}

// published opens one of the hub's own publications: signed by its publisher,
// and of the date that the folder says.
func (a *app) published(period, approval string) (*publication.Publication, error) {
	if a.hub == "" {
		return nil, &useError{"neither a publication nor a hub was named", "give --publication DIR, or --hub DIR (or DATANET_HUB)"}
	}
	h, err := hub.Open(a.hub)
	if err != nil {
		return nil, err
	}
	found, err := one(h, period, approval)
	if err != nil {
		return nil, err
	}
	p, err := publication.Open(found.Dir, func(*publication.Header) (string, error) { return h.Publisher, nil })
	if err != nil {
		return nil, err
	}
	if p.Hub != h.ID || p.AsAt != found.AsAt || p.ApprovalID() != found.Suffix {
		return nil, &publication.IntegrityError{Rule: "the folder of " + found.AsAt + " in this hub holds another hub's publication, or one of another date", Hint: "remove what does not belong there; datanet publish makes the hub's own"}
	}
	return p, nil
}

// one is the hub's own publication of a date, or its newest; or of an approval.
func one(h *hub.Hub, period, approval string) (hub.Publication, error) {
	if approval != "" && period == "" {
		all, err := h.Publications()
		for _, p := range all { // the newest first
			if p.Suffix == approval {
				return p, err
			}
		}
		return hub.Publication{}, cmp.Or(err, error(&useError{"nothing has been published in this hub under approval " + quote(approval), "datanet publish --approval ID --hub " + h.Dir()}))
	}
	if period == "" {
		newest, err := h.NewestPublication()
		if errors.Is(err, fs.ErrNotExist) || (err == nil && newest.Dir == "") {
			return newest, &useError{"nothing has been published in this hub", "datanet publish --hub " + h.Dir()}
		}
		return newest, err
	}
	if _, err := date("period", period); err != nil {
		return hub.Publication{}, err
	}
	dir, err := h.PublicationDir(period, approval)
	return hub.Publication{AsAt: period, Suffix: approval, Dir: dir}, err
}

// pinned is the key that must have signed: the one given, the hub's own, or
// the one seen when a publication of this hub was first opened here. Pin is
// where a key that is new here is to be kept.
func (a *app) pinned(h *publication.Header, given string) (key, pin string, err error) {
	if given != "" {
		return given, "", nil
	}
	own, err := a.nearHub()
	if err != nil {
		return "", "", err
	}
	if own != nil && own.ID == h.Hub {
		return own.Publisher, "", nil
	}
	home, err := a.home()
	if err != nil {
		return "", "", err
	}
	if !hubID(h.Hub) {
		return "", "", &publication.IntegrityError{Rule: "publication.json names no hub", Hint: "get it again from the hub that published it"}
	}
	path := filepath.Join(home, "publishers", h.Hub)
	known, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return h.Publisher, path, nil
	}
	if err != nil {
		return "", "", cannotRemember(path)
	}
	if string(known) != h.Publisher {
		return "", "", &publication.IntegrityError{Rule: "it was signed with another key than earlier publications of this hub",
			Hint: "ask the hub; if its key did change, give the new one with --publisher"}
	}
	return h.Publisher, "", nil
}

func isVerifier(key string) bool {
	_, err := note.NewVerifier(key)
	return err == nil
}

func hubID(id string) bool {
	return len(id) == 32 && !strings.ContainsFunc(id, func(r rune) bool { return !strings.ContainsRune("0123456789abcdef", r) })
}

// writeJSON prints the document of the command line's contract.
func writeJSON(_ context.Context, a *app, p *publication.Publication, x *publication.Answer, _ queryOptions) error {
	by := []string{}
	for _, d := range x.By {
		by = append(by, d.ID)
	}
	rows := make([]ordered, len(x.Rows))
	for i, r := range x.Rows {
		rows[i] = jsonRow(x, r)
	}
	where := map[string]any{}
	for d, titles := range x.Where {
		where[d] = titles
	}
	document := ordered{
		{"measure", x.Measure.ID}, {"title", x.Measure.Title}, {"by", by}, {"where", where}, {"population", x.Population},
		{"as_at", p.AsAt}, {"approval", p.Approval}, {"last_day", lastDay(p)}, {"datasets", p.Sources()}, {"publication", p.ID}, {"statistic", publication.Statistic},
		{"unit", publication.Unit}, {"method", x.Measure.Method},
		{"disclosure", ordered{{"policy", p.Policy}, {"withheld", x.Withheld}}},
		{"reference", jsonRow(&publication.Answer{}, x.Reference)},
		{"rows", rows},
	}
	e := json.NewEncoder(a.out)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	return e.Encode(document)
}

// lastDay is null for a publication that has none.
func lastDay(p *publication.Publication) *string {
	if p.LastDay == "" {
		return nil
	}
	return &p.LastDay
}

func jsonRow(x *publication.Answer, r publication.Row) ordered {
	var row ordered
	for i, d := range x.By {
		row = append(row, groupFields(d, r.Groups[i])...)
	}
	return append(row, field{"numerator", r.Numerator}, field{"denominator", r.Denominator}, field{"value", r.Value},
		field{"lower", r.Lower}, field{"upper", r.Upper}, field{"compared", r.Outcome}, field{"note", r.Note})
}

// groupFields: a ward has a code and a name, every other group its title.
func groupFields(d *schemas.Dimension, v schemas.Value) []field {
	if d.ID == "ward" {
		return []field{{"ward", v.ID}, {"ward_name", v.Title}}
	}
	return []field{{d.ID, v.Title}}
}

// ordered is a JSON object whose fields keep their order.
type ordered []field

type field struct {
	name  string
	value any
}

func (o ordered) MarshalJSON() ([]byte, error) {
	var b strings.Builder
	b.WriteByte('{')
	for i, f := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(f.name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(f.value)
		if err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return []byte(b.String()), nil
}

// writeParquet sends a Parquet file to standard output, never to a terminal.
func writeParquet(ctx context.Context, a *app, p *publication.Publication, x *publication.Answer, _ queryOptions) error {
	if f, ok := a.out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return &useError{"a Parquet file is not for a terminal", "send it to a file: datanet query … --format parquet >table.parquet"}
	}
	dir, err := os.MkdirTemp("", "datanet-query-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "answer.parquet")
	if err := p.WriteParquet(ctx, x, path); err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(a.out, f)
	return err
}

func measureNames(c *schemas.Catalogue) []string {
	var names []string
	for _, m := range c.Measures {
		names = append(names, m.ID+"\t"+m.Title)
	}
	return slices.Clip(names)
}

func dimensionNames(c *schemas.Catalogue) []string {
	var names []string
	for _, d := range c.Dimensions {
		names = append(names, d.ID+"\t"+d.Title)
	}
	return slices.Clip(names)
}
