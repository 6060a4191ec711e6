package disclose

import (
	"errors"
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
// elsewhere, and still nothing can be worked out. The control repairs there.
func TestNoRepairOutside(t *testing.T) {
	r, seed := seeded(t)
	repaired := map[bool]int{}
	for round := 0; round < 12 || (repaired[false] == 0 && round < 200); round++ {
		people := []int{300, 1_000, 5_000, 20_000}[round%4]
		for _, outside := range []bool{true, false} {
			table := linkedTable(outside)
			n := mustNodes(t, table)
			counts := tally(table, n, populate(r, table, people))
			cells, a, err := Protect(table, counts, harsh(r))
			var refusal *Refusal
			if errors.As(err, &refusal) {
				continue
			}
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			if a.ExactRecoveries != 0 || (a.Withheld > 0 && a.NarrowestHidden < 3) {
				t.Errorf("seed %d, %d people: %d recovered, narrowest %d", seed, people, a.ExactRecoveries, a.NarrowestHidden)
			}
			for node := range cells[0] {
				if a.Reason(0, node) == Repair {
					repaired[outside]++
				}
			}
		}
	}
	t.Logf("cells repaired of the feature that others show: %v", repaired)
	if repaired[true] != 0 || repaired[false] == 0 {
		t.Errorf("seed %d: %d cells were withheld that another publication shows; the control has %d", seed, repaired[true], repaired[false])
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
