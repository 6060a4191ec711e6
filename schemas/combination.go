package schemas

import (
	"fmt"
	"slices"
	"strings"
)

// A Combination is some columns of one table that together point at few
// people, or at one: what a neighbour or a newspaper can know.
type Combination struct {
	Table   string   `json:"table"`
	Columns []string `json:"columns"`
}

// Combinations are the dataset's quasi-identifiers, table by table.
func (d *Dataset) Combinations() []Combination {
	var all []Combination
	for _, names := range d.QuasiIdentifiers {
		var c Combination
		for _, name := range names {
			table, column, _ := strings.Cut(name, ".")
			c.Table, c.Columns = table, append(c.Columns, column)
		}
		all = append(all, c)
	}
	return all
}

// Only is the combination with the columns that a table has left, which a
// release's may be fewer of. Empty when none is left.
func (c Combination) Only(columns []string) Combination {
	only := Combination{Table: c.Table}
	for _, name := range c.Columns {
		if slices.Contains(columns, name) {
			only.Columns = append(only.Columns, name)
		}
	}
	return only
}

// checkCombinations holds the combinations to what the code relies on: each is
// of known columns of one table, each once, and of no code.
func (d *Dataset) checkCombinations() error {
	if len(d.QuasiIdentifiers) == 0 {
		return fmt.Errorf("%s declares no quasi-identifiers", d.ID)
	}
	for i, names := range d.QuasiIdentifiers {
		if len(names) == 0 || !unique(names, func(s string) string { return s }) {
			return fmt.Errorf("quasi-identifiers %d are none, or name a column twice", i+1)
		}
		first, _, _ := strings.Cut(names[0], ".")
		for _, name := range names {
			table, column, _ := strings.Cut(name, ".")
			if !d.combines(first, table, column) {
				return fmt.Errorf("quasi-identifiers %d: %q is no column of the first one's table, or a code", i+1, name)
			}
		}
	}
	return nil
}

func (d *Dataset) combines(first, table, column string) bool {
	t := d.TableByName(table)
	return t != nil && table == first && slices.ContainsFunc(t.Columns, func(c Column) bool {
		return c.Name == column && c.Type != "code16"
	})
}
