package schemas

import (
	"fmt"
	"strings"
	"testing"
)

func TestCombinations(t *testing.T) {
	for id, want := range map[string]string{
		"primary-care": "patients sex birth_year ethnicity ward", "slam": "patients gender birth_year ethnicity ward", "maternity": "pregnancies ethnicity ward",
	} {
		d, err := DatasetByID(id)
		if err != nil {
			t.Fatal(err)
		}
		first := d.Combinations()[0]
		if got := first.Table + " " + strings.Join(first.Columns, " "); got != want {
			t.Errorf("%s: the standard combination is %s", id, got)
		}
	}
	c := Combination{"patients", []string{"sex", "birth_year", "ward"}}
	if got := fmt.Sprint(c.Only([]string{"ward", "person", "sex"})); got != "{patients [sex ward]}" {
		t.Error(got)
	}
}

func TestWrongCombinations(t *testing.T) {
	tables := []Table{{Name: "patients", Columns: []Column{{Name: "person", Type: "code16"}, {Name: "sex", Type: "text"}, {Name: "ward", Type: "text"}}},
		{Name: "births", Columns: []Column{{Name: "ward", Type: "text"}}}}
	for name, c := range map[string]struct {
		of    [][]string
		right bool
	}{
		"right":        {[][]string{{"patients.sex", "patients.ward"}, {"births.ward"}}, true},
		"none":         {nil, false},
		"empty":        {[][]string{{}}, false},
		"twice":        {[][]string{{"patients.sex", "patients.sex"}}, false},
		"unknown":      {[][]string{{"patients.sax"}}, false},
		"no table":     {[][]string{{"sex"}}, false},
		"two tables":   {[][]string{{"patients.sex", "births.ward"}}, false},
		"person":       {[][]string{{"patients.person"}}, false},
		"second wrong": {[][]string{{"patients.sex"}, {"births.sex"}}, false},
	} {
		if err := (&Dataset{Tables: tables, QuasiIdentifiers: c.of}).checkCombinations(); (err == nil) != c.right {
			t.Errorf("%s: %v", name, err)
		}
	}
}
