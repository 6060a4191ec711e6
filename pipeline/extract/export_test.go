package extract

import (
	"encoding/csv"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"datanet/schemas"
)

// An export is an export in the making: for each table of a source format, rows
// of named columns. Nobody in it is real: numbers are of the 999 range.
type export struct {
	t    testing.TB
	of   *system
	rows map[string][]map[string]string
	more map[string][]string // columns that the format does not know, by table
}

// A system is what exports in one source format, as these tests write it.
type system struct {
	format, dataset, site string
	number                string // the column that numbers a table's rows
	kinds                 map[string]kind
	fileName              func(table string) string
	complete              func(*export) // adds what nobody wants to write
}

// A kind of line of a text table: the source table it is a row of, the columns
// that its first words fill, and what stands in a row that does not say otherwise.
type kind struct{ table, ids, defaults string }

var emis = &system{format: "emis", dataset: "primary-care", site: "Z99001", number: "ProcessingId",
	fileName: fileName, complete: completeEMIS, kinds: map[string]kind{
		"org":       {"Admin_Organisation", "", "OrganisationGuid={GP} ODSCode=Z99001"},
		"agreement": {"Agreements_SharingOrganisation", "", "OrganisationGuid={GP} IsActivated=true Disabled=false Deleted=false"},
		"patient": {"Admin_Patient", "PatientGuid", "OrganisationGuid={GP} Sex=F DateOfBirth=1980-05-06 DateOfRegistration=2010-03-04 PatientTypeDescription=Regular " +
			"DummyType=false Deleted=false SpineSensitive=false IsConfidential=false"},
		"entry":        {"CareRecord_Observation", "PatientGuid", "OrganisationGuid={GP} EffectiveDate=2020-02-03 EffectiveDatePrecision=YMD CodeId=73211009 Deleted=false IsConfidential=false"},
		"issue":        {"Prescribing_IssueRecord", "PatientGuid", "OrganisationGuid={GP} EffectiveDate=2020-02-03 EffectiveDatePrecision=YMD CodeId=5010000000100 Deleted=false IsConfidential=false"},
		"consultation": {"CareRecord_Consultation", "ConsultationGuid", "OrganisationGuid={GP} Deleted=false IsConfidential=false"},
		"drug-record":  {"Prescribing_DrugRecord", "DrugRecordGuid", "OrganisationGuid={GP} Deleted=false IsConfidential=false"},
		"code":         {"Coding_ClinicalCode", "", ""},
		"drug":         {"Coding_DrugCode", "", ""},
	}}

func (s *system) export(t testing.TB) *export {
	return &export{t: t, of: s, rows: map[string][]map[string]string{}, more: map[string][]string{}}
}

// parseExport reads lines such as
//
//	patient anna NhsNumber=9990000018 Postcode="XL1 1AA"
//	entry anna CodeId=44054006 Value=7.5
//
// Columns have the source's own names; CodeId stands for itself unless a code
// or drug line says otherwise.
func parseExport(t testing.TB, text string) *export { return emis.parse(t, text) }

func (s *system) parse(t testing.TB, text string) *export {
	x := s.export(t)
	for line := range strings.Lines(text) {
		if words := split(line); len(words) > 0 {
			x.line(words)
		}
	}
	s.complete(x)
	return x
}

func (x *export) line(words []string) {
	kind, ok := x.of.kinds[words[0]]
	if !ok {
		x.t.Fatalf("no kind of line: %s", words[0])
	}
	row := map[string]string{}
	rest := words[1:]
	for _, id := range strings.Fields(kind.ids) {
		if len(rest) > 0 && !strings.Contains(rest[0], "=") {
			row[id] = rest[0]
			rest = rest[1:]
		}
	}
	for _, w := range append(split(kind.defaults), rest...) {
		name, value, _ := strings.Cut(w, "=")
		row[name] = value
	}
	x.add(kind.table, row)
}

func (x *export) add(table string, row map[string]string) {
	n := fmt.Sprint(len(x.rows[table]) + 1)
	if row[x.of.number] == "" {
		row[x.of.number] = n
	}
	x.rows[table] = append(x.rows[table], row)
}

