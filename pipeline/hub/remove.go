package hub

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"

	"datanet/schemas"
)

// Strays names, among what lies in a project, all that lies where its releases belong and is none: anything under another
// name, or a link or a file in the place of their folder or of the project's own. Nothing of it was ever recorded.
const Strays = "strays"

// Contents are what Remove would take away, as "releases/slam", "linked" or Strays. It changes nothing, and waits for nobody.
func (p *Project) Contents() ([]string, error) {
	in, err := p.look()
	if err != nil {
		return nil, fmt.Errorf("looking into project: %w", err)
	}
	return in.names(), nil
}

// Strangers are those of Contents that the caller does not know: Strays, and releases and linked tables whose description
// it does not know or cannot be one. Known is asked for "release" and the dataset, or for "linked" and no name, with the SHA-256
// of the description. The tables are not read. A folder that cannot be read for another reason is an error, not a stranger.
func (p *Project) Strangers(known func(kind, name, digest string) bool) ([]string, error) {
	in, err := p.look()
	if err != nil {
		return nil, fmt.Errorf("looking into project: %w", err)
	}
	var strangers []string
	for _, name := range in.names() {
		is := name != Strays
		switch {
		case name == linkedDir:
			is, err = p.knows(name, LinkedFile, func(digest string) bool { return known("linked", "", digest) })
		case is:
			is, err = p.knows(name, ReleaseFile, func(digest string) bool { return known("release", path.Base(name), digest) })
		}
		if err != nil {
			return nil, fmt.Errorf("looking into project: %w", err)
		}
		if !is {
			strangers = append(strangers, name)
		}
	}
	return strangers, nil
}

