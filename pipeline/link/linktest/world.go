// Package linktest makes small hubs for tests of releasing and linking: three
// loaded datasets about people of a generated population, everybody's keys, and
// a record of decisions in which approvals are really signed.
//
// Every row carries in one of its columns a token that names its person in
// plain sight, as no real row does: so a test can tell who stands behind a code
// without trusting what made it.
package linktest

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"datanet/linkage"
	"datanet/pipeline/engine"
	"datanet/pipeline/hub"
	"datanet/pseudonym"
	"datanet/schemas"
)

// Made is when keys were made and states loaded; Now is a day later.
var (
	Made = time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC)
	Now  = Made.AddDate(0, 0, 1)
)

// AsAt is the newest as-at date of the datasets.
const AsAt = "2026-10-31"

// Datasets are the world's.
var Datasets = []string{"primary-care", "slam", "maternity"}

// A World is a hub, its keys, and who is in it.
type World struct {
	T          testing.TB
	Dir        string
	Hub        *hub.Hub
	Linkage    pseudonym.LinkageKey
	Custodians map[string]*pseudonym.CustodianKey
	Guardians  map[string]*pseudonym.GuardianKey
	States     map[string]string // hash of each dataset's state
	Population *Population

	ledger *pseudonym.LedgerKey
}

// New makes a world with the population.
func New(t testing.TB, p *Population) *World {
	t.Helper()
	w := &World{T: t, Dir: t.TempDir(), Linkage: pseudonym.NewLinkageKey(), Population: p,
		Custodians: map[string]*pseudonym.CustodianKey{}, Guardians: map[string]*pseudonym.GuardianKey{}, States: map[string]string{}}
	var err error
	w.ledger, err = pseudonym.NewLedgerKey("hub", Made)
	w.must(err)
	publisher, err := pseudonym.NewPublisherKey("hub", Made)
	w.must(err)
	w.Hub, err = hub.Init(filepath.Join(w.Dir, "hub"), hub.Hub{ID: hub.NewID(), Name: "Test", Publisher: publisher.Public(), Ledger: w.ledger.Public()}, func(h *hub.Hub) error {
		return linkage.Create(h.LedgerDir(), linkage.Origin(h.ID), w.ledger.Signer, Made)
	})
	w.must(err)
	w.must(w.Record(linkage.HubRecord{Hub: w.Hub.ID, Name: "Test", Ledger: w.ledger.Public(), Publisher: publisher.Public()}))
	w.must(w.Record(linkage.PolicyRecord{Policy: "lattice", SHA256: schemas.Digest([]byte("lattice")), Datasets: []string{"primary-care"}}))
	for _, d := range Datasets {
		w.Custodians[d], err = pseudonym.NewCustodianKey(d, Made)
		w.must(err)
		w.Guardians[d], err = pseudonym.NewGuardianKey(d, "guardian", Made)
		w.must(err)
		w.must(w.Record(linkage.TrustRecord{Dataset: d, Guardian: w.Guardians[d].Public(), Custodian: w.Custodians[d].Public()}))
		for _, site := range p.sites(d) {
			w.load(d, site)
		}
	}
	return w
}

func (w *World) must(err error) {
	w.T.Helper()
	if err != nil {
		w.T.Fatal(err)
	}
}

// Trusted is the verifier key of a dataset's custodian.
func (w *World) Trusted(dataset string) string { return w.Custodians[dataset].PublicPart().Verifier }

func (w *World) open() *linkage.Ledger {
	w.T.Helper()
	l, err := linkage.Open(w.Hub.LedgerDir(), w.ledger.Public())
	w.must(err)
	return l
}

// Record appends to the record of decisions.
func (w *World) Record(body linkage.Body) error {
	l, err := linkage.Open(w.Hub.LedgerDir(), w.ledger.Public())
	if err != nil {
		return err
	}
	record, err := linkage.NewRecord(time.Time{}, body)
	if err != nil {
		return err
	}
	_, err = l.Append(w.ledger.Signer, Now, record)
	return err
}

// Decision is what the record of decisions has of an approval.
func (w *World) Decision(id string) *linkage.Decision {
	w.T.Helper()
	decisions, err := w.open().Decisions()
	w.must(err)
	return decisions.Of(id)
}

// Released is the release that the record of decisions has last.
func (w *World) Released(id, dataset string) (last *linkage.ReleaseRecord) {
	for _, r := range w.Decision(id).Releases {
		if r.Dataset == dataset {
			last = &r
		}
	}
	return last
}

// LinkedBefore is the linking that the record of decisions has last.
func (w *World) LinkedBefore(id string) (last *linkage.LinkRecord) {
	for _, l := range w.Decision(id).Links {
		last = &l
	}
	return last
}

// Sealed is the project key that the record of decisions has.
func (w *World) Sealed(id string) func() (*linkage.ProjectKeyRecord, error) {
	return func() (*linkage.ProjectKeyRecord, error) { return w.Decision(id).ProjectKey, nil }
}

// Approve has an approval of these datasets drafted and signed by every
// Guardian concerned, and returns its id. The first one is the denominator.
// Columns left out are "table.column".
func (w *World) Approve(datasets []string, without ...string) string {
	w.T.Helper()
	a := w.draft(datasets, without)
	for _, d := range datasets {
		signature, err := linkage.NewSignature(a, d, w.Guardians[d].Signer)
		w.must(err)
		w.must(w.Record(signature))
	}
	return a.ID
}

