package linkage

import (
	"regexp"
	"strings"
	"testing"
)

// standing is a request that every Guardian has signed.
func standing(a *Approval) *Decision {
	d := &Decision{Approval: a, Signatures: map[string]Answer{}}
	for _, name := range a.Names() {
		d.Signatures[name] = Answer{Dataset: name}
	}
	return d
}

// The input names a request's datasets, and the other, approved, requests that stand beside it. A line of the output that holds a point
// alone is an empty one. How others stand that are not approved is shown by decisions.txt.
func TestPlainTable(t *testing.T) {
	table(t, "testdata/plain.txt", func(t *testing.T, input string) string {
		var requests []*Decision
		for line := range strings.Lines(input) {
			words, with := options(strings.Fields(line))
			a := wish(strings.Split(words[1], ",")...)
			a.ID, a.Disclosure, a.Hub, a.Seen = words[0], "lattice", testHub, Seen{Size: 1}
			if users, ok := with["users"]; ok {
				a.Users = strings.Split(users, ",")
			}
			for field, into := range map[string]*string{"supersedes": &a.Supersedes, "from": &a.From, "until": &a.Until, "review": &a.Review} {
				if with[field] != "" {
					*into = with[field]
				}
			}
			for _, name := range strings.FieldsFunc(with["columns"], func(r rune) bool { return r == ',' }) {
				table, column, _ := strings.Cut(name, ".")
				a.Datasets[0].Columns = append(a.Datasets[0].Columns, Column{table, column})
			}
			a.complete()
			if err := a.wellFormed(); err != nil {
				t.Fatal(err)
			}
			requests = append(requests, standing(&a))
		}
		plain := requests[0].Approval.Plain(requests, morning)
		for line := range strings.Lines(plain) {
			if len([]rune(line)) > 81 {
				t.Errorf("a line of %d characters", len([]rune(line))-1)
			}
		}
		return strings.ReplaceAll(plain, "\n\n", "\n.\n")
	})
}

// What Guardians read does not use the words of developers.
func TestPlainWords(t *testing.T) {
	never := regexp.MustCompile(`(?i)\b(lattice|node|view|ledger|head|tombstone|hpke|merkle|hash|sha|json|parquet)s?\b`)
	all := []*Decision{}
	for _, datasets := range [][]string{{"slam"}, {"primary-care", "slam", "maternity"}, {"primary-care", "maternity"}} {
		a := wish(datasets...)
		for i, scope := range a.Datasets {
			a.Datasets[i].Columns = everyColumn(t, scope.Dataset)
		}
		a.ID, a.Disclosure = "2026-00"+string(rune('1'+len(all))), "lattice"
		a.complete()
		all = append(all, standing(&a))
		all[len(all)-1].published = []string{"2026-11-05"}
	}
	all = append(all, standing(all[0].Approval.clone()), standing(all[1].Approval.clone()))
	all[3].Approval.ID, all[3].Signatures = "2026-004", nil
	all[4].Approval.ID, all[4].Revocations, all[4].published = "2026-005", []Answer{{}}, []string{"2026-11-05"}
	for _, d := range all {
		a, plain := d.Approval, d.Approval.Plain(all, morning)
		if word := never.FindString(plain); word != "" {
			t.Errorf("it says %q", word)
		}
		for _, must := range []string{a.Title, a.Summary, a.Purpose, a.LegalBasis, a.DPIA, "Jane Doe", a.From, a.Until, a.Review, "at most 92 days"} {
			if !strings.Contains(strings.Join(strings.Fields(plain), " "), must) {
				t.Errorf("it does not say %q", must)
			}
		}
		for _, scope := range a.Datasets {
			for _, c := range scope.Columns {
				if !strings.Contains(plain, "\n    "+c.Name+": ") {
					t.Errorf("it does not name the column %s of %s", c.Name, c.Table)
				}
			}
		}
		if strings.Contains(plain, "does not know") {
			t.Error("a column of the vocabulary has no words")
		}
	}
}
