package extract

import (
	"context"
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"datanet/pipeline/engine"
	"datanet/schemas"
)

// somebodysCode looks like a code: as good as random.
const somebodysCode = "a7f31c95-0be2-4d68-93c4-5e1d7fb20a86"

// A row as the stage writes it. The attacks below change one column.
var harmless = map[string]string{
	"person": "'" + somebodysCode + "'::UUID", "date": "DATE '2020-02-03'", "date_precision": "'YMD'", "year": "2020::SMALLINT",
	"concept": "'44054006'", "value": "7.5::DOUBLE", "unit": "'mmol/L'",
}

// bornOn is what the row's person has for a birth date: 1980-05-06, and in
// another registration 1980-01-02.
var bornOn = map[[16]byte][]int32{
	{0xa7, 0xf3, 0x1c, 0x95, 0x0b, 0xe2, 0x4d, 0x68, 0x93, 0xc4, 0x5e, 0x1d, 0x7f, 0xb2, 0x0a, 0x86}: {3778, 3653}}

func TestReadBack(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ column, sql, finds string }{
		"a harmless row":                         {"", "", ""},
		"an NHS number":                          {"unit", "'9990000018'", "an NHS number"},
		"a number of a live range":               {"unit", "'4010232137'", "an NHS number"},
		"a spaced one":                           {"unit", "'999 000 0018'", "an NHS number"},
		"one with hyphens":                       {"unit", "'999-000-0018'", "an NHS number"},
		"one with other gaps":                    {"unit", "'999.000  0018'", "an NHS number"},
		"one within text":                        {"unit", "'see 9990000018, 2019'", "an NHS number"},
		"one before other digits":                {"unit", "'999 000 0018 12'", "an NHS number"},
		"one between letters":                    {"unit", "'x9990000018y'", "an NHS number"},
		"ten digits that are none":               {"unit", "'9990000019'", ""},
		"eleven digits":                          {"unit", "'99900000181'", ""},
		"an NHS number in a number column":       {"value", "9990000018::DOUBLE", "a value that is an NHS number"},
		"a postcode":                             {"unit", "'SE1 7EH'", "a full postcode"},
		"a postcode without its space":           {"unit", "'se17eh'", "a full postcode"},
		"a postcode with a wide gap":             {"unit", "'SW1A  1AA'", "a full postcode"},
		"the outward half":                       {"unit", "'SE1'", ""},
		"an e-mail address":                      {"unit", "'jane@example.org'", "an e-mail address"},
		"the own birth date":                     {"date", "DATE '1980-05-06'", ownBirth},
		"the day after":                          {"date", "DATE '1980-05-07'", ""},
		"the own birth date as text":             {"unit", "'b. 1980-05-06'", ownBirth},
		"as text, day first":                     {"unit", "'06/05/1980'", ownBirth},
		"as text, without signs":                 {"unit", "'19800506'", ownBirth},
		"as text, with dots":                     {"unit", "'6.5.1980'", ownBirth},
		"a month":                                {"unit", "'1980-12'", ""},
		"digits that are no day":                 {"value", "19800137::DOUBLE", ""},
		"as a number":                            {"value", "19800506::DOUBLE", ownBirth},
		"as a number, day first":                 {"value", "6051980::DOUBLE", ownBirth},
		"month first":                            {"value", "5061980::DOUBLE", ownBirth},
		"two digits of the year":                 {"value", "800506::DOUBLE", ownBirth},
		"two, day first":                         {"value", "60580::DOUBLE", ownBirth},
		"two, month first":                       {"value", "50680::DOUBLE", ownBirth},
		"below zero":                             {"value", "-19800506::DOUBLE", ownBirth},
		"with a point in it":                     {"value", "1980.0506::DOUBLE", ownBirth},
		"with a point after it":                  {"value", "19800506.5::DOUBLE", ownBirth},
		"a spreadsheet's number of the day":      {"value", "29347::DOUBLE", ownBirth},
		"with the hour":                          {"value", "29347.5::DOUBLE", ownBirth},
		"the other registration's, likewise":     {"value", "800102::DOUBLE", ownBirth},
		"the number of the day after":            {"value", "29348::DOUBLE", ""},
		"a year as a value":                      {"value", "1980::DOUBLE", ""},
		"an NHS number with a point":             {"value", "999000.0018::DOUBLE", "a value that is an NHS number"},
		"a value that is no number":              {"value", "'NaN'::DOUBLE", ""},
		"as a year":                              {"year", "19800506::INTEGER", "a number that is no year"},
		"a name in place of a code":              {"concept", "'Jane Roe'", "something that is no code of its system"},
		"a missing person":                       {"person", "NULL::UUID", "a row without a code"},
		"a number in place of a code":            {"person", "'00000000-0000-0000-0000-000253b9a012'::UUID", "something that is no code"},
		"a number at the other end":              {"person", "'0253b9a0-1200-0000-0000-000000000000'::UUID", "something that is no code"},
		"a number in digits in place of a code":  {"person", "'20203939-3930-3030-3030-313820202020'::UUID", "something that is no code"},
		"nothing in place of a code":             {"person", "'00000000-0000-0000-0000-000000000000'::UUID", "something that is no code"},
		"a person who is no code":                {"person", "'9990000018'", "another column or type than the schema's"},
		"a number as text":                       {"value", "'7.5'", "another column or type than the schema's"},
		"a list in place of a value":             {"value", "[7.5::DOUBLE]", "another column or type than the schema's"},
		"a record in place of a value":           {"value", "{'value': 7.5::DOUBLE}", "another column or type than the schema's"},
		"a column more":                          {"surname", "'Roe'", "8 columns where the schema has 7"},
		"an NHS number in place of a code":       {"concept", "'9990000018'", "something that is no code of its system"},
		"one of a live range":                    {"concept", "'4010232137'", "something that is no code of its system"},
		"one with the form of a concept":         {"concept", "'9990018006'", "an NHS number"},
		"one with a concept's last digits":       {"concept", "'9990000018007'", "an NHS number"},
		"the own birth date with them":           {"concept", "'19800506002'", ownBirth},
		"and more zeros":                         {"concept", "'198005060004'", ownBirth},
		"the day after with them":                {"concept", "'19800507006'", ""},
		"ten digits that are none with them":     {"concept", "'9990000019004'", ""},
		"a code with a slip":                     {"concept", "'44054060'", "something that is no code of its system"},
		"a code of another system":               {"concept", "'F200'", "something that is no code of its system"},
		"a code of dm+d":                         {"concept", "'5010000000100'", ""},
		"missing values everywhere but the code": {"unit", "NULL::VARCHAR", ""},
	} {
		t.Run(name, func(t *testing.T) {
			err := readBackOf(t, c.column, c.sql)
			if c.finds == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			var leak *LeakError
			if !errors.As(err, &leak) || leak.Rule != c.finds || leak.Kind() != "source" {
				t.Errorf("got %v, want %s", err, c.finds)
			}
			if err != nil && (strings.Contains(err.Error(), "9990000018") || strings.Contains(err.Error(), "Roe") || strings.Contains(err.Error(), "1980")) {
				t.Error("the error holds the value")
			}
		})
	}
}

