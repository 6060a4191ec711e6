package extract

import (
	"regexp"
	"time"
)

// What an identifier looks like in text. The check has its own eyes, on
// purpose: it shares no code with what it checks.
var (
	postcodeText = regexp.MustCompile(`(?i)\b[A-Z]{1,2}[0-9][A-Z0-9]? ?[0-9][A-Z]{2}\b`)
	emailText    = regexp.MustCompile(`[^\s@]+@[^\s@]+\.[^\s@]+`)
	numberText   = regexp.MustCompile(`[0-9](?:[ -]?[0-9]){9,}`)
	dayText      = regexp.MustCompile(`\b(?:([0-9]{4})-?([0-9]{2})-?([0-9]{2})|([0-9]{2})[/.-]([0-9]{2})[/.-]([0-9]{4}))\b`)
)

// identifier names what a text gives away, or returns nothing.
func identifier(text []byte, test bool) string {
	switch {
	case postcodeText.Match(text):
		return "a full postcode"
	case emailText.Match(text):
		return "an e-mail address"
	}
	for _, run := range numberText.FindAll(text, -1) {
		digits := onlyDigits(run)
		if len(digits) == 10 && isNumber(parse(digits), test) {
			return "an NHS number"
		}
	}
	return ""
}

// isNumber says whether n is a valid NHS number of an issued range: 4, 6 and 7,
// and 9 where test numbers are what is coded. Modulus 11 over all ten digits
// with the weights 10 to 1 (NHS Data Dictionary).
func isNumber(n int64, test bool) bool {
	if n < 1e9 || n > 9_999_999_999 {
		return false
	}
	first, sum := n/1e9, int64(0)
	if first != 4 && first != 6 && first != 7 && !(test && first == 9) {
		return false
	}
	for weight := int64(1); n > 0; weight++ {
		sum += n % 10 * weight
		n /= 10
	}
	return sum%11 == 0
}

func onlyDigits(run []byte) []byte {
	var digits []byte
	for _, b := range run {
		if b >= '0' && b <= '9' {
			digits = append(digits, b)
		}
	}
	return digits
}

func parse(digits []byte) int64 {
	var n int64
	for _, d := range digits {
		n = n*10 + int64(d-'0')
	}
	return n
}

// daysIn finds full dates in a text, as days since 1970.
func daysIn(text []byte) []int32 {
	var days []int32
	for _, m := range dayText.FindAllSubmatch(text, -1) {
		y, mo, d := m[1], m[2], m[3]
		if y == nil {
			y, mo, d = m[6], m[5], m[4]
		}
		t := time.Date(int(parse(y)), time.Month(parse(mo)), int(parse(d)), 0, 0, 0, 0, time.UTC)
		days = append(days, int32(t.Unix()/86400))
	}
	return days
}
