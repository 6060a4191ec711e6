package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
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

// A reported error has been shown to the user item by item; only its exit
// code is left to say.
type reported struct{ error }

func (r reported) Unwrap() error { return r.error }

// fail prints an error once and returns the exit code. Nothing else prints one.
func (a *app) fail(ctx context.Context, err error) int {
	kind := kindOf(ctx, err)
	var done reported
	if errors.As(err, &done) {
		return codes[kind]
	}
	a.progressDone()
	message := err.Error()
	if kind == "interrupted" {
		message = "interrupted; nothing was left half-written"
	}
	a.print(kind, message, hintsOf(err))
	return codes[kind]
}

func (a *app) print(kind, message string, hints []string) {
	if a.json {
		document := map[string]any{"error": map[string]any{"kind": kind, "code": codes[kind], "message": message, "hints": hints}}
		e := json.NewEncoder(a.err)
		e.SetEscapeHTML(false)
		e.Encode(document)
		return
	}
	fmt.Fprintf(a.err, "datanet: error: %s\n", message)
	for _, h := range hints {
		fmt.Fprintf(a.err, "hint: %s\n", h)
	}
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

func hintsOf(err error) []string {
	hints := []string{}
	var h hinted
	if errors.As(err, &h) {
		for _, hint := range h.Hints() {
			if hint != "" {
				hints = append(hints, hint)
			}
		}
	}
	return hints
}
