package extract

import (
	"slices"
	"strings"

	"datanet/pseudonym"
)

// The trusts' exports as these tests write them. The first words of a line are
// the ids that join its row to others:
//
//	patient anna NHSNumber=9990000018
//	referral r1 anna
//	contact c1 r1 CareContDate=2020-02-10
var mhsds = &system{format: "mhsds", dataset: "slam", site: "Z9S01", number: "RowNumber",
	fileName: trustFile, complete: completeTrust, kinds: map[string]kind{
		"header":      {"MHS000Header", "", "OrgIDProvider=Z9S01 ReportingPeriodStartDate=2026-10-01 ReportingPeriodEndDate=2026-10-31"},
		"patient":     {"MHS001MPI", "LocalPatientId", "PersonBirthDate=1980-05-06 Gender=2 EthnicCategory=A"},
		"referral":    {"MHS101Referral", "ServiceRequestId LocalPatientId", "ReferralRequestReceivedDate=2020-02-03"},
		"team":        {"MHS102ServiceTypeReferredTo", "ServiceRequestId CareProfTeamLocalId", "ServTeamTypeRefToMH=A06"},
		"contact":     {"MHS201CareContact", "CareContactId ServiceRequestId CareProfTeamLocalId", "CareContDate=2020-02-10 AttendOrDNACode=5"},
		"legal":       {"MHS401MHActPeriod", "MHActLegalStatusClassPeriodId LocalPatientId", "StartDateMHActLegalStatusClass=2020-03-01 LegalStatusCode=02"},
		"spell":       {"MHS501HospProvSpell", "HospProvSpellID ServiceRequestId", "StartDateHospProvSpell=2020-03-02 DischDateHospProvSpell=2020-04-01"},
		"provisional": {"MHS603ProvDiag", "ServiceRequestId", "DiagSchemeInUse=02 ProvDiag=F200 CodedProvDiagTimestamp=2020-02-11T10:00:00"},
		"primary":     {"MHS604PrimDiag", "ServiceRequestId", "DiagSchemeInUse=02 PrimDiag=F200 CodedDiagTimestamp=2020-02-11T10:00:00"},
		"secondary":   {"MHS605SecDiag", "ServiceRequestId", "DiagSchemeInUse=02 SecDiag=F200 CodedDiagTimestamp=2020-02-11T10:00:00"},
	}}

var msds = &system{format: "msds", dataset: "maternity", site: "Z9M01", number: "RecordNumber",
	fileName: trustFile, complete: completeTrust, kinds: map[string]kind{
		"header":   {"MSD000Header", "", "OrgIDProvider=Z9M01 RPStartDate=2026-10-01 RPEndDate=2026-10-31"},
		"mother":   {"MSD001MotherDemog", "LPIDMother", "PersonBirthDateMother=1990-05-06 EthnicCategoryMother=A"},
		"booking":  {"MSD101PregnancyBooking", "PregnancyID LPIDMother", "AntenatalAppDate=2020-02-03 EDDAgreed=2020-09-14"},
		"delivery": {"MSD301LabourDelivery", "LabourDeliveryID PregnancyID", ""},
		"baby":     {"MSD401BabyDemographics", "LPIDBaby LabourDeliveryID", "PersonBirthDateBaby=2020-09-10 PregOutcome=01 GestationLengthBirth=276 DeliveryMethodCode=0"},
		"weighed":  {"MSD405CareActivityBaby", "CareActIDBaby LPIDBaby", "ClinInterDateBaby=2020-09-10 ObsSchemeInUse=03 ObsCode=27113001 ObsValue=3450 UCUMUnit=g"},
	}}

func trustFile(table string) string { return table + "_20261031.csv" }

// completeTrust adds the header.
func completeTrust(x *export) {
	if x.rows[x.of.kinds["header"].table] == nil {
		x.line([]string{"header"})
	}
}

// trustNames maps codes back to the local ids of patients, babies and
// pregnancies. Two patients under one number are anna+bert.
func (x *export) trustNames(o Options) map[string]string {
	coder := pseudonym.NewCoder(o.Key.Linkage, o.Key.Wrap)
	found := map[string][]string{}
	note := func(code pseudonym.Code, name string) {
		if all := found[code.String()]; !slices.Contains(all, name) {
			found[code.String()] = append(all, name)
		}
	}
	for _, who := range []struct{ table, id, number string }{
		{"MHS001MPI", "LocalPatientId", "NHSNumber"}, {"MSD001MotherDemog", "LPIDMother", "NHSNumberMother"}, {"MSD401BabyDemographics", "LPIDBaby", "NHSNumberBaby"}} {
		for _, row := range x.rows[who.table] {
			if number, problem := pseudonym.ParseNHSNumber([]byte(used(row, who.number)), o.Numbers); problem == pseudonym.OK {
				note(coder.Code(number), row[who.id])
			} else if id := row[who.id]; id != "" && who.number != "NHSNumberBaby" {
				note(coder.Local([]byte(x.of.site+"/"+strings.ToUpper(id))), id)
			}
		}
	}
	for _, row := range x.rows["MSD101PregnancyBooking"] {
		note(coder.Local([]byte(x.of.site+"/pregnancy/"+strings.ToUpper(row["PregnancyID"]))), row["PregnancyID"])
	}
	names := map[string]string{}
	for code, all := range found {
		slices.Sort(all)
		names[code] = strings.Join(all, "+")
	}
	return names
}
