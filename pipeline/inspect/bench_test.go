package inspect

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"datanet/pipeline/engine"
	"datanet/schemas"
)

// BenchmarkRun looks at a whole primary-care extract of 45,000 people and
// 500,000 observations. DATANET_BENCH_ROWS=5000000 makes it ten times as many
// of both. Beside it stands the least that any look must do: one pass over the
// rows, counting people by concept.
func BenchmarkRun(b *testing.B) {
	rows := int64(500_000)
	if n, err := strconv.ParseInt(os.Getenv("DATANET_BENCH_ROWS"), 10, 64); err == nil {
		rows = n
	}
	o := large(b, b.TempDir(), rows)
	b.Run("inspect", func(b *testing.B) {
		for b.Loop() {
			if _, err := Run(context.Background(), o); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	})
	b.Run("one count", func(b *testing.B) {
		e, err := engine.Open(context.Background(), engine.Options{Private: true, Folders: []string{o.Folder}})
		if err != nil {
			b.Fatal(err)
		}
		defer e.Close()
		for b.Loop() {
			if err := e.Exec(context.Background(), "counting", "SELECT concept, count(DISTINCT person) FROM "+engine.ReadParquet(o.Tables[1].Path)+" GROUP BY concept"); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// large writes an extract of made-up rows: eleven entries a person, a third of
// them with a value, and a fifth as many issues of medicines.
func large(t testing.TB, dir string, rows int64) Options {
	t.Helper()
	d, err := schemas.DatasetByID("primary-care")
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	e, err := engine.Open(ctx, engine.Options{Folders: []string{dir}, Memory: 4 << 30})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	people := rows * 9 / 100
	draws := func(n int64) string {
		return fmt.Sprintf("(SELECT CAST(md5(CAST(hash(i * 31) %% %d AS VARCHAR)) AS UUID) AS person, CAST(hash(i) %% 1000000000 AS BIGINT) AS h FROM range(%d) r(i))", people, n)
	}
	date := "CASE WHEN h % 5 > 0 THEN DATE '2000-01-01' + CAST(h % 9500 AS INTEGER) END AS date, CASE WHEN h % 5 > 0 THEN 'YMD' ELSE 'Y' END AS date_precision, 2000 + (h % 9500) // 365 AS year"
	concept := "CAST(100000000 + CAST(floor(300 * pow((h // 9500 % 100000) / 100000.0, 3)) AS BIGINT) * 7919 AS VARCHAR) AS concept"
	values := map[string]string{
		"linkable": "h % 300 > 0", "site": "'Z99001'", "sex": "CASE WHEN h % 2 = 0 THEN 'F' ELSE 'M' END", "birth_year": "1930 + h % 95", "ethnicity": "chr(CAST(65 + h // 7 % 16 AS INTEGER))",
		"lsoa": "'E0100' || CAST(h // 11 % 181 AS VARCHAR)", "ward": "'E0501' || CAST(h // 11 % 25 AS VARCHAR)", "imd_decile": "1 + h // 13 % 10", "registered_from": "CAST(1990 + h % 35 AS VARCHAR) || '-05'",
	}
	patients := "person"
	for _, c := range d.Tables[0].Columns[1:] {
		v := values[c.Name]
		if v == "" {
			v = "NULL"
		}
		patients += ", " + v + " AS " + c.SQL()
	}
	queries := map[string]string{
		"patients":     fmt.Sprintf("SELECT %s FROM (SELECT CAST(md5(CAST(i AS VARCHAR)) AS UUID) AS person, CAST(hash(i * 7) %% 1000000000 AS BIGINT) AS h FROM range(%d) r(i))", patients, people),
		"observations": "SELECT person, " + date + ", " + concept + ", CASE WHEN h % 3 = 0 THEN 80.0 + (h % 1000) // 10 END AS value, CASE WHEN h % 3 = 0 THEN 'mmHg' END AS unit FROM " + draws(rows),
		"medications":  "SELECT person, " + date + ", " + concept + " FROM " + draws(rows/5),
	}
	o := Options{Folder: dir, Combinations: d.Combinations()}
	for i := range d.Tables {
		table := &d.Tables[i]
		path := filepath.Join(dir, table.Name+".parquet")
		query := "SELECT " + table.SelectList() + " FROM (" + queries[table.Name] + ") ORDER BY person"
		if err := e.CopyParquet(ctx, "making", query, path); err != nil {
			t.Fatal(err)
		}
		o.Tables = append(o.Tables, Source{table.Name, path, map[string]int64{"patients": people, "observations": rows, "medications": rows / 5}[table.Name], table})
	}
	return o
}
