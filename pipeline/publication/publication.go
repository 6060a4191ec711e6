// Package publication is the frozen folder of published counts, and the only
// thing that planners' tools can reach.
//
// # Format
//
// A publication is a folder of three files:
//
//	publication.json    what it is: the Header below
//	counts.parquet      one row for each measure and group:
//	                    measure, one column for each axis of the catalogue (the id of a
//	                    value, empty for All), numerator, denominator (both empty where
//	                    withheld, the denominator alone may be shown)
//	publication.sig     a note (golang.org/x/mod/sumdb/note) of the hub's publisher over
//	                    "datanet/v1/publication", a line feed, the SHA-256 of
//	                    publication.json in hex, a line feed
//
// publication.json names the SHA-256 of counts.parquet, so the one signature
// covers both. Every number in counts.parquet has been through disclosure
// control. Nothing in the folder says why a number is withheld, and there is no
// person and no exact small count in it.
//
// # What is not protected
//
// A copy cannot be recalled. The folder is not secret: it must be safe in any
// hands, which is what disclosure control and its audit are for.
package publication

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/sys/unix"

	"datanet/pipeline/engine"
	"datanet/schemas"
)

// A Header says what a publication is. It carries the catalogue that it was
// made with, so that the folder explains itself.
type Header struct {
	Schema     string             `json:"schema"`
	ID         string             `json:"id"`
	Hub        string             `json:"hub"`
	HubName    string             `json:"hub_name"`
	Publisher  string             `json:"publisher"` // verifier key
	Dataset    string             `json:"dataset"`
	AsAt       string             `json:"as_at"`
	Policy     string             `json:"policy"`            // name
	PolicyText string             `json:"policy_parameters"` // as the record of decisions has them
	Approval   *string            `json:"approval"`
	Tool       string             `json:"tool"`
	CodeLists  map[string]string  `json:"code_lists"`
	State      string             `json:"state_sha256"` // of the dataset's state that was counted
	Counts     string             `json:"counts_sha256"`
	Nodes      int                `json:"nodes"`
	Withheld   int                `json:"withheld"`
	Audit      Audit              `json:"audit"`
	Catalogue  *schemas.Catalogue `json:"catalogue"`
}

// Audit is what may be said in public of the audit.
type Audit struct {
	ExactRecoveries int `json:"exact_recoveries"`
}

const (
	headerFile    = "publication.json"
	countsFile    = "counts.parquet"
	signatureFile = "publication.sig"
	maxHeader     = 8 << 20
	maxCounts     = 1 << 30
)

// An IntegrityError says that a publication is not what its hub signed.
type IntegrityError struct{ Rule, Hint string }

func (e *IntegrityError) Error() string { return "publication: " + e.Rule }

// Kind is the kind of failure, which decides the exit code.
func (e *IntegrityError) Kind() string { return "integrity" }

// Hints says what to do.
func (e *IntegrityError) Hints() []string { return []string{e.Hint} }

const fetchAgain = "get it again from the hub that published it"

// A Count is one published row. The zero Count is withheld.
type Count struct {
	Measure     string
	Values      []string // value ids in the order of the catalogue's axes
	Numerator   *int64
	Denominator *int64
}

