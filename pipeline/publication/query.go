package publication

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"datanet/pipeline/engine"
	"datanet/schemas"
	"datanet/statistics"
)

// A Question is what a planner asks: a measure, by which dimensions, for whom.
type Question struct {
	Measure    string
	By         []string
	Where      map[string][]string // dimension → values, by id or title; several are added up
	Population string              // resident (the default) or registered
}

// An Answer holds published numbers and what follows from them, nothing else.
type Answer struct {
	Measure    *schemas.Measure
	By         []*schemas.Dimension
	Where      map[string][]string // titles
	Population string
	Reference  Row // the borough, in the same part of the population
	Rows       []Row
	Withheld   int
}

// A Row is one group. Numerator, Value, Lower and Upper are nil and Note is
// "c" where the number is withheld. Value and its limits are per cent to one
// decimal place; Outcome compares the limits with the borough's value.
type Row struct {
	Groups      []schemas.Value
	Numerator   *int64
	Denominator *int64
	Value       *float64
	Lower       *float64
	Upper       *float64
	Outcome     string
	Note        string
}

// Withheld is the one symbol for every reason.
const Withheld = "c"

// Statistic, unit and confidence of the answers.
const (
	Statistic  = "proportion"
	Unit       = "percent"
	confidence = 0.95
)

// Ask answers a question from the published counts.
func (p *Publication) Ask(ctx context.Context, q Question) (*Answer, error) {
	plan, err := p.plan(q)
	if err != nil {
		return nil, err
	}
	counts, err := p.counts(ctx, plan)
	if err != nil {
		return nil, err
	}
	a := &Answer{Measure: plan.measure, By: plan.by, Where: plan.titles, Population: plan.population}
	a.Reference = counts.row(plan, nil)
	plan.each(func(groups []int) {
		row := counts.row(plan, groups)
		if row.Note != "" {
			a.Withheld++
		} else if a.Reference.Value != nil {
			row.Outcome = string(statistics.Compare(*row.Lower, *row.Upper, *a.Reference.Value))
		}
		a.Rows = append(a.Rows, row)
	})
	return a, nil
}

// A plan is a question whose words have become values of the catalogue's axes.
type plan struct {
	catalogue  *schemas.Catalogue
	measure    *schemas.Measure
	by         []*schemas.Dimension
	groups     [][]int       // for each dimension of by: its values
	fixed      map[int][]int // axis → the values that the question is limited to
	titles     map[string][]string
	population string
}

func (p *Publication) plan(q Question) (*plan, error) {
	c := p.Catalogue
	m, err := c.Measure(q.Measure)
	if err != nil {
		return nil, err
	}
	pl := &plan{catalogue: c, measure: m, fixed: map[int][]int{}, titles: map[string][]string{}, population: q.Population}
	if err := pl.people(); err != nil {
		return nil, err
	}
	used := map[string]bool{}
	for _, id := range slices.Sorted(maps.Keys(q.Where)) {
		if err := pl.limit(id, q.Where[id], used); err != nil {
			return nil, err
		}
	}
	for _, id := range q.By {
		if err := pl.divide(id, used); err != nil {
			return nil, err
		}
	}
	return pl, pl.registered()
}

// people sets the population: an axis is limited to residents unless the
// question is about everybody registered.
func (pl *plan) people() error {
	area := pl.axis("area")
	switch pl.population {
	case "", "resident":
		pl.population = "resident"
		pl.fixed[area] = []int{pl.catalogue.Axes[area].Index("resident")}
	case "registered":
	default:
		return &UseError{fmt.Sprintf("there is no population %q", pl.population), "known: resident, registered"}
	}
	return nil
}

func (pl *plan) axis(id string) int {
	return slices.IndexFunc(pl.catalogue.Axes, func(a schemas.Axis) bool { return a.ID == id })
}

