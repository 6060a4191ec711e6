package hub

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"datanet/schemas"
)

const (
	releasesDir = "releases"
	linkedDir   = "linked"
	stagingDir  = ".staging"
	scratchDir  = "scratch"
)

// A Project is the place of what was made under one approval: the datasets' releases until they are linked, and the
// linked tables. Whether the approval still lives is not asked here.
type Project struct {
	hub *Hub
	id  string
	dir string
}

// Project names the place of an approval. It need not be there yet.
func (h *Hub) Project(id string) (*Project, error) {
	if !schemas.ApprovalID(id) {
		return nil, misuse(nil, "not an approval's id", "an id is letters, digits and hyphens; approval list shows them")
	}
	return &Project{hub: h, id: id, dir: filepath.Join(h.ProjectsDir(), id)}, nil
}

// Projects are the ids of the approvals under which something was made here, sorted. After Remove an id stays, with nothing in it.
func (h *Hub) Projects() ([]string, error) {
	entries, err := os.ReadDir(h.ProjectsDir())
	if err != nil {
		return nil, fmt.Errorf("listing projects: %w", err)
	}
	var ids []string
	for _, entry := range entries {
		if entry.IsDir() && schemas.ApprovalID(entry.Name()) {
			ids = append(ids, entry.Name())
		}
	}
	return ids, nil
}

// ID is the approval's.
func (p *Project) ID() string { return p.id }

// LinkedDir is where the linked tables belong.
func (p *Project) LinkedDir() string { return filepath.Join(p.dir, linkedDir) }

// ReleaseDir is where a dataset's release belongs.
func (p *Project) ReleaseDir(dataset string) (string, error) {
	if !datasetForm.MatchString(dataset) {
		return "", misuse(nil, "not a dataset's name", "a dataset's name is lower-case letters, digits and hyphens")
	}
	return filepath.Join(p.dir, releasesDir, dataset), nil
}

// Released are the datasets whose release lies in the project, sorted.
func (p *Project) Released() ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(p.dir, releasesDir))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("listing releases: %w", err)
	}
	var datasets []string
	for _, entry := range entries {
		if datasetForm.MatchString(entry.Name()) {
			datasets = append(datasets, entry.Name())
		}
	}
	return datasets, nil
}

// Linked says whether anything stands in the place of the linked tables.
func (p *Project) Linked() (bool, error) { return stands(p.LinkedDir()) }

func stands(path string) (bool, error) {
	_, err := os.Lstat(path)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// Remove takes away the project's releases and linked tables, and says which there were, as "linked" or "releases/slam". It
// waits for who is working in the project, so that nothing is put there behind its back. Each goes out of
// its place at once; a crash leaves no half of one where it could be taken for the whole.
func (p *Project) Remove() (removed []string, err error) {
	if there, err := stands(p.dir); !there || err != nil {
		return nil, err
	}
	lock, err := p.hold()
	if err != nil {
		return nil, fmt.Errorf("removing project: %w", err)
	}
	defer lock.Close()
	datasets, err := p.Released()
	if err != nil {
		return nil, err
	}
	for _, dataset := range datasets {
		removed = append(removed, releasesDir+"/"+dataset)
	}
	if there, err := p.Linked(); err != nil {
		return nil, err
	} else if there {
		removed = append(removed, linkedDir)
	}
	if err := p.discard(removed); err != nil {
		return nil, fmt.Errorf("removing project: %w", err)
	}
	return removed, nil
}

// hold takes the project's lock, alone.
func (p *Project) hold() (*os.File, error) {
	if err := makeDir(p.dir); err != nil {
		return nil, err
	}
	return lockFile(filepath.Join(p.dir, "lock"))
}

// discard moves folders of the project into staging, where the next to come removes what a crash left, and removes
// them there. It is called with the project held. A link or a file in a folder's place goes too.
func (p *Project) discard(names []string) error {
	base := filepath.Join(p.dir, stagingDir)
	if err := makeDir(base); err != nil {
		return err
	}
	for _, name := range names {
		if err := p.hub.before("discard " + name); err != nil {
			return err
		}
		place := filepath.Join(p.dir, filepath.FromSlash(name))
		if err := os.Rename(place, filepath.Join(base, randomHex())); err != nil {
			return err
		}
		if err := syncPath(filepath.Dir(place)); err != nil {
			return err
		}
	}
	if err := p.hub.before("removing"); err != nil {
		return err
	}
	return removeAll(base)
}

// removeAll empties a staging folder, with everybody who could use it locked out.
func removeAll(base string) error {
	entries, err := os.ReadDir(base)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.Name() == "lock" {
			continue
		}
		if err := os.RemoveAll(filepath.Join(base, entry.Name())); err != nil {
			return err
		}
	}
	return nil
}

// A Work is one release or one linking on its way. Nobody else works in the project meanwhile. Follow Begin with a deferred Abort.
type Work struct {
	project *Project
	lock    *os.File
	staging *staging
}

// Begin makes the project's folder, waits until it is the only one at work in it, and removes what a crash left.
func (p *Project) Begin() (*Work, error) {
	lock, err := p.hold()
	if err != nil {
		return nil, fmt.Errorf("beginning work in project: %w", err)
	}
	w := &Work{project: p, lock: lock}
	base := filepath.Join(p.dir, stagingDir)
	err = makeDir(base)
	if err == nil {
		err = removeAll(base)
	}
	if err == nil {
		w.staging, err = stage(base)
	}
	if err == nil {
		err = os.Mkdir(w.Scratch(), 0o700)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("beginning work in project: %w", err), w.Abort())
	}
	return w, nil
}

