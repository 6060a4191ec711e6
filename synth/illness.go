package synth

// sicken draws what a person has. Every risk takes its random number whether
// or not it strikes.
func (p *plan) sicken(s *stream, who *person, h home) {
	age := p.today.year() - who.birth.year()
	f := p.frailties[p.frailty.pick(s)]
	bit := 0
	for i := range p.risks {
		r := &p.risks[i]
		share := r.share(who.sex, age, int(who.ethnicity), p.borough.decile(h), f[r.frailty])
		struck, resolves := s.chance(share) && p.oldEnough(who, r), s.chance(r.resolved)
		if r.name == smoking {
			who.smokes = struck
			continue
		}
		if struck {
			who.conditions |= 1 << bit
		}
		if struck && resolves && resolvable(r.name) {
			who.resolved |= 1 << bit
		}
		bit++
	}
}

// oldEnough leaves room for a diagnosis after the earliest age at which there
// is one and well before the record ends.
func (p *plan) oldEnough(who *person, r *risk) bool {
	return who.lastDay(0, p.today)-who.birth > day((r.onset+1)*366)
}

// An illness is when a condition was found, resolved and found again, each as
// exactly as the record has it.
type illness struct {
	found, resolved, again day
	precision              precision
}

// course draws the course of a person's illness from the stream. Diagnoses
// keep a year's distance from birth, so that one known to the year only does not
// come before it.
func (p *plan) course(s *stream, who *person, r *risk, resolves bool) illness {
	last := who.lastDay(0, p.today)
	earliest := who.birth + day((r.onset+1)*365)
	found := last - 20 - day(s.wait(7*365))
	if found < earliest {
		found = earliest + day(s.below(int(last-20-earliest)))
	}
	ill := illness{found: found, resolved: never, again: never}
	ill.precision = p.precision(s, found)
	ill.found = found.floor(ill.precision)
	if resolves && last-found > 300 {
		ill.resolved = found + day(s.between(100, int(last-found)-150))
		if s.chance(p.rates.Record.DiagnosedAgain) {
			ill.again = ill.resolved + day(s.between(30, 140))
		}
	}
	return ill
}

// precision is coarser for what happened long ago.
func (p *plan) precision(s *stream, found day) precision {
	u := s.Float64()
	old := p.today-found > 12*365
	switch {
	case old && u < p.rates.Record.YearOnly:
		return toYear
	case u < p.rates.Record.MonthOnly:
		return toMonth
	}
	return toDay
}
