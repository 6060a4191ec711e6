package schemas

import (
	"slices"
	"sync"
)

// A Catalogue says what is counted, for whom it may be broken down, and which
// tables of it are published. A planner picks from it; there is no free SQL.
type Catalogue struct {
	Version      string        `json:"version"`
	Axes         []Axis        `json:"axes"`
	Dimensions   []Dimension   `json:"dimensions"`
	Views        []View        `json:"views"`
	Conditions   []Condition   `json:"conditions"`
	Denominators []Denominator `json:"denominators,omitempty"`
	Measures     []Measure     `json:"measures"`
}

// An Axis is a characteristic whose values nest: a ward lies in the borough,
// Black African in Black. Value 0 is always All, with the empty id.
type Axis struct {
	ID         string  `json:"id"`
	Title      string  `json:"title"`
	Values     []Value `json:"values"`
	WardsUnder string  `json:"wards_under,omitempty"` // the value that the wards nest under
}

// A Value is one group of an axis. Codes are what the canonical tables hold
// for it; the value marked Rest takes everything that no other value names.
type Value struct {
	ID     string   `json:"id"`
	Title  string   `json:"title"`
	Parent string   `json:"parent"` // empty: nests under All
	Level  int      `json:"level"`
	Codes  []string `json:"codes,omitempty"`
	Rest   bool     `json:"rest,omitempty"`
}

// A Dimension is what a planner asks for: an axis down to a level.
type Dimension struct {
	ID    string `json:"id"`
	Axis  string `json:"axis"`
	Level int    `json:"level"`
	Title string `json:"title"`
	Note  string `json:"note"`
}

// A View is a set of axes that may be crossed, each down to a level. What no
// view registers is never counted.
type View struct {
	ID     string         `json:"id"`
	Levels map[string]int `json:"levels"`
}

// A Condition is a register: a code of the list Has that no later code of the
// list Resolved ends.
type Condition struct {
	ID       string `json:"id"`
	Has      string `json:"has"`
	Resolved string `json:"resolved,omitempty"`
}

// A Denominator is the people of a measure that is not counted of everybody
// registered: those of them whom another dataset knows, too. To be among them
// says something of a person already, so disclosure control holds a denominator
// for as sensitive as what is counted within it.
type Denominator struct {
	ID     string   `json:"id"`
	People string   `json:"people"`           // who they are, as in "40 of the 640 people with …"
	Kind   string   `json:"kind"`             // diagnosis or booking
	Of     []string `json:"of,omitempty"`     // of a diagnosis: its one code list
	Months int      `json:"months,omitempty"` // of a booking: how far back it counts
}

// The kinds of denominators. Diagnosis: people with a code of the list at SLaM,
// up to the date. Booking: people who booked a pregnancy in the month of the
// date or in the Months before it, itself among them.
const (
	KindDiagnosis = "diagnosis"
	KindBooking   = "booking"
)

// Dataset is the one that a denominator is found in.
func (d *Denominator) Dataset() string {
	return map[string]string{KindDiagnosis: "slam", KindBooking: "maternity"}[d.Kind]
}

// A Measure is one thing that planners look at, with what its definition page
// says about it. One that is counted from several datasets names the others as
// Linked, and says by Needs what it reads of each, which is what an approval
// lists; the columns that tell who is registered and where people belong are
// understood.
type Measure struct {
	ID                    string    `json:"id"`
	Title                 string    `json:"title"`
	Sentence              string    `json:"sentence"`
	Numerator             Numerator `json:"numerator"`
	NumeratorDefinition   string    `json:"numerator_definition"`
	Denominator           string    `json:"denominator,omitempty"` // id; empty: everybody registered
	DenominatorDefinition string    `json:"denominator_definition"`
	LowestAge             int       `json:"lowest_age"`
	Polarity              string    `json:"polarity"` // none, high-is-good, low-is-good
	Sensitive             bool      `json:"sensitive"`
	ZeroShown             bool      `json:"zero_shown"`
	Dataset               string    `json:"dataset"`
	Linked                []string  `json:"linked,omitempty"`
	Needs                 []Need    `json:"needs,omitempty"`
	Source                string    `json:"source"`
	Verified              bool      `json:"verified"`
	Method                string    `json:"method"`
}

