package extract

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

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
// the one that wrote it, and looks for what no extract may hold. Row groups are
// checked on every core, each by itself.
func readBack(ctx context.Context, o Options, d *schemas.Dataset, folder string, births *births) error {
	for i := range d.Tables {
		if err := checkTable(ctx, o, &d.Tables[i], folder, births); err != nil {
			return err
		}
	}
	return nil
}

func checkTable(ctx context.Context, o Options, t *schemas.Table, folder string, births *births) error {
	c := &check{table: t, births: births, test: o.Numbers == pseudonym.Test}
	return c.run(ctx, filepath.Join(folder, t.Name+".parquet"), o.Threads)
}

// check looks through one table, or some of its row groups.
type check struct {
	table  *schemas.Table
	births *births
	test   bool
	seen   map[string][]int32 // texts found harmless in the column at hand, and the days they spell
	last   []byte             // the text before, and its days
	days   []int32
	owners []*owner // whose the rows of the row group at hand are
}

// An owner is a column of codes: a row is its person's, and in births also its
// baby's and its pregnancy's. Their birth dates may not stand in it.
type owner struct {
	codes [][16]byte // by row; zero when missing
	last  [16]byte   // the last one asked for: rows are sorted by the first of them
	born  []int32    // and that one's birth dates
	known bool
	fell  bool // a code came after a greater one
}

func (o *owner) births(row int, all *births) []int32 {
	if code := o.codes[row]; !o.known || code != o.last {
		o.last, o.born, o.known = code, all.of(code, o.born[:0]), true
	}
	return o.born
}

