package extract

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A writing is one way of writing the same table down.
type writing struct {
	crlf, quoted, mark, blank bool
	rows, columns             *rand.Rand // nil: in their order
}

// TestSameHoweverItIsWritten: in whatever order an export's rows and columns
// stand, however its fields and lines are written, and whatever threads and
// memory there are, its tables have the same bytes.
func TestSameHoweverItIsWritten(t *testing.T) {
	seed := seedOf(t)
	for _, c := range []struct {
		of   *system
		make func(testing.TB, *rand.Rand, int) *export
	}{{emis, population}, {mhsds, mhsdsCrowd}, {msds, msdsCrowd}} {
		t.Run(c.of.format, func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(seed, 0))
			o := c.of.newSite(t)
			c.make(t, r, 120).write(o.Source)
			want := digests(t, o)
			for name, w := range map[string]writing{
				"rows shuffled": {rows: r}, "CRLF": {crlf: true}, "everything quoted": {quoted: true}, "everything quoted, CRLF": {quoted: true, crlf: true},
				"columns shuffled": {columns: r}, "a byte order mark": {mark: true}, "empty lines between": {blank: true},
				"everything at once": {true, true, true, true, r, r},
			} {
				other := o
				other.Source = filepath.Join(t.TempDir(), "source")
				w.folder(t, o.Source, other.Source)
				if got := digests(t, other); got != want {
					t.Errorf("%s: other bytes", name)
				}
			}
			for name, change := range map[string]func(*Options){
				"2 threads": func(o *Options) { o.Threads = 2 }, "4 threads": func(o *Options) { o.Threads = 4 },
				"little memory": func(o *Options) { o.Memory = 128 << 20 }, "much memory": func(o *Options) { o.Memory = 4 << 30 },
			} {
				other := o
				if change(&other); digests(t, other) != want {
					t.Errorf("%s: other bytes", name)
				}
			}
			inParts(t, c.of, r, o, want)
		})
	}
}

// folder writes a folder's tables in another way.
func (w writing) folder(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Mkdir(to, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range written(t, from) {
		body, err := os.ReadFile(filepath.Join(from, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(to, name), w.table(t, body), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func (w writing) table(t *testing.T, body []byte) []byte {
	t.Helper()
	all, err := csv.NewReader(bytes.NewReader(body)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if w.rows != nil {
		w.rows.Shuffle(len(all)-1, func(i, j int) { all[i+1], all[j+1] = all[j+1], all[i+1] })
	}
	order := make([]int, len(all[0]))
	for i := range order {
		order[i] = i
	}
	if w.columns != nil {
		w.columns.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	}
	var out bytes.Buffer
	if w.mark {
		out.WriteString(mark)
	}
	end := "\n"
	if w.crlf {
		end = "\r\n"
	}
	for n, row := range all {
		for i, at := range order {
			if i > 0 {
				out.WriteByte(',')
			}
			out.WriteString(w.cell(row[at]))
		}
		out.WriteString(end)
		if w.blank && n%7 == 3 {
			out.WriteString(end)
		}
	}
	return out.Bytes()
}

func (w writing) cell(text string) string {
	if w.quoted || strings.ContainsAny(text, "\",\r\n") {
		return `"` + strings.ReplaceAll(text, `"`, `""`) + `"`
	}
	return text
}

// inParts gives the rows of each table to two files of the export, whose numbers
// run through both, and then to three.
func inParts(t *testing.T, of *system, r *rand.Rand, o Options, want string) {
	t.Helper()
	for n := range 2 {
		parts := o
		parts.Source = filepath.Join(t.TempDir(), "parts")
		writing{}.folder(t, o.Source, parts.Source)
		if made := of.split(t, parts.Source, 2+n, func(int) int { return r.IntN(2 + n) }); made < len(of.kinds)-2 { // a header has one row
			t.Errorf("only %d tables of %s were split", made, of.format)
		}
		if digests(t, parts) != want {
			t.Errorf("in %d parts: other bytes", 2+n)
		}
	}
}

// split makes n parts of each table of a folder that has rows for them, and says
// how many tables they were. A row goes where it is told to, by its place.
func (s *system) split(t *testing.T, dir string, n int, to func(row int) int) (made int) {
	t.Helper()
	for _, name := range written(t, dir) {
		body, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		lines := bytes.SplitAfter(bytes.TrimSuffix(body, newline), newline) // no cell here has a line end
		if len(lines) <= n || name == postcodesFile {
			continue
		}
		lines[len(lines)-1] = append(lines[len(lines)-1], '\n')
		files := make([][]byte, n)
		for f := range files {
			files[f] = slices.Clone(lines[0])
		}
		for i, line := range lines[1:] {
			f := to(i)
			files[f] = append(files[f], line...)
		}
		for f, body := range files {
			if err := os.WriteFile(filepath.Join(dir, s.partName(name, f)), body, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		made++
	}
	return made
}

// partName is what the format calls another part of a file, from 0.
func (s *system) partName(name string, part int) string {
	if s == emis {
		return strings.Replace(name, "291_", fmt.Sprintf("%d_", 291+part), 1)
	}
	if part == 0 {
		return name
	}
	return strings.Replace(name, ".csv", fmt.Sprintf("_%d.csv", 1+part), 1)
}
