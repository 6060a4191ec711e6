package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"datanet/pipeline/extract"
)

// printExtract is the account that a practice manager can read aloud: who is in
// the extract, who and what was left out, what to correct, what leaves, and what
// to do next. It keeps to 80 columns.
func printExtract(w io.Writer, r *extract.Result) {
	printWhich(w, r)
	w = narrowed{w}
	printExports(w, r)
	for _, table := range tablesOf(r) {
		printTable(w, r, table)
	}
	printNHSNumbers(w, r)
	printDoubts(w, r)
	fmt.Fprintln(w)
	printGoverned(w, r)
	fmt.Fprint(w, leaves)
	printNext(w, r)
}

func printWhich(w io.Writer, r *extract.Result) {
	if r.Extract == "" {
		fmt.Fprintf(w, "Dry run: nothing was kept.\n%s of %s, as at %s\n", r.Site, r.Dataset, longDate(r.AsAt))
		return
	}
	fmt.Fprintf(w, "%s\nExtract number %d of %s, %s, as at %s\n", r.Extract, r.Sequence, r.Site, r.Dataset, longDate(r.AsAt))
}

// printExports says of which days' exports the extract was made, if of several.
func printExports(w io.Writer, r *extract.Result) {
	if len(r.Exports) < 2 {
		return
	}
	days := make([]string, len(r.Exports))
	for i, day := range r.Exports {
		days[i] = longDate(day)
	}
	fmt.Fprintf(w, "Made of the exports of %s.\n", strings.Join(days, ", "))
}

func longDate(day string) string {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return day
	}
	return t.Format("2 January 2006")
}

// headings are what the rows of a table are.
var headings = map[string]string{
	"observations": "Entries", "medications": "Prescriptions", "referrals": "Referrals", "diagnoses": "Diagnoses",
	"contacts": "Contacts", "spells": "Hospital stays", "pregnancies": "Pregnancies", "births": "Births",
}

func people(n int64) string {
	switch n {
	case 0:
		return "nobody"
	case 1:
		return "1 person"
	}
	return thousands(n) + " people"
}

// tablesOf are the extract's tables, that of the people first.
func tablesOf(r *extract.Result) []string {
	return slices.SortedFunc(maps.Keys(r.Tables), func(a, b string) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a, b))
	})
}

func rank(table string) int {
	if table == "patients" || table == "pregnancies" {
		return 0
	}
	return 1
}

// printTable says how many rows leave and how many stay, and why, in the order in
// which that was decided.
func printTable(w io.Writer, r *extract.Result, table string) {
	out := maps.Clone(r.Gates[table])
	if table != "patients" {
		printRows(w, r, table, total(out))
		printReasons(w, out)
		return
	}
	records := map[string]int64{}
	for _, reason := range nobodys {
		if n := out[reason]; n > 0 {
			records[reason] = n
		}
		delete(out, reason)
	}
	printRows(w, r, table, total(out))
	printReasons(w, out)
	if len(records) > 0 {
		fmt.Fprintf(w, "Patient records set aside: %s, each under the first that holds:\n", thousands(total(records)))
		printReasons(w, records)
	}
}

// nobodys are the reasons for which a record of a patient is not used, and which
// leave nobody out: the person is counted by another record, or elsewhere.
var nobodys = []string{"other-organisation", "no-patient", "re-submitted", "changed-later", "same-person"}

func total(gates map[string]int64) (n int64) {
	for _, left := range gates {
		n += left
	}
	return n
}

func printReasons(w io.Writer, gates map[string]int64) {
	for _, reason := range inOrder(gates) {
		mark := ""
		if len(gates) > 2 && 2*gates[reason] > total(gates) {
			mark = " (most of them)"
		}
		fmt.Fprintf(w, "%12s  %s%s\n", thousands(gates[reason]), inWords(reason), mark)
	}
}

func printRows(w io.Writer, r *extract.Result, table string, out int64) {
	in, left := cmp.Or(headings[table], "Rows of "+table)+" in it", "Left out"
	rows := r.Tables[table]
	if table == "patients" {
		in, left = "Who is in it", "Patient records left out"
	} else if table == "pregnancies" {
		fmt.Fprintf(w, "\nWho is in it: %s.\n", people(r.Persons))
	}
	end := ", each under the first that holds:"
	if out == 0 {
		end = "."
	}
	switch {
	case table == "patients" && rows == r.Persons:
		fmt.Fprintf(w, "\n%s: %s.\n%s: %s%s\n", in, people(r.Persons), left, thousands(out), end)
	case table == "patients": // somebody is there twice
		fmt.Fprintf(w, "\n%s: %s, in %s records.\n%s: %s%s\n", in, people(r.Persons), thousands(rows), left, thousands(out), end)
	default:
		fmt.Fprintf(w, "\n%s: %s. %s: %s%s\n", in, thousands(rows), left, thousands(out), end)
	}
}

