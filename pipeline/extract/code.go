package extract

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"datanet/pipeline/engine"
	"datanet/pseudonym"
	"datanet/schemas"
)

//go:embed *.sql primary-care/*.sql slam/*.sql maternity/*.sql
var steps embed.FS

// coded is what the first database leaves: a file of coded rows for each table
// in the staging folder, and what the account and the check need to know.
type coded struct {
	files     map[string]string    // table → path
	births    map[[16]byte][]int32 // code → birth dates, as days since 1970
	numbers   map[string]int64     // what was found of NHS numbers
	unmatched int64
	disagree  map[string]int64 // what the rows under one number disagree about, by people
	stopped   codes            // people left out by choice or for safety
	leftOut   int64            // how many they are, those without a code too
	partly    int64            // rows about two people of whom one is left out
	areas     map[string]int64 // where people live
	passed    map[string]int64 // relation → rows that the format does not take
	strange   map[string]int64 // column → values that are none of its code system
}

// code runs the database that sees identifiers.
func code(ctx context.Context, o Options, src *source, stage *staging) (*coded, error) {
	pipes, err := src.transcode(stage)
	if err != nil {
		return nil, err
	}
	defer pipes.stop()
	threads := o.Threads
	if pipes != nil {
		threads = 1 // one after the other, they come to the pipes one at a time
	}
	e, err := engine.Open(ctx, engine.Options{Private: true, Memory: o.Memory, Threads: threads,
		Folders: append(src.folders(), stage.work)})
	if err != nil {
		return nil, err
	}
	defer e.Close()
	if err := register(e, o); err != nil {
		return nil, err
	}
	if err := prepare(ctx, e, o, src); err != nil {
		return nil, err
	}
	c := &coded{files: map[string]string{}}
	for _, t := range src.dataset.Tables {
		path := filepath.Join(stage.work, t.Name+".parquet")
		query, err := steps.ReadFile(src.dataset.ID + "/table-" + t.Name + ".sql")
		if err != nil {
			return nil, err
		}
		if err := e.CopyScratch(ctx, "coding "+t.Name, string(query), path); err != nil {
			return nil, src.blame(err)
		}
		c.files[t.Name] = path
	}
	if err := c.account(ctx, e, src); err != nil {
		return nil, err
	}
	return c, pipes.whole()
}

// prepare runs the steps before the tables: the macros that all datasets share,
// then the dataset's own steps in the order of their names. Every dataset makes
// the table patient first, whose postcodes are looked up before the step that
// makes people of patients; its last step makes doubt, numbered, unplaced,
// placed, strange, born and contradiction.
func prepare(ctx context.Context, e *engine.Engine, o Options, src *source) error {
	if err := vocabulary(ctx, e, o, src); err != nil {
		return err
	}
	if err := relations(ctx, e, src); err != nil {
		return src.blame(err)
	}
	if err := src.bulk(ctx, e); err != nil {
		return err
	}
	names, err := fs.Glob(steps, src.dataset.ID+"/[0-9]-*.sql")
	if err != nil {
		return err
	}
	slices.Sort(names)
	for _, name := range append([]string{"dates.sql", "words.sql", "numbers.sql"}, names...) {
		step := strings.TrimSuffix(filepath.Base(name), ".sql")
		if strings.HasSuffix(step, "-people") {
			if err := run(ctx, e, "places.sql", "finding the areas"); err != nil {
				return src.blame(err)
			}
		}
		if err := run(ctx, e, name, "step "+step); err != nil {
			return src.blame(err)
		}
	}
	return doubts(ctx, e)
}

// guesses are the rules of the view doubt, in words: what it would take a guess
// to decide is refused.
var guesses = map[string]SourceError{
	"twice": {Rule: "the site's patients of whom two rows stand in one export, neither later than the other: %d",
		Hint: "export the table again, with its ProcessingId: of two rows the later one counts"},
	"power-of-ten": {Table: "Coding_ClinicalCode", Rule: "codes that a spreadsheet has written as powers of ten, so that an opt-out could be missed: %d",
		Hint: "export the table again, and do not save it from a spreadsheet"},
	"one-row-number": {Rule: "the site's patients of whom two rows, with one row number, do not say the same: %d",
		Hint: "number the rows of a table in the order of their submission, and export it again"},
}

func doubts(ctx context.Context, e *engine.Engine) error {
	found, err := counts(ctx, e, "SELECT rule, n FROM doubt WHERE n > 0")
	if err != nil {
		return err
	}
	for rule, n := range found {
		refused := guesses[rule]
		return &SourceError{Table: refused.Table, Rule: fmt.Sprintf(refused.Rule, n), Hint: refused.Hint}
	}
	return nil
}

