package bench

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"datanet/pipeline/engine"
)

// Ways are what extract is measured beside, by name: what becomes of the column
// that says whose an entry is.
var Ways = map[string]string{
	"plain":  "c0",
	"sha256": "sha256(c0 || 'salt of sixteen b')",
}

// Copy turns the large file of a folder that Write filled into a Parquet file in
// another folder, with nothing checked and nobody left out: what somebody might
// write instead of extract.
func Copy(ctx context.Context, way, dir, out string) error {
	person, ok := Ways[way]
	if !ok {
		return fmt.Errorf("there is no such copy: %s", way)
	}
	e, err := engine.Open(ctx, engine.Options{Folders: []string{dir, out}, Spill: filepath.Join(out, "spill")})
	if err != nil {
		return err
	}
	defer e.Close()
	from := engine.ReadCSV(Observations(dir), strings.Count(columns, ",")+1)
	query := "SELECT " + person + " AS person, c2 AS date, c3 AS precision, c4 AS code, c5 AS value, c6 AS unit FROM " + from
	return e.CopyParquet(ctx, "copying", query, filepath.Join(out, "copy.parquet"))
}
