package disclose

import "fmt"

// Policy is the record of how counts were protected: one line of it goes into the ledger and beside every publication.
// There is one policy; its parameters are fixed here and are assumed known to whoever attacks a publication.
type Policy struct {
	Name      string `json:"policy"`
	Distance  int    `json:"distance"`  // D: noise lies in −D…D
	Variance  int    `json:"variance"`  // of the noise
	Stay      string `json:"stay"`      // least probability of no noise
	Threshold int    `json:"threshold"` // true or perturbed counts of 1…Threshold are withheld
	Base      int    `json:"base"`      // shown counts are multiples of it
	Outsiders int    `json:"outsiders"` // sensitive: withheld when at most so many of a group lack the attribute
	Width     int    `json:"width"`     // a withheld count must stay uncertain by at least this much
	Rounds    int    `json:"rounds"`    // repairs before the whole publication is refused
}

// PolicyName is what people call the policy: `--policy lattice`.
const PolicyName = "lattice"

// Lattice is the policy of every publication.
func Lattice() Policy {
	return Policy{
		Name: PolicyName, Distance: 5, Variance: 3, Stay: "0.5",
		Threshold: 7, Base: 5, Outsiders: 1, Width: 3, Rounds: 30,
	}
}

// String is the policy as the ledger holds it.
func (p Policy) String() string {
	return fmt.Sprintf("%s D=%d V=%d stay=%s threshold=%d base=%d outsiders=%d width=%d rounds=%d",
		p.Name, p.Distance, p.Variance, p.Stay, p.Threshold, p.Base, p.Outsiders, p.Width, p.Rounds)
}

// slack is how far rounding to Base moves a count at most.
func (p Policy) slack() int64 { return int64(p.Base / 2) }

// reach is the largest true count that the threshold alone can withhold: Threshold true people plus the lowest noise.
func (p Policy) reach() int64 { return int64(p.Threshold + p.Distance) }

// inverse is every true count that can stand behind a shown one: [r−7, r+7], and never below 8, because 1–7 is not
// shown. A shown zero is a true zero, because no noise reaches from 8 down to 0.
func (p Policy) inverse(shown int64) (lo, hi int64) {
	if shown == 0 {
		return 0, 0
	}
	spread := int64(p.Distance) + p.slack()
	return max(int64(p.Threshold)+1, shown-spread), shown + spread
}
