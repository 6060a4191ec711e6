package extract

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"datanet/schemas"
)

// TestReference compares the SQL with the same rules in plain Go, row by row,
// on random people. DATANET_SEED repeats a population.
func TestReference(t *testing.T) {
	t.Parallel()
	seed := seedOf(t)
	for round := range uint64(3) {
		r := rand.New(rand.NewPCG(seed, round))
		o := newSite(t)
		o.Threads = 0
		o.Drop = round == 2
		x := population(t, r, 250)
		if round == 0 {
			x.plain() // so that rows are read once
		} else {
			o.under(t, []string{"H33..", "5020000000109", "73211009"}, some(r, testNumbers(250)))
		}
		x.write(o.Source)
		result, err := Run(context.Background(), o)
		if err != nil {
			t.Fatal(err)
		}
		got := account(t, o, result, codeNames(x, o))
		want := newReference(x, o).account()
		if got == want {
			continue
		}
		g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
		for _, line := range g {
			if !slices.Contains(w, line) {
				t.Errorf("only the SQL: %s", line)
			}
		}
		for _, line := range w {
			if !slices.Contains(g, line) {
				t.Errorf("only the reference: %s", line)
			}
		}
		t.Fatalf("round %d of DATANET_SEED=%d disagrees", round, seed)
	}
}

// codeNames calls every code by its number or, without one, by its row.
func codeNames(x *export, o Options) map[string]string {
	names := map[string]string{}
	for i, row := range x.rows["Admin_Patient"] {
		one := &export{of: emis, rows: map[string][]map[string]string{"Admin_Patient": {row}}}
		for code := range one.names(o) {
			names[code] = codeName(i, row)
		}
	}
	return names
}

func codeName(i int, row map[string]string) string {
	if usable(used(row, "NhsNumber")) {
		return digits(row["NhsNumber"])
	}
	return "local" + fmt.Sprint(i)
}

func digits(number string) string { return strings.NewReplacer(" ", "", "-", "").Replace(number) }

// usable is the answer to the check digit's question in another way than
// pseudonym's: the digit is computed from the nine before it.
func usable(number string) bool {
	d := digits(number)
	if len(d) != 10 || d[0] != '9' || strings.Count(d, d[:1]) == 10 {
		return false
	}
	sum := 0
	for i := range 9 {
		sum += int(d[i]-'0') * (10 - i)
	}
	return (11-sum%11)%11 == int(d[9]-'0')
}

// A reference is the stage's rules over an export in memory.
type reference struct {
	x      *export
	o      Options
	asAt   time.Time
	lists  map[string]map[string]string // list → code → category
	secret map[string]bool              // codes that the policy leaves out
	people []*refPerson
	around map[string][2]bool         // consultation or drug record → is it deleted, is it confidential
	births map[string]map[string]bool // code → birth dates
	deaths map[string]map[string]bool
}

type refPerson struct {
	row            map[string]string
	name, gate     string
	choice         string
	birth, death   time.Time
	vague          bool
	characteristic map[string]string
}

func newReference(x *export, o Options) *reference {
	f := &reference{x: x, o: o, asAt: time.Date(2026, 10, 31, 0, 0, 0, 0, time.UTC), lists: map[string]map[string]string{}, secret: sensitiveCodes(o),
		around: map[string][2]bool{}, births: map[string]map[string]bool{}, deaths: map[string]map[string]bool{}}
	for name, l := range schemas.StarterLists() {
		f.lists[name] = map[string]string{}
		for _, e := range l.Entries {
			f.lists[name][e.Code] = e.Category
		}
	}
	for table, column := range containers {
		for _, row := range x.rows[table] {
			was := f.around[container(row, column)]
			f.around[container(row, column)] = [2]bool{was[0] || stops(row["Deleted"]), was[1] || stops(row["IsConfidential"])}
		}
	}
	for i, row := range x.rows["Admin_Patient"] {
		f.people = append(f.people, f.person(i, row))
	}
	for _, p := range f.people {
		p.vague = p.vague || len(f.births[p.name]) > 1 || len(f.deaths[p.name]) > 1
	}
	for _, p := range f.people {
		if p.gate != "other-organisation" {
			f.judge(p)
		}
	}
	f.spread()
	return f
}

