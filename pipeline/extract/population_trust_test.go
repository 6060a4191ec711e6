package extract

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
	"time"
)

// A crowd makes random exports of the trusts in which every rule has work to
// do: shared and unusable numbers, records submitted again with other contents,
// orphans, dates about birth, death and the as-at date.
type crowd struct {
	*export
	r       *rand.Rand
	numbers []string
	next    int
}

func (s *system) crowd(t testing.TB, r *rand.Rand, people int) *crowd {
	x := s.export(t)
	s.complete(x)
	return &crowd{export: x, r: r, numbers: testNumbers(4 * people)}
}

// put adds a row, and one time in eight the same record again with something
// changed: the later row holds.
func (c *crowd) put(table string, row map[string]string, change func(map[string]string)) {
	c.add(table, row)
	for c.r.IntN(8) == 0 {
		row = maps.Clone(row)
		delete(row, c.of.number)
		if c.r.IntN(2) == 0 {
			change(row)
		}
		c.add(table, row)
	}
}

// number is mostly a new one; now and then none, one that is no number, one in
// another writing, or somebody else's.
func (c *crowd) number() string {
	c.next++
	own := c.numbers[c.next%len(c.numbers)]
	return rarely(c.r, 5, own, "", "9999999999", "999 000 0019", "4010232137", own[:3]+" "+own[3:6]+"-"+own[6:], c.numbers[1+c.r.IntN(c.next)])
}

// status is how far a number was traced.
func (c *crowd) status() string {
	return rarely(c.r, 8, "01", "", "02", "1", "03", "04", "07", "8", "superseded")
}

// near is a day by one of the days that matter, or any day of twenty years.
func (c *crowd) near(days ...string) string {
	if c.r.IntN(3) == 0 {
		if d, err := time.Parse(time.DateOnly, days[c.r.IntN(len(days))]); err == nil {
			return text(d.AddDate(0, 0, []int{-60, -59, -29, -28, -1, 0, 1, 27, 28, 29, 58, 59, 60}[c.r.IntN(13)]))
		}
	}
	return rarely(c.r, 12, text(time.Date(2007, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, c.r.IntN(7200))), "", "1900-01-01", "2020-02-30", "soon", "2027-01-01")
}

func (c *crowd) death(born string) string {
	d, err := time.Parse(time.DateOnly, born)
	if err != nil || c.r.IntN(5) > 0 {
		return rarely(c.r, 40, "", "unknown", "2030-01-01")
	}
	return text(d.AddDate(0, 0, c.r.IntN(9000)))
}

func (c *crowd) id(kind string, of int) string { return fmt.Sprintf("%s-%d", kind, c.r.IntN(of)) }

func mhsdsCrowd(t testing.TB, r *rand.Rand, people int) *export {
	c := mhsds.crowd(t, r, people)
	for i := range people {
		c.patient(fmt.Sprintf("p-%d", i), people)
	}
	return c.export
}

func (c *crowd) patient(id string, people int) {
	born := rarely(c.r, 15, text(time.Date(1940+c.r.IntN(80), time.Month(1+c.r.IntN(12)), 1+c.r.IntN(28), 0, 0, 0, 0, time.UTC)), "", "1900-01-01", "06/05/1980", "2030-01-01")
	died := c.death(born)
	describe := func(row map[string]string) {
		row["NHSNumber"], row["NHSNumberStatus"] = c.number(), c.status()
		row["Gender"] = pick(c.r, "1", "2", "9", "X", "")
		row["EthnicCategory"] = pick(c.r, "A", "B1", "n", "99", "Z", "", "I", "S*", "Asian")
		row["Postcode"] = pick(c.r, "XL1 1AA", "xl11ab", "XN1 1AA", "ZZ99 3VZ", "XZ9 9ZZ", "")
	}
	row := map[string]string{"LocalPatientId": rarely(c.r, 40, id, ""), "PersonBirthDate": born, "PersDeathDate": died}
	describe(row)
	c.put("MHS001MPI", row, describe)
	for range c.r.IntN(3) {
		c.referral(rarely(c.r, 15, id, "p-none", ""), people, born, died)
	}
	for range c.r.IntN(3) {
		c.put("MHS401MHActPeriod", map[string]string{"MHActLegalStatusClassPeriodId": c.id("l", 1<<30), "LocalPatientId": id,
			"StartDateMHActLegalStatusClass": c.near(born, died), "ExpiryDateMHActLegalStatusClass": rarely(c.r, 2, "", c.near(born)),
			"EndDateMHActLegalStatusClass": rarely(c.r, 2, "", c.near(born)), "LegalStatusCode": pick(c.r, "01", "02", "03", "98", "x")},
			func(row map[string]string) { row["LegalStatusCode"] = "04" })
	}
}

