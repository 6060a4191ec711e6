package pipeline

import (
	"context"
	crand "crypto/rand"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"datanet/linkage"
	"datanet/pipeline/engine"
	"datanet/pipeline/hub"
	"datanet/schemas"
)

// A project is an approval that every Guardian has signed, and the linked
// tables that linking would have made of a population.
type project struct {
	*borough
	ledger    *linkage.Ledger
	signer    note.Signer
	guardians map[string]note.Signer
	applicant string
	approval  *linkage.Approval
	people    []known
	linked    *schemas.Linked
}

// Somebody known is one of the population, with what each organisation knows.
type known struct {
	code            [16]byte
	ward, ethnicity string
	sex             string
	born, decile    int
	gone            bool // not registered any longer
	smi, measured   bool
	booked, ill     bool
}

var today = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// newProject has three Guardians, and an approval of these datasets.
func newProject(t testing.TB, people int, seed uint64, datasets ...string) *project {
	t.Helper()
	p := &project{borough: &borough{t: t, dir: t.TempDir()}, guardians: map[string]note.Signer{}}
	p.publisher, p.custodian = newKeys(t)
	p.hub = p.newHub("hub")
	p.newLedger()
	p.people = drawnKnown(rand.New(rand.NewPCG(seed, 7)), people)
	p.approve(p.wish(datasets...))
	p.link(p.people)
	return p
}

func (p *project) key(name string) (note.Signer, string) {
	p.t.Helper()
	skey, vkey, err := note.GenerateKey(crand.Reader, name)
	if err != nil {
		p.t.Fatal(err)
	}
	return must(note.NewSigner(skey))(p.t), vkey
}

func (p *project) newLedger() {
	p.t.Helper()
	var vkey string
	p.signer, vkey = p.key("ledger")
	dir := filepath.Join(p.dir, "ledger")
	if err := linkage.Create(dir, linkage.Origin(p.hub.ID), p.signer, today); err != nil {
		p.t.Fatal(err)
	}
	p.ledger = must(linkage.Open(dir, vkey))(p.t)
	p.record(linkage.HubRecord{Hub: p.hub.ID, Name: p.hub.Name, Ledger: vkey, Publisher: p.publisher.Public()})
	p.record(linkage.PolicyRecord{Policy: "lattice", SHA256: schemas.Digest(nil), Datasets: []string{"primary-care"}})
	for _, d := range schemas.DatasetIDs() {
		signer, vkey := p.key("guardian-" + d)
		p.guardians[d] = signer
		p.record(linkage.TrustRecord{Dataset: d, Guardian: vkey})
	}
	_, p.applicant = p.key("applicant")
}

func (p *project) record(b linkage.Body) {
	p.t.Helper()
	r := must(linkage.NewRecord(time.Time{}, b))(p.t)
	must(p.ledger.Append(p.signer, today, r))(p.t)
}

// wish asks for what the catalogue needs, and for every pair.
func (p *project) wish(datasets ...string) linkage.Approval {
	a := linkage.Approval{Title: "Care of two kinds", Summary: "We want to see who is seen.", Purpose: "Planning", LegalBasis: "UK GDPR 6(1)(e)",
		DPIA: "DPIA-1", Applicant: p.applicant, Users: []string{"Jane Doe"}, From: "2026-11-01", Until: "2027-10-31"}
	if slices.Contains(datasets, "primary-care") {
		a.Denominator = "primary-care" // whatever their order
	}
	columns := schemas.StandardCatalogue().ColumnsFor(datasets)
	for i, d := range datasets {
		scope := linkage.Scope{Dataset: d}
		for _, c := range columns[d] {
			scope.Columns = append(scope.Columns, linkage.Column{Table: c.Table, Name: c.Name})
		}
		a.Datasets = append(a.Datasets, scope)
		for _, other := range datasets[i+1:] {
			a.Pairs = append(a.Pairs, linkage.Pair{A: d, B: other})
		}
	}
	return a
}

