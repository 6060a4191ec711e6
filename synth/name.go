package synth

import (
	"fmt"
	"strings"
)

// nameMarker stands in every name, address and e-mail of the borough, so that a
// test can search for it wherever nothing that identifies may arrive.
const nameMarker = "Quillmarker"

// idMarker begins every local id of the trusts: of patients, mothers, babies,
// pregnancies, referrals, contacts and staff.
const idMarker = "QUILLID"

// Markers are the strings, in lower case, of which each direct identifier of
// the borough holds one, apart from NHS numbers, postcodes and GUIDs: names,
// addresses and e-mails the first, telephone numbers (from the ranges that
// Ofcom keeps for drama) one of the next two, the trusts' local ids the last.
func Markers() []string {
	return []string{strings.ToLower(nameMarker), homePhones, mobilePhones, strings.ToLower(idMarker)}
}

const (
	homePhones   = "02079460"
	mobilePhones = "07700900"
)

// suffix spells a number in syllables.
func suffix(n uint64) string {
	const consonants, vowels = "bdfgklmnprstvz", "aeiou"
	var b [6]byte
	for i := 0; i < len(b); i += 2 {
		b[i] = consonants[n%uint64(len(consonants))]
		n /= uint64(len(consonants))
		b[i+1] = vowels[n%uint64(len(vowels))]
		n /= uint64(len(vowels))
	}
	return string(b[:])
}

// A persona is what a practice writes about who somebody is.
type persona struct {
	n uint64
}

func personaOf(seed uint64, person int) persona {
	return persona{mix(seed+uint64(forNames)<<56) ^ mix(uint64(person))}
}

func (p persona) given() string {
	switch p.n % 40 {
	case 0:
		return nameMarker + "-Zoë-" + suffix(p.n>>8)
	case 1:
		return nameMarker + " D'" + suffix(p.n>>8)
	}
	return nameMarker + suffix(p.n>>8)
}

func (p persona) surname() string { return nameMarker + suffix(p.n>>24) }

func (p persona) title(sex byte) string {
	switch sex {
	case 'M':
		return "Mr"
	case 'F':
		return "Ms"
	}
	return "Mx"
}

func (p persona) house() string {
	if p.n>>4%3 == 0 {
		return fmt.Sprintf("Flat %d, %s House", 1+p.n>>12%60, nameMarker)
	}
	return ""
}

func (p persona) street() string {
	return fmt.Sprintf("%d %s%s Road", 1+p.n>>16%200, nameMarker, suffix(p.n>>40%97))
}

func (p persona) email() string {
	if p.n>>6%3 > 0 {
		return ""
	}
	return strings.ToLower(nameMarker) + suffix(p.n>>8) + suffix(p.n>>24) + "@" + strings.ToLower(nameMarker) + ".invalid"
}

func (p persona) homePhone() string {
	if p.n>>7%2 > 0 {
		return ""
	}
	return fmt.Sprintf("%s%03d", homePhones, p.n>>20%1000)
}

func (p persona) mobile() string { return fmt.Sprintf("%s%03d", mobilePhones, p.n>>32%1000) }

func (p persona) carer() (name, relation string) {
	if p.n>>9%50 > 0 {
		return "", ""
	}
	return nameMarker + suffix(p.n>>30), "Daughter"
}

// comment is free text, with everything in it that CSV must quote.
func (p persona) comment() string {
	switch p.n >> 10 % 100 {
	case 0:
		return "Asks for \"" + nameMarker + suffix(p.n>>16) + "\", not by post"
	case 1:
		return "Key with " + nameMarker + suffix(p.n>>16) + ",\nsecond floor"
	}
	return ""
}
