package schemas

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Policy says what an extract leaves out because somebody decided so, and not
// because of what the rows are. It is a dated file with an approver, and every
// extract names the one it was made under.
type Policy struct {
	ID, Version, Title   string
	From, Review         time.Time // days: the first on which it holds, and the one by which it is looked at again
	ApprovedBy           Approver
	Datasets             []string    // that it holds for
	LeaveOut             []LeftOut   // code lists whose entries never leave
	NationalOptOut       NationalUse // of the national data opt-out
	WithdrawnCodesTravel bool        // whether the codes of people who are stopped may be sent to have them removed elsewhere
	TestNumbers          []string    // first digits of NHS numbers that, in a live run, are test patients'
	Digest               string      // SHA-256 of the file, in hex
}

// An Approver answers for a policy.
type Approver struct {
	Name, Role string
	Date       time.Time
}

// String names the approver, the role and the day.
func (a Approver) String() string {
	return fmt.Sprintf("%s (%s) on %s", a.Name, a.Role, a.Date.Format(time.DateOnly))
}

// A LeftOut is one code list whose entries never leave.
type LeftOut struct{ List, Why string }

// NationalUse says whether the national data opt-out is applied, and why.
type NationalUse struct {
	Apply bool
	Why   string
}

const (
	policySchema = "datanet/v1/policy"
	maxPolicy    = 1 << 20 // bytes
)

var starterPolicy = sync.OnceValue(func() *Policy {
	text, err := files.ReadFile("policies/starter.json")
	if err != nil {
		panic("schemas: " + err.Error())
	}
	p, err := ParsePolicy(text)
	if err != nil {
		panic("schemas: " + err.Error())
	}
	return p
})

// StarterPolicy is the policy that comes with datanet. Nobody approved it, and
// it says so; a site replaces it with its own.
func StarterPolicy() *Policy { return starterPolicy() }

// ReadPolicy reads a site's own policy. The error is a *PolicyError.
func ReadPolicy(path string) (*Policy, error) {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxPolicy {
		return nil, &PolicyError{[]PolicyProblem{{Rule: "is not a file that can be read, of at most 1 MiB"}}}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, &PolicyError{[]PolicyProblem{{Rule: "cannot be read"}}}
	}
	return ParsePolicy(text)
}

// Name is what manifests and accounts call a policy: its id and its version.
func (p *Policy) Name() string { return p.ID + " " + p.Version }

// Lists names the code lists that it leaves out.
func (p *Policy) Lists() []string {
	names := make([]string, len(p.LeaveOut))
	for i, l := range p.LeaveOut {
		names[i] = l.List
	}
	return names
}

// Holds refuses a policy that is not in force on a day, or is not for a dataset.
func (p *Policy) Holds(dataset string, today time.Time) error {
	if today.Format(time.DateOnly) < p.From.Format(time.DateOnly) {
		return &PolicyRefusal{"the policy " + p.Name() + " is not in force before " + p.From.Format(time.DateOnly), "give the policy that is in force today with --policy"}
	}
	if !slices.Contains(p.Datasets, dataset) {
		return &PolicyRefusal{"the policy " + p.Name() + " does not hold for " + dataset, "give one that does with --policy; it names its datasets"}
	}
	return nil
}

// Overdue says whether the policy should have been looked at again by now.
func (p *Policy) Overdue(today time.Time) bool {
	return today.Format(time.DateOnly) > p.Review.Format(time.DateOnly)
}

// Withholds are the codes of the policy's lists, each once, sorted. ICD-10 is
// in the form of the canonical tables, without a dot.
func (p *Policy) Withholds(lists Lists) ([]string, error) {
	var codes []string
	for _, name := range p.Lists() {
		l, err := lists.Get(name)
		if err != nil {
			return nil, err
		}
		for _, e := range l.Entries {
			codes = append(codes, tableForm(e.Code))
		}
	}
	slices.Sort(codes)
	return slices.Compact(codes), nil
}

var (
	icd10Form = regexp.MustCompile(`^[A-Z][0-9]{2}[0-9]?$`)
	icd10Text = regexp.MustCompile(`^[A-Z][0-9]{2}(\.?[0-9X])?$`)
)

// tableForm writes F06.7 and F20X as the canonical tables have them; any other
// code is as it is.
func tableForm(code string) string {
	if icd10Text.MatchString(code) {
		return code[:3] + strings.TrimRight(strings.ReplaceAll(code[3:], ".", ""), "X")
	}
	return code
}

// CodesOf keeps the codes that a dataset's canonical tables can hold: SNOMED CT
// and dm+d in primary care, ICD-10 at SLaM, none in maternity.
func CodesOf(dataset string, codes []string) []string {
	holds := map[string]func(string) bool{
		"primary-care": func(c string) bool { return ConceptID([]byte(c)) }, "slam": icd10Form.MatchString}[dataset]
	kept := []string{}
	for _, c := range codes {
		if holds != nil && holds(c) {
			kept = append(kept, c)
		}
	}
	return kept
}

// A PolicyProblem is one thing that is wrong with a policy file. Line 0 is the
// whole file.
type PolicyProblem struct {
	Line int
	Rule string
}

// A PolicyError says everything that is wrong with a policy file.
type PolicyError struct{ Problems []PolicyProblem }

func (e *PolicyError) Error() string {
	parts := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		if parts[i] = p.Rule; p.Line > 0 {
			parts[i] = fmt.Sprintf("line %d: %s", p.Line, p.Rule)
		}
	}
	return "the policy file: " + strings.Join(parts, "; ")
}

// Kind is the kind of failure, which decides the exit code.
func (e *PolicyError) Kind() string { return "use" }

// Hints says where its form is written down.
func (e *PolicyError) Hints() []string {
	return []string{"docs/reference/policy.md says what a policy holds, and has one to start from"}
}

// A PolicyRefusal says that a policy does not let an extract be made.
type PolicyRefusal struct{ Rule, Hint string }

func (e *PolicyRefusal) Error() string { return e.Rule }

// Kind is the kind of failure, which decides the exit code.
func (e *PolicyRefusal) Kind() string { return "governance" }

// Hints says what to do.
func (e *PolicyRefusal) Hints() []string { return []string{e.Hint} }
