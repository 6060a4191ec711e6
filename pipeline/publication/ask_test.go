package publication

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"datanet/pipeline/engine"
	"datanet/schemas"
)

var update = flag.Bool("update", false, "rewrite the tables under testdata")

// TestQuestions reads testdata/questions.txt. A block has published counts
// (numerator/denominator, c where withheld), a question, and after ---- the
// answer. Counts stay for the blocks that follow, until "clear"; so do "linked
// LASTDAY", which makes it a linked publication, and "today DAY".
func TestQuestions(t *testing.T) {
	const path = "testdata/questions.txt"
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	p := newPublisher(t)
	var counts []Count
	var out []string
	lastDay, today := "", time.Time{}
	for _, block := range strings.Split(strings.TrimSpace(string(whole)), "\n\n") {
		input, want, _ := strings.Cut(block+"\n", "\n----\n")
		var q Question
		for _, line := range strings.Split(input, "\n") {
			switch words := strings.Fields(line); words[0] {
			case "#":
			case "clear":
				counts, lastDay = nil, ""
			case "linked":
				lastDay = words[1]
			case "today":
				if today, err = time.Parse(time.RFC3339, words[1]); err != nil {
					t.Fatal(err)
				}
			case "nobody-knows-the-day":
				today = time.Time{}
			case "count":
				counts = append(counts, countOf(t, words[1:]))
			case "ask":
				q = questionOf(t, line)
			default:
				t.Fatalf("cannot read %q", line)
			}
		}
		h := p.header(len(counts))
		if lastDay != "" {
			h = p.linked(len(counts), lastDay)
		}
		q.Now = today
		got := told(p.open(t, p.write(t, h, counts)).Ask(context.Background(), q))
		if !*update && got != strings.TrimSuffix(want, "\n") {
			t.Errorf("%s\n---- got\n%s\n---- want\n%s", input, got, want)
		}
		out = append(out, input+"\n----\n"+got)
	}
	if *update {
		if err := os.WriteFile(path, []byte(strings.Join(out, "\n\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// countOf reads "hypertension area=resident sex=F 10/200".
func countOf(t *testing.T, words []string) Count {
	t.Helper()
	n := Count{Measure: words[0]}
	groups := map[string]string{}
	for _, w := range words[1 : len(words)-1] {
		axis, value, _ := strings.Cut(w, "=")
		groups[axis] = value
	}
	for _, a := range schemas.StandardCatalogue().Axes {
		if a.Index(groups[a.ID]) < 0 {
			t.Fatalf("%s has no value %q", a.ID, groups[a.ID])
		}
		n.Values = append(n.Values, groups[a.ID])
	}
	numerator, denominator, _ := strings.Cut(words[len(words)-1], "/")
	n.Numerator, n.Denominator = shown(numerator), shown(denominator)
	return n
}

func shown(text string) *int64 {
	if v, err := strconv.ParseInt(text, 10, 64); err == nil {
		return &v
	}
	return nil
}

// questionOf reads "ask MEASURE; by D, D; where D = V, V; population P".
func questionOf(t *testing.T, line string) Question {
	t.Helper()
	q := Question{Where: map[string][]string{}}
	for i, part := range strings.Split(strings.TrimPrefix(line, "ask "), ";") {
		word, rest, _ := strings.Cut(strings.TrimSpace(part), " ")
		switch {
		case i == 0:
			q.Measure = strings.TrimSpace(part)
		case word == "by":
			q.By = list(rest)
		case word == "population":
			q.Population = rest
		case word == "where":
			dimension, values, _ := strings.Cut(rest, "=")
			q.Where[strings.TrimSpace(dimension)] = list(values)
		default:
			t.Fatalf("cannot read %q", part)
		}
	}
	return q
}

func list(text string) (words []string) {
	for _, w := range strings.Split(text, ",") {
		if w = strings.TrimSpace(w); w != "" {
			words = append(words, w)
		}
	}
	return words
}

// told writes an answer, or why there is none.
func told(a *Answer, err error) string {
	if err != nil {
		hints := err.(interface{ Hints() []string }).Hints()
		return fmt.Sprintf("%s: %v\nhint: %s", kindOf(err), err, strings.Join(hints, " "))
	}
	people := a.Population
	if a.Denominator != nil {
		people += ", " + a.Denominator.People + ","
	}
	lines := []string{fmt.Sprintf("%s %v, %d withheld", people, a.Where, a.Withheld), "all together  " + rowText(a.Reference)}
	for _, r := range a.Rows {
		var names []string
		for _, g := range r.Groups {
			names = append(names, g.Title)
		}
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%-30s %s %s", strings.Join(names, " | "), rowText(r), r.Outcome)))
	}
	return strings.Join(lines, "\n")
}

func rowText(r Row) string {
	text := "c/c"
	switch {
	case r.Numerator != nil:
		text = fmt.Sprintf("%d/%d", *r.Numerator, *r.Denominator)
	case r.Denominator != nil:
		text = fmt.Sprintf("c/%d", *r.Denominator)
	}
	if r.Value == nil {
		return text + " [" + r.Note + "]"
	}
	return fmt.Sprintf("%s = %.1f (%.1f to %.1f)", text, *r.Value, *r.Lower, *r.Upper)
}

// TestAnswersHold asks thousands of questions of a whole publication: limits
// enclose values, withheld rows show nothing, rows are the catalogue's and in
// its order, and every answer agrees with a sum made by hand.
func TestAnswersHold(t *testing.T) {
	p := newPublisher(t)
	counts := everything(alone())
	x := p.open(t, p.write(t, p.header(len(counts)), counts))
	known := counted{}
	for _, n := range counts {
		known[n.Measure+"|"+key(n.Values)] = n
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	answered := 0
	for range 500 {
		q := drawn(r, x.Catalogue)
		a, err := x.Ask(context.Background(), q)
		if err != nil {
			if k := kindOf(err); k != "governance" && k != "use" {
				t.Fatalf("%+v: %v", q, err)
			}
			continue
		}
		answered++
		for _, row := range append(a.Rows, a.Reference) {
			allOrNone(t, q, row)
		}
		for _, row := range a.Rows {
			byHand(t, x.Catalogue, known, q, a, row)
		}
	}
	if answered < 50 {
		t.Errorf("only %d questions had an answer", answered)
	}
}

func drawn(r *rand.Rand, c *schemas.Catalogue) Question {
	pick := func() *schemas.Dimension { return &c.Dimensions[r.IntN(len(c.Dimensions))] }
	q := Question{Measure: c.Measures[r.IntN(len(c.Measures))].ID, Where: map[string][]string{}, Population: []string{"", "resident", "registered"}[r.IntN(3)]}
	for range r.IntN(3) {
		q.By = append(q.By, pick().ID)
	}
	for range r.IntN(2) {
		d := pick()
		values := c.Axis(d.Axis).Values[1:]
		for range 1 + r.IntN(3) {
			v := values[r.IntN(len(values))]
			word := v.ID
			if r.IntN(2) == 0 {
				word = strings.ToUpper(v.Title)
			}
			q.Where[d.ID] = append(q.Where[d.ID], word)
		}
	}
	return q
}

// allOrNone: a row shows all of its numbers or none.
func allOrNone(t *testing.T, q Question, row Row) {
	t.Helper()
	if row.Note == Withheld {
		if row.Numerator != nil || row.Value != nil || row.Lower != nil || row.Upper != nil || row.Outcome != "" {
			t.Fatalf("%+v: a withheld row shows %+v", q, row)
		}
		return
	}
	if row.Note != "" || *row.Numerator > *row.Denominator || !(0 <= *row.Lower && *row.Lower <= *row.Value && *row.Value <= *row.Upper && *row.Upper <= 100) {
		t.Fatalf("%+v: %+v", q, row)
	}
}

// byHand adds the parts of a row up again, from the words of the question.
func byHand(t *testing.T, c *schemas.Catalogue, known counted, q Question, a *Answer, row Row) {
	t.Helper()
	parts := [][]string{make([]string, len(c.Axes))}
	set := func(axis string, ids ...string) {
		at := 0
		for c.Axes[at].ID != axis {
			at++
		}
		var more [][]string
		for _, p := range parts {
			for _, id := range ids {
				part := append([]string{}, p...)
				part[at] = id
				more = append(more, part)
			}
		}
		parts = more
	}
	if a.Population == "resident" {
		set("area", "resident")
	}
	for id := range q.Where {
		d, _ := c.Dimension(id)
		var ids []string
		for _, title := range a.Where[id] {
			for _, v := range c.Axis(d.Axis).Values {
				if v.Title == title {
					ids = append(ids, v.ID)
				}
			}
		}
		set(d.Axis, ids...)
	}
	for i, d := range a.By {
		set(d.Axis, row.Groups[i].ID)
	}
	var numerator, denominator int64
	for _, p := range parts {
		n := known[q.Measure+"|"+key(p)]
		if n.Numerator == nil {
			if row.Numerator != nil {
				t.Fatalf("%+v: a part of %+v is withheld", q, row)
			}
			return
		}
		numerator, denominator = numerator+*n.Numerator, denominator+*n.Denominator
	}
	if row.Numerator == nil || *row.Numerator != numerator || *row.Denominator != denominator {
		t.Fatalf("%+v: %+v is not %d of %d", q, row, numerator, denominator)
	}
}

// TestQuestionsAtOnce: a publication answers several at a time.
func TestQuestionsAtOnce(t *testing.T) {
	p := newPublisher(t)
	counts := everything(alone())
	x := p.open(t, p.write(t, p.header(len(counts)), counts))
	var all sync.WaitGroup
	for range 8 {
		all.Add(1)
		go func() {
			defer all.Done()
			for range 10 {
				if a, err := x.Ask(context.Background(), Question{Measure: "smi", By: []string{"ward", "ethnicity"}}); err != nil || len(a.Rows) != 25*8 {
					t.Error(err)
				}
			}
		}()
	}
	all.Wait()
}

func TestInterruptedQuestion(t *testing.T) {
	p := newPublisher(t)
	x := p.open(t, p.write(t, p.header(2), few()))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	q := Question{Measure: "hypertension", Population: "registered"}
	if a, err := x.Ask(ctx, q); a != nil || err == nil {
		t.Errorf("%v %v", a, err)
	}
	if _, err := x.Ask(context.Background(), q); err != nil {
		t.Errorf("the next question: %v", err)
	}
}

func TestAnswerAsParquet(t *testing.T) {
	p := newPublisher(t)
	counts := everything(alone())
	x := p.open(t, p.write(t, p.header(len(counts)), counts))
	a, err := x.Ask(context.Background(), Question{Measure: "smi", By: []string{"ward", "age-standard"}})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "it's.parquet")
	if err := x.WriteParquet(context.Background(), a, path); err != nil {
		t.Fatal(err)
	}
	e, err := engine.Open(context.Background(), engine.Options{Folders: []string{filepath.Dir(path)}})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	columns, err := e.Columns(context.Background(), "test", "SELECT * FROM "+engine.ReadParquet(path))
	want := "measure VARCHAR, as_at VARCHAR, population VARCHAR, restriction VARCHAR, ward VARCHAR, ward_name VARCHAR, age_standard VARCHAR, numerator BIGINT, denominator BIGINT, value DOUBLE, lower DOUBLE, upper DOUBLE, compared VARCHAR, note VARCHAR, method VARCHAR, publication VARCHAR, approval VARCHAR, last_day VARCHAR"
	if err != nil || strings.Join(columns, ", ") != want {
		t.Errorf("%v %v", columns, err)
	}
	shown, err := e.Number(context.Background(), "test", "SELECT count(*) FROM "+engine.ReadParquet(path)+" WHERE (note = 'c') <> (value IS NULL)")
	if err != nil || shown != 0 {
		t.Errorf("%d rows show what is withheld: %v", shown, err)
	}
	rows, err := e.Number(context.Background(), "test", "SELECT count(*) FROM "+engine.ReadParquet(path))
	if err != nil || rows != int64(len(a.Rows)) {
		t.Errorf("%d rows of %d: %v", rows, len(a.Rows), err)
	}
}

func BenchmarkAsk(b *testing.B) {
	p := newPublisher(b)
	counts := everything(alone())
	x := p.open(b, p.write(b, p.header(len(counts)), counts))
	q := Question{Measure: "hypertension", By: []string{"ward", "ethnicity"}}
	if _, err := x.Ask(context.Background(), q); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := x.Ask(context.Background(), q); err != nil {
			b.Fatal(err)
		}
	}
}