// spread takes a choice, or a flag of safety, to every row of the same person,
// from rows too that stay out for a reason of their own.
func (f *reference) spread() {
	stopped := map[string]string{}
	for _, p := range f.people {
		stopped[p.chooser()] = max(stopped[p.chooser()], p.choice)
	}
	for _, p := range f.people {
		if p.gate == "" {
			p.gate = stopped[p.chooser()]
		}
	}
}

// chooser is whose choice it is: of the number that stands there, traced or not.
func (p *refPerson) chooser() string {
	if usable(p.row["NhsNumber"]) {
		return digits(p.row["NhsNumber"])
	}
	return p.name
}

func ours(row map[string]string) bool {
	return slices.Contains([]string{"{GP}", "{BRANCH}"}, upper(row["OrganisationGuid"]))
}

func upper(s string) string { return strings.ToUpper(s) }

// containers are what an entry or an issue may belong to, by the column that says so.
var containers = map[string]string{"CareRecord_Consultation": "ConsultationGuid", "Prescribing_DrugRecord": "DrugRecordGuid"}

// container is one of them, however it is written.
func container(row map[string]string, column string) string {
	return column + " " + upper(strings.Trim(row[column], "{} \u00a0"))
}

// shut says whether what a row belongs to is deleted, and whether it is confidential.
func (f *reference) shut(row map[string]string) (deleted, confidential bool) {
	for _, column := range containers {
		if row[column] == "" {
			continue
		}
		of := f.around[container(row, column)]
		deleted, confidential = deleted || of[0], confidential || of[1]
	}
	return deleted, confidential
}

func stops(flag string) bool { return !slices.Contains([]string{"", "false", "0"}, flag) }

func (f *reference) person(i int, row map[string]string) *refPerson {
	p := &refPerson{row: row, name: codeName(i, row), characteristic: map[string]string{}}
	if !ours(row) {
		p.gate = "other-organisation"
		return p
	}
	p.birth = f.past(row["DateOfBirth"])
	p.death = f.past(row["DateOfDeath"])
	p.vague = p.birth.IsZero() || (p.death.IsZero() && row["DateOfDeath"] != "")
	note(f.births, p.name, p.birth)
	note(f.deaths, p.name, p.death)
	return p
}

func note(days map[string]map[string]bool, name string, day time.Time) {
	if day.IsZero() {
		return
	}
	if days[name] == nil {
		days[name] = map[string]bool{}
	}
	days[name][text(day)] = true
}

// past reads a day between 1900 and the as-at date.
func (f *reference) past(s string) time.Time {
	d := clinical(s)
	if d.After(f.asAt) {
		return time.Time{}
	}
	return d
}

func clinical(s string) time.Time {
	d, err := time.Parse(time.DateOnly, s)
	if err != nil || !d.After(time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC)) {
		return time.Time{}
	}
	return d
}

// judge finds a person's gate and characteristics.
func (f *reference) judge(p *refPerson) {
	out := map[string]bool{}
	for _, list := range []string{"type-1-opt-out", "local-dissent"} {
		out[list] = f.dissents(p, list)
	}
	for _, list := range []string{"ethnicity", "language", "country-of-birth", "religion", "smoking"} {
		p.characteristic[list] = f.latest(p, list)
	}
	unlinkable := f.o.Drop && !usable(used(p.row, "NhsNumber"))
	gates := []struct {
		name string
		shut bool
	}{
		{"test", stops(p.row["DummyType"]) || isTestType(p.row["PatientTypeDescription"])},
		{"deleted", stops(p.row["Deleted"])}, {"type-1", out["type-1-opt-out"]}, {"local-dissent", out["local-dissent"]},
		{"restricted", stops(p.row["SpineSensitive"])}, {"confidential", stops(p.row["IsConfidential"])},
		{"unlinkable", unlinkable}, {"national-opt-out", !unlinkable && left(f.o, used(p.row, "NhsNumber"))}, // who is left out for the number alone has chosen nothing
	}
	for _, g := range gates {
		if g.shut && p.gate == "" {
			p.gate = g.name
		}
		if g.shut && p.choice == "" && slices.Contains([]string{"type-1", "local-dissent", "restricted", "confidential", "national-opt-out"}, g.name) {
			p.choice = g.name
		}
	}
}

