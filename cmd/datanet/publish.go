package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"datanet/linkage"
	"datanet/pipeline"
	"datanet/pipeline/disclose"
	"datanet/pipeline/hub"
	"datanet/pipeline/publication"
	"datanet/pseudonym"
	"datanet/schemas"
)

type publishOptions struct {
	approval, dataset, asAt, policy, publisher, out string
	named                                           bool // --approval was given, if only empty: a script's variable may be unset
	limits                                          limits
}

func newPublish(a *app) *cobra.Command {
	var o publishOptions
	c := a.command(&cobra.Command{
		Use: "publish", Short: "count people, protect the counts, attack them, and freeze what withstands",
		Long: `Counts the people of a dataset by every registered table, protects the counts
against disclosure, tries to work out what is withheld, and writes a publication:
a signed folder that holds no person and no exact small count.

With --approval, the people that were linked under that approval: such a publication
holds the measures that need the linkage, and is read until its last day.

A period is frozen: the same people again are a skip, other people are refused.`,
		Example: "  datanet publish --hub hub\n  datanet publish --hub hub --out publication\n  datanet publish --hub hub --approval 2026-001", Args: cobra.NoArgs,
	}, func(ctx context.Context, _ []string) error { return a.runPublish(ctx, o) })
	c.PreRun = func(c *cobra.Command, _ []string) { o.named = c.Flags().Changed("approval") }
	f := c.Flags()
	approvalFlag(a, c, &o.approval)
	f.StringVar(&o.dataset, "dataset", "primary-care", "dataset to publish alone")
	c.MarkFlagsMutuallyExclusive("approval", "dataset")
	f.StringVar(&o.asAt, "as-at", "", "date of the publication (default: the newest extract's)")
	f.StringVar(&o.policy, "policy", disclose.PolicyName, "disclosure policy; it must be in the hub's record of decisions")
	f.StringVar(&o.publisher, "publisher", "", "the publisher's key file (default: publisher.key in the hub's key folder)")
	f.StringVar(&o.out, "out", "", "folder to make (default: publications/DATE in the hub, or DATE-ID with an approval)")
	o.limits.flags(c, "2GiB")
	return c
}

func (a *app) runPublish(ctx context.Context, o publishOptions) error {
	if _, _, err := o.limits.read(); err != nil {
		return err
	}
	if o.named && o.approval == "" {
		return &useError{"--approval is empty", "datanet approval list shows the ids; leave it out to publish primary care alone"}
	}
	h, err := a.openHub()
	if err != nil {
		return err
	}
	if _, err := a.mayPublish(h, o); err != nil {
		return err
	}
	if err := o.vacant(); err != nil {
		return err
	}
	if o.publisher == "" {
		o.publisher = filepath.Join(keysDir(h.Dir()), "publisher.key")
	}
	key, err := openKey[*pseudonym.PublisherKey](a, o.publisher)
	if err != nil {
		return err
	}
	if key.Public() != h.Publisher {
		return &keyError{"the publisher's key is not the hub's", "the hub's own lies in " + keysDir(h.Dir())}
	}
	if _, err := h.ledgerKey(); err != nil {
		return err
	}
	var p *pipeline.Published
	if err := a.alone(h.Dir(), func() (err error) {
		p, err = a.publishOne(ctx, o, key)
		return err
	}); err != nil {
		return err
	}
	a.progressDone()
	return a.say(p, func(w io.Writer) {
		fmt.Fprintf(w, "%s: %s\n", p.Publication, p.Status)
		if p.Status == "skipped" {
			fmt.Fprintln(w, "  the same people are published there already")
		}
		fmt.Fprintf(w, "  as at %s: %s\n", p.AsAt, counted(p.Nodes, p.Withheld, p.Audit.ExactRecoveries))
		for _, n := range p.Missing {
			fmt.Fprintf(w, "  %s is %s\n", n.Measure, n.Reason())
		}
		if o.approval != "" {
			fmt.Fprintf(w, "  under approval %s, to be read until %s; a copy leaves no trail and cannot be recalled\n", o.approval, p.Header.LastDay)
		}
	})
}

// mayPublish asks for leave: of the approval that is named, or of the hub's
// policy for a dataset alone, which has no permit.
func (a *app) mayPublish(h *openHub, o publishOptions) (linkage.Permit, error) {
	if o.approval == "" {
		return linkage.Permit{}, a.denyFor(h, denialOf(o.ask()), h.allows(o))
	}
	return a.permit(h, o.ask())
}

func (o publishOptions) ask() linkage.Ask {
	ask := linkage.Ask{Approval: o.approval, Action: linkage.ActionPublish}
	if o.approval == "" {
		ask.Dataset = o.dataset
	}
	return ask
}

// counted says how much was published, and what the attack on it found.
func counted(nodes, withheld, recovered int) string {
	return fmt.Sprintf("%s numbers, of which %s are withheld; the audit could work out %d of those",
		thousands(int64(nodes)), thousands(int64(withheld)), recovered)
}

// vacant refuses a folder that holds something that is no publication.
func (o publishOptions) vacant() error {
	if o.out == "" {
		return nil
	}
	entries, err := os.ReadDir(o.out)
	if errors.Is(err, fs.ErrNotExist) || (err == nil && len(entries) == 0) {
		return nil
	}
	if _, other := os.Stat(filepath.Join(o.out, "publication.json")); err == nil && other == nil {
		return nil
	}
	return &useError{"something else stands where the publication would go", "give a folder that does not exist yet with --out"}
}

