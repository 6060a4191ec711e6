package extract

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

const stagingPrefix = ".datanet-extract-"

// A staging folder stands beside the extract-to-be, on the same file system.
// Its lock is held while its owner lives, so a later run can tell one that a
// crash left behind.
type staging struct {
	root  string // everything
	work  string // coded rows and spilled ones, for this run only
	final string // becomes the extract
	to    string // the extract's path
	lock  *os.File
}

// newStaging refuses to stand in the way of an extract that is there already.
func newStaging(out, name string) (*staging, error) {
	to := filepath.Join(out, name)
	if _, err := os.Lstat(to); err == nil {
		return nil, &UseError{"there is an extract " + name + " already", "move it away, or give another folder with --out"}
	}
	if err := os.MkdirAll(out, 0o700); err != nil {
		return nil, &UseError{"the output folder cannot be made", "give a folder that you may write with --out"}
	}
	sweep(out)
	root, err := os.MkdirTemp(out, stagingPrefix)
	if err != nil {
		return nil, &UseError{"nothing can be written to the output folder", "give a folder that you may write with --out"}
	}
	s := &staging{root: root, work: filepath.Join(root, "work"), final: filepath.Join(root, "extract"), to: to}
	s.lock, err = os.OpenFile(filepath.Join(root, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("making the staging folder: %w", err)
	}
	if err := unix.Flock(int(s.lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, fmt.Errorf("making the staging folder: %w", err)
	}
	for _, d := range []string{s.work, filepath.Join(s.work, "spill"), s.final} {
		if err := os.Mkdir(d, 0o700); err != nil {
			return nil, fmt.Errorf("making the staging folder: %w", err)
		}
	}
	return s, nil
}

// sweep removes what runs that died left behind.
func sweep(out string) {
	left, _ := filepath.Glob(filepath.Join(out, stagingPrefix+"*"))
	for _, dir := range left {
		lock, err := os.Open(filepath.Join(dir, "lock"))
		if err != nil {
			continue // just being made, or not ours
		}
		if unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil {
			os.RemoveAll(dir)
		}
		lock.Close()
	}
}

func (s *staging) remove() {
	os.RemoveAll(s.root)
	s.lock.Close()
}

func (s *staging) write(name string, body []byte) error {
	f, err := os.OpenFile(filepath.Join(s.final, name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	if _, err := f.Write(body); err != nil {
		f.Close()
		return fmt.Errorf("writing %s: %w", name, err)
	}
	return f.Close()
}

// commit makes everything durable and gives the extract its name.
func (s *staging) commit() (string, error) {
	entries, err := os.ReadDir(s.final)
	if err != nil {
		return "", err
	}
	for _, e := range entries {
		path := filepath.Join(s.final, e.Name())
		if strings.HasSuffix(path, ".parquet") {
			if err := os.Chmod(path, 0o600); err != nil {
				return "", err
			}
		}
		if err := flush(path); err != nil {
			return "", err
		}
	}
	if err := flush(s.final); err != nil {
		return "", err
	}
	if err := os.Rename(s.final, s.to); err != nil {
		return "", &UseError{"the extract could not get its name: something stands in its place", "move it away, or give another folder with --out"}
	}
	return s.to, flush(filepath.Dir(s.to))
}

// flush brings a file or folder to the disk.
func flush(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
