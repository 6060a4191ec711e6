package synth

import (
	"strings"
)

// The rows of EMIS Web's extract, specification v8.2. Fields follow the
// specification's order; a comment names those that a blank or a constant leaves unclear.

func (f *folder) writeOrganisations() {
	f.writeOrganisation(f.own.organisation, "Synthetic Practice "+f.own.site, f.own.site, "GP Practice")
	f.writeOrganisation(f.branchGUID(), "Synthetic Branch "+branchSite, branchSite, "GP Practice")
	for i, g := range f.own.staff {
		f.writeUser(g, f.own.organisation, uint64(i))
	}
	f.writeUser(guidFor(f.Seed, guidOfStaff, 1<<32, 0), f.branchGUID(), 99)
	f.writeAgreement(f.own.organisation)
	f.writeAgreement(f.branchGUID())
}

func (f *folder) writeOrganisation(g guid, name, ods, what string) {
	s := f.sheets[organisationTable]
	s.guid(g)
	s.text(f.own.number()) // CDB
	s.text(name)
	s.text(ods)
	s.blank(2) // parent, commissioner
	s.text(what)
	s.text("1995-04-01")
	s.blank(2) // close date, main location
	f.process(organisationTable)
}

func (f *folder) writeUser(g, organisation guid, n uint64) {
	who := personaOf(f.Seed+1, f.practice<<8|int(n))
	s := f.sheets[userTable]
	s.guid(g)
	s.guid(organisation)
	s.text("Dr")
	s.text(who.given())
	s.text(who.surname())
	s.text("R0260")
	s.text("General Medical Practitioner")
	s.text("2015-01-01")
	s.blank(2) // contract end, registration number
	f.process(userTable)
}

func (f *folder) writeAgreement(organisation guid) {
	s := f.sheets[agreementTable]
	s.guid(organisation)
	s.bool(true) // activated
	s.text("2024-04-01")
	s.bool(false) // disabled
	s.bool(false) // deleted
	s.end()
}

func (f *folder) writeCodes() {
	for _, c := range f.codes.codes {
		s := f.sheets[clinicalCodeTable]
		s.int(c.id)
		s.text(c.term)
		s.text(c.read)
		s.text(c.concept)
		s.blank(5) // description, national codes and category
		s.blank(1) // parent
		f.process(clinicalCodeTable)
	}
	written := 0
	for _, d := range f.drugs {
		if d.id <= written {
			continue // a product for several conditions
		}
		written = d.id
		s := f.sheets[drugCodeTable]
		s.int(d.id)
		s.text(d.term)
		s.text(d.dmd)
		s.text(d.bnf)
		f.process(drugCodeTable)
	}
}

func (f *folder) writePatient() {
	s, who := f.sheets[patientTable], personaOf(f.Seed, f.person)
	s.guid(f.patientGUID())
	s.guid(f.organisation())
	s.guid(f.clinician(uint64(f.person)))
	s.text(string(rune(f.who.recordedSex)))
	s.day(f.reg.birth)
	s.day(f.who.death)
	s.text(who.title(f.who.recordedSex))
	s.text(who.given())
	s.blank(1) // middle names
	s.text(who.surname())
	s.day(f.reg.from)
	s.text(f.recordedNumber())
	s.int(10_000 + f.person) // patient number
	f.writePatientType()
	s.text(who.house())
	s.text(who.street())
	s.blank(1) // village
	s.text(nameMarker + "ham")
	s.text(nameMarker + "shire")
	s.text(f.writtenPostcode())
	s.blank(2) // residential institute, NHS number status
	f.writeCarer(who)
	s.guid(guidFor(f.Seed, guidOfPerson, uint64(f.person), uint64(f.k)))
	s.day(f.reg.to)
	f.writePatientFlags()
	s.text(who.email())
	s.text(who.homePhone())
	s.text(who.mobile())
	s.blank(3) // usual GP elsewhere
	s.text(who.comment())
	f.process(patientTable)
	f.writePatientHistory()
}

