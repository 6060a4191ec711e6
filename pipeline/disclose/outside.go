package disclose

// others are the Outside features by themselves: what readers of the other publication can work out without this one.
type others struct {
	proved *system
	layer  []int // by feature: its layer there; -1 for what this publication shows
}

// newOthers proves all there is from the Outside features, with their own sums and the divisions among them alone.
func newOthers(d *draft) (o others, err error) {
	alone := d.outside()
	if len(alone.cells) == 0 {
		return o, nil
	}
	for f, next := 0, 0; f < len(d.table.Features); f++ {
		o.layer = append(o.layer, -1)
		if d.table.Features[f].Outside {
			o.layer[f] = next
			next++
		}
	}
	if o.proved, err = newSystem(alone.table, alone.nodes); err != nil {
		return o, err
	}
	return o, o.proved.deduce(alone)
}

// bounds is the interval of an Outside feature at a node.
func (o *others) bounds(f, node int) (lo, hi int32) {
	v := int32(o.layer[f])*o.proved.nodes + int32(node)
	return o.proved.lo[v], o.proved.hi[v]
}

// outside is the draft with nothing but its Outside features in it.
func (d *draft) outside() *draft {
	place := map[int]int{-1: -1}
	o := &draft{policy: d.policy, nodes: d.nodes, table: &Table{Axes: d.table.Axes, Views: d.table.Views}}
	for f, feature := range d.table.Features {
		if feature.Outside {
			place[f] = len(place) - 1
			o.table.Features = append(o.table.Features, feature)
			o.exact, o.cells, o.reasons = append(o.exact, d.exact[f]), append(o.cells, d.cells[f]), append(o.reasons, d.reasons[f])
			o.impossible, o.everyone = append(o.impossible, d.impossible[f]), append(o.everyone, d.everyone[f])
			o.merged = append(o.merged, d.merged[f])
		}
	}
	for f := range o.table.Features {
		whole, ok := place[o.table.Features[f].Within]
		if !ok {
			whole = -1 // shown here
		}
		o.table.Features[f].Within = whole
	}
	return o
}
