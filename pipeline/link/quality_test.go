package link

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"datanet/linkage"
	"datanet/pipeline/hub"
	"datanet/pipeline/link/linktest"
	"datanet/schemas"
)

// A counted is one person of a dataset as the account should see them.
type counted struct {
	groups         map[string]string
	usable, linked bool
}

var ageBands = []struct {
	name string
	from int
}{{"75+", 75}, {"65-74", 65}, {"40-64", 40}, {"18-39", 18}, {"0-17", 0}}

// everybody reads the account's people off the population. Whoever has no usable number at two practices is two people there, as nobody can tell.
func everybody(p *linktest.Population, dataset, other string) (all []counted) {
	for _, person := range p.People {
		if !person.In[dataset] {
			continue
		}
		sites := []string{""}
		if dataset == "primary-care" {
			sites = slices.Sorted(slices.Values(person.Sites))
		}
		if person.Usable[dataset] {
			sites = sites[len(sites)-1:]
		}
		for _, site := range sites {
			c := counted{map[string]string{"sex": person.Sex[dataset], "site": site, "all": "all"}, person.Usable[dataset], false}
			c.linked = c.usable && person.In[other] && person.Usable[other]
			if c.groups["sex"] != "F" && c.groups["sex"] != "M" {
				c.groups["sex"] = "other"
			}
			years := 2026 - person.YearAt(dataset, site)
			for _, band := range ageBands {
				if years >= band.from {
					c.groups["age"] = band.name
					break
				}
			}
			all = append(all, c)
		}
	}
	return all
}

// accountOf makes the account anew, from the population, by the rules alone. The counts are plain Go's; the rules are the same.
func accountOf(all []counted, dimension string, values []string, whole bool) (groups []schemas.LinkGroup, released []schemas.NumberGroup) {
	var standings []standing
	var parts [][]int64
	var lack []linkage.Tally
	for _, value := range values {
		s := standing{value: value, whole: whole, tally: linkage.Tally{Of: make([]int64, 5), In: make([]int64, 5)}}
		n := linkage.Tally{Of: make([]int64, 5), In: make([]int64, 5)}
		for _, c := range all {
			if c.groups[dimension] != value {
				continue
			}
			age := slices.IndexFunc(ageBands, func(b struct {
				name string
				from int
			}) bool {
				return b.name == c.groups["age"]
			})
			n.Of[age]++
			if !c.usable {
				n.In[age]++
			}
			if c.usable || whole {
				s.tally.Of[age]++
				if !c.linked {
					s.tally.In[age]++
				}
			}
		}
		of, in := n.Total()
		if of == 0 {
			continue
		}
		if !whole {
			s.number = &schemas.NumberGroup{Value: value}
		}
		standings, parts, lack = append(standings, s), append(parts, []int64{of - in, in}), append(lack, n)
	}
	expected := linkage.Expected(lack)
	for i, show := range linkage.Showable(parts) {
		if show && !whole {
			usable, without, e := linkage.Round5(parts[i][0]), linkage.Round5(parts[i][1]), linkage.Round5(int64(expected[i]+0.5))
			standings[i].number.Usable, standings[i].number.Without, standings[i].number.Expected = &usable, &without, &e
		}
	}
	for i := range standings {
		s := standings[i]
		if whole {
			break // the release says nothing
		}
		released = append(released, *s.number)
	}
	return protected(standings), released
}

// TestAccountIsThePopulations: on three populations, with and without the column that says who has a number, each group's account is that of the population,
// counted person by person.
func TestAccountIsThePopulations(t *testing.T) {
	for i, without := range [][]string{nil, {"patients.linkable"}, nil} {
		w := linktest.New(t, linktest.NewPopulation(uint64(time.Now().UnixNano()), 500))
		t.Logf("seed %d", w.Population.Seed)
		id := w.Approve(both, without...)
		releaseAll(t, w, id, "")
		done := mustLink(t, options(w, id))
		shown := 0
		for _, q := range done.Quality {
			other := both[0]
			if q.Dataset == other {
				other = both[1]
			}
			all := everybody(w.Population, q.Dataset, other)
			whole := q.Dataset == both[0] && without != nil
			for _, d := range q.Dimensions {
				values := map[string][]string{"age": {"0-17", "18-39", "40-64", "65-74", "75+"}, "sex": {"F", "M", "other"}, "site": {"Z99001", "Z99002"}}[d.Dimension]
				if values == nil {
					continue // the population has none of it
				}
				want, _ := accountOf(all, d.Dimension, values, whole)
				if a, b := spelt(t, d.Groups), spelt(t, want); a != b {
					t.Errorf("%d: %s by %s:\n%s\nthe population has\n%s", i, q.Dataset, d.Dimension, a, b)
				}
				for _, g := range want {
					if g.Linked != nil {
						shown++
					}
				}
			}
		}
		if shown < 8 {
			t.Errorf("%d: only %d groups are shown", i, shown)
		}
		opened, err := hub.OpenLinked(done.Linked, done.Digest)
		if err != nil {
			t.Fatal(err)
		}
		if spelt(t, opened.Linked.Quality) != spelt(t, done.Quality) {
			t.Error("what stands is not what was said")
		}
		opened.Close()
	}
}

