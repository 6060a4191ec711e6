package pages

import (
	"strings"
	"testing"

	"datanet/schemas"
)

// TestQualityPage: what is shown is shown, what is withheld has the one sign, and what the request lacks is said.
func TestQualityPage(t *testing.T) {
	r := busy(t).record()
	id := r.decisions.All()[0].Approval.ID
	n := func(n int64) *int64 { return &n }
	all := []schemas.LinkQuality{
		{Dataset: "slam", Missing: []string{"site"}, Dimensions: []schemas.LinkDimension{{Dimension: "ethnicity", Groups: []schemas.LinkGroup{
			{Value: "N", Eligible: n(205), Usable: n(180), Linked: n(150), NotLinked: n(55), NumberRatio: &schemas.Interval{Value: 1.84, Lower: 1.21, Upper: 2.6}, FoundBounds: &schemas.Interval{Lower: 0.73, Upper: 0.85}},
			{Value: "Other"}}}}},
		{Dataset: "primary-care", Missing: []string{schemas.WithoutNumbers}, Dimensions: []schemas.LinkDimension{{Dimension: "sex", Groups: []schemas.LinkGroup{
			{Value: "F", Eligible: n(27880), Linked: n(1215), NotLinked: n(26665), OfEligible: &schemas.Interval{Value: 0.0436, Lower: 0.0412, Upper: 0.0461}}}}}},
	}
	page, err := Quality(r, id, all)
	if err != nil {
		t.Fatal(err)
	}
	again, _ := Quality(r, id, all)
	text := string(page)
	for _, want := range []string{"Black African", ">205<", "1.8 times (1.2 to 2.6)", "73 to 85", "Nothing can be said by site", "did not ask who has a usable NHS number", ">27,880<", "4.4 (4.1 to 4.6)"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if strings.Count(text, ">[c]<") != 10 || string(again) != text || strings.Contains(text, "<script") {
		t.Errorf("%d signs of what is withheld", strings.Count(text, ">[c]<"))
	}
	if page, err := Quality(r, "2099-999", all); err == nil || page != nil {
		t.Error("a page of no request")
	}
}
