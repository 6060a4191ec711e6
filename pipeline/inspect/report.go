package inspect

import "datanet/schemas"

// A Report is what can be said of some tables. Every figure in it is already
// protected; JSON writes null and the note "c" where one is withheld.
type Report struct {
	Tables []Table  `json:"tables"`
	Groups []Groups `json:"groups"`
}

// A Table is one table's part of a report.
type Table struct {
	Table         string   `json:"table"`
	Rows          int64    `json:"rows"`                      // rounded to 10
	People        *int64   `json:"people"`                    // rounded to 10; null when fewer than 8
	RowsPerPerson *Values  `json:"rows_per_person,omitempty"` // in bands
	Columns       []Column `json:"columns"`
}

// A Column is what one column holds. Which fields are filled follows from its
// kind.
type Column struct {
	Column  string   `json:"column"`
	Role    string   `json:"role"`
	Type    string   `json:"type"`
	Kind    string   `json:"kind"` // one of those below
	Missing Share    `json:"missing"`
	People  *int64   `json:"people,omitempty"` // of a column of people's codes: how many, rounded to 10
	Values  *Values  `json:"values,omitempty"`
	Numbers []Spread `json:"numbers,omitempty"`
}

// The kinds of columns.
const (
	KindPeople  = "codes of people"
	KindEvents  = "codes of events"
	KindValues  = "values"
	KindYears   = "years"
	KindNumbers = "numbers"
	KindCodes   = "codes"
)

// Values are the values of a column that may be shown, most frequent first, or
// years in their order.
type Values struct {
	Shown  []Value `json:"shown"`
	Others bool    `json:"others"` // there are values that are withheld
}

// A Value is one value and the people who have it, rounded to 5.
type Value struct {
	Value  string `json:"value"`
	People *int64 `json:"people"`
	Note   string `json:"note"` // in place of a count: c, or "9 in 10 or more"
}

// A Share is whole per cent, or withheld.
type Share struct {
	Percent *int64 `json:"percent"`
	Note    string `json:"note"` // c: withheld; under 1
}

// A Spread is how numbers are spread: five quantiles, rounded, each null where
// fewer than 8 people have a value that rounds to it.
type Spread struct {
	Of        string      `json:"of"`        // the clinical code that the numbers belong to, or empty
	People    *int64      `json:"people"`    // rounded to 5
	Quantiles [5]*float64 `json:"quantiles"` // 5, 25, 50, 75, 95 per cent of the values lie at or below
}

// Groups says how few people share all values of a combination of columns.
type Groups struct {
	Table    string   `json:"table"`
	Columns  []string `json:"columns"`
	People   *int64   `json:"people"`   // rounded to 10; null when fewer than 8
	Groups   *int64   `json:"groups"`   // rounded to 5; null when fewer than 8
	Smallest *int64   `json:"smallest"` // k; 10 stands for 10 or more
	Bands    []Band   `json:"bands"`
}

// A Band is the share of people in groups of a size.
type Band struct {
	Size  string `json:"size"` // 1, 2 to 4, 5 to 9, 10 or more
	Share Share  `json:"people"`
}

const (
	noteWithheld = "c"
	noteUnder    = "under 1"
	noteMostly   = "9 in 10 or more"
)

// about rounds a total of people to 10 and withholds one of fewer than 8.
func about(n int64) *int64 {
	if n < fewest {
		return nil
	}
	n = (n + 5) / 10 * 10
	return &n
}

// present turns what protect left into what is shown.
func (s split) present(role schemas.Role) Values {
	v := Values{Shown: []Value{}, Others: s.hidden > 0}
	for _, t := range s.shown {
		if !t.missing {
			n := round5(t.people)
			v.Shown = append(v.Shown, Value{Value: plain(t.value, role), People: &n})
		}
	}
	for _, t := range s.named {
		if !t.missing {
			v.Shown = append(v.Shown, Value{Value: plain(t.value, role), Note: noteWithheld})
		}
	}
	if s.mostly != nil && !s.mostly.missing {
		v.Shown = append(v.Shown, Value{Value: plain(s.mostly.value, role), Note: noteMostly})
	}
	return v
}

// missing is the share of rows without a value. Of few people it is withheld.
func (s split) missing(tallies []tally, rows int64) Share {
	for _, t := range s.shown {
		if t.missing {
			return share(t.rows, rows)
		}
	}
	for _, t := range tallies {
		if t.missing {
			return Share{Note: noteWithheld}
		}
	}
	zero := int64(0)
	return Share{Percent: &zero}
}

// share is computed from rounded counts: an exact one would tell its numerator.
func share(part, whole int64) Share {
	p := min(100, (200*round5(part)+round5(whole))/(2*max(5, round5(whole))))
	s := Share{Percent: &p}
	if p == 0 && part > 0 {
		s.Note = noteUnder
	}
	return s
}
