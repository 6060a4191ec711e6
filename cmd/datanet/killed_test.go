package main

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestKilled kills -9 datanet extract at random instants, one in each
// hundredth of its duration, for a folder and for a sealed file with an account of
// what was left out, and fewer times in a dry run. Afterwards there is nothing or
// the whole extract, and no account without it; the next run needs no repair by
// hand and clears what the killed one left; no number is given twice; and nothing
// lies anywhere else.
func TestKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("kills some hundred processes")
	}
	for _, form := range []struct {
		name     string
		suffix   string
		flags    []string
		instants int
	}{
		{"folder", "", nil, 100},
		{"sealed", ".age", []string{"--seal", "--rejects", account}, 100},
		{"dry run", "", []string{"--dry-run", "--rejects", account}, 30},
	} {
		t.Run(form.name, func(t *testing.T) {
			t.Parallel()
			v := &victim{practice: newPractice(t), final: extractName + form.suffix, flags: form.flags}
			instants := form.instants
			mkdir(t, v.in("accounts"))
			whole := v.lasts(v.run, func() { v.take() })
			seed := rand.Uint64()
			t.Logf("seed %d, a run lasts %v", seed, whole)
			r := rand.New(rand.NewPCG(seed, 0))
			for _, i := range r.Perm(instants) {
				v.kill(func(<-chan struct{}) {
					time.Sleep((whole*time.Duration(i) + time.Duration(r.Int64N(int64(whole)))) / time.Duration(instants))
				})
				if i%10 == 0 {
					v.recovers()
				}
			}
			// The moment between the number's being counted and the extract's
			// getting its name is short: it is waited for.
			for range 10 {
				if !v.dry() {
					v.kill(v.untilCounted)
				}
			}
			v.recovers()
			t.Logf("killed %d times; it had ended %d times, of %d extracts", v.kills, v.ended, v.last)
			if v.ended > v.kills/2 {
				t.Errorf("of %d kills, %d came too late: this shows little", v.kills, v.ended)
			}
		})
	}
}

type victim struct {
	*practice
	final string // the extract's name
	flags []string
	last  int64 // number of the last extract that was seen
	kills int
	ended int // of those, how often the work was done by then
}

// account is where the account of what was left out goes.
const account = "accounts/rejects.csv"

func (v *victim) dry() bool      { return slices.Contains(v.flags, "--dry-run") }
func (v *victim) accounts() bool { return slices.Contains(v.flags, "--rejects") }

func (v *victim) run() *exec.Cmd { return v.extract(v.flags...) }

// kill starts a run and kills it when wait returns.
func (v *victim) kill(wait func(ended <-chan struct{})) {
	v.Helper()
	c := v.run()
	if err := c.Start(); err != nil {
		v.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { c.Wait(); close(ended) }()
	wait(ended)
	c.Process.Kill()
	<-ended
	if status := c.ProcessState.Sys().(syscall.WaitStatus); !c.ProcessState.Success() && status.Signal() != syscall.SIGKILL {
		v.Errorf("a run failed by itself: %v", c.ProcessState)
	}
	v.kills++
	if v.take() {
		v.ended++
	}
	for dir, prefix := range map[string]string{"out": ".datanet-extract-", "accounts": ".datanet-rejects-"} {
		for _, name := range v.names(dir) {
			if !strings.HasPrefix(name, prefix) {
				v.Errorf("a killed run left %s", name)
			}
		}
	}
	v.nowhereElse()
}

// take verifies what there is of an extract and its account, and takes both away.
func (v *victim) take() (something bool) {
	v.Helper()
	_, none := os.Lstat(v.in("out", v.final))
	accounted := os.Remove(v.in(account)) == nil
	if accounted && none != nil && !v.dry() {
		v.Errorf("an account without its extract")
	}
	if none != nil {
		return accounted
	}
	path := v.in("out", v.final)
	number := v.whole(path)
	if number <= v.last {
		v.Errorf("number %d after %d", number, v.last)
	}
	v.last = number
	if err := os.RemoveAll(path); err != nil {
		v.Fatal(err)
	}
	return true
}

// recovers: the next run works, and leaves nothing but its extract.
func (v *victim) recovers() {
	v.Helper()
	v.runs(v.run())
	if got := v.names("out"); !slices.Equal(got, []string{v.final}) && !(v.dry() && len(got) == 0) {
		v.Errorf("after the next run there lies %v", got)
	}
	if got := v.names("accounts"); v.accounts() != slices.Equal(got, []string{"rejects.csv"}) {
		v.Errorf("of accounts there lies %v", got)
	}
	v.take()
	want := []string{"custodian.key", "identity", "linkage.key", "site.key", "site.key.state", "wrap"}
	if got := v.names("keys"); !v.dry() && !slices.Equal(got, want) {
		v.Errorf("beside the keys there lies %v", got)
	}
}

func (v *victim) nowhereElse() {
	v.Helper()
	if got := v.names("tmp"); len(got) > 0 {
		v.Errorf("in the folder for temporary files there lies %v", got)
	}
	want := []string{"accounts", "borough", "keys", "out", "tmp"}
	if got := v.names("."); !slices.Equal(got, want) {
		v.Errorf("beside the folders there lies %v", got)
	}
}

// untilCounted waits until the number has been counted.
func (v *victim) untilCounted(ended <-chan struct{}) {
	state := func() string { b, _ := os.ReadFile(v.in("keys", "site.key.state")); return string(b) }
	for before := state(); state() == before; {
		select {
		case <-ended:
			return
		default:
		}
	}
}

// TestLoadKilled kills -9 datanet load of a sealed extract: what it had opened
// lies in the hub's staging and nowhere else, and the next load clears it.
func TestLoadKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("kills some thirty processes")
	}
	p := newPractice(t)
	p.runs(p.extract("--seal"))
	parcel := p.in("out", extractName+".age")
	p.foundsHub()
	if err := copyTree(p.in("hub"), p.in("empty")); err != nil {
		t.Fatal(err)
	}
	load := func() *exec.Cmd {
		return p.command("load", parcel, "--custodian", p.in("keys", "custodian.key"), "--json")
	}
	again := func() {
		p.Helper()
		if err := os.RemoveAll(p.in("hub")); err != nil {
			t.Fatal(err)
		}
		os.RemoveAll(p.in("home"))
		if err := copyTree(p.in("empty"), p.in("hub")); err != nil {
			t.Fatal(err)
		}
	}
	whole := p.lasts(load, again)
	const kills = 30
	for i := range kills {
		c := load()
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(whole * time.Duration(i) / kills)
		c.Process.Kill()
		c.Wait()
		if got := p.names("tmp"); len(got) > 0 {
			t.Errorf("in the folder for temporary files there lies %v", got)
		}
		p.runs(load())
		if got := p.names("hub/datasets/primary-care/.staging"); !slices.Equal(got, []string{"lock"}) {
			t.Errorf("the next load left %v", got)
		}
		if got := p.names("hub/datasets/primary-care/patients/site=Z99001"); len(got) != 1 {
			t.Errorf("of the patients there lies %v", got)
		}
		again()
	}
}

// foundsHub makes the hub that trusts the practice.
func (p *practice) foundsHub() {
	p.Helper()
	p.runs(p.command("hub", "init", p.in("hub")))
	p.runs(p.command("hub", "trust", "--dataset", "primary-care", "--custodian", p.custodian.Public(), "--site", "Z99001="+p.key.Public()))
}
