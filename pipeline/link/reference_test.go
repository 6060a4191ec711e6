package link

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"testing"

	"datanet/linkage"
	"datanet/pipeline/link/linktest"
	"datanet/schemas"
)

// A reference says in plain Go, from the people themselves and not from any
// file, what linking must find. Somebody is named by "p7" where a usable number
// stands behind their code, and otherwise by what only one dataset knows.
type reference struct {
	w      *linktest.World
	names  []string // datasets, the denominator first
	in     map[string]map[string]bool
	linked map[string]map[string]bool
}

// who is a person's name in a dataset, empty when they are not released.
func (f *reference) who(dataset, site string, p *linktest.Person) string {
	switch {
	case p.Usable[dataset]:
		return p.Token
	case dataset == f.names[0]:
		return dataset + " " + site + " " + p.Token
	}
	return ""
}

func newReference(w *linktest.World, names []string) *reference {
	f := &reference{w, names, map[string]map[string]bool{}, map[string]map[string]bool{}}
	for _, d := range names {
		f.in[d], f.linked[d] = map[string]bool{}, map[string]bool{}
		f.members(d, func(who string) { f.in[d][who] = true })
		delete(f.in[d], "")
	}
	for i, a := range names {
		for _, b := range names[i+1:] {
			for who := range f.in[a] {
				if f.in[b][who] {
					f.linked[a][who], f.linked[b][who] = true, true
				}
			}
		}
	}
	return f
}

func (f *reference) members(dataset string, add func(string)) {
	for _, p := range f.w.Population.People {
		if !p.In[dataset] {
			continue
		}
		for _, site := range sites(dataset, p) {
			add(f.who(dataset, site, p))
		}
		if dataset == "maternity" {
			for _, b := range p.Births {
				if b.Coded {
					add(b.Baby.Token)
				}
			}
		}
	}
}

func sites(dataset string, p *linktest.Person) []string {
	if dataset == "primary-care" {
		return p.Sites
	}
	return []string{""}
}

func (f *reference) kept(dataset, who string) bool {
	return who != "" && (f.linked[dataset][who] || dataset == f.names[0] && f.in[dataset][who])
}

func (f *reference) people() map[string]bool {
	all := maps.Clone(f.in[f.names[0]])
	for _, d := range f.names {
		maps.Copy(all, f.linked[d])
	}
	return all
}

type edge struct{ mother, baby, pregnancy string }

// edges are those that are used, and those of babies with two mothers.
func (f *reference) edges() (used, quarantined map[edge]bool) {
	used, quarantined = map[edge]bool{}, map[edge]bool{}
	if !slices.Contains(f.names, "maternity") {
		return used, quarantined
	}
	mothers := map[string]map[string]bool{}
	births := func(visit func(mother string, b linktest.Birth)) {
		for _, m := range f.w.Population.People {
			if mother := f.who("maternity", "", m); m.In["maternity"] && mother != "" {
				for _, b := range m.Births {
					if b.Coded {
						visit(mother, b)
					}
				}
			}
		}
	}
	births(func(mother string, b linktest.Birth) {
		if mothers[b.Baby.Token] == nil {
			mothers[b.Baby.Token] = map[string]bool{}
		}
		mothers[b.Baby.Token][mother] = true
	})
	births(func(mother string, b linktest.Birth) {
		if !f.kept("maternity", mother) || !f.kept("maternity", b.Baby.Token) {
			return
		}
		if e := (edge{mother, b.Baby.Token, b.Pregnancy}); len(mothers[e.baby]) > 1 {
			quarantined[e] = true
		} else {
			used[e] = true
		}
	})
	return used, quarantined
}

// signs counts people of whom two datasets say two things.
func (f *reference) signs() (years, sexes int64) {
	for _, p := range f.w.Population.People {
		year, sex, tellYear, tellSex := map[int]bool{}, map[string]bool{}, 0, 0
		for _, d := range f.names {
			if d == "maternity" || !p.In[d] || !p.Usable[d] || !f.linked[d][p.Token] {
				continue
			}
			tellYear++
			for _, site := range sites(d, p) {
				year[p.YearAt(d, site)] = true
			}
			if s := p.Sex[d]; s == "F" || s == "M" {
				tellSex++
				sex[s] = true
			}
		}
		if tellYear > 1 && len(year) > 1 {
			years++
		}
		if tellSex > 1 && len(sex) > 1 {
			sexes++
		}
	}
	return years, sexes
}

