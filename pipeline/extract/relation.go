package extract

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"datanet/pipeline/engine"
	"datanet/schemas"
)

// relations gives the dataset's SQL what it reads: for each relation of the
// format a view src_<relation> over the files, columns renamed and typed.
func relations(ctx context.Context, e *engine.Engine, src *source) error {
	for _, name := range slices.Sorted(maps.Keys(src.relations)) {
		r := src.relations[name]
		for _, statement := range src.relation(name, r) {
			if err := e.Exec(ctx, "reading "+r.Table, statement); err != nil {
				return err
			}
		}
	}
	if err := src.keyed(ctx, e); err != nil {
		return err
	}
	return places(ctx, e, src.postcodes)
}

// relation is the SQL that makes a relation. One export is read as it is; of
// several, see current.go.
func (s *source) relation(name string, r schemas.Relation) []string {
	switch {
	case len(r.Key) == 0:
		return []string{view("src_"+name, s.rows(r, s.tables[r.Table]))}
	case len(s.batches) < 2:
		return []string{view("src_"+name, s.rows(r, s.tables[r.Table])), view("changed_"+name, unchanged)}
	}
	return s.current(name, r)
}

func view(name, query string) string { return "CREATE TEMP VIEW " + name + " AS " + query }

// rows is a query over files of one table. Each file has a header of its own.
func (s *source) rows(r schemas.Relation, files []*sourceFile) string {
	if len(files) == 0 { // an optional table that the export lacks
		return s.selected(r, &sourceFile{}, "(SELECT 1) WHERE false")
	}
	var parts []string
	for _, file := range files {
		parts = append(parts, s.selected(derive(r, file)))
	}
	return strings.Join(parts, " UNION ALL ")
}

// selected is the columns of a relation, in the order of their names. Where
// there are several exports, sequence orders rows by export first.
func (s *source) selected(r schemas.Relation, file *sourceFile, from string) string {
	var columns []string
	for _, name := range slices.Sorted(maps.Keys(r.Fields)) {
		dates := s.format.Dates
		if own := r.Fields[name].Dates; own != nil {
			dates = own
		}
		fields := field(name, r.Fields[name], file, dates)
		if name == "sequence" && len(s.batches) > 1 {
			fields = []string{sequence(fields[0], file.batch)}
		}
		columns = append(columns, fields...)
	}
	return "SELECT " + strings.Join(columns, ", ") + " FROM " + from
}

// field is the SQL of one field of a relation; see schemas.Field. A flag has a
// second column, <field>_unclear: true when the source holds neither yes nor no.
//
// It runs once for every cell, so what nearly every cell is comes first and the
// general case, which is several times slower, only where that does not hold.
func field(name string, f schemas.Field, file *sourceFile, dates []string) []string {
	cell, text := "NULL::VARCHAR", "NULL::VARCHAR"
	if at, ok := file.at[strings.ToLower(f.Column)]; ok {
		cell = fmt.Sprintf("c%d", at)
		text = trimmed(cell, file.unseen)
	}
	word := "lower(coalesce(" + text + ", 'false'))"
	switch f.Type {
	case "key":
		return []string{"upper(" + text + ") AS " + name}
	case "guid":
		return []string{"CASE WHEN starts_with(" + cell + ", '{') AND ends_with(" + cell + ", '}') THEN upper(" + cell + ") " +
			"ELSE '{' || upper(nullif(trim(" + text + ", ' {}'), '')) || '}' END AS " + name}
	case "number":
		return []string{"TRY_CAST(" + cell + " AS DOUBLE) AS " + name}
	case "flag":
		fast := "CASE WHEN " + cell + " IS NULL OR " + cell + " IN ('false', '0') THEN false ELSE "
		return []string{fast + word + " NOT IN ('false', '0') END AS " + name,
			fast + word + " NOT IN ('false', '0', 'true', '1') END AS " + name + "_unclear"}
	case "yes":
		return []string{word + " IN ('true', '1') AS " + name}
	case "date", "timestamp":
		parsed := day(cell, text, dates)
		if f.Type == "timestamp" {
			parsed = momentDay(text)
		}
		return []string{parsed + " AS " + name, "(" + text + " IS NOT NULL AND " + parsed + " IS NULL) AS " + name + "_bad"}
	}
	return []string{text + " AS " + name}
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

// places makes the view of the postcode lookup, empty when there is none.
func places(ctx context.Context, e *engine.Engine, lookup *sourceFile) error {
	from := "(SELECT NULL::VARCHAR AS postcode, NULL::VARCHAR AS lsoa) WHERE false"
	columns := "postcode, lsoa"
	if lookup != nil {
		columns = fmt.Sprintf("upper(replace(c%d, ' ', '')) AS postcode, upper(trim(c%d)) AS lsoa", lookup.at["postcode"], lookup.at["lsoa"])
		from = lookup.read()
	}
	return e.Exec(ctx, "reading "+lookupName, "CREATE TEMP VIEW src_postcode AS SELECT "+columns+" FROM "+from)
}

// vocabulary fills the tables that come from schemas and from the key.
func vocabulary(ctx context.Context, e *engine.Engine, o Options, src *source) error {
	for _, create := range []string{
		"CREATE TEMP TABLE run (site VARCHAR, as_at DATE, drop_unlinkable BOOLEAN, national_opt_out BOOLEAN)",
		"CREATE TEMP TABLE list (list VARCHAR, code VARCHAR, category VARCHAR)",
		"CREATE TEMP TABLE unit (code VARCHAR, category VARCHAR)",
		"CREATE TEMP TABLE lsoa (lsoa VARCHAR, ward VARCHAR, imd_decile INTEGER)",
	} {
		if err := e.Exec(ctx, "preparing", create); err != nil {
			return err
		}
	}
	var lists, units, areas [][]any
	for _, name := range o.CodeLists.Names() {
		for _, c := range o.CodeLists[name].Entries {
			if name == "units" {
				units = append(units, []any{c.Code, c.Category})
				continue
			}
			lists = append(lists, []any{name, c.Code, c.Category})
		}
	}
	for _, code := range o.withheld {
		lists = append(lists, []any{"sensitive", code, ""})
	}
	for _, l := range schemas.LSOAs() {
		areas = append(areas, []any{l.Code, l.Ward, l.IMDDecile})
	}
	for table, rows := range map[string][][]any{"run": {{o.Key.Site, src.asAt, o.Drop, o.listed != nil}}, "list": lists, "unit": units, "lsoa": areas} {
		if err := e.Insert(ctx, table, rows); err != nil {
			return err
		}
	}
	return nil
}
