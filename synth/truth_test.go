package synth

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"datanet/schemas"
)

// This test reads the written files back and works out the answer key again,
// with no code of this package: EMIS columns by name, code lists and areas from
// the vocabulary, dates as text.

type sheetRow map[string]string

func readSheet(t *testing.T, pattern string) []sheetRow {
	t.Helper()
	paths, _ := filepath.Glob(pattern)
	if len(paths) != 1 {
		t.Fatalf("%d files match %s", len(paths), pattern)
	}
	f, err := os.Open(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var all []sheetRow
	for _, row := range rows[1:] {
		r := make(sheetRow, len(row))
		for i, column := range rows[0] {
			r[column] = row[i]
		}
		all = append(all, r)
	}
	return all
}

// A reading is one registration as read back.
type reading struct {
	patient sheetRow
	truth   sheetRow
	site    string
	entries []sheetRow // with concept added
	issues  int
}

type key struct{ organisation, patient string }

// A boroughReading is a written borough, read back.
type boroughReading struct {
	dir      string
	readings []*reading
	people   []sheetRow
	once     sync.Once
}

// shared is written by the first test that asks and removed by TestMain.
var shared boroughReading

const readPeople, readPractices, readAsAt = 9000, 4, "2026-10-31"

func TestMain(m *testing.M) {
	code := m.Run()
	if shared.dir != "" {
		os.RemoveAll(shared.dir)
	}
	os.Exit(code)
}

func readBorough(t *testing.T) *boroughReading {
	t.Helper()
	shared.once.Do(func() { shared.read(t) })
	return &shared
}

func (b *boroughReading) read(t *testing.T) {
	t.Helper()
	var err error
	if b.dir, err = os.MkdirTemp("", "borough-"); err != nil {
		t.Fatal(err)
	}
	_, s := write(t, Options{Out: filepath.Join(b.dir, "out"), People: readPeople, Practices: readPractices, Seed: 11})
	truth := readSheet(t, filepath.Join(s.Truth, "registrations.csv"))
	for _, site := range s.Datasets[0].Sites {
		rs := readSite(t, site)
		for i, r := range rs {
			r.truth = truth[i]
		}
		truth = truth[len(rs):]
		b.readings = append(b.readings, rs...)
	}
	if len(truth) > 0 {
		t.Fatalf("%d registrations too many in the key", len(truth))
	}
	b.people = readSheet(t, filepath.Join(s.Truth, "people.csv"))
}

func readSite(t *testing.T, site Site) []*reading {
	t.Helper()
	in := func(table string) []sheetRow { return readSheet(t, filepath.Join(site.Source, "291_"+table+"_2*.csv")) }
	ods := map[string]string{}
	for _, o := range in("Admin_Organisation") {
		ods[o["OrganisationGuid"]] = o["ODSCode"]
	}
	concepts := map[string]string{}
	for _, c := range in("Coding_ClinicalCode") {
		concepts[c["CodeId"]] = c["SnomedCTConceptId"] + c["ReadTermId"]
	}
	byKey := map[key]*reading{}
	var rs []*reading
	for _, p := range in("Admin_Patient") {
		r := &reading{patient: p, site: ods[p["OrganisationGuid"]]}
		byKey[key{p["OrganisationGuid"], p["PatientGuid"]}] = r
		rs = append(rs, r)
	}
	if len(byKey) != len(rs) {
		t.Errorf("%s: patients share organisation and GUID", site.Site)
	}
	for _, o := range in("CareRecord_Observation") {
		o["concept"] = concepts[o["CodeId"]]
		r := byKey[key{o["OrganisationGuid"], o["PatientGuid"]}]
		r.entries = append(r.entries, o)
	}
	for _, i := range in("Prescribing_IssueRecord") {
		byKey[key{i["OrganisationGuid"], i["PatientGuid"]}].issues++
	}
	return rs
}

// categoriesOf is a code list as a map from code to category.
func categoriesOf(t *testing.T, list string) map[string]string {
	t.Helper()
	l, err := schemas.CodeList(list)
	if err != nil {
		t.Fatal(err)
	}
	m := map[string]string{}
	for _, e := range l.Entries {
		m[e.Code] = e.Category
	}
	return m
}

func (r *reading) evidence(list map[string]string) (found []sheetRow) {
	for _, e := range r.entries {
		_, ok := list[e["concept"]]
		date := e["EffectiveDate"]
		if ok && e["Deleted"] == "false" && e["IsConfidential"] == "false" && date <= readAsAt && date >= r.patient["DateOfBirth"] {
			found = append(found, e)
		}
	}
	return found
}

// latest is the newest date among the entries, or nothing.
func latest(entries []sheetRow) (date string) {
	for _, e := range entries {
		date = max(date, e["EffectiveDate"])
	}
	return date
}

func (r *reading) ethnicity(list map[string]string) string {
	date, told := "", ""
	for _, e := range r.evidence(list) {
		letter := list[e["concept"]]
		switch {
		case letter != "Z" && e["EffectiveDate"] >= date:
			date, told = e["EffectiveDate"], letter
		case told == "":
			told = "Z"
		}
	}
	return told
}

func (r *reading) choice(list map[string]string) string {
	date, told := "", ""
	for _, e := range r.evidence(list) {
		if e["EffectiveDate"] >= date {
			date, told = e["EffectiveDate"], list[e["concept"]]
		}
	}
	return told
}

func (r *reading) gate(own bool, choices map[string]string) string {
	p := r.patient
	switch {
	case !own:
		return "other-organisation"
	case p["DummyType"] == "true" || strings.TrimSpace(p["PatientTypeDescription"]) == "Dummy":
		return "test"
	case p["Deleted"] == "true":
		return "deleted"
	case r.choice(choices) == "opt-out":
		return "type-1"
	case p["SpineSensitive"] == "true":
		return "restricted"
	case p["IsConfidential"] == "true":
		return "confidential"
	}
	return ""
}

func bare(number string) string { return strings.NewReplacer(" ", "", "-", "").Replace(number) }

func usableNumber(number string) bool {
	n := bare(number)
	return holds(n) && strings.Trim(n, n[:1]) != ""
}

func cut(date string, n int) string { return date[:min(n, len(date))] }

func truthWord(v bool) string { return map[bool]string{true: "true", false: "false"}[v] }

func TestRegistrationsTellWhatTheFilesHold(t *testing.T) {
	b := readBorough(t)
	choices, ethnicities, habits := categoriesOf(t, "type-1-opt-out"), categoriesOf(t, "ethnicity"), categoriesOf(t, "smoking")
	for _, r := range b.readings {
		p := r.patient
		want := sheetRow{
			"site": r.site, "nhs_number_recorded": p["NhsNumber"], "usable": truthWord(usableNumber(p["NhsNumber"])),
			"registered_from": cut(p["DateOfRegistration"], 7), "registered_to": cut(p["DateofDeactivation"], 7),
			"current":    truthWord(p["DateOfRegistration"] <= readAsAt && p["DateofDeactivation"] == "" && p["DateOfDeath"] == ""),
			"gate":       r.gate(r.site != "Z98001", choices),
			"birth_year": cut(p["DateOfBirth"], 4), "death_year": cut(p["DateOfDeath"], 4),
			"sex": p["Sex"], "ethnicity": r.ethnicity(ethnicities), "smoking": r.choice(habits),
		}
		for column, value := range want {
			if r.truth[column] != value {
				t.Fatalf("%s of %s is %q in the key, %q in the files", column, r.truth["person_id"], r.truth[column], value)
			}
		}
	}
}

func TestConditionsTellWhatTheEntriesSay(t *testing.T) {
	b := readBorough(t)
	for column := range b.readings[0].truth {
		if _, err := schemas.CodeList(column); err != nil || column == "ethnicity" || column == "smoking" {
			continue
		}
		found, ended := categoriesOf(t, column), map[string]string{}
		if _, err := schemas.CodeList(column + "-resolved"); err == nil {
			ended = categoriesOf(t, column+"-resolved")
		}
		for _, r := range b.readings {
			last := latest(r.evidence(found))
			want := truthWord(last != "" && last >= latest(r.evidence(ended)))
			if r.truth[column] != want {
				t.Fatalf("%s of %s is %s in the key, %s in the files", column, r.truth["person_id"], r.truth[column], want)
			}
		}
	}
}

// It must not matter whether a resolution counts against its own practice's
// diagnoses or against everybody's.
func TestFoldingHasOneAnswer(t *testing.T) {
	b := readBorough(t)
	groups := map[string][]*reading{}
	for _, r := range b.readings {
		if r.truth["gate"] == "" && r.truth["usable"] == "true" {
			n := bare(r.patient["NhsNumber"])
			groups[n] = append(groups[n], r)
		}
	}
	for _, condition := range []string{"hypertension", "diabetes", "asthma", "depression"} {
		found, ended := categoriesOf(t, condition), categoriesOf(t, condition+"-resolved")
		for _, rs := range groups {
			any, last, resolved := false, "", ""
			for _, r := range rs {
				any = any || r.truth[condition] == "true"
				last, resolved = max(last, latest(r.evidence(found))), max(resolved, latest(r.evidence(ended)))
			}
			if pooled := last != "" && last >= resolved; pooled != any {
				t.Errorf("%s of %s: one by one %v, pooled %v", condition, rs[0].truth["person_id"], any, pooled)
			}
		}
	}
}

func TestNoTwoEntriesOfOneDayDecide(t *testing.T) {
	b := readBorough(t)
	for _, list := range []string{"ethnicity", "type-1-opt-out"} {
		categories := categoriesOf(t, list)
		for _, r := range b.readings {
			told := map[string]string{}
			for _, e := range r.evidence(categories) {
				date, category := e["EffectiveDate"], categories[e["concept"]]
				if before, ok := told[date]; ok && before != category {
					t.Errorf("%s of %s is undecided", list, r.truth["person_id"])
				}
				told[date] = category
			}
		}
	}
}

func TestPlacesTellWhatTheLookupSays(t *testing.T) {
	b := readBorough(t)
	areas := map[string]schemas.LSOA{}
	for _, a := range schemas.LSOAs() {
		areas[a.Code] = a
	}
	squeeze := func(pc string) string { return strings.ToUpper(strings.ReplaceAll(pc, " ", "")) }
	lookup := map[string]string{}
	for _, row := range readSheet(t, filepath.Join(b.dir, "out", "primary-care", "Z99001", "postcodes.csv")) {
		if lookup[squeeze(row["pcds"])] != "" {
			t.Errorf("%s twice in the lookup", row["pcds"])
		}
		lookup[squeeze(row["pcds"])] = row["lsoa21cd"]
		if _, in := areas[row["lsoa21cd"]]; in != (row["oslaua"] == "E09000022") {
			t.Errorf("%s: area and authority disagree", row["pcds"])
		}
	}
	seen := map[string]int{}
	for _, r := range b.readings {
		pc := squeeze(r.patient["Postcode"])
		area, in := areas[lookup[pc]]
		ward := "unknown"
		switch {
		case in:
			ward = area.Ward
		case lookup[pc] != "":
			ward = "outside"
		case pc == "ZZ993VZ":
			ward = "no-fixed-abode"
		}
		if r.truth["ward"] != ward || r.truth["lsoa"] != area.Code {
			t.Fatalf("%s: %s is in %s %s", r.truth["person_id"], pc, ward, area.Code)
		}
		seen[ward]++
	}
	if len(seen) != 25+3 {
		t.Errorf("%d words for wards", len(seen))
	}
}

func TestPeopleTellUnderWhichNumbersRowsStand(t *testing.T) {
	b := readBorough(t)
	in, links := map[string]bool{}, map[string]bool{}
	for _, r := range b.readings {
		number := bare(r.patient["NhsNumber"])
		if r.site == "Z98001" || !usableNumber(number) {
			continue
		}
		in[number] = true
		links[number] = links[number] || r.truth["gate"] == ""
	}
	known := map[string]bool{}
	for _, r := range b.readings {
		known[r.truth["person_id"]] = true
	}
	for _, trust := range []string{"slam", "maternity"} {
		for _, row := range readSheet(t, filepath.Join(b.dir, "out", "truth", trust+".csv")) {
			known[row["person_id"]] = true
		}
	}
	seen := map[string]bool{}
	for _, p := range b.people {
		n := p["nhs_number"]
		if !usableNumber(n) || !strings.HasPrefix(n, "999") || seen[n] {
			t.Fatalf("%s has no number of their own", p["person_id"])
		}
		seen[n] = true
		if p["in_primary_care"] != truthWord(in[n]) || p["links_primary_care"] != truthWord(links[n]) {
			t.Fatalf("%s: in %s, links %s", p["person_id"], p["in_primary_care"], p["links_primary_care"])
		}
		if !known[p["person_id"]] {
			t.Errorf("%s has no row", p["person_id"])
		}
	}
}

func TestNothingIssuedAndNobodyReal(t *testing.T) {
	b := readBorough(t)
	tenDigits := regexp.MustCompile(`\b[467]\d{9}\b`)
	for _, r := range b.readings {
		p := r.patient
		if n := bare(p["NhsNumber"]); n != "" && (len(n) != 10 || n[:3] != "999") {
			t.Fatalf("the number %s", n)
		}
		for _, column := range []string{"GivenName", "Surname", "NumberAndStreet", "Town", "County"} {
			if !strings.Contains(strings.ToLower(p[column]), Markers()[0]) {
				t.Fatalf("%s %q is not marked", column, p[column])
			}
		}
		for _, column := range []string{"EmailAddress", "CarerName", "HouseNameFlatNumber", "ContactComments"} {
			if p[column] != "" && !strings.Contains(strings.ToLower(p[column]), Markers()[0]) {
				t.Fatalf("%s %q is not marked", column, p[column])
			}
		}
		if p["NHSNumberStatus"] != "" {
			t.Fatal("EMIS leaves the status blank")
		}
	}
	paths, _ := filepath.Glob(filepath.Join(b.dir, "out", "primary-care", "*", "*.csv"))
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range tenDigits.FindAllString(string(text), -1) {
			t.Errorf("%s holds %s", filepath.Base(path), n)
		}
	}
}
