package release

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"datanet/linkage"
	"datanet/pipeline/hub"
	"datanet/pipeline/link/linktest"
	"datanet/pseudonym"
	"datanet/schemas"
)

func options(w *linktest.World, id, dataset string) Options {
	return Options{Permit: w.Permit(id, linkage.ActionRelease, dataset), Hub: w.Hub, Dataset: dataset, Trusted: w.Trusted(dataset), Recorded: w.States[dataset],
		Custodian: w.Custodians[dataset], Sealed: w.Sealed(id), Record: w.Record, Earlier: w.Released(id, dataset), Tool: "test", Threads: 2}
}

func mustRelease(t *testing.T, o Options) *Result {
	t.Helper()
	r, err := Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func kindOf(err error) string {
	var k interface{ Kind() string }
	if errors.As(err, &k) {
		return k.Kind()
	}
	return ""
}

// TestReleases: every row of exactly the right people, one code for one person
// in all datasets, and nothing else.
func TestReleases(t *testing.T) {
	const seed = 11
	w := linktest.New(t, linktest.NewPopulation(seed, 400))
	id := w.Approve(linktest.Datasets, "patients.language", "primary-care/medications", "slam/spells")
	codes, tokens := map[string]string{}, map[string]string{}
	unlinkable, motherless := 0, 0
	for _, d := range linktest.Datasets {
		done := mustRelease(t, options(w, id, d))
		x, err := hub.OpenRelease(done.Release)
		if err != nil {
			t.Fatal(err)
		}
		defer x.Close()
		if err := x.VerifyFiles(); err != nil {
			t.Error(err)
		}
		text, err := pseudonym.VerifyNote(x.Signature, w.Trusted(d))
		if err != nil || text != schemas.Statement("release", done.Digest) {
			t.Errorf("%s: signature: %v", d, err)
		}
		if r := w.Released(id, d); r.Release != done.Digest || r.State != w.States[d] || r.AsAt != linktest.AsAt || r.Persons != x.Release.Persons {
			t.Errorf("%s: recorded %+v", d, r)
		}
		if done.Status != "released" || x.Release.AsAt != linktest.AsAt || x.Release.LinkageCheck != w.Linkage.CheckValue() || x.Release.ProjectCheck != w.Decision(id).ProjectKey.Check {
			t.Errorf("%+v of %+v", done, x.Release)
		}
		people := map[string]bool{}
		for _, table := range x.Release.Tables {
			columns, rows := linktest.Read(t, filepath.Join(done.Release, table.File()))
			if !slices.Equal(columns, w.Decision(id).Approval.Columns(d, table.Table)) || !slices.Equal(columns, table.Columns) || int64(len(rows)) != table.Rows {
				t.Errorf("%s %s: %v, %d rows", d, table.Table, columns, len(rows))
			}
			linktest.Codes(d, table.Table, rows, func(code, token string) {
				people[code] = true
				if !usable(w, d, token) {
					return // a code of the dataset's own
				}
				if codes[token] == "" && tokens[code] == "" {
					codes[token], tokens[code] = code, token
				}
				if codes[token] != code || tokens[code] != token {
					t.Fatalf("seed %d: %s has another code in %s", seed, token, d)
				}
			})
			if got, want := len(rows), expected(w, d, table.Table, d == "primary-care"); got != want {
				t.Errorf("seed %d: %s %s: %d rows, want %d", seed, d, table.Table, got, want)
			}
			for _, r := range rows {
				if r["person"] == "" && r["baby"] != "" {
					motherless++
				}
				if r["linkable"] == "false" && d != "primary-care" {
					t.Errorf("%s: somebody without a number", d)
				} else if r["linkable"] == "false" {
					unlinkable++
				}
			}
			if info, err := os.Stat(filepath.Join(done.Release, table.File())); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%v %v", info.Mode(), err)
			}
		}
		if want := schemas.Round10(int64(len(people))); done.Persons != want {
			t.Errorf("%s: %d people, want %d", d, done.Persons, want)
		}
	}
	if unlinkable == 0 || motherless == 0 || len(codes) < 100 {
		t.Error("the population tests nothing")
	}
	noStaging(t, w)
}

