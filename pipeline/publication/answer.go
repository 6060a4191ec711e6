package publication

import (
	"context"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"datanet/schemas"
	"datanet/statistics"
)

// A Question is what a planner asks: a measure, by which dimensions, for whom.
type Question struct {
	Measure    string
	By         []string
	Where      map[string][]string // dimension → values, by id or title; several are added up
	Population string              // resident (the default) or registered
	Now        time.Time           // today: after its last day, a linked publication answers nothing
}

// An Answer holds published numbers and what follows from them, nothing else.
type Answer struct {
	Measure     *schemas.Measure
	By          []*schemas.Dimension
	Denominator *schemas.Denominator // whom the measure is counted within; nil for everybody registered
	Where       map[string][]string  // titles
	Population  string
	Now         time.Time // the question's
	Reference   Row       // all groups together, in the same part of the population
	Rows        []Row
	Withheld    int
}

// Limits says in words which part of the population the question was limited
// to, or nothing: sex: Female; ward: Oval + Vauxhall.
func (a *Answer) Limits() string {
	var parts []string
	for _, dimension := range slices.Sorted(maps.Keys(a.Where)) {
		parts = append(parts, dimension+": "+strings.Join(a.Where[dimension], " + "))
	}
	return strings.Join(parts, "; ")
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
	if err := p.readable(q.Now); err != nil {
		return nil, err
	}
	plan, err := p.plan(q)
	if err != nil {
		return nil, err
	}
	counts, err := p.counts.find(ctx, &p.Header, plan)
	if err != nil {
		return nil, err
	}
	a := &Answer{Measure: plan.measure, Denominator: p.Catalogue.Denominator(plan.measure.Denominator), By: plan.by, Where: plan.titles, Population: plan.population, Now: q.Now}
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

// row adds up the published parts of one group. One withheld part withholds
// the sum: nothing is derived from what is not shown. That everybody in a group
// has what a sensitive measure counts is never said, not even where only noise
// and rounding say so.
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
	if shown && denominator > 0 && !(pl.measure.Sensitive && numerator >= denominator) {
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
