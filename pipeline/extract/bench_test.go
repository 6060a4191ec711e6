package extract

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"datanet/pipeline/bench"
	"datanet/synth"
)

// BenchmarkRun extracts a synthetic practice of 10,000 people.
func BenchmarkRun(b *testing.B) {
	o := newSite(b)
	borough := filepath.Join(b.TempDir(), "borough")
	if _, err := synth.Write(context.Background(), synth.Options{Out: borough, People: 10_000, Practices: 1, Seed: 1}); err != nil {
		b.Fatal(err)
	}
	o.Source, o.Threads = filepath.Join(borough, "primary-care", "Z99001"), 0
	rows := int64(0)
	for b.Loop() {
		result, err := Run(context.Background(), o)
		if err != nil {
			b.Fatal(err)
		}
		rows = result.Tables["observations"]
		os.RemoveAll(result.Extract)
	}
	b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

// writeLarge writes what datanet bench measures on.
func writeLarge(t *testing.T, dir string, rows int) {
	if err := bench.Write(dir, rows, bench.Borough(rows)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, postcodesFile), []byte("pcds,lsoa21cd\nXL1 1AA,E01003013\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}
