package inspect

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"datanet/pipeline/engine"
	"datanet/schemas"
)

// Options say which tables to look at.
type Options struct {
	Folder       string // holds every file
	Tables       []Source
	Combinations []schemas.Combination // by the names of Tables
	Column       string                // table.column: that one alone; empty: all
	Threads      int
	Memory       int64 // 0: the engine's default
	Progress     func(step string)
}

// A Source is one Parquet file and what it is said to hold. Its first column
// is whose row a row is.
type Source struct {
	Name  string
	Path  string
	Rows  int64
	Table *schemas.Table
}

// Run looks. A file that is not the table it is said to be is a *TableError, a
// column that there is not a *UseError. Nothing is written anywhere.
func Run(ctx context.Context, o Options) (*Report, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	if o.Memory == 0 {
		o.Memory = engine.DefaultMemory
	}
	e, err := engine.Open(ctx, engine.Options{Private: true, Folders: []string{o.Folder}, Threads: o.Threads, Memory: o.Memory})
	if err != nil {
		return nil, err
	}
	defer e.Close()
	l := &look{Engine: e, o: o}
	if err := l.prepare(ctx); err != nil {
		return nil, err
	}
	r := &Report{Tables: []Table{}, Groups: []Groups{}}
	for i := range o.Tables {
		if err := l.table(ctx, &o.Tables[i], r); err != nil {
			return nil, l.blame(ctx, o.Tables[i].Name, err)
		}
	}
	return r, nil
}

// check refuses a column that there is not, and says which there are.
func (o *Options) check() error {
	if o.Column == "" {
		return nil
	}
	var known []string
	for _, s := range o.Tables {
		for _, c := range s.Table.Columns {
			known = append(known, s.Name+"."+c.Name)
		}
	}
	if !slices.Contains(known, o.Column) {
		return &UseError{"there is no such column here", "known: " + strings.Join(known, ", ")}
	}
	return nil
}

// A look is one run over open tables.
type look struct {
	*engine.Engine
	o Options
}

func (l *look) prepare(ctx context.Context) error {
	for _, table := range []string{"counted (value VARCHAR, people BIGINT, rows BIGINT)", "asked (code VARCHAR)",
		"span (code VARCHAR, place INTEGER, low DOUBLE, high DOUBLE)"} {
		if err := l.Exec(ctx, "preparing", "CREATE TEMP TABLE "+table); err != nil {
			return err
		}
	}
	return nil
}

// blame says that the file is no such table, unless memory or the caller is
// the reason: whatever else goes wrong while reading lies in the file.
func (l *look) blame(ctx context.Context, table string, err error) error {
	var fault *engine.Error
	if ctx.Err() != nil || !errors.As(err, &fault) || fault.Memory {
		return err
	}
	return &TableError{table, "its file cannot be read as the table that it is said to be"}
}

// A seen is one open table: its source, and its totals as they are.
type seen struct {
	*Source
	people, rows int64
	from         string
}

func (l *look) table(ctx context.Context, s *Source, r *Report) error {
	if l.o.Column != "" && !strings.HasPrefix(l.o.Column, s.Name+".") {
		return nil
	}
	t := &seen{Source: s, from: engine.ReadParquet(s.Path)}
	if err := l.schema(ctx, t); err != nil {
		return err
	}
	if err := l.totals(ctx, t); err != nil {
		return err
	}
	out := Table{Table: s.Name, Rows: (t.rows + 5) / 10 * 10, People: about(t.people), Columns: []Column{}}
	if l.wants(s.Name, s.Table.Columns[0].Name) {
		if err := l.bands(ctx, t, &out); err != nil {
			return err
		}
	}
	for _, c := range s.Table.Columns {
		if !l.wants(s.Name, c.Name) {
			continue
		}
		l.progress("looking at " + s.Name + "." + c.Name)
		column, err := l.column(ctx, t, c)
		if err != nil {
			return err
		}
		out.Columns = append(out.Columns, column)
	}
	r.Tables = append(r.Tables, out)
	return l.groups(ctx, t, r)
}

// wants says whether a column was asked for.
func (l *look) wants(table, column string) bool {
	return l.o.Column == "" || l.o.Column == table+"."+column
}

func (l *look) progress(step string) {
	if l.o.Progress != nil {
		l.o.Progress(step)
	}
}

// schema holds the file to its table: the columns, their order and types.
func (l *look) schema(ctx context.Context, t *seen) error {
	if t.Table.Columns[0].Role != schemas.Person {
		return &TableError{t.Name, "it does not begin with whose row a row is"}
	}
	columns, err := l.Columns(ctx, "reading "+t.Name, "SELECT * FROM "+t.from)
	if err != nil {
		return err
	}
	if strings.Join(columns, ", ") != t.Table.Signature() {
		return &TableError{t.Name, "its columns are not those of the schema"}
	}
	return nil
}

// totals counts, and refuses a file of another number of rows than is said of
// it, or with rows that are nobody's.
func (l *look) totals(ctx context.Context, t *seen) error {
	person := t.Table.Columns[0].SQL()
	var whose int64
	err := l.Query(ctx, "counting "+t.Name, fmt.Sprintf("SELECT count(*), count(%s), count(DISTINCT %s) FROM %s", person, person, t.from),
		func(r *sql.Rows) error { return r.Scan(&t.rows, &whose, &t.people) })
	switch {
	case err != nil:
		return err
	case t.rows != t.Rows:
		return &TableError{t.Name, "it does not have as many rows as is said of it"}
	case whose != t.rows:
		return &TableError{t.Name, "a row of it is nobody's"}
	}
	return nil
}
