// Package release is the stage by which a dataset's custodian gives the
// approved part of the dataset to one approved project: the approved columns,
// under codes that hold in this project only, in an order that says nothing.
//
// It runs under a permit, which only a live approval gives. A dataset is
// released once: the same state again is a skip, another one is refused, and so
// is a second delivery elsewhere of what stands in the hub's project or was
// linked there. What was delivered out of the hub may be lost there, and can be
// delivered again; the last delivery counts. What stands anywhere has been
// recorded; whatever is refused leaves the project as it was.
package release

import (
	"context"
	"fmt"
	"time"

	"datanet/linkage"
	"datanet/pipeline/hub"
	"datanet/pseudonym"
	"datanet/schemas"
)

// Options say who releases what to which project, and what the record of
// decisions has.
type Options struct {
	Permit    linkage.Permit
	Hub       *hub.Hub
	Dataset   string
	Trusted   string // the custodian's verifier key, as the record of decisions has it
	Recorded  string // hash of the dataset's state that the record of decisions has last
	Custodian *pseudonym.CustodianKey

	// Sealed is the first project key that the record of decisions has for this
	// approval, nil if there is none. It is asked again after one was recorded. One
	// that was sealed to an earlier custodian of the dataset is the error of Sealed.
	Sealed  func() (*linkage.ProjectKeyRecord, error)
	Record  func(linkage.Body) error
	Earlier *linkage.ReleaseRecord // what was released already; nil: nothing
	Today   time.Time              // the clock of the record of decisions

	Out      string // empty: in the hub's project
	Tool     string
	Threads  int
	Memory   int64
	Progress func(step string)
}

// A Result says what became of a release. Totals are rounded.
type Result struct {
	Approval   string `json:"approval"`
	Dataset    string `json:"dataset"`
	Release    string `json:"release,omitempty"` // folder; empty when it was linked already
	Status     string `json:"status"`            // released or skipped
	Reason     string `json:"reason,omitempty"`
	AsAt       string `json:"as_at"`
	Persons    int64  `json:"persons"`
	Unlinkable int64  `json:"unlinkable"` // people left out without a usable number

	Digest string `json:"-"` // of release.json
	State  string `json:"-"`
}

// Run releases a dataset to an approved project.
func Run(ctx context.Context, o Options) (*Result, error) {
	if err := o.Permit.For(linkage.ActionRelease, o.Dataset); err != nil {
		return nil, err
	}
	r, err := o.start()
	if err != nil {
		return nil, err
	}
	if err := r.keys(); err != nil {
		return nil, err
	}
	s, err := o.Hub.Snapshot(o.Dataset, o.Trusted)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	if r.state = s; o.Recorded != s.Hash {
		return nil, &IntegrityError{"the state of " + o.Dataset + " is not the one that the record of decisions has last: an older one was put back, or a load was cut short before it was recorded",
			"look which it is: the next load records the present state, or says what to do"}
	}
	if err := s.VerifyFiles(); err != nil {
		return nil, err
	}
	if err := r.once(); err != nil {
		return nil, err
	}
	if err := r.fresh(); err != nil {
		return nil, err
	}
	return r.run(ctx)
}

// fresh refuses a dataset with data of a site that are older than the approval lets
// opt-outs be: who has said no since is in them still.
func (r *run) fresh() error {
	for _, m := range r.state.State.Members {
		if r.approval.TooOld(m.AsAt, r.Today) {
			return &Refusal{fmt.Sprintf("the data of site %s of %s are as at %s, and approval %s lets them be %d days old, so that opt-outs since are kept to", m.Site, r.Dataset, m.AsAt, r.approval.ID, r.approval.OptOutDays()),
				"load the site's newest extract first; one that sends nothing any more withdraws: datanet hub withdraw", linkage.CheckOptOuts}
		}
	}
	return nil
}

// A run is one release at work.
type run struct {
	Options
	approval *linkage.Approval
	hash     string // of the approval's text, in hex
	dataset  *schemas.Dataset
	tables   []*schemas.Table // of the approved columns
	project  *hub.Project
	state    *hub.Snapshot
	key      pseudonym.ProjectKey
}

