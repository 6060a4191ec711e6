package inspect

import (
	"context"
	"database/sql"
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

// spread fills in the quantiles of each code's numbers. Two digits are shown
// where enough people share every one of the five; else one digit is tried,
// and what few people share even then stays out.
func (l *look) spread(ctx context.Context, t *seen, of []Spread) error {
	exact, err := l.quantiles(ctx, t, of)
	if err != nil {
		return err
	}
	two, one, err := l.shared(ctx, t, exact)
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
func (l *look) quantiles(ctx context.Context, t *seen, of []Spread) (map[string][5]float64, error) {
	if err := l.Exec(ctx, "measuring "+t.Name, "DELETE FROM asked"); err != nil {
		return nil, err
	}
	for _, s := range of {
		if err := l.Exec(ctx, "measuring "+t.Name, "INSERT INTO asked VALUES (?)", s.Of); err != nil {
			return nil, err
		}
	}
	exact := map[string][5]float64{}
	err := l.Query(ctx, "measuring "+t.Name, quantilesSQL, func(r *sql.Rows) error {
		var code string
		var q [5]float64
		err := r.Scan(&code, &q[0], &q[1], &q[2], &q[3], &q[4])
		exact[code] = q
		return err
	})
	return exact, err
}

// A quantiles5 is what may be shown of a code's five quantiles.
type quantiles5 = map[string][5]*float64

// shared rounds the quantiles to two digits and to one, and keeps those that 8
// people have a value for.
func (l *look) shared(ctx context.Context, t *seen, exact map[string][5]float64) (two, one quantiles5, err error) {
	if err := l.Exec(ctx, "measuring "+t.Name, "DELETE FROM span"); err != nil {
		return nil, nil, err
	}
	var spans [][]any
	at := func(code string, place int) rounding { return toDigits(exact[code][place%5], 2-place/5) }
	for code := range exact {
		for place := range 10 {
			r := at(code, place)
			spans = append(spans, []any{code, place, r.low, r.high})
		}
	}
	if err := l.Insert(ctx, "span", spans); err != nil {
		return nil, nil, err
	}
	two, one = quantiles5{}, quantiles5{}
	return two, one, l.Query(ctx, "measuring "+t.Name, sharersSQL, func(r *sql.Rows) error {
		var code string
		var place int
		var people int64
		if err := r.Scan(&code, &place, &people); err != nil || people < fewest {
			return err
		}
		into := []quantiles5{two, one}[place/5]
		all, shown := into[code], at(code, place).shown
		all[place%5] = &shown
		into[code] = all
		return nil
	})
}
