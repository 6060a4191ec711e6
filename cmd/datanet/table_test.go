package main

import (
	"strings"
	"testing"

	"datanet/pipeline/publication"
	"datanet/schemas"
)

// TestWhoWasCounted: in words, with the denominator of a linked measure, under
// which approval, and until when.
func TestWhoWasCounted(t *testing.T) {
	c := schemas.StandardCatalogue()
	numerator, denominator, value, lower, upper := int64(500), int64(1640), 30.5, 28.1, 33.0
	row := publication.Row{Numerator: &numerator, Denominator: &denominator, Value: &value, Lower: &lower, Upper: &upper}
	id := "2026-014"
	linked := &publication.Publication{Header: publication.Header{Approval: &id, LastDay: "2027-02-02", Datasets: []string{"primary-care", "slam", "maternity"}}}
	for _, x := range []struct {
		measure, population string
		row                 publication.Row
		of                  *publication.Publication
		want, never         string
	}{
		{"hypertension", "resident", row, &publication.Publication{}, "People registered with a Lambeth practice and living in the borough.\nAll together: 30.5 per cent (95% interval 28.1 to 33.0), 500 of 1,640 people\n", "approval"},
		{"smi-blood-pressure", "registered", row, linked, "People with severe mental illness diagnosed at SLaM, registered with a Lambeth practice, wherever they live.\nAll together: 30.5 per cent (95% interval 28.1 to 33.0), 500 of the 1,640 people with severe mental illness diagnosed at SLaM\n", "maternity"},
		{"smi-blood-pressure", "resident", row, linked, "Counted from primary-care and slam, joined under approval 2026-014; it may be read until 2 February 2027.\n", "maternity"},
		{"pregnancy-long-term-conditions", "resident", row, linked, "500 of the 1,640 women who booked a pregnancy in the last 12 months\n", "slam"},
		{"smi-blood-pressure", "resident", publication.Row{Denominator: &denominator, Note: publication.Withheld}, linked, "living in the borough.\nAll together: [c]\n", "1,640"},
		{"smi-blood-pressure", "resident", publication.Row{Note: publication.Withheld}, linked, "living in the borough.\nAll together: [c]\n", "1,640"},
	} {
		m, err := c.Measure(x.measure)
		if err != nil {
			t.Fatal(err)
		}
		a := &publication.Answer{Measure: m, Denominator: c.Denominator(m.Denominator), Population: x.population, Reference: x.row}
		var b strings.Builder
		b.WriteString(wholePopulation(a) + "\n")
		legend(&b, x.of, a, false)
		if !strings.Contains(b.String(), x.want) || strings.Contains(b.String(), x.never) {
			t.Errorf("%s of %s: %s", x.measure, x.population, b.String())
		}
	}
}
