// Package aggregate is the stage that counts people, inside the hub. It yields
// exact counts, and for each the sum of the people's record numbers modulo 2⁶⁴,
// for every registered view at its finest level. Coarser groups are sums of
// these, which its caller makes.
//
// The counts are exact and small ones are among them. They go to disclosure
// control and nowhere else.
package aggregate

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"slices"
	"strings"
	"time"

	"datanet/pipeline/engine"
	"datanet/schemas"
)

//go:embed *.sql
var steps embed.FS

// Options say what to count from which files.
type Options struct {
	Catalogue *schemas.Catalogue
	CodeLists schemas.Lists
	AsAt      time.Time
	Folder    string // holds every file of Tables
	Tables    Tables
	Record    func() func(person [16]byte) uint64
	Spill     string
	Threads   int
	Memory    int64
}

// Tables are the Parquet files of each dataset's canonical tables. They need
// hold no more columns than the catalogue's ColumnsFor lists.
type Tables map[string]map[string][]string

// A Count is the people with one feature in one finest group of one view.
// Values has the index of a value for each axis of the catalogue; 0 is All.
type Count struct {
	Feature int
	View    int
	Values  []int
	N       int64
	Sum     uint64 // of record numbers, modulo 2⁶⁴
}

// Run counts everything in one pass over the people.
func Run(ctx context.Context, o Options) ([]Count, error) {
	e, err := engine.Open(ctx, engine.Options{Folders: []string{o.Folder, o.Spill}, Spill: o.Spill, Threads: o.Threads, Memory: o.Memory})
	if err != nil {
		return nil, err
	}
	defer e.Close()
	if err := e.RegisterNumberOfCode("record_number", func() engine.NumberOfCode {
		return engine.NumberOfCode(o.Record())
	}); err != nil {
		return nil, err
	}
	if err := vocabulary(ctx, e, o); err != nil {
		return nil, err
	}
	if err := o.Tables.open(ctx, e); err != nil {
		return nil, err
	}
	for _, step := range stepsOf(o.Catalogue) {
		text, err := steps.ReadFile(step + ".sql")
		if err != nil {
			return nil, err
		}
		if err := e.Exec(ctx, "step "+step, string(text)); err != nil {
			return nil, err
		}
	}
	return count(ctx, e, o.Catalogue)
}

// open gives every table its name in the steps: src_slam_diagnoses.
func (t Tables) open(ctx context.Context, e *engine.Engine) error {
	for dataset, tables := range t {
		for table, paths := range tables {
			name := schemas.Underscored(dataset) + "_" + table
			if err := e.Exec(ctx, "reading "+name, "CREATE TEMP VIEW src_"+name+" AS SELECT * FROM "+engine.ReadParquet(paths...)); err != nil {
				return err
			}
		}
	}
	return nil
}

// stepsOf lists the steps in their order. Another dataset's is taken only where
// the catalogue has a denominator that is found in it.
func stepsOf(c *schemas.Catalogue) []string {
	names := []string{"1-person", "2-condition"}
	for _, s := range []struct{ kind, name string }{{schemas.KindDiagnosis, "3-diagnosis"}, {schemas.KindBooking, "4-booking"}} {
		if slices.ContainsFunc(c.Denominators, func(d schemas.Denominator) bool { return d.Kind == s.kind }) {
			names = append(names, s.name)
		}
	}
	return append(names, "5-entry", "6-feature")
}

