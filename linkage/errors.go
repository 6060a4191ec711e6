package linkage

import (
	"cmp"
	"fmt"
)

// A Refusal says that the rules of governance do not allow what was asked. Nothing was changed. A replay never gives one: a record that
// breaks a rule and is in the ledger all the same is an *IntegrityError, which wraps no Refusal, so that errors.As tells the two apart.
type Refusal struct {
	check  string
	reason string
	hints  []string
}

// The checks that a Refusal can name. Those of Check, in its order:
const (
	CheckForm       = "form" // the question is not of the accepted form, or names columns that do not exist here
	CheckUnknown    = "unknown"
	CheckRefused    = "refused"
	CheckRevoked    = "revoked"
	CheckSuperseded = "superseded" // another approval took its place
	CheckExpired    = "expired"
	CheckReview     = "review"     // the review day is over
	CheckSignatures = "signatures" // some are missing
	CheckNotYet     = "not-yet"
	CheckScope      = "scope"  // a dataset that was not approved, or not for this
	CheckStale      = "stale"  // the record of decisions at hand is an old one
	CheckPermit     = "permit" // no permit, or one for something else
)

// Those that Append and the replay add.
const (
	CheckClock      = "clock"     // dated ahead of every clock
	CheckTrust      = "trust"     // a key that is set, or has another role
	CheckGuardian   = "guardian"  // the dataset has none
	CheckCustodian  = "custodian" // the dataset has none
	CheckSigner     = "signer"    // somebody else's key
	CheckApplicant  = "applicant" // the applicant's own key
	CheckText       = "text"      // another text than the recorded one
	CheckRepeated   = "repeated"  // already decided
	CheckHub        = "hub"       // drafted for another hub
	CheckPolicy     = "policy"    // another disclosure policy than the recorded or approved one, or a new one too late
	CheckProjectKey = "project-key"
	CheckRefresh    = "refresh"   // data of another date
	CheckWithdrawn  = "withdrawn" // people have withdrawn since
	CheckRelease    = "release"   // not the last release on record
	CheckOptOuts    = "opt-outs"  // data older than the approval lets opt-outs be
	CheckSite       = "site"      // an extract of a site that is not trusted, or has withdrawn
	CheckUnusual    = "unusual"   // an extract that would withdraw unusually many people
	CheckLink       = "link"      // of the last releases nothing is linked yet
)

// Check names the check that failed, in a word for logs and for DeniedRecord.
func (e *Refusal) Check() string { return cmp.Or(e.check, CheckTrust) }

func (e *Refusal) Error() string { return e.reason }

// Kind is "governance".
func (e *Refusal) Kind() string { return "governance" }

// Hints say what could be done instead.
func (e *Refusal) Hints() []string { return e.hints }

// An IntegrityError says that a signature, hash or form does not hold, or that a ledger breaks its own rules: it is not what honest
// writers left. It names the file and the line or record, and never quotes what they hold.
type IntegrityError struct {
	reason string
	hints  []string
}

func (e *IntegrityError) Error() string { return e.reason }

// Kind is "integrity".
func (e *IntegrityError) Kind() string { return "integrity" }

// Hints say what could be done next.
func (e *IntegrityError) Hints() []string { return e.hints }

// A KeyError says that a key is not of the accepted form, or not the one that is needed here.
type KeyError struct {
	reason string
	hints  []string
}

func (e *KeyError) Error() string { return e.reason }

// Kind is "key".
func (e *KeyError) Kind() string { return "key" }

// Hints say which key is meant.
func (e *KeyError) Hints() []string { return e.hints }

const keepCopies = "keep this folder as it is, and compare it with an earlier copy or with a head that a Guardian's tool remembers"

func broken(format string, args ...any) *IntegrityError {
	return &IntegrityError{reason: fmt.Sprintf(format, args...), hints: []string{keepCopies}}
}
