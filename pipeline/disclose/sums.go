package disclose

// sums are the equations of the lattice: a node is the sum of its children along one axis. Every equation holds for
// every feature alike, so it is kept once, in flat arrays: the parts of equation e are part[start[e]:start[e+1]], and
// the equations node i stands in are of[first[i]:first[i+1]].
type sums struct {
	total []int32
	start []int32
	part  []int32
	first []int32
	of    []int32
}

func (s *sums) len() int { return len(s.total) }

func (s *sums) parts(e int) []int32 { return s.part[s.start[e]:s.start[e+1]] }

// equations finds every node and axis whose children are all nodes of some view.
func (n *Nodes) equations() sums {
	s := sums{start: []int32{0}}
	for a := range n.axes {
		children := n.axes[a].children()
		for node := range n.Len() {
			if parts := n.parts(node, a, children); parts != nil {
				s.total = append(s.total, int32(node))
				s.part = append(s.part, parts...)
				s.start = append(s.start, int32(len(s.part)))
			}
		}
	}
	s.cross(n.Len())
	return s
}

// parts are the nodes of a node's children along an axis; nil unless all of them are nodes.
func (n *Nodes) parts(node, axis int, children [][]int) (parts []int32) {
	values := n.At(node)
	for _, child := range children[values[axis]] {
		values[axis] = child
		i, ok := n.Index(values...)
		if !ok {
			return nil
		}
		parts = append(parts, int32(i))
	}
	return parts
}

// cross builds the way back, from a node to its equations.
func (s *sums) cross(nodes int) {
	s.first = make([]int32, nodes+1)
	s.each(func(_, node int32) { s.first[node+1]++ })
	for i := range nodes {
		s.first[i+1] += s.first[i]
	}
	s.of = make([]int32, s.first[nodes])
	next := append([]int32(nil), s.first[:nodes]...)
	s.each(func(e, node int32) {
		s.of[next[node]] = e
		next[node]++
	})
}

// each visits every node of every equation.
func (s *sums) each(visit func(e, node int32)) {
	for e, total := range s.total {
		visit(int32(e), total)
		for _, part := range s.parts(e) {
			visit(int32(e), part)
		}
	}
}