func (c *crowd) referral(patient string, people int, born, died string) {
	id := rarely(c.r, 25, c.id("r", 1<<30), "")
	received := c.near(born, died, "2026-10-31")
	c.put("MHS101Referral", map[string]string{"ServiceRequestId": id, "LocalPatientId": patient, "ReferralRequestReceivedDate": received,
		"ServDischDate": rarely(c.r, 2, "", c.near(received, born, died))},
		func(row map[string]string) {
			row["LocalPatientId"], row["ServDischDate"] = pick(c.r, patient, fmt.Sprintf("p-%d", c.r.IntN(people))), c.near(received)
		})
	for range c.r.IntN(3) {
		c.put("MHS102ServiceTypeReferredTo", map[string]string{"ServiceRequestId": id, "CareProfTeamLocalId": c.id("t", 3), "ServTeamTypeRefToMH": pick(c.r, "A02", "C14", "", "a team")},
			func(row map[string]string) { row["ServTeamTypeRefToMH"] = pick(c.r, "A06", "") })
	}
	for range c.r.IntN(5) {
		c.put("MHS201CareContact", map[string]string{"CareContactId": rarely(c.r, 25, c.id("c", 1<<30), ""), "ServiceRequestId": rarely(c.r, 20, id, "r-none"),
			"CareProfTeamLocalId": rarely(c.r, 5, c.id("t", 3), ""), "CareContDate": c.near(born, died, "2026-10-31"), "AttendOrDNACode": pick(c.r, "5", "5", "6", "7", "")},
			func(row map[string]string) { row["AttendOrDNACode"] = pick(c.r, "5", "3") })
	}
	for table, columns := range map[string][2]string{"MHS603ProvDiag": {"ProvDiag", "CodedProvDiagTimestamp"}, "MHS604PrimDiag": {"PrimDiag", "CodedDiagTimestamp"}, "MHS605SecDiag": {"SecDiag", "CodedDiagTimestamp"}} {
		if c.r.IntN(2) == 0 {
			continue
		}
		c.put(table, map[string]string{"ServiceRequestId": rarely(c.r, 20, id, "r-none", ""), "DiagSchemeInUse": rarely(c.r, 5, "02", "06", ""), columns[0]: pick(c.r, "F200", "F20.0", "F20X", "f31", "X60.X", "191616006", "F2", ""),
			columns[1]: c.near(born, died, "2026-10-31") + pick(c.r, "", "T10:20:30", "T23:59:59+01:00")}, func(row map[string]string) { row[columns[0]] = pick(c.r, "F200", "F06.7") })
	}
	if c.r.IntN(2) == 0 {
		started := c.near(born, died, "2026-10-31")
		c.put("MHS501HospProvSpell", map[string]string{"HospProvSpellID": c.id("s", 1<<30), "ServiceRequestId": rarely(c.r, 20, id, "r-none"), "StartDateHospProvSpell": started,
			"DischDateHospProvSpell": rarely(c.r, 2, "", c.near(started, died))}, func(row map[string]string) { row["DischDateHospProvSpell"] = c.near(started) })
	}
}

func msdsCrowd(t testing.TB, r *rand.Rand, people int) *export {
	c := msds.crowd(t, r, people)
	for i := range people {
		c.mother(fmt.Sprintf("m-%d", i), people)
	}
	return c.export
}

