package pages

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"datanet/linkage"
)

const testHub = "000102030405060708090a0b0c0d0e0f"

// key makes the same key pair for the same name.
func key(name string) (note.Signer, string) {
	secret := sha256.Sum256([]byte(name))
	private := ed25519.NewKeyFromSeed(secret[:])
	vkey, err := note.NewEd25519VerifierKey(name, private.Public().(ed25519.PublicKey))
	if err != nil {
		panic(err)
	}
	signer, err := note.NewSigner("PRIVATE+KEY+" + name + "+" + strings.Split(vkey, "+")[1] + "+" + base64.StdEncoding.EncodeToString(append([]byte{1}, secret[:]...)))
	if err != nil {
		panic(err)
	}
	return signer, vkey
}

// A world is a hub's record of decisions in which a test acts.
type world struct {
	t   testing.TB
	l   *linkage.Ledger
	now time.Time
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, now: time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC)}
	signer, vkey := key("ledger/" + testHub)
	dir := filepath.Join(t.TempDir(), "ledger")
	if err := linkage.Create(dir, linkage.Origin(testHub), signer, w.now); err != nil {
		t.Fatal(err)
	}
	var err error
	if w.l, err = linkage.Open(dir, vkey); err != nil {
		t.Fatal(err)
	}
	_, publisher := key("publisher")
	w.add(linkage.HubRecord{Hub: testHub, Name: "Lambeth DataNet", Ledger: vkey, Publisher: publisher})
	w.add(linkage.PolicyRecord{Policy: "lattice", SHA256: sum("a"), Datasets: []string{"primary-care"}})
	for _, dataset := range []string{"primary-care", "slam", "maternity"} {
		_, guardian := key("guardian/" + dataset)
		_, custodian := key("custodian/" + dataset)
		w.add(linkage.TrustRecord{Dataset: dataset, Guardian: guardian, Custodian: "custodian:v1:" + dataset + ":" + custodian + ":aHBrZQ==:age1example"})
	}
	_, site := key("site/Z99001")
	w.add(linkage.TrustRecord{Dataset: "primary-care", Sites: map[string]string{"Z99001": site}})
	w.add(linkage.LoadRecord{Dataset: "primary-care", Site: "Z99001", Sequence: 1, AsAt: "2026-10-31", Manifest: sum("a"), Persons: 12340, State: sum("c")})
	return w
}

func sum(digit string) string { return strings.Repeat(digit, 64) }

