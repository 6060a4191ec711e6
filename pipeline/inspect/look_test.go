package inspect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"datanet/pipeline/engine"
	"datanet/schemas"
)

// A cast is a small table in the making: rows of Go values, nil for missing,
// the first of them the number of the person.
type cast struct {
	table *schemas.Table
	rows  [][]any
}

// columns makes a table of "name role type" lines after the person.
func columns(name string, lines ...string) *schemas.Table {
	t := &schemas.Table{Name: name, Grain: "a test", Columns: []schemas.Column{{Name: "person", Role: schemas.Person, Type: "code16"}}}
	for _, line := range lines {
		f := strings.Fields(line)
		t.Columns = append(t.Columns, schemas.Column{Name: f[0], Role: schemas.Role(f[1]), Type: f[2]})
	}
	return t
}

// code is person n's code as SQL: random enough to be told apart, and to be
// looked for in what is printed.
func code(n any) string { return fmt.Sprintf("CAST(md5('person %v') AS UUID)", n) }

// write makes the Parquet file.
func (c *cast) write(t testing.TB, dir string) Source {
	t.Helper()
	ctx := context.Background()
	e, err := engine.Open(ctx, engine.Options{Folders: []string{dir}})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	var names []string
	for _, col := range c.table.Columns {
		names = append(names, col.SQL()+" "+col.DuckDB())
	}
	if err := e.Exec(ctx, "making", "CREATE TABLE made ("+strings.Join(names, ", ")+")"); err != nil {
		t.Fatal(err)
	}
	for at := 0; at < len(c.rows); at += 500 {
		var lines []string
		for _, row := range c.rows[at:min(at+500, len(c.rows))] {
			var values []string
			for i, v := range row {
				values = append(values, literal(c.table.Columns[i], v))
			}
			lines = append(lines, "("+strings.Join(values, ", ")+")")
		}
		if err := e.Exec(ctx, "making", "INSERT INTO made VALUES "+strings.Join(lines, ", ")); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, c.table.Name+".parquet")
	if err := e.CopyParquet(ctx, "making", "SELECT * FROM made", path); err != nil {
		t.Fatal(err)
	}
	return Source{Name: c.table.Name, Path: path, Rows: int64(len(c.rows)), Table: c.table}
}

func literal(c schemas.Column, v any) string {
	switch {
	case v == nil:
		return "NULL"
	case c.Type == "code16":
		return code(v)
	case c.Type == "text" || c.Type == "month":
		return engine.Literal(v.(string))
	case c.Type == "date":
		return "DATE " + engine.Literal(v.(string))
	}
	return fmt.Sprint(v)
}

// people adds n people of one row each, numbered on from those there are.
func (c *cast) people(n int, values ...any) *cast {
	for range n {
		c.rows = append(c.rows, append([]any{len(c.rows) + 1}, values...))
	}
	return c
}

