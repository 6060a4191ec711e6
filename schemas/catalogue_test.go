package schemas

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

func TestCatalogueHolds(t *testing.T) {
	if err := StandardCatalogue().Check(); err != nil {
		t.Fatal(err)
	}
}

func TestEveryConditionHasItsLists(t *testing.T) {
	for _, k := range StandardCatalogue().Conditions {
		for _, list := range []string{k.Has, k.Resolved} {
			if list == "" {
				continue
			}
			if l, err := CodeList(list); err != nil || len(l.Entries) == 0 {
				t.Errorf("condition %s: list %s: %v", k.ID, list, err)
			}
		}
	}
}

func TestEveryMeasureNamesItsDataset(t *testing.T) {
	for _, m := range StandardCatalogue().Measures {
		if _, err := DatasetByID(m.Dataset); err != nil {
			t.Errorf("measure %s: %v", m.ID, err)
		}
		if m.Sentence == "" || m.NumeratorDefinition == "" || m.DenominatorDefinition == "" || m.Method == "" {
			t.Errorf("measure %s lacks a definition", m.ID)
		}
	}
}

// The codes that an extract can write must each have their group, or people
// would vanish into the rest unnoticed.
func TestCodesOfExtractsHaveGroups(t *testing.T) {
	groups := func(axis string) map[string]string {
		codes := map[string]string{}
		for _, v := range StandardCatalogue().Axis(axis).Values {
			for _, c := range v.Codes {
				codes[c] = v.ID
			}
		}
		return codes
	}
	ethnicities, err := CodeList("ethnicity")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range ethnicities.Entries {
		if groups("ethnicity")[e.Category] == "" {
			t.Errorf("ethnicity %s of the code list has no group", e.Category)
		}
	}
	for _, w := range Wards() {
		if groups("area")[w.Code] != w.Code {
			t.Errorf("ward %s is no group", w.Code)
		}
	}
	for _, word := range []string{OutsideBorough, NoFixedAbode, UnknownArea} {
		if groups("area")[word] != word {
			t.Errorf("area %s is no group", word)
		}
	}
	for _, l := range LSOAs() {
		if groups("imd")[string(rune('0'+l.IMDDecile))] == "" && l.IMDDecile != 10 {
			t.Errorf("decile %d has no fifth", l.IMDDecile)
		}
	}
}

func TestAgeBandsFollowEachOther(t *testing.T) {
	age := StandardCatalogue().Axis("age")
	for level := 1; level <= age.MaxLevel(); level++ {
		years := 0
		for _, v := range age.Frontier(level) {
			for _, code := range age.codesBelow(v) {
				if want := itoa(years); code != want {
					t.Fatalf("level %d: %s where %s follows", level, code, want)
				}
				years++
			}
		}
		if years != 125 {
			t.Errorf("level %d ends at %d", level, years)
		}
	}
}

func (a *Axis) codesBelow(value int) (codes []string) {
	for i, v := range a.Values {
		if a.Under(i, value) {
			codes = append(codes, v.Codes...)
		}
	}
	return codes
}

func itoa(n int) string { b, _ := json.Marshal(n); return string(b) }

func TestFrontierDividesEverybody(t *testing.T) {
	want := map[int]string{
		1: "White Mixed Asian Black Other Z 99",
		2: "White Mixed Asian N CO Other Z 99",
		3: "A B C D E F G H J K R L N M P S Z 99",
	}
	want[3] = strings.Replace(want[3], " S ", " Other ", 1) // S is the code of Other, which nothing divides
	a := StandardCatalogue().Axis("ethnicity")
	for level, line := range want {
		var got []string
		for _, v := range a.Frontier(level) {
			got = append(got, a.Values[v].ID)
		}
		if strings.Join(got, " ") != line {
			t.Errorf("level %d: %v, want %s", level, got, line)
		}
	}
}

// What a definition leaves out, or holds whole, is known to every reader.
func TestWhatDefinitionsSay(t *testing.T) {
	c := StandardCatalogue()
	names := func(axis string, marks []bool) string {
		var ids []string
		for i, marked := range marks {
			if marked {
				ids = append(ids, c.Axis(axis).Values[i].ID)
			}
		}
		return strings.Join(ids, " ")
	}
	adults := Feature{LowestAge: 18}
	if got := names("age", adults.Excludes(c.Axis("age"))); got != "0-17 age-unknown" {
		t.Errorf("no adults are in %s", got)
	}
	if got := names("age", adults.Includes(c.Axis("age"))); got != "18-39 40-64 65-74 75+ 18-19 20-39 40-54 55-64" {
		t.Errorf("all are adults in %s", got)
	}
	seventeen := Feature{LowestAge: 17}
	if got := names("age", seventeen.Excludes(c.Axis("age"))); got != "age-unknown" {
		t.Errorf("nobody of 17 is in %s", got)
	}
	for _, f := range c.Features() {
		if f.ID != "ethnicity-recorded" {
			if f.Excludes(c.Axis("ethnicity")) != nil {
				t.Errorf("%s says something of ethnicity", f.ID)
			}
			continue
		}
		if got := names("ethnicity", f.Excludes(c.Axis("ethnicity"))); got != "Z 99" {
			t.Errorf("none is recorded in %s", got)
		}
		if got := strings.Fields(names("ethnicity", f.Includes(c.Axis("ethnicity")))); slices.Contains(got, "99") || len(got) != 21 {
			t.Errorf("all are recorded in %s", got)
		}
	}
}

