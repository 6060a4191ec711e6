package engine

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"

	"github.com/duckdb/duckdb-go/v2"
)

// An Error says which step of the pipeline's SQL failed and how. The words of
// a private engine's errors are our own.
type Error struct {
	Step   string
	Rule   string // what went wrong, in our words
	Line   int64  // line of the CSV file, when DuckDB named one
	Memory bool   // the memory limit was reached
	Source bool   // the fault lies in the file that was read
}

func (e *Error) Error() string {
	if e.Line > 0 {
		return fmt.Sprintf("%s: line %d: %s", e.Step, e.Line, e.Rule)
	}
	return fmt.Sprintf("%s: %s", e.Step, e.Rule)
}

// Hints says what to do.
func (e *Error) Hints() []string {
	if e.Memory {
		return []string{"give it more with --memory, for example --memory 2GiB"}
	}
	return nil
}

var csvLine = regexp.MustCompile(`(?m)^(?:.*: )?CSV Error on Line: ([0-9]+)`)

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
	if m := csvLine.FindStringSubmatch(known.Msg); m != nil {
		out.Line, _ = strconv.ParseInt(m[1], 10, 64)
		out.Rule, out.Source = "is not a well-formed CSV row of this table", true
	}
	out.Memory = known.Type == duckdb.ErrorTypeOutOfMemory
	return out
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
