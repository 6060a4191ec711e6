package extract

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"datanet/schemas"
)

// under gives a run a policy of its own, which leaves out what the starter
// policy does and the codes of a list own, lets the codes of withdrawn people
// travel, and, when somebody is listed, applies the national data opt-out.
func (o *Options) under(t testing.TB, own []string, listed []string) {
	t.Helper()
	p := *schemas.StarterPolicy()
	p.ID, p.WithdrawnCodesTravel = "test", true
	o.CodeLists = maps.Clone(schemas.StarterLists())
	if len(own) > 0 {
		l := &schemas.List{Name: "own"}
		for _, code := range own {
			l.Entries = append(l.Entries, schemas.Entry{Code: code})
		}
		o.CodeLists["own"] = l
		p.LeaveOut = append(slices.Clone(p.LeaveOut), schemas.LeftOut{List: "own", Why: "a test"})
	}
	if listed != nil {
		p.NationalOptOut.Apply = true
		o.NDOO = writeList(t, listed...)
	}
	o.Policy = &p
}

// writeList makes a list as the national service returns it.
func writeList(t testing.TB, numbers ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "list_"+time.Now().UTC().Format("20060102")+".dat")
	if err := os.WriteFile(path, []byte(strings.Join(numbers, ",\r\n")+",\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// some draws nine in ten of the numbers.
func some(r *rand.Rand, numbers []string) []string {
	var kept []string
	for _, n := range numbers {
		if r.IntN(10) > 0 {
			kept = append(kept, n)
		}
	}
	return kept
}

// national reads the list in the reference's own way.
func national(o Options) (listed map[string]bool, applied bool) {
	if o.Policy == nil || !o.Policy.NationalOptOut.Apply {
		return nil, false
	}
	text, err := os.ReadFile(o.NDOO)
	if err != nil {
		panic(err)
	}
	listed = map[string]bool{}
	for _, n := range strings.Split(string(text), ",\r\n") {
		listed[n] = true
	}
	return listed, true
}

// left says whether the national opt-out leaves out whoever has this number.
func left(o Options, number string) bool {
	listed, applied := national(o)
	return applied && !(usable(number) && listed[digits(number)])
}

// sensitiveCodes are the policy's, as the reference reads them.
func sensitiveCodes(o Options) map[string]bool {
	p, lists := o.Policy, o.CodeLists
	if p == nil {
		p = schemas.StarterPolicy()
	}
	if lists == nil {
		lists = schemas.StarterLists()
	}
	found := map[string]bool{}
	for _, l := range p.LeaveOut {
		for _, e := range lists[l.List].Entries {
			found[e.Code] = true
		}
	}
	return found
}

// TestPolicyGates runs tiny exports under a policy. The first lines of a case
// say what of it is not the starter's: own CODE… leaves these out too; listed
// NUMBER… applies the national opt-out.
func TestPolicyGates(t *testing.T) {
	for name, s := range map[string]*system{"policy": emis, "slam-policy": mhsds, "maternity-policy": msds} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			table(t, "testdata/"+name+".txt", func(t *testing.T, input string) string {
				var own, listed []string
				for {
					line, rest, _ := strings.Cut(input, "\n")
					words := strings.Fields(line)
					if words[0] == "own" {
						own = words[1:]
					} else if words[0] == "listed" {
						listed = words[1:]
					} else {
						break
					}
					input = rest
				}
				o := s.newSite(t)
				o.under(t, own, listed)
				x := s.parse(t, input)
				x.write(o.Source)
				result, err := Run(context.Background(), o)
				if err != nil {
					return "error: " + err.Error()
				}
				names := (*export).trustNames
				if s == emis {
					names = (*export).names
				}
				text := strings.ReplaceAll(account(t, o, result, names(x, o)), "\nleft out of observations: 1 other-organisation", "")
				return text + fmt.Sprintf("\nchoices and safety: %d, partly: %d", result.LeftOut, result.Partly)
			})
		})
	}
}

