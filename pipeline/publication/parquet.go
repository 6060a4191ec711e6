package publication

import (
	"context"
	"path/filepath"
	"strings"

	"datanet/pipeline/engine"
)

// WriteParquet writes an answer as a Parquet file: a column for each dimension
// (a ward has a second one with its name), then the columns of the CSV.
func (p *Publication) WriteParquet(ctx context.Context, x *Answer, path string) error {
	e, err := engine.Open(ctx, engine.Options{Folders: []string{filepath.Dir(path)}, Threads: 1})
	if err != nil {
		return err
	}
	defer e.Close()
	columns := []string{"measure VARCHAR", "as_at VARCHAR", "population VARCHAR", "restriction VARCHAR"}
	for _, d := range x.By {
		name := strings.ReplaceAll(d.ID, "-", "_")
		columns = append(columns, quoted([]string{name}, " VARCHAR"))
		if d.ID == "ward" {
			columns = append(columns, "ward_name VARCHAR")
		}
	}
	columns = append(columns, "numerator BIGINT", "denominator BIGINT", "value DOUBLE", "lower DOUBLE", "upper DOUBLE", "compared VARCHAR", "note VARCHAR", "method VARCHAR", "publication VARCHAR", "approval VARCHAR", "last_day VARCHAR")
	if err := e.Exec(ctx, "preparing", "CREATE TEMP TABLE answer ("+strings.Join(columns, ", ")+")"); err != nil {
		return err
	}
	var rows [][]any
	for _, r := range x.Rows {
		row := []any{x.Measure.ID, p.AsAt, x.Population, x.Limits()}
		for i, d := range x.By {
			if d.ID == "ward" {
				row = append(row, r.Groups[i].ID)
			}
			row = append(row, r.Groups[i].Title)
		}
		rows = append(rows, append(row, number(r.Numerator), number(r.Denominator), share(r.Value), share(r.Lower), share(r.Upper), r.Outcome, r.Note, x.Measure.Method, p.ID, p.ApprovalID(), p.LastDay))
	}
	if err := e.Append(ctx, "answer", rows); err != nil {
		return err
	}
	return e.CopyParquet(ctx, "writing the answer", "SELECT * FROM answer", path)
}

func share(v *float64) any {
	if v == nil {
		return nil
	}
	return *v
}
