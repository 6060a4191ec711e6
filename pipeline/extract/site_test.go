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
)

// newSite is the options of a site Z99001 with keys of its own, and empty
// folders for its export and its extracts.
func newSite(t testing.TB) Options {
	t.Helper()
	day := time.Date(2026, 10, 31, 0, 0, 0, 0, time.UTC)
	custodian, err := pseudonym.NewCustodianKey("primary-care", day)
	if err != nil {
		t.Fatal(err)
	}
	wrap, err := custodian.NewWrapFile("Z99001", day)
	if err != nil {
		t.Fatal(err)
	}
	key, err := pseudonym.NewSiteKey("primary-care", "Z99001", pseudonym.NewLinkageFile(day), wrap, day)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	o := Options{Key: key, KeyFile: filepath.Join(dir, "keys", "Z99001.key"), Source: filepath.Join(dir, "source"), Out: filepath.Join(dir, "out"),
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
		number, problem := pseudonym.ParseNHSNumber([]byte(row["NhsNumber"]), o.Numbers)
		code := pseudonym.Code{}
		if problem == pseudonym.OK {
			code = coder.Code(number)
		} else if row["PatientGuid"] != "" {
			code = coder.Local([]byte(strings.ToUpper(row["OrganisationGuid"] + "/" + row["PatientGuid"])))
		}
		found[code.String()] += row["PatientGuid"]
	}
	return found
}

// account is what a text table shows of a run: every row that was written, and
// how many were left out for which reason.
func account(t testing.TB, o Options, result *Result, names map[string]string) string {
	t.Helper()
	var b strings.Builder
	written := rowsOf(t, result.Extract)
	for _, table := range []string{"patients", "observations", "medications"} {
		for _, row := range written[table] {
			code := strings.ReplaceAll(row[0], "-", "")
			name := names[code]
			if name == "" {
				name = "(somebody unknown)"
			}
			fmt.Fprintf(&b, "%s %s %s\n", strings.TrimSuffix(table, "s"), name, strings.Join(row[1:], " "))
		}
	}
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	slices.Sort(lines)
	for _, table := range []string{"patients", "observations", "medications"} {
		gates := result.Gates[table]
		for _, reason := range slices.Sorted(maps.Keys(gates)) {
			lines = append(lines, fmt.Sprintf("left out of %s: %d %s", table, gates[reason], reason))
		}
	}
	return strings.Join(lines, "\n")
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
