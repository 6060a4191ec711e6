package extract

import (
	"context"
	"database/sql"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"datanet/pipeline/engine"
)

// TestGates runs tiny exports through the whole stage.
func TestGates(t *testing.T) {
	for _, name := range []string{"patients", "observations", "medications", "opt-outs", "characteristics", "areas"} {
		emis.gates(t, name, (*export).names)
	}
	for _, name := range []string{"slam-patients", "slam-referrals", "slam-diagnoses", "slam-contacts", "slam-spells"} {
		mhsds.gates(t, name, (*export).trustNames)
	}
	for _, name := range []string{"maternity-pregnancies", "maternity-births"} {
		msds.gates(t, name, (*export).trustNames)
	}
}

func (s *system) gates(t *testing.T, name string, names func(*export, Options) map[string]string) {
	t.Run(name, func(t *testing.T) {
		t.Parallel()
		table(t, "testdata/"+name+".txt", func(t *testing.T, input string) string {
			o := s.newSite(t)
			input, o.Drop = strings.CutPrefix(input, "drop-unlinkable\n")
			x := s.parse(t, input)
			x.write(o.Source)
			result, err := Run(context.Background(), o)
			if err != nil {
				return "error: " + err.Error()
			}
			return strings.ReplaceAll(account(t, o, result, names(x, o)), "\nleft out of observations: 1 other-organisation", "")
		})
	})
}

var (
	dayWord = regexp.MustCompile(`\d{4}-\d\d-\d\d`)
	capital = regexp.MustCompile(`\b[A-Z]+\b`)
)

// TestDates runs the macros of dates.sql. A line is a call; days, precisions,
// yes, no and - stand for values.
func TestDates(t *testing.T) {
	macros(t, "dates", func(line string) string {
		call := capital.ReplaceAllString(line, "'$0'")
		call = dayWord.ReplaceAllString(call, "DATE '$0'")
		return strings.NewReplacer(" -", " NULL::DATE", "none", "NULL::VARCHAR", "yes", "true", "no,", "false,", "no)", "false)").Replace(call)
	})
}

// TestWords runs the macros of words.sql. A line is a call in SQL.
func TestWords(t *testing.T) {
	macros(t, "words", func(line string) string { return line })
}

func macros(t *testing.T, name string, read func(line string) string) {
	ctx := context.Background()
	e, err := engine.Open(ctx, engine.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if err := run(ctx, e, name+".sql", name); err != nil {
		t.Fatal(err)
	}
	table(t, "testdata/"+name+".txt", func(t *testing.T, input string) string {
		var out strings.Builder
		for line := range strings.Lines(input) {
			line = strings.TrimSpace(line)
			call := read(line)
			var v sql.NullString
			if err := e.Query(ctx, "macro", "SELECT ("+call+")::VARCHAR", func(r *sql.Rows) error { return r.Scan(&v) }); err != nil {
				t.Fatal(err)
			}
			if !v.Valid {
				v.String = "-"
			}
			fmt.Fprintf(&out, "%-76s %s\n", line, v.String)
		}
		return out.String()
	})
}
