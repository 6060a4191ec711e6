package aggregate

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"datanet/schemas"
)

// drawn is a small population of people who have everything that can go
// wrong: several registrations, ties, no dates, codes that nobody knows.
func drawn(r *rand.Rand, people int) *population {
	p := &population{}
	pick := func(from ...string) string { return from[r.IntN(len(from))] }
	wards := []string{"", "outside", "no-fixed-abode", "unknown", "E05099999"}
	for _, w := range schemas.Wards()[:4] {
		wards = append(wards, w.Code, w.Code)
	}
	for person := range people {
		for range 1 + r.IntN(3) {
			x := patient{person: person, site: pick("Z99001", "Z99002", "Z99003"), sex: pick("F", "M", "U", "I", "", "X"),
				ethnicity: pick("", "A", "C", "M", "N", "P", "R", "S", "Z", "99", "T", "F"), ward: pick(wards...),
				from: pick("", "2019", "2020-05", "2026-09", "2026-10", "2026-11", "2027"), to: pick("", "", "", "", "2021-03", "2026-10", "2026-11", "2027-01")}
			if r.IntN(8) > 0 {
				x.birth = n(1895 + r.IntN(134))
			}
			if r.IntN(4) > 0 {
				x.decile = n(r.IntN(12))
			}
			if r.IntN(20) == 0 {
				x.death = n(2025 + r.IntN(3))
			}
			p.patients = append(p.patients, x)
		}
		p.drawEntries(r, person)
		p.drawElsewhere(r, person)
	}
	for range 20 { // people whom no registration knows
		p.entries = append(p.entries, entry{person: people + r.IntN(5), concept: "38341003", date: "2020-01-01"})
		p.diagnoses = append(p.diagnoses, diagnosis{person: people + r.IntN(5), icd10: "F20"})
		p.bookings = append(p.bookings, booking{people + r.IntN(5), "2026-05"})
	}
	return p
}

// day is one of few, so that entries often fall on the same one, and on the
// edges of twelve months.
func day(r *rand.Rand) time.Time {
	days := []int{1, 1, 28, 31}
	return time.Date(2024+r.IntN(4), time.Month(1+3*r.IntN(4)), days[r.IntN(len(days))], 0, 0, 0, 0, time.UTC)
}

// dated is the day, its year alone, or nothing.
func dated(r *rand.Rand) (date string, year *int) {
	at := day(r)
	switch r.IntN(6) {
	case 0:
		return "", nil
	case 1:
		return "", n(at.Year())
	}
	return at.Format(time.DateOnly), n(at.Year())
}

// drawElsewhere is what the other organisations know of somebody.
func (p *population) drawElsewhere(r *rand.Rand, person int) {
	codes := []string{"F20", "F200", "F208", "F19", "F259", "F26", "F29", "F300", "F31", "F319", "F32", "F320", "F06", "", "F2", "Z035"}
	for range r.IntN(3) {
		x := diagnosis{person: person, icd10: codes[r.IntN(len(codes))]}
		x.date, x.year = dated(r)
		p.diagnoses = append(p.diagnoses, x)
	}
	for range r.IntN(4) / 2 {
		booked := day(r).AddDate(0, r.IntN(12), 0).Format("2006-01")
		switch r.IntN(8) {
		case 0:
			booked = booked[:4]
		case 1:
			booked = ""
		}
		p.bookings = append(p.bookings, booking{person, booked})
	}
	all := schemas.StarterLists()["systolic-blood-pressure"].Entries
	for range r.IntN(3) {
		x := entry{person: person, concept: all[r.IntN(len(all))].Code}
		x.date, x.year = dated(r)
		p.entries = append(p.entries, x)
	}
}

