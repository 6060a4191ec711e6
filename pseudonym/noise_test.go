package pseudonym

import (
	"crypto/hmac"
	"crypto/sha256"
	"math"
	"math/big"
	"sync"
	"testing"
)

// The definition, computed with big numbers: the first eight bytes of the MAC
// as a fraction, cut to 53 binary places.
func TestUniformIsItsDefinition(t *testing.T) {
	k := cellKeyOf(secretOf(fakeBytes(0x60)))
	for i := range uint64(200) {
		sum, n := i*0x9e3779b97f4a7c15, i%7
		mac := hmac.New(sha256.New, fakeBytes(0x60))
		for _, v := range []uint64{sum, n} {
			for shift := 0; shift < 64; shift += 8 {
				mac.Write([]byte{byte(v >> shift)})
			}
		}
		top := new(big.Int).Rsh(new(big.Int).SetBytes(mac.Sum(nil)), 256-53)
		want, _ := new(big.Rat).SetFrac(top, new(big.Int).Lsh(big.NewInt(1), 53)).Float64()
		if got := k.Uniform(sum, n); got != want || got < 0 || got >= 1 {
			t.Fatalf("%v, want %v", got, want)
		}
	}
}

func TestUniformLooksUniform(t *testing.T) {
	k := cellKeyOf(secretOf(fakeBytes(0x60))) // fixed: the test cannot fail by chance
	const draws, bins = 20000, 20
	var count [bins]float64
	for i := range uint64(draws) {
		count[int(k.Uniform(i, 3)*bins)]++
	}
	chi := 0.0
	for _, c := range count {
		chi += math.Pow(c-draws/bins, 2) / (draws / bins)
	}
	if chi > 43.8 { // the 0.1 % point of chi-squared with 19 degrees of freedom
		t.Errorf("chi-squared %.1f", chi)
	}
}

func TestRecordNumberIsItsDefinition(t *testing.T) {
	h := RecordKey{secretOf(fakeBytes(0x40))}.Hasher()
	for i := range byte(100) {
		person := Code{i}
		mac := hmac.New(sha256.New, fakeBytes(0x40))
		mac.Write(person[:])
		want := new(big.Int).SetBytes(mac.Sum(nil)[:8]).Uint64()
		if got := h.Of(person[:]); got != want {
			t.Fatalf("%d, want %d", got, want)
		}
	}
}

func TestNoiseKeysDiffer(t *testing.T) {
	one, other := NewCellKey(), NewCellKey()
	first, second := NewRecordKey().Hasher(), NewRecordKey().Hasher()
	if one.Uniform(1, 1) == other.Uniform(1, 1) || first.Of([]byte{1}) == second.Of([]byte{1}) {
		t.Error("two keys agree")
	}
}

func TestUniformIsSafeForConcurrentUse(t *testing.T) {
	k := NewCellKey()
	want := k.Uniform(7, 3)
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			for i := range uint64(1000) {
				if k.Uniform(i, 1); k.Uniform(7, 3) != want {
					t.Error("another number under concurrent use")
				}
			}
		})
	}
	wait.Wait()
}

func BenchmarkRecordNumber(b *testing.B) {
	h := NewRecordKey().Hasher()
	person := Code{1}
	b.ReportAllocs()
	for b.Loop() {
		h.Of(person[:])
	}
}

func BenchmarkUniform(b *testing.B) {
	k := NewCellKey()
	b.ReportAllocs()
	for b.Loop() {
		k.Uniform(1, 2)
	}
}
