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
	put("smi.csv", "code,term,category\n999,Own,smi\n")
	put("README.md", "not a list")
	lists, err := ReadLists(dir, "v2")
	if err != nil {
		t.Fatal(err)
	}
	if l := lists["smi"]; l.Version != "v2" || l.Status != "own" || l.Entries[0].Code != "999" {
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
