package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"datanet/linkage"
	"datanet/pipeline/hub"
	"datanet/pipeline/load"
	"datanet/pseudonym"
)

// opened is the practice's hub, as a command of this process opens it.
func (p *practice) opened(s *session) *openHub {
	p.Helper()
	a := &app{out: os.Stderr, err: os.Stderr, env: func(name string) string { return s.env[name] }, now: time.Now, ctx: context.Background(), hub: p.in("hub")}
	h, err := a.openHub()
	if err != nil {
		p.Fatal(err)
	}
	return h
}

// bodies are the records of loads and departures, the oldest first.
func bodies(h *openHub) (all []linkage.Body) {
	for _, r := range h.ledger.Records() {
		if b, err := r.Decode(); err == nil && (r.Kind == linkage.KindLoad || r.Kind == linkage.KindDeparture) {
			all = append(all, b)
		}
	}
	return all
}

// loadedPractice has a hub into which its extract 1 was loaded, and its extract 2.
func loadedPractice(t *testing.T) (p *practice, s *session, second string) {
	p = newPractice(t)
	s = newSession(t, p.dir)
	p.foundsHub()
	p.runs(p.extract())
	s.must("load", p.in("out", extractName), "--custodian", p.in("keys", "custodian.key"))
	if err := os.Rename(p.in("out"), p.in("first")); err != nil {
		t.Fatal(err)
	}
	p.runs(p.extract())
	return p, s, p.in("out", extractName)
}

// TestDepartureCutShort: a site was taken out, and the machine went down before it was recorded. Whatever
// comes next records it, first.
func TestDepartureCutShort(t *testing.T) {
	p, s, second := loadedPractice(t)
	h := p.opened(s)
	before, vkey := h.state("primary-care"), p.custodian.PublicPart().Verifier
	note, err := linkage.NewDeparture(h.ID, "primary-care", "Z99001", p.key.Public(), "It has withdrawn", p.custodian.Signer)
	if err != nil {
		t.Fatal(err)
	}
	r, err := h.WithdrawSite("primary-care", "Z99001", note, p.custodian.Signer, vkey)
	if err != nil {
		t.Fatal(err)
	}
	if out := s.must("hub", "status", "--json"); !strings.Contains(out, `"state": "unrecorded"`) {
		t.Errorf("%s", out)
	}
	left := p.in("hub", "datasets", "primary-care", "history", "patients", "site=Z99001") // what it was kept from removing
	if err := os.MkdirAll(left, 0o700); err != nil {
		t.Fatal(err)
	}
	code, _, stderr := s.try(context.Background(), "load", second, "--custodian", p.in("keys", "custodian.key"))
	if _, err := os.Lstat(left); !os.IsNotExist(err) {
		t.Errorf("the site's history is there: %v", err)
	}
	if code != 3 || !strings.Contains(stderr, "has withdrawn from primary-care") {
		t.Errorf("exit code %d\n%s", code, stderr)
	}
	h = p.opened(s)
	got := bodies(h)
	if len(got) != 2 || got[1] != (linkage.DepartureRecord{Dataset: "primary-care", Site: "Z99001", State: r.StateHash, Note: note}) {
		t.Fatalf("%+v", got)
	}
	if !h.withdrawnSince("primary-care", before) || h.withdrawnSince("primary-care", r.StateHash) || h.state("primary-care") != r.StateHash {
		t.Error("what was released before is not stale")
	}
	s.must("hub", "verify")
	if out := s.must("hub", "withdraw", "--dataset", "primary-care", "--site", "Z99001", "--custodian", p.in("keys", "custodian.key"), "--reason", "It has withdrawn", "--json"); !strings.Contains(out, `"skipped"`) {
		t.Errorf("%s", out)
	}
}

// TestKeyAfterADepartureCutShort: the same, and what comes next is a new key of the site. The note of its departure is of the key
// that it had, so the departure is recorded first.
func TestKeyAfterADepartureCutShort(t *testing.T) {
	p, s, second := loadedPractice(t)
	h := p.opened(s)
	note, err := linkage.NewDeparture(h.ID, "primary-care", "Z99001", p.key.Public(), "It has withdrawn", p.custodian.Signer)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.WithdrawSite("primary-care", "Z99001", note, p.custodian.Signer, p.custodian.PublicPart().Verifier); err != nil {
		t.Fatal(err)
	}
	s.must("key", "site", "--dataset", "primary-care", "--site", "Z99001", "--linkage", p.in("keys", "linkage.key"), "--wrap", p.in("keys", "wrap"), "--out", p.in("keys", "again.key"))
	s.must("hub", "trust", "--dataset", "primary-care", "--site", "Z99001="+s.must("key", "show", "--public", p.in("keys", "again.key")), "--by", p.in("keys", "custodian.key"))
	if got := bodies(p.opened(s)); len(got) != 2 || got[1].(linkage.DepartureRecord).Note != note {
		t.Fatalf("%+v", got)
	}
	if code, _, stderr := s.try(context.Background(), "load", second, "--custodian", p.in("keys", "custodian.key")); code != 6 || !strings.Contains(stderr, "not the one that the site signed") {
		t.Errorf("an extract under its former key: exit code %d\n%s", code, stderr)
	}
	s.must("hub", "verify")
}