// writePatientType marks dummies in one of EMIS's two ways.
func (f *folder) writePatientType() {
	s := f.sheets[patientTable]
	byText := f.who.kind == dummy && f.person%2 == 0
	if byText {
		s.text("  Dummy")
	} else {
		s.text("Regular")
	}
	s.bool(f.who.kind == dummy && !byText)
}

func (f *folder) writeCarer(who persona) {
	name, relation := who.carer()
	f.sheets[patientTable].text(name)
	f.sheets[patientTable].text(relation)
}

func (f *folder) writePatientFlags() {
	s := f.sheets[patientTable]
	s.bool(f.who.kind == deleted)
	s.bool(f.who.marks.any(restricted))
	s.bool(f.isConfidential())
}

// isConfidential: only the latest registration asked for it.
func (f *folder) isConfidential() bool { return f.k == 0 && f.who.marks.any(confidential) }

// recordedNumber is the NHS number as this registration has it. The older
// registration has it right.
func (f *folder) recordedNumber() string {
	switch {
	case f.who.kind == dummy && f.person%3 == 0:
		return nobodys
	case f.k > 0:
		return f.numbers.text(f.person)
	}
	return f.numberAs(f.person, f.who.owner, f.who.marks)
}

// numberAs is how a row with the marks has the person's number, or the number
// of its owner.
func (p *plan) numberAs(person int, owner int32, m marks) string {
	switch {
	case m.any(numberBlank):
		return ""
	case m.any(numberInvalid):
		return p.numbers.spoiled(person, person)
	case m.any(numberRepeated):
		return nobodys
	case m.any(numberBorrowed):
		return p.numbers.text(int(owner))
	case m.any(numberSpaced):
		return p.numbers.spaced(person, [...]string{" ", "-"}[person%2])
	}
	return p.numbers.text(person)
}

// writtenPostcode is without its space, as EMIS keeps it, but for one in ten
// that somebody typed.
func (f *folder) writtenPostcode() string {
	pc := f.reg.home.postcodeText()
	switch mix(f.Seed^uint64(f.person)) % 100 {
	case 0:
		return strings.ToLower(pc)
	case 1, 2, 3, 4, 5, 6, 7, 8, 9:
		return pc
	}
	return strings.ReplaceAll(pc, " ", "")
}

func (f *folder) writePatientHistory() {
	if float64(mix(f.Seed^uint64(f.person)<<8)%10_000) >= 10_000*f.rates.Record.HistoryRow {
		return
	}
	s := f.sheets[historyTable]
	s.guid(f.patientGUID())
	s.guid(f.organisation())
	s.day(f.reg.from)
	s.clock(uint64(f.person))
	s.text("Registered")
	f.process(historyTable)
}

func (f *folder) writeEntries() {
	patient, organisation := f.patientGUID(), f.organisation()
	for i := range f.entries {
		e := &f.entries[i]
		g := f.draw(guidOfEntry)
		f.writeObservation(e, g, patient, organisation)
		if e.kind == diagnosis {
			f.writeProblem(e, g, patient, organisation)
		}
	}
}

// entered is the day on which somebody typed what happened on at: never
// before registration.
func (f *folder) entered(at day) day { return min(max(at, f.reg.from), max(f.last, f.reg.from)) }

func (f *folder) writeObservation(e *entry, g, patient, organisation guid) {
	s, staff := f.sheets[observationTable], f.clinician(f.drawn)
	s.guid(g)
	s.guid(patient)
	s.guid(organisation)
	s.day(e.at)
	s.text(e.precision.String())
	s.day(f.entered(e.at))
	s.clock(f.drawn)
	s.guid(staff)
	s.guid(staff)
	s.blank(1) // parent observation
	s.int(f.codes.codes[e.code].id)
	s.blank(2) // problem, consultation
	f.writeValue(e)
	s.blank(2) // range
	s.blank(2) // document, qualifiers
	s.bool(false)
	s.blank(1) // abnormal reason
	s.text(episode(e))
	s.bool(e.deleted)
	s.bool(e.confidential)
	f.process(observationTable)
}

