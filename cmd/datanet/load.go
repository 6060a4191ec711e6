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
	custodian string
	accept    bool
	limits    limits
}

func newLoad(a *app) *cobra.Command {
	var o loadOptions
	c := a.command(&cobra.Command{
		Use: "load EXTRACT... --custodian FILE", Short: "a custodian takes extracts into the hub",
		Long: `Takes extracts as folders or as the sealed files that extract --seal writes, which
the custodian's key opens. Verifies each (signature, hashes, key check values, sequence, schema),
re-wraps its codes and makes it the site's current part of the dataset. Each is
taken on its own; the exit code is the worst. The same extract again is a skip.`,
		Example: "  datanet load extracts/primary-care_Z99001_2026-10-31 --custodian custodian.key --hub hub", Args: cobra.MinimumNArgs(1),
	}, func(ctx context.Context, args []string) error { return a.runLoad(ctx, o, args) })
	c.Flags().StringVar(&o.custodian, "custodian", "", "the custodian's key file")
	c.Flags().BoolVar(&o.accept, "accept-withdrawals", false, "take a list of withdrawn people that removes more than 5% of other sites' people")
	o.limits.flags(c, "1GiB")
	c.MarkFlagRequired("custodian")
	return c
}

// loaded is what --json prints.
type loaded struct {
	Loads []loadedExtract `json:"loads"`
}

// A loadedExtract says what became of one extract, refused ones included.
type loadedExtract struct {
	Path string `json:"path"`
	*load.Result
	Error *failure `json:"error,omitempty"`
}

func (a *app) runLoad(ctx context.Context, o loadOptions, extracts []string) error {
	options, h, err := a.loadOptions(o)
	if err != nil {
		return err
	}
	var done loaded
	var worst error
	refused := 0
	step := a.progress()
	for i, x := range extracts {
		step(fmt.Sprintf("loading extract %d of %d", i+1, len(extracts)))
		result, err := a.loadOne(ctx, h.Dir(), x, options)
		if ctx.Err() != nil {
			worst = ctx.Err()
			break
		}
		if err != nil {
			refused++
			worst = worse(ctx, worst, err)
			kind := kindOf(ctx, err)
			result.Status = "refused"
			done.Loads = append(done.Loads, loadedExtract{x, result, newFailure(kind, err.Error(), hintsOf(kind, err))})
			continue
		}
		done.Loads = append(done.Loads, loadedExtract{Path: x, Result: result})
	}
	a.progressDone()
	if len(extracts) == 1 && worst != nil {
		return worst
	}
	if refused > 0 && ctx.Err() == nil {
		worst = someRefused{worst, refused, len(extracts)}
	}
	return errors.Join(a.say(done, func(w io.Writer) { printLoads(w, done) }), worst)
}

// loadOne takes one extract in and records it, before another one is taken.
func (a *app) loadOne(ctx context.Context, dir, extract string, o load.Options) (*load.Result, error) {
	result := &load.Result{}
	err := a.alone(dir, func() error {
		h, err := a.openHub()
		if err != nil {
			return err
		}
		dataset := o.Custodian.Dataset
		if err := a.pinGuardian(h, dataset); err != nil {
			return err
		}
		if err := a.settle(h, dataset); err != nil {
			return err
		}
		trusted := h.trust.Dataset(dataset)
		o.Hub, o.Trusted, o.Sites = h.Hub, trusted.CustodianVKey, trusted.Sites
		o.Left = func(site string) bool { return h.decisions.Left(dataset, site) }
		o.Last = func(site string) (int64, string) { return h.last(dataset, site) }
		r, err := load.Run(ctx, extract, o)
		if r != nil {
			result = r
		}
		if err != nil {
			return a.denyFor(h, linkage.DeniedRecord{Action: linkage.ActionLoad, Dataset: dataset}, err)
		}
		return a.noteLoad(h, o.Custodian, result)
	})
	return result, err
}

// someRefused sums up a run in which some extracts did not get in. Its kind
// and exit code are the worst one's.
type someRefused struct {
	error
	refused, of int
}

func (s someRefused) Error() string {
	return fmt.Sprintf("%d of %d extracts were refused", s.refused, s.of)
}
func (s someRefused) Unwrap() error { return s.error }
func (s someRefused) Hints() []string {
	if s.refused == s.of {
		return []string{"the reason stands beside each"}
	}
	return []string{"the reason stands beside each; the others are in the hub, and giving them again does no harm"}
}

// loadOptions opens the hub and the custodian's key.
func (a *app) loadOptions(o loadOptions) (load.Options, *openHub, error) {
	threads, memory, err := o.limits.read()
	if err != nil {
		return load.Options{}, nil, err
	}
	h, err := a.openHub()
	if err != nil {
		return load.Options{}, nil, err
	}
	key, err := openKey[*pseudonym.CustodianKey](a, o.custodian)
	if err != nil {
		return load.Options{}, nil, err
	}
	_, err = h.ledgerKey()
	return load.Options{AcceptWithdrawals: o.accept, Custodian: key, Today: a.now(), Threads: threads, Memory: memory}, h, err
}

// noteLoad brings the record of decisions and the audit log up to what the
// dataset's state says. Where it is kept from that, settle does it later.
func (a *app) noteLoad(h *openHub, key *pseudonym.CustodianKey, r *load.Result) error {
	body := linkage.LoadRecord{Dataset: r.Dataset, Site: r.Site, Sequence: r.Sequence, AsAt: r.AsAt,
		Manifest: r.Manifest, Persons: r.Persons, State: r.StateHash, Withdrew: r.Withdrew}
	if h.state(r.Dataset) != r.StateHash {
		if err := a.record(h, body); err != nil {
			return err
		}
	}
	return h.Audit(hub.AuditEntry{Time: a.now(), Key: key.Signer.ID(), What: "load", On: r.Dataset + "/" + r.Site, Outcome: r.Status})
}

// worse keeps the error whose exit code is the higher.
func worse(ctx context.Context, a, b error) error {
	if b == nil {
		return a
	}
	if a == nil || codes[kindOf(ctx, b)] > codes[kindOf(ctx, a)] {
		return b
	}
	return a
}

func printLoads(w io.Writer, done loaded) {
	for _, r := range done.Loads {
		if r.Error != nil {
			fmt.Fprintf(w, "%s: refused: %s (exit code %d)\n", oneLine(r.Path), r.Error.Message, r.Error.Code)
			for _, hint := range r.Error.Hints {
				fmt.Fprintf(w, "  hint: %s\n", hint)
			}
			continue
		}
		fmt.Fprintf(w, "%s of %s, as at %s, extract number %d: %s", r.Site, r.Dataset, r.AsAt, r.Sequence, r.Status)
		if r.Reason != "" {
			fmt.Fprintf(w, " (%s)", r.Reason)
		}
		fmt.Fprintln(w)
		for _, n := range r.Notes {
			fmt.Fprintf(w, "  note: %s\n", n)
		}
	}
}
