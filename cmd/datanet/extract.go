package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"datanet/pipeline/extract"
	"datanet/pseudonym"
	"datanet/schemas"
)

type extractOptions struct {
	key, source, out, dataset, site, format, asAt, postcodes, codeLists, formatFile, policy, ndoo, rejects string

	noGeography, testNumbers, drop, ignore, dryRun, seal bool
	after                                                int64
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
carries rounded totals. With --rejects FILE every row that was left out is listed
as table,file,row,reason: row 1 is the first record after the header, and a record
may be longer than a line. The list holds no value of the source, but beside the
source it tells who opted out: it stays at the site.`,
		Example: "  datanet extract --key Z99001.key --source exports/Z99001 --out extracts", Args: cobra.NoArgs,
	}, func(ctx context.Context, _ []string) error { return a.runExtract(ctx, o) })
	f := c.Flags()
	f.StringVar(&o.key, "key", "", "the site's key file")
	f.StringVar(&o.source, "source", "", "folder that holds the export")
	f.StringVar(&o.out, "out", "", "folder that gets the extract")
	f.StringVar(&o.dataset, "dataset", "", "dataset; must agree with the key")
	f.StringVar(&o.site, "site", "", "site; must agree with the key")
	f.StringVar(&o.format, "format", "", "source format (default: found by the files' names)")
	f.StringVar(&o.formatFile, "format-file", "", "a source format of your own, as a file")
	f.StringVar(&o.asAt, "as-at", "", "date of the export (default: its own stamp)")
	f.StringVar(&o.postcodes, "postcodes", "", "postcode lookup, ONSPD or NSPL layout (default: DATANET_POSTCODES, else postcodes.csv beside the sources)")
	f.BoolVar(&o.noGeography, "no-geography", false, "go without a postcode lookup: every area is unknown")
	f.StringVar(&o.codeLists, "codelists", "", "folder with code lists that replace the starter lists")
	f.StringVar(&o.policy, "policy", "", "the site's policy: what is left out by decision, and whose (default: a starter that nobody approved)")
	f.StringVar(&o.ndoo, "ndoo", "", "where the policy applies the national data opt-out: the list of numbers that MESH returned, its day in its name, at most 7 days old")
	f.BoolVar(&o.testNumbers, "test-numbers", false, "accept NHS numbers of the 9xx range, and only those: synthetic people")
	f.BoolVar(&o.drop, "drop-unlinkable", false, "leave out people without a usable NHS number")
	f.BoolVar(&o.ignore, "ignore-unknown-columns", false, "leave columns that the format does not know unread, instead of refusing them")
	f.StringVar(&o.rejects, "rejects", "", "new file for the exact account of every row that was left out; reading is slower")
	f.BoolVar(&o.dryRun, "dry-run", false, "do everything and leave nothing")
	f.Int64Var(&o.after, "after", 0, "number of the site's last extract at the hub, when the key is new or its state is lost")
	f.BoolVar(&o.seal, "seal", false, "write one file that only the custodian can open, instead of a folder")
	o.limits.flags(c, "1GiB")
	for _, required := range []string{"key", "source", "out"} {
		c.MarkFlagRequired(required)
	}
	c.MarkFlagsMutuallyExclusive("postcodes", "no-geography")
	c.MarkFlagsMutuallyExclusive("format", "format-file")
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
	if a.watched() {
		options.Progress = a.progress()
	}
	result, err := extract.Run(ctx, options)
	if err != nil {
		return err
	}
	a.progressDone()
	return a.say(result, func(w io.Writer) { printExtract(w, result) })
}

func (o extractOptions) options(a *app, key *pseudonym.SiteKey) (extract.Options, error) {
	x := extract.Options{Key: key, KeyFile: o.key, Source: o.source, Out: o.out, NoGeography: o.noGeography,
		Drop: o.drop, DryRun: o.dryRun, Seal: o.seal, After: o.after, Tool: version, Postcodes: o.postcodes, Policy: schemas.StarterPolicy(), NDOO: o.ndoo, Rejects: o.rejects, Now: a.now()}
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
	if o.formatFile != "" {
		if x.Format, err = schemas.ReadFormat(o.formatFile); err != nil {
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

// thousands writes 1234567 as 1,234,567.
func thousands(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