// vocabulary fills the tables that the catalogue and the code lists give.
func vocabulary(ctx context.Context, e *engine.Engine, o Options) error {
	codes, err := conditionCodes(o)
	if err != nil {
		return err
	}
	f, err := features(o)
	if err != nil {
		return err
	}
	for _, t := range []struct {
		name, columns string
		rows          [][]any
	}{
		{"run", "as_at DATE", [][]any{{o.AsAt}}},
		{"condition_code", "condition VARCHAR, code VARCHAR, resolved BOOLEAN", codes},
		{"registered", "feature INTEGER, lowest_age INTEGER", f.registered},
		{"diagnosis_code", "feature INTEGER, code VARCHAR, lowest_age INTEGER", f.diagnosisCodes},
		{"booking", "feature INTEGER, months INTEGER, lowest_age INTEGER", f.bookings},
		{"member", "person UUID, feature INTEGER", nil},
		{"membership", "feature INTEGER, condition VARCHAR, at_least INTEGER, lowest_age INTEGER, within INTEGER", f.memberships},
		{"recorded", "feature INTEGER, code VARCHAR, lowest_age INTEGER, within INTEGER", f.recorded},
		{"entered", "feature INTEGER, lowest_age INTEGER, within INTEGER", f.entered},
		{"entry_code", "feature INTEGER, code VARCHAR, months INTEGER", f.entryCodes},
		{"place", "axis VARCHAR, level INTEGER, code VARCHAR, value INTEGER", places(o.Catalogue)},
	} {
		if err := e.Exec(ctx, "preparing", "CREATE TEMP TABLE "+t.name+" ("+t.columns+")"); err != nil {
			return err
		}
		if err := e.Insert(ctx, t.name, t.rows); err != nil {
			return err
		}
	}
	return nil
}

func conditionCodes(o Options) ([][]any, error) {
	var rows [][]any
	for _, c := range o.Catalogue.Conditions {
		for _, list := range []string{c.Has, c.Resolved} {
			if list == "" {
				continue
			}
			if err := eachCode(o, []string{list}, func(code string) { rows = append(rows, []any{c.ID, code, list == c.Resolved}) }); err != nil {
				return nil, err
			}
		}
	}
	return rows, nil
}

// definitions say in rows who counts towards which feature of the catalogue.
type definitions struct {
	registered, diagnosisCodes, bookings       [][]any // denominators
	memberships, recorded, entered, entryCodes [][]any // numerators
}

func features(o Options) (*definitions, error) {
	d, all := &definitions{}, o.Catalogue.Features()
	for i := range all {
		var err error
		switch f := &all[i]; {
		case f.Measure != nil:
			err = d.numerator(o, i, f, all)
		case f.Denominator != nil:
			err = d.denominator(o, i, f)
		default:
			d.registered = append(d.registered, []any{i, f.LowestAge})
		}
		if err != nil {
			return nil, err
		}
	}
	return d, nil
}

func (d *definitions) denominator(o Options, i int, f *schemas.Feature) error {
	if f.Denominator.Kind == schemas.KindBooking {
		d.bookings = append(d.bookings, []any{i, f.Denominator.Months, f.LowestAge})
		return nil
	}
	return eachCode(o, f.Denominator.Of, func(code string) {
		d.diagnosisCodes = append(d.diagnosisCodes, []any{i, strings.ReplaceAll(code, ".", ""), f.LowestAge})
	})
}

func (d *definitions) numerator(o Options, i int, f *schemas.Feature, all []schemas.Feature) error {
	var within any // nothing: everybody registered
	if all[f.Within].Denominator != nil {
		within = f.Within
	}
	n := &f.Measure.Numerator
	switch n.Kind {
	case schemas.KindEthnicityRecorded:
		for _, code := range recordedCodes(o.Catalogue, f.Measure) {
			d.recorded = append(d.recorded, []any{i, code, f.LowestAge, within})
		}
	case schemas.KindEntry:
		d.entered = append(d.entered, []any{i, f.LowestAge, within})
		return eachCode(o, n.Of, func(code string) { d.entryCodes = append(d.entryCodes, []any{i, code, n.Months}) })
	default:
		for _, condition := range n.Of {
			d.memberships = append(d.memberships, []any{i, condition, max(1, n.Count), f.LowestAge, within})
		}
	}
	return nil
}

// eachCode visits the codes of some lists.
func eachCode(o Options, lists []string, visit func(code string)) error {
	for _, list := range lists {
		l, err := o.CodeLists.Get(list)
		if err != nil {
			return err
		}
		for _, entry := range l.Entries {
			visit(entry.Code)
		}
	}
	return nil
}

func recordedCodes(c *schemas.Catalogue, m *schemas.Measure) []string {
	var codes []string
	for _, v := range c.Axis("ethnicity").Values {
		if m.Numerator.Recorded(&v) {
			codes = append(codes, v.Codes...)
		}
	}
	return codes
}

