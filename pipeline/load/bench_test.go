package load

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"datanet/pipeline/engine"
	"datanet/pipeline/hub"
	"datanet/pseudonym"
	"datanet/schemas"
	"datanet/synth"
)

// BenchmarkLoadAgainstCopy loads one practice of 50,000 people, and beside it
// copies the same Parquet files through DuckDB. Read the ratio.
func BenchmarkLoadAgainstCopy(b *testing.B) {
	w := &world{dir: b.TempDir(), linkage: pseudonym.NewLinkageFile(made), sites: map[string]*pseudonym.SiteKey{}}
	borough, err := synth.Write(context.Background(), synth.Options{Out: filepath.Join(w.dir, "borough"), People: 50_000, Practices: 1, Seed: 3})
	if err != nil {
		b.Fatal(err)
	}
	w.custodian, err = pseudonym.NewCustodianKey(dataset, made)
	if err != nil {
		b.Fatal(err)
	}
	site := borough.Datasets[0].Sites[0]
	if w.sites[site.Site], err = siteKey(w.custodian, w.linkage, site.Site); err != nil {
		b.Fatal(err)
	}
	if err := w.keep(w.sites[site.Site]); err != nil {
		b.Fatal(err)
	}
	extract, err := w.extract(w.sites[site.Site], site.Source, filepath.Join(w.dir, "extracts"))
	if err != nil {
		b.Fatal(err)
	}
	var loading, copying time.Duration
	for b.Loop() {
		b.StopTimer()
		o := w.benchHub(b)
		b.StartTimer()
		began := time.Now()
		if _, err := Run(context.Background(), extract, o); err != nil {
			b.Fatal(err)
		}
		loading += time.Since(began)
		b.StopTimer()
		began = time.Now()
		copyTables(b, extract, b.TempDir())
		copying += time.Since(began)
		b.StartTimer()
	}
	b.ReportMetric(float64(loading)/float64(copying), "times-copy")
}

func (w *world) benchHub(b *testing.B) Options {
	b.Helper()
	publisher, err := pseudonym.NewPublisherKey("hub", made)
	if err != nil {
		b.Fatal(err)
	}
	h, err := hub.Init(filepath.Join(b.TempDir(), "hub"), hub.Hub{ID: hub.NewID(), Name: "Test", Publisher: publisher.Public(), Ledger: publisher.Public()}, nil)
	if err != nil {
		b.Fatal(err)
	}
	o := Options{Hub: h, Custodian: w.custodian, Trusted: w.custodian.PublicPart().Verifier, Sites: map[string]string{}}
	for site, key := range w.sites {
		o.Sites[site] = key.Public()
	}
	return o
}

// copyTables is the obvious alternative: every table through DuckDB, as it is.
func copyTables(b *testing.B, from, to string) {
	b.Helper()
	e, err := engine.Open(context.Background(), engine.Options{Folders: []string{from, to}})
	if err != nil {
		b.Fatal(err)
	}
	defer e.Close()
	d, _ := schemas.DatasetByID(dataset)
	for _, t := range d.Tables {
		query := "SELECT * FROM " + engine.ReadParquet(filepath.Join(from, t.Name+".parquet"))
		if err := e.CopyParquet(context.Background(), "copying", query, filepath.Join(to, t.Name+".parquet")); err != nil {
			b.Fatal(err)
		}
	}
}
