package linkage

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"datanet/schemas"
)

// CopyDays is how long a copy of a publication made under an approval can be read after it was sealed, at most.
const CopyDays = 92

// Plain puts the request into words that a Guardian can read aloud before signing. It is made from the parsed fields alone, so that
// no text can pose as another. Others are the requests of the hub, as Decisions.All gives them, and now is the ledger's clock: named are
// those that share a dataset with this one and are still asked for, are approved, or have ended and were published before.
func (a *Approval) Plain(others []*Decision, now time.Time) string {
	return a.plain(others, now).text.String()
}

func (a *Approval) plain(others []*Decision, now time.Time) *page {
	p := &page{}
	p.line(0, "Request %s: %s", a.ID, a.Title)
	a.plainChange(p, others)
	a.plainPurpose(p)
	a.plainPeople(p)
	a.plainJoin(p)
	a.plainColumns(p)
	a.plainLimits(p)
	a.plainOthers(p, others, now)
	a.plainPrinciples(p)
	a.plainEnd(p)
	return p
}

func (a *Approval) plainPurpose(p *page) {
	p.head("What it is for")
	p.line(1, "%s", a.Summary)
	p.line(1, "Purpose: %s", a.Purpose)
	p.line(1, "Legal basis: %s", a.LegalBasis)
	p.line(1, "Data protection impact assessment: %s", a.DPIA)
}

func (a *Approval) plainPeople(p *page) {
	p.head("Who asks, and who may use it")
	name, _, _ := strings.Cut(a.Applicant, "+")
	p.line(1, "Asked for with the key named %s, which cannot sign for any dataset of its own request.", name)
	p.line(1, "The people who may use it, and nobody else:")
	for _, user := range a.Users {
		p.line(2, "%s", user)
	}
}

func (a *Approval) plainJoin(p *page) {
	p.head("What will be joined")
	if len(a.Datasets) == 1 {
		p.line(1, "Nothing. It is about %s alone.", TitleOf(a.Names()[0]))
		return
	}
	for _, pair := range a.Pairs {
		p.line(1, "The people of %s are matched with the people of %s, one by one.", TitleOf(pair.A), TitleOf(pair.B))
	}
	if len(a.Pairs) > 1 {
		p.line(1, "The result shows for one person what all %d datasets hold.", len(a.Datasets))
	}
	p.line(1, "Matching uses codes that are made from NHS numbers with secret keys, and that hold for this request only. The rows are still about persons: somebody who knows enough about a person could recognise that person's rows.")
	p.line(1, "Everybody in %s stays in the result, matched or not. Of the other datasets only those people stay who are matched.", TitleOf(a.Denominator))
}

func (a *Approval) plainColumns(p *page) {
	for _, scope := range a.Datasets {
		dataset, err := schemas.DatasetByID(scope.Dataset)
		if err != nil {
			dataset = &schemas.Dataset{}
		}
		p.head("What is used of " + TitleOf(scope.Dataset))
		for _, name := range scope.tables() {
			table := dataset.TableByName(name)
			if table == nil {
				table = &schemas.Table{Grain: "this version does not know the table"}
			}
			p.line(1, "%s, where each row is %s:", name, table.Grain)
			columns := a.Columns(scope.Dataset, name)
			for _, column := range columns {
				p.line(2, "%s: %s", column, describe(table, column))
			}
			if people := kept(columns, func(column string) bool { return roleOf(table, column) == schemas.Person }); len(people) > 1 {
				p.line(2, "Whoever stands in one row is shown as belonging together: %s.", listed(people))
			}
		}
	}
}

func describe(t *schemas.Table, name string) string {
	switch role := roleOf(t, name); role {
	case "":
		return "this version does not know the column"
	case schemas.Person, schemas.Event:
		return columnOf(t, name).Description + " (never an NHS number)"
	default:
		return columnOf(t, name).Description
	}
}

func roleOf(t *schemas.Table, name string) schemas.Role { return columnOf(t, name).Role }

// columnOf is the zero column if there is none.
func columnOf(t *schemas.Table, name string) schemas.Column {
	for _, c := range t.Columns {
		if c.Name == name {
			return c
		}
	}
	return schemas.Column{}
}

func (a *Approval) plainLimits(p *page) {
	p.head("Until when, and within which limits")
	p.line(1, "From %s until %s, both days included.", a.From, a.Until)
	p.line(1, "It has to be reviewed by %s. After that day it rests until a new request is signed.", a.Review)
	p.line(1, "Everybody in the datasets is included: there is no limit to some ages, places or dates.")
	p.line(1, "Each dataset is taken as at one date. Data of a later date need a new request.")
	for _, name := range a.Names() {
		p.line(1, "Opt-outs in %s: %s", TitleOf(name), optOutsOf(name))
	}
	if days := a.OptOutDays(); days > 0 {
		p.line(1, "A dataset is released only while the data of every site in it are at most %d %s old: who has opted out before that is not in it.", days, plural("day", days))
	}
	p.line(1, "An opt-out after a dataset was released to this request takes effect in later requests only.")
	p.line(1, "What leaves the project are counts of people, under the rules against disclosure that the hub has recorded.")
}

