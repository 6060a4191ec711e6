package extract

import (
	"context"
	"maps"
	"strings"
	"testing"

	"datanet/schemas"
)

// TestThreeWaysOfNotKnowing: asked and not stated, recorded as not known, and
// never recorded stay apart, and whatever says something beats all three. The
// starter lists know no code for "not known": a site's own list may.
func TestThreeWaysOfNotKnowing(t *testing.T) {
	t.Parallel()
	o := newSite(t)
	o.CodeLists = maps.Clone(schemas.StarterLists())
	ethnicity := *o.CodeLists["ethnicity"]
	unknown := conceptOf(2001)
	ethnicity.Entries = append(ethnicity.Entries[:len(ethnicity.Entries):len(ethnicity.Entries)], schemas.Entry{Code: unknown, Term: "Not known", Category: "99"})
	o.CodeLists["ethnicity"] = &ethnicity
	x := parseExport(t, strings.ReplaceAll(`patient asked NhsNumber=9990000018
patient unknown NhsNumber=9990000026
patient never NhsNumber=9990000034
patient told NhsNumber=9990000042
entry asked CodeId=1024701000000100
entry unknown CodeId=UNKNOWN
entry told CodeId=107691000000105 EffectiveDate=2018-01-01
entry told CodeId=UNKNOWN EffectiveDate=2019-01-01
entry told CodeId=1024701000000100 EffectiveDate=2020-01-01
`, "UNKNOWN", unknown))
	x.write(o.Source)
	result, err := Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for line := range strings.Lines(account(t, o, result, x.names(o))) {
		if words := strings.Fields(line); words[0] == "patient" {
			got[words[1]] = words[6]
		}
	}
	if want := map[string]string{"asked": "Z", "unknown": "99", "never": ".", "told": "M"}; !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
