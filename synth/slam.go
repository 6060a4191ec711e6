package synth

import "context"

const slam = "slam"

// truthOfSLaM has one row for each patient row that counts.
const truthOfSLaM = "local_id person_id nhs_number_recorded usable gate gender birth_year ethnicity ward lsoa smi referrals diagnoses contacts spells"

func (p *plan) slam() trust {
	return trust{slam, "mhsds", "Z9S01", "RowNumber", mhsdsTables, truthOfSLaM}
}

// teams are service or team types of MHSDS. The codes are from memory and
// were not checked against the standard.
var teams = [...]string{"A02", "A05", "A06", "A07", "A14", "C02", "F01"}

const (
	crisis = iota
	primaryMentalHealth
	community
	olderPeople
	earlyIntervention
	perinatal
	youngPeople
)

// A chart is one patient's record at the mental health trust, made in the
// same memory as the last.
type chart struct {
	*export
	disorders disorders
	k         *knowledge
	own       *stream // of the person, whatever the id

	row        *attendance
	id         int
	who        *person
	from, to   day
	smi        bool // psychosis or bipolar disorder is what it is
	referrals  []referral
	utterances []utterance
	requests   int // referral ids given
	contacts   int
	spells     int
	periods    int
	counted    counted
}

// counted are the records of a patient that no gate stops.
type counted struct{ referrals, diagnoses, contacts, spells int }

func (w *writer) writeSLaM(ctx context.Context, e *export) error {
	c := &chart{export: e, disorders: readDisorders(), k: w.newKnowledge(), own: newStream()}
	e.writeHeader("5.0")
	c.writeStaff()
	step := w.stepper(ctx)
	for i := range e.patients {
		if err := step(); err != nil {
			return err
		}
		c.open(i)
		c.writePatient()
		for r := range c.referrals {
			c.writeReferral(r)
		}
		c.writeDiagnoses()
		c.writeTruth()
	}
	c.writeOrphans()
	return nil
}

// open draws the course of the patient's illness and care.
func (c *chart) open(i int) {
	c.row, c.id = &c.patients[i], i+1
	c.who = &c.people[c.row.person]
	c.s.start(c.Seed, forMental, uint64(c.row.person)<<1|uint64(c.row.k)|1<<40)
	c.counted = counted{}
	c.from, c.to = c.reach(c.who)
	c.smi = c.isIll()
	if adult := c.who.birth + 15*366; c.smi {
		c.from = min(max(c.from, adult), c.to-30)
	}
	c.refer()
	c.diagnose()
}

func (c *chart) age() int { return int(c.today-c.who.birth) / 365 }

// isIll draws whether the trust finds a severe mental illness. It is the same
// for both ids of one person.
func (c *chart) isIll() bool {
	s := c.own.start(c.Seed, forMental, uint64(c.row.person)|1<<50)
	r := &c.rates.SLaM
	switch {
	case c.age() < 16:
		return false
	case c.who.kind == slamOnly:
		return s.chance(r.OnlySMI)
	case c.who.has(c.k.smi):
		return s.chance(r.SMIFound)
	}
	return c.age() >= 18 && s.chance(r.SMIUnknownToPractice)
}

func (c *chart) group() string {
	switch {
	case c.smi:
		return "smi"
	case c.who.has(c.k.dementia):
		return "dementia"
	case c.age() < 18:
		return "young"
	case c.who.has(c.k.depression):
		return "mood"
	}
	return "other"
}

// refer draws the referrals, in the order in which they came.
func (c *chart) refer() {
	n, mean := 1, 700
	if c.smi {
		n, mean = n+c.s.below(3), 1500
	}
	if c.row.k > 0 {
		n = 1
	} else if c.s.chance(0.35) {
		n++
	}
	c.referrals = c.referrals[:0]
	at := max(c.to-5-day(c.s.wait(mean)), c.from)
	for range n {
		c.referrals = append(c.referrals, c.referral(at, c.team(at)))
		at += day(c.s.below(int(c.to - at)))
	}
	c.referAsMother()
}

// referral lasts, or ends after some weeks or years.
func (c *chart) referral(at day, team int) referral {
	r := referral{received: at, discharged: never, team: uint8(team)}
	if lasted := int(c.to - at); lasted > 30 && c.s.chance(0.7) {
		r.discharged = at + day(min(14+c.s.wait(240), lasted))
	}
	return r
}

func (c *chart) team(at day) int {
	age, u := int(at-c.who.birth)/365, c.s.below(10)
	switch {
	case age < 18:
		return youngPeople
	case age >= 66 || c.who.has(c.k.dementia):
		return olderPeople
	case u < 2:
		return crisis
	case c.smi && age < 36 && u < 7:
		return earlyIntervention
	case !c.smi && u < 5:
		return primaryMentalHealth
	}
	return community
}

