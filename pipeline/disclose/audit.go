package disclose

import (
	"fmt"
)

// Audit is the risk report of one publication. It is built from true counts and stays in the hub; only
// ExactRecoveries, which is 0 whenever there is a publication, may be said in public.
type Audit struct {
	Policy          Policy         `json:"policy"`
	Nodes           int            `json:"nodes"`
	Cells           int            `json:"cells"` // features that are shown here × nodes
	Withheld        int            `json:"withheld"`
	ExactRecoveries int            `json:"exact_recoveries"` // withheld cells whose count can be proved
	Inherited       int            `json:"inherited"`        // withheld cells among so few people of an Outside feature that nothing here could hide them; not looked at below
	NarrowestHidden int            `json:"narrowest_hidden"` // least width of what can be proved of a withheld cell; -1 if none is withheld
	Existence       int            `json:"existence"`        // withheld cells that provably hold someone
	Unmasked        int            `json:"unmasked"`         // withheld cells that provably hold more than a small count can
	Rounds          int            `json:"rounds"`           // audits made; 1 when nothing had to be repaired
	RepairedCells   int            `json:"repaired_cells"`
	FirstExposed    int            `json:"first_exposed"`   // exposed cells before any repair
	ZerosWithdrawn  []string       `json:"zeros_withdrawn"` // features that were to show zeros and could not
	Reasons         map[string]int `json:"reasons"`
	WithheldByView  []ViewCount    `json:"withheld_by_view"`
	MeanError       float64        `json:"mean_absolute_error_shown"` // of shown counts above zero, in people
	reasons         [][]Reason
}

// ViewCount is how much of a view is withheld.
type ViewCount struct {
	View     string `json:"view"`
	Cells    int    `json:"cells"`
	Withheld int    `json:"withheld"`
}

// Reason is why a cell is withheld, for the risk report alone.
func (a *Audit) Reason(feature, node int) Reason { return a.reasons[feature][node] }

// believe sets what the attacker knows before any arithmetic. He knows the method and every published cell, so a
// shown r stands for [max(8, r−7), r+7], a shown 0 for 0, and a shown sensitive count leaves out two people or more.
//
// Of a withheld cell he knows only that one of the rules withheld it: a small count, noise, a group, a withheld or a
// smaller denominator, or a repair. Only the first two bound it, by 12. Our auditor is told more than he can know: for
// every withheld cell whether the truth is above 12; where a zero would have been shown, whether there is anyone. What
// follows from definitions he knows as well: where nobody can be, and where a denominator holds everyone of a larger
// one. Whatever he can prove by bounds, the auditor can prove too, so a publication that withstands the
// auditor withstands him.
func (s *system) believe(d *draft) {
	for f := range d.cells {
		base := f * int(s.nodes)
		for node := range d.cells[f] {
			lo, hi := d.prior(f, node)
			s.lo[base+node], s.hi[base+node] = int32(lo), int32(hi)
		}
	}
	for _, sp := range s.splits {
		for node := range int(s.nodes) {
			lo, hi := d.priorRest(sp, node)
			v := int(sp.rest*s.nodes) + node
			s.lo[v], s.hi[v] = int32(lo), int32(hi)
		}
	}
	s.queue.all()
}

func (d *draft) prior(f, node int) (lo, hi int64) {
	cell, count := d.cells[f][node], d.exact[f][node].N
	if d.isImpossible(f, node) {
		return 0, 0
	}
	if !cell.Withheld {
		return d.policy.inverse(cell.Count)
	}
	lo, hi = 0, d.policy.reach()
	whole, inside := d.denominator(f, node)
	if count > 0 && d.showsZero(f) && !(inside && whole.Withheld) {
		lo = 1
	}
	if count > hi {
		hi = unbounded // until the totals above it bound it
	}
	return lo, hi
}

