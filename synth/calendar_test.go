package synth

import (
	"testing"
	"time"
)

func TestCalendarAgreesWithTime(t *testing.T) {
	at := time.Date(1880, 1, 1, 0, 0, 0, 0, time.UTC)
	for d := dayOf(at); at.Year() < 2110; d, at = d+1, at.AddDate(0, 0, 1) {
		y, m, dd := d.civil()
		if y != at.Year() || m != int(at.Month()) || dd != at.Day() {
			t.Fatalf("%v is %d-%d-%d", at, y, m, dd)
		}
		if got := string(appendDay(nil, d)); d%31 == 0 && got != at.Format("2006-01-02") {
			t.Fatal(got)
		}
	}
}

func TestFloor(t *testing.T) {
	d := dayOn(1987, 5, 9)
	for p, want := range map[precision]string{toDay: "1987-05-09", toMonth: "1987-05-01", toYear: "1987-01-01"} {
		if got := string(appendDay(nil, d.floor(p))); got != want {
			t.Errorf("%v: %s", p, got)
		}
	}
}
