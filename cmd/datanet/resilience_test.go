package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"datanet/linkage"
	"datanet/pipeline/hub"
)

// resilienceFull is the environment variable with which TestResilience runs at full length.
const resilienceFull = "DATANET_TEST_RESILIENCE"

// TestResilience lets eight processes load and two read at once, some of which
// are killed -9, and then kills loads, signatures and sweeps one at a time, each
// in another part of its duration. What a process has said to be done is in the
// record of decisions ever after; everything that can be verified holds after every
// kill; and the next command needs no repair by hand.
func TestResilience(t *testing.T) {
	if testing.Short() {
		t.Skip("starts some hundred processes")
	}
	busy, crowdKills, kills, extracts := 5*time.Second, 5, 15, 2
	if os.Getenv(resilienceFull) != "" {
		busy, crowdKills, kills, extracts = time.Minute, 50, 150, 16
	}
	seed := rand.Uint64()
	if s, err := strconv.ParseUint(os.Getenv("DATANET_SEED"), 10, 64); err == nil {
		seed = s
	}
	t.Logf("DATANET_SEED=%d", seed)
	c := newCrowd(t, extracts)
	t.Run("crowd", func(t *testing.T) { c.crowd(t, busy, crowdKills, seed) })
	t.Run("alone", func(t *testing.T) { c.alone(t, kills, seed) })
}

// A crowd is a hub with eight practices that load, and what they were told is done.
type crowd struct {
	*session
	t        *testing.T // the whole test's: processes outlive none of its parts
	dir      string
	sites    []*loader
	mu       sync.Mutex
	promised []promise
	head     linkage.Head
}

// A promise is what a process printed before it ended or was killed.
type promise struct {
	what string
	kept func(*linkage.Ledger, *linkage.Decisions) bool
}

// A loader loads one practice's extracts, one after another; where they end, the last one again.
type loader struct {
	site     string
	extracts []string
	next     int
}

const crowdSize = 8

func newCrowd(t *testing.T, extracts int) *crowd {
	c := &crowd{dir: filepath.Join(t.TempDir(), "crowd"), t: t}
	c.session = newSession(t, c.dir)
	if err := os.MkdirAll(c.in("keys"), 0o700); err != nil {
		t.Fatal(err)
	}
	public := func(key string) string { return c.must("key", "show", "--public", c.in("keys", key)) }
	c.must("key", "identity", "--out", c.in("keys", "identity"))
	c.must("synth", "--out", c.in("borough"), "--people", "240", "--practices", strconv.Itoa(crowdSize), "--seed", "7", "--as-at", "2026-10-31")
	c.must("key", "linkage", "--out", c.in("keys", "linkage.key"))
	c.must("hub", "init", c.in("hub"))
	for _, role := range []string{"guardian", "applicant"} {
		c.must("key", "guardian", "--dataset", "primary-care", "--name", role, "--out", c.in("keys", role))
	}
	c.must("key", "custodian", "--dataset", "primary-care", "--out", c.in("keys", "custodian"))
	c.must("hub", "trust", "--dataset", "primary-care", "--guardian", public("guardian"), "--custodian", public("custodian"))
	for n := range crowdSize {
		site := fmt.Sprintf("Z9900%d", n+1)
		c.must("key", "wrap", "--dataset", "primary-care", "--site", site, "--custodian", c.in("keys", "custodian"), "--out", c.in("keys", site+".wrap"))
		c.must("key", "site", "--dataset", "primary-care", "--site", site, "--linkage", c.in("keys", "linkage.key"), "--wrap", c.in("keys", site+".wrap"), "--out", c.in("keys", site))
		c.must("hub", "trust", "--dataset", "primary-care", "--site", site+"="+public(site))
		l := &loader{site: site}
		for m := range extracts {
			out := c.in("extracts", strconv.Itoa(m))
			c.must("extract", "--key", c.in("keys", site), "--source", c.in("borough", "primary-care", site), "--out", out, "--test-numbers")
			l.extracts = append(l.extracts, filepath.Join(out, "primary-care_"+site+"_2026-10-31"))
		}
		c.sites = append(c.sites, l)
	}
	c.load(c.sites[0])
	c.holds()
	return c
}

