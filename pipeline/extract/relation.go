package extract

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"

	"datanet/pipeline/engine"
	"datanet/schemas"
)

// relations gives the dataset's SQL what it reads: for each relation of the
// format a view src_<relation> over the files, columns renamed and typed.
func relations(ctx context.Context, e *engine.Engine, o Options, src *source) error {
	if err := cmp.Or(src.numbered(ctx, e), src.renumbered(ctx, e)); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(src.relations)) {
		if src.streamed(name) {
			continue // its file is still being looked at
		}
		if err := src.relate(ctx, e, o, name, false); err != nil {
			return err
		}
	}
	if err := src.keyed(ctx, e); err != nil {
		return err
	}
	return places(ctx, e, src.postcodes)
}

// streamed says whether a relation's rows are read by a step of their own, which
// matches keys as they stand. Where there are changes to apply, rows of several
// files must meet, and so in their plain form.
func (s *source) streamed(name string) bool {
	if len(s.batches) > 1 || !isStep(s.dataset.ID+"/4-"+name+".rows.sql") {
		return false
	}
	for other, r := range s.relations {
		if other != name && r.Table == s.relations[name].Table {
			return false // the other one could not wait
		}
	}
	return true
}

// wanted is how a relation's rows are wanted.
type wanted struct {
	numbered bool // with the number of the row in its file
	watched  bool // counted as they go by
	standing bool // with keys as they stand
}

func (s *source) relate(ctx context.Context, e *engine.Engine, o Options, name string, standing bool) error {
	r := s.relations[name]
	how := wanted{o.Rejects != "", o.watched, standing}
	for _, statement := range append(plainKeys(r), s.relation(name, r, how)...) {
		if err := e.Exec(ctx, "reading "+r.Table, statement); err != nil {
			return err
		}
	}
	return nil
}

// relation is the SQL that makes a relation. One export is read as it is; of
// several, see current.go.
func (s *source) relation(name string, r schemas.Relation, how wanted) []string {
	switch {
	case len(r.Key) == 0:
		return []string{temporary("src_"+name, s.rows(r, s.tables[r.Table], how))}
	case len(s.batches) < 2:
		return []string{temporary("src_"+name, s.rows(r, s.tables[r.Table], how)), temporary("changed_"+name, unchanged)}
	}
	return s.current(name, r, how)
}

func temporary(name, query string) string {
	return "CREATE OR REPLACE TEMP VIEW " + name + " AS " + query
}

// rows is a query over files of one table. Each file has a header of its own.
func (s *source) rows(r schemas.Relation, files []*sourceFile, how wanted) string {
	if len(files) == 0 { // an optional table that the export lacks
		return s.selected(r, &sourceFile{}, "(SELECT 1) WHERE false", wanted{})
	}
	var parts []string
	for _, file := range files {
		r, file, from := derive(r, file, how)
		parts = append(parts, s.selected(r, file, from, how))
	}
	return strings.Join(parts, " UNION ALL ")
}

// selected is the columns of a relation, in the order of their names, behind the
// row_at: where the row stands, if rows are to be numbered. What sequence says of
// their order is in ordered.
func (s *source) selected(r schemas.Relation, file *sourceFile, from string, how wanted) string {
	columns := []string{"NULL::BIGINT AS row_at"}
	if how.numbered {
		columns[0] = fmt.Sprintf("%d + n AS row_at", s.place(file))
	}
	for _, name := range slices.Sorted(maps.Keys(r.Fields)) {
		dates := s.format.Dates
		if own := r.Fields[name].Dates; own != nil {
			dates = own
		}
		fields := field(name, r.Fields[name], file, dates, how.standing)
		if name == "sequence" {
			fields = s.ordered(r, file, fields)
		}
		columns = append(columns, fields...)
	}
	return "SELECT " + strings.Join(columns, ", ") + " FROM " + from
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

// secret is a number that nobody can guess, small enough to add to others.
func secret() int64 {
	var b [8]byte
	rand.Read(b[:]) // never fails
	return int64(binary.BigEndian.Uint64(b[:]) >> 2)
}

// vocabulary fills the tables that come from schemas and from the key.
func vocabulary(ctx context.Context, e *engine.Engine, o Options, src *source) error {
	for _, create := range []string{
		"CREATE TEMP TABLE run (site VARCHAR, as_at DATE, drop_unlinkable BOOLEAN, national_opt_out BOOLEAN, shift BIGINT)",
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
			lists = append(lists, []any{name, schemas.Bare(c.Code), c.Category})
		}
	}
	for _, code := range o.sensitive() {
		lists = append(lists, []any{"sensitive", code, ""})
	}
	for _, l := range schemas.LSOAs() {
		areas = append(areas, []any{l.Code, l.Ward, l.IMDDecile})
	}
	for table, rows := range map[string][][]any{"run": {{o.Key.Site, src.asAt, o.Drop, o.listed != nil, secret()}}, "list": lists, "unit": units, "lsoa": areas} {
		if err := e.Insert(ctx, table, rows); err != nil {
			return err
		}
	}
	return nil
}
