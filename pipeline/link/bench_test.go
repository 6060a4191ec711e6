package link

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"datanet/pipeline/engine"
	"datanet/pipeline/hub"
	"datanet/pipeline/link/linktest"
	"datanet/schemas"
)

const benchPeople = 1_000_000 // of each dataset; every two share some

// generated are the rows of each table for one person, and where the dataset's
// people begin. Codes are hashes: linking never looks into one.
var generated = map[string]struct {
	from int
	rows map[string]int
}{
	"primary-care": {0, map[string]int{"patients": 1, "observations": 5, "medications": 3}},
	"slam":         {600_000, map[string]int{"patients": 1, "referrals": 1, "diagnoses": 1, "contacts": 3, "spells": 1}},
	"maternity":    {900_000, map[string]int{"pregnancies": 1, "births": 1}},
}

// BenchmarkLinkAgainstJoin links three datasets of a million people each, and
// beside it joins the same Parquet files in DuckDB without a check or a hash.
// Read the ratio.
func BenchmarkLinkAgainstJoin(b *testing.B) {
	w := linktest.New(b, linktest.NewPopulation(1, 40))
	id := w.Approve(linktest.Datasets)
	releaseAll(b, w, id, b.TempDir()) // makes the project's key
	var dirs []string
	for _, d := range linktest.Datasets {
		dir := filepath.Join(b.TempDir(), d)
		record := *w.Released(id, d)
		record.Release = generate(b, w, id, d, dir)
		if err := w.Record(record); err != nil {
			b.Fatal(err)
		}
		dirs = append(dirs, dir)
	}
	var linking, joining time.Duration
	for b.Loop() {
		o := withReleases(options(w, id), dirs)
		o.Earlier = nil
		began := time.Now()
		done, err := Run(context.Background(), o)
		if err != nil {
			b.Fatal(err)
		}
		linking += time.Since(began)
		b.StopTimer()
		if done.Pairs["primary-care:slam"] != 400_000 || done.Edges == 0 {
			b.Fatalf("%+v", done)
		}
		if err := os.RemoveAll(done.Linked); err != nil {
			b.Fatal(err)
		}
		began = time.Now()
		plainJoin(b, dirs, b.TempDir())
		joining += time.Since(began)
		b.StartTimer()
	}
	b.ReportMetric(float64(linking)/float64(joining), "times-join")
}

// generate writes a release of many people.
func generate(b *testing.B, w *linktest.World, id, dataset, dir string) (digest string) {
	b.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		b.Fatal(err)
	}
	e, err := engine.Open(context.Background(), engine.Options{Folders: []string{dir}, Spill: b.TempDir(), Memory: 4 << 30})
	if err != nil {
		b.Fatal(err)
	}
	defer e.Close()
	d, err := schemas.DatasetByID(dataset)
	if err != nil {
		b.Fatal(err)
	}
	r := &schemas.Release{Schema: schemas.Version, Hub: w.Hub.ID, Approval: id, ApprovalSHA256: w.Decision(id).Approval.SHA256(), Dataset: dataset, AsAt: linktest.AsAt,
		State: w.States[dataset], LinkageCheck: w.Linkage.CheckValue(), ProjectCheck: w.Decision(id).ProjectKey.Check, Tool: "test"}
	for _, t := range d.Tables {
		rows, path := benchPeople*generated[dataset].rows[t.Name], filepath.Join(dir, t.Name+".parquet")
		query := fmt.Sprintf("SELECT %s FROM range(%d) r(i) ORDER BY hash(i)", strings.Join(invented(&t, generated[dataset].from), ", "), rows)
		if err := e.CopyParquet(context.Background(), "test", query, path); err != nil {
			b.Fatal(err)
		}
		f, err := os.Open(path)
		if err != nil {
			b.Fatal(err)
		}
		size, sha, err := schemas.DigestOf(f)
		f.Close()
		if err != nil {
			b.Fatal(err)
		}
		r.Tables = append(r.Tables, schemas.ReleasedTable{Table: t.Name, Columns: t.ColumnNames(), Rows: int64(rows), Bytes: size, SHA256: sha})
	}
	body := r.Encode()
	sig, err := w.Custodians[dataset].Signer.SignNote(schemas.Statement("release", schemas.Digest(body)))
	if err != nil {
		b.Fatal(err)
	}
	put(b, filepath.Join(dir, hub.ReleaseFile), body)
	put(b, filepath.Join(dir, hub.ReleaseSig), sig)
	return schemas.Digest(body)
}

