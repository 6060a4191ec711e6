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
