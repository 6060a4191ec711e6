// Package load is the stage that a dataset's custodian runs. It takes an
// extract only when it is whole, untampered, signed by a trusted site, made
// under the right keys and newer than what is there; re-wraps its site codes to
// the dataset's codes; and makes it the site's current part of the dataset.
//
// Whatever is refused leaves the hub as it was.
package load

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"datanet/pipeline/engine"
	"datanet/pipeline/hub"
	"datanet/pseudonym"
	"datanet/schemas"
)

// Options say who loads, into which hub, and whom the hub trusts.
type Options struct {
	Hub       *hub.Hub
	Custodian *pseudonym.CustodianKey
	Trusted   string            // the custodian's verifier key, as the hub's ledger has it
	Sites     map[string]string // the verifier keys of the dataset's sites
	Threads   int
	Memory    int64
}

// A Result says what became of one extract.
type Result struct {
	Dataset  string   `json:"dataset"`
	Site     string   `json:"site"`
	AsAt     string   `json:"as_at"`
	Sequence int64    `json:"sequence"`
	Status   string   `json:"status"` // loaded or skipped
	Reason   string   `json:"reason,omitempty"`
	Notes    []string `json:"notes,omitempty"`

	Manifest  string `json:"-"` // sha256, for the record of decisions
	Persons   int64  `json:"-"` // as the manifest says: rounded
	StateHash string `json:"-"`
}

// Run loads the extract in a folder.
func Run(ctx context.Context, folder string, o Options) (*Result, error) {
	x, err := open(folder)
	if err != nil {
		return nil, err
	}
	defer x.close()
	if err := x.verify(o); err != nil {
		return nil, err
	}
	result := &Result{Dataset: x.manifest.Dataset, Site: x.manifest.Site, AsAt: x.manifest.AsAt,
		Sequence: x.manifest.Sequence, Manifest: x.digest, Persons: x.manifest.Persons}
	if skip, err := x.known(o, result); skip || err != nil {
		return result, err
	}
	l, err := o.Hub.BeginLoad(x.manifest.Dataset)
	if err != nil {
		return nil, err
	}
	defer l.Abort()
	if err := x.copyTo(l.Dir()); err != nil {
		return nil, err
	}
	staged, err := rewrap(ctx, o, x.manifest, l.Dir())
	if err != nil {
		return nil, err
	}
	done, err := l.Commit(x.incoming(), staged, hub.Decide, o.Custodian.Signer, o.Trusted)
	if err != nil {
		return nil, err
	}
	result.finish(done)
	return result, nil
}

func (r *Result) finish(done hub.Result) {
	r.Status, r.Reason, r.Notes, r.StateHash = "loaded", done.Skip, done.Notes, done.StateHash
	if done.Skip != "" {
		r.Status = "skipped"
	}
}

func (x *extract) incoming() hub.Incoming {
	return hub.Incoming{Site: x.manifest.Site, Sequence: x.manifest.Sequence, AsAt: x.manifest.AsAt,
		Manifest: x.digest, LinkageCheck: x.manifest.LinkageCheck}
}

// known asks the dataset's state first, so that loading an extract again, or
// one that would be refused anyway, costs nothing. Commit decides again, alone.
func (x *extract) known(o Options, result *Result) (bool, error) {
	s, err := o.Hub.Snapshot(x.manifest.Dataset, o.Trusted)
	var empty *hub.UseError
	if errors.As(err, &empty) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer s.Close()
	decision, err := hub.Decide(s.State, x.incoming())
	if err != nil || decision.Skip == "" {
		return false, err
	}
	result.finish(hub.Result{Decision: decision, StateHash: s.Hash})
	return true, nil
}

// rewrap turns site codes into dataset codes and sorts every table by them.
func rewrap(ctx context.Context, o Options, m *schemas.Manifest, dir string) ([]hub.Staged, error) {
	e, err := engine.Open(ctx, engine.Options{Threads: o.Threads, Memory: o.Memory, Folders: []string{dir}, Spill: filepath.Join(dir, "spill")})
	if err != nil {
		return nil, err
	}
	defer e.Close()
	rewrapper := pseudonym.NewRewrapper(o.Custodian.Wrap.Site(m.Site), o.Custodian.Wrap.Dataset())
	if err := e.RegisterCodeOfCode("dataset_code", func() engine.CodeOfCode {
		return func(c [16]byte) [16]byte { return rewrapper.Code(c) }
	}); err != nil {
		return nil, err
	}
	d, err := schemas.DatasetByID(m.Dataset)
	if err != nil {
		return nil, err
	}
	patients := engine.ReadParquet(filepath.Join(dir, arrived(d.Tables[0].Name)))
	if err := e.Exec(ctx, "re-wrapping codes", "CREATE TEMP TABLE code AS SELECT person AS site_code, dataset_code(person) AS person FROM (SELECT DISTINCT person FROM "+patients+")"); err != nil {
		return nil, damaged(m, d.Tables[0].Name, err)
	}
	var staged []hub.Staged
	for i := range d.Tables {
		t := &d.Tables[i]
		if err := rewrapTable(ctx, e, m, t, m.Files[i].Rows, dir); err != nil {
			return nil, err
		}
		staged = append(staged, hub.Staged{Name: t.Name + ".parquet", Table: t.Name, Rows: m.Files[i].Rows})
	}
	return staged, nil
}

// rewrapTable refuses a table of another schema, of another number of rows
// than the manifest says, or with rows of people whom the first table lacks.
func rewrapTable(ctx context.Context, e *engine.Engine, m *schemas.Manifest, t *schemas.Table, rows int64, dir string) error {
	from := engine.ReadParquet(filepath.Join(dir, arrived(t.Name)))
	columns, err := e.Columns(ctx, "reading "+t.Name, "SELECT * FROM "+from)
	if err != nil {
		return damaged(m, t.Name, err)
	}
	if want := t.Signature(); strings.Join(columns, ", ") != want {
		return &IntegrityError{m.Site, "the table " + t.Name + " is not of this version's schema", "extract again with this version of datanet"}
	}
	names := strings.Join(t.ColumnNames()[1:], ", ")
	path := filepath.Join(dir, t.Name+".parquet")
	query := fmt.Sprintf("SELECT c.person, %s FROM %s t JOIN code c ON c.site_code = t.person ORDER BY c.person, %s", names, from, names)
	if err := e.CopyParquet(ctx, "re-wrapping "+t.Name, query, path); err != nil {
		return damaged(m, t.Name, err)
	}
	written, err := e.Number(ctx, "counting "+t.Name, "SELECT count(*) FROM "+engine.ReadParquet(path))
	if err != nil {
		return err
	}
	if written != rows {
		return &IntegrityError{m.Site, "the table " + t.Name + " does not hold the rows that the manifest says, or holds people whom no other table knows", "extract again"}
	}
	return nil
}

// damaged: a file whose hash holds and which cannot be read was written so.
func damaged(m *schemas.Manifest, table string, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	var fault *engine.Error
	if errors.As(err, &fault) && fault.Memory {
		return err
	}
	return fmt.Errorf("loading %s of site %s: %w", table, m.Site, err)
}
