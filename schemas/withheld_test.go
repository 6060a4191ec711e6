package schemas

import (
	"fmt"
	"slices"
	"testing"
)

// TestAvailable: which measures a withheld code empties, by hand from the
// catalogue and the starter lists.
func TestAvailable(t *testing.T) {
	for _, c := range []struct {
		codes []string
		gone  []string
	}{
		{[]string{"86406008"}, nil},
		{[]string{"38341003"}, []string{"hypertension", "pregnancy-long-term-conditions"}},
		{[]string{"162659009"}, []string{"hypertension", "pregnancy-long-term-conditions"}}, // resolved: who is left would count too many
		{[]string{"84757009"}, []string{"multimorbidity"}},
		{[]string{"271649006"}, []string{"smi-blood-pressure"}},
		{[]string{"494131000000105"}, []string{"ethnicity-recorded"}},
		{[]string{"F20"}, []string{"smi-blood-pressure"}},
		{[]string{"F203"}, []string{"smi-blood-pressure"}},
		{[]string{"F2"}, nil},
		{[]string{"F32"}, nil},
	} {
		all := StandardCatalogue()
		part, missing := all.Available(StarterLists(), map[string][]Withholding{"primary-care": {{Policy: "own 1", Sites: 1, Of: 2, Codes: c.codes}}})
		var gone []string
		for _, n := range missing {
			gone = append(gone, n.Measure)
			if want := "not available: the policy own 1 leaves its codes out at the source, at 1 of 2 sites"; n.Reason() != want {
				t.Errorf("%s", n.Reason())
			}
		}
		if !slices.Equal(gone, c.gone) || len(part.Measures)+len(gone) != len(all.Measures) {
			t.Errorf("without %v: %v are gone, %d of %d left", c.codes, gone, len(part.Measures), len(all.Measures))
		}
		for _, n := range missing {
			if _, err := part.Measure(n.Measure); err == nil {
				t.Errorf("%s is both", n.Measure)
			}
		}
	}
	if _, missing := StandardCatalogue().Available(StarterLists(), map[string][]Withholding{
		"primary-care": {{"b 1", 2, 5, []string{"38341003"}}, {"a 2", 1, 5, []string{"59621000"}}}, "slam": {{"a 2", 1, 1, []string{"X60"}}}}); fmt.Sprint(missing[0]) != "{hypertension High blood pressure (hypertension) [a 2 b 1] 3 5}" {
		t.Errorf("%v", missing[0])
	}
	if _, missing := StandardCatalogue().Available(StarterLists(), map[string][]Withholding{
		"primary-care": {{"b 1", 2, 5, []string{"271649006"}}}, "slam": {{"a 2", 1, 1, []string{"F20"}}}}); missing[0].Sites != 3 || missing[0].Of != 6 {
		t.Errorf("%v", missing[0])
	}
	if _, missing := StandardCatalogue().Available(StarterLists(), nil); missing != nil {
		t.Error("something is missing although nothing is withheld")
	}
}
