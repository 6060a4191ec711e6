package hub

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
)

// A Snapshot is a dataset held still for a reader: no load changes it until Close.
type Snapshot struct {
	State State
	Hash  string // SHA-256 of the state file, in hex

	root *os.Root
	lock *os.File
	next bool // a re-wrapping has not been tidied up
}

// Snapshot holds a dataset still and checks its state's signature, and that its files are there and of the right size;
// VerifyFiles checks all of their bytes. Vkey is the custodian's. A dataset without a load is a *UseError.
func (h *Hub) Snapshot(dataset, vkey string) (*Snapshot, error) {
	dir, err := h.datasetDir(dataset)
	if err != nil {
		return nil, err
	}
	lock, err := shareFile(filepath.Join(dir, "lock"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, h.absent(dataset, dir)
	}
	if err != nil {
		return nil, fmt.Errorf("locking dataset: %w", err)
	}
	s := &Snapshot{lock: lock}
	if s.root, err = os.OpenRoot(dir); err != nil {
		return nil, errors.Join(fmt.Errorf("opening dataset: %w", err), s.Close())
	}
	if err := s.read(dataset, vkey); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// State reads a dataset's state and its hash, also one that names no site: Snapshot is for who wants the files too. A dataset that
// was never loaded is a *UseError.
func (h *Hub) State(dataset, vkey string) (State, string, error) {
	dir, err := h.datasetDir(dataset)
	if err != nil {
		return State{}, "", err
	}
	lock, err := shareFile(filepath.Join(dir, "lock"))
	if errors.Is(err, os.ErrNotExist) {
		return State{}, "", h.absent(dataset, dir)
	}
	if err != nil {
		return State{}, "", fmt.Errorf("locking dataset: %w", err)
	}
	defer lock.Close()
	root, err := os.OpenRoot(dir)
	if err != nil {
		return State{}, "", fmt.Errorf("opening dataset: %w", err)
	}
	defer root.Close()
	s, hash, _, err := readState(root, dataset, vkey)
	if errors.Is(err, os.ErrNotExist) {
		return State{}, "", empty(dataset)
	}
	return s, hash, err
}

// absent tells a dataset that was never loaded from one that has lost its lock file.
func (h *Hub) absent(dataset, dir string) error {
	if _, err := os.Lstat(filepath.Join(dir, stateFile)); err == nil {
		return broken("%s/lock: missing", dataset)
	}
	return empty(dataset)
}

func empty(dataset string) error {
	return misuse(os.ErrNotExist, "nothing is loaded in "+dataset, "load an extract first")
}

func (s *Snapshot) read(dataset, vkey string) (err error) {
	s.State, s.Hash, s.next, err = readState(s.root, dataset, vkey)
	if errors.Is(err, os.ErrNotExist) {
		if err := refuseFiles(s.root, dataset); err != nil {
			return err
		}
		return empty(dataset)
	}
	if err != nil {
		return err
	}
	if len(s.State.Members) == 0 {
		return empty(dataset)
	}
	return checkPresent(s.root, s.State)
}

// Paths are the absolute paths of a table's files, sorted by site.
func (s *Snapshot) Paths(table string) []string {
	var paths []string
	s.State.files(func(_ Member, f File) error {
		if f.Table == table {
			paths = append(paths, filepath.Join(s.root.Name(), filepath.FromSlash(f.Path)))
		}
		return nil
	})
	return paths
}

// Path is the absolute path of one of the state's files.
func (s *Snapshot) Path(f File) string {
	return filepath.Join(s.root.Name(), filepath.FromSlash(f.Path))
}

// VerifyFile reads one of the state's files and compares it with the state.
func (s *Snapshot) VerifyFile(f File) error { return verifyFile(s.root, f) }

// Size is how many files the state names, and their bytes.
func (s *Snapshot) Size() (files int, bytes int64) {
	s.State.files(func(_ Member, f File) error {
		files, bytes = files+1, bytes+f.Bytes
		return nil
	})
	return files, bytes
}

// VerifyHistory reads every file of history and compares it with the beginning of its SHA-256, which is in its name. It
// reports all that differ.
func (s *Snapshot) VerifyHistory() (files int, bytes int64, err error) {
	history, err := s.root.OpenRoot(s.history())
	if errors.Is(err, os.ErrNotExist) {
		return 0, 0, nil
	}
	if err != nil {
		return 0, 0, fmt.Errorf("opening history: %w", err)
	}
	defer history.Close()
	var errs []error
	err = tableFiles(history, func(table, site, name string, _ int64) error {
		file := path.Join(table, "site="+site, name)
		size, err := verifyPast(history, file)
		files, bytes = files+1, bytes+size
		errs = append(errs, err)
		return nil
	})
	return files, bytes, errors.Join(append(errs, err)...)
}

// history is where the files that earlier states named lie, under the codes of this one.
func (s *Snapshot) history() string {
	if _, err := s.root.Lstat(nextHistory); s.next && err == nil {
		return nextHistory
	}
	return historyDir
}

func verifyPast(history *os.Root, file string) (size int64, err error) {
	f, err := openPlain(history, file)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	sha, size, err := hashFile(f)
	if err != nil {
		return 0, fmt.Errorf("reading %s/%s: %w", historyDir, file, err)
	}
	if !namedBy(path.Base(file), sha) {
		return size, broken("%s/%s: not the bytes that were loaded", historyDir, file)
	}
	return size, nil
}

// VerifyFiles reads every file and compares it with the state. It reports all that differ.
func (s *Snapshot) VerifyFiles() error {
	var errs []error
	err := s.State.files(func(_ Member, f File) error {
		errs = append(errs, verifyFile(s.root, f))
		return nil
	})
	return errors.Join(append(errs, err)...)
}

func verifyFile(root *os.Root, file File) error {
	f, err := openPlain(root, file.Path)
	if errors.Is(err, os.ErrNotExist) {
		return broken("%s: missing", file.Path)
	}
	if err != nil {
		return err
	}
	defer f.Close()
	sha, size, err := hashFile(f)
	if err != nil {
		return fmt.Errorf("reading %s: %w", file.Path, err)
	}
	if sha != file.SHA256 || size != file.Bytes {
		return broken("%s: not the bytes that were loaded", file.Path)
	}
	return nil
}

// checkPresent checks that every file of a state is there, plain, and of the right size. An older state put back fails
// here, before anything is tidied by it.
func checkPresent(root *os.Root, state State) error {
	return state.files(func(_ Member, f File) error {
		stat, err := lstatPlain(root, f.Path)
		if errors.Is(err, os.ErrNotExist) {
			return broken("%s: missing", f.Path)
		}
		if err != nil {
			return err
		}
		if stat.Size() != f.Bytes {
			return broken("%s: not of the size that was loaded", f.Path)
		}
		return nil
	})
}

// Close lets loads go on. It may be called twice.
func (s *Snapshot) Close() error {
	var errs []error
	if s.root != nil {
		errs = append(errs, s.root.Close())
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	s.root, s.lock = nil, nil
	return errors.Join(errs...)
}
