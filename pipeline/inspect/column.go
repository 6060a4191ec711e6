package inspect

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"datanet/schemas"
)

// column looks at one column in the way that its type and role ask for.
func (l *look) column(ctx context.Context, t *seen, c schemas.Column) (Column, error) {
	out := Column{Column: c.Name, Role: string(c.Role), Type: c.Type}
	switch {
	case c.Type == "code16":
		return l.codes(ctx, t, c, out)
	case c.Role == schemas.Number:
		return l.numbers(ctx, t, c, out)
	}
	found, err := l.count(ctx, t, valuesSQL, valueOf(c))
	if err != nil {
		return out, err
	}
	s := protect(found.tallies, found.of, t.people, t.rows)
	values := s.present(c.Role)
	out.Values, out.Missing, out.Kind = &values, s.missing(found.tallies, t.rows), KindValues
	switch {
	case c.Role == schemas.Date:
		out.Kind = KindYears
		slices.SortFunc(values.Shown, byValue)
	case c.Role == schemas.CodeRole:
		out.Kind = KindCodes
	case c.Type == "integer":
		slices.SortFunc(values.Shown, byValue)
	}
	return out, nil
}

// valueOf is what is counted of a column: of a date its year, and nothing
// where there is nothing.
func valueOf(c schemas.Column) string {
	switch c.Type {
	case "date":
		return "year(" + c.SQL() + ")"
	case "month":
		return "nullif(left(" + c.SQL() + ", 4), '')"
	case "text":
		return "nullif(" + c.SQL() + ", '')"
	}
	return c.SQL()
}

// codes looks at a column of codes of 16 bytes: how many there are, and no
// more. An event's are not even counted: its people are.
func (l *look) codes(ctx context.Context, t *seen, c schemas.Column, out Column) (Column, error) {
	out.Kind = KindEvents
	if c.Role == schemas.Person {
		out.Kind = KindPeople
		n, err := l.Number(ctx, "counting "+t.Name, fmt.Sprintf("SELECT count(DISTINCT %s) FROM %s", c.SQL(), t.from))
		if err != nil {
			return out, err
		}
		out.People = about(n)
	}
	found, err := l.count(ctx, t, valuesSQL, fmt.Sprintf("CASE WHEN %s IS NOT NULL THEN 1 END", c.SQL()))
	out.Missing = protect(found.tallies, found.of, t.people, t.rows).missing(found.tallies, t.rows)
	return out, err
}

// closer is how many clinical codes have their numbers looked at.
const closer = 10

// numbers looks at a column of numbers. In a table of coded entries a number
// means nothing without its code, so it is looked at by the most frequent ones.
func (l *look) numbers(ctx context.Context, t *seen, c schemas.Column, out Column) (Column, error) {
	out.Kind = KindNumbers
	has := fmt.Sprintf("isfinite(CAST(%s AS DOUBLE))", c.SQL())
	found, err := l.count(ctx, t, valuesSQL, "CASE WHEN "+has+" THEN 1 END")
	if err != nil {
		return out, err
	}
	s := protect(found.tallies, found.of, t.people, t.rows)
	out.Missing = s.missing(found.tallies, t.rows)
	of := "''"
	if i := slices.IndexFunc(t.Table.Columns, func(c schemas.Column) bool { return c.Role == schemas.CodeRole }); i >= 0 {
		of = "coalesce(" + t.Table.Columns[i].SQL() + ", '')"
		if found, err = l.count(ctx, t, valuesSQL, "CASE WHEN "+has+" THEN "+of+" END"); err != nil {
			return out, err
		}
		out.Numbers = byCode(protect(found.tallies, found.of, t.people, t.rows))
	} else {
		out.Numbers = ofAll(found.tallies, s)
	}
	if len(out.Numbers) == 0 {
		return out, nil
	}
	m := &measure{look: l, t: t, parts: l.parts(t), view: fmt.Sprintf(
		"CREATE OR REPLACE TEMP VIEW looked_number AS SELECT %s AS person, %s AS code, CAST(%s AS DOUBLE) AS number FROM %s WHERE %s",
		t.Table.Columns[0].SQL(), of, c.SQL(), t.from, has)}
	err = m.spread(ctx, out.Numbers)
	for i := range out.Numbers {
		if of != "''" {
			out.Numbers[i].Of = plain(out.Numbers[i].Of, schemas.CodeRole)
		}
	}
	return out, err
}

