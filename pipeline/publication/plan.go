package publication

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"datanet/schemas"
)

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
		return nil, elsewhere(&p.Header, q.Measure, err)
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

// elsewhere says of a measure that this publication does not hold which one
// does, if our catalogue knows it, or why nobody was counted for it.
func elsewhere(h *Header, measure string, unknown error) error {
	for _, n := range h.NotAvailable {
		if n.Measure == measure {
			return &Refusal{n.Measure + " is " + n.Reason(), "who has one of those codes cannot be told from who has not; a count would mislead. Ask those who approved the policy"}
		}
	}
	m, err := schemas.StandardCatalogue().Measure(measure)
	if err != nil || (h.Approval == nil && slices.Equal(m.Datasets(), h.Sources())) {
		return unknown // or from before the measure was
	}
	rule := m.ID + " is not in this publication of " + strings.Join(h.Sources(), ", ")
	if len(m.Linked) == 0 {
		return &UseError{rule, m.ID + " is counted from " + m.Dataset + " alone: name that publication with --publication, or a hub alone for its newest"}
	}
	return &UseError{rule, m.ID + " needs a linked publication, of " + strings.Join(m.Datasets(), " with ") + ": name its folder with --publication"}
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
	if len(words) == 0 {
		return &UseError{fmt.Sprintf("%s is limited to no value", id), "known: " + strings.Join(pl.words(d), ", ")}
	}
	nobody := pl.excluded(a)
	var values []int
	for _, w := range words {
		v := find(a, d.Level, w)
		if v < 0 {
			return &UseError{fmt.Sprintf("%s has no value %q", id, w), "known: " + strings.Join(pl.words(d), ", ")}
		}
		if nobody != nil && nobody[v] {
			return &UseError{fmt.Sprintf("%s counts nobody of %q", pl.measure.ID, a.Values[v].Title), fmt.Sprintf("the measure's lowest age is %d", pl.measure.LowestAge)}
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

// find looks for a value down to a level by its id, then by its title.
func find(a *schemas.Axis, level int, word string) int {
	for _, name := range []func(schemas.Value) string{
		func(v schemas.Value) string { return v.ID }, func(v schemas.Value) string { return v.Title },
	} {
		v := slices.IndexFunc(a.Values, func(v schemas.Value) bool {
			return v.Level > 0 && v.Level <= level && strings.EqualFold(name(v), word)
		})
		if v >= 0 {
			return v
		}
	}
	return -1
}

// excluded marks the values that the measure's denominator leaves out by its
// definition. They are no groups of the question: a row of nobody would look
// like one that is withheld.
func (pl *plan) excluded(a *schemas.Axis) []bool {
	denominator := schemas.Feature{LowestAge: pl.measure.LowestAge}
	return denominator.Excludes(a)
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
	nobody := pl.excluded(a)
	var values []int
	for _, v := range a.Frontier(d.Level) {
		fixed := pl.fixed[at] // the residents, if anything: no axis is divided and limited
		if (nobody == nil || !nobody[v]) && (len(fixed) == 0 || a.Under(v, fixed[0])) {
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

// uses lists the values of an axis that some row of the plan has.
func (pl *plan) uses(axis int) []int {
	for i, d := range pl.by {
		if pl.axis(d.Axis) == axis {
			return append(slices.Clone(pl.groups[i]), append(pl.fixed[axis], 0)...)
		}
	}
	return append(slices.Clone(pl.fixed[axis]), 0)
}
