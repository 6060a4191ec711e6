package extract

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A folder of several exports, as the text tables write it. A line such as
//
//	batch 20261101033015 number 292
//
// begins the files of one time; what follows is rows. `without TABLE` leaves a
// table's file out. Of a trust, `batch 20261031_2` begins the second parts of the
// tables of that day.
type folder struct {
	exports []*export
	names   []func(table string) string
	without [][]string
}

func (s *system) folder(t testing.TB, input string) *folder {
	f := &folder{}
	for i, section := range strings.Split("\n"+input, "\nbatch ")[1:] {
		head, lines, _ := strings.Cut(section, "\n")
		words := append(strings.Fields(head), "", "")
		stamp, number := words[0], "291"
		if words[1] == "number" {
			number = words[2]
		}
		of := *s
		name := func(table string) string {
			return number + "_" + table + "_" + stamp + "_0000000A-0000-0000-0000-00000000000A.csv"
		}
		if s != emis {
			name = func(table string) string { return table + "_" + stamp + ".csv" }
		}
		of.fileName = name
		x := of.export(t)
		var without []string
		for line := range strings.Lines(lines) {
			if words := split(line); words[0] == "without" {
				without = words[1:]
			} else {
				x.line(words)
			}
		}
		s.complete(x)
		x.identify(fmt.Sprintf("{B%d-", i))
		f.exports, f.names, f.without = append(f.exports, x), append(f.names, name), append(f.without, without)
	}
	return f
}

// identify gives every entry and issue an id of its own, unless it has one.
func (x *export) identify(prefix string) {
	for table, column := range map[string]string{"CareRecord_Observation": "ObservationGuid", "Prescribing_IssueRecord": "IssueRecordGuid"} {
		for i, row := range x.rows[table] {
			if row[column] == "" {
				row[column] = fmt.Sprint(prefix, i, "}")
			}
		}
	}
}

func (f *folder) write(t testing.TB, dir string) {
	for i, x := range f.exports {
		x.write(dir)
		for _, table := range f.without[i] {
			if err := os.Remove(filepath.Join(dir, f.names[i](table))); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestSeveralExports runs folders of several exports through the whole stage.
func TestSeveralExports(t *testing.T) {
	elsewhere := regexp.MustCompile(`\nleft out of (observations|medications): \d+ other-organisation`)
	for name, s := range map[string]*system{"several-emis": emis, "several-mhsds": mhsds, "several-msds": msds} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			table(t, "testdata/"+name+".txt", func(t *testing.T, input string) string {
				o := s.newSite(t)
				f := s.folder(t, input)
				f.write(t, o.Source)
				result, err := Run(context.Background(), o)
				if err != nil {
					return "error: " + err.Error()
				}
				names := map[string]string{}
				for _, x := range f.exports {
					if s == emis {
						maps.Copy(names, x.names(o))
					} else {
						maps.Copy(names, x.trustNames(o))
					}
				}
				return "as at " + result.AsAt + ", exports of " + strings.Join(result.Exports, " ") + "\n" + elsewhere.ReplaceAllString(account(t, o, result, names), "")
			})
		})
	}
}

// TestHistory: a full export and the changes after it give the bytes that one
// full export of the end gives, in however many parts it was written.
func TestHistory(t *testing.T) {
	t.Parallel()
	seed := seedOf(t)
	r := rand.New(rand.NewPCG(seed, 1))
	last := population(t, r, 150)
	last.identify("{E")
	late := 1_000_000
	history := []*export{renamed(t, "20261029033015"), renamed(t, "20261030033015"), renamed(t, "20261031033015")}
	for table, rows := range last.rows {
		for _, row := range rows {
			when := r.IntN(12) // 0: new on the second day, 1: on the third; 2, 3, 4: changed on the second, the third, both
			keyless := table == "Admin_Organisation" || table == "Agreements_SharingOrganisation" || strings.HasPrefix(table, "Coding_") || row["PatientGuid"] == ""
			if keyless || when > 4 || len(history[0].rows[table]) == 0 {
				history[0].rows[table] = append(history[0].rows[table], row)
				continue
			}
			late++
			row["ProcessingId"] = fmt.Sprint(late)
			for day, there := range [][3]bool{{false, true, false}, {false, false, true}, {true, true, false}, {true, false, true}, {true, true, true}}[when] {
				if there {
					history[day].rows[table] = append(history[day].rows[table], changed(r, row, late-day, there && slices.Equal([]int{day}, []int{lastDay(when)})))
				}
			}
		}
	}
	o := newSite(t)
	last.write(o.Source)
	want := digests(t, o)
	for _, dir := range []string{"changes", "parts"} {
		o.Source = filepath.Join(filepath.Dir(o.Source), dir)
		if err := os.Mkdir(o.Source, 0o700); err != nil {
			t.Fatal(err)
		}
		exports := history
		if dir == "parts" {
			exports = parts(t, r, last)
		}
		for _, x := range exports {
			x.write(o.Source)
		}
		if got := digests(t, o); got != want {
			t.Errorf("%s: other bytes (DATANET_SEED=%d)", dir, seed)
		}
	}
}

func lastDay(when int) int { return []int{1, 2, 1, 2, 2}[when] }

// changed is the row itself, or one that says other things under its key.
func changed(r *rand.Rand, row map[string]string, late int, final bool) map[string]string {
	if final {
		return row
	}
	row = maps.Clone(row)
	row["ProcessingId"] = fmt.Sprint(late)
	for _, column := range []string{"Sex", "NhsNumber", "Value", "EffectiveDate", "Postcode", "SpineSensitive", "IsConfidential"} {
		if _, ok := row[column]; ok && r.IntN(2) == 0 {
			row[column] = ""
		}
	}
	row["Deleted"] = pick(r, "true", "false")
	return row
}

func renamed(t testing.TB, stamp string) *export {
	of := *emis
	of.fileName = func(table string) string { return strings.Replace(fileName(table), "20261031033015", stamp, 1) }
	return of.export(t)
}

// parts puts the rows of each table into two files of one export.
func parts(t testing.TB, r *rand.Rand, x *export) []*export {
	two := []*export{renamed(t, "20261031033015"), renamed(t, "20261031120000")}
	for table, rows := range x.rows {
		for _, row := range rows {
			of := two[r.IntN(2)]
			of.rows[table] = append(of.rows[table], row)
		}
	}
	return two
}
