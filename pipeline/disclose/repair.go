package disclose

import (
	"cmp"
	"math"
	"slices"
)

// secure audits, and as long as something can be worked out withholds more and audits again. It ends, because each
// round withholds more, and it refuses when rounds or cells run out.
//
// What a repair tells a reader: that a cell was withheld, which any rule could have done, and that some bounds were
// tight. He could compute those himself from the cells that were to be shown, but for the bits that only the auditor
// is told: whether a withheld count is above 12 and, where zeros are shown, whether there is anyone. So repairs choose
// by published counts alone, and are rare: noise on every total leaves little to repair.
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
		causes := s.causes(d, exposed)
		if round > d.policy.Rounds || !(s.improve(d, causes, round) || d.startOver() || s.giveUp(d, causes)) {
			return nil, refuse(len(exposed), round)
		}
		d.decide()
	}
}

// causes leaves out what is exposed only because an Outside cell around it is, and ends with that.
func (s *system) causes(d *draft, exposed []int32) (causes []int32) {
	for _, v := range exposed {
		f, node := v/s.nodes, v%s.nodes
		follows := false
		if int(f) < len(d.cells) && !d.table.Features[f].Outside {
			if g := d.table.outsideOf(int(f)); g >= 0 {
				w := int32(g)*s.nodes + node
				follows = s.lo[v] == 0 && s.hi[v] == s.hi[w] && slices.Contains(exposed, w)
			}
		}
		if !follows {
			causes = append(causes, v)
		}
	}
	return causes
}

// startOver withholds zeros everywhere, and chooses single cells anew. It tells whether that is a change. Where no zeros
// are shown it changes nothing: what was withheld until then, and features given up, stay so.
func (d *draft) startOver() (changed bool) {
	for f := range d.merged {
		changed = changed || d.showsZero(f)
	}
	if !changed {
		return false
	}
	for f := range d.merged {
		d.merged[f] = true
		clear(d.repaired[f])
	}
	return true
}

// giveUp is the last resort: it withholds all of the features that are exposed, when nothing less has helped. Among very
// few people a measure may have nothing that can be shown, and the others are still worth publishing. When only Outside
// features are left to protect, all that is counted within them goes. It tells whether any feature changed.
func (s *system) giveUp(d *draft, exposed []int32) (changed bool) {
	for _, v := range exposed {
		changed = d.giveUp(s.feature(v)) || changed
	}
	if changed {
		return true
	}
	for _, v := range exposed {
		for g := range d.table.Features {
			if f := s.feature(v); d.table.Features[f].Outside && d.table.isWithin(g, f) {
				changed = d.giveUp(g) || changed
			}
		}
	}
	return changed
}

// giveUp withholds all of a feature that is shown here. It tells whether that is a change.
func (d *draft) giveUp(f int) (changed bool) {
	if d.table.Features[f].Outside || !slices.Contains(d.repaired[f], false) {
		return false
	}
	d.merged[f] = true
	for node := range d.repaired[f] {
		d.repaired[f][node] = true
	}
	return true
}

// improve changes what will be withheld: single cells first, and zeros as well when those are too many, cannot be
// found, or did not help for some rounds. Too many single cells are better than none. False when there is nothing
// left to change.
func (s *system) improve(d *draft, exposed []int32, round int) bool {
	stray := len(exposed) <= 100+len(d.cells)*d.nodes.Len()/100
	changed := stray && s.repair(d, exposed)
	if !changed || round%patience == 0 {
		changed = s.mergeZeros(d, exposed) || changed
	}
	return changed || !stray && s.repair(d, exposed)
}

// patience is how many rounds of withholding single cells are tried before zeros are given up.
const patience = 3

// mergeZeros lets zero be withheld like a small count in the features that are exposed and what they are counted
// within. Where zeros are shown every withheld cell counts for one person at least, and many of those inside a
// withheld total fill it up: no other count need be withheld for them to be known. Withheld zeros take that from the
// attacker. It tells whether any feature changed.
func (s *system) mergeZeros(d *draft, exposed []int32) (changed bool) {
	for _, v := range exposed {
		for f := s.feature(v); f >= 0; f = d.table.Features[f].Within {
			changed = changed || d.showsZero(f)
			d.merged[f] = d.merged[f] || d.showsZero(f)
		}
	}
	return changed
}

// feature is the feature of an unknown; of a complement, the feature it completes.
func (s *system) feature(v int32) int {
	layer := v / s.nodes
	for _, sp := range s.splits {
		if sp.rest == layer {
			return int(sp.part)
		}
	}
	return int(layer)
}

// repair withholds, for each exposed unknown, the cheapest shown cell that took part in exposing it. All choices are
// made before anything is withheld, so their order does not matter. False when one has no such cell.
func (s *system) repair(d *draft, exposed []int32) bool {
	var chosen []int32
	for _, v := range exposed {
		c, ok := s.cheapest(d, v, false)
		if !ok {
			c, ok = s.cheapest(d, v, true)
		}
		if !ok {
			return false
		}
		chosen = append(chosen, c)
	}
	for _, c := range chosen {
		d.repaired[c/s.nodes][c%s.nodes] = true
	}
	return true
}

// How many unknowns are looked at for one repair. Between an Outside cell and what is shown here may lie many of the
// other publication's, none of which can be withheld.
const (
	farthest        = 1_000
	farthestOutside = 20_000
)

// cheapest is the smallest shown count in the narrowest equation around an unknown. Where the equations hold only
// withheld cells, those are narrow because of others, and the search goes on from them, up to a limit.
func (s *system) cheapest(d *draft, target int32, zeros bool) (int32, bool) {
	reach := farthest
	if d.table.Features[s.feature(target)].Outside {
		reach = farthestOutside
	}
	seen := map[int32]bool{target: true}
	for ring := []int32{target}; len(ring) > 0 && len(seen) < reach; {
		var around []link
		for _, v := range ring {
			around = append(around, s.links(v)...)
		}
		slices.SortStableFunc(around, func(a, b link) int { return cmp.Compare(a.width, b.width) })
		ring = nil
		for _, l := range around {
			if c, ok := s.best(d, l, zeros); ok {
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
func (s *system) best(d *draft, l link, zeros bool) (best int32, found bool) {
	least := int64(math.MaxInt64)
	for _, u := range l.others {
		if !s.isShown(d, u) || (s.hi[u] == 0 && !zeros) || !(l.total || u == l.above || s.lo[u] > 0) {
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
	return f < len(d.cells) && !d.table.Features[f].Outside && !d.cells[f][node].Withheld && !d.isImpossible(f, node)
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
