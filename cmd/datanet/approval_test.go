package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// at sets the clock.
func (s *storyteller) at(moment string) {
	s.Helper()
	now, err := time.Parse(time.DateTime, moment)
	if err != nil {
		s.Fatal(err)
	}
	s.now = func() time.Time { return now }
}

// refused gives a command that must fail with code 3 at the named check, and
// must leave the hub's datasets, projects and publications as they were.
func (s *storyteller) refused(check string, args ...string) {
	s.Helper()
	before := s.listed()
	code, out, errs := s.gives(args...)
	if code != 3 || len(out) > 0 || !strings.Contains(errs, "(failed check: "+check+")") {
		s.Errorf("datanet %s: exit code %d, want 3 and the check %s: %s%s", strings.Join(args, " "), code, check, out, errs)
	}
	if after := s.listed(); after != before {
		s.Errorf("datanet %s left something:\n%s, was\n%s", strings.Join(args, " "), after, before)
	}
}

// listed is every file below the story's folder but the records of what was
// refused, with its size.
func (s *storyteller) listed() string {
	s.Helper()
	var lines strings.Builder
	err := filepath.WalkDir(s.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(s.dir, path)
		if d.IsDir() && (name == "hub/ledger" || name == "hub/audit" || name == "home" || name == "hub.keys") {
			return filepath.SkipDir
		}
		info, err := d.Info()
		if err == nil && !d.IsDir() {
			lines.WriteString(name + " " + info.ModTime().String() + "\n")
		}
		return err
	})
	if err != nil {
		s.Fatal(err)
	}
	return lines.String()
}

// everywhere is every step that an approval allows, as commands.
func (s *storyteller) everywhere(id string) [][]string {
	return [][]string{
		{"release", "--approval", id, "--dataset", "slam", "--custodian", s.key("slam", "custodian")},
		{"link", "--approval", id},
		{"publish", "--approval", id},
		{"publish", "--approval", id, "--out", s.file("elsewhere")},
	}
}

// TestApprovalsKeepToTheirDays: an approval works from its first day to its
// last, both included, in UTC, and a clock that is set back revives nothing.
func TestApprovalsKeepToTheirDays(t *testing.T) {
	s := tellStory(t)
	s.at("2026-11-01 12:00:00")
	s.founds()
	s.loads("primary-care", s.extracts("primary-care", "Z99001", tinyBorough+"primary-care/Z99001"))
	s.loads("slam", s.extracts("slam", "Z9S01", tinyBorough+"slam"))
	id := s.drafts("slam", "2026-11-10", "2026-12-10")
	s.sign(id, "primary-care", "slam")
	for _, args := range s.everywhere(id) {
		s.refused("not-yet", args...)
	}
	s.at("2026-11-09 23:59:59")
	s.refused("not-yet", s.everywhere(id)[0]...)
	s.at("2026-11-10 00:00:00")
	s.releases(id, "primary-care", "slam")
	s.at("2026-12-10 23:59:59")
	s.says("link", "--approval", id)
	s.publishes("linked", "--approval", id)
	ask := []string{"query", "--measure", "smi-blood-pressure", "--publication", s.file("linked")}
	s.says(ask...)

	s.at("2026-12-11 00:00:00")
	for _, args := range s.everywhere(id) {
		s.refused("expired", args...)
	}
	s.refused("expired", ask...)
	s.at("2026-12-10 12:00:00")
	for _, args := range s.everywhere(id) {
		s.refused("expired", args...)
	}

	// A copy where there is no hub holds to its last day.
	hub := s.world["DATANET_HUB"]
	s.world["DATANET_HUB"] = ""
	s.says(ask...)
	s.at("2026-12-11 00:00:00")
	if code, _, message := s.gives(ask...); code != 3 || !strings.Contains(message, "2026-12-10") {
		t.Errorf("a copy after its last day: exit code %d, %s", code, message)
	}
	s.world["DATANET_HUB"] = hub
	s.says("hub", "sweep")
	if _, err := os.Stat(filepath.Join(hub, "projects", id, "linked")); !os.IsNotExist(err) {
		t.Error("the linked tables stand after a sweep")
	}
}

