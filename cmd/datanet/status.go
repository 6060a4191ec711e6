package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"datanet/linkage"
)

type statusOptions struct {
	late        int
	acceptClock bool
}

func newHubStatus(a *app) *cobra.Command {
	var o statusOptions
	var page string
	c := a.command(&cobra.Command{
		Use: "status", Short: "say what needs somebody, how fresh the data are, and whose keys count",
		Long: `Says first what needs somebody: data that do not agree with the record of decisions,
things to clear, approvals to review or to sign, sites that are late or never sent. Then,
for each dataset, whose signatures the hub accepts and what each site sent last; how the
approvals stand; and what is published.

Where the hub's key for the record of decisions is at hand, the record is signed anew
with the present time, so that copies of it say how old they are. Nothing else changes.`,
		Example: "  datanet hub status --hub hub\n  datanet hub status --html status.html --hub hub", Args: cobra.NoArgs,
	}, func(ctx context.Context, _ []string) error {
		if o.late < 1 || o.late > 36500 {
			return &useError{"--late is not a number of days", "give 1 or more, for example 35"}
		}
		h, err := a.openHub()
		if err != nil {
			return err
		}
		if err := a.signAnew(h, time.Hour, o.acceptClock); err != nil {
			return err
		}
		s, err := a.status(ctx, h, o)
		if err != nil {
			return err
		}
		if page != "" {
			return a.statusPage(page, s)
		}
		return a.say(s, func(w io.Writer) { printStatus(w, s) })
	})
	c.Flags().BoolVar(&o.acceptClock, "accept-clock", false, "this machine's clock is right, although nothing was recorded for more than 400 days")
	c.Flags().IntVar(&o.late, "late", 35, "days after which a site's last data are late")
	c.Flags().StringVar(&page, "html", "", "write a page to this file instead")
	return c
}

// A hubStatus is what --json prints, and all that a page of it needs.
type hubStatus struct {
	Hub          string              `json:"hub"` // its id
	Name         string              `json:"name"`
	Records      int64               `json:"records"`
	Time         time.Time           `json:"time"` // of the newest record
	Today        string              `json:"today"`
	LateDays     int                 `json:"late_days"` // after how many days data are late
	Needs        []need              `json:"needs"`     // what needs somebody, the most important first
	Datasets     []datasetStatus     `json:"datasets"`
	Approvals    map[string]int      `json:"approvals"` // by status
	Projects     []projectStatus     `json:"projects"`  // the approvals, one by one
	Publications []publicationStatus `json:"publications"`
}

// A need is one thing that somebody should do, in a sentence. Kind is integrity, sweep,
// stale, review, signature, late, never-sent, passed-over or left.
type need struct {
	Kind     string `json:"kind"`
	Says     string `json:"says"`
	Dataset  string `json:"dataset,omitempty"`
	Site     string `json:"site,omitempty"`
	Approval string `json:"approval,omitempty"`
}

type publicationStatus struct {
	Publication string `json:"publication"` // its folder's name
	AsAt        string `json:"as_at"`
	Approval    string `json:"approval,omitempty"`
	LastDay     string `json:"last_day,omitempty"` // of one under an approval
	Recorded    bool   `json:"recorded"`           // in the record of decisions, byte for byte
}

// status goes through the hub again when something did not hold and the record of
// decisions has grown meanwhile: what others have just done is in it now.
func (a *app) status(ctx context.Context, h *openHub, o statusOptions) (hubStatus, error) {
	for try := 1; ; try++ {
		s, err := a.statusOnce(ctx, h, o)
		seen, broken := h.ledger.Head().Size, slices.ContainsFunc(s.Needs, func(n need) bool { return n.Kind == "integrity" })
		if err != nil || !broken || try == mostTries || a.read(h) != nil || h.ledger.Head().Size == seen {
			return s, err
		}
	}
}