// referAsMother adds a referral to the perinatal team, for some.
func (c *chart) referAsMother() {
	i, ok := c.bookings[c.row.person]
	if !ok || c.row.k > 0 || !c.s.chance(c.rates.SLaM.Perinatal) {
		return
	}
	b := &c.pregnancies[i]
	if b.impossible || b.booked > c.to-20 {
		return
	}
	c.referrals = append(c.referrals, c.referral(b.booked+day(c.s.below(20)), perinatal))
}

// diagnose draws what was written down, and then whether it can be read: a
// diagnosis in SNOMED CT only, or one with an impossible date, is none.
func (c *chart) diagnose() {
	r, group := &c.rates.SLaM, c.group()
	inSNOMED := c.s.chance(r.SNOMED)
	c.utterances = c.utterances[:0]
	switch {
	case c.smi:
		if c.s.chance(0.25) {
			c.say(mhPrimary, "mood", inSNOMED)
		}
		for range 1 + c.s.below(3) {
			c.say(mhPrimary, group, inSNOMED)
		}
	case c.s.chance(1 - r.Undiagnosed):
		for range 1 + c.s.below(2) {
			c.say(mhPrimary, group, inSNOMED)
		}
	}
	for i := range c.utterances {
		if c.s.chance(r.Impossible) {
			c.utterances[i].at = c.misdated(c.who.birth)
		}
	}
	c.suspect(group)
	if c.s.chance(0.2) && len(c.utterances) > 0 {
		c.say(mhSecondary, "secondary", false)
	}
}

// say writes down a diagnosis of the group, on a later day than the last.
func (c *chart) say(level int, group string, inSNOMED bool) {
	r := c.s.below(len(c.referrals))
	at := c.referrals[r].received + 1 + day(c.s.below(50))
	for i := range c.utterances {
		if c.utterances[i].at <= c.to {
			at = max(at, c.utterances[i].at+1)
		}
	}
	d := c.disorders.pick(c.s, group)
	if at <= c.to {
		c.utterances = append(c.utterances, utterance{at, uint8(r), uint8(level), inSNOMED && d.snomed != "", d})
	}
}

// suspect adds a provisional diagnosis. It names a severe mental illness only
// where a primary one does, so that it makes no difference whether
// provisional ones count.
func (c *chart) suspect(group string) {
	if !c.s.chance(0.25) {
		return
	}
	if c.smi && !c.finds() {
		group = "mood"
	}
	c.say(mhProvisional, group, false)
}

// finds says whether a severe mental illness can be read in the record.
func (c *chart) finds() bool {
	for i := range c.utterances {
		if u := &c.utterances[i]; u.code.smi && c.reads(u) {
			return true
		}
	}
	return false
}

func (c *chart) reads(u *utterance) bool {
	return !u.snomed && u.at >= c.who.birth && u.at <= c.today
}

func (c *chart) writeStaff() {
	for i := range 40 {
		s := c.next(mhStaff)
		s.id(staffID, i+1)
		s.text("03")
		s.id(registerID, i+1)
		s.text("01")
		s.text("710")
		s.blank(1) // occupation
		s.text("R0050")
		s.end()
	}
}

func (c *chart) writePatient() {
	told := c.told(c.s, c.who.ethnicity, c.rates.SLaM.Told)
	home := c.livesAt(c.s, c.who, c.rates.SLaM.Moved)
	before := c.address(c.s, c.borough.wardChoice.pick(c.s), told%len(c.categories))
	number, n, same := c.recordedNumber(c.row), c.s.Uint64(), c.s.chance(0.97)
	dead := c.who.death != never && c.s.chance(0.8)
	c.submit(mhPatient, func(s *sheet, earlier bool) {
		number, told, home := number, told, home
		if earlier {
			number, told, home = "", leftBlank, before
		}
		s.id(patientID, c.id)
		s.text(c.site)
		s.blank(1) // school
		s.text(number)
		s.text(numberStatus(number, n))
		s.day(c.who.birth)
		s.text(writtenPostcode(home, n>>8))
		s.text(c.gender())
		s.text(c.gender())
		s.text(map[bool]string{true: "Y", false: "Z"}[same])
		s.blank(1) // marital status
		s.text(c.ethnicCategory(told))
		s.blank(1) // ethnic category of 2021
		s.text("en")
		if dead && !earlier {
			s.day(c.who.death)
		} else {
			s.blank(1)
		}
	})
	c.writePractice(mhPractice, patientID, c.id, c.who)
	c.beginTruth(told, home)
}

func (c *chart) gender() string {
	switch c.who.recordedSex {
	case 'M':
		return "1"
	case 'F':
		return "2"
	case 'I':
		return "9"
	}
	return "X"
}

