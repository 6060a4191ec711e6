package schemas

import (
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the expected halves of testdata/*.txt and generated parts of documents")

const ownFormat = "../testdata/foreign-maternity/format.json"

func own(t testing.TB) string {
	b, err := os.ReadFile(ownFormat)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestFormatFiles changes a format file that holds and looks at what is said.
// A case is lines of "old => new", \n for a line's end.
func TestFormatFiles(t *testing.T) {
	const path = "testdata/format-files.txt"
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(strings.TrimSpace(string(raw)), "\n\n")
	for i, block := range blocks[1:] {
		head, want, _ := strings.Cut(block+"\n", "\n----\n")
		title, input, _ := strings.Cut(head, "\n")
		t.Run(title, func(t *testing.T) {
			text := own(t)
			for line := range strings.Lines(input) {
				old, by, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " => ")
				old, by = unescape(old), unescape(by)
				if !ok || !strings.Contains(text, old) {
					t.Fatalf("the file does not hold %q", old)
				}
				text = strings.Replace(text, old, by, 1)
			}
			got := says(text)
			if *update {
				blocks[i+1] = strings.TrimSuffix(head, "\n") + "\n----\n" + got
			} else if got != strings.TrimSpace(want) {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
	if *update {
		if err := os.WriteFile(path, []byte(strings.Join(blocks, "\n\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func unescape(s string) string { return strings.ReplaceAll(strings.TrimSpace(s), `\n`, "\n") }

func says(text string) string {
	f, err := ParseFormat([]byte(text))
	if err == nil {
		return "holds: " + f.Name
	}
	wrong := err.(*FormatError)
	var all []string
	for _, fault := range wrong.Faults {
		all = append(all, fault.String())
	}
	return strings.Join(all, "\n")
}

// TestOwnFormatHolds: the worked example is a format, and says whose it is.
func TestOwnFormatHolds(t *testing.T) {
	f, err := ReadFormat(ownFormat)
	if err != nil {
		t.Fatal(err, err.(*FormatError).Hints())
	}
	if want := "our-maternity 1 (own file, sha256 " + Digest([]byte(own(t)))[:16] + ")"; f.String() != want {
		t.Errorf("got %s", f)
	}
	if table, stamp, ok := f.ParseFileName("Pregnancy.csv"); !ok || table == nil || !stamp.IsZero() {
		t.Error("a name without a stamp is not understood")
	}
	if _, err := ReadFormat("testdata/no-such-file"); err == nil || err.(*FormatError).Kind() != "use" {
		t.Errorf("got %v", err)
	}
}

// TestBuiltInFormatsFillTheRelations: what a dataset's rules read is written
// down, and the formats that come with datanet fill it.
func TestBuiltInFormatsFillTheRelations(t *testing.T) {
	for _, name := range FormatNames() {
		f, _ := FormatByName(name)
		needs := SourceRelations(f.Dataset)
		for relation, r := range f.Relations {
			for field, from := range r.Fields {
				need, ok := needs[relation].Fields[field]
				if !ok || !need.Takes(from.Type) {
					t.Errorf("%s: %s.%s is not what the dataset reads", name, relation, field)
				}
			}
		}
		for relation, need := range needs {
			for field := range need.Fields {
				if _, ok := f.Relations[relation].Fields[field]; !ok {
					t.Errorf("%s does not fill %s.%s", name, relation, field)
				}
			}
		}
	}
}

// TestBuiltInFormatsAreFormatFiles: they keep the rules of a file, but for
// their own names, and for what only they have.
func TestBuiltInFormatsAreFormatFiles(t *testing.T) {
	for _, name := range FormatNames() {
		b, err := files.ReadFile("formats/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		// Some of EMIS's versions lack this flag; a file must say that its source does.
		text := strings.Replace(string(b), `"IsConfidential", "type": "flag", "optional": true`, `"IsConfidential", "type": "flag"`, 1)
		if _, err := ParseFormat([]byte(strings.Replace(text, `"`+name+`"`, `"own-`+name+`"`, 1))); err != nil {
			t.Errorf("%s: %s", name, strings.Join(err.(*FormatError).Hints(), "\n"))
		}
	}
}

// TestFieldsThatGoWithARelation: a format that tells which consultations and drug
// records are confidential has to tell what belongs to them.
func TestFieldsThatGoWithARelation(t *testing.T) {
	b, err := files.ReadFile("formats/emis.json")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(b), `"IsConfidential", "type": "flag", "optional": true`, `"IsConfidential", "type": "flag"`, 1)
	text = strings.Replace(text, `"emis"`, `"own-emis"`, 1)
	for _, field := range []string{`"consultation": {"column": "ConsultationGuid", "type": "guid", "optional": true},`,
		`"drug_record": {"column": "DrugRecordGuid", "type": "guid", "optional": true},`} {
		text = strings.Replace(text, field, "", 1) // the entry's, and the issue's
	}
	_, err = ParseFormat([]byte(text))
	var refused *FormatError
	if !errors.As(err, &refused) || len(refused.Faults) != 2 {
		t.Fatalf("%v", err)
	}
	for _, relation := range []string{`"consultation": {
      "table"`, `"drug_record": {
      "table"`} {
		before, after, _ := strings.Cut(text, relation)
		_, after, _ = strings.Cut(after, "    },\n")
		text = before + strings.TrimLeft(after, " ")
	}
	if _, err := ParseFormat([]byte(text)); err != nil {
		t.Error(err.(*FormatError).Hints())
	}
}

// FuzzFormatFile: whatever a file holds, it is either a format, which written
// down again is the same format, or an error that points at lines and repeats
// nothing but names of keys.
func FuzzFormatFile(f *testing.F) {
	for _, name := range FormatNames() {
		b, _ := files.ReadFile("formats/" + name + ".json")
		f.Add(string(b))
	}
	f.Add(own(f))
	f.Add(strings.Replace(own(f), `"Current"`, `"Quillmarker"`, 1))
	f.Add(`{"name": {"Quillmarker": [1, null, {"a": []}]}}`)
	f.Add(`{"relations": {"mother": {"fields": {"Quill marker": {}}}}, "dataset": "maternity"}`)
	f.Add("{\"name\": \"\xff\"}")
	f.Add(strings.Repeat("[", 1000))
	told := regexp.MustCompile(`^line [0-9]+(, [A-Za-z0-9_.()\[\] -]+)?: `)
	f.Fuzz(func(t *testing.T, text string) {
		got, err := ParseFormat([]byte(text))
		if err == nil {
			again, err := json.Marshal(got)
			if err != nil {
				t.Fatal(err)
			}
			second, err := ParseFormat(again)
			if err != nil {
				t.Fatalf("written down again it is none: %v", err.(*FormatError).Hints())
			}
			third, _ := json.Marshal(second)
			if string(third) != string(again) {
				t.Fatal("written down again it is another")
			}
			return
		}
		lines := strings.Count(text, "\n") + 1
		for _, fault := range err.(*FormatError).Faults {
			if fault.Line < 1 || fault.Line > lines || !told.MatchString(fault.String()) {
				t.Fatalf("points nowhere: %s", fault)
			}
			if strings.Contains(fault.Rule, "Quillmarker") {
				t.Fatal("repeats a value")
			}
		}
	})
}

// TestFormatFileReference: the page names every key with its type, and every
// relation with its fields; -update writes these tables anew.
func TestFormatFileReference(t *testing.T) {
	const path = "../docs/reference/source-format-file.md"
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	page := string(raw)
	for _, dataset := range DatasetIDs() {
		begin, end := "<!-- begin "+dataset+" -->\n", "<!-- end "+dataset+" -->\n"
		before, rest, ok := strings.Cut(page, begin)
		old, after, ok2 := strings.Cut(rest, end)
		if !ok || !ok2 {
			t.Fatalf("the page has no place for the relations of %s", dataset)
		}
		if now := relationTable(dataset); old != now {
			if !*update {
				t.Errorf("the relations of %s are other ones: go test ./schemas -run TestFormatFileReference -update", dataset)
			}
			page = before + begin + now + end + after
		}
	}
	if *update {
		if err := os.WriteFile(path, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, of := range []reflect.Type{reflect.TypeFor[Format](), reflect.TypeFor[FileName](), reflect.TypeFor[FormatTable](), reflect.TypeFor[FormatColumn](),
		reflect.TypeFor[Relation](), reflect.TypeFor[Only](), reflect.TypeFor[Field]()} {
		_, section, _ := strings.Cut(page, "\n### "+of.Name()+"\n")
		section, _, _ = strings.Cut(section, "\n#")
		var told []string
		for line := range strings.Lines(section) {
			if key, ok := strings.CutPrefix(line, "| `"); ok {
				told = append(told, key[:strings.Index(key, "`")])
			}
		}
		keys := keysOf(of)
		slices.Sort(keys)
		slices.Sort(told)
		if !slices.Equal(keys, told) {
			t.Errorf("%s has the keys %v, the page tells %v", of.Name(), keys, told)
		}
	}
}

func relationTable(dataset string) string {
	var b strings.Builder
	b.WriteString("| relation | field | type | needed | what it is |\n|---|---|---|---|---|\n")
	needs := SourceRelations(dataset)
	for _, relation := range sortedKeys(needs) {
		need := needs[relation]
		b.WriteString("| **" + relation + "** | | | " + yes(need.Needed) + " | " + need.About + " |\n")
		for _, field := range sortedKeys(need.Fields) {
			f := need.Fields[field]
			b.WriteString("| | `" + field + "` | " + f.Type + " | " + cmp.Or(yes(f.Needed), with(f.With)) + " | " + f.About + " |\n")
		}
	}
	return b.String()
}

func with(relation string) string {
	if relation == "" {
		return ""
	}
	return "with " + relation
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return ""
}
