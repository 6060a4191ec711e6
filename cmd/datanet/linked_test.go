package main

import (
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"datanet/pipeline/engine"
)

// TestLinkedEqualsTheAnswerKey takes synthetic boroughs through every step and
// holds who is linked to what the answer key says, to the person.
func TestLinkedEqualsTheAnswerKey(t *testing.T) {
	if testing.Short() {
		t.Skip("makes boroughs")
	}
	for _, seed := range []int{21, 22, 23} {
		t.Run("seed "+strconv.Itoa(seed), func(t *testing.T) { linkBorough(t, seed) })
	}
}

func linkBorough(t *testing.T, seed int) {
	s := tellStory(t)
	made := s.says("synth", "--out", s.file("borough"), "--people", "8000", "--practices", "2", "--seed", strconv.Itoa(seed), "--as-at", "2026-10-31")
	s.founds()
	for _, d := range made["datasets"].([]any) {
		set := d.(map[string]any)
		for _, x := range set["sites"].([]any) {
			site := x.(map[string]any)
			s.loads(set["dataset"].(string), s.extracts(set["dataset"].(string), site["site"].(string), site["source"].(string)))
		}
	}
	people := readCSV(t, s.file("borough/truth/people.csv"))
	for _, other := range []string{"slam", "maternity"} {
		var more []string
		if other == "slam" {
			more = []string{"--columns", s.everyColumn("primary-care", other)}
		}
		id := s.drafts(other, "2026-01-01", "2099-12-31", more...)
		s.sign(id, "primary-care", other)
		s.releases(id, "primary-care", other)
		linked := s.says("link", "--approval", id)
		want := countTrue(people, "links_primary_care", "links_"+other)
		if got := linked["pairs"].(map[string]any)["primary-care:"+other]; want < 30 || got != float64(want) {
			t.Errorf("in both primary care and %s: %v, the answer key has %d", other, got, want)
		}
		if other == "maternity" {
			s.family(people, linked)
		} else {
			s.account(people, linked)
			s.reports(id)
		}
	}
}

// family compares mothers, babies and the edges between them.
func (s *storyteller) family(people []map[string]string, linked map[string]any) {
	s.Helper()
	e, err := engine.Open(s.Context(), engine.Options{Folders: []string{linked["linked"].(string)}})
	if err != nil {
		s.Fatal(err)
	}
	defer e.Close()
	file := func(name string) string { return engine.ReadParquet(filepath.Join(linked["linked"].(string), name)) }
	both := "(SELECT person FROM " + file("people.parquet") + " WHERE in_primary_care AND in_maternity)"
	for _, c := range []struct {
		what, query string
		want        int
	}{
		{"mothers", "SELECT count(DISTINCT person) FROM " + file("maternity_pregnancies.parquet") + " WHERE person IN " + both, countTrue(people, "links_primary_care", "links_maternity", "is_mother")},
		{"babies", "SELECT count(DISTINCT baby) FROM " + file("maternity_births.parquet") + " WHERE baby IN " + both, countTrue(people, "links_primary_care", "links_maternity", "is_baby")},
		{"mothers with their babies", "SELECT count(*) FROM " + file("edges.parquet") + " WHERE mother IN " + both + " AND baby IN " + both, countPairs(people)},
	} {
		got, err := e.Number(s.Context(), c.what, c.query)
		if err != nil {
			s.Fatal(err)
		}
		if c.want < 10 || got != int64(c.want) {
			s.Errorf("linked %s: %d, the answer key has %d", c.what, got, c.want)
		}
	}
}

func countTrue(people []map[string]string, columns ...string) int {
	n := 0
	for _, p := range people {
		n += allTrue(p, columns...)
	}
	return n
}

func allTrue(p map[string]string, columns ...string) int {
	for _, c := range columns {
		if p[c] != "true" {
			return 0
		}
	}
	return 1
}

// countPairs are babies that link, with the one mother that is recorded for
// each, who links too.
func countPairs(people []map[string]string) int {
	mothers, n := map[string]bool{}, 0
	for _, p := range people {
		mothers[p["person_id"]] = allTrue(p, "links_primary_care", "links_maternity", "is_mother") == 1
	}
	for _, p := range people {
		if mother := p["mother"]; mother != "" && !strings.Contains(mother, " ") && mothers[mother] {
			n += allTrue(p, "links_primary_care", "links_maternity", "is_baby")
		}
	}
	return n
}
