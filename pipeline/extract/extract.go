// Package extract is the stage that runs inside an organisation. It reads the
// files that the clinical system exports, keeps out the people and the entries
// that may not leave, replaces NHS numbers with site codes, generalises what
// could point at a person, and writes an extract: one Parquet file for each
// canonical table, a manifest and its signature, whole or not at all.
//
// Two databases do the work. The first sees identifiers: it spills nothing to
// disk, reads only the inputs, and writes only coded rows. The second sorts the
// coded rows. What was written is then read back by a check that shares no code
// with either, and only then gets its name.
//
// No error, count or file that leaves this package holds a value of the input.
package extract

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"datanet/pipeline/engine"
	"datanet/pseudonym"
	"datanet/schemas"
)

// Options say what to extract, for whom, and where to.
type Options struct {
	Key         *pseudonym.SiteKey
	KeyFile     string            // its path: what must be remembered lies beside it
	Source      string            // folder with the export
	Out         string            // folder that gets the extract's folder
	Format      *schemas.Format   // nil: found by the files' names
	AsAt        time.Time         // zero: the export's own stamp
	Postcodes   string            // postcode lookup; empty: postcodes.csv beside the sources
	NoGeography bool              // go without a lookup: every ward is unknown
	CodeLists   schemas.Lists     // nil: the starter lists
	Numbers     pseudonym.Range   // which NHS numbers exist here
	Drop        bool              // leave out people without a usable number
	Unknown     UnknownColumns    // what to do with columns the format does not know
	Rejects     string            // file for the exact account of what was left out; empty: none
	DryRun      bool              // count and check, and leave nothing
	Seal        bool              // to the custodian, as one file
	After       int64             // number of the site's last extract, when nothing here remembers it
	Threads     int               // 0: one for each processor
	Memory      int64             // bytes; 0: 1 GiB
	Tool        string            // version, for the manifest
	Policy      *schemas.Policy   // what is left out by decision; nil: the starter policy
	NDOO        string            // file of the numbers that the national data opt-out leaves; empty: none
	Now         time.Time         // the clock, for the dates of policy and list; zero: the machine's
	Progress    func(step string) // told what the work is at, from any goroutine; nil: nobody watches

	watched  bool          // somebody is told what the work is at
	withheld []string      // the policy's codes
	listed   *nationalList // nil: the policy does not apply the national data opt-out
}

// Result is the account of an extract. Its exact counts are for the site.
type Result struct {
	Extract   string                      `json:"extract"` // folder, or sealed file; empty after a dry run
	Sealed    bool                        `json:"sealed"`
	Dataset   string                      `json:"dataset"`
	Site      string                      `json:"site"`
	AsAt      string                      `json:"as_at"`
	Exports   []string                    `json:"exports"` // days of the exports that it was made of, the oldest first
	Sources   []SourceFile                `json:"sources"` // the files that were read
	Sequence  int64                       `json:"sequence"`
	Persons   int64                       `json:"persons"` // distinct codes
	Tables    map[string]int64            `json:"tables"`  // rows written
	Gates     map[string]map[string]int64 `json:"gates"`   // table → reason → rows left out
	Numbers   map[string]int64            `json:"nhs_numbers"`
	Unmatched int64                       `json:"unmatched_postcodes"`
	// What the rows under one NHS number disagree about (birth-date, death-date,
	// sex, area) → how many people: signs of wrong numbers, for the site to mend.
	Contradictions map[string]int64 `json:"contradictions"`
	Areas          map[string]int64 `json:"areas"`          // where people live; none without a lookup
	Strange        map[string]int64 `json:"invalid_values"` // column → values that cannot be, or cannot be read
	Passed         map[string]int64 `json:"rows_not_taken"` // relation → rows that the format leaves aside
	Unread         []string         `json:"unread_files"`
	Ignored        int              `json:"ignored_columns"`
	Steps          []Step           `json:"steps"` // where the time went

	Policy     string   `json:"policy"`             // id and version
	ApprovedBy string   `json:"policy_approved_by"` // name, role and date
	LeftOut    int64    `json:"left_out"`           // people left out for their choices and safety
	Partly     int64    `json:"partly_left_out"`    // rows about two people that lost the part of the one who is left out
	National   string   `json:"national_opt_out"`   // date of the list; empty: not applied
	Stopped    int64    `json:"stopped_since"`      // people who were sent before and were stopped since, and have not come back
	Withdrawn  int64    `json:"withdrawn"`          // of those: whose codes travel; the file has padding beside them
	Warnings   []string `json:"warnings,omitempty"` // what the site should see to

	present  codes    // everybody in the extract
	withheld []string // what is stopped by its code, as the dataset's tables would hold it
}

// Run makes one extract.
func Run(ctx context.Context, o Options) (*Result, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	steps := newSteps(o.Progress)
	defer steps.end()
	steps.begin("looking at the files")
	before := lookAt(o)
	src, err := open(ctx, o)
	if err != nil {
		return nil, unreadable(err)
	}
	last, err := recall(o)
	if err != nil {
		return nil, err // better now than after the work
	}
	if err := cmp.Or(last.precedes(src), last.tells(o.Policy)); err != nil {
		return nil, err
	}
	sweepParts(o.Rejects)
	stage, err := newStaging(o.Out, src.name(o), !o.DryRun, o.Seal)
	if err != nil {
		return nil, err
	}
	defer stage.remove()
	result, err := produce(ctx, o, src, before, last, stage, steps)
	if err != nil {
		return nil, stage.explain(err)
	}
	steps.end()
	result.Steps = steps.done
	return result, nil
}

