package synth

// register gives a person one or two registrations, or none.
func (p *plan) register(s *stream, i, w int, h home) {
	who := &p.people[i]
	first := &who.regs[0]
	*first = registration{birth: who.birth, home: h, from: never, to: never}
	if who.kind.elsewhere() {
		who.nregs = 0
		return
	}
	first.practice = int16(p.catchments[w].pick(s))
	switch who.kind {
	case left:
		first.to = p.today - day(s.between(1, 5*365-30))
	case died:
		p.bury(s, who)
	case branch:
		first.practice = int16((i - p.sections[branch]) / branchPatients)
	case dummy:
		first.practice = int16((i - p.sections[dummy]) % len(p.practices))
	}
	first.from = p.since(s, who.birth, p.until(who))
	if who.kind == current && len(p.practices) > 1 {
		p.registerBefore(s, who, w)
	}
}

// until is the day before which the first registration began.
func (p *plan) until(who *person) day {
	switch {
	case who.kind == left:
		return who.regs[0].to - 30
	case who.death != never:
		return who.death - 30
	}
	return p.today - 1
}

// since draws a first day; people turn over, and babies are registered a few
// weeks after birth.
func (p *plan) since(s *stream, birth, until day) day {
	days := s.wait(int(p.rates.Registration.MeanYears * 365))
	return max(birth+day(s.between(5, 14)), until-day(days)-1)
}

// bury ends a life and, for most, the registration.
func (p *plan) bury(s *stream, who *person) {
	who.death = max(p.today-day(s.between(1, 5*365-30)), who.birth+day(s.between(100, 140)))
	who.death = min(who.death, p.today)
	if !s.chance(p.rates.Registration.DeathNotDeactivated) {
		who.regs[0].to = min(who.death+day(s.below(14)), p.today)
	}
}

// registerBefore adds an older registration at another practice: ended when
// the new one began, or, for a few, never ended.
func (p *plan) registerBefore(s *stream, who *person, w int) {
	r := p.rates.Registration
	again, twice := s.chance(r.ReRegistered), s.chance(r.TwoPractices)
	if !again && !twice || who.regs[0].from-who.birth < 150 {
		return
	}
	second := &who.regs[1]
	*second = registration{birth: who.birth, home: who.regs[0].home, to: never}
	second.practice = p.another(s, who.regs[0].practice, w)
	before := who.regs[0].from - 45
	second.from = max(who.birth+day(s.between(14, 60)), before-day(s.wait(3*365)))
	if !twice {
		second.to = min(who.regs[0].from+day(s.between(-20, 10)), p.today)
		p.move(s, who, second)
	}
	who.nregs = 2
	if s.chance(p.rates.Record.EthnicityConflict) {
		who.marks |= ethnicityConflict
	}
}

func (p *plan) another(s *stream, practice int16, w int) int16 {
	for range 8 {
		if other := int16(p.catchments[w].pick(s)); other != practice {
			return other
		}
	}
	return int16((int(practice) + 1) % len(p.practices))
}

// move gives the older registration an older address, for some.
func (p *plan) move(s *stream, who *person, r *registration) {
	if s.chance(p.rates.Registration.Moved) {
		r.home = p.address(s, p.borough.wardChoice.pick(s), int(who.ethnicity))
	}
}
