package linkage

import (
	"embed"
	"fmt"
	"path"
	"slices"
	"strings"

	"datanet/schemas"
)

//go:embed join/*.sql
var joinFiles embed.FS

// A Join is the rule by which the releases of one approval become one project, as SQL in the order in which it is run. It runs nothing
// itself. The rules that somebody may want to read are the files in join/; what is put together here are the lists of columns that they
// read, which differ from approval to approval. Every name in it is the schema's.
//
// A dataset is one bit, in the approval's order: 1, 2, 4, …
type Join struct {
	approval *Approval
	source   func(dataset, table string) string
}

// A Step is one statement of the join.
type Step struct{ Name, SQL string }

// NewJoin joins under an approval. Source gives the SQL to read one released table, which has the approved columns and, as Parquet files have,
// file_row_number. The approval's datasets and columns must be known ones.
func NewJoin(a *Approval, source func(dataset, table string) string) (*Join, error) {
	if err := a.Known(); err != nil {
		return nil, err
	}
	return &Join{approval: a.clone(), source: source}, nil
}

// Bit is a dataset's, or 0.
func (j *Join) Bit(dataset string) int64 {
	if i := slices.Index(j.approval.Names(), dataset); i >= 0 {
		return 1 << i
	}
	return 0
}

// Steps are the statements that say who stays: they leave the tables member, reach, person, edge and sign.
func (j *Join) Steps() []Step {
	return []Step{
		{"naming the datasets", "CREATE TEMP TABLE part AS " + j.parts()},
		{"naming the pairs", "CREATE TEMP TABLE pair AS " + j.pairs()},
		{"reading members", "CREATE TEMP VIEW membership AS " + j.membership()},
		file("finding members", "1-member.sql"),
		file("linking", "2-reach.sql"),
		file("keeping people", "3-person.sql"),
		{"reading families", "CREATE TEMP VIEW family AS " + j.families()},
		file("joining mothers and babies", "4-edge.sql"),
		{"reading traits", "CREATE TEMP VIEW trait AS " + j.traits()},
		file("looking for wrong links", "5-sign.sql"),
	}
}

func file(name, sql string) Step {
	text, err := joinFiles.ReadFile(path.Join("join", sql))
	if err != nil {
		panic("linkage: " + err.Error()) // it is embedded
	}
	return Step{name, string(text)}
}

func (j *Join) parts() string {
	var rows []string
	for _, name := range j.approval.Names() {
		rows = append(rows, fmt.Sprintf("SELECT %d::BIGINT AS dataset, %t AS denominator", j.Bit(name), name == j.approval.Denominator))
	}
	return strings.Join(rows, " UNION ALL ")
}

func (j *Join) pairs() string {
	rows := []string{"SELECT 0::BIGINT AS both_bits WHERE false"}
	for _, p := range j.approval.Pairs {
		rows = append(rows, fmt.Sprintf("SELECT %d::BIGINT", j.Bit(p.A)|j.Bit(p.B)))
	}
	return strings.Join(rows, " UNION ALL ")
}

// membership is the approved columns that say who is in each dataset.
func (j *Join) membership() string {
	rows := []string{"SELECT NULL::UUID AS person, 0::BIGINT AS dataset WHERE false"}
	j.each(func(d *schemas.Dataset, t *schemas.Table) {
		for _, column := range d.MemberColumns(t.Name) {
			if slices.Contains(t.ColumnNames(), column) {
				rows = append(rows, fmt.Sprintf("SELECT %s, %d::BIGINT FROM %s", quoted(column), j.Bit(d.ID), j.source(d.ID, t.Name)))
			}
		}
	})
	return strings.Join(rows, " UNION ALL ")
}

// families are the tables whose rows name two people: whose row it is, who is the mother, and the baby.
func (j *Join) families() string {
	rows := []string{"SELECT NULL::UUID AS mother, NULL::UUID AS baby, NULL::UUID AS pregnancy, 0::BIGINT AS dataset WHERE false"}
	j.each(func(d *schemas.Dataset, t *schemas.Table) {
		if people := t.People(); len(people) == 2 {
			rows = append(rows, fmt.Sprintf("SELECT %s, %s, %s, %d::BIGINT FROM %s", quoted(people[0]), quoted(people[1]), event(t), j.Bit(d.ID), j.source(d.ID, t.Name)))
		}
	})
	return strings.Join(rows, " UNION ALL ")
}

// event is the table's column that ties the rows of one event together, if it was approved.
func event(t *schemas.Table) string {
	for _, c := range t.Columns {
		if c.Role == schemas.Event {
			return quoted(c.Name)
		}
	}
	return "NULL::UUID"
}

// traits are what the approved columns say of people that must be the same everywhere.
func (j *Join) traits() string {
	rows := []string{"SELECT NULL::UUID AS person, 0::BIGINT AS dataset, NULL::SMALLINT AS birth_year, NULL::VARCHAR AS sex WHERE false"}
	j.each(func(d *schemas.Dataset, t *schemas.Table) {
		if t.Name != d.Tables[0].Name {
			return
		}
		year, sex := column(t, "NULL::SMALLINT", "birth_year"), column(t, "NULL::VARCHAR", "sex", "gender")
		if strings.HasPrefix(year, "NULL") && strings.HasPrefix(sex, "NULL") {
			return
		}
		rows = append(rows, fmt.Sprintf("SELECT %s, %d::BIGINT, %s, %s FROM %s", quoted(t.People()[0]), j.Bit(d.ID), year, sex, j.source(d.ID, t.Name)))
	})
	return strings.Join(rows, " UNION ALL ")
}