// Write fills a folder with a publication. Header.Counts is set here, and
// Schema; sign makes the signature's note.
func Write(ctx context.Context, dir string, h *Header, counts []Count, sign func(text string) ([]byte, error)) error {
	if err := writeCounts(ctx, dir, h.Catalogue, counts); err != nil {
		return err
	}
	body, err := os.ReadFile(filepath.Join(dir, countsFile))
	if err != nil {
		return err
	}
	h.Schema, h.Counts = schemas.Version, schemas.Digest(body)
	text, err := json.MarshalIndent(h, "", " ")
	if err != nil {
		return err
	}
	text = append(text, '\n')
	sig, err := sign(schemas.Statement("publication", schemas.Digest(text)))
	if err != nil {
		return fmt.Errorf("signing the publication: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, headerFile), text, 0o600); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, signatureFile), sig, 0o600)
}

func writeCounts(ctx context.Context, dir string, c *schemas.Catalogue, counts []Count) error {
	e, err := engine.Open(ctx, engine.Options{Folders: []string{dir}})
	if err != nil {
		return err
	}
	defer e.Close()
	columns := []string{"measure VARCHAR"}
	names := []string{"measure"}
	for _, a := range c.Axes {
		columns, names = append(columns, a.ID+" VARCHAR"), append(names, a.ID)
	}
	columns = append(columns, "numerator BIGINT", "denominator BIGINT")
	if err := e.Exec(ctx, "preparing", "CREATE TEMP TABLE counts ("+strings.Join(columns, ", ")+")"); err != nil {
		return err
	}
	rows := make([][]any, len(counts))
	for i, n := range counts {
		row := []any{n.Measure}
		for _, v := range n.Values {
			row = append(row, v)
		}
		rows[i] = append(row, number(n.Numerator), number(n.Denominator))
	}
	if err := e.Append(ctx, "counts", rows); err != nil {
		return err
	}
	return e.CopyParquet(ctx, "writing counts", "SELECT * FROM counts ORDER BY "+strings.Join(names, ", "), filepath.Join(dir, countsFile))
}

func number(n *int64) any {
	if n == nil {
		return nil
	}
	return *n
}

// A Publication is an opened publication whose signature and hash hold.
type Publication struct {
	Header
	dir string
}

// Open reads a publication and checks it. The publisher's verifier key comes
// from known, which is given the header as it claims to be: it returns the key
// that must have signed, or an error.
func Open(dir string, known func(*Header) (vkey string, err error)) (*Publication, error) {
	p := &Publication{dir: dir}
	text, err := p.file(headerFile, maxHeader)
	if err != nil {
		return nil, err
	}
	if err := p.decode(text); err != nil {
		return nil, err
	}
	vkey, err := known(&p.Header)
	if err != nil {
		return nil, err
	}
	if err := p.signed(text, vkey); err != nil {
		return nil, err
	}
	counts, err := p.file(countsFile, maxCounts)
	if err != nil {
		return nil, err
	}
	if schemas.Digest(counts) != p.Counts {
		return nil, &IntegrityError{"counts.parquet was changed after it was signed", fetchAgain}
	}
	return p, nil
}

// Dir is the publication's folder.
func (p *Publication) Dir() string { return p.dir }

func (p *Publication) decode(text []byte) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&p.Header); err != nil {
		return &IntegrityError{"publication.json is not of this version", "use the version of datanet that published it, or a newer one"}
	}
	if p.Schema != schemas.Version || p.Catalogue == nil {
		return &IntegrityError{"publication.json is not of this version", "use the version of datanet that published it, or a newer one"}
	}
	return p.Catalogue.Check()
}

func (p *Publication) signed(text []byte, vkey string) error {
	sig, err := p.file(signatureFile, maxHeader)
	if err != nil {
		return err
	}
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return &IntegrityError{"the publisher's key is not a verifier key", "it is printed by datanet hub init"}
	}
	n, err := note.Open(sig, note.VerifierList(verifier))
	if err != nil || n.Text != schemas.Statement("publication", schemas.Digest(text)) {
		return &IntegrityError{"publication.json is not what the hub's publisher signed", fetchAgain}
	}
	return nil
}

func (p *Publication) file(name string, most int64) ([]byte, error) {
	f, err := os.OpenFile(filepath.Join(p.dir, name), os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil, &UseError{"there is no publication here: " + name + " is missing", "give the folder that datanet publish wrote with --publication"}
	}
	if err != nil {
		return nil, &IntegrityError{name + " is not a plain file that can be read", fetchAgain}
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, &IntegrityError{name + " is not a plain file", fetchAgain}
	}
	b, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	if int64(len(b)) > most {
		return nil, &IntegrityError{name + " is larger than any such file", fetchAgain}
	}
	return b, nil
}

// A UseError says that a question or a folder does not fit.
type UseError struct{ Rule, Hint string }

func (e *UseError) Error() string { return e.Rule }

// Kind is the kind of failure, which decides the exit code.
func (e *UseError) Kind() string { return "use" }

// Hints says what to do.
func (e *UseError) Hints() []string { return []string{e.Hint} }

// A Refusal says that a table is not among those that are published.
type Refusal struct{ Rule, Hint string }

func (e *Refusal) Error() string { return e.Rule }

// Kind is the kind of failure, which decides the exit code.
func (e *Refusal) Kind() string { return "governance" }

// Hints says what to do.
func (e *Refusal) Hints() []string { return []string{e.Hint} }
