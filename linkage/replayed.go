package linkage

import (
	"maps"
	"slices"
)

// Decisions are those of all records so far. They are the caller's own: what is appended later does not change them.
func (l *Ledger) Decisions() (*Decisions, error) {
	if err := l.replayNew(); err != nil {
		return nil, err
	}
	return l.replayed.snapshot(), nil
}

// replayNew replays the records that have not been replayed yet. After an error the next call begins again: a record that breaks a rule
// breaks it every time.
func (l *Ledger) replayNew() error {
	if l.replayed == nil {
		l.replayed = noDecisions()
	}
	l.replayed.grown = l.tree
	for n := int(l.replayed.size); n < len(l.records); n++ {
		if err := l.replayed.replay(n, l.records[n]); err != nil {
			l.replayed = nil
			return atRecord(n, err)
		}
	}
	return nil
}

// snapshot shares nothing that changes when further records are replayed.
func (d *Decisions) snapshot() *Decisions {
	c := *d
	c.trust, c.policies, c.left, c.grown = *d.trust.clone(), maps.Clone(d.policies), maps.Clone(d.left), slices.Clip(d.grown)
	c.list = slices.Clone(d.list)
	for i, decision := range d.list {
		c.list[i] = decision.snapshot()
	}
	for _, decision := range c.list {
		for i, successor := range decision.successors {
			decision.successors[i] = c.Of(successor.Approval.ID)
		}
		if decision.earlier != nil {
			decision.earlier = c.Of(decision.earlier.Approval.ID)
		}
	}
	return &c
}

func (d *Decision) snapshot() *Decision {
	c := *d
	c.Approval, c.Signatures, c.successors = d.Approval.clone(), maps.Clone(d.Signatures), slices.Clone(d.successors)
	return &c
}
