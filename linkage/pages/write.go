package pages

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// A PlaceError says that pages cannot be written where they were wanted. Nothing was changed there.
type PlaceError struct{ reason, hint string }

func (e *PlaceError) Error() string { return e.reason }

// Kind is "use".
func (e *PlaceError) Kind() string { return "use" }

// Hints say where they can be written.
func (e *PlaceError) Hints() []string { return []string{e.hint} }

// Modes of what is written: a register is for everybody who comes by, all else for its owner.
type mode struct{ file, dir fs.FileMode }

var (
	forEverybody = mode{0o644, 0o755}
	forOwner     = mode{0o600, 0o700}
)

// WriteRegister writes the register's files into a folder, for everybody to read.
func WriteRegister(dir string, files []File) error { return writeFolder(dir, files, forEverybody) }

// WriteHistory writes the history's files into a folder, for its owner to read.
func WriteHistory(dir string, files []File) error { return writeFolder(dir, files, forOwner) }

// writeFolder puts a whole folder in the place of an earlier one of the same files, or where none or an empty one was. At a crash there is the old folder
// or the new one. What a crash leaves beside it the next run takes away.
func writeFolder(dir string, files []File, m mode) error {
	dir = filepath.Clean(dir)
	above := filepath.Dir(dir)
	unlock, err := lockFolder(above)
	if err != nil {
		return noPlace(dir, err)
	}
	defer unlock()
	if err := ourFolder(dir, files); err != nil {
		return err
	}
	part := filepath.Join(above, ".new-"+filepath.Base(dir))
	if err := clearPart(part, files); err != nil {
		return err
	}
	if err := fill(part, files, m); err != nil {
		return errors.Join(noPlace(dir, err), os.RemoveAll(part))
	}
	if err := takePlace(part, dir); err != nil {
		return errors.Join(noPlace(dir, err), clearPart(part, files))
	}
	if err := syncFolder(above); err != nil {
		return err
	}
	return clearPart(part, files)
}

// fill makes the new folder under its temporary name.
func fill(part string, files []File, m mode) error {
	if err := os.Mkdir(part, 0o700); err != nil {
		return err
	}
	for _, f := range files {
		if err := writeSynced(filepath.Join(part, f.Name), f.Content, m.file); err != nil {
			return err
		}
	}
	return errors.Join(os.Chmod(part, m.dir), syncFolder(part))
}

// ourFolder accepts a folder that is not there, is empty, or holds what we have written there before and nothing else.
func ourFolder(dir string, files []File) error {
	stat, err := os.Lstat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return noPlace(dir, err)
	}
	if !stat.IsDir() {
		return &PlaceError{dir + " is not a folder", "name a folder that does not exist yet, or one of an earlier run"}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return noPlace(dir, err)
	}
	for _, e := range entries {
		if !slices.ContainsFunc(files, func(f File) bool { return f.Name == e.Name() }) || !e.Type().IsRegular() {
			return foreign(dir)
		}
	}
	if len(entries) > 0 && !ourPage(filepath.Join(dir, pageOf(files))) {
		return foreign(dir)
	}
	return nil
}

func foreign(dir string) error {
	return &PlaceError{dir + " holds other files than an earlier run wrote there", "name a folder that does not exist yet: nothing is written over"}
}

// pageOf names the page among the files: it carries the mark by which a folder is known as ours.
func pageOf(files []File) string {
	for _, f := range files {
		if strings.HasSuffix(f.Name, ".html") {
			return f.Name
		}
	}
	return ""
}

func ourPage(path string) bool {
	text, err := os.ReadFile(path)
	return err == nil && bytes.Contains(text, []byte(`<meta name="generator" content="`+generator+`">`))
}

// clearPart takes away what an earlier run has left under the temporary name: files of ours in a folder, and nothing else.
func clearPart(part string, files []File) error {
	stat, err := os.Lstat(part)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil || !stat.IsDir() {
		return inTheWay(part)
	}
	for _, f := range files {
		if err := os.Remove(filepath.Join(part, f.Name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if os.Remove(part) != nil {
		return inTheWay(part)
	}
	return nil
}

func inTheWay(part string) error {
	return &PlaceError{part + " is in the way", "move it away: the new pages are made under this name"}
}

// WritePage writes one page for its owner, in the place of an earlier page of ours or where nothing was.
func WritePage(path string, content []byte) error {
	stat, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return noPlace(path, err)
	case !stat.Mode().IsRegular() || !ourPage(path):
		return &PlaceError{path + " is there already, and is not a page that this tool wrote", "give another name, or move it away: nothing is written over"}
	}
	unlock, err := lockFolder(filepath.Dir(path))
	if err != nil {
		return noPlace(path, err)
	}
	defer unlock()
	part := filepath.Join(filepath.Dir(path), ".datanet-new-"+filepath.Base(path))
	if err := os.Remove(part); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return noPlace(path, err)
	}
	if err := writeSynced(part, content, forOwner.file); err != nil {
		return errors.Join(noPlace(path, err), os.Remove(part))
	}
	if err := os.Rename(part, path); err != nil {
		return errors.Join(noPlace(path, err), os.Remove(part))
	}
	return syncFolder(filepath.Dir(path))
}

func writeSynced(path string, content []byte, m fs.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, m)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Chmod(m), f.Sync(), f.Close())
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// lockFolder lets one run at a time write pages into a folder. The kernel lets go when the process ends, however it ends.
func lockFolder(dir string) (unlock func(), err error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	for tries := 0; ; tries++ {
		err = syscall.Flock(int(d.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return func() { d.Close() }, nil
		case err != syscall.EWOULDBLOCK && err != syscall.EINTR:
			return nil, errors.Join(err, d.Close())
		case tries == mostTries:
			return nil, errors.Join(&PlaceError{"another command is writing pages into " + dir, "give the same command again when it is done"}, d.Close())
		}
		time.Sleep(20 * time.Millisecond)
	}
}

const mostTries = 250

// noPlace blames the name that was given where the name is at fault.
func noPlace(path string, err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.ENOTDIR) {
		return &PlaceError{path + " cannot be written", "name a place in a folder that is there and that you may write to"}
	}
	return fmt.Errorf("writing pages: %w", err)
}

// fileByFile is for file systems that cannot exchange folders: each file takes the place of its forerunner, whole. After a crash among them files of two runs
// can stand together; each says as of which entry it is, and the next run puts it right.
func fileByFile(part, dir string) error {
	entries, err := os.ReadDir(part)
	for _, e := range entries {
		err = errors.Join(err, os.Rename(filepath.Join(part, e.Name()), filepath.Join(dir, e.Name())))
	}
	return errors.Join(err, syncFolder(dir))
}
