package synth

import (
	"strings"

	"datanet/schemas"
)

// A code is a row of EMIS's own coding table: clinical entries name it by id.
type code struct {
	id                  int
	concept, read, term string
	category            string
}

// A codebook holds every code that the borough's records use, from the
// vocabulary's code lists.
type codebook struct {
	codes []code
	lists map[string][]int16
	by    map[[2]string][]int16 // list and category
	found map[string]int16      // by concept or Read code
}

// measurementLists are the lists of measured values, in the order of the
// constants in history.go.
var measurementLists = []string{"systolic-blood-pressure", "diastolic-blood-pressure", "body-mass-index", "hba1c", "cholesterol"}

var backgroundLists = []string{"language", "country-of-birth", "religion"}

func newCodebook(risks []risk) *codebook {
	b := &codebook{lists: map[string][]int16{}, by: map[[2]string][]int16{}, found: map[string]int16{}}
	for _, r := range risks {
		b.add(r.name)
		if resolvable(r.name) {
			b.add(r.name + "-resolved")
		}
	}
	for _, name := range measurementLists {
		b.add(name)
	}
	for _, name := range backgroundLists {
		b.add(name)
	}
	b.add("ethnicity")
	b.add("type-1-opt-out")
	b.add("identifiers")
	return b
}

func (b *codebook) add(name string) {
	list, err := schemas.CodeList(name)
	if err != nil {
		panic("synth: " + err.Error())
	}
	for _, e := range list.Entries {
		if strings.Contains(e.Term, "(CTV3)") {
			continue // another system's
		}
		i, key := b.code(e), [2]string{name, e.Category}
		b.lists[name] = append(b.lists[name], i)
		b.by[key] = append(b.by[key], i)
	}
}

// code is the entry's index; a concept that two lists share is one code.
func (b *codebook) code(e schemas.Entry) int16 {
	if i, ok := b.found[e.Code]; ok {
		return i
	}
	i := int16(len(b.codes))
	c := code{id: 285_000 + 137*int(i), term: e.Term, category: e.Category}
	if strings.Trim(e.Code, "0123456789") == "" {
		c.concept = e.Code
	} else {
		c.read = e.Code
	}
	b.codes = append(b.codes, c)
	b.found[e.Code] = i
	return i
}

// in lists the codes of a list that have the category.
func (b *codebook) in(list, category string) []int16 {
	found := b.by[[2]string{list, category}]
	if len(found) == 0 {
		panic("synth: no code of " + list + " for " + category)
	}
	return found
}
