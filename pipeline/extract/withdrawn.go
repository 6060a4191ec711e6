package extract

import (
	"bytes"
	"context"
	"crypto/rand"
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

// since are the people who were sent before and are stopped now, and everybody who
// was withdrawn before and did not come back: a choice still holds when its row was
// deleted, or is not exported any more, or has lost its number.
func (m *memory) since(stopped, present codes) codes {
	var gone [][16]byte
	for _, code := range stopped {
		if m.Sent.has(code) && !present.has(code) {
			gone = append(gone, code)
		}
	}
	for _, code := range m.Withdrawn {
		if !present.has(code) {
			gone = append(gone, code)
		}
	}
	return newCodes(gone)
}

// tells refuses a policy under which an extract would no longer name those whom
// earlier ones withdrew: at the hub they would come back.
func (m *memory) tells(p *schemas.Policy) error {
	if len(m.Padding) == 0 || p.WithdrawnCodesTravel {
		return nil
	}
	return &Refusal{"earlier extracts of this key withdrew people by their codes, and the policy " + p.Name() + " does not let codes travel: what other sites sent of them would come back",
		"give the policy under which they were withdrawn, or a later one that lets withdrawn codes travel, with --policy"}
}

// step is what the length of a list of withdrawn people grows by.
const step = 10

// pad gives a list of withdrawn people its padding: random codes, which nobody
// has. Lists of two days must not tell whether it was one person who opted out
// between them. So padding that was sent stays, whoever is new comes among others
// that are new, and the length is a multiple of ten.
func (m *memory) pad(gone codes) (codes, error) {
	if len(gone) == 0 {
		return nil, nil
	}
	fresh := len(gone)
	if len(m.Padding) > 0 {
		fresh = len(slices.DeleteFunc(slices.Clone(gone), m.Withdrawn.has))
	}
	more := (step - (len(gone)+len(m.Padding))%step) % step
	if fresh > 0 && more == 0 || fresh > 0 && fresh+more < step {
		more += step
	}
	padding := slices.Clone(m.Padding)
	for range more {
		var code [16]byte
		if _, err := rand.Read(code[:]); err != nil {
			return nil, err
		}
		padding = append(padding, code)
	}
	return newCodes(padding), nil
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

// writeWithdrawn writes the codes of people who are to disappear, with their
// padding, and has the file checked as every other.
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
	digest, size, err := digestFile(ctx, path)
	return &schemas.ManifestFile{Table: t.Name, Name: t.Name + ".parquet", Rows: int64(len(gone)), Bytes: size, SHA256: digest}, err
}
