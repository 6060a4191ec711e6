package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"datanet/testdata/hostile"
)

const hostileCorpus = "../../testdata/hostile"

// hostileSites are whose exports the corpus holds.
var hostileSites = []struct{ format, dataset, site string }{{"emis", "primary-care", "Z99001"}, {"mhsds", "slam", "Z9S01"}, {"msds", "maternity", "Z9M01"}}

// A workbench is a machine of its own: keys, home, temporary files.
type workbench struct {
	t   *testing.T
	dir string
}

func newWorkbench(t *testing.T) *workbench {
	t.Helper()
	b := &workbench{t, filepath.Join(t.TempDir(), "bench")} // by its file mode the test's own, as keys need it
	for _, name := range []string{"", "keys", "home", "tmp", "work"} {
		if err := os.Mkdir(filepath.Join(b.dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	s := newSession(t, b.dir)
	s.must("key", "identity", "--out", b.key("identity"))
	s.must("key", "linkage", "--out", b.key("linkage"))
	for _, h := range hostileSites {
		s.must("key", "custodian", "--dataset", h.dataset, "--out", b.key(h.dataset))
		s.must("key", "wrap", "--dataset", h.dataset, "--site", h.site, "--custodian", b.key(h.dataset), "--out", b.key(h.site+".wrap"))
		s.must("key", "site", "--dataset", h.dataset, "--site", h.site, "--linkage", b.key("linkage"), "--wrap", b.key(h.site+".wrap"), "--out", b.key(h.site))
	}
	return b
}

func (b *workbench) key(name string) string { return filepath.Join(b.dir, "keys", name) }

// extract is the program as a process of its own.
func (b *workbench) extract(site, source, out string, more ...string) *exec.Cmd {
	b.t.Helper()
	self, err := os.Executable()
	if err != nil {
		b.t.Fatal(err)
	}
	args := append([]string{"datanet", "extract", "--key", b.key(site), "--source", source, "--out", out, "--test-numbers"}, more...)
	return &exec.Cmd{Path: self, Args: args, Dir: filepath.Join(b.dir, "work"), Stdout: &bytes.Buffer{}, Stderr: &bytes.Buffer{}, Env: []string{
		"HOME=" + filepath.Join(b.dir, "home"), "TMPDIR=" + filepath.Join(b.dir, "tmp"), "DATANET_IDENTITY=" + b.key("identity"), "GOTRACEBACK=all"}}
}

// silent looks through what a process said and left on this machine.
func (b *workbench) silent(c *exec.Cmd, what string) {
	b.t.Helper()
	b.search(what+", standard output", c.Stdout.(*bytes.Buffer).Bytes())
	b.search(what+", standard error", c.Stderr.(*bytes.Buffer).Bytes())
	err := filepath.WalkDir(b.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := os.ReadFile(path)
		b.search(what+", "+strings.TrimPrefix(path, b.dir), append([]byte(d.Name()+"\n"), body...))
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *workbench) search(where string, body []byte) {
	b.t.Helper()
	low := bytes.ToLower(body)
	for _, marker := range hostile.Markers {
		if len(marker) > 7 && bytes.Contains(low, []byte(marker)) { // a shorter one may stand in random bytes by chance
			b.t.Errorf("%s holds what was planted", where)
		}
	}
	if bytes.ContainsRune(body, 0x1b) && strings.Contains(where, "standard") {
		b.t.Errorf("%s holds an escape sequence", where)
	}
}

// TestHostileProcess runs the program itself over every seventh case of the
// hostile corpus, and over those that reach for the terminal or the memory, and
// looks through all that it says and leaves. TestCorpus of the stage runs them all.
func TestHostileProcess(t *testing.T) {
	if testing.Short() {
		t.Skip("runs some eighty processes")
	}
	b := newWorkbench(t)
	ran := 0
	for _, h := range hostileSites {
		cases, err := hostile.Read(hostileCorpus, h.format)
		if err != nil {
			t.Fatal(err)
		}
		for i, c := range cases {
			if i%7 != 0 && !strings.Contains(c.Title, "escape") && !strings.Contains(c.Title, "3 MB") {
				continue
			}
			ran++
			b.runCase(h.format, h.site, c, i)
		}
	}
	if ran < 35 {
		t.Errorf("only %d cases ran", ran)
	}
}

func (b *workbench) runCase(format, site string, c hostile.Case, i int) {
	b.t.Helper()
	source := filepath.Join(b.t.TempDir(), "source") // outside of what is searched
	if err := os.Mkdir(source, 0o700); err != nil {
		b.t.Fatal(err)
	}
	if err := hostile.Copy(hostileCorpus, format, source); err != nil {
		b.t.Fatal(err)
	}
	options, err := hostile.Harm(source, c.Input)
	if err != nil {
		b.t.Fatal(err)
	}
	if i%2 == 0 {
		options = append(options, "--json")
	}
	out := filepath.Join(b.dir, "out")
	defer os.RemoveAll(out)
	p := b.extract(site, source, out, options...)
	err = p.Run()
	rule, refused := strings.CutPrefix(c.Want, "refused: ")
	var exit *exec.ExitError
	switch said := p.Stderr.(*bytes.Buffer).String(); {
	case !refused && err != nil:
		b.t.Errorf("%s: %v\n%s", c.Title, err, said)
	case refused && (!errors.As(err, &exit) || exit.ExitCode() != 4 || !strings.Contains(said, rule)):
		b.t.Errorf("%s: %v\n%s", c.Title, err, said)
	}
	b.silent(p, c.Title)
}

// TestStoppedProcess: a process that is killed, or made to show where it is, in
// the middle of its work writes nothing of what it was working on; and its
// memory is never written to a core file.
func TestStoppedProcess(t *testing.T) {
	if testing.Short() {
		t.Skip("runs a large export")
	}
	b := newWorkbench(t)
	source := t.TempDir()
	if err := hostile.Copy(hostileCorpus, "emis", source); err != nil {
		t.Fatal(err)
	}
	if _, err := hostile.Harm(source, "CareRecord_Observation many 20000 Value=# Qualifiers=Quillmarker"); err != nil {
		t.Fatal(err)
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	start := time.Now()
	whole := b.extract("Z99001", source, filepath.Join(b.dir, "whole"))
	b.noCores(whole)
	if err := whole.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, whole.Stderr)
	}
	took := time.Since(start)
	stopped := 0
	for i, signal := range []syscall.Signal{syscall.SIGQUIT, syscall.SIGKILL, syscall.SIGABRT, syscall.SIGSEGV, syscall.SIGQUIT, syscall.SIGTERM} {
		p := b.extract("Z99001", source, filepath.Join(b.dir, fmt.Sprint(i)))
		if err := p.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(took/5 + time.Duration(r.Int64N(int64(took)/2)))
		p.Process.Signal(signal)
		if p.Wait() != nil {
			stopped++
		}
		b.silent(p, signal.String())
	}
	if stopped < 3 {
		t.Errorf("only %d of the processes were stopped in the middle", stopped)
	}
}

// noCores starts a process that could write a core file, and waits until it
// has seen to it that it cannot.
func (b *workbench) noCores(p *exec.Cmd) {
	b.t.Helper()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_CORE, &limit); err != nil || limit.Max == 0 {
		b.t.Log("SKIPPED: no process may write a core file here")
		if err := p.Start(); err != nil {
			b.t.Fatal(err)
		}
		return
	}
	before := limit
	limit.Cur = limit.Max
	syscall.Setrlimit(syscall.RLIMIT_CORE, &limit)
	defer syscall.Setrlimit(syscall.RLIMIT_CORE, &before)
	if err := p.Start(); err != nil {
		b.t.Fatal(err)
	}
	for {
		limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", p.Process.Pid))
		if errors.Is(err, fs.ErrNotExist) {
			b.t.Log("SKIPPED: there is no /proc here")
			return
		}
		if err != nil || len(limits) == 0 {
			b.t.Fatal("the process ended and could have written a core file all along")
		}
		for line := range strings.Lines(string(limits)) {
			if f := strings.Fields(line); strings.HasPrefix(line, "Max core file size") && f[4] == "0" && f[5] == "0" {
				return
			}
		}
		time.Sleep(time.Millisecond)
	}
}