func (a *Approval) plainOthers(p *page, others []*Decision, now time.Time) {
	p.head("What else it lets people join")
	said := false
	for _, other := range others {
		if other.Approval.ID == a.ID || !slices.ContainsFunc(other.Approval.Names(), a.has) {
			continue
		}
		if stands, over := other.beside(now); stands != "" {
			a.plainOther(p, other, stands, over)
			said = true
		}
	}
	if !said {
		p.line(1, "No other request that is open or approved uses any of these datasets, and none that has ended was published.")
	}
}

// beside says how a request stands beside another one, in words that follow its title, and whether it is over: "" if it is over and was
// never published.
func (d *Decision) beside(now time.Time) (stands string, over bool) {
	status := d.Status(now)
	switch status {
	case StatusDraft, StatusAwaiting:
		return "is still being asked for, until " + d.Approval.LastDay() + ", and uses", false
	case StatusNotYet:
		return "is approved from " + d.Approval.From + " until " + d.Approval.LastDay() + " and uses", false
	case StatusApproved:
		return "is approved until " + d.Approval.LastDay() + " and uses", false
	}
	if len(d.published) == 0 {
		return "", true
	}
	ended := "ended on " + d.Approval.LastDay()
	if by := d.SupersededBy(now); by != nil {
		ended = "ended when request " + by.Approval.ID + " took its place on " + by.took()
	}
	if status == StatusRevoked {
		ended = "was revoked on " + day(d.Revocations[0].Time)
	}
	return ended + ", but was published on " + listed(slices.Compact(slices.Clone(d.published))) + ". It used", true
}

// plainOther says what two requests make possible together that neither of them allows.
func (a *Approval) plainOther(p *page, of *Decision, stands string, over bool) {
	other := of.Approval
	shared := kept(a.Names(), other.has)
	mine := kept(a.Names(), func(name string) bool { return !other.has(name) })
	theirs := kept(other.Names(), func(name string) bool { return !a.has(name) })
	p.line(1, "Request %s, %s, %s %s too. Its codes are different ones, but rows about the same person can be recognised by what they say.",
		other.ID, other.Title, stands, Titles(shared))
	who := "Somebody who may read both"
	if over {
		who = "Somebody who kept what could be read under it"
	}
	if len(mine) > 0 && len(theirs) > 0 {
		p.line(2, "%s can bring together %s and %s, which neither request asks for.", who, Titles(mine), Titles(theirs))
	} else {
		p.line(2, "%s can bring together more about the same person than either request asks for.", who)
	}
	if len(of.published) > 0 {
		p.line(2, "What was published under it is known: a copy stays readable until its last day, at most %d days after it was made, and nobody forgets a figure. Published figures are changed a little by chance to protect people, under each request anew. Where this request counts the same, the two figures together say more of the true one than either.", CopyDays)
	}
	if both := kept(a.Users, func(user string) bool { return slices.Contains(other.Users, user) }); len(both) > 0 {
		p.line(2, "Named in both: %s.", listed(both))
	} else {
		p.line(2, "Nobody is named in both.")
	}
}

func (a *Approval) plainEnd(p *page) {
	p.head("Who decides, and what revoking cannot undo")
	if len(a.Datasets) > 1 {
		p.line(1, "The Guardians of %s must all sign. Any one of them can refuse before that, and revoke after it.", Titles(a.Names()))
	} else {
		p.line(1, "The Guardian of %s must sign, and can refuse before that, and revoke after it.", Titles(a.Names()))
	}
	p.line(1, "Revoking stops the hub at once: it releases, links, publishes and answers nothing more under this request. What was made under it at the hub is removed when the hub's operator next clears up (datanet hub sweep).")
	p.line(1, "Revoking does not reach copies. A copy of a publication of this request that somebody has already taken away stays readable until its last day, which is at most %d days after it was made. Rows that somebody named above has copied stay where they are.", CopyDays)
}

// optOutsOf says whose opt-outs a dataset's files carry.
func optOutsOf(dataset string) string {
	if d, err := schemas.DatasetByID(dataset); err == nil {
		return d.OptOuts
	}
	return "not known here."
}

// TitleOf is a dataset's title, or its name where this version does not know it.
func TitleOf(dataset string) string {
	if d, err := schemas.DatasetByID(dataset); err == nil {
		return d.Title
	}
	return dataset
}

// Titles are several, in a row: "a, b and c".
func Titles(datasets []string) string {
	words := make([]string, len(datasets))
	for i, name := range datasets {
		words[i] = TitleOf(name)
	}
	return listed(words)
}

func kept(list []string, holds func(string) bool) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return !holds(s) })
}

// A page is text in indented lines of at most 80 characters, where words are not longer.
type page struct {
	text     strings.Builder
	sections []Section // the same, not yet broken into lines
}

func (p *page) head(title string) {
	fmt.Fprintf(&p.text, "\n%s\n", title)
	p.sections = append(p.sections, Section{Title: title})
}

// line writes one paragraph.
func (p *page) line(depth int, format string, args ...any) {
	indent, width := strings.Repeat("  ", depth), 0
	words := strings.Fields(fmt.Sprintf(format, args...))
	p.keep(depth, words)
	for _, word := range words {
		long := len([]rune(word)) + 1
		switch {
		case width == 0:
			p.text.WriteString(indent)
			width = len(indent)
		case width+long > 80:
			indent = strings.Repeat("  ", depth+1)
			p.text.WriteString("\n" + indent)
			width = len(indent)
		default:
			p.text.WriteString(" ")
		}
		p.text.WriteString(word)
		width += long
	}
	p.text.WriteString("\n")
}
