package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"datanet/pipeline/extract"
	"datanet/pseudonym"
	"datanet/schemas"
)

type extractOptions struct {
	key, source, out, dataset, site, format, asAt, postcodes, codeLists, policy, ndoo string

	noGeography, testNumbers, drop, ignore, dryRun, seal bool
	limits                                               limits
}

func newExtract(a *app) *cobra.Command {
	var o extractOptions
	c := a.command(&cobra.Command{
		Use: "extract --key FILE --source DIR --out DIR", Short: "inside a practice or trust: export files to a signed, pseudonymised extract",
		Long: `Reads the files that the clinical system exported, leaves out the people and
entries that may not leave, replaces NHS numbers with codes, and writes a signed
extract. Dataset and site come from the key, the format from the files' names,
the date from the export's own stamp.

With --seal the extract is one file, DATASET_SITE_DATE.age, that only the
dataset's custodian can open. Without it the extract is a folder, for a route
that encrypts by itself.

The exact account that it prints is for the site; the manifest that travels
carries rounded totals.`,
		Example: "  datanet extract --key Z99001.key --source exports/Z99001 --out extracts", Args: cobra.NoArgs,
	}, func(ctx context.Context, _ []string) error { return a.runExtract(ctx, o) })
	f := c.Flags()
	f.StringVar(&o.key, "key", "", "the site's key file")
	f.StringVar(&o.source, "source", "", "folder that holds the export")
	f.StringVar(&o.out, "out", "", "folder that gets the extract")
	f.StringVar(&o.dataset, "dataset", "", "dataset; must agree with the key")
	f.StringVar(&o.site, "site", "", "site; must agree with the key")
	f.StringVar(&o.format, "format", "", "source format (default: found by the files' names)")
	f.StringVar(&o.asAt, "as-at", "", "date of the export (default: its own stamp)")
	f.StringVar(&o.postcodes, "postcodes", "", "postcode lookup, ONSPD or NSPL layout (default: DATANET_POSTCODES, else postcodes.csv beside the sources)")
	f.BoolVar(&o.noGeography, "no-geography", false, "go without a postcode lookup: every area is unknown")
	f.StringVar(&o.codeLists, "codelists", "", "folder with code lists that replace the starter lists")
	f.StringVar(&o.policy, "policy", "", "the site's policy: what is left out by decision, and whose (default: a starter that nobody approved)")
	f.StringVar(&o.ndoo, "ndoo", "", "where the policy applies the national data opt-out: the list of numbers that MESH returned, at most 7 days old")
	f.BoolVar(&o.testNumbers, "test-numbers", false, "accept NHS numbers of the 9xx range, and only those: synthetic people")
	f.BoolVar(&o.drop, "drop-unlinkable", false, "leave out people without a usable NHS number")
	f.BoolVar(&o.ignore, "ignore-unknown-columns", false, "leave columns that the format does not know unread, instead of refusing them")
	f.BoolVar(&o.dryRun, "dry-run", false, "do everything and leave nothing")
	f.BoolVar(&o.seal, "seal", false, "write one file that only the custodian can open, instead of a folder")
	o.limits.flags(c, "1GiB")
	for _, required := range []string{"key", "source", "out"} {
		c.MarkFlagRequired(required)
	}
	c.MarkFlagsMutuallyExclusive("postcodes", "no-geography")
	return c
}

func (a *app) runExtract(ctx context.Context, o extractOptions) error {
	key, err := openKey[*pseudonym.SiteKey](a, o.key)
	if err != nil {
		return err
	}
	options, err := o.options(a, key)
	if err != nil {
		return err
	}
	options.Progress = a.progress()
	result, err := extract.Run(ctx, options)
	if err != nil {
		return err
	}
	a.progressDone()
	return a.say(result, func(w io.Writer) { printExtract(w, result) })
}

func (o extractOptions) options(a *app, key *pseudonym.SiteKey) (extract.Options, error) {
	x := extract.Options{Key: key, KeyFile: o.key, Source: o.source, Out: o.out, NoGeography: o.noGeography,
		Drop: o.drop, DryRun: o.dryRun, Seal: o.seal, Tool: version, Postcodes: o.postcodes, Policy: schemas.StarterPolicy(), NDOO: o.ndoo, Now: a.now()}
	if (o.dataset != "" && o.dataset != key.Dataset) || (o.site != "" && o.site != key.Site) {
		return x, &useError{fmt.Sprintf("the key is for site %s of %s", key.Site, key.Dataset), "leave --dataset and --site out, or give the key they belong to"}
	}
	if x.Postcodes == "" {
		x.Postcodes = a.env("DATANET_POSTCODES")
	}
	if o.testNumbers {
		x.Numbers = pseudonym.Test
	}
	if o.ignore {
		x.Unknown = extract.Ignore
	}
	var err error
	if o.format != "" {
		if x.Format, err = schemas.FormatByName(o.format); err != nil {
			return x, err
		}
	}
	if o.policy != "" {
		if x.Policy, err = schemas.ReadPolicy(o.policy); err != nil {
			return x, err
		}
	}
	if o.codeLists != "" {
		if x.CodeLists, err = schemas.ReadLists(o.codeLists, "own", x.Policy.Lists()...); err != nil {
			return x, err
		}
	}
	if x.AsAt, err = date("as-at", o.asAt); err != nil {
		return x, err
	}
	x.Threads, x.Memory, err = o.limits.read()
	return x, err
}

