package disclose

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the text tables under testdata; the diff is the review")

// TestTables runs every text table: input, a line of dashes, output, cases apart by a blank line.
func TestTables(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) < 2 {
		t.Fatalf("text tables are missing: %v %v", files, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) { runTable(t, file) })
	}
}

func runTable(t *testing.T, file string) {
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var rewritten []string
	for _, block := range strings.Split(strings.TrimSpace(string(content)), "\n\n") {
		input, want, ok := strings.Cut(block+"\n", "----\n")
		if !ok {
			t.Fatalf("a case without dashes:\n%s", block)
		}
		got := runCase(t, input)
		if got != want && !*update {
			t.Errorf("input:\n%sgot:\n%swant:\n%s", input, got, want)
		}
		rewritten = append(rewritten, input+"----\n"+got)
	}
	if *update {
		if err := os.WriteFile(file, []byte(strings.Join(rewritten, "\n")), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// story is one case: an axis x of values, features with a count for each value, and noise by true count.
type story struct {
	table  Table
	leaves []leaf
	noise  map[uint64]float64
	audit  bool
}

func runCase(t *testing.T, input string) string {
	t.Helper()
	s := story{noise: map[uint64]float64{}}
	for _, line := range strings.Split(strings.TrimSpace(input), "\n") {
		if !strings.HasPrefix(line, "#") {
			s.read(t, strings.Fields(line))
		}
	}
	nodes, err := s.table.Nodes()
	if err != nil {
		return fmt.Sprintf("error: %v\n", err)
	}
	cells, audit, err := Protect(&s.table, tally(&s.table, nodes, s.leaves), func(_, n uint64) (float64, error) {
		if u, ok := s.noise[n]; ok {
			return u, nil
		}
		return 0.5, nil
	})
	if err != nil {
		return fmt.Sprintf("error: %v\n", err)
	}
	return s.print(nodes, cells, audit)
}

func (s *story) read(t *testing.T, words []string) {
	t.Helper()
	switch words[0] {
	case "x": // the values of the axis
		axis := Axis{"x", []Value{{"All", 0, 0}}}
		for i, name := range words[1:] {
			axis.Values = append(axis.Values, Value{name, 0, 1})
			s.leaves = append(s.leaves, leaf{values: []int{i + 1}})
		}
		s.table.Axes, s.table.Views = []Axis{axis}, []View{{"x", []int{1}}}
	case "noise": // 12=-5: a true count of 12 draws −5
		for _, w := range words[1:] {
			n, v := pair(t, w)
			u := 0.0
			if v > -5 {
				u = law[v+4]
			}
			s.noise[uint64(n)] = u
		}
	case "audit":
		s.audit = true
	default:
		s.feature(t, words)
	}
}

// feature reads: name [zero] [sensitive] [outside] [within=i] counts…
func (s *story) feature(t *testing.T, words []string) {
	t.Helper()
	f := Feature{ID: words[0], Within: -1}
	i := 0
	for _, w := range words[1:] {
		switch {
		case w == "zero":
			f.ShowZero = true
		case w == "sensitive":
			f.Sensitive = true
		case w == "outside":
			f.Outside = true
		case strings.HasPrefix(w, "within="):
			f.Within = int(w[len("within=")] - '0')
		default:
			n, err := strconv.ParseInt(w, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			c := Count{N: n, S: uint64(n) * 1_000_003}
			s.leaves[i].counts = append(s.leaves[i].counts, c)
			i++
		}
	}
	s.table.Features = append(s.table.Features, f)
}

func pair(t *testing.T, w string) (n, v int) {
	t.Helper()
	if _, err := fmt.Sscanf(w, "%d=%d", &n, &v); err != nil {
		t.Fatal(err)
	}
	return n, v
}

func (s *story) print(nodes *Nodes, cells Published, audit *Audit) string {
	var b strings.Builder
	for f, feature := range s.table.Features {
		b.WriteString(feature.ID)
		for node := range nodes.Len() {
			name := s.table.Axes[0].Values[nodes.At(node)[0]].Name
			switch c := cells[f][node]; {
			case !c.Withheld:
				fmt.Fprintf(&b, " %s=%d", name, c.Count)
			case s.audit:
				fmt.Fprintf(&b, " %s=[c %v]", name, audit.Reason(f, node))
			default:
				fmt.Fprintf(&b, " %s=[c]", name)
			}
		}
		b.WriteString("\n")
	}
	if s.audit {
		fmt.Fprintf(&b, "rounds %d, repaired %d, exact %d\n", audit.Rounds, audit.RepairedCells, audit.ExactRecoveries)
	}
	return b.String()
}
