package linktest

import (
	"fmt"
	"math/rand/v2"
	"strconv"

	"datanet/pseudonym"
	"datanet/schemas"
)

// A Person is one real person. What each dataset has of them is told apart.
type Person struct {
	Token  string
	In     map[string]bool // datasets with a row of their own; of maternity, as a mother
	Usable map[string]bool // datasets that have a usable number of theirs
	Sites  []string        // practices
	Year   map[string]int  // of birth, as each dataset has it
	Sex    map[string]string
	Later  int // by how many years the second practice has them younger
	Births []Birth

	number pseudonym.NHSNumber
}

// YearAt is the year of birth that a site has.
func (p *Person) YearAt(dataset, site string) int {
	if site == practices[1] {
		return p.Year[dataset] + p.Later
	}
	return p.Year[dataset]
}

// A Birth is a baby, of whom Baby may say who it is.
type Birth struct {
	Pregnancy string
	Baby      *Person // nil: not known to anybody by number
	Coded     bool    // maternity has the baby's number
}

// A Population is who lives in a world.
type Population struct {
	Seed   uint64
	People []*Person
}

var practices = []string{"Z99001", "Z99002"}

func (p *Population) sites(dataset string) []string {
	return map[string][]string{"primary-care": practices, "slam": {"Z9S01"}, "maternity": {"Z9M01"}}[dataset]
}

// NewPopulation draws n people, of whom some are mothers and babies, some have
// two babies at once, some lack a number somewhere, and a few are recorded
// wrongly: another year, another sex, a baby under two mothers.
func NewPopulation(seed uint64, n int) *Population {
	r := rand.New(rand.NewPCG(seed, 1))
	p := &Population{Seed: seed}
	number := numbers()
	for i := range n {
		p.People = append(p.People, newPerson(r, i, number()))
	}
	babies := p.People[:n/5]
	for _, m := range p.People[n/5:] {
		if m.In["maternity"] {
			babies = m.give(r, babies)
		}
	}
	p.confuse(r)
	return p
}

func newPerson(r *rand.Rand, i int, number pseudonym.NHSNumber) *Person {
	p := &Person{Token: "p" + strconv.Itoa(i), In: map[string]bool{}, Usable: map[string]bool{}, Year: map[string]int{}, Sex: map[string]string{}, number: number}
	share := map[string]float64{"primary-care": 0.8, "slam": 0.4, "maternity": 0.3}
	year, sex := 1940+r.IntN(80), []string{"F", "M", "U"}[r.IntN(3)]
	for _, d := range Datasets {
		p.In[d], p.Usable[d] = r.Float64() < share[d], r.Float64() < 0.85
		p.Year[d], p.Sex[d] = year, sex
		if r.Float64() < 0.1 {
			p.Year[d]++
		}
		if r.Float64() < 0.1 {
			p.Sex[d] = []string{"F", "M", "I"}[r.IntN(3)]
		}
	}
	p.Later = r.IntN(2)
	for _, site := range practices {
		if r.IntN(4) > 0 {
			p.Sites = append(p.Sites, site)
		}
	}
	if len(p.Sites) == 0 {
		p.Sites = practices[:1]
	}
	return p
}

// give lets a mother have babies, twins among them, and returns who is left.
func (m *Person) give(r *rand.Rand, babies []*Person) []*Person {
	for pregnancy := range 1 + r.IntN(2) {
		for range 1 + r.IntN(2) {
			b := Birth{Pregnancy: fmt.Sprintf("%s/%d", m.Token, pregnancy)}
			if len(babies) > 0 && r.Float64() < 0.8 {
				b.Baby, babies = babies[0], babies[1:]
				b.Baby.In["maternity"] = false // it is in the dataset as a baby
				b.Coded = r.Float64() < 0.7
			}
			m.Births = append(m.Births, b)
		}
	}
	return babies
}

// confuse records some babies under another mother too.
func (p *Population) confuse(r *rand.Rand) {
	var mothers []*Person
	for _, m := range p.People {
		if len(m.Births) > 0 {
			mothers = append(mothers, m)
		}
	}
	for i, m := range mothers {
		if other := mothers[(i+1)%len(mothers)]; r.Float64() < 0.15 && other != m && m.Births[0].Coded {
			other.Births = append(other.Births, Birth{Pregnancy: other.Token + "/x", Baby: m.Births[0].Baby, Coded: true})
		}
	}
}

// numbers gives test numbers whose check digit holds, each once.
func numbers() func() pseudonym.NHSNumber {
	next := -1
	return func() pseudonym.NHSNumber {
		for { // one in eleven has no check digit
			next++
			for digit := range 10 {
				if n, problem := pseudonym.ParseNHSNumber(fmt.Appendf(nil, "999%06d%d", next, digit), pseudonym.Test); problem == pseudonym.OK {
					return n
				}
			}
		}
	}
}

// rows are a site's rows of a table. Texts only; the file's writer casts them.
func (p *Population) rows(dataset, site string, t *schemas.Table, code coding) (rows [][]any) {
	r := rand.New(rand.NewPCG(p.Seed, uint64(len(dataset)+len(t.Name))))
	for _, person := range p.People {
		if !person.In[dataset] || dataset == "primary-care" && !contains(person.Sites, site) {
			continue
		}
		own := code(person.Token, person.number, person.Usable[dataset])
		row := map[string]any{"person": own, "linkable": strconv.FormatBool(person.Usable[dataset]), "site": site,
			"birth_year": strconv.Itoa(person.YearAt(dataset, site)), "sex": person.Sex[dataset], "gender": person.Sex[dataset],
			TokenColumn(dataset, t.Name): person.Token}
		if dataset == "maternity" {
			rows = append(rows, person.maternity(row, t, code)...)
			continue
		}
		n := 1
		if t.Name != "patients" {
			n = r.IntN(4)
		}
		for range n {
			rows = append(rows, values(t, row))
		}
	}
	return rows
}

func (m *Person) maternity(row map[string]any, t *schemas.Table, code coding) (rows [][]any) {
	seen := map[string]bool{}
	for _, b := range m.Births {
		row["pregnancy"] = code("pregnancy "+b.Pregnancy, pseudonym.NHSNumber{}, false)
		if t.Name == "pregnancies" {
			if !seen[b.Pregnancy] {
				rows = append(rows, values(t, row))
			}
			seen[b.Pregnancy] = true
			continue
		}
		row["baby"], row["outcome"] = nil, ""
		if b.Baby != nil {
			row["outcome"] = b.Baby.Token
		}
		if b.Coded {
			row["baby"] = code("", b.Baby.number, true)
		}
		rows = append(rows, values(t, row))
	}
	if len(m.Births) == 0 && t.Name == "pregnancies" { // booked, not yet delivered
		row["pregnancy"] = code("pregnancy "+m.Token, pseudonym.NHSNumber{}, false)
		rows = append(rows, values(t, row))
	}
	return rows
}

func values(t *schemas.Table, row map[string]any) []any {
	list := make([]any, len(t.Columns))
	for i, c := range t.Columns {
		list[i] = row[c.Name]
	}
	return list
}

// TokenColumn is the column in which a table names its row's person in plain
// sight. Births name the baby too, in the column outcome.
func TokenColumn(dataset, table string) string {
	return map[string]string{
		"primary-care/patients": "religion", "primary-care/observations": "concept", "primary-care/medications": "concept",
		"slam/patients": "lsoa", "slam/referrals": "team_type", "slam/diagnoses": "icd10", "slam/contacts": "team_type", "slam/spells": "mha_status",
		"maternity/pregnancies": "smoking", "maternity/births": "method",
	}[dataset+"/"+table]
}
