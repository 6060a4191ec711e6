package main

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"datanet/pipeline/publication"
	"datanet/schemas"
)

// writeTable prints for people: wards down, groups across for two dimensions;
// a line for each group otherwise, or with --long.
func writeTable(ctx context.Context, a *app, p *publication.Publication, x *publication.Answer, o queryOptions) error {
	w := a.out
	fmt.Fprintln(w, title(p, x))
	fmt.Fprintln(w, wholePopulation(x))
	fmt.Fprintln(w)
	if len(x.By) == 2 && !o.long {
		if err := grid(ctx, w, p, x, o); err != nil {
			return err
		}
		legend(w, p, x, a.unasked)
		fmt.Fprintf(w, "Counts and intervals: %s --long\n", o.again())
		return nil
	}
	if len(x.By) > 0 {
		longTable(w, x)
	}
	legend(w, p, x, a.unasked)
	return nil
}

func title(p *publication.Publication, x *publication.Answer) string {
	t := x.Measure.Title + ", per cent of people"
	var by []string
	for _, d := range x.By {
		by = append(by, strings.ToLower(d.Title))
	}
	if len(by) > 0 {
		t += ", by " + strings.Join(by, " and ")
	}
	return t + ", " + longDay(p.AsAt)
}

// wholePopulation says who was counted and what the whole borough's value is.
func wholePopulation(x *publication.Answer) string {
	who := "People registered with a Lambeth practice and living in the borough"
	if x.Population == "registered" {
		who = "People registered with a Lambeth practice, wherever they live"
	}
	if d := x.Denominator; d != nil {
		who = strings.ToUpper(d.People[:1]) + d.People[1:] + ", " + strings.TrimPrefix(who, "People ")
	}
	for _, d := range slices.Sorted(maps.Keys(x.Where)) {
		who += fmt.Sprintf("; %s: %s", d, strings.Join(x.Where[d], " + "))
	}
	r := x.Reference
	if r.Value == nil {
		return who + ".\nAll together: [c]"
	}
	return fmt.Sprintf("%s.\nAll together: %.1f per cent (95%% interval %.1f to %.1f), %s", who, *r.Value, *r.Lower, *r.Upper, some(x, *r.Numerator, *r.Denominator))
}

// some says a numerator of its denominator: 40 of 640 people.
func some(x *publication.Answer, numerator, denominator int64) string {
	if x.Denominator != nil {
		return fmt.Sprintf("%s of the %s %s", thousands(numerator), thousands(denominator), x.Denominator.People)
	}
	return fmt.Sprintf("%s of %s people", thousands(numerator), thousands(denominator))
}

// legend explains every sign that the table can hold.
func legend(w io.Writer, p *publication.Publication, x *publication.Answer, unasked bool) {
	if len(x.By) > 0 {
		fmt.Fprintln(w, "▲ higher, ▼ lower than all together (95% interval clear of that value); no sign: similar.")
	}
	fmt.Fprintln(w, "[c] withheld to protect people: the number is small, or would help to work out a small one. Nothing is missing.")
	fmt.Fprintln(w, "Counts are rounded to 5 and slightly changed to protect people; parts may not add up.")
	fmt.Fprintf(w, "Counted: %s. Of: %s.\nAge is the year of the date minus the year of birth.\n", x.Measure.NumeratorDefinition, x.Measure.DenominatorDefinition)
	if !x.Measure.Verified {
		fmt.Fprintf(w, "The measure's definition is not verified: %s.\n", x.Measure.Source)
	}
	if p.Approval != nil {
		fmt.Fprintf(w, "Counted from %s, joined under approval %s; it may be read until %s.\n", strings.Join(x.Measure.Datasets(), " and "), p.ApprovalID(), longDay(p.LastDay))
		if unasked {
			fmt.Fprintln(w, "The hub that was named is not there, or is another one: whether the approval still stands was not asked.")
		}
	}
}

// longDay writes a day as people do.
func longDay(date string) string {
	day, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return date
	}
	return day.Format("2 January 2006")
}

// again is the command that was given.
func (o queryOptions) again() string {
	parts := []string{"datanet query --measure", o.measure}
	if len(o.by) > 0 {
		parts = append(parts, "--by", strings.Join(o.by, ","))
	}
	for _, w := range o.where {
		parts = append(parts, "--where", quote(w))
	}
	if o.population != "resident" {
		parts = append(parts, "--population", o.population)
	}
	for _, f := range [][2]string{{"--publication", o.publication}, {"--period", o.period}, {"--publisher", o.publisher}} {
		if f[1] != "" {
			parts = append(parts, f[0], quote(f[1]))
		}
	}
	return strings.Join(parts, " ")
}

