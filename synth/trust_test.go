package synth

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"datanet/schemas"
)

// These tests read the trusts' files back and work out the answer key again,
// with no code of this package: columns by name, dates as text, the gates as
// the formats' documents have them.

// TestHeadersAreTheStandards reads testdata/headers.txt: a table's name, a line
// of dashes, and its file's first line.
func TestHeadersAreTheStandards(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "headers.txt"))
	if err != nil {
		t.Fatal(err)
	}
	b, want := readBorough(t), map[string]string{}
	for _, part := range strings.Split(string(text), "\n\n")[1:] {
		name, header, _ := strings.Cut(strings.TrimSpace(part), "\n----\n")
		want[name] = header
	}
	for dataset, format := range map[string]string{"slam": "mhsds", "maternity": "msds"} {
		paths, _ := filepath.Glob(filepath.Join(b.dir, "out", dataset, "M*.csv"))
		for _, path := range paths {
			table := checkName(t, format, filepath.Base(path))
			body, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if header, _, _ := strings.Cut(string(body), "\n"); header != want[table] {
				t.Errorf("%s begins\n%s\nnot\n%s", table, header, want[table])
			}
			delete(want, table)
		}
	}
	for table := range want {
		t.Errorf("there is no %s", table)
	}
}

// checkName says that the vocabulary's format knows the file, and every column
// that it may have.
func checkName(t *testing.T, format, file string) string {
	t.Helper()
	f, err := schemas.FormatByName(format)
	if err != nil {
		t.Fatal(err)
	}
	table, stamp, ok := f.ParseFileName(file)
	if !ok || table == nil || stamp.Format(time.DateOnly) != readAsAt {
		t.Fatalf("%s is not a name of %s", file, format)
	}
	return table.Name
}

// trustRows is a trust's table.
func (b *boroughReading) trustRows(t *testing.T, dataset, table string) []sheetRow {
	t.Helper()
	return readSheet(t, filepath.Join(b.dir, "out", dataset, table+"_20261031.csv"))
}

// counting keeps of each record the row that counts: the one with the highest number.
func counting(t *testing.T, rows []sheetRow, number string, id ...string) (kept []sheetRow) {
	t.Helper()
	at := map[string]int{}
	for _, r := range rows {
		var name string
		for _, column := range id {
			name += r[column] + "|"
		}
		i, seen := at[name]
		switch {
		case !seen:
			at[name] = len(kept)
			kept = append(kept, r)
		case atoi(t, r[number]) > atoi(t, kept[i][number]):
			kept[i] = r
		}
	}
	return kept
}