// allows asks the record of decisions whether this dataset may be published
// alone, and whether the policy there is the one that this program applies.
func (h *openHub) allows(o publishOptions) error {
	if _, err := schemas.DatasetByID(o.dataset); err != nil {
		return err
	}
	digest := schemas.Digest([]byte(disclose.Lattice().String()))
	known := h.holds(func(b linkage.Body) bool {
		p, ok := b.(linkage.PolicyRecord)
		if !ok || p.Policy != o.policy || p.SHA256 != digest {
			return false
		}
		for _, d := range p.Datasets {
			if d == o.dataset {
				return true
			}
		}
		return false
	})
	if !known || o.policy != disclose.PolicyName {
		return &refusal{fmt.Sprintf("the hub's record of decisions does not let %s be published alone under the policy %q as this version applies it", o.dataset, o.policy),
			"the policy is recorded when the hub is made; known: " + disclose.PolicyName, linkage.CheckPolicy}
	}
	return nil
}

// A refusal is governance's word as the command line reads it.
type refusal struct{ rule, hint, check string }

func (e *refusal) Error() string   { return e.rule }
func (e *refusal) Check() string   { return e.check }
func (e *refusal) Kind() string    { return "governance" }
func (e *refusal) Hints() []string { return []string{e.hint} }

func (o publishOptions) options(a *app, h *openHub, key *pseudonym.PublisherKey) (pipeline.PublishOptions, error) {
	asAt, err := date("as-at", o.asAt)
	if err != nil {
		return pipeline.PublishOptions{}, err
	}
	threads, memory, err := o.limits.read()
	if err != nil {
		return pipeline.PublishOptions{}, err
	}
	p := pipeline.PublishOptions{
		Hub: h.Hub, AsAt: asAt, Out: o.out, Now: a.clock(h), Earlier: h.publications(),
		Record: func() func([16]byte) uint64 {
			hasher := key.Record.Hasher()
			return func(person [16]byte) uint64 { return hasher.Of(person[:]) }
		},
		Cell:      func(sum, n uint64) (float64, error) { return key.Cell.Uniform(sum, n), nil },
		Sign:      key.Signer.SignNote,
		Publisher: key.Public(), CodeLists: schemas.StarterLists(), Tool: version, Threads: threads, Memory: memory, Progress: a.progress(),
	}
	if p.Permit, err = a.mayPublish(h, o); err != nil {
		return p, err
	}
	if o.approval != "" {
		p.Approval, p.Recorded = o.approval, h.linked(o.approval)
		return p, nil
	}
	p.Dataset, p.Trusted, p.Recorded = o.dataset, h.trust.Dataset(o.dataset).CustodianVKey, h.state(o.dataset)
	if p.Trusted == "" {
		return p, &refusal{"the hub trusts no custodian for " + o.dataset, "datanet hub trust --dataset " + o.dataset + " --custodian PUBLIC", linkage.CheckCustodian}
	}
	return p, nil
}

// publications are those that the record of decisions knows of.
func (h *openHub) publications() []linkage.PublicationRecord {
	var all []linkage.PublicationRecord
	h.holds(func(b linkage.Body) bool {
		if p, ok := b.(linkage.PublicationRecord); ok {
			all = append(all, p)
		}
		return false
	})
	return all
}

// publishOne publishes with the record of decisions as it is now, and nobody
// beside: two at once would both find that nothing was published near the date.
func (a *app) publishOne(ctx context.Context, o publishOptions, key *pseudonym.PublisherKey) (*pipeline.Published, error) {
	h, err := a.openHub()
	if err != nil {
		return nil, err
	}
	if o.approval == "" {
		if err := a.settle(h, o.dataset); err != nil {
			return nil, err
		}
	}
	options, err := o.options(a, h, key)
	if err != nil {
		return nil, err
	}
	options.Note = func(header *publication.Header, digest string) error { return a.notePublication(h, header, digest) }
	p, err := pipeline.Publish(ctx, options)
	if err == nil {
		err = a.notePublication(h, p.Header, p.Digest)
	}
	if err != nil {
		return nil, a.denyFor(h, denialOf(o.ask()), err)
	}
	if p.Report != nil {
		report, err := json.MarshalIndent(p.Report, "", " ")
		if err != nil {
			return nil, err
		}
		if err := keep(filepath.Join(h.Dir(), "audit", "risk-"+p.ID+".json"), append(report, '\n')); err != nil {
			return nil, err
		}
	}
	return p, h.Audit(hub.AuditEntry{Time: a.now(), Key: key.Signer.ID(), What: "publish", On: p.ID, Policy: p.Header.Policy, Outcome: p.Status})
}

// notePublication records what is published, once.
func (a *app) notePublication(h *openHub, p *publication.Header, digest string) error {
	if h.holds(func(b linkage.Body) bool {
		r, ok := b.(linkage.PublicationRecord)
		return ok && r.SHA256 == digest
	}) {
		return nil
	}
	return a.record(h, pipeline.RecordOf(p, digest))
}
