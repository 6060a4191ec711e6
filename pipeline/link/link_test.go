package link

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"datanet/linkage"
	"datanet/pipeline/engine"
	"datanet/pipeline/hub"
	"datanet/pipeline/link/linktest"
	"datanet/schemas"
)

var both = []string{"primary-care", "slam"}

// TestLinkRecordsAndDeletes: what stands has been recorded, the project's
// releases are gone, and the same again is a skip that says the same.
func TestLinkRecordsAndDeletes(t *testing.T) {
	w := linktest.New(t, linktest.NewPopulation(31, 90))
	id := w.Approve(linktest.Datasets)
	releaseAll(t, w, id, "")
	done := mustLink(t, options(w, id))
	l := w.LinkedBefore(id)
	if done.Status != "linked" || l.Linked != done.Digest || l.People != schemas.Round10(done.People) || len(done.Remaining)+len(done.Notes) != 0 {
		t.Errorf("%+v recorded as %+v", done, l)
	}
	for _, d := range linktest.Datasets {
		if l.Releases[d] != w.Released(id, d).Release {
			t.Errorf("%s: recorded %s", d, l.Releases[d])
		}
	}
	if left, _ := os.ReadDir(filepath.Join(w.Hub.ProjectsDir(), id, "releases")); len(left) != 0 || len(w.Decision(id).Removals) != 3 {
		t.Errorf("%v are left, %d removals are recorded", left, len(w.Decision(id).Removals))
	}
	opened, err := hub.OpenLinked(done.Linked, l.Linked)
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	if opened.Linked.Dataset("slam").State != w.States["slam"] || opened.Path("slam", "contacts") == "" || opened.Path("", "people") == "" {
		t.Errorf("%+v", opened.Linked)
	}
	for _, table := range opened.Linked.Tables {
		if info, err := os.Stat(filepath.Join(done.Linked, table.File())); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", table.File(), info, err)
		}
	}
	before := linktest.Tree(t, w.Hub.Dir())
	again := mustLink(t, options(w, id))
	again.Status, again.Reason, done.Reason = done.Status, "", ""
	if one, two := spelt(t, done), spelt(t, again); one != two {
		t.Errorf("%s\nthen %s", one, two)
	}
	if linktest.Tree(t, w.Hub.Dir()) != before || len(w.Decision(id).Links) != 1 {
		t.Error("the skip changed the hub")
	}
	o := options(w, id)
	o.Earlier = nil
	if r, err := Run(context.Background(), o); r != nil || kindOf(err) != "integrity" {
		t.Errorf("linked tables that nobody recorded: %v", err)
	}
}

