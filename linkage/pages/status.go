package pages

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"datanet/linkage"
)

// Status is how a hub stands, as a page. The document is what datanet hub status --json prints. Fields that this page has no words for are
// shown under their own names, so that none is lost.
func Status(document []byte) ([]byte, error) {
	d := json.NewDecoder(bytes.NewReader(document))
	d.UseNumber()
	root, err := readValue(d)
	if err != nil || root.fields == nil {
		return nil, errors.New("how the hub stands is not a document of fields")
	}
	p := statusPage{}
	if needs := root.at("needs"); needs.array { // first what needs somebody
		root.fields = slices.DeleteFunc(root.fields, func(f field) bool { return f.name == "needs" })
		p.Parts = append(p.Parts, statusPart{ID: "needs", Title: labelOf("needs"), Tables: []table{listTable("Most important first", told(needs))}})
	}
	p.add(hubTitle, root)
	return sheet{"How the hub stands", root.at("name").text, asOfStatus(root), p}.render("status.html")
}

// needWords say what a thing is about that needs somebody; its sentence says the rest.
var needWords = map[string]string{
	"integrity": "Data do not agree", "sweep": "To clear", "stale": "Outdated", "review": "Review", "signature": "Signature",
	"late": "Late", "never-sent": "Never sent", "passed-over": "Missing", "left": "Withdrew",
}

// told leaves of what needs somebody what it is about and its sentence, which names dataset, site and approval.
func told(needs value) value {
	list := slices.Clone(needs.list)
	for i, need := range list {
		kind := need.at("kind")
		if word := needWords[kind.text]; word != "" {
			kind.text = word
		}
		list[i] = value{fields: []field{{"kind", kind}, {"says", need.at("says")}}}
	}
	return value{list: list, array: true}
}

func asOfStatus(root value) string {
	var entry int64
	fmt.Sscan(root.at("records").text, &entry)
	if at, err := time.Parse(time.RFC3339, root.at("time").text); err == nil && entry > 0 {
		return fmt.Sprintf("As of entry %d of the record of decisions, %s", entry-1, moment(at))
	}
	return "As of the newest entry of the record of decisions"
}

// A value is one of JSON, its fields in their order.
type value struct {
	text   string
	fields []field // of an object
	list   []value // of an array
	array  bool
}

type field struct {
	name  string
	value value
}

func (v value) at(name string) value {
	for _, f := range v.fields {
		if f.name == name {
			return f.value
		}
	}
	return value{}
}

func (v value) scalar() bool { return v.fields == nil && !v.array }

// plain says that a value can be told in a line: it is one, or a list of such that is not about things with fields.
func (v value) plain() bool {
	return v.scalar() || v.array && !slices.ContainsFunc(v.list, func(item value) bool { return !item.plain() })
}

func (v value) empty() bool { return v.scalar() && v.text == "" || v.array && len(v.list) == 0 }

// readValue keeps the order of fields, which a map would lose.
func readValue(d *json.Decoder) (value, error) {
	token, err := d.Token()
	if err != nil {
		return value{}, err
	}
	switch t := token.(type) {
	case json.Delim:
		if t == '[' {
			return readList(d)
		}
		return readFields(d)
	case string:
		return value{text: t}, nil
	case bool:
		return value{text: map[bool]string{true: "Yes", false: "No"}[t]}, nil
	case nil:
		return value{}, nil
	}
	return value{text: fmt.Sprint(token)}, nil
}

func readList(d *json.Decoder) (value, error) {
	v := value{array: true}
	for d.More() {
		item, err := readValue(d)
		if err != nil {
			return v, err
		}
		v.list = append(v.list, item)
	}
	_, err := d.Token()
	return v, err
}

func readFields(d *json.Decoder) (value, error) {
	v := value{fields: []field{}}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return v, err
		}
		item, err := readValue(d)
		if err != nil {
			return v, err
		}
		v.fields = append(v.fields, field{fmt.Sprint(name), item})
	}
	_, err := d.Token()
	return v, err
}

type statusPage struct{ Parts []statusPart }

// A statusPart is an object: its plain fields, and a table for each of its lists. Lists of objects that hold lists themselves become parts
// of their own.
type statusPart struct {
	ID, Title string
	Facts     []fact
	Tables    []table
}

// add sets an object, and what it holds, into parts.
func (p *statusPage) add(title string, v value) {
	at := len(p.Parts)
	p.Parts = append(p.Parts, statusPart{ID: fmt.Sprintf("part-%d", at), Title: title})
	for _, f := range v.fields {
		label := labelOf(f.name)
		switch {
		case f.value.plain():
			p.Parts[at].Facts = append(p.Parts[at].Facts, fact{label, []string{said(f.name, f.value)}, nil})
		case f.value.array && nested(f.value):
			for _, item := range f.value.list {
				p.add(itemTitle(label, item), item)
			}
		case f.value.array:
			p.Parts[at].Tables = append(p.Parts[at].Tables, listTable(label+of(title), f.value))
		default:
			p.Parts[at].Tables = append(p.Parts[at].Tables, fieldTable(label+of(title), f))
		}
	}
}

