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

// policy names what the gates of this version do.
const policy = "extract/2026-11"

// choices are the gates that stand for a person's choice or safety.
var choices = []string{"type-1", "local-dissent", "restricted", "confidential"}

func (s *source) manifest(o Options, r *Result, files []schemas.ManifestFile, remembered *memory) *schemas.Manifest {
	m := &schemas.Manifest{
		Schema: schemas.Version, Dataset: s.dataset.ID, Site: o.Key.Site,
		AsAt: s.asAt.Format(time.DateOnly), Sequence: r.Sequence, Kind: "full",
		SourceFormat: s.format.Name + " " + s.format.Version, Tool: o.Tool,
		TestNumbers: o.Numbers == pseudonym.Test, Files: files, Persons: round10(r.Persons),
		LinkageCheck: o.Key.Linkage.CheckValue(), WrapCheck: o.Key.Wrap.CheckValue(),
		Policy: policy, CodeLists: map[string]string{}, Geography: schemas.IMDEdition,
		IgnoredColumns: s.ignored, Previous: remembered.Previous,
	}
	if s.postcodes == nil {
		m.Geography = "none"
	}
	var left int64
	for _, gate := range choices {
		left += r.Gates[s.dataset.Tables[0].Name][gate]
	}
	m.LeftOut = round10(left)
	for _, name := range o.CodeLists.Names() {
		m.CodeLists[name] = o.CodeLists[name].Version
	}
	return m
}

func round10(n int64) int64 { return (n + 5) / 10 * 10 }
