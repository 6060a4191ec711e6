package pseudonym

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
)

// NHSNumber is a checked NHS number: ten digits that passed ParseNHSNumber.
// The digits cannot be taken out, only coded (Coder.Code); every way of
// printing the value prints [nhs number]. Two values are == when their numbers
// are equal, within one process only. The zero value holds no number.
type NHSNumber struct {
	// Ten digits of four bits each, exclusive-or'ed with a mask drawn when the
	// process starts, and bit 63 set. The mask is there because a Go traceback
	// prints arguments as hexadecimal words, and fmt prints unexported fields of
	// other people's structs: both show noise. It is not encryption.
	masked uint64
}

const (
	nhsDigits  = 10
	numberBit  = 1 << 63
	digitsMask = 1<<(4*nhsDigits) - 1
)

var processMask = func() uint64 {
	var b [8]byte
	rand.Read(b[:])
	return binary.LittleEndian.Uint64(b[:]) & digitsMask
}()

func maskNumber(packed uint64) NHSNumber { return NHSNumber{packed ^ processMask | numberBit} }

// digits writes the ten ASCII digits to dst. It panics on the zero value: a
// number that was refused must never get a code, or it would link people.
func (n NHSNumber) digits(dst *[nhsDigits]byte) {
	if n.masked&numberBit == 0 {
		panic("pseudonym: use of an NHS number that was refused")
	}
	packed := n.masked ^ processMask
	for i := nhsDigits - 1; i >= 0; i-- {
		dst[i] = '0' + byte(packed&15)
		packed >>= 4
	}
}

// Format prints [nhs number] whatever the verb and flags.
func (NHSNumber) Format(s fmt.State, _ rune) { io.WriteString(s, redactedNumber) }

// String returns [nhs number].
func (NHSNumber) String() string { return redactedNumber }

// GoString returns [nhs number].
func (NHSNumber) GoString() string { return redactedNumber }

// MarshalText returns [nhs number].
func (NHSNumber) MarshalText() ([]byte, error) { return []byte(redactedNumber), nil }

// MarshalJSON returns "[nhs number]".
func (NHSNumber) MarshalJSON() ([]byte, error) { return []byte(`"` + redactedNumber + `"`), nil }

// LogValue returns [nhs number].
func (NHSNumber) LogValue() slog.Value { return slog.StringValue(redactedNumber) }

// Problem says why a field holds no usable NHS number.
type Problem uint8

// The problems, in the order in which they are looked for: a number with two
// of them is given the first.
const (
	OK            Problem = iota // usable
	Blank                        // nothing, or white space only
	Malformed                    // not ten digits in an accepted writing
	RepeatedDigit                // one digit ten times; all ten of them pass modulus 11
	CheckDigit                   // the tenth digit is not the modulus 11 check digit
	OutOfRange                   // well-formed, but outside the range asked for
)

var problems = [...]string{"ok", "blank", "malformed", "repeated-digit", "check-digit", "out-of-range"}

// String returns the problem's word, as manifests and reject files hold it.
func (p Problem) String() string {
	if int(p) >= len(problems) {
		return "unknown"
	}
	return problems[p]
}

// Range is the part of the number space that a run accepts.
type Range uint8

const (
	// Live accepts the ranges issued in England, Wales and the Isle of Man:
	// first digit 4, 6 or 7.
	Live Range = iota
	// Test accepts numbers that are never issued: first digit 9.
	Test
)

func (r Range) holds(first byte) bool {
	switch r {
	case Live:
		return first == 4 || first == 6 || first == 7
	case Test:
		return first == 9
	}
	return false
}

// ParseNHSNumber reads an NHS number as source systems write it: ten ASCII
// digits, each pair of neighbours separated by nothing, one space or one hyphen
// (9990000018, 999 000 0018, 999-000-0018), with white space around. Anything
// else is refused: a short integer has lost its zeros or something worse, and
// 9.990000018E9 has been through a spreadsheet. It does not allocate.
//
// The check digit is the NHS Data Dictionary's modulus 11: the sum of the first
// nine digits weighted 10 to 2, modulo 11, taken from 11; 11 counts as 0 and 10
// is never issued.
func ParseNHSNumber(raw []byte, r Range) (NHSNumber, Problem) {
	raw = trimSpace(raw)
	if len(raw) == 0 {
		return NHSNumber{}, Blank
	}
	packed, ok := packDigits(raw)
	if !ok {
		return NHSNumber{}, Malformed
	}
	if p := judge(packed, r); p != OK {
		return NHSNumber{}, p
	}
	return maskNumber(packed), OK
}

func judge(packed uint64, r Range) Problem {
	const repunit = 0x1111111111
	first := packed >> (4 * (nhsDigits - 1))
	switch {
	case packed == first*repunit:
		return RepeatedDigit
	case !checkDigitHolds(packed):
		return CheckDigit
	case !r.holds(byte(first)):
		return OutOfRange
	}
	return OK
}

// checkDigitHolds weighs all ten digits, 10 down to 1: the check digit is right
// exactly when that sum is a multiple of 11. A needed check digit of 10 cannot
// be written, so such numbers never pass.
func checkDigitHolds(packed uint64) bool {
	sum := uint64(0)
	for weight := uint64(1); weight <= nhsDigits; weight++ {
		sum += weight * (packed & 15)
		packed >>= 4
	}
	return sum%11 == 0
}

// packDigits reads exactly ten digits, four bits each, the first one highest.
func packDigits(b []byte) (packed uint64, ok bool) {
	if len(b) > 2*nhsDigits-1 {
		return 0, false
	}
	n, separated := 0, true
	for _, c := range b {
		switch {
		case '0' <= c && c <= '9':
			packed, n, separated = packed<<4|uint64(c-'0'), n+1, false
		case (c == ' ' || c == '-') && !separated:
			separated = true
		default:
			return 0, false
		}
	}
	return packed, n == nhsDigits && !separated
}

func trimSpace(b []byte) []byte {
	for len(b) > 0 && isSpace(b[0]) {
		b = b[1:]
	}
	for len(b) > 0 && isSpace(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}

func isSpace(c byte) bool { return c == ' ' || '\t' <= c && c <= '\r' }
