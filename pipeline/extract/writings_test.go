package extract

import (
	"context"
	"maps"
	"strings"
	"testing"

	"datanet/schemas"
)

// TestCodesInAnotherWriting: what a spreadsheet or a program makes of the numbers
// by which entries and the code table know a code. None may lose an opt-out.
func TestCodesInAnotherWriting(t *testing.T) {
	t.Parallel()
	const other, most = "in another writing", "does not explain"
	for name, c := range map[string]struct{ table, entry, want string }{
		"alike":                    {"298700", "298700", ""},
		"alike, with a point":      {"298700.0", "298700.0", ""},
		"a point in the entry":     {"298700", "298700.0", other},
		"a point in the table":     {"298700.0", "298700", other},
		"a zero":                   {"298700", "0298700", other},
		"a power of ten":           {"298700", "2.987E+05", other},
		"commas":                   {"298700", "298,700", other},
		"a mark":                   {"298700", "'298700", other},
		"blanks are no difference": {" 298700", "298700 ", ""},
		"nowhere":                  {"298701", "298700", ""}, // one of three
	} {
		t.Run(name, func(t *testing.T) {
			o := newSite(t)
			x := parseExport(t, "patient anna NhsNumber=9990000018\npatient bert NhsNumber=9990000026\n"+
				"code CodeId=1 SnomedCTConceptId=827241000000103\nentry anna\nentry anna\nentry bert CodeId=1")
			x.rows["Coding_ClinicalCode"][0]["CodeId"] = c.table
			x.rows["CareRecord_Observation"][2]["CodeId"] = c.entry
			x.write(o.Source)
			result, err := Run(context.Background(), o)
			switch {
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("%v", err)
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want == "" && c.table != "298701" && result.Gates["patients"]["type-1"] != 1:
				t.Errorf("%v", result.Gates)
			}
		})
	}
	o := newSite(t)
	x := parseExport(t, "patient anna NhsNumber=9990000018\nentry anna\nentry anna\nentry anna CodeId=1")
	x.rows["Coding_ClinicalCode"] = x.rows["Coding_ClinicalCode"][1:]
	x.write(o.Source)
	if _, err := Run(context.Background(), o); err == nil || !strings.Contains(err.Error(), most) {
		t.Errorf("a code table without the codes: %v", err)
	}
}

// TestOptOutListsInAnyWriting: a list's Read code may have a term number.
func TestOptOutListsInAnyWriting(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"9Nu0.00", "9Nu0", "9Nu0.-1"} {
		o := newSite(t)
		o.CodeLists = maps.Clone(schemas.StarterLists())
		o.CodeLists["type-1-opt-out"] = &schemas.List{Name: "type-1-opt-out", Entries: []schemas.Entry{{Code: code, Category: "opt-out"}}}
		parseExport(t, "patient anna NhsNumber=9990000018\npatient bert NhsNumber=9990000026\ncode CodeId=1 ReadTermId=9Nu0.\nentry bert CodeId=1").write(o.Source)
		if result, err := Run(context.Background(), o); err != nil || result.Gates["patients"]["type-1"] != 1 {
			t.Errorf("%s: %v %v", code, result, err)
		}
	}
}