// start reads out of the approval what may be released.
func (o Options) start() (*run, error) {
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	r := &run{Options: o, approval: o.Permit.Approval(), hash: fmt.Sprintf("%x", o.Permit.Hash())}
	var err error
	if r.dataset, err = schemas.DatasetByID(o.Dataset); err != nil {
		return nil, err
	}
	if r.project, err = o.Hub.Project(r.approval.ID); err != nil {
		return nil, err
	}
	for i := range r.dataset.Tables {
		t := &r.dataset.Tables[i]
		columns := r.approval.Columns(o.Dataset, t.Name)
		if len(columns) == 0 {
			continue
		}
		only := t.Only(columns)
		if len(only.Columns) != len(columns) {
			return nil, &Refusal{"the approval names a column of " + o.Dataset + " that this version does not know", "use the version of datanet with which the approval was drafted", linkage.CheckScope}
		}
		if len(only.People()) == 0 {
			return nil, &Refusal{"the approval names columns of " + o.Dataset + "'s table " + t.Name + ", but none that says whose row it is, so nobody could keep to whom it covers",
				"have an approval drafted that names the person column too", linkage.CheckScope}
		}
		r.tables = append(r.tables, only)
	}
	return r, nil
}

// keys refuses a custodian's key that is not this dataset's.
func (r *run) keys() error {
	if r.Custodian.Dataset != r.Dataset {
		return &KeyError{fmt.Sprintf("the custodian's key is of %s, the release of %s", r.Custodian.Dataset, r.Dataset),
			"give the key of this dataset's custodian with --custodian"}
	}
	if public := r.Custodian.PublicPart().Verifier; public != r.Trusted || public != r.Permit.Trust().Dataset(r.Dataset).CustodianVKey {
		return &KeyError{"the hub does not trust this custodian's key for " + r.Dataset, "datanet hub trust --dataset " + r.Dataset + " --custodian PUBLIC"}
	}
	return nil
}

// once refuses a second, different release: whoever had both could tell who
// came, who went, and match their rows by content.
func (r *run) once() error {
	e := r.Earlier
	if e == nil {
		return nil
	}
	if e.Approval != r.approval.ID || e.SHA256 != r.hash || e.Dataset != r.Dataset {
		return &IntegrityError{"the earlier release belongs to another approval or dataset", "ask the record of decisions again: datanet approval verify"}
	}
	if e.State != r.state.Hash {
		return r.refreshed()
	}
	return nil
}

func (r *run) refreshed() error {
	return &Refusal{"another state of " + r.Dataset + " was released under approval " + r.approval.ID + ", which allows no refresh",
		"data of a later date needs an approval of its own", linkage.CheckRefresh}
}

func (r *run) run(ctx context.Context) (*Result, error) {
	if done, err := r.already(); done != nil || err != nil {
		return done, err
	}
	p, err := r.begin()
	if err != nil {
		return nil, err
	}
	defer p.Abort()
	if done, err := r.already(); done != nil || err != nil { // somebody may have released while this one waited for its turn
		return done, err
	}
	if r.key, err = r.projectKey(); err != nil {
		return nil, err
	}
	release, err := r.write(ctx, p)
	if err != nil {
		return nil, err
	}
	digest, err := r.sign(p.Dir(), release)
	if err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	dir, err := p.put(func() error { return r.Record(r.record(release, digest)) })
	if err != nil {
		return nil, err
	}
	return r.result(dir, release, digest), nil
}

func (r *run) record(release *schemas.Release, digest string) linkage.ReleaseRecord {
	return linkage.ReleaseRecord{Approval: release.Approval, SHA256: release.ApprovalSHA256, Dataset: release.Dataset, AsAt: release.AsAt,
		State: release.State, Release: digest, Persons: release.Persons}
}

func (r *run) result(dir string, release *schemas.Release, digest string) *Result {
	return &Result{Approval: release.Approval, Dataset: release.Dataset, Release: dir, Status: "released", AsAt: release.AsAt,
		Persons: release.Persons, Unlinkable: release.Unlinkable, Digest: digest, State: release.State}
}
