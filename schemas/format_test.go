package schemas

import (
	"strings"
	"testing"
	"time"
)

// EMIS specification v8.2: how many columns each table has.
var emisColumns = map[string]int{
	"Admin_Patient": 38, "CareRecord_Observation": 26, "Coding_ClinicalCode": 11, "Coding_DrugCode": 5,
	"Prescribing_DrugRecord": 23, "Prescribing_IssueRecord": 33, "CareRecord_Consultation": 17,
	"CareRecord_Problem": 15, "CareRecord_ObservationReferral": 21, "CareRecord_Diary": 19,
	"Admin_Organisation": 11, "Admin_UserInRole": 11, "Admin_PatientHistory": 6,
	"Agreements_SharingOrganisation": 5, "Appointment_Slot": 30, "Audit_PatientAudit": 9, "Audit_RegistrationAudit": 7,
}

// MHSDS version 5: how many fields of each table are submitted, RowNumber
// included, as the national processing source asserts them.
var mhsdsColumns = map[string]int{
	"MHS000Header": 8, "MHS001MPI": 16, "MHS002GP": 5, "MHS003AccommStatus": 8, "MHS005PatInd": 17, "MHS101Referral": 22,
	"MHS102ServiceTypeReferredTo": 10, "MHS104RTT": 8, "MHS201CareContact": 25, "MHS302MHDropInContact": 17,
	"MHS401MHActPeriod": 13, "MHS501HospProvSpell": 20, "MHS502WardStay": 18, "MHS601MedHistPrevDiag": 5,
	"MHS603ProvDiag": 5, "MHS604PrimDiag": 5, "MHS605SecDiag": 5, "MHS606CodedScoreAssessmentRefer": 7,
	"MHS607CodedScoreAssessmentAct": 4, "MHS901StaffDetails": 8,
}

// MSDS version 2, the submitted fields and RecordNumber. The last two columns of
// MSD101 are an assumption about what a trust's export adds, and MSD405 is a
// part of the standard's table.
var msdsColumns = map[string]int{
	"MSD000Header": 8, "MSD001MotherDemog": 11, "MSD002GP": 6, "MSD101PregnancyBooking": 31, "MSD301LabourDelivery": 21,
	"MSD401BabyDemographics": 28, "MSD402NeonatalAdmission": 6, "MSD405CareActivityBaby": 9,
}

func TestFormatsAreTheirSpecifications(t *testing.T) {
	for name, columns := range map[string]map[string]int{"emis": emisColumns, "mhsds": mhsdsColumns, "msds": msdsColumns} {
		f, err := FormatByName(name)
		if err != nil {
			t.Fatal(err)
		}
		if len(f.Tables) != len(columns) {
			t.Errorf("%s: %d tables of %d", name, len(f.Tables), len(columns))
		}
		for _, table := range f.Tables {
			var names []string
			current := 0
			for _, c := range table.Columns {
				names = append(append(names, c.Name), c.Aliases...)
				if c.Until == "" {
					current++
				}
			}
			if want := columns[table.Name]; current != want {
				t.Errorf("%s: %s has %d columns, the specification %d", name, table.Name, current, want)
			}
			if !unique(names, strings.ToLower) {
				t.Errorf("%s: %s has a column twice", name, table.Name)
			}
		}
	}
}

// TestEveryNHSNumberIsClassed: a trust's files hold more than one column of
// numbers, some in tables that are not read.
func TestEveryNHSNumberIsClassed(t *testing.T) {
	for _, name := range FormatNames() {
		f, _ := FormatByName(name)
		for _, table := range f.Tables {
			for _, c := range table.Columns {
				named := strings.HasPrefix(strings.ToLower(c.Name), "nhsnumber") && !strings.Contains(c.Name, "Status")
				if named != (c.Class == NHSNumberClass) {
					t.Errorf("%s: %s.%s is of class %s", name, table.Name, c.Name, c.Class)
				}
			}
		}
	}
}