const hubTitle = "The hub"

// of tells the tables of several parts apart.
func of(title string) string {
	if title == hubTitle {
		return ""
	}
	return " of " + title
}

// mostColumns is what fits a page.
const mostColumns = 8

// nested says that the items of a list need parts of their own: they hold things with fields, or more than a row can.
func nested(v value) bool {
	for _, item := range v.list {
		if slices.ContainsFunc(item.fields, func(f field) bool { return !f.value.plain() }) {
			return true
		}
	}
	return len(columnsOf(v)) > mostColumns
}

// columnsOf are the fields of the items that say something in any of them, in the order in which they are first met.
func columnsOf(v value) (names []string) {
	for _, item := range v.list {
		for _, f := range item.fields {
			if !f.value.empty() && !slices.Contains(names, f.name) {
				names = append(names, f.name)
			}
		}
	}
	return names
}

func itemTitle(label string, item value) string {
	if len(item.fields) == 0 || !item.fields[0].value.scalar() {
		return label
	}
	return linkage.TitleOf(item.fields[0].value.text)
}

// listTable has the fields of the items for columns. A field that is empty in all of them has none.
func listTable(caption string, v value) table {
	t := table{Caption: caption}
	names := columnsOf(v)
	for _, name := range names {
		t.Head = append(t.Head, labelOf(name))
	}
	for _, item := range v.list {
		r := row{}
		for _, name := range names {
			r.Cells = append(r.Cells, cell{Text: said(name, item.at(name))})
		}
		t.Rows = append(t.Rows, r)
	}
	return t
}

// fieldTable is an object whose fields are counts, such as approvals by how they stand.
func fieldTable(caption string, f field) table {
	t := table{Caption: caption, Head: []string{"What", "Figure"}}
	for _, item := range f.value.fields {
		name := statusWords[linkage.Status(item.name)]
		if name == "" {
			name = upper(strings.ReplaceAll(item.name, "-", " "))
		}
		t.Rows = append(t.Rows, plainRow("", name, worded(item.name, item.value.text)))
	}
	return t
}

// said tells a plain value in a line.
func said(name string, v value) string {
	if !v.array || len(v.list) == 0 {
		return worded(name, v.text)
	}
	var items []string
	for _, item := range v.list {
		items = append(items, said("", item))
	}
	if slices.ContainsFunc(v.list, func(item value) bool { return item.array }) { // ranges of numbers
		return strings.ReplaceAll(strings.Join(items, "; "), " and ", " to ")
	}
	return listed(items)
}

// labels are the fields of the document in words.
var labels = map[string]string{
	"hub": "Id of the hub", "name": "Name", "records": "Entries in the record of decisions", "time": "Newest entry", "datasets": "Datasets",
	"dataset": "Dataset", "guardian": "Key of the Guardian", "custodian": "Key of the custodian", "deputies": "Deputies of the Guardian", "key": "Key",
	"until": "Until", "sites": "Sites", "site": "Site", "as_at": "Data as at", "sequence": "Number of the last extract",
	"today": "Judged on", "late_days": "Data are late after this many days", "needs": "What needs somebody", "kind": "About", "says": "In words", "approval": "Approval", "projects": "Requests",
	"publications": "Publications that lie in the hub", "publication": "Publication", "last_day": "Readable until", "recorded": "As recorded", "state": "State", "oldest": "Oldest data",
	"withdrawn": "People withdrawn, rounded up to 10", "days": "Days since", "late": "Late", "passed": "Numbers passed over", "left": "Left on", "reason": "Reason",
	"title": "Title", "status": "How it stands", "from": "From", "review": "Review by", "review_days": "Days until the review", "awaiting": "Guardians who have not signed",
	"released": "Released here", "linked": "Joined here", "stale": "Released before people withdrew", "to_sweep": "Things to clear up",
	"persons": "People, to the nearest 10", "missing": "Extracts that never came", "approvals": "Approvals by how they stand",
}

func labelOf(name string) string {
	if label := labels[name]; label != "" {
		return label
	}
	return upper(strings.ReplaceAll(name, "_", " "))
}

// whoNothing is what an empty field means, where it means something.
var whoNothing = map[string]string{"guardian": "nobody yet", "custodian": "nobody yet", "as_at": "nothing was loaded yet"}

// worded writes days and large numbers as people do.
func worded(name, text string) string {
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return moment(at)
	}
	if text == "" {
		if says := whoNothing[name]; says != "" {
			return says
		}
		return "none"
	}
	if name == "says" {
		return readable(text)
	}
	if word := statusWords[linkage.Status(text)]; name == "status" && word != "" {
		return word
	}
	if n, err := json.Number(text).Int64(); err == nil && len(text) < 10 {
		return thousands(n)
	}
	return dayOf(text)
}
