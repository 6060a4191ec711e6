package synth

// An attendance is one row of a trust's index: a patient of the mental health
// trust, a mother or a baby of the maternity trust. It is the row that counts:
// what was submitted before it is written from it.
type attendance struct {
	person int32 // nobody for a child who was not born alive
	owner  int32 // whose number is recorded; nobody: the person's own
	k      uint8 // 1: the person's second local id
	marks  marks
}

// attend fills the trusts' indexes.
func (p *plan) attend() {
	p.fillMaternity()
	p.fillSLaM()
}

// fillSLaM lists the mental health trust's patients. Some have two ids, with
// one number.
func (p *plan) fillSLaM() {
	known, s := p.findPatients(), newStream().start(p.Seed, forMentalMarks, 0)
	single := make([]*attendance, len(p.patients))
	for i := range p.patients {
		single[i] = &p.patients[i]
	}
	s.Shuffle(len(single), func(i, j int) { single[i], single[j] = single[j], single[i] })
	twice := someOf(p.rates.SLaM.TwoIDs, len(single))
	again := make([]attendance, twice)
	for i, a := range single[:twice] {
		again[i] = attendance{person: a.person, owner: nobody, k: 1}
	}
	rest := blemish(single[twice:], p.rates.SLaM.Number)
	p.lendTo(s, rest, known)
	p.forgetNumbers(s, rest)
	p.patients = append(p.patients, again...)
	s.Shuffle(len(p.patients), func(i, j int) { p.patients[i], p.patients[j] = p.patients[j], p.patients[i] })
}

// findPatients lists the people whom the trust knows.
func (p *plan) findPatients() (known map[int32]bool) {
	p.bookings, known = map[int32]int32{}, map[int32]bool{}
	for i := range p.pregnancies {
		p.bookings[p.pregnancies[i].mother] = int32(i)
	}
	k, s := p.newKnowledge(), newStream()
	for i := range p.sections.real() {
		s.start(p.Seed, forMental, uint64(i))
		_, expecting := p.bookings[int32(i)]
		if k.knows(s, &p.people[i], expecting) {
			p.patients = append(p.patients, attendance{person: int32(i), owner: nobody})
			known[int32(i)] = true
		}
	}
	return known
}

// someOf is a share of n, and one where that is none.
func someOf(share float64, n int) int {
	if share == 0 || n == 0 {
		return 0
	}
	return max(1, int(share*float64(n)+0.5))
}

// blemish gives rows, which come in a random order, the defects that numbers
// have: exact shares, and one of each at least. It returns those that are left.
func blemish(rows []*attendance, r numberRates) []*attendance {
	all := len(rows)
	for _, d := range [...]struct {
		mark  marks
		share float64
	}{{numberBlank, r.Blank}, {numberInvalid, r.Invalid}, {numberSpaced, r.Spaced}, {numberRepeated, r.Repeated}} {
		for n := someOf(d.share, all); n > 0 && len(rows) > 0; n-- {
			rows[0].marks |= d.mark
			rows = rows[1:]
		}
	}
	return rows
}

// lendTo records some patients under the valid number of somebody whom a
// practice knows and the trust does not.
func (p *plan) lendTo(s *stream, rows []*attendance, known map[int32]bool) {
	for n := someOf(p.rates.SLaM.Number.Borrowed, len(p.patients)); n > 0 && len(rows) > 0; n-- {
		stranger := int32(s.below(p.sections[left]))
		if !known[stranger] {
			known[stranger] = true
			rows[0].owner = stranger
			rows[0].marks |= numberBorrowed
		}
		rows = rows[1:]
	}
}

// forgetNumbers leaves out more numbers of people without a home.
func (p *plan) forgetNumbers(s *stream, rows []*attendance) {
	for _, a := range rows {
		if p.people[a.person].regs[0].home.area == noFixedAbode && a.marks == 0 && s.chance(p.rates.SLaM.NoFixedAbodeBlank) {
			a.marks |= numberBlank
		}
	}
}

// A newborn is a baby's row, and the pregnancy that it ended.
type newborn struct {
	attendance
	pregnancy int32
	order     uint8 // of birth
}

