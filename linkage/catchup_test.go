package linkage

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// Several Ledgers of one folder write in turn, and writers crash. Each has read only what the others added; after every step it is what
// a Ledger is that has read everything.
func TestCatchingUpAndReadingAllAgree(t *testing.T) {
	for range 8 {
		seed := rand.Uint64()
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 0))
			w := newWorld(t)
			writers := []*Ledger{w.l, reopened(t, w.dir), reopened(t, w.dir)}
			requests, deputies := 0, 0
			acts := func(line string, with ...any) { w.catchUp(); w.act(fmt.Sprintf(line, with...)) } // what is refused is no matter here
			for range 80 {
				w.l = writers[r.IntN(len(writers))]
				w.now = w.now.Add(time.Duration(r.IntN(90)) * time.Minute)
				switch r.IntN(11) {
				case 0, 1:
					appended(t, w.l, loadRecord(t, 1))
				case 2:
					w.catchUp()
					if requests++; requests < 20 {
						w.approved("primary-care", "slam")
					}
				case 3:
					if err := w.l.Resign(ledgerKey, w.now, false); err != nil {
						t.Fatal(err)
					}
				case 4:
					crash(t, w, r)
					if err := w.l.Recover(ledgerKey, w.now); err != nil {
						t.Fatal(err)
					}
				case 5:
					w.catchUp()
				case 6:
					deputies++
					acts("trust slam deputy=D%d:2026-12-31 by=G2", deputies)
				case 7:
					acts("trust slam no-deputy=D%d by=G2", max(1, r.IntN(deputies+1)))
				case 8:
					acts("draft primary-care,slam supersedes=2026-%03d", r.IntN(requests+1)+1)
				case 9:
					acts("sign 2026-%03d slam %s", r.IntN(requests+1)+1, []string{"G2", "D1", "D2"}[r.IntN(3)])
				case 10:
					acts("revoke 2026-%03d slam G2 Enough", r.IntN(requests+1)+1)
				}
				w.agrees()
			}
		})
	}
}

// catchUp does what a writer does first.
func (w *world) catchUp() {
	w.t.Helper()
	if err := w.l.Recover(ledgerKey, w.now); err != nil {
		w.t.Fatal(err)
	}
}

// agrees: what this Ledger holds is what is read afresh, and so are its decisions.
func (w *world) agrees() {
	w.t.Helper()
	fresh := reopened(w.t, w.dir)
	if fresh.head != w.l.head || !bytes.Equal(fresh.signed, w.l.signed) || fresh.length != w.l.length || len(fresh.tail)+len(w.l.tail) > 0 ||
		!reflect.DeepEqual(fresh.records, w.l.records) || !reflect.DeepEqual(fresh.tree, w.l.tree) {
		w.t.Fatalf("read in two ways: %+v, %+v", fresh.head, w.l.head)
	}
	grown, err := w.l.Decisions()
	if err != nil {
		w.t.Fatal(err)
	}
	plain, err := DecisionsOf(fresh.records)
	if err != nil || !reflect.DeepEqual(grown, plain) {
		w.t.Fatalf("the decisions differ: %v", err)
	}
}

// crash has another writer announce a record and stop somewhere in the middle of writing it.
func crash(t testing.TB, w *world, r *rand.Rand) {
	t.Helper()
	l := reopened(t, w.dir)
	line, err := record(t, w.now, DeniedRecord{"2026-001", ActionLink, "", CheckSignatures}).encode()
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signNote(announcement(l.head.Origin, l.head.Size, leaf(line)), ledgerKey, l.verifier)
	if err != nil {
		t.Fatal(err)
	}
	write(t, w.dir, nextFile, signed)
	whole := append(line, '\n')
	write(t, w.dir, recordsFile, append(read(t, w.dir, recordsFile), whole[:r.IntN(len(whole)+1)]...))
}

