package pipeline

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"datanet/pipeline/aggregate"
	"datanet/pipeline/disclose"
	"datanet/pipeline/hub"
	"datanet/pipeline/publication"
	"datanet/schemas"
)

// PublishOptions say what to publish. The noise keys come as functions: keys
// stop at the caller.
type PublishOptions struct {
	Hub       *hub.Hub
	Dataset   string
	Trusted   string                               // the custodian's verifier key
	AsAt      time.Time                            // zero: the newest as-at date among the sites
	Record    func() func(person [16]byte) uint64  // record keys
	Cell      func(sum, n uint64) (float64, error) // cell keys
	Sign      func(text string) ([]byte, error)    // the publisher's signature
	Publisher string                               // its verifier key
	Out       string                               // empty: in the hub
	CodeLists schemas.Lists
	Tool      string
	Threads   int
	Memory    int64
	Progress  func(step string)
}

// Published says what publishing did.
type Published struct {
	Publication string              `json:"publication"` // folder
	ID          string              `json:"id"`
	Status      string              `json:"status"` // published or skipped
	AsAt        string              `json:"as_at"`
	Nodes       int                 `json:"nodes"`
	Withheld    int                 `json:"withheld"`
	Audit       publication.Audit   `json:"audit"`
	Header      *publication.Header `json:"-"`
	Digest      string              `json:"-"` // sha256 of publication.json
}

// Publish counts a dataset's people, protects the counts, attacks them, and
// freezes what withstands. Publishing the same people again is a skip; another
// publication in the same place is refused.
func Publish(ctx context.Context, o PublishOptions) (*Published, error) {
	s, err := o.Hub.Snapshot(o.Dataset, o.Trusted)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	if err := s.VerifyFiles(); err != nil {
		return nil, err
	}
	h := o.header(s)
	if done, err := o.already(h); done != nil || err != nil {
		return done, err
	}
	counts, err := o.count(ctx, s, h)
	if err != nil {
		return nil, err
	}
	rows, audit, err := o.protect(h, counts)
	if err != nil {
		return nil, err
	}
	h.Nodes, h.Withheld, h.Audit = len(rows), withheld(rows), publication.Audit{ExactRecoveries: audit.ExactRecoveries}
	o.Progress("writing")
	dir, err := o.write(ctx, h, rows)
	if err != nil {
		return nil, err
	}
	return published(dir, h, "published")
}

// header says what will be published, before anything is counted. Its id
// follows from what goes in, so the same people have the same id.
func (o PublishOptions) header(s *hub.Snapshot) *publication.Header {
	asAt := o.AsAt
	if asAt.IsZero() {
		for _, m := range s.State.Members {
			if day, err := time.Parse(time.DateOnly, m.AsAt); err == nil && day.After(asAt) {
				asAt = day
			}
		}
	}
	h := &publication.Header{
		Hub: o.Hub.ID, HubName: o.Hub.Name, Publisher: o.Publisher, Dataset: o.Dataset,
		AsAt: asAt.Format(time.DateOnly), Policy: disclose.PolicyName, PolicyText: disclose.Lattice().String(),
		Tool: o.Tool, CodeLists: map[string]string{}, State: s.Hash,
		Catalogue: schemas.StandardCatalogue().MeasuresOf(o.Dataset),
	}
	for _, name := range o.CodeLists.Names() {
		h.CodeLists[name] = o.CodeLists[name].Version
	}
	h.ID = schemas.Digest(fmt.Appendf(nil, "%s\n%s\n%s\n%s\n%s\n%s\n%v\n", h.Hub, h.Dataset, h.AsAt, h.PolicyText, h.State, h.Catalogue.Version, h.CodeLists))[:16]
	return h
}

// place is where the publication goes.
func (o PublishOptions) place(h *publication.Header) (string, error) {
	if o.Out != "" {
		return filepath.Abs(o.Out)
	}
	return o.Hub.PublicationDir(h.AsAt, "")
}

