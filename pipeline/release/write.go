package release

import (
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"datanet/linkage"
	"datanet/pipeline/engine"
	"datanet/pseudonym"
	"datanet/schemas"
)

//go:embed 1-people.sql
var people string

// A writing turns the dataset's tables into those of the release.
type writing struct {
	*run
	*engine.Engine
	dir string
}

// write fills a folder with the approved columns of the approved tables, and
// says what it wrote.
func (r *run) write(ctx context.Context, p *destination) (*schemas.Release, error) {
	e, err := engine.Open(ctx, engine.Options{Threads: r.Threads, Memory: r.Memory, Spill: filepath.Join(p.Scratch(), "spill"),
		Folders: []string{filepath.Join(r.Hub.Dir(), "datasets", r.Dataset), p.Dir(), p.Scratch()}})
	if err != nil {
		return nil, err
	}
	defer e.Close()
	wrap, approval := r.Custodian.Wrap.Dataset(), r.Permit.Hash()
	if err := e.RegisterCodeOfCode("project_code", func() engine.CodeOfCode {
		coder := pseudonym.NewProjectCoder(wrap, r.key, approval)
		return func(dataset [16]byte) [16]byte { return coder.Code(dataset) }
	}); err != nil {
		return nil, err
	}
	release, err := (&writing{r, e, p.Dir()}).all(ctx)
	if err != nil && ctx.Err() == nil {
		err = fmt.Errorf("releasing %s: %w", r.Dataset, err)
	}
	return release, err
}

func (w *writing) all(ctx context.Context) (*schemas.Release, error) {
	release := &schemas.Release{Schema: schemas.Version, Hub: w.Hub.ID, Approval: w.approval.ID, ApprovalSHA256: w.hash, Dataset: w.Dataset,
		State: w.state.Hash, LinkageCheck: w.state.State.LinkageCheck, ProjectCheck: w.key.CheckValue(), Withheld: w.state.State.Withheld(), Tool: w.Tool}
	for _, m := range w.state.State.Members {
		release.AsAt = max(release.AsAt, m.AsAt)
	}
	if err := w.prepare(ctx); err != nil {
		return nil, err
	}
	for _, t := range w.tables {
		w.Progress("releasing " + t.Name)
		written, err := w.table(ctx, t)
		if err != nil {
			return nil, err
		}
		release.Tables = append(release.Tables, written)
	}
	var err error
	if release.Numbers, err = w.numbers(ctx, release); err != nil {
		return nil, err
	}
	return release, w.totals(ctx, release)
}

func (w *writing) source(table string) string { return engine.ReadParquet(w.state.Paths(table)...) }

// everybody: the people of the denominator are counted whether they link or not.
func (w *writing) everybody() bool { return w.approval.Denominator == w.Dataset }

// prepare draws the order of the rows and makes each person's project code.
//
// The draw is 32 bytes of the system's randomness, used once and forgotten. The
// dataset's own order would be the same in every project, and DuckDB's random()
// can be predicted from some of what it gave: either would let whoever has two
// projects put their rows side by side, codes or no codes.
func (w *writing) prepare(ctx context.Context) error {
	var draw [32]byte
	rand.Read(draw[:]) // never fails: it ends the program instead
	if err := w.Exec(ctx, "preparing", "CREATE TEMP TABLE run (draw VARCHAR, everybody BOOLEAN)"); err != nil {
		return err
	}
	if err := w.Insert(ctx, "run", [][]any{{hex.EncodeToString(draw[:]), w.everybody()}}); err != nil {
		return err
	}
	if err := w.Exec(ctx, "preparing", "CREATE TEMP VIEW src_people AS SELECT * FROM "+w.source(w.dataset.Tables[0].Name)); err != nil {
		return err
	}
	return w.Exec(ctx, "making project codes", people)
}

// shuffled orders rows by a keyed hash of where they stood. SHA-256 with the
// key in front is a pseudo-random function here: all inputs are of one form.
const shuffled = "('0x' || left(sha256(concat(r.draw, '/', t.file_index, '/', t.file_row_number)), 16))::UBIGINT"

// table writes one table.
func (w *writing) table(ctx context.Context, t *schemas.Table) (schemas.ReleasedTable, error) {
	out := schemas.ReleasedTable{Table: t.Name, Columns: t.ColumnNames()}
	path := filepath.Join(w.dir, out.File())
	if err := w.CopyParquet(ctx, "writing "+t.Name, w.query(t), path); err != nil {
		return out, err
	}
	columns, err := w.Columns(ctx, "reading back "+t.Name, "SELECT * FROM "+engine.ReadParquet(path))
	if err != nil {
		return out, err
	}
	if strings.Join(columns, ", ") != t.Signature() {
		return out, errors.New("the table " + t.Name + " was not written with the approved columns")
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return out, err
	}
	if out.Rows, err = w.Number(ctx, "counting "+t.Name, "SELECT count(*) FROM "+engine.ReadParquet(path)); err != nil {
		return out, err
	}
	out.Bytes, out.SHA256, err = measure(path)
	return out, err
}

// query selects a table's approved columns. A row stays when it is about
// somebody whom this release is about: the person whose row it is, or a baby,
// who has a code only when a usable number stands behind it. Another person's
// code in that row is left empty.
func (w *writing) query(t *schemas.Table) string {
	person := w.dataset.Tables[0].People()[0] // the column that linkable speaks of
	var list, about []string
	for _, c := range t.Columns {
		code := "t." + quote(c.Name)
		switch {
		case c.Name == person:
			code = "c.code"
			about = append(about, "c.code IS NOT NULL")
		case c.Type == "code16":
			if c.Role == schemas.Person {
				about = append(about, code+" IS NOT NULL")
			}
			code = "project_code(" + code + ")"
		}
		list = append(list, code+" AS "+quote(c.Name))
	}
	if w.everybody() {
		about = []string{"true"}
	}
	return "SELECT " + strings.Join(list, ", ") + " FROM " + w.source(t.Name) + " t CROSS JOIN run r LEFT JOIN code c ON c.person = t." + quote(person) +
		" WHERE " + strings.Join(about, " OR ") + " ORDER BY " + shuffled
}

// totals counts the people of the release, and whom it left out.
func (w *writing) totals(ctx context.Context, release *schemas.Release) error {
	var members []string
	for _, t := range release.Tables {
		for _, c := range w.dataset.MemberColumns(t.Table) {
			if slices.Contains(t.Columns, c) {
				members = append(members, "SELECT "+quote(c)+" AS person FROM "+engine.ReadParquet(filepath.Join(w.dir, t.File())))
			}
		}
	}
	if len(members) == 0 {
		return &Refusal{"the approval names no column that says who is in " + w.Dataset, "have an approval drafted that names the person column of its people", linkage.CheckScope}
	}
	persons, err := w.Number(ctx, "counting people", "SELECT count(DISTINCT person) FROM ("+strings.Join(members, " UNION ALL ")+")")
	if err != nil {
		return err
	}
	left, err := w.Number(ctx, "counting people", "SELECT count(DISTINCT person) FROM src_people WHERE person NOT IN (SELECT person FROM code)")
	if err != nil {
		return err
	}
	release.Persons, release.Unlinkable = schemas.Round10(persons), schemas.Round10(left)
	return nil
}

// quote writes a column's name, which comes from the schema alone: some are
// words of SQL.
func quote(name string) string { return `"` + name + `"` }

func measure(path string) (size int64, sha256 string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, "", err
	}
	defer f.Close()
	return schemas.DigestOf(f)
}
