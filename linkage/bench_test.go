package linkage

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// manyRecords is the size of ledger that the benchmarks and the figures in the documents are of.
const manyRecords = 10_000

// BenchmarkLedger measures a ledger of 10,000 records: mostly loads and refusals on record, and in mixed 400 requests signed by two
// Guardians each.
func BenchmarkLedger(b *testing.B) {
	for _, requests := range []int{0, 400} {
		dir := many(b, requests)
		name := map[bool]string{true: "mixed", false: "loads"}[requests > 0]
		b.Run("Open/"+name, func(b *testing.B) {
			for b.Loop() {
				reopened(b, dir)
			}
		})
		b.Run("Verify/"+name, func(b *testing.B) {
			l := reopened(b, dir)
			for b.Loop() {
				if err := l.Verify(); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("OpenAndDecisions/"+name, func(b *testing.B) {
			for b.Loop() {
				if _, err := reopened(b, dir).Decisions(); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("AppendLoad/"+name, func(b *testing.B) {
			l, r := reopened(b, dir), loadRecord(b, 1)
			for b.Loop() {
				appended(b, l, r)
			}
		})
		b.Run("AppendRemoval/"+name, func(b *testing.B) { // a record that rules are about
			w := &world{t: b, dir: dir, l: reopened(b, dir), now: morning}
			a := w.approved("primary-care", "slam")
			for b.Loop() {
				if err := w.append(RemovalRecord{a.ID, a.SHA256(), "linked", "", "revoked"}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// many is the folder of a ledger of 10,000 records, written at once: the bench is not of writing them one by one.
func many(t testing.TB, requests int) (dir string) {
	t.Helper()
	w := newWorld(t)
	records := w.l.Records()
	drafted, err := Draft(w.l, wish("primary-care", "slam"), morning)
	if err != nil {
		t.Fatal(err)
	}
	for n := range requests {
		records = append(records, w.request(drafted, n)...)
	}
	for n := len(records); n < manyRecords; n++ {
		r := record(t, morning, DeniedRecord{"2026-001", ActionLink, "", CheckSignatures})
		if n%5 > 0 {
			r = loadRecord(t, int64(n))
			r.Time = morning
		}
		records = append(records, r)
	}
	w.rewrite(records)
	return w.dir
}

// request is a drafted request under another id with both signatures, and for one in four what ended it.
func (w *world) request(drafted *Approval, n int) (records []Record) {
	a := drafted.clone()
	a.ID = fmt.Sprintf("2026-%03d", n+1)
	b, err := NewApproval(a)
	if err != nil {
		w.t.Fatal(err)
	}
	bodies := []Body{b, w.signature(a, "primary-care", "G1"), w.signature(a, "slam", "G2")}
	if n%4 == 0 {
		signer, _ := key("G2", "G2")
		ended, err := NewRevocation(a, "slam", "The study is over.", signer)
		if err != nil {
			w.t.Fatal(err)
		}
		bodies = append(bodies, ended)
	}
	for _, body := range bodies {
		records = append(records, record(w.t, morning, body))
	}
	return records
}

// rewrite puts records and a head in the place of the ledger's.
func (w *world) rewrite(records []Record) {
	w.t.Helper()
	var lines [][]byte
	var whole strings.Builder
	for _, r := range records {
		line, err := r.encode()
		if err != nil {
			w.t.Fatal(err)
		}
		lines = append(lines, line)
		whole.Write(line)
		whole.WriteByte('\n')
	}
	grown, err := plant(lines)
	if err != nil {
		w.t.Fatal(err)
	}
	size := int64(len(lines))
	root, err := grown.root(size)
	if err != nil {
		w.t.Fatal(err)
	}
	signed, err := signNote(Head{Origin: w.l.Origin(), Size: size, Root: root, Time: morning}.text(), ledgerKey, w.l.verifier)
	if err != nil {
		w.t.Fatal(err)
	}
	write(w.t, w.dir, recordsFile, []byte(whole.String()))
	write(w.t, w.dir, headFile, signed)
	w.l = reopened(w.t, filepath.Clean(w.dir))
}
