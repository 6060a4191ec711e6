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

// gating are the relations without whose rows the gates would see nobody's
// opt-out, flag or agreement: an empty file of theirs is a broken export.
var gating = []string{"organisation", "agreement", "patient", "entry", "clinical_code"}

// scan reads every file once, before the database does, for what the database
// passes over in silence.
func (s *source) scan(ctx context.Context) error {
	for _, name := range slices.Sorted(maps.Keys(s.format.Relations)) {
		r := s.format.Relations[name]
		found, err := scanFile(ctx, s.tables[r.Table].path)
		if err != nil {
			return err
		}
		if rule := found.fault(slices.Contains(gating, name)); rule != "" {
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
}

// fault is the rule that the bytes break, or nothing. A NUL in a code would
// hide an opt-out. A last line without an end was cut off, perhaps in the
// middle of a field that is still a date or a number.
func (f scanned) fault(needsRows bool) string {
	switch {
	case f.nul:
		return "holds a NUL byte, which is no text"
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
	buffer, lines := make([]byte, 1<<20), int64(0)
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
