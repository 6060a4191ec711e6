package link

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"path/filepath"
	"slices"

	"golang.org/x/mod/sumdb/note"

	"datanet/linkage"
	"datanet/pipeline/hub"
	"datanet/schemas"
)

// An arrival is a release that arrived: verified, and copied where nobody else writes, so
// that what is joined is what was verified.
type arrival struct {
	*schemas.Release
	digest string
	dir    string
}

// path is where a table's copy lies.
func (x *arrival) path(table string) string {
	return filepath.Join(x.dir, schemas.Underscored(x.Dataset)+"-"+table+".parquet")
}

// arrive verifies every release and copies it, and returns them in the
// approval's order.
func (r *run) arrive(ctx context.Context, dir string) ([]*arrival, error) {
	byName := map[string]*arrival{}
	for _, folder := range r.folders() {
		x, err := r.one(ctx, folder, dir, byName)
		if err != nil {
			return nil, err
		}
		byName[x.Dataset] = x
	}
	var all []*arrival
	for _, name := range r.approval.Names() {
		if byName[name] == nil {
			return nil, missing(name)
		}
		all = append(all, byName[name])
	}
	return all, sameKeys(all)
}

func (r *run) one(ctx context.Context, folder, dir string, others map[string]*arrival) (*arrival, error) {
	x, err := hub.OpenRelease(folder)
	if err != nil {
		return nil, err
	}
	defer x.Close()
	if err := r.verify(x); err != nil {
		return nil, err
	}
	if others[x.Release.Dataset] != nil {
		return nil, &UseError{"two releases of " + x.Release.Dataset + " are given", "give one release of each dataset with --release"}
	}
	r.Progress("verifying " + x.Release.Dataset)
	done := &arrival{x.Release, x.Digest, dir}
	for _, t := range x.Release.Tables {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err := x.CopyTo(t.File(), t.SHA256, t.Bytes, done.path(t.Table)); err != nil {
			return nil, err
		}
	}
	return done, nil
}

// verify asks whose release this is, for which approval, of which columns, and
// whether the record of decisions knows it.
func (r *run) verify(x *hub.Released) error {
	m := x.Release
	if !slices.Contains(r.approval.Names(), m.Dataset) {
		return &Refusal{"a release of " + m.Dataset + " is given, which approval " + r.approval.ID + " does not name", "give the releases of this approval only", linkage.CheckScope}
	}
	if !signed(x.Signature, r.Permit.Trust().Dataset(m.Dataset).CustodianVKey, schemas.Statement("release", x.Digest)) {
		return broken(m.Dataset, "is not signed by the dataset's custodian, or was changed since")
	}
	if m.Approval != r.approval.ID || m.ApprovalSHA256 != r.hash {
		return broken(m.Dataset, "was made for another approval")
	}
	if err := r.columns(m); err != nil {
		return err
	}
	known := r.Known(m.Dataset)
	if known == nil {
		return broken(m.Dataset, "is not in the record of decisions")
	}
	if known.Release != x.Digest || known.Approval != m.Approval || known.SHA256 != m.ApprovalSHA256 || known.Dataset != m.Dataset {
		return broken(m.Dataset, "is not the one that the record of decisions has last")
	}
	if r.Stale != nil && r.Stale(m.Dataset, m.State) {
		return &Refusal{"people have been withdrawn from " + m.Dataset + " since it was released under approval " + r.approval.ID + ", and the release holds them still",
			"data without them needs an approval of its own; have this release removed", linkage.CheckWithdrawn}
	}
	return nil
}

func broken(dataset, rule string) error {
	return &IntegrityError{"the release of " + dataset + " " + rule, again}
}

// columns holds a release to exactly the approved ones: more was not allowed,
// and fewer is not what was signed for.
func (r *run) columns(m *schemas.Release) error {
	d, err := schemas.DatasetByID(m.Dataset)
	if err != nil {
		return err
	}
	given := map[string][]string{}
	for _, t := range m.Tables {
		given[t.Table] = t.Columns
	}
	for i := range d.Tables {
		t := &d.Tables[i]
		if want := t.Only(r.approval.Columns(m.Dataset, t.Name)).ColumnNames(); !slices.Equal(want, given[t.Name]) {
			return &Refusal{fmt.Sprintf("the release of %s does not hold exactly the approved columns of %s", m.Dataset, t.Name), again, linkage.CheckScope}
		}
	}
	return nil
}

// signed accepts one signature, the verifier's, in its one spelling: note.Open
// skips signatures that it does not know, and base64 skips stray bits.
func signed(signature []byte, vkey, text string) bool {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return false
	}
	n, err := note.Open(signature, note.VerifierList(verifier))
	if err != nil || len(n.Sigs) != 1 || n.Text != text {
		return false
	}
	sig, err := base64.StdEncoding.DecodeString(n.Sigs[0].Base64)
	whole := n.Text + "\n— " + verifier.Name() + " " + base64.StdEncoding.EncodeToString(sig) + "\n"
	return err == nil && bytes.Equal(signature, []byte(whole))
}

// sameKeys: codes made under two keys would match nobody, and say so nowhere.
func sameKeys(all []*arrival) error {
	for _, x := range all[1:] {
		first := all[0]
		if x.ProjectCheck != first.ProjectCheck {
			return unequal("project", first.Dataset, first.ProjectCheck, x.Dataset, x.ProjectCheck, again)
		}
		if x.LinkageCheck != first.LinkageCheck {
			return unequal("linkage", first.Dataset, first.LinkageCheck, x.Dataset, x.LinkageCheck, "the sites of both datasets need the same linkage key, and to extract again")
		}
	}
	return nil
}

func unequal(key, a, checkA, b, checkB, hint string) error {
	return &IntegrityError{fmt.Sprintf("%s and %s were coded under two %s keys: their check values are %s and %s", a, b, key, checkA, checkB), hint}
}
