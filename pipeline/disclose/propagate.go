package disclose

import "errors"

// system is the attacker's knowledge: for every unknown count an interval, and the equations between them. Its
// unknowns are layers of nodes: one layer for each feature, and one for the complement of each feature that is
// counted within another, the people who do not have it. So each equation reads "a total is the sum of its parts":
// a node and its children in every layer, and a denominator, its numerator and their complement at every node.
//
// Bounds are narrowed equation by equation until nothing moves (bound propagation; it is what an attacker gets by
// adding and subtracting with every table at once). Arrays are flat because a publication has a million unknowns.
type system struct {
	sums   *sums
	nodes  int32
	splits []split
	roles  [][]int32 // by layer: the splits it stands in
	lo, hi []int32
	queue  queue
	others others // what the Outside features show by themselves
	broken bool   // an interval has crossed itself: the equations or the priors are wrong
}

// split is one denominator layer divided in two: those counted and those not.
type split struct{ whole, part, rest int32 }

// unbounded is more people than there are, and small enough that sums of it stay in 64 bits.
const unbounded = mostPeople

var (
	errTooLarge  = errors.New("the table has more unknowns than the audit can hold")
	errUnsettled = errors.New("internal: the audit did not come to rest")
	errBroken    = errors.New("internal: the audit contradicts itself")
)

func newSystem(t *Table, n *Nodes) (*system, error) {
	s := &system{sums: &n.sums, nodes: int32(n.Len())}
	layers := len(t.Features)
	for f, feature := range t.Features {
		if feature.Within >= 0 {
			s.splits = append(s.splits, split{whole: int32(feature.Within), part: int32(f), rest: int32(layers)})
			layers++
		}
	}
	equations := layers*s.sums.len() + len(s.splits)*n.Len()
	if max(equations, layers*n.Len()) >= 1<<31 {
		return nil, errTooLarge
	}
	s.roles = make([][]int32, layers)
	for k, sp := range s.splits {
		for _, layer := range []int32{sp.whole, sp.part, sp.rest} {
			s.roles[layer] = append(s.roles[layer], int32(k))
		}
	}
	s.lo, s.hi = make([]int32, layers*n.Len()), make([]int32, layers*n.Len())
	s.queue = newQueue(equations)
	return s, nil
}

// settle narrows until nothing moves.
func (s *system) settle() error {
	for visits := 0; ; visits++ {
		e, ok := s.queue.pop()
		switch {
		case s.broken:
			return errBroken
		case !ok:
			return nil
		case visits > 1000*len(s.queue.waiting):
			return errUnsettled // narrower than known would be a weaker audit, so there is no stopping early
		}
		s.visit(e)
	}
}

// visit narrows every unknown of one equation. Lattice equations are numbered layer by layer, then the splits.
func (s *system) visit(e int32) {
	lattice := int32(len(s.roles) * s.sums.len())
	if e < lattice {
		layer, e := e/int32(s.sums.len()), int(e)%s.sums.len()
		base := layer * s.nodes
		s.narrow(base+s.sums.total[e], base, s.sums.parts(e))
		return
	}
	sp, node := s.splits[(e-lattice)/s.nodes], (e-lattice)%s.nodes
	parts := [2]int32{sp.part * s.nodes, sp.rest * s.nodes}
	s.narrow(sp.whole*s.nodes+node, node, parts[:])
}

// narrow applies total = Σ parts: the total lies between the sums of bounds, and a part is what the total leaves when
// the others take their least or their most.
func (s *system) narrow(total, base int32, parts []int32) {
	var least, most int64
	for _, p := range parts {
		least += int64(s.lo[base+p])
		most += int64(s.hi[base+p])
	}
	s.bound(total, least, most)
	lo, hi := int64(s.lo[total]), int64(s.hi[total])
	for _, p := range parts {
		v := base + p
		s.bound(v, lo-(most-int64(s.hi[v])), hi-(least-int64(s.lo[v])))
	}
}

// bound cuts an interval, and queues the equations of an unknown that moved.
func (s *system) bound(v int32, lo, hi int64) {
	moved := false
	if lo > int64(s.lo[v]) {
		lo, moved = min(lo, unbounded), true
		s.lo[v] = int32(lo)
	}
	if hi < int64(s.hi[v]) {
		hi, moved = max(hi, -1), true
		s.hi[v] = int32(hi)
	}
	if moved {
		s.broken = s.broken || s.lo[v] > s.hi[v]
		s.touch(v)
	}
}

func (s *system) touch(v int32) {
	layer, node := v/s.nodes, v%s.nodes
	s.equations(layer, node, s.queue.push)
}

// equations visits the equations of an unknown.
func (s *system) equations(layer, node int32, visit func(e int32)) {
	for _, e := range s.sums.of[s.sums.first[node]:s.sums.first[node+1]] {
		visit(layer*int32(s.sums.len()) + e)
	}
	for _, k := range s.roles[layer] {
		visit(int32(len(s.roles)*s.sums.len()) + k*s.nodes + node)
	}
}

// queue is a first-in first-out ring in which every equation waits at most once.
type queue struct {
	ring    []int32
	waiting []bool
	head    int
	length  int
}

func newQueue(equations int) queue {
	return queue{ring: make([]int32, equations), waiting: make([]bool, equations)}
}

func (q *queue) push(e int32) {
	if q.waiting[e] {
		return
	}
	q.waiting[e] = true
	at := q.head + q.length
	if at >= len(q.ring) {
		at -= len(q.ring)
	}
	q.ring[at] = e
	q.length++
}

func (q *queue) pop() (int32, bool) {
	if q.length == 0 {
		return 0, false
	}
	e := q.ring[q.head]
	q.head++
	if q.head == len(q.ring) {
		q.head = 0
	}
	q.length--
	q.waiting[e] = false
	return e, true
}

// all queues every equation.
func (q *queue) all() {
	for e := range q.ring {
		q.push(int32(e))
	}
}
