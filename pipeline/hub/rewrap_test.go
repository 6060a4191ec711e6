package hub

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const rewrapChild = "rewrap"

var nextKey, nextVKey = key("custodian", "the next custodian")

// trustFile stands for the record of decisions: while it is there the next custodian is the trusted one.
func trustFile(h *Hub) string { return h.Dir() + ".trusted" }

func trusted(h *Hub) string {
	if _, err := os.Stat(trustFile(h)); err == nil {
		return nextVKey
	}
	return custodianVKey
}

// rewrapped writes every file anew, with other bytes.
func rewrapped(h *Hub) (Result, error) {
	return rewrappedBy(h, func(string) error { return os.WriteFile(trustFile(h), nil, 0o600) }, func([]Rewrapped) []Rewrapped { return nil })
}

func rewrappedBy(h *Hub, record func(string) error, change func([]Rewrapped) []Rewrapped) (Result, error) {
	s, err := h.Snapshot(dataset, custodianVKey)
	if err != nil {
		return Result{}, err
	}
	defer s.Close()
	l, err := h.BeginLoad(dataset)
	if err != nil {
		return Result{}, err
	}
	defer l.Abort()
	names, err := s.Files()
	if err != nil {
		return Result{}, err
	}
	var files []Rewrapped
	for i, name := range names {
		from, err := s.VerifiedPath(name)
		if err != nil {
			return Result{}, err
		}
		body, err := os.ReadFile(from)
		if err != nil {
			return Result{}, err
		}
		to := fmt.Sprintf("%d.parquet", i)
		if err := os.WriteFile(filepath.Join(l.Dir(), to), append(body, "re-wrapped\n"...), 0o600); err != nil {
			return Result{}, err
		}
		files = append(files, Rewrapped{Name: to, Old: name, Rows: 50})
	}
	if other := change(files); other != nil {
		files = other
	}
	seen := s.Hash
	s.Close()
	return l.CommitRewrap(files, seen, custodianVKey, nextKey, nextVKey, record)
}

// under checks that the dataset is whole, and all of it old or all of it re-wrapped, whichever the trusted key says.
func under(t *testing.T, h *Hub, history int) {
	t.Helper()
	s, err := h.Snapshot(dataset, trusted(h))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.VerifyFiles(); err != nil {
		t.Error(err)
	}
	if files, _, err := s.VerifyHistory(); err != nil || files != history {
		t.Errorf("%d files of history, %v", files, err)
	}
	names, err := s.Files()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		path, err := s.VerifiedPath(name)
		if err != nil {
			t.Fatal(err)
		}
		body, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(body), "re-wrapped") != (trusted(h) == nextVKey) {
			t.Errorf("%s is under the codes of the other key", name)
		}
	}
}

// clean: nothing lies in the dataset's folder but its state, its files and its history.
func clean(t *testing.T, h *Hub, files int) {
	t.Helper()
	got := tree(t, filepath.Join(h.Dir(), "datasets", dataset))
	if len(got) != files+1 || slices.ContainsFunc(got, func(line string) bool { return strings.Contains(line, "next") }) {
		t.Errorf("there lies %q", got)
	}
	noStaging(t, h)
}

func loadAs(h *Hub, in Incoming, vkey string) (Result, error) {
	l, err := h.BeginLoad(dataset)
	if err != nil {
		return Result{}, err
	}
	defer l.Abort()
	tables, err := staged(l, in)
	if err != nil {
		return Result{}, err
	}
	signer := custodianKey
	if vkey == nextVKey {
		signer = nextKey
	}
	return l.Commit(in, tables, Decide, signer, vkey)
}

func TestRewrap(t *testing.T) {
	h := withHistory(t)
	before := snapshot(t, h)
	before.Close()
	r, err := rewrapped(h)
	if err != nil || r.Untidy != nil {
		t.Fatal(err, r.Untidy)
	}
	if r.State.Previous != before.Hash || r.State.Generation != before.State.Generation+1 || r.State.Change.What != ChangeRewrap || r.State.LinkageCheck != before.State.LinkageCheck {
		t.Errorf("%+v", r.State)
	}
	under(t, h, 4)
	clean(t, h, 8)
	_, err = h.Snapshot(dataset, custodianVKey) // the old custodian's signature counts no more
	wantKind(t, err, "integrity")
	if _, err := loadAs(h, incoming("Z99001", 3), nextVKey); err != nil {
		t.Fatal(err)
	}
	clean(t, h, 10)
}

