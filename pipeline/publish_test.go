package pipeline

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"datanet/linkage"
	"datanet/pipeline/publication"
	"datanet/schemas"
)

// TestPublishing is one borough's story, from the first publication to those
// that are refused. Steps build on each other.
func TestPublishing(t *testing.T) {
	b := newBorough(t, 2500, 2, 5)
	published := func(change func(*PublishOptions)) *Published {
		t.Helper()
		mine := b.options()
		change(&mine)
		return must(Publish(context.Background(), mine))(t)
	}
	refused := func(kind string, change func(*PublishOptions)) {
		t.Helper()
		mine := b.options()
		change(&mine)
		p, err := Publish(context.Background(), mine)
		var k interface{ Kind() string }
		if p != nil || !errors.As(err, &k) || k.Kind() != kind {
			t.Errorf("%+v, %v: want a refusal of kind %s", p, err, kind)
		}
	}
	none := func(*PublishOptions) {}
	to := func(name string) func(*PublishOptions) {
		return func(o *PublishOptions) { o.Out = filepath.Join(b.dir, name) }
	}

	// The same people, wherever and on however many threads: the same bytes.
	first := published(func(o *PublishOptions) { to("one")(o); o.Threads = 1 })
	second := published(func(o *PublishOptions) { to("two")(o); o.Threads = 2 })
	third := published(none)
	for _, name := range []string{"publication.json", "counts.parquet", "publication.sig"} {
		if one := read(t, first.Publication, name); one != read(t, second.Publication, name) || one != read(t, third.Publication, name) {
			t.Errorf("%s differs", name)
		}
	}
	if first.Status != "published" || first.ID != third.ID || first.Digest != third.Digest || first.Audit.ExactRecoveries != 0 || first.Withheld == 0 {
		t.Errorf("%+v", first)
	}
	b.showsNothingSmall(first)

	// Again: a skip, which says the same.
	if again := published(none); again.Status != "skipped" || again.ID != third.ID || again.Digest != third.Digest || again.Nodes != third.Nodes || again.Publication != third.Publication {
		t.Errorf("%+v", again)
	}

	// A date that is close: nearly the same people, so a further draw.
	day := time.Date(2026, 10, 4, 0, 0, 0, 0, time.UTC)
	refused("governance", func(o *PublishOptions) { o.AsAt = day })
	refused("governance", func(o *PublishOptions) { o.AsAt = day; to("close")(o) })
	refused("use", func(o *PublishOptions) { o.AsAt = day.AddDate(0, 2, 0) })
	// A date that is far back: another draw of one state, which has had its own.
	refused("governance", func(o *PublishOptions) { o.AsAt = day.AddDate(0, 0, -1) })

	// A state that the record of decisions does not have last.
	refused("integrity", func(o *PublishOptions) { o.Recorded = "" })
	refused("integrity", func(o *PublishOptions) { o.Recorded = schemas.Digest(nil) })

	// The same people, extracted and loaded again, are the same people.
	b.extract(b.sites[1], false)
	b.load(b.hub, b.sites[1].extracts[1])
	if again := published(none); again.Status != "skipped" || again.ID != third.ID {
		t.Errorf("%+v", again)
	}

	// Other people at the same date: what was published stays as it is.
	b.extract(b.sites[1], true)
	b.load(b.hub, b.sites[1].extracts[2])
	refused("governance", none)
	refused("governance", to("other"))
	refused("governance", to("one"))
	for _, name := range []string{"publication.json", "counts.parquet", "publication.sig"} {
		if read(t, first.Publication, name) != read(t, third.Publication, name) {
			t.Errorf("%s changed", name)
		}
	}

	// Other folders that hold something, or cannot be made.
	refused("use", func(o *PublishOptions) { o.Out = b.truth })
	refused("use", func(o *PublishOptions) { o.Out = filepath.Join(b.truth, "people.csv") })

	if left := b.leftovers(); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

// showsNothingSmall: every shown number is a multiple of five and none is
// below eight; a numerator stands beside its denominator only.
func (b *borough) showsNothingSmall(p *Published) {
	b.t.Helper()
	x := must(publication.Open(p.Publication, func(*publication.Header) (string, error) { return b.publisher.Public(), nil }))(b.t)
	defer x.Close()
	shown := 0
	for _, m := range x.Catalogue.Measures {
		for _, by := range [][]string{nil, {"ward", "ethnicity"}, {"ward", "age-standard", "sex"}, {"ethnicity-16"}, {"imd", "ethnicity"}} {
			a := must(x.Ask(context.Background(), publication.Question{Measure: m.ID, By: by, Population: "registered", Now: today}))(b.t)
			for _, r := range a.Rows {
				for _, n := range []*int64{r.Numerator, r.Denominator} {
					if n != nil && (*n%5 != 0 || (*n > 0 && *n < 8)) {
						b.t.Errorf("%s %v shows %d", m.ID, r.Groups, *n)
					}
					if n != nil {
						shown++
					}
				}
			}
		}
	}
	if shown < 100 {
		b.t.Errorf("only %d numbers are shown", shown)
	}
}

// leftovers are what no finished publication should leave in hub or beside.
func (b *borough) leftovers() (left []string) {
	filepath.WalkDir(b.dir, func(path string, e fs.DirEntry, err error) error {
		name := filepath.Base(path)
		inStaging := strings.Contains(path, ".staging"+string(filepath.Separator)) && name != "lock"
		if inStaging || strings.HasPrefix(name, ".datanet-publication-") {
			left = append(left, path)
		}
		return err
	})
	return left
}

// TestOrderOfLoadsDoesNotMatter: another hub, loaded the other way round, with
// the same noise keys, publishes the same counts.
func TestOrderOfLoadsDoesNotMatter(t *testing.T) {
	b := newBorough(t, 800, 3, 6)
	first := must(Publish(context.Background(), b.options()))(t)
	b.hub = b.newHub("other")
	for _, p := range slices.Backward(b.sites) {
		b.load(b.hub, p.extracts[0])
	}
	second := must(Publish(context.Background(), b.options()))(t)
	if read(t, first.Publication, "counts.parquet") != read(t, second.Publication, "counts.parquet") {
		t.Error("the counts differ")
	}
	if first.ID == second.ID {
		t.Error("two hubs, one id")
	}
}

// TestIDFollowsFromEverything: whatever can change a byte changes the id, and
// nothing else does.
func TestIDFollowsFromEverything(t *testing.T) {
	b := newBorough(t, 300, 2, 8)
	id := func(change func(*PublishOptions)) string {
		o := b.options()
		change(&o)
		o.Recorded = b.recorded() // people may have been loaded
		o.complete()
		s := must(o.source())(t)
		defer s.close()
		return must(o.header(s))(t).ID
	}
	usual := id(func(*PublishOptions) {})
	for name, change := range map[string]func(*PublishOptions){
		"threads": func(o *PublishOptions) { o.Threads = 1 }, "memory": func(o *PublishOptions) { o.Memory = 1 << 30 },
		"folder": func(o *PublishOptions) { o.Out = "elsewhere" }, "the date it has": func(o *PublishOptions) { o.AsAt = time.Date(2026, 10, 31, 0, 0, 0, 0, time.UTC) },
		"the starter lists":  func(o *PublishOptions) { o.CodeLists = schemas.StarterLists() },
		"who extracted when": func(*PublishOptions) { b.extract(b.sites[1], false); b.load(b.hub, b.sites[1].extracts[1]) },
	} {
		if id(change) != usual {
			t.Errorf("the id follows from %s", name)
		}
	}
	seen := map[string]string{usual: "nothing"}
	for name, change := range map[string]func(*PublishOptions){
		"the date":       func(o *PublishOptions) { o.AsAt = time.Date(2026, 10, 30, 0, 0, 0, 0, time.UTC) },
		"the program":    func(o *PublishOptions) { o.Tool = "another" },
		"the publisher":  func(o *PublishOptions) { o.Publisher = "another" },
		"the hub's name": func(o *PublishOptions) { h := *o.Hub; h.Name = "another"; o.Hub = &h },
		"a code": func(o *PublishOptions) {
			own := schemas.Lists{}
			for name, l := range schemas.StarterLists() {
				copied := *l
				own[name] = &copied
			}
			own["smi"].Entries = own["smi"].Entries[1:]
			o.CodeLists = own
		},
		"record keys": func(o *PublishOptions) {
			o.Record = func() func([16]byte) uint64 { return func([16]byte) uint64 { return 4 } }
		},
		"cell keys": func(o *PublishOptions) { o.Cell = func(uint64, uint64) (float64, error) { return 0.25, nil } },
		"people":    func(o *PublishOptions) { b.extract(b.sites[0], true); b.load(b.hub, b.sites[0].extracts[1]) },
	} {
		got := id(change)
		if other, taken := seen[got]; taken {
			t.Errorf("%s and %s share an id", name, other)
		}
		seen[got] = name
	}
}

// TestEarlierPublicationsElsewhere: the record of decisions knows of those that
// went to another folder.
func TestEarlierPublicationsElsewhere(t *testing.T) {
	b := newBorough(t, 300, 2, 9)
	o := b.options()
	o.Out = filepath.Join(b.dir, "out")
	record := func(id, asAt, dataset string) []linkage.PublicationRecord {
		return []linkage.PublicationRecord{{Publication: id, AsAt: asAt, States: map[string]string{dataset: schemas.Digest(nil)}}}
	}
	o.Earlier = record("0123456789abcdef", "2026-11-20", dataset)
	var refusal *publication.Refusal
	if _, err := Publish(context.Background(), o); !errors.As(err, &refusal) {
		t.Error(err)
	}
	for _, earlier := range [][]linkage.PublicationRecord{
		record("0123456789abcdef", "2026-10-03", dataset), record("0123456789abcdef", "2026-11-28", dataset), record("0123456789abcdef", "2026-10-31", "slam"),
	} {
		o.Earlier = earlier
		o.Out += "+"
		p := must(Publish(context.Background(), o))(t)
		o.Earlier = record(p.ID, p.AsAt, dataset) // itself
		if again := must(Publish(context.Background(), o))(t); again.Status != "skipped" {
			t.Errorf("%+v", again)
		}
	}
}

// TestPublishingAtOnce: one publishes, the others find it there.
func TestPublishingAtOnce(t *testing.T) {
	b := newBorough(t, 300, 2, 10)
	status := map[string]int{}
	var lock sync.Mutex
	var all sync.WaitGroup
	for range 3 {
		all.Add(1)
		go func() {
			defer all.Done()
			p, err := Publish(context.Background(), b.options())
			lock.Lock()
			defer lock.Unlock()
			if err != nil {
				t.Error(err)
				return
			}
			status[p.Status]++
		}()
	}
	all.Wait()
	if status["published"] != 1 || status["skipped"] != 2 {
		t.Errorf("%v", status)
	}
}

// TestInterruptedPublishing leaves no publication and nothing half.
func TestInterruptedPublishing(t *testing.T) {
	b := newBorough(t, 300, 2, 11)
	for wait := time.Duration(0); ; wait += 70 * time.Millisecond {
		ctx, cancel := context.WithTimeout(context.Background(), wait)
		p, err := Publish(ctx, b.options())
		cancel()
		if err == nil {
			break
		}
		if p != nil || !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("%v beside %v", p, err)
		}
		if there, err := b.hub.Publications(); err != nil || len(there) != 0 {
			t.Fatalf("%v %v", there, err)
		}
		if left := b.leftovers(); len(left) != 0 {
			t.Fatalf("left behind: %v", left)
		}
	}
}

