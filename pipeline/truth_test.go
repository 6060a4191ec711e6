package pipeline

import (
	"context"
	"encoding/csv"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"datanet/pipeline/aggregate"
	"datanet/pipeline/disclose"
)

// Counts before disclosure equal those that follow from the answer key of the
// synthetic borough: everybody, by ward and ethnic group, and by age and sex,
// for every measure. The key is written while the borough is drawn and shares
// no code with the pipeline; its rule for folding registrations into people is
// in synth's documentation. No command prints these counts.
func TestCountsBeforeDisclosureAreTheTruth(t *testing.T) {
	for _, c := range []struct {
		seed              uint64
		people, practices int
	}{{1, 2000, 3}, {20, 1000, 3}, {300, 1000, 4}} {
		t.Run(fmt.Sprintf("seed %d", c.seed), func(t *testing.T) {
			b := newBorough(t, c.people, c.practices, c.seed)
			people := b.people()
			lattice, exact := b.exactCounts()
			compared, held := 0, 0
			for f, feature := range lattice.features {
				byPlace, byAge := map[group]int64{}, map[group]int64{}
				for _, p := range people {
					if p.countsTowards(feature.ID) {
						byPlace[group{p.area(), p.ethnicGroup()}]++
						byAge[group{p.ageBand(), p.sexGroup()}]++
						held++
					}
				}
				for _, part := range []comparison{{"area", "ethnicity", byPlace}, {"age", "sex", byAge}} {
					n, differences := part.with(lattice, exact[f])
					compared += n
					for _, d := range differences {
						t.Errorf("%s %s", feature.ID, d)
					}
				}
			}
			t.Logf("%d people, %d groups compared, %d times somebody counted", len(people), compared, held)
			if compared < 2000 || held < 4*c.people {
				t.Error("too little was compared to show anything")
			}
		})
	}
}

// A group is a value on each of two axes.
type group [2]string

// A comparison sets counts beside the truth, by two axes.
type comparison struct {
	first, second string
	want          map[group]int64
}

// with compares every group of the two axes, the empty ones included, and says
// how many there were and where the two differ.
func (c comparison) with(l *lattice, exact []disclose.Count) (compared int, differences []string) {
	left := maps.Clone(c.want)
	for node := range l.nodes.Len() {
		at, ok := l.groupAt(node, c.first, c.second)
		if !ok {
			continue
		}
		compared++
		delete(left, at)
		if exact[node].N != c.want[at] {
			differences = append(differences, fmt.Sprintf("in %v: %d people are counted, the truth is %d", at, exact[node].N, c.want[at]))
		}
	}
	for at, n := range left {
		differences = append(differences, fmt.Sprintf("in %v: the truth has %d people in a group that is never counted", at, n))
	}
	return compared, differences
}

// groupAt names a node that divides people by two axes, and by nothing else,
// down to wards, six ethnic groups and the bands for standardising.
func (l *lattice) groupAt(node int, first, second string) (at group, ok bool) {
	const level = 2
	for i, v := range l.nodes.At(node) {
		a := &l.catalogue.Axes[i]
		switch {
		case a.ID == first && slices.Contains(a.Frontier(level), v):
			at[0] = a.Values[v].ID
		case a.ID == second && slices.Contains(a.Frontier(level), v):
			at[1] = a.Values[v].ID
		case v != 0:
			return at, false
		}
	}
	return at, at[0] != "" && at[1] != ""
}

// exactCounts are what disclosure control is given.
func (b *borough) exactCounts() (*lattice, disclose.Counts) {
	b.t.Helper()
	o := b.options()
	o.complete()
	s := must(o.source())(b.t)
	defer s.close()
	h := must(o.header(s))(b.t)
	counts := must(o.count(context.Background(), s, h))(b.t)
	l := must(newLattice(h.Catalogue))(b.t)
	return l, l.rollUp(counts)
}

// A registration is one row of the answer key.
type registration map[string]string

// A person is somebody as the key tells: the registration that speaks for them,
// and every condition that any of their practices knows of.
type person struct {
	registration
	conditions map[string]bool
}

// people folds registrations into people: the rows that no gate stops, by
// usable number; a row without one is somebody by itself. The current row with
// the latest start speaks, ties by site. Who has no current row is not counted.
func (b *borough) people() (people []*person) {
	b.t.Helper()
	rows := map[string][]registration{}
	for i, r := range b.sheet("registrations.csv") {
		switch {
		case r["gate"] != "":
		case r["usable"] == "true":
			number := bare(r["nhs_number_recorded"])
			rows[number] = append(rows[number], r)
		default:
			rows[fmt.Sprint("row ", i)] = []registration{r}
		}
	}
	b.agreesWithPeople(rows)
	for _, rs := range rows {
		if p := fold(rs); p != nil {
			people = append(people, p)
		}
	}
	return people
}

func fold(rs []registration) *person {
	p := &person{conditions: map[string]bool{}}
	for _, r := range rs {
		for column, value := range r {
			p.conditions[column] = p.conditions[column] || value == "true"
		}
		if r["current"] == "true" && (p.registration == nil || r.speaksBefore(p.registration)) {
			p.registration = r
		}
	}
	if p.registration == nil {
		return nil
	}
	return p
}

