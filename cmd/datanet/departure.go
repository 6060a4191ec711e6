package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"datanet/linkage"
	"datanet/pipeline/hub"
	"datanet/pseudonym"
	"datanet/schemas"
)

type departureOptions struct{ dataset, site, custodian, reason string }

func newHubWithdraw(a *app) *cobra.Command {
	var o departureOptions
	c := a.command(&cobra.Command{
		Use: "withdraw --dataset D --site S --custodian FILE --reason T", Short: "take a site that leaves out of a dataset",
		Long: `Takes everything that a site sent out of the dataset and out of its history, whole or
not at all, and records it with the reason. Each practice decides for itself whether it
takes part. What was released to projects before holds its people still, and is not
linked any more; publications stay, for they hold no person. The site's extracts are
refused until the custodian signs for a new key of it: datanet hub trust … --by.`,
		Example: "  datanet hub withdraw --dataset primary-care --site Z99001 --custodian custodian.key --reason \"The practice has withdrawn\" --hub hub", Args: cobra.NoArgs,
	}, func(context.Context, []string) error { return a.runWithdraw(o) })
	datasetFlag(c, &o.dataset)
	c.Flags().StringVar(&o.site, "site", "", "the site that leaves")
	c.Flags().StringVar(&o.custodian, "custodian", "", "the custodian's key file")
	c.Flags().StringVar(&o.reason, "reason", "", "why, in a sentence that everybody may read")
	for _, name := range []string{"site", "custodian", "reason"} {
		c.MarkFlagRequired(name)
	}
	return c
}

// A departure is what --json prints.
type departure struct {
	Dataset string   `json:"dataset"`
	Site    string   `json:"site"`
	Status  string   `json:"status"` // withdrawn, or skipped
	Reason  string   `json:"reason"`
	State   string   `json:"state"`  // hash of the dataset's state now
	Stale   []string `json:"stale"`  // approvals whose releases of the dataset hold the site's people still
	Lifted  bool     `json:"lifted"` // the site's list of withdrawn people went with it
}

func (a *app) runWithdraw(o departureOptions) error {
	if strings.TrimSpace(o.reason) == "" {
		return &useError{"--reason is empty", "say in a sentence why"}
	}
	if _, err := schemas.DatasetByID(o.dataset); err != nil {
		return err
	}
	h, err := a.openHub()
	if err != nil {
		return err
	}
	if h.trust.Dataset(o.dataset).Sites[o.site] == "" {
		return &useError{"the hub knows no such site of " + o.dataset, "datanet hub status shows its sites"}
	}
	if _, err := h.ledgerKey(); err != nil {
		return err
	}
	key, err := openKey[*pseudonym.CustodianKey](a, o.custodian)
	if err != nil {
		return err
	}
	var done *departure
	var untidy error
	if err := a.alone(h.Dir(), func() error {
		done, untidy, err = a.depart(o, key)
		return err
	}); err != nil {
		return err
	}
	if untidy != nil {
		return fmt.Errorf("site %s is withdrawn, and not all of its files could be removed from the disk; give the same command again: %w", o.site, untidy)
	}
	return a.say(done, func(w io.Writer) { printDeparture(w, done) })
}

// depart removes a site with the record of decisions as it is now, and records
// it; untidy beside what was done says that files lie there still.
func (a *app) depart(o departureOptions, key *pseudonym.CustodianKey) (done *departure, untidy, err error) {
	h, err := a.openHub()
	if err != nil {
		return nil, nil, err
	}
	if err := a.pinGuardian(h, o.dataset); err != nil {
		return nil, nil, err
	}
	has := h.trust.Dataset(o.dataset)
	if key.Signer.Public() != has.CustodianVKey {
		return nil, nil, &keyError{"this is not the key of the custodian whom the hub trusts for " + o.dataset, "give the key file of the dataset's present custodian with --custodian"}
	}
	if err := a.settle(h, o.dataset); err != nil {
		return nil, nil, err
	}
	note, err := linkage.NewDeparture(h.ID, o.dataset, o.site, has.Sites[o.site], o.reason, key.Signer)
	if err != nil {
		return nil, nil, err
	}
	lifted := h.lists(o)
	r, err := h.WithdrawSite(o.dataset, o.site, note, key.Signer, has.CustodianVKey)
	if err != nil {
		return nil, nil, err
	}
	done = &departure{Dataset: o.dataset, Site: o.site, Status: "withdrawn", Reason: o.reason, State: r.StateHash, Lifted: lifted}
	if r.Skip != "" && h.decisions.Left(o.dataset, o.site) {
		done.Status, done.Reason = "skipped", "it has withdrawn already"
	} else if err := a.record(h, linkage.DepartureRecord{Dataset: o.dataset, Site: o.site, State: h.after(o.dataset, r), Note: note}); err != nil {
		return nil, nil, err
	}
	done.Stale = h.stale(o.dataset)
	return done, r.Untidy, h.Audit(hub.AuditEntry{Time: a.now(), Key: key.Signer.ID(), What: "withdraw", On: o.dataset + "/" + o.site, Outcome: done.Status})
}

// after is the state to record. A site of which nothing was loaded changes none.
func (h *openHub) after(dataset string, r hub.Result) string {
	if r.Skip != "" {
		return h.state(dataset)
	}
	return r.StateHash
}

// lists says whether the dataset holds a list of people whom the site withdrew.
func (h *openHub) lists(o departureOptions) bool {
	s, _, err := h.State(o.dataset, h.trust.Dataset(o.dataset).CustodianVKey)
	if err != nil {
		return false
	}
	m, _ := s.Member(o.site)
	_, lists := m.File(hub.WithdrawnTable)
	return lists
}

// stale are the approvals whose last release of a dataset holds people who were
// withdrawn since. What was removed is none.
func (h *openHub) stale(dataset string) []string {
	ids := []string{}
	for _, d := range h.decisions.All() {
		last := h.released(d.Approval.ID, dataset)
		if last != nil && h.withdrawnSince(dataset, last.State) && h.stands(d.Approval.ID) {
			ids = append(ids, d.Approval.ID)
		}
	}
	return ids
}

// stands says whether anything lies at the hub that was made under an approval.
func (h *openHub) stands(id string) bool {
	project, err := h.Project(id)
	if err != nil {
		return false
	}
	contents, err := project.Contents()
	return err != nil || len(slices.DeleteFunc(contents, func(name string) bool { return name == hub.Strays })) > 0
}

func printDeparture(w io.Writer, d *departure) {
	if d.Status == "skipped" {
		fmt.Fprintf(w, "%s: skipped (%s)\n", d.Site, d.Reason)
		return
	}
	fmt.Fprintf(w, "%s has left %s. Nothing that it sent is in the dataset or in its history any more.\nIts extracts are refused until the custodian signs for a new key of it.\nPublications stay as they are: they hold no person.\n", d.Site, d.Dataset)
	for _, id := range d.Stale {
		fmt.Fprintf(w, "  note: what was given of it under approval %s holds its people still, and is not linked any more. Data without them need an approval of their own\n", id)
	}
	if d.Lifted {
		fmt.Fprintln(w, "  note: its list of withdrawn people went with it; the other sites' next extracts decide about these people")
	}
}
