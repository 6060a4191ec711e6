package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"datanet/linkage"
	"datanet/pipeline/aggregate"
	"datanet/pipeline/disclose"
	"datanet/pipeline/hub"
	"datanet/pipeline/publication"
	"datanet/schemas"
)

// PublishOptions say what to publish: a dataset alone, or, where an approval is
// named, what was linked under it. The noise keys come as functions: keys stop
// at the caller.
type PublishOptions struct {
	Hub       *hub.Hub
	Dataset   string                               // alone
	Trusted   string                               // its custodian's verifier key
	Approval  string                               // id
	Permit    linkage.Permit                       // of the approval, to publish; checked by the caller just now
	Linked    string                               // folder of the linked tables; empty: the project's in the hub
	Now       time.Time                            // with an approval: today, from which the last day follows
	AsAt      time.Time                            // zero: the newest as-at date among the sites; of linked datasets, the earliest among theirs
	Record    func() func(person [16]byte) uint64  // record keys
	Cell      func(sum, n uint64) (float64, error) // cell keys
	Sign      func(text string) ([]byte, error)    // the publisher's signature
	Publisher string                               // its verifier key
	Out       string                               // empty: in the hub
	CodeLists schemas.Lists                        // nil: the starter lists
	Tool      string
	Threads   int
	Memory    int64
	Recorded  string                      // hash that the record of decisions has last: of the dataset's state, or of linked.json
	Earlier   []linkage.PublicationRecord // what the record of decisions says was published and not withdrawn
	// Note records the publication, by the SHA-256 of its publication.json,
	// before it gets its name: what stands anywhere has been recorded.
	Note     func(h *publication.Header, digest string) error
	Progress func(step string)
}

// Published says what publishing did.
type Published struct {
	Publication string                 `json:"publication"` // folder
	ID          string                 `json:"id"`
	Status      string                 `json:"status"` // published or skipped
	AsAt        string                 `json:"as_at"`
	Nodes       int                    `json:"nodes"`
	Withheld    int                    `json:"withheld"`
	Audit       publication.Audit      `json:"audit"`
	Missing     []schemas.NotAvailable `json:"not_available,omitempty"` // measures that nobody was counted for
	Header      *publication.Header    `json:"-"`
	Digest      string                 `json:"-"` // sha256 of publication.json
	Report      *disclose.Audit        `json:"-"` // of the audit; it stays in the hub. nil after a skip
}

// Publish counts people, protects the counts, attacks them, and freezes what
// withstands. Publishing the same people again is a skip; another publication
// in the same place, or of nearly the same date, is refused. Under an approval,
// nothing is touched without its permit.
func Publish(ctx context.Context, o PublishOptions) (*Published, error) {
	o.complete()
	s, err := o.source()
	if err != nil {
		return nil, err
	}
	defer s.close()
	h, err := o.header(s)
	if err != nil {
		return nil, err
	}
	if done, err := o.already(h); done != nil || err != nil {
		return done, err
	}
	if err := o.apart(h); err != nil {
		return nil, err
	}
	return o.publish(ctx, s, h)
}

// RecordOf is what the record of decisions keeps of a publication. Digest is
// the SHA-256 of its publication.json.
func RecordOf(h *publication.Header, digest string) linkage.PublicationRecord {
	return linkage.PublicationRecord{Publication: h.ID, AsAt: h.AsAt, Policy: h.Policy, States: h.SourceStates(), SHA256: digest, Approval: h.ApprovalID()}
}

func (o *PublishOptions) complete() {
	if o.CodeLists == nil {
		o.CodeLists = schemas.StarterLists()
	}
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	if o.Note == nil {
		o.Note = func(*publication.Header, string) error { return nil }
	}
}

func (o PublishOptions) publish(ctx context.Context, s *source, h *publication.Header) (*Published, error) {
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
	if errors.Is(err, os.ErrExist) { // somebody published at the same time
		if done, err := o.already(h); done != nil || err != nil {
			return done, err
		}
	}
	if err != nil {
		return nil, err
	}
	done, err := published(dir, h, "published")
	if err == nil {
		done.Report = audit
	}
	return done, err
}

