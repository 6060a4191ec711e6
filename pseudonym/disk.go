package pseudonym

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

const privateMode = 0o600

// ReadPrivate reads a key file that is not of this package's making, such as an
// SSH key, as Read reads its own: a regular file of a key's size that nobody but
// its owner can read or write.
func ReadPrivate(path string) ([]byte, error) { return readPrivate(path, maxKeyFile) }

// readPrivate reads a regular file that nobody but its owner can read or write.
// The checks are made on the open file, so that a symbolic link or a swap of
// names cannot pass them for another one.
func readPrivate(path string, limit int64) ([]byte, error) {
	// O_NONBLOCK: opening a FIFO must not wait for somebody to write to it.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, cannotRead(path, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, cannotRead(path, err)
	}
	if e := checkPrivate(path, info); e != nil {
		return nil, e
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, cannotRead(path, err)
	}
	if int64(len(data)) > limit {
		return nil, refusal("is too large: at most %d bytes are read", limit).at(path)
	}
	return data, nil
}

func cannotRead(path string, err error) *KeyError {
	return refusal("cannot be read").at(path).because(err)
}

func checkPrivate(path string, info fs.FileInfo) *KeyError {
	switch {
	case !info.Mode().IsRegular():
		return refusal("is not a regular file").at(path)
	case info.Mode().Perm()&0o077 != 0 && runtime.GOOS != "windows": // Windows has no such bits
		return refusal("can be read or changed by others (mode %04o)", info.Mode().Perm()).at(path).
			hint("if nobody else has read it: chmod 600; otherwise make a new key")
	}
	return nil
}

// writeNew creates path with data, whole or not at all, and never over an
// existing name. The data is made durable under another name first and then
// linked, so that even a crash leaves no part of a key under its real name (it
// may leave the other name, a hidden file in the same folder, mode 0600).
func writeNew(path string, data []byte) error {
	part, err := writePart(path, data)
	if err != nil {
		return err
	}
	defer os.Remove(part)
	err = os.Link(part, path)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		err = createExclusive(path, data) // a file system without links
	}
	if err != nil {
		return err
	}
	if err := syncFolder(path); err != nil {
		os.Remove(path)
		return err
	}
	return nil
}

// replace puts data in the place of path, atomically and durably, and removes what
// a crash has left of earlier tries. One at a time: the caller holds a lock.
func replace(path string, data []byte) error {
	entries, _ := os.ReadDir(filepath.Dir(path))
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), partName(path)) {
			os.Remove(filepath.Join(filepath.Dir(path), e.Name()))
		}
	}
	part, err := writePart(path, data)
	if err != nil {
		return err
	}
	if err := os.Rename(part, path); err != nil {
		os.Remove(part)
		return err
	}
	return syncFolder(path)
}

// writePart writes data, synced, to a new private file beside path.
func writePart(path string, data []byte) (string, error) {
	f, err := os.CreateTemp(filepath.Dir(path), partName(path))
	if err != nil {
		return "", err
	}
	return f.Name(), fill(f, data)
}

// partName is what the names begin with under which a file is being written.
func partName(path string) string { return "." + filepath.Base(path) + ".part-" }

func createExclusive(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, privateMode)
	if err != nil {
		return err
	}
	return fill(f, data)
}

// fill writes a file that was just created, or removes it.
func fill(f *os.File, data []byte) error {
	err := f.Chmod(privateMode) // whatever the umask took away
	if err == nil {
		_, err = f.Write(data)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		os.Remove(f.Name())
	}
	return err
}

// syncFolder makes a new name durable.
func syncFolder(path string) error {
	if runtime.GOOS == "windows" { // folders cannot be synced there
		return nil
	}
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
