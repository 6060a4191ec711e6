package synth

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The gates of an extract, in their order: the first that stops a
// registration is the one the answer key names.
const (
	gateOrganisation = "other-organisation"
	gateAgreement    = "agreement" // planted nowhere: every practice takes part
	gateTest         = "test"
	gateDeleted      = "deleted"
	gateOptOut       = "type-1"
	gateRestricted   = "restricted"
	gateConfidential = "confidential"
)

// An outcome says that a row stands under the number of a person, and what
// that means: one or two of the flags of seen.
type outcome struct {
	owner int32
	seen  uint8
}

// A finding is what a registration's own entries say.
type finding struct {
	ethnicity  int
	smoking    string
	conditions uint16
	optedOut   bool
}

// find reads the planted entries as an extract must: only those that count,
// the latest informative ethnicity, the latest word on smoking, the latest choice, and a condition unless
// it was resolved after it was last found.
func (r *recorder) find() finding {
	f := finding{ethnicity: notRecorded}
	var found, resolved [16]day
	for c := range found {
		found[c], resolved[c] = never, never
	}
	asked, chosen, smoked := never, never, never
	for i := range r.entries {
		e := &r.entries[i]
		if !r.counts(e) {
			continue
		}
		switch {
		case e.kind == diagnosis:
			found[e.subject] = max(found[e.subject], e.at)
		case e.kind == resolution:
			resolved[e.subject] = max(resolved[e.subject], e.at)
		case e.kind == ethnicity && e.subject != notStated && e.at >= asked:
			asked, f.ethnicity = e.at, int(e.subject)
		case e.kind == ethnicity && f.ethnicity == notRecorded:
			f.ethnicity = notStated
		case e.kind == habit && e.at >= smoked:
			smoked, f.smoking = e.at, r.codes.codes[e.code].category
		case (e.kind == optOut || e.kind == withdrawal) && e.at >= chosen:
			chosen, f.optedOut = e.at, e.kind == optOut
		}
	}
	for c := range r.names {
		if found[c] != never && resolved[c] <= found[c] {
			f.conditions |= 1 << c
		}
	}
	return f
}

func (f *folder) gate(found finding) string {
	switch {
	case f.who.kind == branch:
		return gateOrganisation
	case f.who.kind == dummy:
		return gateTest
	case f.who.kind == deleted:
		return gateDeleted
	case found.optedOut:
		return gateOptOut
	case f.who.marks.any(restricted):
		return gateRestricted
	case f.isConfidential():
		return gateConfidential
	}
	return ""
}

// usable says whether the recorded number is a match key: ten digits, a check
// digit that holds, not one digit repeated.
func (f *folder) usable() bool {
	if f.who.kind == dummy && f.person%3 == 0 {
		return false
	}
	return f.k > 0 || !f.who.marks.any(numberBlank|numberInvalid|numberRepeated)
}

func (f *folder) truthPart() string {
	return filepath.Join(filepath.Dir(filepath.Dir(f.dir)), "truth", f.own.site+".part")
}

func (f *folder) truthColumns() []string {
	columns := []string{"site", "person_id", "nhs_number_recorded", "usable", "registered_from", "registered_to",
		"current", "gate", "birth_year", "death_year", "sex", "ethnicity", "smoking", "ward", "lsoa", "imd_decile"}
	return append(columns, f.names...)
}

func (f *folder) writeTruth() {
	found, s := f.find(), f.truth
	gate := f.gate(found)
	if f.who.kind == branch {
		s.text(branchSite)
	} else {
		s.text(f.own.site)
	}
	s.text(f.personID(f.person))
	s.text(f.recordedNumber())
	s.bool(f.usable())
	s.month(f.reg.from)
	s.month(f.reg.to)
	s.bool(f.reg.from <= f.today && f.reg.to == never && f.who.death == never)
	s.text(gate)
	s.year(f.reg.birth)
	s.year(f.who.death)
	s.text(string(rune(f.who.recordedSex)))
	s.text(letter(f.categories, found.ethnicity))
	s.text(found.smoking)
	f.writePlace(s, f.reg.home)
	for c := range f.names {
		s.bool(found.conditions>>c&1 == 1)
	}
	s.end()
	f.credit(gate)
}

