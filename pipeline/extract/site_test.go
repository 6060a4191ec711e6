package extract

import (
	"context"
	"database/sql"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"datanet/pipeline/engine"
	"datanet/pseudonym"
	"datanet/schemas"
)

// newSite is the options of a practice Z99001 with keys of its own, and empty
// folders for its export and its extracts.
func newSite(t testing.TB) Options { return emis.newSite(t) }

// newSite is the same for the system's own site.
func (s *system) newSite(t testing.TB) Options {
	t.Helper()
	day := time.Date(2026, 10, 31, 0, 0, 0, 0, time.UTC)
	custodian, err := pseudonym.NewCustodianKey(s.dataset, day)
	if err != nil {
		t.Fatal(err)
	}
	wrap, err := custodian.NewWrapFile(s.site, day)
	if err != nil {
		t.Fatal(err)
	}
	key, err := pseudonym.NewSiteKey(s.dataset, s.site, pseudonym.NewLinkageFile(day), wrap, day)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	o := Options{Key: key, KeyFile: filepath.Join(dir, "keys", s.site+".key"), Source: filepath.Join(dir, "source"), Out: filepath.Join(dir, "out"),
		Numbers: pseudonym.Test, Tool: "test", Threads: 1}
	for _, d := range []string{filepath.Dir(o.KeyFile), o.Source, o.Out} {
		if err := os.Mkdir(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	// Only its name and its lock are of interest here: the key is in Options.
	if err := os.WriteFile(o.KeyFile, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return o
}

// names maps codes back to the names of an export's patients.
func (x *export) names(o Options) map[string]string {
	coder := pseudonym.NewCoder(o.Key.Linkage, o.Key.Wrap)
	found := map[string]string{}
	for _, row := range x.rows["Admin_Patient"] {
		number, problem := pseudonym.ParseNHSNumber([]byte(used(row, "NhsNumber")), o.Numbers)
		code := pseudonym.Code{}
		if problem == pseudonym.OK {
			code = coder.Code(number)
		} else if row["PatientGuid"] != "" {
			code = coder.Local([]byte(strings.ToUpper(braced(row["OrganisationGuid"]) + "/" + braced(row["PatientGuid"]))))
		}
		found[code.String()] += row["PatientGuid"]
	}
	return found
}

// braced is a GUID in braces, as the system writes it.
func braced(guid string) string { return "{" + strings.Trim(guid, "{}") + "}" }

func lostLine(field string, n int64) string {
	return fmt.Sprintf("values of %s that cannot be, or cannot be read: %d", field, n)
}

// lostCells counts the values that a reference cannot read, by column.
type lostCells map[string]int64

func (l lostCells) note(field string, lost bool) {
	if lost {
		l[field]++
	}
}

func (l lostCells) lines() []string {
	var lines []string
	for _, field := range slices.Sorted(maps.Keys(l)) {
		lines = append(lines, lostLine(field, l[field]))
	}
	return lines
}

// lostDay says whether a cell holds something that is no day, or one that is yet
// to come.
func lostDay(s string, asAt time.Time) bool {
	d, err := time.Parse(time.DateOnly, s)
	return strings.TrimSpace(s) != "" && (err != nil || d.After(asAt))
}

// account is what a text table shows of a run: every row that was written, with
// names for codes, and how many were left out for which reason.
func account(t testing.TB, o Options, result *Result, names map[string]string) string {
	t.Helper()
	dataset, err := schemas.DatasetByID(o.Key.Dataset)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	written := rowsOf(t, result.Extract)
	for _, table := range dataset.Tables {
		for _, row := range written[table.Name] {
			for i, c := range table.Columns {
				if c.Type == "code16" && row[i] != "." {
					row[i] = nameOf(row[i], names)
				}
			}
			lines = append(lines, singular(table.Name)+" "+strings.Join(row, " "))
		}
	}
	slices.Sort(lines)
	for _, table := range dataset.Tables {
		gates := result.Gates[table.Name]
		for _, reason := range slices.Sorted(maps.Keys(gates)) {
			lines = append(lines, fmt.Sprintf("left out of %s: %d %s", table.Name, gates[reason], reason))
		}
	}
	for _, field := range slices.Sorted(maps.Keys(result.Strange)) {
		lines = append(lines, lostLine(field, result.Strange[field]))
	}
	for _, rule := range slices.Sorted(maps.Keys(result.Contradictions)) {
		lines = append(lines, fmt.Sprintf("people of whom rows disagree: %d %s", result.Contradictions[rule], rule))
	}
	return strings.Join(lines, "\n")
}

// A disagreement is what the rows under one number say about something, by what
// it is about and by number.
type disagreement map[string]map[string]map[string]bool

func (d disagreement) note(about, number, value string) {
	if d[about] == nil {
		d[about] = map[string]map[string]bool{}
	}
	if d[about][number] == nil {
		d[about][number] = map[string]bool{}
	}
	if value != "" {
		d[about][number][value] = true
	}
}

func (d disagreement) lines() []string {
	var lines []string
	for _, about := range slices.Sorted(maps.Keys(d)) {
		n := 0
		for _, values := range d[about] {
			if len(values) > 1 {
				n++
			}
		}
		if n > 0 {
			lines = append(lines, fmt.Sprintf("people of whom rows disagree: %d %s", n, about))
		}
	}
	return lines
}

func nameOf(code string, names map[string]string) string {
	if name := names[strings.ReplaceAll(code, "-", "")]; name != "" {
		return name
	}
	return "(somebody unknown)"
}

func singular(table string) string {
	switch table {
	case "diagnoses":
		return "diagnosis"
	case "pregnancies":
		return "pregnancy"
	}
	return strings.TrimSuffix(table, "s")
}

// rowsOf reads an extract's tables as text, a missing value as a dot.
func rowsOf(t testing.TB, folder string) map[string][][]string {
	t.Helper()
	ctx := context.Background()
	e, err := engine.Open(ctx, engine.Options{Threads: 1, Folders: []string{folder}})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	found := map[string][][]string{}
	paths, _ := filepath.Glob(filepath.Join(folder, "*.parquet"))
	for _, path := range paths {
		table := strings.TrimSuffix(filepath.Base(path), ".parquet")
		if err := e.Query(ctx, "reading", "SELECT columns(*)::VARCHAR FROM "+engine.ReadParquet(path), func(r *sql.Rows) error {
			row, err := textRow(r)
			found[table] = append(found[table], row)
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	return found
}

func textRow(r *sql.Rows) ([]string, error) {
	columns, err := r.Columns()
	if err != nil {
		return nil, err
	}
	cells, into, row := make([]sql.NullString, len(columns)), make([]any, len(columns)), make([]string, len(columns))
	for i := range cells {
		into[i] = &cells[i]
	}
	err = r.Scan(into...)
	for i, c := range cells {
		if row[i] = c.String; !c.Valid {
			row[i] = "."
		}
	}
	return row, err
}

// written lists what lies in a folder, hidden files included.
func written(t testing.TB, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// stateOf is the state file's bytes in hex; empty when there is none.
func stateOf(t testing.TB, o Options) string {
	t.Helper()
	b, err := os.ReadFile(pseudonym.StatePath(o.KeyFile))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return hex.EncodeToString(b)
}
