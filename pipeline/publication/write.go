package publication

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"datanet/pipeline/engine"
	"datanet/schemas"
)

// Write fills a folder with a publication. Header.Counts is set here, and
// Schema; sign makes the signature's note.
func Write(ctx context.Context, dir string, h *Header, counts []Count, sign func(text string) ([]byte, error)) error {
	if err := h.check(); err != nil {
		return err
	}
	if err := writeCounts(ctx, dir, h.Catalogue, counts); err != nil {
		return err
	}
	body, err := os.ReadFile(filepath.Join(dir, countsFile))
	if err != nil {
		return err
	}
	h.Schema, h.Counts = schemas.Version, schemas.Digest(body)
	text, err := json.MarshalIndent(h, "", " ")
	if err != nil {
		return err
	}
	text = append(text, '\n')
	sig, err := sign(schemas.Statement("publication", schemas.Digest(text)))
	if err != nil {
		return fmt.Errorf("signing the publication: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, headerFile), text, 0o600); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, signatureFile), sig, 0o600)
}

func writeCounts(ctx context.Context, dir string, c *schemas.Catalogue, counts []Count) error {
	e, err := engine.Open(ctx, engine.Options{Folders: []string{dir}})
	if err != nil {
		return err
	}
	defer e.Close()
	names := []string{"measure"}
	for _, a := range c.Axes {
		names = append(names, a.ID)
	}
	columns := quoted(names, " VARCHAR") + `, numerator BIGINT, denominator BIGINT`
	if err := e.Exec(ctx, "preparing", "CREATE TEMP TABLE counts ("+columns+")"); err != nil {
		return err
	}
	rows := make([][]any, len(counts))
	for i, n := range counts {
		row := []any{n.Measure}
		for _, v := range n.Values {
			row = append(row, v)
		}
		rows[i] = append(row, number(n.Numerator), number(n.Denominator))
	}
	if err := e.Append(ctx, "counts", rows); err != nil {
		return err
	}
	return e.CopyParquet(ctx, "writing counts", "SELECT * FROM counts ORDER BY "+quoted(names, ""), filepath.Join(dir, countsFile))
}

func number(n *int64) any {
	if n == nil {
		return nil
	}
	return *n
}

// quoted writes names of columns, which catalogue checks have made plain, so
// that a word of SQL may be one, each with what follows it.
func quoted(names []string, suffix string) string {
	list := make([]string, len(names))
	for i, n := range names {
		list[i] = `"` + n + `"` + suffix
	}
	return strings.Join(list, ", ")
}
