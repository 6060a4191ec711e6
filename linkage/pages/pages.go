// Package pages sets the record of decisions into pages and files for people: the public register of data uses, everything that was
// ever decided and done, one request to be read and signed off in a meeting, and how the hub stands.
//
// # Promise
//
// A page is one file of HTML with its stylesheet inside. It runs no script and loads nothing, and its own content security policy
// forbids both. The same record of decisions gives the same bytes: a page says as of which entry it is, and is judged on the day of
// that entry's head, never on the clock of the machine that made it. A date that has passed since then has ended an approval all the same, and
// the pages say so.
//
// Whatever people have written (titles, reasons, names) is text on a page and never mark-up. In a CSV file a cell that a spreadsheet would
// take for a formula gets an apostrophe before it: one that begins with = + - @, a tab or a carriage return. So does
// one that begins with an apostrophe; whoever takes one apostrophe off gets back what was written.
//
// # What is not protected
//
// A page is a copy and proves nothing. Whoever doubts it asks the record: datanet approval verify.
package pages

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"errors"
	"html/template"
	"slices"
	"strings"

	"datanet/linkage"
)

// A Record is the record of decisions that pages are made of.
type Record struct {
	hub       string // its name
	head      linkage.Head
	records   []linkage.Record
	decisions *linkage.Decisions
}

// Of reads a ledger.
func Of(l *linkage.Ledger) (Record, error) {
	decisions, err := l.Decisions()
	if err != nil {
		return Record{}, err
	}
	r := Record{head: l.Head(), records: l.Records(), decisions: decisions}
	if len(r.records) == 0 {
		return r, errors.New("the record of decisions is empty")
	}
	body, err := r.records[0].Decode()
	if founded, ok := body.(linkage.HubRecord); ok {
		r.hub = founded.Name
	}
	return r, err
}

// A File is one file to be written.
type File struct {
	Name    string
	Content []byte
}

//go:embed style.css templates/*.html
var files embed.FS

var (
	style  = mustRead("style.css")
	layout = template.Must(template.ParseFS(files, "templates/layout.html", "templates/parts.html"))
)

func mustRead(name string) string {
	text, err := files.ReadFile(name)
	if err != nil {
		panic(err) // embedded above
	}
	return string(text)
}

// generator marks a page as ours, so that nothing else is ever written over.
const generator = "datanet: pages of the record of decisions"

// A sheet is what every page has.
type sheet struct {
	Title, Hub string
	AsOf       string
	Body       any
}

// Style is the stylesheet as it stands in the page.
func (sheet) Style() template.CSS { return template.CSS(style) }

// Policy allows this very stylesheet and nothing else.
func (sheet) Policy() string {
	sum := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'"
}

// Generator says what made the page.
func (sheet) Generator() string { return generator }

func (s sheet) render(name string) ([]byte, error) {
	page, err := template.Must(layout.Clone()).ParseFS(files, "templates/"+name)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = page.ExecuteTemplate(&out, "layout.html", s)
	return out.Bytes(), err
}

// A table is a table on a page. On a narrow screen each row is set as a block of its own.
type table struct {
	Caption string
	Head    []string
	Rows    []row
}

// A row begins with the cell that names it.
type row struct {
	ID    string // anchor, or empty
	Cells []cell
}

// A cell is text, and below it what Notes say.
type cell struct {
	Text  string
	Href  string // of Text, within the page
	Mono  bool   // a key or another string that is compared letter by letter
	Notes []string
	Links []link // after the text
}

type link struct{ Text, Href string }

// Named gives the cells their column's head, for narrow screens.
func (t table) Named(r row) []namedCell {
	named := make([]namedCell, len(r.Cells))
	for i, c := range r.Cells {
		named[i] = namedCell{c, t.Head[i], i == 0}
	}
	return named
}

type namedCell struct {
	cell
	Head  string
	First bool
}

// Short says that the name of a row is not broken: an id has a hyphen in it.
func (c namedCell) Short() bool { return c.First && len(c.Text) <= 12 }

// Long says that a word in it may have to be broken, because it is longer than any of a language.
func (c namedCell) Long() bool {
	return slices.ContainsFunc(strings.Fields(c.Text), func(word string) bool { return len(word) > 20 })
}

func plainRow(id string, texts ...string) row {
	r := row{ID: id}
	for _, text := range texts {
		r.Cells = append(r.Cells, cell{Text: text})
	}
	return r
}
