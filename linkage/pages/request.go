package pages

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"datanet/linkage"
)

// Request is one request in plain words, to be printed, read and signed off in a meeting. The words are those that a Guardian reads before
// signing.
func Request(r Record, id string) ([]byte, error) {
	d := r.decisions.Of(id)
	if d == nil {
		return nil, errors.New("there is no such request")
	}
	all, err := r.entries()
	if err != nil {
		return nil, err
	}
	a, s := d.Approval, r.stands(d)
	p := requestPage{ID: a.ID, Name: a.Title, Word: s.Word, Tone: use{status: s.Status}.Tone(), Since: longDay(s.Since), Says: s.Says, Sum: a.SHA256()}
	for _, section := range a.Sections(r.decisions.All(), r.head.Time) {
		p.Sections = append(p.Sections, r.dated(section))
	}
	p.Meeting = table{Caption: "For the meeting", Head: []string{"Guardian of", "Agrees", "Refuses", "Name", "Signature and date"}}
	for _, name := range a.Names() {
		p.Meeting.Rows = append(p.Meeting.Rows, plainRow("", linkage.TitleOf(name), "☐", "☐", "", ""))
	}
	p.Decisions = r.use(d, all).decisionTable()
	return sheet{"Request " + a.ID + ": " + a.Title, r.hub, r.asOf(), p}.render("request.html")
}

type requestPage struct {
	ID, Name, Word, Tone, Since, Says, Sum string
	Sections                               []linkage.Section
	Decisions, Meeting                     table
}

// dated writes the days of our own sentences as people do, and leaves what somebody has written as it is.
func (r Record) dated(s linkage.Section) linkage.Section {
	own, out := r.written(), linkage.Section{Title: s.Title}
	for _, p := range s.Paragraphs {
		q := linkage.Paragraph{Text: readableBut(own, p.Text)}
		for _, line := range p.List {
			q.List = append(q.List, readableBut(own, line))
		}
		out.Paragraphs = append(out.Paragraphs, q)
	}
	return out
}

// written is what people have put into requests and what holds a day, the longest first.
func (r Record) written() []string {
	var all []string
	for _, d := range r.decisions.All() {
		a := d.Approval
		all = append(append(all, a.Title, a.Summary, a.Purpose, a.LegalBasis, a.DPIA), a.Users...)
	}
	all = slices.DeleteFunc(all, func(text string) bool { return readable(text) == text })
	slices.SortFunc(all, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	return slices.Compact(all)
}
