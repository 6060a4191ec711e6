package main

import (
	"errors"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
)

// misused turns what cobra refuses before a command runs into this program's
// words. The hint names the command that was meant.
func misused(c *cobra.Command, err error) error {
	var said *useError
	if errors.As(err, &said) {
		return said
	}
	rule := err.Error()
	for _, w := range rewordings {
		rule = w.from.ReplaceAllString(rule, w.to)
	}
	if word, ok := unknownWord(err.Error()); ok {
		return unknownCommand(c, word)
	}
	if len(c.ValidArgs) > 0 && strings.HasPrefix(rule, "invalid argument") && !strings.HasSuffix(rule, " flag") {
		return &useError{c.CommandPath() + " does not know that word", "known: " + strings.Join(c.ValidArgs, ", ")}
	}
	if strings.Contains(rule, "argument is needed") || strings.Contains(rule, "argument can be given") {
		_, words, _ := strings.Cut(c.Use, " ")
		return &useError{rule, "as in: " + c.CommandPath() + " " + words}
	}
	return &useError{rule: asFlags(rule), hint: "see " + c.CommandPath() + " --help"}
}

var rewordings = []struct {
	from *regexp.Regexp
	to   string
}{
	{regexp.MustCompile(`^required flag\(s\) (.*) not set$`), "missing: $1"},
	{regexp.MustCompile(`^at least one of the flags in the group \[(.*)\] is required$`), "one of these is needed: $1"},
	{regexp.MustCompile(`^if any flags in the group \[(.*)\] are set none of the others can be.*$`), "only one of these can be given: $1"},
	{regexp.MustCompile(`^if any flags in the group \[(.*)\] are set they must all be set.*$`), "these are given together: $1"},
	{regexp.MustCompile(`^accepts (\d+) arg\(s\), received (\d+)$`), "$1 argument is needed, and $2 were given"},
	{regexp.MustCompile(`^accepts at most (\d+) arg\(s\), received (\d+)$`), "at most $1 argument can be given, not $2"},
	{regexp.MustCompile(`^requires at least (\d+) arg\(s\), only received 0$`), "at least $1 argument is needed"},
	{regexp.MustCompile(`(?s)^(invalid argument .* for "[^"]*" flag): .*$`), "$1"},
}

// asFlags writes the flag names of a list as they are typed.
func asFlags(rule string) string {
	head, list, ok := strings.Cut(rule, ": ")
	if !ok || !(head == "missing" || strings.HasPrefix(head, "one of") || strings.HasPrefix(head, "only one") || strings.HasPrefix(head, "these are")) {
		return rule
	}
	names := strings.FieldsFunc(list, func(r rune) bool { return strings.ContainsRune(`", `, r) })
	return head + ": --" + strings.Join(names, ", --")
}

var unknown = regexp.MustCompile(`(?s)^unknown command "(.*)" for "[^"]*"`)

func unknownWord(rule string) (string, bool) {
	m := unknown.FindStringSubmatch(rule)
	if m == nil {
		return "", false
	}
	return m[1], true
}

// unknownCommand: cobra says "unknown command" of any word that a command
// without arguments is given.
func unknownCommand(c *cobra.Command, word string) error {
	if !c.HasSubCommands() {
		return &useError{c.CommandPath() + " takes flags only, and was given a word more", "see " + c.CommandPath() + " --help"}
	}
	hint := "see " + c.CommandPath() + " --help"
	c.SuggestionsMinimumDistance = 2
	if near := c.SuggestionsFor(word); len(near) > 0 {
		hint = "did you mean " + c.CommandPath() + " " + strings.Join(near, ", ") + "?"
	}
	return &useError{"there is no command " + strings.TrimSpace(c.CommandPath()+" "+oneLine(word)), hint}
}