func (w *World) draft(datasets, without []string) *linkage.Approval {
	w.T.Helper()
	applicant, err := pseudonym.NewGuardianKey("applicant", "analyst", Made)
	w.must(err)
	want := linkage.Approval{Title: "A study", Summary: "A study of something.", Purpose: "Planning.", LegalBasis: "A section.", DPIA: "DPIA-1",
		Applicant: applicant.Public(), Users: []string{"a.analyst@example.org"}, From: "2026-11-01", Until: "2027-10-31"}
	for i, id := range datasets {
		d, err := schemas.DatasetByID(id)
		w.must(err)
		scope := linkage.Scope{Dataset: id}
		for _, t := range d.Tables {
			for _, c := range t.Columns {
				if !contains(without, t.Name+"."+c.Name) && !contains(without, id+"/"+t.Name) {
					scope.Columns = append(scope.Columns, linkage.Column{Table: t.Name, Name: c.Name})
				}
			}
		}
		want.Datasets = append(want.Datasets, scope)
		for _, other := range datasets[i+1:] {
			want.Pairs = append(want.Pairs, linkage.Pair{A: id, B: other})
		}
	}
	a, err := linkage.Draft(w.open(), want, Now)
	w.must(err)
	body, err := linkage.NewApproval(a)
	w.must(err)
	w.must(w.Record(body))
	return a
}

func contains(list []string, s string) bool {
	for _, l := range list {
		if l == s {
			return true
		}
	}
	return false
}

// Revoke has the Guardian of a dataset end an approval.
func (w *World) Revoke(id, dataset string) {
	w.T.Helper()
	body, err := linkage.NewRevocation(w.Decision(id).Approval, dataset, "over", w.Guardians[dataset].Signer)
	w.must(err)
	w.must(w.Record(body))
}

// Permit asks for one.
func (w *World) Permit(id string, action linkage.Action, dataset string) linkage.Permit {
	w.T.Helper()
	p, err := linkage.Check(w.open(), linkage.Ask{Approval: id, Action: action, Dataset: dataset, Now: Now})
	w.must(err)
	return p
}

// load makes a site's rows the site's part of a dataset, as package load does,
// from rows that have dataset codes already.
func (w *World) load(dataset, site string) {
	w.T.Helper()
	w.States[dataset] = w.Load(dataset, site, 1, AsAt)
}

// Load loads the same rows of a site again, as another extract.
func (w *World) Load(dataset, site string, sequence int64, asAt string) (state string) {
	w.T.Helper()
	l, err := w.Hub.BeginLoad(dataset)
	w.must(err)
	defer l.Abort()
	e, err := engine.Open(context.Background(), engine.Options{Folders: []string{l.Dir()}})
	w.must(err)
	defer e.Close()
	d, err := schemas.DatasetByID(dataset)
	w.must(err)
	code := w.coder(dataset, site)
	var staged []hub.Staged
	for i := range d.Tables {
		t := &d.Tables[i]
		rows := w.Population.rows(dataset, site, t, code)
		w.must(Write(e, t, rows, filepath.Join(l.Dir(), t.Name+".parquet")))
		staged = append(staged, hub.Staged{Name: t.Name + ".parquet", Table: t.Name, Rows: int64(len(rows))})
	}
	done, err := l.Commit(hub.Incoming{Site: site, Sequence: sequence, AsAt: asAt, Manifest: schemas.Digest([]byte(dataset + site + asAt)), LinkageCheck: w.Linkage.CheckValue()},
		staged, hub.Decide, w.Custodians[dataset].Signer, w.Trusted(dataset))
	w.must(err)
	return done.StateHash
}

// A coding gives a person the dataset's code: by number where one is usable,
// and otherwise by what the site calls them.
type coding func(id string, number pseudonym.NHSNumber, usable bool) string

func (w *World) coder(dataset, site string) coding {
	wrap := w.Custodians[dataset].Wrap
	coder, rewrapper := pseudonym.NewCoder(w.Linkage, wrap.Site(site)), pseudonym.NewRewrapper(wrap.Site(site), wrap.Dataset())
	return func(id string, number pseudonym.NHSNumber, usable bool) string {
		if usable {
			return rewrapper.Code(coder.Code(number)).String()
		}
		return rewrapper.Code(coder.Local([]byte(id))).String()
	}
}

// Write makes a Parquet file of a table: rows of texts, nil where nothing is.
func Write(e *engine.Engine, t *schemas.Table, rows [][]any, path string) error {
	ctx := context.Background()
	var columns, cast []string
	for _, c := range t.Columns {
		columns = append(columns, fmt.Sprintf(`"%s" VARCHAR`, c.Name))
		cast = append(cast, fmt.Sprintf(`"%s"::%s AS "%s"`, c.Name, c.DuckDB(), c.Name))
	}
	if err := e.Exec(ctx, "test", "CREATE OR REPLACE TEMP TABLE written ("+strings.Join(columns, ", ")+")"); err != nil {
		return err
	}
	if err := e.Append(ctx, "written", rows); err != nil {
		return err
	}
	return e.CopyParquet(ctx, "test", "SELECT "+strings.Join(cast, ", ")+" FROM written", path)
}
