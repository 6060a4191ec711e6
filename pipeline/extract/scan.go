package extract

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"os"
	"slices"
	"unicode/utf8"
)

// scan reads every file once, before the database does, for what the database
// passes over in silence.
func (s *source) scan(ctx context.Context) error {
	for _, name := range slices.Sorted(maps.Keys(s.format.Relations)) {
		r := s.format.Relations[name]
		file := s.tables[r.Table]
		if file == nil {
			continue // an optional table that is missing
		}
		found, err := scanFile(ctx, file.path)
		if err == nil && found.open {
			err = found.count(ctx, file)
		}
		if err != nil {
			return err
		}
		if rule := found.fault(r.Filled); rule != "" {
			return &SourceError{Table: r.Table, Row: found.line, Rule: rule, Hint: "export the table again"}
		}
	}
	return nil
}

// scanned is what a file's bytes say before anybody parses them.
type scanned struct {
	nul   bool  // a NUL stands in it
	line  int64 // where
	rows  bool  // something follows the first line
	ended bool  // the last line has an end
	open  bool  // a line ends in a comma
	wide  bool  // a row has more fields than there are columns
}

// fault is the rule that the bytes break, or nothing. A NUL in a code would
// hide an opt-out. A last line without an end was cut off, perhaps in the
// middle of a field that is still a date or a number.
func (f scanned) fault(needsRows bool) string {
	switch {
	case f.nul:
		return "holds a NUL byte, which is no text"
	case f.wide:
		return notARow
	case !f.ended:
		return "ends in the middle of a line: the file was cut off"
	case needsRows && !f.rows:
		return "holds no row"
	}
	return ""
}

func scanFile(ctx context.Context, path string) (scanned, error) {
	var found scanned
	f, err := os.Open(path)
	if err != nil {
		return found, err
	}
	defer f.Close()
	buffer, lines, last := make([]byte, 1<<20), int64(0), byte(0)
	for ctx.Err() == nil {
		n, err := f.Read(buffer)
		chunk := buffer[:n]
		if at := bytes.IndexByte(chunk, 0); at >= 0 {
			found.nul, found.line = true, lines+int64(bytes.Count(chunk[:at], newline))+1
			return found, nil
		}
		if n > 0 {
			found.rows = found.rows || lines > 0 || bytes.IndexByte(chunk, '\n') < n-1
			found.ended = chunk[n-1] == '\n'
			found.open = found.open || bytes.Contains(chunk, []byte(",\n")) || bytes.Contains(chunk, []byte(",\r")) ||
				last == ',' && (chunk[0] == '\n' || chunk[0] == '\r')
			last = chunk[n-1]
			lines += int64(bytes.Count(chunk, newline))
		}
		if errors.Is(err, io.EOF) {
			return found, nil
		}
		if err != nil {
			return found, err
		}
	}
	return found, ctx.Err()
}

var newline = []byte{'\n'}

// notARow is also what the database's reader calls such a row.
const notARow = "is not a well-formed CSV row of this table"

// count looks for a row with a field too many. Where the last field is empty
// the database does not mind: it takes every field behind a stray comma for the
// next column's, and passes over the one that is left.
func (f *scanned) count(ctx context.Context, s *sourceFile) error {
	file, err := os.Open(s.path)
	if err != nil {
		return err
	}
	defer file.Close()
	buffer := make([]byte, 1<<20)
	commas, quoted, line, start := 0, false, int64(1), int64(1)
	for ctx.Err() == nil {
		n, err := file.Read(buffer)
		for _, b := range buffer[:n] {
			switch {
			case b == '"':
				quoted = !quoted // twice, where it stands for itself
			case b == '\n':
				if line++; !quoted {
					commas, start = 0, line
				}
			case b == ',' && !quoted:
				if commas++; commas == s.columns {
					f.wide, f.line = true, start
					return nil
				}
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

// notUTF8 finds the first line of a file that is not UTF-8.
func notUTF8(path string) (line int64, bad bool) {
	f, err := os.Open(path)
	if err != nil {
		return 0, false
	}
	defer f.Close()
	r := bufio.NewReaderSize(f, 1<<20)
	for {
		text, err := r.ReadSlice('\n')
		line++
		if !utf8.Valid(text) {
			return line, true
		}
		if err != nil {
			return 0, false
		}
	}
}
