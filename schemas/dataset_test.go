package schemas

import "testing"

func TestDatasets(t *testing.T) {
	roles := map[Role]bool{Person: true, Date: true, CodeRole: true, Number: true, Category: true, Area: true}
	for _, id := range DatasetIDs() {
		d, err := DatasetByID(id)
		if err != nil {
			t.Fatal(err)
		}
		for _, table := range d.Tables {
			if c := table.Columns[0]; c.Name != "person" || c.Role != Person || c.Type != "code16" {
				t.Errorf("%s.%s does not begin with the person", id, table.Name)
			}
			seen := map[string]bool{}
			for _, c := range table.Columns {
				if !roles[c.Role] || c.DuckDB() == "" || c.Description == "" || seen[c.Name] || !plain.MatchString(c.Name) {
					t.Errorf("%s.%s.%s: role %q, type %q", id, table.Name, c.Name, c.Role, c.Type)
				}
				seen[c.Name] = true
			}
		}
	}
}

func TestTableWords(t *testing.T) {
	table := Table{Columns: []Column{{Name: "person", Type: "code16"}, {Name: "year", Type: "year"}}}
	if got := table.Signature(); got != "person UUID, year SMALLINT" {
		t.Error(got)
	}
	if got := table.SelectList(); got != "person::UUID AS person, year::SMALLINT AS year" {
		t.Error(got)
	}
}
