package main

import (
	"context"
	"os"
	"strings"
	"testing"

	"datanet/linkage"
)

// TestOldRecordAllowsNothing: whoever cannot sign the record of decisions anew
// does nothing by one that is more than 14 days old, because a revocation could be
// missing from it; hub status signs it anew.
func TestOldRecordAllowsNothing(t *testing.T) {
	s := tellStory(t)
	s.at("2026-11-10 12:00:00")
	s.founds()
	s.loads("primary-care", s.extracts("primary-care", "Z99001", tinyBorough+"primary-care/Z99001"))
	s.loads("slam", s.extracts("slam", "Z9S01", tinyBorough+"slam"))
	id := s.drafts("slam", "2026-11-01", "2027-03-31")
	s.sign(id, "primary-care", "slam")
	s.releases(id, "primary-care", "slam")
	s.says("link", "--approval", id)
	s.publishes("linked", "--approval", id)
	ask := []string{"query", "--measure", "smi-blood-pressure", "--publication", s.file("linked")}

	keys, away := s.world["DATANET_HUB"]+".keys", s.file("away.keys")
	without := func(do func()) {
		t.Helper()
		if err := os.Rename(keys, away); err != nil {
			t.Fatal(err)
		}
		do()
		if err := os.Rename(away, keys); err != nil {
			t.Fatal(err)
		}
	}
	s.at("2026-11-24 12:00:00")
	without(func() { s.says(ask...) })
	s.at("2026-11-24 12:00:01")
	without(func() {
		s.refused("stale", ask...)
		s.says("hub", "status") // whoever cannot sign it only looks
		s.refused("stale", ask...)
	})
	s.says("hub", "status")
	without(func() { s.says(ask...) })

	// With the key at hand it is signed anew where it is needed.
	s.at("2026-12-24 12:00:00")
	s.says(ask...)

	// A clock that is years ahead dates nothing, unless somebody says that it is right.
	another := s.says("key", "guardian", "--dataset", "slam", "--name", "another", "--out", s.file("another.key"))["public"].(string)
	s.at("2030-01-01 00:00:00")
	for _, args := range [][]string{{"hub", "status"}, {"hub", "trust", "--dataset", "slam", "--site", "Z9S02=" + another}} {
		if code, _, message := s.gives(args...); code != 3 || !strings.Contains(message, "failed check: clock") || !strings.Contains(message, "--accept-clock") {
			t.Errorf("%s: exit code %d, %s", strings.Join(args, " "), code, message)
		}
	}
	s.at("2026-12-24 13:00:00")
	s.says(ask...)
	s.at("2030-01-01 00:00:00")
	s.says("hub", "status", "--accept-clock")
	s.refused("expired", ask...)
}

// TestExportsGrowOld: what a Guardian holds says how old it is, and a hub that rested exports a record of today.
func TestExportsGrowOld(t *testing.T) {
	s := tellStory(t)
	s.at("2026-11-10 12:00:00")
	s.founds()
	id := s.drafts("slam", "2026-11-01", "2027-03-31")
	s.at("2026-12-24 12:00:00")
	out := s.file("late.request")
	if said := s.says("approval", "export", id, "--out", out)["time"]; said != "2026-12-24T12:00:00Z" {
		t.Errorf("the record that was exported is of %s", said)
	}
}

// TestRevokedMeanwhile: what others recorded while a command was at work counts when that command signs the record of decisions anew.
func TestRevokedMeanwhile(t *testing.T) {
	s := tellStory(t)
	s.at("2026-11-10 12:00:00")
	s.founds()
	id := s.drafts("slam", "2026-11-01", "2027-03-31")
	s.sign(id, "primary-care", "slam")
	s.at("2026-11-12 12:00:00")
	a := &app{out: os.Stderr, err: os.Stderr, now: s.now, env: func(name string) string { return s.world[name] }, ctx: context.Background(), hub: s.world["DATANET_HUB"]}
	h, err := a.openHub()
	if err != nil {
		t.Fatal(err)
	}
	s.says("approval", "revoke", id, "--guardian", s.key("slam", "guardian"), "--reason", "It has ended")
	ask := linkage.Ask{Approval: id, Action: linkage.ActionLink}
	if p, err := a.permit(h, ask); checkOf(err) != linkage.CheckRevoked || p.For(linkage.ActionLink, "") == nil {
		t.Errorf("%v", err)
	}
}
