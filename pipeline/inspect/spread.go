package inspect

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"strconv"
)

// A rounding is a number as it would be shown, and the values that round to it.
type rounding struct{ shown, low, high float64 }

// toDigits rounds to so many significant digits. Below 10, 100, … digits are
// worth less, so fewer values round to such a number from below than from above.
func toDigits(v float64, digits int) rounding {
	if v == 0 {
		return rounding{0, -0.5, 0.5}
	}
	up := v * (1 + 1e-12) // 85 becomes 90, as people round, and 0.35 is never 0.34999…
	at, _ := strconv.ParseFloat(strconv.FormatFloat(up, 'e', digits-1, 64), 64)
	step := math.Pow(10, math.Floor(math.Log10(math.Abs(at))+1e-9)-float64(digits-1))
	inner, outer := step/2, step/2
	if math.Round(math.Abs(at)/step) == math.Pow(10, float64(digits-1)) {
		inner /= 10
	}
	if v < 0 {
		inner, outer = outer, inner
	}
	slack := math.Abs(at) * 1e-12 // a value on the border is as good as equal to it
	return rounding{at, at - inner - slack, at + outer - slack}
}

// A measure looks at one column of numbers.
type measure struct {
	*look
	t     *seen
	view  string // of all its numbers
	parts int64  // into which people, or codes, are divided to save memory
}

func (m *measure) do(ctx context.Context, statement string, args ...any) error {
	return m.Exec(ctx, "measuring "+m.t.Name, statement, args...)
}

// spread fills in the quantiles of each code's numbers. Two digits are shown
// where enough people share every one of the five; else one digit is tried,
// and what few people share even then stays out.
func (m *measure) spread(ctx context.Context, of []Spread) error {
	exact, err := m.quantiles(ctx, of)
	if err != nil {
		return err
	}
	two, one, err := m.shared(ctx, exact)
	for i := range of {
		of[i].Quantiles = two[of[i].Of]
		for _, q := range of[i].Quantiles {
			if q == nil {
				of[i].Quantiles = one[of[i].Of]
				break
			}
		}
	}
	return err
}

// quantiles are the exact ones, which are somebody's values and go no further.
// A large table's are asked for code by code.
func (m *measure) quantiles(ctx context.Context, of []Spread) (map[string][5]float64, error) {
	exact := map[string][5]float64{}
	if err := m.do(ctx, m.view); err != nil {
		return nil, err
	}
	step := len(of)
	if m.parts > 1 {
		step = 1
	}
	for ; len(of) > 0; of = of[step:] {
		var asked [][]any
		for _, s := range of[:step] {
			asked = append(asked, []any{s.Of})
		}
		if err := m.do(ctx, "DELETE FROM asked"); err != nil {
			return nil, err
		}
		if err := m.Insert(ctx, "asked", asked); err != nil {
			return nil, err
		}
		err := m.Query(ctx, "measuring "+m.t.Name, quantilesSQL, func(r *sql.Rows) error {
			var code string
			var q [5]float64
			err := r.Scan(&code, &q[0], &q[1], &q[2], &q[3], &q[4])
			exact[code] = q
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return exact, nil
}

// A quantiles5 is what may be shown of a code's five quantiles.
type quantiles5 = map[string][5]*float64

// shared rounds the quantiles to two digits and to one, and keeps those that 8
// people have a value for.
func (m *measure) shared(ctx context.Context, exact map[string][5]float64) (two, one quantiles5, err error) {
	var spans [][]any
	at := func(code string, place int) rounding { return toDigits(exact[code][place%5], 2-place/5) }
	for code := range exact {
		for place := range 10 {
			r := at(code, place)
			spans = append(spans, []any{code, place, r.low, r.high})
		}
	}
	if err := m.do(ctx, "DELETE FROM span"); err != nil {
		return nil, nil, err
	}
	if err := m.Insert(ctx, "span", spans); err != nil {
		return nil, nil, err
	}
	people, err := m.sharers(ctx)
	two, one = quantiles5{}, quantiles5{}
	for s, n := range people {
		if n < fewest {
			continue
		}
		into := []quantiles5{two, one}[s.place/5]
		all, shown := into[s.code], at(s.code, s.place).shown
		all[s.place%5] = &shown
		into[s.code] = all
	}
	return two, one, err
}

// A place is one rounded quantile of one code.
type place struct {
	code  string
	place int
}

// sharers counts the people behind each rounded quantile, some people after
// the others.
func (m *measure) sharers(ctx context.Context) (map[place]int64, error) {
	people := map[place]int64{}
	for part := range m.parts {
		some := fmt.Sprintf("%s AND hash(%s) %% %d = %d", m.view, m.t.Table.Columns[0].SQL(), m.parts, part)
		if err := m.do(ctx, some); err != nil {
			return nil, err
		}
		err := m.Query(ctx, "measuring "+m.t.Name, sharersSQL, func(r *sql.Rows) error {
			var s place
			var n int64
			err := r.Scan(&s.code, &s.place, &n)
			people[s] += n
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return people, nil
}
