package extract

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"datanet/pipeline/engine"
	"datanet/pseudonym"
	"datanet/schemas"
)

//go:embed *.sql primary-care/*.sql slam/*.sql maternity/*.sql
var rules embed.FS

// coded is what the first database leaves: files of coded rows in the staging
// folder, and what the account and the check need to know. A table's own file
// has its name; a dataset may leave others, which its SQL for the second
// database puts together.
type coded struct {
	files     map[string]string // name → path
	births    *births
	numbers   map[string]int64 // what was found of NHS numbers
	unmatched int64
	looked    func() error     // waits until the streams' bytes were looked at
	disagree  map[string]int64 // what the rows under one number disagree about, by people
	stopped   codes            // people left out by choice or for safety
	leftOut   int64            // how many they are, those without a code too
	withheld  []string         // what is stopped by its code
	partly    int64            // rows about two people of whom one is left out
	areas     map[string]int64 // where people live
	passed    map[string]int64 // relation → rows that the format does not take
	strange   map[string]int64 // column → values that cannot be, or cannot be read
	sources   []SourceFile
}

// code runs the database that sees identifiers.
func code(ctx context.Context, o Options, src *source, stage *staging, rows *atomic.Int64) (_ *coded, err error) {
	ctx, stop := context.WithCancel(ctx)
	hashed := src.provenance(ctx)
	defer hashed()
	defer stop()
	pipes, err := src.transcode(stage)
	if err != nil {
		return nil, err
	}
	defer pipes.stop()
	defer func() {
		if broken := pipes.whole(); broken != nil {
			err = broken // whatever the database made of it
		}
		err = src.blame(err)
	}()
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
	if err := e.RegisterCount("passing", func(n int) { rows.Add(int64(n)) }); err != nil {
		return nil, err
	}
	c := &coded{files: map[string]string{}}
	if err := c.prepare(ctx, e, o, src, stage); err != nil {
		return nil, err
	}
	for _, t := range src.dataset.Tables {
		name := src.dataset.ID + "/table-" + t.Name + ".sql"
		if !isStep(name) {
			continue // it is put together in the second database
		}
		if err := c.rows(ctx, e, name, t.Name, stage); err != nil {
			return nil, src.blame(err)
		}
	}
	if err := c.account(ctx, e, src); err != nil {
		return nil, err
	}
	if c.sources, err = hashed(); err != nil {
		return nil, err
	}
	return c, nil
}

// prepare runs the steps before the tables: the macros that all datasets share,
// then the dataset's own steps in the order of their names. A step N-x.rows.sql
// is a query whose rows go to a file of the staging folder, from where the steps
// after it read them as file_x. Every dataset makes the table patient first, whose
// postcodes are looked up before the step that makes people of patients; its
// account makes doubt, numbered, unplaced, placed, strange, born and contradiction,
// and by then there are withheld and hidden.
func (c *coded) prepare(ctx context.Context, e *engine.Engine, o Options, src *source, stage *staging) error {
	if err := vocabulary(ctx, e, o, src); err != nil {
		return err
	}
	if err := e.Exec(ctx, "preparing", "CREATE TEMP MACRO plain_text(cell) AS "+trimmed("cell", true)); err != nil {
		return err
	}
	for _, name := range []string{"dates.sql", "words.sql", "numbers.sql"} {
		if err := run(ctx, e, name, "preparing"); err != nil {
			return err
		}
	}
	if err := relations(ctx, e, o, src); err != nil {
		return src.blame(err)
	}
	if err := src.bulk(ctx, e); err != nil {
		return err
	}
	names, err := fs.Glob(rules, src.dataset.ID+"/[0-9]-*.sql")
	if err != nil {
		return err
	}
	slices.Sort(names)
	looked := src.scanStreams(ctx)
	defer looked()
	c.looked = looked
	for _, name := range names {
		if err := c.step(ctx, e, o, src, name, stage); err != nil {
			return src.blame(err)
		}
	}
	if err := hidden(ctx, e); err != nil {
		return err
	}
	return src.doubts(ctx, e)
}

func (c *coded) step(ctx context.Context, e *engine.Engine, o Options, src *source, name string, stage *staging) error {
	step := strings.TrimSuffix(filepath.Base(name), ".sql")
	if rows, ok := strings.CutSuffix(step, ".rows"); ok {
		_, rows, _ = strings.Cut(rows, "-")
		if src.streamed(rows) {
			if err := c.looked(); err != nil {
				return err
			}
			if err := src.relate(ctx, e, o, rows, true); err != nil {
				return err
			}
		}
		if err := c.rows(ctx, e, name, rows, stage); err != nil {
			return err
		}
		if err := view(ctx, e, rows, c.files[rows]); err != nil || !src.streamed(rows) {
			return err
		}
		return c.plainly(ctx, e, o, src, name, rows, stage)
	}
	if strings.HasSuffix(step, "-people") {
		if err := run(ctx, e, "places.sql", "finding the areas"); err != nil {
			return err
		}
	}
	return run(ctx, e, name, "step "+step)
}

// plainly reads a relation again, with its keys in their plain form, when one of
// them matched nothing and was not in it.
func (c *coded) plainly(ctx context.Context, e *engine.Engine, o Options, src *source, step, name string, stage *staging) error {
	odd, err := e.Number(ctx, "looking at "+name, "SELECT count(*) FROM file_"+name+" WHERE reason = 'not-plain'")
	if err != nil || odd == 0 {
		return err
	}
	if err := src.relate(ctx, e, o, name, false); err != nil {
		return err
	}
	if err := os.Remove(c.files[name]); err != nil {
		return err
	}
	if err := c.rowsTo(ctx, e, step, name, filepath.Join(stage.work, name+"-plain.parquet")); err != nil {
		return err
	}
	return view(ctx, e, name, c.files[name])
}

