package main

import (
	"bufio"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/parquet/file"
)

// TestHowTos runs the how-tos and tutorials that say so: the commands that a reader sees are
// the ones that are run, and what is shown is what they print.
//
//	```console            commands begin with "$ ", "> " goes on with one; what follows is its output
//	…                     in an output: any text within a line, or, on a line of its own, any lines
//	<!-- run … -->        commands that other people give meanwhile, which the reader does not see
//
// A command fails if and only if the first line that is shown begins with "datanet: error:".
func TestHowTos(t *testing.T) {
	if testing.Short() {
		t.Skip("makes boroughs")
	}
	pages, err := filepath.Glob("../../docs/[ht]*/*.md") // how-to and tutorial
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, page := range pages {
		body, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(body), "\n"+hidden+"\n") {
			continue
		}
		ran++
		t.Run(strings.TrimSuffix(filepath.Base(page), ".md"), func(t *testing.T) {
			t.Parallel()
			runPage(t, string(body))
		})
	}
	if ran < 8 {
		t.Errorf("%d pages ran", ran)
	}
}

const hidden = "<!-- run"

// A told command is one of a page.
type told struct {
	line    int
	command string
	output  []string
	shown   bool // what it prints is compared
}

func runPage(t *testing.T, page string) {
	sh := newShell(t)
	for _, c := range commandsOf(page) {
		code, got := sh.run(t, c.command)
		failed := len(c.output) > 0 && strings.HasPrefix(c.output[0], "datanet: error:")
		if (code != 0) != failed {
			t.Fatalf("line %d: %s\nexit code %d\n%s", c.line, c.command, code, strings.Join(got, "\n"))
		}
		if c.shown && !prints(c.output, got) {
			t.Errorf("line %d: %s\nprints\n%s\nand the page says\n%s", c.line, c.command, strings.Join(got, "\n"), strings.Join(c.output, "\n"))
		}
	}
}

func commandsOf(page string) (all []told) {
	in := ""
	for i, line := range strings.Split(page, "\n") {
		command, begins := strings.CutPrefix(line, "$ ")
		more, goesOn := strings.CutPrefix(line, "> ")
		switch {
		case in == "" && (line == "```console" || line == hidden):
			in = line
		case in == "```console" && line == "```", in == hidden && line == "-->":
			in = ""
		case in == hidden:
			all = append(all, told{line: i + 1, command: line})
		case in == "":
		case begins:
			all = append(all, told{line: i + 1, command: command, shown: true})
		case goesOn && len(all[len(all)-1].output) == 0:
			all[len(all)-1].command += "\n" + more
		default:
			last := &all[len(all)-1]
			last.output = append(last.output, line)
		}
	}
	return all
}

// prints says whether lines are what a page shows of them.
func prints(want, got []string) bool {
	if len(want) == 0 {
		return len(got) == 0
	}
	if want[0] == "…" {
		for i := range len(got) + 1 {
			if prints(want[1:], got[i:]) {
				return true
			}
		}
		return false
	}
	return len(got) > 0 && likeLine(want[0], got[0]) && prints(want[1:], got[1:])
}

func likeLine(want, got string) bool {
	pattern := strings.ReplaceAll(regexp.QuoteMeta(want), "…", ".*")
	return regexp.MustCompile("^" + pattern + "$").MatchString(strings.TrimRight(got, " "))
}

// A shell keeps its variables and its folder from one command to the next.
type shell struct {
	in  io.Writer
	out *bufio.Reader
}

func newShell(t *testing.T) *shell {
	t.Helper()
	dir := t.TempDir()
	sources, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command("sh")
	c.Dir = dir
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + dir, "DATANET_HOME=" + filepath.Join(dir, "home"), "LANG=C.UTF-8", "SOURCES=" + sources}
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	c.Stdout, c.Stderr = write, write
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	write.Close()
	t.Cleanup(func() { in.Close(); c.Wait(); read.Close() })
	return &shell{in, bufio.NewReader(read)}
}

func (s *shell) run(t *testing.T, command string) (code int, lines []string) {
	t.Helper()
	const end = "--- exit code "
	fmt.Fprintf(s.in, "{ %s\n} </dev/null\necho \"%s$?\"\n", command, end)
	for {
		line, err := s.out.ReadString('\n')
		line = strings.TrimSuffix(line, "\n")
		if at := strings.Index(line, end); at >= 0 {
			if at > 0 {
				lines = append(lines, line[:at])
			}
			code, convErr := strconv.Atoi(line[at+len(end):])
			if convErr != nil {
				t.Fatal(convErr)
			}
			return code, lines
		}
		if err != nil {
			t.Fatalf("the shell ended: %v\n%s", err, strings.Join(lines, "\n"))
		}
		lines = append(lines, line)
	}
}

// TestHowTosCanFail: a page that shows something else than is printed is found.
func TestHowTosCanFail(t *testing.T) {
	got := []string{"one", "two 22 words", "three"}
	for _, good := range [][]string{got, {"…"}, {"one", "…"}, {"…", "three"}, {"one", "two … words", "three"}, {"one", "…", "three"}, {"…", "two…", "…"}} {
		if !prints(good, got) {
			t.Errorf("%q is not taken for what is printed", good)
		}
	}
	for _, bad := range [][]string{nil, {"one"}, {"one", "two 22 words"}, {"one", "two", "three"}, {"…", "four"}, {"one", "…", "two…", "two…", "three"}, {"one", "two 22 words", "three", "four"}} {
		if prints(bad, got) {
			t.Errorf("%q is taken for what is printed", bad)
		}
	}
	all := commandsOf("text\n```console\n$ a\n> b\nshown\n$ c\n```\n```\n$ no\n```\n<!-- run\nd\n-->\n")
	if len(all) != 3 || all[0].command != "a\nb" || len(all[0].output) != 1 || all[1].command != "c" || all[2].command != "d" || all[2].shown {
		t.Errorf("%+v", all)
	}
}

// holdsCode is a command of the how-tos' tests: it succeeds if a Parquet file below
// a folder has a concept. It reads them without the database.
func holdsCode() {
	found, looked := false, 0
	err := filepath.WalkDir(os.Args[1], func(path string, e fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".parquet" {
			return err
		}
		r, err := file.OpenParquetFile(path, false)
		if err != nil {
			return err
		}
		defer r.Close()
		at := r.MetaData().Schema.ColumnIndexByName("concept")
		for g := 0; at >= 0 && g < r.NumRowGroups(); g++ {
			if err := eachValue(r.RowGroup(g), at, func(_ int, text string, _ []byte) { looked++; found = found || text == os.Args[2] }); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil || looked == 0 {
		fmt.Println(looked, err)
		os.Exit(2)
	}
	if !found {
		os.Exit(1)
	}
}