// A Need is what a measure reads of one table.
type Need struct {
	Dataset string   `json:"dataset"`
	Table   string   `json:"table"`
	Columns []string `json:"columns"`
}

// A Numerator says who counts. Kind condition: people with the one condition
// of Of; at-least: people with Count or more of them; ethnicity-recorded:
// people whose ethnicity is any value but those of Of; entry: people with an
// entry of the one code list of Of in the Months up to the date.
type Numerator struct {
	Kind   string   `json:"kind"` // one of the Kinds below
	Of     []string `json:"of,omitempty"`
	Count  int      `json:"count,omitempty"`
	Months int      `json:"months,omitempty"`
}

// The kinds of numerators.
const (
	KindCondition         = "condition"
	KindAtLeast           = "at-least"
	KindEthnicityRecorded = "ethnicity-recorded"
	KindEntry             = "entry"
)

var catalogue = sync.OnceValue(func() *Catalogue {
	c := &Catalogue{}
	read("catalogue/catalogue.json", c)
	for i := range c.Axes {
		c.Axes[i].complete()
	}
	return c
})

// StandardCatalogue is the catalogue that comes with datanet. It must not be
// changed.
func StandardCatalogue() *Catalogue { return catalogue() }

// complete puts All in front and the wards under the value that takes them.
func (a *Axis) complete() {
	a.Values = append([]Value{{Title: "All"}}, a.Values...)
	if a.WardsUnder == "" {
		return
	}
	for _, w := range Wards() {
		a.Values = append(a.Values, Value{ID: w.Code, Title: w.Name, Parent: a.WardsUnder, Level: 2, Codes: []string{w.Code}})
	}
}

// Measure returns a measure by id, or an *UnknownError.
func (c *Catalogue) Measure(id string) (*Measure, error) {
	i := slices.IndexFunc(c.Measures, func(m Measure) bool { return m.ID == id })
	if i >= 0 {
		return &c.Measures[i], nil
	}
	return nil, &UnknownError{"measure", id, ids(c.Measures, func(m Measure) string { return m.ID })}
}

// Dimension returns a dimension by id, or an *UnknownError.
func (c *Catalogue) Dimension(id string) (*Dimension, error) {
	i := slices.IndexFunc(c.Dimensions, func(d Dimension) bool { return d.ID == id })
	if i >= 0 {
		return &c.Dimensions[i], nil
	}
	return nil, &UnknownError{"dimension", id, ids(c.Dimensions, func(d Dimension) string { return d.ID })}
}

// Axis returns an axis by id, or nil.
func (c *Catalogue) Axis(id string) *Axis {
	i := slices.IndexFunc(c.Axes, func(a Axis) bool { return a.ID == id })
	if i < 0 {
		return nil
	}
	return &c.Axes[i]
}

// Condition returns a condition by id, or nil.
func (c *Catalogue) Condition(id string) *Condition {
	i := slices.IndexFunc(c.Conditions, func(k Condition) bool { return k.ID == id })
	if i < 0 {
		return nil
	}
	return &c.Conditions[i]
}

// Denominator returns a denominator by id, or nil.
func (c *Catalogue) Denominator(id string) *Denominator {
	i := slices.IndexFunc(c.Denominators, func(d Denominator) bool { return d.ID == id })
	if i < 0 {
		return nil
	}
	return &c.Denominators[i]
}

func ids[T any](all []T, id func(T) string) []string {
	names := make([]string, len(all))
	for i, t := range all {
		names[i] = id(t)
	}
	return names
}