func spelt(t *testing.T, r any) string {
	t.Helper()
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestLinkedTablesAreHeldToTheRecord: a byte changed in any file, or a file
// beside them.
func TestLinkedTablesAreHeldToTheRecord(t *testing.T) {
	w := linktest.New(t, linktest.NewPopulation(32, 60))
	id := w.Approve(both)
	releaseAll(t, w, id, "")
	done := mustLink(t, options(w, id))
	refused := func(what string) {
		t.Helper()
		if r, err := Run(context.Background(), options(w, id)); r != nil || kindOf(err) != "integrity" {
			t.Errorf("%s: %+v, %v", what, r, err)
		}
		if l, err := hub.OpenLinked(done.Linked, done.Digest); l != nil || kindOf(err) != "integrity" {
			t.Errorf("%s: %v", what, err)
		}
	}
	entries, err := os.ReadDir(done.Linked)
	if err != nil || len(entries) < 9 {
		t.Fatal(entries, err)
	}
	for _, e := range entries {
		path := filepath.Join(done.Linked, e.Name())
		whole := get(t, path)
		spoilt := slices.Clone(whole)
		spoilt[len(spoilt)/2] ^= 1
		put(t, path, spoilt)
		refused("a byte of " + e.Name())
		put(t, path, whole)
	}
	put(t, filepath.Join(done.Linked, "more.parquet"), nil)
	refused("a file beside")
}

func get(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func put(t testing.TB, path string, body []byte) {
	t.Helper()
	if err := os.WriteFile(path, body, 0o600); err != nil {
		t.Fatal(err)
	}
}

// resign has a dataset's own custodian sign another description.
func resign(t *testing.T, w *linktest.World, dir string, change func(*schemas.Release)) {
	t.Helper()
	var r schemas.Release
	if err := json.Unmarshal(get(t, filepath.Join(dir, hub.ReleaseFile)), &r); err != nil {
		t.Fatal(err)
	}
	change(&r)
	body := r.Encode()
	sig, err := w.Custodians["slam"].Signer.SignNote(schemas.Statement("release", schemas.Digest(body)))
	if err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(dir, hub.ReleaseFile), body)
	put(t, filepath.Join(dir, hub.ReleaseSig), sig)
}

// retable replaces a table of a release, and fits its description.
func retable(t *testing.T, w *linktest.World, dir, table, query string) {
	t.Helper()
	path := filepath.Join(dir, table+".parquet")
	e, err := engine.Open(context.Background(), engine.Options{Folders: []string{dir}})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if err := errors.Join(e.Exec(context.Background(), "test", "CREATE VIEW t AS SELECT * FROM "+engine.ReadParquet(path)),
		e.CopyParquet(context.Background(), "test", query, path+".new"), os.Rename(path+".new", path)); err != nil {
		t.Fatal(err)
	}
	body := get(t, path)
	resign(t, w, dir, func(r *schemas.Release) {
		for i := range r.Tables {
			if r.Tables[i].Table == table {
				r.Tables[i].Bytes, r.Tables[i].SHA256 = int64(len(body)), schemas.Digest(body)
			}
		}
	})
}

// TestRefusals: each with its kind, and nothing written or recorded. The slam
// release is spoilt; where a custodian had to sign the spoilt one, the record
// of decisions knows it, so that nothing but the rule itself can refuse.
func TestRefusals(t *testing.T) {
	w := linktest.New(t, linktest.NewPopulation(33, 60))
	id, another := w.Approve(both), w.Approve(linktest.Datasets)
	good, theirs := releaseAll(t, w, id, t.TempDir()), releaseAll(t, w, another, t.TempDir())
	failed := errors.New("no space left")
	contacts := func(dir string) string { return filepath.Join(dir, "contacts.parquet") }
	type spoil func(t *testing.T, dir string, o *Options)
	known := func(change func(*schemas.Release)) spoil {
		return func(t *testing.T, dir string, _ *Options) { resign(t, w, dir, change) }
	}
	cases := map[string]struct {
		kind  string
		spoil spoil
	}{
		"zero permit":                  {"governance", func(_ *testing.T, _ string, o *Options) { o.Permit = linkage.Permit{} }},
		"release permit":               {"governance", func(_ *testing.T, _ string, o *Options) { o.Permit = w.Permit(id, linkage.ActionRelease, "slam") }},
		"other approval":               {"integrity", func(_ *testing.T, _ string, o *Options) { o.Releases[1] = theirs[1] }},
		"permit of the other approval": {"integrity", func(_ *testing.T, _ string, o *Options) { o.Permit = w.Permit(another, linkage.ActionLink, "") }},
		"missing dataset":              {"use", func(_ *testing.T, _ string, o *Options) { o.Releases = o.Releases[:1] }},
		"dataset twice":                {"use", func(_ *testing.T, _ string, o *Options) { o.Releases[0] = o.Releases[1] }},
		"no such folder":               {"use", func(_ *testing.T, dir string, o *Options) { o.Releases[1] = dir + "x" }},
		"nothing released":             {"use", func(_ *testing.T, _ string, o *Options) { o.Releases = nil }},
		"not in the record": {"integrity", func(_ *testing.T, _ string, o *Options) {
			o.Known = func(string) *linkage.ReleaseRecord { return nil }
		}},
		"another in the record": {"integrity", func(_ *testing.T, _ string, o *Options) {
			o.Known = func(d string) *linkage.ReleaseRecord { return w.Released(another, d) }
		}},
		"record refuses":       {"", func(_ *testing.T, _ string, o *Options) { o.Record = func(linkage.Body) error { return failed } }},
		"unequal project keys": {"integrity", known(func(r *schemas.Release) { r.ProjectCheck = "0123456789abcdef" })},
		"unequal linkage keys": {"integrity", known(func(r *schemas.Release) { r.LinkageCheck = "0123456789abcdef" })},
		"a table less": {"governance", func(t *testing.T, dir string, _ *Options) {
			if err := os.Remove(filepath.Join(dir, "spells.parquet")); err != nil {
				t.Fatal(err)
			}
			resign(t, w, dir, func(r *schemas.Release) { r.Tables = r.Tables[:len(r.Tables)-1] })
		}},
		"a column less":           {"governance", known(func(r *schemas.Release) { r.Tables[0].Columns = r.Tables[0].Columns[1:] })},
		"more rows":               {"integrity", known(func(r *schemas.Release) { r.Tables[0].Rows++ })},
		"a dataset not asked for": {"governance", func(_ *testing.T, _ string, o *Options) { o.Releases = append(o.Releases, theirs[2]) }},
		"another text":            {"integrity", known(func(r *schemas.Release) { r.ApprovalSHA256 = schemas.Digest(nil) })},
		"columns that it does not say": {"integrity", func(t *testing.T, dir string, _ *Options) {
			retable(t, w, dir, "contacts", "SELECT *, 'free text' AS note FROM t")
		}},
		"columns of another type": {"integrity", func(t *testing.T, dir string, _ *Options) {
			retable(t, w, dir, "contacts", "SELECT person::VARCHAR AS person, * EXCLUDE (person) FROM t")
		}},
		"no Parquet": {"integrity", func(t *testing.T, dir string, _ *Options) {
			put(t, contacts(dir), []byte("person,date\n"))
			resign(t, w, dir, func(r *schemas.Release) {
				for i := range r.Tables {
					if r.Tables[i].Table == "contacts" {
						r.Tables[i].Bytes, r.Tables[i].SHA256 = 12, schemas.Digest([]byte("person,date\n"))
					}
				}
			})
		}},
		"another's signature": {"integrity", func(t *testing.T, dir string, _ *Options) {
			sig, err := w.Custodians["primary-care"].Signer.SignNote(schemas.Statement("release", schemas.Digest(get(t, filepath.Join(dir, hub.ReleaseFile)))))
			if err != nil {
				t.Fatal(err)
			}
			put(t, filepath.Join(dir, hub.ReleaseSig), sig)
		}},
		"a signature of something else": {"integrity", func(t *testing.T, dir string, _ *Options) {
			sig, err := w.Custodians["slam"].Signer.SignNote(schemas.Statement("manifest", schemas.Digest(get(t, filepath.Join(dir, hub.ReleaseFile)))))
			if err != nil {
				t.Fatal(err)
			}
			put(t, filepath.Join(dir, hub.ReleaseSig), sig)
		}},
		"more beside": {"integrity", func(t *testing.T, dir string, _ *Options) { put(t, filepath.Join(dir, "notes.txt"), nil) }},
		"longer":      {"integrity", func(t *testing.T, dir string, _ *Options) { put(t, contacts(dir), append(get(t, contacts(dir)), 0)) }},
		"shorter": {"integrity", func(t *testing.T, dir string, _ *Options) {
			b := get(t, contacts(dir))
			put(t, contacts(dir), b[:len(b)-1])
		}},
		"oversize": {"integrity", func(t *testing.T, dir string, _ *Options) {
			put(t, filepath.Join(dir, hub.ReleaseFile), make([]byte, schemas.MaxRelease+1))
		}},
		"oversize sig": {"integrity", func(t *testing.T, dir string, _ *Options) {
			put(t, filepath.Join(dir, hub.ReleaseSig), make([]byte, 1<<13))
		}},
		"a link":        {"integrity", replaced(func(path string) error { return os.Symlink(contacts(good[1]), path) })},
		"a link inside": {"integrity", replaced(func(path string) error { return os.Symlink("spells.parquet", path) })},
		"a pipe":        {"integrity", replaced(func(path string) error { return unix.Mkfifo(path, 0o600) })},
		"a folder":      {"integrity", replaced(func(path string) error { return os.Mkdir(path, 0o700) })},
		"missing file":  {"integrity", replaced(func(string) error { return nil })},
		"a linked folder": {"integrity", func(t *testing.T, dir string, o *Options) {
			if err := os.Symlink(dir, dir+"-link"); err != nil {
				t.Fatal(err)
			}
			o.Releases[1] = dir + "-link"
		}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) { refuses(t, w, id, good, c.kind, failed, c.spoil) })
	}
	files, err := os.ReadDir(good[1])
	if err != nil || len(files) != 7 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		t.Run("a byte of "+f.Name(), func(t *testing.T) {
			refuses(t, w, id, good, "integrity", failed, func(t *testing.T, dir string, _ *Options) {
				body := get(t, filepath.Join(dir, f.Name()))
				body[len(body)/2] ^= 1
				put(t, filepath.Join(dir, f.Name()), body)
			})
		})
	}
	if done := mustLink(t, withReleases(options(w, id), good)); done.Status != "linked" || !slices.Equal(done.Remaining, good) {
		t.Errorf("unspoilt: %+v", done)
	}
}

