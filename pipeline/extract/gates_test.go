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
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			table(t, "testdata/"+name+".txt", func(t *testing.T, input string) string {
				o := newSite(t)
				if strings.HasPrefix(input, "drop-unlinkable\n") {
					o.Drop = true
					input = strings.TrimPrefix(input, "drop-unlinkable\n")
				}
				x := parseExport(t, input)
				x.write(o.Source)
				result, err := Run(context.Background(), o)
				if err != nil {
					return "error: " + err.Error()
				}
				return strings.ReplaceAll(account(t, o, result, x.names(o)), "\nleft out of observations: 1 other-organisation", "")
			})
		})
	}
}

var (
	dayWord = regexp.MustCompile(`\d{4}-\d\d-\d\d`)
	capital = regexp.MustCompile(`\b[A-Z]+\b`)
)

// TestDates runs the macros of dates.sql. A line is a call; days, precisions,
// yes, no and - stand for values.
func TestDates(t *testing.T) {
	ctx := context.Background()
	e, err := engine.Open(ctx, engine.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if err := run(ctx, e, "dates.sql", "dates"); err != nil {
		t.Fatal(err)
	}
	table(t, "testdata/dates.txt", func(t *testing.T, input string) string {
		var out strings.Builder
		for line := range strings.Lines(input) {
			line = strings.TrimSpace(line)
			call := capital.ReplaceAllString(line, "'$0'")
			call = dayWord.ReplaceAllString(call, "DATE '$0'")
			call = strings.NewReplacer(" -", " NULL::DATE", "none", "NULL::VARCHAR", "yes", "true", "no)", "false)").Replace(call)
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
