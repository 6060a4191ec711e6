package disclose

// A Reason is why a cell is withheld. It is for the risk report inside the hub and must not reach a publication:
// knowing which rule fired would tell a small count from a large one.
type Reason uint8

// The reasons, in the order in which the rules are asked.
const (
	Shown               Reason = iota
	DenominatorWithheld        // a row never shows one without the other
	Zero                       // nobody, and that may not be shown here
	Small                      // 1–7 people
	PerturbedSmall             // more people, but the noise made it look small
	Group                      // all of a group, or all but one, have a sensitive attribute
	AboveDenominator           // noise put the numerator above its denominator
	Repair                     // would have helped to work out another cell
)

var reasons = [...]string{
	"shown", "denominator withheld", "zero", "small", "perturbed small", "group", "above denominator", "repair",
}

// String is the reason in words, for the risk report.
func (r Reason) String() string { return reasons[r] }