// header says what will be published, before anything is counted.
func (o PublishOptions) header(s *source) (*publication.Header, error) {
	asAt, err := o.date(s.newest)
	if err != nil {
		return nil, err
	}
	h := &publication.Header{
		Schema: schemas.Version,
		Hub:    o.Hub.ID, HubName: o.Hub.Name, Publisher: o.Publisher, Dataset: s.dataset,
		AsAt: asAt, Policy: disclose.PolicyName, PolicyText: disclose.Lattice().String(),
		Tool: o.Tool, CodeLists: map[string]string{}, State: s.hash, Catalogue: s.catalogue, NotAvailable: s.missing,
	}
	if s.approval != nil {
		if err := o.approve(h, s); err != nil {
			return nil, err
		}
	}
	lists := schemas.StandardCatalogue().ListsFor(o.CodeLists, h.Sources())
	for _, name := range lists.Names() {
		h.CodeLists[name] = lists[name].Version
	}
	h.ID, err = o.id(h, s, lists)
	return h, err
}

// approve says under which approval, and until when: a copy cannot be recalled,
// so it ends by itself.
func (o PublishOptions) approve(h *publication.Header, s *source) error {
	if o.Now.IsZero() {
		return &publication.Refusal{Rule: "the day is not known, and with it how long the publication may be read", Hint: "set the machine's clock"}
	}
	h.Approval, h.ApprovalSHA256, h.Datasets, h.States = &s.approval.ID, s.approval.SHA256(), s.approval.Names(), s.states
	h.LastDay = min(s.approval.LastDay(), o.Now.UTC().AddDate(0, 0, linkage.CopyDays).Format(time.DateOnly))
	return nil
}

// date is the publication's: the one asked for, or that of the newest data. Of
// later days nothing is known.
func (o PublishOptions) date(newest string) (string, error) {
	asked := o.AsAt.Format(time.DateOnly)
	switch {
	case o.AsAt.IsZero():
		return newest, nil
	case asked > newest && o.Approval != "":
		return "", &publication.UseError{Rule: "the date is after that of the linked data, " + newest, Hint: "leave --as-at out"}
	case asked > newest:
		return "", &publication.UseError{Rule: "the date is after the newest extract's, " + newest, Hint: "leave --as-at out, or load newer extracts"}
	case asked != newest && !near(asked, newest):
		return "", &publication.Refusal{Rule: "the date lies 28 days or more before the newest extract's, " + newest,
			Hint: "one state of the dataset is published for one date: counting the same people for many dates would wear the protection down"}
	}
	return asked, nil
}

// id follows from everything that can change a count or a word about it, and
// from nothing else: the same people, rules, lists, keys and program have the
// same id, whoever publishes them wherever. The noise keys take part by what
// they give for nobody, which no group of people ever draws. The last day does
// not take part: sealed again on a later day, it is the same publication.
func (o PublishOptions) id(h *publication.Header, s *source, lists schemas.Lists) (string, error) {
	cell, err := o.Cell(0, 0)
	if err != nil {
		return "", fmt.Errorf("drawing noise: %w", err)
	}
	rules := *h
	rules.State, rules.States = "", nil // they name extracts; the same people can be extracted again
	rules.LastDay = ""
	seed, err := json.Marshal(struct {
		Header publication.Header
		People []string
		Lists  string
		Record uint64
		Cell   float64
	}{rules, s.rows, lists.Digest(), o.Record()([16]byte{}), cell})
	if err != nil {
		return "", fmt.Errorf("naming the publication: %w", err)
	}
	return schemas.Digest(seed)[:16], nil
}

// place is where the publication goes.
func (o PublishOptions) place(h *publication.Header) (string, error) {
	if o.Out != "" {
		return filepath.Abs(o.Out)
	}
	return o.Hub.PublicationDir(h.AsAt, o.Approval)
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
	p, err := o.open(dir)
	if err != nil {
		return nil, err
	}
	if p.ID != h.ID {
		return nil, frozen(p.AsAt)
	}
	if p.LastDay != "" && o.Now.UTC().Format(time.DateOnly) > p.LastDay {
		return nil, &publication.Refusal{Rule: "the same publication stands there, and its last day was " + p.LastDay,
			Hint: "datanet hub sweep removes it; published again, it can be read as long as its approval lives"}
	}
	return published(dir, &p.Header, "skipped")
}

// leastDays is how far apart the dates of two publications must lie. Nearly
// the same people, counted twice, tell the few who changed between.
const leastDays = 28