// knows has the description of a folder of the project looked up. What has none that is a plain file of its size is unknown.
func (p *Project) knows(name, description string, known func(digest string) bool) (bool, error) {
	root, err := p.open()
	if err != nil {
		return false, err
	}
	defer root.Close()
	f, err := openPlain(root, name+"/"+description)
	if missing(err) || isIntegrity(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	digest, size, err := hashFile(io.LimitReader(f, schemas.MaxRelease+1))
	return err == nil && size <= schemas.MaxRelease && known(digest), err
}

// Remove takes away the project's releases and linked tables, and says which there were, as Contents does. It
// waits for who is working in the project, so that nothing is put there behind its back. Each goes out of
// its place at once; a crash leaves no half of one where it could be taken for the whole, and what was not removed yet the
// next call removes, also when it has nothing to say. No link is followed: one that stands in a folder's place goes itself.
func (p *Project) Remove() (removed []string, err error) {
	return p.remove(func(string) bool { return true })
}

// RemoveNamed is Remove for some of Contents; a name that is not among them removes nothing.
func (p *Project) RemoveNamed(names []string) (removed []string, err error) {
	return p.remove(func(name string) bool { return slices.Contains(names, name) })
}

func (p *Project) remove(which func(name string) bool) (removed []string, err error) {
	in, err := p.look()
	switch {
	case err != nil || !in.there:
	case in.displaced() && which(Strays):
		removed, err = []string{Strays}, p.unlink()
	case !in.displaced():
		removed, err = p.empty(which)
	}
	if err != nil {
		return nil, fmt.Errorf("removing project: %w", err)
	}
	return removed, nil
}

// empty removes what lies in the project's folder.
func (p *Project) empty(which func(name string) bool) (removed []string, err error) {
	held, err := p.hold()
	if err != nil {
		return nil, err
	}
	defer held.Close()
	in, err := look(held.Root)
	if err != nil {
		return nil, err
	}
	if err := held.clear(); err != nil {
		return nil, err
	}
	for _, name := range in.names() {
		if !which(name) {
			continue
		}
		if err := p.hub.before("discard " + name); err != nil {
			return nil, err
		}
		for _, place := range in.places(name) {
			if err := held.discard(place, stagingDir); err != nil {
				return nil, err
			}
		}
		removed = append(removed, name)
	}
	if err := p.hub.before("removing"); err != nil {
		return nil, err
	}
	return removed, held.clear()
}

// unlink removes a link or a file in the place of the project's folder.
func (p *Project) unlink() error {
	projects, err := os.OpenRoot(p.hub.ProjectsDir())
	if err != nil {
		return err
	}
	defer projects.Close()
	if err := projects.Remove(p.id); err != nil {
		return err
	}
	return syncIn(projects, ".")
}

// contents is what lies in a project. Strays are places below its folder, or "." for its own.
type contents struct {
	there    bool
	datasets []string
	linked   bool
	strays   []string
}

func (in contents) displaced() bool { return slices.Contains(in.strays, ".") }

func (in contents) names() (names []string) {
	for _, dataset := range in.datasets {
		names = append(names, releasesDir+"/"+dataset)
	}
	if in.linked {
		names = append(names, linkedDir)
	}
	if len(in.strays) > 0 {
		names = append(names, Strays)
	}
	return names
}

func (in contents) places(name string) []string {
	if name == Strays {
		return in.strays
	}
	return []string{name}
}

func (p *Project) look() (contents, error) {
	root, err := p.open()
	switch {
	case missing(err):
		return contents{}, nil
	case isIntegrity(err):
		return contents{there: true, strays: []string{"."}}, nil
	case err != nil:
		return contents{}, err
	}
	defer root.Close()
	return look(root)
}

func look(root *os.Root) (in contents, err error) {
	in.there = true
	if _, err := root.Lstat(linkedDir); err == nil {
		in.linked = true
	} else if !missing(err) {
		return in, err
	}
	releases, err := openFolder(root, releasesDir)
	switch {
	case missing(err):
		return in, nil
	case isIntegrity(err):
		in.strays = []string{releasesDir}
		return in, nil
	case err != nil:
		return in, err
	}
	defer releases.Close()
	entries, err := fs.ReadDir(releases.FS(), ".")
	for _, entry := range entries {
		if datasetForm.MatchString(entry.Name()) {
			in.datasets = append(in.datasets, entry.Name())
		} else {
			in.strays = append(in.strays, releasesDir+"/"+entry.Name())
		}
	}
	return in, err
}

// open opens the project's folder. It is missing, or an IntegrityError when something else stands in its place.
func (p *Project) open() (*os.Root, error) {
	projects, err := os.OpenRoot(p.hub.ProjectsDir())
	if err != nil {
		return nil, err
	}
	defer projects.Close()
	return openFolder(projects, p.id)
}

// openFolder opens a folder that is not a link to one: os.Root alone would follow links that stay below it.
func openFolder(root *os.Root, name string) (*os.Root, error) {
	want, err := root.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !want.IsDir() {
		return nil, misplaced(name)
	}
	folder, err := root.OpenRoot(name)
	if err != nil {
		return nil, err
	}
	got, err := folder.Stat(".")
	if err != nil || !os.SameFile(want, got) {
		return nil, errors.Join(err, broken("%s: changed while it was opened", name), folder.Close())
	}
	return folder, nil
}

// makeFolder makes a folder unless it is there, and refuses anything else in its place.
func makeFolder(root *os.Root, name string) error {
	err := root.Mkdir(name, 0o700)
	if err == nil {
		return syncIn(root, path.Dir(name))
	}
	if !errors.Is(err, os.ErrExist) {
		return err
	}
	folder, err := openFolder(root, name)
	if err != nil {
		return err
	}
	return folder.Close()
}

func misplaced(name string) *IntegrityError {
	return &IntegrityError{reason: name + ": a link or a file stands in the place of this folder", hints: []string{"have it removed, without what it leads to: datanet hub sweep"}}
}

func missing(err error) bool { return errors.Is(err, os.ErrNotExist) }

func isIntegrity(err error) bool {
	var broken *IntegrityError
	return errors.As(err, &broken)
}

// A held project's folder is nobody else's to work in.
type held struct {
	*os.Root
	lock *os.File
}

// hold makes the project's folder, unless it is there, and takes its lock, alone.
func (p *Project) hold() (*held, error) {
	projects, err := os.OpenRoot(p.hub.ProjectsDir())
	if err != nil {
		return nil, err
	}
	defer projects.Close()
	if err := makeFolder(projects, p.id); err != nil {
		return nil, err
	}
	root, err := openFolder(projects, p.id)
	if err != nil {
		return nil, err
	}
	lock, err := lockFile(filepath.Join(p.dir, "lock"))
	if err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return &held{root, lock}, nil
}

// Close lets go. It may be called twice.
func (h *held) Close() error {
	err := errors.Join(h.Root.Close(), h.lock.Close())
	if errors.Is(err, os.ErrClosed) {
		return nil
	}
	return err
}

// clear makes the staging folder, and empties it of what a crash left: everybody who could use it is locked out. A link or a file
// in its place goes.
func (h *held) clear() error {
	if stat, err := h.Lstat(stagingDir); err == nil && !stat.IsDir() {
		if err := h.Remove(stagingDir); err != nil {
			return err
		}
	}
	if err := makeFolder(h.Root, stagingDir); err != nil {
		return err
	}
	staging, err := openFolder(h.Root, stagingDir)
	if err != nil {
		return err
	}
	defer staging.Close()
	entries, err := fs.ReadDir(staging.FS(), ".")
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.Name() == "lock" {
			continue
		}
		if err := staging.RemoveAll(entry.Name()); err != nil {
			return err
		}
	}
	return nil
}

// discard moves something of the project out of its place, into a folder below staging, where the next to come removes what a crash
// left. A link moves as it is.
func (h *held) discard(place, to string) error {
	if err := h.Rename(place, to+"/"+randomHex()); err != nil {
		return err
	}
	return syncIn(h.Root, path.Dir(place))
}
