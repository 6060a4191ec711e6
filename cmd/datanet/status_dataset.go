package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"datanet/linkage"
	"datanet/pipeline"
	"datanet/pipeline/hub"
	"datanet/pipeline/publication"
)

type datasetStatus struct {
	Dataset   string           `json:"dataset"`
	Guardian  string           `json:"guardian"`  // verifier key, or empty
	Custodian string           `json:"custodian"` // verifier key, or empty
	Deputies  []linkage.Deputy `json:"deputies"`  // of the Guardian
	State     string           `json:"state"`     // none, recorded, unrecorded (a change is at work, or was cut short) or broken
	Oldest    string           `json:"oldest"`    // as-at date of the oldest data in it; empty: there are none
	Withdrawn int64            `json:"withdrawn"` // people whom its sites have withdrawn, rounded up to 10
	Sites     []siteStatus     `json:"sites"`

	why string // it is broken
}

type siteStatus struct {
	Site      string     `json:"site"`
	AsAt      string     `json:"as_at"`     // of the last extract; empty: none was loaded
	Sequence  int64      `json:"sequence"`  // of the last extract
	Persons   int64      `json:"persons"`   // whom the hub holds now, rounded to 10
	Missing   int64      `json:"missing"`   // extracts whose number was passed over before the last
	Days      int        `json:"days"`      // since AsAt
	Late      bool       `json:"late"`      // it sent, too long ago
	Passed    [][2]int64 `json:"passed"`    // all numbers that were passed over, from and to
	Withdrawn int64      `json:"withdrawn"` // people whom it has withdrawn, rounded up to 10
	Left      string     `json:"left"`      // the day on which it withdrew; empty: it takes part
	Reason    string     `json:"reason"`    // why it withdrew

	recorded linkage.LoadRecord // the last load that the record of decisions has
}

func (h *openHub) datasetStatus(ctx context.Context, name string, now time.Time, late int) (datasetStatus, error) {
	trusted := h.trust.Dataset(name)
	d := datasetStatus{Dataset: name, Guardian: trusted.Guardian, Custodian: trusted.CustodianVKey, Deputies: append([]linkage.Deputy{}, trusted.Deputies...), State: "none", Sites: []siteStatus{}}
	s, err := d.look(h)
	if err != nil {
		return d, err
	}
	var held map[string]int64
	if len(s.Members) > 0 {
		if held, err = pipeline.People(ctx, h.Hub, name, d.Custodian); err != nil {
			if ctx.Err() != nil {
				return d, err
			}
			d.State, d.why = "broken", err.Error()
		}
	}
	known := h.siteStatuses(name)
	for _, site := range slices.Sorted(maps.Keys(trusted.Sites)) {
		of := siteStatus{Site: site, Passed: [][2]int64{}}
		if known[site] != nil {
			of = *known[site]
		}
		if d.State == "broken" { // all there is to go by is what was recorded
			of.AsAt, of.Sequence, of.Persons = of.recorded.AsAt, of.recorded.Sequence, of.recorded.Persons
		}
		if m, ok := s.Member(site); ok {
			of.AsAt, of.Sequence, of.Persons = m.AsAt, m.Sequence, (held[site]+5)/10*10
			of.Days = -daysTo(m.AsAt, now)
			of.Late = of.Days > late
			gone, _ := m.File(hub.WithdrawnTable)
			of.Withdrawn = (gone.Rows + 9) / 10 * 10
			d.Withdrawn += of.Withdrawn
			if d.Oldest == "" || m.AsAt < d.Oldest {
				d.Oldest = m.AsAt
			}
		}
		d.Sites = append(d.Sites, of)
	}
	return d, nil
}

// look reads the dataset's state, and says how it stands to the record of decisions.
// What does not hold is told among the rest, not instead of it.
func (d *datasetStatus) look(h *openHub) (hub.State, error) {
	recorded := h.state(d.Dataset)
	if d.Custodian == "" {
		return hub.State{}, nil
	}
	s, hash, err := h.Hub.State(d.Dataset, d.Custodian)
	var none *hub.UseError
	var broken *hub.IntegrityError
	switch {
	case errors.As(err, &none) && recorded == "":
		return hub.State{}, nil
	case errors.As(err, &none), errors.As(err, &broken):
		d.State, d.why = "broken", err.Error()
		return hub.State{}, nil
	case err != nil:
		return s, err
	case hash == recorded:
		d.State = "recorded"
	case s.Generation == 0 && recorded == "":
	case h.recordedSince(d.Dataset, hash):
		d.State = "recorded"
	default:
		if d.State = "unrecorded"; s.Generation == 0 {
			break
		}
		if _, err := h.unrecorded(d.Dataset, s, hash, recorded); err != nil {
			d.State, d.why = "broken", err.Error()
		}
	}
	return s, nil
}

// recordedSince says whether a state that was found was recorded after this hub was
// opened. Several loads can end while another dataset is looked at.
func (h *openHub) recordedSince(dataset, state string) (since bool) {
	later, err := h.later()
	if err != nil {
		return false
	}
	last := h.state(dataset)
	passed := last == ""
	later.states(dataset, func(s held) {
		since = since || passed && s.state == state
		passed = passed || s.state == last
	})
	return since
}

// later is the hub with the record of decisions as it is by now.
func (h *openHub) later() (*openHub, error) {
	l, err := linkage.Open(h.LedgerDir(), h.Ledger)
	if err == nil {
		err = l.CheckExtends(h.ledger.Head())
	}
	return &openHub{Hub: h.Hub, ledger: l}, err
}

