package schemas

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"
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
	Encoding  string              `json:"encoding"`            // utf-8 or windows-1252
	Delimiter string              `json:"delimiter,omitempty"` // a comma unless it says ; | or a tab
	FileName  FileName            `json:"file_name"`
	Dates     []string            `json:"dates"` // strptime forms
	Tables    []FormatTable       `json:"tables"`
	Relations map[string]Relation `json:"relations"`

	Own string `json:"-"` // SHA-256 of the file that somebody gave; empty: it comes with datanet

	fileName *regexp.Regexp
}

// String is what a manifest calls the format.
func (f *Format) String() string {
	if f.Own == "" {
		return f.Name + " " + f.Version
	}
	return f.Name + " " + f.Version + " (own file, sha256 " + f.Own[:16] + ")"
}

// Comma is the byte between two cells.
func (f *Format) Comma() byte {
	if f.Delimiter == "" {
		return ','
	}
	return f.Delimiter[0]
}

// FileName says how an export's files are called: a regular expression with
// the group table and, where names have them, stamp, order, agreement and part; and
// the stamp's layout in Go's reference time. The order is the system's own count of
// its exports, and the agreement is the one under which it exports. The part is the
// count of the files of one table and stamp, from 1; a name without it is the first.
type FileName struct {
	Pattern string `json:"pattern"`
	Stamp   string `json:"stamp"`
}

// A FormatTable is one table of a source system, its columns in the order of
// its specification. Columns bind by name all the same.
type FormatTable struct {
	Name    string         `json:"name"`
	Aliases []string       `json:"aliases,omitempty"`
	Columns []FormatColumn `json:"columns"`
}

// A FormatColumn is one classed column of a source table. Older exports spell
// some otherwise, and have some that the specification no longer has.
type FormatColumn struct {
	Name    string   `json:"name"`
	Class   Class    `json:"class"`
	Aliases []string `json:"aliases,omitempty"`
	Until   string   `json:"until,omitempty"` // the version that took it out
}

// A Relation is what the dataset's SQL reads: one source table with columns
// renamed and typed. The same SQL serves every format of a dataset. A filled
// relation is one without whose rows an export is broken: the gates would see
// nobody's opt-out, or nobody would be there. An optional one may be missing,
// table and all, and then has no rows.
//
// Key names the fields that tell one row from another. Files of a later export
// then hold changes: of the rows with one key the latest counts, by export and
// then by the field sequence. Without a key every export's rows stand there,
// and sequence orders them by export first.
type Relation struct {
	Table    string           `json:"table"`
	Filled   bool             `json:"filled,omitempty"`
	Optional bool             `json:"optional,omitempty"`
	Only     *Only            `json:"only,omitempty"`
	Key      []string         `json:"key,omitempty"`
	Fields   map[string]Field `json:"fields"`
}

// Only says which rows of a table a relation takes: those whose column holds
// one of the words, whatever their case. An empty word stands for nothing. In
// this way a mark of deletion keeps rows out.
type Only struct {
	Column string   `json:"column"`
	Words  []string `json:"words"`
}

// A Field is one column of a relation: a source column and how it is read.
// Types are text; key (text that joins, in upper case); guid (a key that may
// stand in braces or without); number; flag (true
// unless the source says false, 0 or nothing: a gate fails closed); yes (true
// only when the source says true or 1); date, which yields two columns: the
// date, and <field>_bad, true when the source holds something that is no date
// of the format; and timestamp, which yields the same two of a moment in the
// form of ISO 8601: its day as written, in the zone in which it was written. A
// flag has a <field>_unclear too: true when the source says neither yes nor no
// in words of the format.
//
// A field has a column, or a value that holds for every row. Words put the
// source's own words into those of the dataset, whatever their case. Dates are
// this field's forms where they are not the format's.
type Field struct {
	Column   string            `json:"column,omitempty"`
	Value    *string           `json:"value,omitempty"`
	Type     string            `json:"type"`
	Optional bool              `json:"optional,omitempty"`
	Dates    []string          `json:"dates,omitempty"`
	Words    map[string]string `json:"words,omitempty"`
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
	if at := f.fileName.SubexpIndex("stamp"); at >= 0 {
		var err error
		if stamp, err = time.Parse(f.FileName.Stamp, m[at]); err != nil {
			return nil, time.Time{}, false
		}
	}
	return f.TableByName(m[f.fileName.SubexpIndex("table")]), stamp, true
}

