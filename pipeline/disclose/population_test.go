package disclose

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"
)

// keyed is the pipeline's finaliser under a key of the test's.
func keyed(key uint64) Uniform {
	var k [8]byte
	binary.LittleEndian.PutUint64(k[:], key)
	mac, sum := hmac.New(sha256.New, k[:]), make([]byte, 0, 32)
	return func(s, n uint64) (float64, error) {
		var b [16]byte
		binary.LittleEndian.PutUint64(b[:8], s)
		binary.LittleEndian.PutUint64(b[8:], n)
		mac.Reset()
		mac.Write(b[:])
		return float64(binary.BigEndian.Uint64(mac.Sum(sum[:0]))>>11) / (1 << 53), nil
	}
}

// still draws no noise ever.
func still(_, _ uint64) (float64, error) { return 0.5, nil }

// seeded is random, printed, and repeated by DATANET_SEED.
func seeded(t testing.TB) (*rand.Rand, uint64) {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if s, err := strconv.ParseUint(os.Getenv("DATANET_SEED"), 10, 64); err == nil {
		seed = s
	}
	t.Logf("DATANET_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 1)), seed
}

// Axes of a borough's shape: 25 wards inside the residents, a nested ethnicity whose groups are divided at different
// depths, ages in two depths, two sexes.
func areaAxis(wards int) Axis {
	a := Axis{Name: "area", Values: []Value{{"All", 0, 0}, {"resident", 0, 1}, {"outside", 0, 1}, {"no fixed abode", 0, 1}, {"unknown", 0, 1}}}
	for w := range wards {
		a.Values = append(a.Values, Value{fmt.Sprintf("ward %d", w+1), 1, 2})
	}
	return a
}

func ethnicityAxis() Axis {
	return Axis{Name: "ethnicity", Values: []Value{
		{"All", 0, 0}, {"White", 0, 1}, {"Mixed", 0, 1}, {"Asian", 0, 1}, {"Black", 0, 1}, {"Other", 0, 1}, {"Unknown", 0, 1},
		{"African", 4, 2}, {"Caribbean or other", 4, 2},
		{"A", 1, 3}, {"B", 1, 3}, {"C", 1, 3}, {"D", 2, 3}, {"E", 2, 3}, {"F", 2, 3}, {"G", 2, 3},
		{"H", 3, 3}, {"J", 3, 3}, {"K", 3, 3}, {"L", 3, 3}, {"M", 8, 3}, {"P", 8, 3}, {"R", 5, 3}, {"S", 5, 3},
	}}
}

// Values 1 and 5–6 are the under-17s.
func ageAxis() Axis {
	return Axis{Name: "age", Values: []Value{
		{"All", 0, 0}, {"0–16", 0, 1}, {"17–39", 0, 1}, {"40–64", 0, 1}, {"65+", 0, 1},
		{"0–9", 1, 2}, {"10–16", 1, 2}, {"17–24", 2, 2}, {"25–39", 2, 2}, {"40–54", 3, 2}, {"55–64", 3, 2}, {"65–74", 4, 2}, {"75+", 4, 2},
	}}
}

func sexAxis() Axis {
	return Axis{Name: "sex", Values: []Value{{"All", 0, 0}, {"female", 0, 1}, {"male", 0, 1}}}
}

func boroughTable(measures int) *Table {
	t := &Table{
		Axes: []Axis{areaAxis(25), ethnicityAxis(), ageAxis(), sexAxis()},
		Views: []View{
			{"area × ethnicity", []int{2, 3, 0, 0}},
			{"area × age × sex", []int{2, 0, 2, 1}},
			{"ethnicity × age × sex", []int{0, 3, 2, 1}},
			{"area × ethnicity × age × sex", []int{2, 2, 1, 1}},
		},
		Features: []Feature{
			{ID: "people", Within: -1},
			{ID: "adults", Within: 0, Impossible: func(node []int) bool { return node[2] == 1 || node[2] == 5 || node[2] == 6 },
				Everyone: func(node []int) bool { return node[2] > 1 && node[2] != 5 && node[2] != 6 }},
		},
	}
	for m := range measures {
		t.Features = append(t.Features, Feature{ID: fmt.Sprintf("measure %d", m), Sensitive: m%3 == 2, ShowZero: m%3 == 0, Within: m % 2})
	}
	return t
}

// leaf is the finest combination of values a person can have; under it, the counts of each feature.
type leaf struct {
	values []int
	counts []Count
}

// populate deals people out over leaves with uneven shares, and measures with shares from rare to nearly everyone.
func populate(r *rand.Rand, t *Table, people int) []leaf {
	finest := make([][]int, len(t.Axes))
	weights := make([][]float64, len(t.Axes))
	for i := range t.Axes {
		finest[i] = t.Axes[i].Frontier(math.MaxInt)
		total := 0.0
		for range finest[i] {
			w := math.Exp(1.2 * r.NormFloat64())
			weights[i], total = append(weights[i], w), total+w
		}
		for j := range weights[i] {
			weights[i][j] /= total
		}
	}
	share := make([]float64, len(t.Features))
	for f := range share {
		share[f] = math.Exp(-0.2 - 5*r.Float64())
		if f%17 == 16 {
			share[f] = 0.98
		}
	}
	leaves := map[string]*leaf{}
	for range people {
		values := make([]int, len(t.Axes))
		for i := range values {
			values[i] = finest[i][pick(r, weights[i])]
		}
		l, ok := leaves[fmt.Sprint(values)]
		if !ok {
			l = &leaf{values, make([]Count, len(t.Features))}
			leaves[fmt.Sprint(values)] = l
		}
		l.add(r, t, share)
	}
	var all []leaf
	for _, l := range leaves {
		all = append(all, *l)
	}
	return all
}

func (l *leaf) add(r *rand.Rand, t *Table, share []float64) {
	key, has := r.Uint64(), make([]bool, len(t.Features))
	for _, f := range t.inward() {
		feature := t.Features[f]
		switch {
		case feature.Impossible != nil:
			has[f] = !feature.Impossible(l.values)
		case feature.Within < 0:
			has[f] = true
		default:
			has[f] = has[feature.Within] && r.Float64() < share[f]
		}
		if has[f] {
			l.counts[f].N++
			l.counts[f].S += key
		}
	}
}

func pick(r *rand.Rand, weights []float64) int {
	u := r.Float64()
	for i, w := range weights {
		if u < w {
			return i
		}
		u -= w
	}
	return len(weights) - 1
}

// tally adds leaves up into every node that holds them.
func tally(t *Table, n *Nodes, leaves []leaf) Counts {
	counts := NewCounts(len(t.Features), n)
	for _, l := range leaves {
		each(t, l.values, func(values []int) {
			if node, ok := n.Index(values...); ok {
				for f, c := range l.counts {
					counts[f][node].N += c.N
					counts[f][node].S += c.S
				}
			}
		})
	}
	return counts
}

// each visits every combination of a value or one of its ancestors on each axis.
func each(t *Table, values []int, visit func([]int)) {
	at := append([]int(nil), values...)
	var walk func(axis int)
	walk = func(axis int) {
		if axis == len(at) {
			visit(at)
			return
		}
		for v := values[axis]; ; v = t.Axes[axis].Values[v].Parent {
			at[axis] = v
			walk(axis + 1)
			if v == 0 {
				return
			}
		}
	}
	walk(0)
}

func mustNodes(t testing.TB, table *Table) *Nodes {
	t.Helper()
	n, err := table.Nodes()
	if err != nil {
		t.Fatal(err)
	}
	return n
}