func atoi(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func byColumn(rows []sheetRow, column string) map[string]sheetRow {
	m := map[string]sheetRow{}
	for _, r := range rows {
		m[r[column]] = r
	}
	return m
}

// possible says that something dated can have happened to somebody.
func possible(date, birth string) bool { return date != "" && date <= readAsAt && date >= birth }

// ethnicLetter is what a recorded category says.
func ethnicLetter(code string) string {
	if code == "" || code == "99" {
		return code
	}
	return code[:1]
}

var icd10 = regexp.MustCompile(`^[A-Z][0-9]{2}(\.?[0-9X])?$`)

// isSevere: F20 to F29, F30, F31.
func isSevere(code string) bool {
	return code >= "F20" && code < "F32"
}

// A slamReading is a patient's row as read back, and what belongs to it.
type slamReading struct {
	row                                    sheetRow
	smi                                    bool
	referrals, diagnoses, contacts, spells int
	provisional, secondary                 int // that name a severe mental illness
}

func readSLaM(t *testing.T, b *boroughReading) (patients map[string]*slamReading, order []string) {
	t.Helper()
	patients = map[string]*slamReading{}
	for _, r := range counting(t, b.trustRows(t, "slam", "MHS001MPI"), "RowNumber", "LocalPatientId") {
		patients[r["LocalPatientId"]] = &slamReading{row: r}
		order = append(order, r["LocalPatientId"])
	}
	owner := map[string]*slamReading{}
	for _, r := range counting(t, b.trustRows(t, "slam", "MHS101Referral"), "RowNumber", "ServiceRequestId") {
		p := patients[r["LocalPatientId"]]
		if p == nil {
			continue
		}
		owner[r["ServiceRequestId"]] = p
		if d := r["ServDischDate"]; possible(r["ReferralRequestReceivedDate"], p.row["PersonBirthDate"]) && (d == "" || d <= readAsAt && d >= r["ReferralRequestReceivedDate"]) {
			p.referrals++
		}
	}
	for _, r := range counting(t, b.trustRows(t, "slam", "MHS201CareContact"), "RowNumber", "CareContactId") {
		p, code := owner[r["ServiceRequestId"]], r["AttendOrDNACode"]
		if p != nil && (code == "5" || code == "6") && possible(r["CareContDate"], p.row["PersonBirthDate"]) {
			p.contacts++
		}
	}
	for _, r := range counting(t, b.trustRows(t, "slam", "MHS501HospProvSpell"), "RowNumber", "HospProvSpellID") {
		if p := owner[r["ServiceRequestId"]]; p != nil && possible(r["StartDateHospProvSpell"], p.row["PersonBirthDate"]) {
			p.spells++
		}
	}
	for table, columns := range map[string][2]string{"MHS603ProvDiag": {"ProvDiag", "CodedProvDiagTimestamp"},
		"MHS604PrimDiag": {"PrimDiag", "CodedDiagTimestamp"}, "MHS605SecDiag": {"SecDiag", "CodedDiagTimestamp"}} {
		for _, r := range counting(t, b.trustRows(t, "slam", table), "RowNumber", "ServiceRequestId", columns[0], columns[1]) {
			p, code := owner[r["ServiceRequestId"]], r[columns[0]]
			if p == nil || r["DiagSchemeInUse"] != "02" || !icd10.MatchString(code) || !possible(cut(r[columns[1]], 10), p.row["PersonBirthDate"]) {
				continue
			}
			p.diagnoses++
			if isSevere(code) {
				p.smi = p.smi || table == "MHS604PrimDiag"
				p.provisional += btoi(table == "MHS603ProvDiag")
				p.secondary += btoi(table == "MHS605SecDiag")
			}
		}
	}
	return patients, order
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestSLaMsKeyTellsWhatTheFilesHold(t *testing.T) {
	b := readBorough(t)
	patients, order := readSLaM(t, b)
	truth := readSheet(t, filepath.Join(b.dir, "out", "truth", "slam.csv"))
	if len(truth) != len(order) || len(truth) < 300 {
		t.Fatalf("%d rows in the key, %d patients", len(truth), len(order))
	}
	place := newPlaces(t, b)
	for _, told := range truth {
		p := patients[told["local_id"]]
		if p == nil {
			t.Fatalf("%s is in no file", told["local_id"])
		}
		r := p.row
		ward, lsoa := place(r["Postcode"])
		want := sheetRow{"nhs_number_recorded": r["NHSNumber"], "usable": truthWord(usableNumber(r["NHSNumber"])), "gate": "",
			"gender":     map[string]string{"1": "M", "2": "F", "9": "I", "X": "U"}[r["Gender"]],
			"birth_year": cut(r["PersonBirthDate"], 4), "ethnicity": ethnicLetter(r["EthnicCategory"]), "ward": ward, "lsoa": lsoa,
			"smi": truthWord(p.smi), "referrals": strconv.Itoa(p.referrals), "diagnoses": strconv.Itoa(p.diagnoses),
			"contacts": strconv.Itoa(p.contacts), "spells": strconv.Itoa(p.spells)}
		for column, value := range want {
			if told[column] != value {
				t.Fatalf("%s of %s is %q in the key, %q in the files", column, told["local_id"], told[column], value)
			}
		}
		if !p.smi && p.provisional+p.secondary > 0 {
			t.Errorf("%s: it matters whether provisional and secondary diagnoses count", told["local_id"])
		}
	}
}

// newPlaces reads wards and areas from the lookup that lies beside the trust's files.
func newPlaces(t *testing.T, b *boroughReading) func(postcode string) (ward, lsoa string) {
	t.Helper()
	areas, lookup := map[string]schemas.LSOA{}, map[string]string{}
	for _, a := range schemas.LSOAs() {
		areas[a.Code] = a
	}
	squeeze := func(pc string) string { return strings.ToUpper(strings.ReplaceAll(pc, " ", "")) }
	for _, row := range readSheet(t, filepath.Join(b.dir, "out", "slam", "postcodes.csv")) {
		lookup[squeeze(row["pcds"])] = row["lsoa21cd"]
	}
	return func(postcode string) (string, string) {
		code := lookup[squeeze(postcode)]
		area, in := areas[code]
		switch {
		case in:
			return area.Ward, code
		case code != "":
			return "outside", ""
		case squeeze(postcode) == "ZZ993VZ":
			return "no-fixed-abode", ""
		}
		return "unknown", ""
	}
}

// A birthReading is the maternity trust's records, read back.
type birthReading struct {
	mothers, bookings, babies map[string]sheetRow // by their ids, those that count
	pregnancyOf, motherOf     map[string]string   // of babies
}

func readMaternity(t *testing.T, b *boroughReading) *birthReading {
	t.Helper()
	read := func(table string, id string) map[string]sheetRow {
		return byColumn(counting(t, b.trustRows(t, "maternity", table), "RecordNumber", id), id)
	}
	m := &birthReading{mothers: read("MSD001MotherDemog", "LPIDMother"), bookings: read("MSD101PregnancyBooking", "PregnancyID"),
		babies: read("MSD401BabyDemographics", "LPIDBaby"), pregnancyOf: map[string]string{}, motherOf: map[string]string{}}
	deliveries := read("MSD301LabourDelivery", "LabourDeliveryID")
	for id, baby := range m.babies {
		m.pregnancyOf[id] = deliveries[baby["LabourDeliveryID"]]["PregnancyID"]
		if mother := m.bookings[m.pregnancyOf[id]]["LPIDMother"]; m.mothers[mother] != nil {
			m.motherOf[id] = mother
		}
	}
	return m
}

func (m *birthReading) bookingGate(r sheetRow) string {
	mother := m.mothers[r["LPIDMother"]]
	switch {
	case mother == nil:
		return "no-patient"
	case !possible(r["AntenatalAppDate"], mother["PersonBirthDateMother"]):
		return "impossible-date"
	}
	return ""
}

func (m *birthReading) babyGate(id string) string {
	switch outcome := m.babies[id]["PregOutcome"]; {
	case m.motherOf[id] == "":
		return "no-patient"
	case outcome != "01" && outcome != "02" && outcome != "03" && outcome != "04":
		return "sensitive-outcome"
	}
	return ""
}

// bookedEarly: 280 days less those to the due date are at most 70.
func bookedEarly(t *testing.T, r sheetRow) string {
	t.Helper()
	if r["EDDAgreed"] == "" {
		return ""
	}
	due, err := time.Parse(time.DateOnly, r["EDDAgreed"])
	if err != nil {
		t.Fatal(err)
	}
	booked, err := time.Parse(time.DateOnly, r["AntenatalAppDate"])
	if err != nil {
		t.Fatal(err)
	}
	return truthWord(280-int(due.Sub(booked).Hours()/24) <= 70)
}

func TestMaternitysKeyTellsWhatTheFilesHold(t *testing.T) {
	b := readBorough(t)
	m := readMaternity(t, b)
	place, rows := newPlaces(t, b), map[string]int{}
	for _, told := range readSheet(t, filepath.Join(b.dir, "out", "truth", "maternity.csv")) {
		id, want := told["local_id"], sheetRow{}
		switch told["row"] {
		case "mother":
			r := m.mothers[id]
			ward, lsoa := place(r["Postcode"])
			want = sheetRow{"mother_id": id, "nhs_number_recorded": r["NHSNumberMother"], "gate": "", "ethnicity": ethnicLetter(r["EthnicCategoryMother"]),
				"ward": ward, "lsoa": lsoa, "birth_year": cut(r["PersonBirthDateMother"], 4)}
		case "booking":
			r := m.bookings[id]
			mother := m.mothers[r["LPIDMother"]]
			want = sheetRow{"nhs_number_recorded": mother["NHSNumberMother"], "gate": m.bookingGate(r), "booked": cut(r["AntenatalAppDate"], 7),
				"booked_by_70_days": bookedEarly(t, r)}
			if mother != nil {
				want["mother_id"], want["pregnancy_id"] = r["LPIDMother"], id
			}
		case "baby":
			r := m.babies[id]
			want = sheetRow{"mother_id": m.motherOf[id], "pregnancy_id": m.pregnancyOf[id], "nhs_number_recorded": r["NHSNumberBaby"], "gate": m.babyGate(id),
				"birth_month": cut(r["PersonBirthDateBaby"], 7)}
			if m.motherOf[id] != "" {
				want["ethnicity"] = ethnicLetter(r["EthnicCategoryBaby"])
			}
		}
		want["usable"] = truthWord(usableNumber(want["nhs_number_recorded"]))
		for column, value := range want {
			if told[column] != value {
				t.Fatalf("%s of %s %s is %q in the key, %q in the files", column, told["row"], id, told[column], value)
			}
		}
		rows[told["row"]]++
	}
	if rows["mother"] != len(m.mothers) || rows["booking"] != len(m.bookings) || rows["baby"] != len(m.babies) || len(m.babies) < 60 {
		t.Errorf("%v in the key; %d mothers, %d bookings, %d babies in the files", rows, len(m.mothers), len(m.bookings), len(m.babies))
	}
}

// The flags of people.csv follow from the rows that stand under each number.
func TestPeopleTellWhichTrustsKnowThem(t *testing.T) {
	b := readBorough(t)
	want := map[string]map[string]bool{}
	note := func(number string, columns ...string) {
		if !usableNumber(number) {
			return
		}
		n := bare(number)
		if want[n] == nil {
			want[n] = map[string]bool{}
		}
		for _, c := range columns {
			want[n][c] = true
		}
	}
	patients, _ := readSLaM(t, b)
	for _, p := range patients {
		note(p.row["NHSNumber"], "in_slam", "links_slam")
	}
	m := readMaternity(t, b)
	for _, r := range m.mothers {
		note(r["NHSNumberMother"], "in_maternity")
	}
	for _, r := range m.bookings {
		columns := []string{"is_mother"}
		if m.bookingGate(r) == "" {
			columns = append(columns, "links_maternity")
		}
		note(m.mothers[r["LPIDMother"]]["NHSNumberMother"], columns...)
	}
	mothers := map[string]map[string]bool{}
	for id, r := range m.babies {
		note(r["NHSNumberBaby"], "in_maternity", "is_baby")
		if m.babyGate(id) == "" {
			note(r["NHSNumberBaby"], "links_maternity")
		}
		if n := bare(r["NHSNumberBaby"]); usableNumber(n) {
			if mothers[n] == nil {
				mothers[n] = map[string]bool{}
			}
			mothers[n][m.mothers[m.motherOf[id]]["NHSNumberMother"]] = true
		}
	}
	numbers := map[string]string{}
	for _, p := range b.people {
		numbers[p["person_id"]] = p["nhs_number"]
	}
	for _, p := range b.people {
		n := p["nhs_number"]
		for _, column := range []string{"in_slam", "links_slam", "in_maternity", "links_maternity", "is_mother", "is_baby"} {
			if p[column] != truthWord(want[n][column]) {
				t.Fatalf("%s of %s is %s", column, p["person_id"], p[column])
			}
		}
		if told := strings.Fields(p["mother"]); len(told) != len(mothers[n]) {
			t.Fatalf("%s has %d mothers in the key, %d in the files", p["person_id"], len(told), len(mothers[n]))
		} else if len(told) == 1 && !mothers[n][""] && !mothers[n][numbers[told[0]]] && !spoiled(mothers[n]) {
			t.Fatalf("%s has another mother in the files", p["person_id"])
		}
		delete(want, n)
	}
	if len(want) > 0 {
		t.Errorf("%d numbers of the trusts are nobody's", len(want))
	}
}

// spoiled: the one number is not written as the person's.
func spoiled(numbers map[string]bool) bool {
	for n := range numbers {
		return n != bare(n) || !usableNumber(n)
	}
	return false
}

// Every local id of the trusts holds the last marker.
func TestLocalIdsAreMarked(t *testing.T) {
	b := readBorough(t)
	markers, marked := Markers(), 0
	columns := regexp.MustCompile(`^(LocalPatientId|ServiceRequestId|CareContactId|HospProvSpellID|MHActLegalStatusClassPeriodId|CareProf.*Id|CareProfLIDDel|ProfRegEntryId|LPID.*|PregnancyID|LabourDeliveryID|LocalFetalID|CareActIDBaby)$`)
	tenDigits := regexp.MustCompile(`\b[467]\d{9}\b`)
	for _, dataset := range []string{"slam", "maternity"} {
		paths, _ := filepath.Glob(filepath.Join(b.dir, "out", dataset, "M*.csv"))
		for _, path := range paths {
			for _, row := range readSheet(t, path) {
				for column, value := range row {
					if tenDigits.MatchString(value) {
						t.Fatalf("%s of %s could be a number that is issued", column, filepath.Base(path))
					}
					if value == "" || !columns.MatchString(column) {
						continue
					}
					marked++
					if !strings.Contains(strings.ToLower(value), markers[len(markers)-1]) {
						t.Fatalf("%s of %s is not marked", column, filepath.Base(path))
					}
				}
			}
		}
	}
	if marked < 3000 {
		t.Errorf("only %d local ids were looked at", marked)
	}
}

func TestOnlyTheDatasetsAskedForAreWritten(t *testing.T) {
	all, _ := write(t, Options{People: 3000, Practices: 2, Seed: 5})
	out, s := write(t, Options{People: 3000, Practices: 2, Seed: 5, Datasets: []string{"slam"}})
	if len(s.Datasets) != 1 || s.Datasets[0].Dataset != "slam" || s.Datasets[0].Format != "mhsds" || s.Datasets[0].Sites[0].Site != "Z9S01" ||
		s.Datasets[0].Sites[0].Source != filepath.Join(out, "slam") || s.Registrations != 0 {
		t.Errorf("summary: %+v", s)
	}
	entries, _ := os.ReadDir(out)
	if len(entries) != 2 || fingerprint(t, filepath.Join(out, "slam")) != fingerprint(t, filepath.Join(all, "slam")) {
		t.Errorf("%d folders, or another trust's export than with the rest", len(entries))
	}
	for _, p := range readSheet(t, filepath.Join(s.Truth, "people.csv")) {
		if p["in_primary_care"] == "true" || p["in_maternity"] == "true" {
			t.Fatalf("%s is in a dataset that was not written", p["person_id"])
		}
	}
}