// rows counts what a table must hold: for each token of a row's person, and of
// its baby, and whether their codes are there, how many.
func (f *reference) rows(dataset, table string) map[string]int {
	want := map[string]int{}
	for _, p := range f.w.Population.People {
		if !p.In[dataset] {
			continue
		}
		person := f.kept(dataset, f.who(dataset, "", p))
		if table != "births" {
			continue // counted from the release: how many rows there are is drawn
		}
		for _, b := range p.Births {
			token, baby := "", false
			if b.Baby != nil {
				token, baby = b.Baby.Token, b.Coded && f.kept(dataset, b.Baby.Token)
			}
			if person || baby {
				want[fmt.Sprint(p.Token, " ", token, " ", person, " ", baby)]++
			}
		}
	}
	return want
}

func births(rows []linktest.Row) map[string]int {
	got := map[string]int{}
	for _, r := range rows {
		got[fmt.Sprint(r["method"], " ", r["outcome"], " ", r["person"] != "", " ", r["baby"] != "")]++
	}
	return got
}

// TestLinkedEqualsReference links random populations, under approvals with
// every dataset as the denominator, and compares with the reference.
func TestLinkedEqualsReference(t *testing.T) {
	for seed, names := range [][]string{{"primary-care", "slam"}, {"primary-care", "slam", "maternity"}, {"slam", "maternity", "primary-care"}, {"maternity", "slam"}, {"maternity", "primary-care", "slam"}, {"primary-care", "maternity"}} {
		t.Run(fmt.Sprint("seed ", seed, " ", names), func(t *testing.T) {
			w := linktest.New(t, linktest.NewPopulation(uint64(seed), 60+40*seed))
			id := w.Approve(names)
			dirs := releaseAll(t, w, id, "")
			released := map[string][]linktest.Row{}
			for i, d := range names {
				s, _ := schemas.DatasetByID(d)
				for _, table := range s.Tables {
					_, released[d+"/"+table.Name] = linktest.Read(t, filepath.Join(dirs[i], table.Name+".parquet"))
				}
			}
			done := mustLink(t, options(w, id))
			f := newReference(w, names)
			f.totals(t, done)
			f.tables(t, done, released)
			noStaging(t, w)
		})
	}
}

func (f *reference) totals(t *testing.T, done *Result) {
	t.Helper()
	if done.People != int64(len(f.people())) {
		t.Errorf("%d people, want %d", done.People, len(f.people()))
	}
	if len(done.Pairs) != len(f.names)*(len(f.names)-1)/2 {
		t.Errorf("%v", done.Pairs)
	}
	for i, a := range f.names {
		if p := done.Datasets[a]; p.People != int64(len(f.in[a])) || p.Linked != int64(len(f.linked[a])) || p.Linked == 0 || p.Linked == p.People {
			t.Errorf("%s: %+v, want %d and %d", a, p, len(f.in[a]), len(f.linked[a]))
		}
		for _, b := range f.names[i+1:] {
			both := 0
			for who := range f.in[a] {
				if f.in[b][who] {
					both++
				}
			}
			if done.Pairs[linkage.Pair{A: a, B: b}.String()] != int64(both) {
				t.Errorf("%s:%s: %v, want %d", a, b, done.Pairs, both)
			}
		}
	}
	used, quarantined := f.edges()
	mothers, babies := map[string]bool{}, map[string]bool{}
	for e := range used {
		mothers[e.mother], babies[e.baby] = true, true
	}
	if done.Edges != int64(len(used)) || done.Quarantined != int64(len(quarantined)) || done.Mothers != int64(len(mothers)) || done.Babies != int64(len(babies)) {
		t.Errorf("%+v, want %d edges, %d quarantined, %d mothers, %d babies", done, len(used), len(quarantined), len(mothers), len(babies))
	}
	years, sexes := f.signs()
	if want := (schemas.WrongLinks{TwoBirthYears: schemas.Round10(years), TwoSexes: schemas.Round10(sexes)}); done.Signs != want {
		t.Errorf("%+v, want %+v", done.Signs, want)
	}
}

