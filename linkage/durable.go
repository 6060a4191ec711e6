package linkage

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
)

// A maybeError is a failure after which the new file may or may not be the one that a crash would leave.
type maybeError struct{ err error }

func (e *maybeError) Error() string { return "it may or may not have been recorded: " + e.err.Error() }
func (e *maybeError) Unwrap() error { return e.err }

// replaceFile puts a file in the place of another at once: after a crash it is the old one or the new one, whole.
func replaceFile(dir, name string, content []byte) error {
	path, fresh := filepath.Join(dir, name), filepath.Join(dir, name+".new")
	if err := writeSynced(fresh, content); err != nil {
		os.Remove(fresh)
		return err
	}
	if err := os.Rename(fresh, path); err != nil {
		os.Remove(fresh)
		return err
	}
	if err := syncDir(dir); err != nil {
		return &maybeError{err}
	}
	return nil
}

func writeSynced(path string, content []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Sync(), f.Close())
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// appendLine adds a line and its line feed.
func appendLine(path string, line []byte, did func(string)) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	_, err = f.Write(append(line[:len(line):len(line)], '\n'))
	did("written")
	return errors.Join(err, f.Sync(), f.Close())
}

func fileSize(path string) (int64, error) {
	stat, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	return stat.Size(), nil
}

// cut shortens a file and makes that last.
func cut(path string, length int64) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Truncate(length), f.Sync(), f.Close())
}

// lock waits until this is the only holder. The kernel lets go when the process dies, however it dies, so no lock is ever stale.
func lock(path string) (unlock func(), err error) {
	return flock(path, os.O_RDWR|os.O_CREATE, syscall.LOCK_EX)
}

// share waits until nobody writes.
func share(path string) (unlock func(), err error) {
	return flock(path, os.O_RDONLY, syscall.LOCK_SH)
}

func flock(path string, flag, how int) (unlock func(), err error) {
	f, err := os.OpenFile(path, flag, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(f.Fd()), how)
		if err != syscall.EINTR {
			break
		}
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() { f.Close() }, nil
}
