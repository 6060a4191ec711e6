package synth

import (
	"runtime"
	"sync"
)

// A plan is everything that is decided before the first file is written.
type plan struct {
	Options
	today       day // the as-at date
	rates       *rates
	categories  []category
	borough     *borough
	ages        *ages
	ethnicity   [][4]choice // by ward, the borough last; by age class
	risks       []risk
	frailties   []frailty
	frailty     choice
	codes       *codebook
	drugs       []drug
	names       []string // of conditions, in the order of their bits
	mixes       []choice // of their codes
	backgrounds []backgroundChoices
	practices   []practice
	catchments  []choice
	numbers     numbers
	sections    sections
	people      []person
	lists       [][]listed
	pregnancies []pregnancy
	bookings    map[int32]int32 // a pregnancy of each mother
	patients    []attendance    // of the mental health trust
	mothers     []attendance
	newborns    []newborn
}

// sections say where in people each kind begins.
type sections [dummy + 2]int

func (s sections) kind(i int) kind {
	k := current
	for i >= s[k+1] {
		k++
	}
	return k
}

// real is how many people are people.
func (s sections) real() int { return s[dummy] }

// A listed row is one registration in a practice's file.
type listed struct {
	person       int32
	registration uint8
}

func newPlan(o Options) *plan {
	p := &plan{Options: o, today: dayOf(o.AsAt), rates: readRates(), categories: readCategories()}
	p.borough = newBorough(p.categories)
	p.ages = readAges(p.borough.wards)
	p.ethnicity = ethnicityByWard(p.categories, p.ages, p.borough.wards)
	p.risks = readRisks()
	p.frailty, p.frailties = readFrailties()
	p.codes = newCodebook(p.risks)
	p.drugs = readDrugs()
	p.names, p.mixes = conditions(p.risks)
	p.backgrounds = readBackgrounds(p.categories, p.codes)
	p.practices = newPractices(o, p.rates)
	p.catchments = catchments(p.practices, p.borough.wards)
	p.numbers = newNumbers(o.Seed)
	p.sections = p.count()
	return p
}

func ethnicityByWard(cs []category, a *ages, wards []ward) [][4]choice {
	t := readTable("ward-ethnicity.csv")
	population := readTable("ward-population.csv")
	var byWard [][4]choice
	borough := map[string]float64{}
	for w, ward := range wards {
		row := t.find(ward.code)
		percent := func(group string) float64 { return t.number(row, group) }
		byWard = append(byWard, categoryChoices(cs, a.classes(w), percent))
		people := population.number(population.find(ward.code), "people")
		for group := range t.columns {
			if group != "ward" {
				borough[group] += people * percent(group)
			}
		}
	}
	all := func(group string) float64 { return borough[group] }
	return append(byWard, categoryChoices(cs, a.classes(len(wards)), all))
}

// count lays out the sections. People is how many are registered today;
// those who left, died or were deleted come on top, and those whom only a
// trust knows.
func (p *plan) count() sections {
	r := p.rates.Registration
	sizes := [...]int{current: p.People, left: p.atLeastOne(r.Left), died: p.atLeastOne(r.Died),
		deleted: p.atLeastOne(r.Deleted), branch: branchPatients * p.Practices, slamOnly: p.atLeastOne(p.rates.SLaM.Only),
		motherOnly: p.atLeastOne(p.rates.Maternity.Only), babyOnly: p.atLeastOne(p.rates.Maternity.Only),
		dummy: max(2, p.atLeastOne(r.Dummy))}
	var s sections
	for k, n := range sizes {
		s[k+1] = s[k] + n
	}
	return s
}

// atLeastOne is the share of People, and one where that is none.
func (p *plan) atLeastOne(share float64) int {
	return max(1, int(share*float64(p.People)+0.5))
}

// populate draws everybody. Each person has streams of their own, so that it
// does not matter who is drawn first, or by which processor.
func (p *plan) populate() {
	p.people = make([]person, p.sections[dummy+1])
	const batch = 4096
	starts := make(chan int)
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			s := newStream()
			for start := range starts {
				for i := start; i < min(start+batch, len(p.people)); i++ {
					p.draw(s, i)
				}
			}
		})
	}
	for start := 0; start < len(p.people); start += batch {
		starts <- start
	}
	close(starts)
	wg.Wait()
	p.families()
	p.mark()
	p.list()
	p.attend()
}

