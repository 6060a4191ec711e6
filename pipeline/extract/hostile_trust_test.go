package extract

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"datanet/schemas"
)

const somebodyAtSLaM = `patient anna NHSNumber="999 000 0018" Postcode="XL1 1AA"
referral r1 anna NHSServAgreeLineNum=Quillmarker
team r1 t1
contact c1 r1 t1
primary r1
spell s1 r1 PostcodeMainVisitor="XL1 1AA"
legal l1 anna
`

const somebodyInMaternity = `mother anna NHSNumberMother="999 000 0018" Postcode="XL1 1AA"
booking p1 anna LangCode=Quillmarker
delivery d1 p1 OrgSiteIDIntra=Quillmarker
baby b1 d1 NHSNumberBaby=9990000026
weighed w1 b1
`

// TestOtherTrusts: the export of another kind of trust is none.
func TestOtherTrusts(t *testing.T) {
	o := mhsds.newSite(t)
	msds.parse(t, somebodyInMaternity).write(o.Source)
	_, err := Run(context.Background(), o)
	refused(t, err, "source", "the folder holds no file of a known source format for the dataset slam")
}

// TestNothingOfTrustsIdentifies writes an identifier into every column of every
// row, one column at a time in rows of their own, and looks for it in whatever
// leaves.
func TestNothingOfTrustsIdentifies(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		of   *system
		text string
	}{{mhsds, somebodyAtSLaM}, {msds, somebodyInMaternity}} {
		o := c.of.newSite(t)
		x := c.of.parse(t, c.text)
		format, err := schemas.FormatByName(c.of.format)
		if err != nil {
			t.Fatal(err)
		}
		planted := []string{"Quillmarker XL1 1AA", "9990000018", "jane@example.org", "1980-05-06", "XL11AA"}
		for _, table := range sourceTables(format) {
			if rows := x.rows[table]; len(rows) > 0 && !strings.HasSuffix(table, "Header") {
				x.plant(format.TableByName(table), rows[0], planted)
			}
		}
		x.write(o.Source)
		result, err := Run(context.Background(), o)
		if err != nil {
			t.Fatal(err)
		}
		cells := 0
		for table, rows := range rowsOf(t, result.Extract) {
			for _, row := range rows {
				cells += len(row)
				if text := strings.Join(row, " "); slices.ContainsFunc(append(planted, "Quillmarker", "QUILLMARKER", "R1", "C1"), func(p string) bool { return strings.Contains(text, p) }) {
					t.Errorf("%s of %s holds what was planted", table, c.of.dataset)
				}
			}
		}
		if cells < 1000 {
			t.Errorf("only %d cells left %s: the test tests nothing", cells, c.of.dataset)
		}
		for _, dir := range []string{result.Extract, filepath.Dir(o.KeyFile)} {
			for _, name := range written(t, dir) {
				if b, err := os.ReadFile(filepath.Join(dir, name)); err != nil || bytes.Contains(b, []byte("uillmarker")) || bytes.Contains(b, []byte("9990000018")) {
					t.Errorf("%s holds a value of the input (%v)", name, err)
				}
			}
		}
	}
}

// plant adds a copy of a row for each column and each identifier, which stands
// in that column. Ids are made new, so that the rows are no re-submissions,
// unless the identifier stands there.
func (x *export) plant(table *schemas.FormatTable, like map[string]string, planted []string) {
	ids := map[string]string{"MHS001MPI": "LocalPatientId", "MHS101Referral": "ServiceRequestId", "MHS201CareContact": "CareContactId", "MHS501HospProvSpell": "HospProvSpellID",
		"MSD001MotherDemog": "LPIDMother", "MSD101PregnancyBooking": "PregnancyID", "MSD401BabyDemographics": "LPIDBaby", "MSD405CareActivityBaby": "CareActIDBaby"}
	for _, column := range table.Columns {
		for i, value := range planted {
			if column.Name == x.of.number && strings.Trim(value, "0123456789") != "" {
				continue // a number that is none is refused
			}
			row := map[string]string{}
			for k, v := range like {
				row[k] = v
			}
			delete(row, x.of.number)
			if id := ids[table.Name]; id != "" {
				row[id] = fmt.Sprintf("new-%s-%d", column.Name, i)
			}
			row[column.Name] = value
			x.add(table.Name, row)
		}
	}
}
