package extract

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"datanet/schemas"
)

// TestPartsThatNumberTheirRows: parts that number their rows each for itself give
// the bytes that the one table gives, when no record in it says two things.
func TestPartsThatNumberTheirRows(t *testing.T) {
	t.Parallel()
	seed := seedOf(t)
	for _, c := range []struct {
		of   *system
		make func(testing.TB, *rand.Rand, int) *export
		keys map[string][]string
	}{
		{mhsds, mhsdsCrowd, map[string][]string{"MHS001MPI": {"LocalPatientId"}, "MHS101Referral": {"ServiceRequestId"}, "MHS102ServiceTypeReferredTo": {"ServiceRequestId", "CareProfTeamLocalId"},
			"MHS201CareContact": {"CareContactId"}, "MHS401MHActPeriod": {"MHActLegalStatusClassPeriodId"}, "MHS501HospProvSpell": {"HospProvSpellID"}}},
		{msds, msdsCrowd, map[string][]string{"MSD001MotherDemog": {"LPIDMother"}, "MSD101PregnancyBooking": {"PregnancyID"}, "MSD301LabourDelivery": {"LabourDeliveryID"},
			"MSD401BabyDemographics": {"LabourDeliveryID", "LPIDBaby"}, "MSD405CareActivityBaby": {"CareActIDBaby"}}},
	} {
		t.Run(c.of.format, func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(seed, 2))
			x := c.make(t, r, 120)
			for table, key := range c.keys {
				x.rows[table] = saidOnce(r, x.rows[table], key)
			}
			o := c.of.newSite(t)
			x.number(1 << 30)
			want := digests(t, x.to(t, o, c.of.fileName))
			parts := o
			parts.Source = filepath.Join(t.TempDir(), "parts")
			if err := os.Mkdir(parts.Source, 0o700); err != nil {
				t.Fatal(err)
			}
			each := 40 // the first parts; what is left is the last
			x.number(each)
			for n := range 3 {
				part := c.of.export(t)
				for table, rows := range x.rows {
					from, to := min(n*each, len(rows)), min((n+1)*each, len(rows))
					if n == 2 {
						to = len(rows)
					}
					part.rows[table] = rows[from:to]
				}
				part.to(t, parts, func(table string) string { return c.of.partName(c.of.fileName(table), n) })
			}
			if digests(t, parts) != want {
				t.Error("other bytes")
			}
		})
	}
}

// saidOnce keeps of each record one row, and of some an equal one at the end. A row
// without an id is a record.
func saidOnce(r *rand.Rand, rows []map[string]string, key []string) []map[string]string {
	var kept, again []map[string]string
	seen := map[string]bool{}
	for _, row := range rows {
		var id []string
		for _, column := range key {
			id = append(id, upper(row[column]))
		}
		name := strings.Join(id, "/")
		if name != "" && seen[name] {
			continue
		}
		seen[name] = true
		kept = append(kept, row)
		if name != "" && r.IntN(8) == 0 {
			again = append(again, maps.Clone(row))
		}
	}
	return append(kept, again...)
}

// number gives the rows of each table their numbers, from 1 in each part of so
// many rows.
func (x *export) number(each int) {
	for _, rows := range x.rows {
		for i, row := range rows {
			row[x.of.number] = fmt.Sprint(i - min(i/each, 2)*each + 1)
		}
	}
}

// to writes an export's files under names of their own.
func (x *export) to(t *testing.T, o Options, fileName func(string) string) Options {
	t.Helper()
	of := *x.of
	of.fileName = fileName
	own := *x
	own.of = &of
	own.write(o.Source)
	return o
}

// TestOrderOfParts: a tenth part comes after the second, and the account of
// rejects counts files so.
func TestOrderOfParts(t *testing.T) {
	t.Parallel()
	format, err := schemas.FormatByName("mhsds")
	if err != nil {
		t.Fatal(err)
	}
	s := &source{format: format}
	var files []named
	for _, n := range []int{10, 2, 1, 9, 3, 8, 4, 7, 6, 5} {
		files = append(files, named{path: fmt.Sprintf("/x/MHS001MPI_20261031_%d.csv", n), table: format.TableByName("MHS001MPI")})
	}
	slices.SortFunc(files, s.inOrderOfParts)
	if !strings.HasSuffix(files[9].path, "_10.csv") || s.allParts(files) != nil {
		t.Error(files)
	}
	if s.allParts(files[1:]) == nil || s.allParts(slices.Delete(slices.Clone(files), 4, 5)) == nil {
		t.Error("a part is missing, and nobody said so")
	}
}
