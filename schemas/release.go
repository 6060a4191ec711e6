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
	"slices"
	"strings"
	"time"
	"unicode"
)

// A Release says what one dataset's custodian gave to one approved project.
// release.json holds it as JSON; release.sig is a note
// (golang.org/x/mod/sumdb/note), signed by the custodian, whose text is
// Statement("release", sha256 of release.json).
//
// It holds no time of day and no running number: two projects that were given
// the same rows share nothing in it but what the hub publishes anyway, as its
// name and the dataset's state.
type Release struct {
	Schema         string            `json:"schema"`
	Hub            string            `json:"hub"`      // its id
	Approval       string            `json:"approval"` // its id
	ApprovalSHA256 string            `json:"approval_sha256"`
	Dataset        string            `json:"dataset"`
	AsAt           string            `json:"as_at"` // the newest of the sites'
	State          string            `json:"state_sha256"`
	LinkageCheck   string            `json:"linkage_check"`      // check value of the linkage key
	ProjectCheck   string            `json:"project_check"`      // check value of the project key
	Persons        int64             `json:"persons"`            // rounded to 10
	Unlinkable     int64             `json:"unlinkable"`         // people left out because no usable number stands behind their code, rounded to 10
	Numbers        []NumberDimension `json:"numbers,omitempty"`  // who has a usable number, by group
	Withheld       []Withholding     `json:"withheld,omitempty"` // codes that policies left out at the source
	Tables         []ReleasedTable   `json:"tables"`
	Tool           string            `json:"tool"`
}

// A ReleasedTable is one Parquet file of a release, of the columns that the
// approval names and no others.
type ReleasedTable struct {
	Table   string   `json:"table"`
	Columns []string `json:"columns"` // in the order of the schema
	Rows    int64    `json:"rows"`
	Bytes   int64    `json:"bytes"`
	SHA256  string   `json:"sha256"`
}

// File is the name of the table's file. It follows from the table, so that a
// release cannot name a file elsewhere.
func (t ReleasedTable) File() string { return t.Table + ".parquet" }

// MaxRelease is the largest release.json or linked.json that is read, in bytes:
// every site may have a policy of its own, with thousands of codes.
const MaxRelease = 1 << 23

var (
	hubID        = regexp.MustCompile(`^[0-9a-f]{32}$`)
	approvalForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{0,63}$`)
)

// Encode writes a release as it is stored.
func (r *Release) Encode() []byte { return encode(r) }

func encode(v any) []byte {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		panic("schemas: " + err.Error()) // a struct of strings and numbers always encodes
	}
	return append(b, '\n')
}

// DecodeRelease reads a release strictly: it must be the bytes that Encode
// writes and hold only what releases hold, so that any of it may be printed.
func DecodeRelease(b []byte) (*Release, error) {
	if len(b) > MaxRelease {
		return nil, errors.New("the release is larger than any release")
	}
	var r Release
	if err := json.Unmarshal(b, &r); err != nil || !bytes.Equal(r.Encode(), b) {
		return nil, errors.New("the release is not the JSON of this version")
	}
	if err := r.check(); err != nil {
		return nil, err
	}
	return &r, nil
}

// A claim is something that must hold, and what is said when it does not.
type claim struct {
	holds bool
	wrong string
}

// broken is what is wrong first, or empty.
func broken(claims ...claim) string {
	for _, c := range claims {
		if !c.holds {
			return c.wrong
		}
	}
	return ""
}

func (r *Release) check() error {
	d, err := DatasetByID(r.Dataset)
	if err != nil {
		return errors.New("the release's dataset is not known")
	}
	wrong := broken(
		claim{r.Schema == Version, "schema is not " + Version},
		claim{hubID.MatchString(r.Hub), "hub is not a hub's id"},
		claim{ApprovalID(r.Approval), "approval is not an approval's id"},
		claim{sha256Hex.MatchString(r.ApprovalSHA256) && sha256Hex.MatchString(r.State), "hashes are not SHA-256"},
		claim{isDay(r.AsAt), "as-at date is not a date"},
		claim{checkForm.MatchString(r.LinkageCheck) && checkForm.MatchString(r.ProjectCheck), "check values are not 16 hex digits"},
		claim{rounded(r.Persons) && rounded(r.Unlinkable), "totals are not rounded to 10"},
		claim{printable(r.Tool), "texts are not plain"},
		claim{numbersHold(r.Numbers), "account of usable numbers is not in its form"},
		claim{withholdingsHold(r.Dataset, r.Withheld), "withheld codes are not in their form"},
		claim{len(r.Tables) > 0, "tables are missing"},
	)
	if wrong != "" {
		return errors.New("the release's " + wrong)
	}
	last := -1
	for i, t := range r.Tables {
		at := slices.IndexFunc(d.Tables, func(known Table) bool { return known.Name == t.Table })
		if at <= last || !d.Tables[at].has(t.Columns) || !sha256Hex.MatchString(t.SHA256) || t.Rows < 0 || t.Bytes <= 0 {
			return fmt.Errorf("the release's table %d is not a table of the dataset, in its order, with columns of it", i+1)
		}
		last = at
	}
	return nil
}

// has says that the columns are the table's, in its order, each once.
func (t *Table) has(columns []string) bool {
	last := -1
	for _, name := range columns {
		at := slices.Index(t.ColumnNames(), name)
		if at <= last {
			return false
		}
		last = at
	}
	return len(columns) > 0
}

// Only is the table with only these of its columns, in its own order. Names
// that it does not have are left out.
func (t *Table) Only(columns []string) *Table {
	only := &Table{Name: t.Name, Grain: t.Grain}
	for _, c := range t.Columns {
		if slices.Contains(columns, c.Name) {
			only.Columns = append(only.Columns, c)
		}
	}
	return only
}

// People are the columns that hold people's codes, in order: the first is whose
// row it is, another one somebody else's in it, as a baby's.
func (t *Table) People() []string {
	var names []string
	for _, c := range t.Columns {
		if c.Role == Person {
			names = append(names, c.Name)
		}
	}
	return names
}

// MemberColumns are the table's columns that say who is in the dataset.
func (d *Dataset) MemberColumns(table string) []string {
	var names []string
	for _, m := range d.Members {
		if of, column, _ := strings.Cut(m, "."); of == table {
			names = append(names, column)
		}
	}
	return names
}

// ApprovalID reports whether s can be an approval's id, which becomes a
// folder's name: letters, digits and hyphens, at most 64.
func ApprovalID(s string) bool { return approvalForm.MatchString(s) }

// Round10 rounds a count of people to the nearest 10: what leaves a folder of
// coded rows carries no exact total.
func Round10(n int64) int64 { return (n + 5) / 10 * 10 }

func isDay(s string) bool {
	at, err := time.Parse(time.DateOnly, s)
	return err == nil && at.Year() >= 1900
}

func printable(s string) bool {
	return len(s) <= 200 && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}

// DigestOf is the length and the SHA-256, in hex, of all that a file holds.
func DigestOf(r io.Reader) (size int64, digest string, err error) {
	h := sha256.New()
	size, err = io.Copy(h, r)
	return size, hex.EncodeToString(h.Sum(nil)), err
}
