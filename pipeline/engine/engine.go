// Package engine is DuckDB, and the only room that knows it.
//
// An Engine is one in-memory database on one connection. It reaches only the
// folders it was opened for, loads no extension, and its configuration is
// locked before the first statement of a caller runs. A private engine sees
// identifiers: it has no temporary folder, so nothing of it ever reaches a
// disk but what a COPY writes, and its errors carry the step and the line,
// never DuckDB's own words, which quote values.
package engine

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"runtime"
	"strings"

	"github.com/duckdb/duckdb-go/v2"
)

// Options say what an engine may use.
type Options struct {
	Private bool     // sees identifiers: no spilling, silent errors
	Memory  int64    // bytes for the whole process; DuckDB gets 70 % of it; 0: 1 GiB
	Threads int      // 0: one for each processor
	Folders []string // what it may read and write below
	Spill   string   // folder for temporary files; empty: none. Never for a private engine
	Written bool     // joins run in the order written, as in every private engine: the first table streams, and keeps its order
}

// DefaultMemory is what an engine may use when nobody says otherwise.
const DefaultMemory = 1 << 30

// An Engine is one open database. It is for one goroutine; DuckDB spreads a
// statement over its threads by itself.
type Engine struct {
	db      *sql.DB
	conn    *sql.Conn
	private bool
}

// Open starts a database and locks it down.
func Open(ctx context.Context, o Options) (*Engine, error) {
	if o.Private && o.Spill != "" {
		return nil, fmt.Errorf("opening the database: a private engine may not spill")
	}
	connector, err := duckdb.NewConnector("", nil)
	if err != nil {
		return nil, fmt.Errorf("opening the database: %w", err)
	}
	db := sql.OpenDB(connector)
	conn, err := db.Conn(ctx)
	if err != nil {
		db.Close()
		return nil, fmt.Errorf("opening the database: %w", err)
	}
	e := &Engine{db: db, conn: conn, private: o.Private}
	if err := e.configure(ctx, o); err != nil {
		e.Close()
		return nil, err
	}
	return e, nil
}

// Close ends the database and frees its memory.
func (e *Engine) Close() error {
	e.conn.Close()
	return e.db.Close()
}

func (e *Engine) configure(ctx context.Context, o Options) error {
	if o.Memory == 0 {
		o.Memory = DefaultMemory
	}
	if o.Threads == 0 {
		o.Threads = runtime.GOMAXPROCS(0)
	}
	var folders []string
	for _, f := range o.Folders {
		folders = append(folders, Literal(f), one(f)) // it is asked for either way
	}
	settings := []string{
		"SET autoinstall_known_extensions = false",
		"SET autoload_known_extensions = false",
		"SET allow_community_extensions = false",
		"SET enable_progress_bar = false",
		"SET TimeZone = 'UTC'",
		fmt.Sprintf("SET memory_limit = '%dKiB'", o.Memory/1024*7/10),
		fmt.Sprintf("SET threads = %d", o.Threads),
		"SET temp_directory = " + Literal(o.Spill),
		fmt.Sprintf("SET preserve_insertion_order = %t", !o.Private),
		"SET allowed_directories = [" + strings.Join(folders, ", ") + "]",
		"SET enable_external_access = false",
	}
	if o.Private || o.Written {
		// DuckDB cannot know a CSV's size and would build its joins on that
		// side, in memory. In the order written, every join streams.
		settings = append(settings, "SET disabled_optimizers = 'join_order,build_side_probe_side'")
	}
	settings = append(settings, "SET lock_configuration = true")
	for _, s := range settings {
		if _, err := e.conn.ExecContext(ctx, s); err != nil {
			return fmt.Errorf("configuring the database: %w", err)
		}
	}
	return nil
}

// Exec runs one statement. The step's name stands in its errors.
func (e *Engine) Exec(ctx context.Context, step, statement string, args ...any) error {
	if _, err := e.conn.ExecContext(ctx, statement, args...); err != nil {
		return e.fault(ctx, step, err)
	}
	return nil
}

// Query runs one statement and hands each row to scan.
func (e *Engine) Query(ctx context.Context, step, statement string, scan func(*sql.Rows) error, args ...any) error {
	rows, err := e.conn.QueryContext(ctx, statement, args...)
	if err != nil {
		return e.fault(ctx, step, err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return e.fault(ctx, step, err)
		}
	}
	if err := rows.Err(); err != nil {
		return e.fault(ctx, step, err)
	}
	return nil
}

// Number runs a statement that yields one whole number.
func (e *Engine) Number(ctx context.Context, step, statement string, args ...any) (int64, error) {
	var n int64
	err := e.Query(ctx, step, statement, func(r *sql.Rows) error { return r.Scan(&n) }, args...)
	return n, err
}

// Insert fills a table that exists, a row at a time.
func (e *Engine) Insert(ctx context.Context, table string, rows [][]any) error {
	if len(rows) == 0 {
		return nil
	}
	marks := "(" + strings.TrimSuffix(strings.Repeat("?, ", len(rows[0])), ", ") + ")"
	const most = 400 // values are bound, a few hundred rows to a statement
	for len(rows) > 0 {
		n := min(most, len(rows))
		args := make([]any, 0, n*len(rows[0]))
		for _, r := range rows[:n] {
			args = append(args, r...)
		}
		statement := "INSERT INTO " + table + " VALUES " + strings.TrimSuffix(strings.Repeat(marks+", ", n), ", ")
		if err := e.Exec(ctx, "filling "+table, statement, args...); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

// CopyParquet writes the rows of a query to a Parquet file. Rows keep the
// query's order, so the same rows give the same bytes on any number of threads.
func (e *Engine) CopyParquet(ctx context.Context, step, query, path string) error {
	return e.Exec(ctx, step, "COPY ("+query+") TO "+Literal(path)+
		" (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE 122880)")
}

// CopyScratch writes a Parquet file that only this run reads: larger, sooner. A
// private engine's rows come in any order.
func (e *Engine) CopyScratch(ctx context.Context, step, query, path string) error {
	return e.Exec(ctx, step, "COPY ("+query+") TO "+Literal(path)+" (FORMAT parquet, COMPRESSION uncompressed, DICTIONARY_SIZE_LIMIT 1)")
}

// Columns lists the columns of a query as "name TYPE".
func (e *Engine) Columns(ctx context.Context, step, query string) ([]string, error) {
	var columns []string
	err := e.Query(ctx, step, "DESCRIBE "+query, func(r *sql.Rows) error {
		var name, kind string
		var rest [4]sql.NullString
		if err := r.Scan(&name, &kind, &rest[0], &rest[1], &rest[2], &rest[3]); err != nil {
			return err
		}
		columns = append(columns, name+" "+kind)
		return nil
	})
	return columns, err
}

// Append fills a table that exists with many rows at once.
func (e *Engine) Append(ctx context.Context, table string, rows [][]any) error {
	return e.conn.Raw(func(c any) error {
		appender, err := duckdb.NewAppenderFromConn(c.(driver.Conn), "", table)
		if err != nil {
			return e.fault(ctx, "filling "+table, err)
		}
		for _, row := range rows {
			values := make([]driver.Value, len(row))
			for i, v := range row {
				values[i] = v
			}
			if err := appender.AppendRow(values...); err != nil {
				appender.Close()
				return e.fault(ctx, "filling "+table, err)
			}
		}
		if err := appender.Close(); err != nil {
			return e.fault(ctx, "filling "+table, err)
		}
		return nil
	})
}