// TestStatusWhileOthersLoad: two loads end between the opening of the hub and the look at its dataset. Nothing is amiss.
func TestStatusWhileOthersLoad(t *testing.T) {
	p, s, second := loadedPractice(t)
	h := p.opened(s)
	s.must("load", second, "--custodian", p.in("keys", "custodian.key"))
	p.runs(p.extract("--out", p.in("third")))
	s.must("load", p.in("third", extractName), "--custodian", p.in("keys", "custodian.key"))
	d, err := h.datasetStatus(context.Background(), "primary-care", time.Now(), 36500)
	if err != nil || d.State != "recorded" || len(d.needs(36500)) > 0 || d.Sites[0].Sequence != 3 {
		t.Errorf("%v: %+v", err, d)
	}
}

// TestWithdrawalCutShort: a load that withdrew people was not recorded, and another load came first. What was released
// before is stale all the same.
func TestWithdrawalCutShort(t *testing.T) {
	p, s, third := loadedPractice(t)
	h := p.opened(s)
	before := h.state("primary-care")
	p.runs(p.extract("--out", p.in("third"))) // number 3
	l, err := h.BeginLoad("primary-care")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Abort()
	if err := os.WriteFile(filepath.Join(l.Dir(), "t"), []byte("PAR1"), 0o600); err != nil {
		t.Fatal(err)
	}
	state, _, err := h.Hub.State("primary-care", p.custodian.PublicPart().Verifier)
	if err != nil {
		t.Fatal(err)
	}
	in := hub.Incoming{Site: "Z99001", Sequence: 2, AsAt: "2026-10-31", Persons: 120, Manifest: strings.Repeat("ab", 32), LinkageCheck: state.LinkageCheck, Forget: true}
	done, err := l.Commit(in, []hub.Staged{{Name: "t", Table: "patients"}}, hub.Decide, p.custodian.Signer, p.custodian.PublicPart().Verifier)
	if err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := s.try(context.Background(), "load", third, "--custodian", p.in("keys", "custodian.key")); code != 6 {
		t.Errorf("another extract of the same number: exit code %d\n%s", code, stderr)
	}
	s.must("load", p.in("third", extractName), "--custodian", p.in("keys", "custodian.key"))
	h = p.opened(s)
	got := bodies(h)
	want := linkage.LoadRecord{Dataset: "primary-care", Site: "Z99001", Sequence: 2, AsAt: "2026-10-31", Manifest: in.Manifest, Persons: 120, State: done.StateHash, Withdrew: true}
	if len(got) != 3 || got[1] != want || got[2].(linkage.LoadRecord).Withdrew {
		t.Fatalf("%+v", got)
	}
	if !h.withdrawnSince("primary-care", before) {
		t.Error("what was released before is not stale")
	}
	s.must("hub", "verify")
}

// TestHandoverRecords: a re-wrapped state counts from when its custodian is trusted, and not if anything came between.
func TestHandoverRecords(t *testing.T) {
	load := func(state string, withdrew bool) linkage.Body {
		return linkage.LoadRecord{Dataset: "slam", Site: "Z9S01", State: state, Withdrew: withdrew}
	}
	rewrap := linkage.RewrapRecord{Dataset: "slam", Before: "a", State: "b", Custodian: "C2"}
	trusts := linkage.TrustRecord{Dataset: "slam", Custodian: "C2"}
	for name, c := range map[string]struct {
		bodies []linkage.Body
		state  string
		stale  bool // of what was released of state a
	}{
		"not trusted yet":    {[]linkage.Body{load("a", false), rewrap}, "a", false},
		"trusted":            {[]linkage.Body{load("a", false), rewrap, trusts}, "b", false},
		"and loaded":         {[]linkage.Body{load("a", false), rewrap, trusts, load("c", true)}, "c", true},
		"loaded in between":  {[]linkage.Body{load("a", false), rewrap, load("c", false), trusts}, "c", false},
		"of another state":   {[]linkage.Body{load("0", false), load("a", true), load("c", false), rewrap, trusts}, "c", false},
		"trusted without it": {[]linkage.Body{load("a", false), trusts}, "a", false},
		"another's":          {[]linkage.Body{load("a", false), rewrap, linkage.TrustRecord{Dataset: "slam", Custodian: "C3"}}, "a", false},
		"a site left":        {[]linkage.Body{load("a", false), linkage.DepartureRecord{Dataset: "slam", State: "d"}}, "d", true},
		"that never sent":    {[]linkage.Body{load("a", false), linkage.DepartureRecord{Dataset: "slam", State: "a"}}, "a", false},
		"of another dataset": {[]linkage.Body{load("a", false), linkage.DepartureRecord{Dataset: "maternity", State: "d"}}, "a", false},
	} {
		last, withdrew := "", false
		states(c.bodies, "slam", func(s held) {
			last, withdrew = s.state, s.state != "a" && (withdrew || s.removed)
		})
		if last != c.state || withdrew != c.stale {
			t.Errorf("%s: state %q, stale %v", name, last, withdrew)
		}
	}
}

