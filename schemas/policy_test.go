package schemas

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func day(s string) time.Time {
	d, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return d
}

// TestStarterPolicy: its lists exist, it says that nobody approved it, and no
// measure loses anything by it.
func TestStarterPolicy(t *testing.T) {
	p := StarterPolicy()
	if p.Name() != "starter 2026-11" || p.ApprovedBy.Name != "nobody" || p.NationalOptOut.Apply || p.NationalOptOut.Why == "" || p.WithdrawnCodesTravel {
		t.Errorf("%+v", p)
	}
	codes, err := p.Withholds(StarterLists())
	if err != nil || !slices.Contains(codes, "86406008") || !slices.Contains(codes, "B20") {
		t.Errorf("%v %v", codes, err)
	}
	if !slices.Equal(p.Datasets, []string{"primary-care", "slam", "maternity"}) {
		t.Errorf("holds for %v", p.Datasets)
	}
}

func TestCodesOfTheDataset(t *testing.T) {
	all := []string{"86406008", "9Nu0.", "B20", "B201", "XaZ89"}
	for dataset, want := range map[string][]string{"primary-care": {"86406008"}, "slam": {"B20", "B201"}, "maternity": {}} {
		if got := CodesOf(dataset, all); !slices.Equal(got, want) || got == nil {
			t.Errorf("%s: %v", dataset, got)
		}
	}
	for code, want := range map[string]string{"F06.7": "F067", "F20X": "F20", "F20.X": "F20", "F20": "F20", "9Nu0.": "9Nu0.", "A12..": "A12.."} {
		if got := tableForm(code); got != want {
			t.Errorf("%s became %s", code, got)
		}
	}
}

// TestPolicyErrors: every line of the table is one edit of the starter policy,
// and what is said of it. All of them at once are all said.
func TestPolicyErrors(t *testing.T) {
	text, err := files.ReadFile("policies/starter.json")
	if err != nil {
		t.Fatal(err)
	}
	edits := []struct{ old, new, want string }{
		{`"id": "starter"`, `"id": "Starter!"`, "line 3: id is not"},
		{`"version": "2026-11"`, `"version": 11`, "line 4: version is not"},
		{`"title": "Starter policy that comes with datanet"`, `"title": " "`, "line 5: title is not"},
		{`"from": "2026-01-01"`, `"from": "1 January"`, "line 6: from is not a day"},
		{`"review": "2027-12-31"`, `"reveiw": "2027-12-31"`, `line 7: a policy has no key "reveiw"`},
		{`"name": "nobody"`, `"name": "nobody", "name": "somebody"`, `line 9: repeats the key "name"`},
		{`"date": "2026-11-01"`, `"date": "2026-11-31"`, "line 11: date is not a day"},
		{`"maternity"]`, `"dentistry"]`, `line 13: there is no dataset "dentistry"`},
		{`"list": "sensitive-gender"`, `"list": "sensitive-legal"`, "line 16: leaves the list sensitive-legal out twice"},
		{`"apply": false`, `"apply": "no"`, "line 22: apply is not true or false"},
		{`"withdrawn_codes_travel": false`, `"withdrawn_codes_travel": null`, "line 25: withdrawn_codes_travel is not true or false"},
		{`["999"]`, `["99"]`, "line 26: a test number is not"},
	}
	all := string(text)
	for _, e := range edits {
		if !strings.Contains(all, e.old) {
			t.Fatalf("the starter policy does not hold %s", e.old)
		}
		one := strings.Replace(string(text), e.old, e.new, 1)
		all = strings.Replace(all, e.old, e.new, 1)
		if p, err := ParsePolicy([]byte(one)); p != nil || err == nil || !strings.Contains(err.Error(), e.want) {
			t.Errorf("%s: %v, want %s", e.new, err, e.want)
		}
	}
	_, err = ParsePolicy([]byte(all))
	for _, e := range edits {
		if err == nil || !strings.Contains(err.Error(), e.want) {
			t.Errorf("all at once does not say %s: %v", e.want, err)
		}
	}
}

