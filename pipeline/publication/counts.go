package publication

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"datanet/pipeline/engine"
)

// counts is the table of published counts. It waits as the bytes that were
// checked and becomes a table at the first question.
type counts struct {
	lock    sync.Mutex
	parquet []byte
	table   *engine.Engine
}

func (c *counts) close() error {
	c.lock.Lock()
	defer c.lock.Unlock()
	if c.table == nil {
		return nil
	}
	err := c.table.Close()
	c.table = nil
	return err
}

// open fills the table. The bytes go through a file of our own, for whoever
// may write to the publication's folder could change the one there.
func (c *counts) open(ctx context.Context, h *Header) error {
	if c.table != nil {
		return nil
	}
	dir, err := os.MkdirTemp("", "datanet-counts-")
	if err != nil {
		return fmt.Errorf("reading counts: %w", err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, countsFile)
	if err := os.WriteFile(path, c.parquet, 0o600); err != nil {
		return fmt.Errorf("reading counts: %w", err)
	}
	e, err := engine.Open(ctx, engine.Options{Folders: []string{dir}, Threads: 1, Memory: 512 << 20})
	if err != nil {
		return err
	}
	if err := fill(ctx, e, h, path); err != nil {
		e.Close()
		return err
	}
	c.table = e
	return nil
}

// fill reads the file into memory and holds it to what the header says.
func fill(ctx context.Context, e *engine.Engine, h *Header, path string) error {
	damaged := &IntegrityError{"counts.parquet is not a table of published counts", fetchAgain}
	file := engine.ReadParquet(path)
	columns, err := e.Columns(ctx, "reading counts", "SELECT * FROM "+file)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil || !slices.Equal(columns, countsColumns(h)) {
		return damaged
	}
	// The number of rows stands in the file's foot: it is known before a row is read.
	rows, err := e.Number(ctx, "checking counts", "SELECT count(*) FROM "+file)
	if err != nil || rows != int64(h.Nodes) {
		return orDamaged(ctx, damaged)
	}
	if err := e.Exec(ctx, "reading counts", "CREATE TABLE counts AS SELECT * FROM "+file); err != nil {
		return orDamaged(ctx, damaged)
	}
	wrong, err := e.Number(ctx, "checking counts", "SELECT count(*) FROM counts WHERE "+impossible(h))
	if err != nil || wrong > 0 {
		return orDamaged(ctx, damaged)
	}
	return nil
}

// impossible: a group that is not named, a count below zero or beyond any
// population, a numerator without a denominator or above it.
func impossible(h *Header) string {
	conditions := []string{"measure IS NULL", "denominator NOT BETWEEN 0 AND 1000000000", "numerator NOT BETWEEN 0 AND coalesce(denominator, -1)"}
	for _, a := range h.Catalogue.Axes {
		conditions = append(conditions, `"`+a.ID+`" IS NULL`)
	}
	return strings.Join(conditions, " OR ")
}

func orDamaged(ctx context.Context, damaged error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return damaged
}

func countsColumns(h *Header) []string {
	columns := []string{"measure VARCHAR"}
	for _, a := range h.Catalogue.Axes {
		columns = append(columns, a.ID+" VARCHAR")
	}
	return append(columns, "numerator BIGINT", "denominator BIGINT")
}

// counted holds the rows of one measure, by the values of their group.
type counted map[string]Count

func key(ids []string) string { return strings.Join(ids, "\x00") }

// find reads the rows that the plan could need: those whose values on each
// axis occur in it.
func (c *counts) find(ctx context.Context, h *Header, pl *plan) (counted, error) {
	c.lock.Lock()
	defer c.lock.Unlock()
	if err := c.open(ctx, h); err != nil {
		return nil, err
	}
	names, conditions, args := make([]string, len(h.Catalogue.Axes)), []string{"measure = ?"}, []any{pl.measure.ID}
	for at, a := range h.Catalogue.Axes {
		names[at] = a.ID
		values := pl.uses(at)
		marks := strings.TrimSuffix(strings.Repeat("?, ", len(values)), ", ")
		conditions = append(conditions, fmt.Sprintf(`"%s" IN (%s)`, a.ID, marks))
		for _, v := range values {
			args = append(args, a.Values[v].ID)
		}
	}
	query := fmt.Sprintf("SELECT %s, numerator, denominator FROM counts WHERE %s", quoted(names, ""), strings.Join(conditions, " AND "))
	found := counted{}
	err := c.table.Query(ctx, "reading counts", query, func(r *sql.Rows) error { return found.scan(r, len(names)) }, args...)
	return found, err
}

func (n counted) scan(r *sql.Rows, axes int) error {
	ids := make([]string, axes)
	into := make([]any, 0, axes+2)
	for i := range ids {
		into = append(into, &ids[i])
	}
	var row Count
	if err := r.Scan(append(into, &row.Numerator, &row.Denominator)...); err != nil {
		return err
	}
	if _, twice := n[key(ids)]; twice {
		return &IntegrityError{"counts.parquet holds a group twice", fetchAgain}
	}
	n[key(ids)] = row
	return nil
}