func (c *crowd) in(parts ...string) string {
	return filepath.Join(append([]string{c.dir}, parts...)...)
}

// command is a run of datanet in a process of its own.
func (c *crowd) command(args ...string) *exec.Cmd {
	p := exec.Command("datanet", args...)
	p.Env = append(os.Environ(), "DATANET_HUB="+c.in("hub"), "DATANET_HOME="+c.in("home"), "DATANET_IDENTITY="+c.in("keys", "identity"))
	return p
}

// ends runs a command until it ends, or is killed when somebody says so. It returns
// what it printed, if that is a whole answer, and whether it was killed before it ended.
// It must not fail by itself, unless it says something that is named here.
func (c *crowd) ends(p *exec.Cmd, killed <-chan time.Time, fine ...string) (answer []byte, cut bool) {
	var stdout, stderr bytes.Buffer
	p.Stdout, p.Stderr = &stdout, &stderr
	if err := p.Start(); err != nil {
		c.t.Error(err)
		return nil, false
	}
	ended := make(chan error, 1)
	go func() { ended <- p.Wait() }()
	var err error
	select {
	case err = <-ended:
	case <-killed:
		p.Process.Kill()
		err = <-ended
		status := p.ProcessState.Sys().(syscall.WaitStatus)
		cut = status.Signaled() && status.Signal() == syscall.SIGKILL
	}
	said := func(words string) bool { return strings.Contains(stderr.String(), words) }
	if err != nil && !cut && !slices.ContainsFunc(fine, said) {
		c.t.Errorf("%s: %v\n%s", strings.Join(p.Args[1:], " "), err, stderr.String())
	}
	if !json.Valid(stdout.Bytes()) {
		return nil, cut
	}
	return stdout.Bytes(), cut
}

func (c *crowd) promise(what string, kept func(*linkage.Ledger, *linkage.Decisions) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.promised = append(c.promised, promise{what, kept})
}

// loading is a load of the site's next extract.
func (c *crowd) loading(l *loader) *exec.Cmd {
	return c.command("load", l.extracts[l.next], "--custodian", c.in("keys", "custodian"), "--json")
}

// took keeps what a load promised, and goes on to the next extract.
func (c *crowd) took(l *loader, answer []byte) {
	if answer == nil {
		return
	}
	var done struct {
		Loads []struct {
			Site, Status string
			Sequence     int64
		}
	}
	if err := json.Unmarshal(answer, &done); err != nil || len(done.Loads) != 1 || done.Loads[0].Site != l.site || done.Loads[0].Sequence != int64(l.next+1) {
		c.t.Errorf("a load of %s answered %s", l.site, answer)
		return
	}
	site, sequence := l.site, done.Loads[0].Sequence
	c.promise(fmt.Sprintf("extract %d of %s", sequence, site), func(ledger *linkage.Ledger, _ *linkage.Decisions) bool {
		return slices.ContainsFunc(ledger.Records(), func(r linkage.Record) bool {
			body, err := r.Decode()
			b, ok := body.(linkage.LoadRecord)
			return err == nil && ok && b.Site == site && b.Sequence == sequence
		})
	})
	l.next = min(l.next+1, len(l.extracts)-1)
}

func (c *crowd) load(l *loader) {
	answer, _ := c.ends(c.loading(l), nil)
	c.took(l, answer)
}

// holds: everything verifies, the record of decisions extends what it was, and every promise is kept.
func (c *crowd) holds() {
	c.t.Helper()
	c.must("approval", "verify")
	c.must("hub", "verify")
	ledger, decisions := c.read()
	if c.head.Size > 0 {
		if err := ledger.CheckExtends(c.head); err != nil {
			c.t.Fatal(err)
		}
	}
	c.head = ledger.Head()
	for _, p := range c.promised {
		if !p.kept(ledger, decisions) {
			c.t.Fatalf("lost although it was said to be done: %s", p.what)
		}
	}
}

