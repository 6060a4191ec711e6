package aggregate

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"datanet/schemas"
)

// The reference says in plain Go what the SQL says: it shares the catalogue
// with it and nothing else, and takes one person after the other.

// A tally is a count by feature, view and group.
type tally map[string]Count

func place3(feature, view int, values []int) string {
	return fmt.Sprint(feature, " ", view, " ", values)
}

func tallyOf(counts []Count) (tally, error) {
	t := tally{}
	for _, c := range counts {
		at := place3(c.Feature, c.View, c.Values)
		if _, twice := t[at]; twice {
			return nil, fmt.Errorf("%s is counted twice", at)
		}
		t[at] = c
	}
	return t, nil
}

// reference counts a population as at a day.
func (p *population) reference(c *schemas.Catalogue, lists schemas.Lists, asAt string) tally {
	counts := tally{}
	for person, row := range p.current(asAt) {
		conditions := p.conditions(person, c, lists, asAt)
		groups := groupsOf(c, row, asAt)
		features, holds := c.Features(), map[int]bool{}
		for f, feature := range features {
			holds[f] = counted(&feature, row, conditions, asAt) && p.counts(person, &feature, lists, asAt) &&
				(feature.Within < 0 || holds[feature.Within])
			if !holds[f] {
				continue
			}
			for v := range c.Views {
				values := make([]int, len(c.Axes))
				for i := range c.Axes {
					values[i] = c.Axes[i].At(groups[i], c.Views[v].Levels[c.Axes[i].ID])
				}
				at := place3(f, v, values)
				n := counts[at]
				counts[at] = Count{Feature: f, View: v, Values: values, N: n.N + 1, Sum: n.Sum + recordNumber(code(person))}
			}
		}
	}
	return counts
}

// current is each person's row: the registration that holds on the day with
// the latest start.
func (p *population) current(asAt string) map[int]patient {
	rows := map[int][]patient{}
	month, year := asAt[:7], yearOf(asAt)
	dead := map[int]bool{}
	for _, x := range p.patients {
		dead[x.person] = dead[x.person] || (x.death != nil && *x.death <= year)
	}
	for _, x := range p.patients {
		ended := x.to != "" && x.to <= month
		if !ended && !dead[x.person] && x.from <= month {
			rows[x.person] = append(rows[x.person], x)
		}
	}
	chosen := map[int]patient{}
	for person, xs := range rows {
		slices.SortFunc(xs, func(a, b patient) int {
			return cmp.Or(cmp.Compare(b.from, a.from), cmp.Compare(a.site, b.site), missingLast(a.birth, b.birth),
				nullsLast(a.sex, b.sex), nullsLast(a.ethnicity, b.ethnicity), nullsLast(a.ward, b.ward), missingLast(a.decile, b.decile))
		})
		chosen[person] = xs[0]
	}
	return chosen
}

func nullsLast(a, b string) int {
	return cmp.Or(cmp.Compare(bit(a == ""), bit(b == "")), cmp.Compare(a, b))
}

