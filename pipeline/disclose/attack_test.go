package disclose

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// weak policies: the positive controls. An auditor that cannot win against these proves nothing.
var (
	exactMargins = Policy{Name: "exact margins, primary suppression only", Threshold: 7, Base: 1, Outsiders: 1, Width: 3}
	plainNHS     = Policy{Name: "NHS rule, zeros shown, no noise", Threshold: 7, Base: 5, Outsiders: 1, Width: 3}
)

// unrepaired makes a publication and counts what the auditor works out of it.
func unrepaired(t *testing.T, p Policy, table *Table, counts Counts, u Uniform) *Audit {
	t.Helper()
	d, err := newDraft(p, table, counts)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.perturb(u); err != nil {
		t.Fatal(err)
	}
	d.decide()
	s, err := newSystem(table, d.nodes)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.prove(d); err != nil {
		t.Fatal(err)
	}
	a := s.report(d)
	a.FirstExposed = len(s.exposed(d))
	return a
}

func TestTheAuditorWinsAgainstWeakRulesAndLosesToOurs(t *testing.T) {
	r, seed := seeded(t)
	table := boroughTable(12)
	n := mustNodes(t, table)
	for _, people := range []int{2_000, 20_000, 60_000, 300_000} {
		counts := tally(table, n, populate(r, table, people))
		for _, weak := range []Policy{exactMargins, plainNHS} {
			a := unrepaired(t, weak, table, counts, still)
			t.Logf("%d people, %s: %d of %d withheld cells recovered exactly", people, weak.Name, a.ExactRecoveries, a.Withheld)
			if a.ExactRecoveries < 10 {
				t.Errorf("seed %d: %s resisted: %d", seed, weak.Name, a.ExactRecoveries)
			}
		}
		before := unrepaired(t, Lattice(), table, counts, keyed(seed))
		_, a, err := Protect(table, counts, keyed(seed))
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		t.Logf("%d people, lattice: %d of %d cells withheld, %d exact and %d exposed before repair, %d repaired in %d rounds, narrowest %d, mean error %.2f",
			people, a.Withheld, a.Cells, before.ExactRecoveries, a.FirstExposed, a.RepairedCells, a.Rounds, a.NarrowestHidden, a.MeanError)
		if a.ExactRecoveries != 0 || a.NarrowestHidden < 3 {
			t.Errorf("seed %d: %d recovered, narrowest %d", seed, a.ExactRecoveries, a.NarrowestHidden)
		}
		if a.RepairedCells*100 > a.Cells {
			t.Errorf("seed %d: repairs are no longer rare: %d of %d", seed, a.RepairedCells, a.Cells)
		}
	}
}

// What is published must hold by itself, whatever the audit says of it.
func TestPublicationKeepsItsPromises(t *testing.T) {
	r, seed := seeded(t)
	table := boroughTable(9)
	n := mustNodes(t, table)
	counts := tally(table, n, populate(r, table, 40_000))
	cells, audit, err := Protect(table, counts, keyed(seed))
	if err != nil {
		t.Fatal(err)
	}
	for f, feature := range table.Features {
		for node, cell := range cells[f] {
			truth := counts[f][node].N
			impossible := feature.Impossible != nil && feature.Impossible(n.At(node))
			switch {
			case cell.Withheld && (cell.Count != 0 || audit.Reason(f, node) == Shown || impossible):
				t.Fatalf("seed %d: a withheld cell says something", seed)
			case cell.Withheld:
				continue
			case truth >= 1 && truth <= 7:
				t.Fatalf("seed %d: a small count was shown", seed)
			case cell.Count%5 != 0 || (truth > 0 && cell.Count < 10) || cell.Count > truth+7 || cell.Count < truth-7:
				t.Fatalf("seed %d: %d was shown for %d", seed, cell.Count, truth)
			case feature.Within >= 0 && !impossible && (cells[feature.Within][node].Withheld || cells[feature.Within][node].Count < cell.Count):
				t.Fatalf("seed %d: a numerator without, or above, its denominator", seed)
			case feature.Sensitive && truth > 0 && truth >= counts[feature.Within][node].N-1:
				t.Fatalf("seed %d: a whole group was shown", seed)
			}
		}
	}
}

