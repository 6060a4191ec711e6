package link

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"datanet/linkage"
	"datanet/pipeline/link/linktest"
	"datanet/schemas"
)

// removedIn is what the record of decisions says of removed releases.
func removedIn(w *linktest.World, id string) (datasets []string) {
	for _, r := range w.Decision(id).Removals {
		datasets = append(datasets, r.What+" "+r.Name+" "+r.Reason)
	}
	return datasets
}

// TestRemovalIsRecordedFirst: a link that is cut short at any removal leaves no
// release deleted that nobody recorded; the next one deletes what is left, and
// records each removal once.
func TestRemovalIsRecordedFirst(t *testing.T) {
	w := linktest.New(t, linktest.NewPopulation(40, 60))
	for cut := range 4 {
		id := w.Approve(both)
		dirs := releaseAll(t, w, id, "")
		kept := t.TempDir()
		if err := os.CopyFS(kept, os.DirFS(filepath.Dir(dirs[0]))); err != nil {
			t.Fatal(err)
		}
		o, calls := options(w, id), 0
		full := errors.New("no space left")
		o.Record = func(body linkage.Body) error {
			r, ok := body.(linkage.RemovalRecord)
			if !ok {
				return w.Record(body)
			}
			if _, err := os.Lstat(filepath.Join(filepath.Dir(dirs[0]), r.Name)); err != nil {
				t.Errorf("%s was deleted before that was recorded", r.Name)
			}
			if calls++; calls > cut/2 {
				if cut%2 == 0 {
					return full // not recorded, not deleted
				}
				return errors.Join(w.Record(body), full) // recorded, not deleted
			}
			return w.Record(body)
		}
		if done := mustLink(t, o); len(done.Notes) != 1 {
			t.Errorf("cut %d: %+v", cut, done)
		}
		for i, dir := range dirs {
			if _, err := os.Lstat(dir); (err != nil) != (i < cut/2) {
				t.Errorf("cut %d: %s: %v", cut, both[i], err)
			}
		}
		for range 2 {
			o = options(w, id)
			o.Removed = func(dataset string) bool { return slices.Contains(removedIn(w, id), "release "+dataset+" linked") }
			if done := mustLink(t, o); done.Status != "skipped" || len(done.Notes) != 0 {
				t.Errorf("cut %d: %+v", cut, done)
			}
			if got := removedIn(w, id); !slices.Equal(got, []string{"release primary-care linked", "release slam linked"}) {
				t.Errorf("cut %d: recorded %v", cut, got)
			}
			if left, _ := os.ReadDir(filepath.Dir(dirs[0])); len(left) != 0 {
				t.Errorf("cut %d: left %v", cut, left)
			}
			if err := os.CopyFS(filepath.Dir(dirs[0]), os.DirFS(kept)); err != nil { // found later
				t.Fatal(err)
			}
		}
		put(t, filepath.Join(dirs[1], "release.json"), []byte("{}")) // not what was linked
		mustLink(t, o)
		if got := removedIn(w, id); len(got) != 3 || got[2] != "release slam linked" {
			t.Errorf("cut %d: another release: recorded %v", cut, got)
		}
		noStaging(t, w)
	}
}

// TestLinkForReleases: no release is linked or deleted through a link.
func TestLinkForReleases(t *testing.T) {
	w := linktest.New(t, linktest.NewPopulation(41, 60))
	id := w.Approve(both)
	releases, outside := filepath.Dir(releaseAll(t, w, id, "")[0]), filepath.Join(t.TempDir(), "outside")
	if err := errors.Join(os.CopyFS(outside, os.DirFS(releases)), os.RemoveAll(releases), os.Symlink(outside, releases)); err != nil {
		t.Fatal(err)
	}
	before := linktest.Tree(t, outside)
	if r, err := Run(context.Background(), options(w, id)); r != nil || kindOf(err) != "integrity" {
		t.Errorf("%+v, %v", r, err)
	}
	if linktest.Tree(t, outside) != before || len(w.Decision(id).Links)+len(w.Decision(id).Removals) != 0 {
		t.Error("something was deleted or recorded")
	}
}

// TestUnseenSigns: a 0 that nobody could look for says so, now and when the same
// is given again.
func TestUnseenSigns(t *testing.T) {
	w := linktest.New(t, linktest.NewPopulation(42, 120))
	pair, noYear, noSex := both, []string{"patients.birth_year"}, []string{"patients.gender"}
	for name, c := range map[string]struct {
		datasets, without, want []string
	}{
		"all":                  {pair, nil, nil},
		"no birth year":        {pair, noYear, []string{"two birth years"}},
		"no gender":            {pair, noSex, []string{"two sexes"}},
		"neither":              {pair, append(noYear, noSex...), []string{"two birth years", "two sexes"}},
		"a dataset of neither": {[]string{"primary-care", "maternity"}, nil, []string{"two birth years", "two sexes"}},
	} {
		t.Run(name, func(t *testing.T) {
			id := w.Approve(c.datasets, c.without...)
			releaseAll(t, w, id, "")
			for _, status := range []string{"linked", "skipped"} {
				done := mustLink(t, options(w, id))
				if done.Status != status || len(done.Notes) != len(c.want) {
					t.Fatalf("%+v", done)
				}
				for i, sign := range c.want {
					if !strings.Contains(done.Notes[i], sign) {
						t.Error(done.Notes[i])
					}
				}
				if slices.Contains(c.want, "two birth years") && done.Signs.TwoBirthYears != 0 || slices.Contains(c.want, "two sexes") && done.Signs.TwoSexes != 0 {
					t.Errorf("found what was not looked for: %+v", done.Signs)
				}
				if c.want == nil && done.Signs == (schemas.WrongLinks{}) {
					t.Error("the population tests nothing")
				}
			}
		})
	}
}