var units = [...]struct {
	name   string
	tenths bool
}{systolic: {"mmHg", false}, diastolic: {"mmHg", false}, bodyMass: {"kg/m2", true},
	hba1c: {"mmol/mol", false}, cholesterol: {"mmol/L", true}}

// writeValue writes value, unit and type of an observation.
func (f *folder) writeValue(e *entry) {
	s := f.sheets[observationTable]
	if e.kind != measurement {
		s.blank(2)
		s.text("Observation")
		return
	}
	if u := units[e.subject]; u.tenths {
		s.tenths(int(e.value))
	} else {
		s.int(int(e.value) / 10)
	}
	s.text(units[e.subject].name)
	s.text("Value")
}

func episode(e *entry) string {
	if e.kind == diagnosis {
		return "First"
	}
	return ""
}

func (f *folder) writeProblem(e *entry, g, patient, organisation guid) {
	s := f.sheets[problemTable]
	s.guid(g)
	s.guid(patient)
	s.guid(organisation)
	s.blank(1) // parent problem
	s.bool(e.deleted)
	ended := f.ended(e)
	s.day(ended)
	if ended == never {
		s.blank(1)
	} else {
		s.text(toDay.String())
	}
	s.blank(1) // expected duration
	s.blank(4) // review, relationship
	if ended == never {
		s.text("Active Problem")
	} else {
		s.text("Past Problem")
	}
	s.text("Significant Problem")
	f.process(problemTable)
}

// ended is when the diagnosis was resolved, if it was.
func (f *folder) ended(e *entry) day {
	for i := range f.entries {
		r := &f.entries[i]
		if r.kind == resolution && r.subject == e.subject && r.at > e.at {
			return r.at
		}
	}
	return never
}

func (f *folder) writeTreatments() {
	for i := range f.treatments {
		t := &f.treatments[i]
		record := f.draw(guidOfDrugRecord)
		f.writeDrugRecord(t, record)
		for _, at := range t.issues {
			f.writeIssue(t, record, at)
		}
	}
}

// writeHead writes the fields that drug records and issues share, from the
// date to the quantity's unit.
func (f *folder) writeHead(s *sheet, d *drug, at day) {
	staff := f.clinician(f.drawn)
	s.day(at)
	s.text(toDay.String())
	s.day(f.entered(at))
	s.clock(f.drawn)
	s.guid(staff)
	s.guid(staff)
	s.int(d.id)
	s.text(d.dosage)
	s.int(d.quantity)
	s.text(d.unit)
}

func (f *folder) writeDrugRecord(t *treatment, g guid) {
	s := f.sheets[drugRecordTable]
	s.guid(g)
	s.guid(f.patientGUID())
	s.guid(f.organisation())
	f.writeHead(s, t.drug, t.start)
	s.blank(1) // problem
	s.text("Repeat")
	s.bool(f.reg.to == never)
	s.blank(1) // cancellation
	s.int(len(t.issues))
	s.int(6)
	s.bool(t.confidential)
	s.bool(t.deleted)
	s.blank(1) // expiry
	f.process(drugRecordTable)
}

func (f *folder) writeIssue(t *treatment, record guid, at day) {
	s := f.sheets[issueTable]
	s.guid(f.draw(guidOfIssue))
	s.guid(f.patientGUID())
	s.guid(f.organisation())
	s.guid(record)
	f.writeHead(s, t.drug, at)
	s.blank(1) // problem
	s.int(28)
	s.tenths(3 + t.drug.quantity)
	s.bool(t.confidential)
	s.blank(5) // EMIS code, messages, compliance
	s.bool(false)
	s.bool(false)
	s.blank(5) // messages, consultation, expiry, review
	s.text("Electronic")
	s.bool(t.deleted)
	f.process(issueTable)
}
