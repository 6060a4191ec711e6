package statistics

import (
	"errors"
	"math"
)

// protectionVariance is what protection adds to one published count: 3 by the noise law and 2 by rounding to the
// nearest 5, which moves a count by −2…2 with equal chance, (4+1+0+1+4)/5 = 2.
const protectionVariance = 3 + 2

// Wilson gives the score interval for a proportion of x out of n: the set of p that a two-sided normal test of x/n does
// not reject (Wilson 1927, JASA 22:209–212; recommended over the Wald interval by Brown, Cai & DasGupta 2001,
// Statistical Science 16:101–133). It needs 0 ≤ x ≤ n and n > 0; counts may be fractions, such as the middle of a range.
func Wilson(x, n, confidence float64) (lower, upper float64, err error) {
	if err := countOf(x, n); err != nil {
		return 0, 0, err
	}
	z, err := z(confidence)
	if err != nil {
		return 0, 0, err
	}
	lower, upper = score(x, n, z)
	return lower, upper, nil
}

// WilsonProtected is Wilson's interval for published counts, which carry noise and rounding beside chance. The variance
// of x/m grows from p(1−p)/m to p(1−p)/m + v·k/m², so z grows by the root of the ratio:
//
//	z′ = z·√(1 + v·k/(m·p(1−p))),  v = 3 (noise) + 2 (rounding)
//
// k, the parts, is how many published counts were added up to make x: 1 for a node. p is held within
// [2.5/m, 1−2.5/m] inside z′ only: nearer to 0 or 1 the rounding hides where p is, and z′ would grow without end.
//
// The denominator's own noise is left out: it adds v·k·p²/m², which matters only for proportions near 1.
func WilsonProtected(x, m float64, parts int, confidence float64) (lower, upper float64, err error) {
	if err := countOf(x, m); err != nil {
		return 0, 0, err
	}
	if parts < 1 {
		return 0, 0, errors.New("a published count has at least one part")
	}
	z, err := z(confidence)
	if err != nil {
		return 0, 0, err
	}
	p := held(x/m, 2.5/m)
	lower, upper = score(x, m, z*math.Sqrt(1+protectionVariance*float64(parts)/(m*p*(1-p))))
	return lower, upper, nil
}

// score solves |x/n − p| = z·√(p(1−p)/n) for p. At x = 0 and x = n one end is known exactly and floating error would
// miss it.
func score(x, n, z float64) (lower, upper float64) {
	middle := 2*x + z*z
	half := z * math.Sqrt(z*z+4*x*(1-x/n))
	below := 2 * (n + z*z)
	lower, upper = (middle-half)/below, (middle+half)/below
	if x == 0 {
		lower = 0
	}
	if x == n {
		upper = 1
	}
	return max(lower, 0), min(upper, 1)
}

// held keeps p within [edge, 1−edge]; where the two cross (fewer than 5 people) one half is the widest choice.
func held(p, edge float64) float64 {
	if edge >= 0.5 {
		return 0.5
	}
	return min(max(p, edge), 1-edge)
}

// countOf refuses what is not a count out of a denominator. The comparisons are written so that NaN fails them.
func countOf(x, n float64) error {
	switch {
	case !(n > 0) || math.IsInf(n, 0):
		return errors.New("the denominator must be above zero")
	case !(x >= 0 && x <= n):
		return errors.New("the numerator must lie between zero and the denominator")
	}
	return nil
}
