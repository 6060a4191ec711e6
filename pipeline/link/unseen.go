package link

import (
	"slices"

	"datanet/linkage"
	"datanet/schemas"
)

// signs are those of wrong links that two datasets show together, and the
// columns of a dataset's first table that tell, as linkage's join reads them.
var signs = []struct {
	name, spoken string
	columns      []string
}{
	{"two birth years", "birth year", []string{"birth_year"}},
	{"two sexes", "sex or gender", []string{"sex", "gender"}},
}

// unseen says which signs of wrong links could not be looked for with the
// approved columns: none of them found would be taken for none there.
func unseen(a *linkage.Approval) (notes []string) {
	for _, sign := range signs {
		tell := 0
		for _, name := range a.Names() {
			d, err := schemas.DatasetByID(name)
			if err == nil && slices.ContainsFunc(a.Columns(name, d.Tables[0].Name), func(c string) bool { return slices.Contains(sign.columns, c) }) {
				tell++
			}
		}
		if tell < 2 {
			notes = append(notes, "signs of wrong links: "+sign.name+" for one person were not looked for, and their 0 says nothing: fewer than two datasets have an approved column of "+sign.spoken)
		}
	}
	return notes
}