func isTestType(s string) bool {
	word := strings.ToLower(strings.TrimSpace(s))
	return strings.Contains(word, "dummy") || word == "test" || word == "test patient"
}

// entries are a person's rows of a table.
func (f *reference) entries(p *refPerson, table string) []map[string]string {
	var own []map[string]string
	for _, row := range f.x.rows[table] {
		if row["PatientGuid"] == p.row["PatientGuid"] && upper(row["OrganisationGuid"]) == upper(p.row["OrganisationGuid"]) {
			own = append(own, row)
		}
	}
	return own
}

// names are what a list may call a local code.
func (f *reference) names(table, id string) (concepts, all []string) {
	for _, row := range f.x.rows[table] {
		if row["CodeId"] != id {
			continue
		}
		if c := row["SnomedCTConceptId"] + row["DmdProductCodeId"]; c != "" && !slices.Contains(concepts, c) {
			concepts = append(concepts, c)
		}
		for _, read := range []string{row["ReadTermId"], row["NationalCode"]} {
			if read != "" {
				all = append(all, read, (read + ".....")[:5])
			}
		}
	}
	return concepts, append(all, concepts...)
}

func (f *reference) category(list, id string) (category string, ok bool) {
	_, names := f.names("Coding_ClinicalCode", id)
	for _, name := range names {
		if category, ok = f.lists[list][name]; ok {
			return category, true
		}
	}
	return "", false
}

// sensitive says whether any name of a local code is one that the policy leaves out.
func (f *reference) sensitive(table, id string) bool {
	_, names := f.names(table, id)
	return slices.ContainsFunc(names, func(n string) bool { return f.secret[n] })
}

func (f *reference) dissents(p *refPerson, list string) bool {
	var last, how string
	for _, row := range f.entries(p, "CareRecord_Observation") {
		category, ok := f.category(list, row["CodeId"])
		withdrawn := category == "withdrawn"
		shut, _ := f.shut(row)
		deleted := row["Deleted"] == "true" || ((shut || stops(row["Deleted"])) && withdrawn)
		if !ok || deleted {
			continue
		}
		day, precision := clinical(row["EffectiveDate"]), precisionOf(row)
		key := "9999-12-31"
		if withdrawn {
			key = "0001-01-01"
			if !day.IsZero() && precision != "U" && !day.After(f.asAt) {
				key = text(first(day, precision))
			}
		} else if precision != "U" {
			key = text(final(day, precision))
		}
		key += fmt.Sprintf(" %09s %t", row["ProcessingId"], !withdrawn)
		if key > last {
			last, how = key, category
		}
	}
	return how == "opt-out"
}

func (f *reference) latest(p *refPerson, list string) string {
	var last, found string
	for _, row := range f.entries(p, "CareRecord_Observation") {
		category, ok := f.category(list, row["CodeId"])
		gone, secret := f.shut(row)
		if !ok || gone || secret || stops(row["Deleted"]) || stops(row["IsConfidential"]) || f.impossible(p, row) || f.sensitive("Coding_ClinicalCode", row["CodeId"]) {
			continue
		}
		day := "0001-01-01"
		if d := clinical(row["EffectiveDate"]); !d.IsZero() {
			day = text(d)
		}
		key := fmt.Sprintf("%t %s %09s %s", !slices.Contains([]string{"Z", "99", "not-stated"}, category), day, row["ProcessingId"], category)
		if key > last {
			last, found = key, category
		}
	}
	return found
}

func precisionOf(row map[string]string) string {
	p := row["EffectiveDatePrecision"]
	switch {
	case clinical(row["EffectiveDate"]).IsZero() || p == "U":
		return "U"
	case p == "YMDT":
		return "YMD"
	case p == "" || p == "D":
		return "Y"
	}
	return p
}

