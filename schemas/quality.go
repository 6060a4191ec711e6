package schemas

import "regexp"

// A NumberDimension says for each group of one dimension how many people of a
// release's dataset have a usable NHS number, and how many have none and can be
// found in no other dataset.
type NumberDimension struct {
	Dimension string        `json:"dimension"`
	Groups    []NumberGroup `json:"groups"`
}

// A NumberGroup's counts are rounded to 5; null is withheld to protect people.
// There is no count of all: it is the sum of what is shown, so that nothing can
// be taken from it.
type NumberGroup struct {
	Value    string `json:"value"`
	Usable   *int64 `json:"usable"`
	Without  *int64 `json:"without"`
	Expected *int64 `json:"expected"` // without a number, if at each age it were as in the whole dataset
}

// A LinkQuality says how completely one dataset was linked.
type LinkQuality struct {
	Dataset    string          `json:"dataset"`
	Missing    []string        `json:"missing,omitempty"` // dimensions that the approved columns do not allow
	Dimensions []LinkDimension `json:"dimensions"`
}

// A LinkDimension is one dimension of it.
type LinkDimension struct {
	Dimension string      `json:"dimension"`
	Groups    []LinkGroup `json:"groups"`
}

// A LinkGroup's counts are rounded to 5; null is withheld to protect people.
// What has parts is the sum of the parts that are shown.
type LinkGroup struct {
	Value     string `json:"value"`
	Eligible  *int64 `json:"eligible"`
	Usable    *int64 `json:"usable"`
	Without   *int64 `json:"without_number"`
	Linked    *int64 `json:"linked"`
	NotFound  *int64 `json:"not_found"` // with a usable number, and in no other dataset of an approved pair
	NotLinked *int64 `json:"not_linked"`

	OfEligible  *Interval `json:"linked_of_eligible"`
	OfUsable    *Interval `json:"linked_of_usable"`
	NumberRatio *Interval `json:"without_number_ratio"` // of those without a number, to what age alone would give
	FoundBounds *Interval `json:"found_bounds"`         // the share that is found in another dataset, were nobody or everybody without a number in one
	FoundRatio  *Interval `json:"not_found_ratio"`      // of those not found, or not linked where only that is known, likewise
}

// An Interval is a figure with its 95 % interval and the method.
type Interval struct {
	Value  float64 `json:"value"`
	Lower  float64 `json:"lower"`
	Upper  float64 `json:"upper"`
	Method string  `json:"method"`
}

// WithoutNumbers stands among what is missing where the approval gives everybody's rows, but not whether they have a usable number.
const WithoutNumbers = "usable-number"

// QualityDimensions are those by which linking is accounted for, in their order.
var QualityDimensions = []string{"age", "ethnicity", "sex", "imd", "ward", "site"}

var groupForm = regexp.MustCompile(`^[A-Za-z0-9+-]{1,40}$`)

func numbersHold(all []NumberDimension) bool {
	if !unique(all, func(d NumberDimension) string { return d.Dimension }) {
		return false
	}
	for _, d := range all {
		if !qualityDimension(d.Dimension) || !unique(d.Groups, func(g NumberGroup) string { return g.Value }) {
			return false
		}
		for _, g := range d.Groups {
			hidden := g.Usable == nil
			if !groupForm.MatchString(g.Value) || hidden != (g.Without == nil) || hidden != (g.Expected == nil) || !hidden && (!shownCount(g.Usable) || !shownCount(g.Without) || *g.Expected < 0 || *g.Expected%5 != 0) {
				return false
			}
		}
	}
	return true
}

func qualityHolds(all []LinkQuality) bool {
	if !unique(all, func(q LinkQuality) string { return q.Dataset }) {
		return false
	}
	for _, q := range all {
		if !unique(q.Dimensions, func(d LinkDimension) string { return d.Dimension }) {
			return false
		}
		for _, d := range q.Dimensions {
			if !qualityDimension(d.Dimension) || !unique(d.Groups, func(g LinkGroup) string { return g.Value }) {
				return false
			}
			for _, g := range d.Groups {
				if !groupForm.MatchString(g.Value) {
					return false
				}
				for _, n := range []*int64{g.Eligible, g.Usable, g.Without, g.Linked, g.NotFound, g.NotLinked} {
					if n != nil && !shownCount(n) {
						return false
					}
				}
			}
		}
	}
	return true
}

// shownCount: 8 and more, rounded to 5, is 10 and more.
func shownCount(n *int64) bool { return *n >= 10 && *n%5 == 0 }

func qualityDimension(id string) bool {
	for _, known := range QualityDimensions {
		if known == id {
			return true
		}
	}
	return false
}

// GroupTitle is what a group is called: a ward by its name, and others as in the catalogue.
func GroupTitle(dimension, value string) string {
	if dimension == "ward" {
		for _, w := range Wards() {
			if w.Code == value {
				return w.Name
			}
		}
		dimension = "area"
	}
	if axis := StandardCatalogue().Axis(dimension); axis != nil {
		if i := axis.Index(value); i > 0 {
			return axis.Values[i].Title
		}
	}
	return value
}
