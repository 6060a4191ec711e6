package schemas

import (
	"fmt"
	"slices"
	"strings"
)

// A Withholding is what one policy leaves out of a dataset at some of its
// sites: codes as the dataset's tables would hold them.
type Withholding struct {
	Policy string   `json:"policy"` // id and version
	Sites  int      `json:"sites"`  // at how many sites
	Of     int      `json:"of"`     // of how many
	Codes  []string `json:"codes"`  // sorted
}

// valid says whether it can be one of a dataset's.
func (w Withholding) valid(dataset string) bool {
	return w.Policy != "" && printable(w.Policy) && w.Sites > 0 && w.Sites <= w.Of && w.Of < 1e6 && len(w.Codes) > 0 && WithheldCodes(dataset, w.Codes)
}

func withholdingsHold(dataset string, all []Withholding) bool {
	return !slices.ContainsFunc(all, func(w Withholding) bool { return !w.valid(dataset) })
}

// A NotAvailable is a measure that nobody is counted for, because some of its
// codes never left some of the sites: a count would be too low, and a zero a lie.
type NotAvailable struct {
	Measure  string   `json:"measure"`
	Title    string   `json:"title"`
	Policies []string `json:"policies"` // that leave its codes out
	Sites    int      `json:"sites"`    // at how many sites
	Of       int      `json:"of"`       // of how many
}

// Reason says why, in words.
func (n NotAvailable) Reason() string {
	which := "the policy " + strings.Join(n.Policies, " and the policy ")
	leaves := " leaves"
	if len(n.Policies) > 1 {
		leaves = " leave"
	}
	return fmt.Sprintf("not available: %s%s its codes out at the source, at %d of %d sites", which, leaves, n.Sites, n.Of)
}

// Available parts a catalogue: the measures that can be counted, and those of
// whose codes some are withheld somewhere, in any of the datasets counted.
func (c *Catalogue) Available(lists Lists, withheld map[string][]Withholding) (*Catalogue, []NotAvailable) {
	var missing []NotAvailable
	part := c.Only(func(m *Measure) bool {
		n := NotAvailable{Measure: m.ID, Title: m.Title, Policies: []string{}}
		codes := c.codes(m, lists)
		for _, dataset := range sortedKeys(withheld) {
			n.add(withheld[dataset], codes)
		}
		if len(n.Policies) == 0 {
			return true
		}
		slices.Sort(n.Policies)
		n.Policies = slices.Compact(n.Policies)
		missing = append(missing, n)
		return false
	})
	return part, missing
}

// add notes what a dataset's sites withhold of a measure's codes.
func (n *NotAvailable) add(withheld []Withholding, codes []string) {
	of := 0
	for _, w := range withheld {
		if slices.ContainsFunc(codes, func(code string) bool { return overlaps(code, w.Codes) }) {
			n.Policies, n.Sites, of = append(n.Policies, w.Policy), n.Sites+w.Sites, w.Of
		}
	}
	n.Of += of
}

// overlaps says whether a code, or in ICD-10 anything below or above it, is
// among some.
func overlaps(code string, some []string) bool {
	if _, same := slices.BinarySearch(some, code); same {
		return true
	}
	return icd10Form.MatchString(code) && slices.ContainsFunc(some, func(s string) bool {
		return icd10Form.MatchString(s) && (strings.HasPrefix(s, code) || strings.HasPrefix(code, s))
	})
}

// codes are all those that decide who counts for a measure, as the tables hold
// them.
func (c *Catalogue) codes(m *Measure, lists Lists) []string {
	var names []string
	switch m.Numerator.Kind {
	case KindCondition, KindAtLeast:
		for _, id := range m.Numerator.Of {
			if k := c.Condition(id); k != nil {
				names = append(names, k.Has, k.Resolved)
			}
		}
	case KindEntry:
		names = m.Numerator.Of
	case KindEthnicityRecorded:
		names = []string{"ethnicity"}
	}
	if d := c.Denominator(m.Denominator); d != nil {
		names = append(names, d.Of...)
	}
	var codes []string
	for _, name := range names {
		if l := lists[name]; l != nil {
			for _, e := range l.Entries {
				codes = append(codes, tableForm(e.Code))
			}
		}
	}
	return codes
}
