package main

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// narrow is datanet in a process whose files may not grow beyond a limit,
// which is how a full disk looks from inside: a write fails part of the way.
func narrow() {
	limit, err := strconv.ParseUint(os.Getenv("DATANET_TEST_LIMIT"), 10, 64)
	if err == nil {
		err = unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: limit, Max: limit})
	}
	if err != nil {
		panic(err)
	}
	main()
}

// TestFullDisk lets every write fail beyond each of many sizes.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	for _, flags := range [][]string{nil, {"--seal"}} {
		p := newPractice(t)
		ran := 0
		for _, limit := range p.limits(flags) {
			c := p.extract(flags...)
			c.Path, c.Err = exec.LookPath("datanet-narrow")
			c.Args[0] = c.Path
			c.Env = append(c.Env, "DATANET_TEST_LIMIT="+strconv.Itoa(limit))
			if p.full(c, "limit "+strconv.Itoa(limit)) {
				ran++
			}
		}
		if ran > 1 {
			t.Errorf("%d limits did not bind", ran)
		}
	}
}

// limits are sizes around those of the files that an extract writes, and one
// that is room enough.
func (p *practice) limits(flags []string) []int {
	p.Helper()
	p.runs(p.extract(flags...))
	limits := map[int]bool{0: true, 1: true, 100: true, 511: true, 4096: true, 1 << 30: true}
	if err := filepath.WalkDir(p.in("out"), func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			info, err := e.Info()
			if err != nil {
				return err
			}
			size := int(info.Size())
			limits[size-1], limits[size/2] = true, true
		}
		return err
	}); err != nil {
		p.Fatal(err)
	}
	if err := errors.Join(os.RemoveAll(p.in("out")), os.Remove(p.in("keys", "site.key.state")), os.Mkdir(p.in("out"), 0o700)); err != nil {
		p.Fatal(err)
	}
	var all []int
	for limit := range limits {
		all = append(all, limit)
	}
	slices.Sort(all)
	return all
}

// full runs an extract whose disk may be full: it ends with an error that says
// so in one line and leaves nothing, or with the whole extract. It says which.
func (p *practice) full(c *exec.Cmd, what string) (whole bool) {
	p.Helper()
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	err := c.Run()
	names := p.names("out")
	if err == nil {
		if len(names) != 1 {
			p.Fatalf("%s: %v", what, names)
		}
		p.whole(p.in("out", names[0]))
		if err := errors.Join(os.RemoveAll(p.in("out", names[0])), os.RemoveAll(p.in("keys", "site.key.state"))); err != nil {
			p.Fatal(err)
		}
		return true
	}
	code := c.ProcessState.ExitCode()
	if oneError(stderr.String()) != nil || stdout.Len() > 0 || code != 1 && code != 5 {
		p.Errorf("%s: exit code %d\n%s%s", what, code, stdout.String(), stderr.String())
	}
	if !strings.Contains(stderr.String(), "could not be written") && !strings.Contains(stderr.String(), "cannot be written") {
		p.Errorf("%s: it is not said that something could not be written:\n%s", what, stderr.String())
	}
	if strings.Contains(stderr.String(), p.in("borough")) || strings.Contains(stderr.String(), p.in("out")) {
		p.Errorf("%s: the message names a path:\n%s", what, stderr.String())
	}
	if state := slices.Contains(p.names("keys"), "site.key.state"); len(names) > 0 || len(p.names("tmp")) > 0 || state {
		p.Errorf("%s: left behind %v, %v, %v", what, names, p.names("tmp"), p.names("keys"))
	}
	return false
}

// TestFullFileSystem fills a real one of many sizes. It takes a mount of one's
// own, which not every machine allows.
func TestFullFileSystem(t *testing.T) {
	t.Parallel()
	p := newPractice(t)
	mount := func(size string, command *exec.Cmd) *exec.Cmd {
		c := exec.Command("unshare", append([]string{"--user", "--map-root-user", "--mount", "sh", "-ec",
			`mount -t tmpfs -o size="$0" full "$1"; shift; code=0; "$@" || code=$?; test -z "$(ls -A "$OUT")" || cp -a "$OUT"/. "$OUT-kept"; exit $code`,
			size, p.in("out")}, command.Args...)...)
		c.Env, c.Dir = append(command.Env, "OUT="+p.in("out")), command.Dir
		return c
	}
	if out, err := mount("1m", exec.Command("true")).CombinedOutput(); err != nil {
		t.Skipf("SKIPPED: no file system can be mounted here: %v %s", err, out)
	}
	kept, failed := p.in("out-kept"), 0
	for _, flags := range [][]string{nil, {"--seal"}} {
		for size := 4; size <= 1024; size *= 2 {
			if err := errors.Join(os.RemoveAll(kept), os.Mkdir(kept, 0o700)); err != nil {
				t.Fatal(err)
			}
			out, err := mount(strconv.Itoa(size)+"k", p.extract(flags...)).CombinedOutput()
			left, _ := os.ReadDir(kept)
			var exit *exec.ExitError
			switch {
			case err == nil && len(left) == 1:
				p.whole(filepath.Join(kept, left[0].Name()))
			case errors.As(err, &exit) && exit.ExitCode() == 1 && len(left) == 0 && strings.Contains(string(out), "could not be written"):
				failed++
			default:
				t.Errorf("%d KiB %v: %v, %d left behind\n%s", size, flags, err, len(left), out)
			}
		}
	}
	if failed < 6 {
		t.Errorf("only %d file systems were too small", failed)
	}
}
