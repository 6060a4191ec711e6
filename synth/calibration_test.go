package synth

import (
	"fmt"
	"testing"
)

// A tally counts surviving current registrations of 100,000 people as the
// key tells them, by true ethnic category.
type tally struct {
	age      int
	sex      byte
	category int
	decile   int
	finding  finding
	smoker   bool
}

func tallies(t *testing.T) ([]string, []tally) {
	t.Helper()
	p := newPlan(Options{People: 100_000, Seed: 3}.withDefaults())
	p.populate()
	r := newRecorder(p)
	var all []tally
	for _, list := range p.lists {
		for _, l := range list {
			if l.registration > 0 || p.people[l.person].kind != current {
				continue
			}
			r.record(l)
			who := r.who
			all = append(all, tally{p.today.year() - who.birth.year(), who.sex, int(who.ethnicity),
				p.borough.decile(r.reg.home), r.find(), who.smokes})
		}
	}
	return p.names, all
}

func (y *tally) has(c int) bool { return y.finding.conditions>>c&1 == 1 }

// Sources: Lambeth QOF 2021/22 and 2022/23 (hypertension, diabetes, chd,
// depression, smoking); published range (smi). The others are from memory and have wide ranges.
func TestPrevalenceIsNearThePublished(t *testing.T) {
	names, all := tallies(t)
	ranges := map[string]struct {
		lowestAge int
		low, high float64
	}{
		"hypertension": {0, 9.0, 9.7}, "diabetes": {17, 5.2, 5.9}, "chd": {0, 1.05, 1.3},
		"depression": {18, 10.0, 11.2}, "smi": {0, 1.3, 1.6}, "asthma": {0, 4.4, 5.1},
		"copd": {0, 0.85, 1.15}, "atrial-fibrillation": {0, 0.7, 1.0}, "heart-failure": {0, 0.4, 0.65},
		"stroke": {0, 0.75, 1.05}, "ckd": {18, 1.65, 2.15}, "dementia": {0, 0.2, 0.4}, "epilepsy": {0, 0.4, 0.6},
	}
	for c, name := range names {
		want := ranges[name]
		if got := percent(all, want.lowestAge, func(y *tally) bool { return y.has(c) }); got < want.low || got > want.high {
			t.Errorf("%s: %.2f %%, want %.2f to %.2f", name, got, want.low, want.high)
		}
	}
	if got := percent(all, 15, func(y *tally) bool { return y.smoker }); got < 14.7 || got > 16.7 {
		t.Errorf("smoking: %.2f %%", got)
	}
	checkRatios(t, names, all)
	checkGradients(t, names, all)
}

func percent(all []tally, lowestAge int, has func(*tally) bool) float64 {
	n, of := 0, 0
	for i := range all {
		if all[i].age >= lowestAge {
			of++
			if has(&all[i]) {
				n++
			}
		}
	}
	return 100 * float64(n) / float64(of)
}

// Cappuccio 1997: hypertension 2.6 (African descent) and 1.8 (South Asian),
// diabetes 2.7 and 3.8. Directions for chd and smi from South London practices and AESOP.
func checkRatios(t *testing.T, names []string, all []tally) {
	t.Helper()
	black, caribbean, african, southAsian := []int{11, 12, 13}, []int{11}, []int{12}, []int{7, 8, 9}
	for _, want := range []struct {
		name      string
		group     []int
		low, high float64
	}{
		{"hypertension", caribbean, 2.3, 2.9}, {"hypertension", african, 2.3, 3.0}, {"hypertension", southAsian, 1.5, 2.1},
		{"diabetes", black, 2.3, 3.1}, {"diabetes", southAsian, 3.2, 4.5},
		{"chd", southAsian, 1.3, 2.7}, {"chd", african, 0.1, 0.75}, {"smi", black, 2.2, 3.3},
	} {
		for c, name := range names {
			if name != want.name {
				continue
			}
			if got := standardised(all, c, want.group); got < want.low || got > want.high {
				t.Errorf("%s of %v: ratio %.2f, want %.1f to %.1f", name, want.group, got, want.low, want.high)
			}
		}
	}
}

// standardised is the indirectly age-sex-standardised ratio of a group to
// White British people.
func standardised(all []tally, c int, group []int) float64 {
	in := map[int]bool{}
	for _, g := range group {
		in[g] = true
	}
	type stratum struct{ n, of float64 }
	reference := map[string]stratum{}
	stratumOf := func(y *tally) string { return fmt.Sprint(min(y.age/5, 17), y.sex) }
	for i := range all {
		if y := &all[i]; y.category == 0 {
			s := reference[stratumOf(y)]
			s.of++
			if y.has(c) {
				s.n++
			}
			reference[stratumOf(y)] = s
		}
	}
	observed, expected := 0.0, 0.0
	for i := range all {
		y := &all[i]
		s := reference[stratumOf(y)]
		if !in[y.category] || s.of == 0 {
			continue
		}
		expected += s.n / s.of
		if y.has(c) {
			observed++
		}
	}
	return observed / expected
}

// The two most deprived deciles have more of these than the two least.
func checkGradients(t *testing.T, names []string, all []tally) {
	t.Helper()
	for c, name := range names {
		if name != "diabetes" && name != "depression" && name != "smi" && name != "hypertension" {
			continue
		}
		share := func(low, high int) float64 {
			n, of := 0.0, 0.0
			for i := range all {
				if y := &all[i]; y.decile >= low && y.decile <= high {
					of++
					if y.has(c) {
						n++
					}
				}
			}
			return n / of
		}
		if share(1, 2) < 1.05*share(6, 9) {
			t.Errorf("%s has no gradient: %.4f, %.4f", name, share(1, 2), share(6, 9))
		}
	}
}

// Under-20s were 25 % White British against 39 % of everybody (Lambeth, 2011).
func TestYoungPeopleAreLessOftenWhiteBritish(t *testing.T) {
	p := newPlan(Options{People: 50_000, Seed: 3}.withDefaults())
	p.populate()
	var young, youngA, all, allA float64
	for i := range p.People {
		who := &p.people[i]
		a := 0.0
		if who.ethnicity == 0 {
			a = 1
		}
		all, allA = all+1, allA+a
		if p.today-who.birth < 20*365 {
			young, youngA = young+1, youngA+a
		}
	}
	if y, a := youngA/young, allA/all; y < 0.22 || y > 0.28 || a < 0.34 || a > 0.40 {
		t.Errorf("White British: %.3f of under-20s, %.3f of all", y, a)
	}
}
