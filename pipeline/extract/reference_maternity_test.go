package extract

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A trustBooking is one pregnancy whose row holds.
type trustBooking struct {
	mother *trustPatient
	reason string
}

func (f *trustReference) maternity() {
	people, _ := f.patients("MSD001MotherDemog", "LPIDMother", "NHSNumberMother", "PersonBirthDateMother", "PersonDeathDateMother")
	held, again := f.latest("MSD101PregnancyBooking", own("PregnancyID"))
	for _, row := range again {
		f.out("pregnancies", row, "re-submitted")
	}
	bookings := map[string]*trustBooking{}
	for _, row := range held {
		b := &trustBooking{mother: people[upper(row["LPIDMother"])]}
		switch {
		case row["PregnancyID"] == "":
			b.reason = "no-identifier"
		case b.mother == nil:
			b.reason = "no-patient"
		case b.mother.gate != "":
			b.reason = b.mother.gate
		case f.impossible(b.mother.life, row["AntenatalAppDate"]):
			b.reason = "impossible-date"
		}
		if row["PregnancyID"] != "" {
			bookings[upper(row["PregnancyID"])] = b
		}
		if !f.out("pregnancies", row, b.reason) {
			f.pregnancy(row, b.mother)
		}
	}
	f.births(bookings)
}

func (f *trustReference) pregnancy(row map[string]string, m *trustPatient) {
	early := ""
	booked, err := time.Parse(time.DateOnly, row["AntenatalAppDate"])
	if due, err2 := time.Parse(time.DateOnly, row["EDDAgreed"]); err == nil && err2 == nil {
		if days := 280 - int(due.Sub(booked).Hours()/24); days >= 0 && days <= 315 {
			early = fmt.Sprint(days <= 70)
		}
	}
	bmi := ""
	if v, ok := number(row["PersonBMIBooking"]); ok && v >= 10 && v <= 100 {
		bmi = decimal(math.Round(v*10) / 10)
	}
	parity := ""
	live, ok := number(row["PreviousLiveBirths"])
	if still, ok2 := number(row["PreviousStillBirths"]); ok && ok2 && live >= 0 && still >= 0 && live+still <= 30 {
		parity = fmt.Sprint(int(live) + int(still))
	}
	_, ward := f.area(m.row["Postcode"])
	f.lost.note("pregnancies.booked_by_70_days", !isDay(row["EDDAgreed"]) || early == "" && row["AntenatalAppDate"] != "" && row["EDDAgreed"] != "")
	f.lost.note("pregnancies.bmi", row["PersonBMIBooking"] != "" && bmi == "")
	f.lost.note("pregnancies.parity", !isBetween(row["PreviousLiveBirths"], math.Inf(-1), math.Inf(1)) || !isBetween(row["PreviousStillBirths"], math.Inf(-1), math.Inf(1)) ||
		parity == "" && row["PreviousLiveBirths"] != "" && row["PreviousStillBirths"] != "")
	f.write("pregnancy", m.name, fmt.Sprint(usable(used(m.row, "NHSNumberMother"))), "pregnancy:"+upper(row["PregnancyID"]),
		month(row["AntenatalAppDate"], m.vague(), m.birth, m.death), early,
		map[string]string{"1": "current", "2": "ex", "3": "non-smoker", "4": "never"}[row["SmokingStatusBooking"]], bmi, parity, ethnic(m.row["EthnicCategoryMother"]), ward)
}

