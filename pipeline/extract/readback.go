package extract

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/schema"

	"datanet/pseudonym"
	"datanet/schemas"
)

// A LeakError says that what was written holds something that may not leave.
// The extract has not got its name and is removed.
type LeakError struct {
	Table, Column string
	Rule          string
}

func (e *LeakError) Error() string {
	return fmt.Sprintf("the written table %s, column %s, holds %s; nothing was kept", e.Table, e.Column, e.Rule)
}

// Kind is the kind of failure, which decides the exit code.
func (e *LeakError) Kind() string { return "source" }

// Hints says what to do.
func (e *LeakError) Hints() []string {
	return []string{"the export holds an identifier where the format says there is none: correct it at its source, or report the column"}
}

// readBack reads every value that was written, through another library than
// the one that wrote it, and looks for what no extract may hold.
func readBack(ctx context.Context, o Options, d *schemas.Dataset, folder string, births map[[16]byte][]int32) error {
	for i := range d.Tables {
		t := &d.Tables[i]
		c := &check{table: t, births: births, test: o.Numbers == pseudonym.Test, seen: map[string][]int32{}}
		if err := c.run(ctx, filepath.Join(folder, t.Name+".parquet")); err != nil {
			return err
		}
	}
	return nil
}

// check looks through one table.
type check struct {
	table  *schemas.Table
	births map[[16]byte][]int32
	test   bool
	seen   map[string][]int32 // texts found harmless in the column at hand, and the days they spell

	person [16]byte // the last one asked for: rows are sorted by person
	own    []int32  // and that one's birth dates
}

func (c *check) run(ctx context.Context, path string) error {
	r, err := file.OpenParquetFile(path, false)
	if err != nil {
		return fmt.Errorf("reading back %s: %w", c.table.Name, err)
	}
	defer r.Close()
	if err := c.schema(r.MetaData().Schema); err != nil {
		return err
	}
	for g := range r.NumRowGroups() {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := c.group(r.RowGroup(g)); err != nil {
			return err
		}
	}
	return nil
}

// schema must be the dataset's to the letter: a column more is a leak.
func (c *check) schema(s *schema.Schema) error {
	if s.NumColumns() != len(c.table.Columns) {
		return &LeakError{c.table.Name, "(all)", fmt.Sprintf("%d columns where the schema has %d", s.NumColumns(), len(c.table.Columns))}
	}
	for i, want := range c.table.Columns {
		if !isColumn(s.Column(i), want) {
			return &LeakError{c.table.Name, want.Name, "another column or type than the schema's"}
		}
	}
	return nil
}

// isColumn says whether a stored column is the schema's: its name, its type,
// and one value or none in a row.
func isColumn(got *schema.Column, want schemas.Column) bool {
	return got.Path() == want.Name && got.MaxRepetitionLevel() == 0 && got.PhysicalType() == physical(want) &&
		(want.Type != "code16" || got.TypeLength() == 16)
}

func physical(c schemas.Column) parquet.Type {
	switch c.Type {
	case "code16":
		return parquet.Types.FixedLenByteArray
	case "date", "year", "integer":
		return parquet.Types.Int32
	case "number":
		return parquet.Types.Double
	case "boolean":
		return parquet.Types.Boolean
	}
	return parquet.Types.ByteArray
}

// group checks one row group. The first column is always the person.
func (c *check) group(g *file.RowGroupReader) error {
	persons := make([][16]byte, g.NumRows())
	for i, column := range c.table.Columns {
		r, err := g.Column(i)
		if err != nil {
			return fmt.Errorf("reading back %s.%s: %w", c.table.Name, column.Name, err)
		}
		clear(c.seen)
		found, filled, err := c.column(r, column, persons, i == 0)
		if err != nil {
			return fmt.Errorf("reading back %s.%s: %w", c.table.Name, column.Name, err)
		}
		if i == 0 && filled != len(persons) && found == "" {
			found = "a row without a code"
		}
		if found != "" {
			return &LeakError{c.table.Name, column.Name, found}
		}
	}
	return nil
}

