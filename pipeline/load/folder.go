package load

import (
	"errors"
	"io"
	"os"
	"slices"

	"golang.org/x/sys/unix"
)

// inFolder is an extract that arrived as a folder. Its files are read through the folder as it was
// opened, and never through a link.
type inFolder struct{ root *os.Root }

func openFolder(path string) (*inFolder, error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, &UseError{"the extract cannot be opened", "give the folder, or the sealed file, that datanet extract wrote"}
	}
	return &inFolder{root}, nil
}

func (d *inFolder) close() { d.root.Close() }

// again has nothing to do: a folder's files can be opened in any order.
func (d *inFolder) again(string) error { return nil }

// next opens a plain file of the folder. Root keeps links inside the folder but
// follows them there, so the name itself is looked at first; a pipe put in its
// place meanwhile does not block.
func (d *inFolder) next(name string) (io.ReadCloser, int64, error) {
	info, err := d.root.Lstat(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil, 0, &IntegrityError{Rule: name + " is missing", Hint: "give the folder that datanet extract wrote, whole"}
	}
	if err != nil || !info.Mode().IsRegular() {
		return nil, 0, &IntegrityError{Rule: name + " is not a plain file", Hint: again}
	}
	f, err := d.root.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, 0, &IntegrityError{Rule: name + " is not a plain file that can be read", Hint: again}
	}
	if opened, err := f.Stat(); err != nil || !os.SameFile(info, opened) {
		f.Close()
		return nil, 0, &IntegrityError{Rule: name + " is not a plain file", Hint: again}
	}
	return f, info.Size(), nil
}

// alone refuses files that the manifest does not name. It reads no more names
// than it needs to find one.
func (d *inFolder) alone(names []string) error {
	dir, err := d.root.Open(".")
	if err != nil {
		return err
	}
	defer dir.Close()
	found, err := dir.Readdirnames(len(names) + 1)
	if err != nil {
		return err
	}
	for _, n := range found {
		if !slices.Contains(names, n) {
			return &IntegrityError{Rule: "a file lies there that the manifest does not name", Hint: "move it away; an extract holds what its site signed and nothing else"}
		}
	}
	return nil
}