// invented are a table's columns with values of a likely spread.
func invented(t *schemas.Table, from int) []string {
	var list []string
	for _, c := range t.Columns {
		value := map[string]string{"text": "(hash(i + 1) % 200)::VARCHAR", "date": "DATE '2020-01-01' + (hash(i) % 2000)::INTEGER", "month": "'2020-0' || (1 + i % 9)",
			"year": "1940 + hash(i) % 80", "integer": "hash(i + 2) % 10", "number": "hash(i + 3) % 1000", "boolean": "true"}[c.Type]
		switch {
		case c.Name == "person":
			value = fmt.Sprintf("md5((%d + i %% %d)::VARCHAR)", from, benchPeople)
		case c.Name == "baby":
			value = "CASE WHEN i % 10 > 0 THEN md5((300000 + i)::VARCHAR) END"
		case c.Type == "code16":
			value = "md5('event' || i)"
		}
		list = append(list, fmt.Sprintf(`(%s)::%s AS "%s"`, value, c.DuckDB(), c.Name))
	}
	return list
}

// plainJoin is the obvious alternative: who is in two datasets, and their rows.
func plainJoin(b *testing.B, dirs []string, to string) {
	b.Helper()
	ctx := context.Background()
	e, err := engine.Open(ctx, engine.Options{Folders: append([]string{to}, dirs...), Spill: filepath.Join(to, "spill"), Threads: 2})
	if err != nil {
		b.Fatal(err)
	}
	defer e.Close()
	at := func(i int, table string) string { return engine.ReadParquet(filepath.Join(dirs[i], table+".parquet")) }
	run := func(statement string) {
		b.Helper()
		if err := e.Exec(ctx, "test", statement); err != nil {
			b.Fatal(err)
		}
	}
	run("CREATE TEMP TABLE a AS SELECT DISTINCT person FROM " + at(0, "patients"))
	run("CREATE TEMP TABLE s AS SELECT DISTINCT person FROM " + at(1, "patients"))
	run("CREATE TEMP TABLE m AS SELECT DISTINCT person FROM (SELECT person FROM " + at(2, "pregnancies") + " UNION ALL SELECT person FROM " + at(2, "births") + " UNION ALL SELECT baby FROM " + at(2, "births") + ") WHERE person IS NOT NULL")
	run("CREATE TEMP TABLE people AS SELECT person, a.person IS NOT NULL AS in_a, s.person IS NOT NULL AS in_s, m.person IS NOT NULL AS in_m FROM a FULL JOIN s USING (person) FULL JOIN m USING (person)")
	run("CREATE TEMP TABLE linked AS SELECT * FROM people WHERE in_a OR in_s AND in_m")
	copied := func(query, name string) {
		b.Helper()
		if err := e.CopyParquet(ctx, "test", query, filepath.Join(to, name+".parquet")); err != nil {
			b.Fatal(err)
		}
	}
	copied("SELECT * FROM linked", "people")
	for i, d := range linktest.Datasets {
		for table := range generated[d].rows {
			query := "SELECT * FROM " + at(i, table)
			if i > 0 {
				query = "SELECT t.* FROM " + at(i, table) + " t SEMI JOIN (SELECT person FROM linked WHERE in_" + d[:1] + " AND (in_a OR in_s AND in_m)) k ON k.person = t.person"
			}
			copied(query, d+table)
		}
	}
}