// The same people draw the same noise however they are reached: where adults are everyone of an age, both counts are
// perturbed alike.
func TestSamePeopleSameNoise(t *testing.T) {
	r, seed := seeded(t)
	table := boroughTable(2)
	n := mustNodes(t, table)
	counts := tally(table, n, populate(r, table, 30_000))
	cells, _, err := Protect(table, counts, keyed(seed))
	if err != nil {
		t.Fatal(err)
	}
	same := 0
	for node := range n.Len() {
		if counts[0][node] == counts[1][node] && !cells[0][node].Withheld && !cells[1][node].Withheld {
			same++
			if cells[0][node] != cells[1][node] {
				t.Fatalf("seed %d: the same people were counted differently", seed)
			}
		}
	}
	if same < 100 {
		t.Fatalf("seed %d: only %d such nodes", seed, same)
	}
}

// The order in which people, views and features come changes nothing.
func TestOrderDoesNotMatter(t *testing.T) {
	r, seed := seeded(t)
	table := boroughTable(6)
	n := mustNodes(t, table)
	leaves := populate(r, table, 20_000)
	first, audit, err := Protect(table, tally(table, n, leaves), keyed(seed))
	if err != nil {
		t.Fatal(err)
	}
	r.Shuffle(len(leaves), func(i, j int) { leaves[i], leaves[j] = leaves[j], leaves[i] })
	r.Shuffle(len(table.Views), func(i, j int) { table.Views[i], table.Views[j] = table.Views[j], table.Views[i] })
	second, again, err := Protect(table, tally(table, n, leaves), keyed(seed))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(first, second) || audit.RepairedCells != again.RepairedCells {
		t.Errorf("seed %d: the order of people or views changed the publication", seed)
	}
	if other, _, err := Protect(table, tally(table, n, leaves), keyed(seed+1)); err != nil || reflect.DeepEqual(first, other) {
		t.Errorf("seed %d: another key gave the same publication (%v)", seed, err)
	}
}

// What was withheld in the end depends on what was to be published and on the bits that the auditor is told (is there
// anyone, are there more than 12), and on nothing else: publications alike in these are repaired alike.
func TestRepairSeesNoMoreThanItSays(t *testing.T) {
	r, seed := seeded(t)
	for name, table := range tinyTables() {
		n := mustNodes(t, table)
		outcome, repairs, alike := map[string]string{}, 0, 0
		for range 6000 {
			counts := tally(table, n, tinyLeaves(r, table))
			d, err := newDraft(Lattice(), table, counts)
			if err != nil {
				t.Fatal(err)
			}
			if err := d.perturb(harsh(r)); err != nil {
				t.Fatal(err)
			}
			d.decide()
			seen := fmt.Sprint(d.cells)
			for f := range counts {
				for node, c := range counts[f] {
					if d.cells[f][node].Withheld {
						seen += fmt.Sprint(c.N > 0, c.N > 12)
					}
				}
			}
			before := fmt.Sprint(d.cells)
			after := "refused"
			if _, err := d.secure(); err == nil {
				after = fmt.Sprint(d.cells)
			}
			if after != before {
				repairs++
			}
			if known, ok := outcome[seen]; !ok {
				outcome[seen] = after
			} else if alike++; known != after {
				t.Fatalf("seed %d, %s: alike to be published, repaired differently", seed, name)
			}
		}
		t.Logf("%s: %d of 6000 repaired, %d alike", name, repairs, alike)
	}
}

// When repair does not help there is a refusal, of the governance kind, and nothing beside it.
func TestRefusal(t *testing.T) {
	r, _ := seeded(t)
	table := boroughTable(3)
	n := mustNodes(t, table)
	counts := tally(table, n, populate(r, table, 5_000))
	cells, audit, err := protect(plainNHS, table, counts, still)
	var refusal *Refusal
	if !errors.As(err, &refusal) || cells != nil || audit != nil {
		t.Fatalf("%v, beside %v", err, audit)
	}
	if refusal.Kind() != "governance" || len(refusal.Hints()) == 0 {
		t.Errorf("%q, %v", refusal.Kind(), refusal.Hints())
	}
}

