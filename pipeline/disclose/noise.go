package disclose

import (
	"errors"
	"fmt"
)

// law is the cumulative noise law on −5…5: P(noise ≤ v) at index v+5.
//
// Of all laws with mean 0, variance 3 and a half on "no change" it is the one of largest entropy, so it says least
// about anything else: p(v) ∝ exp(−λ·v²) off zero (Marley & Leaver 2011; Giessing 2016, "Computational issues in the
// design of transition probabilities and disclosure risk estimation for additive noise", PSD 2016). It is the last row
// of τ-ARGUS's table for D = 5, V = 3, js = 2; the tests derive it anew. True counts of 1–7, where a perturbation table
// would need rows of their own, are never shown, so this row is the whole table.
//
// The last bound is exactly 1, so that every u in [0,1) finds its place.
var law = [11]float64{
	0.01158490969419948, // -5: 0.01158491
	0.03698038966478617, // -4: 0.02539548
	0.08374019482886791, // -3: 0.04675981
	0.15605737031812064, // -2: 0.07231718
	0.25,                // -1: 0.09394263
	0.75,                // +0: 0.50000000
	0.84394262968187939, // +1: 0.09394263
	0.91625980517113204, // +2: 0.07231718
	0.96301961033521377, // +3: 0.04675981
	0.98841509030580055, // +4: 0.02539548
	1,                   // +5: 0.01158491
}

// Uniform turns the sum of a node's record keys and its count of people into a number in [0,1). It must be a keyed
// function of the two and of nothing else (in the pipeline: the top 53 bits of HMAC-SHA256(K_cell, LE64(sum) ‖ LE64(n))),
// so that the same people draw the same noise however they are asked about, and nobody without the key can foretell it
// (cell key: Fraser & Wooton 2005; Thompson, Broadfoot & Elazar 2013).
type Uniform func(sum, n uint64) (float64, error)

// draw looks up the noise of u in a half-open table: the smallest v with u < P(noise ≤ v).
// Anything outside [0,1), NaN included, is refused: a default would be noise that an attacker knows.
func draw(u float64) (int64, error) {
	if !(u >= 0 && u < 1) {
		return 0, errors.New("the noise source answered outside [0,1)")
	}
	v := 0
	for u >= law[v] {
		v++
	}
	return int64(v) - 5, nil
}

// perturb adds noise to a count. Nobody is nobody: an empty set has no key and is never perturbed, and no noise takes
// a count below zero.
func perturb(c Count, uniform Uniform) (int64, error) {
	if c.N == 0 {
		return 0, nil
	}
	u, err := uniform(c.S, uint64(c.N))
	if err != nil {
		return 0, fmt.Errorf("drawing noise: %w", err)
	}
	v, err := draw(u)
	if err != nil {
		return 0, err
	}
	return max(c.N+v, 0), nil
}
