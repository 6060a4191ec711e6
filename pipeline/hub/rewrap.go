package hub

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// nextHistory is the history that goes with state.next.
const nextHistory = "history.next"

// A Rewrapped file takes the place of one of the dataset's, under other codes.
type Rewrapped struct {
	Name string // below Load.Dir, a plain file name
	Old  string // of the file whose place it takes, below the dataset's folder: of the state, or of history
	Rows int64
}

// CommitRewrap puts re-wrapped files in the place of all that the dataset has, history included, and signs its state with another
// custodian's key. Old is the verifier key of the custodian so far; seen is the hash of the state that was read. It
// waits for readers and loads.
//
// The new files and a state.next are written beside the old. Record then makes the other custodian the trusted one: that is the instant
// of change, and lies in another folder than this one. A reader or writer who is told the new verifier key finds a state that it did not sign
// and goes by state.next; one who is told the old key goes by the state, and a writer removes state.next. Record must refuse with an
// error of kind governance, or with context.Canceled, after which the dataset is as it was; after any other error, which may have come too late, the next writer goes
// by whom it is told.
func (l *Load) CommitRewrap(files []Rewrapped, seen, old string, signer note.Signer, vkey string, record func(state string) error) (Result, error) {
	defer l.Abort()
	verifier, err := custodian(vkey)
	if err != nil {
		return Result{}, err
	}
	r := &rewrap{commit: &commit{load: l, signer: signer, verifier: verifier, vkey: old}, from: map[string]string{}}
	if err := r.measure(files); err != nil {
		return Result{}, err
	}
	lock, err := lockFile(filepath.Join(l.dir, "lock"))
	if err != nil {
		return Result{}, fmt.Errorf("locking dataset: %w", err)
	}
	defer lock.Close()
	if r.root, err = os.OpenRoot(l.dir); err != nil {
		return Result{}, fmt.Errorf("opening dataset: %w", err)
	}
	defer r.root.Close()
	return r.run(seen, record)
}

// rewrap is one CommitRewrap at work.
type rewrap struct {
	*commit
	now  []replacement     // of the state's files
	olds []string          // what all of them replace
	from map[string]string // staged name by new path
}

type replacement struct {
	site     string
	sequence int64
	file     File
}

// measure hashes and syncs what was staged, and says where it will lie: a file's name follows from its bytes.
func (r *rewrap) measure(files []Rewrapped) error {
	root, err := os.OpenRoot(r.load.Dir())
	if err != nil {
		return fmt.Errorf("reading staged files: %w", err)
	}
	defer root.Close()
	for _, f := range files {
		place, past := strings.CutPrefix(f.Old, historyDir+"/")
		table, site, sequence, ok := parsePath(place)
		if !ok {
			return misuse(nil, "a file is to take the place of one that is none of a dataset's")
		}
		file, err := r.measureOne(root, Staged{Name: f.Name, Table: table, Rows: f.Rows, Site: site, Sequence: sequence})
		if err != nil {
			return err
		}
		to := file.Path
		if past {
			to = path.Join(nextHistory, file.Path)
		} else {
			r.now = append(r.now, replacement{site, sequence, file})
		}
		r.olds, r.from[to] = append(r.olds, f.Old), f.Name
	}
	return r.load.hub.before("sync")
}

// parsePath reads what tablePath writes, but for the hash.
func parsePath(name string) (table, site string, sequence int64, ok bool) {
	parts := strings.Split(name, "/")
	if len(parts) != 3 || !isTable(parts[0]) {
		return "", "", 0, false
	}
	site, ok = strings.CutPrefix(parts[1], "site=")
	sequence, named := fileSequence(parts[2])
	return parts[0], site, sequence, ok && named && siteForm.MatchString(site)
}

func (r *rewrap) run(seen string, record func(string) error) (Result, error) {
	state, hash, err := r.present()
	if err != nil {
		return Result{}, err
	}
	if hash != seen || hash == "" {
		return Result{}, misuse(nil, "the dataset has changed meanwhile", "give the same command again")
	}
	if err := r.complete(state); err != nil {
		return Result{}, err
	}
	next, err := r.next(state, hash)
	if err != nil {
		return Result{}, err
	}
	signed, err := next.sign(r.signer, r.verifier)
	if err != nil {
		return Result{}, err
	}
	if err := r.announce(signed); err != nil {
		return Result{}, errors.Join(err, r.undo(state))
	}
	if err := record(hashHex(signed)); err != nil {
		if refused(err) {
			err = errors.Join(err, r.undo(state))
		}
		return Result{}, err
	}
	done := Result{State: next, StateHash: hashHex(signed)}
	if done.Untidy = r.settle(true); done.Untidy == nil {
		done.Untidy = r.tidy(next)
	}
	return done, nil
}

func refused(err error) bool {
	var k interface{ Kind() string }
	return errors.Is(err, context.Canceled) || errors.As(err, &k) && k.Kind() == "governance"
}

