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

// A harm is something done to an export, and what Run says to it: the kind of
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

func crlf(b []byte) []byte { return bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n")) }

const (
	patients = "Admin_Patient"
	entries  = "CareRecord_Observation"
)

var harms = []harm{
	{"nothing", func(*testing.T, *Options) {}, "", ""},

	// The bytes.
	{"a NUL in a cell", replace(patients, "Quillmarker", "Quill\x00marker"), "source", "Admin_Patient, line 2: holds a NUL byte, which is no text"},
	{"a NUL in a code, which would hide an opt-out", replace(entries, "44054006", "4405400\x006"), "source", "CareRecord_Observation, line 2: holds a NUL byte, which is no text"},
	{"a NUL in the header", replace(entries, "CodeId", "Code\x00Id"), "source", "CareRecord_Observation, line 1: the format does not know the column in position 11"},
	{"a byte order mark", edit(patients, func(b []byte) []byte { return append([]byte(mark), b...) }), "", ""},
	{"CRLF", edit(entries, crlf), "", ""},
	{"one CRLF among LF", replace(entries, "\n", "\r\n"), "source", "CareRecord_Observation: is not well-formed CSV: it mixes line ends, or a quotation mark stands where none may"},
	{"one LF among CRLF", edit(entries, func(b []byte) []byte { return bytes.Replace(crlf(b), []byte("\r\n"), []byte("\n"), 1) }), "source",
		"CareRecord_Observation: is not well-formed CSV: it mixes line ends, or a quotation mark stands where none may"},
	{"CR alone", edit(entries, func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("\n"), []byte("\r")) }), "source",
		"CareRecord_Observation, line 1: the format does not know the column in position 27, 28, 29, 30, 31, 32, 33, 34, 35, 36 and 65 more"},
	{"Windows-1252 in a column that is read", replace(patients, "XL1 1AA", "XL1 1A\x92"), "source", "Admin_Patient, line 2: is not UTF-8"},
	{"Windows-1252 in a column that is not", replace(patients, "Quillmarker", "Quillm\xe9rker"), "", ""},
	{"Windows-1252 in the header", replace(patients, "Surname", "Surn\xe4me"), "source", "Admin_Patient, line 1: is not UTF-8"},
	{"UTF-16", edit(patients, func(b []byte) []byte {
		return append([]byte{0xff, 0xfe}, bytes.Join(bytes.Split(b, nil), []byte{0})...)
	}), "source", "Admin_Patient, line 1: is not UTF-8"},

	// Rows.
	{"a quoted line end", replace(patients, "Quillmarker", "\"Quill\nmarker\""), "", ""},
	{"a quoted CRLF in an LF file", replace(patients, "Quillmarker", "\"Quill\r\nmarker\""), "", ""},
	{"a quotation mark that is never closed", replace(patients, "Quillmarker", `"Quillmarker`), "source", "Admin_Patient, line 2: is not a well-formed CSV row of this table"},
	{"a quotation mark within a cell", replace(entries, "Quillmarker", `"Quill"marker`), "source", "CareRecord_Observation, line 2: is not a well-formed CSV row of this table"},
	{"a field too few", replace(entries, "Quillmarker,", ""), "source", "CareRecord_Observation, line 2: is not a well-formed CSV row of this table"},
	{"a field too many", replace(entries, "Quillmarker,", "Quillmarker,Quillmarker,"), "source", "CareRecord_Observation, line 2: is not a well-formed CSV row of this table"},
	{"one huge field", replace(entries, "Quillmarker", strings.Repeat("Quillmarker", 300_000)), "source", "CareRecord_Observation, line 2: is not a well-formed CSV row of this table"},
	{"one large field", replace(entries, "Quillmarker", strings.Repeat("Quillmarker", 100_000)), "", ""},
	{"a last row cut off in the middle", edit(entries, func(b []byte) []byte { return b[:len(b)-8] }), "source", "CareRecord_Observation: ends in the middle of a line: the file was cut off"},
	{"a last row cut off at its end", edit(entries, func(b []byte) []byte { return b[:len(b)-1] }), "source", "CareRecord_Observation: ends in the middle of a line: the file was cut off"},
	{"an empty row", replace(entries, "\n", "\n\n"), "", ""},
	{"formula cells", replace(patients, "Quillmarker", "\"=cmd|'/c calc'!A1\""), "", ""},

	// Headers.
	{"an empty file", edit(patients, func([]byte) []byte { return nil }), "source", "Admin_Patient, line 1: has no header"},
	{"an empty first line", edit(patients, func(b []byte) []byte { return append([]byte("\n"), b...) }), "source", "Admin_Patient, line 1: begins with an empty line"},
	{"no header", edit(patients, func(b []byte) []byte { return b[bytes.IndexByte(b, '\n')+1:] }), "source", "Admin_Patient, line 1: the format does not know the column in position 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 28 more"},
	{"no header, unknown columns ignored", func(t *testing.T, o *Options) {
		o.Unknown = Ignore
		edit(patients, func(b []byte) []byte { return b[bytes.IndexByte(b, '\n')+1:] })(t, o)
	}, "source", "Admin_Patient, line 1: the format does not know the column in position 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 28 more"},
	{"a header alone, of patients", edit(patients, func(b []byte) []byte { return b[:bytes.IndexByte(b, '\n')+1] }), "source", "Admin_Patient: holds no row"},
	{"a header alone, of entries: nobody's opt-out would be seen", edit(entries, func(b []byte) []byte { return b[:bytes.IndexByte(b, '\n')+1] }), "source", "CareRecord_Observation: holds no row"},
	{"10,000 columns", edit(patients, func(b []byte) []byte { return append(bytes.Repeat([]byte("a,"), 10_000), b...) }), "source", "Admin_Patient, line 1: has more than 1000 columns"},
	{"a header that never ends", edit(patients, func(b []byte) []byte { return append(bytes.Repeat([]byte("a"), 100_000), b...) }), "source", "Admin_Patient, line 1: has a header of more than 65536 bytes"},
	{"one column twice", replace(patients, "Surname", "GIVENNAME"), "source", "Admin_Patient, line 1: the column GivenName stands there twice"},
	{"a homoglyph", replace(patients, "Sex", "S\u0435x"), "source", "Admin_Patient, line 1: the format does not know the column in position 4"},
	{"a letter that folds to another", replace(patients, "SpineSensitive", "\u017fpineSensitive"), "source", "Admin_Patient, line 1: the format does not know the column in position 29"},
	{"a column in another case", replace(patients, "SpineSensitive", "spinesensitive"), "", ""},
	{"an unknown column", replace(patients, "Surname", "Notes"), "source", "Admin_Patient, line 1: the format does not know the column in position 10"},
	{"a gate's column missing", replace(patients, "SpineSensitive", "Surname2"), "source", "Admin_Patient, line 1: the format does not know the column in position 29"},
	{"a gate's column missing, unknown columns ignored", func(t *testing.T, o *Options) {
		o.Unknown = Ignore
		replace(patients, "SpineSensitive", "Surname2")(t, o)
	}, "source", "the export lacks Admin_Patient.SpineSensitive"},

	// Files.
	{"a table missing", func(t *testing.T, o *Options) { os.Remove(path(o, entries)) }, "source", "the export lacks CareRecord_Observation"},
	{"two tables missing", func(t *testing.T, o *Options) {
		os.Remove(path(o, entries))
		os.Remove(path(o, "Agreements_SharingOrganisation"))
	}, "source", "the export lacks Agreements_SharingOrganisation, CareRecord_Observation"},
	{"two files of a table", func(t *testing.T, o *Options) {
		b, _ := os.ReadFile(path(o, entries))
		os.WriteFile(strings.Replace(path(o, entries), stamp, "20261030033015", 1), b, 0o600)
	}, "source", "CareRecord_Observation: there is more than one file of this table"},
	{"a link in place of a file", func(t *testing.T, o *Options) {
		elsewhere := filepath.Join(t.TempDir(), "x.csv")
		os.Rename(path(o, patients), elsewhere)
		os.Symlink(elsewhere, path(o, patients))
	}, "source", "Admin_Patient, line 1: is not a file that can be read"},
	{"a folder in place of a file", func(t *testing.T, o *Options) {
		os.Remove(path(o, patients))
		os.Mkdir(path(o, patients), 0o700)
	}, "source", "Admin_Patient, line 1: is not a file that can be read"},
	{"no postcode lookup", func(t *testing.T, o *Options) { os.Remove(filepath.Join(o.Source, "postcodes.csv")) }, "source",
		"there is no postcode lookup, so nobody would have a ward"},
	{"a link in place of the export's own lookup", func(t *testing.T, o *Options) {
		own := filepath.Join(o.Source, "postcodes.csv")
		elsewhere := filepath.Join(t.TempDir(), "x.csv")
		os.Rename(own, elsewhere)
		os.Symlink(elsewhere, own)
	}, "source", "the postcode lookup, line 1: is not a file that can be read"},
	{"a link that somebody gave as the lookup", func(t *testing.T, o *Options) {
		o.Postcodes = filepath.Join(t.TempDir(), "shared.csv")
		os.Symlink(filepath.Join(o.Source, "postcodes.csv"), o.Postcodes)
	}, "", ""},
	{"a broken row in the lookup", func(t *testing.T, o *Options) {
		os.WriteFile(filepath.Join(o.Source, "postcodes.csv"), []byte("pcds,lsoa21\nXL1 1AA\n"), 0o600)
	}, "source", "the postcode lookup, line 2: is not a well-formed CSV row of this table"},
	{"a folder that DuckDB could take for a partition", func(t *testing.T, o *Options) { move(t, o, "c0=1") }, "", ""},
	{"a folder with the signs of a pattern", func(t *testing.T, o *Options) { move(t, o, "a[b]*?{c}'d") }, "", ""},
	{"a broken row in such a folder", func(t *testing.T, o *Options) {
		replace(entries, "Quillmarker,", "")(t, o)
		move(t, o, "a[b]*?{c}'d")
	}, "source", "CareRecord_Observation, line 2: is not a well-formed CSV row of this table"},
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
	x.more = map[string][]string{patients: {"Notes", "More notes"}, entries: {"AssociatedText"}}
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
