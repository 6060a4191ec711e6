// Package house holds the promises that the rooms make each other: who may
// import whom. It reads the sources themselves, so that a cached result never
// hides a broken promise.
package house

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A room is a folder, what it may import of ours and of others, and why
// nothing else. Names of ours are without "datanet/".
type room struct {
	ours   []string
	others []string // prefixes beyond the standard library
	never  []string // of the standard library
	why    string
}

var rooms = map[string]room{
	"schemas":       {nil, []string{"github.com/apache/arrow-go"}, []string{"database/sql", "net"}, "the vocabulary leans on nothing"},
	"pseudonym":     {nil, []string{"golang.org/x/crypto", "filippo.io/age", "golang.org/x/mod/sumdb/note", "golang.org/x/sys"}, []string{"database/sql", "net"}, "the key room is read on its own"},
	"linkage":       {[]string{"schemas"}, []string{"golang.org/x/mod", "golang.org/x/crypto/ssh", "golang.org/x/sys"}, []string{"database/sql", "net"}, "the rules work without the flow and the database"},
	"linkage/pages": {[]string{"linkage", "schemas"}, []string{"golang.org/x/sys"}, []string{"database/sql", "net"}, "a page shows what the record of decisions says and reaches nothing else"},
	"statistics":    {nil, nil, []string{"database/sql", "net"}, "formulas are read on their own"},
	"synth":         {[]string{"schemas"}, nil, []string{"database/sql", "net"}, "the answer key shares no code with what it checks"},
	"pipeline": {[]string{"pipeline/aggregate", "pipeline/disclose", "pipeline/engine", "pipeline/hub", "pipeline/publication", "linkage", "schemas"},
		nil, []string{"net"}, "the flow is told without keys, commands or SQL"},
	"pipeline/extract":       {[]string{"pipeline/engine", "pseudonym", "schemas"}, []string{"github.com/apache/arrow-go", "golang.org/x/sys"}, []string{"net"}, "stages meet in files, never in imports"},
	"pipeline/load":          {[]string{"pipeline/engine", "pipeline/hub", "pseudonym", "schemas"}, []string{"golang.org/x/sys"}, []string{"net"}, "stages meet in files, never in imports"},
	"pipeline/release":       {[]string{"pipeline/engine", "pipeline/hub", "linkage", "pseudonym", "schemas"}, []string{"golang.org/x/sys"}, []string{"net"}, "stages meet in files, never in imports"},
	"pipeline/link":          {[]string{"pipeline/engine", "pipeline/hub", "linkage", "schemas", "statistics"}, []string{"golang.org/x/mod/sumdb/note", "golang.org/x/sys"}, []string{"net"}, "linking sees project codes and no key"},
	"pipeline/link/linktest": {[]string{"pipeline/engine", "pipeline/hub", "linkage", "pseudonym", "schemas"}, nil, []string{"net"}, "small hubs for the tests of release and link; no other room imports it"},
	"pipeline/aggregate":     {[]string{"pipeline/engine", "schemas", "linkage"}, nil, []string{"net"}, "keys stop before it: noise keys come as functions"},
	"pipeline/disclose":      {nil, nil, []string{"database/sql", "net"}, "disclosure sees counts and keyed sums only"},
	"pipeline/publication":   {[]string{"pipeline/engine", "schemas", "statistics"}, []string{"golang.org/x/mod/sumdb/note", "golang.org/x/sys"}, []string{"net"}, "planners reach published counts and nothing else"},
	"pipeline/bench":         {[]string{"pipeline/engine", "schemas"}, nil, []string{"net"}, "what extract is measured beside knows nothing of it"},
	"pipeline/inspect":       {[]string{"pipeline/engine", "schemas"}, nil, []string{"net"}, "looking needs no key and changes nothing"},
	"pipeline/engine":        {[]string{"schemas"}, []string{"github.com/duckdb/duckdb-go"}, []string{"net"}, "the code function is handed in as a function"},
	"pipeline/hub":           {[]string{"schemas"}, []string{"golang.org/x/mod/sumdb/note", "golang.org/x/sys"}, []string{"database/sql", "net"}, "the folder works without the database"},
	"cmd/datanet/agent":      {nil, []string{"golang.org/x/crypto/ssh"}, []string{"database/sql", "net/http"}, "the one room that speaks to another program, the person's own ssh-agent, and over a unix socket only"},
	"cmd/datanet": {[]string{"cmd/datanet/agent", "linkage", "linkage/pages", "pipeline", "pipeline/bench", "pipeline/disclose", "pipeline/extract", "pipeline/hub", "pipeline/inspect", "pipeline/link", "pipeline/load", "pipeline/publication", "pipeline/release", "pseudonym", "schemas", "synth"},
		[]string{"github.com/spf13/cobra", "filippo.io/age", "golang.org/x/mod/sumdb/note", "golang.org/x/sys", "golang.org/x/term"}, []string{"database/sql", "net"}, "people meet the rooms here, and SQL nowhere"},
}

func TestImportPromises(t *testing.T) {
	graph := readImports(t, ".")
	if len(graph) < len(rooms) {
		t.Fatalf("read %d rooms of %d: the test looks in the wrong place", len(graph), len(rooms))
	}
	for dir, imports := range graph {
		r, ok := rooms[dir]
		if !ok {
			t.Errorf("%s is a room without a promise: say here what it may import", dir)
			continue
		}
		for _, i := range imports {
			if rule := r.breaks(i); rule != "" {
				t.Errorf("%s imports %s, %s, because %s\n  chain: %s", dir, i, rule, r.why, chain(graph, dir, i))
			}
		}
	}
}

