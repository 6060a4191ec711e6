package pipeline

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"datanet/linkage"
	"datanet/pipeline/hub"
	"datanet/pipeline/publication"
	"datanet/schemas"
)

func kindOf(err error) string {
	var k interface{ Kind() string }
	if errors.As(err, &k) {
		return k.Kind()
	}
	return ""
}

// TestLinkedCountsAreTheReference: before disclosure, everybody and every
// linked denominator and numerator, by ward and ethnic group.
func TestLinkedCountsAreTheReference(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	for _, datasets := range [][]string{{"primary-care", "slam"}, {"maternity", "primary-care"}, {"primary-care", "slam", "maternity"}} {
		p := newProject(t, 700, seed, datasets...)
		o := p.options()
		o.complete()
		s := must(o.source())(t)
		h := must(o.header(s))(t)
		counts := must(o.count(context.Background(), s, h))(t)
		s.close()
		l := must(newLattice(h.Catalogue))(t)
		exact, held := l.rollUp(counts), 0
		for f, feature := range l.features {
			want := map[group]int64{}
			for _, k := range p.people {
				if k.counts(feature.ID) {
					want[k.group()]++
					held++
				}
			}
			compared, differences := comparison{"area", "ethnicity", want}.with(l, exact[f])
			for _, d := range differences {
				t.Errorf("%v: %s %s", datasets, feature.ID, d)
			}
			if compared < 100 {
				t.Errorf("only %d groups compared", compared)
			}
		}
		if held < 700 {
			t.Errorf("%v: only %d times somebody counted", datasets, held)
		}
	}
}

