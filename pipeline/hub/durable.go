package hub

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// replaceFile puts a file in the place of another at once: after a crash it is the old one or the new one, whole.
func replaceFile(root *os.Root, name string, content []byte) error {
	fresh := name + ".new"
	if err := writeSynced(root, fresh, content); err != nil {
		root.Remove(fresh)
		return err
	}
	if err := root.Rename(fresh, name); err != nil {
		root.Remove(fresh)
		return err
	}
	if err := syncIn(root, "."); err != nil {
		return &maybeError{err}
	}
	return nil
}

func writeSynced(root *os.Root, name string, content []byte) error {
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Sync(), f.Close())
}

// syncIn makes a file, or a folder's list of names, last.
func syncIn(root *os.Root, name string) error {
	f, err := root.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// syncTree makes everything below a folder last, and refuses what is neither a plain file nor a folder.
func syncTree(dir string) error {
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !entry.IsDir() && !entry.Type().IsRegular() {
			return misuse(nil, "a finished folder holds something that is neither a file nor a folder", "links are not followed")
		}
		return syncPath(path)
	})
}

var errBusy = errors.New("held by another process")

// flock takes a lock, waiting for it unless how says not to. The kernel lets go when the process dies, however it dies, so
// no lock is ever stale.
func flock(f *os.File, how int) error {
	for {
		switch err := unix.Flock(int(f.Fd()), how); err {
		case unix.EINTR:
		case unix.EWOULDBLOCK:
			return errBusy
		default:
			return err
		}
	}
}

// lockFile makes and locks a lock file alone; closing it lets go.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	if err := flock(f, unix.LOCK_EX); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// shareFile locks an existing lock file together with other readers.
func shareFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	if err := flock(f, unix.LOCK_SH); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}
