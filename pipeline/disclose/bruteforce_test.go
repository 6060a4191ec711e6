package disclose

import (
	"math/rand/v2"
	"testing"
)

// tinyTables are lattices small enough to try every table of whole numbers that fits a publication.
func tinyTables() map[string]*Table {
	two := func(name string) Axis { return Axis{name, []Value{{"All", 0, 0}, {"a", 0, 1}, {"b", 0, 1}}} }
	three := func(name string) Axis {
		return Axis{name, []Value{{"All", 0, 0}, {"a", 0, 1}, {"b", 0, 1}, {"c", 0, 1}}}
	}
	return map[string]*Table{
		"2×2": {Axes: []Axis{two("x"), two("y")}, Views: []View{{"x × y", []int{1, 1}}},
			Features: []Feature{{ID: "people", Within: -1}}},
		"2×2 with zeros": {Axes: []Axis{two("x"), two("y")}, Views: []View{{"x × y", []int{1, 1}}},
			Features: []Feature{{ID: "people", Within: -1, ShowZero: true}}},
		"2 and a measure": {Axes: []Axis{two("x")}, Views: []View{{"x", []int{1}}},
			Features: []Feature{{ID: "people", Within: -1}, {ID: "measure", Within: 0, ShowZero: true}}},
		"2 and a sensitive measure": {Axes: []Axis{two("x")}, Views: []View{{"x", []int{1}}},
			Features: []Feature{{ID: "people", Within: -1}, {ID: "measure", Within: 0, Sensitive: true}}},
		"3, one of them divided": {Axes: []Axis{{"x", []Value{{"All", 0, 0}, {"a", 0, 1}, {"b", 0, 1}, {"a1", 1, 2}, {"a2", 1, 2}}}},
			Views: []View{{"x", []int{2}}}, Features: []Feature{{ID: "people", Within: -1}}},
		"3": {Axes: []Axis{three("x")}, Views: []View{{"x", []int{1}}}, Features: []Feature{{ID: "people", Within: -1}}},
	}
}

// tinyLeaves gives each finest node a few people, and each of those the measures by chance.
func tinyLeaves(r *rand.Rand, t *Table) (leaves []leaf) {
	high := r.IntN(100) < 20
	var walk func(values []int)
	walk = func(values []int) {
		if len(values) < len(t.Axes) {
			for _, v := range t.Axes[len(values)].Frontier(9) {
				walk(append(values[:len(values):len(values)], v))
			}
			return
		}
		l := leaf{values, make([]Count, len(t.Features))}
		share := []float64{1, []float64{0, 0.3, 0.6, 1}[r.IntN(4)]}
		people := r.IntN(14)
		if high {
			people += 6
		}
		if r.IntN(2) == 0 {
			people = []int{0, 0, 1, 7, 8, 8, 9}[r.IntN(7)] // where bounds are tightest
		}
		for range people {
			l.add(r, t, share)
		}
		leaves = append(leaves, l)
	}
	walk(nil)
	return leaves
}

// harsh draws mostly the ends of the law, where published counts pull hardest against each other.
func harsh(r *rand.Rand) Uniform {
	seen := map[[2]uint64]float64{}
	return func(s, n uint64) (float64, error) {
		u, ok := seen[[2]uint64{s, n}]
		if !ok {
			u = []float64{0, 0.02, 0.5, 0.97, 0.999}[r.IntN(5)]
			seen[[2]uint64{s, n}] = u
		}
		return u, nil
	}
}

// enumerate tries every table of whole numbers that fits the priors of a system and returns the hull of each cell.
func enumerate(d *draft, s *system) (lo, hi []int64) {
	cells := len(d.cells) * d.nodes.Len()
	table := make([]int64, cells)
	lo, hi = make([]int64, cells), make([]int64, cells)
	for i := range lo {
		lo[i], hi[i] = unbounded, -1
	}
	leaves := finestNodes(d.nodes)
	s.believe(d)
	s.queue = newQueue(len(s.queue.ring))
	cap0 := int64(s.hi[0])
	var walk func(f, i int)
	walk = func(f, i int) {
		if i == len(leaves) {
			f, i = f+1, 0
		}
		if f == len(d.cells) {
			if s.fits(d, table) {
				for v, n := range table {
					lo[v], hi[v] = min(lo[v], n), max(hi[v], n)
				}
			}
			return
		}
		v := f*d.nodes.Len() + leaves[i]
		for n := int64(s.lo[v]); n <= min(int64(s.hi[v]), cap0); n++ {
			table[v] = n
			walk(f, i+1)
		}
	}
	walk(0, 0)
	return lo, hi
}

