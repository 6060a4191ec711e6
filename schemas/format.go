package schemas

import (
	"regexp"
	"strings"
	"sync"
	"time"
)

// A Class says what a source column holds, and so what may become of it.
// Only quasi-identifiers, control flags and clinical columns may be named by a
// relation; a direct identifier may be a join key and nothing else.
type Class string

// The classes of source columns.
const (
	NHSNumberClass Class = "nhs-number" // becomes a code, is never written
	Direct         Class = "direct"     // dropped; joins inside the engine at most
	Quasi          Class = "quasi"      // generalised
	FreeText       Class = "free-text"  // dropped
	Staff          Class = "staff"      // dropped
	Control        Class = "control"    // gates rows
	Clinical       Class = "clinical"   // kept as the canonical table says
)

// A Format says which files and columns a source system exports and how they
// fill the relations from which the canonical tables are made.
type Format struct {
	Name      string              `json:"name"`
	Title     string              `json:"title"`
	Version   string              `json:"version"`
	Dataset   string              `json:"dataset"`
	Encoding  string              `json:"encoding"`
	FileName  FileName            `json:"file_name"`
	Dates     []string            `json:"dates"` // strptime forms
	Tables    []FormatTable       `json:"tables"`
	Relations map[string]Relation `json:"relations"`

	fileName *regexp.Regexp
}

// FileName says how an export's files are called: a regular expression with
// the groups table and stamp, and the stamp's layout in Go's reference time.
type FileName struct {
	Pattern string `json:"pattern"`
	Stamp   string `json:"stamp"`
}

// A FormatTable is one table of a source system, its columns in the order of
// its specification. Columns bind by name all the same.
type FormatTable struct {
	Name    string         `json:"name"`
	Aliases []string       `json:"aliases"`
	Columns []FormatColumn `json:"columns"`
}

// A FormatColumn is one classed column of a source table.
type FormatColumn struct {
	Name  string `json:"name"`
	Class Class  `json:"class"`
}

// A Relation is what the dataset's SQL reads: one source table with columns
// renamed and typed. The same SQL serves every format of a dataset. A filled
// relation is one without whose rows an export is broken: the gates would see
// nobody's opt-out, or nobody would be there. An optional one may be missing,
// table and all, and then has no rows.
type Relation struct {
	Table    string           `json:"table"`
	Filled   bool             `json:"filled,omitempty"`
	Optional bool             `json:"optional,omitempty"`
	Fields   map[string]Field `json:"fields"`
}

// A Field is one column of a relation: a source column and how it is read.
// Types are text; key (text that joins, in upper case); number; flag (true
// unless the source says false, 0 or nothing: a gate fails closed); yes (true
// only when the source says true or 1); date, which yields two columns: the
// date, and <field>_bad, true when the source holds something that is no date
// of the format; and timestamp, which yields the same two of a moment in the
// form of ISO 8601: its day as written, in the zone in which it was written. A
// flag has a <field>_unclear too: true when the source says neither yes nor no
// in words of the format.
type Field struct {
	Column   string `json:"column"`
	Type     string `json:"type"`
	Optional bool   `json:"optional,omitempty"`
}

var formats = sync.OnceValue(func() map[string]*Format {
	all := map[string]*Format{}
	entries, _ := files.ReadDir("formats")
	for _, e := range entries {
		f := &Format{}
		read("formats/"+e.Name(), f)
		f.fileName = regexp.MustCompile(f.FileName.Pattern)
		all[f.Name] = f
	}
	return all
})

// FormatByName returns a source format of the vocabulary, or an *UnknownError.
func FormatByName(name string) (*Format, error) {
	if f := formats()[name]; f != nil {
		return f, nil
	}
	return nil, &UnknownError{"source format", name, FormatNames()}
}

// FormatNames lists the source formats in alphabetical order.
func FormatNames() []string { return sortedKeys(formats()) }

// ParseFileName reads table and time stamp from a file's name. The table is
// nil when the format does not know it; ok is false when the name is not one
// of this format.
func (f *Format) ParseFileName(name string) (table *FormatTable, stamp time.Time, ok bool) {
	m := f.fileName.FindStringSubmatch(name)
	if m == nil {
		return nil, time.Time{}, false
	}
	stamp, err := time.Parse(f.FileName.Stamp, m[f.fileName.SubexpIndex("stamp")])
	if err != nil {
		return nil, time.Time{}, false
	}
	return f.TableByName(m[f.fileName.SubexpIndex("table")]), stamp, true
}

// TableByName finds a table by its name or an alias, or returns nil.
func (f *Format) TableByName(name string) *FormatTable {
	for i := range f.Tables {
		t := &f.Tables[i]
		if t.Name == name {
			return t
		}
		for _, a := range t.Aliases {
			if a == name {
				return t
			}
		}
	}
	return nil
}

// ColumnByName finds a column whatever its case, as header drift demands.
func (t *FormatTable) ColumnByName(name string) *FormatColumn {
	for i := range t.Columns {
		if strings.EqualFold(t.Columns[i].Name, name) {
			return &t.Columns[i]
		}
	}
	return nil
}
