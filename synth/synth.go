package synth

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Options say which borough to write. The zero value of every field but Out
// has a meaning.
type Options struct {
	Out       string    // a folder that does not exist, or is empty
	People    int       // registered today; 0: 60,000
	Practices int       // 0: one for every 10,000 people
	Seed      uint64    // the same seed, the same bytes
	AsAt      time.Time // the day of the snapshot; zero: 31 October 2026
	Datasets  []string  // none: all that there are
	Progress  func(done, total int)
}

// A Summary says what was written and where.
type Summary struct {
	Datasets      []Dataset `json:"datasets"`
	Truth         string    `json:"truth"`
	People        int       `json:"people"`        // rows of truth/people.csv
	Registrations int       `json:"registrations"` // rows of truth/registrations.csv
}

// A Dataset is one source system's export, by site.
type Dataset struct {
	Dataset string `json:"dataset"`
	Format  string `json:"format"`
	Sites   []Site `json:"sites"`
}

// A Site is an organisation and the folder that holds its files.
type Site struct {
	Site   string `json:"site"`
	Source string `json:"source"`
}

const (
	primaryCare   = "primary-care"
	mostPeople    = 800_000
	mostPractices = 999
)

// Write writes the borough to o.Out: whole, or not at all.
func Write(ctx context.Context, o Options) (*Summary, error) {
	o = o.withDefaults()
	if err := o.check(); err != nil {
		return nil, err
	}
	if err := free(o.Out); err != nil {
		return nil, err
	}
	partial, err := beside(o.Out)
	if err != nil {
		return nil, fmt.Errorf("writing the borough: %w", err)
	}
	defer os.RemoveAll(partial)
	p := newPlan(o)
	p.populate()
	w := &writer{plan: p, dir: partial}
	if err := w.write(ctx); err != nil {
		return nil, fmt.Errorf("writing the borough: %w", err)
	}
	_ = os.Remove(o.Out) // an empty folder gives way
	if err := os.Rename(partial, o.Out); err != nil {
		return nil, fmt.Errorf("writing the borough: %w", err)
	}
	return w.summary(), nil
}

func (o Options) withDefaults() Options {
	if o.People == 0 {
		o.People = 60_000
	}
	if o.Practices == 0 {
		o.Practices = min(max(1, (o.People+5_000)/10_000), mostPractices)
	}
	if o.AsAt.IsZero() {
		o.AsAt = time.Date(2026, 10, 31, 0, 0, 0, 0, time.UTC)
	}
	if len(o.Datasets) == 0 {
		o.Datasets = []string{primaryCare, slam, maternity}
	}
	if o.Progress == nil {
		o.Progress = func(int, int) {}
	}
	return o
}

func (o Options) check() error {
	switch {
	case o.Out == "":
		return &UseError{"no folder to write to", "give --out DIR"}
	case o.People < 1 || o.People > mostPeople:
		return &UseError{fmt.Sprintf("%d people", o.People), fmt.Sprintf("give 1 to %d: the test range of NHS numbers holds no more", mostPeople)}
	case o.Practices < 1 || o.Practices > mostPractices || o.Practices > o.People:
		return &UseError{fmt.Sprintf("%d practices", o.Practices), fmt.Sprintf("give 1 to %d, and no more than people", mostPractices)}
	case o.AsAt.Year() < 2000 || o.AsAt.Year() > 2100:
		return &UseError{"an as-at date outside 2000 to 2100", "give a date like 2026-10-31"}
	}
	for _, d := range o.Datasets {
		if d != primaryCare && d != slam && d != maternity {
			return &UseError{fmt.Sprintf("there is no synthetic %q", d), "known: " + primaryCare + ", " + slam + ", " + maternity}
		}
	}
	return nil
}

// free refuses a place that holds anything.
func free(out string) error {
	entries, err := os.ReadDir(out)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil, len(entries) > 0:
		return &UseError{"the output folder exists and is not empty", "name a folder that does not exist"}
	}
	return nil
}

// beside makes a temporary folder next to out, to be renamed to it.
func beside(out string) (string, error) {
	parent := filepath.Dir(filepath.Clean(out))
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp(parent, "."+filepath.Base(filepath.Clean(out))+".partial-")
	if err != nil {
		return "", err
	}
	return dir, os.Chmod(dir, 0o755)
}
