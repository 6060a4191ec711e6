package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A storyteller gives commands as people would, in one temporary world.
type storyteller struct {
	*testing.T
	dir   string
	world map[string]string
}

func tellStory(t *testing.T) *storyteller {
	dir := t.TempDir()
	s := &storyteller{t, dir, map[string]string{
		"DATANET_HUB": filepath.Join(dir, "hub"), "DATANET_HOME": filepath.Join(dir, "home"), "DATANET_IDENTITY": filepath.Join(dir, "identity"),
	}}
	s.says("key", "identity", "--out", s.world["DATANET_IDENTITY"])
	return s
}

// gives runs one command line and returns its exit code and what it printed.
func (s *storyteller) gives(args ...string) (int, []byte, string) {
	s.Helper()
	var out, errs bytes.Buffer
	a := &app{out: &out, err: &errs, now: time.Now, env: func(name string) string { return s.world[name] }}
	code := a.execute(context.Background(), args)
	return code, out.Bytes(), errs.String()
}

// says runs a command that must succeed, and returns its JSON document.
func (s *storyteller) says(args ...string) map[string]any {
	s.Helper()
	code, out, errs := s.gives(append(args, "--json")...)
	if code != 0 {
		s.Fatalf("datanet %s: exit code %d\n%s", strings.Join(args, " "), code, errs)
	}
	var document map[string]any
	if err := json.Unmarshal(out, &document); err != nil {
		s.Fatalf("datanet %s: %v", strings.Join(args, " "), err)
	}
	return document
}

func (s *storyteller) file(name string) string { return filepath.Join(s.dir, name) }

const tinyBorough = "../../testdata/borough/"

// TestBorough takes the borough of testdata from its practices' files to the
// planners' table. testdata/borough/README.md tells who lives there.
func TestBorough(t *testing.T) {
	s := tellStory(t)

	// The key holder makes K. The hub is founded, and told whom it trusts.
	s.founds()

	// Each practice gets its key, extracts, and the custodian loads.
	for _, site := range []string{"Z99001", "Z99002"} {
		extracted := s.extracts(site)
		if site == "Z99001" {
			s.leavesOut(extracted)
		}
		s.says("load", extracted["extract"].(string), "--custodian", s.file("custodian.key"))
	}

	// The publisher publishes; what a planner then reads is the truth, protected.
	published := s.says("publish", "--out", s.file("publication"))
	if n := published["audit"].(map[string]any)["exact_recoveries"]; n != 0.0 {
		t.Errorf("the audit recovered %v counts", n)
	}
	for _, table := range []string{"ward,ethnicity", "ward", "ethnicity", ""} {
		s.agrees(table)
	}
}

func (s *storyteller) founds() {
	s.Helper()
	s.says("key", "linkage", "--out", s.file("linkage.key"))
	s.says("hub", "init", s.file("hub"), "--name", "A small borough")
	custodian := s.says("key", "custodian", "--dataset", "primary-care", "--out", s.file("custodian.key"))["public"].(string)
	guardian := s.says("key", "guardian", "--dataset", "primary-care", "--name", "ada", "--out", s.file("guardian.key"))["public"].(string)
	s.says("hub", "trust", "--dataset", "primary-care", "--guardian", guardian, "--custodian", custodian)
}

// extracts takes one practice from its wrap key to its extract.
func (s *storyteller) extracts(site string) map[string]any {
	s.Helper()
	s.says("key", "wrap", "--dataset", "primary-care", "--site", site, "--custodian", s.file("custodian.key"), "--out", s.file(site+".wrap"))
	public := s.says("key", "site", "--dataset", "primary-care", "--site", site, "--linkage", s.file("linkage.key"), "--wrap", s.file(site+".wrap"), "--out", s.file(site+".key"))["public"].(string)
	s.says("hub", "trust", "--dataset", "primary-care", "--site", site+"="+public)
	return s.says("extract", "--key", s.file(site+".key"), "--source", tinyBorough+"primary-care/"+site, "--out", s.file("extracts"), "--test-numbers")
}

