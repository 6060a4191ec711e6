package pages

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// History is everything that was ever decided and done: decisions.html for reading, newest first, and decisions.csv.
func History(r Record) ([]File, error) {
	all, err := r.entries()
	if err != nil {
		return nil, err
	}
	table, err := csvOf(historyRows(all))
	if err != nil {
		return nil, err
	}
	page, err := sheet{"Everything decided and done", r.hub, r.asOf(), historyPage{len(all), r.requests(all), historyTable(all)}}.render("history.html")
	return []File{{"decisions.html", page}, {"decisions.csv", table}}, err
}

type historyPage struct {
	Count    int
	Requests table
	Entries  table
}

func historyRows(all []entry) [][]string {
	rows := [][]string{{"entry", "time", "kind", "what", "approval", "dataset", "who", "outcome", "reason", "check", "name"}}
	for _, e := range all {
		rows = append(rows, []string{strconv.Itoa(e.Number), e.Time.UTC().Format(time.RFC3339), string(e.Kind), e.What, e.Approval,
			strings.Join(e.Datasets, " "), e.Who, e.Outcome, e.Reason, e.Check, e.Detail})
	}
	return rows
}

// requests lead to the entries that are about each request.
func (r Record) requests(all []entry) table {
	t := table{Caption: "Requests, and the entries about each", Head: []string{"Request", "Title", "How it stands", "Entries"}}
	for _, d := range slices.Backward(r.decisions.All()) {
		found := cell{}
		for _, e := range all {
			if e.Approval == d.Approval.ID {
				found.Links = append(found.Links, link{strconv.Itoa(e.Number), anchor(e.Number)})
			}
		}
		t.Rows = append(t.Rows, row{Cells: []cell{{Text: d.Approval.ID}, {Text: d.Approval.Title}, {Text: r.stands(d).Word}, found}})
	}
	return t
}

func anchor(number int) string { return "#entry-" + strconv.Itoa(number) }

func historyTable(all []entry) table {
	t := table{Caption: "All entries, the newest first", Head: []string{"Entry", "When", "What", "Outcome", "Key"}}
	for _, e := range slices.Backward(all) {
		what := cell{Text: e.What}
		if e.Reason != "" {
			what.Notes = append(what.Notes, "Reason: "+e.Reason)
		}
		if e.Check != "" {
			what.Notes = append(what.Notes, "Check that failed: "+e.Check)
		}
		who := cell{Text: e.Who, Mono: true}
		if e.ByHub {
			who = cell{Text: "The hub's own"}
		}
		number := strconv.Itoa(e.Number)
		t.Rows = append(t.Rows, row{"entry-" + number, []cell{{Text: number, Href: anchor(e.Number)}, {Text: moment(e.Time)}, what, {Text: upper(e.Outcome)}, who}})
	}
	return t
}
