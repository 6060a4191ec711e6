package main

import (
	"bytes"
	"context"
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
	now   func() time.Time
}

func tellStory(t *testing.T) *storyteller {
	dir := t.TempDir()
	s := &storyteller{t, dir, map[string]string{
		"DATANET_HUB": filepath.Join(dir, "hub"), "DATANET_HOME": filepath.Join(dir, "home"), "DATANET_IDENTITY": filepath.Join(dir, "identity"),
	}, time.Now}
	s.says("key", "identity", "--out", s.world["DATANET_IDENTITY"])
	return s
}

// gives runs one command line and returns its exit code and what it printed.
func (s *storyteller) gives(args ...string) (int, []byte, string) {
	s.Helper()
	var out, errs bytes.Buffer
	a := &app{out: &out, err: &errs, now: s.now, env: func(name string) string { return s.world[name] }}
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

// theSites are the organisations of the tiny borough.
var theSites = []struct{ dataset, site, source string }{
	{"primary-care", "Z99001", tinyBorough + "primary-care/Z99001"}, {"primary-care", "Z99002", tinyBorough + "primary-care/Z99002"},
	{"slam", "Z9S01", tinyBorough + "slam"}, {"maternity", "Z9M01", tinyBorough + "maternity"},
}

// TestBorough takes the borough of testdata from its organisations' files to
// the planners' tables. testdata/borough/README.md tells who lives there.
func TestBorough(t *testing.T) {
	s := tellStory(t)

	// The key holder makes K. The hub is founded, and told whom it trusts.
	s.founds()

	// Each organisation gets its key, extracts, and the custodian loads.
	for _, o := range theSites {
		extracted := s.extracts(o.dataset, o.site, o.source)
		if o.site == "Z99001" {
			s.leavesOut(extracted)
		}
		s.loads(o.dataset, extracted)
	}

	// The publisher publishes; what a planner then reads is the truth, protected.
	s.publishes("publication")
	for _, table := range []string{"ward,ethnicity", "ward", "ethnicity", ""} {
		s.agrees("hypertension", table, "publication")
	}

	// Once its Guardians have signed, each pair is released, linked and published.
	linked := s.joins("slam")
	if n := linked["pairs"].(map[string]any)["primary-care:slam"]; n != 154.0 {
		t.Errorf("%v people are in both primary care and the trust, want 154", n)
	}
	for _, table := range []string{"ward,ethnicity", "ward", "ethnicity", ""} {
		s.agrees("smi-blood-pressure", table, "linked-slam")
	}
	linked = s.joins("maternity")
	for field, want := range map[string]float64{"mothers": 2, "babies": 3, "edges": 3, "quarantined": 2} {
		if linked[field] != want {
			t.Errorf("%s: %v, want %v", field, linked[field], want)
		}
	}
	if n := linked["pairs"].(map[string]any)["primary-care:maternity"]; n != 85.0 {
		t.Errorf("%v people are in both primary care and the unit, want 85", n)
	}
	for _, table := range []string{"ward,ethnicity", "ward", "ethnicity", ""} {
		s.agrees("pregnancy-long-term-conditions", table, "linked-maternity")
	}
}

func (s *storyteller) key(whose, role string) string { return s.file(whose + "." + role) }

func (s *storyteller) founds() {
	s.Helper()
	s.says("key", "linkage", "--out", s.file("linkage.key"))
	s.says("hub", "init", s.file("hub"), "--name", "A small borough")
	for _, dataset := range []string{"primary-care", "slam", "maternity"} {
		custodian := s.says("key", "custodian", "--dataset", dataset, "--out", s.key(dataset, "custodian"))["public"].(string)
		guardian := s.says("key", "guardian", "--dataset", dataset, "--name", "ada", "--out", s.key(dataset, "guardian"))["public"].(string)
		s.says("hub", "trust", "--dataset", dataset, "--guardian", guardian, "--custodian", custodian)
	}
}

// extracts takes one organisation from its wrap key to its extract.
func (s *storyteller) extracts(dataset, site, source string) map[string]any {
	s.Helper()
	s.says("key", "wrap", "--dataset", dataset, "--site", site, "--custodian", s.key(dataset, "custodian"), "--out", s.file(site+".wrap"))
	public := s.says("key", "site", "--dataset", dataset, "--site", site, "--linkage", s.file("linkage.key"), "--wrap", s.file(site+".wrap"), "--out", s.file(site+".key"))["public"].(string)
	s.says("hub", "trust", "--dataset", dataset, "--site", site+"="+public)
	return s.says("extract", "--key", s.file(site+".key"), "--source", source, "--out", s.file("extracts"), "--test-numbers")
}

func (s *storyteller) loads(dataset string, extracted map[string]any) {
	s.Helper()
	s.says("load", extracted["extract"].(string), "--custodian", s.key(dataset, "custodian"))
}

func (s *storyteller) publishes(to string, more ...string) {
	s.Helper()
	published := s.says(append([]string{"publish", "--out", s.file(to)}, more...)...)
	if n := published["audit"].(map[string]any)["exact_recoveries"]; n != 0.0 {
		s.Errorf("the audit recovered %v counts", n)
	}
}

// drafts asks for an approval of primary care with another dataset.
func (s *storyteller) drafts(dataset, from, until string, more ...string) (id string) {
	s.Helper()
	applicant := s.key("applicant-"+dataset+from+until, "key")
	public := s.says("key", "guardian", "--dataset", "primary-care", "--name", "applicant", "--out", applicant)["public"].(string)
	return s.says(append([]string{"approval", "draft", "--datasets", "primary-care," + dataset, "--pairs", "primary-care:" + dataset, "--title", "A story", "--summary", "A story", "--purpose", "A story",
		"--legal-basis", "None", "--dpia", "STORY-1", "--applicant", public, "--users", "storytellers", "--from", from, "--until", until}, more...)...)["id"].(string)
}

func (s *storyteller) sign(id string, datasets ...string) {
	s.Helper()
	for _, d := range datasets {
		s.says("approval", "sign", id, "--guardian", s.key(d, "guardian"))
	}
}

func (s *storyteller) releases(id string, datasets ...string) {
	s.Helper()
	for _, d := range datasets {
		s.says("release", "--approval", id, "--dataset", d, "--custodian", s.key(d, "custodian"))
	}
}

// joins takes primary care and another dataset to a linked publication.
func (s *storyteller) joins(dataset string) map[string]any {
	s.Helper()
	id := s.drafts(dataset, "2026-01-01", "2099-12-31")
	s.sign(id, "primary-care", dataset)
	s.releases(id, "primary-care", dataset)
	linked := s.says("link", "--approval", id)
	s.publishes("linked-"+dataset, "--approval", id)
	return linked
}

// TestOlderStatePutBack: the custodian signed the older state too, so only the
// record of decisions can tell that somebody put it back.
func TestOlderStatePutBack(t *testing.T) {
	s := tellStory(t)
	s.founds()
	datasets := filepath.Join(s.world["DATANET_HUB"], "datasets")
	first := s.extracts("primary-care", "Z99001", tinyBorough+"primary-care/Z99001")
	s.loads("primary-care", first)
	if err := os.CopyFS(s.file("older"), os.DirFS(datasets)); err != nil {
		t.Fatal(err)
	}
	second := s.extracts("primary-care", "Z99002", tinyBorough+"primary-care/Z99002")
	s.loads("primary-care", second)
	if err := errors.Join(os.RemoveAll(datasets), os.Rename(s.file("older"), datasets)); err != nil {
		t.Fatal(err)
	}
	code, _, message := s.gives("publish", "--out", s.file("publication"))
	if code != 6 || !strings.Contains(message, "an older one was put back") {
		t.Errorf("publishing an older state: exit code %d, %s", code, message)
	}
	code, _, message = s.gives("load", second["extract"].(string), "--custodian", s.key("primary-care", "custodian"))
	if code != 6 || !strings.Contains(message, "an older one was put back") {
		t.Errorf("loading into an older state: exit code %d, %s", code, message)
	}
	// What the message advises works.
	if err := os.RemoveAll(filepath.Join(datasets, "primary-care")); err != nil {
		t.Fatal(err)
	}
	s.loads("primary-care", first)
	s.loads("primary-care", second)
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

// agrees compares a published table with the exact counts of testdata. Whatever
// the noise, of every table something is large enough to be shown.
func (s *storyteller) agrees(measure, by, publication string) {
	s.Helper()
	shown, args := 0, []string{"query", "--measure", measure, "--publication", s.file(publication)}
	if by != "" {
		args = append(args, "--by", by)
	}
	for _, r := range s.says(args...)["rows"].([]any) {
		row := r.(map[string]any)
		ward, _ := row["ward_name"].(string)
		ethnicity, _ := row["ethnicity"].(string)
		numerator, denominator := s.exact(measure, ward, ethnicity)
		s.near(row["denominator"], denominator)
		s.near(row["numerator"], numerator)
		if numerator > 12 && row["note"] == "" {
			shown++
		}
	}
	if shown == 0 {
		s.Errorf("%s by %q: nothing is shown", measure, by)
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

// exact looks a group up in testdata; a group that is not there is empty.
func (s *storyteller) exact(measure, ward, ethnicity string) (numerator, denominator int) {
	s.Helper()
	for _, name := range []string{"expected.csv", "expected-linked.csv"} {
		for _, r := range readCSV(s.T, tinyBorough+name) {
			if own, linked := r["measure"]; (!linked && measure != "hypertension") || (linked && own != measure) {
				continue
			}
			if (ward == "" || r["ward"] == ward) && (ethnicity == "" || r["ethnicity"] == ethnicity) {
				n, _ := strconv.Atoi(r["numerator"])
				m, _ := strconv.Atoi(r["denominator"])
				numerator, denominator = numerator+n, denominator+m
			}
		}
	}
	return numerator, denominator
}
