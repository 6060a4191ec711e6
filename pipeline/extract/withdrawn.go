package extract

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"datanet/pipeline/engine"
	"datanet/schemas"
)

// codes are people's codes, sorted, each once.
type codes [][16]byte

func compareCodes(a, b [16]byte) int { return bytes.Compare(a[:], b[:]) }

// newCodes sorts some codes.
func newCodes(some [][16]byte) codes {
	slices.SortFunc(some, compareCodes)
	return slices.Compact(some)
}

func (c codes) has(code [16]byte) bool {
	_, found := slices.BinarySearchFunc(c, code, compareCodes)
	return found
}

// mostRemembered bounds what a site remembers: far more people than any has.
const mostRemembered = 20_000_000

// MarshalText writes the codes one after the other, in base64.
func (c codes) MarshalText() ([]byte, error) {
	if len(c) > mostRemembered {
		return nil, errors.New("there are more people than a site can have")
	}
	raw := make([]byte, 0, 16*len(c))
	for _, code := range c {
		raw = append(raw, code[:]...)
	}
	return base64.StdEncoding.AppendEncode(nil, raw), nil
}

// UnmarshalText reads what MarshalText wrote.
func (c *codes) UnmarshalText(text []byte) error {
	raw, err := base64.StdEncoding.AppendDecode(nil, text)
	if err != nil || len(raw)%16 != 0 || len(raw)/16 > mostRemembered {
		return errors.New("not codes")
	}
	*c = make(codes, 0, len(raw)/16)
	for block := range slices.Chunk(raw, 16) {
		*c = append(*c, [16]byte(block))
	}
	if !slices.IsSortedFunc(*c, compareCodes) {
		return errors.New("not codes in their order")
	}
	return nil
}

// since are the people who were sent before, or told to be withdrawn before, and
// are stopped now.
func (m *memory) since(stopped, present codes) codes {
	var gone codes
	for _, code := range stopped {
		if (m.Sent.has(code) || m.Withdrawn.has(code)) && !present.has(code) {
			gone = append(gone, code)
		}
	}
	return gone
}

// choices reads who is left out by choice or for safety.
func (c *coded) choices(ctx context.Context, e *engine.Engine) error {
	var stopped [][16]byte
	if err := e.Query(ctx, "noting choices", "SELECT code, partly FROM stopped", func(r *sql.Rows) error {
		var code *engine.Code
		var partly bool
		if err := r.Scan(&code, &partly); err != nil {
			return err
		}
		if partly {
			c.partly++
		}
		if code == nil {
			c.leftOut++ // somebody of whom nothing is known by which to be found again
		} else {
			stopped = append(stopped, *code)
		}
		return nil
	}); err != nil {
		return err
	}
	c.stopped = newCodes(stopped)
	c.leftOut += int64(len(c.stopped))
	return nil
}

// writeWithdrawn writes the codes of people who are to disappear, and has the
// file checked as every other.
func writeWithdrawn(ctx context.Context, o Options, stage *staging, gone codes) (*schemas.ManifestFile, error) {
	e, err := engine.Open(ctx, engine.Options{Memory: o.Memory, Threads: 1, Folders: []string{stage.final}})
	if err != nil {
		return nil, err
	}
	defer e.Close()
	t := schemas.WithdrawnTable()
	path := filepath.Join(stage.final, t.Name+".parquet")
	if err := e.Exec(ctx, "preparing", "CREATE TEMP TABLE gone (person UUID)"); err != nil {
		return nil, err
	}
	rows := make([][]any, len(gone))
	for i, code := range gone {
		rows[i] = []any{fmt.Sprintf("%x-%x-%x-%x-%x", code[:4], code[4:6], code[6:8], code[8:10], code[10:])}
	}
	if err := e.Insert(ctx, "gone", rows); err != nil {
		return nil, err
	}
	if err := e.CopyParquet(ctx, "writing "+t.Name, "SELECT "+t.SelectList()+" FROM gone ORDER BY person", path); err != nil {
		return nil, err
	}
	if err := checkTable(ctx, o, t, stage.final, nil); err != nil {
		return nil, err
	}
	digest, size, err := digestFile(path)
	return &schemas.ManifestFile{Table: t.Name, Name: t.Name + ".parquet", Rows: int64(len(gone)), Bytes: size, SHA256: digest}, err
}
