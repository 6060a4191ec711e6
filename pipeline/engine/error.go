package engine

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/duckdb/duckdb-go/v2"
)

// An Error says which step of the pipeline's SQL failed and how. The words of
// a private engine's errors are our own.
type Error struct {
	Step   string
	Rule   string // what went wrong, in our words
	File   string // path of the file that is to blame, when DuckDB named one
	Line   int64  // its line, when DuckDB named one
	Memory bool   // the memory limit was reached
	Disk   bool   // a file could not be read or written
	Source bool   // the fault lies in the file that was read
	Broken bool   // DuckDB tripped over itself; the engine is of no more use
}

func (e *Error) Error() string {
	if e.Line > 0 {
		return fmt.Sprintf("%s: line %d: %s", e.Step, e.Line, e.Rule)
	}
	return fmt.Sprintf("%s: %s", e.Step, e.Rule)
}

// Hints says what to do.
func (e *Error) Hints() []string {
	switch {
	case e.Memory:
		return []string{"give it more with --memory, for example --memory 2GiB"}
	case e.Disk:
		return []string{"see whether there is room where the output goes, and whether the folders can be read and written"}
	}
	return nil
}

// What DuckDB says of a CSV file. Its text quotes the row between the line and
// the path, so the first line number and the last path are its own words.
var (
	csvLine = regexp.MustCompile(`(?m)^(?:.*: )?CSV Error on Line: ([0-9]+)`)
	csvFile = regexp.MustCompile(`(?m)^ *file ?= ?(.*)$`)
)

// What DuckDB says of a file that the disk does not give or take: its path stands
// between the first mark and the last.
var diskFile = regexp.MustCompile(`(?s)^IO Error: [^"]* file "(.*)":`)

// csvState is what DuckDB says of a row that ends in another way than the
// rows before it. It does not say where.
const csvState = "The CSV Parser state machine reached an invalid state"

// fault turns a driver's error into ours. A cancelled context comes first:
// DuckDB calls that an interrupt.
func (e *Engine) fault(ctx context.Context, step string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var known *duckdb.Error
	if !errors.As(err, &known) {
		if e.private {
			return &Error{Step: step, Rule: "the database failed"}
		}
		return fmt.Errorf("%s: %w", step, err)
	}
	out := &Error{Step: step, Rule: e.words(known)}
	out.Memory = known.Type == duckdb.ErrorTypeOutOfMemory
	out.Disk = known.Type == duckdb.ErrorTypeIO
	out.Broken = known.Type == duckdb.ErrorTypeInternal || known.Type == duckdb.ErrorTypeFatal
	if m := diskFile.FindStringSubmatch(known.Msg); out.Disk && m != nil {
		out.File = m[1]
	}
	out.blameCSV(known.Msg)
	return out
}

func (e *Error) blameCSV(message string) {
	if m := csvLine.FindStringSubmatch(message); m != nil {
		e.Line, _ = strconv.ParseInt(m[1], 10, 64)
		e.Rule, e.Source = "is not a well-formed CSV row of this table", true
	} else if strings.Contains(message, csvState) {
		e.Rule, e.Source = "is not well-formed CSV: it mixes line ends, or a quotation mark stands where none may", true
	} else {
		return
	}
	if m := csvFile.FindAllStringSubmatch(message, -1); m != nil {
		e.File = m[len(m)-1][1]
	}
}

// words never repeats DuckDB's text for a private engine.
func (e *Engine) words(known *duckdb.Error) string {
	if !e.private {
		return known.Msg
	}
	switch known.Type {
	case duckdb.ErrorTypeOutOfMemory:
		return "the memory limit was reached"
	case duckdb.ErrorTypeIO:
		return "reading or writing a file failed"
	case duckdb.ErrorTypeConversion, duckdb.ErrorTypeInvalidInput, duckdb.ErrorTypeOutOfRange:
		return "a value does not fit its column"
	}
	return "the database failed (error type " + strconv.Itoa(int(known.Type)) + ")"
}
