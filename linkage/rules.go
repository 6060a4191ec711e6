package linkage

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"datanet/schemas"
)

// A FormError says what is wrong with a request, field by field. It never quotes what was written.
type FormError struct {
	faults []string
	hints  []string
}

func (e *FormError) Error() string { return strings.Join(e.faults, "; ") }

// Kind is "use".
func (e *FormError) Kind() string { return "use" }

// Hints say what could be written instead.
func (e *FormError) Hints() []string { return e.hints }

// Faults are what is wrong, one field each.
func (e *FormError) Faults() []string { return slices.Clone(e.faults) }

// Limits of an approval, in characters and in number.
const (
	maxTitle   = 200
	maxSummary = 4000
	maxProse   = 2000
	maxUser    = 120
	maxUsers   = 100
	maxScopes  = 16
	maxColumns = 500 // of a dataset
)

const (
	notASCII  = "holds other characters than plain printable ASCII"
	notPaired = " is missing: pairs do not follow from one another"
	notSpaced = "begins or ends with a space, or has two together"
)

var columnName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`)

// wrongLine says why a text is not one line of an approval, or "".
func wrongLine(s string, limit int) string {
	printable := func(r rune) bool { return r >= ' ' && r <= '~' }
	switch {
	case s == "":
		return "is empty"
	case !every(strings.Split(s, ""), func(c string) bool { return len(c) == 1 && printable(rune(c[0])) }):
		return notASCII
	case len(s) > limit:
		return fmt.Sprintf("is longer than %d characters", limit)
	case strings.Join(strings.Fields(s), " ") != s:
		return notSpaced
	}
	return ""
}

func hintsFor(faults ...string) []string {
	text := strings.Join(faults, "")
	var hints []string
	if strings.Contains(text, notASCII) {
		hints = append(hints, "write it on one line with unaccented letters, straight quotes and short hyphens: what is signed must be the same bytes on every machine")
	}
	if strings.Contains(text, notPaired) {
		hints = append(hints, "name every two of the datasets in --pairs, as in primary-care:slam")
	}
	if strings.Contains(text, asNumber) || strings.Contains(text, asPostcode) {
		hints = append(hints, "leave it out: what is recorded stays for ever, and everybody may read it")
	}
	if strings.Contains(text, notSpaced) {
		hints = append(hints, "put one space between words")
	}
	return hints
}

// faults collects what is wrong.
type faults []string

func (f *faults) unless(holds bool, field, wrong string) {
	if !holds {
		*f = append(*f, field+": "+wrong)
	}
}

func (f *faults) line(field, value string, limit int) {
	wrong := wrongLine(value, limit)
	f.unless(wrong == "", field, wrong)
}

func (f *faults) impersonal(field, value string) {
	wrong := impersonal(value)
	f.unless(wrong == "", field, wrong)
}

func (f faults) err() error {
	if len(f) == 0 {
		return nil
	}
	return &FormError{faults: f, hints: hintsFor(f...)}
}

// wellFormed holds an approval to every rule that needs nothing but the approval.
func (a *Approval) wellFormed() error {
	var f faults
	f.unless(approvalID.MatchString(a.ID), "id", "is not of the form 2026-001")
	f.unless(a.Supersedes == "" || approvalID.MatchString(a.Supersedes) && a.Supersedes != a.ID, "supersedes", "is not the id of another request")
	a.words(&f)
	if a.scopes(&f) {
		a.pairs(&f)
	}
	a.dates(&f)
	f.unless(a.Cohort == CohortAll, "cohort", "is not "+CohortAll+", the only one that this version can keep to")
	f.unless(a.Refresh == RefreshNone, "refresh", "is not "+RefreshNone+", the only one that this version can keep to")
	f.unless(optOutsForm.MatchString(a.OptOuts), "opt-outs", "is not "+OptOutsAsLoaded+", alone or with a number of days behind it: this version can keep to no other")
	f.unless(plainID.MatchString(a.Disclosure), "disclosure", "is not a policy's id")
	f.unless(hubID.MatchString(a.Hub), "hub", "is not 32 hex digits")
	f.unless(a.Seen.Size > 0, "ledger", "counts no record")
	f.unless(len(a.Text()) <= maxApproval, "text", fmt.Sprintf("is longer than %d characters", maxApproval))
	return f.err()
}

func (a *Approval) words(f *faults) {
	f.line("title", a.Title, maxTitle)
	f.line("summary", a.Summary, maxSummary)
	f.line("purpose", a.Purpose, maxProse)
	f.line("legal-basis", a.LegalBasis, maxProse)
	f.line("dpia", a.DPIA, maxTitle)
	_, err := parseVKey(a.Applicant)
	f.unless(err == nil && wrongLine(a.Applicant, maxTitle) == "", "applicant", "is not a verifier key")
	f.unless(len(a.Users) > 0, "user", "nobody is named")
	if len(a.Users) > maxUsers {
		f.unless(false, "user", fmt.Sprintf("more than %d people are named", maxUsers))
		return
	}
	for n, user := range a.Users {
		f.line(fmt.Sprintf("user %d", n+1), user, maxUser)
		f.unless(!slices.Contains(a.Users[:n], user), fmt.Sprintf("user %d", n+1), "is named twice")
	}
}

// scopes is false if there are so many datasets that nobody could read on.
func (a *Approval) scopes(f *faults) bool {
	f.unless(len(a.Datasets) > 0, "dataset", "none is named")
	if len(a.Datasets) > maxScopes {
		f.unless(false, "dataset", fmt.Sprintf("more than %d are named", maxScopes))
		return false
	}
	names := a.Names()
	for n, scope := range a.Datasets {
		field := fmt.Sprintf("dataset %d", n+1)
		if !datasetName.MatchString(scope.Dataset) {
			f.unless(false, field, "is not a dataset's name")
			continue
		}
		field += " (" + scope.Dataset + ")"
		f.unless(!slices.Contains(names[:n], scope.Dataset), field, "is named twice")
		f.unless(len(scope.Columns) > 0, field, "no column is named")
		scope.columns(f, field)
	}
	return true
}

func (s Scope) columns(f *faults, field string) {
	if len(s.Columns) > maxColumns {
		f.unless(false, field, fmt.Sprintf("more than %d columns are named", maxColumns))
		return
	}
	for n, c := range s.Columns {
		if !columnName.MatchString(c.Table) || !columnName.MatchString(c.Name) {
			f.unless(false, field, fmt.Sprintf("column %d is not named as columns are", n+1))
			continue
		}
		before := s.Columns[:n]
		sameTable := func(b Column) bool { return b.Table == c.Table }
		f.unless(!slices.Contains(before, c), field, fmt.Sprintf("the column %s of %s is named twice", c.Name, c.Table))
		f.unless(n == 0 || sameTable(before[n-1]) || !slices.ContainsFunc(before, sameTable), field, fmt.Sprintf("the column %s of %s does not stand with the others of its table", c.Name, c.Table))
	}
}

// pairs asks for every two of the datasets: linked tables hold all of them side by side, so that a project which lacks one
// pair would join it all the same.
func (a *Approval) pairs(f *faults) {
	names, want := a.Names(), allPairs(a.Names())
	if len(a.Pairs) > len(want) {
		f.unless(false, "pair", "more are named than the datasets asked for make")
		return
	}
	for n, p := range a.Pairs {
		field := "pair " + fmt.Sprint(n+1)
		switch {
		case p.A == p.B:
			f.unless(false, field, "joins a dataset with itself")
		case !slices.Contains(names, p.A) || !slices.Contains(names, p.B):
			f.unless(false, field, "names a dataset that is not asked for")
		case slices.Contains(a.Pairs[:n], p) || slices.Contains(a.Pairs[:n], Pair{p.B, p.A}):
			f.unless(false, field, "is named twice")
		case !slices.Contains(want, p):
			f.unless(false, field, "does not name its datasets in the order in which they are asked for")
		}
	}
	for _, p := range want {
		_, plain := ParsePair(p.String())
		named := slices.Contains(a.Pairs, p) || slices.Contains(a.Pairs, Pair{p.B, p.A})
		f.unless(named || p.A == p.B || !plain, "pair", p.String()+notPaired)
	}
	inOrder := slices.IsSortedFunc(a.Pairs, func(p, q Pair) int { return slices.Index(want, p) - slices.Index(want, q) })
	f.unless(inOrder, "pair", "they do not stand in the order of the datasets")
	f.unless(len(names) == 0 || a.has(a.Denominator), "denominator", "is not one of the datasets asked for")
}

func (a *Approval) dates(f *faults) {
	fine := true
	for _, d := range []struct{ field, value string }{{"from", a.From}, {"until", a.Until}, {"review", a.Review}} {
		f.unless(isDate(d.value), d.field, "is not a date YYYY-MM-DD")
		fine = fine && isDate(d.value)
	}
	switch {
	case !fine:
	case a.Until < a.From:
		f.unless(false, "until", "is before from")
	default:
		f.unless(a.From <= a.Review, "review", "is before from")
		f.unless(a.Review <= a.Until, "review", "is after until")
	}
}

// Known says whether everything asked for exists, and whether the columns asked for suffice to join. It is kept apart from the
// form, so that a ledger stays readable when a later version renames a column.
func (a *Approval) Known() error {
	var f faults
	var hints []string
	for n, scope := range a.Datasets {
		dataset, err := schemas.DatasetByID(scope.Dataset)
		if err != nil {
			f.unless(false, fmt.Sprintf("dataset %d", n+1), "there is no such dataset")
			hints = append(hints, "the datasets are "+listed(schemas.DatasetIDs()))
			continue
		}
		hints = append(hints, scope.known(&f, dataset)...)
	}
	if len(f) == 0 {
		return nil
	}
	return &FormError{faults: f, hints: slices.Compact(hints)}
}

func (s Scope) known(f *faults, dataset *schemas.Dataset) (hints []string) {
	field := "dataset " + dataset.ID
	for _, name := range s.tables() {
		table := dataset.TableByName(name)
		if table == nil {
			f.unless(false, field, "it has no table "+shownName(name))
			hints = append(hints, "the tables of "+dataset.ID+" are "+listed(tableNames(dataset)))
			continue
		}
		for _, c := range s.Columns {
			if c.Table == name && !slices.Contains(table.ColumnNames(), c.Name) {
				f.unless(false, field, "its table "+name+" has no column "+shownName(c.Name))
				hints = append(hints, "the columns of "+name+" are "+listed(table.ColumnNames()))
			}
		}
		person := Column{name, personColumn(table)}
		f.unless(slices.Contains(s.Columns, person), field, fmt.Sprintf("the column %s of %s is missing: without it the rows belong to nobody", person.Name, name))
	}
	members := slices.ContainsFunc(s.Columns, func(c Column) bool { return slices.Contains(dataset.Members, c.Table+"."+c.Name) })
	f.unless(members, field, "no column that says who is in it is named: "+listed(dataset.Members))
	return hints
}

// shownName is a name as asked for, if it has the form of one: what has not could be anything.
func shownName(name string) string {
	if columnName.MatchString(name) {
		return name
	}
	return "of such a name"
}

func (s Scope) tables() []string {
	var names []string
	for _, c := range s.Columns {
		if !slices.Contains(names, c.Table) {
			names = append(names, c.Table)
		}
	}
	return names
}

func tableNames(d *schemas.Dataset) []string {
	names := make([]string, len(d.Tables))
	for i, t := range d.Tables {
		names[i] = t.Name
	}
	return names
}

// personColumn is the column that says whose a row is: the first of its role.
func personColumn(t *schemas.Table) string {
	for _, c := range t.Columns {
		if c.Role == schemas.Person {
			return c.Name
		}
	}
	return ""
}

// addYear is the day a year after a date.
func addYear(date string) string {
	at, _ := time.Parse(time.DateOnly, date)
	return at.AddDate(1, 0, 0).Format(time.DateOnly)
}
