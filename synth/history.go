package synth

import "slices"

// An entry is one coded observation of a record.
type entry struct {
	at           day
	value        int32 // in tenths
	code         int16
	kind         entryKind
	subject      uint8 // which condition, category or measurement
	precision    precision
	deleted      bool
	confidential bool
}

type entryKind uint8

const (
	background entryKind = iota
	ethnicity
	diagnosis
	resolution
	measurement
	habit
	optOut
	withdrawal
	identifier
)

// The measurements, in the order of measurementLists.
const (
	systolic = iota
	diastolic
	bodyMass
	hba1c
	cholesterol
)

// notStated is the subject of an ethnicity entry of somebody who was asked and
// declined; notKnown of a record that says it is not known; notRecorded says that
// nothing was entered.
const (
	notStated   = 16
	notKnown    = 17
	notRecorded = 18
)

// A treatment is a drug record and the days of its issues.
type treatment struct {
	drug         *drug
	start        day
	issues       []day
	deleted      bool
	confidential bool
}

// A recorder writes one registration's record after the other into the same
// memory.
type recorder struct {
	*plan
	s          *stream
	person     int
	k          int // which of the person's registrations
	who        *person
	reg        *registration
	last       day // no true entry is later
	entries    []entry
	treatments []treatment
	issues     []day
}

func newRecorder(p *plan) *recorder { return &recorder{plan: p, s: newStream()} }

// record fills entries and treatments with what a practice holds on a person.
// Illness is drawn from the person's own stream, so that two practices tell of the
// same diagnosis; everything else from the registration's.
func (r *recorder) record(l listed) {
	r.person, r.k = int(l.person), int(l.registration)
	r.who = &r.people[r.person]
	r.reg = &r.who.regs[r.k]
	r.last = r.who.lastDay(r.k, r.today)
	r.entries, r.treatments, r.issues = r.entries[:0], r.treatments[:0], r.issues[:0]
	r.s.start(r.Seed, forIllness, uint64(r.person)<<1|1<<40)
	courses := r.courses()
	r.s.start(r.Seed, forHistory, uint64(r.person)<<1|uint64(r.k))
	r.choices()
	r.askEthnicity()
	r.askBackground()
	known := r.diagnoses(courses)
	r.measure(known)
	r.medicate(known)
	r.identify()
	r.spoil()
}

func (r *recorder) courses() (all [16]illness) {
	for c := range r.names {
		if r.who.has(c) {
			all[c] = r.course(r.s, r.who, r.risk(c), r.who.resolves(c))
		}
	}
	return all
}

// risk is the c-th condition's: risks that are no conditions come after them.
func (r *recorder) risk(c int) *risk { return &r.risks[c] }

func (r *recorder) add(kind entryKind, at day, code int16, subject int) *entry {
	r.entries = append(r.entries, entry{kind: kind, at: at, code: code, subject: uint8(subject)})
	return &r.entries[len(r.entries)-1]
}

func (r *recorder) one(codes []int16) int16 { return codes[r.s.below(len(codes))] }

// mostly is the list's first code, or one of the others: older ones, which
// have no SNOMED CT concept.
func (r *recorder) mostly(codes []int16) int16 {
	if r.s.chance(0.85) {
		return codes[0]
	}
	return r.one(codes)
}

// choices enters a Type 1 opt-out and what became of it. The older of two
// records may not know.
func (r *recorder) choices() {
	m := r.who.marks
	told := m.any(optedOut) && (r.k == 0 || m.any(toldEverywhere) && r.last-r.reg.birth > 1200)
	if !told && (r.k > 0 || !m.any(optOutWithdrawn|optedOutAgain)) {
		return
	}
	out, back := r.codes.in("type-1-opt-out", "opt-out"), r.codes.in("type-1-opt-out", "withdrawn")
	at := r.last - day(r.s.between(400, 1000))
	r.add(optOut, at, r.mostly(out), 0)
	if m.any(optOutWithdrawn | optedOutAgain) {
		r.add(withdrawal, at+day(r.s.between(30, 180)), r.mostly(back), 0)
	}
	if m.any(optedOutAgain) {
		r.add(optOut, at+day(r.s.between(200, 390)), r.mostly(out), 0)
	}
}

// asked is a day on which a practice asks who somebody is: soon after
// registration.
func (r *recorder) asked() day {
	return min(r.reg.from+day(r.s.below(40)), r.last)
}

// askEthnicity enters none, one or several ethnicities. Later entries are at
// least a month later, so that the latest is never in doubt.
func (r *recorder) askEthnicity() {
	answers, conflict := r.answers(), r.who.marks.any(ethnicityConflict)
	at := r.asked()
	told := r.told()
	switch {
	case conflict, answers == informative:
		r.enterEthnicities(at, told)
	case answers == declined:
		r.enterEthnicity(at, notStated)
	}
}

type answer uint8

const (
	unasked answer = iota
	informative
	declined
)

func (r *recorder) answers() answer {
	share := float64(r.practices[r.reg.practice].recording) / 1000
	switch u := r.s.Float64(); {
	case u < share:
		return informative
	case u < share+r.rates.Record.EthnicityNotStated:
		return declined
	}
	return unasked
}

// told is the category that this practice ends up with: the person's own but
// for slips, and another one where the two practices are to disagree.
func (r *recorder) told() int {
	own := int(r.who.ethnicity)
	slip, other := r.s.chance(r.rates.Record.EthnicityMisrecorded), r.categories[own].confusable.pick(r.s)
	if r.who.marks.any(ethnicityConflict) {
		slip = r.k == 1
	}
	if slip {
		return other
	}
	return own
}

