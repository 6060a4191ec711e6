package pseudonym

import (
	"fmt"
	"io"
	"log/slog"
)

const (
	redactedKey    = "[key]"
	redactedNumber = "[nhs number]"
)

// redacted, embedded, makes everything that prints a value print [key]
// instead: every fmt verb, JSON, text encodings, slog and panics.
//
// It is the first of two guards; hidden is the second.
type redacted struct{}

// Format prints [key] whatever the verb and flags.
func (redacted) Format(s fmt.State, _ rune) { io.WriteString(s, redactedKey) }

// String returns [key].
func (redacted) String() string { return redactedKey }

// GoString returns [key].
func (redacted) GoString() string { return redactedKey }

// MarshalText returns [key].
func (redacted) MarshalText() ([]byte, error) { return []byte(redactedKey), nil }

// MarshalJSON returns "[key]".
func (redacted) MarshalJSON() ([]byte, error) { return []byte(`"` + redactedKey + `"`), nil }

// LogValue returns [key].
func (redacted) LogValue() slog.Value { return slog.StringValue(redactedKey) }

// hidden keeps a value out of reach of reflection. fmt cannot call methods on a
// value inside an unexported field of somebody else's struct and prints its
// memory instead; it follows a pointer when the verb does not suit it (%s), but
// of a function it prints the address only, as tracebacks do.
type hidden[T any] func() *T

func hide[T any](v *T) hidden[T] { return func() *T { return v } }