// TestOlderStatePutBack: the custodian signed the older state too, so only the
// record of decisions can tell that somebody put it back.
func TestOlderStatePutBack(t *testing.T) {
	s := tellStory(t)
	s.founds()
	datasets := filepath.Join(s.world["DATANET_HUB"], "datasets")
	s.says("load", s.extracts("Z99001")["extract"].(string), "--custodian", s.file("custodian.key"))
	if err := os.CopyFS(s.file("older"), os.DirFS(datasets)); err != nil {
		t.Fatal(err)
	}
	second := s.extracts("Z99002")["extract"].(string)
	s.says("load", second, "--custodian", s.file("custodian.key"))
	if err := errors.Join(os.RemoveAll(datasets), os.Rename(s.file("older"), datasets)); err != nil {
		t.Fatal(err)
	}
	code, _, message := s.gives("publish", "--out", s.file("publication"))
	if code != 6 || !strings.Contains(message, "an older one was put back") {
		t.Errorf("publishing an older state: exit code %d, %s", code, message)
	}
	// What the message advises works.
	s.says("load", second, "--custodian", s.file("custodian.key"))
	s.says("publish", "--out", s.file("publication"))
}

// leavesOut holds the first practice's account to the people of the README.
func (s *storyteller) leavesOut(extracted map[string]any) {
	s.Helper()
	gates := extracted["gates"].(map[string]any)
	for table, want := range map[string]map[string]float64{
		"patients":     {"test": 2, "deleted": 1, "type-1": 1, "restricted": 1, "confidential": 1},
		"observations": {"other-organisation": 2, "identifier-code": 1, "deleted": 1, "confidential": 1, "person-left-out": 13},
	} {
		for reason, n := range want {
			if got := gates[table].(map[string]any)[reason]; got != n {
				s.Errorf("%s left out as %s: %v, want %v", table, reason, got, n)
			}
		}
	}
}

// agrees compares a published table with the exact counts of testdata.
func (s *storyteller) agrees(by string) {
	s.Helper()
	args := []string{"query", "--measure", "hypertension", "--publication", s.file("publication")}
	if by != "" {
		args = append(args, "--by", by)
	}
	shown := 0
	for _, r := range s.says(args...)["rows"].([]any) {
		row := r.(map[string]any)
		ward, _ := row["ward_name"].(string)
		ethnicity, _ := row["ethnicity"].(string)
		numerator, denominator := s.exact(ward, ethnicity)
		s.near(row["denominator"], denominator)
		s.near(row["numerator"], numerator)
		if row["note"] == "" {
			shown++
		}
	}
	if want := map[string]int{"ward,ethnicity": 3, "ward": 2, "ethnicity": 2, "": 1}[by]; shown != want {
		s.Errorf("by %q: %d groups are shown, want %d", by, shown, want)
	}
}

// near holds one published count to the exact one: within 5 of noise and 2 of
// rounding, a multiple of 5, and never shown where the truth is 1 to 7.
func (s *storyteller) near(published any, exact int) {
	s.Helper()
	n, ok := published.(float64)
	switch {
	case !ok && exact > 12:
		s.Errorf("%d people are withheld", exact)
	case ok && exact < 8 && (n != 0 || exact != 0):
		s.Errorf("%d people are shown as %v", exact, n)
	case ok && (n < float64(exact-7) || n > float64(exact+7) || int(n)%5 != 0):
		s.Errorf("%d people are published as %v", exact, n)
	}
}

// exact looks a group up in expected.csv; a group that is not there is empty.
func (s *storyteller) exact(ward, ethnicity string) (numerator, denominator int) {
	s.Helper()
	f, err := os.Open(tinyBorough + "expected.csv")
	if err != nil {
		s.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		s.Fatal(err)
	}
	for _, r := range rows[1:] {
		if r[0] == ward && r[1] == ethnicity {
			numerator, _ = strconv.Atoi(r[2])
			denominator, _ = strconv.Atoi(r[3])
		}
	}
	return numerator, denominator
}
