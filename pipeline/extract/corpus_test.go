package extract

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"datanet/schemas"
	"datanet/testdata/hostile"
)

const corpus = "../../testdata/hostile"

var systems = []*system{emis, mhsds, msds}

// TestCorpus does to good exports what the hostile corpus says. Each case is
// refused by name or goes on, and says how the account differs from the good
// export's; nothing that was planted in it stands in anything that is left or said.
func TestCorpus(t *testing.T) {
	for _, s := range systems {
		cases, err := hostile.Read(corpus, s.format)
		if err != nil {
			t.Fatal(err)
		}
		first := s.newSite(t)
		if err := hostile.Copy(corpus, s.format, first.Source); err != nil {
			t.Fatal(err)
		}
		good := s.try(t, first, "")
		got := make([]string, len(cases))
		t.Run(s.format, func(t *testing.T) {
			for i, c := range cases {
				t.Run(c.Title, func(t *testing.T) {
					t.Parallel()
					o := s.newSite(t)
					o.Key = first.Key
					got[i] = s.try(t, harmed(t, o, s.format, c), good.bytes).beside(good)
					if got[i] != c.Want && !*update {
						t.Errorf("got:\n%s\nwant:\n%s", got[i], c.Want)
					}
				})
			}
		})
		if *update {
			if err := hostile.Rewrite(corpus, s.format, got); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func harmed(t *testing.T, o Options, format string, c hostile.Case) Options {
	t.Helper()
	if err := hostile.Copy(corpus, format, o.Source); err != nil {
		t.Fatal(err)
	}
	options, err := hostile.Harm(o.Source, c.Input)
	if err != nil {
		t.Fatal(err)
	}
	if slices.Contains(options, "--ignore-unknown-columns") {
		o.Unknown = Ignore
	}
	return o
}

// An outcome is what became of an export.
type outcome struct {
	refusal string
	account map[string]int64
	bytes   string // of the tables
}

// try runs an extract and looks through all that it says and leaves. Tables with
// the known bytes were looked through before.
func (s *system) try(t *testing.T, o Options, known string) outcome {
	t.Helper()
	result, err := Run(context.Background(), o)
	if err != nil {
		said := err.Error()
		var hinted interface {
			Kind() string
			Hints() []string
		}
		if !errors.As(err, &hinted) || hinted.Kind() != "source" {
			t.Errorf("a failure that is no refusal of the source: %v", err)
		} else {
			said += "\n" + strings.Join(hinted.Hints(), "\n")
		}
		silent(t, "the error", []byte(said))
		if left := written(t, o.Out); len(left) > 0 || stateOf(t, o) != "" {
			t.Errorf("left behind: %v", left)
		}
		return outcome{refusal: err.Error()}
	}
	printed, err := json.Marshal(result)
	if err != nil {
		t.Fatal(err)
	}
	silent(t, "the account", printed)
	for _, dir := range []string{o.Out, filepath.Dir(o.KeyFile)} {
		silentFolder(t, dir)
	}
	got := outcome{account: flat(result), bytes: tableBytes(t, result.Extract)}
	if got.bytes != known {
		for table, rows := range rowsOf(t, result.Extract) {
			silent(t, table, fmt.Append(nil, rows))
		}
	}
	return got
}

// silent wants no marker and no control character.
func silent(t *testing.T, what string, said []byte) {
	t.Helper()
	low := bytes.ToLower(said)
	for _, marker := range hostile.Markers {
		if bytes.Contains(low, []byte(marker)) {
			t.Errorf("%s holds what was planted", what)
		}
	}
	if bytes.ContainsAny(said, "\x1b\x07\x00") {
		t.Errorf("%s holds a control character", what)
	}
}

func silentFolder(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := os.ReadFile(path)
		low := bytes.ToLower(append([]byte(d.Name()+"\n"), body...))
		for _, marker := range hostile.Markers {
			if len(marker) > 7 && bytes.Contains(low, []byte(marker)) { // a shorter one may stand in compressed bytes by chance
				t.Errorf("%s holds what was planted", d.Name())
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// flat is the account in one list.
func flat(r *Result) map[string]int64 {
	all := map[string]int64{"persons": r.Persons, "postcodes that the lookup lacks": r.Unmatched, "columns left unread": int64(r.Ignored), "files left unread": int64(len(r.Unread))}
	for table, n := range r.Tables {
		all[table] = n
		for reason, n := range r.Gates[table] {
			all["left out of "+table+": "+reason] = n
		}
	}
	for what, counts := range map[string]map[string]int64{"numbers": r.Numbers, "values that cannot be, or cannot be read": r.Strange, "rows not taken": r.Passed, "rows of one person disagree": r.Contradictions} {
		for name, n := range counts {
			all[what+": "+name] = n
		}
	}
	for _, w := range r.Warnings {
		all["warning: "+w] = 1
	}
	return all
}

func tableBytes(t *testing.T, folder string) string {
	t.Helper()
	var all strings.Builder
	for _, name := range written(t, folder) {
		if b, err := os.ReadFile(filepath.Join(folder, name)); err != nil {
			t.Fatal(err)
		} else if strings.HasSuffix(name, ".parquet") {
			all.WriteString(name + " " + hash(b) + "\n")
		}
	}
	return all.String()
}

// beside says how an outcome differs from the good export's.
func (got outcome) beside(good outcome) string {
	if got.refusal != "" {
		return "refused: " + got.refusal
	}
	var changes []string
	for _, name := range slices.Sorted(maps.Keys(got.account)) {
		if by := got.account[name] - good.account[name]; by != 0 {
			changes = append(changes, fmt.Sprintf("%+d %s", by, name))
		}
	}
	for name, n := range good.account {
		if _, ok := got.account[name]; !ok && n != 0 {
			changes = append(changes, fmt.Sprintf("%+d %s", -n, name))
		}
	}
	switch {
	case len(changes) > 0:
		slices.Sort(changes)
		return strings.Join(changes, "\n")
	case got.bytes != good.bytes:
		return "the same account, with other values"
	}
	return "nothing changes"
}

// TestTheCorpusPlants: what is looked for stands in every good export.
func TestTheCorpusPlants(t *testing.T) {
	for _, s := range systems {
		f, err := schemas.FormatByName(s.format)
		if err != nil {
			t.Fatal(err)
		}
		files, err := filepath.Glob(filepath.Join(corpus, s.format, "*.csv"))
		if err != nil || len(files) != len(sourceTables(f))+1 {
			t.Fatalf("%d files of %s: %v", len(files), s.format, err)
		}
		for _, path := range files {
			body, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			found := slices.ContainsFunc(hostile.Markers, func(m string) bool { return bytes.Contains(bytes.ToLower(body), []byte(m)) })
			if plain := slices.ContainsFunc([]string{"Header", "Organisation", "Coding"}, func(w string) bool { return strings.Contains(path, w) }); !found && !plain {
				t.Errorf("%s plants nothing", filepath.Base(path))
			}
		}
	}
}

// TestHostileReference keeps the reference page true: what of an export is
// refused and what is counted, case by case.
func TestHostileReference(t *testing.T) {
	const page = "../../docs/reference/hostile-exports.md"
	const begin = "<!-- written by go test ./pipeline/extract -run TestHostileReference -update -->\n"
	raw, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	head, was, ok := strings.Cut(string(raw), begin)
	if !ok {
		t.Fatal("the page has no place for the table")
	}
	is := hostileTables(t)
	if *update {
		err = os.WriteFile(page, []byte(head+begin+is), 0o644)
	} else if was != is {
		t.Error("the page does not say what the corpus says: run the command that it names")
	}
	if err != nil {
		t.Fatal(err)
	}
}

func hostileTables(t *testing.T) string {
	t.Helper()
	var page strings.Builder
	for _, s := range systems {
		cases, err := hostile.Read(corpus, s.format)
		if err != nil {
			t.Fatal(err)
		}
		section := ""
		for _, c := range cases {
			if c.Section != section {
				section = c.Section
				fmt.Fprintf(&page, "\n## %s\n\n| what is in the export | what becomes of it |\n|---|---|\n", section)
			}
			fmt.Fprintf(&page, "| %s | %s |\n", c.Title, strings.ReplaceAll(c.Want, "\n", "; "))
		}
	}
	return page.String()
}
