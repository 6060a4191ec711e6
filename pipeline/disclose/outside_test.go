package disclose

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// linkedTable counts people within everybody, and some of those within them:
// those with a diagnosis elsewhere, and who of them was measured.
func linkedTable(outside bool) *Table {
	t := boroughTable(0)
	t.Features = []Feature{
		{ID: "people", Within: -1, Outside: outside},
		{ID: "diagnosed", Within: 0, Sensitive: true},
		{ID: "booked", Within: 0, Sensitive: true},
		{ID: "measured", Within: 1, Sensitive: true},
		{ID: "condition", Within: 2, Sensitive: true},
	}
	return t
}

// What another publication shows cannot be withheld here: repairs look
// elsewhere, and still nothing can be worked out. In the control, which shows
// the same people itself, they are what is withheld.
func TestNoRepairOutside(t *testing.T) {
	r, seed := seeded(t)
	for round := range 12 {
		people := []int{300, 1_000, 5_000, 20_000}[round%4]
		table := linkedTable(true)
		n := mustNodes(t, table)
		counts := tally(table, n, populate(r, table, people))
		cells, a, err := Protect(table, counts, harsh(r))
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if a.ExactRecoveries != 0 || (a.NarrowestHidden >= 0 && a.NarrowestHidden < 3) {
			t.Errorf("seed %d, %d people: %d recovered, narrowest %d", seed, people, a.ExactRecoveries, a.NarrowestHidden)
		}
		for node := range cells[0] {
			if a.Reason(0, node) == Repair {
				t.Fatalf("seed %d: a cell was withheld that another publication shows", seed)
			}
		}
	}
}

