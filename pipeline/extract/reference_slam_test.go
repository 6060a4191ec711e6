package extract

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

func (f *trustReference) slam() {
	people, superseded := f.patients("MHS001MPI", "LocalPatientId", "NHSNumber", "PersonBirthDate", "PersDeathDate")
	referrals, again := f.latest("MHS101Referral", own("ServiceRequestId"))
	for _, row := range superseded {
		f.out("patients", row, "re-submitted")
	}
	for _, row := range again {
		f.out("referrals", row, "re-submitted")
	}
	for _, row := range f.x.rows["MHS001MPI"] {
		if row["LocalPatientId"] == "" {
			f.out("patients", row, "no-patient")
		}
	}
	byID := map[string]map[string]string{}
	referred := map[string]string{} // local id → the last day of a request
	for _, row := range referrals {
		if row["ServiceRequestId"] != "" {
			byID[upper(row["ServiceRequestId"])] = row
		}
		if d, err := time.Parse(time.DateOnly, row["ReferralRequestReceivedDate"]); err == nil && !d.After(f.asAt) {
			referred[upper(row["LocalPatientId"])] = max(referred[upper(row["LocalPatientId"])], text(d))
		}
	}
	f.slamPatients(people, referred)
	for _, row := range f.x.rows["MHS102ServiceTypeReferredTo"] {
		f.lost.note("referrals.team_type", row["ServTeamTypeRefToMH"] != "" && !teamForm.MatchString(row["ServTeamTypeRefToMH"]))
	}
	for _, row := range f.x.rows["MHS401MHActPeriod"] {
		status := row["LegalStatusCode"]
		f.lost.note("spells.mha_status", status != "" && !statusForm.MatchString(status) || !isDay(row["StartDateMHActLegalStatusClass"]) ||
			!isDay(row["EndDateMHActLegalStatusClass"]) || !isDay(row["ExpiryDateMHActLegalStatusClass"]))
	}
	first, types := f.teams()
	for _, row := range referrals {
		p := people[upper(row["LocalPatientId"])]
		received, discharged := row["ReferralRequestReceivedDate"], row["ServDischDate"]
		reason := gateOf(p)
		if reason == "" && (f.impossible(p.life, received) || f.impossible(p.life, discharged) || before(discharged, received)) {
			reason = "impossible-date"
		}
		if !f.out("referrals", row, reason) {
			f.write("referral", p.name, p.day(received), first[upper(row["ServiceRequestId"])], p.day(discharged))
		}
	}
	patientOf := func(referral string) *trustPatient {
		if row := byID[upper(referral)]; row != nil {
			return people[upper(row["LocalPatientId"])]
		}
		return nil
	}
	f.contacts(patientOf, types)
	f.diagnoses(patientOf)
	f.spells(patientOf)
}

func gateOf(p *trustPatient) string {
	switch {
	case p == nil:
		return "no-patient"
	case p.gate != "":
		return "person-left-out"
	}
	return ""
}

func (f *trustReference) slamPatients(people map[string]*trustPatient, referred map[string]string) {
	chosen := map[string]*trustPatient{}
	key := func(p *trustPatient) string {
		return fmt.Sprintf("%10s %012s", referred[upper(p.row["LocalPatientId"])], p.row["RowNumber"])
	}
	for _, p := range people {
		if old := chosen[p.name]; old == nil || key(p) > key(old) {
			chosen[p.name] = p
		}
	}
	for _, p := range people {
		if f.out("patients", p.row, p.gate) {
			continue
		}
		if chosen[p.name] != p {
			f.out("patients", p.row, "same-person")
			continue
		}
		year, own := "", f.past(p.row["PersonBirthDate"])
		if own.IsZero() {
			own = p.birth
		}
		if !own.IsZero() {
			year = fmt.Sprint(own.Year())
		}
		lsoa, ward := f.area(p.row["Postcode"])
		f.write("patient", p.name, fmt.Sprint(usable(used(p.row, "NHSNumber"))), or(map[string]string{"1": "M", "2": "F", "9": "I"}[p.row["Gender"]], "U"),
			year, ethnic(p.row["EthnicCategory"]), lsoa, ward)
	}
}

var teamForm = regexp.MustCompile(`^[A-Z][0-9]{2}$`)

// teams are the type of each referral's first team, and of each of its teams.
func (f *trustReference) teams() (first map[string]string, types map[string]string) {
	rows := slices.Clone(f.x.rows["MHS102ServiceTypeReferredTo"])
	slices.SortFunc(rows, func(a, b map[string]string) int {
		m, _ := strconv.Atoi(a["RowNumber"])
		n, _ := strconv.Atoi(b["RowNumber"])
		return cmp.Compare(m, n)
	})
	first, types = map[string]string{}, map[string]string{}
	order := map[string]string{}
	for _, row := range rows {
		referral := upper(row["ServiceRequestId"])
		key := referral + "/" + upper(row["CareProfTeamLocalId"])
		if order[referral] == "" {
			order[referral] = key
		}
		types[key] = ""
		if teamForm.MatchString(row["ServTeamTypeRefToMH"]) {
			types[key] = row["ServTeamTypeRefToMH"]
		}
	}
	for referral, key := range order {
		if referral != "" {
			first[referral] = types[key]
		}
	}
	return first, types
}

