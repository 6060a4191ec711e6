package extract

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"datanet/schemas"
)

// TestSources: the account names the files that were read, by their hashes, and
// the manifest none of them.
func TestSources(t *testing.T) {
	t.Parallel()
	o := newSite(t)
	parseExport(t, somebody).write(o.Source)
	result, err := Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	var got, want []string
	for _, f := range result.Sources {
		got = append(got, fmt.Sprintf("%s %d %s", f.Table, f.Bytes, f.SHA256))
	}
	format, err := schemas.FormatByName("emis")
	if err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(o.Source)
	if err != nil {
		t.Fatal(err)
	}
	manifest := readFile(t, filepath.Join(result.Extract, manifestFile))
	for _, e := range files {
		text := readFile(t, filepath.Join(o.Source, e.Name()))
		sum := fmt.Sprintf("%x", sha256.Sum256([]byte(text)))
		table := "postcodes"
		if named, _, ok := format.ParseFileName(e.Name()); ok {
			table = named.Name
		}
		want = append(want, fmt.Sprintf("%s %d %s", table, len(text), sum))
		if strings.Contains(manifest, sum) {
			t.Errorf("the manifest tells the hash of %s", table)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
