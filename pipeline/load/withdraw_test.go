package load

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"datanet/pipeline/engine"
	"datanet/pipeline/hub"
	"datanet/pseudonym"
	"datanet/schemas"
)

// later is a copied extract with a later sequence, that withdraws some people.
func (w *world) later(t *testing.T, site string, sequence int64, codes ...string) string {
	t.Helper()
	dir := w.copy(t, site)
	resign(t, dir, w.sites[site], func(m *schemas.Manifest) { m.Sequence = sequence })
	if len(codes) > 0 {
		withdraws(t, dir, w.sites[site], "SELECT unnest(['"+strings.Join(codes, "','")+"'])::UUID AS person ORDER BY person", int64(len(codes)))
	}
	return dir
}

// withdraws adds a list to a copied extract.
func withdraws(t *testing.T, dir string, key *pseudonym.SiteKey, query string, rows int64) {
	t.Helper()
	ctx := context.Background()
	e, err := engine.Open(ctx, engine.Options{Folders: []string{dir}})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	path := filepath.Join(dir, "withdrawn.parquet")
	if err := e.CopyParquet(ctx, "test", query, path); err != nil {
		t.Fatal(err)
	}
	body := get(t, path)
	resign(t, dir, key, func(m *schemas.Manifest) {
		m.Withdrawn = &schemas.ManifestFile{Table: "withdrawn", Name: "withdrawn.parquet", Rows: rows, Bytes: int64(len(body)), SHA256: schemas.Digest(body)}
	})
}