// Killed at any step the dataset is the old one or the re-wrapped one, by whom the record of decisions trusts. The next writer leaves
// nothing of the other.
func TestKilledRewrap(t *testing.T) {
	steps := map[string]bool{"sync#1": false, "tidy#1": false, "next#1": false, "record#1": false, "history#1": true, "history gone#1": true, "state#1": true, "tidy#2": true}
	for i := range 4 {
		steps[fmt.Sprintf("place patients#%d", i+1)], steps[fmt.Sprintf("place observations#%d", i+1)] = false, false
	}
	for step, done := range steps {
		t.Run(step, func(t *testing.T) {
			h := withHistory(t)
			if err := spawn(t, h.Dir(), rewrapChild, 0, 0, step).Wait(); err == nil {
				t.Fatal("the child was not killed")
			}
			if (trusted(h) == nextVKey) != done {
				t.Fatal("recorded at another step")
			}
			under(t, h, 4)
			if _, err := loadAs(h, incoming("Z99001", 3), trusted(h)); err != nil {
				t.Fatal(err)
			}
			clean(t, h, 10)
			s, err := h.Snapshot(dataset, trusted(h))
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if _, _, err := s.VerifyHistory(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestRefusedRewrapChangesNothing(t *testing.T) {
	h := withHistory(t)
	before := tree(t, h.Dir())
	same := func(what string) {
		t.Helper()
		if after := tree(t, h.Dir()); !slices.Equal(before, after) {
			t.Errorf("%s: after:\n%q\nbefore:\n%q", what, after, before)
		}
	}
	none := func([]Rewrapped) []Rewrapped { return nil }
	_, err := rewrappedBy(h, func(string) error { return governance{} }, none)
	wantKind(t, err, "governance")
	same("refused")
	never := func(string) error { t.Error("recorded"); return nil }
	for what, change := range map[string]func([]Rewrapped) []Rewrapped{
		"one left out":    func(f []Rewrapped) []Rewrapped { return f[1:] },
		"one twice":       func(f []Rewrapped) []Rewrapped { return append(f, f[0]) },
		"one of nobody":   func(f []Rewrapped) []Rewrapped { f[0].Old = strings.Replace(f[0].Old, "Z99001", "Z99007", 1); return f },
		"a path":          func(f []Rewrapped) []Rewrapped { f[0].Old = "../../hub.json"; return f },
		"history's":       func(f []Rewrapped) []Rewrapped { f[0].Old = "history/history/" + f[0].Old; return f },
		"a staged path":   func(f []Rewrapped) []Rewrapped { f[0].Name = "../lock"; return f },
		"a negative rows": func(f []Rewrapped) []Rewrapped { f[len(f)-1].Rows = -1; return f },
	} {
		if _, err := rewrappedBy(h, never, change); err == nil {
			t.Errorf("%s: accepted", what)
		}
		same(what)
	}
	for _, step := range []string{"sync", "place patients", "place observations", "next", "record"} {
		full := errors.New("no space left")
		h.step = func(at string) error {
			if at == step {
				return full
			}
			return nil
		}
		if _, err := rewrappedBy(h, never, none); !errors.Is(err, full) {
			t.Errorf("%s: %v", step, err)
		}
		h.step = nil
		same(step)
	}
	l, err := h.BeginLoad(dataset)
	if err != nil {
		t.Fatal(err)
	}
	_, err = l.CommitRewrap(nil, strings.Repeat("0", 64), custodianVKey, nextKey, nextVKey, never)
	wantKind(t, err, "use")
	same("another state")
}

type governance struct{}

func (governance) Error() string   { return "refused" }
func (governance) Kind() string    { return "governance" }
func (governance) Hints() []string { return nil }

// An error that may have come after the record was stored leaves both: who is trusted decides.
func TestUncertainRewrap(t *testing.T) {
	for _, stored := range []bool{false, true} {
		h := withHistory(t)
		_, err := rewrappedBy(h, func(string) error {
			if stored {
				os.WriteFile(trustFile(h), nil, 0o600)
			}
			return errors.New("the disk did not answer")
		}, func([]Rewrapped) []Rewrapped { return nil })
		if err == nil {
			t.Fatal("no error")
		}
		under(t, h, 4)
		if _, err := loadAs(h, incoming("Z99002", 3), trusted(h)); err != nil {
			t.Fatal(err)
		}
		clean(t, h, 10)
	}
}

// A next state that somebody put there counts for nothing without the trusted signature.
func TestForgedNextState(t *testing.T) {
	h := withHistory(t)
	at := filepath.Join(h.Dir(), "datasets", dataset)
	good, err := os.ReadFile(filepath.Join(at, stateFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(at, nextFile), good, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = h.Snapshot(dataset, nextVKey)
	wantKind(t, err, "integrity")
	if err := os.WriteFile(filepath.Join(at, stateFile), good[1:], 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err := h.Snapshot(dataset, custodianVKey); err == nil { // it is the state that was signed last: nothing older can come in by it
		s.Close()
	}
	loadedAgain, err := load(h, incoming("Z99001", 3))
	if err != nil || loadedAgain.State.Generation != 5 {
		t.Errorf("%+v, %v", loadedAgain, err)
	}
	clean(t, h, 10)
}
