package hub

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const dataset = "primary-care"

// extract is a made-up extract: its tables' bytes follow from site, sequence and table.
func incoming(site string, sequence int64) Incoming {
	return Incoming{Site: site, Sequence: sequence, AsAt: "2026-10-31", Manifest: hashHex(fmt.Append(nil, site, sequence)), LinkageCheck: testCheck}
}

func staged(l *Load, in Incoming) ([]Staged, error) {
	var tables []Staged
	for _, table := range []string{"patients", "observations"} {
		content := bytes.Repeat(fmt.Appendf(nil, "%s %d %s\n", in.Site, in.Sequence, table), 50)
		if err := os.WriteFile(filepath.Join(l.Dir(), table+".parquet"), content, 0o600); err != nil {
			return nil, err
		}
		tables = append(tables, Staged{Name: table + ".parquet", Table: table, Rows: 50})
	}
	return tables, nil
}

func load(h *Hub, in Incoming) (Result, error) {
	l, err := h.BeginLoad(dataset)
	if err != nil {
		return Result{}, err
	}
	defer l.Abort()
	tables, err := staged(l, in)
	if err != nil {
		return Result{}, err
	}
	return l.Commit(in, tables, Decide, custodianKey, custodianVKey)
}

func loaded(t testing.TB, h *Hub, site string, sequence int64) Result {
	t.Helper()
	result, err := load(h, incoming(site, sequence))
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func snapshot(t testing.TB, h *Hub) *Snapshot {
	t.Helper()
	s, err := h.Snapshot(dataset, custodianVKey)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// whole checks that a dataset's folder holds exactly what its state names, history, and nothing staged.
func whole(t testing.TB, h *Hub, history int) {
	t.Helper()
	s := snapshot(t, h)
	defer s.Close()
	if err := s.VerifyFiles(); err != nil {
		t.Error(err)
	}
	want := map[string]bool{stateFile: true}
	s.State.files(func(_ Member, f File) error { want[f.Path] = true; return nil })
	kept := 0
	for _, line := range tree(t, filepath.Join(h.Dir(), "datasets", dataset)) {
		name, _, _ := strings.Cut(line, " ")
		switch {
		case strings.HasPrefix(name, "history/"):
			kept++
		case !want[name]:
			t.Errorf("%s is left over", name)
		}
		delete(want, name)
	}
	if kept != history || len(want) > 0 {
		t.Errorf("history holds %d files, want %d; missing %v", kept, history, want)
	}
}

func TestLoad(t *testing.T) {
	h := newHub(t)
	first := loaded(t, h, "Z99001", 1)
	if first.Skip != "" || first.State.Generation != 1 || len(first.State.Members) != 1 {
		t.Fatalf("%+v", first)
	}
	second := loaded(t, h, "Z99002", 7)
	if second.State.Previous != first.StateHash {
		t.Error("the state does not name the one before")
	}
	third := loaded(t, h, "Z99001", 3)
	if len(third.Notes) != 1 {
		t.Errorf("notes %q", third.Notes)
	}
	whole(t, h, 2)
	s := snapshot(t, h)
	if s.Hash != third.StateHash {
		t.Error("another state than Commit returned")
	}
	paths := s.Paths("patients")
	if len(paths) != 2 || !strings.HasPrefix(paths[0], filepath.Join(h.Dir(), "datasets", dataset, "patients", "site=Z99001", "3-")) {
		t.Errorf("paths %q", paths)
	}
	if names, err := h.Datasets(); err != nil || !slices.Equal(names, []string{dataset}) {
		t.Errorf("datasets %q, %v", names, err)
	}
}

func TestSkipAndRefusalChangeNothing(t *testing.T) {
	h := newHub(t)
	loaded(t, h, "Z99001", 5)
	before := tree(t, h.Dir())
	again := loaded(t, h, "Z99001", 5)
	if again.Skip != "already loaded" || again.State.Generation != 1 {
		t.Errorf("%+v", again)
	}
	_, err := load(h, incoming("Z99001", 4))
	wantKind(t, err, "integrity")
	otherKey := incoming("Z99002", 1)
	otherKey.LinkageCheck = "2222222222222222"
	_, err = load(h, otherKey)
	wantKind(t, err, "key")
	if !slices.Equal(before, tree(t, h.Dir())) {
		t.Errorf("changed:\n%q\n%q", before, tree(t, h.Dir()))
	}
}

func TestRefusedFirstLoadLeavesNoState(t *testing.T) {
	h := newHub(t)
	refused := errors.New("unknown site")
	l, err := h.BeginLoad(dataset)
	if err != nil {
		t.Fatal(err)
	}
	tables, err := staged(l, incoming("Z99001", 1))
	if err != nil {
		t.Fatal(err)
	}
	_, err = l.Commit(incoming("Z99001", 1), tables, func(State, Incoming) (Decision, error) { return Decision{}, refused }, custodianKey, custodianVKey)
	if !errors.Is(err, refused) {
		t.Fatal(err)
	}
	if left := tree(t, filepath.Join(h.Dir(), "datasets")); len(left) != 0 {
		t.Errorf("left %q", left)
	}
	_, err = h.Snapshot(dataset, custodianVKey)
	wantKind(t, err, "use")
}

func TestWrongKeyLeavesNothing(t *testing.T) {
	h := newHub(t)
	other, otherVKey := key("custodian", "another")
	for range 2 { // without and with a state
		before := tree(t, h.Dir())
		l, err := h.BeginLoad(dataset)
		if err != nil {
			t.Fatal(err)
		}
		in := incoming("Z99001", 1)
		tables, err := staged(l, in)
		if err != nil {
			t.Fatal(err)
		}
		_, err = l.Commit(in, tables, Decide, other, custodianVKey)
		wantKind(t, err, "use")
		if after := tree(t, h.Dir()); !slices.Equal(before, after) {
			t.Errorf("left %q", after)
		}
		loaded(t, h, "Z99002", 1)
	}
	_, err := h.Snapshot(dataset, otherVKey)
	wantKind(t, err, "integrity")
}

func TestStagedNamesAreHeldToTheirForm(t *testing.T) {
	h := newHub(t)
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for what, table := range map[string]Staged{
		"above":    {Name: "../lock", Table: "patients"},
		"absolute": {Name: secret, Table: "patients"},
		"below":    {Name: "a/b", Table: "patients"},
		"link":     {Name: "link", Table: "patients"},
		"none":     {Name: "none", Table: "patients"},
		"table":    {Name: "good", Table: "../patients"},
		"history":  {Name: "good", Table: "history"},
		"empty":    {Name: "empty", Table: "patients"},
		"rows":     {Name: "good", Table: "patients", Rows: -1},
	} {
		l, err := h.BeginLoad(dataset)
		if err != nil {
			t.Fatal(err)
		}
		err = errors.Join(os.Symlink(secret, filepath.Join(l.Dir(), "link")),
			os.WriteFile(filepath.Join(l.Dir(), "good"), []byte("x"), 0o600), os.WriteFile(filepath.Join(l.Dir(), "empty"), nil, 0o600))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := l.Commit(incoming("Z99001", 1), []Staged{table}, Decide, custodianKey, custodianVKey); err == nil {
			t.Errorf("%s: loaded", what)
		}
	}
	for _, name := range []string{"", "..", "Primary", "a/b", ".staging"} {
		_, err := h.BeginLoad(name)
		wantKind(t, err, "use")
	}
}

// An error at any step (a full disk, an unwritable folder) leaves the old state and no file of the new one.
func TestFailureLeavesTheOldState(t *testing.T) {
	for _, step := range []string{"sync", "place patients", "place observations", "state"} {
		t.Run(step, func(t *testing.T) {
			h := newHub(t)
			loaded(t, h, "Z99001", 1)
			before := tree(t, h.Dir())
			full := errors.New("no space left")
			h.step = func(at string) error {
				if at == step {
					return full
				}
				return nil
			}
			for _, site := range []string{"Z99001", "Z99002"} {
				if _, err := load(h, incoming(site, 2)); !errors.Is(err, full) {
					t.Fatal(err)
				}
				if after := tree(t, h.Dir()); !slices.Equal(before, after) {
					t.Errorf("after:\n%q\nbefore:\n%q", after, before)
				}
			}
			h.step = nil
			loaded(t, h, "Z99001", 2)
			whole(t, h, 2)
		})
	}
}

func TestUnwritableStateLeavesTheOldOne(t *testing.T) {
	h := newHub(t)
	loaded(t, h, "Z99001", 1)
	obstacle := filepath.Join(h.Dir(), "datasets", dataset, stateFile+".new", "full")
	if err := os.MkdirAll(obstacle, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := load(h, incoming("Z99001", 2)); err == nil {
		t.Fatal("loaded")
	}
	os.RemoveAll(filepath.Dir(obstacle))
	whole(t, h, 0)
}

func TestUntidiedHistoryIsNoFailure(t *testing.T) {
	h := newHub(t)
	loaded(t, h, "Z99001", 1)
	tidied := 0
	h.step = func(at string) error {
		if at == "tidy" {
			if tidied++; tidied == 2 {
				return errors.New("no space left")
			}
		}
		return nil
	}
	result := loaded(t, h, "Z99001", 2)
	if len(result.Notes) != 1 || result.State.Generation != 2 {
		t.Errorf("%+v", result)
	}
	h.step = nil
	loaded(t, h, "Z99002", 1)
	whole(t, h, 2)
}

func TestReaderHoldsOffLoads(t *testing.T) {
	h := newHub(t)
	loaded(t, h, "Z99001", 1)
	s := snapshot(t, h)
	other := snapshot(t, h) // readers do not hold each other off
	other.Close()
	done := make(chan error)
	go func() {
		_, err := load(h, incoming("Z99001", 2))
		done <- err
	}()
	select {
	case err := <-done:
		t.Fatalf("loaded under a reader: %v", err)
	case <-time.After(100 * time.Millisecond):
	}
	if err := s.VerifyFiles(); err != nil {
		t.Error(err)
	}
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Error(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	whole(t, h, 2)
}

func TestAbort(t *testing.T) {
	h := newHub(t)
	l, err := h.BeginLoad(dataset)
	if err != nil {
		t.Fatal(err)
	}
	stat, err := os.Stat(l.Dir())
	if err != nil || stat.Mode().Perm() != 0o700 {
		t.Fatalf("%v, %v", stat, err)
	}
	if _, err := staged(l, incoming("Z99001", 1)); err != nil {
		t.Fatal(err)
	}
	other, err := h.BeginLoad(dataset) // sweeps the dead, not the living
	if err != nil {
		t.Fatal(err)
	}
	defer other.Abort()
	if _, err := os.Stat(l.Dir()); err != nil {
		t.Fatal("a living load was swept")
	}
	if err := errors.Join(l.Abort(), l.Abort()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(l.Dir()); !errors.Is(err, os.ErrNotExist) {
		t.Fatal("the staging folder stayed")
	}
}