// TestWithheldByAnyName: the manifest names the concepts of what is stopped by a
// code of any kind, the policy's own concepts, and nothing else.
func TestWithheldByAnyName(t *testing.T) {
	t.Parallel()
	o := newSite(t)
	o.under(t, []string{"G20..", "XaHIV", "5020000000109"}, nil)
	o.Policy.LeaveOut = o.Policy.LeaveOut[len(o.Policy.LeaveOut)-1:]
	o.CodeLists["identifiers"] = &schemas.List{Name: "identifiers", Entries: []schemas.Entry{{Code: "9R1.."}}}
	parseExport(t, "code CodeId=1 ReadTermId=G20..-1 SnomedCTConceptId=38341003\n"+
		"code CodeId=2 ReadTermId=XaHIV SnomedCTConceptId=86406008\n"+
		"code CodeId=3 ReadTermId=9R1.. SnomedCTConceptId=184103008\n"+
		"code CodeId=4 ReadTermId=G20.. SnomedCTConceptId=9990000018\n"+ // no concept, and nothing to be named
		"code CodeId=5 ReadTermId=G21.. SnomedCTConceptId=59621000\n"+
		"patient anna NhsNumber=9990000018\nentry anna").write(o.Source)
	r, err := Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	body, err := os.ReadFile(filepath.Join(r.Extract, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := schemas.DecodeManifest(body)
	if err != nil || !slices.Equal(m.Withheld, []string{"184103008", "38341003", "5020000000109", "86406008"}) {
		t.Errorf("withheld %v %v", m.Withheld, err)
	}
}

// TestTestNumbers: in a live run the policy knows test patients by their
// numbers; where only test numbers are accepted everybody has one.
func TestTestNumbers(t *testing.T) {
	t.Parallel()
	for _, s := range []*system{emis, mhsds, msds} {
		o := s.newSite(t)
		o.Numbers = 0
		x := s.parse(t, map[*system]string{
			emis:  "patient anna NhsNumber=9990000018\npatient bert NhsNumber=\"999 000 0026\"\npatient carl\nentry carl",
			mhsds: "patient anna NHSNumber=9990000018\npatient bert NHSNumber=999-000-0026\npatient carl",
			msds:  "mother anna NHSNumberMother=9990000018\nmother carl\nbooking p1 anna\nbooking p2 carl\ndelivery d1 p2\nbaby b1 d1 NHSNumberBaby=9990000034\nbaby b2 d1",
		}[s])
		x.write(o.Source)
		result, err := Run(context.Background(), o)
		if err != nil {
			t.Fatal(err)
		}
		tests := map[*system]int64{emis: 2, mhsds: 2, msds: 1}[s]
		d, _ := schemas.DatasetByID(s.dataset)
		if got := result.Gates[d.Tables[0].Name]["test"]; got != tests {
			t.Errorf("%s: %d test patients, want %d: %v", s.format, got, tests, result.Gates)
		}
		if s == msds && result.Gates["births"]["test"] != 1 {
			t.Errorf("the test baby: %v", result.Gates)
		}
	}
}

// TestPolicyIsAskedFirst: what the policy does not allow is refused before any
// row is read, and leaves nothing.
func TestPolicyIsAskedFirst(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*Options)
		kind   string
	}{
		"not yet in force":  {func(o *Options) { o.Policy.From = time.Now().AddDate(0, 0, 2) }, "governance"},
		"another dataset's": {func(o *Options) { o.Policy.Datasets = []string{"slam"} }, "governance"},
		"a code of a group": {func(o *Options) {
			o.CodeLists["own"], o.Policy.LeaveOut = o.CodeLists["religion"], []schemas.LeftOut{{List: "own"}}
		}, "governance"},
		"no such list":          {func(o *Options) { o.Policy.LeaveOut = []schemas.LeftOut{{List: "nothing"}} }, "use"},
		"an empty list":         {func(o *Options) { o.CodeLists["sensitive-sti"] = &schemas.List{Name: "sensitive-sti"} }, "use"},
		"no national list":      {func(o *Options) { o.NDOO = "" }, "governance"},
		"a list that is gone":   {func(o *Options) { os.Remove(o.NDOO) }, "governance"},
		"a folder for a list":   {func(o *Options) { o.NDOO = filepath.Dir(o.NDOO) }, "governance"},
		"a list for no purpose": {func(o *Options) { o.Policy.NationalOptOut.Apply = false }, "use"},
		"a list too old":        {func(o *Options) { o.Now = time.Now().AddDate(0, 0, 8) }, "governance"},
		"a list yet to come":    {func(o *Options) { o.Now = time.Now().AddDate(0, 0, -2) }, "governance"},
	} {
		t.Run(name, func(t *testing.T) {
			o := newSite(t)
			o.under(t, nil, []string{"9990000018"})
			c.change(&o)
			parseExport(t, "patient anna NhsNumber=9990000018\nentry anna").write(o.Source)
			_, err := Run(context.Background(), o)
			var kind interface{ Kind() string }
			if !errors.As(err, &kind) || kind.Kind() != c.kind {
				t.Errorf("%v", err)
			}
			if left := written(t, o.Out); len(left) > 0 || stateOf(t, o) != "" {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

// TestOverduePolicy: past its review date a policy holds, and the account says
// that it should be looked at.
func TestOverduePolicy(t *testing.T) {
	t.Parallel()
	o := newSite(t)
	o.Now = schemas.StarterPolicy().Review.AddDate(0, 0, 1)
	parseExport(t, "patient anna NhsNumber=9990000018\nentry anna\nissue anna").write(o.Source)
	result, err := Run(context.Background(), o)
	if err != nil || len(result.Warnings) == 0 || !strings.Contains(result.Warnings[0], "2027-12-31") {
		t.Errorf("%+v %v", result, err)
	}
}
