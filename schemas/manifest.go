package schemas

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
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
	Policy         string            `json:"policy"`                     // id and version of what decided what is left out
	PolicyDigest   string            `json:"policy_sha256"`              // of the policy's file
	Withheld       []string          `json:"withheld,omitempty"`         // codes that stay behind, as the dataset's tables would hold them, sorted: the policy's, and the concepts that this site's code table has for what is stopped by another name
	NationalOptOut string            `json:"national_opt_out,omitempty"` // date of the list by which the national data opt-out was applied
	Withdrawn      *ManifestFile     `json:"withdrawn,omitempty"`        // codes of people who were sent before and are stopped now; a column person
	CodeLists      map[string]string `json:"code_lists"`                 // list → version
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

// mostWithheld bounds the codes that a policy leaves out: ten times the national
// sets together.
const mostWithheld = 30_000

// WithdrawnTable is the form of withdrawn.parquet: the codes of people who are to
// disappear, sorted, without a reason.
func WithdrawnTable() *Table {
	return &Table{Name: "withdrawn", Grain: "a person who was sent before and is stopped now", Columns: []Column{
		{Name: "person", Role: Person, Type: "code16", Description: "the person's code"}}}
}

// AllFiles are the Parquet files of an extract: those of its tables, and the
// one of withdrawn people where there is one.
func (m *Manifest) AllFiles() []ManifestFile {
	if m.Withdrawn == nil {
		return m.Files
	}
	return append(slices.Clone(m.Files), *m.Withdrawn)
}

// Encode writes a manifest as it is stored.
func (m *Manifest) Encode() []byte {
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		panic("schemas: " + err.Error()) // a struct of strings and numbers always encodes
	}
	return append(b, '\n')
}

// DecodeManifest reads a manifest strictly: it must be the bytes that Encode
// writes, which refuses unknown, repeated and misspelt fields at one stroke,
// and hold only what extracts write, so that any of it may be printed.
func DecodeManifest(b []byte) (*Manifest, error) {
	if len(b) > MaxManifest {
		return nil, errors.New("the manifest is larger than any manifest")
	}
	var m Manifest
	if err := json.Unmarshal(b, &m); err != nil || !bytes.Equal(m.Encode(), b) {
		return nil, errors.New("the manifest is not the JSON of this version")
	}
	if err := m.check(); err != nil {
		return nil, err
	}
	return &m, nil
}

var (
	sha256Hex = regexp.MustCompile(`^[0-9a-f]{64}$`)
	siteForm  = regexp.MustCompile(`^[A-Z0-9]{3,8}$`)
	checkForm = regexp.MustCompile(`^[0-9a-f]{16}$`)
)

func (m *Manifest) check() error {
	d, err := DatasetByID(m.Dataset)
	day, dateErr := time.Parse(time.DateOnly, m.AsAt)
	for _, c := range []struct {
		holds bool
		wrong string
	}{
		{m.Schema == Version, "schema is not " + Version},
		{err == nil, "dataset is not known"},
		{siteForm.MatchString(m.Site), "site is not a site's code"},
		{dateErr == nil && day.Year() >= 1900, "as-at date is not a date"},
		{m.Sequence >= 1 && m.Sequence < 1e18, "sequence is out of range"},
		{m.Kind == "full", "kind is not full"},
		{rounded(m.Persons) && rounded(m.LeftOut) && m.IgnoredColumns >= 0, "totals are not rounded to 10"},
		{checkForm.MatchString(m.LinkageCheck) && checkForm.MatchString(m.WrapCheck), "check values are not 16 hex digits"},
		{m.Previous == "" || sha256Hex.MatchString(m.Previous), "previous manifest is not a SHA-256"},
		{m.plain(), "texts are not plain"},
		{sha256Hex.MatchString(m.PolicyDigest), "policy's hash is not a SHA-256"},
		{WithheldCodes(m.Dataset, m.Withheld), "withheld codes are not codes of the dataset, sorted, each once"},
		{m.NationalOptOut == "" || isDay(m.NationalOptOut), "national opt-out is not a list's date"},
		{m.Withdrawn == nil || m.Withdrawn.is(WithdrawnTable().Name) && m.Withdrawn.Rows > 0, "withdrawn people are not in their file"},
	} {
		if !c.holds {
			return errors.New("the manifest's " + c.wrong)
		}
	}
	return m.checkFiles(d)
}

// WithheldCodes says whether codes are those of a dataset's tables, sorted, each
// once, and not too many.
func WithheldCodes(dataset string, codes []string) bool {
	for i, c := range codes {
		if i > 0 && c <= codes[i-1] {
			return false
		}
	}
	return len(codes) <= mostWithheld && len(CodesOf(dataset, codes)) == len(codes)
}

// is says whether a file can be a table's.
func (f ManifestFile) is(table string) bool {
	return f.Table == table && f.Name == table+".parquet" && sha256Hex.MatchString(f.SHA256) && f.Rows >= 0 && f.Bytes >= 0
}

func rounded(n int64) bool { return n >= 0 && n%10 == 0 }

// plain holds the texts that are kept or shown as they are.
func (m *Manifest) plain() bool {
	texts := []string{m.SourceFormat, m.Tool, m.Policy, m.Geography}
	for list, version := range m.CodeLists {
		texts = append(texts, list, version)
	}
	return !slices.ContainsFunc(texts, func(s string) bool {
		return len(s) > 200 || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
	})
}

func (m *Manifest) checkFiles(d *Dataset) error {
	if len(m.Files) != len(d.Tables) {
		return errors.New("the manifest does not list each table once")
	}
	for i, f := range m.Files {
		if !f.is(d.Tables[i].Name) {
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
