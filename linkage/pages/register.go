package pages

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"datanet/linkage"
	"datanet/schemas"
)

// RegisterFiles are the names of what Register makes.
var RegisterFiles = []string{"index.html", "register.csv", "register.json"}

// Register is the public register of data uses: every request about which a Guardian has decided, those refused, revoked and ended too.
// Drafts that nobody has signed or refused are not in it.
func Register(r Record) ([]File, error) {
	all, err := r.entries()
	if err != nil {
		return nil, err
	}
	uses := []use{}
	for _, d := range slices.Backward(r.decisions.All()) {
		if public(d) {
			uses = append(uses, r.use(d, all))
		}
	}
	page, err := sheet{"Register of data uses", r.hub, r.asOf(), registerPage{uses, groupsOf(uses), contents(uses)}}.render("register.html")
	if err != nil {
		return nil, err
	}
	rows, err := csvOf(registerRows(uses))
	if err != nil {
		return nil, err
	}
	document, err := r.document(uses)
	return []File{{RegisterFiles[0], page}, {RegisterFiles[1], rows}, {RegisterFiles[2], document}}, err
}

// A use is one request in the register, and what register.json says of it.
type use struct {
	ID           string        `json:"id"`
	Title        string        `json:"title"`
	Summary      string        `json:"summary"`
	Status       string        `json:"status"`
	Since        string        `json:"since"` // YYYY-MM-DD
	Says         string        `json:"says"`  // the status in a sentence
	Purpose      string        `json:"purpose"`
	LegalBasis   string        `json:"legal_basis"`
	DPIA         string        `json:"dpia"`
	Users        []string      `json:"users"`
	From         string        `json:"from"`
	Until        string        `json:"until"`
	Review       string        `json:"review"`
	Datasets     []dataset     `json:"datasets"`
	Pairs        []string      `json:"pairs"`
	Decisions    []decided     `json:"decisions"`
	Publications []publication `json:"publications"`
	Supersedes   string        `json:"supersedes"`    // id, or empty
	SupersededBy string        `json:"superseded_by"` // id of the approval that has taken its place, or empty

	status   linkage.Status
	word     string
	since    string
	complete bool
}

type dataset struct {
	Dataset string   `json:"dataset"`
	Title   string   `json:"title"`
	OptOuts string   `json:"opt_outs"`
	Columns []column `json:"columns"`
}

type column struct {
	Table       string `json:"table"`
	Grain       string `json:"each_row_is"`
	Column      string `json:"column"`
	Description string `json:"description"`
}

// A decided is what one Guardian, or a deputy, decided.
type decided struct {
	Dataset string `json:"dataset"`
	By      string `json:"by"`
	What    string `json:"decision"` // signed, refused, revoked
	On      string `json:"on"`       // YYYY-MM-DD
	Reason  string `json:"reason"`
	Entry   int    `json:"entry"`
}

type publication struct {
	Publication string `json:"publication"`
	AsAt        string `json:"as_at"`
	On          string `json:"on"`      // YYYY-MM-DD
	Removed     string `json:"removed"` // the day on which the hub removed it, or empty
	Entry       int    `json:"entry"`
}

const isoDay = "2006-01-02"

func (r Record) use(d *linkage.Decision, all []entry) use {
	a, s := d.Approval, r.stands(d)
	u := use{ID: a.ID, Title: a.Title, Summary: a.Summary, Status: string(s.Status), Since: s.Since.UTC().Format(isoDay), Says: s.Says,
		Purpose: a.Purpose, LegalBasis: a.LegalBasis, DPIA: a.DPIA, Users: a.Users, From: a.From, Until: a.Until, Review: a.Review,
		Pairs: []string{}, Decisions: []decided{}, Publications: []publication{}, Supersedes: a.Supersedes,
		status: s.Status, word: s.Word, since: longDay(s.Since), complete: complete(d)}
	for _, scope := range a.Datasets {
		u.Datasets = append(u.Datasets, scopeOf(scope))
	}
	for _, p := range a.Pairs {
		u.Pairs = append(u.Pairs, p.String())
	}
	if by := d.ReplacedBy(r.head.Time); by != nil {
		u.SupersededBy = by.Approval.ID
	}
	for _, e := range all {
		if e.Approval == a.ID {
			u.take(e, r.answer(e.Number, a.ID))
		}
	}
	return u
}

// take adds what one entry says of the request.
func (u *use) take(e entry, answer *linkage.Answer) {
	on := e.Time.UTC().Format(isoDay)
	switch {
	case answer != nil:
		u.Decisions = append(u.Decisions, decided{answer.Dataset, whoAnswered(*answer), e.Outcome, on, answer.Reason, e.Number})
	case e.Kind == linkage.KindPublication:
		u.Publications = append(u.Publications, publication{Publication: e.Detail, AsAt: e.AsAt, On: on, Entry: e.Number})
	case e.Kind == linkage.KindRemoval && e.Detail != "":
		for i := range u.Publications {
			if u.Publications[i].Publication == e.Detail {
				u.Publications[i].Removed = on
			}
		}
	}
}

