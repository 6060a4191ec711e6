package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"datanet/linkage"
	"datanet/pipeline/hub"
	"datanet/pseudonym"
	"datanet/schemas"
)

// widened is the text of the request with a column more.
func (w *attacker) widened() string {
	a := w.decision().Approval
	more := w.unasked("slam")
	for i, scope := range a.Datasets {
		if scope.Dataset == "slam" {
			beside := slices.IndexFunc(scope.Columns, func(c linkage.Column) bool { return c.Table == more.Table })
			a.Datasets[i].Columns = slices.Insert(scope.Columns, beside+1, more)
		}
	}
	text := a.Text()
	if _, err := linkage.ParseApproval(text); err != nil {
		w.Fatal(err) // it must be a good request, that nobody signed
	}
	return text
}

// unasked is a column that the request does not name.
func (w *attacker) unasked(dataset string) linkage.Column {
	d, err := schemas.DatasetByID(dataset)
	w.must(err)
	for _, t := range d.Tables {
		asked := w.decision().Approval.Columns(dataset, t.Name)
		for _, column := range t.ColumnNames() {
			if len(asked) > 0 && !slices.Contains(asked, column) {
				return linkage.Column{Table: t.Name, Name: column}
			}
		}
	}
	w.Fatal("everything is asked for")
	return linkage.Column{}
}

// spelt is a text as a record spells it.
func spelt(text string) string {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(text); err != nil {
		panic(err)
	}
	return strings.TrimSuffix(out.String(), "\n")
}

func replaced(lines []string, old, fresh string) []string {
	return strings.Split(strings.ReplaceAll(strings.Join(lines, "\n"), old, fresh), "\n")
}

// rewrites changes the record of decisions as whoever holds the ledger's key can, with other software: any lines, and a head that is signed
// for them. Nobody has seen another head.
func (w *attacker) rewrites(change func(lines []string) []string) {
	w.Helper()
	old := strings.Split(strings.TrimSuffix(w.ledger(), "\n"), "\n")
	lines := change(slices.Clone(old))
	if slices.Equal(lines, old) {
		w.Fatal("nothing was rewritten")
	}
	w.forgets()
	w.signsLedger(lines, w.now())
}

// usurps makes the attacker the Guardian of datasets, and has a request of their own signed.
func (w *attacker) usurps(datasets ...string) {
	w.Helper()
	for _, dataset := range datasets {
		w.says("hub", "trust", "--dataset", dataset, "--guardian", w.public(w.newKey(dataset, "mine-"+dataset)))
	}
	w.id = w.drafts("slam", "2026-11-01", "2026-12-10")
	for _, dataset := range datasets {
		w.says("approval", "sign", w.id, "--guardian", w.file("mine-"+dataset+".key"))
	}
}

// appends adds a record that any hub's operator could add.
func (w *attacker) appends(b linkage.Body) {
	w.Helper()
	key, err := pseudonym.Read[*pseudonym.LedgerKey](w.file("hub.keys/ledger.key"), pseudonym.Unlock{})
	w.must(err)
	l, err := linkage.OpenFolder(w.in("ledger"))
	w.must(err)
	w.must(appendRecord(l, key, w.now(), b))
}

func (w *attacker) adds(b linkage.Body) { w.addsAt(w.now(), b) }

func (w *attacker) addsAt(at time.Time, b linkage.Body) {
	w.Helper()
	record, err := linkage.NewRecord(at.UTC(), b)
	w.must(err)
	line, err := record.Line()
	w.must(err)
	w.rewrites(func(lines []string) []string { return append(lines, string(line)) })
}

// heads signs a new head for what is there.
func (w *attacker) heads(at time.Time) {
	w.Helper()
	w.signsLedger(strings.Split(strings.TrimSuffix(w.ledger(), "\n"), "\n"), at)
}

func (w *attacker) signsLedger(lines []string, at time.Time) {
	w.Helper()
	var hashes []tlog.Hash
	stored := tlog.HashReaderFunc(func(indexes []int64) (found []tlog.Hash, err error) {
		for _, i := range indexes {
			found = append(found, hashes[i])
		}
		return found, nil
	})
	for n, line := range lines {
		more, err := tlog.StoredHashes(int64(n), []byte(line), stored)
		w.must(err)
		hashes = append(hashes, more...)
	}
	root, err := tlog.TreeHash(int64(len(lines)), stored)
	w.must(err)
	origin, _, _ := strings.Cut(string(w.reads(w.in("ledger", "head"))), "\n")
	text := fmt.Sprintf("%s\n%d\n%s\ntime %s\n", origin, len(lines), root, at.UTC().Format("2006-01-02T15:04:05Z"))
	key, err := pseudonym.Read[*pseudonym.LedgerKey](w.file("hub.keys/ledger.key"), pseudonym.Unlock{})
	w.must(err)
	head, err := key.Signer.SignNote(text)
	w.must(err)
	w.writes(w.in("ledger", "records"), []byte(strings.Join(lines, "\n")+"\n"))
	w.writes(w.in("ledger", "head"), head)
}

