package extract

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"datanet/schemas"
)

// UnknownColumns says what becomes of source columns that the format does not
// know. They could hold free text, so they never pass.
type UnknownColumns int

// Refuse them (the default), or leave them unread and say how many there were.
const (
	Refuse UnknownColumns = iota
	Ignore
)

// A source is an export folder as the format understands it.
type source struct {
	format    *schemas.Format
	relations map[string]schemas.Relation // the format's, with every field that the dataset's rules read
	dataset   *schemas.Dataset
	tables    map[string][]*sourceFile // by the format's table name, in the order of their batches
	batches   []batch
	postcodes *sourceFile // nil: none
	asAt      time.Time
	agreement string // in the files' names; empty: they have none
	unread    []string
	ignored   int
}

// A sourceFile is one CSV file with its header read and bound.
type sourceFile struct {
	table   string // the format's name for it
	batch   int
	nth     int // of the table's files, from 1 in the order of their stamps
	path    string
	columns int
	folded  bool           // a quoted field goes over a line's end
	unseen  bool           // it holds tabs, line ends in fields, or characters beyond ASCII
	rows    bool           // something follows the header
	apart   bool           // its rows are numbered without regard to the table's other files
	at      map[string]int // known column, in lower case → position
	comma   byte
	reads   string // where the database reads it; empty: at its path
}

// open finds the export's files, binds their headers and looks at the bytes of
// all but the streams. No row is parsed yet.
func open(ctx context.Context, o Options) (*source, error) {
	format, err := o.format()
	if err != nil {
		return nil, err
	}
	dataset, err := schemas.DatasetByID(format.Dataset)
	if err != nil {
		return nil, err
	}
	src := &source{format: format, relations: format.Filled(), dataset: dataset, tables: map[string][]*sourceFile{}}
	if err := src.find(o); err != nil {
		return nil, err
	}
	if err := cmp.Or(src.past(o.Now), src.complete()); err != nil {
		return nil, err
	}
	if src.postcodes, err = openPostcodes(o); err != nil {
		return nil, err
	}
	return src, src.scan(ctx)
}

// format is the one asked for, or the one whose files the folder holds.
func (o Options) format() (*schemas.Format, error) {
	if o.Format != nil {
		if o.Format.Dataset != o.Key.Dataset {
			return nil, &UseError{"the format " + o.Format.Name + " is not one of the key's dataset", "the key is for the dataset " + o.Key.Dataset}
		}
		return o.Format, nil
	}
	entries, err := os.ReadDir(o.Source)
	if err != nil {
		return nil, &SourceError{Rule: "the source folder cannot be read"}
	}
	for _, name := range schemas.FormatNames() {
		f, err := schemas.FormatByName(name)
		if err != nil || f.Dataset != o.Key.Dataset {
			continue
		}
		if slices.ContainsFunc(entries, func(e os.DirEntry) bool { t, _, _ := f.ParseFileName(e.Name()); return t != nil }) {
			return f, nil
		}
		for _, e := range entries {
			if table := f.Mentioned(e.Name()); table != nil {
				return nil, misnamed(table)
			}
		}
	}
	return nil, &SourceError{Rule: "the folder holds no file of a known source format for the dataset " + o.Key.Dataset,
		Hint: "known formats: " + strings.Join(schemas.FormatNames(), ", ") + "; files must keep the names that the system gave them"}
}

// name is the extract's folder name.
func (s *source) name(o Options) string {
	m := schemas.Manifest{Dataset: s.dataset.ID, Site: o.Key.Site, AsAt: s.asAt.Format(time.DateOnly)}
	return m.ExtractName()
}

// openFile reads and binds one header. A column that the format does not know
// is told by its position: in a file without a header the first row is a
// patient's.
func openFile(path string, table *schemas.FormatTable, format *schemas.Format, unknown UnknownColumns) (*sourceFile, int, error) {
	header, err := readHeader(path, format.Comma(), format.Encoding)
	switch {
	case errors.Is(err, errUnreadable):
		return nil, 0, cannotRead(table.Name)
	case errors.Is(err, errNoFile):
		return nil, 0, &SourceError{Table: table.Name, Rule: err.Error(), Hint: "give the file itself, one that you may read: no link, folder or device"}
	case err != nil:
		return nil, 0, &SourceError{Table: table.Name, Row: 1, Rule: err.Error(), Hint: "the first line must be the header, in UTF-8"}
	}
	file := &sourceFile{path: path, columns: len(header), at: map[string]int{}, comma: format.Comma()}
	var strange []int
	for i, name := range header {
		column := table.ColumnByName(name)
		if column == nil || !ascii(name) {
			strange = append(strange, i+1)
			continue
		}
		key := strings.ToLower(column.Name)
		if _, twice := file.at[key]; twice {
			return nil, 0, &SourceError{Table: table.Name, Row: 1, Rule: "the column " + column.Name + " stands there twice"}
		}
		file.at[key] = i
	}
	if len(strange) > 0 && (unknown == Refuse || len(file.at) == 0) {
		return nil, 0, &SourceError{Table: table.Name, Row: 1,
			Rule: "the format does not know the column in position " + positions(strange),
			Hint: "an unknown column could hold free text; --ignore-unknown-columns leaves such columns unread and says so in the manifest"}
	}
	return file, len(strange), nil
}

// ascii says whether a name is written in letters that look like what they
// are: folding case makes the Kelvin sign a k, and no system exports one.
func ascii(name string) bool {
	return strings.IndexFunc(name, func(r rune) bool { return r >= utf8.RuneSelf }) < 0
}

// positions lists the first few.
func positions(at []int) string {
	const most = 10
	text := strings.Trim(strings.ReplaceAll(fmt.Sprint(at[:min(most, len(at))]), " ", ", "), "[]")
	if len(at) > most {
		text += fmt.Sprintf(" and %d more", len(at)-most)
	}
	return text
}
