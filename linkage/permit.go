package linkage

import (
	"fmt"
	"slices"
	"time"
)

// An Action is what an approval can allow.
type Action string

// The actions.
const (
	ActionRelease Action = "release" // by the custodian of one dataset
	ActionLink    Action = "link"
	ActionPublish Action = "publish"
	ActionQuery   Action = "query"
)

// What else a DeniedRecord can be about. No permit is for these: their own rules decide.
const (
	ActionSign   Action = "sign"
	ActionRefuse Action = "refuse"
	ActionRevoke Action = "revoke"
	ActionTrust  Action = "trust" // to change a key
	ActionLoad   Action = "load"
)

func (a Action) known() bool {
	return a.permissible() || slices.Contains([]Action{ActionSign, ActionRefuse, ActionRevoke, ActionTrust, ActionLoad}, a)
}

func (a Action) permissible() bool {
	return slices.Contains([]Action{ActionRelease, ActionLink, ActionPublish, ActionQuery}, a)
}

// An Ask is what somebody wants to do under an approval.
type Ask struct {
	Approval string // id
	Action   Action
	Dataset  string    // the one that is released, or published or queried alone; else empty
	Now      time.Time // the machine's clock
}

// A Permit says that one action, on one dataset or on the project, was allowed when Check was asked. Only Check makes one;
// the zero Permit allows nothing.
type Permit struct {
	approval *Approval
	trust    Trust
	action   Action
	dataset  string
}

// For is nil if this permit is for that action on that dataset ("" for the project as a whole), and a *Refusal otherwise.
// Stages call it before anything else.
func (p Permit) For(action Action, dataset string) error {
	if p.approval == nil || p.action != action || p.dataset != dataset {
		return &Refusal{check: CheckPermit, reason: "no permit for this: nothing is done without a live approval that was checked for exactly it",
			hints: []string{"name the approval with --approval"}}
	}
	return nil
}

// Approval is a copy of what is allowed; nil for the zero Permit.
func (p Permit) Approval() *Approval {
	if p.approval == nil {
		return nil
	}
	return p.approval.clone()
}

// Hash is the approval's; zero for the zero Permit.
func (p Permit) Hash() [32]byte {
	if p.approval == nil {
		return [32]byte{}
	}
	return p.approval.Hash()
}

// Trust says whose keys counted when Check was asked.
func (p Permit) Trust() Trust { return p.trust }

// Check makes a Permit, or a *Refusal that names the check which failed. It goes by the ledger as l last read it, in this order:
//
//	 1  the question has its form, and the approval's columns exist here     form
//	 2  the approval is in the ledger                                        unknown
//	 3  no Guardian has refused it                                           refused
//	 4  no Guardian has revoked it                                           revoked
//	 5  no other approval has taken its place                                superseded
//	 6  its last day and its day of review are not over                      expired, review
//	 7  every dataset's Guardian has signed exactly its text                 signatures
//	 8  its first day has come                                               not-yet
//	 9  what is asked lies within it                                         scope
//	10  a ledger that came as a file is not older than FreshDays             stale
//
// A release asks besides how old the data are (opt-outs), whether they are as at the one date (refresh), and whether people have withdrawn since
// (withdrawn). Four more were made before, and what fails them is an *IntegrityError, never a Refusal: the text is strictly read, the ledger's head counts it
// and is signed by the ledger's key (Open), the head extends the remembered one (CheckExtends), and every decision was the right
// person's, not the applicant's (DecisionsOf). Days are those of the ledger's clock, which a machine's clock that was set back does not move; the first
// day must have come by the machine's clock too, so that a head which was dated ahead begins nothing early. Which
// columns and pairs may be used is for the holder of the Permit to read off its Approval.
func Check(l *Ledger, ask Ask) (Permit, error) {
	if err := ask.wellFormed(); err != nil {
		return Permit{}, err
	}
	decisions, err := l.Decisions()
	if err != nil {
		return Permit{}, err
	}
	d := decisions.Of(ask.Approval)
	if d == nil {
		return Permit{}, unknownApproval(ask.Approval)
	}
	if err := d.Approval.Known(); err != nil {
		return Permit{}, &Refusal{check: CheckForm, reason: fmt.Sprintf("approval %s asks for what this version does not know: %s", ask.Approval, err),
			hints: []string{"use the version of datanet that the approval was drafted with, or draft it anew"}}
	}
	if err := d.live(l.head.Clock(ask.Now)); err != nil {
		return Permit{}, err
	}
	if day(ask.Now) < d.Approval.From { // a head that is dated ahead begins nothing early
		return Permit{}, &Refusal{check: CheckNotYet, reason: "approval " + ask.Approval + ": it begins on " + d.Approval.From + ", and by this machine's clock that day has not come",
			hints: []string{"wait for that day; or set this machine's clock, if it is wrong"}}
	}
	if err := ask.place(d.Approval); err != nil {
		return Permit{}, err
	}
	if l.Carried() {
		if err := l.Fresh(ask.Now); err != nil {
			return Permit{}, err
		}
	}
	return Permit{d.Approval.clone(), decisions.Trust(), ask.Action, ask.Dataset}, nil
}

