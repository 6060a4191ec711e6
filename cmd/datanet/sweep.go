package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"datanet/linkage"
	"datanet/pipeline/hub"
	"datanet/pipeline/publication"
)

func newHubSweep(a *app) *cobra.Command {
	return a.command(&cobra.Command{
		Use: "sweep", Short: "remove what approvals that have ended left at the hub",
		Long: `Removes the releases, the linked tables and the publications of every approval that
was revoked, has expired or is due for review; linked publications past their last day;
and what the record of decisions does not know. It records what it removes. What was
taken away from the hub before is not within its reach.`,
		Example: "  datanet hub sweep --hub hub", Args: cobra.NoArgs,
	}, func(context.Context, []string) error { return a.runSweep() })
}

// A removed is one thing that a sweep removed.
type removed struct {
	Approval string `json:"approval"`
	What     string `json:"what"`
	Name     string `json:"name"`
	Reason   string `json:"reason"`
}

func (a *app) runSweep() error {
	h, err := a.openHub()
	if err != nil {
		return err
	}
	if _, err := h.ledgerKey(); err != nil {
		return err
	}
	gone := []removed{}
	failed := a.alone(h.Dir(), func() error {
		gone, err = a.sweep()
		return err
	})
	if failed != nil && len(gone) == 0 {
		return failed
	}
	return cmp.Or(a.say(map[string]any{"removed": gone}, func(w io.Writer) {
		if len(gone) == 0 {
			fmt.Fprintln(w, "There is nothing to remove.")
		}
		for _, r := range gone {
			fmt.Fprintf(w, "removed: %s of approval %s, %s\n", spoken(r), r.Approval, r.Reason)
		}
	}), failed)
}

func spoken(r removed) string {
	switch r.What {
	case "release":
		return "the release of " + r.Name
	case "publication":
		return "the publication " + r.Name
	case hub.Strays:
		return "what belongs to nobody"
	}
	return "the linked tables"
}

// sweep records what it is about to remove and then removes it. What a crash
// leaves between the two stands there still, and the next sweep records and
// removes it. What cannot be removed of one approval does not keep the others.
func (a *app) sweep() (gone []removed, failed error) {
	h, err := a.openHub()
	if err != nil {
		return nil, err
	}
	gone = []removed{}
	for _, d := range h.decisions.All() {
		left, err := a.leftOf(h, d)
		if err != nil { // what could be listed is removed all the same
			failed = worse(a.ctx, failed, fmt.Errorf("approval %s: %w", d.Approval.ID, err))
		}
		for _, l := range left {
			if err := a.takeAway(h, d, l); err != nil {
				failed = worse(a.ctx, failed, fmt.Errorf("approval %s: %w", d.Approval.ID, err))
				continue
			}
			gone = append(gone, l.removed)
		}
		if ended(d.Status(a.sweepTime(h))) == "" {
			continue
		}
		if project, err := h.Project(d.Approval.ID); err == nil {
			_, err = project.Remove() // and what a crash left on its way out
			failed = worse(a.ctx, failed, err)
		}
	}
	return gone, failed
}

// A leftover is something that nobody may use any longer.
type leftover struct {
	removed
	take func() error
}

// takeAway records a removal, unless it is of what was never recorded, and
// removes.
func (a *app) takeAway(h *openHub, d *linkage.Decision, l leftover) error {
	if l.What != hub.Strays {
		body := linkage.RemovalRecord{Approval: l.Approval, SHA256: d.Approval.SHA256(), What: l.What, Name: l.Name, Reason: l.Reason}
		if err := a.record(h, body); err != nil {
			return err
		}
	}
	if err := l.take(); err != nil {
		return err
	}
	return h.Audit(hub.AuditEntry{Time: a.now(), What: "remove " + l.What, On: l.Approval, Outcome: l.Reason})
}

// leftOf lists, of an approval that has ended, all that stands in its project
// and its publications; of one that stands, what the record of decisions does
// not know, and publications past their last day. What could be listed comes
// beside an error.
func (a *app) leftOf(h *openHub, d *linkage.Decision) ([]leftover, error) {
	project, err := h.Project(d.Approval.ID)
	if err != nil {
		return nil, err
	}
	now, reason := a.sweepTime(h), ""
	if reason = ended(d.Status(now)); reason == "" {
		names, err := project.Strangers(h.knows(d))
		left := inProject(d, project, names, "stale")
		more, errs := h.publicationsOf(d, now, false)
		return append(left, more...), errors.Join(err, errs)
	}
	names, err := project.Contents()
	left := inProject(d, project, names, reason)
	more, errs := h.publicationsOf(d, now, true)
	for i := range more {
		more[i].Reason = reason
	}
	return append(left, more...), errors.Join(err, errs)
}

// sweepTime is what approvals and last days are judged by before something is
// destroyed. A record that one machine with a wrong clock dated ahead of this
// one must not end them all.
func (a *app) sweepTime(h *openHub) time.Time {
	if now := a.now(); h.ledger.Head().Time.After(now.Add(24 * time.Hour)) {
		return now
	}
	return a.clock(h)
}

// knows says which releases and linked tables the record of decisions has.
func (h *openHub) knows(d *linkage.Decision) func(kind, name, digest string) bool {
	return func(kind, name, digest string) bool {
		if kind == "linked" {
			return digest == h.linked(d.Approval.ID)
		}
		r := h.released(d.Approval.ID, name)
		return r != nil && r.Release == digest
	}
}

func inProject(d *linkage.Decision, project *hub.Project, names []string, reason string) (left []leftover) {
	for _, name := range names {
		l := leftover{removed{Approval: d.Approval.ID, What: name, Reason: reason}, func() error {
			_, err := project.RemoveNamed([]string{name})
			return err
		}}
		if dataset, ok := strings.CutPrefix(name, "releases/"); ok {
			l.What, l.Name = "release", dataset
		}
		left = append(left, l)
	}
	return left
}

// publicationsOf lists the hub's publications under an approval: all, or those
// past their last day.
func (h *openHub) publicationsOf(d *linkage.Decision, now time.Time, all bool) ([]leftover, error) {
	published, err := h.Publications()
	if err != nil {
		return nil, err
	}
	var left []leftover
	for _, p := range published {
		if p.Suffix != d.Approval.ID {
			continue
		}
		name, last := filepath.Base(p.Dir), "" // one that does not open has no other name
		if opened, err := publication.Open(p.Dir, func(*publication.Header) (string, error) { return h.Publisher, nil }); err == nil {
			name, last = opened.ID, opened.LastDay
		}
		if all || last != "" && now.UTC().Format(time.DateOnly) > last {
			left = append(left, leftover{removed{d.Approval.ID, "publication", name, string(linkage.StatusExpired)}, func() error { return h.RemovePublication(p) }})
		}
	}
	return left, nil
}

// ended is why nothing may be left of an approval; empty while something may.
func ended(s linkage.Status) string {
	switch s {
	case linkage.StatusRevoked, linkage.StatusSuperseded, linkage.StatusExpired, linkage.StatusReviewDue:
		return string(s)
	}
	return ""
}
