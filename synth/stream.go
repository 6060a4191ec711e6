package synth

import (
	"math"
	"math/rand/v2"
)

// A purpose keeps the random numbers of one job apart from those of all
// others, so that changing one job leaves the others as they were.
type purpose uint64

const (
	forNumbers purpose = iota + 1
	forPractices
	forPerson
	forIllness
	forHistory
	forNumberMarks
	forChoiceMarks
	forNames
	forGUID
	forFamilies
	forMental
	forMentalMarks
	forBirths
	forBirthMarks
)

// A stream is a source of random numbers that can be started again for every
// person. It does integer arithmetic, products and comparisons only: the same
// seed means the same borough on every machine.
type stream struct {
	rand.Rand
	pcg rand.PCG
}

func newStream() *stream {
	s := &stream{}
	s.Rand = *rand.New(&s.pcg)
	return s
}

// start begins the numbers of one purpose and one key, such as a person.
func (s *stream) start(seed uint64, p purpose, key uint64) *stream {
	s.pcg.Seed(mix(seed+uint64(p)<<56), mix(mix(seed)+key))
	return s
}

// mix is the finaliser of SplitMix64 (Steele, Lea, Flood 2014).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func (s *stream) chance(p float64) bool { return s.Float64() < p }

// below is a whole number from 0 to n-1, and 0 when there is no room.
func (s *stream) below(n int) int {
	if n <= 1 {
		return 0
	}
	return s.IntN(n)
}

// between is a whole number from low to high, both included.
func (s *stream) between(low, high int) int { return low + s.below(high-low+1) }

// quantiles of the exponential distribution of mean 1000, at k/32.
var quantiles = func() (q [33]int) {
	for k := range 32 {
		q[k] = int(math.Round(-1000 * math.Log(1-float64(k)/32)))
	}
	q[32] = 4500
	return q
}()

// wait is an exponentially distributed time of the given mean, cut at 4.5 means.
func (s *stream) wait(mean int) int {
	k, rest := s.IntN(32), s.IntN(256)
	milli := quantiles[k] + (quantiles[k+1]-quantiles[k])*rest/256
	return mean * milli / 1000
}

// bell is a roughly normal number with mean 0: the sum of four even ones.
func (s *stream) bell(deviation int) int {
	sum := s.IntN(1024) + s.IntN(1024) + s.IntN(1024) + s.IntN(1024) - 2046
	return sum * deviation / 591
}

// A choice picks an index in proportion to fixed weights.
type choice []uint32 // cumulative

func choiceOf(weights []float64) choice {
	total := 0.0
	for _, w := range weights {
		total += w
	}
	c, sum := make(choice, len(weights)), uint32(0)
	for i, w := range weights {
		sum += uint32(math.Round(w / total * (1 << 24)))
		c[i] = sum
	}
	return c
}

func (c choice) pick(s *stream) int {
	x := s.Uint32N(c[len(c)-1])
	low, high := 0, len(c)-1
	for low < high {
		if mid := (low + high) / 2; x < c[mid] {
			high = mid
		} else {
			low = mid + 1
		}
	}
	return low
}