// reasons put the gates' short names into words, in the order of the gates.
// The words do for one and for many.
var reasons = []struct{ name, words string }{
	{"other-organisation", "of another organisation"},
	{"re-submitted", "submitted again later: the later row counts"},
	{"changed-later", "a later row of the same record counts"},
	{"no-identifier", "without the id that the record is known by"},
	{"no-patient", "without a patient in the export"},
	{"person-left-out", "belongs to a person who is left out"},
	{"booking-left-out", "belongs to a booking that is left out"},
	{"agreement", "the sharing agreement is off"},
	{"test", "a test or dummy patient"},
	{"deleted", "deleted at the practice"},
	{"type-1", "the person chose a Type 1 opt-out"},
	{"local-dissent", "the person dissented locally"},
	{"restricted", "the person's record is restricted (S-flag)"},
	{"confidential", "marked confidential"},
	{"national-opt-out", "not on the national list of people who may be used"},
	{"unlinkable", "without a usable NHS number (--drop-unlinkable)"},
	{"same-person", "another record of a person who is counted"},
	{"identifier-code", "the code says that it identifies somebody"},
	{"sensitive", "a code that the policy leaves out"},
	{"sensitive-outcome", "how the pregnancy ended never leaves"},
	{"not-attended", "not attended"},
	{"no-icd10", "not coded in ICD-10"},
	{"no-concept", "without a code that the export explains"},
	{"not-snomed", "its code is no SNOMED CT or dm+d number"},
	{"impossible-date", "dated before birth or after the export"},
	{"impossible-value", "a value that cannot be"},
}

func place(reason string) int {
	at := slices.IndexFunc(reasons, func(r struct{ name, words string }) bool { return r.name == reason })
	if at < 0 {
		return len(reasons)
	}
	return at
}

func inOrder(gates map[string]int64) []string {
	return slices.SortedFunc(maps.Keys(gates), func(a, b string) int {
		return cmp.Or(cmp.Compare(place(a), place(b)), cmp.Compare(a, b))
	})
}

func inWords(reason string) string {
	if at := place(reason); at < len(reasons) {
		return reasons[at].words
	}
	return reason
}

// numbers say what is wrong with NHS numbers, and what to do about it.
var numbers = []struct{ name, one, many, do string }{
	{"blank", "has no NHS number", "have no NHS number", "trace it and enter it"},
	{"check-digit", "has an NHS number that fails its check digit", "have an NHS number that fails its check digit", "correct it"},
	{"repeated-digit", "has one repeated digit in place of an NHS number", "have one repeated digit in place of an NHS number", "enter the real number"},
	{"malformed", "has an NHS number that is not ten digits", "have an NHS number that is not ten digits", "correct it"},
	{"out-of-range", "has an NHS number outside the ranges in use", "have an NHS number outside the ranges in use", "correct it"},
	{"unverified", "has an NHS number that its source calls untraced", "have an NHS number that its source calls untraced", "have it traced"},
	{"superseded", "has an NHS number that its source calls superseded", "have an NHS number that its source calls superseded", "enter the present one"},
	{"mothers-own", "is a baby under its mother's NHS number", "are babies under their mothers' NHS number", "enter the baby's own"},
}

func printNHSNumbers(w io.Writer, r *extract.Result) {
	fmt.Fprintf(w, "\nNHS numbers, of everybody in the export, left out or not: %s usable.\n", thousands(r.Numbers["ok"]))
	corrected := false
	for _, n := range numbers {
		count := r.Numbers[n.name]
		if count == 0 {
			continue
		}
		says := n.many
		if count == 1 {
			says = n.one
		}
		fmt.Fprintf(w, "  %s %s: %s.\n", people(count), says, n.do)
		corrected = true
	}
	for _, name := range slices.Sorted(maps.Keys(r.Numbers)) {
		if name != "ok" && !slices.ContainsFunc(numbers, func(n struct{ name, one, many, do string }) bool { return n.name == name }) {
			fmt.Fprintf(w, "  %s: %s.\n", people(r.Numbers[name]), name)
		}
	}
	if corrected {
		until := "they are in the extract and found in no other dataset"
		if r.National != "" || r.Gates["patients"]["unlinkable"]+r.Gates["pregnancies"]["unlinkable"] > 0 {
			until = "they are left out"
		}
		fmt.Fprintf(w, "Corrected in the clinical system, they can be linked next time. Until then %s.\n", until)
	}
	if r.Numbers["out-of-range"] > r.Numbers["ok"] {
		fmt.Fprintln(w, "Most numbers are outside the ranges in use.\nSynthetic people need --test-numbers; real ones must go without it.")
	}
}

