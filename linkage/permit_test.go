package linkage

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"datanet/schemas"
)

func everyColumn(t testing.TB, name string) []Column {
	t.Helper()
	dataset, err := schemas.DatasetByID(name)
	if err != nil {
		t.Fatal(err)
	}
	var all []Column
	for _, table := range dataset.Tables {
		for _, column := range table.ColumnNames() {
			all = append(all, Column{table.Name, column})
		}
	}
	return all
}

var actions = []Action{ActionRelease, ActionLink, ActionPublish, ActionQuery}

// The zero Permit, which anybody can write down, allows nothing and says nothing.
func TestZeroPermit(t *testing.T) {
	for _, action := range append(actions, "") {
		for _, dataset := range []string{"", "slam"} {
			err := Permit{}.For(action, dataset)
			wantKind(t, err, "governance")
			var refusal *Refusal
			if !errors.As(err, &refusal) || refusal.Check() != CheckPermit || len(refusal.Hints()) == 0 {
				t.Fatalf("%v", err)
			}
		}
	}
	if p := (Permit{}); p.Approval() != nil || p.Hash() != [32]byte{} || len(p.Trust().Datasets()) != 0 {
		t.Fatal("the zero Permit says something")
	}
}

// A permit is for the one action and dataset that were asked about.
func TestPermitIsForOneThing(t *testing.T) {
	w := newWorld(t)
	a := w.approved("primary-care", "slam")
	for _, asked := range []Ask{{Action: ActionRelease, Dataset: "slam"}, {Action: ActionLink}, {Action: ActionPublish}, {Action: ActionQuery}} {
		asked.Approval, asked.Now = a.ID, w.now
		permit, err := Check(w.l, asked)
		if err != nil {
			t.Fatal(err)
		}
		if permit.Hash() != a.Hash() || permit.Trust().Dataset("slam").Guardian != vkeyOf("G2") {
			t.Fatal("a permit for another approval")
		}
		for _, action := range actions {
			for _, dataset := range []string{"", "primary-care", "slam", "maternity"} {
				got := permit.For(action, dataset) == nil
				if want := action == asked.Action && dataset == asked.Dataset; got != want {
					t.Errorf("asked for %s %s, used for %s %s: %v", asked.Action, asked.Dataset, action, dataset, got)
				}
			}
		}
		permit.Approval().Datasets[0].Dataset = "maternity"
		if permit.Approval().Datasets[0].Dataset != "primary-care" {
			t.Error("whoever holds a permit can widen it")
		}
	}
	if _, err := Check(w.l, Ask{Approval: a.ID, Action: ActionLink}); err == nil {
		t.Error("no time was given, and it was allowed")
	}
}

// A ledger that breaks its own rules allows nothing. That is damage, not a refusal: there is nobody who could do something else instead.
func TestCheckRefusesBrokenLedger(t *testing.T) {
	for what, c := range map[string]struct {
		forged func(w *world, a *Approval) Body
	}{
		"nobody's signature": {func(w *world, a *Approval) Body {
			return w.signature(a, "slam", "mallory")
		}},
		"a signature that does not hold": {func(w *world, a *Approval) Body {
			b := w.signature(a, "slam", "G2")
			i := strings.LastIndex(b.Note, " ") + 12
			b.Note = b.Note[:i] + "AAAA" + b.Note[i+4:]
			return b
		}},
		"a trust that replaces a key": {func(w *world, a *Approval) Body {
			return TrustRecord{Dataset: "slam", Guardian: vkeyOf("mallory")}
		}},
		"a request twice": {func(w *world, a *Approval) Body {
			b, _ := NewApproval(a)
			return b
		}},
		"a policy after a request": {func(w *world, a *Approval) Body {
			return PolicyRecord{"lattice", ledgerHash, []string{"primary-care", "slam"}}
		}},
	} {
		w := newWorld(t)
		a, err := w.draft(wish("primary-care", "slam"))
		if err != nil {
			t.Fatal(err)
		}
		other := w.approved("primary-care", "maternity")
		r := record(t, morning, c.forged(w, a))
		line, err := r.encode()
		if err != nil {
			t.Fatal(err)
		}
		if err := w.l.write(ledgerKey, morning, line); err != nil { // as whoever holds the ledger's key can
			t.Fatal(err)
		}
		l := reopened(t, w.dir)
		permit, err := Check(l, Ask{Approval: other.ID, Action: ActionLink, Now: morning})
		if permit.Approval() != nil {
			t.Errorf("%s: a permit came with the error", what)
		}
		_, draft := Draft(l, wish("slam"), morning)
		_, trust := TrustOf(l.Records())
		if r.Kind != KindTrust {
			trust = err // no rule of its own is broken
		}
		_, grown := l.Append(ledgerKey, morning, record(t, morning, w.signature(a, "primary-care", "G1")))
		for _, err := range []error{err, l.Verify(), draft, trust, grown} {
			var damage *IntegrityError
			if !errors.As(err, &damage) || !slices.Equal(damage.Hints(), []string{keepCopies}) || errors.As(err, new(*Refusal)) {
				t.Errorf("%s: %v", what, err)
			}
		}
	}
}

