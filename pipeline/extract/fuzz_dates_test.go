package extract

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"datanet/pipeline/engine"
)

// macroEngine holds the macros that the datasets' SQL shares.
func macroEngine(f *testing.F) *engine.Engine {
	f.Helper()
	e, err := engine.Open(context.Background(), engine.Options{Private: true, Threads: 1})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { e.Close() })
	if err := run(context.Background(), e, "dates.sql", "macros"); err != nil {
		f.Fatal(err)
	}
	return e
}

// texts reads one row of texts; a missing one is a dot.
func texts(e *engine.Engine, query string, args ...any) (row []string, err error) {
	err = e.Query(context.Background(), "asking", query, func(r *sql.Rows) error {
		row, err = textRow(r)
		return err
	}, args...)
	if err == nil && row == nil {
		err = errors.New("no row")
	}
	return row, err
}

var (
	writtenDay  = regexp.MustCompile(`^([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})$`)
	writtenTime = regexp.MustCompile(`^([0-9]{4}-[0-9]{2}-[0-9]{2})(T[0-9:.]{5,}(Z|[+-][0-9]{2}:?[0-9]{2})?)?$`)
)

// dayIn reads a date as EMIS writes it, blanks around it or not, and says
// whether it is none though something stands there.
func dayIn(cell string) (day time.Time, bad bool) {
	cell = strings.Trim(cell, " ")
	if cell == "" {
		return time.Time{}, false
	}
	m := writtenDay.FindStringSubmatch(cell)
	if m == nil {
		return time.Time{}, true
	}
	day, err := time.Parse("2006-1-2", m[1]+"-"+m[2]+"-"+m[3])
	return day, err != nil
}

var unknownUntil = time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC)

// FuzzDates: what the SQL makes of a date cell, a precision, a birth, a death and
// the date of the export is what the reference's plain Go makes of them.
func FuzzDates(f *testing.F) {
	for _, cell := range []string{"", " ", "2020-02-03", " 2020-02-03 ", "2020-2-3", "20-02-03", "  20-02-03", "2020-02-30", "2020-02-29", "2019-02-29", "1900-01-01", "1900-01-02", "0001-01-01", "0000-00-00",
		"9999-12-31", "infinity", "epoch", "2020-02-03 10:00", "03/02/2020", "2020-02-0 3", "-020-02-03", "+2020-02-3", "２０２０-02-03", "2020-02-03Quillmarker", "20200203", "2020-W06-1", "today", "now"} {
		for _, precision := range []string{"YMD", "ymdt", "YM", "Y", "U", "", "Quillmarker"} {
			f.Add(cell, precision, 0, 40, false)
		}
	}
	f.Add("2020-02-29", "YM", 0, 1, true)
	e := macroEngine(f)
	cell, shown := "c", trimmed("c", false)
	query := "SELECT date_bad, precision, CASE WHEN precision = 'U' THEN true ELSE possible(d, precision, birth, DATE '2026-10-31') END, own_precision(d, precision, birth, death, vague), own_date(d, own_precision(d, precision, birth, death, vague))::VARCHAR " +
		"FROM (SELECT *, clinical_date(day) AS d, clinical_precision(day, p) AS precision, (t IS NOT NULL AND day IS NULL) AS date_bad " +
		"FROM (SELECT *, " + shown + " AS t, " + day(cell, shown, []string{"%Y-%m-%d"}) + " AS day FROM (SELECT nullif(?::VARCHAR, '') AS c, nullif(?::VARCHAR, '') AS p, ?::DATE AS birth, ?::DATE AS death, ?::BOOLEAN AS vague)))"
	f.Fuzz(func(t *testing.T, cell, precision string, fromBirth, toDeath int, vague bool) {
		d, bad := dayIn(cell)
		known := !bad && d.After(unknownUntil)
		near := d // lives begin and end near the date, or the test tests little
		if !known {
			near = time.Date(2020, 2, 3, 0, 0, 0, 0, time.UTC)
		}
		if strings.ContainsRune(cell+precision, 0) || !utf8.ValidString(cell+precision) || near.Year() > 9000 {
			return // what is no text does not come this far
		}
		birth, death := near.AddDate(0, 0, -fromBirth%500), near.AddDate(0, 0, toDeath%500)
		got, err := texts(e, query, cell, precision, text(birth), text(death), vague)
		if err != nil {
			t.Fatal(err)
		}
		want := wantDate(d, known, bad, strings.ToUpper(precision), birth, death, vague)
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%q %q, born %s, died %s: %v, the reference %v", cell, precision, text(birth), text(death), got, want)
		}
	})
}

func wantDate(d time.Time, known, bad bool, precision string, birth, death time.Time, vague bool) []string {
	switch {
	case !known || precision == "U":
		precision = "U"
	case precision == "YMDT":
		precision = "YMD"
	case precision != "YMD" && precision != "YM":
		precision = "Y"
	}
	if precision == "U" {
		return []string{fmt.Sprint(bad), "U", "true", "U", "."}
	}
	asAt := time.Date(2026, 10, 31, 0, 0, 0, 0, time.UTC)
	possible := !first(d, precision).After(asAt) && !final(d, precision).Before(birth)
	own, kept := precision, "."
	if parts := strings.Fields(keptWords(d, precision, birth, death, vague)); parts[1] != precision {
		own = parts[1]
	} else {
		kept = parts[0]
	}
	return []string{fmt.Sprint(bad), precision, fmt.Sprint(possible), own, kept}
}

func keptWords(d time.Time, precision string, birth, death time.Time, vague bool) string {
	return kept(&refPerson{birth: birth, death: death, vague: vague}, d, precision)
}

// FuzzMoments: the day of a moment in ISO 8601 is the one that is written there,
// and whatever is no such moment is none.
func FuzzMoments(f *testing.F) {
	for _, seed := range []string{"2020-02-11T10:00:00", "2020-02-11", "2020-02-11T23:59:59.999+14:00", "2020-02-11T10:00Z", "2020-02-30T10:00:00", "2020-02-11 10:00:00", "2020-02-11t10:00:00z", "20200211T100000", "2020-02-11TQuillmarker",
		"infinity", "", "0000-01-01T00:00", "9999-12-31T00:00:00Z", "2020-02-11T10:00:00+1", "\u00a02020-02-11"} {
		f.Add(seed)
	}
	e := macroEngine(f)
	query := "SELECT CASE WHEN m >= DATE '0001-01-01' THEN m::VARCHAR END, m IS NULL FROM (SELECT " + momentDay(trimmed("c", true)) + " AS m FROM (SELECT nullif(?::VARCHAR, '') AS c))"
	f.Fuzz(func(t *testing.T, cell string) {
		if strings.HasPrefix(cell, "0000") || strings.ContainsRune(cell, 0) || !utf8.ValidString(cell) {
			return // the year 0 is before 1900 however one counts; what is no text does not come this far
		}
		got, err := texts(e, query, cell)
		if err != nil {
			t.Fatal(err)
		}
		want := []string{".", "true"}
		if m := writtenTime.FindStringSubmatch(strings.TrimFunc(cell, unseen)); m != nil {
			if d, err := time.Parse(time.DateOnly, m[1]); err == nil {
				want = []string{text(d), "false"}
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%q: %v, the reference %v", cell, got, want)
		}
	})
}

var invisible = regexp.MustCompile(`^[\s\pZ\pC]$`)

func unseen(r rune) bool { return invisible.MatchString(string(r)) }
