package schemas

import "slices"

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

// Rest is the value that takes every code that no value names.
func (a *Axis) Rest() int {
	return slices.IndexFunc(a.Values, func(v Value) bool { return v.Rest })
}

// throughout marks the values of which every part holds; All is never marked.
func (a *Axis) throughout(holds func(part *Value) bool) []bool {
	marks, divided := make([]bool, len(a.Values)), map[string]bool{}
	for i, v := range a.Values[1:] {
		marks[i+1], divided[v.Parent] = true, true
	}
	for i := range a.Values {
		if part := &a.Values[i]; i == 0 || divided[part.ID] || holds(part) {
			continue
		}
		for at := i; at > 0; at = a.Index(a.Values[at].Parent) {
			marks[at] = false
		}
	}
	return marks
}