// approve drafts and has every Guardian sign.
func (p *project) approve(want linkage.Approval) {
	p.t.Helper()
	p.approval = must(linkage.Draft(p.ledger, want, today))(p.t)
	p.record(must(linkage.NewApproval(p.approval))(p.t))
	for _, d := range p.approval.Names() {
		p.record(must(linkage.NewSignature(p.approval, d, p.guardians[d]))(p.t))
	}
}

func (p *project) permit(action linkage.Action) linkage.Permit {
	p.t.Helper()
	return must(linkage.Check(p.ledger, linkage.Ask{Approval: p.approval.ID, Action: action, Now: today}))(p.t)
}

// options are what the publisher's command would give.
func (p *project) options() PublishOptions {
	o := p.borough.options()
	o.Dataset, o.Trusted, o.Recorded = "", "", ""
	o.Approval, o.Permit, o.Now = p.approval.ID, p.permit(linkage.ActionPublish), today
	if p.linked != nil {
		o.Recorded = schemas.Digest(p.linked.Encode())
	}
	return o
}

func drawnKnown(r *rand.Rand, people int) (all []known) {
	wards, groups := schemas.Wards()[:6], []string{"A", "N", "M", "C", "H", "Z"}
	for range people {
		k := known{ward: wards[r.IntN(len(wards))].Code, ethnicity: groups[r.IntN(len(groups))], sex: []string{"F", "M"}[r.IntN(2)],
			born: 1930 + r.IntN(90), decile: 1 + r.IntN(10), gone: r.IntN(20) == 0,
			smi: r.IntN(10) == 0, measured: r.IntN(3) > 0, ill: r.IntN(2) == 0}
		k.booked = k.sex == "F" && r.IntN(3) == 0
		if r.IntN(30) == 0 {
			k.ward = "outside"
		}
		for i := range k.code {
			k.code[i] = byte(r.Uint32())
		}
		all = append(all, k)
	}
	return all
}

// link writes the approved columns as linking does.
func (p *project) link(people []known) {
	p.t.Helper()
	dir := must(p.hub.Project(p.approval.ID))(p.t).LinkedDir()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		p.t.Fatal(err)
	}
	p.linked = p.writeLinked(dir, people)
}

func (p *project) writeLinked(dir string, people []known) *schemas.Linked {
	p.t.Helper()
	e := must(engine.Open(context.Background(), engine.Options{Folders: []string{dir}}))(p.t)
	defer e.Close()
	names := p.approval.Names()
	l := &schemas.Linked{Schema: schemas.Version, Hub: p.hub.ID, Approval: p.approval.ID, ApprovalSHA256: p.approval.SHA256(),
		LinkageCheck: strings.Repeat("ab", 8), Denominator: p.approval.Denominator, People: int64(len(people)), Pairs: map[string]int64{}, Tool: "test"}
	write := func(dataset string, t *schemas.Table, rows []map[string]any) {
		x := schemas.LinkedTable{Dataset: dataset, Table: t.Name, Columns: t.ColumnNames(), Rows: int64(len(rows))}
		p.writeTable(e, filepath.Join(dir, x.File()), x.Name(), t, rows)
		text := read(p.t, dir, x.File())
		x.Bytes, x.SHA256 = int64(len(text)), schemas.Digest([]byte(text))
		l.Tables = append(l.Tables, x)
	}
	write("", schemas.PeopleColumns(names), rowsOfPeople(people, names))
	for i, name := range names {
		day := fmt.Sprintf("2026-10-%d", 31-i)
		l.Datasets = append(l.Datasets, schemas.LinkedDataset{Dataset: name, AsAt: day, State: schemas.Digest(fmt.Append(nil, name, len(people))), Release: schemas.Digest(nil), People: l.People, Linked: l.People})
		d := must(schemas.DatasetByID(name))(p.t)
		for _, t := range d.Tables {
			if only := t.Only(p.approval.Columns(name, t.Name)); len(only.Columns) > 0 {
				write(name, only, rowsOfTable(people, name+"."+t.Name))
			}
		}
	}
	if err := os.WriteFile(filepath.Join(dir, hub.LinkedFile), l.Encode(), 0o600); err != nil {
		p.t.Fatal(err)
	}
	return l
}