func run(t *testing.T, o Options) *Report {
	t.Helper()
	r, err := Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// says is a column's figures in one line.
func says(c Column) string {
	var s strings.Builder
	fmt.Fprintf(&s, "%s; missing %s", c.Kind, percent(c.Missing))
	if c.People != nil {
		fmt.Fprintf(&s, "; %d people", *c.People)
	}
	if c.Values != nil {
		fmt.Fprintf(&s, ";%s", list(*c.Values))
	}
	for _, n := range c.Numbers {
		fmt.Fprintf(&s, "; [%s] %s:", n.Of, whole(n.People))
		for _, q := range n.Quantiles {
			if q == nil {
				s.WriteString(" c")
			} else {
				fmt.Fprintf(&s, " %g", *q)
			}
		}
	}
	return s.String()
}

func whole(n *int64) string {
	if n == nil {
		return "c"
	}
	return fmt.Sprint(*n)
}

func list(v Values) string {
	var s strings.Builder
	for _, x := range v.Shown {
		if x.People == nil {
			fmt.Fprintf(&s, " %s %s", x.Value, x.Note)
		} else {
			fmt.Fprintf(&s, " %s %d", x.Value, *x.People)
		}
	}
	if v.Others {
		s.WriteString(" others c")
	}
	return s.String()
}

func percent(s Share) string {
	if s.Percent == nil {
		return s.Note
	}
	return strings.TrimSpace(fmt.Sprintf("%d%% %s", *s.Percent, s.Note))
}

// TestByHand: 100 people whose figures can be counted on paper.
func TestByHand(t *testing.T) {
	table := columns("patients", "sex category text", "born date year", "seen date date", "joined date month", "ward area text", "linkable category boolean",
		"decile category integer", "parity number integer", "rare category text", "baby person code16", "event event code16")
	c := &cast{table: table}
	// 52 women, 43 men, 3 I, 2 U; 60 born in 1980, 40 in 1990.
	c.people(52, "F", 1980, "2020-05-06", "2019-11", "E05014095", true, 10, 0, "x", nil, 1)
	c.people(8, "M", 1980, "2021-05-06", "2018-01", "E05014095", true, 2, 1, "x", 501, 2)
	c.people(35, "M", 1990, nil, "2019", "", true, 2, 2, nil, nil, 3)
	c.people(3, "I", 1990, nil, nil, "outside", false, nil, 3, "9990000018", nil, 4)
	c.people(2, "U", 1990, "1999-01-01", nil, "outside", false, nil, nil, "Quillmarker", nil, 5)
	dir := t.TempDir()
	r := run(t, Options{Folder: dir, Tables: []Source{c.write(t, dir)}, Combinations: []schemas.Combination{{Table: "patients", Columns: []string{"sex", "born"}}}})
	want := map[string]string{
		"person":   "codes of people; missing 0%; 100 people",
		"sex":      "values; missing 0%; F 50 M 45 others c",
		"born":     "years; missing 0%; 1980 60 1990 40",
		"seen":     "years; missing 40%; 2020 50 others c", // 2 people of 1999 alone would be 100 − 38 − 52 − 8: 2021 hides them
		"joined":   "years; missing c; 2019 85 others c",
		"ward":     "values; missing c; E05014095 60 others c",
		"linkable": "values; missing 0%; true 9 in 10 or more others c",
		"decile":   "values; missing c; 10 50 others c",
		"parity":   "numbers; missing c; [] c: 0 0 0 2 2",
		"rare":     "values; missing 35%; x 60 others c",
		"baby":     "codes of people; missing 90%",
		"event":    "codes of events; missing 0%",
	}
	for _, column := range r.Tables[0].Columns {
		if got := says(column); got != want[column.Column] {
			t.Errorf("%s: %s", column.Column, got)
		}
	}
	if got := list(*r.Tables[0].RowsPerPerson); got != " 1 100" {
		t.Error(got)
	}
	if *r.Tables[0].People != 100 || r.Tables[0].Rows != 100 {
		t.Error(r.Tables[0])
	}
	// F 1980 52, M 1980 8, M 1990 35, I 1990 3, U 1990 2.
	g := r.Groups[0]
	if *g.Smallest != 2 || g.Groups != nil || *g.People != 100 {
		t.Errorf("%+v", g)
	}
	var bands []string
	for _, b := range g.Bands {
		bands = append(bands, b.Size+": "+percent(b.Share))
	}
	if got := strings.Join(bands, ", "); got != "1: 0%, 2 to 4: c, 5 to 9: c, 10 or more: 85%" {
		t.Error(got)
	}
	nothingRare(t, r)
}

// nothingRare looks through all that would be printed for codes and for what
// few people have.
func nothingRare(t *testing.T, r *Report) {
	t.Helper()
	body, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"9990000018", "Quillmarker", "-4", "\"I\"", "\"U\""} {
		if strings.Contains(string(body), word) {
			t.Errorf("the report holds %s", word)
		}
	}
}

