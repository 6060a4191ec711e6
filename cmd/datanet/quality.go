package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"datanet/linkage/pages"
	"datanet/pipeline/link"
	"datanet/schemas"
)

// qualityPage writes who is missing as a page, from the account that was linked and recorded.
func (a *app) qualityPage(o linkOptions, done *link.Result) error {
	if o.report == "" {
		return nil
	}
	h, err := a.openHub()
	if err != nil {
		return err
	}
	record, err := pages.Of(h.ledger)
	if err != nil {
		return err
	}
	page, err := pages.Quality(record, o.approval, done.Quality)
	if err != nil {
		return err
	}
	return pages.WritePage(o.report, page)
}

// mostMissed is how many groups a short account names.
const mostMissed = 3

// A missed group is one that lacks usable numbers, or is not found, more often than its ages alone would explain.
type missed struct {
	dataset, dimension string
	schemas.LinkGroup
}

// printQuality says in one sentence for each dataset whom linking misses most. The whole account is in the JSON.
func printQuality(w io.Writer, all []schemas.LinkQuality) {
	for _, q := range all {
		groups := mostMissedOf(q)
		if len(groups) == 0 {
			fmt.Fprintf(w, "  %s: no group is shown to lack a usable NHS number more often than its ages explain%s\n", q.Dataset, unshown(q))
			continue
		}
		var words []string
		for _, g := range groups {
			words = append(words, fmt.Sprintf("%s %s (%.1f times what is usual at their ages)", dimensionWord[g.dimension], schemas.GroupTitle(g.dimension, g.Value), g.NumberRatio.Value))
		}
		fmt.Fprintf(w, "  %s: most often without a usable NHS number are %s\n", q.Dataset, strings.Join(words, "; "))
	}
}

func unshown(q schemas.LinkQuality) string {
	if slices.Contains(q.Missing, schemas.WithoutNumbers) {
		return "; the approval does not say who has one"
	}
	return ""
}

// mostMissedOf names groups only of which the interval lies above 1.
func mostMissedOf(q schemas.LinkQuality) (groups []missed) {
	for _, d := range q.Dimensions {
		for _, g := range d.Groups {
			if d.Dimension != "age" && g.NumberRatio != nil && g.NumberRatio.Lower > 1 {
				groups = append(groups, missed{q.Dataset, d.Dimension, g})
			}
		}
	}
	slices.SortStableFunc(groups, func(a, b missed) int {
		switch {
		case a.NumberRatio.Value > b.NumberRatio.Value:
			return -1
		case a.NumberRatio.Value < b.NumberRatio.Value:
			return 1
		}
		return 0
	})
	return groups[:min(len(groups), mostMissed)]
}

var dimensionWord = map[string]string{"age": "age", "ethnicity": "ethnic group", "sex": "sex", "imd": "deprivation quintile", "ward": "ward", "site": "site"}
