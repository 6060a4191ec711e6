// Package pipeline is the flow, told once. Stages meet in files and tables;
// what two of them need together, as publishing does, is put together here.
package pipeline

// A Stage is one step on the way from a patient's row to a planner's map.
type Stage struct {
	Name  string // the command that runs it
	Who   string
	Where string
	What  string
}

// Stages lists the steps in their order.
func Stages() []Stage {
	return []Stage{
		// An analyst at each practice or trust, inside the organisation: source files become an extract.
		{"extract", "analyst of a site", "inside the organisation", "gate, code and generalise the export's rows; sign what may leave"},
		// The data manager of a dataset, at the hub: extracts become the dataset's current state.
		{"load", "custodian of a dataset", "at the hub", "verify, re-wrap and sort an extract; replace the site's part of the dataset"},
		// The data manager of a dataset, under an approval that every Guardian concerned has signed: the approved columns, coded anew for the project.
		{"release", "custodian of a dataset", "where the dataset is", "give a project what its approval names, under codes of its own"},
		// The project's analyst, under the same approval: the releases are joined on their codes.
		{"link", "linking analyst", "at the hub", "join the releases of a project; say who did not link"},
		// The hub's publisher: exact counts, disclosure control, and the audit, in one go; only the result leaves.
		{"publish", "publisher of the hub", "at the hub", "count people, protect the counts, attack them, freeze what withstands"},
		// A planner, anywhere: questions to a publication, which needs nothing else.
		{"query", "planner", "anywhere", "answer from published counts"},
	}
}
