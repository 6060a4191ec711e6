package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"datanet/testdata/hostile"
)

// TestReadError: a disk or a share breaks in the middle of a file of the source,
// at whichever of the times that the file is opened, and stays broken, or only
// that once. The kernel says so to the program, for a file system in user space
// that holds this one file (FUSE): no part of the program is replaced. Each time
// the export is refused and nothing is left.
func TestReadError(t *testing.T) {
	if testing.Short() {
		t.Skip("runs some sixty processes")
	}
	b := newWorkbench(t)
	practice, trust, unit, foreign := t.TempDir(), t.TempDir(), t.TempDir(), t.TempDir()
	for format, dir := range map[string]string{"emis": practice, "mhsds": trust, "msds": unit} {
		if err := hostile.Copy(hostileCorpus, format, dir); err != nil {
			t.Fatal(err)
		}
	}
	// Long enough that the header is read before the middle.
	if _, err := hostile.Harm(practice, "CareRecord_Observation many 20000 Value=# Qualifiers=Quillmarker"); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(foreign, os.DirFS("../../testdata/foreign-maternity")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		site, source, file, table string
		more                      []string
	}{
		{"Z99001", practice, "Admin_Patient", "Admin_Patient", nil},
		{"Z99001", practice, "CareRecord_Observation", "CareRecord_Observation", nil},
		{"Z99001", practice, "postcodes", "the postcode lookup", nil},
		{"Z9S01", trust, "MHS201CareContact", "MHS201CareContact", nil},
		{"Z9M01", unit, "MSD401BabyDemographics", "MSD401BabyDemographics", nil},
		{"Z9M01", foreign, "MaternityBirth", "MaternityBirth", []string{"--format-file", filepath.Join(foreign, "format.json"), "--as-at", "2026-10-31"}}, // in Windows-1252, through a pipe
	} {
		found, err := filepath.Glob(filepath.Join(c.source, "*"+c.file+"*"))
		if err != nil || len(found) != 1 {
			t.Fatal(found, err)
		}
		for _, how := range []string{"from", "at"} {
			open, broke := 0, 0
			for code := 0; code != tooFewOpenings; {
				open++
				what := fmt.Sprintf("%s, broken %s opening %d", c.table, how, open)
				if code = b.breaks(what, c.site, c.source, c.table, c.more, found[0], how, fmt.Sprint(open)); code == codes["source"] {
					broke++
				}
			}
			t.Logf("%s is opened %d times; broken %s one of them it was refused %d times", c.file, open-1, how, broke)
			if broke < 2 {
				t.Errorf("%s broke %d times: this shows little", c.file, broke)
			}
		}
	}
}

// breaks runs an extract of a source that breaks as broken is told, and returns
// the exit code.
func (b *workbench) breaks(what, site, source, table string, more []string, how ...string) int {
	b.t.Helper()
	out := filepath.Join(b.dir, "out")
	p := b.extract(site, source, out, more...)
	p.Args = append(append([]string{"datanet-broken"}, how...), p.Args...)
	p.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS} // the mount goes with the process
	if os.Geteuid() != 0 {
		root := func(id int) []syscall.SysProcIDMap {
			return []syscall.SysProcIDMap{{ContainerID: 0, HostID: id, Size: 1}}
		}
		p.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS, UidMappings: root(os.Getuid()), GidMappings: root(os.Getgid())}
	}
	err := p.Run()
	code, said := p.ProcessState.ExitCode(), p.Stderr.(*bytes.Buffer).String()
	switch {
	case p.ProcessState == nil || code == cannotBreak:
		b.t.Skipf("SKIPPED: what a read error does is not seen here, where no file system in user space can be mounted: %v %s", err, said)
	case code == tooFewOpenings || code == readEnough:
		os.RemoveAll(out)
		os.Remove(b.key(site) + ".state")
		return code
	case code != codes["source"] || oneError(said) != nil || !strings.Contains(said, table+": cannot be read to its end") || strings.Contains(said, source):
		b.t.Errorf("%s: %v\n%s", what, err, said)
	}
	left, _ := os.ReadDir(out)
	tmp, _ := os.ReadDir(filepath.Join(b.dir, "tmp"))
	if _, err := os.Stat(b.key(site) + ".state"); err == nil || len(left)+len(tmp) > 0 || p.Stdout.(*bytes.Buffer).Len() > 0 {
		b.t.Errorf("%s: left behind: %v %v, state: %v\n%s", what, left, tmp, err, p.Stdout)
	}
	b.silent(p, what)
	return code
}

// Exit codes of broken that no command has: nothing can be mounted; the file was
// not opened as often; it was, and nothing read that is broken.
const cannotBreak, tooFewOpenings, readEnough = 99, 98, 97

func init() { programs["datanet-broken"] = broken }