// byCode are the codes whose numbers are looked at.
func byCode(s split) []Spread {
	var of []Spread
	for _, t := range s.shown {
		if !t.missing && len(of) < closer {
			n := round5(t.people)
			of = append(of, Spread{Of: t.value, People: &n})
		}
	}
	return of
}

// ofAll is the one entry of a column whose numbers are all of a kind. How they
// are spread can be shown where how many they are cannot.
func ofAll(tallies []tally, s split) []Spread {
	for _, t := range byCode(s) {
		return []Spread{{People: t.People}}
	}
	if slices.ContainsFunc(tallies, func(t tally) bool { return !t.missing && t.people >= fewest }) {
		return []Spread{{}}
	}
	return nil
}

// groups says how few people share the values of each combination.
func (l *look) groups(ctx context.Context, t *seen, r *Report) error {
	for _, c := range l.o.Combinations {
		if c.Table != t.Name || l.o.Column != "" || len(c.Columns) == 0 {
			continue
		}
		l.progress("looking at groups in " + t.Name)
		g, err := l.group(ctx, t, c)
		if err != nil {
			return err
		}
		r.Groups = append(r.Groups, g)
	}
	return nil
}

func (l *look) group(ctx context.Context, t *seen, c schemas.Combination) (Groups, error) {
	g := Groups{Table: t.Name, Columns: c.Columns, People: about(t.people), Bands: []Band{}}
	key := "concat_ws(chr(31)"
	for _, name := range c.Columns {
		key += fmt.Sprintf(`, coalesce(CAST("%s" AS VARCHAR), chr(30))`, name) // names come from the schema
	}
	view := fmt.Sprintf("CREATE OR REPLACE TEMP VIEW looked AS SELECT %s AS person, %s) AS value FROM %s", t.Table.Columns[0].SQL(), key, t.from)
	if err := l.Exec(ctx, "grouping "+t.Name, view); err != nil {
		return g, err
	}
	var bands []tally
	smallest, groups := int64(0), int64(0)
	err := l.Query(ctx, "grouping "+t.Name, groupsSQL, func(r *sql.Rows) error {
		var b tally
		var least int64
		err := r.Scan(&b.value, &b.people, &least, &groups)
		if smallest == 0 || least < smallest {
			smallest = least
		}
		bands = append(bands, b)
		return err
	})
	if err != nil || g.People == nil {
		return g, err
	}
	smallest = min(smallest, 10)
	g.Smallest = &smallest
	if groups >= fewest {
		n := round5(groups)
		g.Groups = &n
	}
	g.Bands = shares(bands, t.people)
	return g, nil
}

// shares puts the people of each band beside all. A band that nobody is in is
// 0; one of few people is withheld, and what would tell it.
func shares(bands []tally, people int64) []Band {
	s := protect(bands, len(bands), people, people)
	out := []Band{}
	for _, size := range []string{"1", "2 to 4", "5 to 9", "10 or more"} {
		is := func(t tally) bool { return t.value == size }
		at := slices.IndexFunc(s.shown, is)
		switch {
		case at >= 0:
			out = append(out, Band{size, share(s.shown[at].people, people)})
		case s.mostly != nil && is(*s.mostly):
			out = append(out, Band{size, Share{Note: noteMostly}})
		case slices.ContainsFunc(bands, is):
			out = append(out, Band{size, Share{Note: noteWithheld}})
		default:
			out = append(out, Band{size, share(0, people)})
		}
	}
	return out
}
