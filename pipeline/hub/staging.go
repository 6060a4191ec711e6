package hub

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// staging is a folder that one process fills before its content is moved into place. It lies on the file system of its
// destination, and says by a held lock that its owner lives.
//
//	BASE/lock             held while a staging folder is made, and the dead ones' removed
//	BASE/RANDOM/lock      held by the owner
//	BASE/RANDOM/content/  what the owner fills
type staging struct {
	dir   string
	alive *os.File
}

// stage makes a staging folder below base, and removes those whose owners have died.
func stage(base string) (*staging, error) {
	if err := makeDir(base); err != nil {
		return nil, err
	}
	making, err := lockFile(filepath.Join(base, "lock"))
	if err != nil {
		return nil, err
	}
	defer making.Close()
	if err := removeDead(base); err != nil {
		return nil, err
	}
	s := &staging{dir: filepath.Join(base, randomHex())}
	if err := os.Mkdir(s.dir, 0o700); err != nil {
		return nil, err
	}
	if s.alive, err = lockFile(filepath.Join(s.dir, "lock")); err != nil {
		return nil, errors.Join(err, os.RemoveAll(s.dir))
	}
	if err := os.Mkdir(s.content(), 0o700); err != nil {
		return nil, errors.Join(err, s.remove())
	}
	return s, nil
}

func (s *staging) content() string { return filepath.Join(s.dir, "content") }

// remove may be called twice.
func (s *staging) remove() error {
	if s.alive == nil {
		return nil
	}
	err := errors.Join(os.RemoveAll(s.dir), s.alive.Close())
	s.alive = nil
	return err
}

// removeDead is called with the base locked, so that a folder without a lock is one whose owner died before taking it.
func removeDead(base string) error {
	entries, err := os.ReadDir(base)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		dir := filepath.Join(base, entry.Name())
		if !entry.IsDir() || lives(dir) {
			continue
		}
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	return nil
}

func lives(dir string) bool {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|unix.O_NOFOLLOW, 0)
	if err != nil {
		return !errors.Is(err, os.ErrNotExist)
	}
	defer f.Close()
	return flock(f, unix.LOCK_EX|unix.LOCK_NB) != nil
}

// makeDir makes a folder unless it is there. A link in its place is refused: it could lead out of the hub.
func makeDir(path string) error {
	err := os.Mkdir(path, 0o700)
	if err == nil {
		return syncPath(filepath.Dir(path))
	}
	if !errors.Is(err, os.ErrExist) {
		return err
	}
	stat, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if !stat.IsDir() {
		return broken("%s: not a folder", filepath.Base(path))
	}
	return nil
}

// move puts the content, synced, in its final place, which must be free. Whole or not at all.
func (s *staging) move(to string) error {
	if err := syncTree(s.content()); err != nil {
		return err
	}
	if err := os.Rename(s.content(), to); err != nil {
		return fmt.Errorf("moving into place: %w", err)
	}
	if err := syncPath(filepath.Dir(to)); err != nil {
		return &maybeError{err}
	}
	return nil
}
