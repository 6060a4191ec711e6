package synth

import "context"

const maternity = "maternity"

// truthOfMaternity has one row for each mother's row that counts, each booking
// and each baby; what a kind of row does not have is empty.
const truthOfMaternity = "row local_id mother_id pregnancy_id person_id mother nhs_number_recorded usable gate ethnicity ward lsoa birth_year booked booked_by_70_days birth_month outcome"

// The gates of the maternity trust's rows.
const (
	gateOrphan     = "no-patient"
	gateImpossible = "impossible-date"
	gateSensitive  = "sensitive-outcome"
)

func (p *plan) maternity() trust {
	return trust{maternity, "msds", "Z9M01", "RecordNumber", msdsTables, truthOfMaternity}
}

// A birthBook writes mothers, their bookings and their babies.
type birthBook struct {
	*export
	babies     [][]int32 // newborns by pregnancy
	deliveries int
	activities int
}

func (w *writer) writeMaternity(ctx context.Context, e *export) error {
	b := &birthBook{export: e, babies: make([][]int32, len(e.pregnancies))}
	for i := range e.newborns {
		at := e.newborns[i].pregnancy
		b.babies[at] = append(b.babies[at], int32(i))
	}
	e.writeHeader("2.0")
	step := w.stepper(ctx)
	written := 0
	for i := range e.pregnancies {
		if err := step(); err != nil {
			return err
		}
		e.s.start(e.Seed, forBirths, uint64(i))
		if row := int(e.pregnancies[i].row); row == written {
			b.writeMother(row)
			written++
		}
		b.writePregnancy(i)
	}
	b.writeOrphans()
	return nil
}

// writeMother writes a mother's row. Rows are in the order of pregnancies, so
// that each mother comes before what is hers.
func (b *birthBook) writeMother(i int) {
	row := &b.mothers[i]
	who := &b.people[row.person]
	told := b.told(b.s, who.ethnicity, b.rates.Maternity.Told)
	home := b.livesAt(b.s, who, b.rates.Maternity.Moved)
	before := b.address(b.s, b.borough.wardChoice.pick(b.s), told%len(b.categories))
	number, n := b.recordedNumber(row), b.s.Uint64()
	b.submit(matMother, func(s *sheet, earlier bool) {
		number, told, home := number, told, home
		if earlier {
			number, told, home = "", notRecorded, before
		}
		s.id(motherID, i+1)
		s.text(b.site)
		s.day(who.birth)
		s.text("72Q")
		s.text(number)
		s.text(numberStatus(number, n))
		s.text(writtenPostcode(home, n>>8))
		s.text(b.ethnicCategory(told))
		s.blank(2) // death
	})
	b.writePractice(matPractice, motherID, i+1, who)
	b.writeMotherTruth(i, told, home)
}

func (b *birthBook) writeMotherTruth(i, told int, home home) {
	row, t := &b.mothers[i], b.truth
	t.text("mother")
	t.id(motherID, i+1)
	t.id(motherID, i+1)
	t.blank(1)
	b.writeWhose(row, nobody)
	t.blank(1) // no gate stops a mother's own row
	t.text(letter(b.categories, told))
	b.writeWhere(home)
	t.year(b.people[row.person].birth)
	t.blank(4)
	t.end()
	b.credit(row, inMaternity)
}

// writeWhose writes whose row it is, her mother if it is a baby's, and the
// number as recorded.
func (b *birthBook) writeWhose(row *attendance, mother int32) {
	t := b.truth
	if row.person == nobody {
		t.blank(1)
	} else {
		t.text(b.personID(int(row.person)))
	}
	if mother == nobody {
		t.blank(1)
	} else {
		t.text(b.personID(int(mother)))
	}
	t.text(b.recordedNumber(row))
	t.bool(row.usable())
}

func (b *birthBook) writePregnancy(i int) {
	p := &b.pregnancies[i]
	b.writeBooking(i)
	if p.ended == never {
		return
	}
	b.deliveries++
	b.writeDelivery(b.deliveries, i+1, p)
	for _, n := range b.babies[i] {
		b.writeBaby(int(n), p)
	}
}

