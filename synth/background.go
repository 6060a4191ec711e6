package synth

// backgroundChoices are the codes of one list and how likely each is for
// every ethnic category.
type backgroundChoices struct {
	codes      []int16
	byCategory []choice
}

func (b *backgroundChoices) pick(s *stream, category int) int16 {
	return b.codes[b.byCategory[category].pick(s)]
}

func readBackgrounds(cs []category, codes *codebook) []backgroundChoices {
	t := readTable("background.csv")
	var all []backgroundChoices
	for _, list := range backgroundLists {
		b := backgroundChoices{}
		weights := make([][]float64, len(cs))
		for row := range t.rows {
			if t.text(row, "list") != list {
				continue
			}
			b.codes = append(b.codes, codes.in(list, t.text(row, "category"))[0])
			for i, c := range cs {
				weights[i] = append(weights[i], t.number(row, c.letter))
			}
		}
		for _, w := range weights {
			b.byCategory = append(b.byCategory, choiceOf(w))
		}
		all = append(all, b)
	}
	return all
}
