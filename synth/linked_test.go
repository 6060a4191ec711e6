package synth

import (
	"math"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// A linkedBorough is the key to the trusts of a larger borough, and what the
// practices hold on its people.
type linkedBorough struct {
	once              sync.Once
	slam, births      []sheetRow
	people            map[string]sheetRow // by person_id
	numberOf          map[string]string   // number to person_id
	smi, risk, recent map[string]bool     // practices' records, by person_id
	current           map[string]bool
}

var linkedOnce linkedBorough

const linkedPeople = 60_000

func readLinked(t *testing.T) *linkedBorough {
	t.Helper()
	linkedOnce.once.Do(func() { linkedOnce.read(t) })
	return &linkedOnce
}

func (b *linkedBorough) read(t *testing.T) {
	t.Helper()
	o := Options{People: linkedPeople, Seed: 3, Datasets: []string{"slam", "maternity"}}
	_, s := write(t, o)
	b.slam, b.births = readSheet(t, filepath.Join(s.Truth, "slam.csv")), readSheet(t, filepath.Join(s.Truth, "maternity.csv"))
	b.people = byColumn(readSheet(t, filepath.Join(s.Truth, "people.csv")), "person_id")
	b.numberOf = map[string]string{}
	for id, p := range b.people {
		b.numberOf[p["nhs_number"]] = id
	}
	b.smi, b.risk, b.recent, b.current = map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}
	p := newPlan(o.withDefaults())
	p.populate()
	r := newRecorder(p)
	for _, list := range p.lists {
		for _, l := range list {
			if p.people[l.person].kind == current {
				r.record(l)
				b.note(r)
			}
		}
	}
}

// note keeps what one practice's record says of somebody.
func (b *linkedBorough) note(r *recorder) {
	id, found := r.personID(r.person), r.find()
	b.current[id] = true
	for c, name := range r.names {
		if found.conditions>>c&1 == 1 {
			b.smi[id] = b.smi[id] || name == "smi"
			b.risk[id] = b.risk[id] || name == "diabetes" || name == "hypertension"
		}
	}
	for i := range r.entries {
		e := &r.entries[i]
		if e.kind == measurement && e.subject == systolic && r.counts(e) && e.at > r.today-365 {
			b.recent[id] = true
		}
	}
}

// under is the person whose usable number the row has, if any.
func (b *linkedBorough) under(row sheetRow) string {
	if row["usable"] != "true" {
		return ""
	}
	return b.numberOf[bare(row["nhs_number_recorded"])]
}

func (b *linkedBorough) group(id string) string {
	switch strings.IndexByte("ABCDEFGHJKLRMNPS", b.people[id]["ethnicity"][0]) {
	case 0, 1, 2:
		return "White"
	case 3, 4, 5, 6:
		return "Mixed"
	case 7, 8, 9, 10, 11:
		return "Asian"
	case 12, 13, 14:
		return "Black"
	}
	return "Other"
}

func inRange(t *testing.T, what string, n, of int, low, high float64) float64 {
	t.Helper()
	share := float64(n) / float64(max(of, 1))
	if share < low || share > high {
		t.Errorf("%s: %.4f (%d of %d), want %.3f to %.3f", what, share, n, of, low, high)
	}
	return share
}

// The brief for these: 4 to 6 % known to the trust, more of some groups; SMI of
// both sources mostly the same people, and not all.
func TestSLaMKnowsWhomItShould(t *testing.T) {
	b := readLinked(t)
	known, smi := map[string]bool{}, map[string]bool{}
	for _, row := range b.slam {
		if id := b.under(row); id != "" {
			known[id] = true
			smi[id] = smi[id] || row["smi"] == "true"
		}
	}
	in, all, knownIn := map[string]int{}, map[string]int{}, 0
	for id := range b.current {
		g := b.people[id]["ethnicity"]
		all[g]++
		if known[id] {
			in[g]++
			knownIn++
		}
	}
	inRange(t, "known", knownIn, len(b.current), 0.04, 0.06)
	a := inRange(t, "known, White British", in["A"], all["A"], 0.035, 0.06)
	m := inRange(t, "known, Black Caribbean", in["M"], all["M"], 0.06, 0.11)
	if m < 1.3*a {
		t.Errorf("no difference: %.3f, %.3f", a, m)
	}
	gp, both, trust := 0, 0, 0
	for id := range b.current {
		gp += btoi(b.smi[id])
		trust += btoi(smi[id])
		both += btoi(b.smi[id] && smi[id])
	}
	inRange(t, "SMI of practices that the trust found too", both, gp, 0.6, 0.85)
	inRange(t, "SMI of the trust that practices know", both, trust, 0.7, 0.95)
	inRange(t, "SMI at the trust", trust, len(b.current), 0.009, 0.016)
}

