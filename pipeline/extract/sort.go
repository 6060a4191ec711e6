package extract

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"datanet/pipeline/engine"
	"datanet/schemas"
)

// sort runs the database that sees coded rows only. Rows leave it ordered by
// every column, so that their order says nothing about the source and the same
// rows make the same file.
func sort(ctx context.Context, o Options, src *source, stage *staging, c *coded) (*Result, []schemas.ManifestFile, error) {
	e, err := engine.Open(ctx, engine.Options{Memory: o.Memory, Threads: o.Threads,
		Folders: []string{stage.root}, Spill: filepath.Join(stage.work, "spill")})
	if err != nil {
		return nil, nil, err
	}
	defer e.Close()
	result := &Result{Dataset: src.dataset.ID, Site: o.Key.Site, AsAt: src.asAt.Format(time.DateOnly), Exports: src.days(),
		Tables: map[string]int64{}, Gates: map[string]map[string]int64{}, Numbers: c.numbers,
		Unmatched: c.unmatched, Contradictions: c.disagree, Areas: c.areas, Strange: c.strange, Passed: c.passed, Unread: src.unread, Ignored: src.ignored,
		Policy: o.Policy.Name(), ApprovedBy: o.Policy.ApprovedBy.String(), LeftOut: c.leftOut, Partly: c.partly}
	if o.listed != nil {
		result.National = o.listed.day.Format(time.DateOnly)
	}
	if o.Policy.Overdue(o.Now.UTC()) {
		result.Warnings = append(result.Warnings, "the policy "+o.Policy.Name()+" was to be looked at again by "+o.Policy.Review.Format(time.DateOnly))
	}
	var files []schemas.ManifestFile
	for i := range src.dataset.Tables {
		t := &src.dataset.Tables[i]
		file, err := sortTable(ctx, e, t, c.files[t.Name], stage.final)
		if err != nil {
			return nil, nil, err
		}
		files = append(files, file)
		result.Tables[t.Name] = file.Rows
		if result.Gates[t.Name], err = leftOut(ctx, e, c.files[t.Name]); err != nil {
			return nil, nil, err
		}
	}
	if err := src.whole(result); err != nil {
		return nil, nil, err
	}
	if result.present, err = people(ctx, e, src.dataset, stage.final); err != nil {
		return nil, nil, err
	}
	if result.Persons = int64(len(result.present)); result.Persons == 0 {
		return nil, nil, &SourceError{Rule: "nobody of the site " + o.Key.Site + " is left in the export",
			Hint: "check that the export is this site's, that its sharing agreement, where there is one, is active, and whether --test-numbers belongs here"}
	}
	return result, files, nil
}

// people are the codes of everybody whom the dataset is about: a mother and her
// baby are two, and somebody in two columns is one.
func people(ctx context.Context, e *engine.Engine, d *schemas.Dataset, folder string) (codes, error) {
	var columns []string
	for _, member := range d.Members {
		table, column, _ := strings.Cut(member, ".")
		columns = append(columns, fmt.Sprintf("SELECT %q AS code FROM %s", column, engine.ReadParquet(filepath.Join(folder, table+".parquet"))))
	}
	var all [][16]byte
	err := e.Query(ctx, "counting people", "SELECT DISTINCT code FROM ("+strings.Join(columns, " UNION ALL ")+") WHERE code IS NOT NULL", func(r *sql.Rows) error {
		var code engine.Code
		err := r.Scan(&code)
		all = append(all, code)
		return err
	})
	return newCodes(all), err
}

func sortTable(ctx context.Context, e *engine.Engine, t *schemas.Table, from, folder string) (schemas.ManifestFile, error) {
	path := filepath.Join(folder, t.Name+".parquet")
	query := fmt.Sprintf("SELECT %s FROM %s WHERE reason IS NULL ORDER BY %s", t.SelectList(), engine.ReadParquet(from), t.OrderList())
	if err := e.CopyParquet(ctx, "sorting "+t.Name, query, path); err != nil {
		return schemas.ManifestFile{}, err
	}
	rows, err := e.Number(ctx, "counting "+t.Name, "SELECT count(*) FROM "+engine.ReadParquet(path))
	if err != nil {
		return schemas.ManifestFile{}, err
	}
	digest, size, err := digestFile(path)
	return schemas.ManifestFile{Table: t.Name, Name: t.Name + ".parquet", Rows: rows, Bytes: size, SHA256: digest}, err
}

func leftOut(ctx context.Context, e *engine.Engine, from string) (map[string]int64, error) {
	found := map[string]int64{}
	err := e.Query(ctx, "counting what was left out",
		"SELECT reason, count(*) FROM "+engine.ReadParquet(from)+" WHERE reason IS NOT NULL GROUP BY reason", func(r *sql.Rows) error {
			var reason string
			var n int64
			if err := r.Scan(&reason, &n); err != nil {
				return err
			}
			found[reason] = n
			return nil
		})
	return found, err
}

func digestFile(path string) (string, int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, f)
	return hex.EncodeToString(h.Sum(nil)), n, err
}
