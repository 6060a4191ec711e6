package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"datanet/pipeline/inspect"
	"datanet/schemas"
)

// wide is how many columns of a terminal the prose takes.
const wide = 100

// someValues is how many values of a column are printed when it is one of many.
const someValues = 10

// printFigures puts a report into words: every table, every column, and how
// easily people could be told apart.
func printFigures(w io.Writer, r *inspect.Report, tables []inspect.Source, o inspectOptions) {
	for _, t := range r.Tables {
		s := tables[slices.IndexFunc(tables, func(s inspect.Source) bool { return s.Name == t.Table })]
		fmt.Fprintln(w)
		wrapped(w, "", fmt.Sprintf("%s: about %s rows of %s people; a row is %s", t.Table, thousands(t.Rows), aboutPeople(t.People), strings.TrimSpace(s.Table.Grain)))
		if t.RowsPerPerson != nil {
			wrapped(w, "  ", "People by how many rows they have: "+values(*t.RowsPerPerson, someValues, inspect.KindValues)+".")
		}
		for _, c := range t.Columns {
			printColumn(w, t.Table, c, describe(s.Table, c.Column), o)
		}
	}
	printGroups(w, r.Groups)
	fmt.Fprintln(w)
	wrapped(w, "", "Figures are people, not rows, rounded to 5; totals are rounded to 10. [c] is withheld to protect people: the number is small, or would help to work out a small one. "+
		"\"Others\" are values that fewer than 8 people have, and those that hide them.")
}

func describe(t *schemas.Table, column string) string {
	for _, c := range t.Columns {
		if c.Name == column {
			return c.Description
		}
	}
	return ""
}

func aboutPeople(n *int64) string {
	if n == nil {
		return "[c]"
	}
	return "about " + thousands(*n)
}

func printColumn(w io.Writer, table string, c inspect.Column, description string, o inspectOptions) {
	wrapped(w, "  ", fmt.Sprintf("%s (%s): %s", c.Column, c.Type, description))
	most := someValues
	if o.column != "" {
		most = 1000
	}
	text := missing(c.Missing)
	switch {
	case c.Kind == inspect.KindPeople:
		text += fmt.Sprintf("%s different people; codes are never shown", aboutPeople(c.People))
	case c.Kind == inspect.KindEvents:
		text += "codes are never shown"
	case c.Values != nil:
		text += values(*c.Values, most, c.Kind)
	case len(c.Numbers) == 0:
		text += "too few people have a number for anything to be shown"
	}
	if c.Values != nil && len(c.Values.Shown) > most {
		text += fmt.Sprintf("; more with --column %s.%s", table, c.Column)
	}
	if c.Kind != inspect.KindNumbers || len(c.Numbers) == 0 {
		wrapped(w, "      ", text+".")
		return
	}
	printNumbers(w, text, c.Numbers, o.column != "", table+"."+c.Column)
}

// missing begins the sentence about a column.
func missing(s inspect.Share) string {
	switch {
	case s.Percent == nil:
		return "Missing: [c]. "
	case s.Note != "":
		return "Missing: under 1 in 100. "
	case *s.Percent == 0:
		return ""
	}
	return fmt.Sprintf("Missing: %d in 100. ", *s.Percent)
}

// values lists the most frequent values, or of years the latest.
func values(v inspect.Values, most int, kind string) string {
	years := kind == inspect.KindYears
	shown := v.Shown
	if len(shown) > most && years {
		shown = shown[len(shown)-most:]
	}
	var all []string
	for _, x := range shown[:min(most, len(shown))] {
		number := x.Note
		if x.People != nil {
			number = thousands(*x.People)
		} else if x.Note == "c" {
			number = "[c]"
		}
		name := x.Value
		if kind == inspect.KindCodes {
			name = withTerm(name)
		}
		all = append(all, name+": "+number)
	}
	if left := len(v.Shown) - most; left > 0 && years {
		all = append(all, fmt.Sprintf("and %d earlier years", left))
	} else if left > 0 {
		all = append(all, fmt.Sprintf("and %d more", left))
	}
	if v.Others {
		all = append(all, "others: [c]")
	}
	if len(all) == 0 {
		return "nothing"
	}
	return strings.Join(all, "; ")
}

// terms are what the starter lists call their codes.
var terms = sync.OnceValue(func() map[string]string {
	all := map[string]string{}
	lists := schemas.StarterLists()
	for _, name := range lists.Names() {
		for _, e := range lists[name].Entries {
			all[e.Code] = e.Term
		}
	}
	return all
})

