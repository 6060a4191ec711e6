package linkage

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"

	"datanet/schemas"
)

// A Grouping is a dimension by which linking is accounted for, as far as a table's approved columns allow it: its groups, and the SQL
// that gives a row's, counted from 0.
type Grouping struct {
	Dimension string
	Values    []string

	sql   string
	shift int
	mask  int64
}

// Groupings are those that a table of people allows, and the dimensions that it does not. Age is counted as elsewhere, the year of the
// data less the year of birth. Sites are those that stand in the table.
func Groupings(t *schemas.Table, year int, sites []string) (groupings []Grouping, missing []string) {
	shift := 0
	for _, id := range schemas.QualityDimensions {
		g := grouping(id, t, year, sites)
		if g == nil {
			missing = append(missing, id)
			continue
		}
		width := bits.Len(uint(len(g.Values)))
		g.Dimension, g.shift, g.mask = id, shift, int64(1)<<width-1
		shift += width
		groupings = append(groupings, *g)
	}
	return groupings, missing
}

func grouping(id string, t *schemas.Table, year int, sites []string) *Grouping {
	switch column := column(t, "", qualityColumns[id]...); {
	case id == "site" && column != "" && len(sites) > 0:
		return coded(column, sites, func(i int) []string { return sites[i : i+1] }, 0)
	case id == "imd" && column == "":
		return deprived(t)
	case column == "" || id == "site":
		return nil
	case id == "age":
		return ofAxis("age", 1, fmt.Sprintf("(%d - %s)::VARCHAR", year, column))
	case id == "ward":
		return ofAxis("area", schemas.StandardCatalogue().Axis("area").MaxLevel(), column)
	case id == "ethnicity":
		return ofAxis(id, 2, column)
	case id == "imd":
		return ofAxis(id, 1, column+"::VARCHAR")
	default:
		return ofAxis(id, 1, column)
	}
}

var qualityColumns = map[string][]string{"age": {"birth_year"}, "ethnicity": {"ethnicity"}, "sex": {"sex", "gender"}, "imd": {"imd_decile"}, "ward": {"ward"}, "site": {"site"}}

// deprived reads the quintile of deprivation from the small area, where no decile was approved.
func deprived(t *schemas.Table) *Grouping {
	area := column(t, "", "lsoa")
	if area == "" {
		return nil
	}
	decile := make([][]string, 11)
	for _, l := range schemas.LSOAs() {
		decile[l.IMDDecile] = append(decile[l.IMDDecile], l.Code)
	}
	axis := schemas.StandardCatalogue().Axis("imd")
	front := axis.Frontier(1)
	return coded(area, names(axis, front), func(i int) (codes []string) {
		for n := 1; n <= 10; n++ {
			if slices.Contains(axis.Values[front[i]].Codes, fmt.Sprint(n)) {
				codes = append(codes, decile[n]...)
			}
		}
		return codes
	}, rest(axis, front))
}

// ofAxis groups by the catalogue's values at a level.
func ofAxis(id string, level int, sql string) *Grouping {
	axis := schemas.StandardCatalogue().Axis(id)
	front := axis.Frontier(level)
	return coded(sql, names(axis, front), func(i int) (codes []string) {
		for v := range axis.Values {
			if axis.Under(v, front[i]) {
				codes = append(codes, axis.Values[v].Codes...)
			}
		}
		return codes
	}, rest(axis, front))
}

func rest(a *schemas.Axis, front []int) int { return max(0, slices.Index(front, a.Rest())) }

func names(a *schemas.Axis, front []int) (ids []string) {
	for _, v := range front {
		ids = append(ids, a.Values[v].ID)
	}
	return ids
}

// coded looks each code up among those of all groups: its place there says the group, in one step however many codes there are. Codes are the
// schema's, or sites' names; quotes in them are doubled all the same.
func coded(sql string, values []string, codes func(i int) []string, rest int) *Grouping {
	var quoted, groups []string
	for i := range values {
		for _, c := range codes(i) {
			if i != rest {
				quoted, groups = append(quoted, "'"+strings.ReplaceAll(c, "'", "''")+"'"), append(groups, fmt.Sprint(i))
			}
		}
	}
	if len(quoted) == 0 {
		return &Grouping{Values: values, sql: fmt.Sprint(rest)}
	}
	return &Grouping{Values: values, sql: fmt.Sprintf("coalesce([%s][enum_code(try_cast(%s AS ENUM(%s)))::INTEGER + 1], %d)", strings.Join(groups, ", "), sql, strings.Join(quoted, ", "), rest)}
}

