package schemas

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// A List is a versioned code list in the OpenCodelists layout: a CSV file with
// the columns code, term, category.
type List struct {
	Name    string
	Version string
	Status  string // "starter" for the small lists that come with datanet
	Entries []Entry
}

// An Entry is one code of a list.
type Entry struct{ Code, Term, Category string }

// Lists is a set of code lists: the starter lists, or a site's own.
type Lists map[string]*List

type listIndex struct {
	Version string   `json:"version"`
	Status  string   `json:"status"`
	Note    string   `json:"note"`
	Terms   []string `json:"terms_from_memory"`
}

var starter = sync.OnceValue(func() Lists {
	var index listIndex
	read("codelists/index.json", &index)
	entries, _ := files.ReadDir("codelists")
	lists := Lists{}
	for _, e := range entries {
		name, isCSV := strings.CutSuffix(e.Name(), ".csv")
		if !isCSV {
			continue
		}
		f, _ := files.Open("codelists/" + e.Name())
		l, err := parseList(name, f)
		if err != nil {
			panic("schemas: " + err.Error())
		}
		l.Version, l.Status = index.Version, index.Status
		lists[name] = l
	}
	return lists
})

// StarterLists are the small lists that come with datanet. They show the
// layout and fit the synthetic borough; a real site replaces them.
func StarterLists() Lists { return starter() }

// CodeList returns a starter list by name, or an *UnknownError.
func CodeList(name string) (*List, error) { return StarterLists().Get(name) }

// Get returns a list by name, or an *UnknownError.
func (ls Lists) Get(name string) (*List, error) {
	if l := ls[name]; l != nil {
		return l, nil
	}
	return nil, &UnknownError{"code list", name, sortedKeys(ls)}
}

// Names lists the lists in alphabetical order.
func (ls Lists) Names() []string { return sortedKeys(ls) }

// ReadLists returns the starter lists with every list replaced for which the
// folder holds a file <name>.csv; version, with the hash of its file, is what
// manifests will call such a list. A name that no list has is refused: a misspelt
// list would replace nothing. Also are names that a policy brings: of such a list
// there need be no starter.
func ReadLists(dir, version string, also ...string) (Lists, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, &ListError{Rule: "the folder cannot be read"}
	}
	lists := maps.Clone(StarterLists())
	found := false
	for _, e := range entries {
		name, isCSV := strings.CutSuffix(e.Name(), ".csv")
		if !isCSV {
			continue
		}
		if _, err := lists.Get(name); err != nil && !slices.Contains(also, name) {
			return nil, unknownList(name, lists)
		}
		l, digest, err := readList(filepath.Join(dir, e.Name()), name)
		if err != nil {
			return nil, err
		}
		l.Version, l.Status = version+" (sha256 "+digest[:16]+")", "own"
		lists[name], found = l, true
	}
	if !found {
		return nil, &ListError{Rule: "the folder holds no code list (*.csv)"}
	}
	return lists, nil
}

// readList reads one list, and the hash of its file.
func readList(path, name string) (l *List, digest string, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, "", &ListError{File: name, Rule: "cannot be read"}
	}
	l, err = parseList(name, bytes.NewReader(text))
	return l, Digest(text), err
}

// listName is what a list may be called: somebody's name and number have other
// forms, and a file that is no list may be called by them.
var listName = regexp.MustCompile(`^[a-z][a-z-]{0,29}([0-9]{1,2}[a-z]?)?$`)

func unknownList(name string, lists Lists) error {
	if !listName.MatchString(name) {
		return &ListError{Rule: "the folder holds a file that is called like no code list; there are " + strings.Join(lists.Names(), ", ")}
	}
	_, err := lists.Get(name)
	return err
}

// A ListError says where a code list does not hold. Without a file it is the
// folder.
type ListError struct {
	File string
	Line int
	Rule string
}

func (e *ListError) Error() string {
	if e.File == "" {
		return "code lists: " + e.Rule
	}
	if e.Line == 0 {
		return fmt.Sprintf("code list %s: %s", e.File, e.Rule)
	}
	return fmt.Sprintf("code list %s, line %d: %s", e.File, e.Line, e.Rule)
}

// Kind is the kind of failure, which decides the exit code.
func (e *ListError) Kind() string { return "use" }

// Hints says what a code list is.
func (e *ListError) Hints() []string {
	return []string{"a code list is a CSV file with the header code,term,category and each code once"}
}

// parseList reads one list. A byte order mark, which spreadsheets write, is
// passed over.
func parseList(name string, r io.Reader) (*List, error) {
	in := bufio.NewReader(r)
	if mark, _ := in.Peek(3); string(mark) == "\ufeff" {
		in.Discard(3)
	}
	c := csv.NewReader(in)
	c.FieldsPerRecord = 3
	header, err := c.Read()
	if err != nil || strings.Join(header, ",") != "code,term,category" {
		return nil, &ListError{name, 1, "the header is not code,term,category"}
	}
	l := &List{Name: name}
	seen := map[string]bool{}
	for {
		row, err := c.Read()
		if errors.Is(err, io.EOF) && len(l.Entries) > 0 {
			return l, nil
		}
		if errors.Is(err, io.EOF) {
			return nil, &ListError{name, 1, "holds no codes: it would switch off what it decides"}
		}
		if err != nil {
			return nil, &ListError{name, lineOf(err), "is not a row of three columns"}
		}
		line, _ := c.FieldPos(0)
		switch {
		case strings.TrimSpace(row[0]) != row[0] || row[0] == "":
			return nil, &ListError{name, line, "has no code, or one with spaces around it"}
		case seen[row[0]]:
			return nil, &ListError{name, line, "repeats a code"}
		}
		if fault := cmp.Or(codeFault(name, row[0]), categoryFault(name, row[2])); fault != "" {
			return nil, &ListError{name, line, fault}
		}
		seen[row[0]] = true
		l.Entries = append(l.Entries, Entry{row[0], row[1], row[2]})
	}
}

// isNumber says whether a code is a number that only SNOMED CT writes: the other
// systems' codes are shorter, or hold a letter or a point. An entry that no code
// table can hold would silently decide nothing.
func isNumber(code string) bool {
	return len(code) >= shortestConcept && strings.Trim(code, "0123456789") == ""
}

// lineOf is where a row that could not be read begins.
func lineOf(err error) int {
	var at *csv.ParseError
	if errors.As(err, &at) {
		return at.StartLine
	}
	return 0
}

// Digest is the SHA-256 of all that the lists hold: what follows from them
// follows from it.
func (ls Lists) Digest() string {
	b, err := json.Marshal(ls)
	if err != nil {
		panic("schemas: " + err.Error()) // maps of strings always encode
	}
	return Digest(b)
}