// broken is a program: FILE from|at N COMMAND…. While the command runs, the file
// breaks in its middle from the N-th time on that it is opened, or that time only.
func broken() {
	f := &brokenFile{path: os.Args[1], forGood: os.Args[2] == "from"}
	n, err := strconv.ParseInt(os.Args[3], 10, 64)
	if f.nth = n; err == nil {
		err = f.mount()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(cannotBreak)
	}
	go f.serve()
	self, err := os.Executable()
	c := &exec.Cmd{Path: self, Args: os.Args[4:], Stdout: os.Stdout, Stderr: os.Stderr}
	if err == nil {
		err = c.Run()
	}
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		os.Exit(exit.ExitCode())
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	case f.opened.Load() < f.nth:
		os.Exit(tooFewOpenings)
	case !f.broke.Load():
		os.Exit(readEnough)
	}
}

// A brokenFile is a file system of one file, which cannot be read beyond its middle
// when it was opened at a certain time.
type brokenFile struct {
	path    string
	nth     int64
	forGood bool
	opened  atomic.Int64
	broke   atomic.Bool
	body    []byte
	info    os.FileInfo
	kernel  *os.File
}

// mount puts the file system over the file itself.
func (f *brokenFile) mount() (err error) {
	if f.body, err = os.ReadFile(f.path); err != nil {
		return err
	}
	if f.info, err = os.Stat(f.path); err != nil {
		return err
	}
	fd, err := syscall.Open("/dev/fuse", syscall.O_RDWR|syscall.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("opening /dev/fuse: %w", err)
	}
	f.kernel = os.NewFile(uintptr(fd), "/dev/fuse")
	options := fmt.Sprintf("fd=%d,rootmode=%o,user_id=%d,group_id=%d", fd, syscall.S_IFREG|0o600, os.Getuid(), os.Getgid())
	return syscall.Mount("datanet-broken", f.path, "fuse", syscall.MS_NOSUID|syscall.MS_NODEV, options)
}

// What the kernel asks of a file system: linux/fuse.h, protocol 7.31.
const (
	fuseForget, fuseGetattr, fuseOpen, fuseRead, fuseRelease, fuseFlush, fuseInit = 2, 3, 14, 15, 18, 25, 26
	fuseDirectIO                                                                  = 1 // each read is asked for
)

// serve answers the kernel until the process ends.
func (f *brokenFile) serve() {
	request := make([]byte, 1<<20)
	for {
		n, err := f.kernel.Read(request)
		if err != nil {
			return
		}
		in := request[40:n]
		opcode, unique := binary.LittleEndian.Uint32(request[4:]), binary.LittleEndian.Uint64(request[8:])
		if opcode == fuseForget {
			continue
		}
		var out []any
		status := int32(0)
		switch opcode {
		case fuseInit:
			out = []any{uint32(7), uint32(31), binary.LittleEndian.Uint32(in[8:]), uint32(0), uint16(8), uint16(8), uint32(1 << 17), uint32(1), [36]byte{}}
		case fuseGetattr:
			at := f.info.ModTime()
			sec, nsec, size := uint64(at.Unix()), uint32(at.Nanosecond()), uint64(len(f.body))
			out = []any{uint64(0), uint32(0), uint32(0), uint64(1), size, (size + 511) / 512, sec, sec, sec, nsec, nsec, nsec,
				uint32(syscall.S_IFREG | 0o600), uint32(1), uint32(os.Getuid()), uint32(os.Getgid()), uint32(0), uint32(4096), uint32(0)}
		case fuseOpen:
			out = []any{uint64(f.opened.Add(1)), uint32(fuseDirectIO), uint32(0)}
		case fuseRead:
			var part []byte
			part, status = f.read(int64(binary.LittleEndian.Uint64(in)), int(binary.LittleEndian.Uint64(in[8:])), int(binary.LittleEndian.Uint32(in[16:])))
			out = []any{part}
		case fuseRelease, fuseFlush:
		default:
			status = -int32(syscall.ENOSYS)
		}
		var answer bytes.Buffer
		for _, v := range out {
			binary.Write(&answer, binary.LittleEndian, v)
		}
		head := binary.LittleEndian.AppendUint32(nil, uint32(16+answer.Len()))
		head = binary.LittleEndian.AppendUint32(head, uint32(status))
		head = binary.LittleEndian.AppendUint64(head, unique)
		f.kernel.Write(append(head, answer.Bytes()...))
	}
}

// read is what a file that was opened for the n-th time holds at a place.
func (f *brokenFile) read(n int64, at, size int) (part []byte, status int32) {
	end := len(f.body)
	breaks := n == f.nth || f.forGood && n > f.nth
	if breaks {
		end /= 2
	}
	switch {
	case at < end:
		return f.body[at:min(at+size, end)], 0
	case breaks:
		f.broke.Store(true)
		return nil, -int32(syscall.EIO)
	}
	return nil, 0
}