// quote writes a word as a shell reads it.
func quote(s string) string {
	if s == "" || strings.ContainsAny(s, " #!~[]{}\n\t'\"$&|;<>()*?`\\") {
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	return s
}

// grid puts the first dimension down and the second across, with a column and
// a row for all together: those are published numbers too, not sums.
func grid(ctx context.Context, w io.Writer, p *publication.Publication, x *publication.Answer, o queryOptions) error {
	q, err := o.question()
	if err != nil {
		return err
	}
	q.Now = x.Now
	margins := map[string]*publication.Answer{}
	for _, d := range x.By {
		part := q
		part.By = []string{d.ID}
		if margins[d.ID], err = p.Ask(ctx, part); err != nil {
			return err
		}
	}
	rows, columns := margins[x.By[0].ID], margins[x.By[1].ID]
	head := []string{x.By[0].Title}
	for _, c := range columns.Rows {
		head = append(head, c.Groups[0].Title)
	}
	lines := [][]string{append(head, "All")}
	for i, r := range rows.Rows {
		line := []string{r.Groups[0].Title}
		for _, c := range x.Rows[i*len(columns.Rows) : (i+1)*len(columns.Rows)] {
			line = append(line, sign(c))
		}
		lines = append(lines, append(line, sign(r)))
	}
	last := []string{"All"}
	for _, c := range columns.Rows {
		last = append(last, sign(c))
	}
	printColumns(w, append(lines, append(last, sign(x.Reference))), 10)
	fmt.Fprintln(w)
	return nil
}

func sign(r publication.Row) string {
	if r.Value == nil {
		return "[c]  "
	}
	mark := " "
	switch r.Outcome {
	case "higher":
		mark = "▲"
	case "lower":
		mark = "▼"
	}
	return fmt.Sprintf("%.1f %s", *r.Value, mark)
}

func longTable(w io.Writer, x *publication.Answer) {
	var head []string
	for _, d := range x.By {
		head = append(head, d.Title)
	}
	lines := [][]string{append(head, "Per cent", "95% from", "to", "Counted", "Of")}
	for _, r := range x.Rows {
		var line []string
		for _, g := range r.Groups {
			line = append(line, g.Title)
		}
		lines = append(lines, append(line, sign(r), decimal(r.Lower), decimal(r.Upper), whole(r.Numerator), whole(r.Denominator)))
	}
	printColumns(w, lines, 0, len(x.By))
	fmt.Fprintln(w)
}

func decimal(v *float64) string {
	if v == nil {
		return "[c]"
	}
	return strconv.FormatFloat(*v, 'f', 1, 64)
}

func whole(n *int64) string {
	if n == nil {
		return "[c]"
	}
	return thousands(*n)
}

// printColumns aligns a table: texts to the left, numbers to the right. A head
// wider than most is broken into lines; 0 never breaks.
func printColumns(w io.Writer, lines [][]string, most int, texts ...int) {
	left := 1
	if len(texts) > 0 {
		left = texts[0]
	}
	head := make([][]string, len(lines[0]))
	tall := 1
	for i, h := range lines[0] {
		head[i] = []string{h}
		if i >= left && most > 0 {
			head[i] = breakWords(h, most)
		}
		tall = max(tall, len(head[i]))
	}
	var all [][]string
	for row := range tall {
		line := make([]string, len(head))
		for i, h := range head {
			if at := row - (tall - len(h)); at >= 0 {
				line[i] = h[at]
				if i >= left && most > 0 {
					line[i] += "  " // over the number, not over its sign
				}
			}
		}
		all = append(all, line)
	}
	all = append(all, lines[1:]...)
	widths := make([]int, len(head))
	for _, line := range all {
		for i, cell := range line {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, line := range all {
		var b strings.Builder
		for i, cell := range line {
			space := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if i > 0 {
				b.WriteString("  ")
			}
			if i < left {
				b.WriteString(cell + space)
			} else {
				b.WriteString(space + cell)
			}
		}
		fmt.Fprintln(w, strings.TrimRight(b.String(), " "))
	}
}

func breakWords(text string, most int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > most {
			lines, line = append(lines, line), word
			continue
		}
		line = strings.TrimSpace(line + " " + word)
	}
	return append(lines, line)
}

// writeCSV prints one line for each group. Numbers that are withheld are
// empty and the note says c.
func writeCSV(_ context.Context, a *app, p *publication.Publication, x *publication.Answer, _ queryOptions) error {
	c := csv.NewWriter(a.out)
	head := []string{"measure", "as_at", "population", "restriction"}
	for _, d := range x.By {
		for _, f := range groupFields(d, schemas.Value{}) {
			head = append(head, f.name)
		}
	}
	c.Write(append(head, "numerator", "denominator", "value", "lower", "upper", "compared", "note", "method", "publication", "approval", "last_day"))
	for _, r := range x.Rows {
		row := []string{x.Measure.ID, p.AsAt, x.Population, x.Limits()}
		for i, d := range x.By {
			for _, f := range groupFields(d, r.Groups[i]) {
				row = append(row, fmt.Sprint(f.value))
			}
		}
		row = append(row, empty(r.Numerator), empty(r.Denominator), empty(r.Value), empty(r.Lower), empty(r.Upper), r.Outcome, r.Note, x.Measure.Method, p.ID, p.ApprovalID(), p.LastDay)
		c.Write(row)
	}
	c.Flush()
	return c.Error()
}

func empty[T int64 | float64](v *T) string {
	if v == nil {
		return ""
	}
	return fmt.Sprint(*v)
}