// usable says whether a dataset has the number of whom a token names.
func usable(w *linktest.World, dataset, token string) bool {
	for _, p := range w.Population.People {
		if p.Token == token {
			return p.Usable[dataset] || dataset == "maternity" && !p.In[dataset] // a baby's code is of a number
		}
	}
	return false
}

// expected counts a table's rows in plain Go: from the snapshot that was
// loaded, those about somebody with a usable number, or all.
func expected(w *linktest.World, dataset, table string, all bool) (n int) {
	s, err := w.Hub.Snapshot(dataset, w.Trusted(dataset))
	if err != nil {
		w.T.Fatal(err)
	}
	defer s.Close()
	linkable := map[string]bool{}
	d, _ := schemas.DatasetByID(dataset)
	for _, path := range s.Paths(d.Tables[0].Name) {
		_, rows := linktest.Read(w.T, path)
		for _, r := range rows {
			linkable[r["person"]] = r["linkable"] == "true"
		}
	}
	for _, path := range s.Paths(table) {
		_, rows := linktest.Read(w.T, path)
		for _, r := range rows {
			if all || linkable[r["person"]] || r["baby"] != "" {
				n++
			}
		}
	}
	return n
}

func noStaging(t *testing.T, w *linktest.World) {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(w.Hub.ProjectsDir(), "*", ".staging", "*"))
	if err != nil || len(slices.DeleteFunc(left, func(p string) bool { return filepath.Base(p) == "lock" })) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

// TestProjectsShareNothing: the same rows, released to two projects, meet in no
// code and stand in no common order.
func TestProjectsShareNothing(t *testing.T) {
	w := linktest.New(t, linktest.NewPopulation(12, 120))
	var codes [2]map[string]bool
	var order [2][]string
	for i := range 2 {
		id := w.Approve([]string{"primary-care", "slam"})
		done := mustRelease(t, options(w, id, "primary-care"))
		codes[i] = map[string]bool{}
		_, rows := linktest.Read(t, filepath.Join(done.Release, "observations.parquet"))
		for _, r := range rows {
			codes[i][r["person"]] = true
			order[i] = append(order[i], r["concept"])
		}
	}
	for code := range codes[0] {
		if codes[1][code] {
			t.Fatal("two projects share a code")
		}
	}
	sorted := [2][]string{slices.Sorted(slices.Values(order[0])), slices.Sorted(slices.Values(order[1]))}
	if !slices.Equal(sorted[0], sorted[1]) || len(sorted[0]) < 50 {
		t.Fatal("not the same rows")
	}
	if same := inPlace(order[0], order[1]); same > len(order[0])/5 {
		t.Errorf("%d of %d rows stand where they stand in the other project", same, len(order[0]))
	}
}

func inPlace(a, b []string) (n int) {
	for i := range a {
		if a[i] == b[i] {
			n++
		}
	}
	return n
}