// Packed is the SQL that puts a row's groups into one number. The largest of a person's numbers is their groups, whoever asks: the latest
// registration's, as people are counted elsewhere, where the months were approved.
func Packed(t *schemas.Table, groupings []Grouping) string {
	sum := []string{"0::BIGINT"}
	if from := column(t, "", "registered_from"); from != "" {
		sum = append(sum, fmt.Sprintf("((coalesce(try_cast(left(%s, 4) AS BIGINT), 0) * 12 + coalesce(try_cast(right(%s, 2) AS BIGINT), 0)) << 40)", from, from))
	}
	for _, g := range groupings {
		sum = append(sum, fmt.Sprintf("((%s)::BIGINT << %d)", g.sql, g.shift))
	}
	return strings.Join(sum, " + ")
}

// Of is the SQL that reads a person's group out of the number.
func (g Grouping) Of(packed string) string {
	return fmt.Sprintf("((%s >> %d) & %d)", packed, g.shift, g.mask)
}

// The presentation of counts that the NHS uses for hospital statistics, and how open a withheld count stays.
const (
	fewest = 8
	apart  = 3
)

// Showable says which rows of counts can be shown, each with all of its parts. A row with a part of 1 to 7, or of none, is withheld. So is the next
// smallest one, and so on, while whoever knows every column's total and what the other rows hold exactly could tell a withheld part to within
// fewer than 3 people. They are taken to know, too, which groups have nobody in a part, and that what was withheld beside a small part is as
// small as it can be or as large as any that is.
func Showable(rows [][]int64) []bool {
	order := make([]int, len(rows))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return int(slices.Min(rows[b]) - slices.Min(rows[a])) })
	n := 0
	for n < len(order) && slices.Min(rows[order[n]]) >= fewest {
		n++
	}
	for n > 0 && tells(rows, order[n:]) {
		n--
	}
	shown := make([]bool, len(rows))
	for _, i := range order[:n] {
		shown[i] = true
	}
	return shown
}

func tells(rows [][]int64, hidden []int) bool {
	for part := range rows[0] {
		var small, large []int64
		for _, i := range hidden {
			if n := rows[i][part]; n < fewest {
				small = append(small, n)
			} else {
				large = append(large, n)
			}
		}
		some := slices.DeleteFunc(slices.Clone(small), func(n int64) bool { return n == 0 })
		if closed(small, large, 0) || closed(some, large, 1) {
			return true
		}
	}
	return false
}

// closed says whether the sum of small and large counts tells one of the small ones, each of which is at least so many.
func closed(small, large []int64, floor int64) bool {
	if len(small) == 0 {
		return false
	}
	var sum, least, most int64
	for _, n := range append(slices.Clone(small), large...) {
		sum += n
	}
	for range large {
		least += fewest
		most += slices.Max(large)
	}
	others := int64(len(small) - 1)
	bottom := max(floor, sum-most-others*(fewest-1))
	top := min(fewest-1, sum-least-others*floor)
	return top-bottom < apart
}

// Round5 rounds a count that may be shown.
func Round5(n int64) int64 { return (n + 2) / 5 * 5 }

// A Tally counts the people of one group, age by age.
type Tally struct {
	Of, In []int64 // how many there are, and of how many of them something is true; by age band
}

// Expected is for each group how many it would be true of, were it at each age as frequent as among everybody: indirect standardisation. Without ages
// there is one band.
func Expected(groups []Tally) []float64 {
	var of, in []int64
	for _, g := range groups {
		for age := range g.Of {
			if age == len(of) {
				of, in = append(of, 0), append(in, 0)
			}
			of[age] += g.Of[age]
			in[age] += g.In[age]
		}
	}
	expected := make([]float64, len(groups))
	for i, g := range groups {
		for age, n := range g.Of {
			if of[age] > 0 {
				expected[i] += float64(n) * float64(in[age]) / float64(of[age])
			}
		}
	}
	return expected
}

// Total is the sum over ages.
func (t Tally) Total() (of, in int64) {
	for age := range t.Of {
		of += t.Of[age]
		in += t.In[age]
	}
	return of, in
}
