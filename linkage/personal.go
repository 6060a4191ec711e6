package linkage

import (
	"regexp"
	"strings"
)

const (
	asNumber   = "holds what reads as an NHS number"
	asPostcode = "holds what reads as a full postcode"
)

// fullPostcode is a whole postcode of the United Kingdom, in either case, with a space between its halves or none. Letters that no
// postcode has in their place are left out of it (Royal Mail, Programmers' Guide to the Postcode Address File), so that "Q1 2nd" is none.
var fullPostcode = regexp.MustCompile(`(?i)(^|[^A-Z0-9])([A-PR-UWYZ][A-HK-Y]?[0-9][A-Z0-9]?|GIR) ?[0-9][ABD-HJLNP-UW-Z]{2}([^A-Z0-9]|$)`)

// Impersonal is nil if nothing in some words that are to be recorded, or to become part of a name, reads as the number or the address of a person. The
// error is a *FormError and names the field.
func Impersonal(field, words string) error {
	var f faults
	f.impersonal(field, words)
	return f.err()
}

// impersonal says why words must not be recorded, where everybody reads them for ever: "" if nothing in them reads as the number or the
// address of a person. It guards against a slip, not against somebody who wants to write a number down. It is asked of what people are about
// to write, and never of what a ledger holds.
func impersonal(words string) string {
	for i := range words {
		if numbered(words, i) {
			return asNumber
		}
	}
	if fullPostcode.MatchString(words) {
		return asPostcode
	}
	return ""
}

// numbered says whether an NHS number begins at i: ten digits, or three, three and four, the last one apart perhaps, with up to two characters
// between that are neither letters nor digits, of which the last is the check digit, with no digit on either side.
func numbered(words string, i int) bool { return numberEnd(words, i) > i }

// numberEnd is where the NHS number ends that begins at i; i if none does.
func numberEnd(words string, i int) int {
	digit := func(i int) bool { return i >= 0 && i < len(words) && '0' <= words[i] && words[i] <= '9' }
	if digit(i - 1) {
		return i
	}
	var digits []int
	for at := i; digit(at); at++ {
		digits = append(digits, int(words[at]-'0'))
		if n := len(digits); n == 3 || n == 6 || n == 9 {
			at += gap(words[at+1:])
		}
		if len(digits) == 10 {
			if digit(at+1) || !checkDigitHolds(digits) {
				return i
			}
			return at + 1
		}
	}
	return i
}

// Masked is a message without what reads as an NHS number: somebody may have typed one where an id belongs.
func Masked(message string) string {
	var out strings.Builder
	for i := 0; i < len(message); i++ {
		if end := numberEnd(message, i); end > i {
			out.WriteString("[number]")
			i = end - 1
			continue
		}
		out.WriteByte(message[i])
	}
	return out.String()
}

// gap counts the characters, two at most, that part one digit from the next.
func gap(words string) int {
	for n := range min(3, len(words)) {
		if '0' <= words[n] && words[n] <= '9' {
			return n
		}
		if !strings.ContainsRune(" -./_,:;()[]", rune(words[n])) {
			break
		}
	}
	return 0
}

// checkDigitHolds is the modulus 11 check of the NHS number (NHS Data Dictionary, NHS NUMBER): the first nine digits weigh 10 down to 2,
// the check digit makes up the next multiple of 11, and where that takes 10 there is no such number.
func checkDigitHolds(digits []int) bool {
	sum := 0
	for n, d := range digits {
		sum += d * (10 - n)
	}
	// digits[9] weighs 1, so a number whose check digit holds sums to a multiple of 11. A needed 10 cannot be written in one digit.
	return sum%11 == 0
}
