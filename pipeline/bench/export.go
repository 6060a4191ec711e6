// Package bench makes what extract is measured on, and does what it is measured
// beside: the copies that somebody might write instead.
package bench

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"

	"datanet/schemas"
)

// Site is the practice whose export Write writes.
const Site = "Z99001"

// Export is how the export's files are called.
func fileName(table string) string {
	return "291_" + table + "_20261031033015_0000000A-0000-0000-0000-00000000000A.csv"
}

// Observations is the path of the large file in a folder that Write filled.
func Observations(dir string) string { return filepath.Join(dir, fileName("CareRecord_Observation")) }

// columns of the large file, in its order.
const columns = "PatientGuid,OrganisationGuid,EffectiveDate,EffectiveDatePrecision,CodeId,Value,NumericUnit,Deleted,IsConfidential,ProcessingId"

// codes is how many local codes the entries use.
const codes = 200

// Borough is how many patients of rows entries have eleven each: as when a borough
// began yesterday to keep records. A practice's have two hundred.
func Borough(rows int) int { return min(max(1, rows*9/100), MostPeople) }

// MostPeople is how many numbers the range of synthetic people has, and some to
// spare.
const MostPeople = 900_000

// Write writes an export of one practice in EMIS's form: rows entries of people
// patients, grouped by patient as a real export is, in the columns that are read.
// The same numbers give the same bytes. Nobody in it is real: NHS numbers are of
// the 999 range.
func Write(dir string, rows, people int) error {
	for _, t := range []struct {
		name, header string
		lines        func(*bufio.Writer)
	}{
		{"Admin_Organisation", "OrganisationGuid,ODSCode", func(w *bufio.Writer) { fmt.Fprintln(w, "{GP},"+Site) }},
		{"Agreements_SharingOrganisation", "OrganisationGuid,IsActivated,Disabled,Deleted", func(w *bufio.Writer) { fmt.Fprintln(w, "{GP},true,false,false") }},
		{"Coding_ClinicalCode", "CodeId,SnomedCTConceptId", writeCodes},
		{"Coding_DrugCode", "CodeId,DmdProductCodeId", func(*bufio.Writer) {}},
		{"Prescribing_IssueRecord", "PatientGuid,OrganisationGuid,EffectiveDate,EffectiveDatePrecision,CodeId,Deleted,IsConfidential", func(*bufio.Writer) {}},
		{"Admin_Patient", "PatientGuid,OrganisationGuid,NhsNumber,Sex,DateOfBirth,DateOfDeath,DateOfRegistration,DateofDeactivation,Postcode,PatientTypeDescription,DummyType,Deleted,SpineSensitive,IsConfidential",
			func(w *bufio.Writer) { writePatients(w, people) }},
		{"CareRecord_Observation", columns, func(w *bufio.Writer) { writeEntries(w, rows, people) }},
	} {
		if err := writeFile(filepath.Join(dir, fileName(t.name)), t.header, t.lines); err != nil {
			return fmt.Errorf("writing the export: %w", err)
		}
	}
	return nil
}

// ethnicities are among the codes: one entry in 25 tells one, as about one in
// ten people is asked twice.
var ethnicities = []string{"494131000000105", "107691000000105", "92491000000104", "110751000000108", "92401000000106", "92481000000101", "92521000000101", "1024701000000100"}

func writeCodes(w *bufio.Writer) {
	for i := range codes {
		concept := concept(1000 + i)
		if i < len(ethnicities) {
			concept = ethnicities[i]
		}
		fmt.Fprintf(w, "%d,%s\n", 1000+i, concept)
	}
}

// concept makes an identifier of SNOMED CT of a number: which last digit makes it
// one is for schemas to say.
func concept(n int) string {
	for check := range 10 {
		if id := fmt.Sprintf("%d00%d", n, check); schemas.ConceptID([]byte(id)) {
			return id
		}
	}
	return "" // never: one of ten digits always does
}

func guid(i int) string {
	return fmt.Sprintf("{%08X-AAAA-4AAA-8AAA-%012X}", i*2654435761%(1<<32), i)
}

func writePatients(w *bufio.Writer, people int) {
	prefix := 999_000_000
	for i := range people {
		check := checkDigit(prefix)
		for check == 10 { // no number has this beginning
			prefix++
			check = checkDigit(prefix)
		}
		fmt.Fprintf(w, "%s,{GP},%d%d,F,19%02d-05-06,,2010-03-04,,XL1 1AA,Regular,false,false,false,false\n", guid(i), prefix, check, 30+i%70)
		prefix++
	}
}

// checkDigit is the last digit of an NHS number by its first nine (NHS Data
// Dictionary): 11 less the sum weighted 10 to 2, modulo 11; 10 is none.
func checkDigit(prefix int) int {
	sum := 0
	for weight := 2; prefix > 0; weight++ {
		sum += prefix % 10 * weight
		prefix /= 10
	}
	return (11 - sum%11) % 11
}

func writeEntries(w *bufio.Writer, rows, people int) {
	r := rand.New(rand.NewPCG(1, 1))
	for i := range rows {
		fmt.Fprintf(w, "%s,{GP},20%02d-%02d-%02d,YMD,%d,%d.%d,mmol/L,false,false,%d\n", guid(i*people/rows),
			10+r.IntN(16), 1+r.IntN(12), 1+r.IntN(28), 1000+r.IntN(codes), r.IntN(200), r.IntN(10), i)
	}
}

func writeFile(path, header string, lines func(*bufio.Writer)) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	fmt.Fprintln(w, header)
	lines(w)
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Close()
}