// siteStatuses are what the record of decisions has of each site since it last came.
func (h *openHub) siteStatuses(dataset string) map[string]*siteStatus {
	all := map[string]*siteStatus{}
	of := func(site string) *siteStatus {
		if all[site] == nil {
			all[site] = &siteStatus{Site: site, Passed: [][2]int64{}}
		}
		return all[site]
	}
	for _, r := range h.ledger.Records() {
		if r.Kind != linkage.KindTrust && r.Kind != linkage.KindLoad && r.Kind != linkage.KindDeparture {
			continue
		}
		body, err := r.Decode()
		if err != nil {
			continue
		}
		switch b := body.(type) {
		case linkage.TrustRecord:
			for site := range b.Sites {
				if b.Dataset == dataset && of(site).Left != "" { // it is back
					delete(all, site)
				}
			}
		case linkage.LoadRecord:
			if b.Dataset == dataset {
				of(b.Site).loaded(b)
			}
		case linkage.DepartureRecord:
			if b.Dataset == dataset {
				delete(all, b.Site)
				of(b.Site).Left, of(b.Site).Reason = r.Time.Format(time.DateOnly), b.Reason()
			}
		}
	}
	return all
}

// loaded takes in one load, and which numbers were passed over before it.
func (s *siteStatus) loaded(b linkage.LoadRecord) {
	last := s.recorded.Sequence
	if s.Missing = max(0, b.Sequence-last-1); s.Missing > 0 {
		s.Passed = append(s.Passed, [2]int64{last + 1, b.Sequence - 1})
	}
	s.recorded = b
}

func (d datasetStatus) needs(late int) (all []need) {
	add := func(kind, site, format string, args ...any) {
		all = append(all, need{Kind: kind, Dataset: d.Dataset, Site: site, Says: fmt.Sprintf(format, args...)})
	}
	switch d.State {
	case "broken":
		add("integrity", "", "The data of %s are not what the record of decisions has: %s. Look with datanet hub verify, and use nothing of it until then.", d.Dataset, oneLine(d.why))
	case "unrecorded":
		add("integrity", "", "The last change of %s is not in the record of decisions yet. The next load, release or link records it.", d.Dataset)
	}
	for _, s := range d.Sites {
		switch {
		case s.Left != "":
			add("left", s.Site, "Site %s of %s withdrew on %s: %s. Nothing of it is held.", s.Site, d.Dataset, s.Left, s.Reason)
		case s.AsAt == "":
			add("never-sent", s.Site, "Site %s of %s is trusted, and nothing of it was loaded.", s.Site, d.Dataset)
		case s.Late:
			add("late", s.Site, "Site %s of %s is late: its last data are as at %s, %d days ago; more than %d are late.", s.Site, d.Dataset, s.AsAt, s.Days, late)
		}
		if s.Missing > 0 {
			p := s.Passed[len(s.Passed)-1]
			add("passed-over", s.Site, "Site %s of %s: its %s never came.", s.Site, d.Dataset, ranged(p))
		}
	}
	return all
}

func ranged(p [2]int64) string {
	if p[0] == p[1] {
		return fmt.Sprintf("extract number %d", p[0])
	}
	return fmt.Sprintf("extracts number %d to %d", p[0], p[1])
}

func (d datasetStatus) print(w io.Writer) {
	fmt.Fprintf(w, "\n%s\n  Guardian   %s\n  custodian  %s\n", d.Dataset, orNobody(d.Guardian), orNobody(d.Custodian))
	for _, deputy := range d.Deputies {
		fmt.Fprintf(w, "  deputy     %s, until %s\n", deputy.Key, deputy.Until)
	}
	for _, s := range d.Sites {
		switch {
		case s.Left != "":
			fmt.Fprintf(w, "  %-9s  withdrew on %s\n", s.Site, s.Left)
			continue
		case s.AsAt == "":
			fmt.Fprintf(w, "  %-9s  nothing was loaded yet\n", s.Site)
			continue
		}
		fmt.Fprintf(w, "  %-9s  as at %s, extract number %d, about %s people", s.Site, s.AsAt, s.Sequence, thousands(s.Persons))
		if s.Missing > 0 {
			fmt.Fprintf(w, "; %d before it never came", s.Missing)
		}
		if s.Late {
			fmt.Fprintf(w, "; late")
		}
		fmt.Fprintln(w)
	}
	if d.Oldest != "" {
		fmt.Fprintf(w, "  the oldest data in it are as at %s\n", d.Oldest)
	}
	if d.Withdrawn > 0 {
		fmt.Fprintf(w, "  at most %s people are withdrawn: nothing of them is held\n", thousands(d.Withdrawn))
	}
}

// publicationStatus lists what lies in the hub's place of publications.
func (h *openHub) publicationStatus() ([]publicationStatus, error) {
	all, err := h.Publications()
	if err != nil {
		return nil, err
	}
	known, found := h.publications(), []publicationStatus{}
	for _, p := range all {
		of := publicationStatus{Publication: filepath.Base(p.Dir), AsAt: p.AsAt, Approval: p.Suffix}
		if opened, err := publication.Open(p.Dir, func(*publication.Header) (string, error) { return h.Publisher, nil }); err == nil {
			of.LastDay = opened.LastDay
			of.Recorded = slices.ContainsFunc(known, func(r linkage.PublicationRecord) bool { return r.SHA256 == opened.Digest() })
		}
		found = append(found, of)
	}
	return found, nil
}