// limit takes one --where. Its values must not overlap, or people would be
// added up twice.
func (pl *plan) limit(id string, words []string, used map[string]bool) error {
	d, err := pl.catalogue.Dimension(id)
	if err != nil {
		return err
	}
	if used[d.Axis] {
		return &UseError{fmt.Sprintf("%s is asked for twice", d.Axis), "limit each characteristic once"}
	}
	used[d.Axis] = true
	at := pl.axis(d.Axis)
	a := &pl.catalogue.Axes[at]
	var values []int
	for _, w := range words {
		v := slices.IndexFunc(a.Values, func(v schemas.Value) bool {
			return v.Level > 0 && v.Level <= d.Level && (strings.EqualFold(v.ID, w) || strings.EqualFold(v.Title, w))
		})
		if v < 0 {
			return &UseError{fmt.Sprintf("%s has no value %q", id, w), "known: " + strings.Join(pl.words(d), ", ")}
		}
		if slices.ContainsFunc(values, func(o int) bool { return a.Under(v, o) || a.Under(o, v) }) {
			return &UseError{fmt.Sprintf("the values of %s overlap", id), "name each group once"}
		}
		if d.Axis == "area" && pl.population == "resident" && !a.Under(v, a.Index("resident")) {
			return &UseError{fmt.Sprintf("%q is not part of the population resident", w), "add --population registered"}
		}
		values = append(values, v)
		pl.titles[id] = append(pl.titles[id], a.Values[v].Title)
	}
	pl.fixed[at] = values
	return nil
}

// divide takes one --by.
func (pl *plan) divide(id string, used map[string]bool) error {
	d, err := pl.catalogue.Dimension(id)
	if err != nil {
		return err
	}
	if used[d.Axis] {
		return &UseError{fmt.Sprintf("%s is asked for twice", d.Axis), "use each characteristic once, in --by or in --where"}
	}
	used[d.Axis] = true
	at := pl.axis(d.Axis)
	a := &pl.catalogue.Axes[at]
	var values []int
	for _, v := range a.Frontier(d.Level) {
		if fixed := pl.fixed[at]; len(fixed) == 0 || a.Under(v, fixed[0]) {
			values = append(values, v)
		}
	}
	pl.by, pl.groups = append(pl.by, d), append(pl.groups, values)
	return nil
}

func (pl *plan) words(d *schemas.Dimension) []string {
	a := pl.catalogue.Axis(d.Axis)
	var words []string
	for _, v := range a.Frontier(d.Level) {
		words = append(words, a.Values[v].ID)
	}
	return words
}

// registered refuses a crossing that no view holds: nothing outside the
// registered tables was ever counted.
func (pl *plan) registered() error {
	need := map[string]int{}
	for _, d := range pl.by {
		need[d.Axis] = d.Level
	}
	for at, values := range pl.fixed {
		a := &pl.catalogue.Axes[at]
		for _, v := range values {
			need[a.ID] = max(need[a.ID], a.Values[v].Level)
		}
	}
	for i := range pl.catalogue.Views {
		if holds(&pl.catalogue.Views[i], need) {
			return nil
		}
	}
	return &Refusal{"this table is not among those that are published",
		"published tables: " + strings.Join(pl.published(), "; ")}
}

func holds(v *schemas.View, need map[string]int) bool {
	for axis, level := range need {
		if v.Levels[axis] < level {
			return false
		}
	}
	return true
}

func (pl *plan) published() []string {
	var tables []string
	for _, v := range pl.catalogue.Views {
		var dims []string
		for _, a := range pl.catalogue.Axes {
			finest := ""
			for _, d := range pl.catalogue.Dimensions {
				if d.Axis == a.ID && d.Level == v.Levels[a.ID] {
					finest = d.ID
				}
			}
			if finest != "" {
				dims = append(dims, finest)
			}
		}
		tables = append(tables, strings.Join(dims, " by "))
	}
	return tables
}

// each visits the crossing of the groups, the first dimension slowest.
func (pl *plan) each(visit func(groups []int)) {
	at := make([]int, len(pl.groups))
	for {
		groups := make([]int, len(at))
		for i, j := range at {
			if len(pl.groups[i]) == 0 {
				return
			}
			groups[i] = pl.groups[i][j]
		}
		visit(groups)
		i := len(at) - 1
		for ; i >= 0; i-- {
			if at[i]++; at[i] < len(pl.groups[i]) {
				break
			}
			at[i] = 0
		}
		if i < 0 {
			return
		}
	}
}