// writeBooking writes a booking. Of some the due date is not known; where it
// is, it is the 280th day.
func (b *birthBook) writeBooking(i int) {
	p := &b.pregnancies[i]
	undated := b.s.chance(0.01) && !p.impossible
	due := p.begun + term
	smoking, bmi := b.smoking(p.mother), b.bodyMass(p.mother)
	births, still, n := b.parity(p), 0, b.s.Uint64()
	if n%60 == 0 {
		still = 1
	}
	b.submit(matBooking, func(s *sheet, earlier bool) {
		booked := p.booked
		if earlier {
			booked += day(3 + n%20)
		}
		s.id(pregnancyID, i+1)
		s.id(motherID, int(p.row)+1)
		s.text("Z9C01")
		s.day(booked)
		s.day(booked - day(n>>8%12))
		if undated {
			s.blank(1)
		} else {
			s.day(due)
		}
		s.text("Z9M01A")
		s.text([...]string{"02", "02", "01"}[n>>16%3])
		s.text("01")
		s.blank(2) // providers of origin and destination
		if booked-p.begun > earlyBook && n>>20%2 == 0 {
			s.text("98")
		} else {
			s.blank(1)
		}
		s.text("06")
		s.day(p.begun)
		s.text("N")
		s.text("en")
		s.text("N")
		s.text([...]string{"N", "N", "N", "Y"}[n>>24%4])
		s.blank(3) // employment, support
		s.int(min(births, int(n>>32%3)/2))
		s.int(births)
		s.int(still)
		s.int(int(n >> 40 % 5 / 3))
		s.text("01")
		s.blank(2) // discharge
		if earlier {
			s.blank(2)
			return
		}
		s.text(smoking)
		s.text(bmi)
	})
	b.writeBookingTruth(i, undated, due)
}

// smoking is the status at booking: fewer than usual smoke.
func (b *birthBook) smoking(mother int32) string {
	u, smokes := b.s.below(100), b.people[mother].smokes
	switch {
	case u < 4:
		return [...]string{"9", "Z", "", ""}[u]
	case smokes && u < 55:
		return "1"
	case smokes || u < 20:
		return "2"
	case u < 26:
		return "3"
	}
	return "4"
}

func (b *birthBook) bodyMass(mother int32) string {
	if b.s.chance(0.05) {
		return ""
	}
	v := min(max(b.categories[b.people[mother].ethnicity].bmi-8+b.s.bell(45), 160), 520)
	return string([]byte{byte('0' + v/100), byte('0' + v/10%10), '.', byte('0' + v%10)})
}

// parity is how many live births came before, those of the export included.
func (b *birthBook) parity(p *pregnancy) int {
	n := [...]int{0, 0, 0, 0, 0, 1, 1, 1, 2, 3}[b.s.below(10)]
	if p.again {
		n = max(n, 1)
	}
	return n
}

func (b *birthBook) writeBookingTruth(i int, undated bool, due day) {
	p, t := &b.pregnancies[i], b.truth
	row := &b.mothers[p.row]
	t.text("booking")
	t.id(pregnancyID, i+1)
	t.id(motherID, int(p.row)+1)
	t.id(pregnancyID, i+1)
	b.writeWhose(row, nobody)
	seen := isMother
	if p.impossible {
		t.text(gateImpossible)
	} else {
		t.blank(1)
		seen |= linksMaternity
	}
	t.blank(4)
	t.month(p.booked)
	if undated {
		t.blank(1)
	} else {
		t.bool(term-int(due-p.booked) <= earlyBook)
	}
	t.blank(2)
	t.end()
	b.credit(row, seen)
}

func (b *birthBook) writeDelivery(id, pregnancy int, p *pregnancy) {
	n := b.s.Uint64()
	b.submit(matDelivery, func(s *sheet, earlier bool) {
		s.id(deliveryID, id)
		s.id(pregnancyID, pregnancy)
		s.text("Z9M01A")
		s.text("01")
		s.blank(1) // change of setting
		s.text([...]string{"1", "1", "3", "4"}[n%4])
		s.day(p.ended)
		s.clock(n >> 8)
		s.blank(2) // caesarean
		s.day(p.ended)
		s.clock(n >> 16)
		s.blank(2) // decision
		s.text("31")
		if earlier {
			s.blank(2)
		} else {
			s.day(min(p.ended+day(n>>24%4), b.today))
			s.clock(n >> 32)
		}
		s.text("1")
		s.text("19")
		s.text(b.site)
	})
}

// outcomeCodes are pregnancy outcomes of MSDS; those of a loss are from
// memory, and stand for everything that must not leave.
var outcomeCodes = [...][]string{liveBirth: {"01"}, stillbirth: {"02", "03", "04"}, loss: {"05", "06"}}

func (b *birthBook) writeBaby(i int, p *pregnancy) {
	row := &b.newborns[i]
	sex, died := [...]byte{'F', 'M'}[b.s.below(2)], never
	own := b.people[p.mother].ethnicity
	if row.person != nobody {
		who := &b.people[row.person]
		own, sex, died = who.ethnicity, who.sex, who.death
	}
	told := b.told(b.s, own, b.rates.Maternity.Told)
	number, n := b.recordedNumber(&row.attendance), b.s.Uint64()
	codes := outcomeCodes[p.outcome]
	b.submit(matBaby, func(s *sheet, earlier bool) {
		number, died := number, died
		if earlier {
			number, died = "", never
		}
		s.id(babyID, i+1)
		s.id(deliveryID, b.deliveries)
		s.text(b.site)
		s.day(p.ended)
		s.clock(n)
		s.text(codes[n>>8%uint64(len(codes))])
		s.text(map[byte]string{'M': "1", 'F': "2"}[sex])
		s.text(b.ethnicCategory(told))
		s.text(number)
		s.text(numberStatus(number, n>>16))
		s.id(fetusID, i+1)
		s.int(int(row.order))
		s.day(died)
		s.blank(1) // time of death
		s.text("01")
		s.int(int(p.ended - p.begun))
		s.text([...]string{"0", "0", "0", "0", "2", "3", "7", "7", "8", ""}[n>>24%10])
		s.text("N")
		s.text("Z9M01A")
		s.id(staffID, 1+int(n>>32%60))
		s.text("01")
		s.blank(3) // first feed
		s.blank(1) // skin to skin
		s.blank(2) // discharge
	})
	b.writeActivities(i, p)
	b.writeBabyTruth(i, p, told)
}

