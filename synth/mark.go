package synth

// mark gives out the deliberate defects and choices: exact shares of the
// people, at least one of each, drawn from two independent orders so that a
// person may have one of each kind.
func (p *plan) mark() {
	m := marker{plan: p}
	m.shuffle(forNumberMarks)
	r := p.rates.Number
	unmarked := func(who *person) bool { return !who.marks.any(anyNumberMark) }
	m.give(numberBlank, r.Blank, unmarked)
	m.give(numberInvalid, r.Invalid, unmarked)
	m.give(numberSpaced, r.Spaced, unmarked)
	m.give(numberRepeated, r.Repeated, unmarked)
	m.lend(r.Borrowed)

	m.shuffle(forChoiceMarks)
	c := p.rates.Choice
	m.give(optedOut, c.OptedOut, m.settled)
	m.tellEverywhere(c.OptOutToldEverywhere)
	m.give(optOutWithdrawn, c.OptOutWithdrawn, m.settled)
	m.give(optedOutAgain, c.OptedOutAgain, m.settled)
	anybody := func(*person) bool { return true }
	m.give(restricted, c.Restricted, anybody)
	m.give(confidential, c.Confidential, anybody)
	m.give(identifies, p.rates.Record.IdentifierEntry, m.settled)
	m.disagree()
}

// A marker goes through people in a random order and gives each at most one
// mark of that order.
type marker struct {
	*plan
	stream *stream
	order  []int32
	next   int
}

func (m *marker) shuffle(why purpose) {
	m.stream = newStream().start(m.Seed, why, 0)
	m.order = make([]int32, m.sections[branch])
	for i := range m.order {
		m.order[i] = int32(i)
	}
	m.stream.Shuffle(len(m.order), func(i, j int) { m.order[i], m.order[j] = m.order[j], m.order[i] })
	m.next = 0
}

func (m *marker) give(mark marks, share float64, may func(*person) bool) {
	for n := m.atLeastOne(share); n > 0 && m.next < len(m.order); m.next++ {
		if who := &m.people[m.order[m.next]]; may(who) {
			who.marks |= mark
			n--
		}
	}
}

// settled people have a record long enough for three dated choices.
func (m *marker) settled(who *person) bool {
	return who.lastDay(0, m.today)-who.birth > 1200
}

func (m *marker) tellEverywhere(share float64) {
	for _, i := range m.order {
		if who := &m.people[i]; who.marks.any(optedOut) && m.stream.chance(share) {
			who.marks |= toldEverywhere
		}
	}
}

// lend records some people under another's valid number, by a slip of the pen
// at another practice.
func (m *marker) lend(share float64) {
	plain := func(who *person) bool {
		return who.kind == current && who.nregs == 1 && who.resolved == 0 && !who.marks.any(anyNumberMark)
	}
	borrower := int32(-1)
	for n := m.atLeastOne(share); n > 0 && m.next < len(m.order); m.next++ {
		i := m.order[m.next]
		switch who := &m.people[i]; {
		case !plain(who):
		case borrower < 0:
			borrower = i
		case who.regs[0].practice != m.people[borrower].regs[0].practice:
			m.people[borrower].owner = i
			m.people[borrower].marks |= numberBorrowed
			who.marks |= numberLent
			borrower = -1
			n--
		}
	}
}

// disagree lets the second registration of some people tell an earlier birth
// date: a day, a month or a year too early.
func (m *marker) disagree() {
	var two []int32
	for _, i := range m.order {
		if m.people[i].nregs == 2 {
			two = append(two, i)
		}
	}
	if len(two) == 0 {
		return
	}
	for _, i := range two[:max(1, int(m.rates.Record.BirthConflict*float64(len(two))+0.5))] {
		who := &m.people[i]
		who.marks |= birthConflict
		who.regs[1].birth -= [...]day{1, 31, 365, 3653}[m.stream.below(4)]
	}
}
