package extract

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"datanet/pseudonym"
)

// A nationalList holds the NHS numbers that the national data opt-out leaves
// for use, as the service returned them. It lives in memory only, and numbers in
// it cannot be printed.
type nationalList struct {
	day     time.Time
	numbers map[pseudonym.NHSNumber]struct{}
}

func (l *nationalList) has(n pseudonym.NHSNumber) bool {
	_, listed := l.numbers[n]
	return listed
}

// Limits of a list.
const (
	oldestList = 7             // days
	mostListed = 20_000_000    // lines: far above any site's patients
	clockAhead = 1 * time.Hour // British summer time is ahead of the clock here
	listName   = "the national opt-out list"
)

// nationalList reads the list where the policy applies the opt-out. Without the
// list nobody can tell who opted out: then there is no extract.
func (o *Options) nationalList() (*nationalList, error) {
	switch applied := o.Policy.NationalOptOut.Apply; {
	case !applied && o.NDOO == "":
		return nil, nil
	case !applied:
		return nil, &UseError{"the policy " + o.Policy.Name() + " does not apply the national data opt-out, so a list would change nothing",
			"leave --ndoo out, or give a policy that applies it with --policy"}
	case o.NDOO == "":
		return nil, &Refusal{"the policy " + o.Policy.Name() + " applies the national data opt-out, and there is no list of who may be used",
			"send the site's numbers to the national service and give the list that comes back with --ndoo"}
	}
	f, err := os.Open(o.NDOO)
	if err != nil {
		return nil, noList()
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return nil, noList()
	}
	day, err := listDay(filepath.Base(o.NDOO))
	if err != nil {
		return nil, err
	}
	l := &nationalList{day: day, numbers: map[pseudonym.NHSNumber]struct{}{}}
	if err := l.fresh(o.Now); err != nil {
		return nil, err
	}
	return l, l.read(f, o.Numbers)
}

func noList() error {
	return &Refusal{"there is no national opt-out list that can be read, and the policy applies it", "give the file that the national service returned with --ndoo"}
}

var dayInName = regexp.MustCompile(`(?:^|[^0-9])(20[0-9]{2})-?([01][0-9])-?([0-3][0-9])(?:[T_-]?[0-9]{6})?(?:[^0-9]|$)`)

// listDay is the day that the file's name says. That of its last change would say
// nothing: a copy of a list that is too old is new.
func listDay(name string) (time.Time, error) {
	var days []time.Time
	for rest := name; ; {
		at := dayInName.FindStringSubmatchIndex(rest)
		if at == nil {
			break
		}
		if day, err := time.Parse("20060102", rest[at[2]:at[3]]+rest[at[4]:at[5]]+rest[at[6]:at[7]]); err == nil {
			days = append(days, day)
		}
		rest = rest[at[7]:] // what stands behind one day may stand before another
	}
	if len(days) > 0 && slices.MinFunc(days, time.Time.Compare).Equal(slices.MaxFunc(days, time.Time.Compare)) {
		return days[0], nil
	}
	return time.Time{}, &Refusal{"the name of the national opt-out list does not say of which one day it is, so nobody can tell whether it is too old",
		"name the file by the day on which the national service returned it, such as ndoo_2026-10-30.dat"}
}

func midnight(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }

// fresh refuses a list that is too old to know who has opted out since, or is
// dated later than now.
func (l *nationalList) fresh(now time.Time) error {
	again := "ask the national service again; a list is good for seven days"
	switch date := l.day.Format(time.DateOnly); {
	case l.day.After(midnight(now.Add(clockAhead))):
		return &Refusal{"the national opt-out list is dated " + date + ", which is yet to come", "look at the clock of this machine, and at the list's date"}
	case midnight(now).Sub(l.day) > oldestList*24*time.Hour:
		return &Refusal{"the national opt-out list is of " + date + ", more than seven days old", again}
	}
	return nil
}

// read takes a number from each line: ten digits and a comma.
func (l *nationalList) read(f io.Reader, numbers pseudonym.Range) error {
	lines := bufio.NewScanner(f)
	lines.Buffer(make([]byte, 0, 4096), 4096)
	wrong := map[pseudonym.Problem]*badLines{}
	at := int64(0)
	for lines.Scan() {
		if at++; at > mostListed {
			return &SourceError{Table: listName, Row: at, Rule: "has more lines than any site has patients"}
		}
		text, comma := bytes.CutSuffix(bytes.TrimRight(lines.Bytes(), " \r"), []byte(","))
		number, problem := pseudonym.ParseNHSNumber(text, numbers)
		if !comma {
			problem = pseudonym.Malformed
		}
		if problem == pseudonym.OK {
			l.numbers[number] = struct{}{}
			continue
		}
		if wrong[problem] == nil {
			wrong[problem] = &badLines{first: at}
		}
		wrong[problem].n++
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		return &SourceError{Table: listName, Row: at + 1, Rule: badLine[pseudonym.Malformed], Hint: listHint}
	} else if err != nil {
		return &SourceError{Table: listName, Rule: "cannot be read to its end"}
	}
	return l.judge(wrong)
}

// badLines are those with one problem.
type badLines struct{ first, n int64 }

var badLine = map[pseudonym.Problem]string{
	pseudonym.Blank:         "is empty before its comma",
	pseudonym.Malformed:     "is not ten digits followed by a comma",
	pseudonym.RepeatedDigit: "holds one digit repeated",
	pseudonym.CheckDigit:    "holds a number whose check digit does not hold",
	pseudonym.OutOfRange:    "holds a number outside the ranges in use",
}

const listHint = "give the file as the national service returned it: on each line an NHS number and a comma; numbers of synthetic people need --test-numbers"

// judge refuses a list with any line that is no number: it may have been cut,
// edited, or be another file.
func (l *nationalList) judge(wrong map[pseudonym.Problem]*badLines) error {
	for problem := pseudonym.Blank; problem <= pseudonym.OutOfRange; problem++ {
		if bad := wrong[problem]; bad != nil {
			rule := badLine[problem]
			if bad.n > 1 {
				rule += fmt.Sprintf(" (such lines: %d)", bad.n)
			}
			return &SourceError{Table: listName, Row: bad.first, Rule: rule, Hint: listHint}
		}
	}
	if len(l.numbers) == 0 {
		return &SourceError{Table: listName, Rule: "is empty: nobody could be used", Hint: listHint}
	}
	return nil
}