// read takes in the record of decisions by other means than the commands'.
func (c *crowd) read() (*linkage.Ledger, *linkage.Decisions) {
	c.t.Helper()
	h, err := hub.Open(c.in("hub"))
	if err != nil {
		c.t.Fatal(err)
	}
	ledger, err := linkage.Open(h.LedgerDir(), h.Ledger)
	if err != nil {
		c.t.Fatal(err)
	}
	decisions, err := ledger.Decisions()
	if err != nil {
		c.t.Fatal(err)
	}
	return ledger, decisions
}

// crowd lets all load and two read at once.
func (c *crowd) crowd(t *testing.T, busy time.Duration, kills int, seed uint64) {
	end := time.Now().Add(busy)
	var all sync.WaitGroup
	loads, reads, cuts := make([]int, crowdSize), make([]int, 2), make([]int, crowdSize)
	for n, l := range c.sites {
		r := rand.New(rand.NewPCG(seed, uint64(n)))
		all.Go(func() {
			for mine := share(kills, crowdSize, n); time.Now().Before(end); loads[n]++ {
				var killed <-chan time.Time
				if mine > 0 && r.IntN(2) == 0 {
					killed = time.After(time.Duration(r.Int64N(int64(time.Second))))
				}
				answer, cut := c.ends(c.loading(l), killed)
				c.took(l, answer)
				if cut {
					mine, cuts[n] = mine-1, cuts[n]+1
				}
			}
		})
	}
	for n, args := range [][]string{{"approval", "verify", "--json"}, {"hub", "verify", "--json"}} {
		all.Go(func() {
			for ; time.Now().Before(end); reads[n]++ {
				if answer, _ := c.ends(c.command(args...), nil); answer == nil {
					c.t.Errorf("%v gave no answer while others loaded", args)
				}
			}
		})
	}
	all.Wait()
	t.Logf("in %v: loads %v, of which killed %v, reads %v; %d extracts promised", busy, loads, cuts, reads, len(c.promised))
	for n := range loads {
		if loads[n] == 0 {
			t.Errorf("%s loaded nothing: this shows little", c.sites[n].site)
		}
	}
	c.holds()
	for _, l := range c.sites { // without repair
		c.load(l)
	}
	c.holds()
}

// share is the n-th of some equal parts of a number.
func share(number, parts, n int) int {
	return (number*(n+1))/parts - (number*n)/parts
}

// A deed is a command that is killed, with what comes before it, what it promises, and what must be so once it has run to its end.
type deed struct {
	name           string
	prepare, again func() *exec.Cmd
	fine           []string // what the same command may say if the killed one had done it
	took           func(answer []byte)
	done           func()
}

// alone kills one process at a time.
func (c *crowd) alone(t *testing.T, kills int, seed uint64) {
	r := rand.New(rand.NewPCG(seed, crowdSize))
	for n, d := range []*deed{c.loads(r), c.signs(), c.sweeps()} {
		shortest := time.Hour
		for range 3 {
			p, start := d.prepare(), time.Now()
			answer, _ := c.ends(p, nil)
			shortest = min(shortest, time.Since(start))
			d.took(answer)
			d.done()
		}
		number, late := share(kills, 3, n), 0
		for _, i := range r.Perm(number) {
			instant := (shortest*time.Duration(i) + time.Duration(r.Int64N(int64(shortest)))) / time.Duration(number)
			p, start := d.prepare(), time.Now()
			answer, cut := c.ends(p, time.After(instant))
			d.took(answer)
			if !cut { // it was faster than those before
				late, shortest = late+1, min(shortest, time.Since(start))
			}
			c.holds()
			answer, _ = c.ends(d.again(), nil, d.fine...)
			d.took(answer)
			d.done()
		}
		t.Logf("%s: lasts %v, killed %d times, %d of them too late", d.name, shortest, number, late)
		if late == number {
			t.Errorf("%s: every kill came too late: this shows nothing", d.name)
		}
		c.holds()
	}
}

