package disclose

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"strings"
	"testing"
)

// vectors are figures from elsewhere; their provenance is in the file.
type vectors struct {
	Ptable struct {
		Rows map[string][][3]float64
	} `json:"ptable_tauargus_D5_V3_js2_pstay0.5"`
	NHS struct{ Cases [][2]any } `json:"nhs_suppress_star_full_0_60"`
}

func loadVectors(t *testing.T) (v vectors) {
	t.Helper()
	b, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// probabilities are the steps of the cumulative law.
func probabilities() (p [11]float64) {
	before := 0.0
	for i, b := range law {
		p[i], before = b-before, b
	}
	return p
}

func TestLawAgreesWithTauArgus(t *testing.T) {
	row := loadVectors(t).Ptable.Rows["8"]
	if len(row) != 11 {
		t.Fatalf("the vector has %d entries", len(row))
	}
	for i, p := range probabilities() {
		if math.Abs(p-row[i][1]) > 1e-7 || math.Abs(law[i]-row[i][2]) > 1e-7 || row[i][0] != float64(8+i-5) {
			t.Errorf("P(%d) = %.8f, cumulative %.8f; τ-ARGUS has %v", i-5, p, law[i], row[i])
		}
	}
}

// The law derived anew: with ½ fixed at 0, p(v) = exp(λ₀+λ₁v+λ₂v²) off zero, and λ found by damped Newton on the
// convex dual g(λ) = Σ p_v − λ·(½, 0, 3), whose gradient is the three residuals.
func TestLawIsTheMaximumEntropyLaw(t *testing.T) {
	derived := deriveLaw(t)
	for i, p := range probabilities() {
		if math.Abs(p-derived[i]) > 1e-14 {
			t.Errorf("P(%d) = %.17f in the source, %.17f derived", i-5, p, derived[i])
		}
	}
	var total, mean, variance float64
	for i, p := range probabilities() {
		v := float64(i - 5)
		total, mean, variance = total+p, mean+v*p, variance+v*v*p
	}
	if math.Abs(total-1) > 1e-15 || math.Abs(mean) > 1e-14 || math.Abs(variance-3) > 1e-13 || law[10] != 1 {
		t.Errorf("sum %v, mean %v, variance %v, last bound %v", total, mean, variance, law[10])
	}
}

func deriveLaw(t *testing.T) (p [11]float64) {
	target, lambda := [3]float64{0.5, 0, 3}, [3]float64{-3, 0, 0}
	evaluate := func(l [3]float64) (g float64, gradient [3]float64, hessian [3][3]float64) {
		for v := -5.0; v <= 5; v++ {
			if v == 0 {
				continue
			}
			m := [3]float64{1, v, v * v}
			q := math.Exp(l[0]*m[0] + l[1]*m[1] + l[2]*m[2])
			g += q
			for i := range m {
				gradient[i] += q * m[i]
				for j := range m {
					hessian[i][j] += q * m[i] * m[j]
				}
			}
		}
		for i := range target {
			g -= l[i] * target[i]
			gradient[i] -= target[i]
		}
		return g, gradient, hessian
	}
	for range 200 {
		g, gradient, hessian := evaluate(lambda)
		if math.Abs(gradient[0])+math.Abs(gradient[1])+math.Abs(gradient[2]) < 1e-14 {
			break
		}
		step := solve(hessian, gradient)
		for damp := 1.0; damp > 1e-9; damp /= 2 {
			next := [3]float64{lambda[0] - damp*step[0], lambda[1] - damp*step[1], lambda[2] - damp*step[2]}
			if after, _, _ := evaluate(next); after <= g {
				lambda = next
				break
			}
		}
	}
	if _, gradient, _ := evaluate(lambda); math.Abs(gradient[0])+math.Abs(gradient[1])+math.Abs(gradient[2]) > 1e-12 {
		t.Fatalf("Newton did not arrive: residuals %v", gradient)
	}
	for i := range p {
		v := float64(i - 5)
		p[i] = math.Exp(lambda[0] + lambda[1]*v + lambda[2]*v*v)
	}
	p[5] = 0.5
	return p
}

// solve is Cramer's rule for three unknowns.
func solve(a [3][3]float64, b [3]float64) (x [3]float64) {
	det := func(m [3][3]float64) float64 {
		return m[0][0]*(m[1][1]*m[2][2]-m[1][2]*m[2][1]) - m[0][1]*(m[1][0]*m[2][2]-m[1][2]*m[2][0]) + m[0][2]*(m[1][0]*m[2][1]-m[1][1]*m[2][0])
	}
	whole := det(a)
	for i := range x {
		m := a
		for j := range m {
			m[j][i] = b[j]
		}
		x[i] = det(m) / whole
	}
	return x
}

func TestDrawIsHalfOpen(t *testing.T) {
	for i, bound := range law {
		if i < 10 {
			if v, err := draw(bound); err != nil || v != int64(i-4) {
				t.Errorf("on bound %d: %d, %v", i, v, err)
			}
		}
		if v, err := draw(math.Nextafter(bound, 0)); err != nil || v != int64(i-5) {
			t.Errorf("below bound %d: %d, %v", i, v, err)
		}
	}
	if v, err := draw(0); err != nil || v != -5 {
		t.Errorf("at 0: %d, %v", v, err)
	}
}

func TestNoiseInPractice(t *testing.T) {
	r, seed := seeded(t)
	uniform := keyed(seed)
	const draws = 300_000
	var sum, squares, still float64
	for range draws {
		n := int64(20 + r.IntN(1000))
		noisy, err := perturb(Count{N: n, S: r.Uint64()}, uniform)
		if err != nil {
			t.Fatal(err)
		}
		v := float64(noisy - n)
		sum, squares = sum+v, squares+v*v
		if v == 0 {
			still++
		}
	}
	mean, variance := sum/draws, squares/draws
	t.Logf("mean %.4f, variance %.4f, unchanged %.4f", mean, variance, still/draws)
	if math.Abs(mean) > 0.016 || math.Abs(variance-3) > 0.05 || math.Abs(still/draws-0.5) > 0.005 { // five standard errors
		t.Errorf("seed %d: mean %v, variance %v, unchanged %v", seed, mean, variance, still/draws)
	}
}

func TestNobodyIsNeverPerturbed(t *testing.T) {
	never := func(_, _ uint64) (float64, error) { return 0, errors.New("asked about nobody") }
	if n, err := perturb(Count{}, never); n != 0 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if n, err := perturb(Count{N: 2, S: 1}, func(_, _ uint64) (float64, error) { return 0, nil }); n != 0 || err != nil {
		t.Errorf("a count fell below zero: %d, %v", n, err)
	}
}

func TestNoSourceOfNoise(t *testing.T) {
	table := &Table{Axes: []Axis{sexAxis()}, Views: []View{{"sex", []int{1}}}, Features: []Feature{{ID: "people", Within: -1}}}
	if cells, audit, err := Protect(table, Counts{{{}, {}, {}}}, nil); err == nil || cells != nil || audit != nil {
		t.Errorf("published without a source of noise: %v", err)
	}
}

// A missing key or a broken source of noise refuses everything; the cause can be told from the error.
func TestNoiseFailsClosed(t *testing.T) {
	table := &Table{Axes: []Axis{sexAxis()}, Views: []View{{"sex", []int{1}}}, Features: []Feature{{ID: "people", Within: -1}}}
	counts := Counts{{{41, 5}, {20, 2}, {21, 3}}}
	missing := errors.New("no key")
	for name, u := range map[string]float64{"NaN": math.NaN(), "one": 1, "above": 1.5, "below": -1e-9, "infinite": math.Inf(1), "error": -7} {
		calls := 0
		cells, audit, err := Protect(table, counts, func(_, _ uint64) (float64, error) {
			calls++
			switch {
			case calls < 3:
				return 0.5, nil
			case u == -7:
				return 0.5, missing
			}
			return u, nil
		})
		if err == nil || cells != nil || audit != nil {
			t.Errorf("%s: something was returned beside %v", name, err)
			continue
		}
		if u == -7 && !errors.Is(err, missing) {
			t.Errorf("the cause is lost: %v", err)
		}
		if strings.ContainsAny(err.Error(), "23456789") {
			t.Errorf("%s: a count in %q", name, err)
		}
	}
}

func TestPresentationAgreesWithNHSVectors(t *testing.T) {
	cases := loadVectors(t).NHS.Cases
	if len(cases) != 61 {
		t.Fatalf("%d cases", len(cases))
	}
	table := &Table{Axes: []Axis{{Name: "x", Values: []Value{{"All", 0, 0}}}}, Views: []View{{"all", []int{0}}}, Features: []Feature{{ID: "f", Within: -1, ShowZero: true}}}
	for _, c := range cases {
		n := int64(c[0].(float64))
		count := Count{N: n}
		if n > 0 {
			count.S = 9
		}
		cells, _, err := Protect(table, Counts{{count}}, still)
		if err != nil {
			t.Fatal(err)
		}
		got := "*"
		if cell := cells[0][0]; !cell.Withheld {
			got = jsonNumber(cell.Count)
		}
		if got != c[1].(string) {
			t.Errorf("%d is shown as %s, want %s", n, got, c[1])
		}
	}
}

func jsonNumber(n int64) string {
	b, _ := json.Marshal(n)
	return string(b)
}
