package schemas

import (
	"slices"
	"strings"
	"testing"
)

func measureIDs(c *Catalogue) string {
	return strings.Join(ids(c.Measures, func(m Measure) string { return m.ID }), " ")
}

// TestMeasuresByDatasets: what one dataset tells alone is in its own
// publication and in no linked one, and the other way round.
func TestMeasuresByDatasets(t *testing.T) {
	c := StandardCatalogue()
	const gp = "hypertension diabetes chd depression smi asthma multimorbidity ethnicity-recorded"
	for dataset, want := range map[string]string{"primary-care": gp, "slam": "", "maternity": ""} {
		if got := measureIDs(c.MeasuresOf(dataset)); got != want {
			t.Errorf("%s alone: %q, want %q", dataset, got, want)
		}
	}
	for datasets, want := range map[string]string{
		"primary-care":                "",
		"primary-care slam":           "smi-blood-pressure",
		"slam primary-care":           "smi-blood-pressure",
		"primary-care maternity":      "pregnancy-long-term-conditions",
		"slam maternity":              "",
		"slam maternity primary-care": "smi-blood-pressure pregnancy-long-term-conditions",
		"":                            "",
	} {
		part := c.MeasuresFor(strings.Fields(datasets))
		if got := measureIDs(part); got != want {
			t.Errorf("%s linked: %q, want %q", datasets, got, want)
		}
		if err := part.Check(); err != nil {
			t.Errorf("%s linked: %v", datasets, err)
		}
	}
	if len(c.Measures) != 10 || c.MeasuresOf("primary-care").Denominators != nil {
		t.Error("the catalogue was changed, or a dataset alone has a linked denominator")
	}
	if part := c.MeasuresFor([]string{"primary-care", "maternity"}); len(part.Conditions) != 2 || len(part.Denominators) != 1 {
		t.Errorf("%d conditions and %d denominators where two and one are needed", len(part.Conditions), len(part.Denominators))
	}
	if got := c.MeasuresOf("primary-care").Conditions; len(got) != len(c.Conditions) {
		t.Errorf("%d conditions of %d", len(got), len(c.Conditions))
	}
}

// TestColumnsToApprove: what a draft asks for when nobody says otherwise.
func TestColumnsToApprove(t *testing.T) {
	const patients = "patients.person patients.site patients.sex patients.birth_year patients.ethnicity patients.ward patients.imd_decile patients.registered_from patients.registered_to patients.death_year"
	const observations = "observations.person observations.date observations.year observations.concept"
	for datasets, want := range map[string]map[string]string{
		"primary-care slam": {"primary-care": patients + " " + observations,
			"slam": "patients.person diagnoses.person diagnoses.date diagnoses.year diagnoses.icd10"},
		"maternity primary-care": {"primary-care": patients + " " + observations,
			"maternity": "pregnancies.person pregnancies.booked births.person births.baby"},
		"primary-care slam maternity": {"primary-care": patients + " " + observations,
			"slam":      "patients.person diagnoses.person diagnoses.date diagnoses.year diagnoses.icd10",
			"maternity": "pregnancies.person pregnancies.booked births.person births.baby"},
		"slam maternity":      {"slam": "patients.person", "maternity": "pregnancies.person births.person births.baby"},
		"primary-care":        {"primary-care": "patients.person"},
		"primary-care nobody": {"primary-care": "patients.person"},
	} {
		got := StandardCatalogue().ColumnsFor(strings.Fields(datasets))
		if len(got) != len(want) {
			t.Errorf("%s: %v", datasets, got)
		}
		for dataset, columns := range want {
			var names []string
			for _, c := range got[dataset] {
				names = append(names, c.Table+"."+c.Name)
			}
			if strings.Join(names, " ") != columns {
				t.Errorf("%s, %s: %v, want %s", datasets, dataset, names, columns)
			}
		}
	}
}

