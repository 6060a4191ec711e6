package extract

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"datanet/pipeline/engine"
)

// scan reads every file once, before the database does. What the database
// would pass over in silence, or read in a way of its own, is refused here.
// Streams have their turn later.
func (s *source) scan(ctx context.Context) error {
	if err := s.scanTables(ctx, false); err != nil {
		return err
	}
	if s.postcodes == nil {
		return nil
	}
	return s.postcodes.scan(ctx, lookupName, true)
}

func (s *source) scanTables(ctx context.Context, streams bool) error {
	large := s.large()
	for _, file := range s.files() {
		if large[file.table] != streams {
			continue
		}
		if err := file.scan(ctx, file.table, false); err != nil {
			return err
		}
		if err := s.spelt(ctx, file); err != nil {
			return err
		}
	}
	for _, table := range s.names() {
		if large[table] != streams || !s.keeps(table) {
			continue
		}
		if err := twins(ctx, s.tables[table]); err != nil {
			return err
		}
	}
	return s.filled(large, streams)
}

// large are the tables whose rows are streamed.
func (s *source) large() map[string]bool {
	found := map[string]bool{}
	for name, r := range s.relations {
		found[r.Table] = found[r.Table] || s.streamed(name)
	}
	return found
}

// scanStreams looks at the large files while the database reads the others. What
// it returns waits for the end, and must be called.
func (s *source) scanStreams(ctx context.Context) (wait func() error) {
	ctx, stop := context.WithCancel(ctx)
	looked := make(chan struct{})
	var fault error
	go func() {
		defer close(looked)
		fault = s.scanTables(ctx, true)
	}()
	return func() error {
		<-looked
		stop()
		return fault
	}
}

// scan refuses a file of which not every line is what it seems.
func (f *sourceFile) scan(ctx context.Context, table string, filled bool) error {
	found, err := scanFile(ctx, f.path, f.columns, f.comma)
	if errors.Is(err, errUnreadable) {
		return cannotRead(table)
	} else if err != nil {
		return err
	}
	f.folded, f.unseen, f.rows = found.folded, found.folded || found.unseen, found.rows > 1
	fault := found.fault
	switch {
	case fault != "":
	case !found.ended && table != lookupName:
		// The last line was cut off, perhaps in the middle of a field that is
		// still a date or a number. A lookup is often edited by hand.
		fault = cutOff
	case filled && found.rows < 2:
		fault = noRow
	}
	if fault == "" {
		return nil
	}
	return &SourceError{Table: table, Row: found.line, Rule: fault, Hint: "export the table again, as comma-separated values in UTF-8"}
}

// Faults of a file as a whole.
const (
	cutOff = "ends in the middle of a line: the file was cut off"
	noRow  = "holds no row"
)

// filled wants rows where an export without any is broken. A later export of
// changes may hold none of a table.
func (s *source) filled(large map[string]bool, streams bool) error {
	for _, name := range slices.Sorted(maps.Keys(s.relations)) {
		r := s.relations[name]
		for b := range s.batches {
			if !r.Filled || b > 0 && len(r.Key) > 0 || large[r.Table] != streams {
				continue
			}
			if !slices.ContainsFunc(s.parts(r.Table, b), func(f *sourceFile) bool { return f.rows }) {
				return &SourceError{Table: r.Table, Rule: noRow, Hint: "export the table again, as comma-separated values in UTF-8"}
			}
		}
	}
	return nil
}

// bare warns of tables that are there, or must be, and hold no row in any export.
// There may be none to tell of; but what only they tell, such as a team's type, is
// then missing from rows that are counted, and no other figure says so.
func (s *source) bare() []string {
	var found []string
	for _, r := range s.relations {
		files := s.tables[r.Table]
		if (len(files) > 0 || !r.Optional) && !slices.ContainsFunc(files, func(f *sourceFile) bool { return f.rows }) {
			found = append(found, r.Table)
		}
	}
	if len(found) == 0 {
		return nil
	}
	slices.Sort(found)
	return []string{"tables of the export that hold no row: " + strings.Join(slices.Compact(found), ", ")}
}

