package pipeline

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"datanet/pipeline/extract"
	"datanet/pipeline/hub"
	"datanet/pipeline/load"
	"datanet/pseudonym"
	"datanet/synth"
)

// A borough is a synthetic one with its practices' keys, and a hub that holds
// what they extracted.
type borough struct {
	t         testing.TB
	dir       string
	linkage   *pseudonym.LinkageFile
	custodian *pseudonym.CustodianKey
	publisher *pseudonym.PublisherKey
	sites     []*practice
	truth     string
	hub       *hub.Hub
}

// A practice has a key, its system's export, and what it extracted from it.
type practice struct {
	key      *pseudonym.SiteKey
	source   string
	extracts []string
}

const dataset = "primary-care"

var made = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

// newBorough writes, extracts and loads a borough.
func newBorough(t testing.TB, people, practices int, seed uint64) *borough {
	t.Helper()
	b := &borough{t: t, dir: t.TempDir(), linkage: pseudonym.NewLinkageFile(made)}
	b.publisher, b.custodian = newKeys(t)
	written := must(synth.Write(context.Background(), synth.Options{Out: filepath.Join(b.dir, "borough"), People: people, Practices: practices, Seed: seed}))(t)
	b.truth = written.Truth
	for _, site := range written.Datasets[0].Sites {
		wrap := must(b.custodian.NewWrapFile(site.Site, made))(t)
		p := &practice{key: must(pseudonym.NewSiteKey(dataset, site.Site, b.linkage, wrap, made))(t), source: site.Source}
		b.sites = append(b.sites, p)
		identity := must(pseudonym.NewIdentityKey(made))(t)
		if err := pseudonym.Write(b.keyFile(p), p.key, identity.Recipient()); err != nil {
			t.Fatal(err)
		}
		b.extract(p, false)
	}
	b.hub = b.newHub("hub")
	for _, p := range b.sites {
		b.load(b.hub, p.extracts[0])
	}
	return b
}

func newKeys(t testing.TB) (*pseudonym.PublisherKey, *pseudonym.CustodianKey) {
	t.Helper()
	return must(pseudonym.NewPublisherKey("hub", made))(t), must(pseudonym.NewCustodianKey(dataset, made))(t)
}

func (b *borough) keyFile(p *practice) string { return filepath.Join(b.dir, p.key.Site+".key") }

// extract makes the practice's next extract, of the same export: all of it, or
// without the people who cannot be linked.
func (b *borough) extract(p *practice, linkableOnly bool) {
	b.t.Helper()
	out := filepath.Join(b.dir, "extracts", p.key.Site, string(rune('1'+len(p.extracts))))
	r := must(extract.Run(context.Background(), extract.Options{Key: p.key, KeyFile: b.keyFile(p), Source: p.source, Out: out,
		Numbers: pseudonym.Test, Drop: linkableOnly, Tool: "test"}))(b.t)
	p.extracts = append(p.extracts, r.Extract)
}

func (b *borough) newHub(name string) *hub.Hub {
	b.t.Helper()
	ledger := must(pseudonym.NewLedgerKey("hub", made))(b.t)
	return must(hub.Init(filepath.Join(b.dir, name), hub.Hub{ID: hub.NewID(), Name: "Synthetic Lambeth", Publisher: b.publisher.Public(), Ledger: ledger.Public()}, nil))(b.t)
}

func (b *borough) load(h *hub.Hub, extract string) {
	b.t.Helper()
	o := load.Options{Hub: h, Custodian: b.custodian, Trusted: b.trusted(), Sites: map[string]string{}}
	for _, p := range b.sites {
		o.Sites[p.key.Site] = p.key.Public()
	}
	must(load.Run(context.Background(), extract, o))(b.t)
}

func (b *borough) trusted() string { return b.custodian.PublicPart().Verifier }

// options are what the publisher's command would give.
func (b *borough) options() PublishOptions {
	return PublishOptions{
		Hub: b.hub, Dataset: dataset, Trusted: b.trusted(),
		Record: func() func([16]byte) uint64 {
			hasher := b.publisher.Record.Hasher()
			return func(person [16]byte) uint64 { return hasher.Of(person[:]) }
		},
		Cell: func(sum, n uint64) (float64, error) { return b.publisher.Cell.Uniform(sum, n), nil },
		Sign: b.publisher.Signer.SignNote, Publisher: b.publisher.Public(), Tool: "test", Recorded: b.recorded(),
	}
}

// recorded is the state that the record of decisions would have last.
func (b *borough) recorded() string {
	b.t.Helper()
	s, err := b.hub.Snapshot(dataset, b.trusted())
	if err != nil {
		return ""
	}
	defer s.Close()
	return s.Hash
}

func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func read(t testing.TB, parts ...string) string {
	t.Helper()
	return string(must(os.ReadFile(filepath.Join(parts...)))(t))
}