// column checks the values of one column, or notes whose rows they are.
func (c *check) column(r file.ColumnChunkReader, column schemas.Column, persons [][16]byte, first bool) (found string, filled int, err error) {
	switch r := r.(type) {
	case *file.FixedLenByteArrayColumnChunkReader:
		return batches(r.ReadBatch, r.Descriptor(), len(persons), func(row int, v parquet.FixedLenByteArray) string {
			if first {
				persons[row] = [16]byte(v)
			}
			return ""
		})
	case *file.ByteArrayColumnChunkReader:
		judge := func(row int, v parquet.ByteArray) string { return c.text(persons[row], v) }
		if column.Role == schemas.CodeRole {
			judge = func(_ int, v parquet.ByteArray) string { return c.code(v) }
		}
		return batches(r.ReadBatch, r.Descriptor(), len(persons), judge)
	case *file.Int32ColumnChunkReader:
		judge := c.day
		if column.Type != "date" {
			judge = func(_ [16]byte, v int32) string { return small(v) }
		}
		return batches(r.ReadBatch, r.Descriptor(), len(persons), func(row int, v int32) string { return judge(persons[row], v) })
	case *file.Float64ColumnChunkReader:
		return batches(r.ReadBatch, r.Descriptor(), len(persons), func(row int, v float64) string { return c.number(persons[row], v) })
	case *file.BooleanColumnChunkReader:
		return "", 0, nil
	}
	return "", 0, fmt.Errorf("a column of a type that no schema has")
}

const ownBirth = "the full birth date of the row's own person"

func (c *check) day(person [16]byte, day int32) string {
	if person != c.person || c.own == nil {
		c.person, c.own = person, c.births[person]
	}
	if slices.Contains(c.own, day) {
		return ownBirth
	}
	return ""
}

func (c *check) days(person [16]byte, days []int32) string {
	for _, day := range days {
		if found := c.day(person, day); found != "" {
			return found
		}
	}
	return ""
}

// small judges a whole number that is a year or a rank.
func small(v int32) string {
	if v < 0 || v > 9999 {
		return "a number that is no year"
	}
	return ""
}

// number judges a measured value.
func (c *check) number(person [16]byte, v float64) string {
	if v != float64(int64(v)) {
		return ""
	}
	if isNumber(int64(v), c.test) {
		return "a value that is an NHS number"
	}
	return c.days(person, daysOf(int64(v)))
}

// code judges a clinical code by its form alone: some codes of ten digits would
// pass for NHS numbers, and no other text passes for a code.
func (c *check) code(text []byte) string {
	if _, ok := c.seen[string(text)]; ok {
		return ""
	}
	if !codeText.Match(text) {
		return "something that is no clinical code"
	}
	c.remember(text, nil)
	return ""
}

// text looks at each distinct text of a column once; its own person's birth
// date is looked for in every row.
func (c *check) text(person [16]byte, text []byte) string {
	days, ok := c.seen[string(text)]
	if !ok {
		if found := identifier(text, c.test); found != "" {
			return found
		}
		days = daysIn(text)
		c.remember(text, days)
	}
	return c.days(person, days)
}

func (c *check) remember(text []byte, days []int32) {
	if len(c.seen) < 1<<16 {
		c.seen[string(text)] = days
	}
}

type readBatch[T any] func(size int64, values []T, def, rep []int16) (int64, int, error)

// batches calls visit for each value that is not missing and stops at the first
// that is not harmless.
func batches[T any](read readBatch[T], d *schema.Column, rows int, visit func(int, T) string) (found string, filled int, err error) {
	const size = 4096
	buffer, levels := make([]T, size), make([]int16, size)
	for row := 0; row < rows; {
		total, got, err := read(int64(min(size, rows-row)), buffer, levels, nil)
		if err != nil {
			return "", filled, err
		}
		if total == 0 {
			return "", filled, fmt.Errorf("the column ends after %d of %d rows", row, rows)
		}
		next := 0
		for i := range int(total) {
			if d.MaxDefinitionLevel() > 0 && levels[i] < d.MaxDefinitionLevel() {
				continue
			}
			if found := visit(row+i, buffer[next]); found != "" {
				return found, filled, nil
			}
			next++
		}
		filled += got
		row += int(total)
	}
	return "", filled, nil
}
