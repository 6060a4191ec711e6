package hub

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path"
	"strings"
)

// openPlain opens a file for reading if neither it nor a folder on its way is a link. os.Root alone would follow links
// that stay below it.
func openPlain(root *os.Root, name string) (*os.File, error) {
	want, err := lstatPlain(root, name)
	if err != nil {
		return nil, err
	}
	f, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	got, err := f.Stat()
	if err != nil || !os.SameFile(want, got) {
		f.Close()
		return nil, broken("%s: changed while it was opened", name)
	}
	return f, nil
}

func lstatPlain(root *os.Root, name string) (os.FileInfo, error) {
	if err := plainDirs(root, path.Dir(name)); err != nil {
		return nil, err
	}
	stat, err := root.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !stat.Mode().IsRegular() {
		return nil, broken("%s: not a plain file", name)
	}
	return stat, nil
}

// plainDirs checks every folder of a path.
func plainDirs(root *os.Root, dir string) error {
	if dir == "." {
		return nil
	}
	parts := strings.Split(dir, "/")
	for i := range parts {
		name := path.Join(parts[:i+1]...)
		stat, err := root.Lstat(name)
		if err != nil {
			return err
		}
		if !stat.IsDir() {
			return broken("%s: not a folder", name)
		}
	}
	return nil
}

// makeDirs makes the folders of a path that are not there, makes their names last, and refuses links.
func makeDirs(root *os.Root, dir string) error {
	if dir == "." {
		return nil
	}
	parent := path.Dir(dir)
	if err := makeDirs(root, parent); err != nil {
		return err
	}
	switch err := root.Mkdir(dir, 0o700); {
	case err == nil:
		return syncIn(root, parent)
	case os.IsExist(err):
		return plainDirs(root, dir)
	default:
		return err
	}
}

func hashFile(f io.Reader) (sha string, size int64, err error) {
	h := sha256.New()
	size, err = io.Copy(h, f)
	return hex.EncodeToString(h.Sum(nil)), size, err
}
