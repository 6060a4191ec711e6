package extract

import (
	"context"
	"fmt"
	"strings"

	"datanet/pipeline/engine"
	"datanet/schemas"
)

// A folder may hold a full export and the changes after it. The first batch is
// large and streams through the database; what came later is small and is kept
// in memory. Of a relation with a key the dataset's SQL then reads
//
//	src_<relation>      the rows that count today
//	changed_<relation>  a row with the reason changed-later for each that does not
//
// A row that a later one deletes is no case of its own: the later row counts,
// and says that it is deleted.
func (s *source) current(name string, r schemas.Relation, how wanted) []string {
	var newer []string
	for b := range s.batches {
		if b > 0 { // an optional table may have no file in any of them
			newer = append(newer, fmt.Sprintf("SELECT *, %d AS batch FROM (%s)", b, s.rows(r, s.parts(r.Table, b), how)))
		}
	}
	order := "batch DESC"
	if _, ok := r.Fields["sequence"]; ok {
		order += ", sequence DESC"
	}
	var same []string
	for _, k := range r.Key {
		same = append(same, fmt.Sprintf("f.%[1]s = l.%[1]s", k))
	}
	on := " l ON " + strings.Join(same, " AND ")
	later, keys := "later_"+name, strings.Join(r.Key, ", ")
	return []string{
		fmt.Sprintf("CREATE TEMP TABLE %s AS SELECT *, rank() OVER (PARTITION BY %s ORDER BY %s) = 1 AS latest FROM (%s)",
			later, keys, order, strings.Join(newer, " UNION ALL ")),
		temporary("first_"+name, s.rows(r, s.parts(r.Table, 0), how)),
		temporary("src_"+name, fmt.Sprintf("SELECT f.* FROM first_%s f ANTI JOIN %s UNION ALL SELECT * EXCLUDE (batch, latest) FROM %s WHERE latest", name, later+on, later)),
		temporary("changed_"+name, fmt.Sprintf("SELECT row_at, 'changed-later' AS reason FROM first_%s f SEMI JOIN %s UNION ALL SELECT row_at, 'changed-later' AS reason FROM %s WHERE NOT latest", name, later+on, later)),
	}
}

// unchanged is changed_<relation> of a single export.
const unchanged = "SELECT NULL::BIGINT AS row_at, 'changed-later' AS reason WHERE false"

// sequence puts the rows of a later batch behind those of every earlier one,
// whatever their own numbers, and so within it those of a later part; a row without
// a number comes first. A part of 0 is none.
func sequence(number string, batch, part int) string {
	return fmt.Sprintf("%d * 100000000000000000000::HUGEINT + coalesce(TRY_CAST(%s AS BIGINT), -1)", batch<<fileBits|part, number)
}

// keyed wants every row of a later batch to say which row it changes. One that
// does not could be a deletion that nobody would see.
func (s *source) keyed(ctx context.Context, e *engine.Engine) error {
	for name, r := range s.relations {
		if len(r.Key) == 0 || len(s.batches) < 2 {
			continue
		}
		n, err := e.Number(ctx, "comparing "+r.Table, fmt.Sprintf("SELECT count(*) FROM later_%s WHERE %s IS NULL", name, strings.Join(r.Key, " IS NULL OR ")))
		if err != nil {
			return err
		}
		if n > 0 {
			return &SourceError{Table: r.Table, Rule: fmt.Sprintf("rows of later files that do not say which row they change: %d", n),
				Hint: "export the changes again, with every identifier"}
		}
	}
	return nil
}

// A folder must begin with a full export. Days' changes alone look like one,
// only that most of what they tell is of people of whom they do not tell.
const daysChanges = "most entries are of patients who are not in the export: it looks like some days' changes, without the full export before them"

var fullFirst = &SourceError{Rule: daysChanges, Hint: "give the full export, alone or with the changes after it, in one folder"}

// bulk looks at the first batch of several.
func (s *source) bulk(ctx context.Context, e *engine.Engine) error {
	query, err := rules.ReadFile(s.dataset.ID + "/bulk.sql")
	if err != nil || len(s.batches) < 2 {
		return nil // the dataset has no such rule
	}
	lost, err := e.Number(ctx, "looking at the first export", string(query))
	if err != nil {
		return s.blame(err)
	}
	if lost > 0 {
		return fullFirst
	}
	return nil
}

// whole looks at a single export, when its rows have been counted.
func (s *source) whole(r *Result) error {
	if _, err := rules.ReadFile(s.dataset.ID + "/bulk.sql"); err != nil || len(s.batches) > 1 {
		return nil
	}
	for table, rows := range r.Tables {
		gates := r.Gates[table]
		for reason, n := range gates {
			if reason != "other-organisation" {
				rows += n
			}
		}
		if table == "observations" && gates["no-patient"]*2 > rows {
			return fullFirst
		}
	}
	return nil
}