// TestFormatsKeepIdentifiersBack holds every format to the rule of classes: a
// relation reads columns that exist, never free text or staff, a direct
// identifier at most as a key, and the NHS number only where it is coded.
func TestFormatsKeepIdentifiersBack(t *testing.T) {
	classes := map[Class]bool{NHSNumberClass: true, Direct: true, Quasi: true, FreeText: true, Staff: true, Control: true, Clinical: true}
	types := map[string]bool{"text": true, "key": true, "guid": true, "number": true, "flag": true, "yes": true, "date": true, "timestamp": true}
	for _, name := range FormatNames() {
		f, _ := FormatByName(name)
		if _, err := DatasetByID(f.Dataset); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, table := range f.Tables {
			for _, c := range table.Columns {
				if !classes[c.Class] {
					t.Errorf("%s: %s.%s is of no class", name, table.Name, c.Name)
				}
			}
		}
		for relation, r := range f.Relations {
			table := f.TableByName(r.Table)
			if table == nil {
				t.Errorf("%s: relation %s reads a table that there is not", name, relation)
				continue
			}
			if r.Filled && r.Optional {
				t.Errorf("%s: relation %s may be missing and must have rows", name, relation)
			}
			for field, from := range r.Fields {
				where := name + ": " + relation + "." + field
				c := table.ColumnByName(from.Column)
				switch {
				case c == nil:
					t.Errorf("%s reads a column that there is not", where)
				case !types[from.Type]:
					t.Errorf("%s is of no type", where)
				case c.Class == FreeText || c.Class == Staff:
					t.Errorf("%s reads %s", where, c.Class)
				case c.Class == Direct && from.Type != "key" && from.Type != "guid":
					t.Errorf("%s reads a direct identifier other than to join", where)
				case c.Class == NHSNumberClass && field != "nhs_number":
					t.Errorf("%s reads the NHS number under another name", where)
				}
			}
		}
	}
}

func TestFileNames(t *testing.T) {
	f, _ := FormatByName("emis")
	stamp := time.Date(2026, 10, 31, 3, 30, 15, 0, time.UTC)
	for _, c := range []struct{ name, table string }{
		{"291_Admin_Patient_20261031033015_A0E1B2C3-0000-4000-8000-000000000001.csv", "Admin_Patient"},
		{"291_Coding_ClinicalCodes_20261031033015_a0e1b2c3.csv", "Coding_ClinicalCode"},
		{"291_Made_Up_20261031033015_a0.csv", "-"}, // of this format, a table it does not know
		{"291_Admin_Patient_20261331033015_a0.csv", ""},
		{"291_Admin_Patient_2026103103301_a0.csv", ""},
		{"291_Admin_Patient_20261031033015_a0.csv.gpg", ""},
		{"291_Admin_Patient_20261031033015_../x.csv", ""},
		{"Admin_Patient.csv", ""},
		{"", ""},
	} {
		table, at, ok := f.ParseFileName(c.name)
		got := ""
		if ok {
			got = "-"
		}
		if table != nil {
			got = table.Name
		}
		if got != c.table || (ok && !at.Equal(stamp)) {
			t.Errorf("%q: table %q, stamp %v", c.name, got, at)
		}
	}
}

