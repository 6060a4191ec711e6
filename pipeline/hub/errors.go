package hub

import (
	"fmt"
	"slices"
)

// An IntegrityError says that a signature, hash or form does not hold, or that an extract is older than what is loaded. It names files,
// sites and rules, never contents.
type IntegrityError struct {
	reason string
	hints  []string
}

func (e *IntegrityError) Error() string { return e.reason }

// Kind is "integrity".
func (e *IntegrityError) Kind() string { return "integrity" }

// Hints say what could be done next.
func (e *IntegrityError) Hints() []string { return e.hints }

// A KeyMismatch says that a site's extract was coded under another linkage key than the dataset: nobody in it
// would match. Check values are no secrets.
type KeyMismatch struct {
	Site             string
	Dataset, Extract string // check values of the linkage key
}

func (e *KeyMismatch) Error() string {
	return fmt.Sprintf("site %s used another linkage key than the dataset: its key's check value is %s, the dataset's %s", e.Site, e.Extract, e.Dataset)
}

// Kind is "key".
func (e *KeyMismatch) Kind() string { return "key" }

// Hints say how the two can be made equal.
func (e *KeyMismatch) Hints() []string {
	return []string{"make the site's key again from the linkage key that the other sites hold, and extract again"}
}

// A UseError says that a path or name is not what the call needs.
type UseError struct {
	reason string
	hints  []string
	cause  error
}

func (e *UseError) Error() string { return e.reason }
func (e *UseError) Unwrap() error { return e.cause }

// Kind is "use".
func (e *UseError) Kind() string { return "use" }

// Hints say what the call needs.
func (e *UseError) Hints() []string { return e.hints }

const restore = "restore this dataset's folder, whole, from a copy; the hub's record of decisions says which state was the last"

func broken(format string, args ...any) *IntegrityError {
	return &IntegrityError{reason: fmt.Sprintf(format, args...), hints: []string{restore}}
}

func misuse(cause error, reason string, hints ...string) *UseError {
	return &UseError{reason: reason, hints: slices.Clone(hints), cause: cause}
}

// A maybeError is a failure after which a crash would leave the old file or the new one.
type maybeError struct{ err error }

func (e *maybeError) Error() string { return "it may or may not have been stored: " + e.err.Error() }
func (e *maybeError) Unwrap() error { return e.err }
