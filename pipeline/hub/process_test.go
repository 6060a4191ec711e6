package hub

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	childDir  = "HUB_TEST_DIR"
	childSite = "HUB_TEST_SITE"
	childFrom = "HUB_TEST_FROM"
	childTo   = "HUB_TEST_TO"
	childKill = "HUB_TEST_KILL_AT" // step#occurrence
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		child(dir)
		return
	}
	os.Exit(m.Run())
}

// child loads a row of extracts, as another process; it kills itself at the step it is told. With a new folder it makes a hub.
func child(dir string) {
	if _, err := Open(dir); err != nil {
		wish := described()
		wish.step = killAt(os.Getenv(childKill))
		if _, err := Init(dir, wish, nil); err != nil {
			panic(err)
		}
	}
	h, err := Open(dir)
	if err != nil {
		panic(err)
	}
	h.step = killAt(os.Getenv(childKill))
	switch os.Getenv(childSite) {
	case projectChild:
		work(h)
		return
	case rewrapChild:
		if _, err := rewrapped(h); err != nil {
			panic(err)
		}
		return
	case readChild:
		if err := readOn(h); err != nil {
			panic(err)
		}
		return
	case departChild:
		if _, err := departs(h, "Z99001"); err != nil {
			panic(err)
		}
		return
	}
	from, _ := strconv.ParseInt(os.Getenv(childFrom), 10, 64)
	to, _ := strconv.ParseInt(os.Getenv(childTo), 10, 64)
	for sequence := from; sequence <= to; sequence++ {
		if _, err := load(h, incoming(os.Getenv(childSite), sequence)); err != nil {
			panic(err)
		}
	}
}

func killAt(step string) func(string) error {
	step, occurrence, _ := strings.Cut(step, "#")
	left, _ := strconv.Atoi(occurrence)
	return func(at string) error {
		if at == step {
			if left--; left <= 0 {
				syscall.Kill(os.Getpid(), syscall.SIGKILL)
				select {}
			}
		}
		return nil
	}
}

func spawn(t *testing.T, dir, site string, from, to int, kill string) *exec.Cmd {
	t.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), childDir+"="+dir, childSite+"="+site, childFrom+"="+strconv.Itoa(from), childTo+"="+strconv.Itoa(to), childKill+"="+kill)
	c.Stderr = os.Stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	return c
}

// A load killed at any step leaves the old state or the new one; the next load, of any site, tidies up.
func TestKilledLoad(t *testing.T) {
	for _, c := range []struct {
		kill       string
		generation int64 // a reader sees afterwards
	}{
		{"sync#1", 1}, {"tidy#1", 1}, {"place patients#1", 1}, {"place observations#1", 1}, {"state#1", 1}, {"tidy#2", 2},
	} {
		for _, next := range []string{"Z99001", "Z99002"} {
			t.Run(c.kill+" then "+next, func(t *testing.T) {
				h := newHub(t)
				loaded(t, h, "Z99001", 1)
				if err := spawn(t, h.Dir(), "Z99001", 2, 2, c.kill).Wait(); err == nil {
					t.Fatal("the child was not killed")
				}
				s := snapshot(t, h)
				if err := s.VerifyFiles(); err != nil || s.State.Generation != c.generation {
					t.Fatalf("generation %d, %v", s.State.Generation, err)
				}
				s.Close()
				loaded(t, h, next, 3)
				kept := 2 * int(c.generation-1)
				if next == "Z99001" {
					kept += 2
				}
				whole(t, h, kept)
				noStaging(t, h)
			})
		}
	}
}

func noStaging(t *testing.T, h *Hub) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(h.Dir(), "datasets", dataset, ".staging"))
	if err != nil || len(entries) != 1 {
		t.Errorf("staging holds %v, %v", entries, err)
	}
}

func TestKilledFirstLoad(t *testing.T) {
	for _, kill := range []string{"sync#1", "found#1", "place patients#1", "place observations#1", "state#1", "tidy#1"} {
		t.Run(kill, func(t *testing.T) {
			h := newHub(t)
			if err := spawn(t, h.Dir(), "Z99001", 1, 1, kill).Wait(); err == nil {
				t.Fatal("the child was not killed")
			}
			s, err := h.Snapshot(dataset, custodianVKey)
			if kill == "tidy#1" {
				if err != nil {
					t.Fatal(err)
				}
				s.Close()
			} else {
				wantKind(t, err, "use")
			}
			loaded(t, h, "Z99001", 1)
			whole(t, h, 0)
			noStaging(t, h)
		})
	}
}

func TestKilledInit(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "hub")
	if err := spawn(t, dir, "", 1, 0, "fill#1").Wait(); err == nil {
		t.Fatal("the child was not killed")
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Fatal("half a hub")
	}
	if _, err := Init(dir, described(), nil); err != nil {
		t.Fatal(err)
	}
	if entries, _ := os.ReadDir(parent); len(entries) != 1 {
		t.Errorf("left beside the hub: %v", entries)
	}
}

const readChild = "read"

// readOn reads until its input ends, and never sees half a load or an earlier state than before.
func readOn(h *Hub) error {
	ended := make(chan struct{})
	go func() {
		io.Copy(io.Discard, os.Stdin)
		close(ended)
	}()
	for last := int64(0); ; {
		s, err := h.Snapshot(dataset, custodianVKey)
		if err != nil {
			return err
		}
		if err := errors.Join(s.VerifyFiles(), s.Close()); err != nil {
			return err
		}
		if s.State.Generation < last {
			return fmt.Errorf("generation %d after %d", s.State.Generation, last)
		}
		last = s.State.Generation
		select {
		case <-ended:
			return nil
		case <-time.After(10 * time.Millisecond): // who reads without a pause keeps loads waiting: a shared lock has no queue
		}
	}
}

// reader is a process that reads until stop is called, which says how it ended.
func reader(t *testing.T, dir string) (stop func() error) {
	t.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), childDir+"="+dir, childSite+"="+readChild)
	c.Stderr = os.Stderr
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	return func() error { return errors.Join(in.Close(), c.Wait()) }
}

// Eight processes load and two read, and this one too.
func TestConcurrentLoadsAndReaders(t *testing.T) {
	const each = 4
	h := newHub(t)
	loaded(t, h, "Z99009", 1)
	var sites []string
	var children []*exec.Cmd
	for i := range 8 {
		sites = append(sites, fmt.Sprintf("Z9900%d", i+1))
		children = append(children, spawn(t, h.Dir(), sites[i], 1, each, ""))
	}
	for range 2 {
		stop := reader(t, h.Dir())
		defer func() {
			if err := stop(); err != nil {
				t.Error(err)
			}
		}()
	}
	done := make(chan error, 1)
	go func() {
		var errs []error
		for _, c := range children {
			errs = append(errs, c.Wait())
		}
		done <- errors.Join(errs...)
	}()
	for reads, last := 0, int64(0); ; reads++ {
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%d reads while loading", reads)
			s := snapshot(t, h)
			if got := s.State.Generation; got != int64(1+each*len(sites)) {
				t.Errorf("generation %d", got)
			}
			s.Close()
			whole(t, h, 2*(each-1)*len(sites))
			return
		case <-time.After(10 * time.Millisecond):
			s := snapshot(t, h)
			if err := s.VerifyFiles(); err != nil || s.State.Generation < last {
				t.Fatalf("generation %d after %d, %v", s.State.Generation, last, err)
			}
			last = s.State.Generation
			s.Close()
		}
	}
}