func (r *recorder) enterEthnicities(at day, told int) {
	room := int(r.last-at) - 60
	if room > 0 && r.s.chance(r.rates.Record.EthnicityChanged) {
		earlier := r.categories[told].confusable.pick(r.s)
		if r.s.chance(0.25) {
			earlier = notStated
		}
		r.enterEthnicity(at, earlier)
		at += day(r.s.between(30, 30+room))
	}
	r.enterEthnicity(at, told)
	if room = int(r.last-at) - 60; room > 0 && r.s.chance(r.rates.Record.EthnicityLaterNotStated) {
		r.enterEthnicity(at+day(r.s.between(30, 30+room)), notStated)
	}
}

func (r *recorder) enterEthnicity(at day, subject int) {
	r.add(ethnicity, at, r.one(r.codes.in("ethnicity", letter(r.categories, subject))), subject)
}

// letter is a category's, Z for not stated, 99 for not known, and nothing for
// not recorded.
func letter(cs []category, subject int) string {
	switch subject {
	case notStated:
		return "Z"
	case notKnown:
		return "99"
	case notRecorded:
		return ""
	}
	return cs[subject].letter
}

func (r *recorder) askBackground() {
	shares := [...]float64{r.rates.Record.Language, r.rates.Record.CountryOfBirth, r.rates.Record.Religion}
	for i, share := range shares {
		if r.s.chance(share) {
			r.add(background, r.asked(), r.backgrounds[i].pick(r.s, int(r.who.ethnicity)), i)
		}
	}
}

// diagnoses enters the conditions that this practice knows of and returns
// them. The older of two records holds most of what was found in its time, but
// nothing that was later resolved.
func (r *recorder) diagnoses(courses [16]illness) (known uint16) {
	for c := range r.names {
		copied := r.s.chance(r.rates.Record.HistoryCopied)
		ill := &courses[c]
		if !r.who.has(c) || ill.found > r.last || r.k > 0 && (!copied || r.who.resolves(c)) {
			continue
		}
		if ill.resolved == never || ill.again != never {
			known |= 1 << c
		}
		r.enterIllness(c, ill)
	}
	return known
}

func (r *recorder) enterIllness(c int, ill *illness) {
	name := r.risk(c).name
	code := r.diagnosisCode(c)
	r.add(diagnosis, ill.found, code, c).precision = ill.precision
	if ill.resolved != never {
		r.add(resolution, ill.resolved, r.one(r.codes.lists[name+"-resolved"]), c)
	}
	if ill.again != never {
		r.add(diagnosis, ill.again, code, c)
	}
}

func (r *recorder) diagnosisCode(c int) int16 {
	codes := r.codes.lists[r.risk(c).name]
	if mix := r.mixes[c]; len(mix) == len(codes) {
		return codes[mix.pick(r.s)]
	}
	return r.one(codes)
}

// identify enters, for a few, a code that says the entry itself identifies.
func (r *recorder) identify() {
	if r.who.marks.any(identifies) {
		r.add(identifier, r.asked(), r.one(r.codes.lists["identifiers"]), 0)
	}
}

// spoil deletes some entries, makes some confidential and gives a few a date
// that cannot be. Choices are left alone, and only what is no answer about the
// person gets an impossible date.
func (r *recorder) spoil() {
	rates := &r.rates.Record
	for i := range r.entries {
		e := &r.entries[i]
		if e.kind == optOut || e.kind == withdrawal {
			continue
		}
		u := r.s.Float64()
		e.deleted = u < rates.EntryDeleted
		e.confidential = !e.deleted && u < rates.EntryDeleted+rates.EntryConfidential
		impossible := u > 1-rates.EntryImpossible
		if impossible && e.kind != ethnicity && e.kind != background {
			r.misdate(e)
		}
	}
}

func (r *recorder) misdate(e *entry) {
	e.precision = toDay
	if r.s.chance(0.5) {
		e.at = r.today + day(r.s.between(2, 400))
		return
	}
	e.at = r.reg.birth - day(r.s.between(2, 3000))
}

// counts says whether an entry is evidence: not deleted, not confidential,
// not dated before birth or after today.
func (r *recorder) counts(e *entry) bool {
	return !e.deleted && !e.confidential && e.at >= r.reg.birth && e.at <= r.today
}

// medicate gives products for known conditions: at most four issues in all,
// in the last year of the record.
func (r *recorder) medicate(known uint16) {
	left := 4
	for i := range r.drugs {
		d := &r.drugs[i]
		treated := r.s.chance(d.treated)
		c := slices.Index(r.names, d.condition)
		if !treated || left == 0 || known>>c&1 == 0 {
			continue
		}
		n := min(left, r.s.between(1, 2))
		left -= n
		r.prescribe(d, n)
	}
}

func (r *recorder) prescribe(d *drug, n int) {
	from := len(r.issues)
	at := r.last - day(r.s.between(60, 330))
	t := treatment{drug: d, start: max(at-day(r.s.below(700)), r.reg.birth+300)}
	for range n {
		r.issues = append(r.issues, at)
		at += day(r.s.between(20, 28))
	}
	t.issues = r.issues[from:len(r.issues):len(r.issues)]
	u := r.s.Float64()
	t.deleted = u < r.rates.Record.EntryDeleted
	t.confidential = u > 1-r.rates.Record.EntryConfidential
	r.treatments = append(r.treatments, t)
}
