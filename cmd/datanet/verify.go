package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"datanet/linkage"
	"datanet/pipeline/hub"
	"datanet/pipeline/publication"
	"datanet/pseudonym"
	"datanet/schemas"
)

func newHubVerify(a *app) *cobra.Command {
	return a.command(&cobra.Command{
		Use: "verify", Short: "read all data in the hub, and hold them against what was signed and recorded",
		Long: `Reads the record of decisions, every dataset with its history, and every release,
linked table and publication in the hub, and holds each against its signature, its
hashes and the record of decisions. It looks at all before it says what does not hold,
changes nothing, and needs no key. Loads may go on meanwhile.`,
		Example: "  datanet hub verify --hub hub", Args: cobra.NoArgs,
	}, func(ctx context.Context, _ []string) error { return a.runHubVerify(ctx) })
}

// A verified is one thing that the hub holds.
type verified struct {
	What  string `json:"what"` // "dataset slam", "release of slam under 2026-001", …
	Files int    `json:"files"`
	Bytes int64  `json:"bytes"`
}

func (a *app) runHubVerify(ctx context.Context) error {
	h, err := a.openHub()
	if err != nil {
		return err
	}
	v, err := a.verify(ctx, h)
	if err != nil {
		return err
	}
	a.progressDone()
	if len(v.broken) > 0 {
		return v.broken
	}
	head := h.ledger.Head()
	document := map[string]any{"records": head.Size, "root": head.Root.String(), "time": head.Time, "verified": v.found}
	return a.say(document, func(w io.Writer) {
		fmt.Fprintf(w, "Everything holds.\n  %-48s  %s entries up to %s\n", "record of decisions", thousands(head.Size), head.Time.Format(time.DateTime))
		for _, f := range v.found {
			fmt.Fprintf(w, "  %-48s  %3d files, %s bytes\n", f.What, f.Files, thousands(f.Bytes))
		}
	})
}

// mostTries is how often the hub is gone through while others work in it.
const mostTries = 3

// verify goes through the hub again when something did not hold and the record of
// decisions has grown meanwhile: what others have just put there is in it now.
func (a *app) verify(ctx context.Context, h *openHub) (*verification, error) {
	for try := 1; ; try++ {
		v := &verification{hub: h, tell: a.progress(), found: []verified{}}
		v.run(ctx)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		seen := h.ledger.Head().Size
		if len(v.broken) == 0 || try == mostTries || a.read(h) != nil || h.ledger.Head().Size == seen {
			return v, nil
		}
	}
}

// brokenThings are those that do not hold, all of them.
type brokenThings []brokenThing

type brokenThing struct{ what, why, hint string }

func (b brokenThings) Error() string {
	each := make([]string, len(b))
	for i, t := range b {
		each[i] = t.what + ": " + t.why
	}
	return strings.Join(each, "; ")
}

func (b brokenThings) Kind() string { return "integrity" }

func (b brokenThings) Hints() []string {
	var hints []string
	for _, t := range b {
		hints = append(hints, t.what+": "+cmp.Or(t.hint, restore))
	}
	return slices.Compact(hints)
}

// A verification goes through a hub, and goes on when something does not hold.
type verification struct {
	hub    *openHub
	tell   func(string)
	found  []verified
	broken brokenThings
}

func (v *verification) run(ctx context.Context) {
	steps := []func(context.Context){v.ledger, v.datasets, v.projects, v.publications}
	for _, step := range steps {
		if ctx.Err() == nil {
			step(ctx)
		}
	}
}

// holds notes one thing, or why it does not hold.
func (v *verification) holds(of verified, err error) {
	if err == nil {
		v.found = append(v.found, of)
		return
	}
	b := brokenThing{what: of.What, why: strings.ReplaceAll(err.Error(), "\n", ", ")}
	var h hinted
	if errors.As(err, &h) && len(h.Hints()) > 0 {
		b.hint = h.Hints()[0]
	}
	v.broken = append(v.broken, b)
}

// breaks notes that something does not hold, by a rule that is seen here.
func (v *verification) breaks(what, rule, hint string) {
	v.holds(verified{What: what}, &integrityError{rule, hint})
}

const restore = "put it back from a copy, or have it made and delivered again"

func (v *verification) ledger(context.Context) {
	v.tell("the record of decisions")
	if err := v.hub.ledger.Verify(); err != nil {
		v.holds(verified{What: "record of decisions"}, err)
	}
}

// datasets are those that were loaded, by the record of decisions, and any other
// that lies in the hub.
func (v *verification) datasets(ctx context.Context) {
	there, err := v.hub.Datasets()
	if err != nil {
		v.holds(verified{What: "datasets"}, err)
		return
	}
	for _, name := range v.hub.trust.Datasets() {
		if !slices.Contains(there, name) && v.hub.state(name) != "" {
			there = append(there, name)
		}
	}
	slices.Sort(there)
	for _, name := range there {
		if ctx.Err() == nil {
			v.dataset(name)
		}
	}
}

