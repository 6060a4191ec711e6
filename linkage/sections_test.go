package linkage

import (
	"strings"
	"testing"
)

// The parts say what the text says: the same words in the same order.
func TestSectionsAreThePlainText(t *testing.T) {
	a, b := wish("primary-care", "slam"), wish("slam", "maternity")
	for _, request := range []*Approval{&a, &b} {
		request.ID, request.Disclosure, request.Hub, request.Seen = "2026-001", "lattice", testHub, Seen{Size: 1}
		request.complete()
	}
	b.ID = "2026-002"
	all := []*Decision{standing(&a), standing(&b)}
	var parts strings.Builder
	parts.WriteString("Request " + a.ID + ": " + a.Title)
	listed := 0
	for _, s := range a.Sections(all, morning) {
		parts.WriteString(" " + s.Title)
		for _, p := range s.Paragraphs {
			parts.WriteString(" " + p.Text + " " + strings.Join(p.List, " "))
			listed += len(p.List)
		}
	}
	words := func(s string) string { return strings.Join(strings.Fields(s), " ") }
	if got, want := words(parts.String()), words(a.Plain(all, morning)); got != want {
		t.Errorf("the parts say\n%s\nand the text\n%s", got, want)
	}
	if listed < len(a.Users)+6 {
		t.Errorf("%d listed: the people and the columns are lists", listed)
	}
}
