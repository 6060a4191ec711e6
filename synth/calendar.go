package synth

import "time"

// A day counts from 1 January 1970.
type day int32

// never stands where there is no date. No date of the borough is as early.
const never day = -1 << 30

func dayOf(t time.Time) day {
	return dayOn(t.Year(), int(t.Month()), t.Day())
}

// dayOn and civil are the algorithms of H. Hinnant, "chrono-compatible
// low-level date algorithms" (2013), for years from 1.
func dayOn(year, month, dayOfMonth int) day {
	if month <= 2 {
		year--
	}
	era, shifted := year/400, (month+9)%12
	yearOfEra := year - era*400
	dayOfYear := (153*shifted+2)/5 + dayOfMonth - 1
	dayOfEra := yearOfEra*365 + yearOfEra/4 - yearOfEra/100 + dayOfYear
	return day(era*146097 + dayOfEra - 719468)
}

func (d day) civil() (year, month, dayOfMonth int) {
	z := int(d) + 719468
	era := z / 146097
	dayOfEra := z - era*146097
	yearOfEra := (dayOfEra - dayOfEra/1460 + dayOfEra/36524 - dayOfEra/146096) / 365
	dayOfYear := dayOfEra - (365*yearOfEra + yearOfEra/4 - yearOfEra/100)
	shifted := (5*dayOfYear + 2) / 153
	dayOfMonth = dayOfYear - (153*shifted+2)/5 + 1
	month = (shifted+2)%12 + 1
	year = yearOfEra + era*400
	if month <= 2 {
		year++
	}
	return year, month, dayOfMonth
}

func (d day) year() int {
	y, _, _ := d.civil()
	return y
}

// floor drops the day, or day and month, as a source does that knows no more.
func (d day) floor(p precision) day {
	y, m, _ := d.civil()
	switch p {
	case toYear:
		return dayOn(y, 1, 1)
	case toMonth:
		return dayOn(y, m, 1)
	}
	return d
}

// A precision says how much of a date a clinician knew.
type precision uint8

const (
	toDay precision = iota
	toMonth
	toYear
)

func (p precision) String() string { return [...]string{"YMD", "YM", "Y"}[p] }

func appendDay(b []byte, d day) []byte {
	y, m, dd := d.civil()
	b = append(b, byte('0'+y/1000), byte('0'+y/100%10), byte('0'+y/10%10), byte('0'+y%10), '-')
	return append(b, byte('0'+m/10), byte('0'+m%10), '-', byte('0'+dd/10), byte('0'+dd%10))
}

func appendMonth(b []byte, d day) []byte {
	b = appendDay(b, d)
	return b[:len(b)-3]
}