// TestPeopleNotRows: one person with many rows is one person, and somebody
// with two registrations goes by the rarer.
func TestPeopleNotRows(t *testing.T) {
	c := &cast{table: columns("observations", "concept code text", "value number number")}
	for n := range 20 {
		c.rows = append(c.rows, []any{n, "73211009", 37.3}, []any{n, "73211009", 37.4})
	}
	for range 50 { // one person only
		c.rows = append(c.rows, []any{1, "86406008", 99.0})
	}
	dir := t.TempDir()
	r := run(t, Options{Folder: dir, Tables: []Source{c.write(t, dir)}, Combinations: []schemas.Combination{{Table: "observations", Columns: []string{"concept"}}}})
	if got := says(r.Tables[0].Columns[1]); got != "codes; missing 0%; 73211009 20 others c" {
		t.Error(got)
	}
	if got := says(r.Tables[0].Columns[2]); got != "numbers; missing 0%; [73211009] 20: 37 37 37 37 37" {
		t.Error(got)
	}
	if g := r.Groups[0]; *g.Smallest != 1 || percent(g.Bands[3].Share) != "c" || percent(g.Bands[0].Share) != "c" {
		t.Errorf("%+v", g)
	}
	if got := list(*r.Tables[0].RowsPerPerson); got != " others c" {
		t.Error(got)
	}
}

// TestFew: of fewer than 8 people nothing is said but the columns.
func TestFew(t *testing.T) {
	c := (&cast{table: columns("patients", "sex category text", "weight number number")}).people(7, "F", 60.0)
	dir := t.TempDir()
	r := run(t, Options{Folder: dir, Tables: []Source{c.write(t, dir)}, Combinations: []schemas.Combination{{Table: "patients", Columns: []string{"sex"}}}})
	if r.Tables[0].People != nil || says(r.Tables[0].Columns[1]) != "values; missing 0%; others c" || says(r.Tables[0].Columns[2]) != "numbers; missing 0%" ||
		r.Groups[0].Smallest != nil || len(r.Groups[0].Bands) != 0 {
		t.Errorf("%+v", r)
	}
}

func TestEmpty(t *testing.T) {
	c := &cast{table: columns("patients", "sex category text", "born date year", "weight number number")}
	dir := t.TempDir()
	r := run(t, Options{Folder: dir, Tables: []Source{c.write(t, dir)}, Combinations: []schemas.Combination{{Table: "patients", Columns: []string{"sex"}}}})
	if r.Tables[0].Rows != 0 || r.Tables[0].People != nil || says(r.Tables[0].Columns[1]) != "values; missing 0%;" {
		t.Errorf("%+v", r)
	}
}

// TestManyIdentifiers: a column that holds identifiers for everybody shows none.
func TestManyIdentifiers(t *testing.T) {
	c := &cast{table: columns("patients", "a category text", "b code text")}
	for n := range 40 {
		c.people(1, []string{"999 000 0018", "9990000018", "0123456789abcdef0123456789abcdef", "line\nend", "01234567-89ab-cdef-0123-456789abcdef"}[n%5],
			strings.Repeat("7", []int{5, 18, 19, 32}[n%4]))
	}
	dir := t.TempDir()
	r := run(t, Options{Folder: dir, Tables: []Source{c.write(t, dir)}})
	if got := says(r.Tables[0].Columns[1]); got != "values; missing 0%;"+strings.Repeat(" "+notShown+" 10", 5) {
		t.Error(got)
	}
	if got := says(r.Tables[0].Columns[2]); strings.Contains(got, strings.Repeat("7", 19)) || !strings.Contains(got, strings.Repeat("7", 18)+" 10") {
		t.Error(got)
	}
}