// list sorts the registrations by practice, each list in the order of people.
func (p *plan) list() {
	sizes := make([]int, len(p.practices))
	for i := range p.people {
		for k := range p.people[i].nregs {
			sizes[p.people[i].regs[k].practice]++
		}
	}
	p.lists = make([][]listed, len(p.practices))
	for i, n := range sizes {
		p.lists[i] = make([]listed, 0, n)
	}
	for i := range p.people {
		for k := range p.people[i].nregs {
			at := p.people[i].regs[k].practice
			p.lists[at] = append(p.lists[at], listed{int32(i), k})
		}
	}
}

// draw makes one person: who they are, where they live, where and since when
// they are registered, and what they have.
func (p *plan) draw(s *stream, i int) {
	s.start(p.Seed, forPerson, uint64(i))
	who := &p.people[i]
	*who = person{kind: p.sections.kind(i), owner: -1, death: never, nregs: 1}
	w := p.settle(s, who)
	age := p.age(s, who, w)
	who.sex = p.ages.sex(s, age)
	if who.kind == motherOnly {
		who.sex = 'F'
	}
	who.recordedSex = p.writtenSex(s, who.sex)
	who.birth = p.today - day(age*365+(age+2)/4) - day(s.below(365)) - 15
	who.ethnicity = uint8(p.ethnicity[w][ageClass(age)].pick(s))
	h := p.home(s, w, who)
	p.register(s, i, w, h)
	s.start(p.Seed, forIllness, uint64(i))
	p.sicken(s, who, h)
}

// settle chooses the ward; len(wards) stands for living in none of them. The
// home's kind is kept in the first registration until home fills it in.
func (p *plan) settle(s *stream, who *person) int {
	r, nowhere := p.rates.Residence, len(p.borough.wards)
	if who.kind.elsewhere() && s.chance(mostlyOutside) {
		who.regs[0].home.area = outside
		return nowhere
	}
	elsewhere := [...]struct {
		share float64
		kind  int16
	}{{r.Outside, outside}, {r.NoFixedAbode, noFixedAbode}, {r.NoPostcode, noPostcode}, {r.UnmatchedPostcode, unmatchedPostcode}}
	for _, e := range elsewhere {
		if s.chance(e.share) {
			who.regs[0].home.area = e.kind
			return nowhere
		}
	}
	return p.borough.wardChoice.pick(s)
}

// mostlyOutside is the share of people whom only a trust knows that live
// outside the borough. Assumption.
const mostlyOutside = 0.75

func (p *plan) age(s *stream, who *person, w int) int {
	switch who.kind {
	case died:
		return max(1, p.ages.dead.pick(s))
	case slamOnly:
		return max(p.ages.byWard[w].pick(s), s.between(18, 34))
	case motherOnly:
		return s.between(20, 40)
	case babyOnly:
		return 0
	}
	age := p.ages.byWard[w].pick(s)
	if who.kind == left || who.regs[0].home.area == noFixedAbode {
		return max(age, s.between(19, 34))
	}
	return age
}

func (p *plan) writtenSex(s *stream, sex byte) byte {
	r := p.rates.Registration
	switch {
	case s.chance(r.SexUnknown):
		return 'U'
	case s.chance(r.SexIndeterminate):
		return 'I'
	}
	return sex
}

func (p *plan) home(s *stream, w int, who *person) home {
	h := who.regs[0].home
	if w == len(p.borough.wards) {
		h.postcode = uint8(s.below(neighbours * postcodesPerArea))
		return h
	}
	return p.address(s, w, int(who.ethnicity))
}

// address draws an area of the ward and one of its postcodes.
func (p *plan) address(s *stream, w, category int) home {
	h := home{area: p.borough.area(s, w, category), postcode: uint8(s.below(postcodesPerArea))}
	if s.chance(p.rates.Residence.TerminatedPostcode) {
		h.postcode = postcodesPerArea
	}
	return h
}
