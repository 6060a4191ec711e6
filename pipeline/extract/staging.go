package extract

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"datanet/pseudonym"
	"datanet/schemas"
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
	made  bool   // the output folder was not there before
	lock  *os.File
}

// newStaging refuses to stand in the way of an extract that is there already,
// unless nothing is to be kept.
func newStaging(out, name string, keep bool) (*staging, error) {
	to := filepath.Join(out, name)
	if _, err := os.Lstat(to); err == nil && keep {
		return nil, &UseError{"there is an extract " + name + " already", "move it away, or give another folder with --out"}
	}
	_, err := os.Stat(out)
	s := &staging{to: to, made: errors.Is(err, fs.ErrNotExist)}
	if err := os.MkdirAll(out, 0o700); err != nil {
		return nil, &UseError{"the output folder cannot be made", "give a folder that you may write with --out"}
	}
	// Under this lock a staging folder without an owner is one that a crash
	// left, and not one that is just being made.
	gate, err := os.Open(out)
	if err != nil {
		return nil, fmt.Errorf("opening the output folder: %w", err)
	}
	defer gate.Close()
	if unix.Flock(int(gate.Fd()), unix.LOCK_EX) == nil { // some network file systems lock no folders: then nothing is swept
		sweep(out)
	}
	if s.root, err = os.MkdirTemp(out, stagingPrefix); err != nil {
		return nil, &UseError{"nothing can be written to the output folder", "give a folder that you may write with --out"}
	}
	s.work, s.final = filepath.Join(s.root, "work"), filepath.Join(s.root, "extract")
	if err := s.furnish(); err != nil {
		s.remove()
		return nil, fmt.Errorf("making the staging folder: %w", err)
	}
	return s, nil
}

func (s *staging) furnish() (err error) {
	if s.lock, err = os.OpenFile(filepath.Join(s.root, "lock"), os.O_CREATE|os.O_RDWR, 0o600); err != nil {
		return err
	}
	if err := unix.Flock(int(s.lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return err
	}
	for _, d := range []string{s.work, filepath.Join(s.work, "spill"), s.final} {
		if err := os.Mkdir(d, 0o700); err != nil {
			return err
		}
	}
	return nil
}

// sweep removes what runs that died left behind.
func sweep(out string) {
	entries, _ := os.ReadDir(out)
	for _, e := range entries {
		if !e.IsDir() || !strings.HasPrefix(e.Name(), stagingPrefix) {
			continue
		}
		dir := filepath.Join(out, e.Name())
		lock, err := os.Open(filepath.Join(dir, "lock"))
		if errors.Is(err, fs.ErrNotExist) || err == nil && unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil {
			os.RemoveAll(dir)
		}
		lock.Close()
	}
}

// remove leaves nothing. A database that was interrupted may still be putting
// down a file while its folder goes: then it is tried again.
func (s *staging) remove() {
	for range 40 {
		if os.RemoveAll(s.root) == nil {
			break
		}
		time.Sleep(25 * time.Millisecond)
	}
	s.lock.Close()
	if s.made {
		os.Remove(filepath.Dir(s.to)) // stays when it holds anything
	}
}

// seal writes the manifest and its signature.
func (s *staging) seal(signer pseudonym.Signer, manifest []byte) error {
	sig, err := signer.SignNote(schemas.Statement("manifest", schemas.Digest(manifest)))
	if err != nil {
		return fmt.Errorf("signing the manifest: %w", err)
	}
	if err := s.write("manifest.json", manifest); err != nil {
		return err
	}
	return s.write("manifest.sig", sig)
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
