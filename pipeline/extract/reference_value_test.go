package extract

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// What the reference says of one value or one code, in other ways than the SQL and
// the packages that it is compared with.

func significant(v float64) string {
	mantissa, _, _ := strings.Cut(strconv.FormatFloat(v, 'e', -1, 64), "e")
	return strings.TrimRight(strings.NewReplacer(".", "", "-", "").Replace(mantissa), "0")
}

func manyDigits(v float64) bool { return len(significant(v)) > 8 }

// isDayOf puts the day into every form and compares numbers, not texts.
func isDayOf(v float64, own time.Time) bool {
	if own.IsZero() {
		return false
	}
	y, m, d := own.Year(), int(own.Month()), own.Day()
	if whole := int(v); whole == int(own.Sub(time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)).Hours()/24) {
		return true
	} else if len(significant(v)) < 5 && v < 10000 && v > -10000 {
		return false
	}
	for _, form := range []int{y*10000 + m*100 + d, d*1000000 + m*10000 + y, m*1000000 + d*10000 + y,
		y%100*10000 + m*100 + d, d*10000 + m*100 + y%100, m*10000 + d*100 + y%100} {
		if written := significant(float64(form)); written == significant(v) || written == significant(float64(int(v))) {
			return true
		}
	}
	return false
}

// isConcept is Verhoeff's check in another way than schemas': each pair of
// neighbours is joined as turns and flips of a pentagon, from the left.
func isConcept(id string) bool {
	if strings.Trim(id, "0123456789") != "" || id[0] == '0' || len(id) < 6 || len(id) > 18 || usable(id) || isPaddedNumber(id) {
		return false
	}
	if part := id[len(id)-3 : len(id)-1]; part != "00" && (part != "10" || len(id) < 11) {
		return false
	}
	turn, flipped := 0, false
	for i := range id {
		d := int(id[len(id)-1-i] - '0')
		for range i % 8 {
			d = strings.IndexByte("7046913258", byte('0'+d))
		}
		by := d % 5
		if flipped {
			by = -by
		}
		turn, flipped = (turn+by+5)%5, flipped != (d > 4)
	}
	return turn == 0 && !flipped
}

// isPaddedNumber is what the population has of padded identifiers.
func isPaddedNumber(id string) bool {
	return len(id) == 13 && strings.HasSuffix(id[:12], "00") && usable(id[:10])
}

func value(s string) string {
	v, err := strconv.ParseFloat(s, 64)
	switch {
	case err != nil:
		return "."
	case v == float64(int64(v)):
		return fmt.Sprintf("%d.0", int64(v))
	}
	return fmt.Sprint(v)
}
