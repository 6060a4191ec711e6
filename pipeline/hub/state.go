package hub

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"datanet/schemas"
)

const (
	stateSchema = "datanet/v1/state"
	stateFile   = "state"
	nextFile    = "state.next"
)

// A State says which files are a dataset.
type State struct {
	Schema       string   `json:"schema"`
	Dataset      string   `json:"dataset"`
	LinkageCheck string   `json:"linkage_check"` // check value of the linkage key, 16 hex digits
	Generation   int64    `json:"generation"`
	Previous     string   `json:"previous"`          // SHA-256 of the state before, empty for the first
	Forgets      bool     `json:"forgets,omitempty"` // people were withdrawn by the last load: history holds nothing of before
	Change       *Change  `json:"change,omitempty"`  // what made this state; none of generation 0
	Members      []Member `json:"members"`           // sorted by site
}

// What a Change can be.
const (
	ChangeLoad     = "load"     // a site's extract became its part
	ChangeWithdraw = "withdraw" // a site's part was removed
	ChangeRewrap   = "rewrap"   // every code was re-wrapped under another custodian's key
)

// A Change says what made a state. It is enough to bring the record of decisions up to the state when whoever made it was cut
// short before it could be recorded: else a later change would hide that people were withdrawn.
type Change struct {
	What    string `json:"what"`
	Site    string `json:"site,omitempty"`    // of a load or a withdrawal
	Persons int64  `json:"persons,omitempty"` // of a load: as the manifest says, rounded
	Note    string `json:"note,omitempty"`    // of a withdrawal: what the custodian signed of it
}

func (c *Change) valid(s State) bool {
	if c == nil || c.Persons < 0 || c.Persons > 0 && c.What != ChangeLoad || s.Forgets && c.What != ChangeLoad || c.Note != "" && c.What != ChangeWithdraw {
		return false
	}
	_, member := s.Member(c.Site)
	switch c.What {
	case ChangeLoad:
		return member
	case ChangeWithdraw:
		return !member && siteForm.MatchString(c.Site) && c.Note != "" && len(c.Note) <= maxSignature
	case ChangeRewrap:
		return c.Site == ""
	}
	return false
}

// A Member is one site's current extract.
type Member struct {
	Site     string   `json:"site"`
	Sequence int64    `json:"sequence"`
	AsAt     string   `json:"as_at"`
	Manifest string   `json:"manifest_sha256"`
	Policy   string   `json:"policy,omitempty"`   // id and version of what decided what the extract leaves out
	Withheld []string `json:"withheld,omitempty"` // codes that the policy leaves out, sorted
	Files    []File   `json:"files"`              // sorted by path
}

// A File is one Parquet file of a member. Path is below the dataset's folder, with forward slashes.
type File struct {
	Table  string `json:"table"`
	Path   string `json:"path"`
	Rows   int64  `json:"rows"`
	SHA256 string `json:"sha256"`
	Bytes  int64  `json:"bytes"`
}

// Member returns a site's current extract.
func (s State) Member(site string) (Member, bool) {
	i, found := slices.BinarySearchFunc(s.Members, site, func(m Member, site string) int { return strings.Compare(m.Site, site) })
	if !found {
		return Member{}, false
	}
	return s.Members[i], true
}

// Withheld is what policies leave out of the dataset at the source, by policy.
func (s State) Withheld() []schemas.Withholding {
	var all []schemas.Withholding
	for _, m := range s.Members {
		if len(m.Withheld) == 0 {
			continue
		}
		same := func(w schemas.Withholding) bool { return w.Policy == m.Policy && slices.Equal(w.Codes, m.Withheld) }
		if i := slices.IndexFunc(all, same); i >= 0 {
			all[i].Sites++
			continue
		}
		all = append(all, schemas.Withholding{Policy: m.Policy, Sites: 1, Of: len(s.Members), Codes: m.Withheld})
	}
	return all
}

// WithdrawnTable is the table whose files hold the codes of people who were
// withdrawn. It is no table of the dataset: whoever is in it is in none of those.
const WithdrawnTable = "withdrawn"

// File returns a member's file of a table.
func (m Member) File(table string) (File, bool) {
	i := slices.IndexFunc(m.Files, func(f File) bool { return f.Table == table })
	if i < 0 {
		return File{}, false
	}
	return m.Files[i], true
}

// replacing returns the state in which a file stands in the place of another of
// its table, at a site whose extract stays.
func (s State) replacing(site string, sequence int64, file File) (State, bool) {
	next := s
	next.Members = slices.Clone(s.Members)
	for i, m := range next.Members {
		if m.Site != site || m.Sequence != sequence {
			continue
		}
		at := slices.IndexFunc(m.Files, func(f File) bool { return f.Table == file.Table })
		if at < 0 {
			return s, false
		}
		files := slices.Clone(m.Files)
		files[at] = file
		slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
		next.Members[i].Files = files
		return next, true
	}
	return s, false
}

// after returns the state that follows by a change, with the same members.
func (s State) after(c Change, previous string) State {
	next := s
	next.Generation, next.Previous, next.Forgets, next.Change = s.Generation+1, previous, false, &c
	return next
}

// without returns the state that follows when a site leaves.
func (s State) without(site, signed, previous string) State {
	next := s.after(Change{What: ChangeWithdraw, Site: site, Note: signed}, previous)
	next.Members = slices.DeleteFunc(slices.Clone(s.Members), func(m Member) bool { return m.Site == site })
	return next
}