func (r registration) speaksBefore(other registration) bool {
	if r["registered_from"] != other["registered_from"] {
		return r["registered_from"] > other["registered_from"]
	}
	return r["site"] < other["site"]
}

// agreesWithPeople sets the key's two files beside each other: as many numbers
// survive the gates as real people link.
func (b *borough) agreesWithPeople(rows map[string][]registration) {
	b.t.Helper()
	numbers, links := 0, 0
	for _, rs := range rows {
		if rs[0]["usable"] == "true" {
			numbers++
		}
	}
	for _, p := range b.sheet("people.csv") {
		if p["links_primary_care"] == "true" {
			links++
		}
	}
	if numbers != links || numbers == 0 {
		b.t.Errorf("%d numbers survive the gates, %d people link", numbers, links)
	}
}

func bare(number string) (digits string) {
	for _, r := range number {
		if r >= '0' && r <= '9' {
			digits += string(r)
		}
	}
	return digits
}

func (b *borough) sheet(name string) (all []registration) {
	b.t.Helper()
	f := must(os.Open(filepath.Join(b.truth, name)))(b.t)
	defer f.Close()
	rows := must(csv.NewReader(f).ReadAll())(b.t)
	for _, row := range rows[1:] {
		r := registration{}
		for i, column := range rows[0] {
			r[column] = row[i]
		}
		all = append(all, r)
	}
	return all
}

// What follows says again in plain words what the catalogue says in its own.

var twelve = []string{"chd", "stroke", "heart-failure", "atrial-fibrillation", "ckd", "diabetes", "copd", "asthma", "smi", "depression", "dementia", "epilepsy"}

func (p *person) countsTowards(feature string) bool {
	switch feature {
	case "registered-0":
		return true
	case "registered-6":
		return p.isAtLeast(6)
	case "registered-17":
		return p.isAtLeast(17)
	case "registered-18":
		return p.isAtLeast(18)
	case "hypertension", "chd", "smi":
		return p.conditions[feature]
	case "diabetes":
		return p.conditions["diabetes"] && p.isAtLeast(17)
	case "depression":
		return p.conditions["depression"] && p.isAtLeast(18)
	case "asthma":
		return p.conditions["asthma"] && p.isAtLeast(6)
	case "multimorbidity":
		has := 0
		for _, c := range twelve {
			if p.conditions[c] {
				has++
			}
		}
		return has >= 2 && p.isAtLeast(18)
	case "ethnicity-recorded":
		return p.registration["ethnicity"] != "Z" && p.registration["ethnicity"] != ""
	}
	panic("the catalogue has a measure that this test does not know: " + feature)
}

// age is the year of the snapshot minus the year of birth.
func (p *person) age() int {
	born, err := strconv.Atoi(p.registration["birth_year"])
	if err != nil {
		return -1
	}
	return 2026 - born
}

func (p *person) isAtLeast(age int) bool { return p.age() >= age }

func (p *person) ageBand() string {
	for _, band := range []struct {
		from int
		name string
	}{{75, "75+"}, {65, "65-74"}, {55, "55-64"}, {40, "40-54"}, {20, "20-39"}, {18, "18-19"}, {0, "0-17"}} {
		if p.age() >= band.from {
			return band.name
		}
	}
	return "age-unknown"
}

func (p *person) area() string { return p.registration["ward"] }

// ethnicGroup is one of the six of Lambeth, with Chinese under Asian.
func (p *person) ethnicGroup() string {
	return map[string]string{
		"A": "White", "B": "White", "C": "White",
		"D": "Mixed", "E": "Mixed", "F": "Mixed", "G": "Mixed",
		"H": "Asian", "J": "Asian", "K": "Asian", "L": "Asian", "R": "Asian",
		"N": "N", "M": "CO", "P": "CO", "S": "Other", "Z": "Z", "": "99",
	}[p.registration["ethnicity"]]
}

func (p *person) sexGroup() string {
	if sex := p.registration["sex"]; sex == "F" || sex == "M" {
		return sex
	}
	return "other"
}

// TestTruthCanBeMissed: one person in another ward, or in a group that there
// is not, is noticed.
func TestTruthCanBeMissed(t *testing.T) {
	l := must(newLattice(testCatalogue()))(t)
	area := &l.catalogue.Axes[0]
	there, elsewhere := area.Index("E05014095"), "E05014096"
	exact := l.rollUp([]aggregate.Count{{Feature: 0, View: 0, Values: []int{there, 1, 0, 0, 0}, N: 1, Sum: 9}})
	for name, c := range map[string]struct {
		want        group
		differences int
	}{
		"right": {group{"E05014095", "White"}, 0}, "another ward": {group{elsewhere, "White"}, 2}, "no such ward": {group{"E05000416", "White"}, 2},
	} {
		_, differences := comparison{"area", "ethnicity", map[group]int64{c.want: 1}}.with(l, exact[0])
		if len(differences) != c.differences {
			t.Errorf("%s: %q", name, differences)
		}
	}
}
