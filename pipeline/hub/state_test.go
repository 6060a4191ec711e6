package hub

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMangledStateIsRefused(t *testing.T) {
	h := newHub(t)
	loaded(t, h, "Z99001", 1)
	path := filepath.Join(h.Dir(), "datasets", dataset, stateFile)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ParseState(good, dataset, custodianVKey); err != nil {
		t.Fatal(err)
	}
	refused := func(what string, at int, raw []byte) {
		if bytes.Equal(raw, good) {
			return
		}
		s, err := ParseState(raw, dataset, custodianVKey)
		if !errors.As(err, new(*IntegrityError)) || s.Members != nil {
			t.Fatalf("%s at byte %d: %+v, %v", what, at, s, err)
		}
	}
	for i := range good {
		refused("truncation", i, good[:i])
		refused("removal", i, append(bytes.Clone(good[:i]), good[i+1:]...))
		for _, b := range []byte{good[i] ^ 1, good[i] ^ 0x20, good[i] ^ 0x80, ' ', '\n', '\r'} {
			refused("change", i, append(append(bytes.Clone(good[:i]), b), good[i+1:]...))
		}
	}
	for _, raw := range [][]byte{nil, good[:100], bytes.Replace(good, []byte("Z99001"), []byte("Z99002"), 1)} {
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := h.Snapshot(dataset, custodianVKey)
		wantKind(t, err, "integrity")
		before := tree(t, h.Dir())
		_, err = load(h, incoming("Z99001", 2))
		wantKind(t, err, "integrity")
		if len(before) != len(tree(t, h.Dir())) {
			t.Fatal("a load under a mangled state changed the dataset")
		}
	}
	_, err = ParseState(good, "slam", custodianVKey)
	wantKind(t, err, "integrity")
	_, err = ParseState(good, dataset, "x")
	wantKind(t, err, "use")
}

