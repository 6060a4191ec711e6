package synth

import (
	"strings"
	"testing"
)

// holds is the modulus 11 check of an NHS number, written again from the NHS
// Data Dictionary's steps.
func holds(number string) bool {
	if len(number) != 10 || strings.Trim(number, "0123456789") != "" {
		return false
	}
	sum := 0
	for i := range 9 {
		sum += int(number[i]-'0') * (10 - i)
	}
	check := 11 - sum%11
	if check == 11 {
		check = 0
	}
	return check == int(number[9]-'0')
}

func TestCheckAgainstPublishedNumbers(t *testing.T) {
	for number, want := range map[string]bool{
		"9434765919": true, "9876543210": true, "4010232137": true, "9990000018": true, "9999999999": true,
		"9876544321": false, "9990000000": false, "999000001": false,
	} {
		if holds(number) != want {
			t.Errorf("%s: %v", number, !want)
		}
	}
}

func TestEveryValidNumberIsDealtOutOnce(t *testing.T) {
	ns := newNumbers(3)
	if len(ns) != capacity {
		t.Fatalf("%d numbers; the range holds 909,091 with 9999999999", len(ns))
	}
	seen, inOrder := make([]bool, 1_000_000), 0
	for i, x := range ns {
		if seen[x] {
			t.Fatalf("%06d twice", x)
		}
		seen[x] = true
		if i > 0 && x == ns[i-1]+1 {
			inOrder++
		}
		if number := ns.text(i); i%97 == 0 && (!holds(number) || !strings.HasPrefix(number, "999") || number == nobodys) {
			t.Fatalf("%s", number)
		}
	}
	if inOrder > 20 {
		t.Errorf("%d neighbours have neighbouring numbers", inOrder)
	}
}

func TestSpoiledNumbersDoNotHold(t *testing.T) {
	ns := newNumbers(3)
	for i := range 5000 {
		if bad := ns.spoiled(i, i); holds(bad) || bad[:9] != ns.text(i)[:9] {
			t.Fatalf("%s", bad)
		}
	}
	if got := ns.spaced(0, "-"); strings.ReplaceAll(got, "-", "") != ns.text(0) || len(got) != 12 {
		t.Error(got)
	}
}