func (p *population) drawEntries(r *rand.Rand, person int) {
	c, lists := schemas.StandardCatalogue(), schemas.StarterLists()
	for range r.IntN(14) {
		k := c.Conditions[r.IntN(len(c.Conditions))]
		list := k.Has
		if k.Resolved != "" && r.IntN(2) == 0 {
			list = k.Resolved
		}
		all := lists[list].Entries
		x := entry{person: person, concept: all[r.IntN(len(all))].Code}
		x.date, x.year = dated(r)
		p.entries = append(p.entries, x)
	}
	if r.IntN(3) == 0 {
		p.entries = append(p.entries, entry{person: person, concept: "no such concept", date: "2020-01-01"})
	}
}

func (p *population) shuffled(r *rand.Rand) *population {
	q := &population{slices.Clone(p.patients), slices.Clone(p.entries), slices.Clone(p.diagnoses), slices.Clone(p.bookings)}
	r.Shuffle(len(q.patients), func(i, j int) { q.patients[i], q.patients[j] = q.patients[j], q.patients[i] })
	r.Shuffle(len(q.entries), func(i, j int) { q.entries[i], q.entries[j] = q.entries[j], q.entries[i] })
	r.Shuffle(len(q.diagnoses), func(i, j int) { q.diagnoses[i], q.diagnoses[j] = q.diagnoses[j], q.diagnoses[i] })
	r.Shuffle(len(q.bookings), func(i, j int) { q.bookings[i], q.bookings[j] = q.bookings[j], q.bookings[i] })
	return q
}

func seeded(t *testing.T, seed uint64) *rand.Rand {
	t.Helper()
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, seed))
}

// TestLinkedMeasuresFromWhatIsApproved: a project's tables hold the columns
// that the catalogue asks an approval for, and no others.
func TestLinkedMeasuresFromWhatIsApproved(t *testing.T) {
	for _, datasets := range [][]string{{"primary-care", "slam"}, {"maternity", "primary-care"}, {"primary-care", "slam", "maternity"}} {
		r := seeded(t, uint64(time.Now().UnixNano()))
		p, c := drawn(r, 150), schemas.StandardCatalogue().MeasuresFor(datasets)
		only := schemas.StandardCatalogue().ColumnsFor(datasets)
		got, err := tallyOf(p.countOf(t, c, only, "2026-10-31", 1, 2))
		if err != nil {
			t.Fatal(err)
		}
		compare(t, got, p.reference(c, schemas.StarterLists(), "2026-10-31"))
	}
}

// TestEveryApprovedColumnIsNeeded: without any one of them, but the codes that
// say who is in a dataset, nothing can be counted.
func TestEveryApprovedColumnIsNeeded(t *testing.T) {
	datasets := []string{"primary-care", "slam", "maternity"}
	c, all := schemas.StandardCatalogue().MeasuresFor(datasets), schemas.StandardCatalogue().ColumnsFor(datasets)
	p := drawn(rand.New(rand.NewPCG(1, 1)), 3)
	for dataset, columns := range all {
		for i, column := range columns {
			if read := column.Table == "diagnoses" || column.Table == "pregnancies" || dataset == "primary-care"; !read {
				continue // patients of slam and births of maternity say who is there
			}
			less := maps.Clone(all)
			less[dataset] = slices.Delete(slices.Clone(columns), i, i+1)
			dir := t.TempDir()
			if _, err := Run(context.Background(), Options{Catalogue: c, CodeLists: schemas.StarterLists(), AsAt: time.Now(), Folder: dir,
				Tables: p.files(t, dir, 1, less), Spill: filepath.Join(dir, "spill"), Record: func() func([16]byte) uint64 { return recordNumber }}); err == nil {
				t.Errorf("%s.%s.%s is approved and not needed", dataset, column.Table, column.Name)
			}
		}
	}
}

