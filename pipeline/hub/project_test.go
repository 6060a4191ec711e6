package hub

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"datanet/schemas"
)

const (
	projectID    = "2026-001"
	projectChild = "project" // in place of a site: a child process that releases and links
)

func aRelease(dataset string) *schemas.Release {
	d, err := schemas.DatasetByID(dataset)
	if err != nil {
		panic(err)
	}
	r := &schemas.Release{Schema: schemas.Version, Hub: strings.Repeat("0", 32), Approval: projectID, ApprovalSHA256: schemas.Digest(nil), Dataset: dataset,
		AsAt: "2026-10-31", State: schemas.Digest(nil), LinkageCheck: testCheck, ProjectCheck: testCheck}
	for _, t := range d.Tables {
		r.Tables = append(r.Tables, schemas.ReleasedTable{Table: t.Name, Columns: t.ColumnNames(), Bytes: 4, SHA256: schemas.Digest([]byte(t.Name[:4]))})
	}
	return r
}

func aLinked() *schemas.Linked {
	people := schemas.PeopleColumns([]string{"primary-care", "slam"})
	return &schemas.Linked{Schema: schemas.Version, Hub: strings.Repeat("0", 32), Approval: projectID, ApprovalSHA256: schemas.Digest(nil), LinkageCheck: testCheck,
		Datasets:    []schemas.LinkedDataset{{Dataset: "primary-care", AsAt: "2026-10-31", State: schemas.Digest(nil), Release: schemas.Digest(nil)}, {Dataset: "slam", AsAt: "2026-10-31", State: schemas.Digest(nil), Release: schemas.Digest(nil)}},
		Denominator: "primary-care", Pairs: map[string]int64{},
		Tables: []schemas.LinkedTable{{Table: schemas.PeopleTable, Columns: people.ColumnNames(), Bytes: 4, SHA256: schemas.Digest([]byte("peop"))}}}
}

