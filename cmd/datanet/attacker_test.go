package main

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"datanet/linkage"
)

// An attacker stands in a world of their own, in which a request for primary care with the mental-health trust is under way.
type attacker struct {
	*storyteller
	id, other string // of the request; and of another one, once it is there

	path    string   // of a file that is changed before each try, and then put back
	changed [][]byte // what it is changed to
}

// attackStages tells the story up to each stage.
func attackStages(t *testing.T) map[string]*storyteller {
	s, stages := tellStory(t), map[string]*storyteller{}
	s.at("2026-11-01 12:00:00")
	stage := func(name string) { stages[name] = s.copied(t) }
	s.founds()
	for _, o := range theSites {
		extracted := s.extracts(o.dataset, o.site, o.source)
		if o.site != "Z99002" { // whose extract is on its way
			s.loads(o.dataset, extracted)
		}
	}
	stage("loaded")
	id := s.drafts("slam", "2026-11-01", "2026-12-10", "--review", "2026-12-05")
	stage("drafted")
	s.sign(id, "primary-care")
	stage("half")
	s.sign(id, "slam")
	stage("approved")
	s.releases(id, "primary-care", "slam")
	stage("released")
	s.says("link", "--approval", id)
	s.says("publish", "--approval", id)
	stage("published")
	return stages
}

// copied is the same world once more, elsewhere.
func (s *storyteller) copied(t *testing.T) *storyteller {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "world")
	if err := copyTree(s.dir, dir); err != nil {
		t.Fatal(err)
	}
	world := map[string]string{}
	for name, path := range s.world {
		world[name] = filepath.Join(dir, strings.TrimPrefix(path, s.dir))
	}
	return &storyteller{t, dir, world, s.now}
}

func enter(t *testing.T, stages map[string]*storyteller, name string) *attacker {
	t.Helper()
	return &attacker{storyteller: stages[name].copied(t), id: "2026-001"}
}

// tries gives a command, once for each change of a file.
func (w *attacker) tries(x attack, args []string) {
	w.Helper()
	if w.path == "" {
		w.repels(x, args)
		return
	}
	whole := w.reads(w.path)
	for _, changed := range w.changed {
		w.writes(w.path, changed)
		w.repels(x, args)
	}
	w.writes(w.path, whole)
}

// repels gives a command that must be refused as the table says.
func (w *attacker) repels(x attack, args []string) {
	w.Helper()
	before, records := w.standing(), w.ledger()
	code, out, errs := w.gives(append(args, "--json")...)
	var said struct {
		Error struct {
			Code           int
			Message, Check string
			Hints          []string
		}
	}
	if err := json.Unmarshal([]byte(errs), &said); err != nil || code != x.code || said.Error.Code != x.code || said.Error.Check != x.check || len(said.Error.Hints) == 0 || len(out) > 0 {
		w.Errorf("datanet %s: exit code %d, want %d and the check %q: %s%s", strings.Join(args, " "), code, x.code, x.check, out, errs)
	}
	if left := different(before, w.standing()); len(left) > 0 {
		w.Errorf("datanet %s left, took or changed: %s", strings.Join(args, " "), strings.Join(left, ", "))
	}
	added, grown := strings.CutPrefix(w.ledger(), records)
	if strings.HasPrefix(x.denied, "none: ") {
		if !grown || added != "" {
			w.Errorf("datanet %s: the record of decisions was changed: %s", strings.Join(args, " "), added)
		}
		return
	}
	record, err := linkage.ParseRecord([]byte(strings.TrimSuffix(added, "\n")))
	if !grown || err != nil || record.Kind != linkage.KindDenied {
		w.Fatalf("datanet %s: not recorded as denied: %v: %s", strings.Join(args, " "), err, added)
	}
	body, err := record.Decode()
	w.must(err)
	if denied := body.(linkage.DeniedRecord); string(denied.Action) != x.action(args) || denied.Check != x.check {
		w.Errorf("datanet %s: recorded as %+v", strings.Join(args, " "), denied)
	}
}

// standing is every file that there is, with the time of its last change: of the hub, all but the ledger, the audit log and locks.
func (w *attacker) standing() []string {
	w.Helper()
	return slices.DeleteFunc(strings.Split(w.listed(), "\n"), func(line string) bool {
		return strings.Contains(line, "/lock ") || strings.HasPrefix(line, "another/ledger/") || strings.HasPrefix(line, "another/audit/")
	})
}

// different are the lines that only one of two lists has.
func different(before, after []string) (lines []string) {
	for _, lists := range [][2][]string{{before, after}, {after, before}} {
		for _, line := range lists[0] {
			if !slices.Contains(lists[1], line) {
				lines = append(lines, line)
			}
		}
	}
	return lines
}

// action is what the denied record says was asked for.
func (x attack) action(args []string) string {
	switch {
	case x.denied != "each":
		return x.denied
	case args[0] == "approval":
		return args[1]
	}
	return args[0]
}
