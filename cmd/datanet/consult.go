package main

import (
	"fmt"
	"time"

	"datanet/linkage"
)

// mostRequest bounds a request that came as a file: it carries the whole record
// of decisions.
const mostRequest = 1 << 28

// A consulted is a record of decisions that somebody reads: at the hub, or in a
// file that came from it.
type consulted struct {
	hub       *openHub // nil where it came as a file
	id        string   // of the approval that was asked for
	ledger    *linkage.Ledger
	decisions *linkage.Decisions
	trust     linkage.Trust
}

// consult finds an approval by its id at the hub, or in a request that came as
// a file.
func (a *app) consult(asked string) (*consulted, error) {
	if !linkage.IsApprovalID(asked) {
		return a.openRequest(asked)
	}
	h, err := a.openHub()
	if err != nil {
		return nil, err
	}
	if _, err := h.decision(asked); err != nil {
		return nil, err
	}
	return &consulted{hub: h, id: asked, ledger: h.ledger, decisions: h.decisions, trust: h.trust}, nil
}

// openRequest reads a request that came as a file, and remembers the record of
// decisions that came with it as the hub's.
func (a *app) openRequest(path string) (*consulted, error) {
	c, err := readRequest(path)
	if err != nil {
		return nil, err
	}
	if _, err := a.remember(c.ledger.Hub(), func() (*linkage.Ledger, error) { return c.ledger, nil }); err != nil {
		return nil, err
	}
	return c, nil
}

// readRequest reads a request that came as a file, and all that came with it.
func readRequest(path string) (*consulted, error) {
	raw, err := readPlain(path, mostRequest)
	if err != nil {
		return nil, &useError{"there is no approval with such an id, and no such file: " + quote(path), "an id reads like 2026-001, and datanet approval list shows them; a file is made by datanet approval export"}
	}
	if !linkage.IsRequest(raw) {
		return nil, &useError{path + " is not a request in a file", "it is a file that datanet approval export makes"}
	}
	id, l, err := linkage.OpenRequest(raw)
	if err != nil {
		return nil, err
	}
	decisions, err := l.Decisions()
	if err != nil {
		return nil, err
	}
	return &consulted{id: id, ledger: l, decisions: decisions, trust: decisions.Trust()}, nil
}

func (c *consulted) decision() *linkage.Decision { return c.decisions.Of(c.id) }

func (c *consulted) clock(a *app) time.Time { return c.ledger.Head().Clock(a.now()) }

// plain is the approval in plain words, with what it connects to and whose keys
// decide about it.
func (c *consulted) plain(a *app) string {
	request := c.decision().Approval
	text := request.Plain(c.decisions.All(), c.clock(a)) + "\nWhose keys count\n  Compare them with the people, not with the hub.\n"
	for _, name := range request.Names() {
		has := c.trust.Dataset(name)
		text += fmt.Sprintf("  %s\n    Guardian  %s\n", name, has.Guardian)
		for _, deputy := range has.Deputies {
			text += fmt.Sprintf("    deputy    %s, until %s\n", deputy.Key, deputy.Until)
		}
	}
	if c.hub == nil {
		text += fmt.Sprintf("\nRead from a copy of the record of decisions of %s. What was decided since is not in it.\n", c.ledger.Head().Time.Format(time.DateOnly))
	}
	return text
}

// freshen signs the record of decisions anew when that was last done a day ago.
func (a *app) freshen(h *openHub) error { return a.signAnew(h, 24*time.Hour, false) }

// signAnew signs the head of the record of decisions with the present time when
// it is as old as this, where the key for it is at hand.
func (a *app) signAnew(h *openHub, age time.Duration, acceptClock bool) error {
	if a.now().Sub(h.ledger.Head().Time) < age {
		return nil
	}
	key, err := h.ledgerKey()
	if err != nil {
		return nil // whoever lacks it reads what there is
	}
	if err := h.ledger.Resign(key.Signer, a.now(), acceptClock); err != nil {
		return err
	}
	return a.read(h)
}