// places says which value of an axis a code stands for, at each level.
func places(c *schemas.Catalogue) [][]any {
	var rows [][]any
	for i := range c.Axes {
		a := &c.Axes[i]
		for level := 1; level <= a.MaxLevel(); level++ {
			for v := range a.Values {
				for _, code := range a.Values[v].Codes {
					rows = append(rows, []any{a.ID, level, code, a.At(v, level)})
				}
			}
		}
	}
	return rows
}

// count groups once, by every view's finest groups. Names of columns come from
// the catalogue.
func count(ctx context.Context, e *engine.Engine, c *schemas.Catalogue) ([]Count, error) {
	columns := levels(c)
	if err := place(ctx, e, c, columns); err != nil {
		return nil, err
	}
	names := make([]string, len(columns))
	for i, l := range columns {
		names[i] = l.column()
	}
	var sets []string
	views := map[int64]int{} // grouping id → view
	for v := range c.Views {
		set, id := groupingSet(&c.Views[v], columns)
		sets, views[id] = append(sets, set), v
	}
	all := strings.Join(names, ", ")
	query := fmt.Sprintf(`SELECT feature, grouping_id(%s), %s, count(*), CAST(sum(record_number) %% 18446744073709551616 AS UBIGINT)
		FROM feature JOIN placed USING (person) GROUP BY GROUPING SETS (%s)`, all, all, strings.Join(sets, ", "))
	var counts []Count
	err := e.Query(ctx, "counting", query, func(r *sql.Rows) error {
		n := Count{Values: make([]int, len(c.Axes))}
		var id int64
		values := make([]sql.NullInt64, len(columns))
		into := []any{&n.Feature, &id}
		for i := range values {
			into = append(into, &values[i])
		}
		if err := r.Scan(append(into, &n.N, &n.Sum)...); err != nil {
			return err
		}
		n.View = views[id]
		for i, v := range values {
			if v.Valid {
				n.Values[columns[i].axis] = int(v.Int64)
			}
		}
		counts = append(counts, n)
		return nil
	})
	return counts, err
}

// A level is one axis at one level, a column of the table placed.
type level struct {
	axis int
	id   string
	at   int
}

func (l level) column() string { return fmt.Sprintf("%s_%d", l.id, l.at) }

// levels lists what the views group by.
func levels(c *schemas.Catalogue) []level {
	var all []level
	for i, a := range c.Axes {
		for at := 1; at <= a.MaxLevel(); at++ {
			if slices.ContainsFunc(c.Views, func(v schemas.View) bool { return v.Levels[a.ID] == at }) {
				all = append(all, level{i, a.ID, at})
			}
		}
	}
	return all
}

// place gives each person its value on each level. A code that no value names
// belongs to the axis's rest.
func place(ctx context.Context, e *engine.Engine, c *schemas.Catalogue, columns []level) error {
	selects, joins := []string{"p.person", "p.record_number"}, ""
	for i, l := range columns {
		a := &c.Axes[l.axis]
		selects = append(selects, fmt.Sprintf("coalesce(l%d.value, %d) AS %s", i, a.At(a.Rest(), l.at), l.column()))
		joins += fmt.Sprintf(" LEFT JOIN place l%d ON l%d.axis = %s AND l%d.level = %d AND l%d.code = p.%s", i, i, engine.Literal(l.id), i, l.at, i, l.id)
	}
	return e.Exec(ctx, "placing people", "CREATE TEMP TABLE placed AS SELECT "+strings.Join(selects, ", ")+" FROM person p"+joins)
}

// groupingSet is the view's columns, and the id that DuckDB gives their rows:
// a bit for each column that is not grouped by, the first column highest.
func groupingSet(v *schemas.View, columns []level) (string, int64) {
	set, id := []string{"feature"}, int64(0)
	for _, l := range columns {
		id <<= 1
		if v.Levels[l.id] == l.at {
			set = append(set, l.column())
		} else {
			id |= 1
		}
	}
	return "(" + strings.Join(set, ", ") + ")", id
}
