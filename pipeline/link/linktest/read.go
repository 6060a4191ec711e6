package linktest

import (
	"context"
	"database/sql"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"datanet/pipeline/engine"
)

// A Row is a table's row as texts; what is empty is not in it.
type Row map[string]string

// Read reads a Parquet file in the order of its rows.
func Read(t testing.TB, path string) (columns []string, rows []Row) {
	t.Helper()
	ctx := context.Background()
	e, err := engine.Open(ctx, engine.Options{Folders: []string{filepath.Dir(path)}})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	described, err := e.Columns(ctx, "test", "SELECT * FROM "+engine.ReadParquet(path))
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, c := range described {
		name, _, _ := strings.Cut(c, " ")
		columns, list = append(columns, name), append(list, `"`+name+`"::VARCHAR`)
	}
	err = e.Query(ctx, "test", "SELECT "+strings.Join(list, ", ")+" FROM "+engine.ReadParquet(path), func(r *sql.Rows) error {
		cells := make([]sql.NullString, len(columns))
		into := make([]any, len(columns))
		for i := range cells {
			into[i] = &cells[i]
		}
		if err := r.Scan(into...); err != nil {
			return err
		}
		row := Row{}
		for i, c := range cells {
			if c.Valid {
				row[columns[i]] = c.String
			}
		}
		rows = append(rows, row)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return columns, rows
}

// Codes pairs the codes of a table's people with their tokens.
func Codes(dataset, table string, rows []Row, visit func(code, token string)) {
	for _, r := range rows {
		if code := r["person"]; code != "" {
			visit(code, r[TokenColumn(dataset, table)])
		}
		if code := r["baby"]; code != "" {
			visit(code, r["outcome"])
		}
	}
}

// Tree lists the files below a folder with their sizes and times, locks left
// out: what a refusal must leave alone.
func Tree(t testing.TB, dir string) string {
	t.Helper()
	var lines []string
	if err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || e.Name() == "lock" {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		lines = append(lines, strings.Join([]string{name, info.Mode().String(), info.ModTime().String()}, " "))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}
