package hub

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
)

func pastOf(site string, sequence int64) Past {
	in := incoming(site, sequence)
	return Past{Site: site, Sequence: sequence, AsAt: in.AsAt, Manifest: in.Manifest}
}

func TestSnapshotOf(t *testing.T) {
	h := withHistory(t)
	loaded(t, h, "Z99001", 3)
	for _, wanted := range [][]int64{{1, 1}, {2, 1}, {3, 2}, {1, 2}} {
		s, err := h.SnapshotOf(dataset, custodianVKey, []Past{pastOf("Z99002", wanted[1]), pastOf("Z99001", wanted[0])})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.VerifyFiles(); err != nil || len(s.State.Members) != 2 || s.State.Members[0].Manifest != incoming("Z99001", wanted[0]).Manifest {
			t.Errorf("%+v, %v", s.State, err)
		}
		for i, path := range s.Paths("observations") {
			body, err := os.ReadFile(path)
			want := fmt.Sprintf("Z9900%d %d observations\n", i+1, wanted[i])
			if err != nil || !strings.HasPrefix(string(body), want) {
				t.Errorf("%s holds %.30s, %v", path, body, err)
			}
		}
		s.Close()
	}
	for what, extracts := range map[string][]Past{
		"never loaded":   {pastOf("Z99001", 7)},
		"no such site":   {pastOf("Z99009", 1)},
		"one twice":      {pastOf("Z99001", 1), pastOf("Z99001", 2)},
		"among the good": {pastOf("Z99001", 1), pastOf("Z99002", 9)},
	} {
		if s, err := h.SnapshotOf(dataset, custodianVKey, extracts); err == nil {
			t.Errorf("%s: %+v", what, s.State)
			s.Close()
		} else {
			wantKind(t, err, "use")
		}
	}
	loaded(t, h, "Z99001", 4) // nobody is held off by what failed
}

// What is gone does not come back by way of the past.
func TestSnapshotOfWithdrawn(t *testing.T) {
	h := withHistory(t)
	if _, err := withdrawing(h, 3, Staged{Name: "other.parquet", Table: "patients", Rows: 49, Site: "Z99002", Sequence: 2}); err != nil {
		t.Fatal(err)
	}
	loaded(t, h, "Z99001", 4)
	for _, e := range []Past{pastOf("Z99001", 2), pastOf("Z99002", 1)} {
		if _, err := h.SnapshotOf(dataset, custodianVKey, []Past{e}); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%+v: %v", e, err)
		}
	}
	s, err := h.SnapshotOf(dataset, custodianVKey, []Past{pastOf("Z99001", 3)}) // of before, without whom it withdrew
	if err != nil {
		t.Fatal(err)
	}
	if paths := s.Paths(WithdrawnTable); len(paths) > 0 {
		t.Errorf("%q", paths)
	}
	s.Close()
	if _, err := departs(h, "Z99001"); err != nil {
		t.Fatal(err)
	}
	if _, err := h.SnapshotOf(dataset, custodianVKey, []Past{pastOf("Z99001", 3)}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("of a site that left: %v", err)
	}
}

func TestSnapshotOfChangedHistory(t *testing.T) {
	h := withHistory(t)
	s, err := h.SnapshotOf(dataset, custodianVKey, []Past{pastOf("Z99001", 1)})
	if err != nil {
		t.Fatal(err)
	}
	path := s.Paths("patients")[0]
	s.Close()
	if err := os.WriteFile(path, []byte("other bytes"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = h.SnapshotOf(dataset, custodianVKey, []Past{pastOf("Z99001", 1)})
	wantKind(t, err, "integrity")
}