func (f *trustReference) births(bookings map[string]*trustBooking) {
	deliveries, _ := f.latest("MSD301LabourDelivery", own("LabourDeliveryID"))
	pregnancyOf := map[string]string{}
	for _, row := range deliveries {
		if row["LabourDeliveryID"] != "" {
			pregnancyOf[upper(row["LabourDeliveryID"])] = upper(row["PregnancyID"])
		}
	}
	held, again := f.latest("MSD401BabyDemographics", func(row map[string]string) string {
		name := upper(row["LabourDeliveryID"]) + "/" + upper(row["LPIDBaby"])
		if row["LPIDBaby"] == "" && row["BirthOrderMaternitySUS"] != "" {
			return name + "order" + row["BirthOrderMaternitySUS"]
		} else if row["LPIDBaby"] == "" {
			return name + "\x00"
		}
		return name
	})
	for _, row := range again {
		f.out("births", row, "re-submitted")
	}
	for _, row := range held {
		f.lost.note("births.method", len(row["DeliveryMethodCode"]) > 1)
		if usable(used(row, "NHSNumberBaby")) {
			f.note("birth-date", "baby "+digits(row["NHSNumberBaby"]), dayOrNothing(f.past(row["PersonBirthDateBaby"])))
			f.note("death-date", "baby "+digits(row["NHSNumberBaby"]), dayOrNothing(f.past(row["PersonDeathDateBaby"])))
			l := f.live("baby "+digits(row["NHSNumberBaby"]), "", row["PersonDeathDateBaby"])
			l.stillborn = l.stillborn || row["PregOutcome"] != "01"
		}
	}
	weights := f.weights()
	for _, row := range held {
		pregnancy := pregnancyOf[upper(row["LabourDeliveryID"])]
		b := bookings[pregnancy]
		reason := ""
		switch {
		case b == nil || b.reason == "no-patient":
			reason = "no-patient"
		case b.reason == "unlinkable" || b.reason == "national-opt-out":
			reason = "person-left-out"
		case b.reason != "":
			reason = "booking-left-out"
		case !slices.Contains([]string{"01", "02", "03", "3", "04"}, row["PregOutcome"]):
			reason = "sensitive-outcome"
		case f.impossible(b.mother.life, row["PersonBirthDateBaby"]):
			reason = "impossible-date"
		}
		if !f.out("births", row, reason) {
			f.birth(row, b.mother, pregnancy, weights)
		}
	}
}

func (f *trustReference) birth(row map[string]string, m *trustPatient, pregnancy string, weights map[string]string) {
	dead := f.past(row["PersonDeathDateBaby"])
	outcome := "stillbirth"
	if row["PregOutcome"] == "01" {
		outcome = "live"
	}
	vague := m.deathVague() || outcome == "stillbirth" || (dead.IsZero() && row["PersonDeathDateBaby"] != "")
	own := []time.Time{m.death, dead}
	baby := ""
	if usable(used(row, "NHSNumberBaby")) {
		l := f.lives["baby "+digits(row["NHSNumberBaby"])]
		vague = vague || l.stillborn || l.deathVague()
		own = append(own, l.death)
		if baby = digits(row["NHSNumberBaby"]); baby == m.name {
			baby = ""
		}
	}
	weeks := ""
	if v, ok := number(row["GestationLengthBirth"]); ok && v >= 140 && v <= 315 {
		weeks = fmt.Sprint(int(v) / 7)
	}
	f.lost.note("births.gestation_weeks", !isBetween(row["GestationLengthBirth"], 140, 315))
	f.lost.note("births.death_date", lostDay(row["PersonDeathDateBaby"], f.asAt))
	method := row["DeliveryMethodCode"]
	if len(method) != 1 || method[0] < '0' || method[0] > '9' {
		method = ""
	}
	born, weight := month(row["PersonBirthDateBaby"], vague, own...), weights[upper(row["LPIDBaby"])]
	_, applied := national(f.o)
	mothers := usable(used(row, "NHSNumberBaby")) && digits(row["NHSNumberBaby"]) == m.name
	if left(f.o, used(row, "NHSNumberBaby")) && (usable(used(row, "NHSNumberBaby")) || outcome == "live") || applied && mothers {
		baby, born, weeks, weight, outcome = "", "", "", "", ""
	}
	f.write("birth", m.name, baby, "pregnancy:"+pregnancy, born, weeks, weight, outcome, method)
}

// weights are the first of each baby's, by local id.
func (f *trustReference) weights() map[string]string {
	held, _ := f.latest("MSD405CareActivityBaby", func(row map[string]string) string {
		if row["ObsCode"] != "27113001" || row["LPIDBaby"] == "" {
			return "other/" + row["RecordNumber"]
		}
		return own("CareActIDBaby")(row)
	})
	found, order := map[string]string{}, map[string]string{}
	for _, row := range held {
		if row["ObsCode"] != "27113001" || row["LPIDBaby"] == "" {
			continue
		}
		v, ok := number(row["ObsValue"])
		factor := map[string]float64{"g": 1, "kg": 1000}[strings.ToLower(row["UCUMUnit"])]
		if v *= factor; !ok || v < 200 || v > 9000 {
			f.lost.note("births.birth_weight_g", row["ObsValue"] != "")
			continue
		}
		day := "9999-99-99"
		if _, err := time.Parse(time.DateOnly, row["ClinInterDateBaby"]); err == nil {
			day = row["ClinInterDateBaby"]
		}
		n, _ := strconv.Atoi(row["RecordNumber"])
		id, key := upper(row["LPIDBaby"]), fmt.Sprintf("%s %09d", day, 999_999_999-n)
		if order[id] == "" || key < order[id] {
			order[id], found[id] = key, decimal(math.Round(v/10)*10)
		}
	}
	return found
}