// A ledger from before approvals is read as before, and knows none.
func TestOldLedger(t *testing.T) {
	dir := founded(t, 3)
	l := reopened(t, dir)
	appended(t, l, record(t, morning, PolicyRecord{"lattice", ledgerHash, []string{"primary-care"}}))
	appended(t, l, record(t, morning, PublicationRecord{Publication: "2026-10-31", AsAt: "2026-10-31", Policy: "lattice",
		States: map[string]string{"primary-care": ledgerHash}, SHA256: ledgerHash}))
	if strings.Contains(string(read(t, dir, recordsFile)), "approval") {
		t.Fatal("the form of an old record has changed")
	}
	d, err := reopened(t, dir).Decisions()
	if err != nil || len(d.All()) != 0 || d.Of("2026-001") != nil {
		t.Fatal(d, err)
	}
	_, err = Check(l, Ask{Approval: "2026-001", Action: ActionLink, Now: morning})
	wantKind(t, err, "governance")
	_, err = Draft(l, wish("primary-care", "slam"), morning)
	wantKind(t, err, "governance") // nobody is its Guardian
}

// Two ways must agree: what Append lets in, a replay accepts; what a replay would accept at the clock's time, Append lets in. The acts are
// random; a failure prints the seed.
func TestAppendAndReplayAgree(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	pick := func(words ...string) string { return words[random.IntN(len(words))] }
	datasets := []string{"primary-care", "slam", "maternity", "primary-care,slam", "slam,maternity", "primary-care,slam,maternity"}
	verbs := func(id string) string {
		name := pick(datasets[:3]...)
		return pick(
			"draft "+pick(datasets...)+" until="+pick("2026-11-20", "2026-12-31"),
			"sign "+id+" "+name+" "+guardian(name), "sign "+id+" "+name+" "+guardian(name), "sign "+id+" "+name+" "+guardian(name),
			"sign "+id+" "+name+" "+pick("G1", "C1", "mallory"),
			"refuse "+id+" "+name+" "+guardian(name), "revoke "+id+" "+name+" "+guardian(name),
			"key "+id+" "+name+" "+custodian(name), "release "+id+" "+name, "link "+id+" "+pick(datasets[3:]...),
			"publish "+id+" "+pick(datasets...), "publish "+pick(datasets...))
	}
	admitted, refused := 0, 0
	for range 3 {
		w := newWorld(t)
		w.act("draft " + pick(datasets...))
		w.act("draft " + pick(datasets...))
		for range 60 {
			w.now = w.now.Add(time.Duration(random.IntN(20)) * time.Hour)
			line := verbs(fmt.Sprintf("2026-00%d", 1+random.IntN(3)))
			forged := ""
			if words, with := options(strings.Fields(line)); words[0] != "draft" {
				b, err := w.body(words, with)
				if err != nil {
					continue
				}
				forged = w.forge(b, nil)
			}
			got := w.act(line)
			if got == "ok" || strings.HasPrefix(got, "drafted") {
				admitted++
			} else {
				refused++
			}
			if forged != "" && (forged == "ok") != (got == "ok") {
				t.Fatalf("%s: Append says %q, a replay %q", line, got, forged)
			}
			if err := w.l.Verify(); err != nil {
				t.Fatalf("after %s: %v", line, err)
			}
		}
	}
	t.Logf("%d admitted, %d refused", admitted, refused)
	if admitted < 8 || refused < 8 {
		t.Errorf("%d admitted, %d refused: too few to prove anything", admitted, refused)
	}
}