// FreshDays is how old the newest head may be where nobody can ask the hub for a newer one.
const FreshDays = 14

// Fresh is nil if the newest head is at most FreshDays old. An older one may hide a revocation: whoever cannot sign a newer head, being away
// from the hub, does nothing by it.
func (l *Ledger) Fresh(now time.Time) error {
	if !now.After(l.head.Time.AddDate(0, 0, FreshDays)) {
		return nil
	}
	return &Refusal{check: CheckStale, reason: fmt.Sprintf("this copy of the record of decisions is of %s, more than %d days old: what was revoked since is not in it", day(l.head.Time), FreshDays),
		hints: []string{"at the hub, datanet hub status signs the record anew; then use it there, or datanet approval export again"}}
}

func (ask Ask) wellFormed() error {
	err := all(
		rule(approvalID.MatchString(ask.Approval), "no approval has such an id"),
		rule(ask.Action.permissible(), "no approval allows such an action"),
		rule(ask.Dataset == "" || datasetName.MatchString(ask.Dataset), "no dataset has such a name"),
		rule(!ask.Now.IsZero(), "the time is not known"),
	)
	if err == nil {
		return nil
	}
	return &Refusal{check: CheckForm, reason: err.Error(), hints: []string{"an approval's id reads like 2026-001"}}
}

// live is nil if the approval can be used at this time.
func (d *Decision) live(at time.Time) error {
	check, hint := "", ""
	switch d.Status(at) {
	case StatusApproved:
		return nil
	case StatusRefused:
		check, hint = CheckRefused, "a new request can be drafted that answers the reason"
	case StatusRevoked:
		check, hint = CheckRevoked, "a new request can be drafted that answers the reason"
	case StatusSuperseded:
		check, hint = CheckSuperseded, "work under the other one: datanet approval show "+d.ReplacedBy(at).Approval.ID
	case StatusDraft, StatusAwaiting:
		check, hint = CheckSignatures, "every Guardian named there signs with: datanet approval sign "+d.Approval.ID+" --guardian KEYFILE"
	case StatusNotYet:
		check, hint = CheckNotYet, "wait for that day"
	case StatusReviewDue:
		check, hint = CheckReview, "a Guardian's review ends in a new request with new dates"
	default:
		check, hint = CheckExpired, "draft a new request with new dates"
	}
	return &Refusal{check: check, reason: "approval " + d.Approval.ID + ": " + d.Sentence(at), hints: []string{hint}}
}

// place checks that the dataset is an approved one, and that the action fits the number of datasets. Of several datasets none may be used alone: that is another
// question to other people.
func (ask Ask) place(a *Approval) error {
	switch {
	case ask.Dataset != "" && !a.has(ask.Dataset):
		return outside(a, "the dataset "+ask.Dataset+" is not part of it", "its datasets are shown by: datanet approval show "+a.ID)
	case ask.Action == ActionRelease && ask.Dataset == "":
		return outside(a, "a release is of one dataset, and none is named", "name it with --dataset")
	case ask.Action == ActionLink && ask.Dataset != "":
		return outside(a, "a link is of all its datasets, and one is named", "link without naming a dataset")
	case ask.Action == ActionLink && len(a.Datasets) == 1:
		return outside(a, "it names one dataset, so there is nothing to link", "draft a request that names the datasets and their pairs")
	case ask.Action == ActionRelease || ask.Action == ActionLink:
		return nil
	case ask.Dataset != "" && len(a.Datasets) > 1:
		return outside(a, "it is for linked data, and allows no dataset alone", "draft a request that names this dataset only")
	case ask.Dataset == "" && len(a.Datasets) == 1:
		return outside(a, "it names one dataset, and no linked data", "in this version what is published under an approval is linked data; primary care alone is published without one")
	}
	return nil
}

func outside(a *Approval, reason, hint string) *Refusal {
	return &Refusal{check: CheckScope, reason: "approval " + a.ID + " does not cover this: " + reason, hints: []string{hint}}
}

func unknownApproval(id string) *Refusal {
	return &Refusal{check: CheckUnknown, reason: "approval " + id + " is not in the record of decisions",
		hints: []string{"datanet approval list shows those that are"}}
}
