package statistics

import (
	"fmt"
	"math"
)

// z is the standard normal quantile of a two-sided confidence: Φ⁻¹((1+c)/2) = √2·erf⁻¹(c).
// 0.95 gives 1.959964, 0.998 gives 3.090232.
func z(confidence float64) (float64, error) {
	if !(confidence > 0 && confidence < 1) {
		return 0, fmt.Errorf("confidence must lie between 0 and 1")
	}
	return math.Sqrt2 * math.Erfinv(confidence), nil
}