func (a *app) statusOnce(ctx context.Context, h *openHub, o statusOptions) (hubStatus, error) {
	head, now := h.ledger.Head(), a.clock(h)
	s := hubStatus{Hub: h.ID, Name: h.Name, Records: head.Size, Time: head.Time, Today: now.UTC().Format(time.DateOnly), LateDays: o.late,
		Needs: []need{}, Datasets: []datasetStatus{}, Approvals: map[string]int{}, Projects: []projectStatus{}, Publications: []publicationStatus{}}
	for _, name := range h.trust.Datasets() {
		d, err := h.datasetStatus(ctx, name, now, o.late)
		if err != nil {
			return s, err
		}
		s.Datasets = append(s.Datasets, d)
	}
	for _, d := range h.decisions.All() {
		p, err := a.projectStatus(h, d, now)
		if err != nil {
			return s, err
		}
		s.Projects = append(s.Projects, p)
		s.Approvals[p.Status]++
	}
	var err error
	if s.Publications, err = h.publicationStatus(); err != nil {
		return s, err
	}
	s.Needs = s.needs()
	return s, nil
}

// importance is the order in which needs are told.
var importance = []string{"integrity", "sweep", "stale", "review", "signature", "late", "never-sent", "passed-over", "left"}

func (s hubStatus) needs() []need {
	all := []need{}
	for _, d := range s.Datasets {
		all = append(all, d.needs(s.LateDays)...)
	}
	for _, p := range s.Projects {
		all = append(all, p.needs()...)
	}
	for _, p := range s.Publications {
		if !p.Recorded {
			all = append(all, need{Kind: "integrity", Approval: p.Approval, Says: "The publication " + p.Publication + " is not as the record of decisions has it, and nobody may rely on it. Look with datanet hub verify."})
		}
	}
	slices.SortStableFunc(all, func(a, b need) int { return slices.Index(importance, a.Kind) - slices.Index(importance, b.Kind) })
	return all
}

func printStatus(w io.Writer, s hubStatus) {
	fmt.Fprintf(w, "%s (%s)\n%d entries in the record of decisions, the newest of %s\n\n", s.Name, s.Hub, s.Records, s.Time.Format(time.DateTime))
	if len(s.Needs) == 0 {
		fmt.Fprintln(w, "Nothing needs anybody.")
	} else {
		fmt.Fprintln(w, "What needs somebody")
	}
	for _, n := range s.Needs {
		fmt.Fprintf(w, "  - %s\n", n.Says)
	}
	for _, d := range s.Datasets {
		d.print(w)
	}
	fmt.Fprintln(w)
	if len(s.Approvals) == 0 {
		fmt.Fprintln(w, "Nobody has asked for an approval.")
	}
	for _, status := range slices.Sorted(maps.Keys(s.Approvals)) {
		fmt.Fprintf(w, "approvals, %s: %d\n", status, s.Approvals[status])
	}
	for _, p := range s.Projects {
		p.print(w)
	}
	if len(s.Publications) > 0 {
		fmt.Fprintln(w)
	}
	for _, p := range s.Publications {
		fmt.Fprintf(w, "published: %s\n", p.Publication)
	}
}

func orNobody(key string) string {
	if key == "" {
		return "nobody yet"
	}
	return key
}

// spelled reads "a", "a and b", "a, b and c".
func spelled(words []string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " and " + words[last]
}

// A projectStatus is one approval, and what lies at the hub under it.
type projectStatus struct {
	Approval   string   `json:"approval"`
	Title      string   `json:"title"`
	Status     string   `json:"status"`
	Says       string   `json:"says"` // the status in a sentence
	Datasets   []string `json:"datasets"`
	From       string   `json:"from"`
	Until      string   `json:"until"`
	Review     string   `json:"review"`
	ReviewDays int      `json:"review_days"` // until the review day; less than 0: it is over
	Awaiting   []string `json:"awaiting"`    // datasets whose Guardian has not signed, while it can be signed
	Released   []string `json:"released"`    // datasets whose release lies here
	Linked     bool     `json:"linked"`      // linked tables lie here
	Stale      []string `json:"stale"`       // datasets of which people or a site were withdrawn since they were released
	ToSweep    int      `json:"to_sweep"`    // things that datanet hub sweep would remove
}

