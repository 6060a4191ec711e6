package pipeline

import (
	"math/rand/v2"
	"slices"
	"testing"

	"datanet/pipeline/aggregate"
	"datanet/pipeline/disclose"
	"datanet/schemas"
)

func testCatalogue() *schemas.Catalogue {
	return schemas.StandardCatalogue().MeasuresOf(dataset)
}

// A counted person is a place on every axis, a record number, and features.
type countedPerson struct {
	values   []int
	number   uint64
	features []int
}

func drawnPeople(r *rand.Rand, l *lattice, n int) (people []countedPerson) {
	for range n {
		p := countedPerson{number: r.Uint64()}
		for i := range l.catalogue.Axes {
			a := &l.catalogue.Axes[i]
			leaves := a.Frontier(a.MaxLevel())
			p.values = append(p.values, leaves[r.IntN(len(leaves))])
		}
		for f := range l.features {
			if r.IntN(3) == 0 {
				p.features = append(p.features, f)
			}
		}
		people = append(people, p)
	}
	return people
}

// finest is what counting yields: for every view, the people of its finest
// groups.
func finest(l *lattice, people []countedPerson) (counts []aggregate.Count) {
	for v, view := range l.catalogue.Views {
		for _, p := range people {
			values := make([]int, len(p.values))
			for i := range values {
				values[i] = l.catalogue.Axes[i].At(p.values[i], view.Levels[l.catalogue.Axes[i].ID])
			}
			for _, f := range p.features {
				at := slices.IndexFunc(counts, func(c aggregate.Count) bool {
					return c.Feature == f && c.View == v && slices.Equal(c.Values, values)
				})
				if at < 0 {
					at, counts = len(counts), append(counts, aggregate.Count{Feature: f, View: v, Values: values})
				}
				counts[at].N++
				counts[at].Sum += p.number
			}
		}
	}
	return counts
}

// TestRollUpIsBruteForce: every node, from people one by one. Nodes that
// several views hold are counted once.
func TestRollUpIsBruteForce(t *testing.T) {
	l := must(newLattice(testCatalogue()))(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	people := drawnPeople(rand.New(rand.NewPCG(seed, 2)), l, 60)
	got := l.rollUp(finest(l, people))
	for node := range l.nodes.Len() {
		at := l.nodes.At(node)
		want := make([]disclose.Count, len(l.features))
		for _, p := range people {
			if !within(l.catalogue, p.values, at) {
				continue
			}
			for _, f := range p.features {
				want[f].N++
				want[f].S += p.number
			}
		}
		for f := range want {
			if got[f][node] != want[f] {
				t.Fatalf("%s in %v: %v, want %v", l.features[f].ID, l.ids(node), got[f][node], want[f])
			}
		}
	}
}

func within(c *schemas.Catalogue, values, node []int) bool {
	for i := range node {
		if !c.Axes[i].Under(values[i], node[i]) {
			return false
		}
	}
	return true
}

// TestLatticeKnowsItsDefinitions: where nobody can be, and where everybody is.
func TestLatticeKnowsItsDefinitions(t *testing.T) {
	l := must(newLattice(testCatalogue()))(t)
	at := func(axis, value string) []int {
		node := make([]int, len(l.catalogue.Axes))
		for i := range l.catalogue.Axes {
			if l.catalogue.Axes[i].ID == axis {
				node[i] = l.catalogue.Axes[i].Index(value)
			}
		}
		return node
	}
	for _, c := range []struct {
		feature, axis, value string
		nobody, everybody    bool
	}{
		{"registered-0", "age", "0-17", false, false},
		{"registered-18", "age", "0-17", true, false},
		{"registered-18", "age", "age-unknown", true, false},
		{"registered-18", "age", "18-19", false, true},
		{"registered-18", "age", "75+", false, true},
		{"registered-18", "sex", "F", false, false},
		{"registered-17", "age", "0-17", false, false},
		{"depression", "age", "0-17", true, false},
		{"depression", "age", "18-39", false, false},
		{"hypertension", "age", "0-17", false, false},
		{"ethnicity-recorded", "ethnicity", "Z", true, false},
		{"ethnicity-recorded", "ethnicity", "99", true, false},
		{"ethnicity-recorded", "ethnicity", "Black", false, true},
		{"ethnicity-recorded", "ethnicity", "N", false, true},
		{"ethnicity-recorded", "age", "0-17", false, false},
	} {
		f := l.table.Features[slices.IndexFunc(l.features, func(f schemas.Feature) bool { return f.ID == c.feature })]
		node := at(c.axis, c.value)
		nobody := f.Impossible != nil && f.Impossible(node)
		everybody := f.Everyone != nil && f.Everyone(node)
		if nobody != c.nobody || everybody != c.everybody {
			t.Errorf("%s in %s %s: nobody %v, everybody %v", c.feature, c.axis, c.value, nobody, everybody)
		}
		if f.Impossible != nil && f.Impossible(at("sex", "")) {
			t.Errorf("%s: nobody anywhere", c.feature)
		}
	}
}

// TestStagesHaveNames: the list tells the program.
func TestStagesHaveNames(t *testing.T) {
	for _, s := range Stages() {
		if s.Name == "" || s.Who == "" || s.Where == "" || s.What == "" {
			t.Errorf("%+v", s)
		}
	}
}
