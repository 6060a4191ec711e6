package synth

import (
	"bytes"
	"encoding/json"
)

// rates are the shares in parameters/rates.json.
type rates struct {
	Note      string `json:"note"`
	Residence struct {
		Outside            float64 `json:"outside"`
		NoFixedAbode       float64 `json:"no_fixed_abode"`
		NoPostcode         float64 `json:"no_postcode"`
		UnmatchedPostcode  float64 `json:"unmatched_postcode"`
		TerminatedPostcode float64 `json:"terminated_postcode"`
	} `json:"residence"`
	Registration struct {
		Left                float64 `json:"left"`
		Died                float64 `json:"died"`
		Deleted             float64 `json:"deleted"`
		Dummy               float64 `json:"dummy"`
		ReRegistered        float64 `json:"re_registered"`
		TwoPractices        float64 `json:"two_practices"`
		Moved               float64 `json:"moved"`
		MeanYears           float64 `json:"mean_years"`
		DeathNotDeactivated float64 `json:"death_not_deactivated"`
		SexUnknown          float64 `json:"sex_unknown"`
		SexIndeterminate    float64 `json:"sex_indeterminate"`
	} `json:"registration"`
	Number numberRates `json:"number"`
	Choice struct {
		OptedOut             float64 `json:"opted_out"`
		OptOutWithdrawn      float64 `json:"opt_out_withdrawn"`
		OptedOutAgain        float64 `json:"opted_out_again"`
		OptOutToldEverywhere float64 `json:"opt_out_told_everywhere"`
		Restricted           float64 `json:"restricted"`
		Confidential         float64 `json:"confidential"`
	} `json:"choice"`
	Record struct {
		EthnicityInformative    float64 `json:"ethnicity_informative"`
		EthnicityNotStated      float64 `json:"ethnicity_not_stated"`
		EthnicityMisrecorded    float64 `json:"ethnicity_misrecorded"`
		EthnicityChanged        float64 `json:"ethnicity_changed"`
		EthnicityLaterNotStated float64 `json:"ethnicity_later_not_stated"`
		EthnicityConflict       float64 `json:"ethnicity_conflict"`
		BirthConflict           float64 `json:"birth_conflict"`
		Language                float64 `json:"language"`
		CountryOfBirth          float64 `json:"country_of_birth"`
		Religion                float64 `json:"religion"`
		HistoryCopied           float64 `json:"history_copied"`
		DiagnosedAgain          float64 `json:"diagnosed_again"`
		YearOnly                float64 `json:"year_only"`
		MonthOnly               float64 `json:"month_only"`
		EntryDeleted            float64 `json:"entry_deleted"`
		EntryConfidential       float64 `json:"entry_confidential"`
		EntryImpossible         float64 `json:"entry_impossible"`
		IdentifierEntry         float64 `json:"identifier_entry"`
		HistoryRow              float64 `json:"history_row"`
	} `json:"record"`
	SLaM struct {
		Only                 float64     `json:"only"` // of People: known to the trust and to no practice
		OnlySMI              float64     `json:"only_smi"`
		KnownSMI             float64     `json:"known_smi"`
		KnownDepression      float64     `json:"known_depression"`
		KnownDementia        float64     `json:"known_dementia"`
		KnownOtherwise       float64     `json:"known_otherwise"`
		Expecting            float64     `json:"expecting"` // how much likelier with a booked pregnancy
		Perinatal            float64     `json:"perinatal"`
		SMIFound             float64     `json:"smi_found"`
		SMIUnknownToPractice float64     `json:"smi_unknown_to_practice"`
		Undiagnosed          float64     `json:"undiagnosed"`
		SNOMED               float64     `json:"snomed"`
		TwoIDs               float64     `json:"two_ids"`
		Orphan               float64     `json:"orphan"`
		Impossible           float64     `json:"impossible"`
		SubmittedAgain       float64     `json:"submitted_again"`
		Number               numberRates `json:"number"`
		NoFixedAbodeBlank    float64     `json:"no_fixed_abode_blank"`
		Told                 toldRates   `json:"told"`
		Moved                float64     `json:"moved"`
	} `json:"slam"`
	Maternity struct {
		Only           float64     `json:"only"` // of People: mothers, and as many babies, whom no practice knows
		BookedHere     float64     `json:"booked_here"`
		AtRisk         float64     `json:"at_risk"` // how much likelier with diabetes or hypertension
		SameCategory   float64     `json:"same_category"`
		SamePractice   float64     `json:"same_practice"`
		Twins          float64     `json:"twins"`
		Stillborn      float64     `json:"stillborn"`
		Lost           float64     `json:"lost"`
		NewbornDeath   float64     `json:"newborn_death"` // of babies whom no practice knows
		Again          float64     `json:"again"`         // of current pregnancies: by a mother of last year
		TwoIDs         float64     `json:"two_ids"`       // of those
		Orphan         float64     `json:"orphan"`
		Impossible     float64     `json:"impossible"`
		SubmittedAgain float64     `json:"submitted_again"`
		MotherNumber   numberRates `json:"mother_number"`
		BabyNumber     numberRates `json:"baby_number"`
		NewbornBlank   float64     `json:"newborn_blank"` // younger than six weeks
		Told           toldRates   `json:"told"`
		Moved          float64     `json:"moved"`
	} `json:"maternity"`
}

// numberRates are the shares of rows with a defect of their number.
type numberRates struct {
	Blank    float64 `json:"blank"`
	Invalid  float64 `json:"invalid"`
	Spaced   float64 `json:"spaced"`
	Repeated float64 `json:"repeated"`
	Borrowed float64 `json:"borrowed"`
}

// toldRates say how often a trust's ethnicity is not the person's own.
type toldRates struct {
	Misrecorded float64 `json:"misrecorded"`
	NotStated   float64 `json:"not_stated"`
	NotKnown    float64 `json:"not_known"`
	Blank       float64 `json:"blank"`
}

func readRates() *rates {
	b, err := parameterFiles.ReadFile("parameters/rates.json")
	if err != nil {
		panic("synth: " + err.Error())
	}
	r := &rates{}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(r); err != nil {
		panic("synth: rates.json: " + err.Error())
	}
	return r
}
