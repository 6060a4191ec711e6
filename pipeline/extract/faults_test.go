package extract

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"datanet/pseudonym"
	"datanet/schemas"
)

// TestSameBytes: threads and the order of the source change nothing.
func TestSameBytes(t *testing.T) {
	t.Parallel()
	o := newSite(t)
	r := rand.New(rand.NewPCG(7, 7))
	x := population(t, r, 300)
	x.write(o.Source)
	want := digests(t, o)
	for range 3 {
		x.shuffle(r)
		x.write(o.Source)
		o.Threads = 3 - o.Threads
		if got := digests(t, o); got != want {
			t.Errorf("shuffled, %d threads: other bytes", o.Threads)
		}
	}
}

// TestSameBytesManyRows needs more rows than one row group and one CSV buffer.
func TestSameBytesManyRows(t *testing.T) {
	t.Parallel()
	o := newSite(t)
	writeLarge(t, o.Source, 130_000)
	want := digests(t, o)
	o.Threads = 2
	if digests(t, o) != want {
		t.Error("other bytes on two threads")
	}
}

// digests runs an extract and takes it away again.
func digests(t *testing.T, o Options) string {
	t.Helper()
	result, err := Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(result.Extract)
	var all strings.Builder
	for _, name := range written(t, result.Extract) {
		if b, _ := os.ReadFile(filepath.Join(result.Extract, name)); strings.HasSuffix(name, ".parquet") {
			all.WriteString(name + " " + hash(b) + "\n")
		}
	}
	return all.String()
}

func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// TestInterrupted: whenever somebody interrupts, Run returns soon, with the
// context's error, and leaves nothing.
func TestInterrupted(t *testing.T) {
	o := newSite(t)
	o.Threads = 0
	writeLarge(t, o.Source, 60_000)
	start := time.Now()
	digests(t, o)
	whole := time.Since(start)
	before := stateOf(t, o)
	for part := range 6 {
		ctx, cancel := context.WithCancel(context.Background())
		var cancelled time.Time
		timer := time.AfterFunc(whole*time.Duration(part)/7, func() { cancelled = time.Now(); cancel() })
		_, err := Run(ctx, o)
		timer.Stop()
		cancel()
		if err == nil { // it was faster this time
			os.RemoveAll(filepath.Join(o.Out, "primary-care_Z99001_2026-10-31"))
			before = stateOf(t, o)
			continue
		}
		if !errors.Is(err, context.Canceled) {
			t.Errorf("part %d: %v", part, err)
		}
		if late := time.Since(cancelled); late > 5*time.Second {
			t.Errorf("part %d: returned after %v", part, late)
		}
		if left := written(t, o.Out); len(left) > 0 || stateOf(t, o) != before {
			t.Errorf("part %d: left behind %v", part, left)
		}
	}
}

