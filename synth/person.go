package synth

// A person is somebody whom the borough's practices or its trusts know, or a
// row that pretends to be somebody. The first registration of people whom no
// practice knows holds their home and is no row (nregs is 0).
type person struct {
	birth, death day
	owner        int32 // whose number is recorded for this person; -1: the person's own
	regs         [2]registration
	marks        marks
	conditions   uint16 // ever diagnosed, by the bits of conditions
	resolved     uint16 // of these, meant to be resolved later
	nregs        uint8
	kind         kind
	sex          byte
	recordedSex  byte
	ethnicity    uint8
	smokes       bool
}

// A registration is one row of Admin_Patient. A person's first one is the
// latest; a second one is older.
type registration struct {
	from, to day
	birth    day // as this practice wrote it
	home     home
	practice int16
}

type kind uint8

const (
	current kind = iota
	left
	died
	deleted  // registered in error; the row arrives deleted
	branch   // a patient of the other organisation
	slamOnly // known to the mental health trust and to no practice; so the next two
	motherOnly
	babyOnly
	dummy // a test patient: no real person
)

// elsewhere people are registered with no practice of the borough.
func (k kind) elsewhere() bool { return k == slamOnly || k == motherOnly || k == babyOnly }

// lastDay is the last day on which the registration's record can grow.
func (p *person) lastDay(k int, asAt day) day {
	last := asAt
	if p.regs[k].to != never {
		last = min(last, p.regs[k].to-1)
	}
	if p.death != never {
		last = min(last, p.death-60)
	}
	return last
}

func (p *person) has(condition int) bool { return p.conditions>>condition&1 == 1 }

func (p *person) resolves(condition int) bool { return p.resolved>>condition&1 == 1 }

// marks are the deliberate defects and choices of a person's rows.
type marks uint32

const (
	numberBlank marks = 1 << iota
	numberInvalid
	numberSpaced
	numberRepeated
	numberBorrowed
	numberLent
	optedOut
	optOutWithdrawn
	optedOutAgain
	toldEverywhere // the choice is in both of two records
	restricted
	confidential
	identifies // has an entry whose code says that it identifies
	ethnicityConflict
	birthConflict
)

const anyNumberMark = numberBlank | numberInvalid | numberSpaced | numberRepeated | numberBorrowed | numberLent

func (m marks) any(of marks) bool { return m&of != 0 }
