package linkage

import (
	"fmt"
	"strings"
	"time"
)

// A Status says how an approval stands at a time. Only StatusApproved allows anything.
type Status string

// The statuses. The first that fits counts, in this order: refused, revoked, superseded, expired, review-due, draft, awaiting, not-yet, approved.
const (
	StatusRefused    Status = "refused"    // a Guardian said no
	StatusRevoked    Status = "revoked"    // a Guardian ended it
	StatusSuperseded Status = "superseded" // another approval took its place
	StatusExpired    Status = "expired"    // its last day is over
	StatusReviewDue  Status = "review-due" // its review day is over
	StatusDraft      Status = "draft"      // nobody has signed
	StatusAwaiting   Status = "awaiting"   // some have signed
	StatusNotYet     Status = "not-yet"    // everybody has signed, its first day is to come
	StatusApproved   Status = "approved"
)

// A Decision is one approval with everything that was decided and done about it, in the order of the records.
type Decision struct {
	Approval     *Approval
	Drafted      time.Time
	Signatures   map[string]Answer // by dataset
	Refusal      *Answer
	Revocations  []Answer
	ProjectKey   *ProjectKeyRecord
	Releases     []ReleaseRecord
	Links        []LinkRecord
	Publications []PublicationRecord
	Removals     []RemovalRecord

	published  []string    // the days of Publications
	successors []*Decision // the requests that would supersede this one
	earlier    *Decision   // the one that this one would supersede
	undone     bool        // it was revoked before it took the place of that one
}

// An Answer is what one Guardian decided.
type Answer struct {
	Dataset  string
	Guardian string // the verifier key of who signed
	Deputy   bool   // a deputy signed, in the Guardian's place
	Time     time.Time
	Reason   string // of a refusal or revocation, if one was given
	Record   int    // its number in the ledger
}

// Decisions are all approvals of a ledger, and whom it trusts.
type Decisions struct {
	list     []*Decision
	trust    Trust
	hub      string
	policies map[string][]string // the datasets that may be published alone, by policy
	left     map[string]string   // the keys of sites that have withdrawn, by dataset/site: see Left
	grown    tree                // of the records so far
	size     int64
	latest   time.Time // the latest time of a record so far
}

// DecisionsOf replays the records. A record that breaks a rule is an *IntegrityError even though it was signed into the ledger:
// whoever holds the ledger key does not thereby hold the Guardians'.
func DecisionsOf(records []Record) (*Decisions, error) {
	d := noDecisions()
	for n, record := range records {
		if err := d.replay(n, record); err != nil {
			return nil, atRecord(n, err)
		}
	}
	return d, nil
}

func noDecisions() *Decisions {
	return &Decisions{trust: newTrust(), policies: map[string][]string{}, left: map[string]string{}}
}

// All are the decisions in the order in which their approvals were drafted.
func (d *Decisions) All() []*Decision { return d.list }

// Of is the decision about an approval; nil if the ledger has no such approval.
func (d *Decisions) Of(id string) *Decision {
	for _, decision := range d.list {
		if decision.Approval.ID == id {
			return decision
		}
	}
	return nil
}

// Trust says whose keys count after all records.
func (d *Decisions) Trust() Trust { return d.trust }

// Missing are the approval's datasets whose Guardian has not signed, in the order asked for.
func (d *Decision) Missing() []string {
	var missing []string
	for _, name := range d.Approval.Names() {
		if _, ok := d.Signatures[name]; !ok {
			missing = append(missing, name)
		}
	}
	return missing
}

