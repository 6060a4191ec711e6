package extract

import (
	"context"
	"encoding/csv"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"datanet/pseudonym"
	"datanet/schemas"
	"datanet/synth"
)

// boroughs is where a synthetic borough lies, once a test has asked for one.
var boroughs string

// makeBorough makes it once.
var makeBorough = sync.OnceValue(func() (err error) {
	if boroughs, err = os.MkdirTemp("", "extract-borough-"); err != nil {
		return err
	}
	_, err = synth.Write(context.Background(), synth.Options{Out: filepath.Join(boroughs, "borough"), People: 12_000, Practices: 1, Seed: 11})
	return err
})

func TestMain(m *testing.M) {
	code := m.Run()
	if boroughs != "" {
		os.RemoveAll(boroughs)
	}
	os.Exit(code)
}

func boroughFolder(t *testing.T, name string) string {
	t.Helper()
	if err := makeBorough(); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(boroughs, "borough", name)
}

func readCSV(t testing.TB, path string) []map[string]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	records, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var rows []map[string]string
	for _, record := range records[1:] {
		row := map[string]string{}
		for i, name := range records[0] {
			row[name] = record[i]
		}
		rows = append(rows, row)
	}
	return rows
}

// read takes a folder of export files for rows of the reference.
func (s *system) read(t *testing.T, dir string) *export {
	t.Helper()
	x := s.export(t)
	for _, name := range written(t, dir) {
		if table, _, ok := strings.Cut(name, "_"); ok {
			x.rows[table] = readCSV(t, filepath.Join(dir, name))
		}
	}
	return x
}

// TestBoroughTrusts holds the SQL to the reference on the synthetic borough, and
// what links to its answer key: exactly the people whom the key says, by codes
// computed from their numbers.
func TestBoroughTrusts(t *testing.T) {
	t.Parallel()
	for _, s := range []*system{mhsds, msds} {
		t.Run(s.dataset, func(t *testing.T) {
			o := s.newSite(t)
			o.Source, o.Threads = boroughFolder(t, s.dataset), 0
			result := s.read(t, o.Source).agrees(t, o, "the borough's "+s.dataset)
			got, want := linkable(t, o, result), promised(t, o, "links_"+s.dataset)
			for code, who := range want {
				if !got[code] {
					t.Errorf("%s should link and does not", who)
				}
			}
			for code := range got {
				if want[code] == "" {
					t.Error("somebody links whom the answer key does not have")
				}
			}
			if len(want) < 50 || int64(len(got)) >= result.Persons {
				t.Errorf("%d people link of %d: too few to tell", len(got), result.Persons)
			}
		})
	}
}

// linkable are the codes of an extract that stand for a usable number.
func linkable(t *testing.T, o Options, result *Result) map[string]bool {
	t.Helper()
	dataset, err := schemas.DatasetByID(o.Key.Dataset)
	if err != nil {
		t.Fatal(err)
	}
	rows, found, local := rowsOf(t, result.Extract), map[string]bool{}, map[string]bool{}
	first := &dataset.Tables[0]
	usable := slices.Index(first.ColumnNames(), "linkable")
	for _, row := range rows[first.Name] {
		if row[usable] == "false" {
			local[row[0]] = true
		}
	}
	for _, member := range dataset.Members {
		table, column, _ := strings.Cut(member, ".")
		at := slices.Index(dataset.TableByName(table).ColumnNames(), column)
		for _, row := range rows[table] {
			if row[at] != "." && !local[row[at]] {
				found[strings.ReplaceAll(row[at], "-", "")] = true
			}
		}
	}
	return found
}

// promised are the codes of the people for whom the answer key has a column true.
func promised(t *testing.T, o Options, column string) map[string]string {
	t.Helper()
	coder := pseudonym.NewCoder(o.Key.Linkage, o.Key.Wrap)
	found := map[string]string{}
	for _, row := range readCSV(t, filepath.Join(boroughFolder(t, "truth"), "people.csv")) {
		if row[column] != "true" {
			continue
		}
		number, problem := pseudonym.ParseNHSNumber([]byte(row["nhs_number"]), o.Numbers)
		if problem != pseudonym.OK {
			t.Fatalf("%s links under a number that is %s", row["person_id"], problem)
		}
		found[coder.Code(number).String()] = row["person_id"]
	}
	return found
}

// TestBoroughShuffled: the order of the trusts' rows and the number of threads
// change no byte.
func TestBoroughShuffled(t *testing.T) {
	t.Parallel()
	for _, s := range []*system{mhsds, msds} {
		o := s.newSite(t)
		x := s.read(t, boroughFolder(t, s.dataset))
		r := newRandom(t)
		x.write(o.Source)
		want := digests(t, o)
		for range 2 {
			x.shuffle(r)
			x.write(o.Source)
			o.Threads = 3 - o.Threads
			if digests(t, o) != want {
				t.Errorf("%s, shuffled, %d threads: other bytes", s.dataset, o.Threads)
			}
		}
	}
}

// TestBirthsToLookFor: the check after writing is told every birth date under
// every code in whose rows it may not stand, a baby's without a number included.
func TestBirthsToLookFor(t *testing.T) {
	t.Parallel()
	o := msds.newSite(t)
	x := msds.parse(t, "mother anna NHSNumberMother=9990000018\nmother anna2 NHSNumberMother=9990000018 PersonBirthDateMother=1991-01-02\nbooking p1 anna\ndelivery d1 p1\n"+
		"baby b1 d1 NHSNumberBaby=9990000026\nbaby b2 d1 PersonBirthDateBaby=2020-09-11\n")
	x.write(o.Source)
	if err := o.complete(); err != nil {
		t.Fatal(err)
	}
	src, err := open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	stage, err := newStaging(o.Out, "births", false, false)
	if err != nil {
		t.Fatal(err)
	}
	defer stage.remove()
	coded, err := code(context.Background(), o, src, stage, &atomic.Int64{})
	if err != nil {
		t.Fatal(err)
	}
	names, got := x.trustNames(o), map[string][]int32{}
	for code := range coded.births.first {
		days := coded.births.of(code, nil)
		slices.Sort(days)
		got[names[pseudonym.Code(code).String()]] = days
	}
	want := map[string][]int32{"anna+anna2": daysIn([]byte("1990-05-06 1991-01-02")), "b1": daysIn([]byte("2020-09-10")), "p1": daysIn([]byte("2020-09-10 2020-09-11"))}
	if !maps.EqualFunc(got, want, slices.Equal) {
		t.Errorf("got %v, want %v", got, want)
	}
}