// TestSQLCountsWhatTheReferenceCounts: to the last person and sum of record
// numbers, for every feature and view.
func TestSQLCountsWhatTheReferenceCounts(t *testing.T) {
	for seed := range uint64(3) {
		r := seeded(t, seed+uint64(time.Now().UnixNano()))
		p := drawn(r, 150)
		for _, asAt := range []string{"2026-10-31", "2026-03-01", "2025-12-31", "2024-02-29"} {
			got, err := tallyOf(p.count(t, asAt, 1+r.IntN(3), 1+r.IntN(2)))
			if err != nil {
				t.Fatal(err)
			}
			compare(t, got, p.reference(schemas.StandardCatalogue(), schemas.StarterLists(), asAt))
		}
	}
}

func compare(t *testing.T, got, want tally) {
	t.Helper()
	keys := maps.Clone(want)
	maps.Copy(keys, got)
	for at := range keys {
		if !reflect.DeepEqual(got[at], want[at]) {
			t.Fatalf("feature, view, group %s: %d people (sum %x), the reference has %d (sum %x)", at, got[at].N, got[at].Sum, want[at].N, want[at].Sum)
		}
	}
	if len(want) < 100 {
		t.Fatalf("only %d groups were compared", len(want))
	}
}

// TestOrderFilesAndThreadsDoNotMatter: rows in another order, in more files, on
// another number of threads.
func TestOrderFilesAndThreadsDoNotMatter(t *testing.T) {
	r := seeded(t, uint64(time.Now().UnixNano()))
	p := drawn(r, 200)
	first, err := tallyOf(p.count(t, "2026-10-31", 1, 1))
	if err != nil {
		t.Fatal(err)
	}
	for round := range 2 {
		again, err := tallyOf(p.shuffled(r).count(t, "2026-10-31", 2+round, 2))
		if err != nil {
			t.Fatal(err)
		}
		compare(t, again, first)
	}
}

// TestSumsRunOver: the sums of 64-bit numbers pass 2⁶⁴ and are taken modulo it.
func TestSumsRunOver(t *testing.T) {
	p := &population{}
	var want uint64
	over := false
	for person := range 50 {
		p.patients = append(p.patients, patient{person: person, site: "Z99001", sex: "F", birth: n(1980), ethnicity: "A", ward: "E05014095"})
		before := want
		want += recordNumber(code(person))
		over = over || want < before
	}
	if !over {
		t.Fatal("the sum stayed below 2⁶⁴: the test shows nothing")
	}
	for _, c := range p.count(t, "2026-10-31", 1, 2) {
		if c.Feature == 0 && (c.N != 50 || c.Sum != want) {
			t.Errorf("view %d: %d people, sum %x, want %x", c.View, c.N, c.Sum, want)
		}
	}
}

func TestNobodyIsNoRow(t *testing.T) {
	p := &population{patients: []patient{{person: 1, site: "Z99001", to: "2020-01"}}}
	if counts := p.count(t, "2026-10-31", 1, 1); len(counts) != 0 {
		t.Errorf("%v", counts)
	}
}

func TestUnknownListIsToldBeforeAnythingIsRead(t *testing.T) {
	lists := maps.Clone(schemas.StarterLists())
	delete(lists, "smi")
	_, err := Run(context.Background(), Options{Catalogue: schemas.StandardCatalogue(), CodeLists: lists, AsAt: time.Now(),
		Folder: t.TempDir(), Spill: filepath.Join(t.TempDir(), "spill"), Record: func() func([16]byte) uint64 { return recordNumber }})
	var unknown *schemas.UnknownError
	if !errors.As(err, &unknown) {
		t.Error(err)
	}
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	p := drawn(rand.New(rand.NewPCG(1, 1)), 10)
	dir := t.TempDir()
	counts, err := Run(ctx, Options{Catalogue: schemas.StandardCatalogue(), CodeLists: schemas.StarterLists(), AsAt: time.Now(), Folder: dir,
		Tables: p.files(t, dir, 1, nil), Spill: filepath.Join(dir, "spill"), Record: func() func([16]byte) uint64 { return recordNumber }})
	if counts != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("%v beside %v", counts, err)
	}
}