// Two shown parts leave nobody or one for the third. Here that is repaired by
// withholding a part; of people that another publication shows it is not.
func TestRepairOfTheSamePeopleWithinAndOutside(t *testing.T) {
	for _, outside := range []bool{false, true} {
		table := &Table{
			Axes:     []Axis{{"x", []Value{{"All", 0, 0}, {"a", 0, 1}, {"b", 0, 1}, {"c", 0, 1}}}},
			Views:    []View{{"x", []int{1}}},
			Features: []Feature{{ID: "people", Within: -1, Outside: outside}, {ID: "measure", Within: 0}},
		}
		key := func(n int64) Count { return Count{N: n, S: uint64(n) * 1_000_003} }
		counts := Counts{{key(17), key(9), key(8), {}}, make([]Count, 4)}
		_, a, err := Protect(table, counts, func(_, n uint64) (float64, error) {
			if n == 17 {
				return 0, nil // draws −5
			}
			return 0.5, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		repaired := 0
		for node := range counts[0] {
			if a.Reason(0, node) == Repair {
				repaired++
			}
		}
		if (repaired > 0) == outside {
			t.Errorf("outside %v: %d cells repaired", outside, repaired)
		}
	}
}

// independent is what can be proved of a publication without the audit's own
// notion of what is inherited: everything together, and the people outside in a
// table of nothing else.
func independent(t *testing.T, d *draft) (together, alone *system) {
	t.Helper()
	together, err := newSystem(d.table, d.nodes)
	if err != nil {
		t.Fatal(err)
	}
	table := &Table{Axes: d.table.Axes, Views: d.table.Views, Features: []Feature{{ID: "people", Within: -1}}}
	one, err := newDraft(d.policy, table, d.exact[:1])
	if err != nil {
		t.Fatal(err)
	}
	one.cells[0] = d.cells[0]
	if alone, err = newSystem(table, d.nodes); err != nil {
		t.Fatal(err)
	}
	if err := together.deduce(d); err != nil {
		t.Fatal(err)
	}
	if err := alone.deduce(one); err != nil {
		t.Fatal(err)
	}
	return together, alone
}

// revealed lists, by feature and node, the withheld cells of a linkedTable that
// became known to within less than Width because of what is counted within.
// Without it, of people outside there is the interval alone; of people counted
// within them, from none to as many as those may be.
func revealed(t *testing.T, d *draft) (cells [][2]int) {
	t.Helper()
	together, alone := independent(t, d)
	for f := range d.cells {
		for node, cell := range d.cells[f] {
			v := f*d.nodes.Len() + node
			lo, hi := alone.lo[node], alone.hi[node]
			if f > 0 {
				lo = 0
			}
			narrow := together.hi[v]-together.lo[v] < int32(d.policy.Width)
			if cell.Withheld && narrow && (together.lo[v] > lo || together.hi[v] < hi) {
				cells = append(cells, [2]int{f, node})
			}
		}
	}
	return cells
}

// drafted is a publication that is decided and not yet audited.
func drafted(t *testing.T, table *Table, counts Counts, u Uniform) *draft {
	t.Helper()
	d, err := newDraft(Lattice(), table, counts)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.perturb(u); err != nil {
		t.Fatal(err)
	}
	d.decide()
	return d
}

// What this publication makes known of withheld counts, and the other one by
// itself does not, is never excused. The fixed seeds have such counts before
// repair; the others are random.
func TestNothingIsRevealedWithinOutside(t *testing.T) {
	_, seed := seeded(t)
	for round := range uint64(40) {
		people := []int{100, 400, 400, 1_500}[round%4]
		secured(t, rand.New(rand.NewPCG(seed, round)), people)
	}
	before := 0
	for _, round := range []uint64{27, 54, 59, 219} {
		before += secured(t, rand.New(rand.NewPCG(1795386658024358428, round)), 400)
	}
	if before == 0 {
		t.Error("nothing was revealed before repair: the test tests nothing")
	}
}

// secured audits a linked publication of random people, asks that nothing be
// revealed by it, and tells how many cells would have been.
func secured(t *testing.T, r *rand.Rand, people int) (before int) {
	t.Helper()
	table := linkedTable(true)
	d := drafted(t, table, tally(table, mustNodes(t, table), populate(r, table, people)), harsh(r))
	first := revealed(t, d)
	named(t, d, first)
	if _, err := d.secure(); err != nil {
		t.Fatal(err)
	}
	if after := revealed(t, d); len(after) > 0 {
		t.Fatalf("%d people: of feature %d at node %d and %d others this publication says too much", people, after[0][0], after[0][1], len(after)-1)
	}
	return len(first)
}

// named asks that the audit find every cell that is revealed.
func named(t *testing.T, d *draft, cells [][2]int) {
	t.Helper()
	s, err := newSystem(d.table, d.nodes)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.prove(d); err != nil {
		t.Fatal(err)
	}
	exposed := s.exposed(d)
	for _, c := range cells {
		if !slices.Contains(exposed, int32(c[0])*s.nodes+int32(c[1])) {
			t.Fatalf("feature %d at node %d is revealed and excused", c[0], c[1])
		}
	}
}

// Where no zeros are shown there is nothing to start over: a feature that was
// given up stays so, or two could take turns for ever.
func TestStartingOverKeepsWhatWasGivenUp(t *testing.T) {
	r, _ := seeded(t)
	table := linkedTable(true)
	d := drafted(t, table, tally(table, mustNodes(t, table), populate(r, table, 400)), still)
	if !d.giveUp(1) || d.giveUp(1) || d.giveUp(0) {
		t.Error("a feature is given up once, and one outside never")
	}
	d.repaired[2][7] = true
	if d.startOver() || slices.Contains(d.repaired[1], false) || !d.repaired[2][7] {
		t.Error("starting over changed what was withheld")
	}
}

// Among very few people there may be nothing to show of a measure. Then it is
// withheld altogether, and the others are published.
func TestFewPeopleAreNotRefused(t *testing.T) {
	r, seed := seeded(t)
	given := 0
	for round := range 160 {
		people := []int{30, 100, 400, 1_500}[round%4]
		table := linkedTable(round%2 == 0)
		n := mustNodes(t, table)
		counts := tally(table, n, populate(r, table, people))
		_, a, err := Protect(table, counts, harsh(r))
		if err != nil {
			t.Errorf("seed %d, round %d, %d people: %v", seed, round, people, err)
			continue
		}
		if a.ExactRecoveries != 0 || a.NarrowestHidden >= 0 && a.NarrowestHidden < 3 {
			t.Errorf("seed %d, round %d, %d people: %d recovered, narrowest %d", seed, round, people, a.ExactRecoveries, a.NarrowestHidden)
		}
		if a.RepairedCells > n.Len()/2 {
			given++
		}
	}
	t.Logf("%d measures were given up", given)
}
