package extract

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"datanet/schemas"
)

// A batch is what a system exported at one time: the files whose stamps lie
// within half a day of the first. Several files of one table in it are parts
// of that table. A folder holds one batch, or a full one and those that came
// after it.
type batch struct {
	first, last time.Time // stamps
}

// day is the day that messages call a batch by.
func (b batch) day() string { return b.last.Format(time.DateOnly) }

// oneBatch is how far apart the stamps of one batch may lie. A date that
// somebody gives may lie before the export's own stamp, but not by more than a
// month.
const (
	oneBatch = 12 * time.Hour
	mostBack = 31 * 24 * time.Hour
)

// A named file is one whose name the format understands.
type named struct {
	path  string
	table *schemas.FormatTable
	stamp time.Time
	order int64  // the system's own count of its exports; 0: the name has none
	under string // the sharing agreement; empty: the name has none
	batch int
}

// find opens each file that a relation needs, in the order of the stamps.
func (s *source) find(o Options) error {
	files, err := s.named(o)
	if err != nil {
		return err
	}
	slices.SortFunc(files, s.inOrderOfParts)
	if err := s.allParts(files); err != nil {
		return err
	}
	s.group(files)
	if err := cmp.Or(s.inOrder(files), s.agreed(files)); err != nil {
		return err
	}
	for _, f := range files {
		file, ignored, err := openFile(f.path, f.table, s.format, o.Unknown)
		if err != nil {
			return err
		}
		file.table, file.batch, file.nth = f.table.Name, f.batch, len(s.tables[f.table.Name])+1
		s.tables[file.table] = append(s.tables[file.table], file)
		s.ignored += ignored
	}
	return s.date(o.AsAt)
}

// named looks through the folder. Files of other tables are left unread and
// listed by table; a file's own name is not ours to repeat.
func (s *source) named(o Options) ([]named, error) {
	entries, err := os.ReadDir(o.Source)
	if err != nil {
		return nil, &SourceError{Rule: "the source folder cannot be read"}
	}
	var files []named
	for _, e := range entries {
		table, stamp, ok := s.format.ParseFileName(e.Name())
		switch {
		case table == nil && s.needed(s.format.Mentioned(e.Name())):
			return nil, misnamed(s.format.Mentioned(e.Name()))
		case !ok && e.Name() == postcodesFile:
		case !ok && e.IsDir():
			s.unread = append(s.unread, "a folder, with whatever it holds")
		case !ok:
			s.unread = append(s.unread, "a file whose name is not as the format names its files")
		case table == nil:
			s.unread = append(s.unread, "a table that the format does not know")
		case !s.needed(table):
			s.unread = append(s.unread, table.Name)
		default:
			files = append(files, named{path: filepath.Join(o.Source, e.Name()), table: table, stamp: stamp, order: s.format.FileOrder(e.Name()), under: s.format.FileAgreement(e.Name())})
		}
	}
	return files, nil
}

// group puts files, sorted by their stamps, into batches.
func (s *source) group(files []named) {
	for i := range files {
		n := len(s.batches)
		if n == 0 || files[i].stamp.Sub(s.batches[n-1].first) > oneBatch {
			s.batches = append(s.batches, batch{first: files[i].stamp})
			n++
		}
		s.batches[n-1].last, files[i].batch = files[i].stamp, n-1
	}
}

// inOrder compares the two orders that names may carry: the time of the export
// and the system's own count.
func (s *source) inOrder(files []named) error {
	highest := make([]int64, len(s.batches)+1) // of the batches before
	for _, f := range files {
		if f.order > 0 && f.order < highest[f.batch] {
			return &SourceError{Rule: "the files' names contradict each other: by their time those of " + s.batches[f.batch].day() + " come last, by their number before others",
				Hint: "keep the names that the system gave them; if it began to count anew, give a full export made since"}
		}
		highest[f.batch+1] = max(highest[f.batch+1], highest[f.batch], f.order)
	}
	return nil
}

// agreed wants all files to be exported under one sharing agreement: what one of
// them shares, another may not.
func (s *source) agreed(files []named) error {
	for _, f := range files {
		if s.agreement == "" {
			s.agreement = f.under
		}
		if f.under != s.agreement {
			return &SourceError{Rule: "the files' names name two sharing agreements", Hint: "give the files of one agreement, in a folder of their own"}
		}
	}
	return nil
}

// date sets the as-at date: the one asked for, or that of the newest batch.
func (s *source) date(asked time.Time) error {
	if len(s.batches) == 0 {
		return nil // what is missing is said with the tables
	}
	last := s.batches[len(s.batches)-1].last
	if last.IsZero() {
		return s.undated(asked)
	}
	own := last.Truncate(24 * time.Hour)
	if s.asAt = own; asked.IsZero() {
		return nil
	}
	if asked.After(own) || own.Sub(asked) > mostBack {
		return &UseError{"the date asked for is not that of the export, which was made on " + own.Format(time.DateOnly), "leave --as-at out, or give a date of the month before"}
	}
	s.asAt = asked
	return nil
}

// past refuses an export of a day that has not come. Its opt-outs that are yet to
// come would count, and no right one could follow it: the key remembers its day.
func (s *source) past(now time.Time) error {
	if last := s.asAt.Format(time.DateOnly); last > now.Add(24*time.Hour).UTC().Format(time.DateOnly) {
		return &SourceError{Rule: "the export is dated " + last + ", which is yet to come", Hint: "look at the clock of this machine and of the system, and export again"}
	}
	return nil
}

