package linkage

import (
	"bytes"
	"testing"
	"time"
)

// carried is a world's request in a file.
func carried(t *testing.T, w *world, id string) []byte {
	t.Helper()
	raw, err := CarryRequest(w.l, id)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestRequestTravels(t *testing.T) {
	w := newWorld(t)
	a := w.approved("primary-care", "slam")
	id, l, err := OpenRequest(carried(t, w, a.ID))
	if err != nil {
		t.Fatal(err)
	}
	if id != a.ID || l.Hub() != testHub || l.Key() != ledgerVKey || !bytes.Equal(l.SignedHead(), w.l.SignedHead()) || len(l.Records()) != len(w.l.Records()) {
		t.Error("it is not the ledger that went")
	}
	if err := w.l.CheckExtends(l.Head()); err != nil {
		t.Error(err)
	}
	if _, err := CarryRequest(w.l, "2026-999"); err == nil {
		t.Error("a request that nobody made travels")
	}
	r, err := NewRecord(w.now, w.signature(a, "slam", "G2"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Append(ledgerKey, w.now, r); err == nil {
		t.Error("a ledger that came as a file was written to")
	}
}

// Check goes by a file for FreshDays, and by the hub's own folder for as long as it likes.
func TestFreshness(t *testing.T) {
	w := newWorld(t)
	a := w.approved("primary-care", "slam")
	_, l, err := OpenRequest(carried(t, w, a.ID))
	if err != nil {
		t.Fatal(err)
	}
	last := w.l.Head().Time.AddDate(0, 0, FreshDays)
	for at, fresh := range map[time.Time]bool{morning: true, last: true, last.Add(time.Second): false} {
		ask := Ask{Approval: a.ID, Action: ActionLink, Now: at}
		if _, err := Check(w.l, ask); err != nil {
			t.Errorf("at the hub, %s: %v", at, err)
		}
		switch permit, err := Check(l, ask); {
		case fresh && err != nil:
			t.Errorf("a file, %s: %v", at, err)
		case !fresh:
			wantKind(t, err, "governance")
			if said(err)[:len("refused (stale)")] != "refused (stale)" || permit.Approval() != nil {
				t.Errorf("%s: %s", at, said(err))
			}
		}
	}
}

// Of a request in a file no byte can be changed, added or taken away, but for the number of the request among those that its ledger holds.
func TestRequestMangled(t *testing.T) {
	w := newWorld(t)
	w.approved("slam")
	raw := carried(t, w, w.approved("slam").ID)
	for i := range raw {
		if id, l, err := OpenRequest(raw[:i]); err == nil || l != nil || id != "" {
			t.Fatalf("cut to %d of %d bytes it opens", i, len(raw))
		}
		for _, flip := range []byte{1, 0x20, 0x80} {
			changed := bytes.Clone(raw)
			changed[i] ^= flip
			id, l, err := OpenRequest(changed)
			if err == nil && (id != "2026-001" || !bytes.Equal(changed[bytes.Index(changed, []byte(exportDomain)):], raw[bytes.Index(raw, []byte(exportDomain)):])) {
				t.Fatalf("with byte %d changed it opens", i)
			}
			if err != nil && (l != nil || id != "") {
				t.Fatalf("byte %d: something came with the error", i)
			}
		}
	}
	for _, more := range []string{"\n", "x", string(raw)} {
		if _, _, err := OpenRequest(append(bytes.Clone(raw), more...)); err == nil {
			t.Errorf("with more behind it it opens")
		}
	}
}

// Of an answer in a file only its time can be changed, which nobody signs and the rules bound, and the hub for which it is.
func TestAnswerMangled(t *testing.T) {
	w := newWorld(t)
	a, err := w.draft(wish("slam"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := NewRecord(w.now, w.signature(a, "slam", "G2"))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := CarryAnswer(testHub, r)
	if err != nil {
		t.Fatal(err)
	}
	d, err := w.l.Decisions()
	if err != nil {
		t.Fatal(err)
	}
	admitted := func(raw []byte) (Record, bool) {
		hub, r, err := OpenAnswer(raw)
		return r, err == nil && hub == testHub && d.Allows(r, w.now) == nil
	}
	if _, ok := admitted(raw); !ok {
		t.Fatal("the answer itself is refused")
	}
	for i := range raw {
		if _, _, err := OpenAnswer(raw[:i]); err == nil {
			t.Fatalf("cut to %d of %d bytes it opens", i, len(raw))
		}
		for _, flip := range []byte{1, 2, 0x20, 0x80} {
			changed := bytes.Clone(raw)
			changed[i] ^= flip
			if got, ok := admitted(changed); ok && (got.Kind != r.Kind || !bytes.Equal(got.Body, r.Body)) {
				t.Fatalf("with byte %d changed it is admitted", i)
			}
		}
	}
	if _, err := CarryAnswer(testHub, record(t, morning, hubBody())); err == nil {
		t.Error("another record than a decision travels as an answer")
	}
}

func TestFolder(t *testing.T) {
	w := newWorld(t)
	w.approved("slam")
	l, err := OpenFolder(w.dir)
	if err != nil || l.Key() != ledgerVKey || l.Head().Size != w.l.Head().Size {
		t.Fatalf("%v", err)
	}
	if _, err := OpenFolder(t.TempDir()); err == nil {
		t.Error("an empty folder is a ledger")
	}
}
