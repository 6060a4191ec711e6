package hub

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// A Load is an extract on its way into a dataset. Follow BeginLoad with a deferred Abort.
type Load struct {
	hub     *Hub
	dataset string
	dir     string
	staging *staging
}

// A Staged file has been written into the load's folder, and becomes part of a table. One with a Site takes the place of that
// other site's file, whose extract, Sequence, stays: people who were withdrawn are gone from it.
type Staged struct {
	Name     string // below Load.Dir, a plain file name
	Table    string
	Rows     int64
	Site     string
	Sequence int64
}

// A Result says what Commit did. State is the dataset's state afterwards, also after a skip.
type Result struct {
	Decision
	State     State
	StateHash string // SHA-256 of the state file, in hex
	Untidy    error  // what is done is done, and files that are nobody's any more lie there still: the next call removes them
}

// BeginLoad makes a staging folder for a load, and removes those of loads whose process has died.
func (h *Hub) BeginLoad(dataset string) (*Load, error) {
	dir, err := h.datasetDir(dataset)
	if err != nil {
		return nil, err
	}
	if err := makeDir(dir); err != nil {
		return nil, fmt.Errorf("beginning load: %w", err)
	}
	s, err := stage(filepath.Join(dir, ".staging"))
	if err != nil {
		return nil, fmt.Errorf("beginning load: %w", err)
	}
	return &Load{hub: h, dataset: dataset, dir: dir, staging: s}, nil
}

// Dir is the folder to write into. It is on the dataset's file system and readable by this user only.
func (l *Load) Dir() string { return l.staging.content() }

// Abort removes the staging folder. After Commit it does nothing.
func (l *Load) Abort() error { return l.staging.remove() }

// Commit makes the staged files the site's part of the dataset, if rule allows it, and removes the staging folder. It waits
// for readers and other loads. Signer and vkey are the custodian's. After an error the dataset is as it was, except
// where the error says that it may not be.
func (l *Load) Commit(in Incoming, tables []Staged, rule Rule, signer note.Signer, vkey string) (Result, error) {
	defer l.Abort() // what cannot be removed now, the next load removes
	if err := in.check(); err != nil {
		return Result{}, err
	}
	verifier, err := custodian(vkey)
	if err != nil {
		return Result{}, err
	}
	c := &commit{load: l, in: in, signer: signer, verifier: verifier, vkey: vkey}
	if err := c.measure(tables); err != nil {
		return Result{}, err
	}
	lock, err := lockFile(filepath.Join(l.dir, "lock"))
	if err != nil {
		return Result{}, fmt.Errorf("locking dataset: %w", err)
	}
	defer lock.Close()
	if c.root, err = os.OpenRoot(l.dir); err != nil {
		return Result{}, fmt.Errorf("opening dataset: %w", err)
	}
	defer c.root.Close()
	return c.run(rule)
}

// commit is one Commit at work, with the dataset locked.
type commit struct {
	load     *Load
	in       Incoming
	files    []File            // the site's own
	others   []other           // that take the place of other sites' files
	from     map[string]string // staged name by path
	signer   note.Signer
	verifier note.Verifier
	vkey     string
	root     *os.Root
}

// An other is a file of another site than the load's.
type other struct {
	site     string
	sequence int64
	file     File
}

