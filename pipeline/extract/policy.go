package extract

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"datanet/pipeline/engine"
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
	if err := o.whole(); err != nil {
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

// withholds reads what is stopped by its code here, whichever name the list and
// the site's own code table have for it.
func (c *coded) withholds(ctx context.Context, e *engine.Engine) error {
	return e.Query(ctx, "noting what stays behind", "SELECT DISTINCT concept FROM withheld ORDER BY concept", func(r *sql.Rows) error {
		var code string
		err := r.Scan(&code)
		c.withheld = append(c.withheld, code)
		return err
	})
}

// characteristics are the lists that say to which group somebody belongs. Without
// one of their codes, people would be counted in another group or in none.
var characteristics = []string{"ethnicity", "language", "country-of-birth", "religion", "smoking"}

func hides(list string) error {
	return &Refusal{"the policy leaves out a code of the list " + list + ", and people would be counted in groups that are not theirs",
		"take it out of the lists that the policy leaves out"}
}

// hidden refuses a policy that knows a characteristic's code by another of its
// names than the characteristic's list does.
func hidden(ctx context.Context, e *engine.Engine) error {
	found, err := counts(ctx, e, "SELECT list, count(*) FROM hidden GROUP BY list")
	if err != nil {
		return err
	}
	for _, list := range characteristics {
		if found[list] > 0 {
			return hides(list)
		}
	}
	return nil
}

// whole refuses what leaves out a code of a characteristic. The trusts' feeds have
// columns for them, in words of their own, which no code list reaches.
func (o *Options) whole() error {
	if o.Key.Dataset != "primary-care" {
		return nil
	}
	for _, list := range characteristics {
		l := o.CodeLists[list]
		if l != nil && slices.ContainsFunc(l.Entries, func(e schemas.Entry) bool { _, out := slices.BinarySearch(o.withheld, e.Code); return out }) {
			return hides(list)
		}
	}
	return nil
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
