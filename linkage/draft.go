package linkage

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"datanet/schemas"
)

// Draft completes a request: it gives it the next free id, the defaults, the one accepted order, this hub and the head of its
// record of decisions. It checks what Append will ask of it, and appends nothing. It also refuses what could never be used, and what
// must not be recorded for ever: an NHS number or a postcode in its words. A *FormError names every field that is wrong.
func Draft(l *Ledger, want Approval, now time.Time) (*Approval, error) {
	decisions, err := l.Decisions()
	if err != nil {
		return nil, err
	}
	now = l.head.Clock(now)
	a := want.clone()
	a.ID = cmp.Or(a.ID, NewID(l.records, now))
	a.Disclosure = cmp.Or(a.Disclosure, policyOf(l.records))
	a.Hub, a.Seen = decisions.hub, Seen{l.head.Size, l.head.Root}
	a.complete()
	if err := merged(a.wellFormed(), a.Known(), a.hopeless(decisions.trust, now), a.personal()); err != nil {
		return nil, err
	}
	if err := decisions.allowApproval(a, now); err != nil {
		return nil, err
	}
	return a, nil
}

// hopeless says why a request that is well formed could never be used. It is not asked of what is in a ledger already: days pass, and
// Guardians change.
func (a *Approval) hopeless(trust Trust, now time.Time) error {
	var f faults
	if today := day(now); isDate(a.Until) && isDate(a.Review) {
		f.unless(today <= a.Until, "until", "that day is over")
		f.unless(today > a.Until || today <= a.Review, "review", "that day is over, and with it the request")
	}
	for _, name := range a.Names() {
		if key := publicKey(a.Applicant); key != "" && key == publicKey(trust.Dataset(name).Guardian) {
			f.unless(false, "applicant", "is the key of the Guardian of "+name+", who could not sign a request of their own")
		}
	}
	return f.err()
}

// personal says which of the words that a request is told in could name a patient.
func (a *Approval) personal() error {
	var f faults
	f.impersonal("title", a.Title)
	f.impersonal("summary", a.Summary)
	f.impersonal("purpose", a.Purpose)
	f.impersonal("legal-basis", a.LegalBasis)
	f.impersonal("dpia", a.DPIA)
	for n, user := range a.Users[:min(len(a.Users), maxUsers)] {
		f.impersonal(fmt.Sprintf("user %d", n+1), user)
	}
	return f.err()
}

// complete fills in what has a default, and brings columns and pairs into their one order.
func (a *Approval) complete() {
	if len(a.Datasets) > 0 {
		a.Denominator = cmp.Or(a.Denominator, a.Datasets[0].Dataset)
	}
	a.Cohort = cmp.Or(a.Cohort, CohortAll)
	a.Refresh = cmp.Or(a.Refresh, RefreshNone)
	a.OptOuts = cmp.Or(a.OptOuts, OptOutsAsLoaded)
	if a.Review == "" && isDate(a.From) {
		a.Review = min(a.Until, addYear(a.From))
	}
	for _, scope := range a.Datasets {
		scope.order()
	}
	want := allPairs(a.Names())
	for i, p := range a.Pairs {
		if slices.Contains(want, Pair{p.B, p.A}) {
			a.Pairs[i] = Pair{p.B, p.A}
		}
	}
	place := byPlace(spelled(want))
	slices.SortStableFunc(a.Pairs, func(p, q Pair) int { return place(p.String(), q.String()) })
}

// order sorts columns as the dataset has them.
func (s Scope) order() {
	dataset, err := schemas.DatasetByID(s.Dataset)
	if err != nil {
		dataset = &schemas.Dataset{}
	}
	tables := byPlace(tableNames(dataset))
	slices.SortStableFunc(s.Columns, func(a, b Column) int {
		names := []string{}
		if table := dataset.TableByName(a.Table); table != nil {
			names = table.ColumnNames()
		}
		return cmp.Or(tables(a.Table, b.Table), byPlace(names)(a.Name, b.Name))
	})
}

func spelled(pairs []Pair) []string {
	words := make([]string, len(pairs))
	for i, p := range pairs {
		words[i] = p.String()
	}
	return words
}

// merged is one error that holds the faults of several; nil if there are none.
func merged(errs ...error) error {
	whole := &FormError{}
	for _, err := range errs {
		var form *FormError
		if errors.As(err, &form) {
			whole.faults, whole.hints = append(whole.faults, form.faults...), append(whole.hints, form.hints...)
		}
	}
	if len(whole.faults) == 0 {
		return nil
	}
	return whole
}

// policyOf is the disclosure policy that the hub recorded last; "" if it has none.
func policyOf(records []Record) string {
	for _, record := range slices.Backward(records) {
		if record.Kind == KindPolicy {
			body, _ := unmarshal[PolicyRecord](record.Body) // it was read strictly before
			return body.Policy
		}
	}
	return ""
}

// NewID is the next free id of the year: 2026-001, 2026-002, …
func NewID(records []Record, now time.Time) string {
	year, highest := now.UTC().Format("2006"), 0
	for _, record := range records {
		if record.Kind != KindApproval {
			continue
		}
		body, err := unmarshal[ApprovalRecord](record.Body)
		if number, ok := strings.CutPrefix(body.Approval, year+"-"); ok && err == nil {
			n, _ := strconv.Atoi(number)
			highest = max(highest, n)
		}
	}
	return fmt.Sprintf("%s-%03d", year, highest+1)
}