// TestInParts: dividing the people to save memory changes nothing.
func TestInParts(t *testing.T) {
	c := &cast{table: columns("observations", "concept code text", "value number number", "year date year")}
	for n := range 3000 {
		c.rows = append(c.rows, []any{n % 700, fmt.Sprint(1000 + n%13), float64(n%90) + 40, 1990 + n%30})
	}
	dir := t.TempDir()
	o := Options{Folder: dir, Tables: []Source{c.write(t, dir)}}
	whole, _ := json.Marshal(run(t, o))
	source := o.Tables[0]
	l := &look{o: Options{Memory: 64 << 20}}
	if l.parts(&seen{Source: &source, rows: 5_000_000}) < 8 {
		t.Fatal("nothing is divided")
	}
	perPart = 40_000
	defer func() { perPart = bytesOfPair }()
	o.Memory = 64 << 20
	if parts := (&look{o: o}).parts(&seen{Source: &source, rows: 3000}); parts < 3 {
		t.Fatal(parts)
	}
	if divided, _ := json.Marshal(run(t, o)); string(divided) != string(whole) {
		t.Errorf("whole:\n%s\nin parts:\n%s", whole, divided)
	}
}

// TestRefused: what is not the table that it is said to be.
func TestRefused(t *testing.T) {
	table := columns("patients", "sex category text", "born date year")
	dir := t.TempDir()
	good := (&cast{table: table}).people(30, "F", 1980).write(t, dir)
	whole, err := os.ReadFile(good.Path)
	if err != nil {
		t.Fatal(err)
	}
	refuse := func(name string, s Source) {
		t.Helper()
		_, err := Run(context.Background(), Options{Folder: dir, Tables: []Source{s}})
		var refused *TableError
		if !errors.As(err, &refused) || refused.Kind() != "integrity" || strings.Contains(err.Error(), dir) {
			t.Errorf("%s: %v", name, err)
		}
	}
	refuse("rows", Source{good.Name, good.Path, 31, table})
	refuse("columns", Source{good.Name, good.Path, 30, columns("patients", "sex category text")})
	refuse("types", Source{good.Name, good.Path, 30, columns("patients", "sex category text", "born category text")})
	refuse("no person", Source{good.Name, good.Path, 30, &schemas.Table{Name: "patients", Columns: table.Columns[1:]}})
	nobody := &cast{table: table, rows: [][]any{{nil, "F", 1980}}}
	nobody.table.Name = "nobody"
	refuse("nobody's", nobody.write(t, dir))
	for name, body := range map[string][]byte{"empty": nil, "garbage": []byte(strings.Repeat("garbage", 99)), "text": []byte("PAR1 is how it begins PAR1"),
		"cut": whole[:len(whole)-9], "half": whole[:len(whole)/2], "tail": whole[len(whole)/2:], "claims": append(append([]byte{}, whole[:len(whole)-8]...), 0xff, 0xff, 0xff, 0x7f, 'P', 'A', 'R', '1')} {
		path := filepath.Join(dir, "broken.parquet")
		if err := os.WriteFile(path, body, 0o600); err != nil {
			t.Fatal(err)
		}
		refuse(name, Source{"broken", path, 30, table})
	}
	outside := filepath.Join(t.TempDir(), "patients.parquet")
	os.WriteFile(outside, whole, 0o600)
	os.Symlink(outside, filepath.Join(dir, "link.parquet"))
	refuse("a link out", Source{"patients", filepath.Join(dir, "link.parquet"), 30, table})
}

