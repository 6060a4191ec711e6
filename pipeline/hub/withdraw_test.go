package hub

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// withdrawing loads an extract of Z99001 that withdraws people: it brings a list, and a new file in the
// place of one of Z99002's.
func withdrawing(h *Hub, sequence int64, replaced ...Staged) (Result, error) {
	in := incoming("Z99001", sequence)
	in.Forget = true
	l, err := h.BeginLoad(dataset)
	if err != nil {
		return Result{}, err
	}
	defer l.Abort()
	tables, err := staged(l, in)
	if err != nil {
		return Result{}, err
	}
	for _, name := range []string{"withdrawn.parquet", "other.parquet"} {
		if err := os.WriteFile(filepath.Join(l.Dir(), name), []byte(name), 0o600); err != nil {
			return Result{}, err
		}
	}
	tables = append(tables, Staged{Name: "withdrawn.parquet", Table: WithdrawnTable, Rows: 1})
	return l.Commit(in, append(tables, replaced...), Decide, custodianKey, custodianVKey)
}

var others = Staged{Name: "other.parquet", Table: "patients", Rows: 49, Site: "Z99002", Sequence: 1}

// before is a hub with history.
func beforeWithdrawal(t *testing.T) *Hub {
	h := newHub(t)
	loaded(t, h, "Z99001", 1)
	loaded(t, h, "Z99002", 1)
	loaded(t, h, "Z99001", 2)
	whole(t, h, 2)
	return h
}

func TestWithdrawing(t *testing.T) {
	h := beforeWithdrawal(t)
	r, err := withdrawing(h, 3, others)
	if err != nil {
		t.Fatal(err)
	}
	m, _ := r.State.Member("Z99002")
	f, _ := m.File("patients")
	kept, _ := m.File("observations")
	if !r.State.Forgets || f.Rows != 49 || m.Sequence != 1 || kept.Rows != 50 {
		t.Errorf("%+v", r.State)
	}
	whole(t, h, 0)
	loaded(t, h, "Z99002", 2) // after it, history is kept again
	whole(t, h, 2)
	next := loaded(t, h, "Z99001", 4) // but never whom a site withdrew earlier
	if _, still := next.State.Members[0].File(WithdrawnTable); still || next.State.Forgets {
		t.Errorf("%+v", next.State)
	}
	whole(t, h, 4)
}

// TestWithdrawingWhatIsNotThere: a file takes the place of one that is there, of the extract that is there.
func TestWithdrawingWhatIsNotThere(t *testing.T) {
	h := beforeWithdrawal(t)
	before := tree(t, h.Dir())
	for name, change := range map[string]func(*Staged){
		"another extract": func(s *Staged) { s.Sequence = 2 }, "another site": func(s *Staged) { s.Site = "Z99003" }, "another table": func(s *Staged) { s.Table = "medications" },
		"its own": func(s *Staged) { s.Site, s.Sequence = "Z99001", 3 }, "a path": func(s *Staged) { s.Site = "../Z99002" },
	} {
		s := others
		change(&s)
		if _, err := withdrawing(h, 3, s); err == nil {
			t.Errorf("%s: accepted", name)
		}
		if after := tree(t, h.Dir()); !slices.Equal(before, after) {
			t.Errorf("%s: after:\n%q\nbefore:\n%q", name, after, before)
		}
	}
}

// TestFailedWithdrawal: until the state is replaced nothing has changed; after it, the next load of
// any site ends what was begun.
func TestFailedWithdrawal(t *testing.T) {
	full := errors.New("no space left")
	for step, done := range map[string]bool{"sync": false, "place patients": false, "place withdrawn": false, "state": false, "forget": true} {
		t.Run(step, func(t *testing.T) {
			h := beforeWithdrawal(t)
			before := tree(t, h.Dir())
			h.step = func(at string) error {
				if at == step {
					return full
				}
				return nil
			}
			r, err := withdrawing(h, 3, others)
			if done {
				if err != nil || len(r.Notes) != 1 {
					t.Fatalf("%+v %v", r, err)
				}
			} else if after := tree(t, h.Dir()); !errors.Is(err, full) || !slices.Equal(before, after) {
				t.Fatalf("%v; after:\n%q\nbefore:\n%q", err, after, before)
			}
			h.step = nil
			loaded(t, h, "Z99002", 2)
			kept := 4
			if done {
				kept = 2
			}
			whole(t, h, kept)
		})
	}
}
