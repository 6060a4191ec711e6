package pseudonym

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// KeyError says that a key is missing, wrong, damaged, locked, readable by
// others or cannot be written. Its message names the file as it was given and
// never holds anything that was read from inside it.
type KeyError struct {
	// Path is the file as the caller named it, or empty.
	Path string

	text  string
	hints []string
	cause error
}

// Error returns the message: lower case, the file first, no hints.
func (e *KeyError) Error() string {
	text := e.text
	if e.Path != "" {
		text = fmt.Sprintf("key file %s %s", e.Path, e.text)
	}
	if e.cause != nil {
		text += ": " + e.cause.Error()
	}
	return text
}

// Kind returns "key", the word for this sort of failure in machine output.
func (e *KeyError) Kind() string { return "key" }

// Hints returns what the reader can do about it, one sentence each.
func (e *KeyError) Hints() []string { return e.hints }

// Unwrap returns the system's or the caller's own error underneath, if any, so
// that errors.Is finds fs.ErrNotExist, fs.ErrExist and the like.
func (e *KeyError) Unwrap() error { return e.cause }

func refusal(format string, args ...any) *KeyError {
	return &KeyError{text: fmt.Sprintf(format, args...)}
}

func (e *KeyError) at(path string) *KeyError {
	e.Path = path
	return e
}

func (e *KeyError) hint(text string) *KeyError {
	e.hints = append(e.hints, text)
	return e
}

// because adds an error that cannot hold anything from inside a key file: the
// operating system's, or one that the caller's own callback returned.
func (e *KeyError) because(err error) *KeyError {
	var path *fs.PathError
	var link *os.LinkError
	switch { // both repeat the path, and may name a temporary one
	case errors.As(err, &path):
		err = path.Err
	case errors.As(err, &link):
		err = link.Err
	}
	e.cause = err
	return e
}
