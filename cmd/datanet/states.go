package main

import (
	"errors"
	"fmt"

	"datanet/linkage"
	"datanet/pipeline/hub"
)

// A held says what a record does to the state of a dataset that the hub holds.
type held struct {
	state   string
	removed bool // people are gone: what was released before holds them still
}

// states goes through what the record of decisions says of a dataset's states,
// the oldest first. A re-wrapped state is the dataset's from when its custodian
// is trusted.
func (h *openHub) states(dataset string, each func(held)) {
	states(h.bodies(), dataset, each)
}

func states(bodies []linkage.Body, dataset string, each func(held)) {
	last, coming := "", linkage.RewrapRecord{}
	is := func(next held) {
		last, coming = next.state, linkage.RewrapRecord{}
		each(next)
	}
	for _, b := range bodies {
		switch r := b.(type) {
		case linkage.LoadRecord:
			if r.Dataset == dataset {
				is(held{r.State, r.Withdrew})
			}
		case linkage.DepartureRecord:
			if r.Dataset == dataset && r.State != last {
				is(held{r.State, true})
			}
		case linkage.RewrapRecord:
			if r.Dataset == dataset && r.Before == last {
				coming = r
			}
		case linkage.TrustRecord:
			if r.Dataset == dataset && r.Custodian != "" && r.Custodian == coming.Custodian {
				is(held{coming.State, false})
			}
		}
	}
}

// state is the hash of a dataset's state that the record of decisions has
// last, or nothing.
func (h *openHub) state(dataset string) (last string) {
	h.states(dataset, func(s held) { last = s.state })
	return last
}

// withdrawnSince says whether the record of decisions has it that people, or a
// site, were withdrawn from a dataset after a state of it was made.
func (h *openHub) withdrawnSince(dataset, state string) (withdrew bool) {
	h.states(dataset, func(s held) { withdrew = s.state != state && (withdrew || s.removed) })
	return withdrew
}

// last is the extract of a site that the record of decisions has last. A site that
// left and is back begins to count anew.
func (h *openHub) last(dataset, site string) (sequence int64, manifest string) {
	h.holds(func(b linkage.Body) bool {
		switch r := b.(type) {
		case linkage.LoadRecord:
			if r.Dataset == dataset && r.Site == site {
				sequence, manifest = r.Sequence, r.Manifest
			}
		case linkage.DepartureRecord:
			if r.Dataset == dataset && r.Site == site {
				sequence, manifest = 0, ""
			}
		}
		return false
	})
	return sequence, manifest
}

// settle brings the record of decisions up to the states of datasets: who made the
// last one may have been cut short before it was recorded. A state that does not
// follow the recorded one is not the dataset's: somebody has put it there.
func (a *app) settle(h *openHub, datasets ...string) error {
	for _, dataset := range datasets {
		if err := a.settleOne(h, dataset); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) settleOne(h *openHub, dataset string) error {
	vkey := h.trust.Dataset(dataset).CustodianVKey
	if vkey == "" {
		return nil
	}
	s, hash, err := h.State(dataset, vkey)
	var none *hub.UseError
	if errors.As(err, &none) {
		return nil
	}
	recorded := h.state(dataset)
	if err != nil || hash == recorded || s.Generation == 0 {
		return err
	}
	body, err := h.unrecorded(dataset, s, hash, recorded)
	if err != nil {
		return err
	}
	if err := h.Tidy(dataset, vkey); err != nil { // who was cut short may have left people's rows who are withdrawn
		return err
	}
	if err := a.record(h, body); err != nil {
		return err
	}
	return h.Audit(hub.AuditEntry{Time: a.now(), What: s.Change.What, On: dataset + "/" + s.Change.Site, Outcome: "recorded after it was cut short"})
}

// unrecorded is the record of the change that made a state. A dataset that was
// begun anew follows nothing, and is held to the extracts that were loaded last.
func (h *openHub) unrecorded(dataset string, s hub.State, hash, recorded string) (linkage.Body, error) {
	site := s.Change.Site
	m, _ := s.Member(site)
	sequence, _ := h.last(dataset, site)
	anew := s.Generation == 1 && m.Sequence >= sequence
	h.states(dataset, func(earlier held) { anew = anew && earlier.state != hash }) // or an older one was put back
	switch {
	case s.Previous != recorded && !anew:
	case s.Change.What == hub.ChangeLoad:
		return linkage.LoadRecord{Dataset: dataset, Site: site, Sequence: m.Sequence, AsAt: m.AsAt,
			Manifest: m.Manifest, Persons: s.Change.Persons, State: hash, Withdrew: s.Forgets}, nil
	case s.Change.What == hub.ChangeWithdraw:
		return linkage.DepartureRecord{Dataset: dataset, Site: site, State: hash, Note: s.Change.Note}, nil
	}
	return nil, &integrityError{fmt.Sprintf("the state of %s is neither the last one that the record of decisions has nor the one after it: an older one was put back", dataset),
		"put the dataset's folder back, whole, from a copy with the recorded state; if there is none, take the folder away and load every site's newest extract again"}
}