func TestBloodPressureOfPeopleWithSMIIsUnequal(t *testing.T) {
	b := readLinked(t)
	taken, of := map[string]int{}, map[string]int{}
	seen := map[string]bool{}
	for _, row := range b.slam {
		id := b.under(row)
		if row["smi"] != "true" || !b.current[id] || seen[id] {
			continue
		}
		seen[id] = true
		for _, g := range []string{"all", b.group(id)} {
			of[g]++
			taken[g] += btoi(b.recent[id])
		}
	}
	inRange(t, "blood pressure within a year", taken["all"], of["all"], 0.55, 0.75)
	white := inRange(t, "White", taken["White"], of["White"], 0.55, 0.85)
	if black := inRange(t, "Black", taken["Black"], of["Black"], 0.45, 0.75); black > white-0.02 {
		t.Errorf("no difference: %.3f, %.3f", white, black)
	}
}

func TestBookingsAreLikeTheBoroughs(t *testing.T) {
	b := readLinked(t)
	women, late, of := map[string]bool{}, map[string]int{}, map[string]int{}
	months, ongoing := map[string]int{}, map[string]bool{}
	for _, row := range b.births {
		id := b.under(row)
		switch {
		case row["gate"] != "":
		case row["row"] == "booking":
			months[row["booked"]]++
			ongoing[row["pregnancy_id"]] = true
			if row["booked"] > "2025-10" && b.current[id] {
				women[id] = true
			}
			if g := b.group(row["person_id"]); row["booked_by_70_days"] != "" {
				of[g]++
				late[g] += btoi(row["booked_by_70_days"] == "false")
			}
		case row["row"] == "baby":
			delete(ongoing, row["pregnancy_id"])
		}
	}
	risky := 0
	for id := range women {
		risky += btoi(b.risk[id])
		if age := 2026 - atoi(t, b.people[id]["birth_date"][:4]); age < 16 || age > 50 || b.people[id]["sex"] != "F" {
			t.Errorf("a mother of sex %s and age %d", b.people[id]["sex"], age)
		}
	}
	inRange(t, "booked this year", len(women), linkedPeople, 0.006, 0.012)
	inRange(t, "with diabetes or hypertension", risky, len(women), 0.02, 0.1)
	inRange(t, "pregnancies that last", len(ongoing), sum(of), 0.18, 0.4)
	white, black := inRange(t, "late, White", late["White"], of["White"], 0.22, 0.38), inRange(t, "late, Black", late["Black"], of["Black"], 0.38, 0.56)
	if black < white+0.08 {
		t.Errorf("no difference: %.3f, %.3f", white, black)
	}
	if len(months) < 24 || len(months) > 25 {
		t.Errorf("bookings in %d months", len(months))
	}
	for month, n := range months {
		if month > "2024-11" && (n < 20 || n > 90) {
			t.Errorf("%d bookings in %s", n, month)
		}
	}
}

func sum(m map[string]int) (n int) {
	for _, v := range m {
		n += v
	}
	return n
}