// complete refuses to leave out a file: it would stay under codes that nobody can match any more.
func (r *rewrap) complete(state State) error {
	all, err := allFiles(r.root, state, historyDir)
	if err != nil {
		return err
	}
	slices.Sort(r.olds)
	if !slices.Equal(all, r.olds) {
		return misuse(nil, "what was re-wrapped is not what the dataset holds", "give the same command again")
	}
	return nil
}

// allFiles are the paths of the state's files and of history's, sorted.
func allFiles(root *os.Root, state State, history string) (all []string, err error) {
	state.files(func(_ Member, f File) error { all = append(all, f.Path); return nil })
	defer func() { slices.Sort(all) }()
	past, err := root.OpenRoot(history)
	if errors.Is(err, os.ErrNotExist) {
		return all, nil
	}
	if err != nil {
		return all, err
	}
	defer past.Close()
	return all, tableFiles(past, func(table, site, name string, _ int64) error {
		all = append(all, path.Join(historyDir, table, "site="+site, name))
		return nil
	})
}

func (r *rewrap) next(state State, hash string) (State, error) {
	if state.Generation == 0 {
		return state, nil
	}
	next := state.after(Change{What: ChangeRewrap}, hash)
	for _, f := range r.now {
		var ok bool
		if next, ok = next.replacing(f.site, f.sequence, f.file); !ok {
			return State{}, misuse(nil, "a file is to take the place of one that the dataset does not have")
		}
	}
	if !next.valid(r.load.dataset) {
		return State{}, misuse(nil, "the re-wrapping would leave a state that is not in its form")
	}
	return next, nil
}

// announce moves the files into place, beside the old, and writes state.next.
func (r *rewrap) announce(signed []byte) error {
	staged, err := filepath.Rel(r.load.dir, r.load.Dir())
	if err != nil {
		return err
	}
	for to, name := range r.from {
		table := path.Base(path.Dir(path.Dir(to)))
		if err := r.load.hub.before("place " + table); err != nil {
			return err
		}
		if err := makeDirs(r.root, path.Dir(to)); err != nil {
			return fmt.Errorf("placing table %s: %w", table, err)
		}
		from := path.Join(filepath.ToSlash(staged), name)
		if err := errors.Join(r.root.Rename(from, to), syncIn(r.root, path.Dir(to))); err != nil {
			return fmt.Errorf("placing table %s: %w", table, err)
		}
	}
	if err := r.load.hub.before("next"); err != nil {
		return err
	}
	if err := replaceFile(r.root, nextFile, signed); err != nil {
		return fmt.Errorf("writing the next state: %w", err)
	}
	return r.load.hub.before("record")
}

// undo takes away what was put beside a state that stays.
func (r *rewrap) undo(state State) error {
	return errors.Join(r.settle(false), r.sweep(state))
}

// settle ends a re-wrapping: next says whether its state is in force. If so, history is replaced before the state is, so that
// whoever finds a state without a state.next has nothing of it left to do.
func (c *commit) settle(next bool) error {
	if !next {
		return c.discardNext()
	}
	if err := c.load.hub.before("history"); err != nil {
		return err
	}
	if _, err := c.root.Lstat(nextHistory); err == nil {
		if err := c.root.RemoveAll(historyDir); err != nil {
			return err
		}
		if err := c.load.hub.before("history gone"); err != nil {
			return err
		}
		if err := errors.Join(c.root.Rename(nextHistory, historyDir), syncIn(c.root, ".")); err != nil {
			return err
		}
	} else if !missing(err) {
		return err
	}
	if err := c.load.hub.before("state"); err != nil {
		return err
	}
	return errors.Join(c.root.Rename(nextFile, stateFile), syncIn(c.root, "."))
}

// discardNext removes what a re-wrapping left that was never recorded.
func (c *commit) discardNext() error {
	left := false
	for _, name := range []string{nextFile, nextFile + ".new", nextHistory} {
		if _, err := c.root.Lstat(name); missing(err) {
			continue
		}
		left = true
		if err := c.root.RemoveAll(name); err != nil {
			return err
		}
	}
	if !left {
		return nil
	}
	return syncIn(c.root, ".")
}

// Files are the paths of all that the dataset holds, below its folder: its state's files and history's. Open reads one of them after
// comparing it with what is known of it.
func (s *Snapshot) Files() ([]string, error) { return allFiles(s.root, s.State, s.history()) }

// VerifiedPath is the absolute path of one of Files, whose bytes are those that were loaded.
func (s *Snapshot) VerifiedPath(name string) (string, error) {
	if place, past := strings.CutPrefix(name, historyDir+"/"); past {
		return s.pastPath(place)
	}
	for _, m := range s.State.Members {
		for _, f := range m.Files {
			if f.Path == name {
				return s.Path(f), s.VerifyFile(f)
			}
		}
	}
	return "", misuse(os.ErrNotExist, "the dataset has no such file")
}

func (s *Snapshot) pastPath(place string) (string, error) {
	history, err := s.root.OpenRoot(s.history())
	if err != nil {
		return "", fmt.Errorf("opening history: %w", err)
	}
	defer history.Close()
	if _, err := verifyPast(history, place); err != nil {
		return "", err
	}
	return filepath.Join(history.Name(), filepath.FromSlash(place)), nil
}
