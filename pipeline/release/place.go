package release

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"datanet/linkage"
	"datanet/pipeline/hub"
	"datanet/pseudonym"
	"datanet/schemas"
)

// A place is where the release is written, and moved from when it is finished:
// in the hub's project, or beside the folder that was asked for.
type place interface {
	Dir() string
	Scratch() string
	Abort() error
}

// A destination is a place that knows where its content goes.
type destination struct {
	place
	put func(record func() error) (dir string, err error)
}

func (r *run) begin() (*destination, error) {
	if r.Out != "" {
		p, err := r.Hub.BeginOutside(r.Out)
		if err != nil {
			return nil, err
		}
		return &destination{p, p.Put}, nil
	}
	p, err := r.project.Begin()
	if err != nil {
		return nil, err
	}
	return &destination{p, func(record func() error) (string, error) { return p.PutRelease(r.Dataset, record) }}, nil
}

// already finds what was released before, standing where this release would
// go or linked by now.
func (r *run) already() (*Result, error) {
	inside, err := r.project.ReleaseDir(r.Dataset)
	if err != nil {
		return nil, err
	}
	dir := cmp.Or(r.Out, inside)
	if _, err := os.Lstat(filepath.Join(dir, hub.ReleaseFile)); err == nil {
		return r.standing(dir)
	}
	there, err := lies(inside)
	switch {
	case err != nil:
		return nil, err
	case there && r.Out != "":
		return nil, r.twice(inside)
	case there:
		return nil, &IntegrityError{"something stands in the place of the release of " + r.Dataset + " that is no release", "have it removed: datanet hub sweep"}
	}
	return r.linked()
}

func lies(path string) (bool, error) {
	_, err := os.Lstat(path)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// twice refuses another delivery of what stands in the hub's project: its rows
// would stand in another order, and the project would hold to one of the two
// while the record of decisions has the other.
func (r *run) twice(inside string) error {
	if _, err := r.standing(inside); err != nil {
		return err
	}
	return &Refusal{r.Dataset + " was released under approval " + r.approval.ID + " already: it stands in the hub, in " + r.place("releases/"+r.Dataset),
		"a dataset is released once; link it there, without --release: datanet link --approval " + r.approval.ID, linkage.CheckRefresh}
}

// place names a place of the project as the hub's reader finds it.
func (r *run) place(name string) string { return "projects/" + r.approval.ID + "/" + name }

// linked: once the releases are linked they are deleted, and another one would
// only be a second copy of what the project has.
func (r *run) linked() (*Result, error) {
	there, err := r.project.Linked()
	if !there || err != nil {
		return nil, err
	}
	e := r.Earlier
	switch {
	case e == nil:
		return nil, &IntegrityError{"linked tables stand in project " + r.approval.ID + ", but the record of decisions has no release of " + r.Dataset, "have them removed: datanet hub sweep"}
	case r.Out != "":
		return nil, &Refusal{r.Dataset + " was released under approval " + r.approval.ID + " and linked already: the linked tables stand in the hub, in " + r.place("linked"),
			"a dataset is released once; what was linked needs no other release", linkage.CheckRefresh}
	}
	return &Result{Approval: e.Approval, Dataset: e.Dataset, Status: "skipped", Reason: "released and linked already", AsAt: e.AsAt,
		Persons: e.Persons, Digest: e.Release, State: e.State}, nil
}

// standing accepts a release that this custodian signed for this approval, of
// this state: it is the same, although its rows stand in another order than
// those of a second one would.
func (r *run) standing(dir string) (*Result, error) {
	x, err := hub.OpenRelease(dir)
	if err != nil {
		return nil, err
	}
	defer x.Close()
	text, err := pseudonym.VerifyNote(x.Signature, r.Trusted)
	if err != nil || text != schemas.Statement("release", x.Digest) {
		return nil, stranger("is not signed by the custodian of " + r.Dataset)
	}
	if x.Release.Approval != r.approval.ID || x.Release.ApprovalSHA256 != r.hash || x.Release.Dataset != r.Dataset || x.Release.Hub != r.Hub.ID {
		return nil, stranger("is of another approval, dataset or hub")
	}
	if x.Release.State != r.state.Hash {
		return nil, r.refreshed()
	}
	if r.Earlier != nil && x.Digest != r.Earlier.Release {
		return nil, stranger("is not the one that the record of decisions has")
	}
	if err := x.VerifyFiles(); err != nil {
		return nil, err
	}
	done := r.result(x.Dir(), x.Release, x.Digest)
	done.Status, done.Reason = "skipped", "released already"
	return done, nil
}

func stranger(rule string) error {
	return &IntegrityError{"the release that stands there " + rule, "have it removed, with datanet hub sweep or by hand, and release again"}
}

// sign writes release.json and release.sig.
func (r *run) sign(dir string, release *schemas.Release) (digest string, err error) {
	body := release.Encode()
	if _, err := schemas.DecodeRelease(body); err != nil {
		return "", fmt.Errorf("describing the release: %w", err)
	}
	digest = schemas.Digest(body)
	signed, err := r.Custodian.Signer.SignNote(schemas.Statement("release", digest))
	if err != nil {
		return "", fmt.Errorf("signing the release: %w", err)
	}
	if err := errors.Join(os.WriteFile(filepath.Join(dir, hub.ReleaseFile), body, 0o600),
		os.WriteFile(filepath.Join(dir, hub.ReleaseSig), signed, 0o600)); err != nil {
		return "", fmt.Errorf("writing the release: %w", err)
	}
	return digest, nil
}
