package pipeline

import (
	"slices"

	"datanet/pipeline/aggregate"
	"datanet/pipeline/disclose"
	"datanet/pipeline/publication"
	"datanet/schemas"
)

// A lattice is the catalogue's views as disclosure control knows them.
type lattice struct {
	catalogue *schemas.Catalogue
	features  []schemas.Feature
	table     *disclose.Table
	nodes     *disclose.Nodes
}

func newLattice(c *schemas.Catalogue) (*lattice, error) {
	l := &lattice{catalogue: c, features: c.Features(), table: &disclose.Table{}}
	for _, a := range c.Axes {
		axis := disclose.Axis{Name: a.ID}
		for _, v := range a.Values {
			axis.Values = append(axis.Values, disclose.Value{Name: v.ID, Parent: max(0, a.Index(v.Parent)), Level: v.Level})
		}
		l.table.Axes = append(l.table.Axes, axis)
	}
	for _, v := range c.Views {
		l.table.Views = append(l.table.Views, disclose.View{Name: v.ID, Limits: l.limits(v)})
	}
	for i, f := range l.features {
		l.table.Features = append(l.table.Features, disclose.Feature{
			ID: f.ID, Within: f.Within, Sensitive: f.Sensitive(), ShowZero: f.Measure != nil && f.Measure.ZeroShown,
			Outside: !l.shown(i), Impossible: l.anywhere(f.Excludes), Everyone: l.anywhere(f.Includes),
		})
	}
	var err error
	l.nodes, err = l.table.Nodes()
	return l, err
}

// shown says whether rows hold a feature: a measure's numerator, or what one is
// counted within. Everybody registered is not, where every measure has a
// denominator of its own: the dataset's own publication shows them.
func (l *lattice) shown(feature int) bool {
	return l.features[feature].Measure != nil ||
		slices.ContainsFunc(l.features, func(f schemas.Feature) bool { return f.Measure != nil && f.Within == feature })
}

func (l *lattice) limits(v schemas.View) []int {
	limits := make([]int, len(l.catalogue.Axes))
	for i, a := range l.catalogue.Axes {
		limits[i] = v.Levels[a.ID]
	}
	return limits
}

// anywhere tells of a node whether its value on some axis is marked; nil when
// no axis has marks.
func (l *lattice) anywhere(mark func(*schemas.Axis) []bool) func(node []int) bool {
	marks, some := make([][]bool, len(l.catalogue.Axes)), false
	for i := range l.catalogue.Axes {
		marks[i] = mark(&l.catalogue.Axes[i])
		some = some || marks[i] != nil
	}
	if !some {
		return nil
	}
	return func(node []int) bool {
		for axis, v := range node {
			if marks[axis] != nil && marks[axis][v] {
				return true
			}
		}
		return false
	}
}

// rollUp adds the finest groups up to every node. A node that several views
// hold is counted in the first of them: they all count the same people.
func (l *lattice) rollUp(counts []aggregate.Count) disclose.Counts {
	exact := disclose.NewCounts(len(l.features), l.nodes)
	home := l.homes()
	for _, c := range counts {
		l.above(c.View, c.Values, func(values []int) {
			node, ok := l.nodes.Index(values...)
			if ok && home[node] == c.View {
				exact[c.Feature][node].N += c.N
				exact[c.Feature][node].S += c.Sum
			}
		})
	}
	return exact
}

// homes gives each node the first view that holds it.
func (l *lattice) homes() []int {
	home := make([]int, l.nodes.Len())
	for node := range home {
		values := l.nodes.At(node)
		for v := range l.table.Views {
			if l.holds(v, values) {
				home[node] = v
				break
			}
		}
	}
	return home
}

func (l *lattice) holds(view int, values []int) bool {
	for axis, v := range values {
		if l.catalogue.Axes[axis].Values[v].Level > l.table.Views[view].Limits[axis] {
			return false
		}
	}
	return true
}

// above visits a finest group and everything coarser in its view.
func (l *lattice) above(view int, values []int, visit func([]int)) {
	chain := make([][]int, len(values))
	for axis, v := range values {
		a := &l.catalogue.Axes[axis]
		for chain[axis] = []int{v}; v != 0; chain[axis] = append(chain[axis], v) {
			v = a.Index(a.Values[v].Parent)
		}
	}
	at := make([]int, len(values))
	node := make([]int, len(values))
	for {
		for axis := range at {
			node[axis] = chain[axis][at[axis]]
		}
		visit(node)
		axis := 0
		for ; axis < len(at); axis++ {
			if at[axis]++; at[axis] < len(chain[axis]) {
				break
			}
			at[axis] = 0
		}
		if axis == len(at) {
			return
		}
	}
}

// rows writes protected cells as published rows: each measure with its
// denominator. What is withheld has no number here and no reason anywhere; and
// a zero that is known by definition says nothing beside a denominator that is
// withheld.
func (l *lattice) rows(cells disclose.Published) []publication.Count {
	var rows []publication.Count
	for f, feature := range l.features {
		if feature.Measure == nil {
			continue
		}
		for node := range l.nodes.Len() {
			row := publication.Count{Measure: feature.ID, Values: l.ids(node), Denominator: count(cells[feature.Within][node])}
			if row.Denominator != nil {
				row.Numerator = count(cells[f][node])
			}
			rows = append(rows, row)
		}
	}
	return rows
}

// ids are a node's values by their ids.
func (l *lattice) ids(node int) []string {
	values := l.nodes.At(node)
	ids := make([]string, len(values))
	for axis, v := range values {
		ids[axis] = l.catalogue.Axes[axis].Values[v].ID
	}
	return ids
}

func count(c disclose.Cell) *int64 {
	if c.Withheld {
		return nil
	}
	return &c.Count
}
