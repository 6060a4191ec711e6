package extract

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"datanet/testdata/hostile"
)

var readRows = regexp.MustCompile(`^reading and coding: ([0-9]+) rows read, [0-9.]+( thousand| million)? a second$`)

// TestProgress: whoever watches is told every step, and how many rows were read,
// of practices and trusts, of one export and of several.
func TestProgress(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(o *Options) *export{
		"a practice": func(*Options) *export { return population(t, rand.New(rand.NewPCG(1, 1)), 50) },
		"a trust":    func(o *Options) *export { *o = mhsds.newSite(t); return mhsdsCrowd(t, rand.New(rand.NewPCG(1, 1)), 50) },
		"maternity":  func(o *Options) *export { *o = msds.newSite(t); return msdsCrowd(t, rand.New(rand.NewPCG(1, 1)), 50) },
	} {
		o := newSite(t)
		x := prepare(&o)
		x.write(o.Source)
		rows := 0
		for _, table := range x.rows {
			rows += len(table)
		}
		t.Run(name, func(t *testing.T) { watch(t, o, rows/2) })
	}
	o := newSite(t)
	if err := hostile.Copy(corpus, "emis", o.Source); err != nil {
		t.Fatal(err)
	}
	later(t, o.Source)
	t.Run("changes after an export", func(t *testing.T) { watch(t, o, 20) })
}

// later copies every file of an export to one of the day after.
func later(t *testing.T, source string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(source, "*20261031*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, path := range files {
		if err := os.WriteFile(strings.Replace(path, "20261031", "20261101", 1), []byte(readFile(t, path)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func watch(t *testing.T, o Options, atLeast int) {
	t.Helper()
	var told []string
	var telling sync.Mutex
	o.Progress = func(step string) {
		telling.Lock()
		defer telling.Unlock()
		told = append(told, step)
	}
	if _, err := Run(context.Background(), o); err != nil {
		t.Fatal(err)
	}
	counted := 0
	for _, step := range told {
		if m := readRows.FindStringSubmatch(step); m != nil {
			counted, _ = strconv.Atoi(m[1])
		}
	}
	if counted < atLeast {
		t.Errorf("of at least %d rows it tells %d: %v", atLeast, counted, told)
	}
	if all := strings.Join(told, ", "); !strings.HasPrefix(all, "looking at the files, ") || !strings.HasSuffix(all, ", signing") {
		t.Errorf("told: %s", all)
	}
}
