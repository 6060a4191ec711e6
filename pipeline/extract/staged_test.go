package extract

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"datanet/testdata/hostile"
)

// TestStaged looks into the staging folder at the moment when it holds most: the
// rows of everybody, before they are sorted. Nothing that was planted in any
// column stands there, and neither does a number that somebody has put in place
// of the system's own.
func TestStaged(t *testing.T) {
	t.Parallel()
	for _, s := range systems {
		o := s.newSite(t)
		if err := hostile.Copy(corpus, s.format, o.Source); err != nil {
			t.Fatal(err)
		}
		if s == emis {
			for _, harm := range []string{
				`CareRecord_Observation again ProcessingId="Quillmarker 999 000 0018"`, // of an entry that tells an ethnicity
				`CareRecord_Observation again ProcessingId=9990000018`,
			} {
				if _, err := hostile.Harm(o.Source, harm+" CodeId=1003"); err != nil {
					t.Fatal(err)
				}
			}
		}
		files := 0
		o.Progress = func(step string) {
			if step != "sorting" {
				return
			}
			found, _ := filepath.Glob(filepath.Join(o.Out, stagingPrefix+"*", "work", "*.parquet"))
			for _, path := range found {
				body, err := os.ReadFile(path)
				if err != nil {
					t.Error(err)
				}
				silent(t, filepath.Base(path), []byte(strings.Map(printable, string(body))))
				files++
			}
		}
		if _, err := Run(context.Background(), o); err != nil {
			t.Fatal(err)
		}
		if files < 2 {
			t.Errorf("%s: %d files were looked at", s.format, files)
		}
	}
}

// printable drops what is no text: control characters are in every such file.
func printable(r rune) rune {
	if r < ' ' {
		return -1
	}
	return r
}