// TestAgain: the same state is a skip wherever it went, another one is refused.
func TestAgain(t *testing.T) {
	w := linktest.New(t, linktest.NewPopulation(13, 60))
	id := w.Approve([]string{"primary-care", "slam"})
	first := mustRelease(t, options(w, id, "slam"))
	before, records := linktest.Tree(t, w.Hub.Dir()), len(w.Decision(id).Releases)
	again := mustRelease(t, options(w, id, "slam"))
	if again.Status != "skipped" || again.Reason == "" || again.Release != first.Release || again.Digest != first.Digest || again.Persons != first.Persons || again.AsAt != first.AsAt {
		t.Errorf("%+v, then %+v", first, again)
	}
	unaware := options(w, id, "slam")
	unaware.Earlier = nil // asked before somebody else released
	if r := mustRelease(t, unaware); r.Status != "skipped" {
		t.Errorf("%+v", r)
	}
	if linktest.Tree(t, w.Hub.Dir()) != before || len(w.Decision(id).Releases) != records {
		t.Error("the skip changed the hub")
	}

	// Elsewhere: the same state, its own folder.
	out := options(w, id, "primary-care")
	out.Out = filepath.Join(t.TempDir(), "there", "release")
	elsewhere := mustRelease(t, out)
	if elsewhere.Release != out.Out || elsewhere.Status != "released" {
		t.Errorf("%+v", elsewhere)
	}
	out.Earlier = w.Released(id, "primary-care")
	if r := mustRelease(t, out); r.Status != "skipped" || r.Digest != elsewhere.Digest {
		t.Errorf("%+v", r)
	}
	if entries, _ := os.ReadDir(filepath.Dir(out.Out)); len(entries) != 1 {
		t.Errorf("left beside it: %v", entries)
	}

	// Linked by now: the release is gone, and is not made again.
	if err := errors.Join(os.RemoveAll(first.Release), os.Mkdir(filepath.Join(w.Hub.ProjectsDir(), id, "linked"), 0o700)); err != nil {
		t.Fatal(err)
	}
	if r := mustRelease(t, options(w, id, "slam")); r.Status != "skipped" || r.Release != "" || r.Digest != first.Digest {
		t.Errorf("%+v", r)
	}
	if err := os.Remove(filepath.Join(w.Hub.ProjectsDir(), id, "linked")); err != nil {
		t.Fatal(err)
	}

	// Another state.
	w.States["slam"] = w.Load("slam", "Z9S01", 2, "2026-11-30")
	if _, err := Run(context.Background(), options(w, id, "slam")); kindOf(err) != "governance" {
		t.Errorf("another state: %v", err)
	}
}

// TestRefusals: each with its kind, and nothing written.
func TestRefusals(t *testing.T) {
	w := linktest.New(t, linktest.NewPopulation(14, 60))
	id := w.Approve([]string{"primary-care", "slam"})
	other, err := pseudonym.NewCustodianKey("slam", linktest.Made)
	if err != nil {
		t.Fatal(err)
	}
	failed := errors.New("no space left")
	for name, c := range map[string]struct {
		kind  string
		spoil func(*Options)
	}{
		"zero permit":       {"governance", func(o *Options) { o.Permit = linkage.Permit{} }},
		"other dataset":     {"governance", func(o *Options) { o.Permit = w.Permit(id, linkage.ActionRelease, "primary-care") }},
		"other action":      {"governance", func(o *Options) { o.Permit = w.Permit(id, linkage.ActionLink, "") }},
		"another's key":     {"key", func(o *Options) { o.Custodian = w.Custodians["primary-care"] }},
		"a key not trusted": {"key", func(o *Options) { o.Custodian = other }},
		"trusted by nobody": {"key", func(o *Options) { o.Custodian, o.Trusted = other, other.PublicPart().Verifier }},
		"unrecorded state":  {"integrity", func(o *Options) { o.Recorded = schemas.Digest(nil) }},
		"no recorded state": {"integrity", func(o *Options) { o.Recorded = "" }},
		"record refuses":    {"", func(o *Options) { o.Record = func(linkage.Body) error { return failed } }},
		"occupied":          {"use", func(o *Options) { o.Out = w.Dir }},
		"a file":            {"use", func(o *Options) { o.Out = filepath.Join(w.Hub.Dir(), "hub.json") }},
		"another's project key": {"integrity", func(o *Options) {
			o.Sealed = resealed(t, w, id, "slam", func(k *linkage.ProjectKeyRecord) { k.Sealed["slam"] = k.Sealed["primary-care"] })
		}},
		"another check value": {"integrity", func(o *Options) {
			o.Sealed = resealed(t, w, id, "slam", func(k *linkage.ProjectKeyRecord) { k.Check = "0123456789abcdef" })
		}},
		"key of another text": {"integrity", func(o *Options) {
			o.Sealed = resealed(t, w, id, "slam", func(k *linkage.ProjectKeyRecord) { k.SHA256 = schemas.Digest(nil) })
		}},
		"not sealed to us": {"integrity", func(o *Options) {
			o.Sealed = resealed(t, w, id, "slam", func(k *linkage.ProjectKeyRecord) { delete(k.Sealed, "slam") })
		}},
	} {
		t.Run(name, func(t *testing.T) {
			o := options(w, id, "slam")
			c.spoil(&o)
			before := linktest.Tree(t, filepath.Join(w.Hub.Dir(), "projects"))
			r, err := Run(context.Background(), o)
			if r != nil || err == nil || kindOf(err) != c.kind || c.kind == "" && !errors.Is(err, failed) {
				t.Errorf("%+v, %v: want kind %q", r, err, c.kind)
			}
			if linktest.Tree(t, filepath.Join(w.Hub.Dir(), "projects")) != before || len(w.Decision(id).Releases) != 0 {
				t.Error("something was written")
			}
			noStaging(t, w)
		})
	}
}