// TestApprovalsRestAtReview: the review day is the last on which an approval works.
func TestApprovalsRestAtReview(t *testing.T) {
	s := tellStory(t)
	s.at("2026-11-01 12:00:00")
	s.founds()
	id := s.drafts("slam", "2026-11-01", "2030-12-31")
	s.sign(id, "primary-care", "slam")
	s.at("2027-11-02 00:00:00")
	for _, args := range s.everywhere(id) {
		s.refused("review", args...)
	}
}

// TestPairsDoNotCombine: primary care may be joined with either trust, and the
// trusts may not be joined with each other, nor all three.
func TestPairsDoNotCombine(t *testing.T) {
	s := tellStory(t)
	s.founds()
	for _, o := range theSites {
		s.loads(o.dataset, s.extracts(o.dataset, o.site, o.source))
	}
	first, second := s.drafts("slam", "2026-01-01", "2099-12-31"), s.drafts("maternity", "2026-01-01", "2099-12-31")
	s.sign(first, "primary-care", "slam")
	s.sign(second, "primary-care", "maternity")
	s.releases(first, "primary-care", "slam")
	s.releases(second, "primary-care", "maternity")
	s.refused("scope", "release", "--approval", first, "--dataset", "maternity", "--custodian", s.key("maternity", "custodian"))

	folder := func(id, dataset string) string {
		return filepath.Join(s.world["DATANET_HUB"], "projects", id, "releases", dataset)
	}
	for _, mixed := range [][]string{
		{folder(first, "slam"), folder(second, "maternity")},
		{folder(first, "primary-care"), folder(second, "maternity")},
		{folder(second, "primary-care"), folder(first, "slam")},
		{folder(first, "primary-care"), folder(first, "slam"), folder(second, "maternity")},
	} {
		before := s.listed()
		args := []string{"link", "--approval", first}
		for _, release := range mixed {
			args = append(args, "--release", release)
		}
		if code, out, errs := s.gives(args...); code == 0 || code == 1 || len(out) > 0 {
			t.Errorf("datanet %s: exit code %d: %s", strings.Join(args, " "), code, errs)
		}
		if s.listed() != before {
			t.Errorf("datanet %s left something", strings.Join(args, " "))
		}
	}
	s.says("link", "--approval", first)
	s.says("link", "--approval", second)
}

// TestPublicationsEndByThemselves: 92 days after it was made, a linked
// publication answers nothing more, is cleared away, and can be made again while
// its approval stands.
func TestPublicationsEndByThemselves(t *testing.T) {
	s := tellStory(t)
	s.at("2026-11-01 12:00:00")
	s.founds()
	for _, o := range theSites {
		if o.dataset != "maternity" {
			s.loads(o.dataset, s.extracts(o.dataset, o.site, o.source))
		}
	}
	id := s.drafts("slam", "2026-11-01", "2027-10-31")
	s.sign(id, "primary-care", "slam")
	s.releases(id, "primary-care", "slam")
	s.says("link", "--approval", id)
	made := s.says("publish", "--approval", id)
	ask := []string{"query", "--measure", "smi-blood-pressure", "--publication", made["publication"].(string)}
	s.at("2027-02-01 23:00:00")
	s.says(ask...)
	if gone := s.says("hub", "sweep")["removed"].([]any); len(gone) != 0 {
		t.Errorf("swept before its last day was over: %v", gone)
	}
	s.at("2027-02-02 00:00:00")
	if code, _, message := s.gives(ask...); code != 3 || !strings.Contains(message, "2027-02-01") {
		t.Errorf("after its last day: exit code %d, %s", code, message)
	}
	if gone := s.says("hub", "sweep")["removed"].([]any); len(gone) != 1 {
		t.Errorf("swept: %v", gone)
	}
	if again := s.says("publish", "--approval", id); again["id"] != made["id"] || again["status"] != "published" {
		t.Errorf("made again: %v", again)
	}
	s.says(ask...)
}