// TestDamaged changes bytes all over a file: whatever a file holds is
// looked at or refused, and never ends the program.
func TestDamaged(t *testing.T) {
	table := columns("patients", "sex category text", "born date year", "weight number number")
	dir := t.TempDir()
	good := (&cast{table: table}).people(20, "F", 1980, 60.5).people(20, "M", 1990, 70.5).write(t, dir)
	whole, err := os.ReadFile(good.Path)
	if err != nil {
		t.Fatal(err)
	}
	step, refused := 1+len(whole)/100, 0
	for at := 0; at < len(whole); at += step {
		body := append([]byte{}, whole...)
		body[at] ^= byte(1 + at*37%255)
		if err := os.WriteFile(good.Path, body, 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := Run(context.Background(), Options{Folder: dir, Tables: []Source{good}, Memory: 128 << 20, Threads: 1})
		var kinded interface{ Kind() string }
		var fault *engine.Error
		if err != nil && !errors.As(err, &kinded) && !(errors.As(err, &fault) && fault.Memory) {
			t.Errorf("byte %d: %v", at, err)
		}
		if err != nil {
			refused++
			if r != nil {
				t.Error("something beside an error")
			}
		}
	}
	t.Logf("%d of %d damaged files were refused", refused, (len(whole)+step-1)/step)
}

func TestOneColumn(t *testing.T) {
	dir := t.TempDir()
	o := Options{Folder: dir, Tables: []Source{(&cast{table: columns("patients", "sex category text")}).people(30, "F").write(t, dir)}, Column: "patients.sex"}
	if r := run(t, o); len(r.Tables) != 1 || len(r.Tables[0].Columns) != 1 || r.Tables[0].RowsPerPerson != nil {
		t.Errorf("%+v", r)
	}
	o.Column = "patients.person"
	if r := run(t, o); r.Tables[0].RowsPerPerson == nil {
		t.Errorf("%+v", r)
	}
	for _, wrong := range []string{"sex", "patients.", "patients.sax", ".sex", "patients.sex.sex"} {
		o.Column = wrong
		var use *UseError
		if _, err := Run(context.Background(), o); !errors.As(err, &use) || use.Hints()[0] != "known: patients.person, patients.sex" {
			t.Errorf("%q: %v", wrong, err)
		}
	}
}

// TestTouchesNothing: the folder is as it was, to the minute of its files, and
// may be one that cannot be written.
func TestTouchesNothing(t *testing.T) {
	dir := t.TempDir()
	o := Options{Folder: dir, Tables: []Source{(&cast{table: columns("patients", "sex category text")}).people(300, "F").write(t, dir)}}
	t.Chdir(t.TempDir())
	os.Chmod(dir, 0o500)
	defer os.Chmod(dir, 0o700)
	before := snapshot(t, dir)
	run(t, o)
	if after := snapshot(t, dir); after != before {
		t.Errorf("it was\n%sand is\n%s", before, after)
	}
	if left, _ := os.ReadDir("."); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func snapshot(t *testing.T, dir string) string {
	t.Helper()
	var s strings.Builder
	err := filepath.Walk(dir, func(path string, i os.FileInfo, err error) error {
		if err == nil {
			fmt.Fprintln(&s, path, i.Mode(), i.Size(), i.ModTime().UnixNano())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return s.String()
}

func TestToDigits(t *testing.T) {
	for _, c := range []struct {
		v      float64
		digits int
		want   string
	}{
		{142, 2, "140 from 135 to 145"}, {145, 2, "150 from 145 to 155"}, {37.25, 2, "37 from 36.5 to 37.5"}, {3.64, 2, "3.6 from 3.55 to 3.65"},
		{11, 1, "10 from 9.5 to 15"}, {9.7, 1, "10 from 9.5 to 15"}, {85, 1, "90 from 85 to 95"}, {0, 2, "0 from -0.5 to 0.5"}, {-142, 2, "-140 from -145 to -135"},
		{3450, 2, "3500 from 3450 to 3550"}, {100, 2, "100 from 99.5 to 105"}, {2, 2, "2 from 1.95 to 2.05"},
	} {
		r := toDigits(c.v, c.digits)
		if got := fmt.Sprintf("%g from %.6g to %.6g", r.shown, r.low, r.high); got != c.want {
			t.Errorf("%g: %s, not %s", c.v, got, c.want)
		}
	}
}
