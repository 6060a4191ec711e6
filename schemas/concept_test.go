package schemas

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// concepts reads the text table: identifiers and whether they are one.
func concepts(t *testing.T) (yes, no []string) {
	t.Helper()
	for _, words := range tableOf(t, "testdata/concepts.txt") {
		id := strings.ReplaceAll(words[0], "␠", " ")
		if words[1] == "yes" {
			yes = append(yes, id)
		} else {
			no = append(no, id)
		}
	}
	if len(yes) < 10 || len(no) < 10 {
		t.Fatal("the table is not read")
	}
	return yes, no
}

func TestConceptID(t *testing.T) {
	yes, no := concepts(t)
	for _, id := range yes {
		if !ConceptID([]byte(id)) {
			t.Errorf("%s is refused", id)
		}
	}
	for _, id := range append(no, "") {
		if ConceptID([]byte(id)) {
			t.Errorf("%q passes", id)
		}
	}
}

// TestOneSlip: one wrong digit, or two neighbours swapped, is always found.
func TestOneSlip(t *testing.T) {
	yes, _ := concepts(t)
	for _, id := range yes {
		for i := range id {
			for d := byte('0'); d <= '9'; d++ {
				slip := []byte(id)
				slip[i] = d
				if d != id[i] && ConceptID(slip) {
					t.Errorf("%s passes as %s", id, slip)
				}
			}
			if slip := []byte(id); i > 0 && id[i] != id[i-1] {
				slip[i], slip[i-1] = slip[i-1], slip[i]
				if ConceptID(slip) {
					t.Errorf("%s passes as %s", id, slip)
				}
			}
		}
	}
}

// TestVerhoeffSteps is the worked example of 38341003, digit by digit from the
// right: the states 3, 4, 9, 0, 1, 7, 6 and, at the end, 0.
func TestVerhoeffSteps(t *testing.T) {
	digits := []byte("38341003")
	var states []byte
	for i := range digits {
		states = append(states, verhoeff(digits[len(digits)-1-i:]))
	}
	if !bytes.Equal(states, []byte{3, 4, 9, 0, 1, 7, 6, 0}) {
		t.Error(states)
	}
}

// TestNumbersThatPass counts the NHS numbers of the ranges in use, first digit 4,
// 6 or 7, that have the form of a concept's identifier. Only those that end in
// 00 and a check digit can.
func TestNumbersThatPass(t *testing.T) {
	passing := 0
	for head := 4_000_000; head < 8_000_000; head++ {
		if head/1_000_000 == 5 {
			continue
		}
		number := fmt.Appendf(nil, "%d00", head)
		sum := 0
		for i, d := range number {
			sum += int(d-'0') * (10 - i)
		}
		check := (11 - sum%11) % 11
		if check < 10 && ConceptID(append(number, byte('0'+check))) {
			passing++
		}
	}
	const numbers = 272_727_273 // valid ones of these ranges: 3 × 10⁸ × 10/11
	if rate := float64(passing) / numbers; rate < 0.00099 || rate > 0.00101 {
		t.Errorf("%d of %d pass, 1 in %.0f", passing, numbers, 1/rate)
	}
}

// TestDecidingCodes holds the starter lists that decide about people and entries
// to tables that were copied from their sources.
func TestDecidingCodes(t *testing.T) {
	of := map[string]string{}
	for _, list := range []string{"identifiers", "type-1-opt-out", "local-dissent"} {
		for _, e := range StarterLists()[list].Entries {
			of[e.Code] = list + " " + e.Category
		}
	}
	listed := 0
	check := func(code, want string) {
		listed++
		if of[code] != want {
			t.Errorf("%s is %q, want %q", code, of[code], want)
		}
		delete(of, code)
	}
	seen := map[string]bool{}
	for _, words := range tableOf(t, "testdata/identifying-codes.txt") {
		if code := words[1]; !seen[code] { // Read and CTV3 share some
			seen[code] = true
			check(code, "identifiers identifiers")
		}
	}
	for _, words := range tableOf(t, "testdata/dissent-codes.txt") {
		want := ""
		if words[0] != "absent" {
			want = words[0] + " " + words[2]
		}
		for _, code := range spelledOut(words[1]) {
			check(code, want)
		}
	}
	if len(of) > 0 || listed < 120 {
		t.Errorf("%d codes are in the tables; without a source: %v", listed, of)
	}
}

// spelledOut lists the codes of a range such as 9R10.-9R1Z.
func spelledOut(code string) []string {
	from, to, isRange := strings.Cut(code, "-")
	if !isRange {
		return []string{code}
	}
	var codes []string
	for _, c := range "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ" {
		if byte(c) >= from[3] && byte(c) <= to[3] {
			codes = append(codes, from[:3]+string(c)+from[4:])
		}
	}
	return codes
}

// tableOf reads a text table: words of lines, without comments.
func tableOf(t *testing.T, path string) [][]string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var lines [][]string
	for line := range strings.Lines(string(b)) {
		if words := strings.Fields(line); words[0] != "#" {
			lines = append(lines, words)
		}
	}
	return lines
}

// TestStarterConcepts: every number of the lists that come with datanet is a
// concept, synthetic ones in a namespace that is nobody's.
func TestStarterConcepts(t *testing.T) {
	for _, name := range StarterLists().Names() {
		for _, e := range StarterLists()[name].Entries {
			if !isNumber(e.Code) {
				continue
			}
			made := len(e.Code) == 13 && e.Code[3:12] == "000000010" // namespace 0000000, partition 10
			if !ConceptID([]byte(e.Code)) || made != strings.Contains(e.Term, "(synthetic code)") {
				t.Errorf("%s: %s %s", name, e.Code, e.Term)
			}
		}
	}
	if !slices.ContainsFunc(StarterLists()["language"].Entries, func(e Entry) bool { return isNumber(e.Code) }) {
		t.Error("the language list is not of numbers")
	}
}
