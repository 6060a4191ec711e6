package hub

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// A Publication is a finished publication's place in the hub.
type Publication struct {
	AsAt   string
	Suffix string // the approval's id, for a linked publication
	Dir    string
}

// A Draft is a publication on its way into the hub. Follow BeginPublication with a deferred Abort.
type Draft struct {
	hub     *Hub
	staging *staging
}

// PublicationDir is where the publication of a date belongs; suffix is empty for the hub's own.
func (h *Hub) PublicationDir(asAt, suffix string) (string, error) {
	if !isDate(asAt) || suffix != "" && !suffixForm.MatchString(suffix) {
		return "", misuse(nil, "not a publication's date and suffix", "a date reads YYYY-MM-DD, a suffix is letters, digits and hyphens")
	}
	if suffix != "" {
		asAt += "-" + suffix
	}
	return filepath.Join(h.publications(), asAt), nil
}

func (h *Hub) publications() string { return filepath.Join(h.dir, "publications") }

// BeginPublication makes a staging folder, and removes those of processes that have died.
func (h *Hub) BeginPublication() (*Draft, error) {
	s, err := stage(filepath.Join(h.publications(), ".staging"))
	if err != nil {
		return nil, fmt.Errorf("beginning publication: %w", err)
	}
	return &Draft{hub: h, staging: s}, nil
}

// Dir is the folder to write the publication into.
func (d *Draft) Dir() string { return d.staging.content() }

// Abort removes the staging folder. After Publish it does nothing.
func (d *Draft) Abort() error { return d.staging.remove() }

// Publish moves the finished folder to the publication's place, whole or not at all. A place that is taken stays as it is: a *UseError with os.ErrExist.
func (d *Draft) Publish(asAt, suffix string) (dir string, err error) {
	defer d.Abort() // what cannot be removed now, the next draft removes
	if dir, err = d.hub.PublicationDir(asAt, suffix); err != nil {
		return "", err
	}
	if _, err := os.Lstat(dir); err == nil {
		return "", taken()
	}
	if err := d.hub.before("publish"); err != nil {
		return "", err
	}
	err = d.staging.move(dir)
	if errors.Is(err, os.ErrExist) {
		return "", taken()
	}
	if err != nil {
		return "", err
	}
	return dir, nil
}

func taken() *UseError {
	return misuse(os.ErrExist, "there already is a publication of this date", "a publication is frozen; withdraw it first, or publish another date")
}

// Publications are all finished publications, the newest date first, and within a date the hub's own first.
func (h *Hub) Publications() ([]Publication, error) {
	entries, err := os.ReadDir(h.publications())
	if err != nil {
		return nil, fmt.Errorf("listing publications: %w", err)
	}
	var found []Publication
	for _, entry := range entries {
		if p, ok := placed(entry.Name()); ok && entry.IsDir() {
			p.Dir = filepath.Join(h.publications(), entry.Name())
			found = append(found, p)
		}
	}
	slices.SortFunc(found, func(a, b Publication) int {
		return cmp.Or(cmp.Compare(b.AsAt, a.AsAt), cmp.Compare(a.Suffix, b.Suffix))
	})
	return found, nil
}

// placed reads a publication's folder name.
func placed(name string) (Publication, bool) {
	const date = len(time.DateOnly)
	if len(name) < date || !isDate(name[:date]) {
		return Publication{}, false
	}
	p := Publication{AsAt: name[:date]}
	if len(name) == date {
		return p, true
	}
	p.Suffix = name[date+1:]
	return p, name[date] == '-' && suffixForm.MatchString(p.Suffix)
}

// NewestPublication is the newest of the hub's own publications, or, if it has none, the newest linked one. A linked
// one does not displace the hub's own: it holds only the measures that need the linkage.
func (h *Hub) NewestPublication() (Publication, error) {
	found, err := h.Publications()
	if err != nil {
		return Publication{}, err
	}
	if len(found) == 0 {
		return Publication{}, misuse(os.ErrNotExist, "nothing has been published from this hub", "run publish first, or name a publication's folder")
	}
	if own := slices.IndexFunc(found, func(p Publication) bool { return p.Suffix == "" }); own >= 0 {
		return found[own], nil
	}
	return found[0], nil
}
