package extract

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestOlderExport: after an export, an older one is refused, and the same or a
// newer one is not; a dry run remembers nothing.
func TestOlderExport(t *testing.T) {
	t.Parallel()
	o := newSite(t)
	parseExport(t, somebody).write(o.Source)
	day := func(n int) time.Time { return time.Date(2026, 10, n, 0, 0, 0, 0, time.UTC) }
	for _, c := range []struct {
		day    int
		dry    bool
		refuse string
	}{
		{31, true, ""}, {20, false, ""}, {20, false, ""}, {19, false, "the export is of 2026-10-19, and the last extract with this key was of 2026-10-20"},
		{19, true, "the export is of 2026-10-19, and the last extract with this key was of 2026-10-20"}, {31, false, ""}, {30, false, "the export is of 2026-10-30, and the last extract with this key was of 2026-10-31"},
	} {
		o.AsAt, o.DryRun, o.Out = day(c.day), c.dry, t.TempDir()
		before := stateOf(t, o)
		_, err := Run(context.Background(), o)
		if c.refuse == "" {
			if err != nil {
				t.Errorf("%d October: %v", c.day, err)
			}
			continue
		}
		refused(t, err, "source", c.refuse)
		if left := written(t, o.Out); len(left) > 0 || stateOf(t, o) != before {
			t.Errorf("%d October: left behind %v", c.day, left)
		}
	}
}

// TestAnotherAgreement: an export under another sharing agreement than the last
// one's is taken, and says so.
func TestAnotherAgreement(t *testing.T) {
	t.Parallel()
	o := newSite(t)
	parseExport(t, somebody).write(o.Source)
	for i, agreement := range []string{"0000000a", "0000000A", "0000000B", "0000000B"} {
		files, err := filepath.Glob(filepath.Join(o.Source, "291_*.csv"))
		if err != nil || len(files) == 0 {
			t.Fatal(err)
		}
		for _, f := range files {
			if err := os.Rename(f, f[:strings.LastIndex(f, "_")]+"_"+agreement+".csv"); err != nil {
				t.Fatal(err)
			}
		}
		o.Out = t.TempDir()
		result, err := Run(context.Background(), o)
		if err != nil {
			t.Fatal(err)
		}
		says := slices.Contains(result.Warnings, "the export is under another sharing agreement than the last one")
		if says != (i == 2) {
			t.Errorf("run %d: %v", i, result.Warnings)
		}
	}
}