// resealed is a project key record that somebody made up.
func resealed(t *testing.T, w *linktest.World, id, by string, change func(*linkage.ProjectKeyRecord)) func() (*linkage.ProjectKeyRecord, error) {
	t.Helper()
	r, err := options(w, id, by).start()
	if err != nil {
		t.Fatal(err)
	}
	made, err := r.makeKey()
	if err != nil {
		t.Fatal(err)
	}
	change(&made)
	return func() (*linkage.ProjectKeyRecord, error) { return &made, nil }
}

// TestFirstKeyCounts: two custodians make a project key at the same time.
func TestFirstKeyCounts(t *testing.T) {
	w := linktest.New(t, linktest.NewPopulation(15, 60))
	id := w.Approve([]string{"primary-care", "slam"})
	late := options(w, id, "slam")
	asked := 0
	late.Sealed = func() (*linkage.ProjectKeyRecord, error) {
		if asked++; asked == 1 {
			sealed, err := resealed(t, w, id, "primary-care", func(*linkage.ProjectKeyRecord) {})()
			return nil, errors.Join(err, w.Record(*sealed)) // between the question and the answer
		}
		return w.Decision(id).ProjectKey, nil
	}
	mustRelease(t, late)
	mustRelease(t, options(w, id, "primary-care"))
	var checks []string
	for _, d := range []string{"primary-care", "slam"} {
		x, err := hub.OpenRelease(filepath.Join(w.Hub.ProjectsDir(), id, "releases", d))
		if err != nil {
			t.Fatal(err)
		}
		checks = append(checks, x.Release.ProjectCheck)
		x.Close()
	}
	if checks[0] != checks[1] || asked != 2 {
		t.Errorf("%v after %d questions", checks, asked)
	}
}