// tables compares every row, by the tokens that it carries.
func (f *reference) tables(t *testing.T, done *Result, released map[string][]linktest.Row) {
	t.Helper()
	tokens := map[string]string{} // by code
	for _, d := range f.names {
		s, _ := schemas.DatasetByID(d)
		for _, table := range s.Tables {
			columns, rows := linktest.Read(t, filepath.Join(done.Linked, schemas.Underscored(d)+"_"+table.Name+".parquet"))
			if !slices.Equal(columns, table.ColumnNames()) {
				t.Errorf("%s %s: %v", d, table.Name, columns)
			}
			linktest.Codes(d, table.Name, rows, func(code, token string) {
				if tokens[code] != "" && tokens[code] != token {
					t.Errorf("%s and %s share a code", token, tokens[code])
				}
				tokens[code] = token
			})
			if table.Name == "births" {
				if got, want := births(rows), f.rows(d, table.Name); !maps.Equal(got, want) {
					t.Errorf("births: %v\nwant %v", got, want)
				}
				continue
			}
			f.stays(t, d, table.Name, rows, released[d+"/"+table.Name])
		}
	}
	f.index(t, done, tokens)
}

// stays: what was released of people who are kept, in the order in which it was
// released.
func (f *reference) stays(t *testing.T, dataset, table string, rows, released []linktest.Row) {
	t.Helper()
	kept := slices.DeleteFunc(slices.Clone(released), func(r linktest.Row) bool {
		return dataset != f.names[0] && !f.linked[dataset][r[linktest.TokenColumn(dataset, table)]]
	})
	if !slices.EqualFunc(rows, kept, func(a, b linktest.Row) bool { return maps.Equal(a, b) }) {
		t.Errorf("%s %s: %d rows, want %d, or others", dataset, table, len(rows), len(kept))
	}
}

// index compares people and edges.
func (f *reference) index(t *testing.T, done *Result, tokens map[string]string) {
	t.Helper()
	_, people := linktest.Read(t, filepath.Join(done.Linked, "people.parquet"))
	got, want := map[string]int{}, map[string]int{}
	for _, r := range people {
		line := ""
		for _, d := range f.names {
			line += " " + r[schemas.InColumn(d)]
		}
		got[tokens[r["person"]]+line]++
	}
	for who := range f.people() {
		line := ""
		for _, d := range f.names {
			line += fmt.Sprint(" ", f.kept(d, who))
		}
		want[who[max(0, lastSpace(who)):]+line]++
	}
	if !maps.Equal(got, want) {
		t.Errorf("people: %v\nwant %v", got, want)
	}
	if !slices.Contains(f.names, "maternity") {
		return
	}
	_, edges := linktest.Read(t, filepath.Join(done.Linked, "edges.parquet"))
	used, _ := f.edges()
	found, pregnancies := map[[2]string]int{}, map[string]map[string]bool{}
	for _, e := range edges {
		found[[2]string{tokens[e["mother"]], tokens[e["baby"]]}]++
		if pregnancies[e["pregnancy"]] == nil {
			pregnancies[e["pregnancy"]] = map[string]bool{}
		}
		pregnancies[e["pregnancy"]][e["mother"]] = true
	}
	expected := map[[2]string]int{}
	for e := range used {
		expected[[2]string{e.mother[max(0, lastSpace(e.mother)):], e.baby}]++
	}
	if !maps.Equal(found, expected) {
		t.Errorf("edges: %v\nwant %v", found, expected)
	}
	for p, mothers := range pregnancies {
		if p == "" || len(mothers) != 1 {
			t.Errorf("a pregnancy of %d mothers", len(mothers))
		}
	}
}

// lastSpace is where the token of a name begins.
func lastSpace(who string) int {
	for i := len(who) - 1; i >= 0; i-- {
		if who[i] == ' ' {
			return i + 1
		}
	}
	return 0
}
