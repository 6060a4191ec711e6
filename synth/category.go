package synth

import "strconv"

// A category is one of the sixteen ethnic categories.
type category struct {
	letter     string
	group      string
	share      float64    // within its group
	byAge      [4]float64 // likelihood from 0, 20, 40 and 65 years on
	tilt       float64
	bp, hba1c  float64 // share controlled
	bmi        int
	slam       float64 // relative
	smiBP      float64 // share with a reading of the last year
	late       float64 // share of bookings
	confusable choice  // which category a wrong entry names
}

var ageClasses = [4]int{0, 20, 40, 65}

func ageClass(age int) int {
	class := 0
	for i, from := range ageClasses {
		if age >= from {
			class = i
		}
	}
	return class
}

func readCategories() []category {
	t := readTable("ethnicity.csv")
	var cs []category
	for row := range t.rows {
		c := category{letter: t.text(row, "letter"), group: t.text(row, "group"), share: t.number(row, "share"),
			tilt: t.number(row, "tilt"), bp: t.number(row, "bp_controlled"),
			hba1c: t.number(row, "hba1c_controlled"), bmi: t.whole(row, "bmi"),
			slam: t.number(row, "slam"), smiBP: t.number(row, "smi_bp"), late: t.number(row, "late_booking")}
		for i, from := range ageClasses {
			c.byAge[i] = t.number(row, strconv.Itoa(from))
		}
		cs = append(cs, c)
	}
	for i := range cs {
		cs[i].confusable = confusableWith(cs, i)
	}
	return cs
}

// confusableWith favours the category's own group.
func confusableWith(cs []category, i int) choice {
	weights := make([]float64, len(cs))
	for j, other := range cs {
		weights[j] = other.share
		if other.group == cs[i].group {
			weights[j] *= 6
		}
	}
	weights[i] = 0
	return choiceOf(weights)
}

// categoryChoices are the chances of the categories by age class for a place
// with the given age structure and percentages by group. Likelihoods by age
// are raked, so that neither the age structure nor the groups' totals change.
func categoryChoices(cs []category, ages [4]float64, group func(string) float64) [4]choice {
	inGroup := map[string]float64{}
	for _, c := range cs {
		inGroup[c.group] += c.share
	}
	total := make([]float64, len(cs))
	cells := make([][4]float64, len(cs))
	for i, c := range cs {
		total[i] = group(c.group) * c.share / inGroup[c.group]
		for a := range ages {
			cells[i][a] = total[i] * ages[a] * c.byAge[a]
		}
	}
	for range 20 {
		rakeRows(cells, total)
		rakeColumns(cells, ages)
	}
	var choices [4]choice
	for a := range ages {
		column := make([]float64, len(cs))
		for i := range cells {
			column[i] = cells[i][a]
		}
		choices[a] = choiceOf(column)
	}
	return choices
}

func rakeRows(cells [][4]float64, total []float64) {
	for i := range cells {
		sum := cells[i][0] + cells[i][1] + cells[i][2] + cells[i][3]
		for a := range cells[i] {
			cells[i][a] *= total[i] / sum
		}
	}
}

func rakeColumns(cells [][4]float64, ages [4]float64) {
	for a := range ages {
		sum := 0.0
		for i := range cells {
			sum += cells[i][a]
		}
		for i := range cells {
			cells[i][a] *= ages[a] / sum
		}
	}
}
