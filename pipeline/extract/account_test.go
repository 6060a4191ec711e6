package extract

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"testing"
)

func runs(t *testing.T, s *system, input string, change func(*Options)) *Result {
	t.Helper()
	o := s.newSite(t)
	s.parse(t, input).write(o.Source)
	if change != nil {
		change(&o)
	}
	result, err := Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func wantCounts(t *testing.T, what string, got, want map[string]int64) {
	t.Helper()
	if !maps.Equal(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// TestNumberStatus: a number that was not traced is nobody's key, and the
// person stays.
func TestNumberStatus(t *testing.T) {
	t.Parallel()
	slam := runs(t, mhsds, `patient a NHSNumber=9990000018 NHSNumberStatus=01
patient b NHSNumber=9990000026 NHSNumberStatus=02
patient c NHSNumber=9990000034
patient d NHSNumber=9990000042 NHSNumberStatus=03
patient e NHSNumber=9990000050 NHSNumberStatus=08
patient f NHSNumber=9990000069 NHSNumberStatus=superseded
patient g NHSNumber= NHSNumberStatus=07
patient h NHSNumber=9990000077 NHSNumberStatus=verified`, nil)
	wantCounts(t, "slam", slam.Numbers, map[string]int64{"ok": 3, "unverified": 3, "superseded": 1, "blank": 1})
	if slam.Persons != 8 || slam.Tables["patients"] != 8 {
		t.Errorf("%d people, %d rows", slam.Persons, slam.Tables["patients"])
	}
	maternity := runs(t, msds, `mother a NHSNumberMother=9990000018 NHSNumberStatusMother=01
mother b NHSNumberMother=9990000026 NHSNumberStatusMother=04
booking b1 a
booking b2 b
delivery d1 b1
delivery d2 b2
baby i1 d1 NHSNumberBaby=9990000034 NHSNumberStatusBaby=01
baby i2 d2 NHSNumberBaby=9990000042 NHSNumberStatusBaby=08`, nil)
	wantCounts(t, "maternity", maternity.Numbers, map[string]int64{"ok": 2, "unverified": 2})
	if maternity.Persons != 3 || maternity.Tables["births"] != 2 { // two mothers and one baby with a code
		t.Errorf("%d people, %d births", maternity.Persons, maternity.Tables["births"])
	}
	practice := runs(t, emis, "patient a NhsNumber=9990000018\npatient b NhsNumber=9990000026 NHSNumberStatus=05", nil)
	wantCounts(t, "practice", practice.Numbers, map[string]int64{"ok": 1, "unverified": 1})
}

// TestAreas: where people live is counted, and so is every postcode that says
// nothing.
func TestAreas(t *testing.T) {
	t.Parallel()
	input := `patient a NhsNumber=9990000018 Postcode="XL1 1AA"
patient b NhsNumber=9990000026 Postcode="XN1 1AA"
patient c NhsNumber=9990000034 Postcode="ZZ99 3VZ"
patient d NhsNumber=9990000042 Postcode=
patient e NhsNumber=9990000050 Postcode="XL2 2AA"
patient f NhsNumber=9990000069 Postcode="XZ1 1AA"
patient g NhsNumber=9990000077 Postcode="XL1 1AA" SpineSensitive=true`
	want := map[string]int64{"inside": 1, "outside": 1, "no-fixed-abode": 1, "no-postcode": 1, "several-areas": 1, "not-in-lookup": 1}
	result := runs(t, emis, input, nil)
	wantCounts(t, "areas", result.Areas, want)
	if result.Unmatched != 2 {
		t.Errorf("%d unmatched", result.Unmatched)
	}
	if without := runs(t, emis, input, func(o *Options) { o.NoGeography = true }); without.Areas != nil {
		t.Errorf("areas without a lookup: %v", without.Areas)
	}
	// The layouts of the ONS postcode directory and the national statistics
	// lookup over the years, and a lookup that has a postcode in each form.
	for _, header := range []string{"pcds,lsoa21cd", "pcd,lsoa21", "pcd7,lsoa21cd", "pcd8,lsoa21", "PCDS,LSOA21", "postcode,lsoa21cd", "pcd7,pcd8,pcds,dointr,doterm,lsoa11,lsoa21,imd"} {
		rows := "XL1 1AA,E01003013\nXN1 1AA,E01999999\nXL2 2AA,E01003013\nXL2 2AA,E01003014\n"
		if len(header) > 20 {
			rows = "XL1 1AA,XL1  1AA,XL1 1AA,198001,,E01003099,E01003013,1\nXN1 1AA,XN1  1AA,XN1 1AA,,,,E01999999,\nXL2 2AA,XL2  2AA,XL2 2AA,,,,E01003013,\nXL2 2AA,XL2  2AA,XL2 2AA,,,,E01003014,\n"
		}
		result := runs(t, emis, input, func(o *Options) {
			if err := os.WriteFile(filepath.Join(o.Source, "postcodes.csv"), []byte(header+"\n"+rows), 0o600); err != nil {
				t.Fatal(err)
			}
		})
		wantCounts(t, header, result.Areas, want)
	}
}

// TestStrangeValues counts what no code system holds, by column.
func TestStrangeValues(t *testing.T) {
	t.Parallel()
	slam := runs(t, mhsds, `patient a NHSNumber=9990000018 Gender=1 EthnicCategory=A
patient b NHSNumber=9990000026 Gender=Jane EthnicCategory=Jane
patient c NHSNumber=9990000034 Gender=X EthnicCategory=99
patient d NHSNumber=9990000042 Gender= EthnicCategory=
referral r1 a
team r1 t1 ServTeamTypeRefToMH=Jane
team r1 t2 ServTeamTypeRefToMH=A06
legal l1 a LegalStatusCode=Jane`, nil)
	wantCounts(t, "slam", slam.Strange, map[string]int64{"patients.gender": 1, "patients.ethnicity": 1, "referrals.team_type": 1, "spells.mha_status": 1})
	maternity := runs(t, msds, `mother a NHSNumberMother=9990000018 EthnicCategoryMother=Jane
booking b1 a SmokingStatusBooking=Jane
booking b2 a SmokingStatusBooking=02
delivery d1 b1
baby i1 d1 DeliveryMethodCode=Jane PregOutcome=Jane
baby i2 d1 DeliveryMethodCode=X`, nil)
	wantCounts(t, "maternity", maternity.Strange, map[string]int64{"pregnancies.ethnicity": 1, "pregnancies.smoking": 1, "births.outcome": 1, "births.method": 1})
	practice := runs(t, emis, "patient a NhsNumber=9990000018 Sex=Jane\npatient b NhsNumber=9990000026", nil)
	wantCounts(t, "practice", practice.Strange, map[string]int64{"patients.sex": 1})
}