func (v *verification) dataset(name string) {
	of := verified{What: "dataset " + name}
	v.tell(of.What)
	recorded := v.hub.state(name)
	snapshot, err := v.hub.Snapshot(name, v.hub.trust.Dataset(name).CustodianVKey)
	var none *hub.UseError
	if errors.As(err, &none) && recorded == "" {
		return // it was tried, and nothing was loaded
	}
	if _, hash, wrong := v.hub.State(name, v.hub.trust.Dataset(name).CustodianVKey); errors.As(err, &none) && wrong == nil && hash == recorded {
		v.holds(of, nil) // every site has left
		return
	}
	if err != nil {
		v.holds(of, err)
		return
	}
	defer snapshot.Close()
	of.Files, of.Bytes = snapshot.Size()
	if err := snapshot.VerifyFiles(); err != nil {
		v.holds(of, err)
		return
	}
	if snapshot.Hash != recorded && !v.recordedSince(snapshot) {
		v.breaks(of.What, "its state is not the last one that the record of decisions has",
			"an older state was put back, or a newer record of decisions: put back what belongs together; the next load says what to do")
		return
	}
	v.holds(of, nil)
	past := verified{What: "history of " + name}
	past.Files, past.Bytes, err = snapshot.VerifyHistory()
	if past.Files > 0 || err != nil {
		v.holds(past, err)
	}
}

// recordedSince looks at the record of decisions again, while no load can change the
// dataset. The state is the last one recorded by now, or the one right after it: then
// a load is at work, or was cut short before it was recorded, and the next one records it.
func (v *verification) recordedSince(s *hub.Snapshot) bool {
	later, err := v.hub.later()
	if err != nil {
		return false
	}
	last := later.state(s.State.Dataset)
	return s.Hash == last || s.State.Follows(last)
}

func (v *verification) projects(ctx context.Context) {
	for _, d := range v.hub.decisions.All() {
		if ctx.Err() == nil {
			v.project(d)
		}
	}
}

func (v *verification) project(d *linkage.Decision) {
	id := d.Approval.ID
	v.tell("approval " + id)
	project, err := v.hub.Project(id)
	if err != nil {
		v.holds(verified{What: "approval " + id}, err)
		return
	}
	strangers, err := project.Strangers(v.hub.knows(d))
	if err != nil {
		v.holds(verified{What: "approval " + id}, err)
		return
	}
	for _, name := range strangers {
		v.breaks("approval "+id, name+" is not in the record of decisions", "have it removed with datanet hub sweep")
	}
	datasets, err := project.Released()
	if err != nil {
		v.holds(verified{What: "approval " + id}, err)
	}
	for _, dataset := range datasets {
		if !slices.Contains(strangers, "releases/"+dataset) {
			v.release(project, d, dataset)
		}
	}
	if linked, err := project.Linked(); err != nil || linked && !slices.Contains(strangers, "linked") {
		v.linked(project, d, err)
	}
}

func (v *verification) release(project *hub.Project, d *linkage.Decision, dataset string) {
	of := verified{What: "release of " + dataset + " under " + d.Approval.ID}
	dir, err := project.ReleaseDir(dataset)
	if err != nil {
		v.holds(of, err)
		return
	}
	r, err := hub.OpenRelease(dir)
	if err != nil {
		v.holds(of, err)
		return
	}
	defer r.Close()
	text, err := pseudonym.VerifyNote(r.Signature, v.hub.trust.Dataset(dataset).CustodianVKey)
	if err != nil || text != schemas.Statement("release", r.Digest) {
		v.breaks(of.What, "it is not signed by the dataset's custodian, or was changed since", restore)
		return
	}
	for _, t := range r.Release.Tables {
		of.Files, of.Bytes = of.Files+1, of.Bytes+t.Bytes
	}
	v.holds(of, r.VerifyFiles())
}

func (v *verification) linked(project *hub.Project, d *linkage.Decision, err error) {
	of := verified{What: "linked tables of " + d.Approval.ID}
	if err != nil {
		v.holds(of, err)
		return
	}
	l, err := hub.OpenLinked(project.LinkedDir(), v.hub.linked(d.Approval.ID))
	if err != nil {
		v.holds(of, err)
		return
	}
	defer l.Close()
	for _, t := range l.Linked.Tables {
		of.Files, of.Bytes = of.Files+1, of.Bytes+t.Bytes
	}
	v.holds(of, nil)
}

// publications are those that lie in the hub: others were written elsewhere, and
// are held to their signature wherever they are read.
func (v *verification) publications(ctx context.Context) {
	all, err := v.hub.Publications()
	if err != nil {
		v.holds(verified{What: "publications"}, err)
		return
	}
	known := v.hub.publications()
	for _, p := range all {
		if ctx.Err() != nil {
			return
		}
		of := verified{What: "publication " + filepath.Base(p.Dir), Files: 3}
		v.tell(of.What)
		opened, err := publication.Open(p.Dir, func(*publication.Header) (string, error) { return v.hub.Publisher, nil })
		if err != nil {
			v.holds(of, err)
			continue
		}
		of.Bytes = opened.Bytes()
		if !slices.ContainsFunc(known, func(r linkage.PublicationRecord) bool { return r.SHA256 == opened.Digest() }) {
			v.breaks(of.What, "it is not in the record of decisions", "nobody may rely on it: take it away")
			continue
		}
		if opened.AsAt != p.AsAt || opened.ApprovalID() != p.Suffix {
			v.breaks(of.What, "it lies under another date or approval than its own", "take the copy away")
			continue
		}
		v.holds(of, nil)
	}
}
