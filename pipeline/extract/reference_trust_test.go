package extract

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"datanet/pseudonym"
	"datanet/schemas"
)

// TestTrustReference compares the trusts' SQL with the same rules in plain Go,
// row by row, on random exports. DATANET_SEED repeats one.
func TestTrustReference(t *testing.T) {
	t.Parallel()
	seed := seedOf(t)
	seen := map[string]bool{}
	for round := range uint64(4) {
		for _, c := range []struct {
			of   *system
			make func(testing.TB, *rand.Rand, int) *export
		}{{mhsds, mhsdsCrowd}, {msds, msdsCrowd}} {
			r := rand.New(rand.NewPCG(seed, round))
			x := c.make(t, r, 200)
			x.shuffle(r)
			o := c.of.newSite(t)
			o.Threads, o.Drop = 0, round == 3
			if round%2 == 0 {
				o.Rejects = filepath.Join(t.TempDir(), "rejects.csv")
			}
			if round > 1 {
				o.under(t, []string{"F31", "F20.0"}, some(r, testNumbers(800)))
			}
			x.write(o.Source)
			result := x.agrees(t, o, fmt.Sprintf("%s, round %d of DATANET_SEED=%d", c.of.format, round, seed))
			for table, gates := range result.Gates {
				for reason := range gates {
					seen[table+" "+reason] = true
				}
			}
		}
	}
	for _, gate := range []string{"patients no-patient", "patients re-submitted", "patients same-person", "patients unlinkable", "patients national-opt-out", "pregnancies national-opt-out",
		"referrals impossible-date", "referrals no-patient", "referrals person-left-out", "referrals re-submitted",
		"diagnoses impossible-date", "diagnoses no-icd10", "diagnoses no-patient", "diagnoses person-left-out", "diagnoses re-submitted", "diagnoses sensitive",
		"contacts impossible-date", "contacts no-patient", "contacts not-attended", "contacts person-left-out", "contacts re-submitted",
		"spells impossible-date", "spells no-patient", "spells re-submitted",
		"pregnancies impossible-date", "pregnancies no-identifier", "pregnancies no-patient", "pregnancies re-submitted", "pregnancies unlinkable",
		"births booking-left-out", "births impossible-date", "births no-patient", "births person-left-out", "births re-submitted", "births sensitive-outcome"} {
		if !seen[gate] {
			t.Errorf("no random row met the gate %s", gate)
		}
	}
}

// seedOf is the seed asked for, or a new one, which is printed.
func seedOf(t *testing.T) uint64 {
	seed := uint64(time.Now().UnixNano())
	if s, err := strconv.ParseUint(os.Getenv("DATANET_SEED"), 10, 64); err == nil {
		seed = s
	}
	t.Logf("DATANET_SEED=%d", seed)
	return seed
}

func newRandom(t *testing.T) *rand.Rand { return rand.New(rand.NewPCG(seedOf(t), 0)) }

// agrees runs an export whose files lie there and compares the account with the
// reference's.
func (x *export) agrees(t *testing.T, o Options, what string) *Result {
	t.Helper()
	result, err := Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	f := newTrustReference(x, o)
	got, want := strings.Split(account(t, o, result, f.names()), "\n"), f.account()
	if !slices.Equal(got, want) {
		onlyIn(t, "the SQL", got, want)
		onlyIn(t, "the reference", want, got)
		t.Fatalf("%s disagrees", what)
	}
	if o.Rejects == "" {
		return result
	}
	got, want = strings.Split(strings.TrimSpace(readFile(t, o.Rejects)), "\n")[1:], f.rejects
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		onlyIn(t, "the account of rejects", got, want)
		onlyIn(t, "the reference", want, got)
		t.Fatalf("%s: another account of rejects", what)
	}
	return result
}

// onlyIn reports lines that one account has more often than the other.
func onlyIn(t *testing.T, whose string, lines, others []string) {
	t.Helper()
	more := map[string]int{}
	for _, line := range lines {
		more[line]++
	}
	for _, line := range others {
		more[line]--
	}
	for _, line := range slices.Sorted(maps.Keys(more)) {
		if more[line] > 0 {
			t.Errorf("only %s: %d× %s", whose, more[line], line)
		}
	}
}

