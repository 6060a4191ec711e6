package synth

import (
	"errors"
	"os"
	"path/filepath"

	"datanet/schemas"
)

// The tables of a practice's export, in the order in which its folder is opened.
const (
	organisationTable = iota
	patientTable
	userTable
	historyTable
	agreementTable
	observationTable
	problemTable
	clinicalCodeTable
	drugCodeTable
	drugRecordTable
	issueTable
	tables
)

var tableNames = [tables]string{
	"Admin_Organisation", "Admin_Patient", "Admin_UserInRole", "Admin_PatientHistory",
	"Agreements_SharingOrganisation", "CareRecord_Observation", "CareRecord_Problem",
	"Coding_ClinicalCode", "Coding_DrugCode", "Prescribing_DrugRecord", "Prescribing_IssueRecord",
}

const emis = "emis"

// A folder is one practice's export being written.
type folder struct {
	*recorder
	practice   int
	own        *practice
	dir        string
	sheets     [tables]*sheet
	processing [tables]int
	drawn      uint64 // GUIDs given to entries
	outcomes   []outcome
	truth      *sheet
}

func (w *writer) newFolder(r *recorder, practice int) (*folder, error) {
	f := &folder{recorder: r, practice: practice, own: &w.practices[practice]}
	f.dir = filepath.Join(w.dir, primaryCare, f.own.site)
	if err := os.MkdirAll(f.dir, 0o755); err != nil {
		return f, err
	}
	return f, f.open()
}

func (f *folder) open() (err error) {
	format, err := schemas.FormatByName(emis)
	if err != nil {
		return err
	}
	for i, name := range tableNames {
		var columns []string
		for _, c := range format.TableByName(name).Current() {
			columns = append(columns, c.Name)
		}
		if f.sheets[i], err = createSheet(filepath.Join(f.dir, f.fileName(name)), columns, true); err != nil {
			return err
		}
	}
	f.truth, err = createSheet(f.truthPart(), f.truthColumns(), false)
	return err
}

// fileName is what EMIS calls a table's file: processing id, table, time of
// the extract and the sharing agreement.
func (f *folder) fileName(table string) string {
	b := []byte("291_" + table + "_" + f.AsAt.Format("20060102") + "033015_")
	return string(appendBareGUID(b, f.own.agreement)) + ".csv"
}

func (f *folder) close() error {
	var errs []error
	for _, s := range append(f.sheets[:], f.truth) {
		if s != nil {
			errs = append(errs, s.close())
		}
	}
	return errors.Join(errs...)
}

// process ends a row with its ProcessingId: EMIS numbers the rows of a table
// in the order in which they are to be applied.
func (f *folder) process(table int) {
	f.processing[table]++
	f.sheets[table].int(f.processing[table])
	f.sheets[table].end()
}

// organisation is the GUID under which the present patient's rows stand.
func (f *folder) organisation() guid {
	if f.who.kind == branch {
		return f.branchGUID()
	}
	return f.own.organisation
}

func (f *folder) branchGUID() guid { return guidFor(f.Seed, guidOfOrganisation, 1<<32, 0) }

// patientGUID is unique within an organisation only: the branch's first patient
// has the GUID of the practice's first.
func (f *folder) patientGUID() guid {
	of, k := uint64(f.person), uint64(f.k)
	if f.who.kind == branch && (f.person-f.sections[branch])%branchPatients == 0 {
		first := f.lists[f.practice][0]
		of, k = uint64(first.person), uint64(first.registration)
	}
	return guidFor(f.Seed, guidOfPatient, of, k)
}

// draw is a new GUID for an entry of this practice.
func (f *folder) draw(what uint64) guid {
	f.drawn++
	return guidFor(f.Seed, what, uint64(f.practice), f.drawn)
}

func (f *folder) clinician(n uint64) guid {
	if f.who.kind == branch {
		return guidFor(f.Seed, guidOfStaff, 1<<32, 0)
	}
	return f.own.staff[mix(n)%staffPerPractice]
}

// write writes the whole folder, patient by patient.
func (f *folder) write(step func() error) error {
	f.writeOrganisations()
	f.writeCodes()
	for _, l := range f.lists[f.practice] {
		if err := step(); err != nil {
			return err
		}
		f.record(l)
		f.writePatient()
		f.writeEntries()
		f.writeTreatments()
		f.writeTruth()
	}
	return f.borough.writeLookup(f.dir)
}
