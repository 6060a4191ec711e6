package extract

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"datanet/pseudonym"
	"datanet/schemas"
)

// memory is what a site must remember between extracts. It lies encrypted
// beside the key file.
type memory struct {
	Sequence int64  `json:"sequence"` // of the last extract that was signed
	Previous string `json:"previous"` // sha256 of its manifest

	// Of what day and under which sharing agreement it was. An older version
	// remembered neither.
	AsAt      string `json:"as_at,omitempty"`
	Agreement string `json:"agreement,omitempty"`

	// Sent are the codes of everybody in the last extract that got its name, and
	// Withdrawn those of people who were stopped since they were sent, and have not
	// come back: they are told again each time, so that an extract that is lost on
	// its way loses nobody's choice. Padding are the random codes that were told
	// with them; there are some wherever anybody was told. An older version
	// remembered none of these.
	Sent      codes `json:"sent,omitempty"`
	Withdrawn codes `json:"withdrawn,omitempty"`
	Padding   codes `json:"padding,omitempty"`
}

func recall(o Options) (*memory, error) {
	state, err := o.Key.OpenState(o.KeyFile)
	if errors.Is(err, fs.ErrNotExist) {
		return &memory{}, nil
	}
	if err != nil {
		return nil, err
	}
	var m memory
	if err := json.Unmarshal(state, &m); err != nil {
		return nil, errors.New("the state beside the key file was written by another version")
	}
	return &m, nil
}

// precedes refuses an export that is older than the last one: the hub would not
// take the extract, and whoever was stopped since would count as never sent.
func (m *memory) precedes(s *source) error {
	if s.asAt.Format(time.DateOnly) >= m.AsAt {
		return nil
	}
	return &SourceError{Rule: "the export is of " + s.asAt.Format(time.DateOnly) + ", and the last extract with this key was of " + m.AsAt,
		Hint: "give the newest export; if the last one's date was wrong, move the file beside the key that ends in .state away and give --after, as the how-to for a lost key says"}
}

// agrees says whether the export is under the agreement of the last one.
func (m *memory) agrees(s *source) bool { return m.Agreement == "" || m.Agreement == s.agreement }

// lockKey keeps other extracts with the same key from counting at the same
// time, whatever folders they write to.
func lockKey(o Options) (unlock func(), err error) {
	f, err := os.Open(o.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("locking the key file: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		f.Close()
		return nil, fmt.Errorf("locking the key file: %w", err)
	}
	return func() { f.Close() }, nil
}

func (m *memory) save(o Options) error {
	state, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return o.Key.SealState(o.KeyFile, state)
}

func (s *source) manifest(o Options, r *Result, files []schemas.ManifestFile, remembered *memory) *schemas.Manifest {
	m := &schemas.Manifest{
		Schema: schemas.Version, Dataset: s.dataset.ID, Site: o.Key.Site,
		AsAt: s.asAt.Format(time.DateOnly), Sequence: r.Sequence, Kind: "full",
		SourceFormat: s.format.String(), Tool: o.Tool,
		TestNumbers: o.Numbers == pseudonym.Test, Files: files, Persons: round10(r.Persons),
		LinkageCheck: o.Key.Linkage.CheckValue(), WrapCheck: o.Key.Wrap.CheckValue(),
		LeftOut: round10(r.LeftOut), Policy: o.Policy.Name(), PolicyDigest: o.Policy.Digest, NationalOptOut: r.National,
		Withheld: r.withheld, CodeLists: map[string]string{}, Geography: schemas.IMDEdition,
		IgnoredColumns: s.ignored, Previous: remembered.Previous,
	}
	if s.postcodes == nil {
		m.Geography = "none"
	}
	for _, name := range o.CodeLists.Names() {
		m.CodeLists[name] = o.CodeLists[name].Version
	}
	return m
}

func round10(n int64) int64 { return (n + 5) / 10 * 10 }
