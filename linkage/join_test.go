package linkage

import (
	"io/fs"
	"maps"
	"strings"
	"testing"
)

func joinable(pairs ...Pair) *Approval {
	return &Approval{Datasets: []Scope{
		{"primary-care", []Column{{"patients", "person"}, {"patients", "birth_year"}, {"patients", "sex"}}},
		{"slam", []Column{{"patients", "person"}, {"patients", "gender"}, {"spells", "person"}, {"spells", "end"}}},
		{"maternity", []Column{{"births", "person"}, {"births", "baby"}, {"births", "pregnancy"}}},
	}, Pairs: pairs, Denominator: "primary-care"}
}

func sourceName(dataset, table string) string { return "[" + dataset + "/" + table + "]" }

// TestJoinReads: what was approved and nothing else, each released table by its source.
func TestJoinReads(t *testing.T) {
	j, err := NewJoin(joinable(Pair{"primary-care", "slam"}), sourceName)
	if err != nil {
		t.Fatal(err)
	}
	text := map[string]string{}
	for _, s := range j.Steps() {
		text[s.Name] = s.SQL
	}
	for _, r := range j.Tables() {
		text[r.Dataset+" "+r.Table.Name] = r.Query
		if r.Whole != (r.Dataset == "primary-care") || r.Whole != (r.Query == "") {
			t.Errorf("%+v", r)
		}
	}
	for name, want := range map[string]string{
		"reading members":  "SELECT NULL::UUID AS person, 0::BIGINT AS dataset WHERE false UNION ALL SELECT \"person\", 1::BIGINT FROM [primary-care/patients] UNION ALL SELECT \"person\", 2::BIGINT FROM [slam/patients] UNION ALL SELECT \"person\", 4::BIGINT FROM [maternity/births] UNION ALL SELECT \"baby\", 4::BIGINT FROM [maternity/births]",
		"naming the pairs": "SELECT 0::BIGINT AS both_bits WHERE false UNION ALL SELECT 3::BIGINT",
		"reading traits":   "SELECT \"person\", 1::BIGINT, \"birth_year\", \"sex\" FROM [primary-care/patients] UNION ALL SELECT \"person\", 2::BIGINT, NULL::SMALLINT, \"gender\" FROM [slam/patients]",
		"reading families": "SELECT \"person\", \"baby\", \"pregnancy\", 4::BIGINT FROM [maternity/births]",
		"slam spells":      "SELECT t.\"person\", t.\"end\" FROM [slam/spells] t SEMI JOIN (SELECT person FROM person WHERE (kept & 2) <> 0) k ON k.person = t.\"person\" ORDER BY t.file_row_number",
		"maternity births": "SELECT k0.person AS \"person\", k1.person AS \"baby\", t.\"pregnancy\" FROM [maternity/births] t",
	} {
		if !strings.Contains(text[name], want) {
			t.Errorf("%s:\n%s\nwant\n%s", name, text[name], want)
		}
	}
	edges, query := j.Edges()
	if edges == nil || !strings.Contains(query, "mother, baby, pregnancy FROM edge WHERE NOT quarantined") {
		t.Error(query)
	}
	if people, query := j.People(); people.Signature() != "person UUID, in_primary_care BOOLEAN, in_slam BOOLEAN, in_maternity BOOLEAN" || !strings.HasSuffix(query, "ORDER BY person") {
		t.Error(query)
	}
}

// TestJoinTakesKnownNamesOnly: nothing that is not the schema's becomes SQL.
func TestJoinTakesKnownNamesOnly(t *testing.T) {
	for name, spoil := range map[string]func(*Approval){
		"dataset": func(a *Approval) { a.Datasets[0].Dataset = "x; DROP TABLE member" },
		"table":   func(a *Approval) { a.Datasets[0].Columns[1].Table = "patients, other" },
		"column":  func(a *Approval) { a.Datasets[0].Columns[1].Name = `sex" FROM other --` },
	} {
		a := joinable()
		spoil(a)
		if j, err := NewJoin(a, sourceName); err == nil || j != nil {
			t.Errorf("%s: made a join", name)
		}
	}
	a := joinable()
	a.Datasets[2].Columns = []Column{{"births", "person"}}
	j, err := NewJoin(a, sourceName)
	if err != nil {
		t.Fatal(err)
	}
	if edges, query := j.Edges(); edges != nil || query != "" {
		t.Error("edges without babies")
	}
}

// TestJoinCounts sums a small table by hand.
func TestJoinCounts(t *testing.T) {
	j, err := NewJoin(joinable(Pair{"primary-care", "slam"}, Pair{"primary-care", "maternity"}), sourceName)
	if err != nil {
		t.Fatal(err)
	}
	people, pairs, in, linked := j.Counts([]Meeting{
		{Datasets: 1, Kept: 1, People: 100},           // primary care alone
		{Datasets: 2, People: 20},                     // the trust alone: not kept
		{Datasets: 3, Linked: 3, Kept: 3, People: 30}, // in both
		{Datasets: 6, People: 7},                      // the trust and maternity: no approved pair
		{Datasets: 7, Linked: 7, Kept: 7, People: 4},
	})
	if people != 134 || !maps.Equal(pairs, map[string]int64{"primary-care:slam": 34, "primary-care:maternity": 4}) ||
		!maps.Equal(in, map[string]int64{"primary-care": 134, "slam": 61, "maternity": 11}) || !maps.Equal(linked, map[string]int64{"primary-care": 34, "slam": 34, "maternity": 4}) {
		t.Error(people, pairs, in, linked)
	}
}

// TestJoinFilesHaveHeads: each says what it reads, writes, what a row is, and why.
func TestJoinFilesHaveHeads(t *testing.T) {
	files, err := fs.Glob(joinFiles, "join/*.sql")
	if err != nil || len(files) != 5 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		text, err := fs.ReadFile(joinFiles, name)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(string(text), "\n")
		for i, head := range []string{"-- reads:  ", "-- writes: ", "-- grain:  ", "-- why:    "} {
			if !strings.HasPrefix(lines[i], head) {
				t.Errorf("%s: line %d does not begin with %q", name, i+1, head)
			}
		}
	}
}
