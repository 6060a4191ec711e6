package release

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"slices"
	"strconv"

	"datanet/linkage"
	"datanet/schemas"
)

// numbers says by group how many people have a usable number. Whoever has none stays out of the release, so that nobody after this could count
// them. What it says is protected here, because the release goes to whoever links.
//
// Where everybody is released, but not whether they have a number, it says nothing: whoever links could take its counts from those of the rows and be left with
// how many of a group were not found, small ones too.
func (w *writing) numbers(ctx context.Context, release *schemas.Release) ([]schemas.NumberDimension, error) {
	if w.everybody() && !slices.Contains(w.approval.Columns(w.Dataset, w.dataset.Tables[0].Name), "linkable") {
		return nil, nil
	}
	groupings, err := w.standing(ctx, release.AsAt)
	if err != nil {
		return nil, err
	}
	var all []schemas.NumberDimension
	for _, g := range groupings {
		tallies, err := w.tally(ctx, groupings, g)
		if err != nil {
			return nil, err
		}
		all = append(all, protected(g, tallies))
	}
	return all, nil
}

// standing makes the table of people with their groups.
func (w *writing) standing(ctx context.Context, asAt string) ([]linkage.Grouping, error) {
	t := w.dataset.Tables[0].Only(w.approval.Columns(w.Dataset, w.dataset.Tables[0].Name))
	year, err := strconv.Atoi(asAt[:4])
	if err != nil {
		return nil, err
	}
	var sites []string
	for _, m := range w.state.State.Members {
		sites = append(sites, m.Site)
	}
	groupings, _ := linkage.Groupings(t, year, sites)
	if len(groupings) == 0 {
		return nil, nil
	}
	return groupings, w.Exec(ctx, "grouping people", "CREATE TEMP TABLE standing AS SELECT person, bool_or(linkable) AS usable, max("+
		linkage.Packed(t, groupings)+") AS groups FROM src_people GROUP BY person")
}

// tally counts a dimension's people by group and age: all, and those without a usable number.
func (w *writing) tally(ctx context.Context, groupings []linkage.Grouping, g linkage.Grouping) ([]linkage.Tally, error) {
	tallies, ages, age := make([]linkage.Tally, len(g.Values)), 1, "0"
	if groupings[0].Dimension == "age" {
		ages, age = len(groupings[0].Values), groupings[0].Of("groups")
	}
	for i := range tallies {
		tallies[i] = linkage.Tally{Of: make([]int64, ages), In: make([]int64, ages)}
	}
	query := fmt.Sprintf("SELECT %s, %s, count(*), count(*) FILTER (WHERE NOT usable) FROM standing GROUP BY 1, 2", g.Of("groups"), age)
	return tallies, w.Query(ctx, "counting who has a usable number", query, func(rows *sql.Rows) error {
		var group, age, of, in int64
		err := rows.Scan(&group, &age, &of, &in)
		if err == nil {
			tallies[group].Of[age], tallies[group].In[age] = of, in
		}
		return err
	})
}

// protected leaves groups without anybody out, and withholds what is small or would tell it.
func protected(g linkage.Grouping, tallies []linkage.Tally) schemas.NumberDimension {
	out := schemas.NumberDimension{Dimension: g.Dimension, Groups: []schemas.NumberGroup{}}
	var parts [][]int64
	var expected []float64
	for i, e := range linkage.Expected(tallies) {
		if of, in := tallies[i].Total(); of > 0 {
			out.Groups = append(out.Groups, schemas.NumberGroup{Value: g.Values[i]})
			parts, expected = append(parts, []int64{of - in, in}), append(expected, e)
		}
	}
	for i, show := range linkage.Showable(parts) {
		if show {
			usable, without, e := linkage.Round5(parts[i][0]), linkage.Round5(parts[i][1]), linkage.Round5(int64(math.Round(expected[i])))
			out.Groups[i].Usable, out.Groups[i].Without, out.Groups[i].Expected = &usable, &without, &e
		}
	}
	return out
}
