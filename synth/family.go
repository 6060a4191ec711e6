package synth

// Families are drawn after people: every baby of the last two years gets a
// mother among the women who live in the same ward, mostly of the same ethnic
// category, and moves to her address and mostly to her practice. Babies have no
// long-term conditions yet, so that nothing else of theirs depends on it.

// A pregnancy is one that the maternity trust booked.
type pregnancy struct {
	mother     int32
	row        int32 // of mothers
	begun      day   // first day of the last period
	booked     day
	ended      day // never while it lasts
	outcome    outcomeOfPregnancy
	babies     [2]int32
	again      bool // not the mother's first in the export
	impossible bool // the booking's date cannot be
}

type outcomeOfPregnancy uint8

const (
	liveBirth outcomeOfPregnancy = iota
	stillbirth
	loss // before the 24th week, or ended
)

// nobody stands where there is no person.
const nobody int32 = -1

const (
	booksReach = 730 // the trust's export holds the bookings of so many days
	youngest   = 16
	oldestMum  = 46
	term       = 280
	earlyBook  = 70 // the last day of a timely booking
)

// A midwife goes through the borough and finds mothers.
type midwife struct {
	*plan
	s         *stream
	women     [][]int32 // not yet mothers, by place and category
	babies    [][]int32 // of the last two years, by place and category
	all       []int32   // the same babies
	infants   int       // of these, in their first year
	category  choice    // of anybody
	fertility [oldestMum + 1]float64
	again     map[int32]bool // mothers with two pregnancies
	risky     uint16         // conditions that put a pregnancy at risk
}

func (p *plan) families() {
	m := &midwife{plan: p, s: newStream().start(p.Seed, forFamilies, 0), again: map[int32]bool{}}
	m.readLikelihoods()
	m.gather()
	m.bear()
	m.bearElsewhere()
	m.expect()
	m.grieve()
	m.misbook()
	m.s.Shuffle(len(p.pregnancies), func(i, j int) {
		p.pregnancies[i], p.pregnancies[j] = p.pregnancies[j], p.pregnancies[i]
	})
}

func (m *midwife) readLikelihoods() {
	t := readTable("births.csv")
	for row := range t.rows {
		for age := t.whole(row, "age"); age <= oldestMum; age++ {
			m.fertility[age] = t.number(row, "weight")
		}
	}
	var shares []float64
	for _, c := range m.categories {
		shares = append(shares, c.share)
	}
	m.category = choiceOf(shares)
	for c, name := range m.names {
		if name == "diabetes" || name == "hypertension" {
			m.risky |= 1 << c
		}
	}
}

// place is the index of a home's ward, or of one of the two ways to have none.
func (m *midwife) place(h home) int {
	switch {
	case h.area == outside:
		return len(m.borough.wards)
	case h.area < 0:
		return len(m.borough.wards) + 1
	}
	return m.borough.wardIndex(m.borough.areas[h.area].Ward)
}

func (m *midwife) cell(place, category int) int { return place*len(m.categories) + category }

func (m *midwife) gather() {
	cells := m.cell(len(m.borough.wards)+2, 0)
	m.women, m.babies = make([][]int32, cells), make([][]int32, cells)
	for i := range m.sections[left] {
		who := &m.people[i]
		at, days := m.cell(m.place(who.regs[0].home), int(who.ethnicity)), int(m.today-who.birth)
		switch {
		case days < booksReach:
			m.babies[at] = append(m.babies[at], int32(i))
			m.all = append(m.all, int32(i))
			if days <= 380 {
				m.infants++
			}
		case who.sex == 'F' && days > youngest*365 && days < (oldestMum+2)*365:
			m.women[at] = append(m.women[at], int32(i))
		}
	}
}

// mother takes a woman who lives at the place and has the age for a birth on
// the day, or finds nobody.
func (m *midwife) mother(place, babys int, birth day) int32 {
	first := m.categoryOfMother(babys)
	for n := range len(m.categories) {
		c := (first + n) % len(m.categories)
		if i := m.take(m.cell(place, c), birth); i != nobody {
			return i
		}
	}
	return nobody
}

// categoryOfMother is the category of a baby's mother: mostly the baby's own. One of the
// mixed categories has a parent of each.
func (m *midwife) categoryOfMother(babys int) int {
	same := m.s.chance(m.rates.Maternity.SameCategory)
	other := m.category.pick(m.s)
	if parents := mixedParents[m.categories[babys].letter]; parents != "" {
		letter := parents[m.s.below(len(parents))]
		for i, c := range m.categories {
			if c.letter[0] == letter {
				return i
			}
		}
	}
	if same {
		return babys
	}
	return other
}

