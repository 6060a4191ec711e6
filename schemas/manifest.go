package schemas

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"time"
)

// A Manifest travels with an extract and says what it is. manifest.json holds
// it as JSON; manifest.sig is a note (golang.org/x/mod/sumdb/note), signed by
// the site, whose text is Statement(sha256 of manifest.json).
//
// Nothing in it points at a person: totals are rounded to 10, and everybody
// who was left out is one figure.
type Manifest struct {
	Schema         string            `json:"schema"`
	Dataset        string            `json:"dataset"`
	Site           string            `json:"site"`
	AsAt           string            `json:"as_at"`    // YYYY-MM-DD
	Sequence       int64             `json:"sequence"` // 1, 2, … in the order of extraction
	Kind           string            `json:"kind"`     // full
	SourceFormat   string            `json:"source_format"`
	Tool           string            `json:"tool"`
	TestNumbers    bool              `json:"test_numbers"` // 9xx numbers only: synthetic people
	Files          []ManifestFile    `json:"files"`
	Persons        int64             `json:"persons"`  // rounded to 10
	LeftOut        int64             `json:"left_out"` // left out for people's choices and safety, rounded to 10
	LinkageCheck   string            `json:"linkage_check"`
	WrapCheck      string            `json:"wrap_check"`
	Policy         string            `json:"policy"`
	CodeLists      map[string]string `json:"code_lists"` // list → version
	Geography      string            `json:"geography"`
	IgnoredColumns int               `json:"ignored_columns"` // unknown source columns that were dropped
	Previous       string            `json:"previous"`        // sha256 of the site's manifest before this one
}

// A ManifestFile is one Parquet file of an extract.
type ManifestFile struct {
	Table  string `json:"table"`
	Name   string `json:"name"`
	Rows   int64  `json:"rows"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// MaxManifest is the largest manifest that is read, in bytes.
const MaxManifest = 1 << 20

// Encode writes a manifest as it is stored.
func (m *Manifest) Encode() []byte {
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		panic("schemas: " + err.Error()) // a struct of strings and numbers always encodes
	}
	return append(b, '\n')
}

// DecodeManifest reads a manifest strictly: unknown fields, trailing bytes and
// values that no extract writes are refused.
func DecodeManifest(b []byte) (*Manifest, error) {
	if len(b) > MaxManifest {
		return nil, errors.New("the manifest is larger than any manifest")
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	var m Manifest
	if err := d.Decode(&m); err != nil {
		return nil, errors.New("the manifest is not the JSON of this version")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the manifest")
	}
	if err := m.check(); err != nil {
		return nil, err
	}
	return &m, nil
}

var sha256Hex = regexp.MustCompile(`^[0-9a-f]{64}$`)

func (m *Manifest) check() error {
	if m.Schema != Version {
		return fmt.Errorf("the manifest's schema is not %s", Version)
	}
	d, err := DatasetByID(m.Dataset)
	if err != nil {
		return errors.New("the manifest names a dataset that is not known")
	}
	if _, err := time.Parse(time.DateOnly, m.AsAt); err != nil {
		return errors.New("the manifest's as-at date is not a date")
	}
	if m.Sequence < 1 {
		return errors.New("the manifest's sequence is below 1")
	}
	if m.Kind != "full" {
		return errors.New("the manifest's kind is not full")
	}
	if len(m.Files) != len(d.Tables) {
		return errors.New("the manifest does not list each table once")
	}
	for i, f := range m.Files {
		if f.Table != d.Tables[i].Name || f.Name != f.Table+".parquet" || !sha256Hex.MatchString(f.SHA256) || f.Rows < 0 || f.Bytes < 0 {
			return fmt.Errorf("the manifest's file %d is not the dataset's table %d", i+1, i+1)
		}
	}
	return nil
}

// Digest is the SHA-256 of bytes, in hex.
func Digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// Statement is the text that a signature signs: what the file is, and its
// SHA-256, each on a line. The first line keeps one kind of statement from
// passing as another.
func Statement(what, digest string) string {
	return "datanet/v1/" + what + "\n" + digest + "\n"
}

// ExtractName is the folder name of an extract.
func (m *Manifest) ExtractName() string {
	return m.Dataset + "_" + m.Site + "_" + m.AsAt
}
