package aggregate

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"datanet/schemas"
)

var update = flag.Bool("update", false, "rewrite the tables under testdata")

// TestRules reads testdata/rules.txt: small populations, and after ---- who is
// counted, by ward and ethnicity. Blocks are separated by empty lines.
func TestRules(t *testing.T) {
	const path = "testdata/rules.txt"
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, block := range strings.Split(strings.TrimSpace(string(whole)), "\n\n") {
		input, want, _ := strings.Cut(block+"\n", "\n----\n")
		want = strings.TrimSuffix(want, "\n")
		got := answer(t, input)
		if !*update && got != want {
			t.Errorf("%s\n---- got\n%s\n---- want\n%s", input, got, want)
		}
		out = append(out, input+"\n----\n"+got)
	}
	if *update {
		if err := os.WriteFile(path, []byte(strings.Join(out, "\n\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func answer(t *testing.T, input string) string {
	t.Helper()
	p, asAt := &population{}, "2026-10-31"
	for _, line := range strings.Split(input, "\n") {
		words := strings.Fields(line)
		switch words[0] {
		case "#":
		case "as-at":
			asAt = words[1]
		case "patient":
			p.patients = append(p.patients, patientOf(t, words[1:]))
		case "entry":
			p.entries = append(p.entries, entryOf(t, words[1:]))
		case "diagnosis": // person, code, date
			x := diagnosis{person: number(t, words[1]), icd10: words[2]}
			x.date, x.year = dateOf(t, words[3])
			p.diagnoses = append(p.diagnoses, x)
		case "booking": // person, month
			p.bookings = append(p.bookings, booking{number(t, words[1]), words[2]})
		default:
			t.Fatalf("cannot read %q", line)
		}
	}
	c := schemas.StandardCatalogue()
	var lines []string
	for _, n := range p.count(t, asAt, 1, 1) {
		if c.Views[n.View].ID == "ward-ethnicity" {
			lines = append(lines, fmt.Sprintf("%-20s %d in %s, %s", c.Features()[n.Feature].ID, n.N, c.Axes[0].Values[n.Values[0]].ID, c.Axes[1].Values[n.Values[1]].Title))
		}
	}
	slices.Sort(lines)
	if lines == nil {
		return "nobody"
	}
	return strings.Join(lines, "\n")
}

func patientOf(t *testing.T, words []string) patient {
	t.Helper()
	x := patient{person: number(t, words[0]), site: "Z99001", sex: "F", birth: n(1980), ethnicity: "N", ward: "E05014108"}
	for _, w := range words[1:] {
		field, value, _ := strings.Cut(w, "=")
		switch field {
		case "site":
			x.site = value
		case "birth":
			x.birth = nil
			if value != "" {
				x.birth = n(number(t, value))
			}
		case "ethnicity":
			x.ethnicity = value
		case "sex":
			x.sex = value
		case "ward":
			x.ward = value
		case "from":
			x.from = value
		case "to":
			x.to = value
		case "death":
			x.death = n(number(t, value))
		default:
			t.Fatalf("no field %q", field)
		}
	}
	return x
}

// entryOf reads person, list, and a date, a year or ?.
func entryOf(t *testing.T, words []string) entry {
	t.Helper()
	l, err := schemas.CodeList(words[1])
	if err != nil {
		t.Fatal(err)
	}
	x := entry{person: number(t, words[0]), concept: l.Entries[0].Code}
	x.date, x.year = dateOf(t, words[2])
	return x
}

func dateOf(t *testing.T, word string) (date string, year *int) {
	t.Helper()
	if word == "?" {
		return "", nil
	}
	if len(word) > 4 {
		date = word
	}
	return date, n(number(t, word[:4]))
}

func number(t *testing.T, s string) int {
	t.Helper()
	v, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}
