package link

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"slices"
	"strconv"

	"datanet/linkage"
	"datanet/schemas"
	"datanet/statistics"
)

// The methods by which figures of the account are made.
const (
	wilson = "Wilson, widened for rounding"
	bounds = "sensitivity: the lowest and the highest share, no interval of confidence"
	ratio  = "indirectly standardised by age to the whole dataset, Byar, widened for rounding"
)

// A standing is what became of the people of one group, before protection. In a denominator whose approval does not name linkable, whoever has no
// number stands among those who were not found, and whole is true.
type standing struct {
	value  string
	tally  linkage.Tally // of those in the release: how many were not found
	number *schemas.NumberGroup
	whole  bool
}

// account says of every dataset who is missing from the linked tables.
func (j *joining) account(ctx context.Context) error {
	for _, x := range j.releases {
		j.Progress("accounting for " + x.Dataset)
		q, err := j.quality(ctx, x)
		if err != nil {
			return err
		}
		j.out.Quality = append(j.out.Quality, *q)
	}
	return nil
}

func (j *joining) quality(ctx context.Context, x *arrival) (*schemas.LinkQuality, error) {
	q := &schemas.LinkQuality{Dataset: x.Dataset, Dimensions: []schemas.LinkDimension{}}
	groupings, missing, whole, err := j.standing(ctx, x)
	if err != nil {
		return nil, err
	}
	if q.Missing = missing; whole {
		q.Missing = append(slices.Clone(missing), schemas.WithoutNumbers)
	}
	for _, g := range groupings {
		standings, err := j.standings(ctx, x, groupings, g, whole)
		if err != nil {
			return nil, err
		}
		q.Dimensions = append(q.Dimensions, schemas.LinkDimension{Dimension: g.Dimension, Groups: protected(standings)})
	}
	return q, nil
}

// standing makes a table of the people of a dataset with their groups and whether they were found in another one.
func (j *joining) standing(ctx context.Context, x *arrival) (groupings []linkage.Grouping, missing []string, whole bool, err error) {
	d, err := schemas.DatasetByID(x.Dataset)
	if err != nil {
		return nil, nil, false, err
	}
	t := d.Tables[0].Only(j.approval.Columns(x.Dataset, d.Tables[0].Name))
	if len(t.Columns) == 0 {
		return nil, schemas.QualityDimensions, false, nil
	}
	year, err := strconv.Atoi(x.AsAt[:4])
	if err != nil {
		return nil, nil, false, err
	}
	sites, err := j.sites(ctx, x.Dataset, t)
	if err != nil {
		return nil, nil, false, err
	}
	groupings, missing = linkage.Groupings(t, year, sites)
	if len(groupings) == 0 {
		return nil, missing, false, nil
	}
	denominator, linkable := x.Dataset == j.approval.Denominator, slices.Contains(t.ColumnNames(), "linkable")
	usable := "true"
	if denominator && linkable {
		usable = "bool_or(linkable)"
	}
	bit := j.join.Bit(x.Dataset)
	return groupings, missing, denominator && !linkable, j.Exec(ctx, "grouping people", fmt.Sprintf(`CREATE OR REPLACE TEMP TABLE standing AS
SELECT p.groups, p.usable, (r.linked & %d) <> 0 AS linked, count(*) AS people FROM (SELECT "%s" AS person, %s AS usable, max(%s) AS groups FROM %s GROUP BY 1) p
JOIN member m ON m.person = p.person JOIN reach r ON r.datasets = m.datasets GROUP BY ALL`, bit, t.People()[0], usable, linkage.Packed(t, groupings), j.source(x.Dataset, t.Name)))
}

func (j *joining) sites(ctx context.Context, dataset string, t *schemas.Table) (sites []string, err error) {
	if !slices.Contains(t.ColumnNames(), "site") {
		return nil, nil
	}
	return sites, j.Query(ctx, "reading sites", "SELECT DISTINCT site FROM "+j.source(dataset, t.Name)+" WHERE site IS NOT NULL ORDER BY site", func(rows *sql.Rows) error {
		var site string
		err := rows.Scan(&site)
		sites = append(sites, site)
		return err
	})
}

