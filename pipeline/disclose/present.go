package disclose

// Cell is what the public sees of one feature at one node: a count, or that it is withheld. There is one symbol for
// every reason, so a withheld cell has no count, no size and no reason to give away.
type Cell struct {
	Count    int64
	Withheld bool
}

// Published are the cells by feature and node, published[feature][node]. Nothing in it depends on why a cell is
// withheld; the reasons are in the Audit, which stays in the hub.
type Published [][]Cell

// rounded is the nearest multiple of the base. With base 5, 5·⌊(n+2)/5⌋, no whole number is a tie (NHS Digital HES
// analysis guide; order is suppress, then round).
func (p Policy) rounded(n int64) int64 {
	base := int64(p.Base)
	return base * ((n + p.slack()) / base)
}

// small are the counts that are never shown: 1…7.
func (p Policy) small(n int64) bool { return n >= 1 && n <= int64(p.Threshold) }

// present decides one cell from the true and the perturbed count by themselves. Zero is the caller's to decide, because
// it depends on the feature and on the denominators around it.
func (p Policy) present(count, perturbed int64) (Cell, Reason) {
	switch {
	case count == 0:
		return withheld, Zero
	case p.small(count):
		return withheld, Small
	case perturbed <= int64(p.Threshold):
		return withheld, PerturbedSmall
	}
	return Cell{Count: p.rounded(perturbed)}, Shown
}

var withheld = Cell{Withheld: true}
