package synth

import "encoding/binary"

// A guid is written in braces and upper case, as EMIS does.
type guid [16]byte

// What a GUID names. Patients' GUIDs are unique within an organisation only.
const (
	guidOfOrganisation uint64 = iota + 1
	guidOfAgreement
	guidOfStaff
	guidOfPatient
	guidOfPerson
	guidOfEntry
	guidOfDrugRecord
	guidOfIssue
)

// guidFor is the GUID of the b-th thing of a, the same in every run.
func guidFor(seed, what, a, b uint64) (g guid) {
	x := mix(seed + uint64(forGUID)<<56 + what)
	high := mix(x ^ mix(a))
	low := mix(high + b)
	binary.BigEndian.PutUint64(g[:8], mix(low^a))
	binary.BigEndian.PutUint64(g[8:], low)
	g[6] = g[6]&0x0f | 0x40
	g[8] = g[8]&0x3f | 0x80
	return g
}

const hexDigits = "0123456789ABCDEF"

func appendGUID(b []byte, g guid) []byte {
	b = append(b, '{')
	b = appendBareGUID(b, g)
	return append(b, '}')
}

func appendBareGUID(b []byte, g guid) []byte {
	for i, c := range g {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			b = append(b, '-')
		}
		b = append(b, hexDigits[c>>4], hexDigits[c&15])
	}
	return b
}
