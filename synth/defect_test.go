package synth

import (
	"math"
	"strings"
	"testing"

	"datanet/schemas"
)

// near says whether a count is within the tolerance (in standard errors, plus
// one) of a share of n.
func near(t *testing.T, what string, count, n int, share float64) {
	t.Helper()
	want := share * float64(n)
	if math.Abs(float64(count)-want) > 4*math.Sqrt(want)+1 || count == 0 {
		t.Errorf("%s: %d, want about %.1f of %d", what, count, want, n)
	}
}

// The shares are those asked for in the facts on real sources; numbers here
// repeat them on purpose.
func TestDefectsArePlanted(t *testing.T) {
	b := readBorough(t)
	c := map[string]int{}
	numbers := map[string][]string{}
	for _, r := range b.readings {
		if r.site != "Z98001" && r.truth["person_id"] != "" {
			countPatient(c, r)
			n := bare(r.patient["NhsNumber"])
			numbers[n] = append(numbers[n], r.truth["person_id"])
		}
		c[r.truth["gate"]]++
	}
	for n, owners := range numbers {
		if usableNumber(n) && len(owners) == 2 && owners[0] != owners[1] {
			c["collision"]++
		}
	}
	for what, share := range map[string]float64{
		"blank": 0.005, "invalid": 0.002, "spaced": 0.02, "restricted-flag": 0.001,
		"test": 0.001, "type-1": 0.05, "deleted": 0.002, "outside": 0.135 * 1.08, "no-fixed-abode": 0.002 * 1.08,
	} {
		near(t, what, c[what], readPeople, share)
	}
	for _, what := range []string{"collision", "repeated", "confidential", "precise-to-year"} {
		if c[what] == 0 {
			t.Errorf("no %s", what)
		}
	}
}

func countPatient(c map[string]int, r *reading) {
	n := r.patient["NhsNumber"]
	switch {
	case n == "":
		c["blank"]++
	case n == nobodys:
		c["repeated"]++
	case !usableNumber(n):
		c["invalid"]++
	case n != bare(n):
		c["spaced"]++
	}
	if r.patient["SpineSensitive"] == "true" {
		c["restricted-flag"]++
	}
	c[r.truth["ward"]]++
	for _, e := range r.entries {
		if e["EffectiveDatePrecision"] == "Y" && strings.HasSuffix(e["EffectiveDate"], "-01-01") {
			c["precise-to-year"]++
		}
	}
}

func TestDummiesComeInBothForms(t *testing.T) {
	forms := map[string]int{}
	for _, r := range readBorough(t).readings {
		if r.truth["gate"] == "test" {
			forms[r.patient["DummyType"]+" "+r.patient["PatientTypeDescription"]]++
		}
	}
	if forms["true Regular"] == 0 || forms["false   Dummy"] == 0 || len(forms) != 2 {
		t.Errorf("%v", forms)
	}
}

func TestDeletedPatientsHaveUndeletedEntries(t *testing.T) {
	entries := 0
	for _, r := range readBorough(t).readings {
		if r.patient["Deleted"] != "true" {
			continue
		}
		for _, e := range r.entries {
			if e["Deleted"] == "false" {
				entries++
			}
		}
	}
	if entries == 0 {
		t.Error("nothing to cascade to")
	}
}

func TestChoicesChange(t *testing.T) {
	choices := categoriesOf(t, "type-1-opt-out")
	courses := map[string]int{}
	for _, r := range readBorough(t).readings {
		course := ""
		for _, e := range r.evidence(choices) {
			course += choices[e["concept"]] + " "
		}
		courses[course]++
	}
	for _, course := range []string{"opt-out ", "opt-out withdrawn ", "opt-out withdrawn opt-out "} {
		if courses[course] == 0 {
			t.Errorf("nobody chose: %s", course)
		}
	}
}

func TestEntriesAreSpoiled(t *testing.T) {
	b, identifiers := readBorough(t), categoriesOf(t, "identifiers")
	all := 0
	c := map[string]int{}
	for _, r := range b.readings {
		for _, e := range r.entries {
			all++
			switch {
			case e["Deleted"] == "true":
				c["deleted"]++
			case e["IsConfidential"] == "true":
				c["confidential"]++
			}
			if date := e["EffectiveDate"]; date > readAsAt {
				c["future"]++
			} else if date < r.patient["DateOfBirth"] {
				c["before birth"]++
			}
			if _, ok := identifiers[e["concept"]]; ok {
				c["identifier"]++
			}
		}
	}
	near(t, "deleted", c["deleted"], all, 0.003)
	near(t, "confidential", c["confidential"], all, 0.003)
	for _, what := range []string{"future", "before birth", "identifier"} {
		if c[what] == 0 || c[what] > all/500 {
			t.Errorf("%s: %d of %d", what, c[what], all)
		}
	}
	if per := float64(all) / readPeople; per < 8 || per > 12 {
		t.Errorf("%.1f entries a person", per)
	}
}

