package extract

import (
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the expected halves of testdata/*.txt")

// table runs a text table: a comment block, then cases of a title line, input
// lines, "----" and the expected output, with blank lines between cases.
func table(t *testing.T, path string, run func(t *testing.T, input string) string) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(strings.TrimSpace(string(raw)), "\n\n")
	cases := 0
	for i, block := range blocks {
		head, want, ok := strings.Cut(block+"\n", "\n----\n")
		title, input, hasInput := strings.Cut(head, "\n")
		if !ok || !hasInput {
			continue
		}
		cases++
		t.Run(title, func(t *testing.T) {
			got := strings.TrimSpace(run(t, input))
			if *update {
				blocks[i] = head + "\n----\n" + got
			} else if got != strings.TrimSpace(want) {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
	if cases == 0 {
		t.Fatalf("%s holds no cases", path)
	}
	if *update {
		if err := os.WriteFile(path, []byte(strings.Join(blocks, "\n\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
