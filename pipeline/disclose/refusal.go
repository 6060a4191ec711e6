package disclose

import "fmt"

// Refusal says that no safe publication was found. It is an answer, not a failure: the table asks for more detail
// than these people can be protected in.
type Refusal struct{ reason string }

// Error says what could still be worked out, by numbers of cells only.
func (r *Refusal) Error() string { return r.reason }

// Kind is the family of the error: governance.
func (r *Refusal) Kind() string { return "governance" }

// Hints say what to do.
func (r *Refusal) Hints() []string {
	return []string{
		"register fewer or coarser views, or coarsen an axis",
		"leave out the measure that is held by very few or by almost everyone",
	}
}

func refuse(exposed, rounds int) *Refusal {
	return &Refusal{fmt.Sprintf("disclosure audit: %d withheld cells can still be worked out after %d rounds of repair", exposed, rounds)}
}
