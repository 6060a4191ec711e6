package load

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"datanet/pipeline/engine"
	"datanet/pipeline/hub"
	"datanet/pseudonym"
	"datanet/schemas"
)

// A rewrapping turns the site codes of one extract, copied to dir, into dataset
// codes.
type rewrapping struct {
	*engine.Engine
	manifest *schemas.Manifest
	dir      string
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
	return (&rewrapping{e, m, dir}).run(ctx, d)
}

func (r *rewrapping) run(ctx context.Context, d *schemas.Dataset) ([]hub.Staged, error) {
	for i := range d.Tables {
		if err := r.check(ctx, &d.Tables[i]); err != nil {
			return nil, err
		}
	}
	if err := r.codes(ctx, d); err != nil {
		return nil, err
	}
	var staged []hub.Staged
	for i := range d.Tables {
		t, rows := &d.Tables[i], r.manifest.Files[i].Rows
		if err := r.table(ctx, t, rows); err != nil {
			return nil, err
		}
		staged = append(staged, hub.Staged{Name: t.Name + ".parquet", Table: t.Name, Rows: rows})
	}
	if r.manifest.Withdrawn == nil {
		return staged, nil
	}
	return append(staged, hub.Staged{Name: hub.WithdrawnTable + ".parquet", Table: hub.WithdrawnTable, Rows: r.manifest.Withdrawn.Rows}), r.withdrawn(ctx)
}

// withdrawn re-wraps the codes of people who are to disappear.
func (r *rewrapping) withdrawn(ctx context.Context) error {
	t := schemas.WithdrawnTable()
	if err := r.check(ctx, t); err != nil {
		return err
	}
	path := filepath.Join(r.dir, t.Name+".parquet")
	query := "SELECT DISTINCT dataset_code(person) AS person FROM " + r.arrived(t.Name) + " WHERE person IS NOT NULL ORDER BY person"
	if err := r.CopyParquet(ctx, "re-wrapping "+t.Name, query, path); err != nil {
		return r.failed(t.Name, err)
	}
	found, err := r.Number(ctx, "counting "+t.Name, "SELECT count(*) FROM "+engine.ReadParquet(path))
	if err != nil {
		return r.failed(t.Name, err)
	}
	if found != r.manifest.Withdrawn.Rows {
		return r.broken("the list of withdrawn people does not hold as many as the manifest says, each once", again)
	}
	return nil
}

func (r *rewrapping) arrived(table string) string {
	return engine.ReadParquet(filepath.Join(r.dir, arrived(table)))
}

// check refuses a table of another schema, or with rows of another site.
func (r *rewrapping) check(ctx context.Context, t *schemas.Table) error {
	columns, err := r.Columns(ctx, "reading "+t.Name, "SELECT * FROM "+r.arrived(t.Name))
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil || strings.Join(columns, ", ") != t.Signature() {
		return r.broken("the table "+t.Name+" is not of this version's schema", "extract again with this version of datanet")
	}
	if !slices.Contains(t.ColumnNames(), "site") {
		return nil
	}
	foreign, err := r.Number(ctx, "reading "+t.Name, "SELECT count(*) FROM "+r.arrived(t.Name)+" WHERE site IS DISTINCT FROM ?", r.manifest.Site)
	if err != nil {
		return r.failed(t.Name, err)
	}
	if foreign > 0 {
		return r.broken("the table "+t.Name+" holds rows of another site", again)
	}
	return nil
}

// codes re-wraps each code of the extract once, in whatever column it stands,
// and gives it its place in the order of dataset codes. Known are the people of
// the first table. NULL is nobody.
func (r *rewrapping) codes(ctx context.Context, d *schemas.Dataset) error {
	first := d.Tables[0].Name
	found := []string{"SELECT person AS site_code, true AS known FROM " + r.arrived(first)}
	for i := range d.Tables {
		for _, c := range d.Tables[i].Codes()[1:] {
			found = append(found, "SELECT "+c.SQL()+", false FROM "+r.arrived(d.Tables[i].Name))
		}
	}
	err := r.Exec(ctx, "re-wrapping codes", "CREATE TEMP TABLE code AS SELECT *, row_number() OVER (ORDER BY dataset_code) AS place FROM ("+
		"SELECT site_code, known, dataset_code(site_code) AS dataset_code FROM (SELECT site_code, bool_or(known) AS known FROM ("+
		strings.Join(found, " UNION ALL ")+") WHERE site_code IS NOT NULL GROUP BY site_code))")
	if err != nil {
		return r.failed(first, err)
	}
	return nil
}

// table writes one table under dataset codes, and refuses it when rows are not
// as many as the manifest says, or are of people whom the first table lacks; a
// baby, or an event, need not stand there. A person's rows keep the order in
// which the extract has them, which is that of their values: one number to sort
// by takes a third less time than the values.
func (r *rewrapping) table(ctx context.Context, t *schemas.Table, rows int64) error {
	columns, joins := []string{"p.dataset_code AS person"}, ""
	for i, c := range t.Columns[1:] {
		if c.Type != "code16" {
			columns = append(columns, "t."+c.SQL())
			continue
		}
		also := fmt.Sprintf("c%d", i)
		columns = append(columns, also+".dataset_code AS "+c.SQL())
		joins += fmt.Sprintf(" LEFT JOIN code %s ON %[1]s.site_code = t.%s", also, c.SQL())
	}
	path := filepath.Join(r.dir, t.Name+".parquet")
	query := fmt.Sprintf("SELECT %s FROM %s t JOIN code p ON p.known AND p.site_code = t.person%s ORDER BY p.place * 4294967296 + t.file_row_number",
		strings.Join(columns, ", "), r.arrived(t.Name), joins)
	if err := r.CopyParquet(ctx, "re-wrapping "+t.Name, query, path); err != nil {
		return r.failed(t.Name, err)
	}
	for _, file := range []string{r.arrived(t.Name), engine.ReadParquet(path)} {
		found, err := r.Number(ctx, "counting "+t.Name, "SELECT count(*) FROM "+file)
		if err != nil {
			return r.failed(t.Name, err)
		}
		if found != rows {
			return r.broken("the table "+t.Name+" does not hold the rows that the manifest says, or holds people whom no other table knows", again)
		}
	}
	return nil
}

func (r *rewrapping) broken(rule, hint string) error {
	return &IntegrityError{r.manifest.Site, rule, hint}
}

// failed says which table of which site could not be worked on.
func (r *rewrapping) failed(table string, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return fmt.Errorf("loading %s of site %s: %w", table, r.manifest.Site, err)
}