// withTerm puts a clinical code's words beside it, where they are known.
func withTerm(code string) string {
	if term := terms()[code]; term != "" {
		return code + " (" + term + ")"
	}
	return code
}

// printNumbers prints how numbers are spread, of the first kind or of all.
func printNumbers(w io.Writer, begin string, of []inspect.Spread, all bool, column string) {
	for i, s := range of {
		if i == 3 && !all {
			wrapped(w, "      ", fmt.Sprintf("more with --column %s.", column))
			return
		}
		text := "Of " + withTerm(s.Of) + ": "
		if s.Of == "" {
			text = ""
		}
		var parts []string
		for i, at := range []string{"5 in 100 are", "25", "50", "75", "95"} {
			q := "[c]"
			if s.Quantiles[i] != nil {
				q = strconv.FormatFloat(*s.Quantiles[i], 'f', -1, 64)
			}
			parts = append(parts, at+" at or below "+q)
		}
		if s.People != nil {
			parts = append(parts, "people: "+thousands(*s.People))
		}
		wrapped(w, "      ", begin+text+strings.Join(parts, "; ")+".")
		begin = ""
	}
}

// printGroups says how few people share what somebody could know of them.
func printGroups(w io.Writer, groups []inspect.Groups) {
	if len(groups) == 0 {
		return
	}
	fmt.Fprintln(w, "\nHow easily could people be told apart?")
	lines := [][]string{{"", "k", "groups", "alone", "of 2 to 4", "of 5 to 9", "of 10 or more"}}
	var says []string
	for i, g := range groups {
		name := string(rune('A' + i%26))
		wrapped(w, "  ", fmt.Sprintf("%s  %s: %s", name, g.Table, strings.Join(g.Columns, ", ")))
		lines = append(lines, groupLine(name, g))
		says = append(says, groupSays(name, g))
	}
	fmt.Fprintln(w)
	printColumns(w, lines, 0)
	fmt.Fprintln(w)
	for _, s := range says {
		wrapped(w, "  ", s)
	}
	wrapped(w, "", "k is how many people share all of these facts in the smallest group; alone is the share of people who share them with nobody. "+
		"The rows are pseudonymised, not anonymous: whoever knows these facts of somebody in a small group has nearly found the row, and everything in it. "+
		"Dates and whole histories in the other tables tell people apart more often still.")
}

func groupLine(name string, g inspect.Groups) []string {
	line := []string{name, smallest(g), "[c]"}
	if g.Groups != nil {
		line[2] = thousands(*g.Groups)
	}
	for _, b := range g.Bands {
		line = append(line, perCent(b.Share))
	}
	for len(line) < 7 {
		line = append(line, "[c]")
	}
	return line
}

func smallest(g inspect.Groups) string {
	switch {
	case g.Smallest == nil:
		return "[c]"
	case *g.Smallest >= 10:
		return "10+"
	}
	return strconv.FormatInt(*g.Smallest, 10)
}

func perCent(s inspect.Share) string {
	switch {
	case s.Percent == nil && s.Note == "c":
		return "[c]"
	case s.Percent == nil:
		return "90%+"
	case s.Note != "":
		return "<1%"
	}
	return fmt.Sprintf("%d%%", *s.Percent)
}

// groupSays is a combination in one sentence.
func groupSays(name string, g inspect.Groups) string {
	switch {
	case g.Smallest == nil:
		return name + ": there are too few people for anything to be said."
	case *g.Smallest > 1:
		return fmt.Sprintf("%s: nobody is alone with these facts; the smallest group has %s people.", name, strings.Replace(smallest(g), "+", " or more", 1))
	case g.Bands[0].Share.Percent == nil && g.Bands[0].Share.Note == "c":
		return name + ": somebody is alone with these facts, and how many are is withheld."
	}
	return fmt.Sprintf("%s: %s of people are alone with these facts; whoever knows them finds the row.", name, perCent(g.Bands[0].Share))
}

// wrapped prints a text in lines that fit; what follows the first is indented
// a little more.
func wrapped(w io.Writer, indent, text string) {
	line := indent
	for _, word := range strings.Fields(text) {
		switch {
		case strings.TrimSpace(line) == "":
			line += word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > wide:
			fmt.Fprintln(w, line)
			line = indent + "  " + word
		default:
			line += " " + word
		}
	}
	fmt.Fprintln(w, line)
}