func scopeOf(scope linkage.Scope) dataset {
	d := dataset{Dataset: scope.Dataset, Title: linkage.TitleOf(scope.Dataset), OptOuts: "It is not known here whose opt-outs it carries."}
	known, err := schemas.DatasetByID(scope.Dataset)
	if err == nil {
		d.OptOuts = known.OptOuts
	}
	for _, c := range scope.Columns {
		d.Columns = append(d.Columns, describe(known, c))
	}
	return d
}

// describe puts a column into the words of the vocabulary.
func describe(d *schemas.Dataset, of linkage.Column) column {
	said := column{of.Table, "not known to this version", of.Name, "this version does not know the column"}
	if d == nil || d.TableByName(of.Table) == nil {
		return said
	}
	table := d.TableByName(of.Table)
	said.Grain = table.Grain
	for _, c := range table.Columns {
		switch {
		case c.Name == of.Name && (c.Role == schemas.Person || c.Role == schemas.Event):
			said.Description = c.Description + " (never an NHS number)"
		case c.Name == of.Name:
			said.Description = c.Description
		}
	}
	return said
}

// document is register.json.
func (r Record) document(uses []use) ([]byte, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetIndent("", "  ")
	err := e.Encode(struct {
		Hub   string `json:"hub"`
		Entry int64  `json:"as_of_entry"`
		Time  string `json:"as_of"`
		Uses  []use  `json:"uses"`
	}{r.hub, r.head.Size - 1, r.head.Time.UTC().Format("2006-01-02T15:04:05Z"), uses})
	return out.Bytes(), err
}

// registerRows give a line to every request; what is more than one stands in one cell, apart by semicolons.
func registerRows(uses []use) [][]string {
	rows := [][]string{{"id", "title", "status", "since", "says", "summary", "purpose", "legal_basis", "dpia", "users", "datasets", "pairs", "columns",
		"opt_outs", "from", "until", "review", "decisions", "publications", "supersedes", "superseded_by"}}
	for _, u := range uses {
		var datasets, columns, optOuts, decisions, publications []string
		for _, d := range u.Datasets {
			datasets = append(datasets, d.Dataset)
			optOuts = append(optOuts, d.Title+": "+d.OptOuts)
			for _, c := range d.Columns {
				columns = append(columns, d.Dataset+" "+c.Table+" "+c.Column)
			}
		}
		for _, d := range u.Decisions {
			decisions = append(decisions, d.said())
		}
		for _, p := range u.Publications {
			publications = append(publications, p.Publication+" on "+p.On)
		}
		join := func(list []string) string { return strings.Join(list, "; ") }
		rows = append(rows, []string{u.ID, u.Title, u.Status, u.Since, u.Says, u.Summary, u.Purpose, u.LegalBasis, u.DPIA, join(u.Users), join(datasets), join(u.Pairs), join(columns),
			join(optOuts), u.From, u.Until, u.Review, join(decisions), join(publications), u.Supersedes, u.SupersededBy})
	}
	return rows
}

func (d decided) said() string {
	said := d.Dataset + " " + d.What + " on " + d.On
	if d.Reason != "" {
		said += ": " + d.Reason
	}
	return said
}

type registerPage struct {
	Uses     []use
	Groups   []group
	Contents table
}

// A group is a part of the register that must not be taken for another one.
type group struct {
	ID, Title, Says string
	Uses            []use
}

func groupsOf(uses []use) []group {
	groups := []group{
		{"in-use", "Approved", "Every Guardian concerned has signed, and none has taken it back.", nil},
		{"waiting", "Waiting for signatures", "Some of the Guardians concerned have signed. Nothing may be done until all have.", nil},
		{"over", "Ended, replaced, revoked or waiting for review", "Nothing more may be done under these. What was published under them may be known to people who read it.", nil},
		{"refused", "Refused", "A Guardian said no. Nothing was ever done under these.", nil},
	}
	for _, u := range uses {
		g := &groups[u.group()]
		g.Uses = append(g.Uses, u)
	}
	return slices.DeleteFunc(groups, func(g group) bool { return len(g.Uses) == 0 })
}

func (u use) group() int {
	switch u.status {
	case linkage.StatusApproved, linkage.StatusNotYet:
		return 0
	case linkage.StatusAwaiting, linkage.StatusDraft:
		return 1
	case linkage.StatusRefused:
		return 3
	}
	return 2
}

