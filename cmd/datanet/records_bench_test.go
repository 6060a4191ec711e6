package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"datanet/linkage"
	"datanet/pseudonym"
)

// BenchmarkManyRecords runs whole commands, processes and all, at a hub with 10,000
// records: 200 signed requests, the rest loads. The tests of these commands say what they do.
func BenchmarkManyRecords(b *testing.B) {
	const requests, records = 200, 10_000
	dir := filepath.Join(b.TempDir(), "hub-of-many")
	s := newSession(b, dir)
	in := func(parts ...string) string { return filepath.Join(append([]string{dir}, parts...)...) }
	if err := os.MkdirAll(in("keys"), 0o700); err != nil {
		b.Fatal(err)
	}
	public := func(key string) string { return s.must("key", "show", "--public", in("keys", key)) }
	s.must("key", "identity", "--out", in("keys", "identity"))
	s.must("hub", "init", in("hub"))
	for _, role := range []string{"guardian", "applicant"} {
		s.must("key", "guardian", "--dataset", "primary-care", "--name", role, "--out", in("keys", role))
	}
	s.must("hub", "trust", "--dataset", "primary-care", "--guardian", public("guardian"))
	applicant := public("applicant")
	for range requests {
		s.must("approval", "sign", s.drafts([]string{"primary-care"}, applicant), "--guardian", in("keys", "guardian"))
	}
	key, err := pseudonym.Read[*pseudonym.LedgerKey](filepath.Join(keysDir(in("hub")), "ledger.key"), pseudonym.Unlock{})
	if err != nil {
		b.Fatal(err)
	}
	l, err := linkage.Open(in("hub", "ledger"), key.Public())
	if err != nil {
		b.Fatal(err)
	}
	for n := l.Head().Size; n < records; n++ {
		body := linkage.LoadRecord{Dataset: "slam", Site: "Z9S01", Sequence: n, AsAt: "2026-10-31",
			Manifest: strings.Repeat("a", 64), Persons: 120, State: strings.Repeat("b", 64)}
		if err := appendRecord(l, key, time.Now(), body); err != nil {
			b.Fatal(err)
		}
	}
	command := func(args ...string) *exec.Cmd {
		p := exec.Command("datanet", args...)
		for name, value := range s.env {
			p.Env = append(p.Env, name+"="+value)
		}
		p.Env = append(os.Environ(), p.Env...)
		return p
	}
	for _, args := range [][]string{{"--help"}, {"approval", "list"}, {"approval", "verify"}, {"hub", "status"}} {
		b.Run(strings.Join(args, " "), func(b *testing.B) {
			for b.Loop() {
				if out, err := command(args...).CombinedOutput(); err != nil {
					b.Fatalf("%v\n%s", err, out)
				}
			}
		})
	}
	b.Run("approval sign", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			id := s.drafts([]string{"primary-care"}, applicant)
			b.StartTimer()
			if out, err := command("approval", "sign", id, "--guardian", in("keys", "guardian")).CombinedOutput(); err != nil {
				b.Fatalf("%v\n%s", err, out)
			}
		}
	})
}
