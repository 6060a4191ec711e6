package disclose

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"
)

// mostNodes bounds what a table may ask for, before memory is spent on it.
const mostNodes = 1 << 22

// Nodes are the nodes of all views of a table as one set: the same coordinates in two views are the same node. Node 0
// is All on every axis, and a node comes after every node that contains it.
type Nodes struct {
	axes  []Axis
	codes []uint64
	at    []int // one value per axis, node after node
	sums  sums
}

// Nodes lists the nodes of the table in an order that depends on the table alone.
func (t *Table) Nodes() (*Nodes, error) {
	if err := t.validate(); err != nil {
		return nil, err
	}
	n := &Nodes{axes: t.Axes}
	if err := n.enumerate(t.Views); err != nil {
		return nil, err
	}
	n.sums = n.equations()
	return n, nil
}

// Len is the number of nodes.
func (n *Nodes) Len() int { return len(n.codes) }

// At gives a node's value on each axis. The slice belongs to the caller.
func (n *Nodes) At(node int) []int { return slices.Clone(n.coordinates(node)) }

// Index finds a node by its value on each axis; false when no view holds it.
func (n *Nodes) Index(values ...int) (int, bool) {
	if len(values) != len(n.axes) {
		return 0, false
	}
	for i, v := range values {
		if v < 0 || v >= len(n.axes[i].Values) {
			return 0, false
		}
	}
	return slices.BinarySearch(n.codes, n.code(values))
}

func (n *Nodes) coordinates(node int) []int {
	return n.at[node*len(n.axes) : (node+1)*len(n.axes)]
}

// code is the mixed-radix number of the coordinates. A value comes after its parent, so a node's code is above that of
// every node containing it.
func (n *Nodes) code(values []int) uint64 {
	var code uint64
	for i, v := range values {
		code = code*uint64(len(n.axes[i].Values)) + uint64(v)
	}
	return code
}

func (n *Nodes) decode(code uint64) []int {
	values := make([]int, len(n.axes))
	for i := len(values) - 1; i >= 0; i-- {
		radix := uint64(len(n.axes[i].Values))
		values[i], code = int(code%radix), code/radix
	}
	return values
}

func (n *Nodes) enumerate(views []View) error {
	size := uint64(1)
	for _, a := range n.axes {
		high, low := bits.Mul64(size, uint64(len(a.Values)))
		if high != 0 {
			return fmt.Errorf("the axes have more combinations than can be numbered")
		}
		size = low
	}
	for _, v := range views {
		codes, err := n.within(v)
		if err != nil {
			return err
		}
		n.codes = append(n.codes, codes...)
	}
	slices.Sort(n.codes)
	n.codes = slices.Clip(slices.Compact(n.codes))
	for _, code := range n.codes {
		n.at = append(n.at, n.decode(code)...)
	}
	return nil
}

// within lists the codes of a view's nodes.
func (n *Nodes) within(v View) ([]uint64, error) {
	codes := []uint64{0}
	for i, axis := range n.axes {
		values := axis.upTo(v.Limits[i])
		if len(codes)*len(values) > mostNodes {
			return nil, fmt.Errorf("view %s: more than %d nodes", v.Name, mostNodes)
		}
		next := make([]uint64, 0, len(codes)*len(values))
		for _, code := range codes {
			for _, value := range values {
				next = append(next, code*uint64(len(axis.Values))+uint64(value))
			}
		}
		codes = next
	}
	return codes, nil
}

// upTo lists the values of at most a level.
func (a *Axis) upTo(level int) (values []int) {
	for i, v := range a.Values {
		if v.Level <= level {
			values = append(values, i)
		}
	}
	return values
}

// children lists the children of every value.
func (a *Axis) children() [][]int {
	children := make([][]int, len(a.Values))
	for i, v := range a.Values {
		if i > 0 {
			children[v.Parent] = append(children[v.Parent], i)
		}
	}
	return children
}

// Children gives the values directly below a value at a level limit: nothing when it is not divided there.
func (a *Axis) Children(value, limit int) (values []int) {
	for i, v := range a.Values {
		if i > 0 && v.Parent == value && v.Level <= limit {
			values = append(values, i)
		}
	}
	return values
}

// Frontier gives the values of at most a level that are not divided further at it: they hold everyone once.
func (a *Axis) Frontier(limit int) (values []int) {
	for _, v := range a.upTo(limit) {
		if len(a.Children(v, limit)) == 0 {
			values = append(values, v)
		}
	}
	return values
}

// place names the axes a node divides by, never its values: errors say where, not who.
func (n *Nodes) place(node int) string {
	var names []string
	for i, v := range n.coordinates(node) {
		if v != 0 {
			names = append(names, n.axes[i].Name)
		}
	}
	if names == nil {
		return "the whole"
	}
	return strings.Join(names, " × ")
}
