package disclose

import (
	"errors"
	"fmt"
)

// A Value is one place on an axis. Value 0 is All, the whole axis; every other value lies inside its Parent, an index
// that comes before its own. Level says how fine it is: 0 for All, more for finer.
type Value struct {
	Name   string
	Parent int
	Level  int
}

// An Axis is one way of dividing people: area, ethnicity, age, sex. The children of a value share one level and
// together hold everyone in it; a child may be more than one level below its parent.
type Axis struct {
	Name   string
	Values []Value
}

// A View is a registered crossing: for each axis the finest level it may use, 0 meaning only All. Its nodes are every
// combination of one value of such a level, or All, on each axis.
type View struct {
	Name   string
	Limits []int
}

// A Feature is something counted at every node: a denominator, or a numerator within one.
type Feature struct {
	ID        string
	Sensitive bool // having it, or everyone around having it, must not be learned about a person
	ShowZero  bool // that nobody has it may be shown
	Within    int  // the index of the feature whose people it counts some of; -1 for none
	// Outside says that this publication does not show the feature. Readers know it from another one. The audit takes it as
	// it would be shown here: bounds about as tight as those that readers have, and not the same, because keys, noise and
	// withheld cells differ there. To withhold it here would hide nothing, so no repair may. What its counts show by
	// themselves is for the other publication to protect; what they show together with this one is protected here.
	Outside bool
	// Impossible says where nobody can be counted by definition, as children in a denominator of adults; nil is nowhere.
	// It is shown as 0 and it is how the audit comes to know what every reader knows. node has one value per axis.
	Impossible func(node []int) bool
	// Everyone says where the feature holds by definition everyone it is counted within, as ages 20–24 do in a denominator
	// of adults; nil is nowhere. The audit takes it as known.
	Everyone func(node []int) bool
}

// A Table is everything that is published together from one set of people. Nothing outside it is ever computed from
// them: the closed lattice is the protection, noise and rounding only complete it.
type Table struct {
	Axes     []Axis
	Views    []View
	Features []Feature
}

// validate refuses a table whose equations the audit could not trust. All faults are named.
func (t *Table) validate() error {
	var faults []error
	if len(t.Axes) == 0 || len(t.Views) == 0 || len(t.Features) == 0 {
		faults = append(faults, errors.New("a table needs axes, views and features"))
	}
	for _, a := range t.Axes {
		faults = append(faults, a.validate())
	}
	for _, v := range t.Views {
		faults = append(faults, v.validate(len(t.Axes)))
	}
	for i, f := range t.Features {
		faults = append(faults, f.validate(i, t.Features))
	}
	return errors.Join(faults...)
}

func (a *Axis) validate() error {
	if len(a.Values) == 0 || a.Values[0].Level != 0 {
		return fmt.Errorf("axis %s: value 0 must be All at level 0", a.Name)
	}
	level := make([]int, len(a.Values)) // of each value's children; 0 until one is met
	for i, v := range a.Values[1:] {
		switch {
		case v.Parent < 0 || v.Parent > i:
			return fmt.Errorf("axis %s: value %s must come after its parent", a.Name, v.Name)
		case v.Level <= a.Values[v.Parent].Level:
			return fmt.Errorf("axis %s: value %s must be finer than its parent", a.Name, v.Name)
		case level[v.Parent] != 0 && level[v.Parent] != v.Level:
			return fmt.Errorf("axis %s: the children of %s differ in level and would not add up", a.Name, a.Values[v.Parent].Name)
		}
		level[v.Parent] = v.Level
	}
	return nil
}

func (v *View) validate(axes int) error {
	if len(v.Limits) != axes {
		return fmt.Errorf("view %s: a limit for each of the %d axes is needed", v.Name, axes)
	}
	for _, limit := range v.Limits {
		if limit < 0 {
			return fmt.Errorf("view %s: a limit is below 0", v.Name)
		}
	}
	return nil
}

func (f *Feature) validate(index int, all []Feature) error {
	switch {
	case f.Within < -1 || f.Within >= len(all):
		return fmt.Errorf("feature %s: counted within a feature that does not exist", f.ID)
	case f.Outside && (f.Sensitive || f.ShowZero):
		return fmt.Errorf("feature %s: what is not shown here cannot be protected here", f.ID)
	case f.Sensitive && f.ShowZero:
		return fmt.Errorf("feature %s: a sensitive feature cannot show zeros", f.ID)
	case f.Sensitive && f.Within < 0:
		return fmt.Errorf("feature %s: a sensitive feature needs the group it is counted within", f.ID)
	}
	for steps, g := 0, f.Within; g != -1; steps, g = steps+1, all[g].Within {
		if steps > len(all) || all[g].Within < -1 || all[g].Within >= len(all) {
			return fmt.Errorf("feature %s: counted within itself", f.ID)
		}
	}
	return nil
}

// inward lists the features with every denominator before what is counted within it.
func (t *Table) inward() []int {
	var order []int
	placed := make([]bool, len(t.Features))
	for len(order) < len(t.Features) {
		for i, f := range t.Features {
			if !placed[i] && (f.Within < 0 || placed[f.Within]) {
				placed[i], order = true, append(order, i)
			}
		}
	}
	return order
}

// isWithin says that a feature counts some of the people of another, in one step or more.
func (t *Table) isWithin(f, whole int) bool {
	for f = t.Features[f].Within; f >= 0; f = t.Features[f].Within {
		if f == whole {
			return true
		}
	}
	return false
}

// outsideOf is the nearest Outside feature that a feature counts some of; -1 for none.
func (t *Table) outsideOf(f int) int {
	for f = t.Features[f].Within; f >= 0 && !t.Features[f].Outside; f = t.Features[f].Within {
	}
	return f
}

// inside lists the features that the publication shows.
func (t *Table) inside() (features []int) {
	for f := range t.Features {
		if !t.Features[f].Outside {
			features = append(features, f)
		}
	}
	return features
}
