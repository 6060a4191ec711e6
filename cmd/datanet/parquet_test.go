package main

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"time"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/schema"
)

// eachValue decodes one column of a row group and calls visit for every value
// that is not missing: as text, numbers without exponent, dates as YYYY-MM-DD,
// codes in hex; and the bytes of codes and texts. A column that it cannot
// write down is an error and never passed over.
func eachValue(g *file.RowGroupReader, column int, visit func(row int, text string, raw []byte)) error {
	r, err := g.Column(column)
	if err != nil {
		return err
	}
	d, rows := r.Descriptor(), int(g.NumRows())
	kind := d.LogicalType()
	whole := wholeNumber(kind)
	switch r := r.(type) {
	case *file.BooleanColumnChunkReader:
		return eachOf(r.ReadBatch, d, rows, func(row int, v bool) { visit(row, strconv.FormatBool(v), nil) })
	case *file.Int32ColumnChunkReader:
		if whole != nil {
			return eachOf(r.ReadBatch, d, rows, func(row int, v int32) { visit(row, whole(int64(v)), nil) })
		}
	case *file.Int64ColumnChunkReader:
		if whole != nil {
			return eachOf(r.ReadBatch, d, rows, func(row int, v int64) { visit(row, whole(v), nil) })
		}
	case *file.Float32ColumnChunkReader:
		return eachOf(r.ReadBatch, d, rows, func(row int, v float32) { visit(row, fmt.Sprintf("%.6f", v), nil) })
	case *file.Float64ColumnChunkReader:
		return eachOf(r.ReadBatch, d, rows, func(row int, v float64) { visit(row, fmt.Sprintf("%.6f", v), nil) })
	case *file.FixedLenByteArrayColumnChunkReader:
		if kind.IsNone() || kind.Equals(schema.UUIDLogicalType{}) {
			return eachOf(r.ReadBatch, d, rows, func(row int, v parquet.FixedLenByteArray) { visit(row, hex.EncodeToString(v), v) })
		}
	case *file.ByteArrayColumnChunkReader:
		if kind.IsNone() || kind.Equals(schema.StringLogicalType{}) {
			return eachOf(r.ReadBatch, d, rows, func(row int, v parquet.ByteArray) { visit(row, string(v), v) })
		}
	}
	return fmt.Errorf("column %s: no way to write down %s, %s", d.Path(), d.PhysicalType(), kind)
}

// wholeNumber is how the whole numbers of a column are written; nil: not known.
func wholeNumber(kind schema.LogicalType) func(int64) string {
	if kind.Equals(schema.DateLogicalType{}) {
		return func(v int64) string { return time.Unix(v*86400, 0).UTC().Format(time.DateOnly) }
	}
	i, ok := kind.(schema.IntLogicalType)
	switch {
	case ok && !i.IsSigned():
		return func(v int64) string { return strconv.FormatUint(uint64(v)<<(64-i.BitWidth())>>(64-i.BitWidth()), 10) }
	case ok || kind.IsNone():
		return func(v int64) string { return strconv.FormatInt(v, 10) }
	}
	return nil
}

// eachOf puts every value beside its row: values are stored without the
// missing ones, and a definition level below the highest says missing.
func eachOf[T any](read func(size int64, values []T, defined, repeated []int16) (int64, int, error), d *schema.Column, rows int, visit func(int, T)) error {
	if d.MaxRepetitionLevel() > 0 {
		return fmt.Errorf("column %s: no way to write down lists", d.Path())
	}
	const size = 4096
	values, defined := make([]T, size), make([]int16, size)
	for row := 0; row < rows; {
		total, filled, err := read(int64(min(size, rows-row)), values, defined, nil)
		if err != nil {
			return fmt.Errorf("column %s: %w", d.Path(), err)
		}
		if total == 0 {
			return fmt.Errorf("column %s: ends after %d of %d rows", d.Path(), row, rows)
		}
		next := 0
		for i := range int(total) {
			if d.MaxDefinitionLevel() == 0 || defined[i] == d.MaxDefinitionLevel() {
				visit(row+i, values[next])
				next++
			}
		}
		if next != filled {
			return fmt.Errorf("column %s: %d values where %d are defined", d.Path(), filled, next)
		}
		row += int(total)
	}
	return nil
}