func printDoubts(w io.Writer, r *extract.Result) {
	printPlaces(w, r)
	for _, rule := range slices.Sorted(maps.Keys(r.Contradictions)) {
		if n := r.Contradictions[rule]; n > 0 {
			fmt.Fprintf(w, "Two %s under one NHS number, a sign of a wrong number: %s.\n", cmp.Or(contradictions[rule], rule), people(n))
		}
	}
	for _, relation := range slices.Sorted(maps.Keys(r.Passed)) {
		fmt.Fprintf(w, "Rows that the format leaves aside for %s: %s.\n", relation, thousands(r.Passed[relation]))
	}
	for _, column := range slices.Sorted(maps.Keys(r.Strange)) {
		fmt.Fprintf(w, "Values of %s that cannot be, or cannot be read: %s.\n", column, thousands(r.Strange[column]))
	}
	if r.Ignored > 0 {
		fmt.Fprintf(w, "Columns that the format does not know, left unread: %d.\n", r.Ignored)
	}
	printUnread(w, r.Unread)
}

// printUnread says which files of the folder were not opened: tables by name, and
// others, whose names are not ours to repeat, by number.
func printUnread(w io.Writer, files []string) {
	var tables []string
	others := map[string]int{}
	for _, file := range files {
		if strings.Contains(file, " ") {
			others[file]++
		} else {
			tables = append(tables, file)
		}
	}
	slices.Sort(tables)
	if len(tables) > 0 {
		fmt.Fprintf(w, "Tables left unread, since nothing of them may leave: %s.\n", strings.Join(slices.Compact(tables), ", "))
	}
	for _, what := range slices.Sorted(maps.Keys(others)) {
		fmt.Fprintf(w, "Left unread, %d: %s.\n", others[what], what)
	}
}

// printPlaces says where people live, and of how many nobody can tell.
func printPlaces(w io.Writer, r *extract.Result) {
	if len(r.Areas) > 0 {
		fmt.Fprintf(w, "Where people live: %s in the borough, %s outside it, %s of no fixed abode, %s without a postcode.\n",
			thousands(r.Areas["inside"]), thousands(r.Areas["outside"]), thousands(r.Areas["no-fixed-abode"]), thousands(r.Areas["no-postcode"]))
	}
	several := r.Areas["several-areas"]
	for _, of := range []struct {
		n    int64
		what string
	}{{r.Unmatched - several, "a postcode that the lookup does not hold"}, {several, "a postcode to which the lookup gives several areas"}} {
		if of.n == 1 {
			fmt.Fprintf(w, "1 person has %s, and no ward.\n", of.what)
		} else if of.n > 1 {
			fmt.Fprintf(w, "%s have %s, and no ward.\n", people(of.n), of.what)
		}
	}
}

// contradictions puts what rows of one person disagree about into words.
var contradictions = map[string]string{"birth-date": "dates of birth", "death-date": "dates of death", "sex": "sexes", "area": "areas"}

const leaves = "\nWhat leaves: codes in place of NHS numbers, years in place of dates of birth, areas in place of postcodes, and coded entries. " +
	"What stays here: names, addresses, numbers, notes, and this account. The manifest that travels has totals of people rounded to 10.\n"

func printNext(w io.Writer, r *extract.Result) {
	switch {
	case r.Extract == "":
		fmt.Fprintln(w, "Next: give the same command without --dry-run.")
	case r.Sealed:
		fmt.Fprintln(w, "Next: send this one file to the custodian. Nobody else can open it.")
	default:
		fmt.Fprint(w, "Next: look at what leaves with datanet inspect. Then send the folder by a route that encrypts: "+
			"it is signed, not encrypted. With --seal it is one file that only the custodian can open.\n")
	}
}

// narrowed breaks lines between words so that they fit a terminal of 80
// columns. What is one word stays whole.
type narrowed struct{ w io.Writer }

const columns = 80

func (n narrowed) Write(text []byte) (int, error) {
	for line := range strings.Lines(string(text)) {
		if _, err := io.WriteString(n.w, wrap(line)); err != nil {
			return 0, err
		}
	}
	return len(text), nil
}

func wrap(line string) string {
	indent := line[:len(line)-len(strings.TrimLeft(line, " "))]
	var out strings.Builder
	for len([]rune(strings.TrimRight(line, "\n"))) > columns {
		at := strings.LastIndex(line[:columns+1], " ")
		if at <= len(indent) {
			break
		}
		out.WriteString(line[:at] + "\n")
		line = indent + line[at+1:]
	}
	out.WriteString(line)
	return out.String()
}
