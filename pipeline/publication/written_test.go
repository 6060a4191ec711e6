package publication

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"datanet/schemas"
)

// A publisher signs as a hub's does.
type publisher struct{ skey, vkey string }

func newPublisher(t testing.TB) *publisher {
	t.Helper()
	skey, vkey, err := note.GenerateKey(rand.Reader, "datanet/publisher/test")
	if err != nil {
		t.Fatal(err)
	}
	return &publisher{skey, vkey}
}

func (p *publisher) sign(text string) ([]byte, error) {
	signer, err := note.NewSigner(p.skey)
	if err != nil {
		return nil, err
	}
	return note.Sign(&note.Note{Text: text}, signer)
}

func (p *publisher) known(*Header) (string, error) { return p.vkey, nil }

// header is a publication's before it is written.
func (p *publisher) header(rows int) *Header {
	return &Header{ID: "0123456789abcdef", Hub: strings.Repeat("ab", 16), HubName: "Test", Publisher: p.vkey, Dataset: "primary-care",
		AsAt: "2026-10-31", Policy: "lattice", State: schemas.Digest(nil), Nodes: rows, Catalogue: clone(alone())}
}

// alone is the catalogue of a dataset's own publication.
func alone() *schemas.Catalogue { return schemas.StandardCatalogue().MeasuresOf("primary-care") }

// linked is a linked publication's header, to be read until its last day.
func (p *publisher) linked(rows int, lastDay string) *Header {
	h, id := p.header(rows), "2026-014"
	h.Approval, h.ApprovalSHA256, h.LastDay = &id, schemas.Digest([]byte("approval")), lastDay
	h.Datasets = []string{"primary-care", "slam", "maternity"}
	h.States = map[string]string{"primary-care": schemas.Digest([]byte("1")), "slam": schemas.Digest([]byte("2")), "maternity": schemas.Digest([]byte("3"))}
	h.Catalogue = clone(schemas.StandardCatalogue().MeasuresFor(h.Datasets))
	return h
}

func clone(c *schemas.Catalogue) *schemas.Catalogue {
	text, _ := json.Marshal(c)
	d := &schemas.Catalogue{}
	if err := json.Unmarshal(text, d); err != nil {
		panic(err)
	}
	return d
}

func (p *publisher) write(t testing.TB, h *Header, counts []Count) string {
	t.Helper()
	dir := t.TempDir()
	if err := Write(context.Background(), dir, h, counts, p.sign); err != nil {
		t.Fatal(err)
	}
	return dir
}

func (p *publisher) open(t testing.TB, dir string) *Publication {
	t.Helper()
	x, err := Open(dir, p.known)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { x.Close() })
	return x
}

// forge writes a header as it is and signs it: what somebody can do who has a
// key of his own and not our program.
func (p *publisher) forge(t testing.TB, dir string, h *Header) {
	t.Helper()
	text, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	p.forgeText(t, dir, text)
}

func (p *publisher) forgeText(t testing.TB, dir string, text []byte) {
	t.Helper()
	sig, err := p.sign(schemas.Statement("publication", schemas.Digest(text)))
	if err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(dir, headerFile), text)
	put(t, filepath.Join(dir, signatureFile), sig)
}

func put(t testing.TB, path string, body []byte) {
	t.Helper()
	if err := os.WriteFile(path, body, 0o600); err != nil {
		t.Fatal(err)
	}
}

func get(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func number64(n int64) *int64 { return &n }

// everything has a count for every group of every view: one that follows from
// its place, with the small ones withheld.
func everything(c *schemas.Catalogue) (rows []Count) {
	for _, m := range c.Measures {
		seen := map[string]bool{}
		for _, v := range c.Views {
			for _, values := range groupsOf(c, v.Levels) {
				if k := key(values); seen[k] {
					continue
				} else {
					seen[k] = true
				}
				n := int64(len(rows)*7919%400) * 5
				row := Count{Measure: m.ID, Values: values}
				if n > 100 {
					row.Denominator = number64(n)
				}
				if n > 700 {
					row.Numerator = number64(n / 50 * 5)
				}
				rows = append(rows, row)
			}
		}
	}
	return rows
}

// groupsOf are the ids of every group of some levels.
func groupsOf(c *schemas.Catalogue, levels map[string]int) [][]string {
	groups := [][]string{nil}
	for _, a := range c.Axes {
		var more [][]string
		for _, g := range groups {
			for _, v := range a.Values {
				if v.Level <= levels[a.ID] {
					more = append(more, append(append([]string{}, g...), v.ID))
				}
			}
		}
		groups = more
	}
	return groups
}
