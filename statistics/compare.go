package statistics

// Outcome says how an interval lies to a reference value.
type Outcome string

// The three outcomes. No judgement is in the words: more diagnoses found is not worse.
const (
	Higher  Outcome = "higher"
	Similar Outcome = "similar"
	Lower   Outcome = "lower"
)

// Compare sets an interval beside a reference by the public health convention (Fingertips technical guidance): an
// interval wholly above is higher, wholly below is lower, and one that touches or holds the reference is similar.
// Anything that is not a number is similar: no claim is made from it.
func Compare(lower, upper, reference float64) Outcome {
	switch {
	case lower > reference && upper >= lower:
		return Higher
	case upper < reference && lower <= upper:
		return Lower
	}
	return Similar
}