// column is the first of some names that the table has.
func column(t *schemas.Table, none string, names ...string) string {
	for _, name := range names {
		if slices.Contains(t.ColumnNames(), name) {
			return quoted(name)
		}
	}
	return none
}

// each visits the approved tables, reduced to their approved columns, in the approval's and the schema's order.
func (j *Join) each(visit func(*schemas.Dataset, *schemas.Table)) {
	for _, name := range j.approval.Names() {
		d, err := schemas.DatasetByID(name)
		if err != nil {
			continue // NewJoin has asked
		}
		for i := range d.Tables {
			if columns := j.approval.Columns(name, d.Tables[i].Name); columns != nil {
				visit(d, d.Tables[i].Only(columns))
			}
		}
	}
}

// People is the query for the table people, in the order of codes, which says nothing.
func (j *Join) People() (*schemas.Table, string) {
	list := []string{"person"}
	for _, name := range j.approval.Names() {
		list = append(list, fmt.Sprintf("(kept & %d) <> 0 AS %s", j.Bit(name), quoted(schemas.InColumn(name))))
	}
	return schemas.PeopleColumns(j.approval.Names()), "SELECT " + strings.Join(list, ", ") + " FROM person ORDER BY person"
}

// Edges is the query for the table edges; nil if the approval names no table with mother and baby.
func (j *Join) Edges() (*schemas.Table, string) {
	families, pregnancy := 0, false
	j.each(func(_ *schemas.Dataset, t *schemas.Table) {
		if len(t.People()) == 2 {
			families++
			pregnancy = pregnancy || event(t) != "NULL::UUID"
		}
	})
	if families == 0 {
		return nil, ""
	}
	t := schemas.EdgeColumns(pregnancy)
	list := strings.Join(t.ColumnNames(), ", ")
	return t, "SELECT " + list + " FROM edge WHERE NOT quarantined ORDER BY " + list
}

// A Reduced is one dataset's table, and the query for what stays of it. Whole says that all of it does.
type Reduced struct {
	Dataset string
	Table   *schemas.Table
	Whole   bool
	Query   string
}

// Tables are the datasets' tables, reduced to the people whom the project keeps. Everybody in the denominator is kept, so its tables
// stay as they were released. A row about two people stays when either is kept; the code of one who is not is left empty. Rows keep
// the order of the release, in which they were shuffled.
func (j *Join) Tables() []Reduced {
	var all []Reduced
	j.each(func(d *schemas.Dataset, t *schemas.Table) {
		r := Reduced{Dataset: d.ID, Table: t, Whole: d.ID == j.approval.Denominator}
		if !r.Whole {
			r.Query = j.reduced(d.ID, t)
		}
		all = append(all, r)
	})
	return all
}

func (j *Join) reduced(dataset string, t *schemas.Table) string {
	people, from := t.People(), j.source(dataset, t.Name)+" t"
	kept := fmt.Sprintf("(SELECT person FROM person WHERE (kept & %d) <> 0)", j.Bit(dataset))
	if len(people) == 1 {
		return fmt.Sprintf("SELECT %s FROM %s SEMI JOIN %s k ON k.person = t.%s ORDER BY t.file_row_number",
			list(t.ColumnNames(), func(c string) string { return "t." + quoted(c) }), from, kept, quoted(people[0]))
	}
	var stays []string
	for i, p := range people {
		from += fmt.Sprintf(" LEFT JOIN %s k%d ON k%d.person = t.%s", kept, i, i, quoted(p))
		stays = append(stays, fmt.Sprintf("k%d.person IS NOT NULL", i))
	}
	columns := list(t.ColumnNames(), func(c string) string {
		if i := slices.Index(people, c); i >= 0 {
			return fmt.Sprintf("k%d.person AS %s", i, quoted(c))
		}
		return "t." + quoted(c)
	})
	return "SELECT " + columns + " FROM " + from + " WHERE " + strings.Join(stays, " OR ") + " ORDER BY t.file_row_number"
}

func list(names []string, as func(string) string) string {
	words := make([]string, len(names))
	for i, name := range names {
		words[i] = as(name)
	}
	return strings.Join(words, ", ")
}

// quoted writes a column's name: some are words of SQL.
func quoted(column string) string { return `"` + column + `"` }

// Met asks how many people are in which datasets: rows of datasets, linked, kept, people, the first three as bits.
const Met = "SELECT r.datasets, r.linked, r.kept, count(*) FROM member m JOIN reach r ON r.datasets = m.datasets GROUP BY ALL"

// A Meeting is one row of Met.
type Meeting struct{ Datasets, Linked, Kept, People int64 }

// Counts sums meetings up: everybody whom the project keeps; the people found in both datasets of each approved pair; and by dataset
// whom its release holds, and whom of these another dataset of a pair holds too.
func (j *Join) Counts(met []Meeting) (people int64, pairs, in, linked map[string]int64) {
	pairs, in, linked = map[string]int64{}, map[string]int64{}, map[string]int64{}
	for _, p := range j.approval.Pairs {
		pairs[p.String()] = 0
	}
	for _, m := range met {
		if m.Kept != 0 {
			people += m.People
		}
		for _, p := range j.approval.Pairs {
			if both := j.Bit(p.A) | j.Bit(p.B); m.Datasets&both == both {
				pairs[p.String()] += m.People
			}
		}
		for _, name := range j.approval.Names() {
			if m.Datasets&j.Bit(name) != 0 {
				in[name] += m.People
			}
			if m.Linked&j.Bit(name) != 0 {
				linked[name] += m.People
			}
		}
	}
	return people, pairs, in, linked
}
