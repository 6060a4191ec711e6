package engine

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"sync"

	"github.com/duckdb/duckdb-go/v2"
)

// The functions below give SQL a function written in Go. Each takes a maker,
// not a function: DuckDB calls from several threads, every call gets an
// instance of its own, and instances are kept for the next call, so that one
// may hold a keyed hash that is reset rather than made anew.
//
// A missing input gives a missing result and does not reach the function. A
// function that panics fails its statement; what it panicked with is dropped.

// A CodeOfText turns text into a code of 16 bytes; ok false gives NULL.
type CodeOfText func(text []byte) (code [16]byte, ok bool)

// A TextOfText turns text into text.
type TextOfText func(text []byte) string

// A CodeOfCode turns one code into another.
type CodeOfCode func(code [16]byte) [16]byte

// A NumberOfCode turns a code into a number.
type NumberOfCode func(code [16]byte) uint64

// RegisterCodeOfText makes a function name(VARCHAR) → UUID.
func (e *Engine) RegisterCodeOfText(name string, maker func() CodeOfText) error {
	return register(e, name, duckdb.TYPE_VARCHAR, duckdb.TYPE_UUID, maker, func(f CodeOfText, in driver.Value) (any, error) {
		text, ok := in.(string)
		if !ok {
			return nil, errInput
		}
		code, ok := f([]byte(text))
		if !ok {
			return nil, nil
		}
		return duckdb.UUID(code), nil
	})
}

// RegisterTextOfText makes a function name(VARCHAR) → VARCHAR.
func (e *Engine) RegisterTextOfText(name string, maker func() TextOfText) error {
	return register(e, name, duckdb.TYPE_VARCHAR, duckdb.TYPE_VARCHAR, maker, func(f TextOfText, in driver.Value) (any, error) {
		text, ok := in.(string)
		if !ok {
			return nil, errInput
		}
		return f([]byte(text)), nil
	})
}

// RegisterCodeOfCode makes a function name(UUID) → UUID.
func (e *Engine) RegisterCodeOfCode(name string, maker func() CodeOfCode) error {
	return register(e, name, duckdb.TYPE_UUID, duckdb.TYPE_UUID, maker, func(f CodeOfCode, in driver.Value) (any, error) {
		code, err := code16(in)
		if err != nil {
			return nil, err
		}
		return duckdb.UUID(f(code)), nil
	})
}

// RegisterNumberOfCode makes a function name(UUID) → UBIGINT.
func (e *Engine) RegisterNumberOfCode(name string, maker func() NumberOfCode) error {
	return register(e, name, duckdb.TYPE_UUID, duckdb.TYPE_UBIGINT, maker, func(f NumberOfCode, in driver.Value) (any, error) {
		code, err := code16(in)
		if err != nil {
			return nil, err
		}
		return f(code), nil
	})
}

// RegisterVisit makes a function name(VARCHAR) that shows every text to visit,
// which may not keep it. Calls come from several threads. Its result says
// nothing and is never NULL.
func (e *Engine) RegisterVisit(name string, visit func(text string)) error {
	return e.registerPassing(name, func(chunk *duckdb.ChunkIteratorState) error {
		column, err := chunk.GetInputChunk().GetVector(0)
		if err != nil {
			return err
		}
		texts, err := duckdb.GetVectorView[string](column)
		if err != nil {
			return err
		}
		for row := range texts.Len() {
			text, ok, err := texts.GetValueBorrowed(row)
			if err != nil {
				return err
			}
			if ok {
				visit(text)
			}
		}
		return nil
	})
}

// RegisterCount makes a function name(VARCHAR) that tells count how many rows
// have gone by it, some thousands at a time and from several threads. Its result
// says nothing and is never NULL.
func (e *Engine) RegisterCount(name string, count func(rows int)) error {
	return e.registerPassing(name, func(chunk *duckdb.ChunkIteratorState) error {
		count(chunk.GetInputChunk().GetSize())
		return nil
	})
}