// codesIn are the codes of people in a folder's first table.
func codesIn(t *testing.T, paths ...string) []pseudonym.Code {
	t.Helper()
	var folders []string
	for _, p := range paths {
		folders = append(folders, filepath.Dir(p))
	}
	ctx := context.Background()
	e, err := engine.Open(ctx, engine.Options{Folders: folders})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	var codes []pseudonym.Code
	if err := e.Query(ctx, "test", "SELECT DISTINCT person FROM "+engine.ReadParquet(paths...)+" ORDER BY person", func(r *sql.Rows) error {
		var code engine.Code
		err := r.Scan(&code)
		codes = append(codes, pseudonym.Code(code))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return codes
}

// shared finds somebody who is at both practices: the site codes at A and B, and the
// dataset's.
func (w *world) shared(t *testing.T) (atA, inDataset string) {
	t.Helper()
	seen := map[pseudonym.Code]bool{}
	rewrap := func(site string) *pseudonym.Rewrapper {
		return pseudonym.NewRewrapper(w.custodian.Wrap.Site(site), w.custodian.Wrap.Dataset())
	}
	b := rewrap(siteB)
	for _, code := range codesIn(t, filepath.Join(w.extracts[siteB], "observations.parquet")) {
		seen[b.Code(code)] = true
	}
	a := rewrap(siteA)
	for _, code := range codesIn(t, filepath.Join(w.extracts[siteA], "observations.parquet")) {
		if seen[a.Code(code)] {
			return code.String(), a.Code(code).String()
		}
	}
	t.Fatal("nobody is at both practices")
	return "", ""
}

// rowsOf counts a person's rows in the dataset, by site, and all rows.
func rowsOf(t *testing.T, o Options, person string) (theirs map[string]int64, all int64) {
	t.Helper()
	s, err := o.Hub.Snapshot(dataset, o.Trusted)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.VerifyFiles(); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	e, err := engine.Open(ctx, engine.Options{Folders: []string{filepath.Join(o.Hub.Dir(), "datasets", dataset)}})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	theirs = map[string]int64{}
	for _, m := range s.State.Members {
		for _, f := range m.Files {
			if f.Table == hub.WithdrawnTable {
				continue
			}
			n, err := e.Number(ctx, "test", "SELECT count(*) FROM "+engine.ReadParquet(s.Path(f))+" WHERE person = '"+person+"'::UUID")
			if err != nil {
				t.Fatal(err)
			}
			rows, err := e.Number(ctx, "test", "SELECT count(*) FROM "+engine.ReadParquet(s.Path(f)))
			if err != nil || rows != f.Rows {
				t.Fatalf("%s holds %d rows, the state says %d (%v)", f.Path, rows, f.Rows, err)
			}
			theirs[m.Site], all = theirs[m.Site]+n, all+rows
		}
	}
	return theirs, all
}

func run(t *testing.T, o Options, dir string) *Result {
	t.Helper()
	r, err := Run(context.Background(), dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func history(t *testing.T, o Options) (files int) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(o.Hub.Dir(), "datasets", dataset, "history"), func(_ string, d os.DirEntry, err error) error {
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		if err == nil && !d.IsDir() {
			files++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestWithdrawnPeopleDisappear: from every site's rows and from history, and they do not
// come back with the other site's next extract while the first one withdraws them.
func TestWithdrawnPeopleDisappear(t *testing.T) {
	w := shared
	o := w.hub(t)
	code, person := w.shared(t)
	run(t, o, w.extracts[siteA])
	run(t, o, w.extracts[siteB])
	run(t, o, w.later(t, siteB, 2))
	before, all := rowsOf(t, o, person)
	if before[siteA] == 0 || before[siteB] == 0 || history(t, o) == 0 {
		t.Fatalf("nothing to withdraw: %v", before)
	}

	r := run(t, o, w.later(t, siteA, 2, code))
	after, left := rowsOf(t, o, person)
	if after[siteA] != 0 || after[siteB] != 0 || left != all-before[siteA]-before[siteB] {
		t.Errorf("%v of %v stay; %d of %d rows", after, before, left, all)
	}
	if r.Withdrawn != 1 || !r.Withdrew || history(t, o) != 0 || len(r.Notes) != 1 {
		t.Errorf("%+v, history %d", r, history(t, o))
	}

	r = run(t, o, w.later(t, siteB, 3))
	if again, rows := rowsOf(t, o, person); again[siteB] != 0 || rows != left || r.Withdrawn != 0 || r.Withdrew || history(t, o) == 0 {
		t.Errorf("%v came back; %d of %d rows; %+v", again, rows, left, r)
	}

	r = run(t, o, w.later(t, siteA, 3, code)) // told again
	if r.Withdrawn != 0 || r.Withdrew || history(t, o) == 0 {
		t.Errorf("withdrawn twice: %+v", r)
	}

	if r := run(t, o, w.later(t, siteA, 4)); len(r.Notes) != 1 || !strings.Contains(r.Notes[0], "withdraws nobody") { // any more
		t.Errorf("%v", r.Notes)
	}
	run(t, o, w.later(t, siteB, 4))
	if back, rows := rowsOf(t, o, person); back[siteA] != before[siteA] || back[siteB] != before[siteB] || rows != all {
		t.Errorf("%v are back, of %v; %d of %d rows", back, before, rows, all)
	}
}

// TestWithdrawnAtFirst: lists come with the first extract of a site too, and when the
// extract is loaded again, which is a skip.
func TestWithdrawnAtFirst(t *testing.T) {
	w := shared
	o := w.hub(t)
	code, person := w.shared(t)
	dir := w.later(t, siteA, 1, code)
	if r := run(t, o, dir); r.Withdrawn != 1 {
		t.Errorf("%+v", r)
	}
	run(t, o, w.extracts[siteB])
	if rows, _ := rowsOf(t, o, person); rows[siteA]+rows[siteB] != 0 {
		t.Errorf("%v", rows)
	}
	if r := run(t, o, dir); r.Status != "skipped" || !r.Withdrew {
		t.Errorf("%+v", r)
	}
}

// TestUnusualList: one site does not empty the others' parts unless somebody says that
// it is meant; the dataset stays as it was.
func TestUnusualList(t *testing.T) {
	w := shared
	o := w.hub(t)
	run(t, o, w.extracts[siteA])
	run(t, o, w.extracts[siteB])
	_, before := rowsOf(t, o, "00000000-0000-0000-0000-000000000000")
	people, err := os.ReadFile(filepath.Join(w.truth, "people.csv"))
	if err != nil {
		t.Fatal(err)
	}
	coder := pseudonym.NewCoder(w.sites[siteA].Linkage, w.sites[siteA].Wrap)
	var codes []string
	for _, number := range regexp.MustCompile(`\b999[0-9]{7}\b`).FindAll(people, -1) {
		if n, problem := pseudonym.ParseNHSNumber(number, pseudonym.Test); problem == pseudonym.OK {
			codes = append(codes, pseudonym.Code(coder.Code(n)).String())
		}
	}
	slices.Sort(codes)
	codes = slices.Compact(codes)
	if len(codes) <= mostUnasked {
		t.Fatalf("%d people are too few for this test", len(codes))
	}
	list := w.later(t, siteA, 2, codes...)
	_, err = Run(context.Background(), list, o)
	var unusual *Unusual
	if _, rows := rowsOf(t, o, "00000000-0000-0000-0000-000000000000"); !errors.As(err, &unusual) || rows != before {
		t.Errorf("%d of %d rows, %v", rows, before, err)
	}
	run(t, o, w.later(t, siteA, 3, codes[:mostUnasked]...))
	o.AcceptWithdrawals = true
	run(t, o, w.later(t, siteA, 4, codes...))
	s, err := o.Hub.Snapshot(dataset, o.Trusted)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	m, _ := s.State.Member(siteB)
	if f, _ := m.File("patients"); f.Rows > before/100 { // who has no usable number stays
		t.Errorf("%d people of the other site stay", f.Rows)
	}
}

// TestWrongLists: a list that is not what the manifest says is refused, and the hub
// stays as it was.
func TestWrongLists(t *testing.T) {
	w := shared
	o := w.hub(t)
	code, person := w.shared(t)
	run(t, o, w.extracts[siteA])
	run(t, o, w.extracts[siteB])
	before, all := rowsOf(t, o, person)
	for name, spoil := range map[string]func(dir string){
		"fewer": func(dir string) {
			withdraws(t, dir, w.sites[siteA], "SELECT '"+code+"'::UUID AS person", 2)
		},
		"twice": func(dir string) {
			withdraws(t, dir, w.sites[siteA], "SELECT '"+code+"'::UUID AS person FROM range(2)", 2)
		},
		"nobody": func(dir string) {
			withdraws(t, dir, w.sites[siteA], "SELECT NULL::UUID AS person", 1)
		},
		"a reason": func(dir string) {
			withdraws(t, dir, w.sites[siteA], "SELECT '"+code+"'::UUID AS person, 'type-1' AS reason", 1)
		},
		"no code": func(dir string) {
			withdraws(t, dir, w.sites[siteA], "SELECT '9990000018' AS person", 1)
		},
		"missing": func(dir string) {
			withdraws(t, dir, w.sites[siteA], "SELECT '"+code+"'::UUID AS person", 1)
			os.Remove(filepath.Join(dir, "withdrawn.parquet"))
		},
		"changed": func(dir string) {
			withdraws(t, dir, w.sites[siteA], "SELECT '"+code+"'::UUID AS person", 1)
			body := get(t, filepath.Join(dir, "withdrawn.parquet"))
			body[len(body)/2] ^= 1
			put(t, filepath.Join(dir, "withdrawn.parquet"), body)
		},
		"not named": func(dir string) {
			put(t, filepath.Join(dir, "withdrawn.parquet"), []byte("PAR1"))
		},
	} {
		dir := w.later(t, siteA, 2)
		spoil(dir)
		_, err := Run(context.Background(), dir, o)
		var broken *IntegrityError
		if !errors.As(err, &broken) {
			t.Errorf("%s: %v", name, err)
		}
		if after, rows := rowsOf(t, o, person); rows != all || after[siteA] != before[siteA] {
			t.Errorf("%s: the hub has changed", name)
		}
	}
}

// TestChangedFilesAreNotRewritten: another site's file that is not what was loaded must
// not be given a new hash.
func TestChangedFilesAreNotRewritten(t *testing.T) {
	w := shared
	o := w.hub(t)
	code, _ := w.shared(t)
	run(t, o, w.extracts[siteA])
	run(t, o, w.extracts[siteB])
	s, err := o.Hub.Snapshot(dataset, o.Trusted)
	if err != nil {
		t.Fatal(err)
	}
	m, _ := s.State.Member(siteB)
	f, _ := m.File("observations")
	path := s.Path(f)
	s.Close()
	body := get(t, path)
	body[len(body)/2] ^= 1
	put(t, path, body)
	_, err = Run(context.Background(), w.later(t, siteA, 2, code), o)
	var broken *hub.IntegrityError
	if !errors.As(err, &broken) {
		t.Errorf("%v", err)
	}
}