func run(ctx context.Context, e *engine.Engine, name, step string) error {
	text, err := steps.ReadFile(name)
	if err != nil {
		return err
	}
	return e.Exec(ctx, step, string(text))
}

// register gives SQL the functions that hold keys. One coder serves one thread.
func register(e *engine.Engine, o Options) error {
	numbers := o.Numbers
	if err := e.RegisterTextOfText("nhs_problem", func() engine.TextOfText {
		return func(text []byte) string {
			_, problem := pseudonym.ParseNHSNumber(text, numbers)
			return problem.String()
		}
	}); err != nil {
		return err
	}
	if err := e.RegisterTextOfText("concept_problem", func() engine.TextOfText { return conceptProblem }); err != nil {
		return err
	}
	if err := e.RegisterTextOfText("number_gate", func() engine.TextOfText { return o.numberGate }); err != nil {
		return err
	}
	if err := e.RegisterCodeOfText("person_code", func() engine.CodeOfText {
		coder := pseudonym.NewCoder(o.Key.Linkage, o.Key.Wrap)
		return func(text []byte) ([16]byte, bool) {
			number, problem := pseudonym.ParseNHSNumber(text, numbers)
			if problem != pseudonym.OK {
				return [16]byte{}, false
			}
			return coder.Code(number), true
		}
	}); err != nil {
		return err
	}
	return e.RegisterCodeOfText("local_code", func() engine.CodeOfText {
		coder := pseudonym.NewCoder(o.Key.Linkage, o.Key.Wrap)
		return func(text []byte) ([16]byte, bool) { return coder.Local(text), true }
	})
}

// conceptProblem says why a text of the code tables may not leave as a concept.
// One in a thousand NHS numbers has a concept's form; they are no concepts here.
// The price would be one in eleven of the concepts of ten digits that begin with
// 4, 6, 7 or 9: counted, like every other code that stays.
func conceptProblem(text []byte) string {
	if !schemas.ConceptID(text) {
		return "not-snomed"
	}
	for _, numbers := range []pseudonym.Range{pseudonym.Live, pseudonym.Test} {
		if _, problem := pseudonym.ParseNHSNumber(text, numbers); problem == pseudonym.OK {
			return "not-snomed"
		}
	}
	return "ok"
}

// account reads the counts that only the first database can give.
func (c *coded) account(ctx context.Context, e *engine.Engine, src *source) error {
	c.births = map[[16]byte][]int32{}
	if err := e.Query(ctx, "noting birth dates", "SELECT code, birth_date FROM born WHERE code IS NOT NULL", func(r *sql.Rows) error {
		var code engine.Code
		var birth time.Time
		if err := r.Scan(&code, &birth); err != nil {
			return err
		}
		c.births[code] = append(c.births[code], int32(birth.Unix()/86400))
		return nil
	}); err != nil {
		return err
	}
	if err := c.choices(ctx, e); err != nil {
		return err
	}
	var err error
	if c.numbers, err = counts(ctx, e, "SELECT problem, count(*) FROM numbered GROUP BY problem"); err != nil {
		return err
	}
	if c.disagree, err = counts(ctx, e, "SELECT rule, n FROM contradiction WHERE n > 0"); err != nil {
		return err
	}
	if c.passed, err = src.passed(ctx, e); err != nil {
		return err
	}
	if c.strange, err = counts(ctx, e, "SELECT field, n FROM strange WHERE n > 0"); err != nil {
		return src.blame(err)
	}
	if src.postcodes == nil {
		return nil
	}
	if c.areas, err = counts(ctx, e, "SELECT area, count(*) FROM placed GROUP BY area"); err != nil {
		return err
	}
	c.unmatched, err = e.Number(ctx, "counting areas", "SELECT count(*) FROM unplaced")
	return err
}

func counts(ctx context.Context, e *engine.Engine, query string) (map[string]int64, error) {
	found := map[string]int64{}
	err := e.Query(ctx, "counting", query, func(r *sql.Rows) error {
		var word string
		var n int64
		if err := r.Scan(&word, &n); err != nil {
			return err
		}
		found[word] = n
		return nil
	})
	return found, err
}

// folders is what the first database may read.
func (s *source) folders() []string {
	seen := map[string]bool{}
	for _, f := range s.files() {
		seen[filepath.Dir(f.path)] = true
	}
	if s.postcodes != nil {
		seen[filepath.Dir(s.postcodes.path)] = true
	}
	var dirs []string
	for d := range seen {
		dirs = append(dirs, d)
	}
	slices.Sort(dirs)
	return dirs
}
