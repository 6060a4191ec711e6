package hub

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
)

// A Past extract is one that a dataset had, as the record of decisions has it.
type Past struct {
	Site     string
	Sequence int64
	AsAt     string
	Manifest string // SHA-256, in hex
}

// SnapshotOf holds a dataset still, and shows it as it was when these extracts were its parts, for trends: from what is there now and from
// history, without the lists of withdrawn people. The State says which files they are, with their hashes; no custodian has signed it, and of
// files from history it says no number of rows. An extract that is not kept is a *UseError with os.ErrNotExist: its site has left, or
// people were withdrawn since, and all that could hold them is gone. A file that is not what was loaded is an *IntegrityError.
func (h *Hub) SnapshotOf(dataset, vkey string, extracts []Past) (*Snapshot, error) {
	s, err := h.Snapshot(dataset, vkey)
	if err != nil {
		return nil, err
	}
	var members []Member
	for _, e := range extracts {
		m, err := s.past(e)
		if err != nil {
			return nil, errors.Join(err, s.Close())
		}
		members = append(members, m)
	}
	slices.SortFunc(members, func(a, b Member) int { return strings.Compare(a.Site, b.Site) })
	if len(slices.CompactFunc(slices.Clone(members), func(a, b Member) bool { return a.Site == b.Site })) < len(extracts) {
		return nil, errors.Join(misuse(nil, "a site is named twice", "name one extract of each site"), s.Close())
	}
	s.State.Members = members
	return s, nil
}

// past finds an extract. Of a site that is no member there is nothing, and every extract of a dataset has the same tables.
func (s *Snapshot) past(e Past) (Member, error) {
	now, ok := s.State.Member(e.Site)
	if !ok {
		return Member{}, notKept(e)
	}
	m := Member{Site: e.Site, Sequence: e.Sequence, AsAt: e.AsAt, Manifest: e.Manifest}
	for _, f := range now.Files {
		if f.Table == WithdrawnTable {
			continue
		}
		if now.Sequence != e.Sequence {
			var err error
			if f, err = s.kept(f.Table, e); err != nil {
				return Member{}, err
			}
		}
		m.Files = append(m.Files, f)
	}
	return m, nil
}

// kept finds a table's file of an extract in history.
func (s *Snapshot) kept(table string, e Past) (File, error) {
	dir := path.Join(s.history(), table, "site="+e.Site)
	files, err := fs.ReadDir(s.root.FS(), dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return File{}, fmt.Errorf("reading history: %w", err)
	}
	for _, entry := range files {
		if sequence, ok := fileSequence(entry.Name()); ok && sequence == e.Sequence {
			return s.measured(table, path.Join(dir, entry.Name()))
		}
	}
	return File{}, notKept(e)
}

func (s *Snapshot) measured(table, name string) (File, error) {
	f, err := openPlain(s.root, name)
	if err != nil {
		return File{}, err
	}
	defer f.Close()
	sha, size, err := hashFile(f)
	if err != nil {
		return File{}, fmt.Errorf("reading %s: %w", name, err)
	}
	if !namedBy(path.Base(name), sha) {
		return File{}, broken("%s: not the bytes that were loaded", name)
	}
	return File{Table: table, Path: name, SHA256: sha, Bytes: size}, nil
}

func notKept(e Past) *UseError {
	return misuse(os.ErrNotExist, fmt.Sprintf("extract %d of site %s is not kept", e.Sequence, e.Site), "the site has left, or people were withdrawn since: all that could hold them is gone")
}