func TestEthnicityIsRecordedAsInPractice(t *testing.T) {
	list := categoriesOf(t, "ethnicity")
	c := map[string]int{}
	n := 0
	for _, r := range readBorough(t).readings {
		n++
		told := r.truth["ethnicity"]
		if told != "Z" && told != "" {
			told = "letter"
			if entries := r.evidence(list); len(entries) > 1 {
				c["several"]++
				if list[entries[len(entries)-1]["concept"]] == "Z" {
					c["later Z"]++
				}
			}
		}
		c[told]++
	}
	near(t, "informative", c["letter"], n, 0.80)
	near(t, "not stated", c["Z"], n, 0.04)
	near(t, "several", c["several"], n, 0.11)
	if c["later Z"] == 0 {
		t.Error("no Z after a letter")
	}
}

func TestTheBranchSharesAGUIDOnly(t *testing.T) {
	b := readBorough(t)
	organisations := map[string]map[string]bool{}
	for _, r := range b.readings {
		g := r.patient["PatientGuid"]
		if organisations[g] == nil {
			organisations[g] = map[string]bool{}
		}
		organisations[g][r.site] = true
	}
	shared := 0
	for _, sites := range organisations {
		if len(sites) > 1 && sites["Z98001"] {
			shared++
		}
	}
	if shared != readPractices {
		t.Errorf("%d GUIDs are shared with the branch", shared)
	}
}

func TestPeopleAtTwoPractices(t *testing.T) {
	byPerson := map[string][]*reading{}
	for _, r := range readBorough(t).readings {
		if id := r.truth["person_id"]; id != "" {
			byPerson[id] = append(byPerson[id], r)
		}
	}
	c := map[string]int{}
	for _, rs := range byPerson {
		if len(rs) == 2 {
			countPair(t, c, rs[0], rs[1])
		}
	}
	near(t, "again", c["again"], readPeople, 0.056)
	near(t, "twice", c["twice"], readPeople, 0.0145)
	if c["birth"] == 0 {
		t.Error("no two birth dates")
	}
	if share := float64(c["ethnicity"]) / float64(c["told"]); share < 0.1 || share > 0.35 {
		t.Errorf("ethnicity disagrees in %.2f of pairs", share)
	}
}

func countPair(t *testing.T, c map[string]int, a, b *reading) {
	t.Helper()
	if a.site == b.site || a.patient["PatientGuid"] == b.patient["PatientGuid"] {
		t.Errorf("%s has two rows of one practice", a.truth["person_id"])
	}
	twice := a.truth["current"] == "true" && b.truth["current"] == "true"
	if twice && a.truth["registered_from"] == b.truth["registered_from"] {
		t.Errorf("%s starts twice in one month", a.truth["person_id"])
	}
	if twice {
		c["twice"]++
	} else {
		c["again"]++
	}
	if a.patient["DateOfBirth"] != b.patient["DateOfBirth"] {
		c["birth"]++
	}
	if x, y := a.truth["ethnicity"], b.truth["ethnicity"]; len(x+y) == 2 && x != "Z" && y != "Z" {
		c["told"]++
		if x != y {
			c["ethnicity"]++
		}
	}
}

func TestEveryWardIsCovered(t *testing.T) {
	people := map[string]float64{}
	population := readTable("ward-population.csv")
	total := 0.0
	for _, w := range schemas.Wards() {
		people[w.Code] = population.number(population.find(w.Code), "people")
		total += people[w.Code]
	}
	for _, practices := range []int{1, 2, 6, 45} {
		p := newPlan(Options{People: 20_000, Practices: practices, Seed: 2}.withDefaults())
		p.populate()
		lived := map[string]int{}
		homes := 0
		for i := range p.People {
			if h := p.people[i].regs[0].home; h.area >= 0 {
				lived[p.borough.wardWord(h)]++
				homes++
			}
		}
		for code, n := range people {
			near(t, code, lived[code], homes, n/total)
		}
	}
}