func project(t testing.TB, h *Hub) *Project {
	t.Helper()
	p, err := h.Project(projectID)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func write(dir string, files map[string]string) error {
	var errs []error
	for name, body := range files {
		errs = append(errs, os.WriteFile(filepath.Join(dir, name), []byte(body), 0o600))
	}
	return errors.Join(errs...)
}

func releaseFiles(dataset string) map[string]string {
	r := aRelease(dataset)
	files := map[string]string{ReleaseFile: string(r.Encode()), ReleaseSig: "signed"}
	for _, t := range r.Tables {
		files[t.File()] = t.Table[:4]
	}
	return files
}

// putRelease releases as the stage does; record writes a file that tells it.
func putRelease(h *Hub, dataset string) error {
	p, err := h.Project(projectID)
	if err != nil {
		return err
	}
	w, err := p.Begin()
	if err != nil {
		return err
	}
	defer w.Abort()
	if err := errors.Join(write(w.Dir(), releaseFiles(dataset)), write(w.Scratch(), map[string]string{"spill": "x"})); err != nil {
		return err
	}
	_, err = w.PutRelease(dataset, func() error { return recorded(h, "release "+dataset) })
	return err
}

func putLinked(h *Hub) error {
	p, err := h.Project(projectID)
	if err != nil {
		return err
	}
	w, err := p.Begin()
	if err != nil {
		return err
	}
	defer w.Abort()
	if there, err := p.Linked(); err != nil {
		return err
	} else if !there {
		if err := write(w.Dir(), map[string]string{LinkedFile: string(aLinked().Encode()), "people.parquet": "peop"}); err != nil {
			return err
		}
		if _, err := w.PutLinked(func() error { return recorded(h, "link") }); err != nil {
			return err
		}
	}
	return w.DropReleases(func(dataset string) error { return recorded(h, "drop "+dataset) })
}

// recorded stands for the record of decisions.
func recorded(h *Hub, what string) error {
	f, err := os.OpenFile(filepath.Join(h.LedgerDir(), "test"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(what + "\n")
	return errors.Join(err, f.Close())
}

func isRecorded(h *Hub, what string) bool {
	raw, _ := os.ReadFile(filepath.Join(h.LedgerDir(), "test"))
	return slices.Contains(strings.Split(string(raw), "\n"), what)
}

// work is what a child process does, in one go: two releases, a link, a removal.
func work(h *Hub) {
	for _, do := range []func() error{
		func() error { return putRelease(h, "primary-care") },
		func() error { return putRelease(h, "slam") },
		func() error { return putLinked(h) },
		func() error { p, _ := h.Project(projectID); _, err := p.Remove(); return err },
	} {
		if err := do(); err != nil {
			panic(err)
		}
	}
}

// consistent: what stands was recorded and is whole.
func consistent(t *testing.T, h *Hub) (standing []string) {
	t.Helper()
	p := project(t, h)
	datasets, err := p.Released()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range datasets {
		dir, _ := p.ReleaseDir(d)
		r, err := OpenRelease(dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.VerifyFiles(); err != nil || !isRecorded(h, "release "+d) {
			t.Errorf("%s stands, recorded %v: %v", d, isRecorded(h, "release "+d), err)
		}
		standing = append(standing, d)
		r.Close()
	}
	if there, err := p.Linked(); err != nil {
		t.Fatal(err)
	} else if there {
		l, err := OpenLinked(p.LinkedDir(), hashHex(aLinked().Encode()))
		if err != nil || !isRecorded(h, "link") {
			t.Fatalf("linked tables stand, recorded %v: %v", isRecorded(h, "link"), err)
		}
		for _, d := range []string{"primary-care", "slam"} {
			if !slices.Contains(standing, d) && !isRecorded(h, "drop "+d) {
				t.Errorf("%s is gone, and that is not recorded", d)
			}
		}
		standing = append(standing, "linked")
		l.Close()
	}
	return standing
}

// TestProjectWork follows one project from its first release to its removal.
func TestProjectWork(t *testing.T) {
	h := newHub(t)
	if ids, err := h.Projects(); err != nil || len(ids) != 0 {
		t.Errorf("%v %v", ids, err)
	}
	for _, step := range []struct {
		do    func() error
		stand string
	}{
		{func() error { return putRelease(h, "primary-care") }, "primary-care"},
		{func() error { return putRelease(h, "slam") }, "primary-care slam"},
		{func() error { return putLinked(h) }, "linked"},
		{func() error { return putLinked(h) }, "linked"},
	} {
		if err := step.do(); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(consistent(t, h), " "); got != step.stand {
			t.Errorf("%s stand, want %s", got, step.stand)
		}
	}
	wantKind(t, putReleaseTwice(h), "use")
	if ids, err := h.Projects(); err != nil || !slices.Equal(ids, []string{projectID}) {
		t.Errorf("%v %v", ids, err)
	}
	removed, err := project(t, h).Remove()
	if err != nil || !slices.Equal(removed, []string{"releases/slam", "linked"}) {
		t.Errorf("%v %v", removed, err)
	}
	if got := consistent(t, h); len(got) != 0 {
		t.Errorf("%v stand", got)
	}
	noProjectStaging(t, h)
}

func putReleaseTwice(h *Hub) error {
	if err := putRelease(h, "slam"); err != nil {
		return err
	}
	return putRelease(h, "slam")
}

func noProjectStaging(t *testing.T, h *Hub) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(h.ProjectsDir(), projectID, stagingDir))
	if err != nil || len(entries) != 1 {
		t.Errorf("staging holds %v, %v", entries, err)
	}
}

// TestKilledProjectWork kills a process at every step of a project's life. What stands afterwards is whole and recorded, and
// another process goes on without repair.
func TestKilledProjectWork(t *testing.T) {
	for _, kill := range []string{"sync#1", "record#1", "put#1", "sync#2", "record#2", "put#2", "sync#3", "record#3", "put#3",
		"discard releases/primary-care#1", "discard releases/slam#1", "discard linked#1", "removing#1"} {
		t.Run(kill, func(t *testing.T) {
			h := newHub(t)
			if err := spawn(t, h.Dir(), projectChild, 1, 0, kill).Wait(); err == nil {
				t.Fatal("the child was not killed")
			}
			before := consistent(t, h)
			if !slices.Contains(before, "linked") {
				for _, d := range []string{"primary-care", "slam"} {
					if err := putRelease(h, d); slices.Contains(before, d) {
						wantKind(t, err, "use")
					} else if err != nil {
						t.Fatal(err)
					}
				}
			}
			if err := putLinked(h); err != nil {
				t.Fatal(err)
			}
			if got := consistent(t, h); !slices.Equal(got, []string{"linked"}) {
				t.Errorf("%v stand", got)
			}
			noProjectStaging(t, h)
		})
	}
}

// TestFailedProjectWork: an error at any step leaves the place as it was.
func TestFailedProjectWork(t *testing.T) {
	full := errors.New("no space left")
	for _, at := range []string{"sync", "record", "put"} {
		h := newHub(t)
		h.step = func(step string) error {
			if step == at {
				return full
			}
			return nil
		}
		if err := putRelease(h, "slam"); !errors.Is(err, full) {
			t.Errorf("%s: %v", at, err)
		}
		if got := consistent(t, h); len(got) != 0 || isRecorded(h, "release slam") != (at == "put") {
			t.Errorf("%s: %v stand", at, got)
		}
		noProjectStaging(t, h)
	}
}

// TestRemoveWaits: nothing is put in place behind a removal's back.
func TestRemoveWaits(t *testing.T) {
	h := newHub(t)
	w, err := project(t, h).Begin()
	if err != nil {
		t.Fatal(err)
	}
	if err := write(w.Dir(), releaseFiles("slam")); err != nil {
		t.Fatal(err)
	}
	gone := make(chan []string)
	go func() {
		removed, _ := project(t, h).Remove()
		gone <- removed
	}()
	select {
	case removed := <-gone:
		t.Fatalf("removed %v under another's hands", removed)
	case <-time.After(50 * time.Millisecond):
	}
	if _, err := w.PutRelease("slam", func() error { return nil }); err != nil {
		t.Fatal(err)
	}
	w.Abort()
	if removed := <-gone; !slices.Equal(removed, []string{"releases/slam"}) {
		t.Errorf("removed %v", removed)
	}
}

// TestProjectNames: nothing leads out of the projects' folder.
func TestProjectNames(t *testing.T) {
	h := newHub(t)
	for _, id := range []string{"", ".", "..", "../x", "a/b", "a b", ".staging", "-a", strings.Repeat("a", 65)} {
		if _, err := h.Project(id); err == nil {
			t.Errorf("%q is a project", id)
		} else {
			wantKind(t, err, "use")
		}
	}
	for _, d := range []string{"", "..", "a/b", "../x"} {
		if dir, err := project(t, h).ReleaseDir(d); err == nil || dir != "" {
			t.Errorf("%q is a dataset", d)
		}
	}
	outside := t.TempDir()
	if err := os.Symlink(outside, filepath.Join(h.ProjectsDir(), projectID)); err != nil {
		t.Fatal(err)
	}
	if err := putRelease(h, "slam"); err == nil {
		t.Error("a link was followed")
	}
	if entries, _ := os.ReadDir(outside); len(entries) != 0 {
		t.Errorf("written outside: %v", entries)
	}
}

// TestOutside: a folder outside the hub, whole or not at all, with nothing left beside it.
func TestOutside(t *testing.T) {
	h, parent := newHub(t), t.TempDir()
	to := filepath.Join(parent, "deep", "release")
	put := func() error {
		o, err := h.BeginOutside(to)
		if err != nil {
			return err
		}
		defer o.Abort()
		if err := write(o.Dir(), releaseFiles("slam")); err != nil {
			return err
		}
		_, err = o.Put(func() error { return nil })
		return err
	}
	full := errors.New("no space left")
	h.step = func(string) error { return full }
	if err := put(); !errors.Is(err, full) {
		t.Error(err)
	}
	h.step = nil
	if err := put(); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenRelease(to); err != nil {
		t.Error(err)
	}
	wantKind(t, put(), "use")
	if entries, _ := os.ReadDir(filepath.Dir(to)); len(entries) != 1 {
		t.Errorf("left beside: %v", entries)
	}
}

// TestDeliveryRefuses: what is not a plain file with the bytes that were named.
func TestDeliveryRefuses(t *testing.T) {
	for name, spoil := range map[string]func(dir string) error{
		"missing table":       func(dir string) error { return os.Remove(filepath.Join(dir, "spells.parquet")) },
		"missing description": func(dir string) error { return os.Remove(filepath.Join(dir, ReleaseFile)) },
		"missing signature":   func(dir string) error { return os.Remove(filepath.Join(dir, ReleaseSig)) },
		"beside":              func(dir string) error { return write(dir, map[string]string{".hidden": ""}) },
		"folder beside":       func(dir string) error { return os.Mkdir(filepath.Join(dir, "more"), 0o700) },
		"many beside": func(dir string) error {
			files := map[string]string{}
			for i := range 500 {
				files[fmt.Sprint(i)] = ""
			}
			return write(dir, files)
		},
		"bytes":  func(dir string) error { return write(dir, map[string]string{"spells.parquet": "spel "}) },
		"others": func(dir string) error { return write(dir, map[string]string{"spells.parquet": "spez"}) },
		"link": func(dir string) error {
			return errors.Join(os.Rename(filepath.Join(dir, "spells.parquet"), dir+"-aside"), os.Symlink(dir+"-aside", filepath.Join(dir, "spells.parquet")))
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := errors.Join(write(dir, releaseFiles("slam")), spoil(dir)); err != nil {
				t.Fatal(err)
			}
			r, err := OpenRelease(dir)
			if err == nil {
				err = r.VerifyFiles()
				r.Close()
			}
			wantKind(t, err, "integrity")
		})
	}
	_, err := OpenRelease(filepath.Join(t.TempDir(), "none"))
	wantKind(t, err, "use")
	_, err = OpenLinked(filepath.Join(t.TempDir(), "none"), "")
	wantKind(t, err, "use")
}
