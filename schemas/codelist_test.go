package schemas

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const marker = "5108980949"

// TestListErrorsPointAtTheLine: never at the value, which may be anything.
func TestListErrorsPointAtTheLine(t *testing.T) {
	for _, c := range []struct {
		text string
		line int
	}{
		{"", 1},
		{"code,term\n1,x\n", 1},
		{"code,term,category\n", 1},
		{"code,term,category\n1,x,y\n1,z,y\n", 3},
		{"code,term,category\n1,x,y\n,z,y\n", 3},
		{"code,term,category\n1,x,y\n 2,z,y\n", 3},
		{"code,term,category\n1,x,y\n" + marker + ",z\n", 3},
		{"code,term,category\n1,x,y\n" + marker + ",z,y,more\n", 3},
		{"code,term,category\n\"" + marker + "\"x,z,y\n", 2},
		{"code,term,category\n1,\"two\nlines\",y\n2,\"never closed " + marker + ",y\n", 4},
		{"code,term,category\n" + marker + "\"x,z,y\n", 2},
		{"code,term,category\n38341003,x,y\n" + marker + ",z,y\n", 3},    // no concept
		{"code,term,category\n38341003,x,y\n38341030,z,y\n", 3},          // two digits swapped
		{"code,term,category\n38341003,x,y\n9155.,z,y\n100014,z,y\n", 4}, // a description
	} {
		l, err := parseList("mine", strings.NewReader(c.text))
		var at *ListError
		if l != nil || !errors.As(err, &at) || at.Line != c.line || at.File != "mine" {
			t.Errorf("%q: %v, want line %d", c.text, err, c.line)
		}
		if err != nil && strings.Contains(err.Error(), marker) {
			t.Errorf("%q: the error repeats a value: %v", c.text, err)
		}
	}
}

func TestListsAsSpreadsheetsWriteThem(t *testing.T) {
	l, err := parseList("mine", strings.NewReader("\ufeffcode,term,category\r\n1,\"a, b\",y\r\n"))
	if err != nil || len(l.Entries) != 1 || l.Entries[0] != (Entry{"1", "a, b", "y"}) {
		t.Errorf("%v %v", l, err)
	}
}

func TestOwnListsReplaceStarters(t *testing.T) {
	dir := t.TempDir()
	put := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := ReadLists(dir, "v2"); err == nil {
		t.Error("an empty folder replaces nothing and was accepted")
	}
	const text = "code,term,category\n999,Own,smi\n"
	put("smi.csv", text)
	put("README.md", "not a list")
	lists, err := ReadLists(dir, "v2")
	if err != nil {
		t.Fatal(err)
	}
	if l := lists["smi"]; l.Version != "v2 (sha256 "+Digest([]byte(text))[:16]+")" || l.Status != "own" || l.Entries[0].Code != "999" {
		t.Errorf("%+v", l)
	}
	if lists["asthma"] != StarterLists()["asthma"] || StarterLists()["smi"].Status == "own" {
		t.Error("other lists were touched")
	}
	if lists.Digest() == StarterLists().Digest() {
		t.Error("other codes, the same digest")
	}
	put("hypertenson.csv", "code,term,category\n1,x,y\n")
	var unknown *UnknownError
	if _, err := ReadLists(dir, "v2"); !errors.As(err, &unknown) {
		t.Errorf("a misspelt list: %v", err)
	}
}

// TestFormsOfCodesAndCategories: list, entry, and yes or what it is refused for.
func TestFormsOfCodesAndCategories(t *testing.T) {
	for line := range strings.Lines(string(mustReadFile(t, "testdata/list-entries.txt"))) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		cells := strings.Split(line, " | ")
		list, code, category, want := cells[0], cells[1], cells[2], cells[3]
		_, err := parseList(list, strings.NewReader("code,term,category\n\""+code+"\",x,\""+category+"\"\n"))
		if want == "yes" {
			if err != nil {
				t.Errorf("%s: %v", line, err)
			}
			continue
		}
		var at *ListError
		if !errors.As(err, &at) || at.Line != 2 || at.File != list || !strings.Contains(at.Rule, want) || len(code) > 5 && strings.Contains(err.Error(), code) {
			t.Errorf("%s: %v", line, err)
		}
	}
}

func TestBareCodes(t *testing.T) {
	for code, want := range map[string]string{"9Nu0.": "9Nu0", "9Nu0": "9Nu0", "9Nu0.00": "9Nu0", "9Nu0.-1": "9Nu0", "A788.00": "A788", "A788.": "A788", "XE2Hj": "XE2Hj",
		"XaZ8911": "XaZ89", "827241000000103": "827241000000103", "EMISNQ2": "EMISNQ2", "F20.1": "F20.1", "A....": "A"} {
		if got := Bare(code); got != want {
			t.Errorf("%s became %s, want %s", code, got, want)
		}
	}
}

// TestFoldersOfListsAreNotQuoted: a file that is no list may be called by somebody.
func TestFoldersOfListsAreNotQuoted(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "Smithfolder 9990000018")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", "John Smith 9990000018.csv", "smith-9990000018.csv"} {
		if name != "" {
			if err := os.WriteFile(filepath.Join(dir, name), []byte("code,term,category\n1,x,y\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		_, err := ReadLists(dir, "own")
		if err == nil || strings.Contains(strings.ToLower(err.Error()), "smith") || strings.Contains(err.Error(), "999000") {
			t.Errorf("%q: %v", name, err)
		}
		if name != "" {
			os.Remove(filepath.Join(dir, name))
		}
	}
}

func mustReadFile(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