func (c *check) run(ctx context.Context, path string, threads int) error {
	r, err := file.OpenParquetFile(path, false)
	if err != nil {
		return fmt.Errorf("reading back %s: %w", c.table.Name, err)
	}
	defer r.Close()
	if err := c.schema(r.MetaData().Schema); err != nil {
		return err
	}
	if threads == 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	var next atomic.Int64
	found := make([]error, threads)
	var readers sync.WaitGroup
	for i := range threads {
		readers.Go(func() { found[i] = c.groups(ctx, path, &next) })
	}
	readers.Wait()
	for _, err := range found {
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

// groups takes one row group after another until none is left.
func (c *check) groups(ctx context.Context, path string, next *atomic.Int64) error {
	r, err := file.OpenParquetFile(path, false)
	if err != nil {
		return fmt.Errorf("reading back %s: %w", c.table.Name, err)
	}
	defer r.Close()
	own := &check{table: c.table, births: c.births, test: c.test}
	for ctx.Err() == nil {
		g := int(next.Add(1)) - 1
		if g >= r.NumRowGroups() {
			return nil
		}
		if err := own.group(r.RowGroup(g)); err != nil {
			return err
		}
	}
	return ctx.Err()
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

// group checks one row group: first every column of codes, which say whose the
// rows are, and then the others.
func (c *check) group(g *file.RowGroupReader) error {
	c.owners = nil
	for _, codes := range []bool{true, false} {
		for i, column := range c.table.Columns {
			if (column.Type == "code16") != codes {
				continue
			}
			if err := c.part(g, i, column); err != nil {
				return err
			}
		}
	}
	return nil
}

// part checks one column of a row group.
func (c *check) part(g *file.RowGroupReader, i int, column schemas.Column) error {
	rows := int(g.NumRows())
	r, err := g.Column(i)
	if err != nil {
		return fmt.Errorf("reading back %s.%s: %w", c.table.Name, column.Name, err)
	}
	c.seen, c.last, c.days = map[string][]int32{}, nil, nil
	found, filled, err := c.column(r, column, rows)
	if err != nil {
		return fmt.Errorf("reading back %s.%s: %w", c.table.Name, column.Name, err)
	}
	// Somebody else in a row, as a baby, may have no code; whose row it is, and
	// of which event, must be said.
	if needed := i == 0 || column.Role == schemas.Event; needed && filled != rows && found == "" {
		found = "a row without a code"
	}
	if found != "" {
		return &LeakError{c.table.Name, column.Name, found}
	}
	if i == 0 && c.owners[0].fell {
		return fmt.Errorf("reading back %s: the rows are not in the order of their codes", c.table.Name)
	}
	return nil
}

// column checks the values of one column, and of codes notes whose rows they are.
func (c *check) column(r file.ColumnChunkReader, column schemas.Column, rows int) (found string, filled int, err error) {
	switch r := r.(type) {
	case *file.FixedLenByteArrayColumnChunkReader:
		o := &owner{codes: make([][16]byte, rows)}
		c.owners = append(c.owners, o)
		return batches(r.ReadBatch, r.Descriptor(), rows, o.note)
	case *file.ByteArrayColumnChunkReader:
		judge := c.text
		if column.Role == schemas.CodeRole {
			judge = func(row int, v parquet.ByteArray) string { return c.code(row, v, column.System) }
		}
		return batches(r.ReadBatch, r.Descriptor(), rows, judge)
	case *file.Int32ColumnChunkReader:
		judge := c.day
		if column.Type != "date" {
			judge = func(_ int, v int32) string { return small(v) }
		}
		return batches(r.ReadBatch, r.Descriptor(), rows, judge)
	case *file.Float64ColumnChunkReader:
		return batches(r.ReadBatch, r.Descriptor(), rows, c.number)
	case *file.BooleanColumnChunkReader:
		return "", 0, nil
	}
	return "", 0, fmt.Errorf("a column of a type that no schema has")
}

// note keeps whose a row is. A code is as good as random: bytes that are not
// hold something that was not coded.
func (o *owner) note(row int, v parquet.FixedLenByteArray) string {
	code := [16]byte(v)
	o.codes[row] = code
	if row > 0 && code == o.codes[row-1] && code != [16]byte{} {
		return ""
	}
	o.fell = o.fell || row > 0 && bytes.Compare(code[:], o.codes[row-1][:]) < 0
	return uncoded(code)
}

// uncoded looks for a number in place of a code: padded with zeros at either
// end, or written in digits. That one of a million codes looks so by chance is
// less likely than one in ten million.
func uncoded(code [16]byte) string {
	const six = 1<<48 - 1 // bytes
	head, tail := binary.BigEndian.Uint64(code[:8])>>16, binary.BigEndian.Uint64(code[8:])&six
	if head == 0 || tail == 0 {
		return "something that is no code"
	}
	run := 0
	for _, b := range code {
		if run++; b < '0' || b > '9' {
			run = 0
		}
		if run == 10 {
			return "something that is no code"
		}
	}
	return ""
}

const ownBirth = "the full birth date of the row's own person"

func (c *check) day(row int, day int32) string {
	for _, o := range c.owners {
		if slices.Contains(o.births(row, c.births), day) {
			return ownBirth
		}
	}
	return ""
}

func (c *check) bornOn(row int, days []int32) string {
	for _, day := range days {
		if found := c.day(row, day); found != "" {
			return found
		}
	}
	return ""
}

// small judges a whole number that is a year, a rank or a count.
func small(v int32) string {
	if v < 0 || v > 9999 {
		return "a number that is no year"
	}
	return ""
}

// number judges a measured value by its digits, wherever its point stands.
func (c *check) number(row int, v float64) string {
	if isShort(v) {
		return ""
	}
	digits := digitsOf(v)
	if len(digits) == 10 && isNumber(parse(digits), c.test) {
		return "a value that is an NHS number"
	}
	for _, o := range c.owners {
		for _, day := range o.births(row, c.births) {
			if spells(v, digits, day) {
				return ownBirth
			}
		}
	}
	return ""
}

// code judges a code by the rules of its system: no other text passes for one,
// and neither does an NHS number or its own person's birth date that was given
// the form of a concept.
func (c *check) code(row int, text []byte, of schemas.System) string {
	days, ok := c.seen[string(text)]
	if !ok {
		if !isCode(text, of) {
			return "something that is no code of its system"
		}
		head := coreHead(text, of)
		if hasNumber(text, true) || len(head) >= 10 && isNumber(parse(head[:10]), true) {
			return "an NHS number"
		}
		if len(head) >= 8 {
			days = daysIn(head[:8])
		}
		c.remember(text, days)
	}
	return c.bornOn(row, days)
}

// text looks at each distinct text of a column once; its own person's birth
// date is looked for in every row.
func (c *check) text(row int, text parquet.ByteArray) string {
	if c.last == nil || !bytes.Equal(text, c.last) {
		days, ok := c.seen[string(text)]
		if !ok {
			if found := identifier(text, c.test); found != "" {
				return found
			}
			days = daysIn(text)
			c.remember(text, days)
		}
		c.last, c.days = append(c.last[:0], text...), days
	}
	return c.bornOn(row, c.days)
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
