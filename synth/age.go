package synth

import "strconv"

const oldest = 104

// ages is the age-sex structure: of every ward, of the borough as a whole
// (the last entry), and of those who died.
type ages struct {
	women  [oldest + 1]float64
	men    [oldest + 1]float64
	byWard []choice
	dead   choice
}

func readAges(wards []ward) *ages {
	a := &ages{}
	deaths := a.readPyramid()
	t := readTable("ward-age.csv")
	for _, w := range wards {
		a.byWard = append(a.byWard, a.inBands(t, t.find(w.code)))
	}
	a.byWard = append(a.byWard, a.inBands(t, t.find("borough")))
	a.dead = choiceOf(deaths)
	return a
}

// readPyramid spreads five-year bands over single years; the last band thins
// out by an eighth a year. It returns the weights of ages at death.
func (a *ages) readPyramid() []float64 {
	t := readTable("age-sex.csv")
	deaths := make([]float64, oldest+1)
	for row := range t.rows {
		from, part := t.whole(row, "age"), bandParts(row == len(t.rows)-1)
		for i, p := range part {
			a.women[from+i] = t.number(row, "female") * p
			a.men[from+i] = t.number(row, "male") * p
			deaths[from+i] = t.number(row, "deaths") * p
		}
	}
	return deaths
}

func bandParts(last bool) []float64 {
	if !last {
		return []float64{0.2, 0.2, 0.2, 0.2, 0.2}
	}
	parts, left := make([]float64, 20), 1.0
	for i := range parts {
		parts[i] = left / 8
		left -= parts[i]
	}
	return parts
}

// inBands spreads a ward's percentages by band over single years of age.
func (a *ages) inBands(t table, row int) choice {
	percent := t.numbers(row, "0")
	weights := make([]float64, oldest+1)
	for band, p := range percent {
		from, to := bandBounds(t, band, len(percent))
		sum := 0.0
		for age := from; age < to; age++ {
			sum += a.women[age] + a.men[age]
		}
		for age := from; age < to; age++ {
			weights[age] = p * (a.women[age] + a.men[age]) / sum
		}
	}
	return choiceOf(weights)
}

func bandBounds(t table, band, bands int) (from, to int) {
	start := func(b int) int {
		for name, i := range t.columns {
			if i == b+1 {
				n, _ := strconv.Atoi(name)
				return n
			}
		}
		return oldest + 1
	}
	if band == bands-1 {
		return start(band), oldest + 1
	}
	return start(band), start(band + 1)
}

// classes is the share of each age class in a ward's structure.
func (a *ages) classes(w int) (shares [4]float64) {
	below := uint32(0)
	for age, upTo := range a.byWard[w] {
		shares[ageClass(age)] += float64(upTo - below)
		below = upTo
	}
	return shares
}

func (a *ages) sex(s *stream, age int) byte {
	if s.chance(a.women[age] / (a.women[age] + a.men[age])) {
		return 'F'
	}
	return 'M'
}