func (d *draft) priorRest(sp split, node int) (lo, hi int64) {
	if d.everyone[sp.part] != nil && d.everyone[sp.part][node] {
		return 0, 0
	}
	cell := d.cells[sp.part][node]
	if d.table.Features[sp.part].Sensitive && !cell.Withheld && cell.Count > 0 {
		return int64(d.policy.Outsiders) + 1, unbounded
	}
	return 0, unbounded
}

// infer draws the conclusion that no sum gives: a withheld cell that is provably not small, beside a shown
// denominator m, was withheld because nearly everyone has the attribute (all but one at most), or because noise put it
// above m, and so is at least m−2. It tells whether anything was learned.
func (s *system) infer(d *draft) (learned bool) {
	for _, sp := range s.splits {
		for node := range s.nodes {
			v, w := sp.part*s.nodes+node, sp.whole*s.nodes+node
			m, reason := d.cells[sp.whole][node], d.reasons[sp.part][node]
			if m.Withheld || int64(s.lo[v]) <= d.policy.reach() || (reason != Group && reason != AboveDenominator) {
				continue
			}
			before := s.lo[v]
			aboveDenominator := m.Count + int64(d.policy.Base) - d.policy.slack() - int64(d.policy.Distance)
			s.bound(v, min(int64(s.lo[w])-int64(d.policy.Outsiders), aboveDenominator), unbounded)
			learned = learned || s.lo[v] > before
		}
	}
	return learned
}

// prove narrows to the end, and takes down beside it what the Outside features show by themselves.
func (s *system) prove(d *draft) (err error) {
	if s.others, err = newOthers(d); err != nil {
		return err
	}
	return s.deduce(d)
}

// deduce narrows to the end, and then makes sure that nothing false was proved: the truth must lie in every interval,
// or the auditor reasons wrongly and its silence is worth nothing.
func (s *system) deduce(d *draft) error {
	s.believe(d)
	for learned := true; learned; learned = s.infer(d) {
		if err := s.settle(); err != nil {
			return fmt.Errorf("disclosure audit: %w", err)
		}
	}
	for f := range d.exact {
		for node, c := range d.exact[f] {
			if v := f*int(s.nodes) + node; c.N < int64(s.lo[v]) || c.N > int64(s.hi[v]) {
				return fmt.Errorf("disclosure audit: internal: proved what is false of feature %s over %s",
					d.table.Features[f].ID, d.nodes.place(node))
			}
		}
	}
	return nil
}

// inherited says that the Outside features show as much of a count by themselves: of one of theirs the same interval, of
// one counted here no more than how few they leave around it. That is the other publication's to protect, and nothing
// withheld here would hide it. What they show together with this publication is not inherited.
func (s *system) inherited(d *draft, f, node int) bool {
	v := int32(f)*s.nodes + int32(node)
	all := true // by definition everyone of the Outside feature counts
	for g := f; g >= 0; g = d.table.Features[g].Within {
		if d.table.Features[g].Outside {
			lo, hi := s.others.bounds(g, node)
			return (s.lo[v] == 0 || all && s.lo[v] == lo) && s.hi[v] == hi
		}
		all = all && d.everyone[g] != nil && d.everyone[g][node]
	}
	return false
}

// exposed lists the unknowns that can be worked out: a withheld cell known exactly or within less than Width, be it shown
// here or Outside, unless that is inherited, and withheld sensitive cells where all, or all but one, provably have the attribute (their complement is named).
func (s *system) exposed(d *draft) (exposed []int32) {
	for f := range d.cells {
		for node, cell := range d.cells[f] {
			v := int32(f)*s.nodes + int32(node)
			if cell.Withheld && s.hi[v]-s.lo[v] < int32(d.policy.Width) && !s.inherited(d, f, node) {
				exposed = append(exposed, v)
			}
		}
	}
	for _, sp := range s.splits {
		if !d.table.Features[sp.part].Sensitive {
			continue
		}
		for node := range s.nodes {
			rest, part := sp.rest*s.nodes+node, sp.part*s.nodes+node
			if s.hi[rest] <= int32(d.policy.Outsiders) && s.lo[part] >= 1 {
				exposed = append(exposed, rest)
			}
		}
	}
	return exposed
}
