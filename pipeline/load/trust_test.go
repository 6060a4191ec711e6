package load

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"datanet/pipeline/engine"
	"datanet/pseudonym"
	"datanet/schemas"
)

// A trust is the one site of a dataset: its keys, and what it extracted from the
// world's borough.
type trust struct {
	*world
	site    string
	dataset *schemas.Dataset
}

func newTrust(t *testing.T, dataset, site string) *trust {
	t.Helper()
	w := &world{dir: t.TempDir(), linkage: shared.linkage, sites: map[string]*pseudonym.SiteKey{}, extracts: map[string]string{}}
	d, err := schemas.DatasetByID(dataset)
	if err != nil {
		t.Fatal(err)
	}
	if w.custodian, err = pseudonym.NewCustodianKey(dataset, made); err != nil {
		t.Fatal(err)
	}
	if w.sites[site], err = siteKey(w.custodian, w.linkage, site); err != nil {
		t.Fatal(err)
	}
	if err := w.keep(w.sites[site]); err != nil {
		t.Fatal(err)
	}
	if w.extracts[site], err = w.extract(w.sites[site], filepath.Join(shared.dir, "borough", dataset), filepath.Join(w.dir, "extracts")); err != nil {
		t.Fatal(err)
	}
	return &trust{w, site, d}
}

// loaded loads an extract of the trust into a new hub and returns where each
// table's file lies there.
func (x *trust) loaded(t *testing.T, extract string) map[string][]string {
	t.Helper()
	o := x.hub(t)
	mustLoad(t, extract, o)
	s, err := o.Hub.Snapshot(x.dataset.ID, o.Trusted)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	paths := map[string][]string{}
	for _, table := range x.dataset.Tables {
		paths[table.Name] = s.Paths(table.Name)
	}
	return paths
}

// rows reads Parquet files as text, codes as change makes them; a missing value
// is a dot.
func rows(t *testing.T, table *schemas.Table, change func(string) string, paths ...string) []string {
	t.Helper()
	var folders []string
	for _, p := range paths {
		folders = append(folders, filepath.Dir(p))
	}
	e, err := engine.Open(context.Background(), engine.Options{Folders: folders})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	var all []string
	if err := e.Query(context.Background(), "test", "SELECT columns(*)::VARCHAR FROM "+engine.ReadParquet(paths...), func(r *sql.Rows) error {
		cells, into := make([]sql.NullString, len(table.Columns)), make([]any, len(table.Columns))
		for i := range cells {
			into[i] = &cells[i]
		}
		if err := r.Scan(into...); err != nil {
			return err
		}
		words := make([]string, len(cells))
		for i, c := range cells {
			switch {
			case !c.Valid:
				words[i] = "."
			case table.Columns[i].Type == "code16":
				words[i] = change(strings.ReplaceAll(c.String, "-", ""))
			default:
				words[i] = c.String
			}
		}
		all = append(all, strings.Join(words, " "))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

// TestTrustsAreRewrapped: every code of every column is the site code re-wrapped,
// missing ones stay missing, and nothing else changes. The re-wrapping is done
// again here, a code at a time.
func TestTrustsAreRewrapped(t *testing.T) {
	for dataset, site := range map[string]string{"slam": "Z9S01", "maternity": "Z9M01"} {
		x := newTrust(t, dataset, site)
		rewrapper := pseudonym.NewRewrapper(x.custodian.Wrap.Site(site), x.custodian.Wrap.Dataset())
		rewrap := func(code string) string { return rewrapper.Code(parseCode(t, code)).String() }
		same := func(code string) string { return code }
		paths := x.loaded(t, x.extracts[site])
		missing := 0
		for i := range x.dataset.Tables {
			table := &x.dataset.Tables[i]
			got := rows(t, table, same, paths[table.Name]...)
			if len(got) == 0 || !slices.IsSortedFunc(got, func(a, b string) int { return strings.Compare(a[:32], b[:32]) }) {
				t.Errorf("%s: %d rows, which are not sorted by person, or none", table.Name, len(got))
			}
			want := rows(t, table, rewrap, filepath.Join(x.extracts[site], table.Name+".parquet"))
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("%s of %s is not the extract's under other codes", table.Name, dataset)
			}
			for _, row := range got {
				if table.Name == "births" && strings.Fields(row)[1] == "." {
					missing++
				}
			}
		}
		if dataset == "maternity" && missing == 0 {
			t.Error("every baby has a code: nothing was tested of those that have none")
		}
	}
}

func parseCode(t *testing.T, text string) pseudonym.Code {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return pseudonym.Code(b)
}

// TestStrangersOfTrusts: a birth of a mother whom no pregnancy knows is refused;
// a baby, or a pregnancy, that stands nowhere else is not.
func TestStrangersOfTrusts(t *testing.T) {
	x := newTrust(t, "maternity", "Z9M01")
	const stranger = "'a7f31c95-0be2-4d68-93c4-5e1d7fb20a86'::UUID"
	for column, refused := range map[string]bool{"person": true, "baby": false, "pregnancy": false} {
		dir := filepath.Join(t.TempDir(), "extract")
		if err := os.CopyFS(dir, os.DirFS(x.extracts[x.site])); err != nil {
			t.Fatal(err)
		}
		rewrite(t, dir, x.sites[x.site], "births", "SELECT * REPLACE (CASE WHEN row_number() OVER () = 1 THEN "+stranger+" ELSE "+column+" END AS "+column+") FROM t", nil)
		o := x.hub(t)
		_, err := Run(context.Background(), dir, o)
		var integrity *IntegrityError
		if refused != errors.As(err, &integrity) || (!refused && err != nil) {
			t.Errorf("a stranger in %s: %v", column, err)
		}
	}
}

// TestTrustsOnAnyThreads: the hub's files do not depend on the machine.
func TestTrustsOnAnyThreads(t *testing.T) {
	x := newTrust(t, "maternity", "Z9M01")
	hashes := func(threads int) (all []string) {
		o := x.hub(t)
		o.Threads = threads
		mustLoad(t, x.extracts[x.site], o)
		s, err := o.Hub.Snapshot(x.dataset.ID, o.Trusted)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		m, _ := s.State.Member(x.site)
		for _, f := range m.Files {
			all = append(all, f.SHA256)
		}
		return all
	}
	if one, two := hashes(1), hashes(2); !slices.Equal(one, two) {
		t.Errorf("%v\n%v", one, two)
	}
}