// registerPassing makes a function that looks at what passes, a chunk at a time.
func (e *Engine) registerPassing(name string, look func(*duckdb.ChunkIteratorState) error) error {
	in, err := duckdb.NewTypeInfo(duckdb.TYPE_VARCHAR)
	if err != nil {
		return fmt.Errorf("registering %s: %w", name, err)
	}
	out, err := duckdb.NewTypeInfo(duckdb.TYPE_BOOLEAN)
	if err != nil {
		return fmt.Errorf("registering %s: %w", name, err)
	}
	f := &passing{function{in, out, func(_ context.Context, chunk *duckdb.ChunkIteratorState) (err error) {
		defer func() {
			if recover() != nil {
				err = errPanic
			}
		}()
		return look(chunk)
	}}}
	if err := duckdb.RegisterScalarUDF(e.conn, name, f); err != nil {
		return fmt.Errorf("registering %s: %w", name, err)
	}
	return nil
}

// A passing function is called for every chunk, whatever it holds: also when
// nothing of it is used, and when all of it is missing.
type passing struct{ function }

func (f *passing) Config() duckdb.ScalarFuncConfig {
	config := f.function.Config()
	config.Volatile, config.SpecialNullHandling = true, true
	return config
}

var (
	errInput = errors.New("the function got a value of another type")
	errPanic = errors.New("the function failed")
)

func code16(in driver.Value) ([16]byte, error) {
	switch v := in.(type) {
	case duckdb.UUID:
		return v, nil
	case []byte:
		if len(v) == 16 {
			return [16]byte(v), nil
		}
	}
	return [16]byte{}, errInput
}

// function is one Go function as duckdb-go wants it.
type function struct {
	in, out  duckdb.TypeInfo
	executor duckdb.ChunkContextExecutorFn
}

func (f *function) Config() duckdb.ScalarFuncConfig {
	return duckdb.ScalarFuncConfig{InputTypeInfos: []duckdb.TypeInfo{f.in}, ResultTypeInfo: f.out}
}

func (f *function) Executor() duckdb.ScalarFuncExecutor {
	return duckdb.ScalarFuncExecutor{
		ChunkContextExecutor: f.executor,
		// Without a binder the driver looks the context up at the first chunk, in
		// several threads at once. With one, a constant code is no argument that
		// it can read: these functions are for columns.
		ScalarBinder: func(ctx context.Context, _ []duckdb.ScalarUDFArg) (context.Context, error) { return ctx, nil },
	}
}

func register[F any](e *Engine, name string, in, out duckdb.Type, maker func() F, call func(F, driver.Value) (any, error)) error {
	inType, err := duckdb.NewTypeInfo(in)
	if err != nil {
		return fmt.Errorf("registering %s: %w", name, err)
	}
	outType, err := duckdb.NewTypeInfo(out)
	if err != nil {
		return fmt.Errorf("registering %s: %w", name, err)
	}
	instances := sync.Pool{New: func() any { return maker() }}
	executor := func(_ context.Context, chunk *duckdb.ChunkIteratorState) (err error) {
		// A panic would end the process from inside the database, and its
		// traceback would print the arguments.
		defer func() {
			if recover() != nil {
				err = errPanic
			}
		}()
		f := instances.Get().(F)
		defer instances.Put(f)
		for row, err := range chunk.Rows() {
			if err != nil {
				return err
			}
			result, err := call(f, *row.GetValuePtr(0))
			if err != nil {
				return err
			}
			if err := row.SetResult(result); err != nil {
				return err
			}
		}
		return nil
	}
	if err := duckdb.RegisterScalarUDF(e.conn, name, &function{inType, outType, executor}); err != nil {
		return fmt.Errorf("registering %s: %w", name, err)
	}
	return nil
}

// A Code is a code of 16 bytes as database/sql scans it.
type Code [16]byte

// Scan reads a UUID column.
func (c *Code) Scan(in any) error {
	code, err := code16(in)
	*c = code
	return err
}
