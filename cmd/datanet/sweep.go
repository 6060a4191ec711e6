package main

import (
	"cmp"
	"context"
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
was revoked, has expired or is due for review, and linked publications past their last
day, and records that it did. What was taken away from the hub before is not within
its reach.`,
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
	if err := a.alone(h.Dir(), func() error {
		gone, err = a.sweep()
		return err
	}); err != nil {
		return err
	}
	return a.say(map[string]any{"removed": gone}, func(w io.Writer) {
		if len(gone) == 0 {
			fmt.Fprintln(w, "There is nothing to remove.")
		}
		for _, r := range gone {
			fmt.Fprintf(w, "removed: %s of approval %s, %s\n", spoken(r), r.Approval, r.Reason)
		}
	})
}

func spoken(r removed) string {
	switch r.What {
	case "release":
		return "the release of " + r.Name
	case "publication":
		return "the publication " + r.Name
	}
	return "the linked tables"
}

// sweep removes first and records then: a record says what is gone, and what
// was cut short between the two is found gone, and nothing more, next time.
func (a *app) sweep() ([]removed, error) {
	h, err := a.openHub()
	if err != nil {
		return nil, err
	}
	gone := []removed{}
	for _, d := range h.decisions.All() {
		reason := ended(d.Status(a.clock(h)))
		left, err := h.takeAway(d.Approval.ID, reason != "", a.clock(h))
		if err != nil {
			return nil, err
		}
		for _, l := range left {
			l.Reason = cmp.Or(reason, string(linkage.StatusExpired))
			body := linkage.RemovalRecord{Approval: l.Approval, SHA256: d.Approval.SHA256(), What: l.What, Name: l.Name, Reason: l.Reason}
			if err := a.record(h, body); err != nil {
				return nil, err
			}
			gone = append(gone, l)
			if err := h.Audit(hub.AuditEntry{Time: a.now(), What: "remove " + l.What, On: l.Approval, Outcome: l.Reason}); err != nil {
				return nil, err
			}
		}
	}
	return gone, nil
}

// takeAway removes what nobody may use any longer of an approval, and says what
// it was: when the approval has ended, the project's releases and linked tables
// and its publications; while it stands, publications past their last day.
func (h *openHub) takeAway(approval string, over bool, now time.Time) ([]removed, error) {
	var left []removed
	if over {
		var err error
		if left, err = h.takeProject(approval); err != nil {
			return nil, err
		}
	}
	published, err := h.Publications()
	if err != nil {
		return nil, err
	}
	for _, p := range published {
		if p.Suffix != approval || !over && !h.past(p, now) {
			continue
		}
		if err := h.RemovePublication(p); err != nil {
			return nil, err
		}
		left = append(left, removed{Approval: approval, What: "publication", Name: filepath.Base(p.Dir)})
	}
	return left, nil
}

// past says whether a linked publication's last day is over. One that does not
// open is not this command's to judge.
func (h *openHub) past(p hub.Publication, now time.Time) bool {
	opened, err := publication.Open(p.Dir, func(*publication.Header) (string, error) { return h.Publisher, nil })
	return err == nil && opened.LastDay != "" && now.UTC().Format(time.DateOnly) > opened.LastDay
}

func (h *openHub) takeProject(approval string) (left []removed, err error) {
	project, err := h.Project(approval)
	if err != nil {
		return nil, err
	}
	names, err := project.Remove()
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		r := removed{Approval: approval, What: "linked"}
		if dataset, ok := strings.CutPrefix(name, "releases/"); ok {
			r.What, r.Name = "release", dataset
		}
		left = append(left, r)
	}
	return left, nil
}

// ended is why nothing may be left of an approval; empty while something may.
func ended(s linkage.Status) string {
	switch s {
	case linkage.StatusRevoked, linkage.StatusExpired, linkage.StatusReviewDue:
		return string(s)
	}
	return ""
}
