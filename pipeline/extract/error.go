package extract

import (
	"errors"
	"fmt"
	"strings"

	"datanet/pipeline/engine"
)

// A SourceError says that the source data was refused: in which file, at which
// row or column, and by which rule. It never holds a value.
type SourceError struct {
	Table string // table of the source format
	Row   int64  // line of the file; 0: the whole file
	Rule  string
	Hint  string
}

func (e *SourceError) Error() string {
	var where strings.Builder
	if e.Table != "" {
		where.WriteString(e.Table)
		if e.Row > 0 {
			fmt.Fprintf(&where, ", line %d", e.Row)
		}
		where.WriteString(": ")
	}
	return where.String() + e.Rule
}

// Kind is the kind of failure, which decides the exit code.
func (e *SourceError) Kind() string { return "source" }

// Hints says what to do.
func (e *SourceError) Hints() []string {
	if e.Hint == "" {
		return nil
	}
	return []string{e.Hint}
}

// A UseError says that a folder or an option does not fit.
type UseError struct{ Rule, Hint string }

func (e *UseError) Error() string { return e.Rule }

// Kind is the kind of failure, which decides the exit code.
func (e *UseError) Kind() string { return "use" }

// Hints says what to do.
func (e *UseError) Hints() []string { return []string{e.Hint} }

// blame turns an engine's error about a file into a SourceError that names the
// table whose file it is. Of a disk's error it is blamed only if the file is one of
// the source: the others are the extract's own.
func (s *source) blame(err error) error {
	var fault *engine.Error
	if !errors.As(err, &fault) {
		return err
	}
	if fault.Broken {
		return s.misspelt(err)
	}
	if table, ours := s.paths()[fault.File]; fault.Disk && ours {
		return cannotRead(table)
	}
	if !fault.Source {
		return err
	}
	out := &SourceError{Row: fault.Line, Rule: fault.Rule,
		Hint: "export the table again, in UTF-8; a row was cut off, or a quotation mark is missing"}
	for _, file := range s.files() {
		if file.path != fault.File && file.reads != fault.File {
			continue
		}
		out.Table = file.table
		if line, bad := s.misspeltLine(file); bad && line == fault.Line {
			out.Rule = notUTF8Rule
		}
	}
	if s.postcodes != nil && s.postcodes.path == fault.File {
		out.Table = lookupName
	}
	return out
}

const notUTF8Rule = "is not UTF-8"

// misspelt looks for the file that is not UTF-8. A byte that is none breaks the
// database's reader when it stands in a column that is read, and does no harm
// in one that is not; so nobody looks before.
func (s *source) misspelt(err error) error {
	for _, file := range s.files() {
		if line, bad := s.misspeltLine(file); bad {
			return &SourceError{Table: file.table, Row: line, Rule: notUTF8Rule, Hint: "export the table again, in UTF-8"}
		}
	}
	return err
}