// Dir is the folder to write what will be put in place. It is readable by this user only.
func (w *Work) Dir() string { return w.staging.content() }

// Scratch is a folder for what is needed meanwhile; it goes when the work ends.
func (w *Work) Scratch() string { return filepath.Join(w.staging.dir, scratchDir) }

// Abort removes the staging folder and lets others go on. It may be called twice.
func (w *Work) Abort() error {
	var errs []error
	if w.staging != nil {
		errs = append(errs, w.staging.remove())
	}
	if w.lock != nil {
		errs = append(errs, w.lock.Close())
	}
	w.staging, w.lock = nil, nil
	return errors.Join(errs...)
}

// PutRelease moves the finished folder to the place of the dataset's release, which must be free. Whole or not at all. Record is
// called when all is on the disk, just before: its error leaves the place free.
func (w *Work) PutRelease(dataset string, record func() error) (dir string, err error) {
	if dir, err = w.project.ReleaseDir(dataset); err != nil {
		return "", err
	}
	if err := makeDir(filepath.Dir(dir)); err != nil {
		return "", fmt.Errorf("placing release: %w", err)
	}
	return w.put(dir, record)
}

// PutLinked moves the finished folder to the place of the linked tables, as PutRelease does.
func (w *Work) PutLinked(record func() error) (dir string, err error) {
	return w.put(w.project.LinkedDir(), record)
}

func (w *Work) put(to string, record func() error) (dir string, err error) {
	if there, err := stands(to); err != nil {
		return "", err
	} else if there {
		return "", occupied(to)
	}
	return place(w.project.hub, w.staging, to, record)
}

// place has a folder recorded between its last byte's reaching the disk and its name.
func place(h *Hub, s *staging, to string, record func() error) (dir string, err error) {
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"sync", func() error { return syncTree(s.content()) }},
		{"record", record},
		{"put", func() error { return s.move(to) }}, // what record returned is on the disk by now, so that nothing stands unrecorded
	} {
		if err := h.before(step.name); err != nil {
			return "", err
		}
		err := step.do()
		if step.name == "put" && errors.Is(err, os.ErrExist) {
			return "", occupied(to)
		}
		if err != nil {
			return "", err
		}
	}
	return to, nil
}

func occupied(path string) *UseError {
	return misuse(os.ErrExist, filepath.Base(path)+": something stands in its place", "look at it with datanet inspect; give another folder with --out, or have it removed")
}

// DropReleases removes the project's own releases, after they were linked, and says of which datasets there were any.
func (w *Work) DropReleases() (dropped []string, err error) {
	datasets, err := w.project.Released()
	if err != nil {
		return nil, err
	}
	for _, dataset := range datasets {
		if err := w.drop(releasesDir + "/" + dataset); err != nil {
			return dropped, fmt.Errorf("removing linked releases: %w", err)
		}
		dropped = append(dropped, dataset)
	}
	return dropped, nil
}

// drop moves a folder of the project into the staging folder, which goes when the work ends or the next one begins.
func (w *Work) drop(name string) error {
	if err := w.project.hub.before("discard " + name); err != nil {
		return err
	}
	place := filepath.Join(w.project.dir, filepath.FromSlash(name))
	if err := os.Rename(place, filepath.Join(w.staging.dir, randomHex())); err != nil {
		return err
	}
	return syncPath(filepath.Dir(place))
}

// An Outside is a folder on its way to a place out of the hub. Follow BeginOutside with a deferred Abort.
type Outside struct {
	hub     *Hub
	staging *staging
	base    string
	to      string
}

// BeginOutside makes a staging folder beside the place, which must be free or an empty folder, and removes those of processes that have died.
func (h *Hub) BeginOutside(to string) (*Outside, error) {
	to, err := filepath.Abs(to)
	if err != nil {
		return nil, fmt.Errorf("beginning release: %w", err)
	}
	entries, err := os.ReadDir(to)
	if !errors.Is(err, fs.ErrNotExist) && (err != nil || len(entries) > 0) {
		return nil, occupied(to)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return nil, misuse(err, "the output folder cannot be made", "give a folder that you may write with --out")
	}
	o := &Outside{hub: h, to: to, base: filepath.Join(filepath.Dir(to), "."+filepath.Base(to)+".staging")}
	if o.staging, err = stage(o.base); err != nil {
		return nil, misuse(err, "nothing can be written beside the output folder", "give a folder that you may write with --out")
	}
	if err := os.Mkdir(o.Scratch(), 0o700); err != nil {
		return nil, errors.Join(err, o.Abort())
	}
	return o, nil
}

// Dir is the folder to write what will be put in place. It is readable by this user only.
func (o *Outside) Dir() string { return o.staging.content() }

// Scratch is a folder for what is needed meanwhile; it goes when the work ends.
func (o *Outside) Scratch() string { return filepath.Join(o.staging.dir, scratchDir) }

// Abort removes the staging folder. It may be called twice.
func (o *Outside) Abort() error {
	if o.staging == nil {
		return nil
	}
	err := o.staging.remove()
	removeBase(o.base)
	o.staging = nil
	return err
}

// Put moves the finished folder to its place, as Work.PutRelease does.
func (o *Outside) Put(record func() error) (dir string, err error) {
	if err := os.Remove(o.to); err != nil && !errors.Is(err, fs.ErrNotExist) { // removes an empty folder only
		return "", occupied(o.to)
	}
	return place(o.hub, o.staging, o.to, record)
}
