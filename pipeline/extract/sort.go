package extract

import (
	"context"
	"crypto/sha256"
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
	e, err := engine.Open(ctx, engine.Options{Memory: o.Memory, Threads: o.Threads, Written: true,
		Folders: []string{stage.root}, Spill: filepath.Join(stage.work, "spill")})
	if err != nil {
		return nil, nil, err
	}
	defer e.Close()
	if err := run(ctx, e, "dates.sql", "preparing"); err != nil {
		return nil, nil, err
	}
	for name, path := range c.files {
		if err := view(ctx, e, name, path); err != nil {
			return nil, nil, err
		}
	}
	result := &Result{Dataset: src.dataset.ID, Site: o.Key.Site, AsAt: src.asAt.Format(time.DateOnly), Exports: src.days(), Sources: c.sources,
		Tables: map[string]int64{}, Gates: map[string]map[string]int64{}, Numbers: c.numbers,
		Unmatched: c.unmatched, Contradictions: c.disagree, Areas: c.areas, Strange: c.strange, Passed: c.passed, Unread: src.unread, Ignored: src.ignored,
		Policy: o.Policy.Name(), ApprovedBy: o.Policy.ApprovedBy.String(), LeftOut: c.leftOut, Partly: c.partly}
	if result.withheld = schemas.CodesOf(src.dataset.ID, c.withheld); !schemas.WithheldCodes(src.dataset.ID, result.withheld) {
		return nil, nil, &UseError{"more codes are left out than a manifest can name", "check the lists that the policy names"}
	}
	if o.listed != nil {
		result.National = o.listed.day.Format(time.DateOnly)
	}
	if o.Policy.Overdue(o.Now.UTC()) {
		result.Warnings = append(result.Warnings, "the policy "+o.Policy.Name()+" was to be looked at again by "+o.Policy.Review.Format(time.DateOnly))
	}
	result.Warnings = append(append(result.Warnings, o.idle()...), src.bare()...)
	var files []schemas.ManifestFile
	for i := range src.dataset.Tables {
		t := &src.dataset.Tables[i]
		file, err := sortTable(ctx, e, src.dataset, t, stage.final)
		if err != nil {
			return nil, nil, err
		}
		files = append(files, file)
		result.Tables[t.Name] = file.Rows
		if result.Gates[t.Name], err = counts(ctx, e, "SELECT reason, count(*) FROM "+leftOut(src.dataset, t)+" GROUP BY reason"); err != nil {
			return nil, nil, err
		}
	}
	if o.Rejects != "" {
		if err := rejects(ctx, e, src, filepath.Join(stage.work, rejectsName)); err != nil {
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
	all, err := readCodes(ctx, e, "("+strings.Join(columns, " UNION ALL ")+")")
	return newCodes(all), err
}

func sortTable(ctx context.Context, e *engine.Engine, d *schemas.Dataset, t *schemas.Table, folder string) (schemas.ManifestFile, error) {
	path := filepath.Join(folder, t.Name+".parquet")
	query := fmt.Sprintf("SELECT %s FROM file_%s WHERE reason IS NULL ORDER BY %s", t.SelectList(), t.Name, t.OrderList())
	if text, err := rules.ReadFile(d.ID + "/sorted-" + t.Name + ".sql"); err == nil {
		query = fmt.Sprintf("SELECT %s FROM (%s)", t.SelectList(), text)
	}
	if err := e.CopyParquet(ctx, "sorting "+t.Name, query, path); err != nil {
		return schemas.ManifestFile{}, err
	}
	rows, err := e.Number(ctx, "counting "+t.Name, "SELECT count(*) FROM "+engine.ReadParquet(path))
	if err != nil {
		return schemas.ManifestFile{}, err
	}
	digest, size, err := digestFile(ctx, path)
	return schemas.ManifestFile{Table: t.Name, Name: t.Name + ".parquet", Rows: rows, Bytes: size, SHA256: digest}, err
}

// leftOut is the query of the rows that stay out of a table, and why.
func leftOut(d *schemas.Dataset, t *schemas.Table) string {
	if text, err := rules.ReadFile(d.ID + "/left-out-" + t.Name + ".sql"); err == nil {
		return "(" + string(text) + ")"
	}
	return "(FROM file_" + t.Name + " WHERE reason IS NOT NULL)"
}

func digestFile(ctx context.Context, path string) (string, int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, interruptible{ctx, f})
	return hex.EncodeToString(h.Sum(nil)), n, err
}
