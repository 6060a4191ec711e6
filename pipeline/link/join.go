package link

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"datanet/linkage"
	"datanet/pipeline/engine"
	"datanet/pipeline/hub"
	"datanet/schemas"
)

// A joining is the database at work.
type joining struct {
	*run
	*engine.Engine
	join     *linkage.Join
	releases []*arrival
	dir      string
	out      *schemas.Linked
}

// join writes the linked tables into the work's folder and says what they are.
func (r *run) join(ctx context.Context, w *hub.Work, releases []*arrival) (*schemas.Linked, error) {
	e, err := engine.Open(ctx, engine.Options{Threads: r.Threads, Memory: r.Memory, Spill: filepath.Join(w.Scratch(), "spill"), Folders: []string{w.Dir(), w.Scratch()}})
	if err != nil {
		return nil, err
	}
	defer e.Close()
	j := &joining{run: r, Engine: e, releases: releases, dir: w.Dir()}
	if j.join, err = linkage.NewJoin(r.approval, j.source); err != nil {
		return nil, err
	}
	j.out = &schemas.Linked{Schema: schemas.Version, Hub: r.Hub.ID, Approval: r.approval.ID, ApprovalSHA256: r.hash,
		LinkageCheck: releases[0].LinkageCheck, Denominator: r.approval.Denominator, Tool: r.Tool}
	if err := j.all(ctx); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("linking: %w", err)
	}
	return j.out, nil
}

func (j *joining) source(dataset, table string) string {
	return engine.ReadParquet(j.release(dataset).path(table))
}

func (j *joining) release(dataset string) *arrival {
	for _, x := range j.releases {
		if x.Dataset == dataset {
			return x
		}
	}
	return nil // NewJoin asks for the approval's datasets only, all of which arrived
}

func (j *joining) all(ctx context.Context) error {
	if err := j.forms(ctx); err != nil {
		return err
	}
	for _, s := range j.join.Steps() {
		j.Progress(s.Name)
		if err := j.Exec(ctx, s.Name, s.SQL); err != nil {
			return err
		}
	}
	if err := j.count(ctx); err != nil {
		return err
	}
	if err := j.account(ctx); err != nil {
		return err
	}
	people, query := j.join.People()
	if err := j.write(ctx, "", people, query); err != nil {
		return err
	}
	if edges, query := j.join.Edges(); edges != nil {
		if err := j.write(ctx, "", edges, query); err != nil {
			return err
		}
	}
	for _, t := range j.join.Tables() {
		if err := j.table(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

// forms refuses a table of other columns or rows than its release says.
func (j *joining) forms(ctx context.Context) error {
	for _, x := range j.releases {
		d, err := schemas.DatasetByID(x.Dataset)
		if err != nil {
			return err
		}
		for _, t := range x.Tables {
			columns, err := j.Columns(ctx, "reading "+t.Table, "SELECT * FROM "+j.source(x.Dataset, t.Table))
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil || strings.Join(columns, ", ") != d.TableByName(t.Table).Only(t.Columns).Signature() {
				return broken(x.Dataset, "holds a table "+t.Table+" of other columns than it says")
			}
			rows, err := j.Number(ctx, "counting "+t.Table, "SELECT count(*) FROM "+j.source(x.Dataset, t.Table))
			if err != nil {
				return err
			}
			if rows != t.Rows {
				return broken(x.Dataset, "holds a table "+t.Table+" of another length than it says")
			}
		}
	}
	return nil
}

// count fills in the totals.
func (j *joining) count(ctx context.Context) error {
	var met []linkage.Meeting
	if err := j.Query(ctx, "counting people", linkage.Met, func(rows *sql.Rows) error {
		var m linkage.Meeting
		err := rows.Scan(&m.Datasets, &m.Linked, &m.Kept, &m.People)
		met = append(met, m)
		return err
	}); err != nil {
		return err
	}
	people, pairs, in, linked := j.join.Counts(met)
	j.out.People, j.out.Pairs = people, pairs
	for _, x := range j.releases {
		j.out.Datasets = append(j.out.Datasets, schemas.LinkedDataset{Dataset: x.Dataset, AsAt: x.AsAt, State: x.State, Release: x.digest,
			People: in[x.Dataset], Linked: linked[x.Dataset], Withheld: x.Withheld})
	}
	if err := j.Query(ctx, "counting edges", "SELECT count(*), count(DISTINCT mother), count(DISTINCT baby) FROM edge WHERE NOT quarantined", func(rows *sql.Rows) error {
		return rows.Scan(&j.out.Edges, &j.out.Mothers, &j.out.Babies)
	}); err != nil {
		return err
	}
	var err error
	if j.out.Quarantined, err = j.Number(ctx, "counting edges", "SELECT count(*) FROM edge WHERE quarantined"); err != nil {
		return err
	}
	return j.Query(ctx, "counting signs of wrong links", "SELECT two_birth_years, two_sexes FROM sign", func(rows *sql.Rows) error {
		var years, sexes int64
		err := rows.Scan(&years, &sexes)
		j.out.Signs = schemas.WrongLinks{TwoBirthYears: schemas.Round10(years), TwoSexes: schemas.Round10(sexes)}
		return err
	})
}

// table writes what stays of a dataset's table. All of the denominator's does:
// its copy, verified, is moved as it is.
func (j *joining) table(ctx context.Context, t linkage.Reduced) error {
	j.Progress("writing " + t.Dataset + " " + t.Table.Name)
	if !t.Whole {
		return j.write(ctx, t.Dataset, t.Table, t.Query)
	}
	x := j.release(t.Dataset)
	for _, r := range x.Tables {
		if r.Table != t.Table.Name {
			continue
		}
		out := schemas.LinkedTable{Dataset: t.Dataset, Table: r.Table, Columns: r.Columns, Rows: r.Rows, Bytes: r.Bytes, SHA256: r.SHA256}
		j.out.Tables = append(j.out.Tables, out)
		return os.Rename(x.path(r.Table), filepath.Join(j.dir, out.File()))
	}
	return errors.New("a released table is missing") // columns has asked
}

func (j *joining) write(ctx context.Context, dataset string, t *schemas.Table, query string) error {
	out := schemas.LinkedTable{Dataset: dataset, Table: t.Name, Columns: t.ColumnNames()}
	path := filepath.Join(j.dir, out.File())
	if err := j.CopyParquet(ctx, "writing "+out.Name(), query, path); err != nil {
		return err
	}
	columns, err := j.Columns(ctx, "reading back "+out.Name(), "SELECT * FROM "+engine.ReadParquet(path))
	if err != nil {
		return err
	}
	if strings.Join(columns, ", ") != t.Signature() {
		return errors.New("the table " + out.Name() + " was not written with its columns")
	}
	if out.Rows, err = j.Number(ctx, "counting "+out.Name(), "SELECT count(*) FROM "+engine.ReadParquet(path)); err != nil {
		return err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if out.Bytes, out.SHA256, err = schemas.DigestOf(f); err != nil {
		return err
	}
	j.out.Tables = append(j.out.Tables, out)
	return nil
}
