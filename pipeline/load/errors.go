package load

import "fmt"

const again = "ask the site to send it again"

// An IntegrityError says that an extract is not what its site signed.
type IntegrityError struct{ Site, Rule, Hint string }

func (e *IntegrityError) Error() string {
	if e.Site == "" {
		return "extract: " + e.Rule
	}
	return "extract of site " + e.Site + ": " + e.Rule
}

// Kind is the kind of failure, which decides the exit code.
func (e *IntegrityError) Kind() string { return "integrity" }

// Hints says what to do.
func (e *IntegrityError) Hints() []string { return []string{e.Hint} }

// A KeyError says that an extract and a custodian's key do not belong together.
type KeyError struct{ Rule, Hint string }

func (e *KeyError) Error() string { return e.Rule }

// Kind is the kind of failure, which decides the exit code.
func (e *KeyError) Kind() string { return "key" }

// Hints says what to do.
func (e *KeyError) Hints() []string { return []string{e.Hint} }

// A Refusal says that the hub does not know the site that sent an extract.
type Refusal struct{ Site, Dataset string }

func (e *Refusal) Error() string {
	return fmt.Sprintf("the hub does not trust a site %s of %s", e.Site, e.Dataset)
}

// Kind is the kind of failure, which decides the exit code.
func (e *Refusal) Kind() string { return "governance" }

// Hints says what to do.
func (e *Refusal) Hints() []string {
	return []string{fmt.Sprintf("after checking who sent it: datanet hub trust --dataset %s --site %s=PUBLIC", e.Dataset, e.Site)}
}

// Check names the rule, for the record of decisions.
func (e *Refusal) Check() string { return "site" }

// A Departed site has withdrawn from the dataset.
type Departed struct{ Site, Dataset string }

func (e *Departed) Error() string {
	return fmt.Sprintf("site %s has withdrawn from %s, and its extracts are not taken any more", e.Site, e.Dataset)
}

// Kind is the kind of failure, which decides the exit code.
func (e *Departed) Kind() string { return "governance" }

// Hints says what to do.
func (e *Departed) Hints() []string {
	return []string{fmt.Sprintf("if it wants to take part again, it makes a new key, and the custodian signs for it: datanet hub trust --dataset %s --site %s=PUBLIC --by CUSTODIAN", e.Dataset, e.Site)}
}

// Check names the rule, for the record of decisions.
func (e *Departed) Check() string { return "site" }

// A UseError says that a folder does not fit.
type UseError struct{ Rule, Hint string }

func (e *UseError) Error() string { return e.Rule }

// Kind is the kind of failure, which decides the exit code.
func (e *UseError) Kind() string { return "use" }

// Hints says what to do.
func (e *UseError) Hints() []string { return []string{e.Hint} }

// An Unusual list would take more people out of the dataset than opt out in a while.
type Unusual struct{ Site string }

// Check names the rule, for the record of decisions.
func (e *Unusual) Check() string { return "unusual" }

func (e *Unusual) Error() string {
	return fmt.Sprintf("site %s withdraws more than 100 people, and more than 5 per cent, of those whom the other sites sent", e.Site)
}

// Kind is the kind of failure, which decides the exit code.
func (e *Unusual) Kind() string { return "governance" }

// Hints says what to do.
func (e *Unusual) Hints() []string {
	return []string{"ask the site why; if it is meant, load the extract with --accept-withdrawals"}
}
