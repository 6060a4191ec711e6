package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/parquet/file"
)

// TestOnePatientFourPlaces follows one woman of the tiny borough, who is on the lists
// of two practices and known to the mental-health trust and to the maternity
// unit. Who she is comes from what was written into the sources: she alone was born
// in 1933, and she alone has eight children. At rest she has another code in each
// extract and in each dataset; released under one approval she has one code, and
// under another approval another one.
func TestOnePatientFourPlaces(t *testing.T) {
	s := tellStory(t)
	s.founds()
	at := map[string]string{} // place → her code there
	for _, o := range s.withHer() {
		extracted := s.extracts(o.dataset, o.site, o.source)
		at["extract of "+o.site] = s.hers(o.dataset, filepath.Join(extracted["extract"].(string), herTable[o.dataset].table+".parquet"))
		s.loads(o.dataset, extracted)
	}
	allDiffer(t, at)

	hub := s.world["DATANET_HUB"]
	loaded := map[string]string{}
	for _, o := range theSites {
		files, err := filepath.Glob(filepath.Join(hub, "datasets", o.dataset, herTable[o.dataset].table, "site="+o.site, "*.parquet"))
		if err != nil || len(files) != 1 {
			t.Fatal(files, err)
		}
		loaded[o.site] = s.hers(o.dataset, files[0])
	}
	if loaded["Z99001"] != loaded["Z99002"] {
		t.Error("in the dataset of primary care, two practices have two codes for her")
	}
	for _, place := range []string{"Z99001", "Z9S01", "Z9M01"} {
		at["dataset of "+place] = loaded[place]
	}
	allDiffer(t, at)

	for _, approval := range []string{s.approves("first"), s.approves("second")} {
		released := map[string]bool{}
		for _, dataset := range everyDataset {
			s.releases(approval, dataset)
			released[s.hers(dataset, filepath.Join(hub, "projects", approval, "releases", dataset, herTable[dataset].table+".parquet"))] = true
		}
		if len(released) != 1 {
			t.Errorf("under approval %s she has %d codes", approval, len(released))
		}
		for code := range released {
			at["approval "+approval] = code
		}
	}
	allDiffer(t, at)
}

func allDiffer(t *testing.T, at map[string]string) {
	t.Helper()
	where := map[string]string{}
	for place, code := range at {
		if other, twice := where[code]; twice {
			t.Errorf("%s and %s have one code", place, other)
		}
		if len(code) != 32 || strings.Trim(code, "0") == "" {
			t.Errorf("%s: not a code of 16 bytes", place)
		}
		where[code] = place
	}
}

var everyDataset = []string{"primary-care", "slam", "maternity"}

// herTable is where she is known by what, in each dataset.
var herTable = map[string]struct{ table, column, value string }{
	"primary-care": {"patients", "birth_year", "1933"}, "slam": {"patients", "birth_year", "1933"}, "maternity": {"pregnancies", "parity", "8"},
}

// herNumber is that of the woman on two practices' lists; see the README of the
// tiny borough.
const herNumber = "9998292891"

// withHer copies the tiny borough's sources, gives her a year of birth that nobody
// else has, and lets the maternity unit know her.
func (s *storyteller) withHer() []struct{ dataset, site, source string } {
	s.Helper()
	sites := slices.Clone(theSites)
	for i := range sites {
		to := s.file("sources/" + sites[i].site)
		if err := os.CopyFS(to, os.DirFS(sites[i].source)); err != nil {
			s.Fatal(err)
		}
		sites[i].source = to
		s.rewrite(to, "*Admin_Patient*", herYear)
		s.rewrite(to, "MHS001*", herYear)
		s.rewrite(to, "MSD001*", append84(`"84","QM-M0084","Z9M01","1990-02-02","","`+herNumber+`","01","","","",""`))
		s.rewrite(to, "MSD101*", append84(`"84","QM-P0084","QM-M0084","","2026-01-12","","2026-08-01",`+strings.Repeat(`"",`, 16)+`"8","0","","","","","4","24.5"`))
	}
	return sites
}

func herYear(line string) string {
	if strings.Contains(line, herNumber) {
		return strings.ReplaceAll(line, "1970-05-17", "1933-05-17")
	}
	return line
}

// append84 adds a row behind row 83, the last.
func append84(row string) func(string) string {
	return func(line string) string {
		if strings.HasPrefix(line, `"83"`) {
			return line + "\n" + row
		}
		return line
	}
}

// rewrite changes the lines of the files that a pattern finds, if there is one.
func (s *storyteller) rewrite(dir, pattern string, change func(line string) string) {
	s.Helper()
	files, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil || len(files) > 1 {
		s.Fatal(files, err)
	}
	for _, path := range files {
		body, err := os.ReadFile(path)
		if err != nil {
			s.Fatal(err)
		}
		lines := strings.Split(string(body), "\n")
		for i := range lines {
			lines[i] = change(lines[i])
		}
		changed := strings.Join(lines, "\n")
		if changed == string(body) {
			s.Fatalf("%s has not changed", filepath.Base(path))
		}
		if err := os.WriteFile(path, []byte(changed), 0o600); err != nil {
			s.Fatal(err)
		}
	}
}

// approves lets all three Guardians approve what it takes to know her.
func (s *storyteller) approves(what string) (id string) {
	s.Helper()
	var columns strings.Builder
	for _, dataset := range everyDataset {
		for _, column := range []string{"person", herTable[dataset].column} {
			fmt.Fprintln(&columns, dataset, herTable[dataset].table, column)
		}
	}
	if err := os.WriteFile(s.file("columns"), []byte(columns.String()), 0o600); err != nil {
		s.Fatal(err)
	}
	applicant := s.says("key", "guardian", "--dataset", "primary-care", "--name", "applicant", "--out", s.key(what, "applicant"))["public"].(string)
	id = s.says("approval", "draft", "--datasets", strings.Join(everyDataset, ","), "--pairs", "primary-care:slam,primary-care:maternity,slam:maternity",
		"--columns", s.file("columns"), "--title", what, "--summary", "A story", "--purpose", "A story", "--legal-basis", "None", "--dpia", "STORY-1",
		"--applicant", applicant, "--users", "storytellers", "--from", "2026-01-01", "--until", "2099-12-31")["id"].(string)
	s.sign(id, everyDataset...)
	return id
}

// hers is her one code in a table.
func (s *storyteller) hers(dataset, path string) string {
	s.Helper()
	r, err := file.OpenParquetFile(path, false)
	if err != nil {
		s.Fatal(err)
	}
	defer r.Close()
	of, found := herTable[dataset], map[string]bool{}
	for g := range r.NumRowGroups() {
		group, columns := r.RowGroup(g), r.MetaData().Schema
		codes := make([]string, group.NumRows())
		read := func(column string, visit func(row int, text string, _ []byte)) {
			if err := eachValue(group, columns.ColumnIndexByName(column), visit); err != nil {
				s.Fatal(err)
			}
		}
		read("person", func(row int, text string, _ []byte) { codes[row] = text })
		read(of.column, func(row int, text string, _ []byte) {
			if text == of.value {
				found[codes[row]] = true
			}
		})
	}
	if len(found) != 1 {
		s.Fatalf("%s: %d people where she is one", filepath.Base(filepath.Dir(path)), len(found))
	}
	for code := range found {
		return code
	}
	return ""
}