// Status is how the approval stands. Now should be the ledger's clock, Head.Clock, so that a clock that was set back revives nothing.
func (d *Decision) Status(now time.Time) Status {
	today, missing := day(now), len(d.Missing())
	switch {
	case d.Refusal != nil:
		return StatusRefused
	case len(d.Revocations) > 0:
		return StatusRevoked
	case d.SupersededBy(now) != nil || d.overtaken(now) != nil:
		return StatusSuperseded
	case today > d.Approval.Until:
		return StatusExpired
	case today > d.Approval.Review:
		return StatusReviewDue
	case missing == len(d.Approval.Datasets):
		return StatusDraft
	case missing > 0:
		return StatusAwaiting
	case today < d.Approval.From:
		return StatusNotYet
	}
	return StatusApproved
}

// SupersededBy is the approval that has taken this one's place by now, the first one if several have; nil if none has. What was taken over stays so,
// whatever becomes of the other.
func (d *Decision) SupersededBy(now time.Time) (first *Decision) {
	for _, successor := range d.successors {
		if from := successor.took(); from != "" && from <= day(now) && (first == nil || from < first.took()) {
			first = successor
		}
	}
	return first
}

// overtaken is the approval that has taken the place of the one that this one was to supersede; nil if none has. What one amendment has
// taken away a second one, drafted before it, does not bring back.
func (d *Decision) overtaken(now time.Time) *Decision {
	if d.earlier == nil {
		return nil
	}
	if by := d.earlier.SupersededBy(now); by != d {
		return by
	}
	return nil
}

// ReplacedBy is the approval to look at instead of a superseded one.
func (d *Decision) ReplacedBy(now time.Time) *Decision {
	if by := d.SupersededBy(now); by != nil {
		return by
	}
	return d.overtaken(now)
}

// took is the day on which an approval takes the place of the one that it supersedes: its first one, or that of the last signature. It is "" while
// somebody has not signed, and if it was revoked before that day.
func (d *Decision) took() string {
	if len(d.Missing()) > 0 || d.undone {
		return ""
	}
	from := d.Approval.From
	for _, signature := range d.Signatures {
		from = max(from, day(signature.Time))
	}
	return from
}

// Sentence says in plain words how the approval stands, and whose signature is missing.
func (d *Decision) Sentence(now time.Time) string {
	switch d.Status(now) {
	case StatusRefused:
		return d.Refusal.sentence("refused")
	case StatusRevoked:
		return d.Revocations[0].sentence("revoked")
	case StatusSuperseded:
		if by := d.SupersededBy(now); by != nil {
			return "approval " + by.Approval.ID + " took its place on " + by.took()
		}
		by := d.overtaken(now)
		return "approval " + by.Approval.ID + " took the place of " + d.Approval.Supersedes + ", which it was to supersede, on " + by.took()
	case StatusExpired:
		return "it ended after " + d.Approval.Until
	case StatusReviewDue:
		return "its review was due on " + d.Approval.Review + ", and it rests until a new request is signed"
	case StatusDraft:
		return "nobody has signed it; it needs " + guardiansOf(d.Missing())
	case StatusAwaiting:
		return "it still needs " + guardiansOf(d.Missing())
	case StatusNotYet:
		return "everybody has signed it, and it begins on " + d.Approval.From
	}
	return "everybody has signed it; it can be used until " + d.Approval.LastDay() + ", that day included"
}

func (a Answer) sentence(verb string) string {
	said := fmt.Sprintf("%s %s it on %s", a.Who(), verb, day(a.Time))
	if a.Reason == "" {
		return said + ", without giving a reason"
	}
	return said + ": " + a.Reason
}

// Who says in words who decided.
func (a Answer) Who() string {
	if a.Deputy {
		return "a deputy of the Guardian of " + a.Dataset
	}
	return "the Guardian of " + a.Dataset
}

func guardiansOf(datasets []string) string {
	whose := "the signature of the Guardian of "
	if len(datasets) > 1 {
		whose = "the signatures of the Guardians of "
	}
	return whose + listed(datasets)
}

// listed reads "a", "a and b", "a, b and c".
func listed(words []string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " and " + words[last]
}

// day is the day of UTC, which is the day that approvals count in.
func day(at time.Time) string { return at.UTC().Format(time.DateOnly) }