func replaced(make func(path string) error) func(*testing.T, string, *Options) {
	return func(t *testing.T, dir string, _ *Options) {
		path := filepath.Join(dir, "contacts.parquet")
		if err := errors.Join(os.Remove(path), make(path)); err != nil {
			t.Fatal(err)
		}
	}
}

func withReleases(o Options, dirs []string) Options {
	o.Releases = slices.Clone(dirs)
	return o
}

func refuses(t *testing.T, w *linktest.World, id string, good []string, kind string, failed error, spoil func(*testing.T, string, *Options)) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "slam")
	if err := os.CopyFS(dir, os.DirFS(good[1])); err != nil {
		t.Fatal(err)
	}
	signed := get(t, filepath.Join(dir, hub.ReleaseFile))
	o := withReleases(options(w, id), []string{good[0], dir})
	spoil(t, dir, &o)
	if now, err := os.ReadFile(filepath.Join(dir, hub.ReleaseFile)); err == nil && string(now) != string(signed) && len(now) < 1<<16 {
		record := *w.Released(id, "slam")
		record.Release = schemas.Digest(now)
		if json.Valid(now) { // signed anew, so known
			o.Known = func(d string) *linkage.ReleaseRecord {
				if d == "slam" {
					return &record
				}
				return w.Released(id, d)
			}
		}
	}
	before := linktest.Tree(t, w.Hub.ProjectsDir())
	r, err := Run(context.Background(), o)
	if r != nil || err == nil || kindOf(err) != kind || kind == "" && !errors.Is(err, failed) {
		t.Errorf("%+v, %v: want kind %q", r, err, kind)
	}
	if linktest.Tree(t, w.Hub.ProjectsDir()) != before || len(w.Decision(id).Links) != 0 {
		t.Error("something was written or recorded")
	}
	noStaging(t, w)
}

