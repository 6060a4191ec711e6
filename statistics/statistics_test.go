package statistics

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"testing"
	"time"
)

type vectors struct {
	Tolerance float64 `json:"tolerance_relative"`
	Constants struct {
		Z95  float64 `json:"z_95"`
		Z998 float64 `json:"z_99_8"`
	}
	Wilson  []struct{ X, N, Confidence, Lower, Upper float64 }
	Compare []struct {
		Lower, Upper       float64
		Reference          float64 `json:"benchmark_value"`
		Polarity, Expected string
	}
}

func load(t *testing.T) (v vectors) {
	t.Helper()
	b, err := os.ReadFile("testdata/stats.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	if len(v.Wilson) < 20 || len(v.Compare) < 9 {
		t.Fatalf("vectors are missing: %d Wilson, %d Compare", len(v.Wilson), len(v.Compare))
	}
	return v
}

func near(got, want, tolerance float64) bool {
	return math.Abs(got-want) <= tolerance*max(math.Abs(want), 1e-300)
}

func TestNormalQuantile(t *testing.T) {
	v := load(t)
	for confidence, want := range map[float64]float64{0.95: v.Constants.Z95, 0.998: v.Constants.Z998} {
		if got, err := z(confidence); err != nil || !near(got, want, 1e-14) {
			t.Errorf("z(%v) = %v, %v; want %v", confidence, got, err, want)
		}
	}
}

func TestWilsonAgreesWithIndependentVectors(t *testing.T) {
	v := load(t)
	for _, c := range v.Wilson {
		lower, upper, err := Wilson(c.X, c.N, c.Confidence)
		if err != nil || !near(lower, c.Lower, v.Tolerance) || !near(upper, c.Upper, v.Tolerance) {
			t.Errorf("Wilson(%v, %v, %v) = %v, %v, %v; want %v, %v", c.X, c.N, c.Confidence, lower, upper, err, c.Lower, c.Upper)
		}
	}
}

// The vectors carry polarity words; ours are without judgement, so they are translated here.
func TestCompareAgreesWithVectors(t *testing.T) {
	better := map[string]map[string]Outcome{
		"low_is_good":  {"better": Lower, "worse": Higher, "similar": Similar},
		"high_is_good": {"better": Higher, "worse": Lower, "similar": Similar},
		"no_judgement": {"higher": Higher, "lower": Lower, "similar": Similar},
	}
	for _, c := range load(t).Compare {
		if got, want := Compare(c.Lower, c.Upper, c.Reference), better[c.Polarity][c.Expected]; got != want {
			t.Errorf("Compare(%v, %v, %v) = %q, want %q", c.Lower, c.Upper, c.Reference, got, want)
		}
	}
}

func TestCompareMakesNoClaimFromNothing(t *testing.T) {
	nan := math.NaN()
	for _, c := range [][3]float64{{nan, 1, 0.5}, {0, nan, 0.5}, {0, 1, nan}, {2, 1, 0.5}, {nan, nan, nan}, {0.5, 1, 0.5}, {0, 0.5, 0.5}, {nan, 0.1, 0.5}, {0.9, nan, 0.5}} {
		if got := Compare(c[0], c[1], c[2]); got != Similar {
			t.Errorf("Compare%v = %q, want similar", c, got)
		}
	}
}

// With z′ put in by hand, the protected interval is Wilson's at that z′.
func TestWilsonProtectedByHand(t *testing.T) {
	for _, c := range []struct {
		x, m  float64
		parts int
		p     float64
	}{
		{120, 1480, 1, 120.0 / 1480}, {10, 390, 4, 10.0 / 390}, {0, 50, 1, 0.05}, {50, 50, 2, 0.95}, {0, 4, 1, 0.5}, {400, 405, 1, 400.0 / 405},
	} {
		inflated := 1.9599639845400536 * math.Sqrt(1+5*float64(c.parts)/(c.m*c.p*(1-c.p)))
		wantLower, wantUpper, err := Wilson(c.x, c.m, math.Erf(inflated/math.Sqrt2))
		if err != nil {
			t.Fatal(err)
		}
		lower, upper, err := WilsonProtected(c.x, c.m, c.parts, 0.95)
		if err != nil || math.Abs(lower-wantLower) > 1e-6 || math.Abs(upper-wantUpper) > 1e-6 {
			t.Errorf("WilsonProtected(%v, %v, %d) = %v, %v, %v; want %v, %v", c.x, c.m, c.parts, lower, upper, err, wantLower, wantUpper)
		}
	}
}

