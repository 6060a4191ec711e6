package linkage

import "fmt"

// A Refusal says that the rules of governance do not allow what was asked. Nothing was changed.
type Refusal struct {
	reason string
	hints  []string
}

func (e *Refusal) Error() string { return e.reason }

// Kind is "governance".
func (e *Refusal) Kind() string { return "governance" }

// Hints say what could be done instead.
func (e *Refusal) Hints() []string { return e.hints }

// An IntegrityError says that a signature, hash or form does not hold: the file is not what was written.
// It names the file and the line or record, and never quotes what they hold.
type IntegrityError struct {
	reason string
	hints  []string
}

func (e *IntegrityError) Error() string { return e.reason }

// Kind is "integrity".
func (e *IntegrityError) Kind() string { return "integrity" }

// Hints say what could be done next.
func (e *IntegrityError) Hints() []string { return e.hints }

// A KeyError says that a key is not of the accepted form, or not the one that is needed here.
type KeyError struct {
	reason string
	hints  []string
}

func (e *KeyError) Error() string { return e.reason }

// Kind is "key".
func (e *KeyError) Kind() string { return "key" }

// Hints say which key is meant.
func (e *KeyError) Hints() []string { return e.hints }

const keepCopies = "keep this folder as it is, and compare it with an earlier copy or with a head that a Guardian's tool remembers"

func broken(format string, args ...any) *IntegrityError {
	return &IntegrityError{reason: fmt.Sprintf(format, args...), hints: []string{keepCopies}}
}