// mixedParents are the categories, each as often as it is named, of mothers of
// babies of mixed categories. Assumption.
var mixedParents = map[string]string{"D": "AAAMMD", "E": "AACNNE", "F": "AAAHLF", "G": "ACNSGG"}

func (m *midwife) take(cell int, birth day) int32 {
	women := m.women[cell]
	for range min(8, len(women)) {
		at := m.s.below(len(women))
		i := women[at]
		age := int(birth-m.people[i].birth) / 365
		if age < youngest || age > oldestMum || !m.s.chance(m.likelihood(&m.people[i], age)) {
			continue
		}
		women[at] = women[len(women)-1]
		m.women[cell] = women[:len(women)-1]
		return i
	}
	return nobody
}

// likelihood is how often a woman of the age is taken. The trust cares for
// pregnancies at risk: women with diabetes or hypertension come from further.
func (m *midwife) likelihood(who *person, age int) float64 {
	p := m.fertility[age]
	if who.conditions&m.risky != 0 {
		p *= m.rates.Maternity.AtRisk
	}
	return p
}

// bear finds mothers for the babies that the practices know.
func (m *midwife) bear() {
	for cell, babies := range m.babies {
		place, category := cell/len(m.categories), cell%len(m.categories)
		for at := 0; at < len(babies); at++ {
			who := &m.people[babies[at]]
			mother := m.mother(place, category, who.birth)
			if mother == nobody {
				continue
			}
			born := [2]int32{babies[at], nobody}
			m.adopt(who, &m.people[mother])
			if m.s.chance(m.rates.Maternity.Twins) && at+1 < len(babies) {
				at++
				born[1] = babies[at]
				m.twin(&m.people[babies[at]], who)
			}
			if m.s.chance(m.rates.Maternity.BookedHere) {
				m.book(mother, who.birth, liveBirth, born)
			}
		}
	}
}

// adopt moves a baby to its mother's address, and mostly to her practice.
func (m *midwife) adopt(baby, mother *person) {
	hers := m.s.chance(m.rates.Maternity.SamePractice)
	baby.regs[0].home = mother.regs[0].home
	if baby.nregs == 1 && hers {
		baby.regs[0].practice = mother.regs[0].practice
		baby.regs[0].from = max(baby.regs[0].from, mother.regs[0].from)
	}
}

// twin makes a baby the twin of another.
func (m *midwife) twin(baby, of *person) {
	baby.birth = of.birth
	baby.nregs = 1
	baby.marks &^= ethnicityConflict
	baby.regs = [2]registration{of.regs[0]}
	baby.regs[0].birth = of.birth
}

// book enters a pregnancy that ended on the day, if its booking is recent
// enough to be in the export.
func (m *midwife) book(mother int32, ended day, outcome outcomeOfPregnancy, babies [2]int32) bool {
	begun := ended - day(m.gestation(outcome, babies[1] != nobody))
	booked := begun + m.bookedAfter(mother, int(ended-begun)-3)
	if m.today-booked >= booksReach {
		return false
	}
	m.pregnancies = append(m.pregnancies, pregnancy{mother: mother, begun: begun, booked: booked, ended: ended,
		outcome: outcome, babies: babies})
	return true
}

// gestation is in days; one birth in fourteen is early. Assumption.
func (m *midwife) gestation(outcome outcomeOfPregnancy, twins bool) int {
	early := m.s.chance(0.07)
	switch {
	case outcome == loss:
		return m.s.between(85, 160)
	case outcome == stillbirth:
		return m.s.between(175, 285)
	case twins:
		return m.s.between(235, 266)
	case early:
		return m.s.between(190, 258)
	}
	return min(max(278+m.s.bell(9), 259), 296)
}

// bookedAfter is how long after its first day a pregnancy is booked.
func (m *midwife) bookedAfter(mother int32, most int) day {
	late := m.s.chance(m.categories[m.people[mother].ethnicity].late)
	days := earlyBook - min(m.s.wait(8), 26)
	if late {
		days = earlyBook + 1 + m.s.wait(30)
	}
	return day(min(days, most))
}