func printExtract(w io.Writer, r *extract.Result) {
	if r.Extract == "" {
		fmt.Fprintf(w, "Dry run: nothing was kept.\nSite %s of %s, as at %s\n", r.Site, r.Dataset, r.AsAt)
	} else {
		fmt.Fprintf(w, "%s\nSite %s of %s, as at %s, extract number %d\n", r.Extract, r.Site, r.Dataset, r.AsAt, r.Sequence)
	}
	fmt.Fprintf(w, "%s people\n", thousands(r.Persons))
	for _, t := range slices.Sorted(maps.Keys(r.Tables)) {
		fmt.Fprintf(w, "  %-14s %12s rows\n", t, thousands(r.Tables[t]))
		for _, reason := range slices.Sorted(maps.Keys(r.Gates[t])) {
			fmt.Fprintf(w, "  %14s %12s left out: %s\n", "", thousands(r.Gates[t][reason]), inWords(reason))
		}
	}
	fmt.Fprintln(w, "NHS numbers")
	for _, problem := range slices.Sorted(maps.Keys(r.Numbers)) {
		fmt.Fprintf(w, "  %-14s %12s %s\n", "", thousands(r.Numbers[problem]), inWords(problem))
	}
	if r.Numbers["out-of-range"] > r.Numbers["ok"] {
		fmt.Fprintln(w, "Most numbers are outside the ranges in use. Synthetic people need --test-numbers; real ones must go without it.")
	}
	if r.Unmatched > 0 {
		fmt.Fprintf(w, "%s people have a postcode that the lookup does not hold\n", thousands(r.Unmatched))
	}
	for _, rule := range slices.Sorted(maps.Keys(r.Contradictions)) {
		fmt.Fprintf(w, "people with two %s under one NHS number, a sign of a wrong number: %s\n", contradictions[rule], thousands(r.Contradictions[rule]))
	}
	if r.Ignored > 0 {
		fmt.Fprintf(w, "columns that the format does not know, left unread: %d\n", r.Ignored)
	}
	printGoverned(w, r)
	fmt.Fprintln(w, "This account of who and what was left out stays here; the manifest has it in rounded totals.")
}

// reasons puts the gates' and the numbers' short names into words.
var reasons = map[string]string{
	"other-organisation": "of another organisation",
	"agreement":          "the sharing agreement is off",
	"test":               "a test or dummy patient",
	"deleted":            "deleted at the practice",
	"type-1":             "the person chose a Type 1 opt-out",
	"local-dissent":      "the person dissented locally",
	"restricted":         "the person's record is restricted (S-flag)",
	"confidential":       "marked confidential",
	"person-left-out":    "belongs to a person who is left out",
	"national-opt-out":   "not on the national list of people who may be used",
	"identifier-code":    "the code says that it identifies somebody",
	"sensitive":          "a code that the policy leaves out",
	"impossible-date":    "dated before birth or after the export",
	"impossible-value":   "a value that cannot be",
	"no-concept":         "without a code that the export explains",
	"not-snomed":         "its code is no SNOMED CT or dm+d number",
	"no-patient":         "without a patient in the export",
	"no-identifier":      "without the id that the record is known by",
	"re-submitted":       "submitted again later: the later row counts",
	"same-person":        "another record of a person who is counted",
	"not-attended":       "not attended",
	"no-icd10":           "not coded in ICD-10",
	"sensitive-outcome":  "how the pregnancy ended never leaves",
	"booking-left-out":   "belongs to a booking that is left out",
	"unlinkable":         "without a usable NHS number",
	"ok":                 "usable",
	"blank":              "blank",
	"check-digit":        "the check digit does not hold",
	"repeated-digit":     "one digit repeated",
	"malformed":          "not ten digits",
	"out-of-range":       "outside the ranges in use",
	"mothers-own":        "a baby's, and the same as its mother's",
}

// contradictions puts what rows of one person disagree about into words.
var contradictions = map[string]string{
	"birth-date": "dates of birth",
	"death-date": "dates of death",
	"sex":        "sexes",
	"area":       "areas",
}

func inWords(reason string) string {
	if words, ok := reasons[reason]; ok {
		return words
	}
	return reason
}

// thousands writes 1234567 as 1,234,567.
func thousands(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
