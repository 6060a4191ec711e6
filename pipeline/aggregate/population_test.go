package aggregate

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"path/filepath"
	"slices"
	"strings"
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
	lsoa      string
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

// A diagnosis is one row of SLaM's diagnoses.
type diagnosis struct {
	person int
	date   string
	year   *int
	icd10  string
}

// A booking is one row of maternity's pregnancies.
type booking struct {
	person int
	booked string // YYYY-MM or YYYY
}

// A population is what the tables hold.
type population struct {
	patients  []patient
	entries   []entry
	diagnoses []diagnosis
	bookings  []booking
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

// columnsOf are those of the files: all, or what the catalogue asks an approval
// for.
func columnsOf(dataset string, t *schemas.Table, only map[string][]schemas.TableColumn) (columns []schemas.Column) {
	for _, c := range t.Columns {
		if only == nil || slices.Contains(only[dataset], schemas.TableColumn{Table: t.Name, Name: c.Name}) {
			columns = append(columns, c)
		}
	}
	return columns
}

// files writes a population as Parquet files, as many of each table as asked
// for, with all columns or only some.
func (p *population) files(t *testing.T, dir string, parts int, only map[string][]schemas.TableColumn) Tables {
	t.Helper()
	e, err := engine.Open(context.Background(), engine.Options{Folders: []string{dir}})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	all := Tables{}
	for _, at := range [][2]string{{"primary-care", "patients"}, {"primary-care", "observations"}, {"slam", "diagnoses"}, {"maternity", "pregnancies"}} {
		d, err := schemas.DatasetByID(at[0])
		if err != nil {
			t.Fatal(err)
		}
		columns := columnsOf(d.ID, d.TableByName(at[1]), only)
		if len(columns) == 0 {
			continue
		}
		var kinds []string
		for _, c := range columns {
			kinds = append(kinds, c.Name+" "+c.DuckDB())
		}
		rows := p.rows(d.ID, at[1], columns)
		for part := range parts {
			name := fmt.Sprintf("%s_%d", at[1], part)
			path := filepath.Join(dir, schemas.Underscored(d.ID)+"_"+name+".parquet")
			from, to := len(rows)*part/parts, len(rows)*(part+1)/parts
			for _, err := range []error{
				e.Exec(context.Background(), "test", "CREATE OR REPLACE TABLE "+name+" ("+strings.Join(kinds, ", ")+")"),
				e.Insert(context.Background(), name, rows[from:to]),
				e.CopyParquet(context.Background(), "test", "SELECT * FROM "+name, path),
			} {
				if err != nil {
					t.Fatal(err)
				}
			}
			if all[d.ID] == nil {
				all[d.ID] = map[string][]string{}
			}
			all[d.ID][at[1]] = append(all[d.ID][at[1]], path)
		}
	}
	return all
}

// rows are a table's, with some of its columns; what is not set is NULL.
func (p *population) rows(dataset, table string, columns []schemas.Column) (rows [][]any) {
	add := func(values map[string]any) {
		var row []any
		for _, c := range columns {
			row = append(row, values[c.Name])
		}
		rows = append(rows, row)
	}
	switch dataset + "." + table {
	case "primary-care.patients":
		for _, x := range p.patients {
			add(map[string]any{"person": uuid(code(x.person)), "linkable": true, "site": x.site, "sex": text(x.sex), "birth_year": whole(x.birth),
				"ethnicity": text(x.ethnicity), "lsoa": x.lsoa, "ward": text(x.ward), "imd_decile": whole(x.decile),
				"registered_from": text(x.from), "registered_to": text(x.to), "death_year": whole(x.death)})
		}
	case "primary-care.observations":
		for _, x := range p.entries {
			add(map[string]any{"person": uuid(code(x.person)), "date": text(x.date), "date_precision": "YMD", "year": whole(x.year), "concept": x.concept})
		}
	case "slam.diagnoses":
		for _, x := range p.diagnoses {
			add(map[string]any{"person": uuid(code(x.person)), "date": text(x.date), "year": whole(x.year), "icd10": text(x.icd10)})
		}
	case "maternity.pregnancies":
		for _, x := range p.bookings {
			add(map[string]any{"person": uuid(code(x.person)), "booked": text(x.booked)})
		}
	}
	return rows
}

// count runs the SQL over a population, for everything in the catalogue.
func (p *population) count(t *testing.T, asAt string, parts, threads int) []Count {
	t.Helper()
	return p.countOf(t, schemas.StandardCatalogue(), nil, asAt, parts, threads)
}

func (p *population) countOf(t *testing.T, c *schemas.Catalogue, only map[string][]schemas.TableColumn, asAt string, parts, threads int) []Count {
	t.Helper()
	dir := t.TempDir()
	day, err := time.Parse(time.DateOnly, asAt)
	if err != nil {
		t.Fatal(err)
	}
	counts, err := Run(context.Background(), Options{
		Catalogue: c, CodeLists: schemas.StarterLists(), AsAt: day, Folder: dir,
		Tables: p.files(t, dir, parts, only), Record: func() func([16]byte) uint64 { return recordNumber }, Spill: filepath.Join(dir, "spill"), Threads: threads,
	})
	if err != nil {
		t.Fatal(err)
	}
	return counts
}