func missingLast(a, b *int) int {
	if a == nil || b == nil {
		return cmp.Compare(bit(a == nil), bit(b == nil))
	}
	return cmp.Compare(*a, *b)
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

func yearOf(asAt string) int { y, _ := strconv.Atoi(asAt[:4]); return y }

// ageOf is a person's age if there is one: a year between 0 and 124.
func ageOf(x patient, asAt string) (int, bool) {
	if x.birth == nil {
		return 0, false
	}
	years := yearOf(asAt) - *x.birth
	return years, years >= 0 && years < 125
}

// conditions are those of which the latest code is not ended by a later one.
func (p *population) conditions(person int, c *schemas.Catalogue, lists schemas.Lists, asAt string) map[string]bool {
	has := map[string]bool{}
	for _, k := range c.Conditions {
		found, resolved := "", ""
		for _, x := range p.entries {
			if x.person != person || !before(x, asAt) {
				continue
			}
			if listed(lists, k.Has, x.concept) {
				found = max(found, dayOf(x))
			}
			if listed(lists, k.Resolved, x.concept) {
				resolved = max(resolved, dayOf(x))
			}
		}
		has[k.ID] = found != "" && found >= resolved
	}
	return has
}

func before(x entry, asAt string) bool {
	switch {
	case x.date != "":
		return x.date <= asAt
	case x.year != nil:
		return *x.year <= yearOf(asAt)
	}
	return true
}

func dayOf(x entry) string {
	switch {
	case x.date != "":
		return x.date
	case x.year != nil:
		return time.Date(*x.year, 7, 1, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
	}
	return "0001-01-01"
}

func listed(lists schemas.Lists, list, concept string) bool {
	return list != "" && slices.ContainsFunc(lists[list].Entries, func(e schemas.Entry) bool { return e.Code == concept })
}

// groupsOf is the person's finest value on each axis.
func groupsOf(c *schemas.Catalogue, x patient, asAt string) []int {
	groups := make([]int, len(c.Axes))
	for i := range c.Axes {
		a := &c.Axes[i]
		word := ""
		switch a.ID {
		case "area":
			word = x.ward
		case "ethnicity":
			word = x.ethnicity
		case "sex":
			word = x.sex
		case "age":
			if years, known := ageOf(x, asAt); known {
				word = strconv.Itoa(years)
			}
		case "imd":
			if x.decile != nil {
				word = strconv.Itoa(*x.decile)
			}
		}
		groups[i] = a.Rest()
		for v := range a.Values {
			if slices.Contains(a.Values[v].Codes, word) {
				groups[i] = v
			}
		}
	}
	return groups
}

// counts says whether what others know of a person, or what was entered
// lately, lets the person count; of other features it says nothing.
func (p *population) counts(person int, f *schemas.Feature, lists schemas.Lists, asAt string) bool {
	switch {
	case f.Denominator != nil && f.Denominator.Kind == schemas.KindDiagnosis:
		return slices.ContainsFunc(p.diagnoses, func(x diagnosis) bool {
			return x.person == person && before(entry{date: x.date, year: x.year}, asAt) && len(x.icd10) >= 3 && listed(lists, f.Denominator.Of[0], x.icd10[:3])
		})
	case f.Denominator != nil:
		return slices.ContainsFunc(p.bookings, func(x booking) bool {
			return x.person == person && x.booked != "" && bookedLately(x.booked, asAt, f.Denominator.Months)
		})
	case f.Measure != nil && f.Measure.Numerator.Kind == schemas.KindEntry:
		n := f.Measure.Numerator
		return slices.ContainsFunc(p.entries, func(x entry) bool {
			return x.person == person && listed(lists, n.Of[0], x.concept) && (x.date != "" || x.year != nil) &&
				before(x, asAt) && dayOf(x) > monthsBefore(asAt, n.Months)
		})
	}
	return true
}

// bookedLately counts months from the date's back; a year alone is its July.
func bookedLately(booked, asAt string, months int) bool {
	number := func(month string) int {
		year, _ := strconv.Atoi(month[:4])
		of, _ := strconv.Atoi(month[5:7])
		return 12*year + of
	}
	if len(booked) == 4 {
		return booked <= asAt[:4] && number(asAt)-number(booked+"-07") < months
	}
	return booked <= asAt[:7] && number(asAt)-number(booked) < months
}

// monthsBefore is the same day some months before, or that month's last.
func monthsBefore(asAt string, months int) string {
	at, _ := time.Parse(time.DateOnly, asAt)
	first := time.Date(at.Year(), at.Month(), 1, 0, 0, 0, 0, time.UTC).AddDate(0, -months, 0)
	last := first.AddDate(0, 1, -1).Day()
	return first.AddDate(0, 0, min(at.Day(), last)-1).Format(time.DateOnly)
}

// counted says whether a person counts towards a feature.
func counted(f *schemas.Feature, x patient, conditions map[string]bool, asAt string) bool {
	if years, known := ageOf(x, asAt); f.LowestAge > 0 && (!known || years < f.LowestAge) {
		return false
	}
	if f.Measure == nil {
		return true
	}
	n := f.Measure.Numerator
	if n.Kind == schemas.KindEntry {
		return true // what was entered says
	}
	if n.Kind == schemas.KindEthnicityRecorded {
		return len(x.ethnicity) == 1 && strings.Contains("ABCDEFGHJKLMNPRS", x.ethnicity)
	}
	has := 0
	for _, k := range n.Of {
		has += bit(conditions[k])
	}
	return has >= max(1, n.Count)
}