// add appends a record a quarter of an hour after the last.
func (w *world) add(b linkage.Body) {
	w.t.Helper()
	w.now = w.now.Add(15 * time.Minute)
	r, err := linkage.NewRecord(w.now, b)
	if err == nil {
		signer, _ := key("ledger/" + testHub)
		_, err = w.l.Append(signer, w.now, r)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) draft(title string, change func(*linkage.Approval), datasets ...string) *linkage.Approval {
	w.t.Helper()
	_, applicant := key("applicant/planning")
	a := linkage.Approval{
		Title: title, Summary: "We want to see in which wards people live who have both, so that the clinics open where they are needed.",
		Purpose: "Planning of community services", LegalBasis: "UK GDPR 6(1)(e) and 9(2)(h)", DPIA: "DPIA-2026-11-01",
		Applicant: applicant, Users: []string{"Jane Doe", "John Roe"}, From: "2026-11-01", Until: "2027-12-31",
	}
	columns := map[string][]linkage.Column{
		"primary-care": {{Table: "patients", Name: "person"}, {Table: "patients", Name: "sex"}, {Table: "patients", Name: "ethnicity"}, {Table: "patients", Name: "ward"}, {Table: "observations", Name: "person"}, {Table: "observations", Name: "concept"}},
		"slam":         {{Table: "patients", Name: "person"}, {Table: "diagnoses", Name: "person"}, {Table: "diagnoses", Name: "date"}, {Table: "diagnoses", Name: "icd10"}},
		"maternity":    {{Table: "pregnancies", Name: "person"}, {Table: "pregnancies", Name: "smoking"}},
	}
	for i, name := range datasets {
		a.Datasets = append(a.Datasets, linkage.Scope{Dataset: name, Columns: columns[name]})
		for _, other := range datasets[i+1:] {
			a.Pairs = append(a.Pairs, linkage.Pair{A: name, B: other})
		}
	}
	if change != nil {
		change(&a)
	}
	drafted, err := linkage.Draft(w.l, a, w.now)
	if err != nil {
		w.t.Fatal(err)
	}
	w.add(must(linkage.NewApproval(drafted)))
	return drafted
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func (w *world) sign(a *linkage.Approval, datasets ...string) {
	w.t.Helper()
	for _, name := range datasets {
		guardian, _ := key("guardian/" + name)
		w.add(must(linkage.NewSignature(a, name, guardian)))
	}
}

// used takes an approval of primary care and slam as far as a publication.
func (w *world) used(a *linkage.Approval) {
	w.t.Helper()
	id, hash := a.ID, a.SHA256()
	custodian, _ := key("custodian/slam")
	w.add(must(linkage.NewProjectKey(a, "slam", "0123456789abcdef", map[string]string{"primary-care": "c2VhbGVk", "slam": "c2VhbGVk"}, custodian)))
	w.add(linkage.ReleaseRecord{Approval: id, SHA256: hash, Dataset: "slam", AsAt: "2026-10-31", State: sum("c"), Release: sum("b"), Persons: 2310})
	w.add(linkage.ReleaseRecord{Approval: id, SHA256: hash, Dataset: "primary-care", AsAt: "2026-10-31", State: sum("c"), Release: sum("b"), Persons: 12340})
	w.add(linkage.LinkRecord{Approval: id, SHA256: hash, Releases: map[string]string{"slam": sum("b"), "primary-care": sum("b")}, Linked: sum("d"), People: 12340})
	w.add(linkage.PublicationRecord{Publication: "2026-10-31-" + id, AsAt: "2026-10-31", Policy: "lattice", States: map[string]string{"slam": sum("c"), "primary-care": sum("c")}, SHA256: sum("e"), Approval: id})
}

// A busy hub has requests that stand in every way.
func busy(t testing.TB) *world {
	w := newWorld(t)
	w.add(linkage.PublicationRecord{Publication: "2026-10-31", AsAt: "2026-10-31", Policy: "lattice", States: map[string]string{"primary-care": sum("c")}, SHA256: sum("e")})
	old := w.draft("Mental illness and diabetes by ward", nil, "primary-care", "slam")
	w.sign(old, "primary-care", "slam")
	w.used(old)

	refused := w.draft("Everything about mothers, for a dashboard", nil, "primary-care", "slam", "maternity")
	w.sign(refused, "maternity")
	w.add(linkage.DeniedRecord{Approval: refused.ID, Action: linkage.ActionLink, Check: linkage.CheckSignatures})
	slam, _ := key("guardian/slam")
	w.add(must(linkage.NewRefusal(refused, "slam", "The columns go beyond the purpose.", slam)))

	revoked := w.draft("Smoking in pregnancy and long-term conditions", func(a *linkage.Approval) { a.Until = "2026-12-31" }, "primary-care", "maternity")
	w.sign(revoked, "primary-care", "maternity")
	maternity, _ := key("guardian/maternity")
	w.add(must(linkage.NewRevocation(revoked, "maternity", "The study has ended early.", maternity)))
	w.add(linkage.RemovalRecord{Approval: revoked.ID, SHA256: revoked.SHA256(), What: "release", Name: "maternity", Reason: "revoked"})

	newer := w.draft("Mental illness and diabetes by ward, with blood pressure", func(a *linkage.Approval) { a.Supersedes = old.ID; a.Users = append(a.Users, "Alex Poe") }, "primary-care", "slam")
	w.sign(newer, "slam", "primary-care")
	w.add(linkage.RemovalRecord{Approval: old.ID, SHA256: old.SHA256(), What: "publication", Name: "2026-10-31-" + old.ID, Reason: "superseded"})

	waiting := w.draft("Waiting times for talking therapies", nil, "slam", "primary-care")
	w.sign(waiting, "slam")
	w.draft("A draft that nobody has signed", nil, "slam")
	ended := w.draft("A short pilot", func(a *linkage.Approval) { a.Until = "2026-11-02" }, "slam")
	w.sign(ended, "slam")
	later := w.draft("Winter pressures", func(a *linkage.Approval) { a.From = "2026-12-01" }, "primary-care", "maternity")
	w.sign(later, "primary-care", "maternity")
	_, deputy := key("deputy/slam")
	w.add(deputyRecord(w, "slam", deputy))
	w.now = w.now.Add(48 * time.Hour)
	w.add(linkage.LoadRecord{Dataset: "primary-care", Site: "Z99001", Sequence: 2, AsAt: "2026-11-03", Manifest: sum("b"), Persons: 12350, State: sum("f"), Withdrew: true})
	return w
}

// deputyRecord is signed by the Guardian, as naming a deputy needs.
func deputyRecord(w *world, dataset, vkey string) linkage.TrustRecord {
	b := linkage.TrustRecord{Dataset: dataset, Deputy: &linkage.Deputy{Key: vkey, Until: "2027-03-31"}}
	decisions := must(w.l.Decisions())
	statement := must(decisions.Trust().Statement(b))
	guardian, _ := key("guardian/" + dataset)
	b.By = []string{string(must(note.Sign(&note.Note{Text: statement.Text}, guardian)))}
	return b
}

func (w *world) record() Record {
	w.t.Helper()
	r, err := Of(w.l)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}
