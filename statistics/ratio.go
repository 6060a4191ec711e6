package statistics

import (
	"errors"
	"math"
)

// RatioProtected gives the ratio of an observed count to an expected one, as indirect standardisation makes it, and Byar's interval for it (Breslow & Day
// 1987, Statistical Methods in Cancer Research II, IARC 82, p. 69; good from about 10 events). Both counts were rounded to the nearest 5, which moved each by
// 2 at most, so that the lower end is that of 2 fewer observed and 2½ more expected, and the upper end the other way round.
func RatioProtected(observed, expected, confidence float64) (ratio, lower, upper float64, err error) {
	if !(observed >= 10) || !(expected >= 10) || math.IsInf(observed, 0) || math.IsInf(expected, 0) {
		return 0, 0, 0, errors.New("a ratio needs 10 observed and 10 expected")
	}
	z, err := z(confidence)
	if err != nil {
		return 0, 0, 0, err
	}
	low, _ := byar(observed-2, z)
	_, high := byar(observed+2, z)
	return observed / expected, low / (expected + 2.5), high / (expected - 2.5), nil
}

// byar is Byar's approximation of the exact Poisson interval.
func byar(n, z float64) (lower, upper float64) {
	lower = n * math.Pow(1-1/(9*n)-z/(3*math.Sqrt(n)), 3)
	m := n + 1
	return max(0, lower), m * math.Pow(1-1/(9*m)+z/(3*math.Sqrt(m)), 3)
}
