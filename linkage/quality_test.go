package linkage

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"datanet/schemas"
)

// TestShowableResistsSubtraction: whoever knows every column's total, every shown count exactly, and which groups have nobody in a part, tells no count of
// 1 to 7 to within fewer than 3, and shown rows are never small.
func TestShowableResistsSubtraction(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	hidden, shown := 0, 0
	for range 20000 {
		rows := make([][]int64, 1+r.IntN(8))
		for i := range rows {
			rows[i] = []int64{int64(r.IntN(60)), int64(r.IntN(1 + r.IntN(40)))}
		}
		show := Showable(rows)
		if !slices.Contains(show, true) {
			continue // nothing is said
		}
		for part := range 2 {
			var left int64 // in what is not shown
			var open []int64
			for i, row := range rows {
				switch {
				case show[i] && row[part] < fewest:
					t.Fatalf("seed %d: a small count is shown in %v", seed, rows)
				case show[i]:
					shown++
				default:
					left += row[part]
					open = append(open, row[part])
				}
			}
			for at, n := range open {
				if n == 0 || n >= fewest {
					continue
				}
				hidden++
				if low, high := between(open, at, left); high-low < apart {
					t.Fatalf("seed %d: %d is told as %d to %d in %v, shown %v", seed, n, low, high, rows, show)
				}
			}
		}
	}
	if hidden < 5000 || shown < 5000 {
		t.Errorf("only %d withheld and %d shown counts", hidden, shown)
	}
}

// between tries every value of a small count that the others leave room for, when it is known of each whether it is none, small or larger.
func between(open []int64, at int, left int64) (low, high int64) {
	var least, most int64
	for i, n := range open {
		switch {
		case i == at || n == 0:
		case n < fewest:
			least, most = least+1, most+fewest-1
		default:
			least, most = least+fewest, most+slices.Max(open)
		}
	}
	low, high = math.MaxInt64, -1
	for n := int64(1); n < fewest; n++ {
		if rest := left - n; rest >= least && rest <= most {
			low, high = min(low, n), max(high, n)
		}
	}
	return low, high
}

// TestExpectedByHand: two ages, two groups. Everybody: 10 of 100 young, 40 of 80 old.
func TestExpectedByHand(t *testing.T) {
	got := Expected([]Tally{{Of: []int64{90, 10}, In: []int64{8, 6}}, {Of: []int64{10, 70}, In: []int64{2, 34}}})
	if math.Abs(got[0]-(9+5)) > 1e-12 || math.Abs(got[1]-(1+35)) > 1e-12 {
		t.Error(got)
	}
	of, in := Tally{Of: []int64{90, 10}, In: []int64{8, 6}}.Total()
	if of != 100 || in != 14 {
		t.Error(of, in)
	}
}

// TestGroupings: what each dataset allows, and what falls away with a column.
func TestGroupings(t *testing.T) {
	for _, c := range []struct {
		dataset string
		without []string
		want    []string
	}{
		{"primary-care", nil, []string{"age", "ethnicity", "sex", "imd", "ward", "site"}},
		{"primary-care", []string{"imd_decile", "sex"}, []string{"age", "ethnicity", "imd", "ward", "site"}},
		{"primary-care", []string{"imd_decile", "lsoa", "birth_year"}, []string{"ethnicity", "sex", "ward", "site"}},
		{"slam", nil, []string{"age", "ethnicity", "sex", "imd", "ward"}},
		{"maternity", nil, []string{"ethnicity", "ward"}},
	} {
		d, err := schemas.DatasetByID(c.dataset)
		if err != nil {
			t.Fatal(err)
		}
		only := d.Tables[0].Only(slices.DeleteFunc(d.Tables[0].ColumnNames(), func(n string) bool { return slices.Contains(c.without, n) }))
		groupings, missing := Groupings(only, 2026, []string{"Z99001"})
		var got []string
		for _, g := range groupings {
			got = append(got, g.Dimension)
			if len(g.Values) > int(g.mask) {
				t.Errorf("%s: %d groups do not fit", g.Dimension, len(g.Values))
			}
		}
		if !slices.Equal(got, c.want) || len(got)+len(missing) != len(schemas.QualityDimensions) {
			t.Errorf("%s without %v: %v, missing %v", c.dataset, c.without, got, missing)
		}
	}
}
