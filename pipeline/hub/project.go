package hub

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

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

// Released are the datasets whose release lies in the project, sorted. A link in the place of their folder is refused.
func (p *Project) Released() ([]string, error) {
	root, err := p.open()
	if missing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("listing releases: %w", err)
	}
	defer root.Close()
	return released(root)
}

func released(root *os.Root) ([]string, error) {
	in, err := look(root)
	if err == nil && slices.Contains(in.strays, releasesDir) {
		err = misplaced(releasesDir)
	}
	if err != nil {
		return nil, fmt.Errorf("listing releases: %w", err)
	}
	return in.datasets, nil
}

// Linked says whether anything stands in the place of the linked tables.
func (p *Project) Linked() (bool, error) {
	in, err := p.look()
	if err == nil && in.displaced() {
		err = misplaced(p.id)
	}
	return in.linked, err
}

func stands(path string) (bool, error) {
	_, err := os.Lstat(path)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// A Work is one release or one linking on its way. Nobody else works in the project meanwhile. Follow Begin with a deferred Abort.
type Work struct {
	project *Project
	held    *held
	staging *staging
}

// Begin makes the project's folder, waits until it is the only one at work in it, and removes what a crash left.
func (p *Project) Begin() (*Work, error) {
	held, err := p.hold()
	if err != nil {
		return nil, fmt.Errorf("beginning work in project: %w", err)
	}
	w := &Work{project: p, held: held}
	err = held.clear()
	if err == nil {
		w.staging, err = stage(filepath.Join(p.dir, stagingDir))
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
	if w.held != nil {
		errs = append(errs, w.held.Close())
	}
	w.staging, w.held = nil, nil
	return errors.Join(errs...)
}

// PutRelease moves the finished folder to the place of the dataset's release, which must be free. Whole or not at all. Record is
// called when all is on the disk, just before: its error leaves the place free.
func (w *Work) PutRelease(dataset string, record func() error) (dir string, err error) {
	if dir, err = w.project.ReleaseDir(dataset); err != nil {
		return "", err
	}
	if err := makeFolder(w.held.Root, releasesDir); err != nil {
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

// DropReleases removes the project's own releases, after they were linked. Record is called of each one just before it leaves
// its place: its error leaves it, and those that follow, there. So what is gone was recorded, and what a crash left recorded
// and in its place is dropped by the next call.
func (w *Work) DropReleases(record func(dataset string) error) error {
	datasets, err := released(w.held.Root)
	if err != nil {
		return err
	}
	for _, dataset := range datasets {
		if err := w.drop(dataset, record); err != nil {
			return fmt.Errorf("removing linked releases: %w", err)
		}
	}
	return nil
}

// drop moves a release into the staging folder, which goes when the work ends or the next one begins.
func (w *Work) drop(dataset string, record func(dataset string) error) error {
	if err := record(dataset); err != nil {
		return err
	}
	name := releasesDir + "/" + dataset
	if err := w.project.hub.before("discard " + name); err != nil {
		return err
	}
	return w.held.discard(name, stagingDir+"/"+filepath.Base(w.staging.dir))
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
