package publication

import (
	"encoding/json"
	"testing"

	"datanet/schemas"
)

// FuzzHostileCatalogue: whatever catalogue passes its check, planning any
// question about it ends, and plans no more than a view holds.
func FuzzHostileCatalogue(f *testing.F) {
	text, err := json.Marshal(schemas.StandardCatalogue())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"axes":[{"id":"area","values":[{},{"id":"resident","title":"R","level":1,"rest":true}]}],
		"dimensions":[{"id":"d","axis":"area","level":1}],"views":[{"id":"v","levels":{"area":1}}],
		"conditions":[{"id":"c","has":"l"}],"measures":[{"id":"m","title":"M","dataset":"d","polarity":"none","numerator":{"kind":"condition","of":["c"]}}]}`))
	f.Add([]byte(`{"axes":[{"id":"area","values":[{},{"id":"resident","title":"R","level":1,"rest":true}]}],
		"dimensions":[{"id":"d","axis":"area","level":1}],"views":[{"id":"v","levels":{"area":1}}],
		"denominators":[{"id":"b","people":"P","kind":"booking","months":12}],
		"measures":[{"id":"m","title":"M","dataset":"d","linked":["maternity"],"denominator":"b","sensitive":true,"polarity":"none","numerator":{"kind":"entry","of":["l"],"months":1}}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		c := &schemas.Catalogue{}
		if json.Unmarshal(text, c) != nil || c.Check() != nil {
			return
		}
		p := &Publication{Header: Header{Catalogue: c}}
		for _, m := range c.Measures[:min(3, len(c.Measures))] {
			for _, d := range c.Dimensions[:min(4, len(c.Dimensions))] {
				for _, e := range c.Dimensions[:min(4, len(c.Dimensions))] {
					rows := 0
					pl, err := p.plan(Question{Measure: m.ID, By: []string{d.ID}, Where: map[string][]string{e.ID: {c.Axis(e.Axis).Values[1].ID}}})
					if err != nil {
						continue
					}
					pl.each(func(groups []int) { rows += len(pl.cells(groups)) })
					if rows > 1<<17 {
						t.Fatalf("%d groups in one question", rows)
					}
				}
			}
		}
	})
}