// already finds the same publication where this one would go. A period is
// frozen: another one there is refused.
func (o PublishOptions) already(h *publication.Header) (*Published, error) {
	dir, err := o.place(h)
	if err != nil {
		return nil, err
	}
	if entries, err := os.ReadDir(dir); errors.Is(err, os.ErrNotExist) || (err == nil && len(entries) == 0) {
		return nil, nil
	}
	p, err := publication.Open(dir, func(*publication.Header) (string, error) { return o.Publisher, nil })
	if err != nil {
		return nil, err
	}
	if p.ID != h.ID {
		return nil, &publication.Refusal{
			Rule: "another publication stands there, and what was published for a date stays as it is",
			Hint: "load newer extracts, whose later date gets a publication of its own, or give another folder with --out",
		}
	}
	return published(dir, &p.Header, "skipped")
}

func (o PublishOptions) count(ctx context.Context, s *hub.Snapshot, h *publication.Header) ([]aggregate.Count, error) {
	o.Progress("counting people")
	spill, err := os.MkdirTemp("", "datanet-publish-")
	if err != nil {
		return nil, fmt.Errorf("making a temporary folder: %w", err)
	}
	defer os.RemoveAll(spill)
	asAt, err := time.Parse(time.DateOnly, h.AsAt)
	if err != nil {
		return nil, err
	}
	return aggregate.Run(ctx, aggregate.Options{
		Catalogue: h.Catalogue, CodeLists: o.CodeLists, AsAt: asAt, Folder: o.Hub.Dir(),
		Tables: map[string][]string{"patients": s.Paths("patients"), "observations": s.Paths("observations")},
		Record: o.Record, Spill: spill, Threads: o.Threads, Memory: o.Memory,
	})
}

func (o PublishOptions) protect(h *publication.Header, counts []aggregate.Count) ([]publication.Count, *disclose.Audit, error) {
	o.Progress("protecting the counts")
	l, err := newLattice(h.Catalogue)
	if err != nil {
		return nil, nil, err
	}
	exact := l.rollUp(counts)
	cells, audit, err := disclose.Protect(l.table, exact, o.Cell)
	if err != nil {
		return nil, nil, err
	}
	return l.rows(cells), audit, nil
}

// write puts the publication in its place, whole or not at all.
func (o PublishOptions) write(ctx context.Context, h *publication.Header, rows []publication.Count) (string, error) {
	if o.Out == "" {
		d, err := o.Hub.BeginPublication()
		if err != nil {
			return "", err
		}
		defer d.Abort()
		if err := publication.Write(ctx, d.Dir(), h, rows, o.Sign); err != nil {
			return "", err
		}
		return d.Publish(h.AsAt, "")
	}
	return o.writeOut(ctx, h, rows)
}

func (o PublishOptions) writeOut(ctx context.Context, h *publication.Header, rows []publication.Count) (string, error) {
	to, err := filepath.Abs(o.Out)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return "", &publication.UseError{Rule: "the output folder cannot be made", Hint: "give a folder that you may write with --out"}
	}
	dir, err := os.MkdirTemp(filepath.Dir(to), ".datanet-publication-")
	if err != nil {
		return "", &publication.UseError{Rule: "nothing can be written beside the output folder", Hint: "give a folder that you may write with --out"}
	}
	defer os.RemoveAll(dir)
	if err := publication.Write(ctx, dir, h, rows, o.Sign); err != nil {
		return "", err
	}
	if err := flush(dir); err != nil {
		return "", err
	}
	if err := os.Rename(dir, to); err != nil {
		return "", &publication.UseError{Rule: "the publication could not get its name: something stands in its place", Hint: "give another folder with --out"}
	}
	return to, nil
}

// flush brings a folder's files to the disk.
func flush(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		f, err := os.Open(filepath.Join(dir, e.Name()))
		if err != nil {
			return err
		}
		if err := errors.Join(f.Sync(), f.Close()); err != nil {
			return err
		}
	}
	return nil
}

func withheld(rows []publication.Count) int {
	n := 0
	for _, r := range rows {
		if r.Numerator == nil {
			n++
		}
	}
	return n
}

func published(dir string, h *publication.Header, status string) (*Published, error) {
	text, err := os.ReadFile(filepath.Join(dir, "publication.json"))
	if err != nil {
		return nil, err
	}
	return &Published{Publication: dir, ID: h.ID, Status: status, AsAt: h.AsAt, Nodes: h.Nodes, Withheld: h.Withheld,
		Audit: h.Audit, Header: h, Digest: schemas.Digest(text)}, nil
}