// TestFailedPublishing: no noise, no signature, a changed file: nothing.
func TestFailedPublishing(t *testing.T) {
	b := newBorough(t, 300, 2, 12)
	broken := errors.New("broken")
	for name, change := range map[string]func(*PublishOptions){
		"no noise":     func(o *PublishOptions) { o.Cell = func(uint64, uint64) (float64, error) { return 0, broken } },
		"no signature": func(o *PublishOptions) { o.Sign = func(string) ([]byte, error) { return nil, broken } },
	} {
		for _, out := range []string{"", filepath.Join(b.dir, "out")} {
			o := b.options()
			change(&o)
			o.Out = out
			if p, err := Publish(context.Background(), o); p != nil || !errors.Is(err, broken) {
				t.Errorf("%s: %v %v", name, p, err)
			}
			if _, err := os.Lstat(filepath.Join(b.dir, "out")); err == nil || len(b.leftovers()) != 0 {
				t.Errorf("%s left something behind: %v", name, b.leftovers())
			}
		}
	}
	s := must(b.hub.Snapshot(dataset, b.trusted()))(t)
	path := s.Paths("observations")[0]
	s.Close()
	whole := []byte(read(t, path))
	whole[len(whole)/2] ^= 1
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := Publish(context.Background(), b.options())
	var k interface{ Kind() string }
	if p != nil || !errors.As(err, &k) || k.Kind() != "integrity" {
		t.Errorf("%v %v", p, err)
	}
}

func TestNothingToPublish(t *testing.T) {
	b := &borough{t: t, dir: t.TempDir()}
	b.publisher, b.custodian = newKeys(t)
	b.hub = b.newHub("hub")
	p, err := Publish(context.Background(), b.options())
	var k interface{ Kind() string }
	if p != nil || !errors.As(err, &k) || k.Kind() != "use" {
		t.Errorf("%v %v", p, err)
	}
}
