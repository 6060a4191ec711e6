package pseudonym

import (
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// referenceParse is the same rule written another way, from the NHS Data
// Dictionary's own steps, for ParseNHSNumber to agree with.
func referenceParse(raw string, r Range) (string, Problem) {
	raw = strings.Trim(raw, " \t\n\v\f\r")
	if raw == "" {
		return "", Blank
	}
	if !regexp.MustCompile(`^[0-9]([ -]?[0-9]){9}$`).MatchString(raw) {
		return "", Malformed
	}
	digits := strings.NewReplacer(" ", "", "-", "").Replace(raw)
	if strings.Count(digits, digits[:1]) == 10 {
		return "", RepeatedDigit
	}
	total := 0
	for i := range 9 {
		d, _ := strconv.Atoi(digits[i : i+1])
		total += d * (10 - i)
	}
	want := 11 - total%11
	if want == 11 {
		want = 0
	}
	if strconv.Itoa(want) != digits[9:] {
		return "", CheckDigit
	}
	if !strings.Contains(map[Range]string{Live: "467", Test: "9"}[r], digits[:1]) {
		return "", OutOfRange
	}
	return digits, OK
}

func digitsOf(n NHSNumber) string {
	var d [nhsDigits]byte
	n.digits(&d)
	return string(d[:])
}

func agree(t testing.TB, raw string) {
	t.Helper()
	for _, r := range []Range{Live, Test} {
		want, problem := referenceParse(raw, r)
		n, p := ParseNHSNumber([]byte(raw), r)
		if p != problem {
			t.Fatalf("%v, the reference says %v", p, problem)
		}
		if (p == OK) != (n != NHSNumber{}) {
			t.Fatal("a number beside a problem, or none without")
		}
		if p == OK && digitsOf(n) != want {
			t.Fatal("the digits changed")
		}
	}
}

func TestPublishedNumbers(t *testing.T) {
	for i, c := range vectors.NHS.Cases {
		raw := c.Number + c.Raw
		agree(t, raw)
		_, live := ParseNHSNumber([]byte(raw), Live)
		_, test := ParseNHSNumber([]byte(raw), Test)
		valid := live == OK || live == OutOfRange
		if valid != c.Valid || valid != (test == OK || test == OutOfRange) {
			t.Errorf("case %d: %v in the live range, %v in the test range", i, live, test)
		}
		if valid && (live == OK) != strings.ContainsAny(raw[:1], "467") {
			t.Errorf("case %d: %v in the live range", i, live)
		}
		if c.Canonical != "" {
			if n, _ := ParseNHSNumber([]byte(raw), Live); digitsOf(n) != c.Canonical {
				t.Errorf("case %d: other digits", i)
			}
		}
	}
	for i, c := range vectors.NHS.Repeated {
		for _, r := range []Range{Live, Test} {
			if _, p := ParseNHSNumber([]byte(c.Number), r); p != RepeatedDigit {
				t.Errorf("repeated digit %d: %v", i, p)
			}
		}
	}
}

// The writings that sources use and misuse: testdata/nhsnumbers.txt.
func TestWritings(t *testing.T) {
	table, err := os.ReadFile("testdata/nhsnumbers.txt")
	if err != nil {
		t.Fatal(err)
	}
	ranges, rows := map[string]Range{"live": Live, "test": Test}, 0
	for line := range strings.Lines(string(table)) {
		field := strings.Fields(line)
		if len(field) == 0 || field[0] == "#" {
			continue
		}
		raw, err := strconv.Unquote(line[strings.Index(line, `"`) : len(line)-1])
		r, known := ranges[field[0]]
		if err != nil || !known {
			t.Fatalf("row %d of the table does not read", rows+1)
		}
		if _, got := ParseNHSNumber([]byte(raw), r); got.String() != field[1] {
			t.Errorf("%s: %v", strings.TrimSpace(line), got)
		}
		agree(t, raw)
		rows++
	}
	if rows < 40 {
		t.Errorf("only %d rows in the table", rows)
	}
	agree(t, strings.Repeat("9", 1<<16))
}

func TestRangesExclude(t *testing.T) {
	for first := byte(0); first <= 10; first++ {
		if Live.holds(first) != (first == 4 || first == 6 || first == 7) || Test.holds(first) != (first == 9) {
			t.Errorf("first digit %d is in a wrong range", first)
		}
		if Range(2).holds(first) {
			t.Error("an unknown range holds numbers")
		}
	}
	if _, p := ParseNHSNumber([]byte("9990000018"), Live); p != OutOfRange {
		t.Errorf("a test number in a live run: %v", p)
	}
}

// All numbers of the 999 range, against the count that the vectors hold.
func TestCountOfTestNumbers(t *testing.T) {
	if testing.Short() {
		t.Skip("ten million numbers")
	}
	valid := 0
	raw := []byte("9990000000")
	for {
		if _, p := ParseNHSNumber(raw, Test); p == OK || p == RepeatedDigit {
			valid++ // the vectors' figure counts the repeated one
		}
		i := 9
		for ; raw[i] == '9' && i > 2; i-- {
			raw[i] = '0'
		}
		if i == 2 {
			break
		}
		raw[i]++
	}
	if valid != vectors.NHS.Space.Test {
		t.Errorf("%d valid numbers, want %d", valid, vectors.NHS.Space.Test)
	}
}

// Every single wrong digit and every swap of two neighbours is caught: what
// modulus 11 is for.
func TestCheckDigitCatchesSlips(t *testing.T) {
	number := []byte("9990000018")
	for i := range number {
		for d := byte('0'); d <= '9'; d++ {
			slip := append([]byte(nil), number...)
			slip[i] = d
			if _, p := ParseNHSNumber(slip, Test); (p == OK) != (d == number[i]) {
				t.Errorf("digit %d as %c: %v", i, d, p)
			}
		}
		if i > 0 && number[i] != number[i-1] {
			slip := append([]byte(nil), number...)
			slip[i], slip[i-1] = slip[i-1], slip[i]
			if _, p := ParseNHSNumber(slip, Test); p == OK {
				t.Errorf("digits %d and %d swapped are accepted", i-1, i)
			}
		}
	}
}

func TestReferenceAgreesOnRandomNumbers(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	t.Logf("seed %d", seed)
	for range 20000 {
		raw := fmt.Sprintf("%0*d", 8+r.IntN(4), r.Uint64N(1e10))
		if r.IntN(4) == 0 {
			at := r.IntN(len(raw) + 1)
			raw = raw[:at] + string(" -.\t0"[r.IntN(5)]) + raw[at:]
		}
		agree(t, raw)
	}
}

func TestProblemWords(t *testing.T) {
	want := "ok blank malformed repeated-digit check-digit out-of-range unknown"
	var got []string
	for p := OK; p <= OutOfRange+1; p++ {
		got = append(got, p.String())
	}
	if strings.Join(got, " ") != want {
		t.Errorf("%v", got)
	}
}

func FuzzParseNHSNumber(f *testing.F) {
	for _, seed := range []string{"9990000018", "999 000 0018", "999-000-0018", " ", "9.990000018E9", "999000001", "9999999999", "9990000019"} {
		f.Add(seed)
	}
	for _, c := range vectors.NHS.Cases {
		f.Add(c.Number + c.Raw)
	}
	f.Fuzz(func(t *testing.T, raw string) { agree(t, raw) })
}

func BenchmarkParseNHSNumber(b *testing.B) {
	raw := []byte("999 000 0018")
	b.ReportAllocs()
	for b.Loop() {
		ParseNHSNumber(raw, Test)
	}
}