func contents(uses []use) table {
	t := table{Caption: "All requests on this register, the newest first", Head: []string{"Request", "Title", "How it stands", "Since", "Datasets"}}
	for _, u := range uses {
		var names []string
		for _, d := range u.Datasets {
			names = append(names, d.Title)
		}
		t.Rows = append(t.Rows, row{Cells: []cell{{Text: u.ID, Href: "#" + u.Anchor()}, {Text: u.Title}, {Text: u.word}, {Text: u.since}, {Text: listed(names)}}})
	}
	return t
}

// What the page asks of a use.

// Anchor is its place on the page.
func (u use) Anchor() string { return "request-" + u.ID }

// Word is how it stands.
func (u use) Word() string { return u.word }

// Tone is the colour of Word, which never says anything alone.
func (u use) Tone() string { return []string{"go", "wait", "over", "stop"}[u.group()] }

// Facts are the short facts, in the order in which people ask for them.
func (u use) Facts() []fact {
	facts := []fact{
		{"How it stands", []string{u.Word() + " (since " + u.since + "). " + u.Says}, nil},
		{"Purpose", []string{u.Purpose}, nil},
		{"Legal basis", []string{u.LegalBasis}, nil},
		{"Data protection impact assessment", []string{u.DPIA}, nil},
		{"Who may use it", u.Users, nil},
		{"What is joined", u.joined(), nil},
		{"From, until", []string{dayOf(u.From) + " until " + dayOf(u.Until) + ", both days included"}, nil},
		{"Review by", []string{dayOf(u.Review) + ". After that day it rests until a new request is signed."}, nil},
	}
	if u.status == linkage.StatusRefused || !u.complete {
		facts[4].Name = "Who would have been allowed to use it"
		facts[5].Name = "What would have been joined"
		if u.status == linkage.StatusAwaiting {
			facts[4].Name, facts[5].Name = "Who would be allowed to use it", "What would be joined"
		}
	}
	if u.Supersedes != "" {
		facts = append(facts, fact{"Takes the place of", nil, []link{{"request " + u.Supersedes, "#request-" + u.Supersedes}}})
	}
	if u.SupersededBy != "" {
		facts = append(facts, fact{"Its place was taken by", nil, []link{{"request " + u.SupersededBy, "#request-" + u.SupersededBy}}})
	}
	for _, d := range u.Datasets {
		facts = append(facts, fact{"Opt-outs in " + d.Title, []string{d.OptOuts}, nil})
	}
	return facts
}

// A fact is a name and what belongs to it.
type fact struct {
	Name  string
	Lines []string
	Links []link
}

func (u use) joined() []string {
	if len(u.Pairs) == 0 {
		return []string{"Nothing. It is about one dataset alone."}
	}
	var lines []string
	for _, pair := range u.Pairs {
		p, _ := linkage.ParsePair(pair)
		lines = append(lines, "The people of "+linkage.TitleOf(p.A)+" with the people of "+linkage.TitleOf(p.B))
	}
	return lines
}

// Tables are the columns of each dataset, the decisions and the publications.
func (u use) Tables() []table {
	var tables []table
	for _, d := range u.Datasets {
		for n, c := range d.Columns {
			if n == 0 || d.Columns[n-1].Table != c.Table {
				tables = append(tables, table{Head: []string{"Column", "What it says"},
					Caption: "Data of request " + u.ID + " from " + d.Title + ": " + c.Table + ". Each row is " + c.Grain + "."})
			}
			t := &tables[len(tables)-1]
			t.Rows = append(t.Rows, plainRow("", c.Column, upper(c.Description)))
		}
	}
	return append(tables, u.decisionTable(), u.publicationTable())
}

func (u use) decisionTable() table {
	t := table{Caption: "Decisions about request " + u.ID, Head: []string{"Entry", "Date", "Decision"}}
	for _, d := range u.Decisions {
		said := cell{Text: upper(d.By) + " " + d.What + " it."}
		if d.Reason != "" {
			said.Notes = []string{"Reason: " + d.Reason}
		}
		t.Rows = append(t.Rows, row{Cells: []cell{{Text: strconv.Itoa(d.Entry)}, {Text: dayOf(d.On)}, said}})
	}
	return t
}

func (u use) publicationTable() table {
	t := table{Caption: "Publications made under request " + u.ID, Head: []string{"Entry", "Published on", "Data as at", "Publication"}}
	for _, p := range u.Publications {
		name := cell{Text: p.Publication, Mono: true}
		if p.Removed != "" {
			name.Notes = []string{fmt.Sprintf("Removed from the hub on %s. Copies taken before can be read until their last day.", dayOf(p.Removed))}
		}
		t.Rows = append(t.Rows, row{Cells: []cell{{Text: strconv.Itoa(p.Entry)}, {Text: dayOf(p.On)}, {Text: dayOf(p.AsAt)}, name}})
	}
	return t
}
