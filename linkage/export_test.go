package linkage

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
)

// An exported ledger says all that the folder's says, and cannot be written to.
func TestExport(t *testing.T) {
	w := newWorld(t)
	a := w.approved("primary-care", "slam")
	var out bytes.Buffer
	if err := w.l.Export(&out); err != nil {
		t.Fatal(err)
	}
	raw := out.Bytes()
	l, err := OpenExport(raw)
	if err != nil {
		t.Fatal(err)
	}
	for i := range raw { // the Ledger keeps nothing of what it was given
		raw[i] = 0
	}
	if l.Key() != ledgerVKey || l.Head() != w.l.Head() || !bytes.Equal(l.SignedHead(), w.l.SignedHead()) || !reflect.DeepEqual(l.Records(), w.l.Records()) {
		t.Fatalf("another ledger came back: %+v", l.Head())
	}
	if err := l.Verify(); err != nil {
		t.Fatal(err)
	}
	if _, err := Check(l, Ask{Approval: a.ID, Action: ActionLink, Now: morning}); err != nil {
		t.Fatal(err)
	}
	p, err := l.Prove(4)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Check(lineOf(t, l, 4), w.l.Key()); err != nil {
		t.Fatal(err)
	}
	before := l.Bytes()
	if _, err := l.Append(ledgerKey, morning, loadRecord(t, 1)); err == nil {
		t.Error("a record was appended to an export")
	}
	if l.Recover(ledgerKey, morning) == nil || l.Resign(ledgerKey, morning, true) == nil {
		t.Error("an export was written to")
	}
	if !bytes.Equal(before, l.Bytes()) || !bytes.Equal(before, w.l.Bytes()) {
		t.Error("an export has changed")
	}
}

func TestMangledExportIsRefused(t *testing.T) {
	whole := reopened(t, founded(t, 2)).Bytes()
	mangle(t, whole, 8000, func(raw []byte) error {
		l, err := OpenExport(raw)
		if err != nil && l != nil {
			t.Error("a ledger came with the error")
		}
		return err
	})
}

// Whoever makes another history must sign it with another key, which is then the one it says, or have this key, and then a remembered
// head tells.
func TestExportOfAnotherHistory(t *testing.T) {
	l := reopened(t, founded(t, 2))
	mallory, vkey := key("ledger", "mallory")
	dir := t.TempDir()
	if err := Create(dir, Origin(testHub), mallory, morning); err != nil {
		t.Fatal(err)
	}
	other, err := Open(dir, vkey)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Append(mallory, morning, record(t, morning, HubRecord{Hub: testHub, Name: "n", Ledger: vkey, Publisher: publisherVKey})); err != nil {
		t.Fatal(err)
	}
	made, err := OpenExport(other.Bytes())
	if err != nil || made.Key() != vkey || made.Key() == l.Key() {
		t.Fatalf("%v, %v", made, err)
	}
	// Its records under the true key, and the true records under its key.
	for _, pair := range [][2]*Ledger{{l, other}, {other, l}} {
		_, records, _ := cutExport(pair[0].Bytes())
		_, err := OpenExport(append([]byte(exportDomain+"\n"+string(pair[1].SignedHead())), records...))
		wantKind(t, err, "integrity")
	}
	shorter, err := OpenExport(reopened(t, founded(t, 1)).Bytes())
	if err != nil {
		t.Fatal(err)
	}
	wantKind(t, shorter.CheckExtends(l.Head()), "integrity")
}

func TestExportForm(t *testing.T) {
	l := reopened(t, founded(t, 1))
	whole := string(l.Bytes())
	if !strings.HasPrefix(whole, "datanet/v1/export\n"+string(l.SignedHead())+`{"kind":"hub",`) || !strings.HasSuffix(whole, "}}\n") {
		t.Fatalf("written as\n%s", whole)
	}
	dir := t.TempDir()
	if err := Create(dir, Origin(testHub), ledgerKey, morning); err != nil {
		t.Fatal(err)
	}
	text, _ := openNote(l.SignedHead(), l.verifier)
	other, _ := key("other", "other")
	both, err := note.Sign(&note.Note{Text: text}, ledgerKey, other)
	if err != nil {
		t.Fatal(err)
	}
	_, records, _ := cutExport(l.Bytes())
	for what, raw := range map[string][]byte{
		"nothing":        {},
		"no record":      reopened(t, dir).Bytes(),
		"a record more":  append(l.Bytes(), append(lineOf(t, l, 1), '\n')...),
		"two signatures": append([]byte(exportDomain+"\n"+string(both)), records...),
		"too large":      make([]byte, maxRecords+2*maxHead), // of which nothing is looked at
	} {
		_, err := OpenExport(raw)
		wantKind(t, err, "integrity")
		if err == nil {
			t.Errorf("%s: accepted", what)
		}
	}
}

func FuzzExport(f *testing.F) {
	w := newWorld(f)
	w.approved("primary-care", "slam")
	for _, l := range []*Ledger{w.l, reopened(f, founded(f, 0)), reopened(f, founded(f, 3))} {
		if _, err := OpenExport(l.Bytes()); err != nil {
			f.Fatal("the seed is not an export")
		}
		f.Add(l.Bytes())
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		l, err := OpenExport(raw)
		if (err == nil) != (l != nil) {
			t.Fatal("a ledger came with an error, or nothing without one")
		}
		if err == nil && !bytes.Equal(l.Bytes(), raw) {
			t.Fatalf("accepted a second spelling %q", raw)
		}
	})
}
