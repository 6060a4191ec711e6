package disclose

// report measures the publication as it stands beside what was proved of it.
func (s *system) report(d *draft) *Audit {
	inside := d.table.inside()
	a := &Audit{
		Policy: d.policy, Nodes: d.nodes.Len(), Cells: len(inside) * d.nodes.Len(), NarrowestHidden: -1,
		Reasons: map[string]int{}, reasons: d.reasons,
	}
	for _, f := range inside {
		for node, cell := range d.cells[f] {
			a.Reasons[d.reasons[f][node].String()]++
			if !cell.Withheld {
				continue
			}
			a.Withheld++
			v := int32(f)*s.nodes + int32(node)
			if s.inherited(d, f, node) && int(s.hi[v]) < d.policy.Width {
				a.Inherited++
				continue
			}
			a.hidden(int(s.lo[v]), int(s.hi[v]), int(d.policy.reach()))
		}
	}
	a.RepairedCells = a.Reasons[Repair.String()]
	for f, merged := range d.merged {
		if merged && d.table.Features[f].ShowZero {
			a.ZerosWithdrawn = append(a.ZerosWithdrawn, d.table.Features[f].ID)
		}
	}
	a.MeanError = d.meanError()
	a.WithheldByView = d.byView()
	return a
}

// hidden counts one withheld cell by what is provable of it.
func (a *Audit) hidden(lo, hi, reach int) {
	if a.NarrowestHidden < 0 || hi-lo < a.NarrowestHidden {
		a.NarrowestHidden = hi - lo
	}
	if lo == hi {
		a.ExactRecoveries++
	}
	if lo >= 1 {
		a.Existence++
	}
	if lo > reach {
		a.Unmasked++
	}
}

func (d *draft) meanError() float64 {
	var cells, people int64
	for _, f := range d.table.inside() {
		for node, cell := range d.cells[f] {
			if cell.Count > 0 {
				cells++
				people += max(cell.Count-d.exact[f][node].N, d.exact[f][node].N-cell.Count)
			}
		}
	}
	return float64(people) / float64(max(cells, 1))
}

func (d *draft) byView() []ViewCount {
	counts := make([]ViewCount, len(d.table.Views))
	for i, view := range d.table.Views {
		counts[i].View = view.Name
		for node := range d.nodes.Len() {
			if d.nodes.inView(node, view) {
				counts[i].Cells += len(d.table.inside())
				counts[i].Withheld += d.withheldAt(node)
			}
		}
	}
	return counts
}

func (d *draft) withheldAt(node int) (n int) {
	for _, f := range d.table.inside() {
		if d.cells[f][node].Withheld {
			n++
		}
	}
	return n
}

func (n *Nodes) inView(node int, view View) bool {
	for i, value := range n.coordinates(node) {
		if n.axes[i].Values[value].Level > view.Limits[i] {
			return false
		}
	}
	return true
}
