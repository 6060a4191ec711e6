package disclose

import (
	"cmp"
	"math"
	"slices"
)

// secure audits, and as long as something can be worked out withholds one more cell for each of it and audits again.
// It ends, because each round withholds more, and it refuses when the rounds or the cells run out.
//
// What a repair tells a reader: that a cell was withheld, which any rule could have done, and that some bounds were
// tight, which he could compute from the cells that were to be shown and from one bit that he lacks, whether a
// withheld count is above 12. So repairs choose by published counts alone, and are rare (see the tests): noise on
// every total leaves little to repair.
func (d *draft) secure() (*Audit, error) {
	s, err := newSystem(d.table, d.nodes)
	if err != nil {
		return nil, err
	}
	first := 0
	for round := 1; ; round++ {
		if err := s.prove(d); err != nil {
			return nil, err
		}
		exposed := s.exposed(d)
		if round == 1 {
			first = len(exposed)
		}
		if len(exposed) == 0 {
			audit := s.report(d)
			audit.Rounds, audit.FirstExposed = round, first
			return audit, nil
		}
		if round > d.policy.Rounds || !s.repair(d, exposed) {
			return nil, refuse(len(exposed), round)
		}
	}
}

// repair withholds, for each exposed unknown, the cheapest shown cell that took part in exposing it. All choices are
// made before anything is withheld, so their order does not matter. False when one has no such cell.
func (s *system) repair(d *draft, exposed []int32) bool {
	var chosen []int32
	for _, v := range exposed {
		c, ok := s.cheapest(d, v)
		if !ok {
			return false
		}
		chosen = append(chosen, c)
	}
	for _, c := range chosen {
		d.repaired[c/s.nodes][c%s.nodes] = true
	}
	d.decide()
	return true
}

const farthest = 5000

// cheapest is the smallest shown count in the narrowest equation around an unknown. Where the equations hold only
// withheld cells, those are narrow because of others, and the search goes on from them, as far as farthest unknowns:
// what cannot be repaired nearby is refused.
func (s *system) cheapest(d *draft, target int32) (int32, bool) {
	seen := map[int32]bool{target: true}
	for ring := []int32{target}; len(ring) > 0 && len(seen) < farthest; {
		var around []link
		for _, v := range ring {
			around = append(around, s.links(v)...)
		}
		slices.SortStableFunc(around, func(a, b link) int { return cmp.Compare(a.width, b.width) })
		ring = nil
		for _, l := range around {
			if c, ok := s.best(d, l); ok {
				return c, true
			}
			for _, v := range l.others {
				if !seen[v] {
					seen[v], ring = true, append(ring, v)
				}
			}
		}
	}
	return 0, false
}

// link is an equation seen from one unknown in it: how wide it leaves that unknown, and the others in it.
type link struct {
	width  int64
	total  bool // the unknown is the total
	others []int32
	above  int32 // the total
}

func (s *system) links(v int32) (links []link) {
	s.equations(v/s.nodes, v%s.nodes, func(e int32) {
		total, parts := s.members(e)
		l := link{above: total, total: total == v}
		for _, u := range append(parts, total) {
			if u != v {
				l.others = append(l.others, u)
				l.width += int64(s.hi[u]) - int64(s.lo[u])
			}
		}
		links = append(links, l)
	})
	return links
}

// members are the unknowns of an equation.
func (s *system) members(e int32) (total int32, parts []int32) {
	equations := int32(s.sums.len())
	if lattice := int32(len(s.roles)) * equations; e >= lattice {
		sp, node := s.splits[(e-lattice)/s.nodes], (e-lattice)%s.nodes
		return sp.whole*s.nodes + node, []int32{sp.part*s.nodes + node, sp.rest*s.nodes + node}
	}
	base := e / equations * s.nodes
	for _, p := range s.sums.parts(int(e % equations)) {
		parts = append(parts, base+p)
	}
	return base + s.sums.total[e%equations], parts
}

// best is the cheapest cell of an equation whose withholding would widen what the equation says.
func (s *system) best(d *draft, l link) (best int32, found bool) {
	least := int64(math.MaxInt64)
	for _, u := range l.others {
		if !s.isShown(d, u) || !(l.total || u == l.above || s.lo[u] > 0) {
			continue
		}
		if cost := s.cost(d, u); cost < least || !found {
			best, least, found = u, cost, true
		}
	}
	return best, found
}

func (s *system) isShown(d *draft, v int32) bool {
	f, node := int(v/s.nodes), int(v%s.nodes)
	return f < len(d.cells) && !d.cells[f][node].Withheld && !d.isImpossible(f, node)
}

// cost is the published count. A denominator takes its numerators with it, so it goes after any numerator; a zero
// after any count, because it takes other zeros with it; and a grand total last of all.
func (s *system) cost(d *draft, v int32) int64 {
	f, node := int(v/s.nodes), int(v%s.nodes)
	cost := d.cells[f][node].Count
	if cost == 0 {
		cost += mostPeople
	}
	if d.isDenominator(f) {
		cost += 2 * mostPeople
	}
	if node == 0 {
		cost += 4 * mostPeople
	}
	return cost
}
