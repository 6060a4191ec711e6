package disclose
import "testing"
func TestStress(t *testing.T) {
	r, seed := seeded(t)
	bad := 0
	for i := range 40 {
		table := boroughTable(14)
		if i%2 == 1 { for f := range table.Features { if !table.Features[f].Sensitive { table.Features[f].ShowZero = true } } }
		n := mustNodes(t, table)
		people := []int{0, 1, 30, 300, 1000, 5000, 15000, 60000}[i%8]
		counts := tally(table, n, populate(r, table, people))
		for range 3 {
			_, a, err := Protect(table, counts, keyed(r.Uint64()))
			if err != nil { bad++; t.Logf("%d people zero=%v: %v", people, i%2, err); continue }
			t.Log(people, i%2, a.FirstExposed, a.RepairedCells, a.Rounds, a.NarrowestHidden, a.Withheld, a.Unmasked, a.Reasons["zero"])
		}
	}
	t.Log(seed, bad)
}