// undated is for a format whose names carry no time.
func (s *source) undated(asked time.Time) error {
	if asked.IsZero() {
		return &UseError{"the files' names do not say when the export was made", "say it with --as-at YYYY-MM-DD"}
	}
	s.asAt = asked
	return nil
}

// needed says whether a relation is made of a table.
func (s *source) needed(table *schemas.FormatTable) bool {
	for _, r := range s.relations {
		if table != nil && r.Table == table.Name {
			return true
		}
	}
	return false
}

// misnamed refuses a file that seems to be of a table that is needed. Left
// unread, it would take its rows' opt-outs and deletions with it.
func misnamed(table *schemas.FormatTable) error {
	return &SourceError{Table: table.Name, Rule: "seems to have a file whose name is not as the format names its files, so that it would not be read",
		Hint: "unpack or decrypt it, give it the name that the system gave it (a part of a table has a name of its own), or take it out of the folder"}
}

// complete says everything that is missing at once. Every batch must be whole:
// in the table that is not there, an opt-out or a deletion could stand.
func (s *source) complete() error {
	lacks := make([][]string, max(1, len(s.batches)))
	for name := range s.relations {
		for b := range lacks {
			lacks[b] = append(lacks[b], s.lacks(name, b)...)
		}
	}
	for b, missing := range lacks {
		if len(missing) == 0 {
			continue
		}
		slices.Sort(missing)
		what := "the export lacks "
		if len(s.batches) > 1 {
			what = fmt.Sprintf("the files of %s lack ", s.batches[b].day())
		}
		return &SourceError{Rule: what + strings.Join(slices.Compact(missing), ", "),
			Hint: "export these tables and columns too; format " + s.format.Name + " needs them"}
	}
	return nil
}

// lacks is what a batch does not have of a relation. What tells a row and its
// order is needed where there are changes to apply, and so is an optional table
// that the batch before has.
func (s *source) lacks(relation string, batch int) []string {
	r, of := s.relations[relation], schemas.SourceRelations(s.format.Dataset)[relation]
	files := s.parts(r.Table, batch)
	before := batch > 0 && len(r.Key) > 0 && len(s.parts(r.Table, batch-1)) > 0
	if len(files) == 0 && (!r.Optional || before) {
		return []string{r.Table}
	}
	var missing []string
	for _, file := range files {
		if r.Only != nil {
			if _, ok := file.at[strings.ToLower(r.Only.Column)]; !ok {
				missing = append(missing, r.Table+"."+r.Only.Column)
			}
		}
		for name, f := range r.Fields {
			needed := !f.Optional || len(s.batches) > 1 && (name == "sequence" || slices.Contains(r.Key, name)) || s.has(of.Fields[name].With)
			if _, ok := file.at[strings.ToLower(f.Column)]; !ok && needed && f.Column != "" {
				missing = append(missing, r.Table+"."+f.Column)
			}
		}
	}
	return missing
}

// has says whether the export has a relation's table.
func (s *source) has(relation string) bool { return len(s.tables[s.relations[relation].Table]) > 0 }

// parts are the files of a table in one batch.
func (s *source) parts(table string, batch int) []*sourceFile {
	var found []*sourceFile
	for _, f := range s.tables[table] {
		if f.batch == batch {
			found = append(found, f)
		}
	}
	return found
}

// twins refuses one file under two names in a batch: a copy, whose every row
// would count twice.
func twins(ctx context.Context, files []*sourceFile) error {
	for i, f := range files {
		for _, g := range files[i+1:] {
			if f.batch == g.batch && f.rows && ctx.Err() == nil && alike(f.path, g.path) {
				return &SourceError{Table: f.table, Rule: "stands there twice: two files of it are the same",
					Hint: "take the copy away"}
			}
		}
	}
	return ctx.Err()
}

// keeps says whether a table's rows are people's own and stay as often as they
// stand there, with a key or, as records without an id do, without one. Of others a
// second one changes nothing.
func (s *source) keeps(table string) bool {
	for _, r := range s.relations {
		_, own := r.Fields["patient"]
		_, ordered := r.Fields["sequence"]
		if r.Table == table && (own && len(r.Key) > 0 || ordered && len(r.Key) == 0) {
			return true
		}
	}
	return false
}

// alike says whether two files hold the same bytes.
func alike(a, b string) bool {
	one, err := os.Open(a)
	if err != nil {
		return false
	}
	defer one.Close()
	two, err := os.Open(b)
	if err != nil {
		return false
	}
	defer two.Close()
	x, y := make([]byte, 1<<16), make([]byte, 1<<16)
	for {
		n, wrong := io.ReadFull(one, x)
		m, _ := io.ReadFull(two, y)
		if !bytes.Equal(x[:n], y[:m]) {
			return false
		}
		if wrong != nil {
			return true
		}
	}
}

// days are the batches by day, for the account.
func (s *source) days() []string {
	var days []string
	for _, b := range s.batches {
		if !b.last.IsZero() {
			days = append(days, b.day())
		}
	}
	return days
}

// names are the tables that the export has.
func (s *source) names() []string { return slices.Sorted(maps.Keys(s.tables)) }

// files are all of them, by table and then as they came.
func (s *source) files() []*sourceFile {
	var all []*sourceFile
	for _, table := range s.names() {
		all = append(all, s.tables[table]...)
	}
	return all
}