// apart refuses a publication within leastDays of another that counts the same:
// the same dataset alone, or a linked measure of this one, under whatever
// approval. Each project draws noise of its own, so many approvals of one
// question would be many draws, and their mean the truth. It looks in the hub,
// and at all that the record of decisions knows of.
func (o PublishOptions) apart(h *publication.Header) error {
	there, err := o.Hub.Publications()
	if err != nil {
		return err
	}
	earlier := o.Earlier
	for _, p := range there {
		if !near(p.AsAt, h.AsAt) || (p.Suffix == "") != (h.Approval == nil) {
			continue
		}
		known, err := o.open(p.Dir)
		if err != nil {
			return err
		}
		earlier = append(earlier, RecordOf(&known.Header, ""))
	}
	for _, e := range earlier {
		if e.Publication != h.ID && near(e.AsAt, h.AsAt) && again(h, e) {
			return drawn(h, e)
		}
	}
	return nil
}

// again says whether a publication counts what an earlier one has counted.
func again(h *publication.Header, e linkage.PublicationRecord) bool {
	if h.Approval == nil || e.Approval == "" {
		return h.Approval == nil && e.Approval == "" && e.States[h.Dataset] != ""
	}
	before := schemas.StandardCatalogue().MeasuresFor(slices.Collect(maps.Keys(e.States))).Measures
	return slices.ContainsFunc(h.Catalogue.Measures, func(m schemas.Measure) bool {
		return slices.ContainsFunc(before, func(b schemas.Measure) bool { return b.ID == m.ID })
	})
}

func drawn(h *publication.Header, e linkage.PublicationRecord) error {
	if e.Approval == h.ApprovalID() {
		return frozen(e.AsAt)
	}
	return &publication.Refusal{
		Rule: "the same measures were published under approval " + e.Approval + " for " + e.AsAt + ", and each approval draws noise of its own: several draws within 28 days would tell what one of them hides",
		Hint: "read that publication; or, when its approval has ended and datanet hub sweep has removed it, publish this one",
	}
}

func near(a, b string) bool {
	from, errFrom := time.Parse(time.DateOnly, a)
	to, errTo := time.Parse(time.DateOnly, b)
	return errFrom != nil || errTo != nil || from.Sub(to).Abs() < leastDays*24*time.Hour
}

func frozen(asAt string) error {
	return &publication.Refusal{
		Rule: "another publication was made for " + asAt + ", and what was published for a date, with the 28 days around it, stays as it is",
		Hint: "nearly the same people counted again would tell who changed: wait for extracts of a later date",
	}
}

func (o PublishOptions) open(dir string) (*publication.Publication, error) {
	return publication.Open(dir, func(*publication.Header) (string, error) { return o.Publisher, nil })
}

func (o PublishOptions) count(ctx context.Context, s *source, h *publication.Header) ([]aggregate.Count, error) {
	o.Progress("counting people")
	work, err := o.Hub.BeginPublication() // a place in the hub for what does not fit into memory
	if err != nil {
		return nil, err
	}
	defer work.Abort()
	asAt, err := time.Parse(time.DateOnly, h.AsAt)
	if err != nil {
		return nil, err
	}
	return aggregate.Run(ctx, aggregate.Options{
		Catalogue: h.Catalogue, CodeLists: o.CodeLists, AsAt: asAt, Folder: o.Hub.Dir(),
		Tables: s.tables,
		Record: o.Record, Spill: work.Dir(), Threads: o.Threads, Memory: o.Memory,
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
		if err := o.fill(ctx, d.Dir(), h, rows); err != nil {
			return "", err
		}
		return d.Publish(h.AsAt, o.Approval)
	}
	return o.writeOut(ctx, h, rows)
}

// fill writes the publication's files and has them recorded.
func (o PublishOptions) fill(ctx context.Context, dir string, h *publication.Header, rows []publication.Count) error {
	if err := publication.Write(ctx, dir, h, rows, o.Sign); err != nil {
		return err
	}
	p, err := published(dir, h, "")
	if err != nil {
		return err
	}
	return o.Note(h, p.Digest)
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
	if err := o.fill(ctx, dir, h, rows); err != nil {
		return "", err
	}
	if err := flush(dir); err != nil {
		return "", err
	}
	if err := os.Rename(dir, to); err != nil {
		return "", &publication.UseError{Rule: "the publication could not get its name: something stands in its place", Hint: "give another folder with --out"}
	}
	return to, syncPath(filepath.Dir(to))
}

// flush brings a folder and its files to the disk.
func flush(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := syncPath(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return syncPath(dir)
}

func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
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
		Audit: h.Audit, Missing: h.NotAvailable, Header: h, Digest: schemas.Digest(text)}, nil
}
