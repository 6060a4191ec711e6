package synth

// A drug is a made-up product for one condition.
type drug struct {
	id        int // EMIS's own
	condition string
	dmd, term string
	bnf       string
	dosage    string
	quantity  int
	unit      string
	treated   float64
}

func readDrugs() []drug {
	t := readTable("drugs.csv")
	ids := map[string]int{}
	var ds []drug
	for row := range t.rows {
		dmd := t.text(row, "dmd")
		if _, ok := ids[dmd]; !ok {
			ids[dmd] = 640_000 + 211*len(ids)
		}
		ds = append(ds, drug{ids[dmd], t.text(row, "condition"), dmd, t.text(row, "term"), t.text(row, "bnf"),
			t.text(row, "dosage"), t.whole(row, "quantity"), t.text(row, "unit"), t.number(row, "treated")})
	}
	return ds
}
