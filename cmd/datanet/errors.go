package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"unicode"

	"datanet/linkage"
)

// codes maps a kind of failure to the exit code. Rooms say the kind; only
// this file knows the codes.
var codes = map[string]int{"unexpected": 1, "use": 2, "governance": 3, "source": 4, "key": 5, "integrity": 6, "interrupted": 130}

type kinded interface{ Kind() string }

type hinted interface{ Hints() []string }

// A useError is wrong use that only the command line can see.
type useError struct{ rule, hint string }

func (e *useError) Error() string   { return e.rule }
func (e *useError) Kind() string    { return "use" }
func (e *useError) Hints() []string { return []string{e.hint} }

// An integrityError is damage that the command line sees by itself.
type integrityError struct{ rule, hint string }

func (e *integrityError) Error() string   { return e.rule }
func (e *integrityError) Kind() string    { return "integrity" }
func (e *integrityError) Hints() []string { return []string{e.hint} }

// fail prints an error once and returns the exit code. Nothing else prints one.
func (a *app) fail(ctx context.Context, err error) int {
	kind := kindOf(ctx, err)
	a.progressDone()
	message := err.Error()
	if kind == "interrupted" {
		message = "interrupted; nothing was left half-written"
	}
	a.print(kind, message, checkOf(err), hintsOf(kind, err))
	return codes[kind]
}

// checkOf names the check that an approval failed, for whoever goes by the
// record of decisions, which holds the same word.
func checkOf(err error) string {
	var c interface{ Check() string }
	if errors.As(err, &c) {
		return c.Check()
	}
	return ""
}

func (a *app) print(kind, message, check string, hints []string) {
	if a.json {
		e := json.NewEncoder(a.err)
		e.SetEscapeHTML(false)
		f := newFailure(kind, message, hints)
		f.Check = check
		e.Encode(map[string]any{"error": f})
		return
	}
	if check != "" {
		message = oneLine(message) + " (failed check: " + check + ")"
	}
	fmt.Fprintf(a.err, "datanet: error: %s\n", oneLine(message))
	for _, h := range hints {
		fmt.Fprintf(a.err, "hint: %s\n", oneLine(h))
	}
}

// A failure is what --json says of an error.
type failure struct {
	Kind    string   `json:"kind"`
	Code    int      `json:"code"`
	Message string   `json:"message"`
	Check   string   `json:"check,omitempty"` // of an approval, that failed
	Hints   []string `json:"hints"`
}

func newFailure(kind, message string, hints []string) *failure {
	return &failure{Kind: kind, Code: codes[kind], Message: oneLine(message), Hints: hints}
}

// oneLine keeps an error to the one line that is promised, also when a path in
// it has line ends or a database adds advice of its own below its first line. What
// somebody typed into it by mistake is not shown if it reads as an NHS number.
func oneLine(text string) string {
	text, _, _ = strings.Cut(strings.TrimSpace(text), "\n")
	return linkage.Masked(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, text))
}

// A fault is a mistake in this program. It says where, and nothing of what was
// being worked on: a panic's own text could hold a value.
type fault struct{ where string }

// newFault finds the place of the panic that is being recovered.
func newFault() *fault {
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs[:])])
	for {
		f, more := frames.Next()
		if name, ours := strings.CutPrefix(f.Function, "datanet/"); ours {
			return &fault{fmt.Sprintf("%s, line %d", name, f.Line)}
		}
		if name, ours := strings.CutPrefix(f.Function, "main."); ours || !more {
			return &fault{fmt.Sprintf("%s, line %d", name, f.Line)}
		}
	}
}

func (f *fault) Error() string { return "a fault in datanet itself (" + f.where + ")" }
func (f *fault) Kind() string  { return "unexpected" }
func (f *fault) Hints() []string {
	return []string{"please report the line above; it holds nothing of your files"}
}

func kindOf(ctx context.Context, err error) string {
	if ctx.Err() != nil || errors.Is(err, context.Canceled) {
		return "interrupted"
	}
	var k kinded
	if errors.As(err, &k) && codes[k.Kind()] != 0 {
		return k.Kind()
	}
	return "unexpected"
}

func hintsOf(kind string, err error) []string {
	hints := []string{}
	var h hinted
	if errors.As(err, &h) {
		for _, hint := range h.Hints() {
			if hint != "" {
				hints = append(hints, hint)
			}
		}
	}
	if len(hints) == 0 {
		hints = append(hints, defaultHints[kind])
	}
	return hints
}

// defaultHints stand where a room has nothing better to say.
var defaultHints = map[string]string{
	"unexpected":  "try again; report the line above if it stays",
	"use":         "see datanet --help",
	"governance":  "ask the hub's operator what its record of decisions says",
	"source":      "ask for the export again",
	"key":         "look at the file with: datanet key show FILE",
	"integrity":   "get it again from where it came",
	"interrupted": "give the same command again",
}