// TestMentioned: a file that is not named as the format names its files may be of
// one of its tables all the same.
func TestMentioned(t *testing.T) {
	for _, c := range []struct{ format, name, table string }{
		{"emis", "291_CareRecord_Observation_20261031033015_a0 (1).csv", "CareRecord_Observation"},
		{"emis", "291_CARERECORD_OBSERVATIONS_20261031033015_a0.CSV", "CareRecord_Observation"},
		{"emis", "291_CareRecord_Observation2_20261031033015_a0.csv", "CareRecord_Observation"},
		{"emis", "291_CareRecord_ObservationPart_20261031033015_a0.csv", "CareRecord_Observation"},
		{"emis", "CareRecord-Observation.csv", "CareRecord_Observation"},
		{"emis", "care record observation 2.zip", "CareRecord_Observation"},
		{"emis", "CareRecordObservation_20261101.csv", "CareRecord_Observation"},
		{"emis", "CareRecord_ObservationReferral (1).csv", "CareRecord_ObservationReferral"},
		{"emis", "Admin_Patient.csv.gpg", "Admin_Patient"},
		{"emis", "Admin_PatientHistory.csv", "Admin_PatientHistory"},
		{"emis", "notes of the patients.csv", ""},
		{"emis", "", ""},
		{"mhsds", "mhs201carecontact_20261031.csv", "MHS201CareContact"},
		{"mhsds", "MHS201CareContactPart2_20261031.csv", "MHS201CareContact"},
		{"mhsds", "MHS002GP2.csv", ""}, // short, and no word of its own
		{"mhsds", "MHS002GP (2).csv", "MHS002GP"},
		{"mhsds", "MHS001MPI_20260231.csv", "MHS001MPI"},
	} {
		f, err := FormatByName(c.format)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if table := f.Mentioned(c.name); table != nil {
			got = table.Name
		}
		if got != c.table {
			t.Errorf("%q mentions %q, want %q", c.name, got, c.table)
		}
	}
}

func TestTrustFileNames(t *testing.T) {
	for _, c := range []struct {
		format, name, table string
		part                int
	}{
		{"mhsds", "MHS001MPI_20261031.csv", "MHS001MPI", 1},
		{"mhsds", "MHS001MPI_20261031_1.csv", "MHS001MPI", 1},
		{"mhsds", "MHS001MPI_20261031_2.csv", "MHS001MPI", 2},
		{"msds", "MSD001MotherDemog_20261031_012.csv", "MSD001MotherDemog", 12},
		{"mhsds", "MHS001MPI_20261031_0.csv", "MHS001MPI", -1},
		{"mhsds", "MHS001MPI_20261031_20261115.csv", "", 0}, // another day is no part
		{"mhsds", "MHS001MPI_20261031_part2.csv", "", 0},
		{"mhsds", "MHS001MPI_20261031_.csv", "", 0},
		{"mhsds", "MHS001MPI_20261031 (2).csv", "", 0},
		{"mhsds", "MHS001MPI_20261031_2_3.csv", "", 0},
		{"mhsds", "MHS999New_20261031.csv", "-", 1},
		{"mhsds", "MHS001MPI_20260231.csv", "", 1},
		{"mhsds", "MHS001MPI_20261031033015.csv", "", 0},
		{"mhsds", "MHS001MPI.csv", "", 0},
		{"mhsds", "MSD001MotherDemog_20261031.csv", "", 0},
		{"msds", "MSD001MotherDemog_20261031.csv", "MSD001MotherDemog", 1},
		{"msds", "../MSD001MotherDemog_20261031.csv", "", 0},
	} {
		f, err := FormatByName(c.format)
		if err != nil {
			t.Fatal(err)
		}
		table, at, ok := f.ParseFileName(c.name)
		got := ""
		if ok {
			got = "-"
		}
		if table != nil {
			got = table.Name
		}
		if part := f.FilePart(c.name); got != c.table || part != c.part || (ok && at.Format(time.DateOnly) != "2026-10-31") {
			t.Errorf("%q: table %q, stamp %v, part %d", c.name, got, at, part)
		}
	}
}

func TestUnknownNamesSayWhatThereIs(t *testing.T) {
	for _, err := range []error{
		func() error { _, err := FormatByName("x"); return err }(),
		func() error { _, err := DatasetByID("x"); return err }(),
		func() error { _, err := CodeList("x"); return err }(),
		func() error { _, err := StandardCatalogue().Measure("x"); return err }(),
		func() error { _, err := StandardCatalogue().Dimension("x"); return err }(),
	} {
		u, ok := err.(*UnknownError)
		if !ok || u.Kind() != "use" || len(u.Known) == 0 {
			t.Errorf("%v", err)
		}
	}
}
