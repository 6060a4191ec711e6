package disclose

import (
	"errors"
	"fmt"
	"slices"
)

// A Count is what disclosure may know of a set of people: how many they are, and the sum of their record keys modulo
// 2⁶⁴. Its zero value is nobody.
type Count struct {
	N int64
	S uint64
}

// Counts are the exact counts by feature and node, counts[feature][node]. They never leave the hub.
type Counts [][]Count

// NewCounts is room for every feature of a table at every node, with nobody anywhere.
func NewCounts(features int, nodes *Nodes) Counts {
	counts := make(Counts, features)
	for f := range counts {
		counts[f] = make([]Count, nodes.Len())
	}
	return counts
}

// mostPeople is above any population there is; more is a mistake.
const mostPeople = 1 << 30

// check refuses counts that cannot be those of one set of people: the audit reasons from sums, so a sum that fails
// would make it prove what is false.
func (c Counts) check(t *Table, n *Nodes, impossible, everyone [][]bool) error {
	if len(c) != len(t.Features) {
		return fmt.Errorf("counts of %d features for a table of %d", len(c), len(t.Features))
	}
	for f := range c {
		if len(c[f]) != n.Len() {
			return fmt.Errorf("feature %s: counts of %d nodes for a lattice of %d", t.Features[f].ID, len(c[f]), n.Len())
		}
	}
	var faults faults
	for f := range c {
		c.checkAlone(f, impossible[f], func(node int, rule string) { faults.add(t.Features[f].ID, n.place(node), rule) })
		c.checkSums(f, n, func(node int, rule string) { faults.add(t.Features[f].ID, n.place(node), rule) })
		if g := t.Features[f].Within; g >= 0 {
			c.checkWithin(f, g, everyone[f], func(node int, rule string) { faults.add(t.Features[f].ID, n.place(node), rule) })
		}
	}
	return faults.err()
}

func (c Counts) checkAlone(f int, impossible []bool, fault func(int, string)) {
	for node, x := range c[f] {
		switch {
		case x.N < 0 || x.N > mostPeople:
			fault(node, "a count is negative or beyond any population")
		case x.N == 0 && x.S != 0:
			fault(node, "a record key without people")
		case x.N > 0 && x.S == 0:
			fault(node, "people without record keys") // by chance once in 2⁶⁴
		case x.N > 0 && impossible != nil && impossible[node]:
			fault(node, "people where none can be")
		}
	}
}

func (c Counts) checkSums(f int, n *Nodes, fault func(int, string)) {
	for e, total := range n.sums.total {
		var sum Count
		for _, part := range n.sums.parts(e) {
			sum.N += c[f][part].N
			sum.S += c[f][part].S
		}
		if sum != c[f][total] {
			fault(int(total), "parts do not add up to their total")
		}
	}
}

// checkWithin also asks that equal counts be equal people: a subset as large as the set is the set.
func (c Counts) checkWithin(f, g int, everyone []bool, fault func(int, string)) {
	for node, x := range c[f] {
		y := c[g][node]
		if x.N > y.N || (x.N == y.N && x.S != y.S) {
			fault(node, "counted within fewer or other people")
		}
		if everyone != nil && everyone[node] && x != y {
			fault(node, "somebody is left out where the definition holds everyone")
		}
	}
}

// faults gathers what is wrong by feature, axes and rule, with the number of nodes and never a count of people.
type faults struct{ nodes map[string]int }

func (f *faults) add(feature, place, rule string) {
	if f.nodes == nil {
		f.nodes = map[string]int{}
	}
	f.nodes[fmt.Sprintf("feature %s over %s: %s", feature, place, rule)]++
}

func (f *faults) err() error {
	var all []error
	for what, nodes := range f.nodes {
		all = append(all, fmt.Errorf("%s (at %d nodes)", what, nodes))
	}
	slices.SortFunc(all, func(a, b error) int {
		if a.Error() < b.Error() {
			return -1
		}
		return 1
	})
	return errors.Join(all...)
}
