package pages

import (
	"errors"
	"fmt"
	"slices"

	"datanet/linkage"
	"datanet/schemas"
)

// Quality is an honest account of who is missing from the linked tables of one request, as a page. What is withheld was withheld before it came here.
func Quality(r Record, id string, all []schemas.LinkQuality) ([]byte, error) {
	d := r.decisions.Of(id)
	if d == nil {
		return nil, errors.New("there is no such request")
	}
	p := qualityPage{}
	for _, q := range all {
		p.Parts = append(p.Parts, qualityPart(q))
	}
	return sheet{"Who is missing from the linked data of request " + d.Approval.ID, r.hub, r.asOf(), p}.render("quality.html")
}

type qualityPage struct{ Parts []linkedPart }

type linkedPart struct {
	ID, Title, Lacks string
	Without          bool // the approval does not tell who has a number
	Tables           []table
}

func qualityPart(q schemas.LinkQuality) linkedPart {
	p := linkedPart{ID: "of-" + q.Dataset, Title: linkage.TitleOf(q.Dataset)}
	for _, m := range q.Missing {
		if m == schemas.WithoutNumbers {
			p.Without = true
			continue
		}
		if p.Lacks != "" {
			p.Lacks += ", "
		}
		p.Lacks += dimensionTitle[m]
	}
	for _, d := range q.Dimensions {
		p.Tables = append(p.Tables, qualityTable(d, p.Without))
	}
	return p
}

var dimensionTitle = map[string]string{"age": "age", "ethnicity": "ethnic group", "sex": "sex", "imd": "deprivation (quintile of England, 1 is the most deprived)", "ward": "ward", "site": "site"}

// qualityTable has no columns about numbers where the request did not ask who has one: nothing is withheld there.
func qualityTable(d schemas.LinkDimension, without bool) table {
	t := table{Caption: "By " + dimensionTitle[d.Dimension], Head: []string{"Group", "Eligible", "Linked", "Not linked", "Linked, of 100 eligible"}}
	if !without {
		t.Head = append(t.Head, "Usable NHS number", "Linked, of 100 with a number", "Without a number, against the usual at their ages", "In another dataset, of 100: lowest and highest")
	}
	for _, g := range d.Groups {
		cells := []string{schemas.GroupTitle(d.Dimension, g.Value), countOrMark(g.Eligible), countOrMark(g.Linked), countOrMark(g.NotLinked), ofHundred(g.OfEligible)}
		if !without {
			cells = append(cells, countOrMark(g.Usable), ofHundred(g.OfUsable), times(g.NumberRatio), lowHigh(g.FoundBounds))
		}
		t.Rows = append(t.Rows, plainRow("", cells...))
	}
	return t
}

// withheldMark is the one sign for what is withheld, whatever the reason.
const withheldMark = "[c]"

func countOrMark(n *int64) string {
	if n == nil {
		return withheldMark
	}
	return thousands(*n)
}

func ofHundred(i *schemas.Interval) string {
	if i == nil {
		return withheldMark
	}
	return fmt.Sprintf("%.1f (%.1f to %.1f)", 100*i.Value, 100*i.Lower, 100*i.Upper)
}

func times(i *schemas.Interval) string {
	if i == nil {
		return withheldMark
	}
	return fmt.Sprintf("%.1f times (%.1f to %.1f)", i.Value, i.Lower, i.Upper)
}

func lowHigh(i *schemas.Interval) string {
	if i == nil {
		return withheldMark
	}
	return fmt.Sprintf("%.0f to %.0f", 100*i.Lower, 100*i.Upper)
}

// Missed says whether anything is shown to be missing.
func (p linkedPart) Missed() bool {
	return slices.ContainsFunc(p.Tables, func(t table) bool { return len(t.Rows) > 0 })
}