// writeReferral writes a referral and what came of it. Some patients have one
// more, with an impossible date, of which nothing came.
func (c *chart) writeReferral(i int) {
	r := &c.referrals[i]
	c.requests++
	r.id = c.requests
	c.counted.referrals++
	c.writeRequest(r, patientID, c.id)
	c.writeContacts(r)
	c.writeSpell(r)
	if c.s.chance(c.rates.SLaM.Impossible) {
		c.requests++
		c.writeRequest(&referral{id: c.requests, received: c.misdated(c.who.birth), discharged: never, team: r.team}, patientID, c.id)
	}
}

// writeRequest writes the referral and the team, or, for a few, the two teams
// that it went to; the first is the one that saw the patient.
func (c *chart) writeRequest(r *referral, of byte, patient int) {
	n := c.s.Uint64()
	c.submit(mhReferral, func(s *sheet, earlier bool) {
		s.id(referralID, r.id)
		s.id(of, patient)
		s.text("Z9C01")
		s.day(r.received)
		s.clock(n)
		s.blank(2) // agreement line, specialised service
		s.text([...]string{"A1", "A1", "B1", "H2"}[n%4])
		s.blank(2) // referring organisation and staff group
		s.text([...]string{"3", "3", "2", "1"}[n>>8%4])
		s.blank(4) // reasons, decision to treat
		s.blank(4) // discharge plan
		if earlier || r.discharged == never {
			s.blank(2)
			return
		}
		s.day(r.discharged)
		s.clock(n >> 16)
	})
	c.writeService(r, int(r.team))
	if n>>32%20 == 0 {
		c.writeService(r, (int(r.team)+1)%len(teams))
	}
}

func (c *chart) writeService(r *referral, team int) {
	s := c.next(mhService)
	s.id(referralID, r.id)
	s.id(teamID, team+1)
	s.text(teams[team])
	s.day(r.discharged)
	s.blank(1) // time of closure
	if r.discharged == never {
		s.blank(1)
	} else {
		s.text("01")
	}
	s.blank(3) // rejection
	s.end()
}

// writeContacts writes the appointments with the referral's team: three in
// four were attended.
func (c *chart) writeContacts(r *referral) {
	n := c.s.below(5)
	if c.smi {
		n += c.s.below(8)
	}
	last := c.to
	if r.discharged != never {
		last = r.discharged
	}
	for range n {
		at := r.received + day(c.s.between(0, int(last-r.received)))
		bad := c.s.chance(c.rates.SLaM.Impossible)
		if bad {
			at = c.misdated(c.who.birth)
		}
		attended := c.writeContact(r, at)
		if attended && !bad {
			c.counted.contacts++
		}
	}
}

// writeContact says whether the patient was seen.
func (c *chart) writeContact(r *referral, at day) bool {
	n := c.s.Uint64()
	code := [...]string{"5", "5", "5", "5", "5", "5", "5", "5", "5", "5", "6", "6", "3", "3", "2", "4"}[n%16]
	c.contacts++
	c.submit(mhContact, func(s *sheet, earlier bool) {
		s.id(contactID, c.contacts)
		s.id(referralID, r.id)
		if n>>8%20 == 0 {
			s.blank(1)
		} else {
			s.id(teamID, int(r.team)+1)
		}
		s.day(at)
		s.clock(n >> 16)
		s.text("Z9C01")
		s.text("01")
		s.blank(1) // specialised service
		s.int(30 + int(n>>40%4)*15)
		s.text("02")
		s.text("01")
		s.text([...]string{"01", "01", "02", "11"}[n>>48%4])
		s.text("B01")
		s.text("N")
		s.text("Z9S01A")
		s.blank(1) // perinatal partner
		s.text("Y")
		s.text("1")
		if earlier {
			s.blank(1)
		} else {
			s.text(code)
		}
		s.blank(5) // offers, cancellation, adjustment
	})
	return code == "5" || code == "6"
}

// writeSpell writes an inpatient spell, for some, and the legal status. No
// patient has two, so that no two legal statuses begin on one day.
func (c *chart) writeSpell(r *referral) {
	share := 0.015
	if c.smi {
		share = 0.14
	}
	last := c.to
	if r.discharged != never {
		last = r.discharged
	}
	if room := int(last - r.received); !c.s.chance(share) || c.counted.spells > 0 || room < 3 || r.team == perinatal || c.age() < 16 {
		return
	}
	start := r.received + day(c.s.below(int(last-r.received)-2))
	end := start + 2 + day(c.s.wait(30))
	if end > last {
		end = never
	}
	c.spells++
	c.counted.spells++
	c.writeAdmission(r, start, end)
	c.writeActs(start, end)
}