func TestBabiesAreLikeTheirMothers(t *testing.T) {
	b := readLinked(t)
	all, alike, near, elsewhere, mothers, knownMothers := 0, 0, 0, 0, map[string]bool{}, 0
	slam := map[string]bool{}
	for _, row := range b.slam {
		slam[row["person_id"]] = true
	}
	for _, row := range b.births {
		if row["row"] == "mother" {
			mothers[row["person_id"]] = true
		}
		if row["row"] != "baby" || row["person_id"] == "" {
			continue
		}
		baby, mother := b.people[row["person_id"]], b.people[row["mother"]]
		all++
		alike += btoi(baby["ethnicity"] == mother["ethnicity"])
		near += btoi(baby["ward"] == mother["ward"])
		elsewhere += btoi(!b.current[row["mother"]])
		if age := atoi(t, baby["birth_date"][:4]) - atoi(t, mother["birth_date"][:4]); age < 16 || age > 47 {
			t.Errorf("born to a mother of %d", age)
		}
	}
	for id := range mothers {
		knownMothers += btoi(slam[id])
	}
	inRange(t, "of the mother's category", alike, all, 0.65, 0.88)
	inRange(t, "in the mother's ward", near, all, 0.99, 1)
	inRange(t, "of mothers registered elsewhere", elsewhere, all, 0.05, 0.2)
	inRange(t, "mothers known to the other trust", knownMothers, len(mothers), 0.07, 0.15)
}

// The shares are those asked for in the facts on real sources.
func TestTrustsDefectsArePlanted(t *testing.T) {
	b := readLinked(t)
	slam, mothers, young, older := defects(b.slam, "", nil), defects(b.births, "mother", nil), defects(b.births, "baby", isNewborn), defects(b.births, "baby", isOlder)
	inRange(t, "SLaM, blank", slam["blank"], slam["rows"], 0.03, 0.05)
	near(t, "SLaM, invalid", slam["invalid"], slam["rows"], 0.002)
	near(t, "SLaM, spaced", slam["spaced"], slam["rows"], 0.02)
	inRange(t, "mothers, blank", mothers["blank"], mothers["rows"], 0.02, 0.045)
	inRange(t, "new babies, blank", young["blank"], young["rows"], 0.2, 0.45)
	inRange(t, "older babies, blank", older["blank"], older["rows"], 0.01, 0.05)
	near(t, "two ids at SLaM", twoIDs(b.slam, ""), slam["rows"], 0.01)
	for what, n := range map[string]int{"mothers with two ids": twoIDs(b.births, "mother"), "twins": twins(b.births),
		"stillbirths": countRows(b.births, "outcome", "stillbirth"), "losses": countRows(b.births, "gate", "sensitive-outcome"),
		"impossible bookings": countRows(b.births, "gate", "impossible-date"), "orphans": countRows(b.births, "gate", "no-patient"),
		"collisions at SLaM": collisions(b, b.slam), "collisions of babies": collisions(b, b.births), "two mothers": twoMothers(b)} {
		if n == 0 || n > 60 {
			t.Errorf("%s: %d", what, n)
		}
	}
	told, wrong, unknown := 0, 0, 0
	for _, row := range b.slam {
		switch row["ethnicity"] {
		case "Z", "99", "":
			unknown++
		default:
			told++
			wrong += btoi(row["ethnicity"] != b.people[row["person_id"]]["ethnicity"])
		}
	}
	inRange(t, "another ethnicity at SLaM", wrong, told, 0.08, 0.15)
	inRange(t, "no ethnicity at SLaM", unknown, len(b.slam), 0.08, 0.16)
}

func isNewborn(row sheetRow) bool { return row["birth_month"] == "2026-10" }

func isOlder(row sheetRow) bool { return row["birth_month"] < "2026-09" }

// defects counts the numbers of one kind of row, of people who have one.
func defects(rows []sheetRow, kind string, only func(sheetRow) bool) map[string]int {
	c := map[string]int{}
	for _, row := range rows {
		if row["row"] != kind || row["person_id"] == "" || only != nil && !only(row) {
			continue
		}
		c["rows"]++
		n := row["nhs_number_recorded"]
		switch {
		case n == "":
			c["blank"]++
		case !holds(bare(n)):
			c["invalid"]++
		case n != bare(n):
			c["spaced"]++
		}
	}
	return c
}

func twoIDs(rows []sheetRow, kind string) (n int) {
	ids := map[string]int{}
	for _, row := range rows {
		if row["row"] == kind {
			ids[row["person_id"]]++
		}
	}
	for _, k := range ids {
		n += btoi(k > 1)
	}
	return n
}