// rows writes a query's rows to a file of the staging folder.
func (c *coded) rows(ctx context.Context, e *engine.Engine, step, name string, stage *staging) error {
	return c.rowsTo(ctx, e, step, name, filepath.Join(stage.work, name+".parquet"))
}

func (c *coded) rowsTo(ctx context.Context, e *engine.Engine, step, name, path string) error {
	query, err := rules.ReadFile(step)
	if err != nil {
		return err
	}
	c.files[name] = path
	return e.CopyScratch(ctx, "coding "+name, string(query), path)
}

// view gives SQL a file of the staging folder as file_<name>.
func view(ctx context.Context, e *engine.Engine, name, path string) error {
	return e.Exec(ctx, "reading "+name, "CREATE OR REPLACE TEMP VIEW file_"+name+" AS FROM "+engine.ReadParquet(path))
}

func isStep(name string) bool {
	_, err := fs.Stat(rules, name)
	return err == nil
}

// guesses are the rules of the view doubt, in words: what it would take a guess
// to decide is refused.
var guesses = map[string]SourceError{
	"twice": {Rule: "the site's patients of whom two rows stand in one export, neither later than the other: %d",
		Hint: "export the table again, with its ProcessingId: of two rows the later one counts"},
	"power-of-ten": {Table: "Coding_ClinicalCode", Rule: "codes that a spreadsheet has written as powers of ten, so that an opt-out could be missed: %d",
		Hint: "export the table again, and do not save it from a spreadsheet"},
	"spoilt": {Table: "Coding_ClinicalCode", Rule: "codes that a spreadsheet or a program has changed (a number with a point, commas, blanks, marks, zeros or words to it), so that an opt-out could be missed: %d",
		Hint: "export the table again, and do not save it from a spreadsheet"},
	"other-writing": {Rule: "entries whose code the code table has in another writing (as 298700.0 for 298700), so that an opt-out could be missed: %d",
		Hint: "export all tables again, and do not save them from a spreadsheet or a program that makes numbers of codes"},
	"unexplained": {Rule: "most entries have a code that the code table does not explain, so that an opt-out could be missed: %d",
		Hint: "export all tables together again: the code table must hold every code that is in use"},
	"births-unread": {Rule: "most dates of birth are none that can be read, or are yet to come: %d",
		Hint: "the format says how dates are written (a format of your own: dates); export the table again, and do not save it from a spreadsheet"},
	"one-row-number": {Rule: "the site's patients of whom two rows, neither later by its row number, do not say the same: %d",
		Hint: oneOrder},
	"one-row-number of": {Rule: "records of which two rows, neither later by its row number, do not say the same: %d",
		Hint: oneOrder},
}

const oneOrder = "number the rows of a table in the order of their submission, through all its parts, and export it again"

// doubts refuses the first of what is in doubt. A rule about the records of one
// relation ends in its name.
func (s *source) doubts(ctx context.Context, e *engine.Engine) error {
	found, err := counts(ctx, e, "SELECT rule, n FROM doubt WHERE n > 0")
	if err != nil {
		return s.blame(err)
	}
	if len(found) == 0 {
		return nil
	}
	rule := slices.Min(slices.Collect(maps.Keys(found)))
	refused := guesses[rule]
	if about, relation, ok := strings.Cut(rule, " of "); ok {
		refused = guesses[about+" of"]
		refused.Table = s.relations[relation].Table
	}
	return &SourceError{Table: refused.Table, Rule: fmt.Sprintf(refused.Rule, found[rule]), Hint: refused.Hint}
}

func run(ctx context.Context, e *engine.Engine, name, step string) error {
	text, err := rules.ReadFile(name)
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
	if isNHSNumber(text) || isPadded(text) {
		return "not-snomed"
	}
	return "ok"
}

func isNHSNumber(text []byte) bool {
	for _, numbers := range []pseudonym.Range{pseudonym.Live, pseudonym.Test} {
		if _, problem := pseudonym.ParseNHSNumber(text, numbers); problem == pseudonym.OK {
			return true
		}
	}
	return false
}

// isPadded says whether a concept of the international edition, 00 and a check
// digit at its end, begins with an NHS number or with a full date between 1900
// and 2100, year or day first: two zeros and a digit make one of either. Such
// concepts are longer than ten digits. The specification allows 18, but those of
// the starter lists have ten at most; of ones to come, some would be lost, and
// counted.
func isPadded(concept []byte) bool {
	if len(concept) < 11 || string(concept[len(concept)-3:len(concept)-1]) != "00" {
		return false
	}
	if isNHSNumber(concept[:10]) {
		return true
	}
	for _, form := range []string{"20060102", "02012006"} {
		if day, err := time.Parse(form, string(concept[:8])); err == nil && day.Year() >= 1900 && day.Year() < 2100 {
			return true
		}
	}
	return false
}

// account reads the counts that only the first database can give.
func (c *coded) account(ctx context.Context, e *engine.Engine, src *source) error {
	var err error
	if c.births, err = readBirths(ctx, e); err != nil {
		return err
	}
	if err := c.choices(ctx, e); err != nil {
		return err
	}
	if err := c.withholds(ctx, e); err != nil {
		return err
	}
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