// loads are of extracts that are made for it, of one practice.
func (c *crowd) loads(r *rand.Rand) *deed {
	var l *loader
	return &deed{
		name: "load",
		prepare: func() *exec.Cmd {
			l = c.sites[r.IntN(crowdSize)]
			out := c.in("extracts", strconv.Itoa(len(l.extracts)))
			c.must("extract", "--key", c.in("keys", l.site), "--source", c.in("borough", "primary-care", l.site), "--out", out, "--test-numbers")
			l.extracts = append(l.extracts, filepath.Join(out, "primary-care_"+l.site+"_2026-10-31"))
			l.next = len(l.extracts) - 1
			return c.loading(l)
		},
		again: func() *exec.Cmd { return c.loading(l) },
		took:  func(answer []byte) { c.took(l, answer) },
		done:  func() {},
	}
}

// drafts asks for an approval that only the one Guardian must sign.
func (c *crowd) drafts() (id string) {
	return c.session.drafts([]string{"primary-care"}, c.must("key", "show", "--public", c.in("keys", "applicant")))
}

func (c *crowd) signs() *deed {
	var id string
	sign := func() *exec.Cmd {
		return c.command("approval", "sign", id, "--guardian", c.in("keys", "guardian"), "--json")
	}
	return &deed{
		name:    "sign",
		prepare: func() *exec.Cmd { id = c.drafts(); return sign() },
		again:   sign,
		// The killed one's signature may lie behind the head: who signs next takes it in.
		fine: []string{"has signed approval"},
		took: func(answer []byte) {
			if answer != nil {
				mine := id
				c.promise("the signature under "+id, func(_ *linkage.Ledger, d *linkage.Decisions) bool {
					return d.Of(mine) != nil && len(d.Of(mine).Missing()) == 0
				})
			}
		},
		done: func() {
			if _, d := c.read(); len(d.Of(id).Missing()) > 0 {
				c.t.Errorf("approval %s is not signed", id)
			}
		},
	}
}

// sweeps remove the release of an approval that was revoked.
func (c *crowd) sweeps() *deed {
	var id string
	sweep := func() *exec.Cmd { return c.command("hub", "sweep", "--json") }
	return &deed{
		name: "sweep",
		prepare: func() *exec.Cmd {
			id = c.drafts()
			c.must("approval", "sign", id, "--guardian", c.in("keys", "guardian"))
			c.must("release", "--approval", id, "--dataset", "primary-care", "--custodian", c.in("keys", "custodian"))
			c.must("approval", "revoke", id, "--guardian", c.in("keys", "guardian"), "--reason", "A test")
			return sweep()
		},
		again: sweep,
		took: func(answer []byte) {
			var done struct{ Removed []removed }
			if answer == nil || json.Unmarshal(answer, &done) != nil {
				return
			}
			for _, gone := range done.Removed {
				c.promise("the removal of a "+gone.What+" of "+gone.Approval, func(_ *linkage.Ledger, d *linkage.Decisions) bool {
					return slices.ContainsFunc(d.Of(gone.Approval).Removals, func(b linkage.RemovalRecord) bool { return b.What == gone.What && b.Name == gone.Name })
				})
			}
		},
		done: func() {
			if _, d := c.read(); len(d.Of(id).Removals) == 0 {
				c.t.Errorf("nothing is recorded as removed of %s", id)
			}
			if left, _ := filepath.Glob(c.in("hub", "projects", id, "[^.]*", "*")); len(left) > 0 {
				c.t.Errorf("after a sweep there lies %v", left)
			}
			if got := c.must("hub", "sweep"); !strings.HasPrefix(got, "There is nothing to remove.") {
				c.t.Errorf("a second sweep says: %s", got)
			}
		},
	}
}
