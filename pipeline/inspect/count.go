package inspect

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"slices"
	"strings"

	"datanet/schemas"
)

//go:embed *.sql
var texts embed.FS

// The questions, one file each.
var (
	rowsSQL      = text("rows")
	valuesSQL    = text("values")
	quantilesSQL = text("quantiles")
	sharersSQL   = text("sharers")
	groupsSQL    = text("groups")
)

func text(name string) string {
	body, err := texts.ReadFile(name + ".sql")
	if err != nil {
		panic("inspect: " + err.Error())
	}
	return string(body)
}

// bytesOfPair is what counting takes for each row, at most: one person with
// one value, measured and doubled.
const bytesOfPair = 100

// parts is into how many parts the people are divided, so that counting one
// part after the other keeps within the memory. A person is in one part with
// all rows, so what the parts count adds up.
func (l *look) parts(t *seen) int64 { return 1 + t.rows*perPart/(l.o.Memory/2) }

var perPart int64 = bytesOfPair // a test divides more

// counts are a column's values: the most frequent ones, the missing value if
// there is one, and how many there are at all.
type counts struct {
	tallies []tally
	of      int
}

// count asks one of the questions about the values of an expression.
func (l *look) count(ctx context.Context, t *seen, question, value string) (counts, error) {
	if err := l.Exec(ctx, "counting "+t.Name, "DELETE FROM counted"); err != nil {
		return counts{}, err
	}
	person, parts := t.Table.Columns[0].SQL(), l.parts(t)
	for part := range parts {
		view := fmt.Sprintf("CREATE OR REPLACE TEMP VIEW looked AS SELECT %s AS person, %s AS value FROM %s", person, value, t.from)
		if parts > 1 {
			view += fmt.Sprintf(" WHERE hash(%s) %% %d = %d", person, parts, part)
		}
		counting := "INSERT INTO counted SELECT CAST(value AS VARCHAR), people, rows FROM (\n" + strings.TrimSuffix(question, ";\n") + ")"
		for _, statement := range []string{view, counting} {
			if err := l.Exec(ctx, "counting "+t.Name, statement); err != nil {
				return counts{}, err
			}
		}
	}
	return l.counted(ctx, t)
}

// counted adds the parts up. A text comes back no longer than what shows that
// it is too long to be printed.
func (l *look) counted(ctx context.Context, t *seen) (counts, error) {
	var c counts
	err := l.Query(ctx, "counting "+t.Name, `SELECT left(value, 100), sum(people)::BIGINT AS people, sum(rows)::BIGINT, count(*) OVER ()
		FROM counted GROUP BY counted.value ORDER BY counted.value IS NULL DESC, people DESC, counted.value LIMIT ?`, func(r *sql.Rows) error {
		var value sql.NullString
		var one tally
		if err := r.Scan(&value, &one.people, &one.rows, &c.of); err != nil {
			return err
		}
		one.value, one.missing = value.String, !value.Valid
		c.tallies = append(c.tallies, one)
		return nil
	}, most+1)
	return c, err
}

// bands says how many rows people have.
func (l *look) bands(ctx context.Context, t *seen, out *Table) error {
	c, err := l.count(ctx, t, rowsSQL, "NULL")
	if err != nil {
		return err
	}
	v := protect(c.tallies, c.of, t.people, t.people).present(schemas.Category)
	order := []string{"1", "2 to 4", "5 to 9", "10 to 19", "20 to 99", "100 or more"}
	slices.SortFunc(v.Shown, func(a, b Value) int { return slices.Index(order, a.Value) - slices.Index(order, b.Value) })
	out.RowsPerPerson = &v
	return nil
}

// byValue puts years and ranks in their own order.
func byValue(a, b Value) int {
	if len(a.Value) != len(b.Value) {
		return len(a.Value) - len(b.Value)
	}
	return strings.Compare(a.Value, b.Value)
}
