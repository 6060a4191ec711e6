// Package link is the stage in which a linking analyst joins the releases of
// one approved project on its codes: the result keeps each dataset's approved
// tables, reduced to people who link, and says who is in which dataset.
//
// It runs under a permit, which only a live approval gives. It needs no key: it
// sees the project's codes and nothing else of anybody. Whatever is refused
// leaves the project as it was; what stands has been recorded; the releases in
// the project are deleted when they are joined, which is recorded first.
package link

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"datanet/linkage"
	"datanet/pipeline/hub"
	"datanet/schemas"
)

// Options say what is joined, and what the record of decisions has.
type Options struct {
	Permit   linkage.Permit
	Hub      *hub.Hub
	Releases []string // folders; empty: those in the hub's project

	// Known is the release of a dataset that the record of decisions has last
	// for this approval, nil if none.
	Known   func(dataset string) *linkage.ReleaseRecord
	Record  func(linkage.Body) error
	Earlier *linkage.LinkRecord // what was linked already; nil: nothing

	// Removed says whether the record of decisions has it already that the
	// release of a dataset, which was linked, was removed; nil: it never has.
	Removed func(dataset string) bool

	// Stale says whether people were withdrawn from a dataset since it was in
	// the state that was released; nil: nobody ever was.
	Stale func(dataset, state string) bool

	Tool     string
	Threads  int
	Memory   int64
	Progress func(step string)
}

// A Result says what linking did. Its totals are exact: they are for those who
// may read the linked tables.
type Result struct {
	Approval    string                `json:"approval"`
	Linked      string                `json:"linked"` // folder
	Status      string                `json:"status"` // linked or skipped
	Reason      string                `json:"reason,omitempty"`
	People      int64                 `json:"people"`
	Pairs       map[string]int64      `json:"pairs"`
	Datasets    map[string]Part       `json:"datasets"`
	Mothers     int64                 `json:"mothers"`
	Babies      int64                 `json:"babies"`
	Edges       int64                 `json:"edges"`
	Quarantined int64                 `json:"quarantined"` // edges left out because the baby has two mothers
	Signs       schemas.WrongLinks    `json:"signs_of_wrong_links"`
	Quality     []schemas.LinkQuality `json:"quality"`             // who is missing, by group; protected
	Remaining   []string              `json:"remaining,omitempty"` // folders of releases outside the project, which are not deleted here
	Notes       []string              `json:"notes,omitempty"`

	Digest string `json:"-"` // of linked.json
}

// A Part is one dataset's part of the result.
type Part struct {
	People int64 `json:"people"` // whom the release holds
	Linked int64 `json:"linked"` // of whom another dataset holds too
}

// Run joins the releases of an approved project.
func Run(ctx context.Context, o Options) (*Result, error) {
	if err := o.Permit.For(linkage.ActionLink, ""); err != nil {
		return nil, err
	}
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	r := &run{Options: o, approval: o.Permit.Approval(), hash: fmt.Sprintf("%x", o.Permit.Hash())}
	var err error
	if r.project, err = o.Hub.Project(r.approval.ID); err != nil {
		return nil, err
	}
	if err := r.expected(); err != nil {
		return nil, err
	}
	w, err := r.project.Begin()
	if err != nil {
		return nil, err
	}
	defer w.Abort()
	done, err := r.already()
	if err == nil && done == nil {
		done, err = r.link(ctx, w)
	}
	if err != nil {
		return nil, err
	}
	r.tidy(w, done)
	return done, nil
}

// A run is one linking at work.
type run struct {
	Options
	approval *linkage.Approval
	hash     string // of the approval's text, in hex
	project  *hub.Project
}

// expected asks, before anything is written, whether there is anything to join
// or to skip.
func (r *run) expected() error {
	if _, err := r.project.Released(); err != nil {
		return err
	}
	if there, err := r.project.Linked(); there || err != nil {
		return err
	}
	for _, dir := range r.folders() {
		_, err := os.Lstat(dir)
		if err != nil && len(r.Releases) > 0 {
			return &UseError{filepath.Base(dir) + ": there is no such folder that can be read", "name the folders that datanet release wrote, each with --release"}
		}
		if err != nil {
			return missing(filepath.Base(dir)) // a release in the project lies under its dataset's name
		}
	}
	return nil
}

