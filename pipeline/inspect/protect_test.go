package inspect

import (
	"fmt"
	"strings"
	"testing"
)

// letters makes tallies of counts, called a, b, c …; a value that nobody has
// does not stand in the column.
func letters(counts []int64) (tallies []tally, total int64) {
	for i, n := range counts {
		if n > 0 {
			tallies = append(tallies, tally{value: string(rune('a' + i)), people: n, rows: n})
		}
		total += n
	}
	return tallies, total
}

// looks is all that a reader gets, the exact total included.
func looks(counts []int64) string {
	tallies, total := letters(counts)
	s := protect(tallies, len(tallies), total, total)
	var out strings.Builder
	fmt.Fprintf(&out, "of %d:", total)
	for _, c := range "abcdefgh" {
		for _, t := range s.shown {
			if t.value == string(c) {
				fmt.Fprintf(&out, " %s %d", t.value, round5(t.people))
			}
		}
	}
	for _, c := range "abcdefgh" {
		for _, t := range s.named {
			if t.value == string(c) {
				fmt.Fprintf(&out, " %s [c]", t.value)
			}
		}
	}
	if s.hidden > 0 {
		out.WriteString(" others [c]")
	}
	if s.mostly != nil {
		out.WriteString(" mostly " + s.mostly.value)
	}
	return out.String()
}

func TestProtect(t *testing.T) {
	for _, c := range []struct {
		counts []int64
		want   string
	}{
		{[]int64{503, 498}, "of 1001: a 505 b 500"},
		{[]int64{501, 496, 2, 1}, "of 1000: a 500 b 495 others [c]"},
		{[]int64{503, 498, 2, 1}, "of 1004: a 505 others [c]"}, // 1004 − 503 − 498 would leave 3 for both
		{[]int64{7}, "of 7: others [c]"},
		{[]int64{8}, "of 8: a 10"},
		{[]int64{997, 3}, "of 1000: others [c] mostly a"},
		{[]int64{999, 1}, "of 1000: others [c] mostly a"},
		{[]int64{1000}, "of 1000: a 1000"},
		{[]int64{60, 5}, "of 65: a [c] others [c]"},
		{[]int64{20, 20, 1}, "of 41: a 20 others [c]"},
		{[]int64{503, 498, 1}, "of 1002: a 505 b [c] others [c]"},
	} {
		if got := looks(c.counts); got != c.want {
			t.Errorf("%v: %s, not %s", c.counts, got, c.want)
		}
	}
}

// TestSubtraction is an attack. The reader knows the exact total, every value
// that the column could hold, and these rules to the letter, and goes through
// every table that would have looked the same. A count of 1 to 7 people must
// stay open by 3 at least.
func TestSubtraction(t *testing.T) {
	attack := func(name string, worlds func(visit func(counts []int64))) {
		type bounds struct{ low, high []int64 }
		answers := map[string]*bounds{}
		worlds(func(counts []int64) {
			b := answers[looks(counts)]
			if b == nil {
				b = &bounds{append([]int64{}, counts...), append([]int64{}, counts...)}
				answers[looks(counts)] = b
			}
			for i, n := range counts {
				b.low[i], b.high[i] = min(b.low[i], n), max(b.high[i], n)
			}
		})
		tables, told := 0, 0
		worlds(func(counts []int64) {
			tables++
			b, total := answers[looks(counts)], int64(0)
			for _, n := range counts {
				total += n
			}
			for i, n := range counts {
				if n >= 1 && n < fewest && b.high[i]-b.low[i] < min(apart, total) {
					if told++; told < 6 {
						t.Errorf("%s: %v looks like %q: value %d lies in %d to %d", name, counts, looks(counts), i+1, b.low[i], b.high[i])
					}
				}
			}
		})
		t.Logf("%s: %d tables, %d different answers, %d counts told", name, tables, len(answers), told)
	}
	each := func(values int, total int64) func(func([]int64)) {
		return func(visit func([]int64)) {
			counts := make([]int64, values)
			var fill func(i int, left int64)
			fill = func(i int, left int64) {
				if i == values {
					visit(counts)
					return
				}
				for counts[i] = 0; counts[i] <= left; counts[i]++ {
					fill(i+1, left-counts[i])
				}
			}
			fill(0, total)
		}
	}
	attack("two values", each(2, 260))
	attack("three values", each(3, 180))
	attack("four values", each(4, 48))
}

// TestSubtractionOfOverlaps: the same where somebody can have both of two
// values: a reader knows the people and the rows, which are no longer the same.
// Where nothing at all is shown of the column, what these totals tell by
// themselves is not its doing.
func TestSubtractionOfOverlaps(t *testing.T) {
	type bounds struct{ low, high [2]int64 }
	answers := map[string]*bounds{}
	each := func(visit func(answer string, counts [2]int64, people int64)) {
		for people := int64(fewest); people <= 70; people++ {
			for a := int64(0); a <= people; a++ {
				for b := people - a; b <= people; b++ {
					rows, tallies := a+b, []tally{}
					for i, n := range []int64{a, b} {
						if n > 0 {
							tallies = append(tallies, tally{value: string(rune('a' + i)), people: n})
						}
					}
					s := protect(tallies, len(tallies), people, rows)
					answer := fmt.Sprint(people, rows, s.hidden, s.mostly, s.named)
					for _, t := range s.shown {
						answer += fmt.Sprint(" ", t.value, round5(t.people))
					}
					if len(s.shown) > 0 || s.mostly != nil {
						visit(answer, [2]int64{a, b}, people)
					}
				}
			}
		}
	}
	each(func(answer string, counts [2]int64, _ int64) {
		b := answers[answer]
		if b == nil {
			b = &bounds{counts, counts}
			answers[answer] = b
		}
		for i, n := range counts {
			b.low[i], b.high[i] = min(b.low[i], n), max(b.high[i], n)
		}
	})
	told := 0
	each(func(answer string, counts [2]int64, people int64) {
		b := answers[answer]
		for i, n := range counts {
			if n >= 1 && n < fewest && b.high[i]-b.low[i] < min(apart, people) {
				if told++; told < 6 {
					t.Errorf("%d people, %v look like %q: value %d lies in %d to %d", people, counts, answer, i+1, b.low[i], b.high[i])
				}
			}
		}
	})
	t.Log(len(answers), "answers,", told, "told")
}

// TestSubtractionWins: where each value is presented on its own, the same
// reader succeeds, so the test above can fail.
func TestSubtractionWins(t *testing.T) {
	for total := int64(1000); total < 1010; total++ {
		alike := map[int64]int{}
		for rare := int64(0); rare < fewest; rare++ {
			alike[round5(total-rare)]++
		}
		for rare := int64(1); rare < fewest; rare++ {
			if alike[round5(total-rare)] == 1 {
				return
			}
		}
	}
	t.Error("rounding alone withstands the subtraction: what is the second rule for?")
}
