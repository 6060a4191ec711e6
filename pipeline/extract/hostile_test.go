package extract

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"datanet/schemas"
)

// What stands in the export of every case below, and so may stand in no error.
var planted = []string{"Quillmarker", "quillmarker", "999 000 0018", "9990000018", "XL1 1AA", "XL11AA", "1980", "0506", "anna", "ANNA", "Jane"}

const somebody = `patient anna NhsNumber="999 000 0018" Surname=Quillmarker GivenName=Jane EmailAddress=quillmarker@example.org Postcode="XL1 1AA"
entry anna CodeId=44054006 Qualifiers=Quillmarker
entry anna CodeId=73211009
issue anna
`

// A harm is something done to an export that the corpus has no words for, and what Run says to it: the kind of
// failure and the message, or nothing when it goes on.
type harm struct {
	name    string
	do      func(t *testing.T, o *Options)
	kind    string
	message string
}

func path(o *Options, table string) string { return filepath.Join(o.Source, fileName(table)) }

// edit changes a table's bytes.
func edit(table string, change func([]byte) []byte) func(*testing.T, *Options) {
	return func(t *testing.T, o *Options) {
		b, err := os.ReadFile(path(o, table))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path(o, table), change(b), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func replace(table, old, by string) func(*testing.T, *Options) {
	return func(t *testing.T, o *Options) {
		edit(table, func(b []byte) []byte {
			if !bytes.Contains(b, []byte(old)) {
				t.Fatalf("%s does not hold %q", table, old)
			}
			return bytes.Replace(b, []byte(old), []byte(by), 1)
		})(t, o)
	}
}

const (
	patients = "Admin_Patient"
	entries  = "CareRecord_Observation"
)

var harms = []harm{
	{"nothing", func(*testing.T, *Options) {}, "", ""},

	// Files.
	{"no postcode lookup", func(t *testing.T, o *Options) { os.Remove(filepath.Join(o.Source, "postcodes.csv")) }, "source",
		"there is no postcode lookup, so nobody would have a ward"},
	{"a link that somebody gave as the lookup", func(t *testing.T, o *Options) {
		o.Postcodes = filepath.Join(t.TempDir(), "shared.csv")
		os.Symlink(filepath.Join(o.Source, "postcodes.csv"), o.Postcodes)
	}, "", ""},
	{"a broken row in the lookup", func(t *testing.T, o *Options) {
		os.WriteFile(filepath.Join(o.Source, "postcodes.csv"), []byte("pcds,lsoa21\nXL1 1AA\n"), 0o600)
	}, "source", "the postcode lookup, line 2: has fewer fields than the header"},
	{"a folder that DuckDB could take for a partition", func(t *testing.T, o *Options) { move(t, o, "c0=1") }, "", ""},
	{"a folder with the signs of a pattern", func(t *testing.T, o *Options) { move(t, o, "a[b]*?{c}'d") }, "", ""},
	{"a broken row in such a folder", func(t *testing.T, o *Options) {
		replace(entries, "Quillmarker,", "")(t, o)
		move(t, o, "a[b]*?{c}'d")
	}, "source", "CareRecord_Observation, line 2: has fewer fields than the header"},
	{"no folder", func(t *testing.T, o *Options) { o.Source += "-not" }, "source", "the source is not a folder that can be read"},
	{"an empty folder", func(t *testing.T, o *Options) { o.Source = t.TempDir() }, "source", "the folder holds no file of a known source format for the dataset primary-care"},
	{"an output folder that is a file", func(t *testing.T, o *Options) { o.Out = path(o, patients) }, "use", "the output folder cannot be made"},
	{"a negative number of threads", func(t *testing.T, o *Options) { o.Threads = -1 }, "use", "threads and memory cannot be negative"},
}

func move(t *testing.T, o *Options, name string) {
	to := filepath.Join(filepath.Dir(o.Source), name)
	if err := os.Rename(o.Source, to); err != nil {
		t.Fatal(err)
	}
	o.Source = to
}

func TestHostile(t *testing.T) {
	for _, h := range harms {
		t.Run(h.name, func(t *testing.T) {
			t.Parallel()
			o := newSite(t)
			parseExport(t, somebody).write(o.Source)
			out := o.Out
			h.do(t, &o)
			result, err := Run(context.Background(), o)
			if h.kind == "" {
				survived(t, result, err)
				return
			}
			refused(t, err, h.kind, h.message)
			if left := written(t, out); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
			if stateOf(t, o) != "" {
				t.Error("the state changed")
			}
		})
	}
}

// survived wants nobody and nothing lost.
func survived(t *testing.T, result *Result, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if result.Tables["patients"] != 1 || result.Tables["observations"] != 2 || result.Tables["medications"] != 1 {
		t.Errorf("rows: %v, left out: %v", result.Tables, result.Gates)
	}
}

// refused wants an error of a kind, with its place and rule, and nothing that
// stands in the export.
func refused(t *testing.T, err error, kind, message string) {
	t.Helper()
	if err == nil {
		t.Fatal("nothing was refused")
	}
	var k interface {
		Kind() string
		Hints() []string
	}
	if !errors.As(err, &k) {
		t.Fatalf("no kind: %v", err)
	}
	if k.Kind() != kind || err.Error() != message {
		t.Errorf("got %s: %s\nwant %s: %s", k.Kind(), err, kind, message)
	}
	said := err.Error() + strings.Join(k.Hints(), " ")
	for _, value := range planted {
		if strings.Contains(said, value) {
			t.Errorf("the error holds a value of the input")
		}
	}
}

// TestNoIssues: a practice may have none.
func TestNoIssues(t *testing.T) {
	t.Parallel()
	o := newSite(t)
	parseExport(t, "patient anna NhsNumber=9990000018").write(o.Source)
	if result, err := Run(context.Background(), o); err != nil || result.Tables["medications"] != 0 {
		t.Fatal(err)
	}
}

// TestIgnoredColumns counts what it leaves unread.
func TestIgnoredColumns(t *testing.T) {
	t.Parallel()
	o := newSite(t)
	o.Unknown = Ignore
	x := parseExport(t, somebody)
	x.more = map[string][]string{patients: {"Notes", "More notes"}, entries: {"Summary"}}
	x.rows[patients][0]["Notes"] = "Quillmarker"
	x.write(o.Source)
	result, err := Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	if result.Ignored != 3 {
		t.Errorf("ignored %d columns, of 3", result.Ignored)
	}
	manifest, err := os.ReadFile(filepath.Join(result.Extract, "manifest.json"))
	if err != nil || !bytes.Contains(manifest, []byte(`"ignored_columns": 3`)) {
		t.Errorf("the manifest does not say so: %v", err)
	}
}

// TestNothingIdentifies looks through every byte that a run leaves for what
// was planted in its export.
func TestNothingIdentifies(t *testing.T) {
	t.Parallel()
	o := newSite(t)
	parseExport(t, somebody).write(o.Source)
	result, err := Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{result.Extract, filepath.Dir(o.KeyFile)} {
		for _, name := range written(t, dir) {
			b, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			for _, value := range []string{"Quillmarker", "quillmarker", "9990000018", "999 000 0018", "XL1 1AA", "XL11AA", "ANNA", "anna", "Jane"} {
				if bytes.Contains(b, []byte(value)) {
					t.Errorf("%s holds a value of the input", name)
				}
			}
		}
	}
}

// TestLists refuses lists that would leave a gate open.
func TestLists(t *testing.T) {
	for _, name := range deciding {
		o := newSite(t)
		parseExport(t, somebody).write(o.Source)
		o.CodeLists = schemas.Lists{}
		for n, l := range schemas.StarterLists() {
			if n != name {
				o.CodeLists[n] = l
			}
		}
		_, err := Run(context.Background(), o)
		refused(t, err, "use", "the code list "+name+" holds no code, so its gate would stop nobody")
	}
}
