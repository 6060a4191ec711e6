package main

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var fenced = regexp.MustCompile("(?ms)^```\n(.*?)^```$")

// TestOwnFormatPage gives the commands of the how-to, in order, over the files
// that it speaks of, and compares what it shows: … stands for anything.
func TestOwnFormatPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/how-to/use-your-hospitals-own-format.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "unit")
	if err := copyTree("../../testdata/foreign-maternity", filepath.Join(dir, "testdata", "foreign-maternity")); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	s := newSession(t, dir)
	s.must("key", "identity", "--out", filepath.Join(mkdir(t, "keys"), "identity"))
	s.must("key", "linkage", "--out", "linkage.key")
	s.must("key", "custodian", "--dataset", "maternity", "--out", "custodian.key")
	s.must("key", "wrap", "--dataset", "maternity", "--site", "Z9M01", "--custodian", "custodian.key", "--out", "Z9M01.wrap")
	s.must("key", "site", "--dataset", "maternity", "--site", "Z9M01", "--linkage", "linkage.key", "--wrap", "Z9M01.wrap", "--out", "Z9M01.key")
	said, commands := "", 0
	for _, block := range fenced.FindAllStringSubmatch(string(page), -1) {
		words := strings.Fields(block[1])
		switch words[0] {
		case "datanet":
			commands++
			_, stdout, stderr := s.try(context.Background(), words[1:]...)
			said = stdout + stderr
		case "head":
			b, err := os.ReadFile(words[2])
			if err != nil {
				t.Fatal(err)
			}
			said, _, _ = strings.Cut(string(b), "\n")
		default:
			if !shown(block[1], said) {
				t.Errorf("the page shows\n%s\nand what came is\n%s", block[1], said)
			}
		}
	}
	if commands != 4 {
		t.Errorf("the page has %d commands", commands)
	}
	for _, name := range []string{"Pregnancy.csv", "MaternityBirth.csv"} {
		leavesNothingOf(t, filepath.Join(dir, "extracts"), name)
	}
}

// shown compares a block of a page with what a command said.
func shown(block, said string) bool {
	pattern := strings.ReplaceAll(regexp.QuoteMeta(strings.TrimSpace(block)), "…", "(?s:.*)")
	return regexp.MustCompile("^" + pattern + "$").MatchString(strings.TrimSpace(strings.ReplaceAll(said, "\r", "")))
}

// leavesNothingOf looks for what identifies people in everything below a folder.
func leavesNothingOf(t *testing.T, folder, source string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "foreign-maternity", source))
	if err != nil {
		t.Fatal(err)
	}
	var planted []string
	for _, line := range strings.Split(string(b), "\n")[1:] {
		for _, cell := range regexp.MustCompile(`999 ?\d{3} ?\d{4}|M?[78]00\d|"[^"]+"|[0-9/]{10}`).FindAllString(line, -1) {
			planted = append(planted, strings.Trim(cell, `"`))
		}
	}
	if len(planted) < 20 {
		t.Fatalf("only %d things to look for", len(planted))
	}
	err = filepath.WalkDir(folder, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		held, err := os.ReadFile(path)
		for _, value := range planted {
			if strings.Contains(string(held), value) {
				t.Errorf("%s holds a value of %s", filepath.Base(path), source)
			}
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func mkdir(t *testing.T, name string) string {
	if err := os.Mkdir(name, 0o700); err != nil {
		t.Fatal(err)
	}
	return name
}