// with returns the state that follows when a member is added or replaced.
func (s State) with(m Member, persons int64, linkageCheck, previous string) State {
	next := s.after(Change{What: ChangeLoad, Site: m.Site, Persons: persons}, previous)
	next.LinkageCheck = linkageCheck
	next.Members = slices.DeleteFunc(slices.Clone(s.Members), func(old Member) bool { return old.Site == m.Site })
	next.Members = append(next.Members, m)
	slices.SortFunc(next.Members, func(a, b Member) int { return strings.Compare(a.Site, b.Site) })
	return next
}

// Follows says whether this is the state right after the one with that hash; "" stands for none.
func (s State) Follows(hash string) bool {
	if hash == "" {
		return s.Generation == 1
	}
	return s.Previous == hash
}

// valid holds a state to its form, in writing and in reading.
func (s State) valid(dataset string) bool {
	sorted := slices.IsSortedFunc(s.Members, func(a, b Member) int { return strings.Compare(a.Site, b.Site) })
	empty := s.Generation == 0 && s.Previous == "" && s.LinkageCheck == "" && len(s.Members) == 0 && !s.Forgets && s.Change == nil
	loaded := s.Generation > 0 && sha256Form.MatchString(s.Previous) && checkForm.MatchString(s.LinkageCheck) && s.Change.valid(s)
	if s.Schema != stateSchema || s.Dataset != dataset || s.Members == nil || !sorted || !empty && !loaded {
		return false
	}
	for i, m := range s.Members {
		if !m.valid() || !schemas.WithheldCodes(dataset, m.Withheld) && len(m.Withheld) > 0 || i > 0 && m.Site == s.Members[i-1].Site {
			return false
		}
	}
	return true
}

func (m Member) valid() bool {
	if m.Policy != "" && !isTitle(m.Policy) || len(m.Withheld) > 0 && m.Policy == "" {
		return false
	}
	if !siteForm.MatchString(m.Site) || m.Sequence <= 0 || m.Sequence >= 1e18 || !isDate(m.AsAt) || !sha256Form.MatchString(m.Manifest) || len(m.Files) == 0 {
		return false
	}
	for i, f := range m.Files {
		if !isTable(f.Table) || !sha256Form.MatchString(f.SHA256) || f.Rows < 0 || f.Bytes <= 0 ||
			f.Path != tablePath(f.Table, m.Site, m.Sequence, f.SHA256) || i > 0 && f.Path <= m.Files[i-1].Path {
			return false
		}
	}
	return true
}

// files visits every file of every member.
func (s State) files(visit func(Member, File) error) error {
	for _, m := range s.Members {
		for _, f := range m.Files {
			if err := visit(m, f); err != nil {
				return err
			}
		}
	}
	return nil
}

// sign gives the bytes of the state file. The signature is checked, so that a wrong key leaves nothing behind.
func (s State) sign(signer note.Signer, verifier note.Verifier) ([]byte, error) {
	text, err := marshal(s)
	if err != nil {
		return nil, err
	}
	signed, err := note.Sign(&note.Note{Text: string(text)}, signer)
	if err != nil {
		return nil, errors.New("the custodian's key cannot sign")
	}
	if _, ok := openNote(signed, verifier); !ok {
		return nil, misuse(nil, "the signing key is not that of this dataset's custodian", "give the key file of the custodian that the hub trusts for this dataset")
	}
	return signed, nil
}

// ParseState reads a signed state and checks all of its form. The error is an *IntegrityError.
func ParseState(signed []byte, dataset, vkey string) (State, error) {
	verifier, err := custodian(vkey)
	if err != nil {
		return State{}, err
	}
	text, ok := openNote(signed, verifier)
	if !ok {
		return State{}, broken("%s/state: not signed by the dataset's custodian, or changed since", dataset)
	}
	s, ok := unmarshal[State](text)
	if !ok || !s.valid(dataset) {
		return State{}, broken("%s/state: not in the form of a dataset's state", dataset)
	}
	return s, nil
}

func custodian(vkey string) (note.Verifier, error) {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return nil, misuse(nil, "the custodian's key is not a verifier key", "it is printed when the custodian's key is made, and trusted with hub trust")
	}
	return verifier, nil
}

// readState reads the state that is in force; os.ErrNotExist says that there is none. Next says that it stands in state.next still:
// whoever re-wrapped the dataset was cut short after the custodian's key had changed hands. See CommitRewrap.
func readState(root *os.Root, dataset, vkey string) (s State, hash string, next bool, err error) {
	raw, err := readPlain(root, stateFile)
	if err != nil {
		return State{}, "", false, err
	}
	if s, err = ParseState(raw, dataset, vkey); err == nil || !isIntegrity(err) {
		return s, hashHex(raw), false, err
	}
	fresh, missing := readPlain(root, nextFile)
	if missing != nil {
		return State{}, "", false, err
	}
	if s, wrong := ParseState(fresh, dataset, vkey); wrong == nil {
		return s, hashHex(fresh), true, nil
	}
	return State{}, "", false, err
}

func hashHex(raw []byte) string {
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}

// readPlain reads a small plain file.
func readPlain(root *os.Root, name string) ([]byte, error) {
	f, err := openPlain(root, name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(raw) > maxFile {
		return nil, broken("%s: larger than such a file may be", name)
	}
	return raw, nil
}