// completeEMIS adds the practice, its agreement, the codes in use, and one entry
// that is nobody's, written as the system does: it makes nothing be read again.
func completeEMIS(x *export) {
	for _, word := range []string{"org", "agreement"} {
		if x.rows[x.of.kinds[word].table] == nil {
			x.line([]string{word})
		}
	}
	x.line([]string{"entry", "{NOBODY}", "OrganisationGuid={ELSEWHERE}"})
	x.codes("CareRecord_Observation", "Coding_ClinicalCode", "SnomedCTConceptId")
	x.codes("Prescribing_IssueRecord", "Coding_DrugCode", "DmdProductCodeId")
}

func (x *export) codes(from, to, concept string) {
	known := map[string]bool{"": true}
	for _, row := range x.rows[to] {
		known[row["CodeId"]] = true
	}
	for _, row := range x.rows[from] {
		if id := row["CodeId"]; !known[id] {
			known[id] = true
			x.add(to, map[string]string{"CodeId": id, concept: id})
		}
	}
}

// conceptOf is the n-th concept of the international edition, as its number
// goes: nobody knows what it means.
func conceptOf(n int) string {
	for check := range 10 {
		if id := fmt.Sprintf("%d00%d", n, check); schemas.ConceptID([]byte(id)) {
			return id
		}
	}
	panic("no digit makes it a concept")
}

// split parts a line at its blanks, except between quotation marks.
func split(line string) []string {
	quoted := false
	words := strings.FieldsFunc(line, func(r rune) bool {
		if r == '"' {
			quoted = !quoted
		}
		return !quoted && (r == ' ' || r == '\n')
	})
	for i := range words {
		words[i] = strings.ReplaceAll(words[i], `"`, "")
	}
	return words
}

const stamp = "20261031033015"

func fileName(table string) string {
	return "291_" + table + "_" + stamp + "_0000000A-0000-0000-0000-00000000000A.csv"
}

// write makes the folder: every table of the format that a relation reads,
// every column of it, and a postcode lookup.
func (x *export) write(dir string) string {
	format, err := schemas.FormatByName(x.of.format)
	if err != nil {
		x.t.Fatal(err)
	}
	for _, name := range sourceTables(format) {
		x.writeTable(filepath.Join(dir, x.of.fileName(name)), format.TableByName(name))
	}
	lookup := "pcds,lsoa21cd\nXL1 1AA,E01003013\nXL1 1AB,E01003014\nXN1 1AA,E01999999\nXL2 2AA,E01003013\nXL2 2AA,E01003014\nXL2 2AB,E01003013\nXL2 2AB,E01003013\n"
	if err := os.WriteFile(filepath.Join(dir, "postcodes.csv"), []byte(lookup), 0o600); err != nil {
		x.t.Fatal(err)
	}
	return dir
}

func sourceTables(format *schemas.Format) []string {
	var names []string
	for _, r := range format.Relations {
		names = append(names, r.Table)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func (x *export) writeTable(path string, table *schemas.FormatTable) {
	var header []string
	for _, c := range table.Current() {
		header = append(header, c.Name)
	}
	known := len(header)
	header = append(header, x.more[table.Name]...)
	f, err := os.Create(path)
	if err != nil {
		x.t.Fatal(err)
	}
	defer f.Close()
	w := csv.NewWriter(f)
	w.Write(header)
	for _, row := range x.rows[table.Name] {
		for name := range maps.Keys(row) {
			if !slices.Contains(header[:known], name) && name != x.of.number && !slices.Contains(x.more[table.Name], name) {
				x.t.Fatalf("%s has no column %s", table.Name, name)
			}
		}
		record := make([]string, len(header))
		for i, name := range header {
			record[i] = row[name]
		}
		w.Write(record)
	}
	if w.Flush(); w.Error() != nil {
		x.t.Fatal(w.Error())
	}
}

// shuffle reorders every table. Their numbers stay with the rows.
func (x *export) shuffle(r *rand.Rand) {
	for _, rows := range x.rows {
		r.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	}
}