// writeActivities writes the weight at birth, in grams or kilograms, and an
// Apgar score.
func (b *birthBook) writeActivities(i int, p *pregnancy) {
	if p.outcome == loss {
		return
	}
	grams := min(max(3380-22*(term-int(p.ended-p.begun))+b.s.bell(420), 420), 5600)
	inKilos, apgar := b.s.chance(0.1), 10-b.s.wait(1)
	if p.outcome == liveBirth {
		b.writeActivity(i, p.ended, func(s *sheet) {
			s.blank(4)
			s.int(max(apgar, 2))
		})
	}
	b.writeActivity(i, p.ended, func(s *sheet) {
		s.text("06")
		s.text(birthWeight)
		if inKilos {
			s.text(string([]byte{byte('0' + grams/1000), '.', byte('0' + grams/100%10), byte('0' + grams/10%10), byte('0' + grams%10)}))
			s.text("kg")
		} else {
			s.int(grams)
			s.text("g")
		}
		s.blank(1) // Apgar score
	})
}

const birthWeight = "27113001" // body weight in SNOMED CT, as MSDS uses it at birth

func (b *birthBook) writeActivity(baby int, at day, write func(s *sheet)) {
	b.activities++
	b.submit(matActivity, func(s *sheet, _ bool) {
		s.id(activityID, b.activities)
		s.id(babyID, baby+1)
		s.day(at)
		write(s)
	})
}

func (b *birthBook) writeBabyTruth(i int, p *pregnancy, told int) {
	row, t := &b.newborns[i], b.truth
	t.text("baby")
	t.id(babyID, i+1)
	t.id(motherID, int(p.row)+1)
	t.id(pregnancyID, int(row.pregnancy)+1)
	b.writeWhose(&row.attendance, p.mother)
	if p.outcome == loss {
		t.text(gateSensitive)
	} else {
		t.blank(1)
	}
	t.text(letter(b.categories, told))
	t.blank(2) // ward, area
	t.year(p.ended)
	t.blank(2)
	t.month(p.ended)
	t.text([...]string{"live", "stillbirth", "loss"}[p.outcome])
	t.end()
	b.credit(&row.attendance, inMaternity|linksMaternity|isBaby)
	if row.usable() {
		b.edges = append(b.edges, edge{row.under(), p.mother})
	}
}

// writeOrphans writes bookings without a mother and babies without a delivery.
func (b *birthBook) writeOrphans() {
	b.s.start(b.Seed, forBirths, 1<<40)
	for i := range someOf(b.rates.Maternity.Orphan, len(b.pregnancies)) {
		b.writeOrphanBooking(len(b.pregnancies)+1+i, len(b.mothers)+1+i)
		b.writeOrphanBaby(len(b.newborns)+1+i, b.deliveries+1+i)
	}
}

func (b *birthBook) writeOrphanBooking(id, mother int) {
	begun := b.today - 150
	s := b.next(matBooking)
	s.id(pregnancyID, id)
	s.id(motherID, mother)
	s.text("Z9C01")
	s.day(begun + 60)
	s.day(begun + 50)
	s.day(begun + term)
	s.blank(24) // everything else
	s.end()
	b.writeOrphanTruth("booking", pregnancyID, id, begun+60, never, "")
}

func (b *birthBook) writeOrphanBaby(id, delivery int) {
	born := b.today - 100
	s := b.next(matBaby)
	s.id(babyID, id)
	s.id(deliveryID, delivery)
	s.text(b.site)
	s.day(born)
	s.blank(1) // time
	s.text("01")
	s.text("2")
	s.text("99")
	s.blank(19) // number and everything else
	s.end()
	b.writeOrphanTruth("baby", babyID, id, never, born, "live")
}

func (b *birthBook) writeOrphanTruth(row string, what byte, id int, booked, born day, outcome string) {
	t := b.truth
	t.text(row)
	t.id(what, id)
	t.blank(5)
	t.bool(false)
	t.text(gateOrphan)
	t.blank(3)
	t.year(born)
	t.month(booked)
	if booked != never {
		t.bool(true)
	} else {
		t.blank(1)
	}
	t.month(born)
	t.text(outcome)
	t.end()
}