// standings counts a dimension's groups exactly, and lays what the release says of those without a number beside them.
func (j *joining) standings(ctx context.Context, x *arrival, groupings []linkage.Grouping, g linkage.Grouping, whole bool) ([]standing, error) {
	all, ages, age := make([]standing, len(g.Values)), 1, "0"
	if groupings[0].Dimension == "age" {
		ages, age = len(groupings[0].Values), groupings[0].Of("groups")
	}
	for i, value := range g.Values {
		all[i] = standing{value: value, whole: whole, number: number(x.Release, g.Dimension, value), tally: linkage.Tally{Of: make([]int64, ages), In: make([]int64, ages)}}
	}
	err := j.Query(ctx, "counting who was found", fmt.Sprintf("SELECT %s, %s, sum(people)::BIGINT, coalesce(sum(people) FILTER (WHERE NOT linked), 0)::BIGINT FROM standing WHERE usable GROUP BY 1, 2", g.Of("groups"), age), func(rows *sql.Rows) error {
		var group, age, of, in int64
		err := rows.Scan(&group, &age, &of, &in)
		if err == nil {
			all[group].tally.Of[age], all[group].tally.In[age] = of, in
		}
		return err
	})
	return slices.DeleteFunc(all, func(s standing) bool {
		of, _ := s.tally.Total()
		return of == 0 && s.number == nil
	}), err
}

// number is what a release says of a group, or nil.
func number(r *schemas.Release, dimension, value string) *schemas.NumberGroup {
	for _, d := range r.Numbers {
		for i := range d.Groups {
			if d.Dimension == dimension && d.Groups[i].Value == value {
				return &d.Groups[i]
			}
		}
	}
	return nil
}

// protected is what is said of a dimension's groups: found and not found are shown together or not at all; who has no number as the release showed it.
func protected(standings []standing) []schemas.LinkGroup {
	tallies, parts := make([]linkage.Tally, len(standings)), make([][]int64, len(standings))
	for i, s := range standings {
		of, in := s.tally.Total()
		tallies[i], parts[i] = s.tally, []int64{of - in, in}
	}
	expected, show := linkage.Expected(tallies), linkage.Showable(parts)
	groups := make([]schemas.LinkGroup, len(standings))
	for i, s := range standings {
		groups[i].Value = s.value
		if show[i] {
			s.tell(&groups[i], linkage.Round5(parts[i][0]), linkage.Round5(parts[i][1]), linkage.Round5(int64(math.Round(expected[i]))))
		}
		s.tellNumber(&groups[i])
	}
	return groups
}

// tell fills in what is rounded: how many were linked, and how many not.
func (s standing) tell(g *schemas.LinkGroup, linked, not, expected int64) {
	g.Linked, g.FoundRatio = &linked, ratioOf(not, expected)
	without := int64(-1)
	if s.number != nil && s.number.Without != nil {
		without = *s.number.Without
	}
	if s.whole {
		g.NotLinked, g.Eligible = &not, sum(linked, not)
	} else {
		g.NotFound, g.Usable = &not, sum(linked, not)
	}
	if !s.whole && without >= 0 {
		g.NotLinked, g.Eligible = sum(not, without), sum(linked, not+without)
	}
	if g.NotFound != nil && g.Eligible != nil {
		e := float64(*g.Eligible)
		g.FoundBounds = interval(float64(linked)/float64(*g.Usable), float64(linked)/e, float64(linked+without)/e, bounds)
	}
	g.OfEligible, g.OfUsable = share(linked, g.Eligible), share(linked, g.Usable)
}

// tellNumber fills in who has no number.
func (s standing) tellNumber(g *schemas.LinkGroup) {
	if s.number == nil || s.number.Without == nil {
		return
	}
	g.Without = s.number.Without
	g.NumberRatio = ratioOf(*s.number.Without, *s.number.Expected)
}

func sum(a, b int64) *int64 {
	n := a + b
	return &n
}

func share(x int64, of *int64) *schemas.Interval {
	if of == nil {
		return nil
	}
	lower, upper, err := statistics.WilsonProtected(float64(x), float64(*of), 1, 0.95)
	if err != nil {
		return nil
	}
	return interval(float64(x)/float64(*of), lower, upper, wilson)
}

func ratioOf(observed, expected int64) *schemas.Interval {
	r, lower, upper, err := statistics.RatioProtected(float64(observed), float64(expected), 0.95)
	if err != nil {
		return nil
	}
	return interval(r, lower, upper, ratio)
}

// interval keeps four digits: what is beyond them is the rounding's.
func interval(value, lower, upper float64, method string) *schemas.Interval {
	four := func(f float64) float64 { return math.Round(f*1e4) / 1e4 }
	return &schemas.Interval{Value: four(value), Lower: four(lower), Upper: four(upper), Method: method}
}
