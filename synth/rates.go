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
	Number struct {
		Blank    float64 `json:"blank"`
		Invalid  float64 `json:"invalid"`
		Spaced   float64 `json:"spaced"`
		Repeated float64 `json:"repeated"`
		Borrowed float64 `json:"borrowed"`
	} `json:"number"`
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
