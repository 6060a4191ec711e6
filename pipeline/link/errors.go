package link

const again = "have its custodian release it again"

// An IntegrityError says that a release, or what stands in the project, is not
// what was signed and recorded.
type IntegrityError struct{ Rule, Hint string }

func (e *IntegrityError) Error() string { return e.Rule }

// Kind is the kind of failure, which decides the exit code.
func (e *IntegrityError) Kind() string { return "integrity" }

// Hints says what to do.
func (e *IntegrityError) Hints() []string { return []string{e.Hint} }

// A Refusal says that the approval does not allow it. Failed is the check, in
// the words of linkage.
type Refusal struct{ Rule, Hint, Failed string }

// Check names the check that failed.
func (e *Refusal) Check() string { return e.Failed }

func (e *Refusal) Error() string { return e.Rule }

// Kind is the kind of failure, which decides the exit code.
func (e *Refusal) Kind() string { return "governance" }

// Hints says what to do.
func (e *Refusal) Hints() []string { return []string{e.Hint} }

// A UseError says that something is missing, or given twice.
type UseError struct{ Rule, Hint string }

func (e *UseError) Error() string { return e.Rule }

// Kind is the kind of failure, which decides the exit code.
func (e *UseError) Kind() string { return "use" }

// Hints says what to do.
func (e *UseError) Hints() []string { return []string{e.Hint} }
