package pages

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// longDay reads 1 November 2026.
func longDay(at time.Time) string { return at.UTC().Format("2 January 2006") }

// moment reads 1 November 2026, 09:30 UTC.
func moment(at time.Time) string { return at.UTC().Format("2 January 2006, 15:04 UTC") }

// dayOf writes a day YYYY-MM-DD as people do. What is no day stays as it is.
func dayOf(text string) string {
	at, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return text
	}
	return longDay(at)
}

// The day after YYYY-MM-DD.
func dayAfter(text string) time.Time {
	at, _ := time.Parse(time.DateOnly, text)
	return at.AddDate(0, 0, 1)
}

// A day of our own sentences stands alone; one inside a reference such as DPIA-2026-01-02 is not one.
var dayAlone = regexp.MustCompile(`(^|[^0-9A-Za-z/_-])([0-9]{4}-[0-9]{2}-[0-9]{2})\b`)

// readable writes the days of a sentence as people do.
func readable(sentence string) string {
	return dayAlone.ReplaceAllStringFunc(sentence, func(found string) string {
		at := len(found) - len(time.DateOnly)
		return found[:at] + dayOf(found[at:])
	})
}

// readableBut is readable, except for what somebody has written.
func readableBut(written []string, sentence string) string {
	for _, text := range written {
		if before, after, found := strings.Cut(sentence, text); found {
			return readableBut(written, before) + text + readableBut(written, after)
		}
	}
	return readable(sentence)
}

// asOf says as of which entry a page is.
func (r Record) asOf() string {
	return fmt.Sprintf("As of entry %d of the record of decisions, %s", r.head.Size-1, moment(r.head.Time))
}

// listed reads "a", "a and b", "a, b and c".
func listed(words []string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " and " + words[last]
}

func upper(sentence string) string {
	if sentence == "" {
		return ""
	}
	return strings.ToUpper(sentence[:1]) + sentence[1:]
}
