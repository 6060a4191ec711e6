package hub

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestDecideTable(t *testing.T) {
	table(t, "testdata/decide.txt", func(t *testing.T, input string) string {
		state := State{Schema: stateSchema, Dataset: "primary-care", Members: []Member{}}
		for line := range strings.Lines(input) {
			verb, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
			in := parseIncoming(t, rest)
			if verb == "in" {
				return decided(Decide(state, in))
			}
			state = state.with(Member{Site: in.Site, Sequence: in.Sequence, AsAt: in.AsAt, Manifest: in.Manifest}, 0, testCheck, strings.Repeat("0", 64))
		}
		t.Fatal("no incoming extract")
		return ""
	})
}

func parseIncoming(t *testing.T, text string) Incoming {
	in := Incoming{LinkageCheck: testCheck}
	text = strings.NewReplacer("sequence=", "", "as-at=", "", "manifest=", "", "check=", "").Replace(text)
	if _, err := fmt.Sscan(text, &in.Site, &in.Sequence, &in.AsAt, &in.Manifest, &in.LinkageCheck); err != nil && in.Manifest == "" {
		t.Fatal(err)
	}
	in.Manifest = strings.Repeat(in.Manifest, 64)
	return in
}

func decided(d Decision, err error) string {
	var kinded interface{ Kind() string }
	switch {
	case errors.As(err, &kinded):
		return "refused (" + kinded.Kind() + "): " + err.Error()
	case err != nil:
		return "refused: " + err.Error()
	case d.Skip != "":
		return "skip: " + d.Skip
	}
	return strings.Join(append([]string{"load"}, d.Notes...), "\n")
}