// Populations too small for their lattice, and denominators that show zeros, are the hardest: withheld cells count each
// other. There is a publication that withstands the audit or a refusal, and never a contradiction.
func TestHardPopulations(t *testing.T) {
	r, seed := seeded(t)
	for _, people := range []int{0, 1, 30, 300, 1_000, 3_000} {
		table := boroughTable(8)
		for f := range table.Features {
			table.Features[f].ShowZero = !table.Features[f].Sensitive
		}
		n := mustNodes(t, table)
		counts := tally(table, n, populate(r, table, people))
		_, a, err := Protect(table, counts, keyed(seed))
		var refusal *Refusal
		switch {
		case errors.As(err, &refusal):
			t.Logf("%d people: %v", people, err)
		case err != nil:
			t.Fatalf("seed %d, %d people: %v", seed, people, err)
		default:
			t.Logf("%d people: %d exposed before repair, %d repaired in %d rounds, zeros withdrawn from %d features",
				people, a.FirstExposed, a.RepairedCells, a.Rounds, len(a.ZerosWithdrawn))
		}
	}
}

// A withheld cell looks the same whatever withheld it, and the report keeps per-cell reasons out of its own JSON.
func TestReasonsStayBehind(t *testing.T) {
	if f := reflect.TypeFor[Cell](); f.NumField() != 2 {
		t.Errorf("a cell has %d fields: nothing but the count and one symbol may be published", f.NumField())
	}
	b, err := json.Marshal(&Audit{reasons: [][]Reason{{Group}}, Reasons: map[string]int{}})
	if err != nil || strings.Contains(string(b), Group.String()) {
		t.Errorf("%s, %v", b, err)
	}
}

// Every kind of mangled input is refused, and the refusal says where and not how many.
func TestMangledCounts(t *testing.T) {
	r, seed := seeded(t)
	table := boroughTable(4)
	n := mustNodes(t, table)
	leaves := populate(r, table, 3_000)
	for name, mangle := range map[string]func(Counts){
		"negative":            func(c Counts) { c[2][77].N = -c[2][77].N - 1 },
		"one more":            func(c Counts) { c[0][9].N++ },
		"one fewer":           func(c Counts) { c[0][0].N-- },
		"another key":         func(c Counts) { c[0][9].S++ },
		"keys without people": func(c Counts) { c[1][n.Len()-1] = Count{S: 1} },
		"no keys at all": func(c Counts) {
			for f := range c {
				for node := range c[f] {
					c[f][node].S = 0
				}
			}
		},
		"children in a denominator of adults": func(c Counts) { i, _ := n.Index(0, 0, 1, 0); c[1][i] = c[0][i] },
		"more than its denominator":           func(c Counts) { c[2], c[0] = c[0], c[2] },
		"other people of the same number":     func(c Counts) { c[2][0].N = c[0][0].N },
		"a feature too few":                   func(c Counts) { c[3] = nil },
		"a node too few":                      func(c Counts) { c[3] = c[3][1:] },
		"everyone alive":                      func(c Counts) { c[0][0].N = 1 << 40 },
		"overflowing":                         func(c Counts) { c[0][1].N = 1 << 62; c[0][2].N = 1 << 62 },
	} {
		counts := tally(table, n, leaves)
		mangle(counts)
		cells, audit, err := Protect(table, counts, keyed(seed))
		if err == nil || cells != nil || audit != nil {
			t.Errorf("seed %d: %s was accepted (%v)", seed, name, err)
			continue
		}
		if strings.Contains(err.Error(), "3000") {
			t.Errorf("%s: a count in %q", name, err)
		}
	}
	if _, _, err := Protect(table, nil, keyed(seed)); err == nil {
		t.Error("no counts were accepted")
	}
}

// One mangled number anywhere is found by the sums it stands in.
func TestEveryNumberIsChecked(t *testing.T) {
	r, seed := seeded(t)
	table := boroughTable(1)
	n := mustNodes(t, table)
	counts := tally(table, n, populate(r, table, 2_000))
	d, err := newDraft(Lattice(), table, counts)
	if err != nil {
		t.Fatal(err)
	}
	for range 200 {
		f, node := r.IntN(len(counts)), r.IntN(n.Len())
		kept := counts[f][node]
		counts[f][node].N++
		counts[f][node].S += r.Uint64() | 1
		if counts.check(table, n, d.impossible, d.everyone) == nil {
			t.Fatalf("seed %d: feature %d, node %d", seed, f, node)
		}
		counts[f][node] = kept
	}
}

func BenchmarkProtect(b *testing.B) {
	r, seed := seeded(b)
	table := boroughTable(38)
	n := mustNodes(b, table)
	counts := tally(table, n, populate(r, table, 100_000))
	b.ResetTimer()
	for b.Loop() {
		if _, _, err := Protect(table, counts, keyed(seed)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(n.Len()*len(table.Features)), "cells")
}