// readBackOf writes a row of observations with one column changed, after many
// in which that column is missing, and reads the file back.
func readBackOf(t *testing.T, column, sql string) error {
	t.Helper()
	dataset, err := schemas.DatasetByID("primary-care")
	if err != nil {
		t.Fatal(err)
	}
	table := dataset.TableByName("observations")
	var columns []string
	for _, name := range table.ColumnNames() {
		cell := harmless[name]
		if name == column {
			cell = sql
		}
		if name == column && name != "person" {
			cell = "CASE WHEN i = 5000 THEN " + sql + " END"
		}
		columns = append(columns, cell+" AS "+name)
	}
	if !slices.Contains(table.ColumnNames(), column) && column != "" {
		columns = append(columns, sql+" AS "+column)
	}
	folder := t.TempDir()
	e, err := engine.Open(context.Background(), engine.Options{Threads: 1, Folders: []string{folder}})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	path := filepath.Join(folder, "observations.parquet")
	if err := e.CopyParquet(context.Background(), "writing", "SELECT "+strings.Join(columns, ", ")+" FROM range(10000) r(i)", path); err != nil {
		t.Fatal(err)
	}
	c := &check{table: table, births: birthsOf(bornOn), test: true}
	return c.run(context.Background(), path, 2)
}

// TestLeak: what the check finds keeps the whole extract from its name. A code
// list brings the identifiers in, since no column of a source could.
func TestLeak(t *testing.T) {
	t.Parallel()
	for _, category := range []string{"SE1 7EH", "999 000 0018", "jane@example.org", "1980-05-06"} {
		o := newSite(t)
		parseExport(t, "patient anna NhsNumber=9990000018\nentry anna CodeId=494131000000105").write(o.Source)
		o.CodeLists = maps.Clone(schemas.StarterLists())
		o.CodeLists["ethnicity"] = &schemas.List{Name: "ethnicity", Entries: []schemas.Entry{{Code: "494131000000105", Category: category}}}
		_, err := Run(context.Background(), o)
		var leak *LeakError
		if !errors.As(err, &leak) || leak.Table != "patients" || leak.Column != "ethnicity" {
			t.Fatalf("not found: %v", err)
		}
		if strings.Contains(err.Error(), category) {
			t.Error("the error holds the value")
		}
		if left := written(t, o.Out); len(left) > 0 || stateOf(t, o) != "" {
			t.Errorf("left behind: %v", left)
		}
	}
}

func birthsOf(days map[[16]byte][]int32) *births {
	all := newBirths()
	for code, own := range days {
		for _, day := range own {
			all.add(code, day)
		}
	}
	return all
}

// TestReadBackOrder: rows that are not in the order of their codes would say
// something of the source's.
func TestReadBackOrder(t *testing.T) {
	t.Parallel()
	dataset, err := schemas.DatasetByID("primary-care")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	e, err := engine.Open(context.Background(), engine.Options{Threads: 1, Folders: []string{folder}})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	for order, ordered := range map[string]bool{"person": true, "person DESC": false} {
		path := filepath.Join(folder, "observations.parquet")
		query := "SELECT md5(i::VARCHAR)::UUID AS person, DATE '2020-02-03' AS date, 'YMD' AS date_precision, 2020::SMALLINT AS year, '44054006' AS concept, 7.5::DOUBLE AS value, 'kg' AS unit " +
			"FROM range(300000) r(i) ORDER BY " + order
		if err := e.CopyParquet(context.Background(), "writing", query, path); err != nil {
			t.Fatal(err)
		}
		c := &check{table: dataset.TableByName("observations"), births: newBirths(), test: true}
		if err := c.run(context.Background(), path, 2); (err == nil) != ordered {
			t.Errorf("%s: %v", order, err)
		}
	}
}