func (c *chart) writeAdmission(r *referral, start, end day) {
	n := c.s.Uint64()
	visitor := c.address(c.s, c.borough.wardChoice.pick(c.s), int(c.who.ethnicity))
	c.submit(mhSpell, func(s *sheet, earlier bool) {
		s.id(spellID, c.spells)
		s.id(referralID, r.id)
		s.day(start)
		s.blank(1) // time of the decision
		s.day(start)
		s.clock(n)
		s.text("19")
		s.text("2A")
		s.blank(3) // plans
		if earlier || end == never {
			s.blank(4)
		} else {
			s.day(end)
			s.clock(n >> 16)
			s.text("1")
			s.text("19")
		}
		if n>>32%4 == 0 {
			s.text(visitor.postcodeText())
		} else {
			s.blank(1)
		}
		s.blank(3) // postcode of discharge, transforming care
	})
}

// writeActs writes the periods of legal status of a spell: none; informal;
// detained for assessment; or informal for some days before, detained on the
// day of admission, and later for treatment.
func (c *chart) writeActs(start, end day) {
	const assessment = 28
	switch u := c.s.below(20); {
	case u < 2:
	case u < 8:
		c.writeAct("01", start, end)
	case u < 14:
		c.writeAct("02", start, c.earlier(start+assessment, end))
	case u < 16:
		c.writeAct("03", start-day(c.s.between(0, 3)), end)
	default:
		c.writeAct("01", start-day(c.s.between(1, 5)), start+day(c.s.between(1, 4)))
		c.writeAct("02", start, c.earlier(start+assessment, end))
		if later := start + assessment; later < c.to && (end == never || end > later) {
			c.writeAct("03", later, end)
		}
	}
}

// earlier is the earlier of two ends, if it has come.
func (c *chart) earlier(a, b day) day {
	if b != never && b < a {
		a = b
	}
	if a > c.today {
		return never
	}
	return a
}

func (c *chart) writeAct(status string, start, end day) {
	c.periods++
	s := c.next(mhAct)
	s.id(actID, c.periods)
	s.id(patientID, c.id)
	s.day(start)
	s.clock(uint64(c.periods))
	s.blank(2) // expiry
	s.day(end)
	s.blank(3) // time and reasons
	s.text(status)
	s.blank(1) // category
	s.end()
}

func (c *chart) writeDiagnoses() {
	for i := range c.utterances {
		u := &c.utterances[i]
		if c.reads(u) {
			c.counted.diagnoses++
		}
		c.writeDiagnosis(u, c.referrals[u.referral].id)
	}
}

// writeDiagnosis writes ICD-10 in the forms that are found: F20.0, F200, F20
// and F20X.
func (c *chart) writeDiagnosis(u *utterance, request int) {
	n := c.s.Uint64()
	code := u.code.icd10
	switch {
	case u.snomed:
		code = u.code.snomed
	case len(code) == 3 && n%2 == 0:
		code += "X"
	case len(code) > 3 && n%2 == 0:
		code = code[:3] + code[4:]
	}
	c.submit(int(u.level), func(s *sheet, _ bool) {
		s.id(referralID, request)
		s.text(map[bool]string{true: "06", false: "02"}[u.snomed])
		s.text(code)
		s.stamp(u.at, 28800+int(n>>8%36000))
	})
}

// beginTruth writes what the patient's row says.
func (c *chart) beginTruth(told int, home home) {
	t := c.truth
	t.id(patientID, c.id)
	t.text(c.personID(int(c.row.person)))
	t.text(c.recordedNumber(c.row))
	t.bool(c.row.usable())
	t.blank(1) // no gate stops a patient's row
	t.text(map[string]string{"1": "M", "2": "F", "9": "I", "X": "U"}[c.gender()])
	t.year(c.who.birth)
	t.text(c.toldLetter(told))
	c.writeWhere(home)
	c.credit(c.row, inSLaM|linksSLaM)
}

// writeTruth ends the row with what the patient's records say.
func (c *chart) writeTruth() {
	c.truth.bool(c.finds())
	c.truth.int(c.counted.referrals)
	c.truth.int(c.counted.diagnoses)
	c.truth.int(c.counted.contacts)
	c.truth.int(c.counted.spells)
	c.truth.end()
}

// writeOrphans writes records whose patient or referral is not in the export.
func (c *chart) writeOrphans() {
	n := someOf(c.rates.SLaM.Orphan, len(c.patients))
	c.s.start(c.Seed, forMental, 1<<51)
	lost := &referral{received: c.today - 200, discharged: never, team: community}
	for i := range n {
		c.requests++
		lost.id = c.requests
		c.writeRequest(lost, patientID, len(c.patients)+1+i)
		c.writeContact(lost, lost.received+9)
		c.writeDiagnosis(&utterance{at: lost.received + 9, level: mhPrimary, code: c.disorders.pick(c.s, "smi")}, lost.id)
		lost.id += 1_000_000
		c.writeContact(lost, lost.received+30)
	}
}
