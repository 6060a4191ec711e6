package synth

// What the mental-health trust's system writes of a chart, as rows of MHSDS.

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
			number, told, home = "", notRecorded, before
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
	t.text(letter(c.categories, told))
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
