package schemas

import (
	"slices"
	"strings"
	"testing"
)

func TestDatasets(t *testing.T) {
	roles := map[Role]bool{Person: true, Date: true, CodeRole: true, Number: true, Category: true, Area: true, Event: true}
	for _, id := range DatasetIDs() {
		d, err := DatasetByID(id)
		if err != nil {
			t.Fatal(err)
		}
		if d.Title == "" || d.OptOuts == "" {
			t.Errorf("%s has no title, or does not say whose opt-outs it carries", id)
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
				if isCode := c.Role == Person || c.Role == Event; isCode != (c.Type == "code16") {
					t.Errorf("%s.%s.%s is of role %s and type %s", id, table.Name, c.Name, c.Role, c.Type)
				}
				if known := c.System == Snomed || c.System == ICD10 || c.System == TeamType; known != (c.Role == CodeRole) {
					t.Errorf("%s.%s.%s is of role %s and code system %q", id, table.Name, c.Name, c.Role, c.System)
				}
				seen[c.Name] = true
			}
		}
	}
}

// TestMembers: who is in a dataset is said by columns that hold people, the
// first table's person among them; and only the first table says who is linkable.
func TestMembers(t *testing.T) {
	for _, id := range DatasetIDs() {
		d, _ := DatasetByID(id)
		if !slices.Contains(d.Members, d.Tables[0].Name+".person") || !unique(d.Members, func(m string) string { return m }) {
			t.Errorf("%s: the members are %v", id, d.Members)
		}
		for _, m := range d.Members {
			name, column, _ := strings.Cut(m, ".")
			table := d.TableByName(name)
			if table == nil || !slices.ContainsFunc(table.Columns, func(c Column) bool { return c.Name == column && c.Role == Person }) {
				t.Errorf("%s: nobody stands in %s", id, m)
			}
		}
		for i, table := range d.Tables {
			if slices.Contains(table.ColumnNames(), "linkable") != (i == 0) {
				t.Errorf("%s.%s: linkable belongs to the first table", id, table.Name)
			}
		}
	}
}

func TestTableWords(t *testing.T) {
	table := Table{Columns: []Column{{Name: "person", Type: "code16"}, {Name: "end", Type: "date"}, {Name: "baby", Type: "code16"}}}
	if got := table.Signature(); got != "person UUID, end DATE, baby UUID" {
		t.Error(got)
	}
	if got := table.SelectList(); got != `"person"::UUID AS "person", "end"::DATE AS "end", "baby"::UUID AS "baby"` {
		t.Error(got)
	}
	if got := table.OrderList(); got != `"person", "end", "baby"` {
		t.Error(got)
	}
	if got := table.Codes(); len(got) != 2 || got[1].Name != "baby" {
		t.Error(got)
	}
}