// TestStandingReleaseIsHeldToTheRecord: a byte changed in any file of what
// stands there is no skip.
func TestStandingReleaseIsHeldToTheRecord(t *testing.T) {
	w := linktest.New(t, linktest.NewPopulation(16, 60))
	id := w.Approve([]string{"primary-care", "slam"})
	done := mustRelease(t, options(w, id, "slam"))
	entries, err := os.ReadDir(done.Release)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		path := filepath.Join(done.Release, e.Name())
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range []int{len(whole) / 2, len(whole) - 2} {
			spoilt := slices.Clone(whole)
			spoilt[at] ^= 1
			if err := os.WriteFile(path, spoilt, 0o600); err != nil {
				t.Fatal(err)
			}
			if r, err := Run(context.Background(), options(w, id, "slam")); r != nil || kindOf(err) != "integrity" {
				t.Errorf("%s, byte %d: %+v, %v", e.Name(), at, r, err)
			}
		}
		if err := os.WriteFile(path, whole, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if len(entries) != 7 {
		t.Errorf("%d files", len(entries))
	}
	unrecorded := options(w, id, "slam")
	unrecorded.Earlier.Release = schemas.Digest(nil)
	if _, err := Run(context.Background(), unrecorded); kindOf(err) != "integrity" {
		t.Error(err)
	}
}

// TestSpoiltDataset: bytes that were not loaded are not released.
func TestSpoiltDataset(t *testing.T) {
	w := linktest.New(t, linktest.NewPopulation(17, 60))
	id := w.Approve([]string{"primary-care", "slam"})
	files, err := filepath.Glob(filepath.Join(w.Hub.Dir(), "datasets", "slam", "contacts", "*", "*.parquet"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	body, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	body[len(body)/2] ^= 1
	if err := os.WriteFile(files[0], body, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Run(context.Background(), options(w, id, "slam")); kindOf(err) != "integrity" {
		t.Error(err)
	}
	if there, _ := os.ReadDir(w.Hub.ProjectsDir()); len(there) != 0 || w.Decision(id).ProjectKey != nil {
		t.Error("something was written or recorded")
	}
}

// TestCutShort: recorded but without its name, as after a crash; and stopped
// anywhere before.
func TestCutShort(t *testing.T) {
	w := linktest.New(t, linktest.NewPopulation(18, 60))
	id := w.Approve([]string{"primary-care", "slam"})
	crash := errors.New("cut short")
	o := options(w, id, "slam")
	o.Record = func(body linkage.Body) error {
		if err := w.Record(body); err != nil {
			return err
		}
		if _, ok := body.(linkage.ReleaseRecord); ok {
			return crash
		}
		return nil
	}
	if _, err := Run(context.Background(), o); !errors.Is(err, crash) {
		t.Fatal(err)
	}
	for stop := 0; ; stop++ {
		ctx, cancel := context.WithCancel(context.Background())
		o, steps := options(w, id, "slam"), 0
		o.Progress = func(string) {
			if steps++; steps > stop {
				cancel()
			}
		}
		r, err := Run(ctx, o)
		cancel()
		if err == nil {
			if r.Status != "released" || stop < 3 {
				t.Errorf("%+v after %d stops", r, stop)
			}
			if last := w.Released(id, "slam"); last.Release != r.Digest {
				t.Error("what stands is not what was recorded last")
			}
			break
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		noStaging(t, w)
	}
}

// TestRevokedMeanwhile: the record of decisions has the last word.
func TestRevokedMeanwhile(t *testing.T) {
	w := linktest.New(t, linktest.NewPopulation(19, 60))
	id := w.Approve([]string{"primary-care", "slam"})
	o := options(w, id, "slam")
	w.Revoke(id, "primary-care")
	if r, err := Run(context.Background(), o); r != nil || kindOf(err) != "governance" {
		t.Errorf("%+v, %v", r, err)
	}
	if there, _ := filepath.Glob(filepath.Join(w.Hub.ProjectsDir(), id, "releases", "*")); len(there) != 0 {
		t.Errorf("%v", there)
	}
	noStaging(t, w)
}

// TestNothingIdentifies: no dataset code and no file name of the dataset leaves.
func TestNothingIdentifies(t *testing.T) {
	w := linktest.New(t, linktest.NewPopulation(20, 60))
	id := w.Approve([]string{"slam", "maternity"})
	done := mustRelease(t, options(w, id, "maternity"))
	s, err := w.Hub.Snapshot("maternity", w.Trusted("maternity"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	theirs := map[string]bool{}
	for _, table := range []string{"pregnancies", "births"} {
		for _, path := range s.Paths(table) {
			_, rows := linktest.Read(t, path)
			for _, r := range rows {
				theirs[r["person"]], theirs[r["baby"]], theirs[r["pregnancy"]] = true, true, true
			}
		}
	}
	delete(theirs, "")
	seen := 0
	for _, table := range []string{"pregnancies", "births"} {
		_, rows := linktest.Read(t, filepath.Join(done.Release, table+".parquet"))
		for _, r := range rows {
			for _, c := range []string{"person", "baby", "pregnancy"} {
				if theirs[r[c]] {
					t.Fatalf("a dataset code in %s.%s", table, c)
				}
				if r[c] != "" {
					seen++
				}
			}
		}
	}
	text, err := os.ReadFile(filepath.Join(done.Release, hub.ReleaseFile))
	if err != nil || strings.Contains(string(text), "site=") || seen == 0 {
		t.Errorf("%v %d\n%s", err, seen, text)
	}
}

// TestOneDelivery: what stands in the project, or was linked there, is not
// delivered elsewhere in another order of rows.
func TestOneDelivery(t *testing.T) {
	w := linktest.New(t, linktest.NewPopulation(21, 60))
	id := w.Approve([]string{"primary-care", "slam"})
	inside := mustRelease(t, options(w, id, "slam"))
	out := filepath.Join(t.TempDir(), "o1")
	refused := func(when, kind, where string) {
		t.Helper()
		o, records := options(w, id, "slam"), len(w.Decision(id).Releases)
		o.Out = out
		before := linktest.Tree(t, w.Hub.ProjectsDir())
		r, err := Run(context.Background(), o)
		if r != nil || kindOf(err) != kind || !strings.Contains(err.Error(), where) {
			t.Errorf("%s: %+v, %v", when, r, err)
		}
		if _, err := os.Lstat(out); err == nil || len(w.Decision(id).Releases) != records || linktest.Tree(t, w.Hub.ProjectsDir()) != before {
			t.Errorf("%s: something was written or recorded", when)
		}
		if left, _ := os.ReadDir(filepath.Dir(out)); len(left) != 0 {
			t.Errorf("%s: left beside it: %v", when, left)
		}
	}
	refused("standing", "governance", "projects/"+id+"/releases/slam")
	stale := options(w, id, "slam")
	stale.Earlier, stale.Out = nil, out // asked before somebody else released
	if r, err := Run(context.Background(), stale); r != nil || kindOf(err) != "governance" {
		t.Errorf("%+v, %v", r, err)
	}

	aside := inside.Release + "-aside"
	linked := filepath.Join(w.Hub.ProjectsDir(), id, "linked")
	if err := errors.Join(os.Rename(inside.Release, aside), os.Mkdir(inside.Release, 0o700)); err != nil {
		t.Fatal(err)
	}
	refused("something else stands", "integrity", "")
	if err := errors.Join(os.Remove(inside.Release), os.Mkdir(linked, 0o700)); err != nil {
		t.Fatal(err)
	}
	refused("linked", "governance", "projects/"+id+"/linked")
	if err := os.Remove(linked); err != nil {
		t.Fatal(err)
	}

	// It went elsewhere, as far as anybody can tell: delivered again, and again.
	for range 2 {
		o := options(w, id, "slam")
		o.Out = filepath.Join(t.TempDir(), "release")
		if r := mustRelease(t, o); r.Status != "released" || w.Released(id, "slam").Release != r.Digest {
			t.Errorf("%+v", r)
		}
	}
	if r := mustRelease(t, options(w, id, "slam")); r.Status != "released" || r.Release != inside.Release {
		t.Errorf("%+v", r)
	}
}

// TestEachReleaseIsShuffledAnew: the same rows, delivered twice out of the hub,
// come in another order each time, though one thread reads them in theirs.
func TestEachReleaseIsShuffledAnew(t *testing.T) {
	w := linktest.New(t, linktest.NewPopulation(17, 400))
	id := w.Approve(linktest.Datasets)
	var order [2][]string
	for i := range order {
		o := options(w, id, "primary-care")
		o.Threads, o.Out = 1, filepath.Join(t.TempDir(), "release")
		done := mustRelease(t, o)
		_, rows := linktest.Read(t, filepath.Join(done.Release, "patients.parquet"))
		for _, r := range rows {
			order[i] = append(order[i], r["person"])
		}
	}
	if slices.Equal(order[0], order[1]) || len(order[0]) < 100 {
		t.Errorf("two deliveries of %d rows stand in one order", len(order[0]))
	}
	sorted := slices.Sorted(slices.Values(order[0]))
	if !slices.Equal(sorted, slices.Sorted(slices.Values(order[1]))) {
		t.Error("two deliveries of one project hold different people")
	}
	if slices.Equal(order[0], sorted) {
		t.Error("the rows stand in the order of their codes, which is nobody's choice")
	}
}