// TestPolicyErrorsQuoteNobody: another file given by mistake may hold anybody, as
// a key too; and what every manifest repeats holds no number of a person's.
func TestPolicyErrorsQuoteNobody(t *testing.T) {
	text := string(mustRead(t, "policies/starter.json"))
	for _, e := range []struct{ old, new, want string }{
		{`"schema"`, `"9990000018 John Smith": 1, "schema"`, "line 2: a policy has no key of this name; known: schema"},
		{`"schema"`, `"Smith": 1, "Smith": 2, "schema"`, "line 2: repeats the key of this name"},
		{`"slam"`, `"John Smith"`, "line 13: there is no dataset of this name; known: "},
		{`"id": "starter"`, `"id": "p9990000018"`, "line 3: id holds ten digits"},
		{`"version": "2026-11"`, `"version": "999-000-0018"`, "line 4: version holds ten digits"},
	} {
		_, err := ParsePolicy([]byte(strings.Replace(text, e.old, e.new, 1)))
		if err == nil || !strings.Contains(err.Error(), e.want) || strings.Contains(err.Error(), "Smith") || strings.Contains(err.Error(), "0018") {
			t.Errorf("%s: %v", e.new, err)
		}
	}
}

func TestPoliciesThatAreNoJSON(t *testing.T) {
	text := string(mustRead(t, "policies/starter.json"))
	for name, c := range map[string]struct {
		text string
		line int
	}{
		"empty": {"", 1}, "cut off": {text[:len(text)/2], 1 + strings.Count(text[:len(text)/2], "\n")}, "comma": {strings.Replace(text, `"version"`, `,"version"`, 1), 4},
		"something follows": {text + "{}", 1 + strings.Count(text, "\n")}, "a list": {"[]", 1}, "nothing": {"null", 1}, "deep": {strings.Repeat("[", 100), 1},
	} {
		p, err := ParsePolicy([]byte(c.text))
		var at *PolicyError
		if p != nil || !errors.As(err, &at) || at.Problems[0].Line != c.line {
			t.Errorf("%s: %v, want line %d", name, err, c.line)
		}
	}
}

func mustRead(t *testing.T, name string) []byte {
	t.Helper()
	text, err := files.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestPolicyInForce(t *testing.T) {
	p := *StarterPolicy()
	p.Datasets = []string{"slam"}
	for _, c := range []struct {
		dataset, day string
		refused      bool
		overdue      bool
	}{
		{"slam", "2025-12-31", true, false}, {"slam", "2026-01-01", false, false}, {"slam", "2027-12-31", false, false},
		{"slam", "2028-01-01", false, true}, {"maternity", "2026-06-01", true, false},
	} {
		err := p.Holds(c.dataset, day(c.day))
		var refusal *PolicyRefusal
		if errors.As(err, &refusal) != c.refused || p.Overdue(day(c.day)) != c.overdue {
			t.Errorf("%+v: %v, overdue %t", c, err, p.Overdue(day(c.day)))
		}
	}
}

func TestReadPolicy(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "policy.json")
	if _, err := ReadPolicy(path); err == nil {
		t.Error("a missing file was read")
	}
	if _, err := ReadPolicy(dir); err == nil {
		t.Error("a folder was read")
	}
	if err := os.WriteFile(path, mustRead(t, "policies/starter.json"), 0o600); err != nil {
		t.Fatal(err)
	}
	if p, err := ReadPolicy(path); err != nil || p.Digest != StarterPolicy().Digest {
		t.Errorf("%+v %v", p, err)
	}
}

// TestCodesForNothing: by dataset and the codes of a policy's only list.
func TestCodesForNothing(t *testing.T) {
	p := &Policy{LeaveOut: []LeftOut{{List: "own"}}}
	for _, c := range []struct {
		dataset, codes string
		want           int
	}{
		{"slam", "F20 F20.1 F20.X F201", 0}, {"slam", "F20 86406008 9Nu0. EMISNQ12", 0}, {"slam", "F20 F3 9Nu0", 2}, {"slam", "86406008 9Nu0.", 2},
		{"primary-care", "86406008 F20.1", 0}, {"primary-care", "F20.1 B20.2", 2}, {"maternity", "86406008 F3", 0},
	} {
		l := &List{}
		for _, code := range strings.Fields(c.codes) {
			l.Entries = append(l.Entries, Entry{Code: code})
		}
		if n, _ := p.Unmatched(c.dataset, Lists{"own": l}); n != c.want {
			t.Errorf("%s, %s: %d, want %d", c.dataset, c.codes, n, c.want)
		}
	}
	for _, dataset := range DatasetIDs() {
		if n, _ := StarterPolicy().Unmatched(dataset, StarterLists()); n != 0 {
			t.Errorf("the starter policy has %d codes for nothing in %s", n, dataset)
		}
	}
}
