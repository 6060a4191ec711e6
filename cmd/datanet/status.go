package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"datanet/linkage"
	"datanet/pipeline"
)

func newHubStatus(a *app) *cobra.Command {
	return a.command(&cobra.Command{
		Use: "status", Short: "say whose keys count, what is loaded and which approvals stand",
		Long: `Says for each dataset whose signatures the hub accepts and what each site sent last,
and counts the approvals by how they stand. It looks, and changes nothing in the hub.`,
		Example: "  datanet hub status --hub hub", Args: cobra.NoArgs,
	}, func(ctx context.Context, _ []string) error {
		h, err := a.openHub()
		if err != nil {
			return err
		}
		s, err := a.status(ctx, h)
		if err != nil {
			return err
		}
		return a.say(s, func(w io.Writer) { printStatus(w, s) })
	})
}

// A hubStatus is what --json prints.
type hubStatus struct {
	Hub       string          `json:"hub"` // its id
	Name      string          `json:"name"`
	Records   int64           `json:"records"`
	Time      time.Time       `json:"time"` // of the newest record
	Datasets  []datasetStatus `json:"datasets"`
	Approvals map[string]int  `json:"approvals"` // by status
}

type datasetStatus struct {
	Dataset   string           `json:"dataset"`
	Guardian  string           `json:"guardian"`  // verifier key, or empty
	Custodian string           `json:"custodian"` // verifier key, or empty
	Deputies  []linkage.Deputy `json:"deputies"`  // of the Guardian
	Sites     []siteStatus     `json:"sites"`
}

type siteStatus struct {
	Site     string `json:"site"`
	AsAt     string `json:"as_at"`    // of the last extract; empty: none was loaded
	Sequence int64  `json:"sequence"` // of the last extract
	Persons  int64  `json:"persons"`  // whom the hub holds now, rounded to 10
	Missing  int64  `json:"missing"`  // extracts whose number was passed over before the last
}

func (a *app) status(ctx context.Context, h *openHub) (hubStatus, error) {
	head := h.ledger.Head()
	s := hubStatus{Hub: h.ID, Name: h.Name, Records: head.Size, Time: head.Time, Datasets: []datasetStatus{}, Approvals: map[string]int{}}
	loads := h.loads()
	for _, name := range h.trust.Datasets() {
		trusted := h.trust.Dataset(name)
		d := datasetStatus{Dataset: name, Guardian: trusted.Guardian, Custodian: trusted.CustodianVKey, Deputies: append([]linkage.Deputy{}, trusted.Deputies...), Sites: []siteStatus{}}
		for _, site := range slices.Sorted(maps.Keys(trusted.Sites)) {
			d.Sites = append(d.Sites, siteOf(site, loads[name+"/"+site]))
		}
		if err := d.count(ctx, h); err != nil {
			return s, err
		}
		s.Datasets = append(s.Datasets, d)
	}
	for _, d := range h.decisions.All() {
		s.Approvals[string(d.Status(a.clock(h)))]++
	}
	return s, nil
}

// count puts whom the hub holds now in the place of how many a site sent: others
// may have withdrawn some of them.
func (d *datasetStatus) count(ctx context.Context, h *openHub) error {
	if !slices.ContainsFunc(d.Sites, func(s siteStatus) bool { return s.AsAt != "" }) {
		return nil
	}
	held, err := pipeline.People(ctx, h.Hub, d.Dataset, d.Custodian)
	if err != nil {
		return err
	}
	for i, site := range d.Sites {
		d.Sites[i].Persons = (held[site.Site] + 5) / 10 * 10
	}
	return nil
}

// loads are the records of what was loaded, by dataset/site, the oldest first.
func (h *openHub) loads() map[string][]linkage.LoadRecord {
	found := map[string][]linkage.LoadRecord{}
	h.holds(func(b linkage.Body) bool {
		if l, ok := b.(linkage.LoadRecord); ok {
			found[l.Dataset+"/"+l.Site] = append(found[l.Dataset+"/"+l.Site], l)
		}
		return false
	})
	return found
}

func siteOf(site string, loads []linkage.LoadRecord) siteStatus {
	s := siteStatus{Site: site}
	for i, l := range loads {
		if i == len(loads)-1 {
			s.AsAt, s.Persons = l.AsAt, l.Persons
			s.Missing = max(0, l.Sequence-s.Sequence-1)
		}
		s.Sequence = l.Sequence
	}
	return s
}

func printStatus(w io.Writer, s hubStatus) {
	fmt.Fprintf(w, "%s (%s)\n%d entries in the record of decisions, the newest of %s\n", s.Name, s.Hub, s.Records, s.Time.Format(time.DateTime))
	for _, d := range s.Datasets {
		fmt.Fprintf(w, "\n%s\n  Guardian   %s\n  custodian  %s\n", d.Dataset, orNobody(d.Guardian), orNobody(d.Custodian))
		for _, deputy := range d.Deputies {
			fmt.Fprintf(w, "  deputy     %s, until %s\n", deputy.Key, deputy.Until)
		}
		for _, site := range d.Sites {
			if site.AsAt == "" {
				fmt.Fprintf(w, "  %-9s  nothing was loaded yet\n", site.Site)
				continue
			}
			fmt.Fprintf(w, "  %-9s  as at %s, extract number %d, about %s people", site.Site, site.AsAt, site.Sequence, thousands(site.Persons))
			if site.Missing > 0 {
				fmt.Fprintf(w, "; %d before it never came", site.Missing)
			}
			fmt.Fprintln(w)
		}
	}
	fmt.Fprintln(w)
	if len(s.Approvals) == 0 {
		fmt.Fprintln(w, "Nobody has asked for an approval.")
	}
	for _, status := range slices.Sorted(maps.Keys(s.Approvals)) {
		fmt.Fprintf(w, "approvals, %s: %d\n", status, s.Approvals[status])
	}
}

func orNobody(key string) string {
	if key == "" {
		return "nobody yet"
	}
	return key
}