// bearElsewhere bears the babies whom no practice knows: one in four is a
// registered woman's, often too young to be registered; the others' mothers are
// not registered either. A mother who is left over expects a child.
func (m *midwife) bearElsewhere() {
	for k := range m.sections[dummy] - m.sections[babyOnly] {
		baby, mother := int32(m.sections[babyOnly]+k), int32(m.sections[motherOnly]+k)
		who := &m.people[baby]
		who.birth = m.today - day(m.s.below(440))
		if m.s.chance(0.25) {
			who.birth = m.today - day(m.s.below([...]int{15, 440}[m.s.below(2)]))
			if hers := m.mother(m.place(who.regs[0].home), int(who.ethnicity), who.birth); hers != nobody {
				m.expectChild(mother)
				mother = hers
			}
		}
		m.adopt(who, &m.people[mother])
		if m.people[mother].kind == motherOnly && m.s.chance(0.8) {
			who.ethnicity = m.people[mother].ethnicity
		}
		if k == 0 || m.s.chance(m.rates.Maternity.NewbornDeath) {
			who.death = min(who.birth+day(m.s.below(20)), m.today)
		}
		m.book(mother, who.birth, liveBirth, [2]int32{baby, nobody})
	}
}

// expectChild books a pregnancy that lasts.
func (m *midwife) expectChild(mother int32) {
	begun := m.today - day(m.s.between(earlyBook, term-5))
	m.pregnancies = append(m.pregnancies, pregnancy{mother: mother, begun: begun, ended: never,
		booked: begun + m.bookedAfter(mother, int(m.today-begun)), babies: [2]int32{nobody, nobody}})
}

// expect books the pregnancies that last, as many as the births of the last
// year let expect. The babies of the last two years stand for the next ones.
func (m *midwife) expect() {
	r := m.rates.Maternity
	const from, to = 45, term - 3
	for range int(r.BookedHere*float64(m.infants*(to-from))/365 + 0.5) {
		begun := m.today - day(m.s.between(from, to))
		if m.s.chance(r.Again) && m.expectAgain(begun) {
			continue
		}
		mother := m.motherLike(begun + term)
		if mother == nobody {
			continue
		}
		booked := begun + m.bookedAfter(mother, term)
		if booked > m.today {
			continue
		}
		m.pregnancies = append(m.pregnancies, pregnancy{mother: mother, begun: begun, booked: booked, ended: never,
			babies: [2]int32{nobody, nobody}})
	}
}

// motherLike takes a woman like the mother of one of the last two years' babies.
func (m *midwife) motherLike(birth day) int32 {
	if len(m.all) == 0 {
		return nobody
	}
	like := &m.people[m.all[m.s.below(len(m.all))]]
	return m.mother(m.place(like.regs[0].home), int(like.ethnicity), birth)
}

// expectAgain books a second pregnancy of somebody who gave birth long enough before.
func (m *midwife) expectAgain(begun day) bool {
	for range min(6, len(m.pregnancies)) {
		last := m.pregnancies[m.s.below(len(m.pregnancies))]
		if last.ended == never || last.ended+60 > begun || m.again[last.mother] {
			continue
		}
		booked := begun + m.bookedAfter(last.mother, int(m.today-begun))
		m.again[last.mother] = true
		m.pregnancies = append(m.pregnancies, pregnancy{mother: last.mother, begun: begun, booked: booked, ended: never,
			babies: [2]int32{nobody, nobody}, again: true})
		return true
	}
	return false
}

// grieve books the pregnancies that ended in a stillbirth or a loss: one of
// each at least.
func (m *midwife) grieve() {
	r, births := m.rates.Maternity, float64(len(m.pregnancies))
	m.end(stillbirth, max(1, int(r.Stillborn*births+0.5)))
	m.end(loss, max(1, int(r.Lost*births+0.5)))
}

func (m *midwife) end(outcome outcomeOfPregnancy, n int) {
	for range n {
		ended := m.today - day(m.s.between(5, 440))
		if mother := m.motherLike(ended); mother != nobody {
			m.book(mother, ended, outcome, [2]int32{nobody, nobody})
		}
	}
}

// misbook gives a few bookings of women who have no other a date that cannot be.
func (m *midwife) misbook() {
	n := max(1, int(m.rates.Maternity.Impossible*float64(len(m.pregnancies))+0.5))
	for range 20 * n {
		b := &m.pregnancies[m.s.below(len(m.pregnancies))]
		if n == 0 || b.ended != never || b.impossible || m.again[b.mother] {
			continue
		}
		b.impossible = true
		b.booked = m.today + day(m.s.between(2, 300))
		if n--; n%2 == 1 {
			b.booked = m.people[b.mother].birth - day(m.s.between(200, 9000))
		}
	}
}
