package publication

// An IntegrityError says that a publication is not what its hub signed.
type IntegrityError struct{ Rule, Hint string }

func (e *IntegrityError) Error() string { return "publication: " + e.Rule }

// Kind is the kind of failure, which decides the exit code.
func (e *IntegrityError) Kind() string { return "integrity" }

// Hints says what to do.
func (e *IntegrityError) Hints() []string { return []string{e.Hint} }

const fetchAgain = "get it again from the hub that published it"

// A UseError says that a question or a folder does not fit.
type UseError struct{ Rule, Hint string }

func (e *UseError) Error() string { return e.Rule }

// Kind is the kind of failure, which decides the exit code.
func (e *UseError) Kind() string { return "use" }

// Hints says what to do.
func (e *UseError) Hints() []string { return []string{e.Hint} }

// A Refusal says that the rules do not let something be published, or read: a
// table that is not among the published ones, a date too near another, a day
// after the last.
type Refusal struct{ Rule, Hint string }

func (e *Refusal) Error() string { return e.Rule }

// Kind is the kind of failure, which decides the exit code.
func (e *Refusal) Kind() string { return "governance" }

// Hints says what to do.
func (e *Refusal) Hints() []string { return []string{e.Hint} }
