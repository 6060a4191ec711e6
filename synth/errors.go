package synth

// A UseError says that Write was asked for something it does not do.
type UseError struct {
	What string
	hint string
}

func (e *UseError) Error() string { return e.What }

// Kind is the kind of failure, which decides the exit code.
func (e *UseError) Kind() string { return "use" }

// Hints says what to do instead.
func (e *UseError) Hints() []string { return []string{e.hint} }
