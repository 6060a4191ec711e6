package extract

import (
	"bytes"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"datanet/schemas"
)

// What an identifier looks like in text. The check has its own eyes, on
// purpose: it shares no code with what it checks.
var (
	postcodeText = regexp.MustCompile(`(?i)\b[A-Z]{1,2}[0-9][A-Z0-9]?[\s\x{a0}-]{0,2}[0-9][A-Z]{2}\b`)
	emailText    = regexp.MustCompile(`[^\s@]+@[^\s@]+\.[^\s@]+`)
	digitsText   = regexp.MustCompile(`[0-9]+`)
	// A date needs its separators, or two digits for month and day: 2004-12 is a month.
	yearFirstText = regexp.MustCompile(`\b([0-9]{4})(?:[/.-]([0-9]{1,2})[/.-]([0-9]{1,2})|([0-9]{2})([0-9]{2}))\b`)
	yearLastText  = regexp.MustCompile(`\b(?:([0-9]{1,2})[/.-]([0-9]{1,2})[/.-]|([0-9]{2})([0-9]{2}))([0-9]{4})\b`)
	icd10Text     = regexp.MustCompile(`^[A-Z][0-9]{2}[0-9]?$`)
	teamText      = regexp.MustCompile(`^[A-Z][0-9]{2}$`)
)

// isCode says whether a text is a code of the system. What a concept is, is
// said once, in schemas: two opinions of it would be one too many.
func isCode(text []byte, of schemas.System) bool {
	switch of {
	case schemas.Snomed:
		return schemas.ConceptID(text)
	case schemas.ICD10:
		return icd10Text.Match(text)
	case schemas.TeamType:
		return teamText.Match(text)
	}
	return false
}

// coreHead is what stands before 00 and the check digit in a concept of the
// international edition that has more digits than ten; of others it is nothing.
func coreHead(text []byte, of schemas.System) []byte {
	if head := len(text) - 3; of == schemas.Snomed && len(text) > 10 && string(text[head:head+2]) == "00" {
		return text[:head]
	}
	return nil
}

// identifier names what a text gives away, or returns nothing.
func identifier(text []byte, test bool) string {
	switch {
	case postcodeText.Match(text):
		return "a full postcode"
	case emailText.Match(text):
		return "an e-mail address"
	}
	if hasNumber(text, test) {
		return "an NHS number"
	}
	return ""
}

// hasNumber looks for ten digits that are an NHS number, in one group or in
// neighbouring ones, as in 999 000 0018, 999-000-0018 or 999.000.0018.
func hasNumber(text []byte, test bool) bool {
	groups := digitsText.FindAllIndex(text, -1)
	for i := range groups {
		var digits []byte
		for j := i; j < len(groups) && len(digits) < 10; j++ {
			if j > i && groups[j][0]-groups[j-1][1] > widestGap {
				break
			}
			digits = append(digits, text[groups[j][0]:groups[j][1]]...)
		}
		if len(digits) == 10 && isNumber(parse(digits), test) {
			return true
		}
	}
	return false
}

// widestGap is how far apart groups of one number may stand, in bytes.
const widestGap = 3

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
	for _, m := range yearFirstText.FindAllSubmatch(text, -1) {
		days = addDay(days, parse(m[1]), parse(either(m[2], m[4])), parse(either(m[3], m[5])))
	}
	for _, m := range yearLastText.FindAllSubmatch(text, -1) {
		days = addDay(days, parse(m[5]), parse(either(m[2], m[4])), parse(either(m[1], m[3])))
	}
	return days
}

func either(a, b []byte) []byte {
	if a != nil {
		return a
	}
	return b
}

// isShort says whether a number has four digits at most: it spells no day.
func isShort(v float64) bool {
	if v < 0 {
		v = -v
	}
	tens, hundreds := v*10, v*100
	return v < 1000 && tens == float64(int64(tens)) || v < 100 && hundreds == float64(int64(hundreds))
}

// digitsOf are all digits of a number but the zeros before them.
func digitsOf(v float64) []byte {
	text := bytes.Trim(strconv.AppendFloat(nil, v, 'f', -1, 64), "-")
	return bytes.TrimLeft(bytes.Replace(text, []byte("."), nil, 1), "0")
}

// spells says whether a number's digits, or those before its point, are a day in
// one of the orders of year, month and day, with four digits for the year or two;
// or the number is the day's in a spreadsheet. Zeros at either end may have been
// lost; below five digits nothing is a day.
func spells(v float64, digits []byte, day int32) bool {
	if math.Abs(math.Trunc(v)) == float64(day)+daysTo1970 {
		return true
	}
	if len(bytes.TrimRight(digits, "0")) < 5 && math.Abs(v) < 1e4 {
		return false
	}
	date := time.Unix(int64(day)*86400, 0).UTC()
	for _, form := range []string{"20060102", "02012006", "01022006", "060102", "020106", "010206"} {
		written := strings.Trim(date.Format(form), "0")
		for _, d := range [][]byte{digits, digitsOf(math.Trunc(v))} {
			if string(bytes.TrimRight(d, "0")) == written {
				return true
			}
		}
	}
	return false
}

// daysTo1970 is the number of 1 January 1970 in a spreadsheet.
const daysTo1970 = 25569

// addDay adds a day that the calendar has.
func addDay(days []int32, year, month, day int64) []int32 {
	t := time.Date(int(year), time.Month(month), int(day), 0, 0, 0, 0, time.UTC)
	if int64(t.Month()) != month || int64(t.Day()) != day {
		return days
	}
	return append(days, int32(t.Unix()/86400))
}