func TestNeeds(t *testing.T) {
	approved, review := string(linkage.StatusApproved), string(linkage.StatusReviewDue)
	for name, c := range map[string]struct {
		of   interface{ all() []need }
		want string
	}{
		"nothing":           {ofProject{projectStatus{Status: approved, ReviewDays: 29}}, ""},
		"review soon":       {ofProject{projectStatus{Approval: "2026-001", Status: approved, Review: "2026-12-24", ReviewDays: 28}}, "review: Approval 2026-001 has to be reviewed by 2026-12-24, in 28 days. Who needs it longer renews it: datanet approval draft --supersedes 2026-001."},
		"ends today":        {ofProject{projectStatus{Approval: "2026-001", Status: approved, Until: "2026-12-24", Review: "2026-12-24"}}, "review: Approval 2026-001 ends after today. Who needs it longer renews it: datanet approval draft --supersedes 2026-001."},
		"review over":       {ofProject{projectStatus{Approval: "2026-001", Status: review, Review: "2026-12-24", ToSweep: 1}}, "sweep: Under approval 2026-001 (review-due) 1 thing is lying at the hub that nobody may use any more. Clear up with datanet hub sweep.; review: The review of approval 2026-001 was due on 2026-12-24, and it rests. Who still needs it renews it: datanet approval draft --supersedes 2026-001."},
		"revoked and stale": {ofProject{projectStatus{Status: "revoked", Stale: []string{"slam"}, ReviewDays: 3}}, ""},
		"waiting":           {ofProject{projectStatus{Approval: "2026-001", Title: "T", Status: "draft", ReviewDays: 3, Awaiting: []string{"slam"}}}, "signature: Approval 2026-001 (T) waits for the Guardian of slam."},
		"dataset at work":   {ofDataset{datasetStatus{Dataset: "slam", State: "unrecorded"}}, "integrity: The last change of slam is not in the record of decisions yet. The next load, release or link records it."},
		"fresh":             {ofDataset{datasetStatus{Dataset: "slam", State: "recorded", Sites: []siteStatus{{Site: "Z9S01", AsAt: "2026-10-31", Days: 35}}}}, ""},
		"late, with a gap":  {ofDataset{datasetStatus{Dataset: "slam", Sites: []siteStatus{{Site: "Z9S01", AsAt: "2026-10-31", Days: 36, Late: true, Missing: 2, Passed: [][2]int64{{1, 1}, {3, 4}}}}}}, "late: Site Z9S01 of slam is late: its last data are as at 2026-10-31, 36 days ago; more than 35 are late.; passed-over: Site Z9S01 of slam: its extracts number 3 to 4 never came."},
	} {
		var got []string
		for _, n := range c.of.all() {
			got = append(got, n.Kind+": "+n.Says)
		}
		if text := strings.Join(got, "; "); text != c.want {
			t.Errorf("%s: %s", name, text)
		}
	}
}

type ofProject struct{ projectStatus }
type ofDataset struct{ datasetStatus }

func (p ofProject) all() []need { return p.needs() }
func (d ofDataset) all() []need { return d.needs(35) }

// endedAt is a context that somebody ends at an instant.
type endedAt struct {
	context.Context
	now func() bool
}

func (c endedAt) Err() error {
	if c.now() {
		return context.Canceled
	}
	return nil
}

// TestHandoverEndedAsItIsRecorded: somebody ends the command when the record that makes the new custodian the trusted one has just
// been written. The dataset is the new custodian's: nothing of it is taken back.
func TestHandoverEndedAsItIsRecorded(t *testing.T) {
	p, s, _ := loadedPractice(t)
	s.must("key", "custodian", "--dataset", "primary-care", "--out", p.in("keys", "next.key"))
	a := &app{out: os.Stderr, err: os.Stderr, env: func(name string) string { return s.env[name] }, now: time.Now, ctx: context.Background(), hub: p.in("hub")}
	to, err := openKey[*pseudonym.CustodianKey](a, p.in("keys", "next.key"))
	if err != nil {
		t.Fatal(err)
	}
	a.ctx = endedAt{a.ctx, func() bool {
		records, err := os.ReadFile(p.in("hub", "ledger", "records"))
		if err != nil {
			t.Error(err)
		}
		return slices.ContainsFunc(strings.Split(string(records), "\n"), func(line string) bool {
			return strings.HasPrefix(line, `{"kind":"trust"`) && strings.Contains(line, to.Public())
		})
	}}
	want := linkage.TrustRecord{Dataset: "primary-care", Custodian: to.Public()}
	if _, _, err := a.rewrapOne(context.Background(), want, load.Handover{From: p.custodian, To: to, Threads: 1, Memory: 1 << 30}); err != nil {
		t.Error(err)
	}
	s.must("hub", "verify")
}
