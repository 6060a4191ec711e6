package main

import (
	"cmp"
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"datanet/linkage"
	"datanet/pipeline/hub"
	"datanet/pipeline/release"
	"datanet/pseudonym"
	"datanet/schemas"
)

type releaseOptions struct {
	approval, dataset, custodian, out string
	limits                            limits
}

func newRelease(a *app) *cobra.Command {
	var o releaseOptions
	c := a.command(&cobra.Command{
		Use: "release --approval ID --dataset D --custodian FILE", Short: "give an approved project its part of a dataset",
		Long: `Gives a project what its approval names of one dataset: those columns, those people,
under codes that hold in this project only, in an order that says nothing. It works
only while every Guardian's signature stands. A dataset is released once: the same
state again is a skip, another one is refused.`,
		Example: "  datanet release --approval 2026-001 --dataset slam --custodian slam.custodian --hub hub", Args: cobra.NoArgs,
	}, func(ctx context.Context, _ []string) error { return a.runRelease(ctx, o) })
	f := c.Flags()
	approvalFlag(a, c, &o.approval)
	c.MarkFlagRequired("approval")
	datasetFlag(c, &o.dataset)
	f.StringVar(&o.custodian, "custodian", "", "the custodian's key file")
	c.MarkFlagRequired("custodian")
	f.StringVar(&o.out, "out", "", "folder to make (default: the project's, in the hub)")
	o.limits.flags(c, "2GiB")
	return c
}

func approvalFlag(a *app, c *cobra.Command, into *string) {
	c.Flags().StringVar(into, "approval", "", "the approval's id; datanet approval list shows them")
	c.RegisterFlagCompletionFunc("approval", a.completeApproval)
}

func (a *app) runRelease(ctx context.Context, o releaseOptions) error {
	if _, _, err := o.limits.read(); err != nil {
		return err
	}
	if _, err := schemas.DatasetByID(o.dataset); err != nil {
		return err
	}
	h, err := a.openHub()
	if err != nil {
		return err
	}
	ask := linkage.Ask{Approval: o.approval, Action: linkage.ActionRelease, Dataset: o.dataset}
	if _, err := a.permit(h, ask); err != nil { // before anybody is asked for a passphrase
		return err
	}
	if _, err := h.ledgerKey(); err != nil {
		return err
	}
	key, err := openKey[*pseudonym.CustodianKey](a, o.custodian)
	if err != nil {
		return err
	}
	var done *release.Result
	if err := a.alone(h.Dir(), func() error {
		done, err = a.releaseOne(ctx, o, ask, key)
		return err
	}); err != nil {
		return err
	}
	a.progressDone()
	return a.say(done, func(w io.Writer) { printRelease(w, done) })
}

func printRelease(w io.Writer, r *release.Result) {
	fmt.Fprintf(w, "%s to approval %s: %s", r.Dataset, r.Approval, r.Status)
	if r.Reason != "" {
		fmt.Fprintf(w, " (%s)", r.Reason)
	}
	fmt.Fprintln(w)
	if r.Release != "" {
		fmt.Fprintf(w, "  %s\n  about %s people, as at %s", r.Release, thousands(r.Persons), r.AsAt)
		if r.Unlinkable > 0 {
			fmt.Fprintf(w, "; about %s more have no usable NHS number and stay out", thousands(r.Unlinkable))
		}
		fmt.Fprintln(w)
	}
}

// releaseOne releases with the record of decisions as it is now: an approval
// may have been taken back while somebody typed a passphrase.
func (a *app) releaseOne(ctx context.Context, o releaseOptions, ask linkage.Ask, key *pseudonym.CustodianKey) (*release.Result, error) {
	h, err := a.openHub()
	if err != nil {
		return nil, err
	}
	if err := a.pinGuardian(h, o.dataset); err != nil {
		return nil, err
	}
	if err := a.settle(h, o.dataset); err != nil {
		return nil, err
	}
	permit, err := a.permit(h, ask)
	if err != nil {
		return nil, err
	}
	threads, memory, err := o.limits.read()
	if err != nil {
		return nil, err
	}
	done, err := release.Run(ctx, release.Options{
		Permit: permit, Hub: h.Hub, Dataset: o.dataset, Trusted: h.trust.Dataset(o.dataset).CustodianVKey, Recorded: h.state(o.dataset), Custodian: key, Today: a.clock(h),
		Sealed: func() (*linkage.ProjectKeyRecord, error) {
			if err := a.read(h); err != nil {
				return nil, err
			}
			return h.projectKey(o.approval, o.dataset)
		},
		Record: func(body linkage.Body) error { return a.record(h, body) }, Earlier: h.released(o.approval, o.dataset),
		Out: o.out, Tool: version, Threads: threads, Memory: memory, Progress: a.progress(),
	})
	if err != nil {
		return nil, a.denyFor(h, denialOf(ask), err)
	}
	return done, h.Audit(hub.AuditEntry{Time: a.now(), Key: key.Signer.ID(), What: "release", On: o.approval + "/" + o.dataset, Outcome: done.Status})
}

// projectKey is the project's key, if one was recorded and it was sealed to the
// custodian whom the hub trusts now.
func (h *openHub) projectKey(approval, dataset string) (*linkage.ProjectKeyRecord, error) {
	sealedTo := ""
	if !h.holds(func(b linkage.Body) bool {
		switch r := b.(type) {
		case linkage.TrustRecord:
			if r.Dataset == dataset {
				sealedTo = cmp.Or(r.Custodian, sealedTo)
			}
		case linkage.ProjectKeyRecord:
			return r.Approval == approval
		}
		return false
	}) {
		return nil, nil
	}
	if sealedTo != h.trust.Dataset(dataset).Custodian {
		return nil, &refusal{"the key of approval " + approval + " was sealed to the custodian of " + dataset + " before this one, and does not open for another",
			"have a new request drafted: datanet approval draft --supersedes " + approval, linkage.CheckProjectKey}
	}
	return h.decisions.Of(approval).ProjectKey, nil
}

// released is the release of a dataset that the record of decisions has last.
func (h *openHub) released(approval, dataset string) *linkage.ReleaseRecord {
	var last *linkage.ReleaseRecord
	if d := h.decisions.Of(approval); d != nil {
		for i := range d.Releases {
			if d.Releases[i].Dataset == dataset {
				last = &d.Releases[i]
			}
		}
	}
	return last
}
