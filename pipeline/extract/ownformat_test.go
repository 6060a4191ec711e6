package extract

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"datanet/schemas"
)

const foreignExport = "../../testdata/foreign-maternity"

// foreignSite is a maternity unit with an export of its own kind, its files
// changed by these.
func foreignSite(t *testing.T, format func(string) string, change map[string]func([]byte) []byte) Options {
	t.Helper()
	o := msds.newSite(t)
	o.AsAt = time.Date(2026, 10, 31, 0, 0, 0, 0, time.UTC)
	for _, name := range []string{"Pregnancy.csv", "MaternityBirth.csv", "postcodes.csv"} {
		b, err := os.ReadFile(filepath.Join(foreignExport, name))
		if err != nil {
			t.Fatal(err)
		}
		if f := change[name]; f != nil {
			b = f(b)
		}
		if f := change["*.csv"]; f != nil && name != "postcodes.csv" {
			b = f(b)
		}
		if err := os.WriteFile(filepath.Join(o.Source, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(filepath.Join(foreignExport, "format.json"))
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	if format != nil {
		text = format(text)
	}
	if o.Format, err = schemas.ParseFormat([]byte(text)); err != nil {
		t.Fatal(err.(*schemas.FormatError).Hints())
	}
	return o
}

func foreignRows(t *testing.T, o Options) string {
	t.Helper()
	result, err := Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return account(t, o, result, foreignNames(o))
}

// foreignNames are the people and pregnancies of the example, by their codes.
func foreignNames(o Options) map[string]string {
	x := msds.export(nil)
	for name, number := range map[string]string{"zoe": "9990000018", "jane": "9990000026", "ana": "9990000034", "7004": ""} {
		x.rows["MSD001MotherDemog"] = append(x.rows["MSD001MotherDemog"], map[string]string{"LPIDMother": name, "NHSNumberMother": number})
	}
	for name, number := range map[string]string{"one": "9990000115", "two": "9990000123", "three": "9990000131"} {
		x.rows["MSD401BabyDemographics"] = append(x.rows["MSD401BabyDemographics"], map[string]string{"LPIDBaby": name, "NHSNumberBaby": number})
	}
	for _, id := range []string{"P1", "P2", "P3", "P4", "P5"} {
		x.rows["MSD101PregnancyBooking"] = append(x.rows["MSD101PregnancyBooking"], map[string]string{"PregnancyID": id})
	}
	return x.trustNames(o)
}

// TestOwnFormat: by hand, what leaves of the example. The mother's ward is
// looked up, her words are codes, a deleted pregnancy is not there, twins are
// two, and a pregnancy that ended otherwise has no birth.
func TestOwnFormat(t *testing.T) {
	t.Parallel()
	want := `birth 7004 three P5 2026-10 39 3100.0 live .
birth jane . P2 2026-08 39 2650.0 live 8
birth jane two P2 2026-08 39 2810.0 live 8
birth zoe one P1 2026-08 39 3420.0 live 0
pregnancy 7004 false P5 2026-03 true . . 0 Z no-fixed-abode
pregnancy ana true P4 2026-03 true current 19.9 3 S outside
pregnancy jane true P2 2026-02 false ex 31.7 0 N E05014118
pregnancy zoe true P1 2026-01 true never 24.1 1 A E05014118
left out of births: 1 sensitive-outcome
values of births.method that cannot be, or cannot be read: 1
values of births.outcome that cannot be, or cannot be read: 1`
	if got := foreignRows(t, foreignSite(t, nil, nil)); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

// TestEncodings: however the same export is written, the same rows leave.
func TestEncodings(t *testing.T) {
	t.Parallel()
	utf := func(b []byte) []byte { return fromWindows1252(nil, b) }
	as := func(encoding, delimiter string) func(string) string {
		return func(s string) string {
			return strings.Replace(s, `"encoding": "windows-1252"`, `"encoding": "`+encoding+`", "delimiter": "`+delimiter+`"`, 1)
		}
	}
	separated := func(by string) func([]byte) []byte {
		return func(b []byte) []byte {
			quoted := false
			return bytes.Map(func(r rune) rune {
				if r == '"' {
					quoted = !quoted
				}
				if r == ',' && !quoted {
					return rune(by[0])
				}
				return r
			}, utf(b))
		}
	}
	want := foreignRowsOnly(t, foreignSite(t, nil, nil))
	for name, o := range map[string]Options{
		"UTF-8":             foreignSite(t, as("utf-8", ","), map[string]func([]byte) []byte{"*.csv": utf}),
		"UTF-8 with a mark": foreignSite(t, as("utf-8", ","), map[string]func([]byte) []byte{"*.csv": func(b []byte) []byte { return append([]byte(mark), utf(b)...) }}),
		"LF":                foreignSite(t, nil, map[string]func([]byte) []byte{"*.csv": func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n")) }}),
		"semicolons":        foreignSite(t, as("utf-8", ";"), map[string]func([]byte) []byte{"*.csv": separated(";")}),
		"bars":              foreignSite(t, as("utf-8", "|"), map[string]func([]byte) []byte{"*.csv": separated("|")}),
		"tabs":              foreignSite(t, as("utf-8", `\t`), map[string]func([]byte) []byte{"*.csv": separated("\t")}),
		"a line end in a cell": foreignSite(t, nil, map[string]func([]byte) []byte{"Pregnancy.csv": func(b []byte) []byte {
			return bytes.ReplaceAll(b, []byte("Brook team"), []byte("\"Brook\r\nteam\""))
		}}),
	} {
		if got := foreignRowsOnly(t, o); got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
		}
	}
}

// foreignRowsOnly leaves out the codes, which differ between sites.
func foreignRowsOnly(t *testing.T, o Options) string {
	lines := strings.Split(foreignRows(t, o), "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// TestForeignRefused: what cannot be of the format is refused, with its place.
func TestForeignRefused(t *testing.T) {
	t.Parallel()
	put := func(old, by string) func([]byte) []byte {
		return func(b []byte) []byte { return bytes.Replace(b, []byte(old), []byte(by), 1) }
	}
	for name, c := range map[string]struct {
		o             Options
		kind, message string
	}{
		"no date":         {func() Options { o := foreignSite(t, nil, nil); o.AsAt = time.Time{}; return o }(), "use", "the files' names do not say when the export was made"},
		"no such byte":    {foreignSite(t, nil, map[string]func([]byte) []byte{"Pregnancy.csv": put("Zo\xeb", "Zo\x81")}), "source", "Pregnancy, line 2: holds a byte that is no character of windows-1252"},
		"UTF-8 it says":   {foreignSite(t, nil, map[string]func([]byte) []byte{"Pregnancy.csv": func(b []byte) []byte { return append([]byte(mark), b...) }}), "source", "Pregnancy, line 1: the format does not know the column in position 1"},
		"a field too few": {foreignSite(t, nil, map[string]func([]byte) []byte{"MaternityBirth.csv": put("8002,", "8002")}), "source", "MaternityBirth, line 3: has fewer fields than the header"},
		"a new column":    {foreignSite(t, nil, map[string]func([]byte) []byte{"Pregnancy.csv": put("GRAVIDA_NBR", "COMMENT_TXT")}), "source", "Pregnancy, line 1: the format does not know the column in position 13"},
		"a column gone": {func() Options {
			o := foreignSite(t, nil, map[string]func([]byte) []byte{"Pregnancy.csv": put("DELETE_IND", "REMOVED")})
			o.Unknown = Ignore
			return o
		}(), "source", "the export lacks Pregnancy.DELETE_IND"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Run(context.Background(), c.o)
			refused(t, err, c.kind, c.message)
			if left := written(t, c.o.Out); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}
