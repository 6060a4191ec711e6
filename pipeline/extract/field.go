package extract

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"datanet/pipeline/engine"
	"datanet/schemas"
)

// field is the SQL of one field of a relation; see schemas.Field. A flag has a
// second column, <field>_unclear: true when the source holds neither yes nor no.
// Every field also has <field>_cell: what the source holds, as it stands. A key
// is in its plain form, unless the relation's rows are matched as they stand.
//
// It runs once for every cell, so what nearly every cell is comes first and the
// general case, which is several times slower, only where that does not hold.
func field(name string, f schemas.Field, file *sourceFile, dates []string, standing bool) []string {
	cell, text := "NULL::VARCHAR", "NULL::VARCHAR"
	if at, ok := file.at[strings.ToLower(f.Column)]; ok {
		cell = fmt.Sprintf("c%d", at)
		text = trimmed(cell, file.unseen)
	}
	kind := f.Type
	if isKey(kind) && standing {
		kind = "cell"
	}
	return append(typed(name, kind, cell, text, dates), cell+" AS "+name+"_cell")
}

func typed(name, kind, cell, text string, dates []string) []string {
	word := "lower(coalesce(" + text + ", 'false'))"
	switch kind {
	case "cell":
		return []string{cell + " AS " + name}
	case "key":
		return []string{"upper(" + text + ") AS " + name}
	case "guid":
		return []string{"CASE WHEN starts_with(" + cell + ", '{') AND ends_with(" + cell + ", '}') THEN upper(" + cell + ") " +
			"ELSE '{' || upper(nullif(trim(" + text + ", ' {}'), '')) || '}' END AS " + name}
	case "number":
		return []string{"TRY_CAST(" + cell + " AS DOUBLE) AS " + name}
	case "flag":
		fast := "CASE WHEN " + cell + " = 'false' THEN false WHEN " + cell + " IS NULL OR " + cell + " = '0' THEN false ELSE "
		return []string{fast + word + " NOT IN ('false', '0') END AS " + name,
			fast + word + " NOT IN ('false', '0', 'true', '1') END AS " + name + "_unclear"}
	case "yes":
		return []string{word + " IN ('true', '1') AS " + name}
	case "date", "timestamp":
		parsed := day(cell, text, dates)
		if kind == "timestamp" {
			parsed = momentDay(text)
		}
		return []string{parsed + " AS " + name, "CASE WHEN " + parsed + " IS NULL THEN " + text + " IS NOT NULL ELSE false END AS " + name + "_bad"}
	}
	return []string{text + " AS " + name}
}

func isKey(kind string) bool { return kind == "key" || kind == "guid" }

// plainKeys makes macros plain_<field>, which put a relation's keys, as they
// stand, into the plain form in which they are matched. Keys are written alike
// nearly always, and putting them into that form costs more than the join: so the
// rows of a large table are matched as they stand, and when one matches nothing
// and is not in its plain form, all are read again and put into it.
func plainKeys(r schemas.Relation) []string {
	var macros []string
	for _, name := range slices.Sorted(maps.Keys(r.Fields)) {
		if f := r.Fields[name]; isKey(f.Type) {
			form := strings.TrimSuffix(typed(name, f.Type, "cell", trimmed("cell", true), nil)[0], " AS "+name)
			macros = append(macros, "CREATE OR REPLACE TEMP MACRO plain_"+name+"(cell) AS "+form)
		}
	}
	return macros
}

// trimmed is the SQL of a cell without what nobody sees at its ends. In a file
// that holds nothing unseen but blanks those are all there is to look for. In
// others an opt-out must not be lost to a tab, a non-breaking space or a byte
// order mark that came along with its patient's name or its code.
func trimmed(cell string, unseen bool) string {
	blank := fmt.Sprintf("starts_with(%[1]s, ' ') OR ends_with(%[1]s, ' ')", cell)
	if !unseen {
		return fmt.Sprintf("CASE WHEN %s THEN nullif(trim(%[2]s), '') ELSE %[2]s END", blank, cell)
	}
	odd := fmt.Sprintf(`strlen(%[1]s) <> length(%[1]s) OR contains(%[1]s, chr(9)) OR contains(%[1]s, chr(10)) OR contains(%[1]s, chr(13))`, cell)
	return fmt.Sprintf(`CASE WHEN %s OR %s THEN nullif(regexp_replace(%s, '^[\s\pZ\pC]+|[\s\pZ\pC]+$', '', 'g'), '') ELSE %[3]s END`, blank, odd, cell)
}

// day is the SQL that reads a date in one of the format's forms. A year has four
// digits: the database would read 20-02-03 as a day of the year 20, and some
// words, infinity for one, as 1 January 1900.
func day(cell, text string, dates []string) string {
	parsed := "CASE WHEN regexp_matches(" + text + ", '[0-9]{4}') THEN CAST(try_strptime(" + text + ", " + formats(dates) + ") AS DATE) END"
	if slices.Contains(dates, "%Y-%m-%d") {
		parsed = "CASE WHEN " + cell + " LIKE '____-__-__' AND " + cell + " BETWEEN '0' AND ':' THEN TRY_CAST(" + cell + " AS DATE) ELSE " + parsed + " END"
	}
	return parsed
}

// momentDay is the SQL that reads the day of a moment. The day is the one that
// was written, in whatever zone: the clock's zone would move some to the day
// before. A day alone will do.
func momentDay(text string) string {
	return "CASE WHEN regexp_full_match(" + text + ", '[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:.]{5,}(Z|[+-][0-9]{2}:?[0-9]{2})?)?') THEN TRY_CAST(left(" + text + ", 10) AS DATE) END"
}

func formats(dates []string) string {
	quoted := make([]string, len(dates))
	for i, d := range dates {
		quoted[i] = engine.Literal(d)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}
