package inspect

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"datanet/schemas"
)

// TestReference compares the figures with plain Go over the same random rows.
// The counting is done anew; what is withheld is decided by the same protect,
// which has tests of its own. DATANET_SEED repeats a population.
func TestReference(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	if n, err := strconv.ParseUint(os.Getenv("DATANET_SEED"), 10, 64); err == nil {
		seed = n
	}
	for round := range uint64(4) {
		r := rand.New(rand.NewPCG(seed, round))
		dir := t.TempDir()
		c := randomRows(r, 150+int(round)*300)
		report := run(t, Options{Folder: dir, Tables: []Source{c.write(t, dir)}, Combinations: []schemas.Combination{{Table: "observations", Columns: []string{"sex", "year"}}}})
		ref := &reference{c}
		for i, column := range report.Tables[0].Columns[1:] {
			if got, want := says(column), ref.says(i+1); got != want {
				t.Errorf("DATANET_SEED=%d, round %d, %s:\ngot  %s\nwant %s", seed, round, column.Column, got, want)
			}
		}
		if got, want := bandsOf(report.Groups[0]), ref.groups(2, 4); got != want {
			t.Errorf("DATANET_SEED=%d, round %d, groups:\ngot  %s\nwant %s", seed, round, got, want)
		}
	}
}

func randomRows(r *rand.Rand, people int) *cast {
	c := &cast{table: columns("observations", "concept code text", "sex category text", "value number number", "year date year", "flag category boolean")}
	pick := func(of ...any) any { return of[min(int(r.ExpFloat64()*float64(len(of))/3), len(of)-1)] }
	for n := range people {
		for range 1 + int(r.ExpFloat64()) {
			var value any
			if r.IntN(3) > 0 {
				value = float64(r.IntN(900)) / 10
			}
			c.rows = append(c.rows, []any{n, pick("100", "200", "300", "400", "500"), pick("F", "M", "", "I", nil), value, pick(1990, 1991, 1992, 1980, nil, 1970), pick(true, false, nil)})
		}
	}
	r.Shuffle(len(c.rows), func(i, j int) { c.rows[i], c.rows[j] = c.rows[j], c.rows[i] })
	return c
}

type reference struct{ *cast }

// count counts the people and rows of every value that of gives for a row.
func (f *reference) count(of func(row []any) any) (tallies []tally, people, rows int64) {
	who, all, have := map[string]map[any]bool{}, map[any]bool{}, map[string]int64{}
	for _, row := range f.rows {
		v := fmt.Sprint(of(row))
		if who[v] == nil {
			who[v] = map[any]bool{}
		}
		who[v][row[0]], all[row[0]] = true, true
		have[v]++
	}
	for v, w := range who {
		tallies = append(tallies, tally{value: v, missing: v == "<nil>", people: int64(len(w)), rows: have[v]})
	}
	slices.SortFunc(tallies, func(a, b tally) int {
		if a.people != b.people {
			return int(b.people - a.people)
		}
		if a.missing != b.missing {
			return map[bool]int{true: -1, false: 1}[a.missing]
		}
		return strings.Compare(a.value, b.value)
	})
	return tallies, int64(len(all)), int64(len(f.rows))
}

func (f *reference) says(i int) string {
	c := f.table.Columns[i]
	value := func(row []any) any {
		if row[i] == "" {
			return nil
		}
		return row[i]
	}
	out := Column{Kind: KindValues}
	if c.Role == schemas.Number {
		value = func(row []any) any {
			if row[i] == nil {
				return nil
			}
			return "a number"
		}
	}
	tallies, people, rows := f.count(value)
	s := protect(tallies, len(tallies), people, rows)
	out.Missing = s.missing(tallies, rows)
	if c.Role == schemas.Number {
		out.Kind, out.Numbers = KindNumbers, f.numbers(i)
		return says(out)
	}
	values := s.present(c.Role)
	if c.Role == schemas.Date {
		out.Kind = KindYears
		slices.SortFunc(values.Shown, byValue)
	}
	if c.Role == schemas.CodeRole {
		out.Kind = KindCodes
	}
	out.Values = &values
	return says(out)
}

// numbers are the quantiles of each concept's values: of n values in order, the
// one at the place of the share of n, rounded up.
func (f *reference) numbers(i int) []Spread {
	tallies, people, rows := f.count(func(row []any) any {
		if row[i] == nil {
			return nil
		}
		return row[1]
	})
	var out []Spread
	for _, s := range byCode(protect(tallies, len(tallies), people, rows)) {
		var sorted []float64
		for _, row := range f.rows {
			if row[1] == s.Of && row[i] != nil {
				sorted = append(sorted, row[i].(float64))
			}
		}
		slices.Sort(sorted)
		for _, digits := range []int{2, 1} {
			whole := true
			for place, share := range []float64{0.05, 0.25, 0.5, 0.75, 0.95} {
				q := sorted[max(0, int(math.Ceil(share*float64(len(sorted))))-1)]
				s.Quantiles[place] = f.shared(i, s.Of, q, digits)
				whole = whole && s.Quantiles[place] != nil
			}
			if whole {
				break
			}
		}
		out = append(out, s)
	}
	return out
}

// shared is a number rounded to digits, if 8 people have a value that rounds
// to the same. Rounding is done on the number as it is written.
func (f *reference) shared(i int, concept string, q float64, digits int) *float64 {
	round := func(v float64) float64 {
		if v == 0 {
			return 0
		}
		text := strconv.FormatFloat(v+math.Copysign(1e-9, v), 'e', digits-1, 64)
		n, _ := strconv.ParseFloat(text, 64)
		return n
	}
	who := map[any]bool{}
	want := round(q)
	for _, row := range f.rows {
		if row[1] == concept && row[i] != nil && math.Abs(round(row[i].(float64))-want) < 1e-9 {
			who[row[0]] = true
		}
	}
	if len(who) < fewest {
		return nil
	}
	return &want
}

func bandsOf(g Groups) string {
	s := fmt.Sprintf("k %d, groups %s:", *g.Smallest, whole(g.Groups))
	for _, b := range g.Bands {
		s += " " + b.Size + " " + percent(b.Share) + ";"
	}
	return s
}

func (f *reference) groups(columns ...int) string {
	key := func(row []any) string {
		k := ""
		for _, i := range columns {
			k += fmt.Sprintf("%v|", row[i])
		}
		return k
	}
	members, rarest := map[string]map[any]bool{}, map[any]int{}
	for _, row := range f.rows {
		if members[key(row)] == nil {
			members[key(row)] = map[any]bool{}
		}
		members[key(row)][row[0]] = true
	}
	k := math.MaxInt
	for _, row := range f.rows {
		n := len(members[key(row)])
		if old, ok := rarest[row[0]]; !ok || n < old {
			rarest[row[0]] = n
		}
		k = min(k, n)
	}
	bands := map[string]int64{}
	for _, n := range rarest {
		switch {
		case n == 1:
			bands["1"]++
		case n < 5:
			bands["2 to 4"]++
		case n < 10:
			bands["5 to 9"]++
		default:
			bands["10 or more"]++
		}
	}
	var tallies []tally
	for _, size := range []string{"1", "10 or more", "2 to 4", "5 to 9"} {
		if bands[size] > 0 {
			tallies = append(tallies, tally{value: size, people: bands[size]})
		}
	}
	k = min(k, 10)
	smallest, groups := int64(k), round5(int64(len(members)))
	g := Groups{Smallest: &smallest, Bands: shares(tallies, int64(len(rarest)))}
	if len(members) >= fewest {
		g.Groups = &groups
	}
	return bandsOf(g)
}
