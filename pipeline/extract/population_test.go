package extract

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// population makes a random export in which every rule has work to do: two
// organisations of the site and one of another, shared numbers, flags and GUIDs in
// every spelling, dates about birth, death and the as-at date.
func population(t testing.TB, r *rand.Rand, people int) *export {
	x, numbers := emis.export(t), testNumbers(people)
	for _, line := range []string{"org ODSCode=Z99001", "org OrganisationGuid={BRANCH} ODSCode=z99001", "org OrganisationGuid={OTHER} ODSCode=Z98001",
		"agreement", "agreement OrganisationGuid={BRANCH}", "agreement OrganisationGuid={OTHER}",
		"code CodeId=900 ReadTermId=9Nu0", "code CodeId=901 ReadTermId=9Nu1.", "code CodeId=902 SnomedCTConceptId=44054006",
		"code CodeId=902 SnomedCTConceptId=46635009", "code CodeId=903 SnomedCTConceptId=44054006 ReadTermId=9155.",
		"code CodeId=906 NationalCode=9Nu0.", "code CodeId=907 NationalCode=9182 SnomedCTConceptId=44054006", "code CodeId=914 SnomedCTConceptId=44054006", "code CodeId=914 SnomedCTConceptId=86406008", "code CodeId=915 SnomedCTConceptId=44054006 ReadTermId=H33",
		"code CodeId=904 SnomedCTConceptId=9990018006", "code CodeId=908 SnomedCTConceptId=9990000018007", "drug CodeId=905 DmdProductCodeId=" + numbers[0]} {
		x.line(split(line))
	}
	for i := range people {
		x.person(r, i, numbers)
	}
	completeEMIS(x)
	return x
}

func pick(r *rand.Rand, of ...string) string { return of[r.IntN(len(of))] }

// rarely is value one time in n.
func rarely(r *rand.Rand, n int, values ...string) string {
	if r.IntN(n) > 0 {
		return values[0]
	}
	return pick(r, values...)
}

func (x *export) person(r *rand.Rand, i int, numbers []string) {
	born := time.Date(1930+r.IntN(97), time.Month(1+r.IntN(12)), 1+r.IntN(28), 0, 0, 0, 0, time.UTC)
	number := rarely(r, 8, numbers[i], "", "9999999999", "999 000 0019", numbers[r.IntN(len(numbers))], numbers[i][:3]+" "+numbers[i][3:6]+" "+numbers[i][6:])
	died := ""
	if r.IntN(6) == 0 {
		died = text(born.AddDate(r.IntN(90), 0, r.IntN(300)))
	}
	row := map[string]string{"PatientGuid": fmt.Sprintf("{P%d}", i/2*2+i%2*r.IntN(2)), "OrganisationGuid": pick(r, "{GP}", "{GP}", "{GP}", "{BRANCH}", "{OTHER}", "{gp}"),
		"NhsNumber": number, "NHSNumberStatus": rarely(r, 20, "", "01", "03", "superseded"), "Sex": pick(r, "F", "M", "I", "U", "f", ""), "DateOfBirth": rarely(r, 10, text(born), "", "1900-01-01", "05/06/1980", "2030-01-01"),
		"DateOfDeath": rarely(r, 20, died, "unknown", "2030-01-01"), "DateOfRegistration": text(born.AddDate(r.IntN(40), 0, r.IntN(60))),
		"DateofDeactivation": rarely(r, 3, "", text(born.AddDate(40, 0, 0)), "yes"), "Postcode": pick(r, "XL1 1AA", "xl11ab", "XN1 1AA", "ZZ99 3VZ", "XZ9 9ZZ", ""),
		"PatientTypeDescription": rarely(r, 20, "Regular", " Dummy", " test", "Test Patient", "Latest"), "DummyType": rarely(r, 20, "false", "true", "", "?"),
		"Deleted": rarely(r, 20, "false", "true", "", "no"), "SpineSensitive": rarely(r, 20, "false", "true"), "IsConfidential": rarely(r, 20, "false", "1", "")}
	for _, other := range x.rows["Admin_Patient"] {
		if other["PatientGuid"] == row["PatientGuid"] && upper(other["OrganisationGuid"]) == upper(row["OrganisationGuid"]) {
			return // no organisation has a patient twice
		}
	}
	x.add("Admin_Patient", row)
	consultations, records := x.flagged(r, "CareRecord_Consultation", "ConsultationGuid", row), x.flagged(r, "Prescribing_DrugRecord", "DrugRecordGuid", row)
	for range r.IntN(12) {
		entry := x.event(r, row, born, died, pick(r, "73211009", "44054006", "494131000000105", "107691000000105", "1024701000000100",
			"1010000000103", "3010000000104", "3090000000105", "77176002", "8517006", "266919005", "827241000000103", "827261000000102", "1091881000000109", "900", "901", "902", "903", "904", "908", "419099009", "906", "907", "44054060", numbers[i], "914", "915", "86406008", "184103008", ""))
		entry["ConsultationGuid"] = spelling(r, pick(r, consultations...))
		x.add("CareRecord_Observation", entry)
	}
	for range r.IntN(3) {
		issue := x.event(r, row, born, died, pick(r, "5010000000100", "5020000000109", "905", ""))
		issue["ConsultationGuid"], issue["DrugRecordGuid"] = spelling(r, pick(r, consultations...)), spelling(r, pick(r, records...))
		x.add("Prescribing_IssueRecord", issue)
	}
}

