package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"datanet/linkage"
	"datanet/pipeline/hub"
	"datanet/pipeline/link"
)

type linkOptions struct {
	approval string
	releases []string
	report   string
	limits   limits
}

func newLink(a *app) *cobra.Command {
	var o linkOptions
	c := a.command(&cobra.Command{
		Use: "link --approval ID", Short: "link what was released to an approved project",
		Long: `Links the releases of every dataset of an approval on the project's codes, and keeps
the approved tables of the people who are found in more than one dataset. Of the
denominator dataset everybody stays. Mothers and babies stay two people, with an edge
between them. It works only while every Guardian's signature stands; the releases in
the project are removed afterwards. It says whom linking misses most, and --json or
--report FILE says it group by group: small counts are withheld. What is linked already
is not linked again, so --report also works later.`,
		Example: "  datanet link --approval 2026-001 --hub hub\n  datanet link --approval 2026-001 --hub hub --report missing.html", Args: cobra.NoArgs,
	}, func(ctx context.Context, _ []string) error { return a.runLink(ctx, o) })
	approvalFlag(a, c, &o.approval)
	c.MarkFlagRequired("approval")
	c.Flags().StringArrayVar(&o.releases, "release", nil, "a release's folder (repeatable; default: those in the project)")
	c.Flags().StringVar(&o.report, "report", "", "write who is missing from the linked data as a page to this `FILE`")
	o.limits.flags(c, "2GiB")
	return c
}

func (a *app) runLink(ctx context.Context, o linkOptions) error {
	if _, _, err := o.limits.read(); err != nil {
		return err
	}
	h, err := a.openHub()
	if err != nil {
		return err
	}
	if _, err := a.permit(h, linkage.Ask{Approval: o.approval, Action: linkage.ActionLink}); err != nil {
		return err
	}
	if _, err := h.ledgerKey(); err != nil {
		return err
	}
	var done *link.Result
	if err := a.alone(h.Dir(), func() error {
		done, err = a.linkOne(ctx, o)
		return err
	}); err != nil {
		return err
	}
	a.progressDone()
	if err := a.qualityPage(o, done); err != nil {
		return err
	}
	return a.say(done, func(w io.Writer) { printLinked(w, done) })
}

// linkOne links with the record of decisions as it is now.
func (a *app) linkOne(ctx context.Context, o linkOptions) (*link.Result, error) {
	h, err := a.openHub()
	if err != nil {
		return nil, err
	}
	if d := h.decisions.Of(o.approval); d != nil {
		if err := a.settle(h, d.Approval.Names()...); err != nil {
			return nil, err
		}
	}
	ask := linkage.Ask{Approval: o.approval, Action: linkage.ActionLink}
	permit, err := a.permit(h, ask)
	if err != nil {
		return nil, err
	}
	threads, memory, err := o.limits.read()
	if err != nil {
		return nil, err
	}
	options := link.Options{
		Permit: permit, Hub: h.Hub, Releases: o.releases,
		Known:   func(dataset string) *linkage.ReleaseRecord { return h.released(o.approval, dataset) },
		Removed: func(dataset string) bool { return removedAtLink(h.decisions.Of(o.approval), dataset) },
		Record:  func(body linkage.Body) error { return a.record(h, body) },
		Stale:   h.withdrawnSince,
		Tool:    version, Threads: threads, Memory: memory, Progress: a.progress(),
	}
	if links := h.decisions.Of(o.approval).Links; len(links) > 0 {
		options.Earlier = &links[len(links)-1]
	}
	done, err := link.Run(ctx, options)
	if err != nil {
		return nil, a.denyFor(h, denialOf(ask), err)
	}
	return done, h.Audit(hub.AuditEntry{Time: a.now(), What: "link", On: o.approval, Outcome: done.Status})
}

// removedAtLink says whether the record of decisions has it for each link that
// the dataset's release was removed.
func removedAtLink(d *linkage.Decision, dataset string) bool {
	n := 0
	for _, r := range d.Removals {
		if r.What == "release" && r.Name == dataset && r.Reason == "linked" {
			n++
		}
	}
	return n >= len(d.Links)
}

// linked is the linked tables that the record of decisions has last.
func (h *openHub) linked(approval string) string {
	d := h.decisions.Of(approval)
	if d == nil || len(d.Links) == 0 {
		return ""
	}
	return d.Links[len(d.Links)-1].Linked
}

func printLinked(w io.Writer, r *link.Result) {
	fmt.Fprintf(w, "approval %s: %s", r.Approval, r.Status)
	if r.Reason != "" {
		fmt.Fprintf(w, " (%s)", r.Reason)
	}
	fmt.Fprintf(w, "\n  %s\n  %s people\n", r.Linked, thousands(r.People))
	for _, name := range slices.Sorted(maps.Keys(r.Datasets)) {
		part := r.Datasets[name]
		fmt.Fprintf(w, "  %-14s %10s people, of whom %s are found in another dataset too\n", name, thousands(part.People), thousands(part.Linked))
	}
	for _, pair := range slices.Sorted(maps.Keys(r.Pairs)) {
		fmt.Fprintf(w, "  in both %-28s %s\n", pair, thousands(r.Pairs[pair]))
	}
	if r.Edges+r.Quarantined > 0 {
		fmt.Fprintf(w, "  %s mothers with %s babies (%s pairs); %s left without a pair, because two mothers are recorded for the baby\n",
			thousands(r.Mothers), thousands(r.Babies), thousands(r.Edges), thousands(r.Quarantined))
	}
	printQuality(w, r.Quality)
	for _, note := range r.Notes {
		fmt.Fprintf(w, "  note: %s\n", note)
	}
	for _, left := range r.Remaining {
		fmt.Fprintf(w, "  note: the release in %s is still there; whoever keeps it removes it\n", left)
	}
}
