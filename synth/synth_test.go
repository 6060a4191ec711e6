package synth

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"datanet/schemas"
)

func write(t *testing.T, o Options) (string, *Summary) {
	t.Helper()
	if o.Out == "" {
		o.Out = filepath.Join(t.TempDir(), "borough")
	}
	s, err := Write(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return o.Out, s
}

// fingerprint is the hash of every file's name and bytes.
func fingerprint(t *testing.T, dir string) string {
	t.Helper()
	h := sha256.New()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		fmt.Fprintf(h, "%s %d\n%s", filepath.ToSlash(name), len(b), b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

func TestTheSameSeedGivesTheSameBytes(t *testing.T) {
	o := Options{People: 3000, Practices: 4, Seed: 7}
	first, _ := write(t, o)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	second, _ := write(t, o)
	if fingerprint(t, first) != fingerprint(t, second) {
		t.Error("two runs of one seed differ")
	}
	o.Seed = 8
	third, _ := write(t, o)
	if fingerprint(t, first) == fingerprint(t, third) {
		t.Error("two seeds give the same borough")
	}
}

// The key to people does not depend on the code lists. Its hash was taken on
// amd64; another machine must find the same. It changes when a parameter does:
// then take the new one.
func TestAnotherMachineWritesTheSameBytes(t *testing.T) {
	const want = "00970fc8edc8c2264450716c0823b193ec2545a4788c95c289d4dba0497cf174"
	out, _ := write(t, Options{People: 2000, Practices: 3, Seed: 42})
	b, err := os.ReadFile(filepath.Join(out, "truth", "people.csv"))
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintf("%x", sha256.Sum256(b)); got != want {
		t.Errorf("people.csv of seed 42 has the hash %s", got)
	}
}

func TestOnePersonsStreamsAreTheirOwn(t *testing.T) {
	o := Options{People: 2000, Practices: 3, Seed: 5}
	a := newPlan(o.withDefaults())
	a.populate()
	o.People = 2500
	b := newPlan(o.withDefaults())
	b.populate()
	for i := range 2000 {
		x, y := a.people[i], b.people[i]
		x.marks, y.marks, x.owner, y.owner = 0, 0, 0, 0 // given to shares of the whole
		x.regs[1].birth, y.regs[1].birth = 0, 0
		if a.today-x.birth < 2*366 {
			continue // babies live with their mothers, whom others may have taken
		}
		if x != y {
			t.Fatalf("person %d changed when others came", i)
		}
	}
}

func TestFilesAreEMISFiles(t *testing.T) {
	out, s := write(t, Options{People: 600, Practices: 2, Seed: 1})
	format, err := schemas.FormatByName("emis")
	if err != nil {
		t.Fatal(err)
	}
	if d := s.Datasets[0]; d.Dataset != "primary-care" || d.Format != "emis" || len(d.Sites) != 2 || d.Sites[1].Site != "Z99002" {
		t.Fatalf("summary: %+v", s)
	}
	if s.Truth != filepath.Join(out, "truth") {
		t.Errorf("truth at %s", s.Truth)
	}
	for _, site := range s.Datasets[0].Sites {
		checkFolder(t, format, site.Source)
	}
}

func checkFolder(t *testing.T, format *schemas.Format, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != int(tables)+1 {
		t.Fatalf("%s holds %d files (%v)", dir, len(entries), err)
	}
	for _, e := range entries {
		if e.Name() == "postcodes.csv" {
			continue
		}
		table, stamp, ok := format.ParseFileName(e.Name())
		if !ok || table == nil || stamp.Format("2006-01-02 15:04:05") != "2026-10-31 03:30:15" {
			t.Errorf("%s is not a name of the format", e.Name())
			continue
		}
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, c := range table.Current() {
			names = append(names, `"`+c.Name+`"`)
		}
		if header, _, _ := strings.Cut(string(b), "\n"); header != strings.Join(names, ",") {
			t.Errorf("%s has the header %s", e.Name(), header)
		}
	}
}

func TestAPlaceThatHoldsSomethingIsRefused(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "kept"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Write(context.Background(), Options{Out: dir, People: 10})
	checkUse(t, err)
	_, err = Write(context.Background(), Options{Out: filepath.Join(dir, "kept"), People: 10})
	checkUse(t, err)
}

func TestAnEmptyFolderGivesWay(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "empty")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, Options{Out: dir, People: 10})
}

func checkUse(t *testing.T, err error) {
	t.Helper()
	var kinded interface {
		Kind() string
		Hints() []string
	}
	if !errors.As(err, &kinded) || kinded.Kind() != "use" || len(kinded.Hints()) == 0 {
		t.Errorf("got %v, want an error of use with hints", err)
	}
}

func TestWrongOptionsAreRefused(t *testing.T) {
	out := filepath.Join(t.TempDir(), "borough")
	for name, o := range map[string]Options{
		"no folder":          {People: 10},
		"too many people":    {Out: out, People: mostPeople + 1},
		"negative people":    {Out: out, People: -1},
		"too many practices": {Out: out, People: 5000, Practices: 1000},
		"empty practices":    {Out: out, People: 3, Practices: 4},
		"unknown dataset":    {Out: out, People: 10, Datasets: []string{"dental"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Write(context.Background(), o)
			checkUse(t, err)
		})
	}
}

func TestAnInterruptedRunLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	ctx, stop := context.WithCancel(context.Background())
	o := Options{Out: filepath.Join(dir, "borough"), People: 5000, Practices: 3,
		Progress: func(done, _ int) { stop() }}
	if _, err := Write(ctx, o); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("%s is left", left[0].Name())
	}
}

func TestSmallBoroughs(t *testing.T) {
	for _, o := range []Options{{People: 1}, {People: 2, Practices: 2}, {People: 30, Practices: 30}, {People: 40, Practices: 1, Seed: 9}} {
		_, s := write(t, o)
		if s.People <= o.People || s.Registrations < o.People || len(s.Datasets) != 3 {
			t.Errorf("%+v gives %+v", o, s)
		}
	}
}
