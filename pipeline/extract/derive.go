package extract

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"datanet/pipeline/engine"
	"datanet/schemas"
)

// What a site's own format can say of its files beyond the names of columns:
// which rows are taken, a value that holds for every row, and the source's own
// words for those of the dataset.

// read is the SQL that reads the file's rows. Where a field goes over a line's
// end, a thread that began in the middle of the file could take its lines for
// rows.
func (f *sourceFile) read() string {
	return engine.ReadSeparated(cmp.Or(f.reads, f.path), f.columns, cmp.Or(f.comma, ','), !f.folded)
}

// derive adds columns behind the file's own for the fields that are not a
// column as it stands, and binds the fields to them. Rows are numbered before
// any is passed over, and counted as they go by. Numbering takes one row after
// another, so it is done only when asked for.
func derive(r schemas.Relation, file *sourceFile, how wanted) (schemas.Relation, *sourceFile, string) {
	rows, added := file.read(), []string{}
	if how.numbered {
		rows = "(SELECT *, row_number() OVER () AS n FROM " + rows + ")"
	}
	if how.watched {
		rows = "(SELECT * FROM " + rows + " WHERE passing(c0) IS NOT NULL)" // lets every row by
	}
	from := taken(rows, file, r.Only)
	own := *file
	own.at, r.Fields = maps.Clone(file.at), maps.Clone(r.Fields)
	for _, name := range slices.Sorted(maps.Keys(r.Fields)) {
		f := r.Fields[name]
		at, there := file.at[strings.ToLower(f.Column)]
		var value string
		switch {
		case f.Value != nil:
			value = "nullif(" + engine.Literal(*f.Value) + ", '')"
		case len(f.Words) > 0 && there:
			value = inWords(fmt.Sprintf("c%d", at), f.Words)
		default:
			continue
		}
		f.Column = "=" + name // no column is called that
		own.at[f.Column] = file.columns + len(added)
		added = append(added, fmt.Sprintf("%s AS c%d", value, own.at[f.Column]))
		r.Fields[name] = f
	}
	if len(added) > 0 {
		from = "(SELECT *, " + strings.Join(added, ", ") + " FROM " + from + ")"
	}
	return r, &own, from
}

// inWords is the SQL that puts the source's words into the dataset's. A word
// that the format does not have stays as it is.
func inWords(cell string, words map[string]string) string {
	var when strings.Builder
	for _, w := range slices.Sorted(maps.Keys(words)) {
		fmt.Fprintf(&when, " WHEN %s THEN %s", engine.Literal(strings.ToLower(strings.TrimSpace(w))), engine.Literal(words[w]))
	}
	return "CASE lower(trim(" + cell + "))" + when.String() + " ELSE " + cell + " END"
}

// taken are a file's rows, or those of them that the relation takes.
func taken(rows string, file *sourceFile, only *schemas.Only) string {
	if only == nil {
		return rows
	}
	return "(SELECT * FROM " + rows + " WHERE " + holds(file, only) + ")"
}

// holds is the SQL that says whether a row is one that the relation takes.
func holds(file *sourceFile, only *schemas.Only) string {
	quoted := make([]string, len(only.Words))
	for i, w := range only.Words {
		quoted[i] = engine.Literal(strings.ToLower(strings.TrimSpace(w)))
	}
	return fmt.Sprintf("lower(trim(coalesce(c%d, ''))) IN (%s)", file.at[strings.ToLower(only.Column)], strings.Join(quoted, ", "))
}

// passed counts the rows that relations do not take, by relation.
func (s *source) passed(ctx context.Context, e *engine.Engine) (map[string]int64, error) {
	found := map[string]int64{}
	for name, r := range s.relations {
		for _, file := range s.tables[r.Table] {
			if r.Only == nil {
				continue
			}
			n, err := e.Number(ctx, "counting rows of "+r.Table, "SELECT count(*) FROM "+file.read()+" WHERE NOT "+holds(file, r.Only))
			if err != nil {
				return nil, s.blame(err)
			}
			if n > 0 {
				found[name] += n
			}
		}
	}
	return found, nil
}