// credit notes under whose number the row stands.
func (f *folder) credit(gate string) {
	owner := int32(f.person)
	if f.k == 0 && f.who.owner >= 0 {
		owner = f.who.owner
	}
	if f.usable() && f.who.kind != branch && f.who.kind != dummy {
		seen := inPrimaryCare
		if gate == "" {
			seen |= linksPrimaryCare
		}
		f.outcomes = append(f.outcomes, outcome{owner, seen})
	}
}

// writePlace writes ward, area and decile.
func (f *folder) writePlace(s *sheet, h home) {
	s.text(f.borough.wardWord(h))
	if h.area < 0 {
		s.blank(2)
		return
	}
	s.text(f.borough.areas[h.area].Code)
	s.int(f.borough.areas[h.area].IMDDecile)
}

// personID is a real person's; a dummy is nobody.
func (p *plan) personID(i int) string {
	if i >= p.sections.real() {
		return ""
	}
	b := []byte("P0000000")
	i++ // from 1
	for at := len(b) - 1; i > 0; at-- {
		b[at] = byte('0' + i%10)
		i /= 10
	}
	return string(b)
}

// peopleColumns are those of the key to people.
var peopleColumns = []string{"person_id", "nhs_number", "birth_date", "sex", "ethnicity", "lsoa", "ward",
	"in_primary_care", "links_primary_care", "in_slam", "links_slam", "in_maternity", "links_maternity",
	"is_mother", "is_baby", "mother"}

// writePeople writes the key to people, from what all sources recorded.
func (w *writer) writePeople() error {
	s, err := createSheet(filepath.Join(w.dir, "truth", "people.csv"), peopleColumns, false)
	if err != nil {
		return err
	}
	for i := range w.sections.real() {
		if w.isKept(i) {
			w.writePerson(s, i)
			w.written++
		}
	}
	return s.close()
}

// isKept: people whom only a trust knows are nobody when it is not written.
func (w *writer) isKept(i int) bool {
	switch w.people[i].kind {
	case slamOnly:
		return w.has(slam)
	case motherOnly, babyOnly:
		return w.has(maternity)
	}
	return true
}

func (w *writer) writePerson(s *sheet, i int) {
	who := &w.people[i]
	s.text(w.personID(i))
	s.text(w.numbers.text(i))
	s.day(who.birth)
	s.text(string(rune(who.sex)))
	s.text(w.categories[who.ethnicity].letter)
	if h := who.regs[0].home; h.area >= 0 {
		s.text(w.borough.areas[h.area].Code)
	} else {
		s.blank(1)
	}
	s.text(w.borough.wardWord(who.regs[0].home))
	for _, flag := range [...]uint8{inPrimaryCare, linksPrimaryCare, inSLaM, linksSLaM, inMaternity, linksMaternity, isMother, isBaby} {
		s.bool(w.seen[i]&flag != 0)
	}
	mothers := w.mothersOf[int32(i)]
	slices.Sort(mothers)
	var ids []string
	for _, m := range mothers {
		ids = append(ids, w.personID(int(m)))
	}
	s.text(strings.Join(ids, " "))
	s.end()
}

// writeWhere writes the ward and the area of a trust's address.
func (e *export) writeWhere(h home) {
	e.truth.text(e.borough.wardWord(h))
	if h.area < 0 {
		e.truth.blank(1)
		return
	}
	e.truth.text(e.borough.areas[h.area].Code)
}

// joinRegistrations puts the practices' parts of the key together.
func (w *writer) joinRegistrations() error {
	to, err := os.Create(filepath.Join(w.dir, "truth", "registrations.csv"))
	if err != nil {
		return err
	}
	defer to.Close()
	for i := range w.practices {
		part := filepath.Join(w.dir, "truth", w.practices[i].site+".part")
		b, err := os.ReadFile(part)
		if err != nil {
			return err
		}
		if i > 0 {
			b = afterLine(b)
		}
		if _, err := to.Write(b); err != nil {
			return err
		}
		if err := os.Remove(part); err != nil {
			return err
		}
	}
	return to.Close()
}

func afterLine(b []byte) []byte {
	for i, c := range b {
		if c == '\n' {
			return b[i+1:]
		}
	}
	return nil
}