func (f *trustReference) contacts(patientOf func(string) *trustPatient, types map[string]string) {
	held, again := f.latest("MHS201CareContact", own("CareContactId"))
	for _, row := range again {
		f.out("contacts", row, "re-submitted")
	}
	for _, row := range held {
		p := patientOf(row["ServiceRequestId"])
		reason := gateOf(p)
		switch {
		case reason != "":
		case !slices.Contains([]string{"5", "6"}, row["AttendOrDNACode"]):
			reason = "not-attended"
		case f.impossible(p.life, row["CareContDate"]):
			reason = "impossible-date"
		}
		if !f.out("contacts", row, reason) {
			team := ""
			if row["CareProfTeamLocalId"] != "" {
				team = types[upper(row["ServiceRequestId"]+"/"+row["CareProfTeamLocalId"])]
			}
			f.write("contact", p.name, p.day(row["CareContDate"]), team)
		}
	}
}

var icdForm = regexp.MustCompile(`^([A-Z][0-9]{2})\.?(?:([0-9])|X)?$`)

func icd(scheme, code string) string {
	m := icdForm.FindStringSubmatch(upper(code))
	if m == nil || scheme != "02" || strings.HasSuffix(code, ".") {
		return ""
	}
	return m[1] + m[2]
}

// dayOf is the day of a moment, or what cannot be read as one.
func dayOf(s string) string {
	day, _, _ := strings.Cut(s, "T")
	return day
}

func (f *trustReference) diagnoses(patientOf func(string) *trustPatient) {
	for table, columns := range map[string][2]string{"MHS603ProvDiag": {"ProvDiag", "CodedProvDiagTimestamp"}, "MHS604PrimDiag": {"PrimDiag", "CodedDiagTimestamp"}, "MHS605SecDiag": {"SecDiag", "CodedDiagTimestamp"}} {
		held, again := f.latest(table, func(row map[string]string) string {
			code := or(icd(row["DiagSchemeInUse"], row[columns[0]]), row[columns[0]])
			day := dayOf(row[columns[1]])
			if _, err := time.Parse(time.DateOnly, day); err != nil && row[columns[1]] != "" {
				day = "no day"
			}
			key := strings.Join([]string{row["DiagSchemeInUse"], code, day, upper(row["ServiceRequestId"])}, "/")
			if row["ServiceRequestId"] == "" {
				key += "\x00"
			}
			return key
		})
		for _, row := range again {
			f.out("diagnoses", row, "re-submitted")
		}
		for _, row := range held {
			p := patientOf(row["ServiceRequestId"])
			code, day := icd(row["DiagSchemeInUse"], row[columns[0]]), dayOf(row[columns[1]])
			reason := gateOf(p)
			switch {
			case reason != "":
			case code != "" && (f.secret[code] || f.secret[code[:3]]) || f.secret[row[columns[0]]]:
				reason = "sensitive"
			case code == "":
				reason = "no-icd10"
			case f.impossible(p.life, day) || (day == "" && row[columns[1]] != ""):
				reason = "impossible-date"
			}
			if !f.out("diagnoses", row, reason) {
				f.write("diagnosis", p.name, p.day(day), code)
			}
		}
	}
}

func (f *trustReference) spells(patientOf func(string) *trustPatient) {
	periods, _ := f.latest("MHS401MHActPeriod", own("MHActLegalStatusClassPeriodId"))
	held, again := f.latest("MHS501HospProvSpell", own("HospProvSpellID"))
	for _, row := range again {
		f.out("spells", row, "re-submitted")
	}
	for _, row := range held {
		p := patientOf(row["ServiceRequestId"])
		started, ended := row["StartDateHospProvSpell"], row["DischDateHospProvSpell"]
		reason := gateOf(p)
		if reason == "" && (f.impossible(p.life, started) || f.impossible(p.life, ended) || before(ended, started)) {
			reason = "impossible-date"
		}
		if f.out("spells", row, reason) {
			continue
		}
		f.write("spell", p.name, p.day(started), p.day(ended), legalStatus(periods, upper(p.row["LocalPatientId"]), started))
	}
}

var statusForm = regexp.MustCompile(`^[0-9]{2}$`)

// legalStatus is the status in force on a day. It compares days as text: a day
// of 1900 is one here too.
func legalStatus(periods []map[string]string, patient, on string) string {
	isDay := func(s string) bool { _, err := time.Parse(time.DateOnly, s); return err == nil }
	status, last := "", ""
	for _, row := range periods {
		start, end := row["StartDateMHActLegalStatusClass"], row["EndDateMHActLegalStatusClass"]
		if !isDay(end) {
			end = row["ExpiryDateMHActLegalStatusClass"]
		}
		if upper(row["LocalPatientId"]) != patient || !isDay(on) || !isDay(start) || start > on || (isDay(end) && end < on) {
			continue
		}
		if key := fmt.Sprintf("%s %012s", start, row["RowNumber"]); key > last {
			last, status = key, row["LegalStatusCode"]
		}
	}
	if !statusForm.MatchString(status) {
		return ""
	}
	return status
}