// TestExtraColumn: a custodian releases a column that was not approved.
func TestExtraColumn(t *testing.T) {
	w := linktest.New(t, linktest.NewPopulation(34, 60))
	id := w.Approve(both, "contacts.date")
	dirs := releaseAll(t, w, id, t.TempDir())
	more := w.Approve(both)
	wide := releaseAll(t, w, more, t.TempDir())
	path := filepath.Join(wide[1], "contacts.parquet")
	put(t, filepath.Join(dirs[1], "contacts.parquet"), get(t, path))
	resign(t, w, dirs[1], func(r *schemas.Release) {
		for i := range r.Tables {
			if r.Tables[i].Table == "contacts" {
				body := get(t, path)
				r.Tables[i].Columns, r.Tables[i].Bytes, r.Tables[i].SHA256 = []string{"person", "date", "year", "team_type"}, int64(len(body)), schemas.Digest(body)
			}
		}
	})
	o := withReleases(options(w, id), dirs)
	o.Known = func(d string) *linkage.ReleaseRecord {
		r := w.Released(id, d)
		if d == "slam" {
			r.Release = schemas.Digest(get(t, filepath.Join(dirs[1], hub.ReleaseFile)))
		}
		return r
	}
	if r, err := Run(context.Background(), o); r != nil || kindOf(err) != "governance" {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestOtherReleasesAfterwards: what was linked stays; another release is no
// reason to link again.
func TestOtherReleasesAfterwards(t *testing.T) {
	w := linktest.New(t, linktest.NewPopulation(35, 60))
	id := w.Approve(both)
	dirs := releaseAll(t, w, id, t.TempDir())
	mustLink(t, withReleases(options(w, id), dirs))
	if r := mustLink(t, withReleases(options(w, id), dirs)); r.Status != "skipped" || !slices.Equal(r.Remaining, dirs) {
		t.Errorf("%+v", r)
	}
	resign(t, w, dirs[1], func(r *schemas.Release) { r.Tool = "other" })
	if r, err := Run(context.Background(), withReleases(options(w, id), dirs)); r != nil || kindOf(err) != "governance" {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestSameBytesOnAnyThreads: the same releases give the same linked tables.
func TestSameBytesOnAnyThreads(t *testing.T) {
	w := linktest.New(t, linktest.NewPopulation(36, 200))
	id := w.Approve(linktest.Datasets)
	releases := releaseAll(t, w, id, t.TempDir())
	var digests []string
	for _, threads := range []int{1, 2, 2} {
		o := withReleases(options(w, id), releases)
		o.Threads, o.Earlier = threads, nil
		done := mustLink(t, o)
		digests = append(digests, done.Digest)
		if err := os.RemoveAll(done.Linked); err != nil {
			t.Fatal(err)
		}
	}
	if digests[0] != digests[1] || digests[1] != digests[2] {
		t.Error(digests)
	}
}

// TestCutShort: recorded but without its name, as after a crash, and stopped
// anywhere before; linked, but the releases not yet deleted.
func TestCutShort(t *testing.T) {
	w := linktest.New(t, linktest.NewPopulation(37, 60))
	id := w.Approve(linktest.Datasets)
	releaseAll(t, w, id, "")
	before := linktest.Tree(t, w.Hub.ProjectsDir())
	crash := errors.New("cut short")
	o := options(w, id)
	o.Record = func(body linkage.Body) error { return errors.Join(w.Record(body), crash) }
	if _, err := Run(context.Background(), o); !errors.Is(err, crash) {
		t.Fatal(err)
	}
	stops := 0
	for ; ; stops++ {
		if now := linktest.Tree(t, w.Hub.ProjectsDir()); now != before {
			t.Fatalf("%s\nwas\n%s", now, before)
		}
		ctx, cancel := context.WithCancel(context.Background())
		o, steps := options(w, id), 0
		o.Progress = func(string) {
			if steps++; steps > stops {
				cancel()
			}
		}
		r, err := Run(ctx, o)
		cancel()
		if err == nil {
			if r.Digest != w.LinkedBefore(id).Linked || len(w.Decision(id).Links) != 1 {
				t.Errorf("%d links are recorded", len(w.Decision(id).Links))
			}
			break
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		noStaging(t, w)
	}
	if stops < 10 {
		t.Errorf("stopped %d times", stops)
	}

	id = w.Approve(both)
	dirs := releaseAll(t, w, id, t.TempDir())
	mustLink(t, withReleases(options(w, id), dirs))
	to := filepath.Join(w.Hub.ProjectsDir(), id, "releases")
	if err := errors.Join(os.MkdirAll(to, 0o700), os.CopyFS(filepath.Join(to, "slam"), os.DirFS(dirs[1]))); err != nil {
		t.Fatal(err)
	}
	if r := mustLink(t, options(w, id)); r.Status != "skipped" {
		t.Errorf("%+v", r)
	}
	if left, _ := os.ReadDir(to); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

// TestRevokedMeanwhile: the record of decisions has the last word, and what a
// project left is removed.
func TestRevokedMeanwhile(t *testing.T) {
	w := linktest.New(t, linktest.NewPopulation(38, 60))
	id := w.Approve(both)
	releaseAll(t, w, id, "")
	o := options(w, id)
	w.Revoke(id, "slam")
	if r, err := Run(context.Background(), o); r != nil || kindOf(err) != "governance" {
		t.Errorf("%+v, %v", r, err)
	}
	p, err := w.Hub.Project(id)
	if err != nil {
		t.Fatal(err)
	}
	removed, err := p.Remove()
	if err != nil || !slices.Equal(removed, []string{"releases/primary-care", "releases/slam"}) {
		t.Errorf("%v %v", removed, err)
	}
	if again, err := p.Remove(); err != nil || len(again) != 0 {
		t.Errorf("%v %v", again, err)
	}
	noStaging(t, w)
}

// TestProjectsShareNothing: two projects over the same data share no code, and
// their rows stand in no common order.
func TestProjectsShareNothing(t *testing.T) {
	w := linktest.New(t, linktest.NewPopulation(39, 150))
	var codes [2]map[string]bool
	var order [2][]string
	for i := range 2 {
		id := w.Approve(linktest.Datasets)
		releaseAll(t, w, id, "")
		done := mustLink(t, options(w, id))
		codes[i] = map[string]bool{}
		entries, err := filepath.Glob(filepath.Join(done.Linked, "*.parquet"))
		if err != nil || len(entries) != 12 {
			t.Fatal(entries, err)
		}
		for _, path := range entries {
			_, rows := linktest.Read(t, path)
			for _, r := range rows {
				for _, c := range []string{"person", "baby", "pregnancy", "mother"} {
					codes[i][r[c]] = true
				}
				if filepath.Base(path) == "slam_contacts.parquet" {
					order[i] = append(order[i], r["team_type"])
				}
			}
		}
		delete(codes[i], "")
	}
	for code := range codes[0] {
		if codes[1][code] {
			t.Fatal("two projects share a code")
		}
	}
	same := 0
	for i := range order[0] {
		if order[0][i] == order[1][i] {
			same++
		}
	}
	if len(order[0]) != len(order[1]) || len(order[0]) < 20 || same > len(order[0])/4 {
		t.Errorf("%d of %d rows stand where they stand in the other project", same, len(order[0]))
	}
}
