package disclose

import "math"

// zeros tells where the zeros of a feature are shown; nil is nowhere. A zero may be shown where the feature allows it
// and its denominator is shown. But zeros speak for each other: nobody in a total is nobody in its parts, and nobody
// in all parts is nobody in the total. So a zero that must stay withheld, because its denominator is, takes with it
// every zero above it and, of parts that would add up to it, the one with the smallest denominator.
//
// The rule looks at zeros and denominators that were to be published, and so tells nothing that they do not.
func (d *draft) zeros(f int) []bool {
	if !d.showsZero(f) {
		return nil
	}
	z := zeros{draft: d, feature: f, shown: make([]bool, d.nodes.Len())}
	for node, count := range d.exact[f] {
		whole, inside := d.denominator(f, node)
		open := (!inside || !whole.Withheld) && !d.repaired[f][node]
		z.shown[node] = count.N == 0 && (open || z.known(int32(node)))
	}
	for node, count := range d.exact[f] {
		if count.N == 0 && !z.shown[node] {
			z.kept = append(z.kept, int32(node))
		}
	}
	for len(z.kept) > 0 {
		last := len(z.kept) - 1
		node := z.kept[last]
		z.kept = z.kept[:last]
		z.keep(node)
	}
	return z.shown
}

type zeros struct {
	draft   *draft
	feature int
	shown   []bool
	kept    []int32 // zeros to keep from being proved
}

// keep withholds the zeros that would prove this one.
func (z *zeros) keep(node int32) {
	s := &z.draft.nodes.sums
	for _, e := range s.of[s.first[node]:s.first[node+1]] {
		if total := s.total[e]; total != node {
			z.withhold(total)
		} else if part, ok := z.weakest(s.parts(int(e))); ok {
			z.withhold(part)
		}
	}
}

func (z *zeros) withhold(node int32) {
	if z.shown[node] && !z.known(node) {
		z.shown[node], z.kept = false, append(z.kept, node)
	}
}

// weakest is the part with the smallest denominator, when all parts are shown zeros and one can go.
func (z *zeros) weakest(parts []int32) (weakest int32, found bool) {
	least := int64(math.MaxInt64)
	for _, part := range parts {
		if !z.shown[part] {
			return 0, false
		}
		if whole, _ := z.draft.denominator(z.feature, int(part)); !z.known(part) && whole.Count < least {
			weakest, least, found = part, whole.Count, true
		}
	}
	return weakest, found
}

// known zeros cannot be withheld: nobody can be there, or there is shown to be nobody at all.
func (z *zeros) known(node int32) bool {
	whole, inside := z.draft.denominator(z.feature, int(node))
	return z.draft.isImpossible(z.feature, int(node)) || inside && whole == Cell{}
}
