package linkage

import (
	"fmt"
	"slices"

	"datanet/schemas"
)

// plainPrinciples goes through the eight Caldicott Principles (National Data Guardian, December 2020; their titles are shortened): what this
// request says to each, and what the Guardian has to ask because no program can know it.
func (a *Approval) plainPrinciples(p *page) {
	p.head("The eight Caldicott Principles, and this request")
	people := fmt.Sprintf("the %d people named above", len(a.Users))
	if len(a.Users) == 1 {
		people = "the one person named above"
	}
	for n, principle := range []struct{ title, says, ask string }{
		{"Justify the purpose", "the purpose stands above, and is looked at again by " + a.Review + ".", "Is it clear what will be done with the answer?"},
		{"Use confidential information only when it is necessary", a.rowsOrCounts(), "Would counts that are published already answer the question?"},
		{"Use the minimum necessary", a.asked(), ""},
		{"Access on a strict need-to-know basis", people + ". The program keeps the list; who can read the folder is the hub's business.", "Does each of them need it?"},
		{"Everyone with access should know their responsibilities", "the program cannot know.", "Has each of them been told, and trained?"},
		{"Comply with the law", "the legal basis, the impact assessment and whose opt-outs count stand above. The program cannot judge them.", "Do they fit this purpose?"},
		{"The duty to share is as important as the duty to protect", "refusing has a price too: what is asked stays unknown.", "What would care lose by it?"},
		{"Inform patients and service users", "once it is decided it is in the public register (datanet approval register).", "Do the notices of the organisations concerned speak of such a use?"},
	} {
		p.line(1, "%d. %s: %s %s", n+1, principle.title, principle.says, principle.ask)
	}
}

func (a *Approval) rowsOrCounts() string {
	if len(a.Datasets) > 1 {
		return "rows about persons are joined, without names and NHS numbers; what is published are counts."
	}
	return "rows about persons are used, without names and NHS numbers; what is published are counts."
}

// asked compares the columns asked for with what there is, and with what the catalogue's measures of these datasets need.
func (a *Approval) asked() string {
	columns, all, more := 0, 0, []string{}
	needed := schemas.StandardCatalogue().ColumnsFor(a.Names())
	for _, scope := range a.Datasets {
		columns += len(scope.Columns)
		if dataset, err := schemas.DatasetByID(scope.Dataset); err == nil {
			for _, table := range dataset.Tables {
				all += len(table.Columns)
			}
		}
		for _, c := range scope.Columns {
			if !slices.Contains(needed[scope.Dataset], schemas.TableColumn{Table: c.Table, Name: c.Name}) {
				more = append(more, c.spelled(scope.Dataset))
			}
		}
	}
	says := fmt.Sprintf("%d of the %d columns of these datasets are asked for. ", columns, all)
	if len(more) == 0 {
		return says + "The measures that this program knows for them need all of these."
	}
	return says + "More than the measures that this program knows for them need: " + listed(more) + ". Is each of these needed?"
}

// plainChange says what a request changes that takes the place of another one.
func (a *Approval) plainChange(p *page, others []*Decision) {
	i := slices.IndexFunc(others, func(d *Decision) bool { return d.Approval.ID == a.Supersedes })
	if i < 0 {
		return
	}
	old := others[i].Approval
	p.head("What it changes")
	p.line(1, "It takes the place of request %s, %s. That one ends when everybody has signed this one and its first day has come, whatever becomes of this one after that.", old.ID, old.Title)
	p.line(1, "New codes are made for it: datasets are released and joined anew, and what was made under the other is removed.")
	for _, field := range []struct{ name, was, is string }{
		{"The title", old.Title, a.Title}, {"The summary", old.Summary, a.Summary}, {"The purpose", old.Purpose, a.Purpose},
		{"The legal basis", old.LegalBasis, a.LegalBasis}, {"The impact assessment", old.DPIA, a.DPIA},
		{"The key of who asks", old.Applicant, a.Applicant}, {"The dataset whose people all stay", old.Denominator, a.Denominator},
		{"The rule for opt-outs", old.OptOuts, a.OptOuts}, {"The first day", old.From, a.From}, {"The last day", old.Until, a.Until}, {"The day of review", old.Review, a.Review},
	} {
		if field.was != field.is {
			p.line(1, "%s was: %s", field.name, field.was)
		}
	}
	said := p.changed("dataset", old.Names(), a.Names())
	said = p.changed("column", old.everyColumn(), a.everyColumn()) || said
	said = p.changed("person", old.Users, a.Users) || said
	if !said {
		p.line(1, "Datasets, columns and people are the same.")
	}
}

// changed says which are new and which are gone.
func (p *page) changed(what string, was, is []string) bool {
	fresh := kept(is, func(s string) bool { return !slices.Contains(was, s) })
	gone := kept(was, func(s string) bool { return !slices.Contains(is, s) })
	if len(fresh) > 0 {
		p.line(1, "New: %s %s.", plural(what, len(fresh)), listed(fresh))
	}
	if len(gone) > 0 {
		p.line(1, "No longer: %s %s.", plural(what, len(gone)), listed(gone))
	}
	return len(fresh)+len(gone) > 0
}

func plural(what string, n int) string {
	switch {
	case n == 1:
		return what
	case what == "person":
		return "people"
	}
	return what + "s"
}

func (c Column) spelled(dataset string) string {
	return c.Name + " of " + c.Table + " (" + dataset + ")"
}

// everyColumn are the columns asked for, as "sex of patients (slam)".
func (a *Approval) everyColumn() []string {
	var names []string
	for _, scope := range a.Datasets {
		for _, c := range scope.Columns {
			names = append(names, c.spelled(scope.Dataset))
		}
	}
	return names
}
