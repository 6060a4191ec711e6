package schemas

import (
	"sort"
	"strings"
	"sync"
)

// A Role says what a column may be used for. The read-back check, release and
// link decide by role, never by name.
type Role string

// The roles of canonical columns.
const (
	Person   Role = "person"   // a code of 16 bytes
	Date     Role = "date"     // a day, a month or a year
	CodeRole Role = "code"     // a code of the system that the column names
	Number   Role = "number"   // a measured value
	Category Role = "category" // one of a closed set
	Area     Role = "area"     // an area code or one of the area words
	Event    Role = "event"    // a code of 16 bytes that ties the rows of one event together
)

// A Dataset is a set of canonical tables with typed columns. Its first table
// is about people, one column of it being linkable. Members are the columns
// that say who is in the dataset, as table.column. QuasiIdentifiers are the
// combinations of columns, each of one table, by which somebody who knows a
// person could recognise their row.
type Dataset struct {
	ID      string   `json:"id"`
	Title   string   `json:"title"`
	OptOuts string   `json:"opt_outs"` // whose opt-outs its files carry, for those who approve its use
	Members []string `json:"members"`
	Tables  []Table  `json:"tables"`

	QuasiIdentifiers [][]string `json:"quasi_identifiers"`
}

// A Table describes one canonical table. Descriptions follow Frictionless
// Table Schema, with our role as an extra property.
type Table struct {
	Name    string   `json:"name"`
	Grain   string   `json:"grain"` // what one row is
	Columns []Column `json:"columns"`
}

// A System is what the codes of a column are of.
type System string

// The code systems of canonical columns.
const (
	Snomed   System = "snomed"    // SNOMED CT and dm+d: concepts, see ConceptID
	ICD10    System = "icd10"     // three or four characters, without a point
	TeamType System = "team-type" // service or team type of MHSDS: a letter and two digits
)

// A Column is one typed column of a canonical table.
type Column struct {
	Name        string `json:"name"`
	Role        Role   `json:"role"`
	Type        string `json:"type"`             // code16, text, date, month, year, integer, number, boolean
	System      System `json:"system,omitempty"` // of a column of codes
	Description string `json:"description"`
}

var datasets = sync.OnceValue(func() map[string]*Dataset {
	all := map[string]*Dataset{}
	entries, _ := files.ReadDir("datasets")
	for _, e := range entries {
		var d Dataset
		read("datasets/"+e.Name(), &d)
		if err := d.checkCombinations(); err != nil {
			panic("schemas: datasets/" + e.Name() + ": " + err.Error())
		}
		all[d.ID] = &d
	}
	return all
})

// DatasetByID returns a dataset of the vocabulary, or an *UnknownError.
func DatasetByID(id string) (*Dataset, error) {
	if d := datasets()[id]; d != nil {
		return d, nil
	}
	return nil, &UnknownError{"dataset", id, DatasetIDs()}
}

// DatasetIDs lists the datasets in alphabetical order.
func DatasetIDs() []string { return sortedKeys(datasets()) }

// TableByName returns a dataset's table, or nil.
func (d *Dataset) TableByName(name string) *Table {
	for i := range d.Tables {
		if d.Tables[i].Name == name {
			return &d.Tables[i]
		}
	}
	return nil
}

// DuckDB is the column's type in SQL. It is also how the column is stored in
// Parquet: plain logical types that other engines read as they are.
func (c Column) DuckDB() string {
	return map[string]string{
		"code16": "UUID", "text": "VARCHAR", "date": "DATE", "month": "VARCHAR",
		"year": "SMALLINT", "integer": "INTEGER", "number": "DOUBLE", "boolean": "BOOLEAN",
	}[c.Type]
}

// ColumnNames lists a table's columns in order.
func (t *Table) ColumnNames() []string {
	names := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		names[i] = c.Name
	}
	return names
}

// SQL is the column's name as it stands in SQL: quoted, because end and others
// are words of the language. The names themselves hold no quotation mark.
func (c Column) SQL() string { return `"` + c.Name + `"` }

// OrderList is the table's columns as a SQL list of names.
func (t *Table) OrderList() string {
	names := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		names[i] = c.SQL()
	}
	return strings.Join(names, ", ")
}

// SelectList is the table's columns as a SQL list, each cast to its type.
func (t *Table) SelectList() string {
	cast := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		cast[i] = c.SQL() + "::" + c.DuckDB() + " AS " + c.SQL()
	}
	return strings.Join(cast, ", ")
}

// Codes are the table's columns of codes of 16 bytes, whoever or whatever they
// stand for: what every step of the way re-keys. The first is whose row it is.
func (t *Table) Codes() []Column {
	var codes []Column
	for _, c := range t.Columns {
		if c.Type == "code16" {
			codes = append(codes, c)
		}
	}
	return codes
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// Signature lists the table's columns as "name TYPE", separated by commas:
// what a file must hold to be of this schema. Names are as a database lists
// them, without quotation marks: it is compared, and no SQL.
func (t *Table) Signature() string {
	columns := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		columns[i] = c.Name + " " + c.DuckDB()
	}
	return strings.Join(columns, ", ")
}