// Two who draft at once get one id each: the second is told to draft again.
func TestTwoDraftsAtOnce(t *testing.T) {
	w := newWorld(t)
	first, err1 := Draft(w.l, wish("slam"), w.now)
	second, err2 := Draft(w.l, wish("maternity"), w.now)
	if err1 != nil || err2 != nil || first.ID != second.ID {
		t.Fatal(err1, err2)
	}
	for n, a := range []*Approval{first, second} {
		b, err := NewApproval(a)
		if err != nil {
			t.Fatal(err)
		}
		err = w.append(b)
		var refusal *Refusal
		if n == 0 && err != nil || n == 1 && (!errors.As(err, &refusal) || refusal.Check() != CheckRepeated) {
			t.Fatal(n, err)
		}
	}
	if a, err := w.draft(wish("maternity")); err != nil || a.ID != "2026-002" {
		t.Fatal(a, err)
	}
}

// What this version's vocabulary does not know can neither be appended nor used, but a ledger that holds it stays readable.
func TestUnknownColumnsStayReadable(t *testing.T) {
	w := newWorld(t)
	a, err := Draft(w.l, wish("slam"), w.now)
	if err != nil {
		t.Fatal(err)
	}
	a.Datasets[0].Columns = append(a.Datasets[0].Columns, Column{"diagnoses", "shoe_size"})
	b, err := NewApproval(a)
	if err != nil {
		t.Fatal(err)
	}
	wantKind(t, w.append(b), "use")
	for _, r := range []Record{record(t, morning, b), record(t, morning, w.signature(a, "slam", "G2"))} {
		line, err := r.encode()
		if err != nil {
			t.Fatal(err)
		}
		if err := w.l.write(ledgerKey, morning, line); err != nil { // as a version did that knows the column
			t.Fatal(err)
		}
	}
	l := reopened(t, w.dir)
	if err := l.Verify(); err != nil {
		t.Fatal(err)
	}
	_, err = Check(l, Ask{Approval: a.ID, Action: ActionRelease, Dataset: "slam", Now: morning})
	var refusal *Refusal
	if !errors.As(err, &refusal) || refusal.Check() != CheckForm {
		t.Fatal(err)
	}
	if !strings.Contains(a.Plain(nil, morning), "shoe_size: this version does not know the column") {
		t.Error("it is not shown to the Guardian")
	}
}

func TestRecordsTravel(t *testing.T) {
	w := newWorld(t)
	a := w.approved("primary-care", "slam")
	for _, r := range w.l.Records() {
		line, err := r.Line()
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseRecord(line)
		if err != nil || again.Kind != r.Kind || !again.Time.Equal(r.Time) || !slices.Equal(again.Body, r.Body) {
			t.Fatal(again, err)
		}
	}
	_, err := ParseRecord([]byte(`{"kind":"signature"}`))
	wantKind(t, err, "integrity")
	d, err := w.l.Decisions()
	if err != nil {
		t.Fatal(err)
	}
	of := d.Of(a.ID)
	if got := of.Signatures["slam"]; got.Guardian != vkeyOf("G2") || got.Record != 7 || !got.Time.Equal(morning) || len(of.Missing()) != 0 {
		t.Fatalf("%+v", got)
	}
}

func BenchmarkDecisions10000(b *testing.B) {
	w := newWorld(b)
	w.approved("primary-care", "slam")
	records := w.l.Records()
	load := record(b, morning, LoadRecord{Dataset: "primary-care", Site: "Z99001", Sequence: 1, AsAt: "2026-10-31", Manifest: ledgerHash, Persons: 120, State: ledgerHash})
	for len(records) < 10000 {
		records = append(records, load)
	}
	for b.Loop() {
		if _, err := DecisionsOf(records); err != nil {
			b.Fatal(err)
		}
	}
}