// flagged adds a patient's consultations or drug records and returns their GUIDs,
// with one that the table does not have and none at all.
func (x *export) flagged(r *rand.Rand, table, column string, patient map[string]string) []string {
	guids := []string{"", fmt.Sprintf("{F-%s}", column)}
	for range 1 + r.IntN(3) {
		guid := fmt.Sprintf("{F%dA}", len(x.rows[table]))
		guids = append(guids, guid)
		x.add(table, map[string]string{column: spelling(r, guid), "PatientGuid": patient["PatientGuid"], "OrganisationGuid": patient["OrganisationGuid"],
			"Deleted": rarely(r, 6, "false", "true", "", "0", "?"), "IsConfidential": rarely(r, 4, "false", "true", "1", "", "?")})
	}
	return guids
}

// spelling is a GUID as somebody may have written it.
func spelling(r *rand.Rand, guid string) string {
	return pick(r, guid, guid, strings.ToLower(guid), strings.Trim(guid, "{}"), strings.ToLower(strings.Trim(guid, "{}")), guid+" ", "\u00a0"+guid)
}

// event is an entry or an issue; the columns that only entries have are left
// out of issues by what the format knows.
func (x *export) event(r *rand.Rand, patient map[string]string, born time.Time, died, code string) map[string]string {
	when := born.AddDate(0, 0, r.IntN(365*90))
	switch r.IntN(6) {
	case 0:
		when = born.AddDate(0, 0, []int{-1, 0, 27, 28, 29, 58, 59, 60}[r.IntN(8)])
	case 1:
		if d, err := time.Parse(time.DateOnly, died); err == nil {
			when = d.AddDate(0, 0, []int{-59, -29, -28, -27, 0, 28, 29, 59}[r.IntN(8)])
		}
	case 2:
		when = time.Date(2026, 10, 31, 0, 0, 0, 0, time.UTC).AddDate(0, 0, r.IntN(60)-50)
	}
	row := map[string]string{"PatientGuid": rarely(r, 20, patient["PatientGuid"], "{NOBODY}"), "OrganisationGuid": rarely(r, 20, patient["OrganisationGuid"], "{OTHER}", "{BRANCH}"),
		"EffectiveDate": rarely(r, 15, text(when), "", "1900-01-01", "2020-02-30"), "EffectiveDatePrecision": pick(r, "YMD", "YMD", "YMDT", "YM", "Y", "U", "", "D"),
		"CodeId": code, "Deleted": rarely(r, 12, "false", "true", "", "?"), "IsConfidential": rarely(r, 12, "false", "true", "")}
	if len(code) > 0 && code != "5010000000100" && code != "5020000000109" && code != "905" {
		row["Value"] = pick(r, "", "7.5", "120", "-0", "1e9", "x", "19800506", "123456.7", "123456.78", "-1000", "-1001",
			born.Format("010206"), born.Format("060102"), born.Format("2006.0102"), born.Format("060102")+".5", fmt.Sprint(25569+born.Unix()/86400))
		row["NumericUnit"] = pick(r, "", "mmHg", "MMOL/L", "Jane")
		row["ProcessingId"] = fmt.Sprint(1 + r.IntN(5))
	}
	return row
}

// plain writes organisations as the system does.
func (x *export) plain() {
	for _, rows := range x.rows {
		for _, row := range rows {
			if guid := row["OrganisationGuid"]; guid != "" {
				row["OrganisationGuid"] = strings.ToUpper(guid)
			}
		}
	}
}

func text(t time.Time) string { return t.Format(time.DateOnly) }

func testNumbers(n int) []string {
	var found []string
	for prefix := 999_000_000; len(found) < n; prefix++ {
		sum := 0
		for i, p := 0, prefix; i < 9; i, p = i+1, p/10 {
			sum += p % 10 * (i + 2)
		}
		if check := (11 - sum%11) % 11; check < 10 {
			found = append(found, fmt.Sprintf("%d%d", prefix, check))
		}
	}
	return found
}
