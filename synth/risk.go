package synth

import (
	"strconv"
	"strings"

	"datanet/schemas"
)

// A risk is a long-term condition, or smoking: how likely a person is to have
// it, and how it is recorded.
type risk struct {
	name       string
	scale      float64
	bySex      [2][]float64 // percent by five-year band; women, men
	byCategory []float64
	byDecile   []float64 // by decile-1
	frailty    int       // column of frailties
	onset      int
	resolved   float64
	mix        []float64
}

const smoking = "smoking"

// most is the highest share that anything reaches in any group.
const most = 0.93

var frailtyColumns = []string{"light", "medium", "heavy"}

func readRisks() []risk {
	t := readTable("conditions.csv")
	byAge, byCategory := readTable("risk-age-sex.csv"), readTable("risk-ethnicity.csv")
	byDecile := readTable("risk-deprivation.csv")
	var risks []risk
	for row := range t.rows {
		r := risk{name: t.text(row, "risk"), scale: t.number(row, "scale"), onset: t.whole(row, "onset"),
			resolved: t.number(row, "resolved")}
		first := byAge.find(r.name)
		r.bySex = [2][]float64{byAge.numbers(first, "0"), byAge.numbers(first+1, "0")}
		r.byCategory = byCategory.numbers(byCategory.find(r.name), "A")
		r.byDecile = byDecile.numbers(byDecile.find(r.name), "1")
		for i, c := range frailtyColumns {
			if c == t.text(row, "frailty") {
				r.frailty = i
			}
		}
		r.mix = readMix(t.text(row, "mix"))
		risks = append(risks, r)
	}
	return risks
}

func readMix(text string) (mix []float64) {
	for part := range strings.SplitSeq(text, "|") {
		if v, err := strconv.ParseFloat(part, 64); err == nil {
			mix = append(mix, v)
		}
	}
	return mix
}

// share is the chance that a person has it: base × scale × relative risks,
// multiplied and never added, so that every machine computes the same bits.
func (r *risk) share(sex byte, age, category, decile int, frailty float64) float64 {
	bands := r.bySex[0]
	if sex == 'M' {
		bands = r.bySex[1]
	}
	p := bands[min(age/5, len(bands)-1)] * 0.01 * r.scale * r.byCategory[category] * frailty
	if decile > 0 {
		p *= r.byDecile[decile-1]
	}
	return min(p, most)
}

// A frailty is one of the classes that correlate a person's conditions.
type frailty [3]float64

func readFrailties() (choice, []frailty) {
	t := readTable("frailty.csv")
	var shares []float64
	var classes []frailty
	for row := range t.rows {
		shares = append(shares, t.number(row, "share"))
		var f frailty
		for i, c := range frailtyColumns {
			f[i] = t.number(row, c)
		}
		classes = append(classes, f)
	}
	return choiceOf(shares), classes
}

// conditions are the risks that are diagnoses, in the order of their bits, and
// how often each of their codes is used. Smoking, the last risk, is none.
func conditions(risks []risk) (names []string, mixes []choice) {
	for _, r := range risks {
		if r.name == smoking {
			break
		}
		names = append(names, r.name)
		mixes = append(mixes, choiceOf(r.mix))
	}
	return names, mixes
}

// resolvable says whether the vocabulary has a list to resolve the condition.
func resolvable(name string) bool {
	_, err := schemas.CodeList(name + "-resolved")
	return err == nil
}
