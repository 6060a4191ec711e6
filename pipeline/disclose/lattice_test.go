package disclose

import (
	"slices"
	"strings"
	"testing"
)

func names(a Axis, values []int) string {
	var s []string
	for _, v := range values {
		s = append(s, a.Values[v].Name)
	}
	return strings.Join(s, " ")
}

func TestFrontierAndChildren(t *testing.T) {
	a := ethnicityAxis()
	for level, want := range []string{
		"All", "White Mixed Asian Black Other Unknown", "White Mixed Asian Other Unknown African Caribbean or other",
		"Unknown African A B C D E F G H J K L M P R S",
	} {
		if got := names(a, a.Frontier(level)); got != want {
			t.Errorf("frontier at %d: %s; want %s", level, got, want)
		}
	}
	for _, c := range []struct {
		value, limit int
		want         string
	}{{1, 2, ""}, {1, 3, "A B C"}, {4, 1, ""}, {4, 2, "African Caribbean or other"}, {8, 2, ""}, {8, 3, "M P"}, {7, 3, ""}, {0, 0, ""}} {
		if got := names(a, a.Children(c.value, c.limit)); got != c.want {
			t.Errorf("children of %s at %d: %q, want %q", a.Values[c.value].Name, c.limit, got, c.want)
		}
	}
}

func TestNodesAreOneSet(t *testing.T) {
	table := boroughTable(1)
	n := mustNodes(t, table)
	sum := 0
	for _, v := range table.Views {
		size := 1
		for i := range table.Axes {
			size *= len(table.Axes[i].upTo(v.Limits[i]))
		}
		sum += size
	}
	t.Logf("%d nodes in views of %d, %d equations", n.Len(), sum, n.sums.len())
	if n.Len() >= sum || n.Len() < 5000 {
		t.Errorf("%d nodes", n.Len())
	}
	for node := range n.Len() {
		if i, ok := n.Index(n.At(node)...); !ok || i != node {
			t.Fatalf("node %d is found at %d, %v", node, i, ok)
		}
	}
	if !slices.Equal(n.At(0), []int{0, 0, 0, 0}) {
		t.Error("node 0 is not the whole")
	}
	for _, absent := range [][]int{{5, 9, 2, 0}, {1}, {0, 0, 0, 3}, {-1, 0, 0, 0}, {99, 0, 0, 0}} {
		if _, ok := n.Index(absent...); ok {
			t.Errorf("%v was found", absent)
		}
	}
	for e, total := range n.sums.total {
		for _, part := range n.sums.parts(e) {
			if part <= total {
				t.Fatalf("a part comes before its total")
			}
		}
	}
}

// The order of views changes nothing.
func TestNodesDependOnTheTableAlone(t *testing.T) {
	a, b := boroughTable(1), boroughTable(1)
	slices.Reverse(b.Views)
	if x, y := mustNodes(t, a), mustNodes(t, b); !slices.Equal(x.codes, y.codes) {
		t.Error("the order of views changed the nodes")
	}
}

func TestTablesThatCannotAddUp(t *testing.T) {
	for want, change := range map[string]func(*Table){
		"differ in level":         func(t *Table) { t.Axes[1].Values[9].Level = 2 },
		"finer than its parent":   func(t *Table) { t.Axes[1].Values[21].Level = 2 },
		"after its parent":        func(t *Table) { t.Axes[1].Values[7].Parent = 20 },
		"All at level 0":          func(t *Table) { t.Axes[0].Values = nil },
		"a limit for each":        func(t *Table) { t.Views[0].Limits = []int{1} },
		"below 0":                 func(t *Table) { t.Views[0].Limits[0] = -1 },
		"does not exist":          func(t *Table) { t.Features[2].Within = 40 },
		"counted within itself":   func(t *Table) { t.Features[0].Within = 1 },
		"cannot show zeros":       func(t *Table) { t.Features[4].ShowZero = true },
		"needs the group":         func(t *Table) { t.Features[4].Within = -1 },
		"needs axes, views":       func(t *Table) { t.Views = nil },
		"combinations":            func(t *Table) { many(t, 20) },
		"more than 4194304 nodes": func(t *Table) { many(t, 8) },
	} {
		table := boroughTable(3)
		change(table)
		if n, err := table.Nodes(); err == nil || n != nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

func many(t *Table, axes int) {
	for len(t.Axes) < axes {
		t.Axes = append(t.Axes, ethnicityAxis())
	}
	t.Views = []View{{"all", slices.Repeat([]int{3}, axes)}}
}