func (p *project) writeTable(e *engine.Engine, path, name string, t *schemas.Table, rows []map[string]any) {
	p.t.Helper()
	var kinds []string
	for _, c := range t.Columns {
		kinds = append(kinds, c.Name+" "+c.DuckDB())
	}
	var values [][]any
	for _, r := range rows {
		var row []any
		for _, c := range t.Columns {
			row = append(row, r[c.Name])
		}
		values = append(values, row)
	}
	for _, err := range []error{
		e.Exec(context.Background(), "test", "CREATE TABLE "+name+" ("+strings.Join(kinds, ", ")+")"),
		e.Insert(context.Background(), name, values),
		e.CopyParquet(context.Background(), "test", "SELECT * FROM "+name, path),
	} {
		if err != nil {
			p.t.Fatal(err)
		}
	}
}

func codeText(k known) string {
	x := hex.EncodeToString(k.code[:])
	return x[:8] + "-" + x[8:12] + "-" + x[12:16] + "-" + x[16:20] + "-" + x[20:]
}

func rowsOfPeople(people []known, datasets []string) (rows []map[string]any) {
	for _, k := range people {
		row := map[string]any{"person": codeText(k)}
		for _, d := range datasets {
			row[schemas.InColumn(d)] = d == "primary-care" || (d == "slam" && k.smi) || (d == "maternity" && k.booked)
		}
		rows = append(rows, row)
	}
	return rows
}

func rowsOfTable(people []known, table string) (rows []map[string]any) {
	for _, k := range people {
		add := func(row map[string]any) {
			row["person"] = codeText(k)
			rows = append(rows, row)
		}
		switch {
		case table == "primary-care.patients":
			row := map[string]any{"site": "Z99001", "sex": k.sex, "birth_year": k.born, "ethnicity": k.ethnicity, "ward": k.ward, "imd_decile": k.decile, "registered_from": "2020-01"}
			if k.gone {
				row["registered_to"] = "2026-05"
			}
			add(row)
		case table == "primary-care.observations":
			if k.measured {
				add(map[string]any{"date": "2026-04-01", "year": 2026, "concept": "271649006"})
			}
			if k.ill {
				add(map[string]any{"date": "2012-04-01", "year": 2012, "concept": "38341003"})
			}
		case table == "slam.diagnoses" && k.smi:
			add(map[string]any{"date": "2020-02-02", "year": 2020, "icd10": "F20"})
		case table == "slam.diagnoses" && k.ill:
			add(map[string]any{"date": "2020-02-02", "year": 2020, "icd10": "F32"})
		case table == "slam.patients" && (k.smi || k.ill), table == "maternity.births" && k.booked:
			add(map[string]any{})
		case table == "maternity.pregnancies" && k.booked:
			add(map[string]any{"booked": "2026-03"})
		}
	}
	return rows
}

// counts says again in plain words what the catalogue says in its own.
func (k known) counts(feature string) bool {
	switch feature {
	case "registered-0":
		return !k.gone
	case "smi-at-slam":
		return !k.gone && k.smi
	case "smi-blood-pressure":
		return !k.gone && k.smi && k.measured
	case "pregnancy-booked":
		return !k.gone && k.booked
	case "pregnancy-long-term-conditions":
		return !k.gone && k.booked && k.ill
	}
	panic("the catalogue has a linked feature that this test does not know: " + feature)
}

func (k known) group() group {
	six := map[string]string{"A": "White", "C": "White", "N": "N", "M": "CO", "H": "Asian", "Z": "Z"}
	return group{k.ward, six[k.ethnicity]}
}

// relink replaces the linked tables.
func (p *project) relink(people []known) {
	p.t.Helper()
	if err := os.RemoveAll(must(p.hub.Project(p.approval.ID))(p.t).LinkedDir()); err != nil {
		p.t.Fatal(err)
	}
	p.link(people)
}
