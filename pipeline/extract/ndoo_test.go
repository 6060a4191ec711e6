package extract

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"datanet/pseudonym"
)

// TestNationalLists reads lists as they come, and refuses what is no list. No
// error holds a number.
func TestNationalLists(t *testing.T) {
	for name, c := range map[string]struct {
		text   string
		people int
		says   string
	}{
		"LF":                {"9990000018,\n9990000026,\n", 2, ""},
		"CRLF":              {"9990000018,\r\n9990000026,\r\n", 2, ""},
		"no last line end":  {"9990000018,\n9990000026,", 2, ""},
		"twice the same":    {"9990000018,\n999 000 0018,\n", 1, ""},
		"empty":             {"", 0, "is empty: nobody could be used"},
		"cut off":           {"9990000018,\n99900000", 0, "line 2: is not ten digits followed by a comma"},
		"no comma":          {"9990000018\n9990000026\n", 0, "line 1: is not ten digits followed by a comma (such lines: 2)"},
		"a blank line":      {"9990000018,\n\n9990000026,\n", 0, "line 2: is not ten digits followed by a comma"},
		"a comma alone":     {"9990000018,\n,\n", 0, "line 2: is empty before its comma"},
		"a header":          {"NHS_NUMBER,\n9990000018,\n", 0, "line 1: is not ten digits"},
		"check digit":       {"9990000018,\n9990000019,\n", 0, "line 2: holds a number whose check digit"},
		"one digit":         {"9999999999,\n", 0, "line 1: holds one digit repeated"},
		"of another range":  {"9990000018,\n4010232137,\n", 0, "line 2: holds a number outside the ranges in use"},
		"two on a line":     {"9990000018,9990000026,\n", 0, "line 1: is not ten digits"},
		"a line of a novel": {"9990000018,\n" + strings.Repeat("9", 1<<20) + ",\n", 0, "line 2: is not ten digits"},
		"NUL":               {"9990000018,\x00\n", 0, "line 1: is not ten digits"},
	} {
		t.Run(name, func(t *testing.T) {
			l := &nationalList{numbers: map[pseudonym.NHSNumber]struct{}{}}
			err := l.read(strings.NewReader(c.text), pseudonym.Test)
			if c.says == "" {
				if err != nil || len(l.numbers) != c.people {
					t.Fatalf("%d people, %v", len(l.numbers), err)
				}
				return
			}
			var bad *SourceError
			if !errors.As(err, &bad) || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("%v, want %s", err, c.says)
			}
			for _, line := range strings.FieldsFunc(c.text, func(r rune) bool { return r == '\n' || r == ',' }) {
				if len(line) > 5 && strings.Contains(err.Error(), line) {
					t.Errorf("the error repeats a line: %v", err)
				}
			}
		})
	}
}

// TestDaysOfLists: a list's day is the one in its name, and a name without one is
// refused; it is good for seven days.
func TestDaysOfLists(t *testing.T) {
	for name, want := range map[string]string{
		"list.dat": "", "20261031.dat": "2026-10-31", "X26_20261031_MESH.dat": "2026-10-31", "NDOO-2026-10-31.dat": "2026-10-31",
		"20261031093015.dat": "2026-10-31", "20261031T093015.dat": "2026-10-31", "20261399.dat": "", "20261031_of_20260501.dat": "", "20261031_20260501.dat": "", "20261031_20261031.dat": "2026-10-31", "120261031.dat": "", "202610310.dat": "",
	} {
		day, err := listDay(name)
		if err != nil {
			var refusal *Refusal
			if !errors.As(err, &refusal) || want != "" || strings.Contains(err.Error(), name) {
				t.Errorf("%s: %v", name, err)
			}
		} else if got := day.Format(time.DateOnly); got != want {
			t.Errorf("%s is of %s, want %s", name, got, want)
		}
	}
	l := &nationalList{day: time.Date(2026, 10, 31, 0, 0, 0, 0, time.UTC)}
	for now, good := range map[string]bool{
		"2026-10-30T22:59:00Z": false, "2026-10-30T23:30:00Z": true, "2026-10-31T00:00:00Z": true, "2026-11-07T23:59:59Z": true, "2026-11-08T00:00:00Z": false,
	} {
		at, err := time.Parse(time.RFC3339, now)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.fresh(at); (err == nil) != good {
			t.Errorf("at %s: %v", now, err)
		}
	}
}

// TestListFile: the file's own name and place stand in no error.
func TestListFile(t *testing.T) {
	o := newSite(t)
	o.under(t, nil, []string{"9990000018"})
	o.Now = time.Now()
	named := filepath.Join(filepath.Dir(o.NDOO), "9990000018_20200101.dat")
	if err := os.Rename(o.NDOO, named); err != nil {
		t.Fatal(err)
	}
	o.NDOO = named
	if _, err := o.nationalList(); err == nil || strings.Contains(err.Error(), "9990000018") || !strings.Contains(err.Error(), "2020-01-01") {
		t.Errorf("%v", err)
	}
}

func FuzzNationalList(f *testing.F) {
	f.Add("9990000018,\r\n9990000026,\r\n")
	f.Add("9990000018\n,")
	f.Fuzz(func(t *testing.T, text string) {
		l := &nationalList{numbers: map[pseudonym.NHSNumber]struct{}{}}
		err := l.read(strings.NewReader(text), pseudonym.Test)
		if err == nil && len(l.numbers) != distinctNumbers(text) {
			t.Error("a line was passed over")
		}
		if err != nil && len(text) > 9 && strings.Contains(err.Error(), text) {
			t.Error("the error repeats the text")
		}
	})
}

// distinctNumbers counts the numbers of a list that was taken, in another way.
func distinctNumbers(text string) int {
	seen := map[string]bool{}
	for _, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		seen[digits(strings.TrimSpace(strings.Split(line, ",")[0]))] = true
	}
	return len(seen)
}
