package synth

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
)

// An exportTable is one file of a trust's export: its name, and the fields
// after the number that every row begins with.
type exportTable struct{ name, fields string }

// An export is a trust's folder being written.
type export struct {
	*plan
	trust
	dir      string
	sheets   []*sheet
	rows     []int // numbers given, by table
	s        *stream
	again    float64 // share of rows that were submitted twice
	truth    *sheet
	outcomes []outcome
	edges    []edge
}

// A trust is one organisation's dataset, format and site, and how its files
// look. The codes are fictional.
type trust struct {
	dataset, format, site string
	number                string // what a row's number is called
	tables                []exportTable
	truthColumns          string
}

// An edge says that a baby's row stands under the number of a person, and
// whom it has for a mother.
type edge struct{ baby, mother int32 }

func (w *writer) newExport(t trust, again float64) (*export, error) {
	e := &export{plan: w.plan, trust: t, dir: filepath.Join(w.dir, t.dataset), s: newStream(), again: again, rows: make([]int, len(t.tables))}
	if err := os.MkdirAll(e.dir, 0o755); err != nil {
		return e, err
	}
	for _, table := range t.tables {
		name := table.name + "_" + e.AsAt.Format("20060102") + ".csv"
		s, err := createSheet(filepath.Join(e.dir, name), append([]string{t.number}, strings.Fields(table.fields)...), false)
		if err != nil {
			return e, err
		}
		e.sheets = append(e.sheets, s)
	}
	var err error
	e.truth, err = createSheet(filepath.Join(w.dir, "truth", t.dataset+".csv"), strings.Fields(t.truthColumns), false)
	if err != nil {
		return e, err
	}
	return e, e.borough.writeLookup(e.dir)
}

func (e *export) close() error {
	var errs []error
	for _, s := range e.sheets {
		errs = append(errs, s.close())
	}
	if e.truth != nil {
		errs = append(errs, e.truth.close())
	}
	return errors.Join(errs...)
}

// next begins a table's next row with its number.
func (e *export) next(table int) *sheet {
	e.rows[table]++
	return e.numbered(table, e.rows[table])
}

func (e *export) numbered(table, number int) *sheet {
	e.sheets[table].int(number)
	return e.sheets[table]
}

// submit writes a row or, for a few, two of them: what was submitted first and
// what counts. The one that counts has the higher number; every other time
// it stands before the other in the file.
func (e *export) submit(table int, write func(s *sheet, earlier bool)) {
	if !e.s.chance(e.again) {
		e.finish(table, e.next(table), false, write)
		return
	}
	first := e.rows[table] + 1
	e.rows[table] += 2
	countsFirst := e.s.chance(0.5)
	if countsFirst {
		e.finish(table, e.numbered(table, first+1), false, write)
	}
	e.finish(table, e.numbered(table, first), true, write)
	if !countsFirst {
		e.finish(table, e.numbered(table, first+1), false, write)
	}
}

func (e *export) finish(table int, s *sheet, earlier bool, write func(s *sheet, earlier bool)) {
	write(s, earlier)
	s.end()
}

// writeHeader writes the one row of the export's header.
func (e *export) writeHeader(version string) {
	s := e.next(0)
	y, m, _ := e.today.civil()
	s.text(version)
	s.text(e.site)
	s.text(e.site)
	s.text("Synthetic")
	s.day(dayOn(y, m, 1))
	s.day(e.today)
	s.stamp(e.today, 27015)
	s.end()
}

// The local ids of a trust's export by their letter: all begin with idMarker,
// so that a test can search for it wherever none of them may arrive.
const (
	patientID   = 'P'
	referralID  = 'R'
	contactID   = 'C'
	spellID     = 'S'
	actID       = 'L'
	teamID      = 'T'
	staffID     = 'F'
	registerID  = 'G'
	motherID    = 'M'
	pregnancyID = 'N'
	deliveryID  = 'D'
	babyID      = 'B'
	fetusID     = 'X'
	activityID  = 'A'
)

// numberStatus is the NHS number status indicator: verified, present and not
// traced, or traced in vain.
func numberStatus(written string, n uint64) string {
	switch {
	case written == "":
		return "04"
	case n%12 == 0:
		return "02"
	}
	return "01"
}

// recordedNumber is the number as the row has it.
func (e *export) recordedNumber(a *attendance) string {
	if a.person == nobody {
		return ""
	}
	return e.numberAs(int(a.person), a.owner, a.marks)
}

// usable says whether the recorded number is a match key.
func (a *attendance) usable() bool {
	return a.person != nobody && !a.marks.any(numberBlank|numberInvalid|numberRepeated)
}

// under is the person whose number the row has.
func (a *attendance) under() int32 {
	if a.owner != nobody {
		return a.owner
	}
	return a.person
}

// misdated is a day after the snapshot or before the birth.
func (e *export) misdated(birth day) day {
	if e.s.chance(0.5) {
		return e.today + day(e.s.between(2, 400))
	}
	return birth - day(e.s.between(2, 3000))
}

// credit notes under whose number the row stands.
func (e *export) credit(a *attendance, what uint8) {
	if a.usable() {
		e.outcomes = append(e.outcomes, outcome{a.under(), what})
	}
}

// writtenPostcode is how the trust writes it: mostly with its space.
func writtenPostcode(h home, n uint64) string {
	pc := h.postcodeText()
	switch n % 20 {
	case 0, 1, 2:
		return strings.ReplaceAll(pc, " ", "")
	case 3:
		return strings.ToLower(pc)
	}
	return pc
}

// writePractice writes which practice the person is registered with, if any.
func (e *export) writePractice(table int, id byte, n int, who *person) {
	if who.nregs == 0 {
		return
	}
	s := e.next(table)
	s.id(id, n)
	s.text(e.practices[who.regs[0].practice].site)
	s.day(who.regs[0].from)
	s.day(who.regs[0].to)
	s.end()
}
