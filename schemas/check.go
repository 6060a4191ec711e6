package schemas

import (
	"fmt"
	"regexp"
	"slices"
	"unicode"
)

// A catalogue may come with a publication of unknown origin. What is checked
// here is all that the code relies on: that searching it ends, that its names
// may stand in SQL, and that groups add up.
const (
	mostAxes     = 16
	mostValues   = 2_000
	mostViews    = 64
	mostMeasures = 1_000
	mostNodes    = 1 << 17 // of one view
	deepest      = 9       // level
)

var (
	plain   = regexp.MustCompile(`^[a-z][a-z0-9_]{0,30}$`)                                                                            // names of columns
	word    = regexp.MustCompile(`^[a-z][a-z0-9-]{0,60}$`)                                                                            // ids that people type
	valueID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9+._-]{0,60}$`)                                                                // ids of groups
	taken   = []string{"measure", "as_at", "population", "restriction", "ward_name", "method", "publication", "approval", "last_day", // columns of every answer
		"numerator", "denominator", "value", "lower", "upper", "compared", "note"}
	polarity = []string{"none", "high-is-good", "low-is-good"}
)

// A CatalogueError says where a catalogue does not hold.
type CatalogueError struct{ Rule string }

func (e *CatalogueError) Error() string { return "catalogue: " + e.Rule }

// Kind is the kind of failure, which decides the exit code.
func (e *CatalogueError) Kind() string { return "integrity" }

// Hints says what to do.
func (e *CatalogueError) Hints() []string {
	return []string{"use the version of datanet that published it, or a newer one, or get it again from the hub that published it"}
}

// rule is nil when it holds.
func rule(holds bool, format string, args ...any) error {
	if holds {
		return nil
	}
	return &CatalogueError{fmt.Sprintf(format, args...)}
}

// first is the first of some checks that fails.
func first(checks ...func() error) error {
	for _, check := range checks {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// each checks every one of a list and says which one failed by its place: a
// name that was not checked is not printed.
func each[T any](what string, most int, list []T, check func(*T) error) error {
	if len(list) > most {
		return rule(false, "there are more than %d of one kind: %s", most, what)
	}
	for i := range list {
		if err := check(&list[i]); err != nil {
			return rule(false, "%s %d: %s", what, i+1, err.(*CatalogueError).Rule)
		}
	}
	return nil
}

func unique[T any](list []T, id func(T) string) bool {
	seen := map[string]bool{}
	for _, t := range list {
		if seen[id(t)] {
			return false
		}
		seen[id(t)] = true
	}
	return true
}

// Check holds a catalogue to what the code relies on. The error is a
// *CatalogueError.
func (c *Catalogue) Check() error {
	return first(
		func() error { return each("axis", mostAxes, c.Axes, (*Axis).check) },
		func() error {
			return rule(unique(c.Axes, func(a Axis) string { return a.ID }), "two axes share a name")
		},
		c.checkResidents,
		func() error { return each("dimension", mostViews, c.Dimensions, c.checkDimension) },
		func() error {
			return rule(unique(c.Dimensions, func(d Dimension) string { return d.ID }), "two dimensions share a name")
		},
		func() error { return each("view", mostViews, c.Views, c.checkView) },
		c.checkViewsDiffer,
		func() error { return each("condition", mostMeasures, c.Conditions, (*Condition).check) },
		func() error {
			return rule(unique(c.Conditions, func(k Condition) string { return k.ID }), "two conditions share a name")
		},
		func() error { return each("denominator", mostMeasures, c.Denominators, (*Denominator).check) },
		func() error {
			return rule(unique(c.Denominators, func(d Denominator) string { return d.ID }), "two denominators share a name")
		},
		func() error { return each("measure", mostMeasures, c.Measures, c.checkMeasure) },
		func() error {
			return rule(unique(c.Measures, func(m Measure) string { return m.ID }), "two measures share a name")
		},
		c.checkLowestAges,
	)
}

func (a *Axis) check() error {
	if err := first(
		func() error {
			return rule(plain.MatchString(a.ID) && !slices.Contains(taken, a.ID), "its name is not plain")
		},
		func() error {
			return rule(len(a.Values) > 1 && len(a.Values) <= mostValues, "it has no values, or too many")
		},
		func() error {
			return rule(a.Values[0].ID == "" && a.Values[0].Level == 0 && len(a.Values[0].Codes) == 0 && !a.Values[0].Rest, "it does not begin with All")
		},
		func() error {
			return rule(unique(a.Values, func(v Value) string { return v.ID }), "two values share an id")
		},
	); err != nil {
		return err
	}
	return first(a.checkTree, a.checkCodes)
}

// checkTree: parents come first, and the children of a value share a level, or
// they would not add up to it.
func (a *Axis) checkTree() error {
	index := map[string]int{}
	below := map[string]int{} // level of a value's children
	for i, v := range a.Values {
		parent, known := index[v.Parent]
		index[v.ID] = i
		switch {
		case i == 0:
			continue
		case !valueID.MatchString(v.ID) || !titled(v.Title):
			return rule(false, "value %d has an id or a title that is not plain", i)
		case !known || v.Level <= a.Values[parent].Level || v.Level > deepest:
			return rule(false, "value %d does not lie below a value before it", i)
		case below[v.Parent] != 0 && below[v.Parent] != v.Level:
			return rule(false, "value %d is of another level than its neighbours", i)
		}
		below[v.Parent] = v.Level
	}
	return nil
}

// checkCodes: a person has one value, and it is one that nothing divides.
func (a *Axis) checkCodes() error {
	parents, codes, rests := map[string]bool{}, map[string]bool{}, 0
	for _, v := range a.Values[1:] {
		parents[v.Parent] = true
	}
	for i, v := range a.Values {
		if (v.Rest || len(v.Codes) > 0) && parents[v.ID] {
			return rule(false, "value %d is divided and has people of its own", i)
		}
		if v.Rest {
			rests++
		}
		for _, code := range v.Codes {
			if codes[code] {
				return rule(false, "value %d names a code that another names", i)
			}
			codes[code] = true
		}
	}
	return rule(rests == 1, "not exactly one value takes the rest")
}

func titled(s string) bool {
	for i, r := range s {
		if i == 0 && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return false
		}
	}
	return s != ""
}

// checkResidents: the population of residents is a value of the axis area.
func (c *Catalogue) checkResidents() error {
	area := c.Axis("area")
	return rule(area != nil && area.Index("resident") > 0, "there is no axis area with residents")
}

func (c *Catalogue) checkDimension(d *Dimension) error {
	a := c.Axis(d.Axis)
	return first(
		func() error {
			return rule(word.MatchString(d.ID) && !slices.Contains(taken, d.ID), "its name is not plain")
		},
		func() error { return rule(a != nil, "it names an axis that there is not") },
		func() error {
			return rule(d.Level >= 1 && d.Level <= a.MaxLevel(), "it names a level that its axis has not")
		},
	)
}

func (c *Catalogue) checkView(v *View) error {
	if !word.MatchString(v.ID) {
		return rule(false, "its name is not plain")
	}
	nodes := 1
	for id, level := range v.Levels {
		a := c.Axis(id)
		if a == nil || level < 1 || level > a.MaxLevel() {
			return rule(false, "it names an axis or a level that there is not")
		}
		if nodes *= a.count(level); nodes > mostNodes {
			return rule(false, "it has more than %d groups", mostNodes)
		}
	}
	return nil
}

// count is how many values of at most a level there are, All included.
func (a *Axis) count(level int) int {
	n := 0
	for _, v := range a.Values {
		if v.Level <= level {
			n++
		}
	}
	return n
}

// checkViewsDiffer: two views of the same groups would count everybody twice.
func (c *Catalogue) checkViewsDiffer() error {
	return rule(len(c.Views) > 0 && unique(c.Views, func(v View) string { return fmt.Sprint(v.Levels) }) &&
		unique(c.Views, func(v View) string { return v.ID }), "two views are the same, or there is none")
}

func (k *Condition) check() error {
	return rule(word.MatchString(k.ID) && k.Has != "" && k.Has != k.Resolved, "its name is not plain, or its lists are the same")
}

func (d *Denominator) check() error {
	holds := false
	switch d.Kind {
	case KindDiagnosis:
		holds = len(d.Of) == 1 && d.Of[0] != "" && d.Months == 0
	case KindBooking:
		holds = len(d.Of) == 0 && months(d.Months)
	}
	return first(
		func() error {
			return rule(word.MatchString(d.ID) && titled(d.People), "its name or its people are not plain")
		},
		func() error { return rule(holds, "it is not of a kind that is known") },
	)
}

// months are as many as a definition may look back: up to a hundred years.
func months(n int) bool { return n >= 1 && n <= 1200 }

// checkLowestAges: a denominator is one set of people.
func (c *Catalogue) checkLowestAges() error {
	ages := map[string]int{}
	for i, m := range c.Measures {
		age, known := ages[m.Denominator]
		if m.Denominator != "" && known && age != m.LowestAge {
			return rule(false, "measure %d: its denominator has another lowest age", i+1)
		}
		ages[m.Denominator] = m.LowestAge
	}
	return nil
}

func (c *Catalogue) checkMeasure(m *Measure) error {
	return first(
		func() error {
			return rule(word.MatchString(m.ID) && titled(m.Title), "its name or its title is not plain")
		},
		func() error { return rule(m.LowestAge >= 0 && m.LowestAge <= 120, "its lowest age is no age") },
		func() error { return rule(slices.Contains(polarity, m.Polarity), "its polarity is not known") },
		func() error { return rule(!m.Sensitive || !m.ZeroShown, "it is sensitive and shows zeros") },
		func() error { return c.checkNumerator(&m.Numerator) },
		func() error { return c.checkSources(m) },
		func() error { return each("need", mostAxes, m.Needs, m.checkNeed) },
	)
}

// checkSources: a measure of its own denominator names the dataset that knows
// it, and is sensitive because that is.
func (c *Catalogue) checkSources(m *Measure) error {
	datasets, d := m.Datasets(), c.Denominator(m.Denominator)
	return first(
		func() error {
			return rule(len(datasets) <= mostAxes && !slices.ContainsFunc(datasets, func(id string) bool { return !word.MatchString(id) }) &&
				unique(datasets, func(s string) string { return s }), "its datasets are not plain, or one is named twice")
		},
		func() error { return rule(m.Denominator == "" || d != nil, "it names a denominator that there is not") },
		func() error {
			return rule(d == nil || slices.Contains(datasets, d.Dataset()), "its denominator is of a dataset that it does not name")
		},
		func() error { return rule(d == nil || m.Sensitive, "its denominator is sensitive and it is not") },
	)
}

func (m *Measure) checkNeed(n *Need) error {
	return rule(slices.Contains(m.Datasets(), n.Dataset) && plain.MatchString(n.Table) && len(n.Columns) <= mostViews &&
		!slices.ContainsFunc(n.Columns, func(c string) bool { return !plain.MatchString(c) }) &&
		unique(n.Columns, func(s string) string { return s }), "it is not of the measure's datasets, or not plain")
}

func (c *Catalogue) checkNumerator(n *Numerator) error {
	if !unique(n.Of, func(s string) string { return s }) {
		return rule(false, "its numerator names something twice")
	}
	known := func(id string) bool { return c.Condition(id) != nil }
	holds := false
	switch n.Kind {
	case KindCondition:
		holds = len(n.Of) == 1 && n.Count == 0
	case KindAtLeast:
		holds = n.Count >= 1 && n.Count <= len(n.Of)
	case KindEntry: // Of is a code list, which a reader does not have
		holds, known = len(n.Of) == 1 && n.Count == 0 && months(n.Months), func(list string) bool { return list != "" }
	case KindEthnicityRecorded:
		a := c.Axis("ethnicity")
		holds, known = a != nil && n.Count == 0, func(id string) bool { return a.Index(id) > 0 }
	}
	return rule(holds && (n.Kind == KindEntry || n.Months == 0) && !slices.ContainsFunc(n.Of, func(id string) bool { return !known(id) }), "its numerator is not of a kind that is known")
}
