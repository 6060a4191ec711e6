package extract

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// inputs is how the files that could be read looked before any was. An export
// that is still being written, or a share that breaks away, must not become an
// extract that lacks the rest in silence.
type inputs map[string]os.FileInfo

func lookAt(o Options) inputs {
	seen := inputs{}
	see := func(path string) {
		if info, err := os.Stat(path); err == nil {
			seen[path] = info
		}
	}
	entries, _ := os.ReadDir(o.Source) // opening the source says what is wrong with it
	for _, e := range entries {
		see(filepath.Join(o.Source, e.Name()))
	}
	if path, err := filepath.Abs(o.Postcodes); err == nil && o.Postcodes != "" {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			path = real
		}
		see(path)
	}
	return seen
}

// changed refuses a source of which a file is not what it was. It says of which
// table.
func (before inputs) changed(src *source) error {
	paths := src.paths()
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		if same(before[path], path) {
			continue
		}
		return &SourceError{Table: paths[path], Rule: "the file was changed, or could no longer be read, while it was being read",
			Hint: "wait until the export has ended, or copy it to a disk of your own, and give the same command again"}
	}
	return nil
}

// same says whether a file that can be read is the one that was there before.
func same(was os.FileInfo, path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	is, err := f.Stat()
	return err == nil && was != nil && os.SameFile(was, is) && was.Size() == is.Size() && was.ModTime().Equal(is.ModTime())
}

// paths are the files that are read, and what messages call each.
func (s *source) paths() map[string]string {
	paths := map[string]string{}
	for _, file := range s.files() {
		paths[file.path] = file.table
	}
	if s.postcodes != nil {
		paths[s.postcodes.path] = lookupName
	}
	return paths
}

// unreadable keeps the system's words about a file of the source, and with them
// the file's name, to itself.
func unreadable(err error) error {
	var path *fs.PathError
	if !errors.As(err, &path) {
		return err
	}
	return &SourceError{Rule: "a file of the export could not be read to its end: " + path.Err.Error(),
		Hint: "see whether the disk or the share that it lies on is there, and copy the export to a disk of your own"}
}