// Even the custodian's signature does not make a state name a file elsewhere, or leave its form.
func TestSignedNonsenseIsRefused(t *testing.T) {
	h := newHub(t)
	good := loaded(t, h, "Z99001", 1).State
	verifier, err := custodian(custodianVKey)
	if err != nil {
		t.Fatal(err)
	}
	for what, change := range map[string]func(*State){
		"path above":    func(s *State) { s.Members[0].Files[0].Path = "../../../secret" },
		"absolute path": func(s *State) { s.Members[0].Files[0].Path = "/etc/passwd" },
		"another's path": func(s *State) {
			s.Members[0].Files[0].Path = strings.Replace(s.Members[0].Files[0].Path, "Z99001", "Z99002", 1)
		},
		"site":              func(s *State) { s.Members[0].Site = ".." },
		"no files":          func(s *State) { s.Members[0].Files = []File{} },
		"same file twice":   func(s *State) { s.Members[0].Files = append(s.Members[0].Files, s.Members[0].Files[1]) },
		"same site twice":   func(s *State) { s.Members = append(s.Members, s.Members[0]) },
		"members null":      func(s *State) { s.Members = nil },
		"no members":        func(s *State) { s.Members = []Member{} },
		"no previous":       func(s *State) { s.Previous = "" },
		"generation 0":      func(s *State) { s.Generation = 0 },
		"schema":            func(s *State) { s.Schema = "datanet/v2/state" },
		"date":              func(s *State) { s.Members[0].AsAt = "31.10.2026" },
		"check value":       func(s *State) { s.LinkageCheck = "" },
		"negative sequence": func(s *State) { s.Members[0].Sequence = -1 },
	} {
		s := good
		s.Members = []Member{good.Members[0]}
		s.Members[0].Files = append([]File{}, good.Members[0].Files...)
		change(&s)
		signed, err := s.sign(custodianKey, verifier)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseState(signed, dataset, custodianVKey); !errors.As(err, new(*IntegrityError)) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestChangedFilesAreFound(t *testing.T) {
	h := newHub(t)
	loaded(t, h, "Z99001", 1)
	s := snapshot(t, h)
	path := s.Paths("patients")[0]
	s.Close()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	put := func(raw []byte) {
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	changed := bytes.Clone(raw)
	changed[7] ^= 1
	put(changed)
	s = snapshot(t, h)
	wantKind(t, s.VerifyFiles(), "integrity")
	s.Close()
	put(raw[1:])
	_, err = h.Snapshot(dataset, custodianVKey)
	wantKind(t, err, "integrity")
	os.Remove(path)
	_, err = h.Snapshot(dataset, custodianVKey)
	wantKind(t, err, "integrity")
	_, err = load2(h)
	wantKind(t, err, "integrity")
	put(raw)
	if err := snapshot(t, h).VerifyFiles(); err != nil {
		t.Fatal(err)
	}
}

func load2(h *Hub) (Result, error) { return load(h, incoming("Z99001", 2)) }

// A link in the place of a file or folder is refused, also when it leads to the right bytes.
func TestLinksAreRefused(t *testing.T) {
	for _, name := range []string{"state", "patients", "patients/site=Z99001", "file"} {
		t.Run(name, func(t *testing.T) {
			h := newHub(t)
			loaded(t, h, "Z99001", 1)
			s := snapshot(t, h)
			path := filepath.Join(h.Dir(), "datasets", dataset, name)
			if name == "file" {
				path = s.Paths("patients")[0]
			}
			s.Close()
			for _, moved := range []string{filepath.Join(h.Dir(), "datasets", dataset, "moved"), filepath.Join(t.TempDir(), "moved")} {
				if err := errors.Join(os.Rename(path, moved), os.Symlink(moved, path)); err != nil {
					t.Fatal(err)
				}
				_, err := h.Snapshot(dataset, custodianVKey)
				wantKind(t, err, "integrity")
				_, err = load2(h)
				wantKind(t, err, "integrity")
				if err := errors.Join(os.Remove(path), os.Rename(moved, path)); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := load2(h); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// A state that was removed or put back does not make the next load remove the dataset.
func TestLostStateIsNotTidiedBy(t *testing.T) {
	h := newHub(t)
	loaded(t, h, "Z99001", 1)
	path := filepath.Join(h.Dir(), "datasets", dataset, stateFile)
	older, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	loaded(t, h, "Z99001", 2)
	newer, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for what, lose := range map[string]func() error{
		"removed":  func() error { return os.Remove(path) },
		"put back": func() error { return os.WriteFile(path, older, 0o600) },
	} {
		if err := lose(); err != nil {
			t.Fatal(err)
		}
		_, err := load(h, incoming("Z99001", 3))
		wantKind(t, err, "integrity")
		_, err = h.Snapshot(dataset, custodianVKey)
		wantKind(t, err, "integrity")
		if err := os.WriteFile(path, newer, 0o600); err != nil {
			t.Fatal(err)
		}
		t.Log(what)
		whole(t, h, 2)
	}
}

func FuzzState(f *testing.F) {
	h := newHub(f)
	loaded(f, h, "Z99001", 1)
	raw, err := os.ReadFile(filepath.Join(h.Dir(), "datasets", dataset, stateFile))
	if err != nil {
		f.Fatal(err)
	}
	verifier, err := custodian(custodianVKey)
	if err != nil {
		f.Fatal(err)
	}
	text, ok := openNote(raw, verifier)
	if _, parses := unmarshal[State](text); !ok || !parses {
		f.Fatal("the seed is not a state")
	}
	f.Add(text)
	f.Fuzz(func(t *testing.T, text []byte) {
		s, ok := unmarshal[State](text)
		if !ok || !s.valid(dataset) {
			return
		}
		s.files(func(_ Member, file File) error {
			if !filepath.IsLocal(file.Path) || strings.Contains(file.Path, "..") || strings.HasPrefix(file.Path, historyDir) {
				t.Fatalf("names %q", file.Path)
			}
			return nil
		})
		if _, err := ParseState(text, dataset, custodianVKey); err == nil {
			t.Fatal("an unsigned text was taken for a state")
		}
	})
}

// A state follows on the one before it, and the first one on none; never on itself, nor on one that is older.
func TestFollows(t *testing.T) {
	h := newHub(t)
	hashes := []string{""}
	for sequence := int64(1); sequence <= 3; sequence++ {
		loaded(t, h, "Z99001", sequence)
		s := snapshot(t, h)
		s.Close()
		hashes = append(hashes, s.Hash)
		for n, hash := range hashes {
			if got, want := s.State.Follows(hash), n == int(sequence)-1; got != want {
				t.Errorf("state %d follows on state %d: %v", sequence, n, got)
			}
		}
	}
}
