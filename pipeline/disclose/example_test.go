package disclose_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"datanet/pipeline/disclose"
)

// A borough of two wards and a rest, one measure.
func ExampleProtect() {
	table := &disclose.Table{
		Axes: []disclose.Axis{{Name: "area", Values: []disclose.Value{
			{Name: "All"}, {Name: "north", Level: 1}, {Name: "south", Level: 1}, {Name: "unknown", Level: 1},
		}}},
		Views: []disclose.View{{Name: "area", Limits: []int{1}}},
		Features: []disclose.Feature{
			{ID: "people", Within: -1},
			{ID: "diabetes", Within: 0},
		},
	}
	nodes, err := table.Nodes()
	if err != nil {
		panic(err)
	}
	counts := disclose.NewCounts(len(table.Features), nodes)
	for area, n := range []int64{0, 1480, 611, 33} {
		for feature, n := range []int64{n, n / 12} {
			people := disclose.Count{N: n, S: uint64(n) * 0x9e3779b97f4a7c15} // in the pipeline: the sum of record keys
			for _, values := range []int{area, 0} {
				node, _ := nodes.Index(values)
				if area != 0 {
					counts[feature][node].N += people.N
					counts[feature][node].S += people.S
				}
			}
		}
	}
	published, _, err := disclose.Protect(table, counts, func(sum, n uint64) (float64, error) {
		mac := hmac.New(sha256.New, []byte("an example has no secret"))
		binary.Write(mac, binary.LittleEndian, [2]uint64{sum, n})
		return float64(binary.BigEndian.Uint64(mac.Sum(nil))>>11) / (1 << 53), nil
	})
	if err != nil {
		panic(err)
	}
	for node := range nodes.Len() {
		fmt.Println(table.Axes[0].Values[nodes.At(node)[0]].Name, published[0][node], published[1][node])
	}
	fmt.Println(disclose.Lattice())
	// Output:
	// All {2125 false} {175 false}
	// north {1480 false} {125 false}
	// south {610 false} {50 false}
	// unknown {35 false} {0 true}
	// lattice D=5 V=3 stay=0.5 threshold=7 base=5 outsiders=1 width=3 rounds=30
}
