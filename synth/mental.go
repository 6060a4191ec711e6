package synth

// Who is known to the mental health trust, and what it did for them.

// knowledge decides who is known to the trust.
type knowledge struct {
	*plan
	smi, depression, dementia int // bits of conditions
	byDecile                  []float64
}

func (p *plan) newKnowledge() *knowledge {
	k := &knowledge{plan: p}
	for c, name := range p.names {
		switch name {
		case "smi":
			k.smi = c
		case "depression":
			k.depression, k.byDecile = c, p.risks[c].byDecile
		case "dementia":
			k.dementia = c
		}
	}
	return k
}

// knows draws whether the trust knows somebody. People who have a severe
// mental illness are mostly known, and most people who are known have none.
func (k *knowledge) knows(s *stream, who *person, expecting bool) bool {
	r, u := &k.rates.SLaM, s.Float64()
	switch {
	case who.kind == slamOnly:
		return true
	case who.kind == branch || who.kind == babyOnly || k.room(who) < 60:
		return false
	case who.has(k.smi):
		return u < r.KnownSMI
	case who.has(k.dementia):
		return u < r.KnownDementia
	}
	p := r.KnownOtherwise * k.categories[who.ethnicity].slam * byAge(int(k.today-who.birth)/365)
	if who.has(k.depression) {
		p = r.KnownDepression
	}
	if expecting {
		p *= r.Expecting
	}
	if d := k.borough.decile(who.regs[0].home); d > 0 {
		p *= k.byDecile[d-1]
	}
	return u < p
}

// byAge: the trust sees adolescents most. Assumption.
func byAge(age int) float64 {
	switch {
	case age < 12:
		return 0.8
	case age < 18:
		return 1.5
	case age < 65:
		return 1
	}
	return 0.9
}

// room is how many days of somebody's life the trust can know.
func (k *knowledge) room(who *person) int {
	from, to := k.reach(who)
	return int(to - from)
}

// reach is the first and the last day of what the trust's export can say of
// somebody: eighteen years at most, from the fifth birthday on, and nothing
// of the two months before a death.
func (p *plan) reach(who *person) (from, to day) {
	to = p.today
	if who.death != never {
		to = min(to, who.death-60)
	}
	return max(who.birth+5*366, to-18*365), to
}

// A referral is a request to one of the trust's teams.
type referral struct {
	id                   int
	received, discharged day // never while it lasts
	team                 uint8
}

// An utterance is one diagnosis as it was written down.
type utterance struct {
	at       day
	referral uint8
	level    uint8 // provisional, primary or secondary, as mhProvisional and on
	snomed   bool
	code     *disorder
}

// A disorder is a row of disorders.csv.
type disorder struct {
	icd10  string // with its point
	snomed string
	smi    bool
}

// disorders are the trust's diagnoses, by group.
type disorders map[string]*disorderGroup

type disorderGroup struct {
	all    []disorder
	choice choice
}

func readDisorders() disorders {
	t := readTable("disorders.csv")
	ds, weights := disorders{}, map[string][]float64{}
	for row := range t.rows {
		group, d := t.text(row, "group"), disorder{icd10: t.text(row, "icd10"), snomed: t.text(row, "snomed")}
		d.smi = isSMI(d.icd10)
		if ds[group] == nil {
			ds[group] = &disorderGroup{}
		}
		ds[group].all = append(ds[group].all, d)
		weights[group] = append(weights[group], t.number(row, "weight"))
	}
	for name, g := range ds {
		g.choice = choiceOf(weights[name])
	}
	return ds
}

// isSMI: schizophrenia and other psychoses (F20 to F29), mania (F30) and bipolar
// disorder (F31).
func isSMI(icd10 string) bool { return icd10[:2] == "F2" || icd10[:3] == "F30" || icd10[:3] == "F31" }

func (ds disorders) pick(s *stream, group string) *disorder {
	g := ds[group]
	return &g.all[g.choice.pick(s)]
}