// fits sums a table up and asks whether every cell and complement lies in its prior.
func (s *system) fits(d *draft, table []int64) bool {
	nodes := d.nodes.Len()
	for f := range d.cells {
		for node := nodes - 1; node >= 0; node-- {
			v := f*nodes + node
			for _, e := range s.sums.of[s.sums.first[node]:s.sums.first[node+1]] {
				if int(s.sums.total[e]) == node {
					table[v] = 0
					for _, p := range s.sums.parts(int(e)) {
						table[v] += table[f*nodes+int(p)]
					}
				}
			}
			if table[v] < int64(s.lo[v]) || table[v] > int64(s.hi[v]) {
				return false
			}
		}
	}
	for _, sp := range s.splits {
		for node := range nodes {
			part, whole := table[int(sp.part)*nodes+node], table[int(sp.whole)*nodes+node]
			if m, reason := d.cells[sp.whole][node], d.reasons[sp.part][node]; !m.Withheld && (reason == Group || reason == AboveDenominator) &&
				part > d.policy.reach() && part < min(whole-1, m.Count-2) {
				return false // neither rule would have withheld it: see infer
			}
			rest := table[int(sp.whole)*nodes+node] - table[int(sp.part)*nodes+node]
			v := int(sp.rest)*nodes + node
			if rest < int64(s.lo[v]) || rest > int64(s.hi[v]) {
				return false
			}
		}
	}
	return true
}

func finestNodes(n *Nodes) (finest []int) {
	for node := range n.Len() {
		divided := false
		for _, total := range n.sums.total {
			divided = divided || int(total) == node
		}
		if !divided {
			finest = append(finest, node)
		}
	}
	return finest
}

// Two ways must agree: bound propagation against every table there is. Propagation may know less than all tables
// together, and never more.
func TestPropagationAgainstBruteForce(t *testing.T) {
	r, seed := seeded(t)
	for name, table := range tinyTables() {
		n := mustNodes(t, table)
		hidden, same, exposed, missed := 0, 0, 0, 0
		for trial := range 300 {
			d, err := newDraft(Lattice(), table, tally(table, n, tinyLeaves(r, table)))
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			if err := d.perturb(harsh(r)); err != nil {
				t.Fatal(err)
			}
			d.decide()
			s, _ := newSystem(table, n)
			lo, hi := enumerate(d, s)
			if err := s.prove(d); err != nil {
				t.Fatalf("seed %d, %s, trial %d: %v", seed, name, trial, err)
			}
			for f := range d.cells {
				for node, cell := range d.cells[f] {
					v := f*n.Len() + node
					if hi[v] < 0 || lo[v] < int64(s.lo[v]) || hi[v] > int64(s.hi[v]) {
						t.Fatalf("seed %d, %s, trial %d: propagation proved [%d, %d] where tables span [%d, %d]",
							seed, name, trial, s.lo[v], s.hi[v], lo[v], hi[v])
					}
					if !cell.Withheld {
						continue
					}
					hidden++
					narrow, known := s.hi[v]-s.lo[v] < 3, hi[v]-lo[v] < 3
					if lo[v] == int64(s.lo[v]) && hi[v] == int64(s.hi[v]) {
						same++
					}
					if known {
						exposed++
					}
					if known && !narrow {
						missed++
					}
				}
			}
		}
		t.Logf("%s: %d withheld cells, propagation exact in %d; %d exposed to all tables, %d of them unseen by propagation", name, hidden, same, exposed, missed)
	}
}