// FileOrder reads the system's own count of its exports from a file's name, or
// returns 0.
func (f *Format) FileOrder(name string) int64 {
	n, err := strconv.ParseInt(f.group(name, "order"), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// FileAgreement reads the sharing agreement from a file's name, in capitals, or
// returns nothing.
func (f *Format) FileAgreement(name string) string {
	return strings.ToUpper(f.group(name, "agreement"))
}

func (f *Format) group(name, group string) string {
	m, at := f.fileName.FindStringSubmatch(name), f.fileName.SubexpIndex(group)
	if m == nil || at < 0 {
		return ""
	}
	return m[at]
}

// FilePart reads from a file's name which part of its table it is, from 1. A name
// that does not say so is the first; one that says what cannot be is -1. Where the
// format has no parts, it is 0.
func (f *Format) FilePart(name string) int {
	m, at := f.fileName.FindStringSubmatch(name), f.fileName.SubexpIndex("part")
	if m == nil || at < 0 {
		return 0
	}
	if m[at] == "" {
		return 1
	}
	n, err := strconv.Atoi(m[at])
	if err != nil || n < 1 {
		return -1
	}
	return n
}

// TableByName finds a table by its name or an alias, whatever its case, or
// returns nil.
func (f *Format) TableByName(name string) *FormatTable {
	is := func(of string) bool { return strings.EqualFold(of, name) }
	for i := range f.Tables {
		if t := &f.Tables[i]; is(t.Name) || slices.ContainsFunc(t.Aliases, is) {
			return t
		}
	}
	return nil
}

// Mentioned finds the table that a file seems to be of although its name is not one
// of this format: a copy, a part, or one that is still packed or encrypted. The
// longest name or alias that stands in the file's name, without regard to case and
// to the signs between words, is the table's; a short one must be a word of its own.
// It returns nil when there is none.
func (f *Format) Mentioned(file string) *FormatTable {
	var found *FormatTable
	longest := 0
	for i := range f.Tables {
		t := &f.Tables[i]
		for _, name := range append([]string{t.Name}, t.Aliases...) {
			if n := len(lettersOf(name)); n > longest && mentions(file, name) {
				found, longest = t, n
			}
		}
	}
	return found
}

// distinct is how long a name is that no file bears by chance.
const distinct = 9

func mentions(file, name string) bool {
	if len(lettersOf(name)) >= distinct {
		return strings.Contains(lettersOf(file), lettersOf(name))
	}
	return hasWord(strings.ToLower(file), strings.ToLower(name))
}

// lettersOf is a name's letters and digits, in small letters.
func lettersOf(name string) string {
	return strings.Map(func(r rune) rune {
		if alphanumeric(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, name)
}

// hasWord says whether a word stands in a text with neither letter nor digit
// right before or behind it.
func hasWord(text, word string) bool {
	for rest := text; ; {
		at := strings.Index(rest, word)
		if at < 0 {
			return false
		}
		before, _ := utf8.DecodeLastRuneInString(rest[:at])
		after, _ := utf8.DecodeRuneInString(rest[at+len(word):])
		if !alphanumeric(before) && !alphanumeric(after) {
			return true
		}
		rest = rest[at+len(word):]
	}
}

func alphanumeric(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// ColumnByName finds a column by its name or an alias, whatever its case, as
// header drift demands.
func (t *FormatTable) ColumnByName(name string) *FormatColumn {
	for i := range t.Columns {
		c := &t.Columns[i]
		if strings.EqualFold(c.Name, name) || slices.ContainsFunc(c.Aliases, func(a string) bool { return strings.EqualFold(a, name) }) {
			return c
		}
	}
	return nil
}

// Current are the columns of the specification, without those that only older
// exports have.
func (t *FormatTable) Current() []FormatColumn {
	return slices.DeleteFunc(slices.Clone(t.Columns), func(c FormatColumn) bool { return c.Until != "" })
}
