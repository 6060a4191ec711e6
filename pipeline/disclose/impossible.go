package disclose

// impossible marks, by feature, the nodes where nobody can be: those the feature names and those that follow. A part
// of nobody is nobody, and a total of none but empty parts is empty. A feature that names none has nil.
func (t *Table) impossible(n *Nodes) [][]bool {
	marks := make([][]bool, len(t.Features))
	for f, feature := range t.Features {
		if feature.Impossible == nil {
			continue
		}
		marks[f] = make([]bool, n.Len())
		for node := range marks[f] {
			marks[f][node] = feature.Impossible(n.At(node))
		}
		for n.sums.follow(marks[f]) {
		}
	}
	return marks
}

// follow draws each consequence of the marks once and tells whether there was any.
func (s *sums) follow(marks []bool) (changed bool) {
	for e, total := range s.total {
		all := true
		for _, part := range s.parts(e) {
			if marks[total] && !marks[part] {
				marks[part], changed = true, true
			}
			all = all && marks[part]
		}
		if all && !marks[total] {
			marks[total], changed = true, true
		}
	}
	return changed
}

// everyone marks where a feature holds, by its definition, all of what it is counted within: ages 20–24 in a
// denominator of adults. Every reader knows it, so the audit must. It is read off the counts along the axes by which
// the feature excludes people, and along no other, where it could only be chance. nil means nowhere.
func (d *draft) findEveryone(f int) []bool {
	g := d.table.Features[f].Within
	if g < 0 || d.impossible[f] == nil {
		return nil
	}
	marks, defining := make([]bool, d.nodes.Len()), d.definingAxes(f)
	for node := range marks {
		values := d.nodes.At(node)
		for axis := range values {
			if !defining[axis] {
				values[axis] = 0
			}
		}
		if p, ok := d.nodes.Index(values...); ok && d.exact[g][p].N > 0 {
			marks[node] = d.exact[f][p] == d.exact[g][p]
		}
	}
	return marks
}

// definingAxes are those with a value where the feature is impossible whatever the others are.
func (d *draft) definingAxes(f int) []bool {
	defining := make([]bool, len(d.table.Axes))
	for axis := range defining {
		values := make([]int, len(d.table.Axes))
		for v := range d.table.Axes[axis].Values {
			values[axis] = v
			node, ok := d.nodes.Index(values...)
			defining[axis] = defining[axis] || (ok && d.impossible[f][node])
		}
	}
	return defining
}