// TestUnequalNumbersAreFound: where men lack a number seven times as often as others (35 of 100, not 5), which is 2.3 times what everybody does, the account says so, and how much.
func TestUnequalNumbersAreFound(t *testing.T) {
	for seed := range uint64(3) {
		p := linktest.NewPopulation(seed, 4000)
		r := rand.New(rand.NewPCG(seed, 9))
		for _, person := range p.People {
			person.Usable["slam"] = r.Float64() >= map[string]float64{"M": 0.30}[person.Sex["slam"]]+0.05
		}
		w := linktest.New(t, p)
		id := w.Approve(both)
		releaseAll(t, w, id, "")
		done := mustLink(t, options(w, id))
		for _, q := range done.Quality {
			for _, d := range q.Dimensions {
				for _, g := range d.Groups {
					if q.Dataset != "slam" || d.Dimension != "sex" || g.Value == "other" {
						continue
					}
					switch n := g.NumberRatio; {
					case g.Value == "M" && (n == nil || n.Lower <= 1.4 || n.Upper >= 3.2 || n.Value < 1.8 || n.Value > 2.7):
						t.Errorf("seed %d, men: %s", seed, spelt(t, g))
					case g.Value == "F" && (n == nil || n.Upper >= 0.75):
						t.Errorf("seed %d, women: %s", seed, spelt(t, g))
					}
				}
			}
		}
	}
}

// An unknown is what a reader knows of a count: from where to where.
type unknown struct{ low, high int64 }

func (u *unknown) within(low, high int64) { u.low, u.high = max(u.low, low), min(u.high, high) }

// TestAccountResistsSubtraction: a reader of release.json and of the account, who knows the whole dataset's totals exactly, puts all of it together and
// narrows every count as far as it goes: no count of 1 to 7 is told to within fewer than 3.
func TestAccountResistsSubtraction(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 3))
	withheld := 0
	for round := range 3000 {
		whole := round%2 == 0
		groups := 2 + r.IntN(6)
		var all []counted
		var values []string
		for g := range groups {
			value := strconv.Itoa(g)
			values = append(values, value)
			none, lost := r.Float64()*0.4, r.Float64()
			for range 1 + r.IntN(60) {
				c := counted{groups: map[string]string{"site": value, "age": ageBands[r.IntN(5)].name}, usable: r.Float64() >= none}
				c.linked = c.usable && r.Float64() >= lost
				all = append(all, c)
			}
		}
		account, released := accountOf(all, "site", values, whole)
		withheld += attack(t, seed, all, values, account, released, whole)
		if t.Failed() {
			return
		}
	}
	if withheld < 3000 {
		t.Errorf("only %d small counts were withheld", withheld)
	}
}

// attack narrows by rows and columns until nothing changes: parts are linked, not found, without a number.
func attack(t *testing.T, seed uint64, all []counted, values []string, account []schemas.LinkGroup, released []schemas.NumberGroup, whole bool) (withheld int) {
	truth, know := make([][3]int64, len(values)), make([][3]unknown, len(values))
	var total [3]int64
	for _, c := range all {
		i, part := slices.Index(values, c.groups["site"]), 2
		if c.usable && c.linked {
			part = 0
		} else if c.usable {
			part = 1
		}
		truth[i][part]++
		total[part]++
	}
	for i := range know {
		said := []*int64{account[i].Linked, account[i].NotFound, account[i].Without}
		for p := range 3 {
			know[i][p] = unknown{0, total[p]}
			if said[p] != nil {
				know[i][p].within(*said[p]-2, *said[p]+2)
			}
		}
	}
	for range 50 {
		for p := range 3 {
			var low, high int64
			for i := range know {
				low, high = low+know[i][p].low, high+know[i][p].high
			}
			for i := range know {
				k := know[i][p]
				know[i][p].within(total[p]-(high-k.high), total[p]-(low-k.low))
			}
		}
		for i := range know {
			if n := account[i].NotLinked; n != nil { // both parts together: rounded once, or twice
				a, b := know[i][1], know[i][2]
				know[i][1].within(*n-4-b.high, *n+4-b.low)
				know[i][2].within(*n-4-a.high, *n+4-a.low)
			}
			if whole {
				continue
			}
			if n := released[i].Usable; n != nil { // linked and not found together, rounded
				a, b := know[i][0], know[i][1]
				know[i][0].within(*n-2-b.high, *n+2-b.low)
				know[i][1].within(*n-2-a.high, *n+2-a.low)
			}
		}
	}
	for i := range know {
		for p, k := range know[i] {
			if truth[i][p] < k.low || truth[i][p] > k.high {
				t.Fatalf("seed %d: the attack is wrong: %d is not %d to %d", seed, truth[i][p], k.low, k.high)
			}
			if n := truth[i][p]; n > 0 && n < 8 && len(values) > 1 {
				withheld++
				if k.high-k.low < 3 && slices.ContainsFunc(account, func(g schemas.LinkGroup) bool { return g.Linked != nil || g.Without != nil }) && !(k.low == 0 && k.high == total[p]) {
					t.Errorf("seed %d: %d is told as %d to %d: %v, %s", seed, n, k.low, k.high, truth, spelt(t, account))
				}
			}
		}
	}
	return withheld
}
