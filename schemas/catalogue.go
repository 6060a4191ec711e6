package schemas

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"sync"
)

// A Catalogue says what is counted, for whom it may be broken down, and which
// tables of it are published. A planner picks from it; there is no free SQL.
type Catalogue struct {
	Version    string      `json:"version"`
	Axes       []Axis      `json:"axes"`
	Dimensions []Dimension `json:"dimensions"`
	Views      []View      `json:"views"`
	Conditions []Condition `json:"conditions"`
	Measures   []Measure   `json:"measures"`
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

// A Measure is one thing that planners look at, with what its definition page
// says about it.
type Measure struct {
	ID                    string    `json:"id"`
	Title                 string    `json:"title"`
	Sentence              string    `json:"sentence"`
	Numerator             Numerator `json:"numerator"`
	NumeratorDefinition   string    `json:"numerator_definition"`
	DenominatorDefinition string    `json:"denominator_definition"`
	LowestAge             int       `json:"lowest_age"`
	Polarity              string    `json:"polarity"` // none, high-is-good, low-is-good
	Sensitive             bool      `json:"sensitive"`
	ZeroShown             bool      `json:"zero_shown"`
	Dataset               string    `json:"dataset"`
	Source                string    `json:"source"`
	Verified              bool      `json:"verified"`
	Method                string    `json:"method"`
}

// A Numerator says who counts. Kind condition: people with the one condition
// of Of; at-least: people with Count or more of them; ethnicity-recorded:
// people whose ethnicity is known and stated.
type Numerator struct {
	Kind  string   `json:"kind"`
	Of    []string `json:"of,omitempty"`
	Count int      `json:"count,omitempty"`
}

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

// Index finds a value by id; All is 0, and -1 means that there is none.
func (a *Axis) Index(id string) int {
	return slices.IndexFunc(a.Values, func(v Value) bool { return v.ID == id })
}

// Frontier lists the values that divide everybody at a level: each value of
// the level, or a coarser one that nothing of the level divides. Values stand
// where their parents stand in the order of the axis.
func (a *Axis) Frontier(level int) []int {
	return a.divide(0, level)
}

func (a *Axis) divide(parent, level int) []int {
	var front []int
	for i, v := range a.Values {
		if i == 0 || v.Level > level || v.Parent != a.Values[parent].ID {
			continue
		}
		if below := a.divide(i, level); len(below) > 0 {
			front = append(front, below...)
			continue
		}
		front = append(front, i)
	}
	return front
}

// Under says whether value i is value j or nests under it.
func (a *Axis) Under(i, j int) bool {
	for i != 0 && i != j {
		i = a.Index(a.Values[i].Parent)
	}
	return i == j
}

// At is the value that stands for value i at a level: i itself or its nearest
// ancestor of that level or coarser.
func (a *Axis) At(i, level int) int {
	for a.Values[i].Level > level {
		i = a.Index(a.Values[i].Parent)
	}
	return i
}

// MaxLevel is the axis's finest level.
func (a *Axis) MaxLevel() int {
	finest := 0
	for _, v := range a.Values {
		finest = max(finest, v.Level)
	}
	return finest
}

func ids[T any](all []T, id func(T) string) []string {
	names := make([]string, len(all))
	for i, t := range all {
		names[i] = id(t)
	}
	return names
}

// A Feature is something people are counted by: a denominator, or the
// numerator of a measure. Within is the index of the feature whose people it
// counts some of, -1 for everybody registered.
type Feature struct {
	ID        string
	Within    int
	LowestAge int
	Measure   *Measure // nil for a denominator
}

// Features lists what is counted for the catalogue's measures: first the
// denominators, each lowest age once, then the numerators in the order of the
// measures.
func (c *Catalogue) Features() []Feature {
	ages := []int{0}
	for _, m := range c.Measures {
		if !slices.Contains(ages, m.LowestAge) {
			ages = append(ages, m.LowestAge)
		}
	}
	slices.Sort(ages)
	var features []Feature
	for i, age := range ages {
		features = append(features, Feature{ID: fmt.Sprintf("registered-%d", age), Within: i - 1, LowestAge: age})
	}
	for i := range c.Measures {
		m := &c.Measures[i]
		features = append(features, Feature{ID: m.ID, Within: slices.Index(ages, m.LowestAge), LowestAge: m.LowestAge, Measure: m})
	}
	return features
}

// MeasuresOf returns a catalogue with the measures of one dataset only.
func (c *Catalogue) MeasuresOf(dataset string) *Catalogue {
	part := *c
	part.Measures = nil
	for _, m := range c.Measures {
		if m.Dataset == dataset {
			part.Measures = append(part.Measures, m)
		}
	}
	return &part
}

// Check holds a catalogue that came with a publication to what the code relies
// on: All first on each axis, parents that exist, names that are plain.
func (c *Catalogue) Check() error {
	for i := range c.Axes {
		a := &c.Axes[i]
		if !plain.MatchString(a.ID) || len(a.Values) == 0 || a.Values[0].ID != "" || a.Values[0].Level != 0 {
			return &CatalogueError{"an axis does not begin with All, or its name is not plain"}
		}
		for j, v := range a.Values[1:] {
			if parent := a.Index(v.Parent); parent < 0 || parent > j || v.Level <= a.Values[parent].Level {
				return &CatalogueError{"a value of the axis " + a.ID + " does not lie below its parent"}
			}
		}
	}
	for _, d := range c.Dimensions {
		if c.Axis(d.Axis) == nil || d.Level < 1 {
			return &CatalogueError{"a dimension names an axis that there is not"}
		}
	}
	if c.Axis("area") == nil {
		return &CatalogueError{"there is no axis area"}
	}
	return nil
}

var plain = regexp.MustCompile(`^[a-z][a-z0-9_]{0,30}$`)

// A CatalogueError says where a catalogue does not hold.
type CatalogueError struct{ Rule string }

func (e *CatalogueError) Error() string { return "catalogue: " + e.Rule }

// Kind is the kind of failure, which decides the exit code.
func (e *CatalogueError) Kind() string { return "integrity" }

// OldestYears is the oldest age of a value of the axis age, in years, from the
// codes that it and the values below it name.
func (a *Axis) OldestYears(value int) int {
	oldest := math.MaxInt
	for v := range a.Values {
		if !a.Under(v, value) {
			continue
		}
		if a.Values[v].Rest {
			return math.MaxInt
		}
		for _, code := range a.Values[v].Codes {
			if years, err := strconv.Atoi(code); err == nil && (oldest == math.MaxInt || years > oldest) {
				oldest = years
			}
		}
	}
	return oldest
}