// produce fills the staging folder, and publishes what it holds.
func produce(ctx context.Context, o Options, src *source, before inputs, last *memory, stage *staging, steps *steps) (*Result, error) {
	exact, err := newAccount(o, stage)
	if err != nil {
		return nil, err
	}
	defer exact.discard()
	steps.begin("reading and coding")
	coded, err := code(ctx, o, src, stage, &steps.rows)
	if changed := before.changed(src); changed != nil && ctx.Err() == nil {
		return nil, changed // and that is why, if there was an error
	}
	if err != nil {
		return nil, err
	}
	steps.begin("sorting")
	result, files, err := sort(ctx, o, src, stage, coded)
	if err != nil {
		return nil, err
	}
	steps.begin("checking what was written")
	if err := readBack(ctx, o, src.dataset, stage.final, coded.births); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := exact.prepare(); err != nil {
		return nil, err
	}
	if o.DryRun {
		result.Stopped = int64(len(last.since(coded.stopped, result.present)))
		return result, exact.name()
	}
	steps.begin("signing")
	if err := publish(ctx, o, src, stage, result, files, coded.stopped); err != nil {
		return nil, err
	}
	if exact.name() != nil {
		result.Warnings = append(result.Warnings, "the extract is whole, but the account of rejects could not get its name: give the same command with --dry-run and another name for it")
	}
	return result, nil
}

// mostExtracts is far above what a site makes. A mistyped number cannot be taken
// back: the hub wants ever higher ones.
const mostExtracts = 1_000_000

func (o *Options) complete() error {
	if o.CodeLists == nil {
		o.CodeLists = schemas.StarterLists()
	}
	if err := checkLists(o.CodeLists); err != nil {
		return err
	}
	if err := o.govern(); err != nil {
		return err
	}
	if o.After < 0 || o.After >= mostExtracts {
		return &UseError{"the number of the last extract is out of range", "the hub's custodian can look it up: datanet hub status"}
	}
	if o.Threads < 0 || o.Memory < 0 {
		return &UseError{"threads and memory cannot be negative", "leave them out, and every processor and 1 GiB are used"}
	}
	if o.watched = o.Progress != nil; !o.watched {
		o.Progress = func(string) {}
	}
	if o.Memory == 0 {
		o.Memory = engine.DefaultMemory
	}
	for _, p := range []*string{&o.Source, &o.Out} {
		abs, err := filepath.Abs(*p)
		if err != nil {
			return fmt.Errorf("finding the folders: %w", err)
		}
		*p = abs
	}
	if info, err := os.Stat(o.Source); err != nil || !info.IsDir() {
		return &SourceError{Rule: "the source is not a folder that can be read", Hint: "give the folder that holds the export with --source"}
	}
	return nil
}

// deciding are the lists without which a gate would let everything through.
var deciding = []string{"type-1-opt-out", "identifiers"}

func checkLists(lists schemas.Lists) error {
	for _, name := range deciding {
		if l := lists[name]; l == nil || len(l.Entries) == 0 {
			return noCode(name)
		}
	}
	return nil
}

func noCode(list string) error {
	return &UseError{"the code list " + list + " holds no code, so its gate would stop nobody", "give a list with its codes"}
}

// publish signs the extract and gives it its name. Sequence and hash are
// remembered before the rename, all at once: after a crash between the two a
// number is missing, which is noted at the hub as an extract that never came,
// and never used twice, which would be refused there. Whose codes were sent is
// remembered after it: of an extract without a name nobody was sent.
func publish(ctx context.Context, o Options, src *source, stage *staging, result *Result, files []schemas.ManifestFile, stopped codes) error {
	unlock, err := lockKey(o)
	if err != nil {
		return err
	}
	defer unlock()
	remembered, err := recall(o) // another extract may have ended meanwhile
	if err != nil {
		return err
	}
	if err := cmp.Or(remembered.precedes(src), remembered.tells(o.Policy)); err != nil {
		return err
	}
	if !remembered.agrees(src) {
		result.Warnings = append(result.Warnings, "the export is under another sharing agreement than the last one")
	}
	remembered.AsAt, remembered.Agreement = result.AsAt, src.agreement
	gone := remembered.since(stopped, result.present)
	remembered.Sequence = max(remembered.Sequence, o.After) + 1
	result.Sequence, result.Stopped = remembered.Sequence, int64(len(gone))
	m := src.manifest(o, result, files, remembered)
	if len(gone) > 0 && o.Policy.WithdrawnCodesTravel {
		if remembered.Padding, err = remembered.pad(gone); err != nil {
			return err
		}
		listed := newCodes(slices.Concat(gone, remembered.Padding))
		if m.Withdrawn, err = writeWithdrawn(ctx, o, stage, listed); err != nil {
			return err
		}
		result.Withdrawn = result.Stopped
	}
	body := m.Encode()
	if err := stage.sign(o.Key.Signer, body); err != nil {
		return err
	}
	if o.Seal {
		o.Progress("sealing")
	}
	if err := stage.finish(ctx, m, o.Key); err != nil {
		return err
	}
	remembered.Previous = schemas.Digest(body)
	if err := remembered.save(o); err != nil {
		return err
	}
	if result.Extract, err = stage.commit(); err != nil {
		return err
	}
	result.Sealed = o.Seal
	remembered.Sent, remembered.Withdrawn = result.present, gone
	if len(gone) == 0 {
		remembered.Padding = nil
	}
	if err := remembered.save(o); err != nil {
		result.Warnings = append(result.Warnings, "the extract is whole, but whom it holds could not be remembered: whoever is stopped next will not be withdrawn elsewhere")
	}
	return nil
}
