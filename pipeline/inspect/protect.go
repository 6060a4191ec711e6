package inspect

import "slices"

// The presentation of counts that the NHS uses for hospital statistics: one to
// seven people are never shown, everything else is rounded to 5.
const (
	fewest  = 8   // people behind anything that is shown
	near    = 2   // how far rounding to 5 moves a count
	apart   = 3   // a withheld count stays open by at least so much
	most    = 400 // values of a column that are looked at one by one
	banded  = 80  // people, from which "9 in 10 or more" may be said
	named   = 50  // people, from which a withheld value may be named
	someone = 1   // a value that stands in a column is somebody's
)

// round5 rounds to the nearest 5. It is for counts that are shown.
func round5(n int64) int64 { return (n + near) / 5 * 5 }

// A tally is one value and the people who have it.
type tally struct {
	value   string
	missing bool // the value is that there is none
	people  int64
	rows    int64
}

// A split is a column's values in two: those that are shown, in the order of
// their people, and how many are not.
type split struct {
	shown  []tally
	hidden int     // values that are withheld: rare ones, and those that hide them
	named  []tally // the one among them that is not rare at all and may be named
	mostly *tally  // with nothing shown: the one value that nine in ten have
}

// protect decides what of a column is shown. The tallies are all its values,
// or the most frequent ones, of how many; people and rows are the table's
// totals. Whoever reads the figures may know both exactly: rows stand in the
// manifest.
//
//  1. Values of fewer than 8 people are withheld, together and without a name.
//  2. While the totals less what is shown would tell one of them to within
//     fewer than 3 people, the smallest value that is shown is withheld too.
//     Where rows are as good as people, a single rare value always takes another
//     one along: whether it did must not tell how rare it is.
//  3. What is withheld to hide a single rare one keeps its name where so many
//     people are left that the name tells nothing.
//  4. Where that leaves nothing, and nine in ten people or more have one value,
//     that much is said.
func protect(tallies []tally, of int, people, rows int64) split {
	byPeople := slices.Clone(tallies)
	slices.SortStableFunc(byPeople, func(a, b tally) int { return int(b.people - a.people) })
	n := 0
	for n < len(byPeople) && n < most && byPeople[n].people >= fewest {
		n++
	}
	rare := of - n
	for joined := 0; n > 0 && rare > 0 && narrow(byPeople[:n], rare, joined, people, rows); joined++ {
		n--
	}
	s := split{shown: byPeople[:n], hidden: of - n}
	s.named = sayable(byPeople[:n], byPeople[n:of-rare], rare, people)
	if n == 0 && len(byPeople) > 0 && people >= banded && byPeople[0].people*10 >= people*9 {
		s.mostly, s.named = &byPeople[0], nil
	}
	return s
}

// sayable is the value that hides a single rare one, if it can be named: it
// always would have been withheld, and everybody can see that so many people
// are left, and so few beside those shown, that its name adds nothing about
// the rare one.
func sayable(shown, joined []tally, rare int, people int64) []tally {
	low, high := people, people
	for _, t := range shown {
		low -= round5(t.people) + near
		high -= round5(t.people) - near
	}
	if rare != 1 || len(joined) != 1 || low < named+fewest-1 {
		return nil
	}
	if len(shown) > 0 && high > round5(shown[len(shown)-1].people)-near {
		return nil
	}
	return joined
}

// narrow says whether subtracting what is shown from the totals would tell how
// many people a rare value has. Every person has at least one value and every
// row exactly one, so the people of all values add up to something between the
// people and the rows. It counts with rounded counts only, as a reader does.
func narrow(shown []tally, rare, joined int, people, rows int64) bool {
	if rare == 1 && joined == 0 && rows-people < fewest {
		return true
	}
	low, high := people, rows // of all values that are not shown, together
	for _, t := range shown {
		low -= round5(t.people) + near
		high -= round5(t.people) - near
	}
	smallest := round5(shown[len(shown)-1].people) + near // nobody who joined has more
	others := int64(rare - 1)
	bottom := max(someone, low-others*(fewest-1)-int64(joined)*smallest)
	top := min(fewest-1, high-others*someone-int64(joined)*fewest)
	return top-bottom < apart
}
