package extract

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"datanet/pseudonym"
	"datanet/schemas"
)

// A Refusal says that governance does not let this extract be made.
type Refusal struct{ Rule, Hint string }

func (e *Refusal) Error() string { return e.Rule }

// Kind is the kind of failure, which decides the exit code.
func (e *Refusal) Kind() string { return "governance" }

// Hints says what to do.
func (e *Refusal) Hints() []string { return []string{e.Hint} }

// govern reads what the policy asks for, before any row is read.
func (o *Options) govern() error {
	if o.Policy == nil {
		o.Policy = schemas.StarterPolicy()
	}
	if o.Now.IsZero() {
		o.Now = time.Now()
	}
	err := o.Policy.Holds(o.Key.Dataset, o.Now.UTC())
	if err != nil {
		return err
	}
	for _, name := range o.Policy.Lists() {
		if l := o.CodeLists[name]; l != nil && len(l.Entries) == 0 {
			return noCode(name)
		}
	}
	if o.withheld, err = o.Policy.Withholds(o.CodeLists); err != nil {
		return err
	}
	o.listed, err = o.nationalList()
	return err
}

// sensitive are the policy's codes in every form in which one may be matched: as
// the canonical tables have it and, in primary care, as Read without dots.
func (o Options) sensitive() []string {
	codes := slices.Clone(o.withheld)
	if o.Key.Dataset != "primary-care" {
		return codes
	}
	for _, name := range o.Policy.Lists() {
		for _, c := range o.CodeLists[name].Entries {
			codes = append(codes, schemas.Bare(c.Code))
		}
	}
	slices.Sort(codes)
	return slices.Compact(codes)
}

// idle warns of codes that the policy's lists hold for nothing.
func (o Options) idle() []string {
	n, form := o.Policy.Unmatched(o.Key.Dataset, o.CodeLists)
	if n == 0 {
		return nil
	}
	return []string{fmt.Sprintf("codes of the policy's lists that can match nothing in %s, which holds %s: %d", o.Key.Dataset, form, n)}
}

// numberGate is what the policy says of somebody by the NHS number alone: test,
// national-opt-out, or nothing. A number that cannot be used cannot be looked
// up, so nobody can tell whether its person opted out: where the national
// opt-out is applied, they stay out too.
func (o Options) numberGate(text []byte) string {
	number, problem := pseudonym.ParseNHSNumber(text, o.Numbers)
	switch {
	case o.Numbers == pseudonym.Live && o.testNumber(string(text)):
		return "test"
	case o.listed == nil || problem == pseudonym.OK && o.listed.has(number):
		return ""
	}
	return "national-opt-out"
}

// testNumber says whether a number is one of those by which the policy knows a
// test patient in a live run. Where only test numbers are accepted, everybody is one.
func (o Options) testNumber(text string) bool {
	digits := strings.NewReplacer(" ", "", "-", "", "\t", "").Replace(text)
	if len(digits) != 10 {
		return false
	}
	for _, prefix := range o.Policy.TestNumbers {
		if strings.HasPrefix(digits, prefix) {
			return true
		}
	}
	return false
}
