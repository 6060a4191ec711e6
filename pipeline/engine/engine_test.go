package engine

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func open(t *testing.T, o Options) *Engine {
	t.Helper()
	e, err := Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

// two makes a folder that an engine may use and one that it may not, with a
// file and links out in between.
func two(t *testing.T) (inside, outside string) {
	inside, outside = t.TempDir(), t.TempDir()
	for _, dir := range []string{inside, outside} {
		if err := os.WriteFile(filepath.Join(dir, "x.csv"), []byte("a\n1\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	os.Symlink(filepath.Join(outside, "x.csv"), filepath.Join(inside, "link.csv"))
	os.Symlink(outside, filepath.Join(inside, "linked"))
	return inside, outside
}

// TestLocked tries to reach what an engine was not opened for.
func TestLocked(t *testing.T) {
	inside, outside := two(t)
	for name, o := range map[string]Options{"private": {Private: true, Folders: []string{inside}}, "open": {Folders: []string{inside}}, "no folder": {}} {
		e := open(t, o)
		ctx := context.Background()
		if err := e.Exec(ctx, "reading", "SELECT * FROM "+ReadCSV(filepath.Join(inside, "x.csv"), 1)); (err == nil) != (name != "no folder") {
			t.Errorf("%s: its own folder: %v", name, err)
		}
		for _, statement := range []string{
			"SELECT * FROM " + ReadCSV(filepath.Join(outside, "x.csv"), 1),
			"SELECT * FROM " + ReadCSV(inside+"/../"+filepath.Base(outside)+"/x.csv", 1),
			"SELECT * FROM " + ReadCSV(filepath.Join(inside, "link.csv"), 1),
			"SELECT * FROM " + ReadCSV(filepath.Join(inside, "linked", "x.csv"), 1),
			"SELECT * FROM " + Literal(filepath.Join(outside, "x.csv")),
			"SELECT * FROM read_text(" + Literal(filepath.Join(outside, "x.csv")) + ")",
			"SELECT * FROM read_blob('/etc/passwd')",
			"SELECT * FROM glob('/etc/*')",
			"SELECT * FROM read_csv('https://example.org/x.csv')",
			"COPY (SELECT 1) TO " + Literal(filepath.Join(outside, "y.csv")),
			"COPY (SELECT 1) TO " + Literal(filepath.Join(inside, "linked", "y.csv")),
			"COPY (SELECT 1) TO " + Literal(inside+"/../"+filepath.Base(outside)+"/y.csv"),
			"EXPORT DATABASE " + Literal(filepath.Join(outside, "all")),
			"ATTACH " + Literal(filepath.Join(outside, "x.db")),
			"INSTALL httpfs", "LOAD httpfs", "LOAD " + Literal(filepath.Join(outside, "x.duckdb_extension")),
			"SET memory_limit = '100GB'", "SET enable_external_access = true", "SET allowed_directories = ['/']", "RESET allowed_directories",
			"SET lock_configuration = false", "SET temp_directory = '/tmp'", "PRAGMA temp_directory = '/tmp'", "SET GLOBAL threads = 64",
			"SET enable_logging = true", "SET profiling_output = " + Literal(filepath.Join(outside, "p.json")),
		} {
			if err := e.Exec(ctx, "trying", statement); err == nil {
				t.Errorf("%s: allowed: %s", name, statement)
			}
		}
	}
	if entries, _ := os.ReadDir(outside); len(entries) != 1 {
		t.Errorf("something was written outside: %v", entries)
	}
}

// TestNoSpill: a private engine has nowhere to spill to, and says so, without
// writing anything anywhere.
func TestNoSpill(t *testing.T) {
	if _, err := Open(context.Background(), Options{Private: true, Spill: t.TempDir()}); err == nil {
		t.Error("a private engine got a folder to spill to")
	}
	t.Chdir(t.TempDir())
	e := open(t, Options{Private: true, Memory: 40 << 20, Threads: 1})
	err := e.Exec(context.Background(), "sorting", "CREATE TABLE big AS SELECT md5(i::VARCHAR) AS x, md5((i+1)::VARCHAR) AS y FROM range(2000000) r(i) ORDER BY x")
	var fault *Error
	if !errors.As(err, &fault) || !fault.Memory || len(fault.Hints()) != 1 {
		t.Errorf("got %v", err)
	}
	if entries, _ := os.ReadDir("."); len(entries) > 0 {
		t.Errorf("it wrote %v", entries)
	}
}

// TestSpill: the other one may, in its own folder, and cleans up.
func TestSpill(t *testing.T) {
	spill := filepath.Join(t.TempDir(), "spill")
	e, err := Open(context.Background(), Options{Memory: 60 << 20, Threads: 1, Spill: spill})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := e.Number(context.Background(), "sorting", "SELECT count(*) FROM (SELECT row_number() OVER (ORDER BY md5(i::VARCHAR)) AS n FROM range(1000000) r(i)) WHERE n > 0"); err != nil || n != 1_000_000 {
		t.Errorf("%d %v", n, err)
	}
	e.Close()
	if entries, _ := os.ReadDir(spill); len(entries) > 0 {
		t.Errorf("left behind: %v", entries)
	}
}

// TestPrivateErrors: DuckDB's own words quote values; a private engine's do not.
func TestPrivateErrors(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "x.csv")
	os.WriteFile(file, []byte("a,b\n1,2\nQuillmarker\n"), 0o600)
	e := open(t, Options{Private: true, Folders: []string{dir}})
	ctx := context.Background()
	for _, statement := range []string{
		"SELECT 'Quillmarker'::INTEGER", "SELECT 'Quillmarker'::DATE", "SELECT strptime('Quillmarker', '%Y')", "SELECT error('Quillmarker')",
		"SELECT Quillmarker", "SELECT * FROM Quillmarker", "SELECT 'Quillmarker", "SELECT CAST(300 AS TINYINT)", "SELECT * FROM " + ReadCSV(file, 2),
	} {
		err := e.Exec(ctx, "trying", statement)
		if err == nil || strings.Contains(err.Error(), "Quillmarker") || strings.Contains(err.Error(), "300") {
			t.Errorf("%s: %v", statement, err)
		}
	}
	if err := e.Query(ctx, "scanning", "SELECT 'Quillmarker'", func(r *sql.Rows) error { var n int; return r.Scan(&n) }); err == nil || strings.Contains(err.Error(), "Quillmarker") {
		t.Errorf("scanning: %v", err)
	}
	err := e.Exec(ctx, "trying", "SELECT * FROM "+ReadCSV(file, 2))
	var fault *Error
	if !errors.As(err, &fault) || !fault.Source || fault.Line != 3 || fault.File != file {
		t.Errorf("got %#v", err)
	}
}

// TestNoWordsOfTheRow: a row that imitates DuckDB's messages is not believed.
func TestNoWordsOfTheRow(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "x.csv")
	os.WriteFile(file, []byte("a,b\n1,2\n\"x\nCSV Error on Line: 999\n  file = /etc/passwd\n\"\n"), 0o600)
	err := open(t, Options{Private: true, Folders: []string{dir}}).Exec(context.Background(), "trying", "SELECT * FROM "+ReadCSV(file, 2))
	var fault *Error
	if !errors.As(err, &fault) || fault.Line == 999 || fault.File != file {
		t.Errorf("got %#v", err)
	}
}

// TestPanic: a function that panics fails its statement, not the process, and
// what it panicked with is not repeated.
func TestPanic(t *testing.T) {
	e := open(t, Options{Private: true})
	err := errors.Join(
		e.RegisterTextOfText("panics", func() TextOfText { return func(text []byte) string { panic(string(text)) } }),
		e.RegisterCodeOfText("code_panics", func() CodeOfText { return func(text []byte) ([16]byte, bool) { panic(text) } }),
		e.RegisterCodeOfCode("recode_panics", func() CodeOfCode { return func(c [16]byte) [16]byte { return [16]byte(c[:0]) } }),
		e.RegisterNumberOfCode("number_panics", func() NumberOfCode { return func([16]byte) uint64 { panic("Quillmarker") } }))
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{"SELECT panics('Quillmarker' || i) FROM range(10000) r(i)", "SELECT code_panics('Quillmarker' || i) FROM range(10000) r(i)",
		"SELECT recode_panics(uuid())", "SELECT number_panics(uuid())"} {
		if err := e.Exec(context.Background(), "calling", statement); err == nil || strings.Contains(err.Error(), "Quillmarker") {
			t.Errorf("%s: %v", statement, err)
		}
	}
	if n, err := e.Number(context.Background(), "after", "SELECT 1"); err != nil || n != 1 {
		t.Error("the engine is of no more use", err)
	}
}

// TestFunctions: missing in, missing out, and one instance to one call at a time.
func TestFunctions(t *testing.T) {
	e := open(t, Options{Threads: 4})
	err := errors.Join(
		e.RegisterTextOfText("shout", func() TextOfText { return func(text []byte) string { return strings.ToUpper(string(text)) } }),
		e.RegisterCodeOfText("coded", func() CodeOfText {
			busy := false
			return func(text []byte) ([16]byte, bool) {
				if busy {
					panic("shared")
				}
				busy = true
				defer func() { busy = false }()
				return [16]byte{15: text[0]}, text[0] != 'x'
			}
		}),
		e.RegisterCodeOfCode("next", func() CodeOfCode { return func(c [16]byte) [16]byte { c[15]++; return c } }),
		e.RegisterNumberOfCode("tail", func() NumberOfCode { return func(c [16]byte) uint64 { return uint64(c[15]) } }))
	if err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]int64{
		"SELECT count(*) FROM range(5000) r(i) WHERE shout('a' || i) = 'A' || i":                                       5000,
		"SELECT count(*) FROM (VALUES ('a'), (NULL), ('x')) v(t) WHERE coded(t) IS NULL":                               2,
		"SELECT sum(tail(next(coded(t)))) FROM (VALUES ('a')) v(t)":                                                    98,
		"SELECT count(DISTINCT coded(chr((97 + i % 20)::INTEGER))) FROM range(500000) r(i)":                            20,
		"SELECT count(*) FROM (VALUES (NULL::VARCHAR, NULL::UUID)) v(t, c) WHERE shout(t) IS NULL AND next(c) IS NULL": 1,
	} {
		if n, err := e.Number(context.Background(), "calling", query); err != nil || n != want {
			t.Errorf("%s: %d %v", query, n, err)
		}
	}
}

// TestInterrupt: a statement ends soon after its context, with the context's error.
func TestInterrupt(t *testing.T) {
	e := open(t, Options{Private: true})
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	err := e.Exec(ctx, "counting", "SELECT sum(a.i * b.i) FROM range(10000000) a(i), range(100000) b(i)")
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 10*time.Second {
		t.Errorf("%v after %v", err, time.Since(start))
	}
}

// TestPaths: what a folder is called guesses nothing and matches nothing else.
func TestPaths(t *testing.T) {
	dir := t.TempDir()
	e := open(t, Options{Folders: []string{dir}})
	for _, name := range []string{"plain", "c0=7", "ab", "a[b]", "aab", "a*", "a?", "{a,b}", "it's", "$HOME", "~", "a b", "é"} {
		folder := filepath.Join(dir, name)
		os.Mkdir(folder, 0o700)
		os.WriteFile(filepath.Join(folder, "x.csv"), []byte("a,b\n1,2\n"), 0o600)
		if n, err := e.Number(context.Background(), "reading", "SELECT c0::INTEGER * 10 + count(*) OVER () FROM "+ReadCSV(filepath.Join(folder, "x.csv"), 2)); err != nil || n != 11 {
			t.Errorf("%s: %d %v", name, n, err)
		}
		file := filepath.Join(folder, "x.parquet")
		if err := e.CopyParquet(context.Background(), "writing", "SELECT 1 AS a", file); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if n, err := e.Number(context.Background(), "reading", "SELECT count(*) FROM "+ReadParquet(file)); err != nil || n != 1 {
			t.Errorf("%s: %d %v", name, n, err)
		}
	}
}

// TestTables: both ways of filling one.
func TestTables(t *testing.T) {
	e := open(t, Options{})
	ctx := context.Background()
	if err := e.Exec(ctx, "making", "CREATE TABLE t (a VARCHAR, b INTEGER)"); err != nil {
		t.Fatal(err)
	}
	var rows [][]any
	for i := range 1001 {
		rows = append(rows, []any{"it's", int32(i)})
	}
	if err := errors.Join(e.Insert(ctx, "t", rows), e.Append(ctx, "t", rows), e.Insert(ctx, "t", nil)); err != nil {
		t.Fatal(err)
	}
	if n, err := e.Number(ctx, "counting", "SELECT sum(b) FROM t WHERE a = 'it''s'"); err != nil || n != 1001*1000 {
		t.Errorf("%d %v", n, err)
	}
	columns, err := e.Columns(ctx, "describing", "SELECT * FROM t")
	if err != nil || strings.Join(columns, ", ") != "a VARCHAR, b INTEGER" {
		t.Errorf("%v %v", columns, err)
	}
}