// keepsLedger is the ledger as it is, to be put back.
func (w *attacker) keepsLedger() map[string][]byte {
	w.Helper()
	return map[string][]byte{"records": w.reads(w.in("ledger", "records")), "head": w.reads(w.in("ledger", "head"))}
}

func (w *attacker) restores(kept map[string][]byte) {
	w.Helper()
	for name, raw := range kept {
		w.writes(w.in("ledger", name), raw)
	}
}

// flips changes the byte that lies some way before a mark, at its last place in the file.
func (w *attacker) flips(path, mark string, before int) {
	w.Helper()
	raw := w.reads(path)
	raw[bytes.LastIndex(raw, []byte(mark))-before] ^= 1
	w.writes(path, raw)
}

// widens puts in the place of a release one that holds a column more, honestly made under another request and then described as this one's, and
// signed, by the dataset's custodian.
func (w *attacker) widens(dataset string) {
	w.Helper()
	a, err := linkage.ParseApproval(w.widened())
	w.must(err)
	var columns strings.Builder
	for _, scope := range a.Datasets {
		for _, c := range scope.Columns {
			fmt.Fprintln(&columns, scope.Dataset, c.Table, c.Name)
		}
	}
	w.must(os.WriteFile(w.file("columns"), []byte(columns.String()), 0o600))
	w.second(dataset, "--columns", w.file("columns"))
	w.releases(w.other, "primary-care", dataset)
	narrow, err := schemas.DecodeRelease(w.reads(w.released(dataset, hub.ReleaseFile)))
	w.must(err)
	w.must(os.RemoveAll(w.released(dataset)))
	w.must(os.Rename(w.otherReleased(dataset), w.released(dataset)))
	wide, err := schemas.DecodeRelease(w.reads(w.released(dataset, hub.ReleaseFile)))
	w.must(err)
	wide.Approval, wide.ApprovalSHA256, wide.ProjectCheck = narrow.Approval, narrow.ApprovalSHA256, narrow.ProjectCheck
	signed, err := opened[*pseudonym.CustodianKey](w, w.key(dataset, "custodian")).Signer.SignNote(schemas.Statement("release", schemas.Digest(wide.Encode())))
	w.must(err)
	w.writes(w.released(dataset, hub.ReleaseFile), wide.Encode())
	w.writes(w.released(dataset, hub.ReleaseSig), signed)
}

// believesForgers: what whoever holds the ledger's key signs anew without a change is accepted, so that what is refused in the table is
// refused for its change.
func believesForgers(w *attacker) {
	w.forgets()
	w.heads(w.now())
	w.says("approval", "verify")
	w.adds(w.made("slam"))
	w.allows(w.release(w.id, "slam"), w.release(w.id, "primary-care"))
}

// everyByteOfARelease: whatever is changed in a release's description or its signature, it is no longer what its custodian signed and
// the record of decisions has.
func everyByteOfARelease(w *attacker) {
	trusted, recorded := w.decisions().Trust().Dataset("slam").CustodianVKey, w.decision().Releases[1]
	holds := func() bool {
		x, err := hub.OpenRelease(w.released("slam"))
		if err != nil {
			return false
		}
		defer x.Close()
		text, err := pseudonym.VerifyNote(x.Signature, trusted)
		return err == nil && text == schemas.Statement("release", x.Digest) && x.Digest == recorded.Release
	}
	if recorded.Dataset != "slam" || !holds() {
		w.Fatal("the release itself does not hold")
	}
	for _, name := range []string{hub.ReleaseFile, hub.ReleaseSig} {
		path := w.released("slam", name)
		whole := w.reads(path)
		for at := range whole {
			for _, changed := range [][]byte{whole[:at], append(append(bytes.Clone(whole[:at]), whole[at]^1), whole[at+1:]...), append(append(bytes.Clone(whole[:at]), whole[at]^0x20), whole[at+1:]...)} {
				w.must(os.WriteFile(path, changed, 0o600))
				if holds() {
					w.Fatalf("%s: with byte %d changed it holds", name, at)
				}
			}
		}
		w.writes(path, whole)
	}
}