// What was read is not read again: a byte changed behind the writer's back is not noticed by its next Append, whose head is of the
// records as they were. So the next reader notices.
func TestChangeBehindAWriterIsFoundByReaders(t *testing.T) {
	dir := founded(t, 3)
	l := reopened(t, dir)
	raw := read(t, dir, recordsFile)
	changed := bytes.Replace(raw, []byte("Lambeth"), []byte("lambeth"), 1)
	write(t, dir, recordsFile, changed)
	appended(t, l, loadRecord(t, 4))
	_, err := Open(dir, ledgerVKey)
	wantKind(t, err, "integrity")
	wantKind(t, l.Verify(), "integrity")
	write(t, dir, recordsFile, append(bytes.Clone(raw), read(t, dir, recordsFile)[len(raw):]...))
	if got := reopened(t, dir).Head().Size; got != 5 {
		t.Fatalf("size %d", got)
	}
}

// A writer whose folder has lost or changed what it has read writes nothing.
func TestWriterRefusesAChangedFolder(t *testing.T) {
	other := founded(t, 0)
	forked := reopened(t, other)
	for n := range 5 {
		appended(t, forked, loadRecord(t, int64(100+n)))
	}
	for what, change := range map[string]func(dir string, raw []byte){
		"shortened by a record": func(dir string, raw []byte) {
			write(t, dir, recordsFile, raw[:bytes.LastIndexByte(raw[:len(raw)-1], '\n')+1])
		},
		"shortened by a byte": func(dir string, raw []byte) { write(t, dir, recordsFile, raw[:len(raw)-1]) },
		"emptied":             func(dir string, _ []byte) { write(t, dir, recordsFile, nil) },
		"records removed":     func(dir string, _ []byte) { os.Remove(filepath.Join(dir, recordsFile)) },
		"head removed":        func(dir string, _ []byte) { os.Remove(filepath.Join(dir, headFile)) },
		"two lines more":      func(dir string, raw []byte) { write(t, dir, recordsFile, append(bytes.Clone(raw), "{}\n{}\n"...)) },
		"an older head": func(dir string, _ []byte) {
			older := reopened(t, founded(t, 1))
			write(t, dir, headFile, older.SignedHead())
		},
		"another history": func(dir string, _ []byte) {
			for _, name := range []string{recordsFile, headFile} {
				write(t, dir, name, read(t, other, name))
			}
		},
	} {
		t.Run(what, func(t *testing.T) {
			dir := founded(t, 3)
			l := reopened(t, dir)
			change(dir, read(t, dir, recordsFile))
			before, _ := os.ReadFile(filepath.Join(dir, recordsFile))
			_, err := l.Append(ledgerKey, morning, loadRecord(t, 4))
			wantKind(t, err, "integrity")
			wantKind(t, l.Resign(ledgerKey, morning, true), "integrity")
			if after, _ := os.ReadFile(filepath.Join(dir, recordsFile)); !bytes.Equal(before, after) {
				t.Error("something was written")
			}
		})
	}
}

// Decisions that somebody holds stay as they were, whatever is recorded afterwards.
func TestDecisionsStayAsTheyWere(t *testing.T) {
	w := newWorld(t)
	a := w.approved("primary-care", "slam")
	held, err := w.l.Decisions()
	if err != nil {
		t.Fatal(err)
	}
	size := len(w.l.records)
	signer, _ := key("G2", "G2")
	revoked, err := NewRevocation(a, "slam", "The study is over.", signer)
	if err != nil {
		t.Fatal(err)
	}
	made, err := NewProjectKey(a, "slam", "0123456789abcdef", sealedTo(a.Names()...), signerOf("C2"))
	if err != nil {
		t.Fatal(err)
	}
	_, stranger := key("site", "site")
	for _, b := range []Body{made, ReleaseRecord{a.ID, a.SHA256(), "slam", "2026-10-31", stateHash(nil), releaseHash(nil), 120},
		TrustRecord{Dataset: "slam", Sites: map[string]string{"Z99001": stranger}}, revoked} {
		if err := w.append(b); err != nil {
			t.Fatal(err)
		}
	}
	w.approved("primary-care", "maternity")
	if _, err := w.l.Decisions(); err != nil {
		t.Fatal(err)
	}
	plain, err := DecisionsOf(w.l.records[:size])
	if err != nil || !reflect.DeepEqual(held.list, plain.list) || !reflect.DeepEqual(held.trust, plain.trust) || held.size != plain.size {
		t.Fatalf("what was held has changed: %v", err)
	}
	// And whoever changes what they hold changes nothing that Append goes by.
	got := held.Of(a.ID)
	got.Approval.Pairs[0].A, got.Signatures["maternity"] = "maternity", Answer{}
	w.agrees()
}

