package schemas

import (
	"fmt"
	"slices"
	"strconv"
)

// A Feature is something people are counted by: everybody registered, a
// denominator that is a part of them, or the numerator of a measure. Within is
// the index of the feature whose people it counts some of, -1 for everybody
// registered.
type Feature struct {
	ID          string
	Within      int
	LowestAge   int
	Denominator *Denominator // nil unless it is a denominator of its own
	Measure     *Measure     // nil for a denominator
}

// Features lists what is counted for the catalogue's measures: first everybody
// registered, each lowest age once, then the denominators of their own, then
// the numerators in the order of the measures.
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
	own := map[string]int{}
	for _, m := range c.Measures {
		if _, known := own[m.Denominator]; known || m.Denominator == "" {
			continue
		}
		own[m.Denominator] = len(features)
		features = append(features, Feature{ID: m.Denominator, Within: slices.Index(ages, m.LowestAge), LowestAge: m.LowestAge, Denominator: c.Denominator(m.Denominator)})
	}
	for i := range c.Measures {
		m := &c.Measures[i]
		within, some := own[m.Denominator]
		if !some {
			within = slices.Index(ages, m.LowestAge)
		}
		features = append(features, Feature{ID: m.ID, Within: within, LowestAge: m.LowestAge, Measure: m})
	}
	return features
}

// Sensitive says whether it must not be learned of a person that the feature
// counts them: a sensitive measure's numerator, and a denominator that another
// dataset tells.
func (f *Feature) Sensitive() bool {
	return f.Denominator != nil || (f.Measure != nil && f.Measure.Sensitive)
}

// Excludes marks the values of an axis of which nobody can count towards the
// feature, whoever they are, because its definition says so; nil when it says
// nothing of that axis. Every reader knows that these groups are empty, so
// disclosure control must know it too.
func (f *Feature) Excludes(a *Axis) []bool {
	counts := f.condition(a)
	if counts == nil {
		return nil
	}
	return a.throughout(func(v *Value) bool {
		return !slices.ContainsFunc(v.Codes, func(code string) bool { return counts(v, code) })
	})
}

// Includes marks the values of an axis of which everybody counts that the
// feature around it counts; nil when its definition asks for more than that
// axis tells. This, too, every reader knows.
func (f *Feature) Includes(a *Axis) []bool {
	counts := f.condition(a)
	if counts == nil || (a.ID == "age" && (f.Measure != nil || f.Denominator != nil)) {
		return nil
	}
	return a.throughout(func(v *Value) bool {
		return !v.Rest && len(v.Codes) > 0 &&
			!slices.ContainsFunc(v.Codes, func(code string) bool { return !counts(v, code) })
	})
}

// condition is what the feature's definition asks of an axis: which codes
// count; nil for any. Of people of unknown age nothing is counted that has a
// lowest age.
func (f *Feature) condition(a *Axis) func(v *Value, code string) bool {
	switch {
	case a.ID == "age" && f.LowestAge > 0:
		return func(_ *Value, code string) bool {
			years, err := strconv.Atoi(code)
			return err == nil && years >= f.LowestAge
		}
	case a.ID == "ethnicity" && f.Measure != nil && f.Measure.Numerator.Kind == KindEthnicityRecorded:
		return func(v *Value, _ string) bool { return f.Measure.Numerator.Recorded(v) }
	}
	return nil
}

// Recorded says whether people of an ethnicity count as recorded: codes stand
// for it, and the numerator does not leave it out.
func (n *Numerator) Recorded(v *Value) bool {
	return len(v.Codes) > 0 && !slices.Contains(n.Of, v.ID)
}