// soon is how many days before its review day an approval is mentioned.
const soon = 28

func (a *app) projectStatus(h *openHub, d *linkage.Decision, now time.Time) (projectStatus, error) {
	of, status := d.Approval, d.Status(now)
	p := projectStatus{Approval: of.ID, Title: of.Title, Status: string(status), Says: d.Sentence(now), Datasets: of.Names(), From: of.From, Until: of.Until,
		Review: of.Review, ReviewDays: daysTo(of.Review, now), Awaiting: []string{}, Released: []string{}, Stale: []string{}}
	if status == linkage.StatusDraft || status == linkage.StatusAwaiting {
		p.Awaiting = d.Missing()
	}
	left, err := a.leftOf(h, d)
	if p.ToSweep = len(left); err != nil {
		return p, err
	}
	project, err := h.Project(of.ID)
	if err != nil {
		return p, err
	}
	contents, err := project.Contents()
	for _, name := range contents {
		if dataset, ok := strings.CutPrefix(name, "releases/"); ok {
			p.Released = append(p.Released, dataset)
		}
		p.Linked = p.Linked || name == "linked"
	}
	for _, dataset := range of.Names() {
		if last := h.released(of.ID, dataset); last != nil && len(contents) > 0 && h.withdrawnSince(dataset, last.State) {
			p.Stale = append(p.Stale, dataset)
		}
	}
	return p, err
}

func daysTo(day string, now time.Time) int {
	at, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return 0
	}
	today := now.UTC().Truncate(24 * time.Hour)
	return int(at.Sub(today) / (24 * time.Hour))
}

func (p projectStatus) needs() (all []need) {
	add := func(kind, format string, args ...any) {
		all = append(all, need{Kind: kind, Approval: p.Approval, Says: fmt.Sprintf(format, args...)})
	}
	running := p.Status == string(linkage.StatusApproved) || p.Status == string(linkage.StatusNotYet)
	if p.ToSweep > 0 {
		add("sweep", "Under approval %s (%s) %s lying at the hub that nobody may use any more. Clear up with datanet hub sweep.", p.Approval, p.Status, countOf(p.ToSweep, "thing is", "things are"))
	}
	if running && len(p.Stale) > 0 {
		add("stale", "What approval %s was given of %s holds people who have been withdrawn since, and is not linked any more. Data without them need an approval of their own; a Guardian who revokes this one ends it.", p.Approval, spelled(p.Stale))
	}
	switch {
	case p.Status == string(linkage.StatusReviewDue):
		add("review", "The review of approval %s was due on %s, and it rests. Who still needs it renews it: datanet approval draft --supersedes %[1]s.", p.Approval, p.Review)
	case running && p.ReviewDays <= soon:
		add("review", "Approval %s %s. Who needs it longer renews it: datanet approval draft --supersedes %[1]s.", p.Approval, p.lastDays())
	}
	if len(p.Awaiting) > 0 {
		add("signature", "Approval %s (%s) waits for the Guardian of %s.", p.Approval, p.Title, spelled(p.Awaiting))
	}
	return all
}

// lastDays says when an approval ends or rests.
func (p projectStatus) lastDays() string {
	verb := "has to be reviewed by"
	if p.Review == p.Until {
		verb = "ends after"
	}
	if p.ReviewDays == 0 {
		return verb + " today"
	}
	return fmt.Sprintf("%s %s, in %s", verb, p.Review, countOf(p.ReviewDays, "day", "days"))
}

func countOf(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func (p projectStatus) print(w io.Writer) {
	fmt.Fprintf(w, "  %s  %s: %s", p.Approval, p.Title, p.Says)
	if len(p.Released) > 0 {
		fmt.Fprintf(w, "; released: %s", spelled(p.Released))
	}
	if p.Linked {
		fmt.Fprint(w, "; linked tables lie here")
	}
	fmt.Fprintln(w)
}