// A figure from outside the formula's range is an error and never a number.
func TestRefusals(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, c := range [][3]float64{
		{1, 0, .95}, {-1, 10, .95}, {11, 10, .95}, {nan, 10, .95}, {1, nan, .95}, {inf, inf, .95}, {1, inf, .95}, {1, -1, .95},
		{1, 10, 0}, {1, 10, 1}, {1, 10, nan}, {1, 10, 95}, {1, 10, -0.5},
	} {
		if l, u, err := Wilson(c[0], c[1], c[2]); err == nil || l != 0 || u != 0 {
			t.Errorf("Wilson%v = %v, %v, %v; want an error alone", c, l, u, err)
		}
		if l, u, err := WilsonProtected(c[0], c[1], 1, c[2]); err == nil || l != 0 || u != 0 {
			t.Errorf("WilsonProtected%v = %v, %v, %v; want an error alone", c, l, u, err)
		}
	}
	if _, _, err := WilsonProtected(1, 10, 0, 0.95); err == nil {
		t.Error("a sum of no parts was accepted")
	}
}

func TestShapeOfIntervals(t *testing.T) {
	r, seed := seeded(t)
	for range 20000 {
		n := float64(1 + r.IntN(5000))
		x := float64(r.IntN(int(n) + 1))
		parts := 1 + r.IntN(30)
		l, u, _ := Wilson(x, n, 0.95)
		pl, pu, _ := WilsonProtected(x, n, parts, 0.95)
		ml, mu, _ := WilsonProtected(x, n, parts+1, 0.95)
		wl, wu, _ := Wilson(x, n, 0.998)
		if !(0 <= l && l <= x/n && x/n <= u && u <= 1) {
			t.Fatalf("seed %d: %v of %v lies outside its own interval [%v, %v]", seed, x, n, l, u)
		}
		if pl > l || pu < u || ml > pl || mu < pu || wl > l || wu < u {
			t.Fatalf("seed %d: protection, parts or confidence narrowed the interval of %v of %v", seed, x, n)
		}
		if rl, ru, _ := WilsonProtected(n-x, n, parts, 0.95); math.Abs(rl-(1-pu)) > 1e-12 || math.Abs(ru-(1-pl)) > 1e-12 {
			t.Fatalf("seed %d: having and not having are not mirror images at %v of %v", seed, x, n)
		}
		if x < n {
			if nl, nu, _ := Wilson(x+1, n, 0.95); nl < l || nu < u {
				t.Fatalf("seed %d: one more of %v moved the interval down", seed, n)
			}
		}
		// Ten times the people at the same share know more; protection then matters less.
		if tl, tu, _ := WilsonProtected(10*x, 10*n, parts, 0.95); tu-tl > pu-pl+1e-12 {
			t.Fatalf("seed %d: more people widened the interval of %v of %v", seed, x, n)
		}
	}
}

// Coverage: how often the interval from published counts holds the true proportion that made them. Noise and rounding
// act on numerator and denominator as they do in a publication.
func TestCoverage(t *testing.T) {
	r, seed := seeded(t)
	for _, c := range []struct {
		n int
		p float64
	}{{60, 0.3}, {100, 0.5}, {200, 0.1}, {400, 0.05}, {1500, 0.08}, {5000, 0.5}, {300, 0.85}} {
		plain, protected, draws := 0, 0, 0
		for range 8000 {
			x, n := 0, c.n+r.IntN(5) // every place in a rounding step
			for range n {
				if r.Float64() < c.p {
					x++
				}
			}
			px, pm := published(r, x), published(r, n)
			if x < 8 || px < 8 || px > pm {
				continue
			}
			draws++
			if l, u, err := Wilson(px, pm, 0.95); err == nil && l <= c.p && c.p <= u {
				plain++
			}
			if l, u, err := WilsonProtected(px, pm, 1, 0.95); err == nil && l <= c.p && c.p <= u {
				protected++
			}
		}
		a, b := float64(plain)/float64(draws), float64(protected)/float64(draws)
		t.Logf("n=%d p=%v: plain Wilson covers %.3f, with protection %.3f (%d draws, seed %d)", c.n, c.p, a, b, draws, seed)
		if b < 0.905 || b < a { // 8,000 draws err by 0.003; published counts lie on a grid of 5 and start at 10, which costs up to 3 points
			t.Errorf("seed %d: coverage %.3f at n=%d p=%v", seed, b, c.n, c.p)
		}
	}
}

// published perturbs by a law of variance 3 on −5…5 (the first of its kind that comes to hand: half stay) and rounds to 5.
func published(r *rand.Rand, n int) float64 {
	bounds := []float64{0.01158491, 0.03698039, 0.0837402, 0.15605737, 0.25, 0.75, 0.84394263, 0.91625981, 0.96301961, 0.98841508, 1}
	u, v := r.Float64(), -5
	for _, b := range bounds {
		if u < b {
			break
		}
		v++
	}
	return float64(5 * ((n + v + 2) / 5))
}

func seeded(t *testing.T) (*rand.Rand, uint64) {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 1)), seed
}
