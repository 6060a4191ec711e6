package main

import (
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestTerminal: whoever sits at a terminal sees how many rows have been read, on a
// line that is gone at the end; whoever does not sees nothing of it.
func TestTerminal(t *testing.T) {
	p := newPractice(t)
	screen, theirs := terminal(t)
	c := p.extract("--dry-run")
	c.Stderr = theirs
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	theirs.Close()
	said, _ := io.ReadAll(screen) // EIO when the last end is closed
	if err := c.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	if !regexp.MustCompile(`reading and coding: [0-9.]+( thousand| million)? rows read, [0-9.]+( thousand| million)? a second …`).Match(said) {
		t.Errorf("the terminal shows %q", said)
	}
	lines := strings.Split(string(said), "\r")
	if last := lines[len(lines)-1]; last != "\x1b[K" {
		t.Errorf("in the end there stands %q", last)
	}
	quiet := p.extract("--dry-run")
	var stderr strings.Builder
	quiet.Stderr = &stderr
	if err := quiet.Run(); err != nil || stderr.Len() > 0 {
		t.Errorf("%v: %s", err, stderr.String())
	}
}

// terminal is a pseudo-terminal: what is written to theirs is read from screen.
func terminal(t *testing.T) (screen, theirs *os.File) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		skipOutsideCI(t, "there is no pseudo-terminal here")
	}
	t.Cleanup(func() { screen.Close() })
	fd := int(screen.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return screen, theirs
}

// skipOutsideCI skips loudly; in CI what is wanting is a failure.
func skipOutsideCI(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatal(why)
	}
	t.Skip("SKIPPED: " + why)
}
