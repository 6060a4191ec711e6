package aggregate

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"path/filepath"
	"testing"
	"time"

	"datanet/pipeline/engine"
	"datanet/schemas"
)

// A patient is one row of the canonical table patients; a nil pointer and an
// empty string are NULL.
type patient struct {
	person    int
	site      string
	sex       string
	birth     *int
	ethnicity string
	ward      string
	decile    *int
	from, to  string
	death     *int
}

// An entry is one row of observations.
type entry struct {
	person  int
	date    string // YYYY-MM-DD or empty
	year    *int
	concept string
}

// A population is what the tables hold.
type population struct {
	patients []patient
	entries  []entry
}

func code(person int) [16]byte {
	var c [16]byte
	binary.BigEndian.PutUint64(c[4:], uint64(person)*0x9e3779b97f4a7c15+1)
	return c
}

// recordNumber stands in for the keyed record number: large, so that sums run
// over 2⁶⁴ soon.
func recordNumber(person [16]byte) uint64 {
	h := fnv.New64a()
	h.Write(person[:])
	return h.Sum64()
}

func uuid(c [16]byte) string {
	x := hex.EncodeToString(c[:])
	return x[:8] + "-" + x[8:12] + "-" + x[12:16] + "-" + x[16:20] + "-" + x[20:]
}

func text(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func whole(n *int) any {
	if n == nil {
		return nil
	}
	return *n
}

func n(v int) *int { return &v }

// files writes a population as Parquet files, as many as asked for.
func (p *population) files(t *testing.T, dir string, parts int) map[string][]string {
	t.Helper()
	e, err := engine.Open(context.Background(), engine.Options{Folders: []string{dir}})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	d, _ := schemas.DatasetByID("primary-care")
	tables := map[string][]string{}
	for _, table := range []string{"patients", "observations"} {
		rows := p.rows(table)
		columns := ""
		for i, c := range d.TableByName(table).Columns {
			if i > 0 {
				columns += ", "
			}
			columns += c.Name + " " + c.DuckDB()
		}
		for part := range parts {
			name := fmt.Sprintf("%s_%d", table, part)
			path := filepath.Join(dir, name+".parquet")
			from, to := len(rows)*part/parts, len(rows)*(part+1)/parts
			for _, err := range []error{
				e.Exec(context.Background(), "test", "CREATE TABLE "+name+" ("+columns+")"),
				e.Insert(context.Background(), name, rows[from:to]),
				e.CopyParquet(context.Background(), "test", "SELECT * FROM "+name, path),
			} {
				if err != nil {
					t.Fatal(err)
				}
			}
			tables[table] = append(tables[table], path)
		}
	}
	return tables
}

func (p *population) rows(table string) (rows [][]any) {
	if table == "patients" {
		for _, x := range p.patients {
			rows = append(rows, []any{uuid(code(x.person)), true, x.site, text(x.sex), whole(x.birth), text(x.ethnicity), nil, nil, nil,
				nil, text(x.ward), whole(x.decile), text(x.from), text(x.to), whole(x.death)})
		}
		return rows
	}
	for _, x := range p.entries {
		rows = append(rows, []any{uuid(code(x.person)), text(x.date), "YMD", whole(x.year), x.concept, nil, nil})
	}
	return rows
}

// count runs the SQL over a population.
func (p *population) count(t *testing.T, asAt string, parts, threads int) []Count {
	t.Helper()
	dir := t.TempDir()
	day, err := time.Parse(time.DateOnly, asAt)
	if err != nil {
		t.Fatal(err)
	}
	counts, err := Run(context.Background(), Options{
		Catalogue: schemas.StandardCatalogue(), CodeLists: schemas.StarterLists(), AsAt: day, Folder: dir,
		Tables: p.files(t, dir, parts), Record: func() func([16]byte) uint64 { return recordNumber }, Spill: filepath.Join(dir, "spill"), Threads: threads,
	})
	if err != nil {
		t.Fatal(err)
	}
	return counts
}
