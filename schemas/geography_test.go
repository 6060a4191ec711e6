package schemas

import (
	"regexp"
	"testing"
)

// Figures: Office for National Statistics, LSOAs of 2021; index of multiple
// deprivation 2019 on LSOAs of 2011 (deciles 2–9: 36, 43, 41, 28, 18, 7, 4, 1),
// of which E01003109 (decile 3) was split in two and E01033207 (decile 2) in three.
func TestTheBorough(t *testing.T) {
	if len(Wards()) != 25 || Wards()[0].Code != "E05014095" || Wards()[24].Code != "E05014119" {
		t.Errorf("%d wards, %s to %s", len(Wards()), Wards()[0].Code, Wards()[len(Wards())-1].Code)
	}
	wards, form := map[string]int{}, regexp.MustCompile(`^E01[0-9]{6}$`)
	for _, w := range Wards() {
		wards[w.Code] = 0
	}
	deciles, seen := map[int]int{}, map[string]bool{}
	for _, l := range LSOAs() {
		if _, ok := wards[l.Ward]; !ok || !form.MatchString(l.Code) || seen[l.Code] {
			t.Errorf("area %s in ward %s", l.Code, l.Ward)
		}
		wards[l.Ward]++
		deciles[l.IMDDecile]++
		seen[l.Code] = true
	}
	if len(LSOAs()) != 181 {
		t.Errorf("%d areas", len(LSOAs()))
	}
	for decile, want := range map[int]int{1: 0, 2: 36 - 1 + 3, 3: 43 - 1 + 2, 4: 41, 5: 28, 6: 18, 7: 7, 8: 4, 9: 1, 10: 0} {
		if deciles[decile] != want {
			t.Errorf("%d areas of decile %d, want %d", deciles[decile], decile, want)
		}
	}
	for w, n := range wards {
		if n == 0 {
			t.Errorf("ward %s has no area", w)
		}
	}
}
