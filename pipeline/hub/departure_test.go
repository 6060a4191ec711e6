package hub

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const departChild = "depart"

func departs(h *Hub, site string) (Result, error) {
	return h.WithdrawSite(dataset, site, "signed by the custodian\n", custodianKey, custodianVKey)
}

// of says which files of a site lie in the dataset's folder, history included.
func filesOf(t *testing.T, h *Hub, site string) (names []string) {
	t.Helper()
	for _, line := range tree(t, filepath.Join(h.Dir(), "datasets", dataset)) {
		if strings.Contains(line, "site="+site+"/") {
			names = append(names, line)
		}
	}
	return names
}

// withHistory is a hub with two sites and history of both.
func withHistory(t *testing.T) *Hub {
	h := newHub(t)
	for _, site := range []string{"Z99001", "Z99002"} {
		loaded(t, h, site, 1)
		loaded(t, h, site, 2)
	}
	whole(t, h, 4)
	return h
}

func TestSiteLeaves(t *testing.T) {
	h := withHistory(t)
	held := snapshot(t, h)
	before, other := held.State, filesOf(t, h, "Z99002")
	held.Close()
	r, err := departs2(t, h)
	if err != nil || r.Skip != "" || r.Untidy != nil {
		t.Fatalf("%+v, %v", r, err)
	}
	c := r.State.Change
	if r.State.Generation != before.Generation+1 || len(r.State.Members) != 1 || c.What != ChangeWithdraw || c.Site != "Z99001" || c.Note == "" {
		t.Errorf("%+v", r.State)
	}
	if left := filesOf(t, h, "Z99001"); len(left) > 0 || !slices.Equal(other, filesOf(t, h, "Z99002")) {
		t.Errorf("of the site there is left %q; the other has %q", left, filesOf(t, h, "Z99002"))
	}
	whole(t, h, 2)
	left := tree(t, h.Dir())
	for range 2 { // twice is a skip
		if again, err := departs(h, "Z99001"); err != nil || again.Skip == "" || again.StateHash != r.StateHash {
			t.Errorf("%+v, %v", again, err)
		}
	}
	if after := tree(t, h.Dir()); !slices.Equal(left, after) {
		t.Errorf("changed: %q", after)
	}
	loaded(t, h, "Z99001", 1) // under a new key it comes back as if it had never been here
	whole(t, h, 2)
}

// departs2 has a reader look while the site leaves: it sees the dataset as it was.
func departs2(t *testing.T, h *Hub) (Result, error) {
	t.Helper()
	s := snapshot(t, h)
	type answer struct {
		r   Result
		err error
	}
	done := make(chan answer)
	go func() { r, err := departs(h, "Z99001"); done <- answer{r, err} }()
	if err := errors.Join(s.VerifyFiles(), s.Close()); err != nil {
		t.Error(err)
	}
	a := <-done
	return a.r, a.err
}

func TestLastSiteLeaves(t *testing.T) {
	h := newHub(t)
	loaded(t, h, "Z99001", 1)
	r, err := departs(h, "Z99001")
	if err != nil || len(r.State.Members) != 0 {
		t.Fatalf("%+v, %v", r, err)
	}
	_, err = h.Snapshot(dataset, custodianVKey)
	wantKind(t, err, "use")
	if s, hash, err := h.State(dataset, custodianVKey); err != nil || hash != r.StateHash || s.Generation != 2 {
		t.Errorf("%+v %s %v", s, hash, err)
	}
	loaded(t, h, "Z99002", 1)
	whole(t, h, 0)
}

func TestNobodyLeaves(t *testing.T) {
	h := newHub(t)
	if r, err := departs(h, "Z99001"); err != nil || r.Skip == "" || r.StateHash != "" {
		t.Errorf("%+v, %v", r, err)
	}
	loaded(t, h, "Z99001", 1)
	before := tree(t, h.Dir())
	other, _ := key("custodian", "another")
	_, err := h.WithdrawSite(dataset, "Z99001", "x\n", other, custodianVKey)
	wantKind(t, err, "use")
	_, err = h.WithdrawSite(dataset, "Z99001", "", custodianKey, custodianVKey)
	wantKind(t, err, "use")
	_, err = h.WithdrawSite("../x", "Z99001", "x\n", custodianKey, custodianVKey)
	wantKind(t, err, "use")
	if after := tree(t, h.Dir()); !slices.Equal(before, after) {
		t.Errorf("changed: %q", after)
	}
}

// Killed or failed at any step, a site is whole or gone; the same call again, or any load, ends what was begun.
func TestKilledDeparture(t *testing.T) {
	for step, gone := range map[string]bool{"tidy#1": false, "state#1": false, "tidy#2": true, "forget patients#1": true, "forget observations#1": true} {
		for _, next := range []string{"the same again", "a load"} {
			t.Run(step+" then "+next, func(t *testing.T) {
				h := withHistory(t)
				if err := spawn(t, h.Dir(), departChild, 0, 0, step).Wait(); err == nil {
					t.Fatal("the child was not killed")
				}
				s := snapshot(t, h)
				_, member := s.State.Member("Z99001")
				if err := s.VerifyFiles(); err != nil || member == gone {
					t.Fatalf("%+v, %v", s.State, err)
				}
				s.Close()
				kept := 2
				if next == "a load" {
					loaded(t, h, "Z99002", 3)
					kept += 2
				} else if r, err := departs(h, "Z99001"); err != nil || (r.Skip != "") != gone {
					t.Fatalf("%+v, %v", r, err)
				}
				if !gone && next == "a load" {
					kept += 2
				} else if left := filesOf(t, h, "Z99001"); len(left) > 0 {
					t.Errorf("left %q", left)
				}
				whole(t, h, kept)
			})
		}
	}
}

func TestUntidyDeparture(t *testing.T) {
	h := withHistory(t)
	full := errors.New("no space left")
	h.step = func(at string) error {
		if at == "forget patients" {
			return full
		}
		return nil
	}
	r, err := departs(h, "Z99001")
	if err != nil || !errors.Is(r.Untidy, full) || len(r.State.Members) != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	h.step = nil
	if r, err := departs(h, "Z99001"); err != nil || r.Skip == "" {
		t.Fatalf("%+v, %v", r, err)
	}
	whole(t, h, 2)
	if _, err := os.Stat(filepath.Join(h.Dir(), "datasets", dataset, "history", "patients", "site=Z99001")); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}