// TestTogether: extracts that run at the same time never count the same.
func TestTogether(t *testing.T) {
	t.Parallel()
	o := newSite(t)
	parseExport(t, somebody).write(o.Source)
	var mu sync.Mutex
	var sequences []int64
	refusals := 0
	var wg sync.WaitGroup
	for i := range 4 {
		own := o
		own.Out = filepath.Join(o.Out, strconv.Itoa(i/2)) // two in each folder
		wg.Go(func() {
			result, err := Run(context.Background(), own)
			mu.Lock()
			defer mu.Unlock()
			var use *UseError
			switch {
			case err == nil:
				sequences = append(sequences, result.Sequence)
			case errors.As(err, &use):
				refusals++
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	slices.Sort(sequences)
	if len(sequences) != 2 || refusals != 2 || sequences[0] == sequences[1] {
		t.Errorf("sequences %v, %d refused", sequences, refusals)
	}
	for i := range 2 {
		if left := written(t, filepath.Join(o.Out, strconv.Itoa(i))); len(left) != 1 {
			t.Errorf("left behind: %v", left)
		}
	}
}

// TestDryRun leaves nothing, not even the folder that it had to make.
func TestDryRun(t *testing.T) {
	t.Parallel()
	o := newSite(t)
	parseExport(t, somebody).write(o.Source)
	o.DryRun, o.Out = true, filepath.Join(o.Out, "new")
	result, err := Run(context.Background(), o)
	if err != nil || result.Extract != "" || result.Persons != 1 || result.Sequence != 0 {
		t.Fatalf("%+v %v", result, err)
	}
	if _, err := os.Stat(o.Out); err == nil || stateOf(t, o) != "" {
		t.Error("something was left")
	}
}

// TestSweep takes what a crash left and leaves what is being made.
func TestSweep(t *testing.T) {
	out := t.TempDir()
	mine, err := newStaging(out, "mine", true, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, dead := range []string{stagingPrefix + "with-lock", stagingPrefix + "without-lock"} {
		os.Mkdir(filepath.Join(out, dead), 0o700)
	}
	os.WriteFile(filepath.Join(out, stagingPrefix+"with-lock", "lock"), nil, 0o600)
	os.WriteFile(filepath.Join(out, stagingPrefix+"file"), nil, 0o600)
	yours, err := newStaging(out, "yours", true, true)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{filepath.Base(mine.root), filepath.Base(yours.root), stagingPrefix + "file"}
	slices.Sort(want)
	if got := written(t, out); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	mine.remove()
	yours.remove()
}

// child is this test binary again, as a process of its own that makes one
// extract. Its key lies in a file: a process cannot be handed one.
func child(t *testing.T, o Options, limit int) *exec.Cmd {
	c := exec.Command(os.Args[0], "-test.run=^TestChild$")
	c.Env = append(os.Environ(), "DATANET_CHILD="+filepath.Dir(filepath.Dir(o.KeyFile)), "DATANET_CHILD_LIMIT="+strconv.Itoa(limit))
	return c
}

func TestChild(t *testing.T) {
	dir := os.Getenv("DATANET_CHILD")
	if dir == "" {
		t.Skip("runs as another test's process")
	}
	o := keptSite(t, dir)
	if limit, _ := strconv.Atoi(os.Getenv("DATANET_CHILD_LIMIT")); limit > 0 {
		signal.Ignore(syscall.SIGXFSZ)
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: uint64(limit), Max: uint64(limit)}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Run(context.Background(), o); err != nil {
		os.Stdout.WriteString("refused: " + err.Error() + "\n")
		os.Exit(3)
	}
}

// keepSite writes a site's key so that a child finds it.
func keepSite(t *testing.T, o Options) {
	t.Helper()
	identity, err := pseudonym.NewIdentityKey(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	keys := filepath.Dir(o.KeyFile)
	if err := os.Remove(o.KeyFile); err != nil {
		t.Fatal(err)
	}
	if err := pseudonym.Write(filepath.Join(keys, "identity"), identity); err != nil {
		t.Fatal(err)
	}
	if err := pseudonym.Write(o.KeyFile, o.Key, identity.Recipient()); err != nil {
		t.Fatal(err)
	}
}

func keptSite(t *testing.T, dir string) Options {
	t.Helper()
	o := Options{KeyFile: filepath.Join(dir, "keys", "Z99001.key"), Source: filepath.Join(dir, "source"), Out: filepath.Join(dir, "out"),
		Numbers: pseudonym.Test, Tool: "test", Threads: 1}
	identity, err := pseudonym.Read[*pseudonym.IdentityKey](filepath.Join(dir, "keys", "identity"), pseudonym.Unlock{})
	if err != nil {
		t.Fatal(err)
	}
	var unlock pseudonym.Unlock
	unlock.Identities = append(unlock.Identities, identity.Identity())
	if o.Key, err = pseudonym.Read[*pseudonym.SiteKey](o.KeyFile, unlock); err != nil {
		t.Fatal(err)
	}
	return o
}

// TestKilled: kill -9 at any point leaves no half extract and no number twice,
// and the next run needs no repair.
func TestKilled(t *testing.T) {
	t.Parallel()
	o := newSite(t)
	keepSite(t, o)
	writeLarge(t, o.Source, 5_000)
	extract := filepath.Join(o.Out, "primary-care_Z99001_2026-10-31")
	start := time.Now()
	if out, err := child(t, o, 0).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	whole := time.Since(start)
	last := complete(t, o, extract, 0)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for i := range 6 {
		c := child(t, o, 0)
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		if i%2 == 0 {
			time.Sleep(time.Duration(r.Int64N(int64(whole))))
		} else {
			untilCounted(t, o, time.Now().Add(2*whole))
		}
		c.Process.Kill()
		c.Wait()
		if _, err := os.Stat(extract); err == nil {
			last = complete(t, o, extract, last)
		}
		for _, name := range written(t, o.Out) {
			if !strings.HasPrefix(name, stagingPrefix) {
				t.Errorf("left behind: %s", name)
			}
		}
	}
	if out, err := child(t, o, 0).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	complete(t, o, extract, last)
	if left := written(t, o.Out); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// untilCounted waits until the state is replaced: the moment before the rename.
func untilCounted(t *testing.T, o Options, until time.Time) {
	before := stateOf(t, o)
	for stateOf(t, o) == before && time.Now().Before(until) {
	}
}

// complete checks an extract, takes it away, and returns its number.
func complete(t *testing.T, o Options, extract string, last int64) int64 {
	t.Helper()
	body, err := os.ReadFile(filepath.Join(extract, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := schemas.DecodeManifest(body)
	if err != nil {
		t.Fatal(err)
	}
	sig, err := os.ReadFile(filepath.Join(extract, "manifest.sig"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pseudonym.VerifyNote(sig, o.Key.Public()); err != nil {
		t.Error(err)
	}
	if m.Sequence <= last {
		t.Errorf("sequence %d after %d", m.Sequence, last)
	}
	for _, f := range m.Files {
		if b, err := os.ReadFile(filepath.Join(extract, f.Name)); err != nil || hash(b) != f.SHA256 {
			t.Errorf("%s is not what was signed: %v", f.Name, err)
		}
	}
	if err := os.RemoveAll(extract); err != nil {
		t.Fatal(err)
	}
	return m.Sequence
}

// TestDiskFull: no file may grow beyond a limit, which is how a full disk looks
// from inside.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	o := newSite(t)
	keepSite(t, o)
	writeLarge(t, o.Source, 20_000)
	for _, limit := range []int{100, 3_000, 50_000} {
		out, err := child(t, o, limit).CombinedOutput()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 3 {
			t.Errorf("limit %d: %v\n%s", limit, err, out)
		}
		if left := written(t, o.Out); len(left) > 0 || stateOf(t, o) != "" {
			t.Errorf("limit %d: left behind %v", limit, left)
		}
	}
}
