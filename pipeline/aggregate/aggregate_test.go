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
	}
	for range 20 { // people whom no registration knows
		p.entries = append(p.entries, entry{person: people + r.IntN(5), concept: "38341003", date: "2020-01-01"})
	}
	return p
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
		// Few days, so that entries often fall on the same one.
		day := time.Date(2024+r.IntN(4), time.Month(1+3*r.IntN(4)), 1, 0, 0, 0, 0, time.UTC)
		switch r.IntN(6) {
		case 0: // neither is known
		case 1:
			x.year = n(day.Year())
		default:
			x.date, x.year = day.Format(time.DateOnly), n(day.Year())
		}
		p.entries = append(p.entries, x)
	}
	if r.IntN(3) == 0 {
		p.entries = append(p.entries, entry{person: person, concept: "no such concept", date: "2020-01-01"})
	}
}

func (p *population) shuffled(r *rand.Rand) *population {
	q := &population{slices.Clone(p.patients), slices.Clone(p.entries)}
	r.Shuffle(len(q.patients), func(i, j int) { q.patients[i], q.patients[j] = q.patients[j], q.patients[i] })
	r.Shuffle(len(q.entries), func(i, j int) { q.entries[i], q.entries[j] = q.entries[j], q.entries[i] })
	return q
}

func seeded(t *testing.T, seed uint64) *rand.Rand {
	t.Helper()
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, seed))
}

// TestSQLCountsWhatTheReferenceCounts: to the last person and sum of record
// numbers, for every feature and view.
func TestSQLCountsWhatTheReferenceCounts(t *testing.T) {
	for seed := range uint64(3) {
		r := seeded(t, seed+uint64(time.Now().UnixNano()))
		p := drawn(r, 150)
		for _, asAt := range []string{"2026-10-31", "2026-03-01", "2025-12-31"} {
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
		Tables: p.files(t, dir, 1), Spill: filepath.Join(dir, "spill"), Record: func() func([16]byte) uint64 { return recordNumber }})
	if counts != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("%v beside %v", counts, err)
	}
}