// Every map of a decision, those of later versions too, is copied for whoever holds it.
func TestSnapshotSharesNoMap(t *testing.T) {
	d := &Decision{Approval: &Approval{}}
	for v, i := reflect.ValueOf(d).Elem(), 0; i < v.NumField(); i++ {
		if f := v.Field(i); f.Kind() == reflect.Map {
			f.Set(reflect.MakeMap(f.Type()))
		}
	}
	all := noDecisions()
	all.list = []*Decision{d}
	c := all.snapshot()
	for _, pair := range [][2]any{{*all, *c}, {*d, *c.list[0]}, {all.trust, c.trust}} {
		from, to := reflect.ValueOf(pair[0]), reflect.ValueOf(pair[1])
		for i := range from.NumField() {
			name := from.Type().Field(i).Name
			if k := from.Field(i).Kind(); k == reflect.Map && from.Field(i).Pointer() == to.Field(i).Pointer() {
				t.Errorf("%s is shared", name)
			}
		}
	}
}

func signerOf(name string) note.Signer {
	signer, _ := key(name, name)
	return signer
}

func TestResign(t *testing.T) {
	dir := founded(t, 2)
	l := reopened(t, dir)
	before, records := l.Head(), read(t, dir, recordsFile)
	for _, c := range []struct{ clock, want time.Time }{
		{morning.Add(48*time.Hour + time.Nanosecond), morning.Add(48 * time.Hour)},
		{morning, morning.Add(48 * time.Hour)}, // a clock set back
		{morning.Add(72 * time.Hour), morning.Add(72 * time.Hour)},
	} {
		if err := l.Resign(ledgerKey, c.clock, false); err != nil {
			t.Fatal(err)
		}
		after := reopened(t, dir)
		if got := after.Head(); !got.Time.Equal(c.want) || got.Size != before.Size || got.Root != before.Root || got != l.Head() {
			t.Fatalf("head %+v, want time %v", got, c.want)
		}
		if err := after.CheckExtends(before); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(records, read(t, dir, recordsFile)) {
		t.Fatal("the records have changed")
	}
	if index := appended(t, l, loadRecord(t, 3)); index != 3 {
		t.Fatalf("index %d", index)
	}
	signed := read(t, dir, headFile)
	another, _ := key("ledger", "another")
	wantKind(t, l.Resign(another, morning.Add(96*time.Hour), true), "key")
	if !bytes.Equal(signed, read(t, dir, headFile)) {
		t.Fatal("another key has signed")
	}
}

// A clock years ahead gets into no head unless the operator accepts it.
func TestAbsurdClock(t *testing.T) {
	dir := founded(t, 1)
	l := reopened(t, dir)
	limit := morning.Add(400 * 24 * time.Hour)
	for _, late := range []time.Time{limit.Add(time.Second), time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)} {
		before := [2][]byte{read(t, dir, headFile), read(t, dir, recordsFile)}
		_, err := l.Append(ledgerKey, late, loadRecord(t, 2))
		for _, err := range []error{err, l.Recover(ledgerKey, late), l.Resign(ledgerKey, late, false)} {
			var refusal *Refusal
			if !errors.As(err, &refusal) || refusal.Check() != CheckClock || len(refusal.Hints()) == 0 {
				t.Fatalf("%v: %v", late, err)
			}
		}
		if after := [2][]byte{read(t, dir, headFile), read(t, dir, recordsFile)}; !reflect.DeepEqual(before, after) {
			t.Fatal("something was written")
		}
	}
	if _, err := l.Append(ledgerKey, limit, loadRecord(t, 2)); err != nil {
		t.Fatal(err)
	}
	rested := limit.Add(3 * 365 * 24 * time.Hour)
	if err := l.Resign(ledgerKey, rested, true); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Append(ledgerKey, rested, loadRecord(t, 3)); err != nil {
		t.Fatal(err)
	}
	if got := reopened(t, dir).Head(); !got.Time.Equal(rested) || got.Size != 4 {
		t.Fatalf("%+v", got)
	}
}
