package pages

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"datanet/linkage"
)

// constants are the values of the room linkage's constants whose names begin with a prefix, read from its sources: one that is added there is
// found here.
func constants(t *testing.T, prefix string) []string {
	t.Helper()
	sources, err := filepath.Glob("../*.go")
	if err != nil || len(sources) == 0 {
		t.Fatal("the room linkage is not found")
	}
	var values []string
	for _, name := range sources {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Values) != 1 || !regexp.MustCompile("^"+prefix+"[A-Z]").MatchString(spec.Names[0].Name) {
				return true
			}
			if literal, ok := spec.Values[0].(*ast.BasicLit); ok && literal.Kind == token.STRING {
				value, err := strconv.Unquote(literal.Value)
				if err != nil {
					t.Fatal(err)
				}
				values = append(values, value)
			}
			return true
		})
	}
	slices.Sort(values)
	return values
}

func sorted[K ~string](words map[K]string) []string {
	var keys []string
	for _, key := range slices.Sorted(maps.Keys(words)) {
		keys = append(keys, string(key))
	}
	return keys
}

func TestEveryWordOfTheRecordHasWords(t *testing.T) {
	for prefix, has := range map[string][]string{"Check": sorted(checks), "Action": sorted(actions), "Status": sorted(statusWords)} {
		want := constants(t, prefix)
		if len(want) < 4 || !slices.Equal(has, want) {
			t.Errorf("%s…: there are words for %q, and the room linkage has %q", prefix, has, want)
		}
	}
	source, err := os.ReadFile("../project.go")
	if err != nil {
		t.Fatal(err)
	}
	reasons := regexp.MustCompile(`why += regexp.MustCompile\(.\^\(([a-z|-]+)\)\$.\)`).FindSubmatch(source)
	if reasons == nil {
		t.Fatal("the reasons of removals are not found")
	}
	want := strings.Split(string(reasons[1]), "|")
	slices.Sort(want)
	if has := sorted(removals); !slices.Equal(has, want) {
		t.Errorf("there are words for removals that are %q, and there are %q", has, want)
	}
}

func sampleWords() map[string]string {
	said := map[string]string{}
	add := func(kind string, e entry) {
		said[kind] += e.What + " | " + strings.Join([]string{e.Approval, strings.Join(e.Datasets, " "), e.Outcome, e.Reason, e.Check, e.Detail}, ",") + "\n"
	}
	add("hub", wordsOf(linkage.HubRecord{Name: "Lambeth"}))
	add("policy", wordsOf(linkage.PolicyRecord{Policy: "lattice", Datasets: []string{"primary-care"}}))
	add("policy", wordsOf(linkage.PolicyRecord{Policy: "lattice"}))
	add("trust", wordsOf(linkage.TrustRecord{Dataset: "slam", Guardian: "g+1+2", Custodian: "custodian:v1:slam:c+1+2:x:y", Sites: map[string]string{"Z9S01": "s+1+2"}}))
	add("trust", wordsOf(linkage.TrustRecord{Dataset: "slam", Deputy: &linkage.Deputy{Key: "d+1+2", Until: "2027-01-31"}}))
	add("trust", wordsOf(linkage.TrustRecord{Dataset: "slam", NoDeputy: "d+1+2"}))
	add("load", wordsOf(linkage.LoadRecord{Dataset: "slam", Site: "Z9S01", Sequence: 3, AsAt: "2026-10-31", Persons: 1234560, Withdrew: true}))
	add("departure", wordsOf(linkage.DepartureRecord{Dataset: "slam", Site: "Z9S01", Note: "datanet/v1/departure\ndataset slam\nreason The team has closed.\n\n— custodian/slam abc\n"}))
	add("rewrap", wordsOf(linkage.RewrapRecord{Dataset: "slam", Custodian: "custodian:v1:slam:c+1+2:x:y"}))
	add("publication", wordsOf(linkage.PublicationRecord{Publication: "p", AsAt: "2026-10-31", States: map[string]string{"slam": "", "primary-care": ""}, Approval: "2026-001"}))
	add("publication", wordsOf(linkage.PublicationRecord{Publication: "p", AsAt: "2026-10-31", States: map[string]string{"primary-care": ""}}))
	add("approval", wordsOf(linkage.ApprovalRecord{Approval: "2026-001"}))
	add("signature", wordsOf(linkage.SignatureRecord{Approval: "2026-001", Dataset: "slam"}))
	add("refusal", wordsOf(linkage.RefusalRecord{Approval: "2026-001", Dataset: "slam"}))
	add("revocation", wordsOf(linkage.RevocationRecord{Approval: "2026-001", Dataset: "slam"}))
	add("projectkey", wordsOf(linkage.ProjectKeyRecord{Approval: "2026-001", Sealed: map[string]string{"slam": "", "primary-care": ""}}))
	add("release", wordsOf(linkage.ReleaseRecord{Approval: "2026-001", Dataset: "slam", AsAt: "2026-10-31", Persons: 120}))
	add("link", wordsOf(linkage.LinkRecord{Approval: "2026-001", Releases: map[string]string{"slam": "", "primary-care": ""}, People: 120}))
	add("denied", wordsOf(linkage.DeniedRecord{Approval: "2026-001", Action: linkage.ActionRelease, Dataset: "slam", Check: linkage.CheckRevoked}))
	add("denied", wordsOf(linkage.DeniedRecord{Action: linkage.ActionQuery, Check: linkage.CheckUnknown}))
	for _, what := range [][2]string{{"release", "slam"}, {"linked", ""}, {"publication", "p"}} {
		add("removal", wordsOf(linkage.RemovalRecord{Approval: "2026-001", What: what[0], Name: what[1], Reason: "expired"}))
	}
	return said
}

// Every kind of record has words of its own. The kinds are read from the sources, so that a new one fails here.
func TestEveryKindHasWords(t *testing.T) {
	said := sampleWords()
	if has, want := slices.Sorted(maps.Keys(said)), constants(t, "Kind"); !slices.Equal(has, want) {
		t.Errorf("there are words for %q, and the room linkage has %q", has, want)
	}
	var all strings.Builder
	for _, kind := range slices.Sorted(maps.Keys(said)) {
		if strings.Contains(said[kind], "no words for") || strings.Contains(said[kind], ",,,,,") {
			t.Errorf("%s: %s", kind, said[kind])
		}
		all.WriteString(kind + "\n" + said[kind] + "\n")
	}
	if *update {
		if err := os.WriteFile("testdata/words.txt", []byte(all.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/words.txt")
	if err != nil || string(want) != all.String() {
		t.Errorf("the words are not as kept (%v); they read\n%s", err, all.String())
	}
}
