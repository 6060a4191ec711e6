package synth

import (
	"fmt"
	"path/filepath"
	"sort"

	"datanet/schemas"
)

// A borough is the geography: wards, areas and the postcodes made up for them.
type borough struct {
	wards      []ward
	areas      []schemas.LSOA
	areasIn    [][]int // areas by ward
	areaChoice [][]choice
	wardChoice choice
}

type ward struct {
	code string
	walk int // place in an order in which neighbours are near each other
}

// A home is where a registration says that its patient lives: an index into
// the borough's areas, or one of the kinds below.
type home struct {
	area     int16
	postcode uint8
}

const (
	outside int16 = -1 - iota
	noFixedAbode
	noPostcode
	unmatchedPostcode
)

const (
	postcodesPerArea = 6  // live ones; one more is terminated
	neighbours       = 12 // areas outside the borough
)

func newBorough(categories []category) *borough {
	b := &borough{areas: schemas.LSOAs()}
	population := readTable("ward-population.csv")
	var people []float64
	for _, w := range schemas.Wards() {
		row := population.find(w.Code)
		b.wards = append(b.wards, ward{w.Code, population.whole(row, "walk")})
		people = append(people, population.number(row, "people"))
		b.areasIn = append(b.areasIn, nil)
	}
	b.wardChoice = choiceOf(people)
	for i, a := range b.areas {
		w := b.wardIndex(a.Ward)
		b.areasIn[w] = append(b.areasIn[w], i)
	}
	for w := range b.wards {
		b.areaChoice = append(b.areaChoice, b.areaChoices(w, categories))
	}
	return b
}

func (b *borough) wardIndex(code string) int {
	return sort.Search(len(b.wards), func(i int) bool { return b.wards[i].code >= code })
}

// areaChoices are the chances of a ward's areas for each ethnic category.
// Areas differ in size by up to a fifth, by a fixed rule.
func (b *borough) areaChoices(w int, categories []category) []choice {
	var choices []choice
	for _, c := range categories {
		var weights []float64
		for _, a := range b.areasIn[w] {
			weight := float64(80 + a*37%41)
			for d := b.areas[a].IMDDecile; d < 10; d++ {
				weight *= c.tilt
			}
			weights = append(weights, weight)
		}
		choices = append(choices, choiceOf(weights))
	}
	return choices
}

// area draws an area of the ward for somebody of the category.
func (b *borough) area(s *stream, w, category int) int16 {
	return int16(b.areasIn[w][b.areaChoice[w][category].pick(s)])
}

// decile is the deprivation that acts on a home's people: the area's, the most
// deprived for people without a home, 0 where it is not known.
func (b *borough) decile(h home) int {
	switch {
	case h.area >= 0:
		return b.areas[h.area].IMDDecile
	case h.area == noFixedAbode:
		return 1
	}
	return 0
}

// wardWord is the ward's code, or the word that stands for having none.
func (b *borough) wardWord(h home) string {
	switch h.area {
	case outside:
		return schemas.OutsideBorough
	case noFixedAbode:
		return schemas.NoFixedAbode
	case noPostcode, unmatchedPostcode:
		return schemas.UnknownArea
	}
	return b.areas[h.area].Ward
}

// postcodeText is the home's, in the usual form with one space. The outward areas
// XL, XN and XZ do not exist: XL is the borough, XN its neighbours, and XZ is in
// no lookup.
func (h home) postcodeText() string {
	switch h.area {
	case outside:
		return postcodeOf("XN", int(h.postcode)/postcodesPerArea, int(h.postcode)%postcodesPerArea)
	case noFixedAbode:
		return "ZZ99 3VZ"
	case noPostcode:
		return ""
	case unmatchedPostcode:
		return postcodeOf("XZ", int(h.postcode), 0)
	}
	return postcodeOf("XL", int(h.area), int(h.postcode))
}

// postcodeOf is the n-th postcode of an area; twenty areas share a district.
func postcodeOf(outward string, area, n int) string {
	const letters = "ABDEFGHJLNPQRSTUWXYZ" // those that inward codes use
	k := area%20*(postcodesPerArea+1) + n
	return fmt.Sprintf("%s%d %d%c%c", outward, 1+area/20, 1+k%9, letters[k/9], letters[k*7%20])
}

// A lookupRow is one postcode as the national lookup lists it.
type lookupRow struct{ pcds, terminated, area, authority string }

// lookup lists every postcode of the borough and its neighbours. Each area of
// the borough has one that was terminated and still locates its people.
func (b *borough) lookup() []lookupRow {
	var rows []lookupRow
	for i, a := range b.areas {
		for n := range postcodesPerArea + 1 {
			row := lookupRow{postcodeOf("XL", i, n), "", a.Code, lambeth}
			if n == postcodesPerArea {
				row.terminated = "201906"
			}
			rows = append(rows, row)
		}
	}
	for i := range neighbours {
		for n := range postcodesPerArea {
			rows = append(rows, lookupRow{postcodeOf("XN", i, n), "",
				fmt.Sprintf("E0199%04d", i+1), fmt.Sprintf("E0999000%d", 1+i%3)})
		}
	}
	return rows
}

// writeLookup writes the lookup as a folder's postcodes.csv.
func (b *borough) writeLookup(dir string) error {
	s, err := createSheet(filepath.Join(dir, "postcodes.csv"), []string{"pcds", "doterm", "lsoa21cd", "oslaua"}, false)
	if err != nil {
		return err
	}
	for _, row := range b.lookup() {
		s.text(row.pcds)
		s.text(row.terminated)
		s.text(row.area)
		s.text(row.authority)
		s.end()
	}
	return s.close()
}

const lambeth = "E09000022"
