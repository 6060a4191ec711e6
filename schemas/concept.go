package schemas

// ConceptID says whether text is the identifier of a concept of SNOMED CT, or of
// a product of dm+d, which are concepts of the United Kingdom's extension.
//
// From the right: a check digit; two digits for the partition, 00 for a concept
// of the international edition and 10 for one of an extension; for an extension
// the seven digits of its namespace; and what is left numbers the concept. 6 to
// 18 digits in all, the first no zero (SNOMED CT Release File Specification,
// chapter 6). The check digit is Verhoeff's: every change of one digit and every
// swap of two neighbours is found.
//
// It says nothing about whether such a concept exists, but keeps what is
// something else from passing for one: of the NHS numbers of the ranges in use
// 1 in 1,000 is such an identifier by chance (TestNumbersThatPass counts them),
// and of other numbers 1 in 1,000 up to ten digits, 1 in 500 above.
func ConceptID(text []byte) bool {
	if len(text) < shortestConcept || len(text) > longestConcept || text[0] == '0' {
		return false
	}
	for _, d := range text {
		if d < '0' || d > '9' {
			return false
		}
	}
	switch string(text[len(text)-3 : len(text)-1]) {
	case "00":
	case "10":
		if len(text) < shortestExtension {
			return false
		}
	default:
		return false
	}
	return verhoeff(text) == 0
}

const (
	shortestConcept   = 6
	longestConcept    = 18
	shortestExtension = 1 + 7 + 2 + 1
)

// verhoeff works through the digits from the right and ends at 0 when the check
// digit, the last, holds (J. Verhoeff, Error Detecting Decimal Codes, 1969).
func verhoeff(digits []byte) (state byte) {
	for i := range digits {
		d := digits[len(digits)-1-i] - '0'
		for range i % 8 {
			d = turned[d]
		}
		state = combined(state, d)
	}
	return state
}

// turned is the permutation that a digit goes through once for each place.
var turned = [10]byte{1, 5, 7, 6, 2, 8, 3, 0, 9, 4}

// combined is the operation of the dihedral group of the pentagon: 0 to 4 turn
// it, 5 to 9 turn it and then flip it.
func combined(a, b byte) byte {
	switch {
	case a < 5 && b < 5:
		return (a + b) % 5
	case a < 5:
		return (a+b)%5 + 5
	case b < 5:
		return (a-b)%5 + 5 // a-b is above 0, as a is 5 or more
	}
	return (a - b + 5) % 5
}