func (c *crowd) mother(id string, people int) {
	born := rarely(c.r, 15, text(time.Date(1970+c.r.IntN(40), time.Month(1+c.r.IntN(12)), 1+c.r.IntN(28), 0, 0, 0, 0, time.UTC)), "", "1900-01-01", "06/05/1980")
	died := c.death(born)
	describe := func(row map[string]string) {
		row["NHSNumberMother"], row["NHSNumberStatusMother"] = c.number(), c.status()
		row["EthnicCategoryMother"] = pick(c.r, "A", "B1", "n", "99", "Z", "")
		row["Postcode"] = pick(c.r, "XL1 1AA", "XN1 1AA", "ZZ99 3VZ", "XZ9 9ZZ", "")
	}
	row := map[string]string{"LPIDMother": rarely(c.r, 40, id, ""), "PersonBirthDateMother": born, "PersonDeathDateMother": died}
	describe(row)
	c.put("MSD001MotherDemog", row, describe)
	for range c.r.IntN(3) {
		c.booking(rarely(c.r, 15, id, "m-none", ""), people, born, died)
	}
}

func (c *crowd) booking(mother string, people int, born, died string) {
	id := rarely(c.r, 30, c.id("b", 1<<30), "")
	booked := c.near(born, died, "2026-10-31")
	due := c.near(booked)
	if d, err := time.Parse(time.DateOnly, booked); err == nil && c.r.IntN(8) > 0 {
		due = text(d.AddDate(0, 0, 180+c.r.IntN(60)))
	}
	c.put("MSD101PregnancyBooking", map[string]string{"PregnancyID": id, "LPIDMother": mother, "AntenatalAppDate": booked, "EDDAgreed": due,
		"PreviousLiveBirths": pick(c.r, "", "0", "2", "31", "-1", "x"), "PreviousStillBirths": pick(c.r, "", "0", "1"), "SmokingStatusBooking": pick(c.r, "", "1", "2", "3", "4", "9", "Z"),
		"PersonBMIBooking": pick(c.r, "", "24.36", "9.9", "10", "100.04", "1000", "31.25")},
		func(row map[string]string) {
			row["LPIDMother"], row["SmokingStatusBooking"] = pick(c.r, mother, fmt.Sprintf("m-%d", c.r.IntN(people))), "2"
		})
	if c.r.IntN(5) == 0 {
		return
	}
	delivery := rarely(c.r, 30, c.id("d", 1<<30), "")
	c.put("MSD301LabourDelivery", map[string]string{"LabourDeliveryID": delivery, "PregnancyID": rarely(c.r, 20, id, "b-none", "")},
		func(row map[string]string) { row["PregnancyID"] = pick(c.r, id, "b-none") })
	for range 1 + c.r.IntN(8)/7 {
		c.baby(rarely(c.r, 20, delivery, "d-none"), mother, due, born, died)
	}
}

func (c *crowd) baby(delivery, mother, due, born, died string) {
	id := rarely(c.r, 15, c.id("i", 1<<30), "", "i-0")
	day := c.near(due, died, "2026-10-31")
	number := c.number()
	if own := c.rows["MSD001MotherDemog"]; c.r.IntN(20) == 0 {
		number = own[len(own)-1]["NHSNumberMother"]
	}
	c.put("MSD401BabyDemographics", map[string]string{"LPIDBaby": id, "LabourDeliveryID": delivery, "NHSNumberBaby": number, "NHSNumberStatusBaby": c.status(), "PersonBirthDateBaby": day,
		"PersonDeathDateBaby": rarely(c.r, 6, "", c.near(day), "unknown"), "PregOutcome": rarely(c.r, 4, "01", "02", "3", "04", "05", "98", ""), "BirthOrderMaternitySUS": pick(c.r, "1", "2", ""),
		"GestationLengthBirth": rarely(c.r, 5, fmt.Sprint(210+c.r.IntN(90)), "", "139", "140", "315", "316", "x"), "DeliveryMethodCode": pick(c.r, "0", "7", "", "X", "10")},
		func(row map[string]string) {
			row["NHSNumberBaby"], row["PregOutcome"] = c.number(), pick(c.r, "01", "05")
		})
	for range c.r.IntN(3) {
		c.put("MSD405CareActivityBaby", map[string]string{"CareActIDBaby": c.id("a", 1<<30), "LPIDBaby": id, "ClinInterDateBaby": c.near(day),
			"ObsCode": rarely(c.r, 5, "27113001", "364075005"), "ObsValue": pick(c.r, "3456", "2.345", "1", "99999", "x", "199.9"), "UCUMUnit": pick(c.r, "g", "kg", "KG", "lb", "")},
			func(row map[string]string) { row["ObsValue"] = "3100" })
	}
}