// A trustReference is the rules for the trusts over an export in memory.
type trustReference struct {
	x     *export
	o     Options
	asAt  time.Time
	ours  bool
	areas map[string][2]string // plain postcode → LSOA, ward
	rows  []string
	left  map[string]map[string]int
	lives map[string]*life // by name of code
	disagreement

	secret  map[string]bool    // codes that the policy leaves out, without dots
	places  map[uintptr]string // row, which is a map → where it stands in its file
	rejects []string
	lost    lostCells
}

// A life is what all rows of one code say of birth and death.
type life struct {
	births, deaths          map[string]bool
	deathUnclear, stillborn bool
	birth, death            time.Time
}

func newTrustReference(x *export, o Options) *trustReference {
	f := &trustReference{x: x, o: o, secret: map[string]bool{}, places: map[uintptr]string{}, lost: lostCells{}, asAt: time.Date(2026, 10, 31, 0, 0, 0, 0, time.UTC), left: map[string]map[string]int{}, lives: map[string]*life{}, disagreement: disagreement{},
		areas: lookup(x.t, filepath.Join(o.Source, "postcodes.csv"))}
	for table, rows := range x.rows {
		for i, row := range rows {
			f.places[reflect.ValueOf(row).Pointer()] = fmt.Sprintf("%s,1,%d", table, i+1)
		}
	}
	for code := range sensitiveCodes(o) {
		f.secret[strings.ReplaceAll(code, ".", "")] = true
	}
	for _, row := range x.rows[x.of.kinds["header"].table] {
		f.ours = strings.EqualFold(row["OrgIDProvider"], x.of.site)
	}
	return f
}

// lookup reads a postcode lookup: plain postcode → LSOA, ward.
func lookup(t testing.TB, path string) map[string][2]string {
	wards := map[string]string{}
	for _, l := range schemas.LSOAs() {
		wards[l.Code] = l.Ward
	}
	areas := map[string][2]string{}
	for _, row := range readCSV(t, path) {
		area := [2]string{row["lsoa21cd"], wards[row["lsoa21cd"]]}
		if area[1] == "" {
			area = [2]string{".", "outside"}
		}
		areas[strings.ReplaceAll(row["pcds"], " ", "")] = area
	}
	return areas
}

// names calls every code by its number or, without one, by its local id.
func (f *trustReference) names() map[string]string {
	coder := pseudonym.NewCoder(f.o.Key.Linkage, f.o.Key.Wrap)
	names := map[string]string{}
	site := f.x.of.site
	for _, who := range [][3]string{{"MHS001MPI", "LocalPatientId", "NHSNumber"}, {"MSD001MotherDemog", "LPIDMother", "NHSNumberMother"}, {"MSD401BabyDemographics", "LPIDBaby", "NHSNumberBaby"}} {
		for _, row := range f.x.rows[who[0]] {
			id, number := upper(row[who[1]]), used(row, who[2])
			if parsed, problem := pseudonym.ParseNHSNumber([]byte(number), f.o.Numbers); problem == pseudonym.OK {
				names[coder.Code(parsed).String()] = digits(number)
			} else if id != "" {
				names[coder.Local([]byte(site+"/"+id)).String()] = "local:" + id
			}
		}
	}
	for _, row := range f.x.rows["MSD101PregnancyBooking"] {
		if id := upper(row["PregnancyID"]); id != "" {
			names[coder.Local([]byte(site+"/pregnancy/"+id)).String()] = "pregnancy:" + id
		}
	}
	return names
}

func (f *trustReference) account() []string {
	dataset, _ := schemas.DatasetByID(f.o.Key.Dataset)
	if f.x.of == mhsds {
		f.slam()
	} else {
		f.maternity()
	}
	slices.Sort(f.rows)
	for _, table := range dataset.Tables {
		for _, reason := range slices.Sorted(maps.Keys(f.left[table.Name])) {
			f.rows = append(f.rows, fmt.Sprintf("left out of %s: %d %s", table.Name, f.left[table.Name][reason], reason))
		}
	}
	return slices.Concat(f.rows, f.lost.lines(), f.disagreement.lines())
}