// fillMaternity lists mothers and babies. Some mothers have two ids, one for
// each of two pregnancies.
func (p *plan) fillMaternity() {
	s := newStream().start(p.Seed, forBirthMarks, 0)
	first := map[int32]int32{}
	for i := range p.pregnancies {
		b := &p.pregnancies[i]
		row, again := first[b.mother]
		a := attendance{person: b.mother, owner: nobody}
		if again {
			a.k = 1
		}
		if !again || s.chance(p.rates.Maternity.TwoIDs) {
			row = int32(len(p.mothers))
			p.mothers = append(p.mothers, a)
		}
		if !again {
			first[b.mother] = row
		}
		b.row = row
		p.deliver(int32(i))
	}
	p.blemishMothers(s)
	p.blemishBabies(s)
}

// deliver lists the babies of a pregnancy that has ended.
func (p *plan) deliver(i int32) {
	b := &p.pregnancies[i]
	if b.ended == never {
		return
	}
	p.newborns = append(p.newborns, newborn{attendance{person: b.babies[0], owner: nobody}, i, 1})
	if b.babies[1] != nobody {
		p.newborns = append(p.newborns, newborn{attendance{person: b.babies[1], owner: nobody}, i, 2})
	}
}

// blemishMothers leaves the mothers with two ids alone: both have one number.
func (p *plan) blemishMothers(s *stream) {
	rows := map[int32]int{}
	for i := range p.mothers {
		rows[p.mothers[i].person]++
	}
	var single []*attendance
	for i := range p.mothers {
		if a := &p.mothers[i]; rows[a.person] == 1 {
			single = append(single, a)
		}
	}
	s.Shuffle(len(single), func(i, j int) { single[i], single[j] = single[j], single[i] })
	blemish(single, p.rates.Maternity.MotherNumber)
}

// newbornDays is how long a baby often has no number yet.
const newbornDays = 42

// blemishBabies leaves out many of the youngest babies' numbers, and records
// a baby under the number of another mother's.
func (p *plan) blemishBabies(s *stream) {
	var young, older []*attendance
	pregnancyOf := map[int32]int32{}
	for i := range p.newborns {
		n := &p.newborns[i]
		switch {
		case n.person == nobody:
			continue
		case p.today-p.people[n.person].birth < newbornDays:
			young = append(young, &n.attendance)
		default:
			older = append(older, &n.attendance)
		}
		pregnancyOf[n.person] = n.pregnancy
	}
	for _, rows := range [][]*attendance{young, older} {
		s.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	}
	r := p.rates.Maternity
	blemish(young, numberRates{Blank: r.NewbornBlank})
	rest := blemish(older, r.BabyNumber)
	for n := someOf(r.BabyNumber.Borrowed, len(older)); n > 0 && len(rest) > 1; n-- {
		if pregnancyOf[rest[0].person] != pregnancyOf[rest[1].person] {
			rest[0].owner = rest[1].person
			rest[0].marks |= numberBorrowed
		}
		rest = rest[2:]
	}
}

// told is the category that a trust has recorded: the person's own, another,
// none that is known (99), or nothing at all.
func (p *plan) told(s *stream, own uint8, r toldRates) int {
	other := p.categories[own].confusable.pick(s)
	switch u := s.Float64(); {
	case u < r.Misrecorded:
		return other
	case u < r.Misrecorded+r.NotStated:
		return notStated
	case u < r.Misrecorded+r.NotStated+r.NotKnown:
		return notKnown
	case u < r.Misrecorded+r.NotStated+r.NotKnown+r.Blank:
		return notRecorded
	}
	return int(own)
}

// ethnicCategory is how a trust writes it: the letter and a second character
// of its own, 99, or nothing.
func (p *plan) ethnicCategory(category int) string {
	if category == notRecorded || category == notKnown {
		return letter(p.categories, category)
	}
	return letter(p.categories, category) + [...]string{"1", "1", "X"}[category%3]
}

// livesAt is the home that a trust has: for some, an older one.
func (p *plan) livesAt(s *stream, who *person, moved float64) home {
	h := who.regs[0].home
	elsewhere, old := p.address(s, p.borough.wardChoice.pick(s), int(who.ethnicity)), s.chance(moved)
	if old && h.area >= 0 {
		return elsewhere
	}
	return h
}
