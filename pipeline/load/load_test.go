package load

import (
	"context"
	"database/sql"
	"encoding/csv"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"datanet/pipeline/engine"
	"datanet/pipeline/hub"
	"datanet/pseudonym"
	"datanet/schemas"
)

func mustLoad(t *testing.T, dir string, o Options) *Result {
	t.Helper()
	r, err := Run(context.Background(), dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func snapshot(t *testing.T, o Options) *hub.Snapshot {
	t.Helper()
	s, err := o.Hub.Snapshot(dataset, o.Trusted)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// texts runs a query over a table of the hub and returns its one column.
func texts(t *testing.T, o Options, query, table string) []string {
	t.Helper()
	e, err := engine.Open(context.Background(), engine.Options{Folders: []string{o.Hub.Dir()}})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	var all []string
	query = strings.ReplaceAll(query, "TABLE", engine.ReadParquet(snapshot(t, o).Paths(table)...))
	if err := e.Query(context.Background(), "test", query, func(r *sql.Rows) error {
		var s string
		err := r.Scan(&s)
		all = append(all, s)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestSameExtractTwiceIsASkip(t *testing.T) {
	o := shared.hub(t)
	first := mustLoad(t, shared.extracts[siteA], o)
	before := tree(t, o.Hub.Dir())
	second := mustLoad(t, shared.copy(t, siteA), o)
	if first.Status != "loaded" || second.Status != "skipped" || second.Reason == "" || second.StateHash != first.StateHash || second.Manifest != first.Manifest {
		t.Errorf("%+v, then %+v", first, second)
	}
	if tree(t, o.Hub.Dir()) != before {
		t.Error("the skip changed the hub")
	}
}

// TestSkipLooksAtTheFiles: a changed extract is not called loaded already.
func TestSkipLooksAtTheFiles(t *testing.T) {
	o := shared.hub(t)
	mustLoad(t, shared.extracts[siteA], o)
	dir := shared.copy(t, siteA)
	flip("observations.parquet", 5000)(t, dir, &o)
	var changed *IntegrityError
	if r, err := Run(context.Background(), dir, o); claims(r) || !errors.As(err, &changed) {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestReplay: an extract that was replaced cannot come back.
func TestReplay(t *testing.T) {
	o := shared.hub(t)
	old := shared.extracts[siteA]
	next := shared.copy(t, siteA)
	resign(t, next, shared.sites[siteA], func(m *schemas.Manifest) { m.Sequence, m.AsAt = 3, "2026-11-30" })
	mustLoad(t, old, o)
	r := mustLoad(t, next, o)
	if r.Status != "loaded" || len(r.Notes) != 1 {
		t.Errorf("%+v: a gap in the sequence is worth a note", r)
	}
	var stale *hub.IntegrityError
	if _, err := Run(context.Background(), old, o); !errors.As(err, &stale) {
		t.Errorf("the replayed extract: %v", err)
	}
	m, _ := snapshot(t, o).State.Member(siteA)
	if m.Sequence != 3 {
		t.Errorf("extract %d stands", m.Sequence)
	}
}

// TestCodesMeetAcrossSites computes dataset codes the other way round, from
// the numbers in the answer key: each is there, on every row of its person.
func TestCodesMeetAcrossSites(t *testing.T) {
	o := shared.hub(t)
	mustLoad(t, shared.extracts[siteA], o)
	mustLoad(t, shared.extracts[siteB], o)
	want := shared.expected(t)
	got := map[string]string{}
	for _, line := range texts(t, o, "SELECT replace(person::VARCHAR, '-', '') || ' ' || string_agg(DISTINCT site, ',' ORDER BY site) FROM TABLE WHERE linkable GROUP BY person", "patients") {
		code, sites, _ := strings.Cut(line, " ")
		got[code] = sites
	}
	both := 0
	for code, sites := range want {
		if got[code] != sites {
			t.Fatalf("a person of %s is at %q", sites, got[code])
		}
		if strings.Contains(sites, ",") {
			both++
		}
	}
	if len(got) != len(want) || both == 0 {
		t.Errorf("%d people, the key has %d, of whom %d at both", len(got), len(want), both)
	}
	for _, table := range []string{"observations", "medications"} {
		if strangers := texts(t, o, "SELECT count(*) FROM TABLE WHERE person NOT IN (SELECT person FROM "+engine.ReadParquet(snapshot(t, o).Paths("patients")...)+")", table); strangers[0] != "0" {
			t.Errorf("%s rows of %s are of nobody", strangers[0], table)
		}
	}
}

// expected are the sites of each dataset code that the answer key promises.
func (w *world) expected(t *testing.T) map[string]string {
	t.Helper()
	f, err := os.Open(filepath.Join(w.truth, "registrations.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	at := func(row []string, column string) string { return row[slices.Index(rows[0], column)] }
	coder := pseudonym.NewCoder(w.linkage.Linkage, w.sites[siteA].Wrap)
	rewrapper := pseudonym.NewRewrapper(w.custodian.Wrap.Site(siteA), w.custodian.Wrap.Dataset())
	sites := map[string]string{}
	for _, row := range rows[1:] {
		if at(row, "gate") != "" || at(row, "usable") != "true" {
			continue
		}
		number, problem := pseudonym.ParseNHSNumber([]byte(at(row, "nhs_number_recorded")), pseudonym.Test)
		if problem != pseudonym.OK {
			t.Fatalf("a usable number is %s", problem)
		}
		code := rewrapper.Code(coder.Code(number)).String()
		if site := at(row, "site"); !strings.Contains(sites[code], site) {
			sites[code] = strings.TrimPrefix(sites[code]+","+site, ",")
		}
	}
	return sites
}

// TestTablesAreSorted: people stand together, and nothing tells the order in
// which the site had them.
func TestTablesAreSorted(t *testing.T) {
	o := shared.hub(t)
	mustLoad(t, shared.extracts[siteA], o)
	for _, table := range []string{"patients", "observations", "medications"} {
		disorder := texts(t, o, "SELECT count(*) FROM (SELECT person < lag(person) OVER () AS back FROM TABLE) WHERE back", table)
		if disorder[0] != "0" {
			t.Errorf("%s: %s rows stand before their person", table, disorder[0])
		}
	}
}

// TestSameBytesOnAnyThreads: the hub's files do not depend on the machine.
func TestSameBytesOnAnyThreads(t *testing.T) {
	hashes := func(threads int) (all []string) {
		o := shared.hub(t)
		o.Threads = threads
		mustLoad(t, shared.extracts[siteA], o)
		m, _ := snapshot(t, o).State.Member(siteA)
		for _, f := range m.Files {
			all = append(all, f.SHA256)
		}
		return all
	}
	if one, two := hashes(1), hashes(2); !slices.Equal(one, two) {
		t.Errorf("%v\n%v", one, two)
	}
}

// TestInterruptedAnywhere stops a load after more and more time: what is there
// afterwards is the old state or the new one, and nothing is left behind.
func TestInterruptedAnywhere(t *testing.T) {
	o := shared.hub(t)
	mustLoad(t, shared.extracts[siteA], o)
	before := tree(t, o.Hub.Dir())
	interrupted := 0
	for wait := time.Duration(0); ; wait += 2 * time.Millisecond {
		ctx, cancel := context.WithTimeout(context.Background(), wait)
		r, err := Run(ctx, shared.extracts[siteB], o)
		cancel()
		if err == nil {
			if r.Status != "loaded" {
				t.Fatalf("%+v", r)
			}
			break
		}
		interrupted++
		if claims(r) || !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("%v beside %v", r, err)
		}
		if after := tree(t, o.Hub.Dir()); after != before {
			t.Fatalf("after %v the hub is\n%s\nwas\n%s", wait, after, before)
		}
	}
	if interrupted < 3 {
		t.Errorf("only %d loads were interrupted", interrupted)
	}
	if err := snapshot(t, o).VerifyFiles(); err != nil {
		t.Error(err)
	}
	staging, err := os.ReadDir(filepath.Join(o.Hub.Dir(), "datasets", dataset, ".staging"))
	if err != nil || len(staging) != 1 { // the lock
		t.Errorf("%v %v", staging, err)
	}
}

// TestLoadsAtOnce: two sites, each given twice, at the same time.
func TestLoadsAtOnce(t *testing.T) {
	o := shared.hub(t)
	o.Threads = 1
	status := map[string]int{}
	var lock sync.Mutex
	var all sync.WaitGroup
	for _, site := range []string{siteA, siteB, siteA, siteB} {
		all.Add(1)
		go func() {
			defer all.Done()
			r, err := Run(context.Background(), shared.extracts[site], o)
			lock.Lock()
			defer lock.Unlock()
			if err != nil {
				t.Error(err)
				return
			}
			status[site+" "+r.Status]++
		}()
	}
	all.Wait()
	for _, site := range []string{siteA, siteB} {
		if status[site+" loaded"] != 1 || status[site+" skipped"] != 1 {
			t.Errorf("%v", status)
		}
	}
	s := snapshot(t, o)
	if len(s.State.Members) != 2 || s.VerifyFiles() != nil {
		t.Errorf("%+v", s.State)
	}
}

// TestEveryRowArrives: as many rows as the manifests say, in every table.
func TestEveryRowArrives(t *testing.T) {
	o := shared.hub(t)
	mustLoad(t, shared.extracts[siteA], o)
	m, err := schemas.DecodeManifest(get(t, filepath.Join(shared.extracts[siteA], "manifest.json")))
	if err != nil {
		t.Fatal(err)
	}
	member, _ := snapshot(t, o).State.Member(siteA)
	for _, f := range member.Files {
		for _, sent := range m.Files {
			if sent.Table == f.Table && (sent.Rows != f.Rows || sent.Rows == 0) {
				t.Errorf("%s: %d rows of %d", f.Table, f.Rows, sent.Rows)
			}
		}
	}
}
