package linkage

import (
	"strings"
	"testing"
)

func TestDecisionTable(t *testing.T) {
	table(t, "testdata/decisions.txt", func(t *testing.T, input string) string {
		w := newWorld(t)
		var out strings.Builder
		for line := range strings.Lines(input) {
			out.WriteString(w.act(strings.TrimSpace(line)) + "\n")
		}
		if err := reopened(t, w.dir).Verify(); err != nil {
			t.Errorf("what Append let in, a reader refuses: %v", err)
		}
		return out.String()
	})
}
