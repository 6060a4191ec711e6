package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"datanet/linkage"
	"datanet/schemas"
)

// account holds what linking says of who is missing from SLaM's patients to the answer key: every count that is shown is the key's, rounded, and
// whatever may be shown is.
func (s *storyteller) account(people []map[string]string, linked map[string]any) {
	s.Helper()
	b, err := json.Marshal(linked["quality"])
	if err != nil {
		s.Fatal(err)
	}
	var all []schemas.LinkQuality
	if err := json.Unmarshal(b, &all); err != nil {
		s.Fatal(err)
	}
	links := map[string]bool{}
	for _, p := range people {
		links[p["person_id"]] = allTrue(p, "links_primary_care", "links_slam") == 1
	}
	shown := 0
	for _, q := range all {
		if q.Dataset != "slam" {
			continue
		}
		patients := slamPatients(readCSV(s.T, s.file("borough/truth/slam.csv")))
		for _, d := range q.Dimensions {
			of := map[string]func(map[string]string) string{"sex": sexOf, "ward": wardOf}[d.Dimension]
			if of != nil {
				shown += s.countsAre(d, patients, of, links)
			}
		}
	}
	if shown < 4 {
		s.Errorf("only %d groups of SLaM's patients are shown", shown)
	}
}

// everyColumn asks for every column of the datasets, those of groups among them.
func (s *storyteller) everyColumn(datasets ...string) (file string) {
	s.Helper()
	var lines strings.Builder
	for _, name := range datasets {
		d, err := schemas.DatasetByID(name)
		if err != nil {
			s.Fatal(err)
		}
		for _, t := range d.Tables {
			for _, c := range t.Columns {
				fmt.Fprintln(&lines, name, t.Name, c.Name)
			}
		}
	}
	file = s.file("columns.txt")
	if err := os.WriteFile(file, []byte(lines.String()), 0o600); err != nil {
		s.Fatal(err)
	}
	return file
}

// reports writes the account of what is linked already as a page, twice the same, and over nothing that is not ours.
func (s *storyteller) reports(id string) {
	s.Helper()
	var pages [2]string
	for i := range pages {
		s.says("link", "--approval", id, "--report", s.file("missing.html"))
		text, err := os.ReadFile(s.file("missing.html"))
		if err != nil {
			s.Fatal(err)
		}
		pages[i] = string(text)
	}
	if pages[0] != pages[1] || !strings.Contains(pages[0], "By sex") || !strings.Contains(pages[0], "[c]") {
		s.Error("the page is not the account, or not the same each time")
	}
	code, out, message := s.gives("link", "--approval", id, "--report", s.file("columns.txt"))
	if code != 2 || len(out) > 0 || strings.Count(message, "datanet: error:") != 1 {
		s.Errorf("a page over another file: exit code %d, %s%s", code, out, message)
	}
}

// slamPatients folds rows of one usable number into one person, as release counts them.
func slamPatients(rows []map[string]string) (patients []map[string]string) {
	seen := map[string]int{}
	for _, r := range rows {
		if r["gate"] != "" {
			continue
		}
		if at, twice := seen[r["nhs_number_recorded"]]; twice && r["usable"] == "true" {
			patients[at]["twice"] = "true" // which of the two rows counts is the rule's affair
			continue
		}
		seen[r["nhs_number_recorded"]] = len(patients)
		patients = append(patients, r)
	}
	return patients
}

func sexOf(p map[string]string) string {
	if p["gender"] == "F" || p["gender"] == "M" {
		return p["gender"]
	}
	return "other"
}

func wardOf(p map[string]string) string { return p["ward"] }

// countsAre compares a dimension. Somebody recorded twice may count in either group.
func (s *storyteller) countsAre(d schemas.LinkDimension, patients []map[string]string, of func(map[string]string) string, links map[string]bool) (shown int) {
	for _, g := range d.Groups {
		var linked, not, without, twice int64
		for _, p := range patients {
			switch {
			case of(p) != g.Value:
			case p["usable"] != "true":
				without++
			case links[p["person_id"]]:
				linked++
			default:
				not++
			}
			if p["twice"] == "true" {
				twice++
			}
		}
		for _, c := range []struct {
			what string
			got  *int64
			want int64
		}{{"linked", g.Linked, linked}, {"not found", g.NotFound, not}, {"without a number", g.Without, without}} {
			if c.got == nil {
				continue
			}
			shown++
			if low, high := linkage.Round5(max(0, c.want-twice)), linkage.Round5(c.want+twice); *c.got < low || *c.got > high || c.want+twice < 8 {
				s.Errorf("%s %s, %s: %d, the answer key has %d", d.Dimension, g.Value, c.what, *c.got, c.want)
			}
		}
	}
	return shown
}

// TestMostMissed: the three groups of the highest ratio whose interval lies above 1, and never an age.
func TestMostMissed(t *testing.T) {
	ratio := func(value, lower float64) *schemas.Interval { return &schemas.Interval{Value: value, Lower: lower} }
	q := schemas.LinkQuality{Dataset: "slam", Dimensions: []schemas.LinkDimension{
		{Dimension: "age", Groups: []schemas.LinkGroup{{Value: "0-17", NumberRatio: ratio(9, 8)}}},
		{Dimension: "sex", Groups: []schemas.LinkGroup{{Value: "F", NumberRatio: ratio(1.2, 0.9)}, {Value: "M"}}},
		{Dimension: "ethnicity", Groups: []schemas.LinkGroup{{Value: "N", NumberRatio: ratio(2, 1.5)}, {Value: "Asian", NumberRatio: ratio(3, 1.1)}}},
		{Dimension: "ward", Groups: []schemas.LinkGroup{{Value: "E05014096", NumberRatio: ratio(1.4, 1.1)}, {Value: "E05014097", NumberRatio: ratio(1.3, 1.1)}}},
	}}
	var got string
	for _, g := range mostMissedOf(q) {
		got += g.Value + " " + schemas.GroupTitle(g.dimension, g.Value) + "\n"
	}
	if want := "Asian Asian\nN Black African\nE05014096 Brixton North\n"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