func (r room) breaks(imported string) string {
	inRoom := func(list []string) bool {
		return slices.ContainsFunc(list, func(p string) bool { return imported == p || strings.HasPrefix(imported, p+"/") })
	}
	ours, isOurs := strings.CutPrefix(imported, "datanet/")
	switch {
	case isOurs && !slices.Contains(r.ours, ours):
		return "which is not promised"
	case isOurs:
	case strings.Contains(strings.Split(imported, "/")[0], ".") && !inRoom(r.others):
		return "a dependency that is not promised"
	case inRoom(r.never):
		return "which it never may"
	}
	return ""
}

// TestKeysStop follows the arrows: nothing that a planner's tool needs may
// reach the room of keys, by whatever way.
func TestKeysStop(t *testing.T) {
	graph := readImports(t, ".")
	for _, dir := range []string{"pipeline", "pipeline/publication", "pipeline/aggregate", "pipeline/disclose", "pipeline/engine", "pipeline/hub", "pipeline/inspect", "pipeline/link", "schemas", "statistics", "synth", "linkage", "linkage/pages"} {
		for _, reached := range reach(graph, dir) {
			if reached == "pseudonym" {
				t.Errorf("%s reaches pseudonym: %s", dir, chain(graph, dir, "datanet/pseudonym"))
			}
		}
	}
}

// TestPromisesCanBreak shows that the test above can fail.
func TestPromisesCanBreak(t *testing.T) {
	for dir, imported := range map[string]string{
		"pseudonym": "database/sql", "linkage": "database/sql", "pipeline/link": "datanet/pseudonym", "pipeline/release": "datanet/pipeline/link", "statistics": "datanet/schemas", "pipeline/load": "datanet/pipeline/extract",
		"cmd/datanet/agent": "net/http", "cmd/datanet": "net",
		"pipeline/publication": "datanet/pipeline/hub", "schemas": "net/http", "synth": "datanet/pseudonym", "pipeline/hub": "github.com/duckdb/duckdb-go/v2",
	} {
		if rooms[dir].breaks(imported) == "" {
			t.Errorf("%s could import %s unnoticed", dir, imported)
		}
	}
}

// TestAgentStaysOnThisMachine: the room that may import net opens unix sockets, and listens to nothing.
func TestAgentStaysOnThisMachine(t *testing.T) {
	text, err := os.ReadFile("cmd/datanet/agent/agent.go")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("cmd/datanet/agent/*.go")
	if err != nil || len(files) > 2 {
		t.Errorf("%d files, %v: this test reads agent.go", len(files), err)
	}
	source := string(text)
	if uses := strings.Count(source, "net."); uses != 1 || !strings.Contains(source, `new(net.Dialer).DialContext(ctx, "unix", socket)`) {
		t.Errorf("agent.go uses net %d times; once, for a unix socket, is promised", uses)
	}
}

// readImports reads what every room's own sources import, tests left out.
func readImports(t *testing.T, root string) map[string][]string {
	t.Helper()
	graph := map[string][]string{}
	err := filepath.WalkDir(root, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() && (e.Name() == "testdata" || (strings.HasPrefix(e.Name(), ".") && name != ".")) {
			return fs.SkipDir
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		dir := filepath.ToSlash(path.Dir(filepath.ToSlash(name)))
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range file.Imports {
			graph[dir] = append(graph[dir], strings.Trim(spec.Path.Value, `"`))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for dir := range graph {
		slices.Sort(graph[dir])
		graph[dir] = slices.Compact(graph[dir])
	}
	return graph
}

// reach lists every room of ours that a room's imports lead to.
func reach(graph map[string][]string, from string) []string {
	seen := map[string]bool{}
	var visit func(string)
	visit = func(dir string) {
		for _, i := range graph[dir] {
			if ours, ok := strings.CutPrefix(i, "datanet/"); ok && !seen[ours] {
				seen[ours] = true
				visit(ours)
			}
		}
	}
	visit(from)
	var all []string
	for dir := range seen {
		all = append(all, dir)
	}
	return all
}

// chain is the shortest way from a room to an import.
func chain(graph map[string][]string, from, to string) string {
	type step struct {
		dir  string
		path string
	}
	queue := []step{{from, from}}
	seen := map[string]bool{from: true}
	for len(queue) > 0 {
		s := queue[0]
		queue = queue[1:]
		for _, i := range graph[s.dir] {
			if i == to {
				return fmt.Sprintf("%s → %s", s.path, to)
			}
			if ours, ok := strings.CutPrefix(i, "datanet/"); ok && !seen[ours] {
				seen[ours] = true
				queue = append(queue, step{ours, s.path + " → " + ours})
			}
		}
	}
	return "none"
}

// TestWordsOfThisHouse keeps out of the sources what does not belong there:
// names that say nothing, and panics on the way of a patient's row.
func TestWordsOfThisHouse(t *testing.T) {
	for dir := range rooms {
		files, err := filepath.Glob(filepath.Join(filepath.FromSlash(dir), "*.go"))
		if err != nil || len(files) == 0 {
			t.Errorf("%s: no sources found", dir)
		}
		for _, name := range files {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, word := range []string{"TODO", "FIXME", "not implemented"} {
				if strings.Contains(string(text), word) && !strings.HasSuffix(name, "_test.go") {
					t.Errorf("%s holds %q", name, word)
				}
			}
		}
	}
}
