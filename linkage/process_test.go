package linkage

import (
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"
)

const (
	childDir   = "LINKAGE_TEST_DIR"
	childStep  = "LINKAGE_TEST_KILL_AT"
	childCount = "LINKAGE_TEST_APPENDS"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		child(dir)
		return
	}
	os.Exit(m.Run())
}

// child appends records, as another process; it kills itself at the step it is told.
func child(dir string) {
	l, err := Open(dir, ledgerVKey)
	if err != nil {
		panic(err)
	}
	if at := os.Getenv(childStep); at != "" {
		l.step = func(step string) {
			if step == at {
				syscall.Kill(os.Getpid(), syscall.SIGKILL)
				select {}
			}
		}
	}
	count, _ := strconv.Atoi(os.Getenv(childCount))
	for range count {
		r, err := NewRecord(time.Time{}, PolicyRecord{Policy: "by-child", SHA256: ledgerHash, Datasets: []string{}})
		if err != nil {
			panic(err)
		}
		if _, err := l.Append(ledgerKey, morning, r); err != nil {
			panic(err)
		}
	}
}

const ledgerHash = "00000000000000000000000000000000000000000000000000000000000000aa"

func spawn(t *testing.T, dir, step string, count int) *exec.Cmd {
	t.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), childDir+"="+dir, childStep+"="+step, childCount+"="+strconv.Itoa(count))
	c.Stderr = os.Stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestKilledWriter(t *testing.T) {
	for _, c := range []struct {
		step          string
		read, written int64 // sizes that a reader sees, and after the next writer's repair
	}{
		{"announced", 2, 2}, {"written", 2, 3}, {"recorded", 2, 3}, {"counted", 3, 3},
	} {
		t.Run(c.step, func(t *testing.T) {
			dir := founded(t, 1)
			if err := spawn(t, dir, c.step, 1).Wait(); err == nil {
				t.Fatal("the child was not killed")
			}
			l := reopened(t, dir)
			if got := l.Head().Size; got != c.read {
				t.Errorf("reader sees %d records, want %d", got, c.read)
			}
			if index := appended(t, l, loadRecord(t, 2)); index != c.written {
				t.Errorf("next record is %d, want %d", index, c.written)
			}
			if err := reopened(t, dir).Verify(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestConcurrentWritersAndReaders(t *testing.T) {
	const writers, each = 4, 12
	dir := founded(t, 0)
	var children []*exec.Cmd
	for range writers {
		children = append(children, spawn(t, dir, "", each))
	}
	done := make(chan error, 1)
	go func() {
		var failed error
		for _, c := range children {
			if err := c.Wait(); err != nil {
				failed = err
			}
		}
		done <- failed
	}()
	remembered, reads := reopened(t, dir).Head(), 0
	for {
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			if got := reopened(t, dir).Head().Size; got != 1+writers*each {
				t.Fatalf("%d records, want %d", got, 1+writers*each)
			}
			t.Logf("%d reads while writing", reads)
			return
		default:
			l := reopened(t, dir)
			if err := l.CheckExtends(remembered); err != nil {
				t.Fatal(err)
			}
			remembered = l.Head()
			reads++
		}
	}
}