// TestLinkedPublication is one project's story.
func TestLinkedPublication(t *testing.T) {
	p := newProject(t, 6000, 3, "primary-care", "slam", "maternity")
	publish := func(change func(*PublishOptions)) *Published {
		t.Helper()
		o := p.options()
		change(&o)
		return must(Publish(context.Background(), o))(t)
	}
	to := func(name string) func(*PublishOptions) {
		return func(o *PublishOptions) { o.Out = filepath.Join(p.dir, name) }
	}
	none := func(*PublishOptions) {}

	// What it says of itself; the date is the earliest of the three.
	first := publish(none)
	h := first.Header
	if h.ApprovalID() != p.approval.ID || h.ApprovalSHA256 != p.approval.SHA256() || h.LastDay != "2027-02-20" || h.AsAt != "2026-10-29" || h.Dataset != "primary-care" ||
		h.State != schemas.Digest(p.linked.Encode()) || len(h.Datasets) != 3 || h.States["slam"] != p.linked.Dataset("slam").State || h.CodeLists["smi-icd10"] == "" {
		t.Errorf("%+v", h)
	}
	if first.Status != "published" || first.Publication != filepath.Join(p.hub.Dir(), "publications", "2026-10-29-"+p.approval.ID) || first.Audit.ExactRecoveries != 0 || first.Withheld == 0 {
		t.Errorf("%+v", first)
	}
	if r := RecordOf(h, first.Digest); r.Approval != p.approval.ID || r.SHA256 != first.Digest || len(r.States) != 3 || r.States["maternity"] != h.States["maternity"] {
		t.Errorf("%+v", r)
	}
	for f := range newLinkedLattice(t, h).table.Features {
		for node := range first.Report.Nodes {
			if reason := first.Report.Reason(f, node).String(); f == 0 && reason == "repair" {
				t.Error("what another publication shows was withheld")
			}
		}
	}
	p.showsNothingSmall(first)
	p.isNearTheTruth(first)

	// The same people, wherever and on however many threads: the same bytes.
	one := publish(func(o *PublishOptions) { to("one")(o); o.Threads = 1 })
	two := publish(func(o *PublishOptions) { to("two")(o); o.Threads = 2 })
	for _, name := range []string{"publication.json", "counts.parquet", "publication.sig"} {
		if read(t, first.Publication, name) != read(t, one.Publication, name) || read(t, first.Publication, name) != read(t, two.Publication, name) {
			t.Errorf("%s differs", name)
		}
	}

	// Again: a skip. Sealed on another day elsewhere: the same counts and id, and another last day.
	if again := publish(none); again.Status != "skipped" || again.Digest != first.Digest {
		t.Errorf("%+v", again)
	}
	later := publish(func(o *PublishOptions) { to("later")(o); o.Now = today.AddDate(0, 0, 30) })
	if later.ID != first.ID || later.Header.LastDay != "2027-03-22" || read(t, later.Publication, "counts.parquet") != read(t, first.Publication, "counts.parquet") {
		t.Errorf("%+v", later.Header)
	}

	// After its last day it is no skip any more, and its place is taken.
	o := p.options()
	o.Now = time.Date(2027, 2, 20, 23, 0, 0, 0, time.UTC)
	if again := must(Publish(context.Background(), o))(t); again.Status != "skipped" {
		t.Errorf("%+v", again)
	}
	o.Now = o.Now.Add(time.Hour)
	if again, err := Publish(context.Background(), o); again != nil || kindOf(err) != "governance" {
		t.Errorf("%+v %v", again, err)
	}

	// Other people of this approval: a further draw.
	p.relink(p.people[:5990])
	for name, change := range map[string]func(*PublishOptions){"": none, "other": to("other"), "recorded": func(o *PublishOptions) {
		to("recorded")(o)
		o.Earlier = []linkage.PublicationRecord{RecordOf(h, first.Digest)}
	}} {
		o := p.options()
		change(&o)
		if again, err := Publish(context.Background(), o); again != nil || kindOf(err) != "governance" {
			t.Errorf("%s: %+v %v", name, again, err)
		}
	}
	if left := p.leftovers(); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func newLinkedLattice(t *testing.T, h *publication.Header) *lattice {
	t.Helper()
	l := must(newLattice(h.Catalogue))(t)
	for f, feature := range l.table.Features {
		if feature.Outside != (f == 0) || feature.Sensitive == (f == 0) {
			t.Errorf("%s: outside %v, sensitive %v", feature.ID, feature.Outside, feature.Sensitive)
		}
	}
	return l
}

// isNearTheTruth asks as a planner does, on the last day, and compares with the
// population; the day after, there is no answer.
func (p *project) isNearTheTruth(published *Published) {
	p.t.Helper()
	x := must(publication.Open(published.Publication, func(*publication.Header) (string, error) { return p.publisher.Public(), nil }))(p.t)
	defer x.Close()
	last := time.Date(2027, 2, 20, 23, 59, 59, 0, time.UTC)
	for measure, denominator := range map[string]string{"smi-blood-pressure": "smi-at-slam", "pregnancy-long-term-conditions": "pregnancy-booked"} {
		q := publication.Question{Measure: measure, By: []string{"ward", "ethnicity"}, Population: "registered", Now: last}
		a := must(x.Ask(context.Background(), q))(p.t)
		shown := 0
		for _, r := range a.Rows {
			var of, have int64
			for _, k := range p.people {
				if k.group() == (group{r.Groups[0].ID, r.Groups[1].ID}) {
					of, have = of+one(k.counts(denominator)), have+one(k.counts(measure))
				}
			}
			if r.Denominator == nil && r.Numerator != nil {
				p.t.Errorf("%s %v: a number beside a withheld denominator", measure, r.Groups)
			}
			for _, n := range [][2]int64{{value(r.Denominator, of), of}, {value(r.Numerator, have), have}} {
				if n[0] < n[1]-7 || n[0] > n[1]+7 {
					p.t.Errorf("%s %v: %d is shown for %d", measure, r.Groups, n[0], n[1])
				}
			}
			if (r.Numerator != nil && have < 8) || (r.Denominator != nil && of < 8) {
				p.t.Errorf("%s %v: a small number is shown", measure, r.Groups)
			}
			shown += int(one(r.Numerator != nil))
		}
		if shown < 5 || a.Denominator == nil || a.Denominator.ID != denominator {
			p.t.Errorf("%s: %d rows are shown, of %+v", measure, shown, a.Denominator)
		}
		q.Now = last.Add(time.Second)
		if a, err := x.Ask(context.Background(), q); a != nil || kindOf(err) != "governance" {
			p.t.Errorf("%+v %v", a, err)
		}
	}
}

func one(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func value(n *int64, otherwise int64) int64 {
	if n == nil {
		return otherwise
	}
	return *n
}

// TestLastDay is the earliest of the approval's last day, its review, and 92
// days.
func TestLastDay(t *testing.T) {
	for _, c := range []struct{ until, review, want string }{
		{"2027-10-31", "2027-10-31", "2027-02-20"},
		{"2027-02-21", "2027-02-21", "2027-02-20"},
		{"2027-02-19", "2027-02-19", "2027-02-19"},
		{"2027-10-31", "2026-12-24", "2026-12-24"},
		{"2026-11-20", "2026-11-20", "2026-11-20"},
	} {
		p := newProject(t, 50, 1, "primary-care", "slam")
		want := p.wish("primary-care", "slam")
		want.Until, want.Review = c.until, c.review
		p.approve(want)
		p.link(p.people)
		o := p.options()
		o.complete()
		s := must(o.source())(t)
		if h := must(o.header(s))(t); h.LastDay != c.want {
			t.Errorf("until %s, review %s: %s, want %s", c.until, c.review, h.LastDay, c.want)
		}
		s.close()
	}
}

// TestPermits: nothing is touched without one for exactly this. That the tables
// are gone shows that they were not asked for.
func TestPermits(t *testing.T) {
	p := newProject(t, 50, 1, "primary-care", "slam")
	other := p.options()
	p.approve(p.wish("primary-care", "maternity"))
	p.linked = nil
	for name, change := range map[string]func(*PublishOptions){
		"zero":                func(o *PublishOptions) { o.Permit = linkage.Permit{} },
		"to query":            func(o *PublishOptions) { o.Permit = p.permit(linkage.ActionQuery) },
		"to link":             func(o *PublishOptions) { o.Permit = p.permit(linkage.ActionLink) },
		"of another approval": func(o *PublishOptions) { o.Permit = other.Permit },
		"nothing linked":      func(*PublishOptions) {},
		"no clock":            func(o *PublishOptions) { *o = other; o.Now = time.Time{} },
	} {
		o := p.options()
		change(&o)
		o.Note = func(*publication.Header, string) error { t.Errorf("%s: something was recorded", name); return nil }
		if done, err := Publish(context.Background(), o); done != nil || kindOf(err) != "governance" {
			t.Errorf("%s: %v %v", name, done, err)
		}
	}
	o := p.options()
	o.Approval = ""
	if done, err := Publish(context.Background(), o); done != nil || kindOf(err) != "use" {
		t.Errorf("a permit without an approval: %v %v", done, err)
	}
}

// TestLinkedTablesAreThoseRecorded: every file, and whose they are.
func TestLinkedTablesAreThoseRecorded(t *testing.T) {
	p := newProject(t, 50, 1, "primary-care", "slam")
	dir := must(p.hub.Project(p.approval.ID))(t).LinkedDir()
	refused := func(what string, o PublishOptions) {
		t.Helper()
		if done, err := Publish(context.Background(), o); done != nil || kindOf(err) != "integrity" {
			t.Errorf("%s: %v %v", what, done, err)
		}
	}
	o := p.options()
	o.Recorded = schemas.Digest(nil)
	refused("another digest", o)
	for _, e := range must(os.ReadDir(dir))(t) {
		path := filepath.Join(dir, e.Name())
		whole := []byte(read(t, path))
		changed := append([]byte{}, whole...)
		changed[len(changed)/2] ^= 1
		for what, b := range map[string][]byte{"changed": changed, "cut": whole[:len(whole)-1], "empty": nil} {
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
			refused(e.Name()+" "+what, p.options())
		}
		if err := os.WriteFile(path, whole, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for what, change := range map[string]func(*schemas.Linked){
		"another hub":      func(l *schemas.Linked) { l.Hub = hub.NewID() },
		"another approval": func(l *schemas.Linked) { l.Approval = "2026-999" },
		"another text":     func(l *schemas.Linked) { l.ApprovalSHA256 = schemas.Digest(nil) },
	} {
		l := *p.linked
		change(&l)
		if err := os.WriteFile(filepath.Join(dir, hub.LinkedFile), l.Encode(), 0o600); err != nil {
			t.Fatal(err)
		}
		o := p.options()
		o.Recorded = schemas.Digest(l.Encode())
		refused(what, o)
	}
}

// TestMeasuresUnderAnApproval: only what its pairs and columns cover.
func TestMeasuresUnderAnApproval(t *testing.T) {
	p := newProject(t, 50, 1, "primary-care", "slam")
	for name, c := range map[string]struct {
		datasets []string
		change   func(*linkage.Approval)
		want     string
	}{
		"all":           {[]string{"primary-care", "slam", "maternity"}, func(*linkage.Approval) {}, "smi-blood-pressure pregnancy-long-term-conditions"},
		"another order": {[]string{"slam", "primary-care"}, func(*linkage.Approval) {}, "smi-blood-pressure"},
		"no diagnosis":  {[]string{"primary-care", "slam", "maternity"}, func(a *linkage.Approval) { a.Datasets[1].Columns = a.Datasets[1].Columns[:4] }, "pregnancy-long-term-conditions"},
		"no birth year": {[]string{"primary-care", "slam"}, func(a *linkage.Approval) {
			a.Datasets[0].Columns = append(a.Datasets[0].Columns[:3:3], a.Datasets[0].Columns[4:]...)
		}, "governance"},
		"nothing for them": {[]string{"slam", "maternity"}, func(*linkage.Approval) {}, "use"},
	} {
		want := p.wish(c.datasets...)
		c.change(&want)
		p.approve(want)
		p.link(p.people)
		o := p.options()
		o.complete()
		s, err := o.source()
		got := kindOf(err)
		if err == nil {
			for i, m := range s.catalogue.Measures {
				if i > 0 {
					got += " "
				}
				got += m.ID
			}
			s.close()
		}
		if got != c.want {
			t.Errorf("%s: %q (%v), want %q", name, got, err, c.want)
		}
	}

	// Approvals of this version name every pair of their datasets; one that did not would not cover what needs it.
	want := p.wish("primary-care", "slam", "maternity")
	p.approve(want)
	p.link(p.people)
	a := *p.approval
	a.Pairs = a.Pairs[1:]
	if c := must(measuresUnder(&a, p.linked))(t); len(c.Measures) != 1 || c.Measures[0].ID != "pregnancy-long-term-conditions" {
		t.Errorf("%d measures without the pair", len(c.Measures))
	}
	a.Pairs = nil
	if c, err := measuresUnder(&a, p.linked); c != nil || kindOf(err) != "governance" {
		t.Errorf("%v %v", c, err)
	}
}

// TestApprovalsDrawOnce: another approval of the same question would be another
// draw of the noise, so within 28 days there is one publication of a measure,
// whatever stands beside it of a dataset alone.
func TestApprovalsDrawOnce(t *testing.T) {
	p := newProject(t, 300, 1, "primary-care", "slam")
	first := must(Publish(context.Background(), p.options()))(t)
	p.approve(p.wish("primary-care", "slam"))
	p.link(p.people[:290])
	o := p.options()
	alone := linkage.PublicationRecord{Publication: "0123456789abcdef", AsAt: "2026-10-31", States: map[string]string{"primary-care": schemas.Digest(nil)}}
	earlier := RecordOf(first.Header, first.Digest)

	// Wherever the first one went, and whatever else it counted.
	wider := earlier
	wider.States = map[string]string{"primary-care": schemas.Digest(nil), "slam": schemas.Digest(nil), "maternity": schemas.Digest(nil)}
	for _, e := range []linkage.PublicationRecord{earlier, wider} {
		o.Earlier = []linkage.PublicationRecord{alone, e}
		if _, err := Publish(context.Background(), o); kindOf(err) != "governance" {
			t.Errorf("a second draw under another approval: %v", err)
		}
	}
	o.Earlier = nil
	if _, err := Publish(context.Background(), o); kindOf(err) != "governance" {
		t.Errorf("a second draw, the first one in the hub: %v", err)
	}

	// Withdrawn, of another date, or of other measures, it does not stand in the way.
	found, err := p.hub.Publications()
	if err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	if err := p.hub.RemovePublication(found[0]); err != nil {
		t.Fatal(err)
	}
	other, before := earlier, earlier
	other.States = map[string]string{"primary-care": schemas.Digest(nil), "maternity": schemas.Digest(nil)}
	before.AsAt = "2026-10-01"
	o.Earlier = []linkage.PublicationRecord{alone, other, before}
	if second := must(Publish(context.Background(), o))(t); second.Status != "published" || second.ID == first.ID {
		t.Errorf("%+v", second)
	}

	dataset := PublishOptions{Hub: p.hub, Dataset: "primary-care", Earlier: []linkage.PublicationRecord{earlier}}
	if err := dataset.apart(&publication.Header{Dataset: "primary-care", AsAt: first.AsAt}); err != nil {
		t.Error(err)
	}
	dataset.Earlier = append(dataset.Earlier, alone)
	if err := dataset.apart(&publication.Header{Dataset: "primary-care", AsAt: first.AsAt}); kindOf(err) != "governance" {
		t.Errorf("the dataset's own earlier publication: %v", err)
	}
}

// TestTheSamePeopleLinkedAnew: linked again from the same states, in another
// order, they are the same publication.
func TestTheSamePeopleLinkedAnew(t *testing.T) {
	p := newProject(t, 300, 1, "primary-care", "slam")
	first := must(Publish(context.Background(), p.options()))(t)
	slices.Reverse(p.people)
	p.relink(p.people)
	again := must(Publish(context.Background(), p.options()))(t)
	if again.ID != first.ID || again.Status != "skipped" {
		t.Errorf("%+v, was %+v", again, first)
	}
}

// TestEverybodyAroundIsThere: a measure is not published where of its own
// dataset only those stayed who link: what it is counted within would be a
// number that nobody knows, and the audit goes by what everybody knows.
func TestEverybodyAroundIsThere(t *testing.T) {
	p := &project{borough: &borough{t: t, dir: t.TempDir()}, guardians: map[string]note.Signer{}}
	p.publisher, p.custodian = newKeys(t)
	p.hub = p.newHub("hub")
	p.newLedger()
	p.people = drawnKnown(rand.New(rand.NewPCG(3, 7)), 300)
	want := p.wish("primary-care", "slam")
	want.Denominator = "slam"
	p.approve(want)
	p.link(p.people)
	if _, err := Publish(context.Background(), p.options()); kindOf(err) != "governance" || !strings.Contains(err.Error(), "denominator") {
		t.Errorf("%v", err)
	}
}
