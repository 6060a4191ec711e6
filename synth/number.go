package synth

// The NHS numbers of the borough all begin with 999, the range set aside for
// tests, of which 909,091 hold their check digit. They are dealt out through a
// seeded permutation, so that neighbours in the borough do not have
// neighbouring numbers. 999 999 9999 is valid by its check digit and belongs
// to nobody: it is what systems write when a form insists on a number.

// capacity is how many people the range can number.
const capacity = 909_090

// nobodys is the valid number of one repeated digit.
const nobodys = "9999999999"

// numbers holds the six digits between 999 and the check digit, by person.
type numbers []uint32

func newNumbers(seed uint64) numbers {
	all := make(numbers, 0, capacity)
	for x := range uint32(999_999) {
		if checkDigit(x) < 10 {
			all = append(all, x)
		}
	}
	newStream().start(seed, forNumbers, 0).Shuffle(len(all), func(i, j int) {
		all[i], all[j] = all[j], all[i]
	})
	return all
}

// checkDigit is the NHS number's modulus 11 check digit for 999 and six more
// digits; 10 means that no such number is issued.
func checkDigit(x uint32) int {
	sum := 9*10 + 9*9 + 9*8
	for weight := 2; weight <= 7; weight++ {
		sum += int(x%10) * weight
		x /= 10
	}
	return (11 - sum%11) % 11
}

// text is the person's ten digits.
func (n numbers) text(i int) string { return string(n.appendText(nil, i)) }

func (n numbers) appendText(b []byte, i int) []byte {
	x := n[i]
	b = append(b, '9', '9', '9')
	for unit := uint32(100_000); unit > 0; unit /= 10 {
		b = append(b, byte('0'+x/unit%10))
	}
	return append(b, byte('0'+checkDigit(x)))
}

// spoiled is the person's number with a check digit that does not hold.
func (n numbers) spoiled(i int, by int) string {
	b := n.appendText(nil, i)
	b[9] = '0' + (b[9]-'0'+byte(1+by%9))%10
	return string(b)
}

// spaced is the person's number in groups of 3, 3 and 4 digits.
func (n numbers) spaced(i int, separator string) string {
	t := n.text(i)
	return t[:3] + separator + t[3:6] + separator + t[6:]
}