// folders are where the releases lie.
func (r *run) folders() []string {
	if len(r.Releases) > 0 {
		return r.Releases
	}
	var dirs []string
	for _, name := range r.approval.Names() {
		if dir, err := r.project.ReleaseDir(name); err == nil {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

func missing(dataset string) error {
	return &UseError{"the release of " + dataset + " is not there", "its custodian releases it first: datanet release --approval ID --dataset " + dataset + " --custodian FILE"}
}

// already finds what was linked before. The same releases again are a skip;
// tables that the record of decisions does not have are not ours to read.
func (r *run) already() (*Result, error) {
	there, err := r.project.Linked()
	if !there || err != nil {
		return nil, err
	}
	if r.Earlier == nil {
		return nil, &IntegrityError{"linked tables stand in project " + r.approval.ID + " that the record of decisions does not have",
			"if another link was at work, give the command again; otherwise have them removed: datanet hub sweep"}
	}
	l, err := hub.OpenLinked(r.project.LinkedDir(), r.Earlier.Linked)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	for _, dir := range r.Releases {
		if err := r.same(dir); err != nil {
			return nil, err
		}
	}
	done := r.result(l.Dir(), l.Linked, l.Digest)
	done.Status, done.Reason = "skipped", "linked already"
	return done, nil
}

// same refuses other releases than those that were linked.
func (r *run) same(dir string) error {
	x, err := hub.OpenRelease(dir)
	if err != nil {
		return err
	}
	defer x.Close()
	if r.Earlier.Releases[x.Release.Dataset] != x.Digest {
		return &Refusal{"another release of " + x.Release.Dataset + " was linked under approval " + r.approval.ID + ", which allows no refresh",
			"data of a later date needs an approval of its own", linkage.CheckRefresh}
	}
	return nil
}

func (r *run) link(ctx context.Context, w *hub.Work) (*Result, error) {
	releases, err := r.arrive(ctx, w.Scratch())
	if err != nil {
		return nil, err
	}
	l, err := r.join(ctx, w, releases)
	if err != nil {
		return nil, err
	}
	digest, err := describe(w.Dir(), l)
	if err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	dir, err := w.PutLinked(func() error { return r.record(l, digest) })
	if err != nil {
		return nil, err
	}
	return r.result(dir, l, digest), nil
}

// record has the linking recorded, unless it was, by a run that was cut short
// before its tables got their name: the same releases give the same bytes.
func (r *run) record(l *schemas.Linked, digest string) error {
	if r.Earlier != nil && r.Earlier.Linked == digest {
		return nil
	}
	releases := map[string]string{}
	for _, d := range l.Datasets {
		releases[d.Dataset] = d.Release
	}
	return r.Record(linkage.LinkRecord{Approval: l.Approval, SHA256: l.ApprovalSHA256, Releases: releases, Linked: digest, People: schemas.Round10(l.People)})
}

func describe(dir string, l *schemas.Linked) (digest string, err error) {
	body := l.Encode()
	if _, err := schemas.DecodeLinked(body); err != nil {
		return "", fmt.Errorf("describing the linked tables: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, hub.LinkedFile), body, 0o600); err != nil {
		return "", fmt.Errorf("describing the linked tables: %w", err)
	}
	return schemas.Digest(body), nil
}

func (r *run) result(dir string, l *schemas.Linked, digest string) *Result {
	done := &Result{Approval: l.Approval, Linked: dir, Status: "linked", People: l.People, Pairs: l.Pairs, Datasets: map[string]Part{},
		Mothers: l.Mothers, Babies: l.Babies, Edges: l.Edges, Quarantined: l.Quarantined, Signs: l.Signs, Quality: l.Quality, Notes: unseen(r.approval), Digest: digest}
	for _, d := range l.Datasets {
		done.Datasets[d.Dataset] = Part{d.People, d.Linked}
	}
	return done
}

// tidy deletes the project's releases, now that they are joined, also those
// that an earlier run was cut short of deleting. Those given from elsewhere are
// their owner's.
func (r *run) tidy(w *hub.Work, done *Result) {
	if err := w.DropReleases(func(dataset string) error { return r.recordRemoval(dataset, done) }); err != nil {
		done.Notes = append(done.Notes, "the releases in the project are not all deleted and recorded as deleted yet: link again, which skips and deletes them")
	}
	for _, dir := range r.Releases {
		if _, err := os.Lstat(dir); err == nil {
			done.Remaining = append(done.Remaining, dir)
		}
	}
}

// recordRemoval is called before a release is deleted: cut short in between, the
// next run finds it there, and the removal recorded. Of what was linked only
// now, or is not what was linked, nobody can have recorded it.
func (r *run) recordRemoval(dataset string, done *Result) error {
	if done.Status == "skipped" && r.Removed != nil && r.Removed(dataset) && r.digest(dataset) == r.Earlier.Releases[dataset] {
		return nil
	}
	return r.Record(linkage.RemovalRecord{Approval: r.approval.ID, SHA256: r.hash, What: "release", Name: dataset, Reason: "linked"})
}

// digest is that of the release in the project; empty if it is none.
func (r *run) digest(dataset string) string {
	dir, err := r.project.ReleaseDir(dataset)
	if err != nil {
		return ""
	}
	x, err := hub.OpenRelease(dir)
	if err != nil {
		return ""
	}
	defer x.Close()
	return x.Digest
}