func TestFeaturesNestInTheirDenominators(t *testing.T) {
	features := StandardCatalogue().Features()
	for i, f := range features {
		switch {
		case i == 0 && (f.Within != -1 || f.LowestAge != 0):
			t.Errorf("the first feature is not everybody")
		case i > 0 && (f.Within < 0 || f.Within >= i || features[f.Within].LowestAge > f.LowestAge):
			t.Errorf("%s is counted within feature %d", f.ID, f.Within)
		case (f.Measure != nil || f.Denominator != nil) && features[f.Within].LowestAge != f.LowestAge:
			t.Errorf("%s is counted within another lowest age", f.ID)
		}
	}
}

// TestHostileCatalogues changes one thing at a time, as somebody would who
// publishes under a key of their own.
func TestHostileCatalogues(t *testing.T) {
	for name, change := range map[string]func(*Catalogue){
		"axis name ends the statement": func(c *Catalogue) { c.Axes[0].ID = `area" VARCHAR); DROP TABLE counts; --` },
		"axis name is a column":        func(c *Catalogue) { c.Axes[4].ID = "denominator" },
		"axis twice":                   func(c *Catalogue) { c.Axes[4] = c.Axes[3] },
		"axis without values":          func(c *Catalogue) { c.Axes[4].Values = nil },
		"no area":                      func(c *Catalogue) { c.Axes[0].ID = "place" },
		"no residents":                 func(c *Catalogue) { c.Axes[0].Values[1].ID = "inhabitant" },
		"cyclic parents":               func(c *Catalogue) { v := c.Axes[1].Values; v[8].Parent, v[9].Parent = v[9].ID, v[8].ID },
		"own parent":                   func(c *Catalogue) { v := c.Axes[1].Values; v[8].Parent = v[8].ID },
		"parent of no level below":     func(c *Catalogue) { c.Axes[1].Values[8].Level = 1 },
		"neighbours of two levels":     func(c *Catalogue) { c.Axes[1].Values[10].Level = 2 },
		"bottomless level":             func(c *Catalogue) { c.Axes[3].Values[1].Level = 1 << 30 },
		"negative level":               func(c *Catalogue) { c.Axes[3].Values[1].Level = -1 },
		"All twice":                    func(c *Catalogue) { c.Axes[3].Values[1].ID = "" },
		"value twice":                  func(c *Catalogue) { c.Axes[3].Values[2].ID = "F" },
		"value id with a quote":        func(c *Catalogue) { c.Axes[3].Values[1].ID = "F'" },
		"title is a formula":           func(c *Catalogue) { c.Axes[3].Values[1].Title = "=HYPERLINK(1)" },
		"code twice":                   func(c *Catalogue) { c.Axes[3].Values[1].Codes = []string{"M"} },
		"people in a divided value":    func(c *Catalogue) { c.Axes[1].Values[1].Codes = []string{"T"} },
		"no rest":                      func(c *Catalogue) { c.Axes[3].Values[3].Rest = false },
		"two rests":                    func(c *Catalogue) { c.Axes[3].Values[1].Rest = true },
		"too many values":              func(c *Catalogue) { c.Axes[3].Values = make([]Value, mostValues+1) },
		"dimension name is SQL":        func(c *Catalogue) { c.Dimensions[1].ID = "x VARCHAR); COPY" },
		"dimension name is a column":   func(c *Catalogue) { c.Dimensions[1].ID = "lower" },
		"dimension twice":              func(c *Catalogue) { c.Dimensions[1] = c.Dimensions[0] },
		"dimension of no axis":         func(c *Catalogue) { c.Dimensions[1].Axis = "religion" },
		"dimension of no level":        func(c *Catalogue) { c.Dimensions[1].Level = 7 },
		"view of no axis":              func(c *Catalogue) { c.Views[0].Levels = map[string]int{"religion": 1} },
		"view beyond its axis":         func(c *Catalogue) { c.Views[0].Levels = map[string]int{"sex": 2} },
		"view of level 0":              func(c *Catalogue) { c.Views[0].Levels = map[string]int{"sex": 0} },
		"view twice":                   func(c *Catalogue) { c.Views[1].Levels = c.Views[0].Levels },
		"view of everything": func(c *Catalogue) {
			c.Views[0].Levels = map[string]int{"area": 2, "ethnicity": 3, "age": 2, "sex": 1, "imd": 1}
		},
		"no view":                     func(c *Catalogue) { c.Views = nil },
		"measure name is a path":      func(c *Catalogue) { c.Measures[0].ID = "../../etc" },
		"measure twice":               func(c *Catalogue) { c.Measures[1].ID = c.Measures[0].ID },
		"measure of no condition":     func(c *Catalogue) { c.Measures[0].Numerator.Of = []string{"none"} },
		"measure of no kind":          func(c *Catalogue) { c.Measures[0].Numerator.Kind = "sql" },
		"condition counted twice":     func(c *Catalogue) { c.Measures[6].Numerator.Of[1] = c.Measures[6].Numerator.Of[0] },
		"more conditions than listed": func(c *Catalogue) { c.Measures[6].Numerator.Count = 13 },
		"sensitive zeros":             func(c *Catalogue) { c.Measures[0].ZeroShown = true },
		"no age":                      func(c *Catalogue) { c.Measures[0].LowestAge = -1 },
		"unknown polarity":            func(c *Catalogue) { c.Measures[0].Polarity = "high" },
		"months of a condition":       func(c *Catalogue) { c.Measures[0].Numerator.Months = 12 },
		"dataset is a path":           func(c *Catalogue) { c.Measures[0].Dataset = "../slam" },
		"no dataset":                  func(c *Catalogue) { c.Measures[0].Dataset = "" },
		"linked with itself":          func(c *Catalogue) { c.Measures[8].Linked = []string{"slam", "primary-care"} },
		"linked with a path":          func(c *Catalogue) { c.Measures[8].Linked = []string{"slam", "a/b"} },
		"linked twice":                func(c *Catalogue) { c.Measures[8].Linked = []string{"slam", "slam"} },
		"linked without end":          func(c *Catalogue) { c.Measures[8].Linked = slices.Repeat([]string{"slam"}, 1000) },
		"denominator of no dataset":   func(c *Catalogue) { c.Measures[8].Linked = []string{"maternity"} },
		"no such denominator":         func(c *Catalogue) { c.Measures[8].Denominator = "nobody" },
		"open beside its denominator": func(c *Catalogue) { c.Measures[8].Sensitive = false },
		"denominator of two ages": func(c *Catalogue) {
			c.Measures = append(c.Measures, c.Measures[8])
			c.Measures[10].ID, c.Measures[10].LowestAge = "another", 18
		},
		"denominator name is a path": func(c *Catalogue) { c.Denominators[0].ID = "../x"; c.Measures[8].Denominator = "../x" },
		"denominator twice":          func(c *Catalogue) { c.Denominators[1].ID = c.Denominators[0].ID },
		"people of a formula":        func(c *Catalogue) { c.Denominators[0].People = "=1+1" },
		"people of nothing":          func(c *Catalogue) { c.Denominators[0].People = "" },
		"denominator of no kind":     func(c *Catalogue) { c.Denominators[0].Kind = "sql" },
		"diagnosis of two lists":     func(c *Catalogue) { c.Denominators[0].Of = []string{"a", "b"} },
		"diagnosis of no list":       func(c *Catalogue) { c.Denominators[0].Of = []string{""} },
		"diagnosis of months":        func(c *Catalogue) { c.Denominators[0].Months = 12 },
		"booking of a list":          func(c *Catalogue) { c.Denominators[1].Of = []string{"a"} },
		"booking of no month":        func(c *Catalogue) { c.Denominators[1].Months = 0 },
		"booking for ever":           func(c *Catalogue) { c.Denominators[1].Months = 1 << 40 },
		"entry of no list":           func(c *Catalogue) { c.Measures[8].Numerator.Of = nil },
		"entry of two lists":         func(c *Catalogue) { c.Measures[8].Numerator.Of = []string{"a", "b"} },
		"entry of a nameless list":   func(c *Catalogue) { c.Measures[8].Numerator.Of = []string{""} },
		"entry of no month":          func(c *Catalogue) { c.Measures[8].Numerator.Months = 0 },
		"entry of less than a month": func(c *Catalogue) { c.Measures[8].Numerator.Months = -1 },
		"need of another dataset":    func(c *Catalogue) { c.Measures[8].Needs[1].Dataset = "maternity" },
		"need of SQL":                func(c *Catalogue) { c.Measures[8].Needs[1].Table = "x; DROP TABLE y" },
		"need of a column of SQL":    func(c *Catalogue) { c.Measures[8].Needs[1].Columns[1] = "person FROM x" },
		"need of a column twice":     func(c *Catalogue) { c.Measures[8].Needs[1].Columns[1] = "person" },
		"needs without end":          func(c *Catalogue) { c.Measures[8].Needs = make([]Need, 1000) },
	} {
		c := cloneCatalogue(t)
		change(c)
		err := c.Check()
		if _, ok := err.(*CatalogueError); !ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func cloneCatalogue(t *testing.T) *Catalogue {
	t.Helper()
	b, err := json.Marshal(StandardCatalogue())
	if err != nil {
		t.Fatal(err)
	}
	c := &Catalogue{}
	if err := json.Unmarshal(b, c); err != nil {
		t.Fatal(err)
	}
	if err := c.Check(); err != nil {
		t.Fatalf("the clone does not hold: %v", err)
	}
	return c
}