// TestNeedsAreOfTheVocabulary: a column that there is not would never be
// approved.
func TestNeedsAreOfTheVocabulary(t *testing.T) {
	for _, m := range StandardCatalogue().Measures {
		if len(m.Linked) > 0 && len(m.Needs) < 2 {
			t.Errorf("%s declares too little", m.ID)
		}
		for _, n := range m.Reads() {
			d, err := DatasetByID(n.Dataset)
			if err != nil {
				t.Fatal(err)
			}
			if table := d.TableByName(n.Table); table == nil || len(n.Columns) == 0 || n.Columns[0] != "person" ||
				slices.ContainsFunc(n.Columns, func(c string) bool { return !slices.Contains(table.ColumnNames(), c) }) {
				t.Errorf("%s needs %v, which %s has not", m.ID, n, n.Dataset)
			}
		}
	}
	for _, d := range StandardCatalogue().Denominators {
		if _, err := DatasetByID(d.Dataset()); err != nil {
			t.Errorf("%s is of no dataset", d.ID)
		}
	}
}

// TestLinkedFeatures: everybody registered, the denominator within them, the
// numerator within it.
func TestLinkedFeatures(t *testing.T) {
	features := StandardCatalogue().MeasuresFor([]string{"primary-care", "slam", "maternity"}).Features()
	var got []string
	for _, f := range features {
		within := "nobody's"
		if f.Within >= 0 {
			within = features[f.Within].ID + "'s"
		}
		line := f.ID + " is " + within
		if f.Sensitive() {
			line += " and sensitive"
		}
		got = append(got, line)
		for _, a := range StandardCatalogue().Axes {
			if f.Includes(&a) != nil || f.Excludes(&a) != nil {
				t.Errorf("%s says something of %s", f.ID, a.ID)
			}
		}
	}
	want := `registered-0 is nobody's
smi-at-slam is registered-0's and sensitive
pregnancy-booked is registered-0's and sensitive
smi-blood-pressure is smi-at-slam's and sensitive
pregnancy-long-term-conditions is pregnancy-booked's and sensitive`
	if strings.Join(got, "\n") != want {
		t.Errorf("%s", strings.Join(got, "\n"))
	}
}

// Of adults, a denominator holds none who are no adults, and not all who are.
func TestDenominatorsOfAnAge(t *testing.T) {
	c := cloneCatalogue(t).MeasuresFor([]string{"primary-care", "slam"})
	c.Measures[0].LowestAge = 18
	features, age := c.Features(), c.Axis("age")
	f := features[slices.IndexFunc(features, func(f Feature) bool { return f.ID == "smi-at-slam" })]
	if features[f.Within].ID != "registered-18" || f.Includes(age) != nil || !f.Excludes(age)[age.Index("0-17")] || f.Excludes(age)[age.Index("18-19")] {
		t.Errorf("%+v", f)
	}
}

// TestListsOfOtherDatasets: a list that is matched with what is not counted is
// no part of a publication.
func TestListsOfOtherDatasets(t *testing.T) {
	all := StarterLists()
	alone := StandardCatalogue().ListsFor(all, []string{"primary-care"})
	if alone["smi-icd10"] != nil || len(alone) != len(all)-1 || all["smi-icd10"] == nil {
		t.Errorf("%v", alone.Names())
	}
	if linked := StandardCatalogue().ListsFor(all, []string{"primary-care", "slam"}); linked.Digest() != all.Digest() {
		t.Errorf("%v", linked.Names())
	}
	shared := cloneCatalogue(t)
	shared.Denominators = append(shared.Denominators, Denominator{ID: "other", Kind: "of no dataset", Of: []string{"smi-icd10"}})
	if shared.ListsFor(all, []string{"slam"})["smi-icd10"] == nil {
		t.Error("a list that another dataset uses too is gone")
	}
}

// The codes of a diagnosis list are matched with codes of the canonical form.
func TestDiagnosisListsAreICD10(t *testing.T) {
	for _, d := range StandardCatalogue().Denominators {
		for _, list := range d.Of {
			l, err := CodeList(list)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range l.Entries {
				if len(e.Code) != 3 || e.Code[0] < 'A' || e.Code[0] > 'Z' {
					t.Errorf("%s: %s is no three-character code", list, e.Code)
				}
			}
		}
	}
}