func first(d time.Time, precision string) time.Time {
	switch precision {
	case "YM":
		return time.Date(d.Year(), d.Month(), 1, 0, 0, 0, 0, time.UTC)
	case "Y":
		return time.Date(d.Year(), 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return d
}

func final(d time.Time, precision string) time.Time {
	switch precision {
	case "YM":
		return first(d, "YM").AddDate(0, 1, -1)
	case "Y":
		return time.Date(d.Year(), 12, 31, 0, 0, 0, 0, time.UTC)
	}
	return d
}

func (f *reference) impossible(p *refPerson, row map[string]string) bool {
	s := row["EffectiveDate"]
	if _, err := time.Parse(time.DateOnly, s); err != nil && s != "" {
		return true
	}
	d, precision := clinical(s), precisionOf(row)
	return precision != "U" && (first(d, precision).After(f.asAt) || (!p.birth.IsZero() && final(d, precision).Before(p.birth)))
}

// kept is a date as it may leave: day, precision and year.
func kept(p *refPerson, d time.Time, precision string) string {
	near := p.vague
	for _, own := range []time.Time{p.birth, p.death} {
		for day := first(d, precision); !own.IsZero() && !day.After(final(d, precision)); day = day.AddDate(0, 0, 1) {
			near = near || day.Sub(own).Abs() <= 28*24*time.Hour
		}
	}
	switch {
	case precision == "U":
		return ". U ."
	case precision == "Y" || near:
		return fmt.Sprintf(". Y %d", d.Year())
	}
	return fmt.Sprintf("%s %s %d", text(first(d, precision)), precision, d.Year())
}

func (f *reference) account() string {
	var rows []string
	left, lost := map[string]map[string]int{"patients": {}, "observations": {}, "medications": {}}, lostCells{}
	for _, p := range f.people {
		if p.gate != "" {
			left["patients"][p.gate]++
			continue
		}
		rows = append(rows, "patient "+p.name+" "+f.patient(p))
		lost.note("patients.sex", strings.Trim(upper(p.row["Sex"]), "FMIU") != "")
		lost.note("patients.birth_year", lostDay(p.row["DateOfBirth"], f.asAt))
		lost.note("patients.death_year", lostDay(p.row["DateOfDeath"], f.asAt))
		lost.note("patients.registered_from", lostDay(p.row["DateOfRegistration"], f.asAt))
		lost.note("patients.registered_to", lostDay(p.row["DateofDeactivation"], time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)))
	}
	for table, words := range map[string][2]string{"CareRecord_Observation": {"observations", "Coding_ClinicalCode"}, "Prescribing_IssueRecord": {"medications", "Coding_DrugCode"}} {
		for _, row := range f.x.rows[table] {
			p, reason := f.gate(row, words[1])
			if reason != "" {
				left[words[0]][reason]++
				continue
			}
			lost.note(words[0]+".date_precision", row["EffectiveDatePrecision"] == "D")
			lost.note("observations.value", words[0] == "observations" && row["Value"] == "x")
			lost.note("observations.unit", words[0] == "observations" && row["NumericUnit"] == "Jane")
			concepts, _ := f.names(words[1], row["CodeId"])
			precision := precisionOf(row)
			if _, died := f.category("death", row["CodeId"]); died && precision != "U" && words[0] == "observations" {
				precision = "Y"
			}
			line := strings.TrimSuffix(words[0], "s") + " " + p.name + " " + kept(p, clinical(row["EffectiveDate"]), precision) + " " + concepts[0]
			if words[0] == "observations" {
				line += " " + value(row["Value"]) + " " + map[string]string{"mmHg": "mm[Hg]", "MMOL/L": "mmol/L", "": ".", "Jane": "."}[row["NumericUnit"]]
			}
			rows = append(rows, line)
		}
	}
	slices.Sort(rows)
	for _, table := range []string{"patients", "observations", "medications"} {
		for _, reason := range slices.Sorted(maps.Keys(left[table])) {
			rows = append(rows, fmt.Sprintf("left out of %s: %d %s", table, left[table][reason], reason))
		}
	}
	return strings.Join(slices.Concat(rows, lost.lines(), f.disagree().lines()), "\n")
}

func (f *reference) disagree() disagreement {
	d := disagreement{}
	for _, p := range f.people {
		if slices.Contains([]string{"other-organisation", "agreement", "test", "deleted"}, p.gate) || !usable(used(p.row, "NhsNumber")) {
			continue
		}
		d.note("birth-date", p.name, dayOrNothing(p.birth))
		d.note("death-date", p.name, dayOrNothing(p.death))
		if sex := upper(p.row["Sex"]); sex == "F" || sex == "M" {
			d.note("sex", p.name, sex)
		}
		if ended, err := time.Parse(time.DateOnly, p.row["DateofDeactivation"]); err != nil || ended.After(f.asAt) {
			d.note("area", p.name, areaOf(p.row["Postcode"]))
		}
	}
	return d
}

func dayOrNothing(d time.Time) string {
	if d.IsZero() {
		return ""
	}
	return text(d)
}

// gate finds whose row it is and what stops it.
func (f *reference) gate(row map[string]string, codes string) (*refPerson, string) {
	if !ours(row) {
		return nil, "other-organisation"
	}
	at := slices.IndexFunc(f.people, func(p *refPerson) bool {
		return p.row["PatientGuid"] == row["PatientGuid"] && upper(p.row["OrganisationGuid"]) == upper(row["OrganisationGuid"])
	})
	if at < 0 {
		return nil, "no-patient"
	}
	p := f.people[at]
	concepts, _ := f.names(codes, row["CodeId"])
	_, identifies := f.category("identifiers", row["CodeId"])
	gone, secret := f.shut(row)
	switch v, err := strconv.ParseFloat(row["Value"], 64); {
	case p.gate != "":
		return nil, "person-left-out"
	case gone || stops(row["Deleted"]):
		return nil, "deleted"
	case secret || stops(row["IsConfidential"]):
		return nil, "confidential"
	case identifies && codes == "Coding_ClinicalCode":
		return nil, "identifier-code"
	case f.sensitive(codes, row["CodeId"]):
		return nil, "sensitive"
	case len(concepts) != 1:
		return nil, "no-concept"
	case !isConcept(concepts[0]):
		return nil, "not-snomed"
	case f.impossible(p, row):
		return nil, "impossible-date"
	case err == nil && (v >= 1e6 || v < -1000 || manyDigits(v) || isDayOf(v, p.birth) || isDayOf(v, p.death)):
		return nil, "impossible-value"
	}
	return p, ""
}

func (f *reference) patient(p *refPerson) string {
	or := func(s, other string) string {
		if s == "" {
			return other
		}
		return s
	}
	year := func(d time.Time) string {
		if d.IsZero() {
			return "."
		}
		return fmt.Sprint(d.Year())
	}
	month := func(s string) string {
		d := clinical(s)
		if d.IsZero() {
			return "."
		}
		if strings.HasPrefix(kept(p, d, "YM"), ". Y") {
			return year(d)
		}
		return d.Format("2006-01")
	}
	area := areaOf(p.row["Postcode"])
	c := p.characteristic
	return strings.Join([]string{fmt.Sprint(usable(used(p.row, "NhsNumber"))), "Z99001", or(upper(p.row["Sex"]), "U"), year(p.birth), or(c["ethnicity"], "."),
		or(c["language"], "."), or(c["country-of-birth"], "."), or(c["religion"], "."), or(c["smoking"], "."), or(area, ". unknown ."),
		month(p.row["DateOfRegistration"]), month(p.row["DateofDeactivation"]), year(p.death)}, " ")
}

// areaOf is the LSOA, ward and decile of a postcode that the lookup holds.
func areaOf(postcode string) string {
	return map[string]string{"XL11AA": "E01003013 E05014118 7", "XL11AB": "E01003014 E05014118 4", "XN11AA": ". outside .",
		"ZZ993VZ": ". no-fixed-abode ."}[upper(strings.ReplaceAll(postcode, " ", ""))]
}