// cells lists the published groups that make up one row: one, or the parts of
// a union. groups nil is the whole, every dimension of by at All.
func (pl *plan) cells(groups []int) [][]int {
	cells := [][]int{make([]int, len(pl.catalogue.Axes))}
	for at, values := range pl.fixed {
		var more [][]int
		for _, c := range cells {
			for _, v := range values {
				part := slices.Clone(c)
				part[at] = v
				more = append(more, part)
			}
		}
		cells = more
	}
	for i, v := range groups {
		for _, c := range cells {
			c[pl.axis(pl.by[i].Axis)] = v
		}
	}
	return cells
}

// counted holds the rows of one measure, by the values of their group.
type counted map[string]Count

func key(ids []string) string { return strings.Join(ids, "\x00") }

// counts reads the rows that the plan could need: those whose values on each
// axis occur in it.
func (p *Publication) counts(ctx context.Context, pl *plan) (counted, error) {
	e, err := engine.Open(ctx, engine.Options{Folders: []string{p.dir}, Threads: 1})
	if err != nil {
		return nil, err
	}
	defer e.Close()
	var names, conditions []string
	args := []any{pl.measure.ID}
	for at, a := range pl.catalogue.Axes {
		names = append(names, a.ID)
		var marks []string
		for _, v := range pl.uses(at) {
			marks, args = append(marks, "?"), append(args, a.Values[v].ID)
		}
		conditions = append(conditions, fmt.Sprintf("%s IN (%s)", a.ID, strings.Join(marks, ", ")))
	}
	query := fmt.Sprintf("SELECT %s, numerator, denominator FROM %s WHERE measure = ? AND %s",
		strings.Join(names, ", "), engine.ReadParquet(p.dir+"/"+countsFile), strings.Join(conditions, " AND "))
	found := counted{}
	err = e.Query(ctx, "reading counts", query, func(r *sql.Rows) error {
		ids := make([]string, len(names))
		into := make([]any, 0, len(names)+2)
		for i := range ids {
			into = append(into, &ids[i])
		}
		var n Count
		if err := r.Scan(append(into, &n.Numerator, &n.Denominator)...); err != nil {
			return err
		}
		found[key(ids)] = n
		return nil
	}, args...)
	return found, err
}

// uses lists the values of an axis that some row of the plan has.
func (pl *plan) uses(axis int) []int {
	for i, d := range pl.by {
		if pl.axis(d.Axis) == axis {
			return append(slices.Clone(pl.groups[i]), append(pl.fixed[axis], 0)...)
		}
	}
	return append(slices.Clone(pl.fixed[axis]), 0)
}

// row adds up the published parts of one group. One withheld part withholds
// the sum: nothing is derived from what is not shown.
func (n counted) row(pl *plan, groups []int) Row {
	row := Row{Note: Withheld}
	for i, v := range groups {
		row.Groups = append(row.Groups, pl.catalogue.Axis(pl.by[i].Axis).Values[v])
	}
	cells := pl.cells(groups)
	var numerator, denominator int64
	shown := true
	for _, c := range cells {
		ids := make([]string, len(c))
		for at, v := range c {
			ids[at] = pl.catalogue.Axes[at].Values[v].ID
		}
		part := n[key(ids)]
		if part.Denominator == nil {
			return row
		}
		denominator += *part.Denominator
		if part.Numerator == nil {
			shown = false
			continue
		}
		numerator += *part.Numerator
	}
	row.Denominator = &denominator
	if shown && denominator > 0 {
		row.show(numerator, denominator, len(cells))
	}
	return row
}

// show fills in what follows from a published count of parts.
func (row *Row) show(numerator, denominator int64, parts int) {
	lower, upper, err := statistics.WilsonProtected(float64(numerator), float64(denominator), parts, confidence)
	if err != nil {
		return // a sum of parts that is no proportion stays withheld
	}
	value, lower, upper := percent(float64(numerator)/float64(denominator)), percent(lower), percent(upper)
	row.Numerator, row.Value, row.Lower, row.Upper, row.Note = &numerator, &value, &lower, &upper, ""
}

// percent rounds a share to a tenth of a per cent.
func percent(share float64) float64 { return math.Round(share*1000) / 10 }
