package statistics

import (
	"math"
	"testing"
)

// Byar's interval of 10 and of 100 events, as PHE's technical guide and standard tables of the Poisson distribution have it to two digits.
func TestByar(t *testing.T) {
	for _, c := range []struct{ n, lower, upper float64 }{{10, 4.79, 18.39}, {100, 81.36, 121.63}} {
		lower, upper := byar(c.n, 1.959964)
		if math.Abs(lower-c.lower) > 0.02 || math.Abs(upper-c.upper) > 0.02 {
			t.Errorf("%v: %v to %v", c.n, lower, upper)
		}
	}
}

func TestRatioProtected(t *testing.T) {
	for n := 10.0; n < 2000; n += 5 {
		ratio, lower, upper, err := RatioProtected(n, 50, 0.95)
		l, u := byar(n, 1.959964)
		if err != nil || ratio != n/50 || lower >= l/50 || upper <= u/50 {
			t.Fatalf("%v of 50: %v, %v to %v, %v", n, ratio, lower, upper, err)
		}
	}
	for _, c := range [][2]float64{{9, 50}, {50, 9}, {math.NaN(), 50}, {50, math.NaN()}, {math.Inf(1), 50}} {
		if r, l, u, err := RatioProtected(c[0], c[1], 0.95); err == nil || r != 0 || l != 0 || u != 0 {
			t.Errorf("%v: %v, %v, %v", c, r, l, u)
		}
	}
}
