package hub

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"datanet/schemas"
)

// below lists everything below a folder.
func below(t *testing.T, dir string) string {
	t.Helper()
	var names []string
	if err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		names = append(names, path)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return strings.Join(names, "\n")
}

// TestRemoveFollowsNoLink: whatever stands in a folder's place goes, and what a link leads to stays. What is removed is what
// Contents said.
func TestRemoveFollowsNoLink(t *testing.T) {
	both, linked := []string{"releases/primary-care", "releases/slam"}, []string{"linked"}
	instead := func(place string, make func(outside, path string) error) func(dir, outside string) error {
		return func(dir, outside string) error {
			path := filepath.Join(dir, place)
			return errors.Join(os.RemoveAll(path), make(outside, path))
		}
	}
	file := func(_, path string) error { return os.WriteFile(path, nil, 0o600) }
	for name, c := range map[string]struct {
		spoil func(dir, outside string) error
		want  []string
	}{
		"nothing":                  {func(string, string) error { return nil }, slices.Concat(both, linked)},
		"link for the project":     {instead("", os.Symlink), []string{Strays}},
		"dangling for the project": {instead("", func(outside, path string) error { return os.Symlink(outside+"x", path) }), []string{Strays}},
		"file for the project":     {instead("", file), []string{Strays}},
		"link for the releases":    {instead("releases", func(outside, path string) error { return os.Symlink(outside+"/releases", path) }), slices.Concat(linked, []string{Strays})},
		"link inside":              {instead("releases", func(_, path string) error { return os.Symlink("linked", path) }), slices.Concat(linked, []string{Strays})},
		"file for the releases":    {instead("releases", file), slices.Concat(linked, []string{Strays})},
		"link for a release":       {instead("releases/slam", os.Symlink), slices.Concat(both, linked)},
		"file for a release":       {instead("releases/slam", file), slices.Concat(both, linked)},
		"link for the linked":      {instead("linked", os.Symlink), slices.Concat(both, linked)},
		"file for the linked":      {instead("linked", file), slices.Concat(both, linked)},
		"link for the staging":     {instead(".staging", os.Symlink), slices.Concat(both, linked)},
		"file for the staging":     {instead(".staging", file), slices.Concat(both, linked)},
		"link in a release":        {instead("releases/slam/more", os.Symlink), slices.Concat(both, linked)},
		"link in the staging":      {instead(".staging/dead", os.Symlink), slices.Concat(both, linked)},
		"no dataset's name":        {instead("releases/Slam 2", os.Symlink), slices.Concat(both, linked, []string{Strays})},
		"hidden":                   {instead("releases/.hidden", file), slices.Concat(both, linked, []string{Strays})},
	} {
		t.Run(name, func(t *testing.T) {
			h, outside := newHub(t), filepath.Join(t.TempDir(), "outside")
			dir := filepath.Join(h.ProjectsDir(), projectID)
			for _, sub := range []string{"slam", "releases/slam", "releases/primary-care", "linked", ".staging/theirs"} {
				if err := os.MkdirAll(filepath.Join(outside, sub, "keep"), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			if err := errors.Join(putRelease(h, "primary-care"), putRelease(h, "slam"), os.MkdirAll(filepath.Join(dir, "linked", "x"), 0o700), c.spoil(dir, outside)); err != nil {
				t.Fatal(err)
			}
			before := below(t, outside)
			said, err := project(t, h).Contents()
			if err != nil || !slices.Equal(said, c.want) {
				t.Errorf("contents %v, %v: want %v", said, err, c.want)
			}
			removed, err := project(t, h).Remove()
			if err != nil || !slices.Equal(removed, c.want) {
				t.Errorf("removed %v, %v: want %v", removed, err, c.want)
			}
			if now := below(t, outside); now != before {
				t.Errorf("outside the hub:\n%s\nwas\n%s", now, before)
			}
			if left, err := project(t, h).Contents(); err != nil || len(left) != 0 {
				t.Errorf("%v stand, %v", left, err)
			}
			if err := putRelease(h, "slam"); err != nil {
				t.Errorf("afterwards: %v", err)
			}
			noProjectStaging(t, h)
		})
	}
}

// TestLinkForReleases: nobody lists, writes or drops releases through a link.
func TestLinkForReleases(t *testing.T) {
	h, outside := newHub(t), t.TempDir()
	dir := filepath.Join(h.ProjectsDir(), projectID)
	if err := errors.Join(os.Mkdir(dir, 0o700), os.Mkdir(filepath.Join(outside, "slam"), 0o700), os.Symlink(outside, filepath.Join(dir, "releases"))); err != nil {
		t.Fatal(err)
	}
	before := below(t, outside)
	datasets, err := project(t, h).Released()
	if wantKind(t, err, "integrity"); len(datasets) != 0 {
		t.Error(datasets)
	}
	wantKind(t, putRelease(h, "primary-care"), "integrity")
	w, err := project(t, h).Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	wantKind(t, w.DropReleases(func(string) error { t.Error("recorded"); return nil }), "integrity")
	if now := below(t, outside); now != before || isRecorded(h, "release primary-care") {
		t.Error(now)
	}
}

// TestDropRecordsFirst: a release whose removal could not be recorded stands.
func TestDropRecordsFirst(t *testing.T) {
	h := newHub(t)
	if err := errors.Join(putRelease(h, "primary-care"), putRelease(h, "slam")); err != nil {
		t.Fatal(err)
	}
	w, err := project(t, h).Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	full := errors.New("no space left")
	err = w.DropReleases(func(dataset string) error {
		if there, err := stands(filepath.Join(h.ProjectsDir(), projectID, "releases", dataset)); !there || err != nil {
			t.Errorf("%s was gone before that was recorded", dataset)
		}
		if dataset == "slam" {
			return full
		}
		return nil
	})
	if got := consistent(t, h); !errors.Is(err, full) || !slices.Equal(got, []string{"slam"}) {
		t.Errorf("%v, and %v stand", err, got)
	}
}

// TestStrangers: what the caller does not know is named, and nothing else is removed with it.
func TestStrangers(t *testing.T) {
	ours := []string{"release primary-care " + hashHex(aRelease("primary-care").Encode()), "release slam " + hashHex(aRelease("slam").Encode()), "linked  " + hashHex(aLinked().Encode())}
	for name, c := range map[string]struct {
		unknown int // of ours; -1: none
		spoil   func(dir string) error
		want    []string
	}{
		"all known":        {-1, func(string) error { return nil }, nil},
		"a release":        {1, func(string) error { return nil }, []string{"releases/slam"}},
		"linked":           {2, func(string) error { return nil }, []string{"linked"}},
		"a changed byte":   {-1, func(dir string) error { return write(dir+"/linked", map[string]string{LinkedFile: "{}"}) }, []string{"linked"}},
		"no description":   {-1, func(dir string) error { return os.Remove(dir + "/releases/slam/" + ReleaseFile) }, []string{"releases/slam"}},
		"link for a table": {-1, func(dir string) error { return os.Symlink("..", dir+"/releases/slam/more") }, nil},
		"oversize": {-1, func(dir string) error {
			return os.Truncate(dir+"/linked/"+LinkedFile, schemas.MaxRelease+1)
		}, []string{"linked"}},
		"link for a description": {-1, func(dir string) error {
			return errors.Join(os.Rename(dir+"/linked/"+LinkedFile, dir+"/aside"), os.Symlink("../aside", dir+"/linked/"+LinkedFile))
		}, []string{"linked"}},
		"link for a release": {-1, func(dir string) error {
			return errors.Join(os.Rename(dir+"/releases/slam", dir+"/aside"), os.Symlink("../aside", dir+"/releases/slam"))
		}, []string{"releases/slam"}},
		"link for the releases": {-1, func(dir string) error {
			return errors.Join(os.Rename(dir+"/releases", dir+"/aside"), os.Symlink("aside", dir+"/releases"))
		}, []string{Strays}},
		"no dataset's": {-1, func(dir string) error { return os.Mkdir(dir+"/releases/Other", 0o700) }, []string{Strays}},
		"a file": {-1, func(dir string) error {
			return errors.Join(os.RemoveAll(dir+"/linked"), os.WriteFile(dir+"/linked", nil, 0o600))
		}, []string{"linked"}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHub(t)
			p, dir := project(t, h), filepath.Join(h.ProjectsDir(), projectID)
			if err := errors.Join(putLinked(h), putRelease(h, "primary-care"), putRelease(h, "slam"), c.spoil(dir)); err != nil {
				t.Fatal(err)
			}
			known := func(kind, name, digest string) bool {
				i := slices.Index(ours, kind+" "+name+" "+digest)
				return i >= 0 && i != c.unknown
			}
			strangers, err := p.Strangers(known)
			if err != nil || !slices.Equal(strangers, c.want) {
				t.Fatalf("%v, %v: want %v", strangers, err, c.want)
			}
			before, err := p.Contents()
			if err != nil {
				t.Fatal(err)
			}
			removed, err := p.RemoveNamed(append(strangers, "../x", "lock", "releases/none"))
			if err != nil || !slices.Equal(removed, c.want) {
				t.Errorf("removed %v, %v: want %v", removed, err, c.want)
			}
			after, err := p.Contents()
			if stay := slices.DeleteFunc(before, func(name string) bool { return slices.Contains(c.want, name) }); err != nil || !slices.Equal(after, stay) {
				t.Errorf("%v stand, want %v", after, stay)
			}
			if again, err := p.Strangers(known); err != nil || len(again) != 0 {
				t.Errorf("%v, %v", again, err)
			}
		})
	}
	h := newHub(t)
	if none, err := project(t, h).Strangers(nil); err != nil || len(none) != 0 {
		t.Errorf("%v %v", none, err)
	}
	if entries, err := os.ReadDir(h.ProjectsDir()); err != nil || len(entries) != 0 {
		t.Errorf("looking made %v, %v", entries, err)
	}
}

// TestUnreadableIsNoStranger: what may be readable tomorrow is not given up.
func TestUnreadableIsNoStranger(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root reads everything")
	}
	h := newHub(t)
	if err := errors.Join(putRelease(h, "slam"), os.Chmod(filepath.Join(h.ProjectsDir(), projectID, "releases", "slam", ReleaseFile), 0)); err != nil {
		t.Fatal(err)
	}
	if strangers, err := project(t, h).Strangers(func(string, string, string) bool { return true }); err == nil || len(strangers) != 0 {
		t.Errorf("%v, %v", strangers, err)
	}
}