// measure hashes and syncs what was staged, before anybody has to wait for it.
func (c *commit) measure(tables []Staged) error {
	root, err := os.OpenRoot(c.load.Dir())
	if err != nil {
		return fmt.Errorf("reading staged files: %w", err)
	}
	defer root.Close()
	c.from = map[string]string{}
	for _, staged := range tables {
		file, err := c.measureOne(root, staged)
		if err != nil {
			return err
		}
		if _, twice := c.from[file.Path]; twice {
			return misuse(nil, "a table has the same file twice")
		}
		c.from[file.Path] = staged.Name
		if staged.Site != "" {
			c.others = append(c.others, other{staged.Site, staged.Sequence, file})
			continue
		}
		c.files = append(c.files, file)
	}
	slices.SortFunc(c.files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	if !c.member().valid() {
		return misuse(nil, "the staged tables are not of the accepted form", "at least one table, none of them empty, with plain lower-case names")
	}
	return c.load.hub.before("sync")
}

func (c *commit) measureOne(root *os.Root, staged Staged) (File, error) {
	if staged.Name != filepath.Base(staged.Name) || !filepath.IsLocal(staged.Name) {
		return File{}, misuse(nil, "a staged file's name is not a plain file name")
	}
	f, err := openPlain(root, staged.Name)
	if err != nil {
		return File{}, err
	}
	defer f.Close()
	sha, size, err := hashFile(f)
	if err := errors.Join(err, f.Sync()); err != nil {
		return File{}, fmt.Errorf("storing table %s: %w", staged.Table, err)
	}
	site, sequence := c.in.Site, c.in.Sequence
	if staged.Site != "" {
		site, sequence = staged.Site, staged.Sequence
	}
	return File{Table: staged.Table, Path: tablePath(staged.Table, site, sequence, sha), Rows: staged.Rows, SHA256: sha, Bytes: size}, nil
}

func (c *commit) member() Member {
	return Member{Site: c.in.Site, Sequence: c.in.Sequence, AsAt: c.in.AsAt, Manifest: c.in.Manifest, Policy: c.in.Policy, Withheld: c.in.Withheld, Files: c.files}
}

func (c *commit) run(rule Rule) (Result, error) {
	state, hash, err := c.present()
	if err != nil {
		return Result{}, err
	}
	decision, err := rule(state, c.in)
	if err != nil || decision.Skip != "" {
		return Result{Decision: decision, State: state, StateHash: hash}, err
	}
	if hash == "" {
		if hash, err = c.found(state); err != nil {
			return Result{}, err
		}
	}
	next, err := c.next(state, hash)
	if err != nil {
		return Result{}, err
	}
	signed, err := next.sign(c.signer, c.verifier)
	if err != nil {
		return Result{}, err
	}
	if err := c.enter(state, signed); err != nil {
		return Result{}, err
	}
	if err := c.tidy(next); err != nil {
		decision.Notes = append(decision.Notes, "the files that this load replaces are not all in history yet: the next load moves them")
	}
	return Result{Decision: decision, State: next, StateHash: hashHex(signed)}, nil
}

// next is the state after the load.
func (c *commit) next(state State, hash string) (State, error) {
	next := state.with(c.member(), c.in.Persons, c.in.LinkageCheck, hash)
	next.Forgets = c.in.Forget
	for _, o := range c.others {
		var ok bool
		if next, ok = next.replacing(o.site, o.sequence, o.file); !ok || o.site == c.in.Site {
			return State{}, misuse(nil, "a file is to take the place of one that the dataset does not have")
		}
	}
	if !next.valid(c.load.dataset) {
		return State{}, misuse(nil, "the load would leave a state that is not in its form")
	}
	return next, nil
}

// found writes generation 0.
func (c *commit) found(empty State) (hash string, err error) {
	signed, err := empty.sign(c.signer, c.verifier)
	if err != nil {
		return "", err
	}
	return hashHex(signed), c.replaceState("found", signed)
}

// present reads and checks the state, and tidies after a load that was cut short. Without a state there must be no
// files either: tidying by a state that somebody has removed would remove the dataset.
func (c *commit) present() (State, string, error) {
	state, hash, next, err := readState(c.root, c.load.dataset, c.vkey)
	if errors.Is(err, os.ErrNotExist) {
		state, hash = State{Schema: stateSchema, Dataset: c.load.dataset, Members: []Member{}}, ""
		return state, hash, refuseFiles(c.root, c.load.dataset)
	}
	if err != nil {
		return State{}, "", err
	}
	if err := checkPresent(c.root, state); err != nil {
		return State{}, "", err
	}
	if err := c.settle(next); err != nil {
		return State{}, "", fmt.Errorf("tidying dataset: %w", err)
	}
	if err := c.tidy(state); err != nil {
		return State{}, "", fmt.Errorf("tidying dataset: %w", err)
	}
	return state, hash, nil
}

// enter moves the files into place and replaces the state. If that fails, what has been moved is taken away again.
func (c *commit) enter(state State, signed []byte) error {
	err := c.place()
	if err == nil {
		err = c.replaceState("state", signed)
	}
	if err != nil && !errors.As(err, new(*maybeError)) {
		err = errors.Join(err, c.sweep(state))
	}
	return err
}

func (c *commit) place() error {
	staged, err := filepath.Rel(c.load.dir, c.load.Dir())
	if err != nil {
		return err
	}
	files := slices.Clone(c.files)
	for _, o := range c.others {
		files = append(files, o.file)
	}
	for _, file := range files {
		if err := c.load.hub.before("place " + file.Table); err != nil {
			return err
		}
		if err := makeDirs(c.root, path.Dir(file.Path)); err != nil {
			return fmt.Errorf("placing table %s: %w", file.Table, err)
		}
		from := path.Join(filepath.ToSlash(staged), c.from[file.Path])
		if err := errors.Join(c.root.Rename(from, file.Path), syncIn(c.root, path.Dir(file.Path))); err != nil {
			return fmt.Errorf("placing table %s: %w", file.Table, err)
		}
	}
	return nil
}

func (c *commit) replaceState(step string, signed []byte) error {
	if err := c.load.hub.before(step); err != nil {
		return err
	}
	if err := replaceFile(c.root, stateFile, signed); err != nil {
		return fmt.Errorf("replacing state: %w", err)
	}
	return nil
}
