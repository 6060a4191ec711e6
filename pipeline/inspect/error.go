package inspect

import "fmt"

// A TableError says that a file is not the table that it is said to be.
type TableError struct {
	Table string
	Rule  string
}

func (e *TableError) Error() string { return fmt.Sprintf("table %s: %s", e.Table, e.Rule) }

// Kind is the kind of failure, which decides the exit code.
func (e *TableError) Kind() string { return "integrity" }

// Hints says what to do.
func (e *TableError) Hints() []string {
	return []string{"do not use these files; have them made again"}
}

// A UseError says that a column was asked for that there is not.
type UseError struct {
	Rule string
	Hint string
}

func (e *UseError) Error() string { return e.Rule }

// Kind is the kind of failure, which decides the exit code.
func (e *UseError) Kind() string { return "use" }

// Hints says what there is.
func (e *UseError) Hints() []string { return []string{e.Hint} }
