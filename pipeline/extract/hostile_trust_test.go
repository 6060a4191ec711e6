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

// change edits a trust's file.
func change(table, old, by string) func(*testing.T, *Options) {
	return func(t *testing.T, o *Options) {
		p := filepath.Join(o.Source, trustFile(table))
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(b, []byte(old)) {
			t.Fatalf("%s does not hold %q", table, old)
		}
		if err := os.WriteFile(p, bytes.Replace(b, []byte(old), []byte(by), 1), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// headerAlone leaves a file its first line.
func headerAlone(table string) func(*testing.T, *Options) {
	return func(t *testing.T, o *Options) {
		p := filepath.Join(o.Source, trustFile(table))
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, b[:bytes.IndexByte(b, '\n')+1], 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func without(tables ...string) func(*testing.T, *Options) {
	return func(t *testing.T, o *Options) {
		for _, table := range tables {
			if err := os.Remove(filepath.Join(o.Source, trustFile(table))); err != nil {
				t.Fatal(err)
			}
		}
	}
}

var slamHarms = []harm{
	{"nothing", func(*testing.T, *Options) {}, "", ""},
	{"no table of provisional diagnoses", without("MHS603ProvDiag"), "", ""},
	{"no table of primary diagnoses", without("MHS604PrimDiag"), "source", "the export lacks MHS604PrimDiag"},
	{"no header, no legal periods", without("MHS000Header", "MHS401MHActPeriod"), "source", "the export lacks MHS000Header, MHS401MHActPeriod"},
	{"a header without a row: nobody says whose export it is", headerAlone("MHS000Header"), "source", "MHS000Header: holds no row"},
	{"no patients", headerAlone("MHS001MPI"), "source", "MHS001MPI: holds no row"},
	{"no legal periods, as there may be", headerAlone("MHS401MHActPeriod"), "", ""},
	{"a NUL in a number", change("MHS001MPI", "999 000 0018", "999 000\x000018"), "source", "MHS001MPI, line 2: holds a NUL byte, which is no text"},
	{"another character set", change("MHS001MPI", "anna", "ann\xe4"), "source", "MHS001MPI, line 2: is not UTF-8"},
	{"a field too many", change("MHS201CareContact", "2020-02-10", "2020-02-10,Quillmarker"), "source", "MHS201CareContact, line 2: is not a well-formed CSV row of this table"},
	{"a quotation mark that is never closed", change("MHS101Referral", "Quillmarker", `"Quillmarker`), "source", "MHS101Referral, line 2: is not a well-formed CSV row of this table"},
	{"a column of free text", change("MHS201CareContact", "ReasonableAdjustmentMade", "Notes"), "source", "MHS201CareContact, line 1: the format does not know the column in position 25"},
	{"a homoglyph", change("MHS001MPI", "Gender,", "G\u0435nder,"), "source", "MHS001MPI, line 1: the format does not know the column in position 9"},
	{"one column twice", change("MHS001MPI", "GenderIDCode", "GENDER"), "source", "MHS001MPI, line 1: the column Gender stands there twice"},
	{"a column in another case", change("MHS001MPI", "NHSNumber,", "nhsnumber,"), "", ""},
	{"the number's column missing", func(t *testing.T, o *Options) {
		o.Unknown = Ignore
		change("MHS001MPI", "NHSNumber,", "NHSNo,")(t, o)
	}, "source", "the export lacks MHS001MPI.NHSNumber"},
	{"a formula for an id", func(t *testing.T, o *Options) {
		change("MHS001MPI", "anna", "=cmd|'/c'!A1")(t, o)
		change("MHS101Referral", "anna", "=cmd|'/c'!A1")(t, o)
	}, "", ""},
	{"tables of two exports", func(t *testing.T, o *Options) {
		p := filepath.Join(o.Source, trustFile("MHS001MPI"))
		os.Rename(p, strings.Replace(p, "20261031", "20260930", 1))
	}, "source", "the files' names say that they are of different exports, more than a day apart"},
	{"another provider's", change("MHS000Header", "Z9S01", "Z9S02"), "source", "nobody of the site Z9S01 is left in the export"},
	{"a maternity trust's", func(t *testing.T, o *Options) {
		o.Source = t.TempDir()
		msds.parse(t, somebodyInMaternity).write(o.Source)
	}, "source", "the folder holds no file of a known source format for the dataset slam"},
}

var maternityHarms = []harm{
	{"nothing", func(*testing.T, *Options) {}, "", ""},
	{"no deliveries yet", headerAlone("MSD301LabourDelivery"), "", ""},
	{"no bookings", headerAlone("MSD101PregnancyBooking"), "source", "MSD101PregnancyBooking: holds no row"},
	{"no header", without("MSD000Header"), "source", "the export lacks MSD000Header"},
	{"a baby's number cut off", change("MSD401BabyDemographics", "9990000026", "99900000"), "", ""},
	{"a NUL in a baby's number", change("MSD401BabyDemographics", "9990000026", "999000\x000026"), "source", "MSD401BabyDemographics, line 2: holds a NUL byte, which is no text"},
	{"the assumed columns missing", func(t *testing.T, o *Options) {
		change("MSD101PregnancyBooking", "SmokingStatusBooking,PersonBMIBooking", "FolicAcid,Diet")(t, o)
	}, "source", "MSD101PregnancyBooking, line 1: the format does not know the column in position 30, 31"},
}

func TestHostileTrusts(t *testing.T) {
	for _, c := range []struct {
		of    *system
		text  string
		harms []harm
	}{{mhsds, somebodyAtSLaM, slamHarms}, {msds, somebodyInMaternity, maternityHarms}} {
		for _, h := range c.harms {
			t.Run(c.of.dataset+"/"+h.name, func(t *testing.T) {
				t.Parallel()
				o := c.of.newSite(t)
				c.of.parse(t, c.text).write(o.Source)
				h.do(t, &o)
				result, err := Run(context.Background(), o)
				if h.kind == "" {
					if err != nil || result.Persons == 0 || result.Tables[firstTable(t, o)] != 1 {
						t.Fatalf("%+v, %v", result, err)
					}
					return
				}
				refused(t, err, h.kind, h.message)
				if left := written(t, o.Out); len(left) > 0 || stateOf(t, o) != "" {
					t.Errorf("left behind: %v", left)
				}
			})
		}
	}
}

func firstTable(t *testing.T, o Options) string {
	t.Helper()
	d, err := schemas.DatasetByID(o.Key.Dataset)
	if err != nil {
		t.Fatal(err)
	}
	return d.Tables[0].Name
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
