package disclose

import (
	"errors"
	"fmt"
)

// draft is a publication in the making: exact counts and reasons on one side, cells on the other.
type draft struct {
	policy     Policy
	table      *Table
	nodes      *Nodes
	exact      Counts
	impossible [][]bool
	everyone   [][]bool // by feature: where it holds all of its denominator by definition; nil is nowhere
	order      []int    // features, denominators first
	perturbed  [][]int64
	repaired   [][]bool // by feature: what the audit asked to withhold beside the rules
	merged     []bool   // by feature: shows no zeros after all
	zeroShown  [][]bool // by feature: where a zero is shown; nil is nowhere
	cells      Published
	reasons    [][]Reason
}

func newDraft(policy Policy, table *Table, exact Counts) (*draft, error) {
	nodes, err := table.Nodes()
	if err != nil {
		return nil, fmt.Errorf("registering the lattice: %w", err)
	}
	impossible, everyone := table.impossible(nodes), table.everyone(nodes)
	if err := exact.check(table, nodes, impossible, everyone); err != nil {
		return nil, fmt.Errorf("checking exact counts: %w", err)
	}
	features := len(table.Features)
	d := &draft{
		policy: policy, table: table, nodes: nodes, exact: exact, impossible: impossible, order: table.inward(),
		everyone: everyone, perturbed: make([][]int64, features), repaired: make([][]bool, features), merged: make([]bool, features), zeroShown: make([][]bool, features),
		cells: make(Published, features), reasons: make([][]Reason, features),
	}
	for f := range features {
		d.perturbed[f] = make([]int64, nodes.Len())
		d.repaired[f] = make([]bool, nodes.Len())
		d.cells[f] = make([]Cell, nodes.Len())
		d.reasons[f] = make([]Reason, nodes.Len())
	}
	return d, nil
}

// perturb draws the noise of every node. One failed draw refuses the publication: noise that is missing in one place
// shows what it hides everywhere else.
func (d *draft) perturb(uniform Uniform) error {
	if uniform == nil {
		return errors.New("no source of noise")
	}
	for f := range d.exact {
		for node, count := range d.exact[f] {
			noisy, err := perturb(count, uniform)
			if err != nil {
				return fmt.Errorf("feature %s over %s: %w", d.table.Features[f].ID, d.nodes.place(node), err)
			}
			d.perturbed[f][node] = noisy
		}
	}
	return nil
}

// denominator is the cell a feature is counted within at a node, if there is one.
func (d *draft) denominator(f, node int) (Cell, bool) {
	g := d.table.Features[f].Within
	if g < 0 {
		return Cell{}, false
	}
	return d.cells[g][node], true
}

func (d *draft) isImpossible(f, node int) bool {
	return d.impossible[f] != nil && d.impossible[f][node]
}

// decide applies steps 3 and 4 to every cell, denominators before what is counted within them.
func (d *draft) decide() {
	for _, f := range d.order {
		d.zeroShown[f] = d.zeros(f)
		for node := range d.cells[f] {
			d.cells[f][node], d.reasons[f][node] = d.cell(f, node)
		}
	}
}

func (d *draft) isDenominator(f int) bool {
	for _, feature := range d.table.Features {
		if feature.Within == f {
			return true
		}
	}
	return false
}

// showsZero tells whether a feature shows zeros at all.
func (d *draft) showsZero(f int) bool { return d.table.Features[f].ShowZero && !d.merged[f] }
