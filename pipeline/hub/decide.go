package hub

import (
	"errors"
	"fmt"
)

// Incoming is what an extract's manifest, already verified, says of it.
type Incoming struct {
	Site         string
	Sequence     int64
	AsAt         string
	Persons      int64    // rounded to 10
	Manifest     string   // SHA-256 of the manifest, in hex
	LinkageCheck string   // check value of the linkage key, 16 hex digits
	Policy       string   // id and version of what decided what the extract leaves out
	Withheld     []string // codes that the policy leaves out, sorted
	Forget       bool     // people were withdrawn: what earlier states named is removed, instead of kept in history
}

// A Decision says what becomes of an extract that is not refused.
type Decision struct {
	Skip  string   // why there is nothing to do; empty to load
	Notes []string // what the custodian should know although the extract is loaded
}

// A Rule decides about an extract, given the dataset's present state. Its error refuses.
type Rule func(State, Incoming) (Decision, error)

// Decide is the rule for full snapshots: a later one replaces the site's present one. The same extract again is a skip. An
// older sequence under another hash, an as-at date before the present one, or another linkage key is refused.
func Decide(state State, in Incoming) (Decision, error) {
	if err := in.check(); err != nil {
		return Decision{}, err
	}
	has, member := state.Member(in.Site)
	if member && has.Manifest == in.Manifest {
		return Decision{Skip: "already loaded"}, nil
	}
	if state.Generation > 0 && state.LinkageCheck != in.LinkageCheck {
		return Decision{}, &KeyMismatch{Site: in.Site, Dataset: state.LinkageCheck, Extract: in.LinkageCheck}
	}
	if !member {
		return Decision{}, nil
	}
	if in.Sequence == has.Sequence {
		return Decision{}, stale("site %s: another extract %d is loaded already", in.Site, in.Sequence)
	}
	if in.Sequence < has.Sequence {
		return Decision{}, stale("site %s: extract %d is not later than extract %d, which is loaded", in.Site, in.Sequence, has.Sequence)
	}
	if in.AsAt < has.AsAt {
		return Decision{}, stale("site %s: the extract's as-at date %s is before %s, which is loaded", in.Site, in.AsAt, has.AsAt)
	}
	return Decision{Notes: gap(in, has)}, nil
}

func gap(in Incoming, has Member) []string {
	if in.Sequence == has.Sequence+1 {
		return nil
	}
	return []string{fmt.Sprintf("site %s: extracts between %d and %d were not loaded here", in.Site, has.Sequence, in.Sequence)}
}

func stale(format string, args ...any) *IntegrityError {
	return &IntegrityError{reason: fmt.Sprintf(format, args...), hints: []string{"load the site's newest extract"}}
}

func (in Incoming) check() error {
	switch {
	case !siteForm.MatchString(in.Site):
		return errors.New("extract: its site is not a site's name")
	case in.Sequence <= 0 || in.Sequence >= 1e18:
		return errors.New("extract: its sequence is out of range")
	case in.Persons < 0 || in.Persons%10 != 0:
		return errors.New("extract: its number of people is not rounded to 10")
	case !isDate(in.AsAt):
		return errors.New("extract: its as-at date is not YYYY-MM-DD")
	case !sha256Form.MatchString(in.Manifest):
		return errors.New("extract: its manifest's hash is not SHA-256 in hex")
	case !checkForm.MatchString(in.LinkageCheck):
		return errors.New("extract: its linkage key's check value is not 16 hex digits")
	}
	return nil
}
