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

// everyone marks, by feature, the nodes where it holds by its definition all of what it is counted within: ages 20–24
// in a denominator of adults. Every reader knows it, so the audit must. That a group of a real population happens to
// have no children is another matter: it is a fact about people, and the audit may not take it for granted. A feature
// that names no such place has nil.
func (t *Table) everyone(n *Nodes) [][]bool {
	marks := make([][]bool, len(t.Features))
	for f, feature := range t.Features {
		if feature.Everyone == nil || feature.Within < 0 {
			continue
		}
		marks[f] = make([]bool, n.Len())
		for node := range marks[f] {
			marks[f][node] = feature.Everyone(n.At(node))
		}
	}
	return marks
}