// scanned is what a file's bytes say before anybody parses them.
type scanned struct {
	fault  string // the first one, or nothing
	line   int64  // where its row begins; 0: the whole file
	rows   int64  // the header included, empty lines not
	ended  bool   // the last line has an end
	folded bool   // a quoted field goes over a line's end
	unseen bool   // it holds tabs or characters beyond ASCII
}

func scanFile(ctx context.Context, path string, columns int, comma byte) (scanned, error) {
	f, err := os.Open(path)
	if err != nil {
		return scanned{}, errUnreadable
	}
	defer f.Close()
	return scan(ctx, f, columns, engine.MaxLine, comma)
}

// errUnreadable says no more: what the operating system says names the file.
var errUnreadable = errors.New("cannot be read to its end")

// cannotRead is for a file that nobody says is broken: the disk may be.
func cannotRead(table string) error {
	return &SourceError{Table: table, Rule: errUnreadable.Error(), Hint: "see whether the disk or the share that it lies on is there, and copy the export to a disk of your own"}
}

func scan(ctx context.Context, from io.Reader, columns, longest int, comma byte) (scanned, error) {
	d := &dialect{columns: columns, longest: longest, comma: comma}
	w := &watcher{from: from, dialect: d}
	r := bufio.NewReaderSize(w, d.longest+1) // a line that does not fit is too long
	if first, _ := r.Peek(len(mark)); string(first) == mark {
		r.Discard(len(mark))
	}
	ended := false
	for ctx.Err() == nil {
		line, err := r.ReadSlice('\n')
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
			return scanned{}, errUnreadable // and what came of the line is not a line cut off
		}
		if len(line) > 0 {
			ended = line[len(line)-1] == '\n'
			fault := d.take(line)
			if fault == tooFew && !ended {
				fault, d.start = cutOff, 0
			}
			if w.nul && bytes.IndexByte(line, 0) >= 0 {
				fault, d.start = nulByte, d.line
			}
			if fault != "" {
				return scanned{fault: fault, line: d.start}, nil
			}
		}
		if errors.Is(err, io.EOF) {
			if d.at == inQuotes {
				return scanned{fault: openQuote, line: d.start}, nil
			}
			return scanned{rows: d.rows, ended: ended, folded: d.folded, unseen: w.unseen}, nil
		}
	}
	return scanned{}, ctx.Err()
}

// A watcher notes what nearly never comes by, so that no line, and later no
// cell, needs to be searched for it.
type watcher struct {
	from    io.Reader
	dialect *dialect
	nul     bool
	unseen  bool // tabs, and characters beyond ASCII
}

func (w *watcher) Read(p []byte) (int, error) {
	n, err := w.from.Read(p)
	w.note(p[:n], &w.nul, 0)
	w.note(p[:n], &w.dialect.marks, '"')
	w.note(p[:n], &w.dialect.returns, '\r')
	w.note(p[:n], &w.unseen, '\t')
	w.unseen = w.unseen || !plain(p[:n])
	return n, err
}

func (w *watcher) note(p []byte, seen *bool, b byte) { *seen = *seen || bytes.IndexByte(p, b) >= 0 }

// plain says whether all bytes are ASCII, eight at a time.
func plain(b []byte) bool {
	var bits uint64
	for ; len(b) >= 8; b = b[8:] {
		bits |= binary.LittleEndian.Uint64(b)
	}
	for _, c := range b {
		bits |= uint64(c)
	}
	return bits&0x8080808080808080 == 0
}

var newline = []byte{'\n'}

// notUTF8 finds the first line of a file that is not UTF-8.
func notUTF8(path string) (line int64, bad bool) {
	f, err := os.Open(path)
	if err != nil {
		return 0, false
	}
	defer f.Close()
	return firstNotUTF8(bufio.NewReaderSize(f, 1<<16))
}

func firstNotUTF8(r *bufio.Reader) (line int64, bad bool) {
	for line = 1; ; {
		char, size, err := r.ReadRune()
		switch {
		case err != nil:
			return 0, false
		case char == utf8.RuneError && size == 1:
			return line, true
		case char == '\n':
			line++
		}
	}
}