// out counts a row that stays out. It says whether there is a reason.
func (f *trustReference) out(table string, row map[string]string, reason string) bool {
	if reason == "" {
		return false
	}
	if f.left[table] == nil {
		f.left[table] = map[string]int{}
	}
	f.left[table][reason]++
	f.rejects = append(f.rejects, f.places[reflect.ValueOf(row).Pointer()]+","+reason)
	return true
}

func (f *trustReference) write(cells ...string) {
	for i := range cells {
		cells[i] = or(cells[i], ".")
	}
	f.rows = append(f.rows, strings.Join(cells, " "))
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// latest are the rows of a table that hold, one for each key, and those that do
// not. A key with a zero byte at its end is a row's own.
func (f *trustReference) latest(table string, key func(map[string]string) string) (held, superseded []map[string]string) {
	number := func(row map[string]string) float64 { v, _ := strconv.ParseFloat(row[f.x.of.number], 64); return v }
	best := map[string]map[string]string{}
	for _, row := range f.x.rows[table] {
		k := key(row)
		if strings.HasSuffix(k, "\x00") {
			k += row[f.x.of.number]
		}
		if old := best[k]; old != nil {
			if number(old) > number(row) {
				superseded = append(superseded, row)
				continue
			}
			superseded = append(superseded, old)
		}
		best[k] = row
	}
	return slices.Collect(maps.Values(best)), superseded
}

// own is a key of columns; a row with none of them stands for itself.
func own(columns ...string) func(map[string]string) string {
	return func(row map[string]string) string {
		var k []string
		for _, c := range columns {
			k = append(k, upper(row[c]))
		}
		if k[len(k)-1] == "" {
			return strings.Join(k, "/") + "\x00"
		}
		return strings.Join(k, "/")
	}
}

func (f *trustReference) past(s string) time.Time {
	if d := clinical(s); !d.After(f.asAt) {
		return d
	}
	return time.Time{}
}

// live adds what a row says of a code's birth and death.
func (f *trustReference) live(name, birth, death string) *life {
	l := f.lives[name]
	if l == nil {
		l = &life{births: map[string]bool{}, deaths: map[string]bool{}}
		f.lives[name] = l
	}
	if d := f.past(birth); !d.IsZero() {
		l.births[text(d)] = true
	}
	d := f.past(death)
	if !d.IsZero() {
		l.deaths[text(d)] = true
	} else if death != "" {
		l.deathUnclear = true
	}
	if days := slices.Sorted(maps.Keys(l.births)); len(days) > 0 {
		l.birth = clinical(days[0])
	}
	if days := slices.Sorted(maps.Keys(l.deaths)); len(days) > 0 {
		l.death = clinical(days[0])
	}
	return l
}

func (l *life) deathVague() bool { return l.deathUnclear || len(l.deaths) > 1 }
func (l *life) vague() bool      { return l.deathVague() || len(l.births) != 1 }

const fourWeeks = 28 * 24 * time.Hour

// day is a day and its year, as far as they may leave.
func (l *life) day(s string) string {
	d := clinical(s)
	near := func(own time.Time) bool { return !own.IsZero() && d.Sub(own).Abs() <= fourWeeks }
	switch {
	case d.IsZero():
		return ". ."
	case l.vague() || near(l.birth) || near(l.death):
		return fmt.Sprintf(". %d", d.Year())
	}
	return fmt.Sprintf("%s %d", text(d), d.Year())
}

// month is the month of a day, or its year when one of its days is near.
func month(s string, vague bool, own ...time.Time) string {
	d := clinical(s)
	if d.IsZero() {
		return ""
	}
	near := vague
	for _, o := range own {
		for day := first(d, "YM"); !o.IsZero() && !day.After(final(d, "YM")); day = day.AddDate(0, 0, 1) {
			near = near || day.Sub(o).Abs() <= fourWeeks
		}
	}
	if near {
		return fmt.Sprint(d.Year())
	}
	return d.Format("2006-01")
}

func (f *trustReference) impossible(l *life, s string) bool {
	if _, err := time.Parse(time.DateOnly, s); err != nil && s != "" {
		return true
	}
	d := clinical(s)
	return !d.IsZero() && (d.After(f.asAt) || (!l.birth.IsZero() && d.Before(l.birth)))
}

func before(a, b string) bool {
	return !clinical(a).IsZero() && !clinical(b).IsZero() && clinical(a).Before(clinical(b))
}

// used is a number whose status lets it be used.
func used(row map[string]string, number string) string {
	status := strings.Replace(strings.Replace(number, "Number", "NumberStatus", 1), "NhsNumber", "NHSNumber", 1)
	switch row[status] {
	case "", "01", "02", "1", "2":
		return row[number]
	}
	return ""
}

func nameFor(number, id string) string {
	if usable(number) {
		return digits(number)
	}
	return "local:" + upper(id)
}

var ethnicForm = regexp.MustCompile(`^[A-HJ-NPRSZ].?$`)

func ethnic(s string) string {
	if s == "" {
		return "."
	}
	if ethnicForm.MatchString(upper(s)) {
		return upper(s)[:1]
	}
	return "99"
}

func isStrangeEthnicity(s string) bool {
	return s != "" && s != "99" && !ethnicForm.MatchString(upper(s))
}

// isDay says whether a cell is a day, or empty.
func isDay(s string) bool {
	_, err := time.Parse(time.DateOnly, s)
	return s == "" || err == nil
}

// isBetween says whether a cell is a number between two, or empty.
func isBetween(s string, from, to float64) bool {
	v, ok := number(s)
	return s == "" || ok && v >= from && v <= to
}

func (f *trustReference) area(postcode string) (lsoa, ward string) {
	plain := regexp.MustCompile(`[^A-Z0-9]`).ReplaceAllString(upper(postcode), "")
	if plain == "ZZ993VZ" {
		return ".", "no-fixed-abode"
	}
	if a, ok := f.areas[plain]; ok {
		return a[0], a[1]
	}
	return ".", "unknown"
}

// A trustPatient is one local id.
type trustPatient struct {
	row  map[string]string
	name string
	gate string
	*life
}

// patients are a trust's people by local id, from the rows that hold.
func (f *trustReference) patients(table, id, number, birth, death string) (map[string]*trustPatient, []map[string]string) {
	found := map[string]*trustPatient{}
	held, superseded := f.latest(table, own(id))
	for _, row := range held {
		p := &trustPatient{row: row, name: nameFor(used(row, number), row[id])}
		if f.o.Drop && !usable(used(row, number)) {
			p.gate = "unlinkable"
		} else if left(f.o, used(row, number)) {
			p.gate = "national-opt-out"
		}
		if row[id] == "" {
			continue
		}
		p.life = f.live(p.name, row[birth], row[death])
		about := map[*system][3]string{mhsds: {"patients.birth_year", "patients.death_date", "patients.ethnicity"},
			msds: {"pregnancies.mother_birth_date", "pregnancies.mother_death_date", "pregnancies.ethnicity"}}[f.x.of]
		f.lost.note(about[0], lostDay(row[birth], f.asAt))
		f.lost.note(about[1], lostDay(row[death], f.asAt))
		f.lost.note(about[2], isStrangeEthnicity(row["EthnicCategory"]+row["EthnicCategoryMother"]))
		found[upper(row[id])] = p
		f.disagrees(p, usable(used(row, number)), row[birth], row[death])
	}
	return found, superseded
}

// disagrees notes what may contradict another row of the same person.
func (f *trustReference) disagrees(p *trustPatient, usable bool, birth, death string) {
	if !usable {
		return
	}
	f.note("birth-date", p.name, dayOrNothing(f.past(birth)))
	f.note("death-date", p.name, dayOrNothing(f.past(death)))
	if sex := p.row["Gender"]; sex == "1" || sex == "2" {
		f.note("sex", p.name, sex)
	}
	lsoa, ward := f.area(p.row["Postcode"])
	if f.x.of == mhsds && lsoa != "." {
		ward = lsoa
	}
	if ward != "unknown" {
		f.note("area", p.name, ward)
	}
}

func number(s string) (float64, bool) {
	v, err := strconv.ParseFloat(s, 64)
	return v, err == nil
}

// decimal writes a number as the database does.
func decimal(v float64) string {
	s := strconv.FormatFloat(v, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}
