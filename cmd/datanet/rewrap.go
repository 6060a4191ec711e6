package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"datanet/linkage"
	"datanet/pipeline/hub"
	"datanet/pipeline/load"
	"datanet/pseudonym"
	"datanet/schemas"
)

type rewrapOptions struct {
	dataset, custodian, to string
	by                     []string
	limits                 limits
}

func newHubRewrap(a *app) *cobra.Command {
	var o rewrapOptions
	c := a.command(&cobra.Command{
		Use: "rewrap --dataset D --custodian OLD --to NEW", Short: "hand a dataset over to another custodian's key, codes and all",
		Long: `Writes everything that the hub holds of a dataset again, under the codes of the new
custodian's key, history included, and makes that key the trusted one, whole or not at
all. Who the custodian is changes only with the signatures of the dataset's Guardian and
of another one. Afterwards each site needs a new wrap key from the new custodian and a
new site key, and publications are protected by other noise than before: do not publish
the same date again. An approval under which somebody has begun to release has to be
linked before, or revoked.`,
		Example: "  datanet hub rewrap --dataset slam --custodian old.custodian --to new.custodian --by slam.signature --by primary-care.guardian --hub hub", Args: cobra.NoArgs,
	}, func(ctx context.Context, _ []string) error { return a.runRewrap(ctx, o) })
	datasetFlag(c, &o.dataset)
	c.Flags().StringVar(&o.custodian, "custodian", "", "the present custodian's key file")
	c.Flags().StringVar(&o.to, "to", "", "the new custodian's key file")
	c.Flags().StringArrayVar(&o.by, "by", nil, "key file to sign the change of custodian with, or a signature that datanet hub trust --out made (repeatable)")
	c.MarkFlagRequired("custodian")
	c.MarkFlagRequired("to")
	o.limits.flags(c, "1GiB")
	return c
}

// A rewrapping is what --json prints.
type rewrapping struct {
	Dataset   string `json:"dataset"`
	Status    string `json:"status"` // rewrapped, or skipped
	Files     int    `json:"files"`  // history's included
	State     string `json:"state"`
	Custodian string `json:"custodian"` // verifier key
}

func (a *app) runRewrap(ctx context.Context, o rewrapOptions) error {
	threads, memory, err := o.limits.read()
	if err != nil {
		return err
	}
	if _, err := schemas.DatasetByID(o.dataset); err != nil {
		return err
	}
	h, err := a.openHub()
	if err != nil {
		return err
	}
	if _, err := h.ledgerKey(); err != nil {
		return err
	}
	to, err := openKey[*pseudonym.CustodianKey](a, o.to)
	if err != nil {
		return err
	}
	if to.Dataset != o.dataset {
		return &keyError{"the new key is of a custodian of " + to.Dataset + ", not of " + o.dataset, "make one with datanet key custodian --dataset " + o.dataset}
	}
	want := linkage.TrustRecord{Dataset: o.dataset, Custodian: to.Public()}
	statement, err := h.trust.Statement(want)
	if err != nil {
		return err
	}
	if want.By, err = a.signedTrust(trustOptions{dataset: o.dataset, by: o.by}, statement); err != nil {
		return err
	}
	rest, err := h.trust.Change(want)
	if err != nil { // before anything is read, or the present custodian is asked for a passphrase
		return a.deny(h, want, err)
	}
	if err := h.unlinked(o.dataset, a.clock(h)); err != nil && !rest.Empty() {
		return err
	}
	from, err := openKey[*pseudonym.CustodianKey](a, o.custodian)
	if err != nil {
		return err
	}
	done := &rewrapping{Dataset: o.dataset, Status: "skipped", Custodian: to.Signer.Public()}
	if rest.Empty() {
		return a.say(done, func(w io.Writer) {
			fmt.Fprintf(w, "%s: skipped (this custodian is the trusted one already)\n", o.dataset)
		})
	}
	var untidy error
	if err := a.alone(h.Dir(), func() error {
		done, untidy, err = a.rewrapOne(ctx, want, load.Handover{From: from, To: to, Threads: threads, Memory: memory, Progress: a.progress()})
		return err
	}); err != nil {
		return err
	}
	a.progressDone()
	if untidy != nil {
		return fmt.Errorf("%s is handed over, and files under the old codes are not all removed from the disk yet; the next load removes them: %w", o.dataset, untidy)
	}
	return a.say(done, func(w io.Writer) {
		fmt.Fprintf(w, "%s is under the new custodian's codes: %d files, history included.\nNext: give each site a new wrap key (datanet key wrap), and sign for its new key (datanet hub trust … --by).\n", o.dataset, done.Files)
	})
}

// unlinked refuses to hand over a dataset of a live project that has begun to
// release and has not joined yet: its key is sealed to the present custodian, so
// that nobody could join it any more.
func (h *openHub) unlinked(dataset string, now time.Time) error {
	for _, d := range h.decisions.All() {
		if d.Status(now) != linkage.StatusApproved || d.ProjectKey == nil || len(d.Links) > 0 || !slices.Contains(d.Approval.Names(), dataset) || len(d.Approval.Names()) == 1 {
			continue
		}
		return &refusal{"approval " + d.Approval.ID + " has begun to release, and nothing is joined yet: after " + dataset + " is handed over nobody could join it",
			"release and link it first (datanet link --approval " + d.Approval.ID + "), or have a Guardian revoke the approval", linkage.CheckProjectKey}
	}
	return nil
}

// rewrapOne hands a dataset over with the record of decisions as it is now. The
// record that makes the new custodian the trusted one is the instant.
func (a *app) rewrapOne(ctx context.Context, want linkage.TrustRecord, o load.Handover) (done *rewrapping, untidy, err error) {
	h, err := a.openHub()
	if err != nil {
		return nil, nil, err
	}
	dataset := want.Dataset
	if err := a.pinGuardian(h, dataset); err != nil {
		return nil, nil, err
	}
	if err := a.settle(h, dataset); err != nil {
		return nil, nil, err
	}
	done = &rewrapping{Dataset: dataset, Status: "rewrapped", Custodian: o.To.Signer.Public()}
	o.Hub, o.Trusted, o.Recorded = h.Hub, h.trust.Dataset(dataset).CustodianVKey, h.state(dataset)
	o.Record = func(before, state string) error {
		if o.Recorded != "" { // else no load was ended, and there is no state that counts
			if err := a.record(h, linkage.RewrapRecord{Dataset: dataset, Before: before, State: state, Custodian: want.Custodian}); err != nil {
				return err
			}
		}
		return a.add(h, want) // once it is recorded, nothing may look as if it were not
	}
	r, err := load.Rewrap(ctx, o)
	var none *hub.UseError
	switch {
	case errors.As(err, &none) && errors.Is(err, fs.ErrNotExist) && o.Recorded == "": // nothing was ever tried
		err = a.record(h, want)
	case err == nil:
		done.Files, done.State, untidy = r.Files, r.StateHash, r.Untidy
	}
	if err != nil {
		return nil, nil, err
	}
	return done, untidy, h.Audit(hub.AuditEntry{Time: a.now(), Key: o.To.Signer.ID(), What: "rewrap", On: dataset, Outcome: "rewrapped; publications draw their noise anew"})
}
