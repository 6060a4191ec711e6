package extract

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"datanet/pipeline/engine"
	"datanet/schemas"
)

// A table of one export may come in several files, its parts, where the format
// has names for them. Splitting a table changes nothing, with one exception that
// is told here: a part may number its rows for itself.

// part is which part of its table a file is, by its name; 0: the format has none.
func (s *source) part(f named) int { return s.format.FilePart(filepath.Base(f.path)) }

// inOrderOfParts is the order of files by stamp and then by part.
func (s *source) inOrderOfParts(a, b named) int {
	return cmp.Or(a.stamp.Compare(b.stamp), cmp.Compare(s.part(a), s.part(b)), cmp.Compare(a.path, b.path))
}

// allParts refuses a table of which a part is not there, as far as the names of
// the others tell: they count from 1. The files are in the order of their parts.
func (s *source) allParts(files []named) error {
	type table struct {
		name  string
		stamp time.Time
	}
	last := map[table]int{}
	for _, f := range files {
		n, of := s.part(f), table{f.table.Name, f.stamp}
		if n == 0 {
			return nil
		}
		hint := "give every part of the table; their names end in _1, _2, _3 and so on, and one without a number is the first"
		switch last[of]++; {
		case n < 0:
			return &SourceError{Table: of.name, Rule: "has a file that its name calls part 0", Hint: hint}
		case n > last[of]:
			return &SourceError{Table: of.name, Rule: fmt.Sprintf("lacks its part %d", last[of]), Hint: hint}
		case n < last[of]:
			return &SourceError{Table: of.name, Rule: fmt.Sprintf("has two files that are its part %d", n), Hint: hint}
		}
	}
	return nil
}

// renumbered finds the parts that number their rows each for itself: a number
// stands in two of them. Which of their rows was submitted later, nobody knows.
// A relation with a key is of a system that counts all its rows.
func (s *source) renumbered(ctx context.Context, e *engine.Engine) error {
	for _, r := range s.relations {
		if _, ordered := r.Fields["sequence"]; !ordered || len(r.Key) > 0 {
			continue
		}
		for b := range s.batches {
			files := s.parts(r.Table, b)
			if len(files) < 2 {
				continue
			}
			var numbers []string
			for _, f := range files {
				numbers = append(numbers, fmt.Sprintf("SELECT sequence, %d AS part FROM (%s)", f.nth, s.rows(r, []*sourceFile{f}, wanted{})))
			}
			n, err := e.Number(ctx, "comparing the parts of "+r.Table, "SELECT count(*) FROM (SELECT sequence FROM ("+strings.Join(numbers, " UNION ALL ")+
				") WHERE sequence IS NOT NULL GROUP BY sequence HAVING min(part) <> max(part))")
			if err != nil {
				return err
			}
			for _, f := range files {
				f.apart = f.apart || n > 0
			}
		}
	}
	return nil
}

// ordered gives the rows of a relation their order: sequence, the number that
// the source gives them, behind the numbers of earlier exports; and submitted,
// which is the same but for parts that number their rows each for itself. There
// sequence goes by part, and all rows of the export have one submitted: of one
// record they must say the same.
func (s *source) ordered(r schemas.Relation, file *sourceFile, fields []string) []string {
	number := strings.TrimSuffix(fields[0], " AS sequence")
	apart := false
	for _, f := range s.tables[r.Table] {
		apart = apart || f.apart
	}
	if len(s.batches) > 1 || apart {
		part := 0
		if file.apart {
			part = file.nth
		}
		number = sequence(number, file.batch, part)
		fields = []string{number + " AS sequence", "CAST(" + number + " AS VARCHAR) AS sequence_cell"}
	}
	if len(r.Key) > 0 {
		return fields
	}
	if file.apart {
		number = sequence("NULL", file.batch, 0)
	}
	return append(fields, number+" AS submitted")
}

// numbered refuses a table of which some rows are numbered and others are not, or
// in a way that cannot be read: of two rows of one record nobody could tell which
// is the later, and the earlier could be the one that says no. What the streams
// say of a person is judged row by row, with every doubt on the person's side.
func (s *source) numbered(ctx context.Context, e *engine.Engine) error {
	for _, name := range slices.Sorted(maps.Keys(s.relations)) {
		r := s.relations[name]
		order := strings.ToLower(r.Fields["sequence"].Column)
		if order == "" || s.streamed(name) {
			continue
		}
		var rows []string
		for _, f := range s.tables[r.Table] {
			cell := "NULL"
			if at, ok := f.at[order]; ok {
				cell = fmt.Sprintf("c%d", at)
			}
			rows = append(rows, fmt.Sprintf("SELECT trim(coalesce(%s, '')) AS n, %d AS batch FROM %s", cell, f.batch, f.read()))
		}
		if len(rows) == 0 {
			continue
		}
		unread, err := e.Number(ctx, "comparing the rows of "+r.Table, "SELECT coalesce(sum(CASE WHEN bad > 0 THEN bad WHEN blank < rows THEN blank ELSE 0 END), 0)::BIGINT FROM ("+
			"SELECT count(*) FILTER (n <> '' AND TRY_CAST(n AS BIGINT) IS NULL) AS bad, count(*) FILTER (n = '') AS blank, count(*) AS rows FROM ("+
			strings.Join(rows, " UNION ALL ")+") GROUP BY batch)")
		if err != nil {
			return s.blame(err)
		}
		if unread > 0 {
			return &SourceError{Table: r.Table, Rule: fmt.Sprintf("rows whose number, %s, is not there or cannot be read, so that nobody knows which of two rows is the later: %d", r.Fields["sequence"].Column, unread),
				Hint: "export the table again, and do not save it from a spreadsheet: every row must have its number, as the system wrote it"}
		}
	}
	return nil
}
