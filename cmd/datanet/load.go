package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"datanet/linkage"
	"datanet/pipeline/hub"
	"datanet/pipeline/load"
	"datanet/pseudonym"
)

type loadOptions struct {
	custodian, memory string
	threads           int
}

func newLoad(a *app) *cobra.Command {
	var o loadOptions
	c := a.command(&cobra.Command{
		Use: "load EXTRACT... --custodian FILE", Short: "a custodian takes extracts into the hub",
		Long: `Verifies each extract (signature, hashes, key check values, sequence, schema),
re-wraps its codes and makes it the site's current part of the dataset. Each is
taken on its own; the exit code is the worst. The same extract again is a skip.`,
		Example: "  datanet load extracts/primary-care_Z99001_2026-10-31 --custodian custodian.key --hub hub", Args: cobra.MinimumNArgs(1),
	}, func(ctx context.Context, args []string) error { return a.runLoad(ctx, o, args) })
	c.Flags().StringVar(&o.custodian, "custodian", "", "the custodian's key file")
	c.Flags().IntVar(&o.threads, "threads", 0, "threads (default: one for each processor)")
	c.Flags().StringVar(&o.memory, "memory", "1GiB", "memory to stay within")
	c.MarkFlagRequired("custodian")
	return c
}

// loaded is what --json prints.
type loaded struct {
	Loads []*load.Result `json:"loads"`
}

func (a *app) runLoad(ctx context.Context, o loadOptions, extracts []string) error {
	h, err := a.openHub()
	if err != nil {
		return err
	}
	key, err := openKey[*pseudonym.CustodianKey](a, o.custodian)
	if err != nil {
		return err
	}
	trusted := h.trust.Dataset(key.Dataset)
	options := load.Options{Hub: h.Hub, Custodian: key, Trusted: trusted.CustodianVKey, Sites: trusted.Sites, Threads: o.threads}
	if options.Memory, err = size(o.memory); err != nil {
		return err
	}
	var done loaded
	var worst error
	step := a.progress()
	for i, x := range extracts {
		step(fmt.Sprintf("loading extract %d of %d", i+1, len(extracts)))
		result, err := load.Run(ctx, x, options)
		if err == nil {
			err = a.noteLoad(h, key, result)
		}
		if err != nil {
			worst = worse(ctx, worst, err)
			result = &load.Result{Status: "refused"}
			if len(extracts) > 1 {
				a.progressDone()
				a.print(kindOf(ctx, err), fmt.Sprintf("extract %d of %d: %v", i+1, len(extracts), err), hintsOf(err))
				worst = reported{worst}
			}
		}
		done.Loads = append(done.Loads, result)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	a.progressDone()
	if worst != nil && len(extracts) == 1 {
		return worst
	}
	return errors.Join(worst, a.say(done, func(w io.Writer) { printLoads(w, done) }))
}

// noteLoad brings the record of decisions and the audit log up to what the
// dataset's state says, also when a load was cut short before it could.
func (a *app) noteLoad(h *openHub, key *pseudonym.CustodianKey, r *load.Result) error {
	body := linkage.LoadRecord{Dataset: r.Dataset, Site: r.Site, Sequence: r.Sequence, AsAt: r.AsAt,
		Manifest: r.Manifest, Persons: r.Persons, State: r.StateHash}
	noted := h.holds(func(b linkage.Body) bool {
		l, ok := b.(linkage.LoadRecord)
		return ok && l.Manifest == r.Manifest
	})
	if !noted {
		if err := a.record(h, body); err != nil {
			return err
		}
	}
	return h.Audit(hub.AuditEntry{Time: a.now(), Key: key.Signer.ID(), What: "load", On: r.Dataset + "/" + r.Site, Outcome: r.Status})
}

// worse keeps the error whose exit code is the higher.
func worse(ctx context.Context, a, b error) error {
	if a == nil || codes[kindOf(ctx, b)] > codes[kindOf(ctx, a)] {
		return b
	}
	return a
}

func printLoads(w io.Writer, done loaded) {
	for _, r := range done.Loads {
		if r.Site == "" {
			continue
		}
		fmt.Fprintf(w, "%s of %s, as at %s, extract %d: %s", r.Site, r.Dataset, r.AsAt, r.Sequence, r.Status)
		if r.Reason != "" {
			fmt.Fprintf(w, " (%s)", r.Reason)
		}
		fmt.Fprintln(w)
		for _, n := range r.Notes {
			fmt.Fprintf(w, "  note: %s\n", n)
		}
	}
}