func twins(rows []sheetRow) (n int) {
	babies := map[string]int{}
	for _, row := range rows {
		if row["row"] == "baby" {
			babies[row["pregnancy_id"]]++
		}
	}
	for _, k := range babies {
		n += btoi(k > 1)
	}
	return n
}

func countRows(rows []sheetRow, column, value string) (n int) {
	for _, row := range rows {
		n += btoi(row[column] == value)
	}
	return n
}

// collisions are rows under another person's valid number.
func collisions(b *linkedBorough, rows []sheetRow) (n int) {
	for _, row := range rows {
		id := b.under(row)
		n += btoi(id != "" && id != row["person_id"] && row["row"] != "booking")
	}
	return n
}

func twoMothers(b *linkedBorough) (n int) {
	for _, p := range b.people {
		n += btoi(len(strings.Fields(p["mother"])) == 2)
	}
	return n
}

// What the trusts' files hold beside the rows that count.
func TestTrustsFilesAreAsMessyAsRealOnes(t *testing.T) {
	b := readBorough(t)
	c := map[string]int{}
	patients, _ := readSLaM(t, b)
	referrals := byColumn(b.trustRows(t, "slam", "MHS101Referral"), "ServiceRequestId")
	for table, id := range map[string]string{"MHS001MPI": "LocalPatientId", "MHS101Referral": "ServiceRequestId", "MHS201CareContact": "CareContactId"} {
		rows := b.trustRows(t, "slam", table)
		c[table+" again"] = len(rows) - len(counting(t, rows, "RowNumber", id))
		for i := range rows {
			c[table+" out of order"] += btoi(i > 0 && atoi(t, rows[i]["RowNumber"]) < atoi(t, rows[i-1]["RowNumber"]))
		}
	}
	for _, r := range b.trustRows(t, "slam", "MHS604PrimDiag") {
		code := r["PrimDiag"]
		switch {
		case r["DiagSchemeInUse"] == "06":
			c["SNOMED"]++
		case strings.HasSuffix(code, "X"):
			c["filler"]++
		case strings.Contains(code, "."):
			c["point"]++
		case len(code) == 4:
			c["no point"]++
		case len(code) == 3:
			c["three"]++
		}
		c["future diagnosis"] += btoi(r["CodedDiagTimestamp"] > readAsAt+"T24")
	}
	for _, r := range referrals {
		c["orphan referral"] += btoi(patients[r["LocalPatientId"]] == nil)
		c["future referral"] += btoi(r["ReferralRequestReceivedDate"] > readAsAt)
	}
	for _, r := range b.trustRows(t, "slam", "MHS201CareContact") {
		c["orphan contact"] += btoi(referrals[r["ServiceRequestId"]] == nil)
		c["not attended"] += btoi(r["AttendOrDNACode"] == "3")
		c["without a team"] += btoi(r["CareProfTeamLocalId"] == "")
	}
	statuses := map[string]int{}
	for _, r := range b.trustRows(t, "slam", "MHS401MHActPeriod") {
		c["status "+r["LegalStatusCode"]]++
		day := r["LocalPatientId"] + r["StartDateMHActLegalStatusClass"]
		if statuses[day]++; statuses[day] > 1 {
			t.Errorf("two legal statuses of %s begin on one day", r["LocalPatientId"])
		}
	}
	for _, r := range b.trustRows(t, "maternity", "MSD405CareActivityBaby") {
		c["unit "+r["UCUMUnit"]]++
	}
	for _, what := range []string{"MHS001MPI again", "MHS101Referral again", "MHS201CareContact again", "MHS201CareContact out of order", "SNOMED", "filler", "point",
		"no point", "three", "future diagnosis", "future referral", "orphan referral", "orphan contact", "not attended", "without a team",
		"status 01", "status 02", "status 03", "unit g", "unit kg", "unit "} {
		if c[what] == 0 {
			t.Errorf("no %s", what)
		}
	}
	if again := float64(c["MHS201CareContact again"]) / float64(len(patients)*5); math.Abs(again-0.02) > 0.012 {
		t.Errorf("%.3f of contacts were submitted again", again)
	}
}
