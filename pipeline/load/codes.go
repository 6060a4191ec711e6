package load

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"datanet/pipeline/engine"
	"datanet/pipeline/hub"
	"datanet/pseudonym"
	"datanet/schemas"
)

// A Handover takes a dataset from the key of one custodian to that of another.
type Handover struct {
	Hub      *hub.Hub
	From, To *pseudonym.CustodianKey
	Trusted  string                           // verifier key of the present custodian, as the hub's ledger has it
	Recorded string                           // hash of the dataset's state that the record of decisions has last
	Record   func(before, state string) error // makes To the trusted custodian: the instant of change; see hub.CommitRewrap
	Threads  int
	Memory   int64
	Progress func(string)
}

// A HandedOver says what was re-wrapped.
type HandedOver struct {
	Files     int    // history's included
	StateHash string // of the state that To has signed
	Untidy    error  // old files lie there still: the next load removes them
}

// Rewrap writes every file of a dataset, history and the lists of withdrawn people included, under the codes of another wrap key, sorted
// by them, and signs the state with the other custodian's key. A dataset of which there is no state is a *hub.UseError. Whatever is refused, or fails before Record, leaves the hub as it was.
func Rewrap(ctx context.Context, o Handover) (*HandedOver, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	s, err := o.Hub.Snapshot(o.From.Dataset, o.Trusted)
	var empty *hub.UseError
	if errors.As(err, &empty) {
		return o.signEmpty()
	}
	if err != nil {
		return nil, err
	}
	defer s.Close()
	if s.Hash != o.Recorded {
		return nil, o.another()
	}
	l, err := o.Hub.BeginLoad(o.From.Dataset)
	if err != nil {
		return nil, err
	}
	defer l.Abort()
	files, err := o.files(ctx, s, l.Dir())
	if err != nil {
		return nil, err
	}
	if err := s.Close(); err != nil { // others may write from here on: CommitRewrap looks again
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	done, err := l.CommitRewrap(files, s.Hash, o.Trusted, o.To.Signer, o.To.PublicPart().Verifier, func(state string) error { return o.Record(s.Hash, state) })
	if err != nil {
		return nil, err
	}
	return &HandedOver{Files: len(files), StateHash: done.StateHash, Untidy: done.Untidy}, nil
}

// signEmpty signs the state of a dataset in which nothing is: of which no load was ended, or from which every site has left.
func (o Handover) signEmpty() (*HandedOver, error) {
	_, hash, err := o.Hub.State(o.From.Dataset, o.Trusted)
	if err != nil {
		return nil, err
	}
	if o.Recorded != "" && hash != o.Recorded {
		return nil, o.another()
	}
	l, err := o.Hub.BeginLoad(o.From.Dataset)
	if err != nil {
		return nil, err
	}
	done, err := l.CommitRewrap(nil, hash, o.Trusted, o.To.Signer, o.To.PublicPart().Verifier, func(state string) error { return o.Record(hash, state) })
	if err != nil {
		return nil, err
	}
	return &HandedOver{StateHash: done.StateHash, Untidy: done.Untidy}, nil
}

// another says that the state is not the one that would be handed over.
func (o Handover) another() error {
	return &IntegrityError{Rule: "the state of " + o.From.Dataset + " is not the last one that the record of decisions has", Hint: "the next load records it, or says what to do"}
}

func (o Handover) check() error {
	switch {
	case o.From.Dataset != o.To.Dataset:
		return &KeyError{fmt.Sprintf("one key is of %s, the other of %s", o.From.Dataset, o.To.Dataset), "both keys are of custodians of the same dataset"}
	case o.From.PublicPart().Verifier != o.Trusted:
		return &KeyError{"the hub does not trust this custodian's key for " + o.From.Dataset, "give the key file of the dataset's present custodian with --custodian"}
	case o.From.Wrap.CheckValue() == o.To.Wrap.CheckValue():
		return &KeyError{"both keys have the same wrap key, of check value " + o.From.Wrap.CheckValue() + ": nothing would change", "make the new custodian's key with datanet key custodian"}
	}
	return nil
}

// files re-wraps file after file, each into one that has its place in dir.
func (o Handover) files(ctx context.Context, s *hub.Snapshot, dir string) ([]hub.Rewrapped, error) {
	names, err := s.Files()
	if err != nil {
		return nil, err
	}
	folders := []string{dir, filepath.Join(o.Hub.Dir(), "datasets", o.From.Dataset)}
	e, err := engine.Open(ctx, engine.Options{Threads: o.Threads, Memory: o.Memory, Folders: folders, Spill: filepath.Join(dir, "spill")})
	if err != nil {
		return nil, err
	}
	defer e.Close()
	rewrapper := pseudonym.NewRewrapper(o.From.Wrap.Dataset(), o.To.Wrap.Dataset())
	if err := e.RegisterCodeOfCode("other_code", func() engine.CodeOfCode {
		return func(c [16]byte) [16]byte { return rewrapper.Code(c) }
	}); err != nil {
		return nil, err
	}
	d, err := schemas.DatasetByID(o.From.Dataset)
	if err != nil {
		return nil, err
	}
	var files []hub.Rewrapped
	for i, name := range names {
		if o.Progress != nil {
			o.Progress(fmt.Sprintf("re-wrapping file %d of %d", i+1, len(names)))
		}
		path, err := s.VerifiedPath(name)
		if err != nil {
			return nil, err
		}
		to := fmt.Sprintf("rewrapped-%d.parquet", i)
		rows, err := rewrapFile(ctx, e, tableOf(d, name), path, filepath.Join(dir, to))
		if err != nil {
			return nil, err
		}
		files = append(files, hub.Rewrapped{Name: to, Old: name, Rows: rows})
	}
	return files, os.RemoveAll(filepath.Join(dir, "spill"))
}

// tableOf is the table whose file has this path; nil if this version knows none.
func tableOf(d *schemas.Dataset, name string) *schemas.Table {
	table, _, _ := strings.Cut(strings.TrimPrefix(name, "history/"), "/")
	if table == hub.WithdrawnTable {
		t := schemas.WithdrawnTable()
		return t
	}
	return d.TableByName(table)
}

// rewrapFile writes one file anew: its codes re-wrapped, its rows in the order of the new codes, and those of one person in the order that
// they had.
func rewrapFile(ctx context.Context, e *engine.Engine, t *schemas.Table, from, to string) (rows int64, err error) {
	read := engine.ReadParquet(from)
	columns, err := e.Columns(ctx, "reading the dataset", "SELECT * FROM "+read)
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	if err != nil || t == nil || strings.Join(columns, ", ") != t.Signature() {
		return 0, &IntegrityError{Rule: "a file of the dataset is not of this version's schema", Hint: "re-wrap with the version of datanet that loaded it"}
	}
	var wanted []string
	for _, c := range t.Columns {
		word := "t." + c.SQL()
		if c.Type == "code16" {
			word = fmt.Sprintf("other_code(%s) AS %s", word, c.SQL())
		}
		wanted = append(wanted, word)
	}
	query := "SELECT " + strings.Join(wanted, ", ") + " FROM " + read + " t ORDER BY other_code(t." + t.Columns[0].SQL() + "), t.file_row_number"
	if err := e.CopyParquet(ctx, "re-wrapping "+t.Name, query, to); err != nil {
		return 0, err
	}
	before, err := e.Number(ctx, "counting", "SELECT count(*) FROM "+read)
	if err != nil {
		return 0, err
	}
	if rows, err = e.Number(ctx, "counting", "SELECT count(*) FROM "+engine.ReadParquet(to)); err != nil {
		return 0, err
	}
	if rows != before {
		return 0, fmt.Errorf("re-wrapping %s: %d rows of %d were written", t.Name, rows, before)
	}
	return rows, nil
}
