package release

// An IntegrityError says that what stands in the hub, or in the record of
// decisions, is not what it should be.
type IntegrityError struct{ Rule, Hint string }

func (e *IntegrityError) Error() string { return e.Rule }

// Kind is the kind of failure, which decides the exit code.
func (e *IntegrityError) Kind() string { return "integrity" }

// Hints says what to do.
func (e *IntegrityError) Hints() []string { return []string{e.Hint} }

// A KeyError says that a key is not the one that is needed.
type KeyError struct{ Rule, Hint string }

func (e *KeyError) Error() string { return e.Rule }

// Kind is the kind of failure, which decides the exit code.
func (e *KeyError) Kind() string { return "key" }

// Hints says what to do.
func (e *KeyError) Hints() []string { return []string{e.Hint} }

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
