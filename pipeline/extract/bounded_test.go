package extract

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// The shapes of an export that could fill a memory: what stands in row i.
var shapes = []struct {
	name        string
	patient     func(i int) string
	code        func(i int) int
	codes       bool // every code stands in the table of codes
	secret      bool // every entry has a consultation of its own, which is confidential
	mayBeTooBig bool // the limit may be reached, and then is said
}{
	{"all of one patient", func(int) string { return "ANNA" }, func(int) int { return 1 }, false, false, false},
	{"a third of patients who are not there", func(i int) string {
		if i%3 > 0 {
			return "ANNA"
		}
		return fmt.Sprintf("{NOBODY-%012d}", i)
	}, func(int) int { return 1 }, false, false, false},
	{"all on a list", func(int) string { return "ANNA" }, func(int) int { return 2 }, false, false, true},
	{"all codes different", func(int) string { return "ANNA" }, func(i int) int { return 1000 + i }, true, false, true},
	{"all consultations confidential", func(int) string { return "ANNA" }, func(int) int { return 1 }, false, true, true},
}

const (
	boundedMemory = 256 << 20
	// The database gets 70 % of --memory. Beside it stand the program itself, what
	// the allocator holds back, and the buffers of files.
	boundedPeak = 2 * boundedMemory
)

// TestBoundedMemory: whatever the shape of two million entries, --memory 256MiB
// keeps the process's peak within twice that.
func TestBoundedMemory(t *testing.T) {
	if dir := os.Getenv("DATANET_BOUNDED"); dir != "" {
		boundedChild(t, dir)
		return
	}
	if testing.Short() {
		t.Skip("writes and reads 300 MB five times")
	}
	rows := 2_000_000
	for _, s := range shapes {
		t.Run(s.name, func(t *testing.T) {
			o := newSite(t)
			keepSite(t, o)
			parseExport(t, somebody+"code CodeId=2 SnomedCTConceptId=494131000000105").write(o.Source)
			writeLines(t, filepath.Join(o.Source, fileName("CareRecord_Observation")),
				"PatientGuid,OrganisationGuid,ConsultationGuid,EffectiveDate,EffectiveDatePrecision,CodeId,Value,NumericUnit,Deleted,IsConfidential,ProcessingId",
				func(w *bufio.Writer) {
					for i := range rows {
						fmt.Fprintf(w, "%s,{GP},{C-%012d},2020-02-03,YMD,%d,%d.5,mmol/L,false,false,%d\n", s.patient(i), i, s.code(i), i%200, i)
					}
				})
			writeLines(t, filepath.Join(o.Source, fileName("CareRecord_Consultation")), "ConsultationGuid,OrganisationGuid,Deleted,IsConfidential", func(w *bufio.Writer) {
				for i := range rows {
					fmt.Fprintf(w, "{C-%012d},{GP},false,%t\n", i, s.secret)
				}
			})
			writeLines(t, filepath.Join(o.Source, fileName("Coding_ClinicalCode")), "CodeId,SnomedCTConceptId,ReadTermId", func(w *bufio.Writer) {
				fmt.Fprint(w, "1,73211009,\n2,494131000000105,\n")
				for i := range rows {
					if s.codes {
						fmt.Fprintf(w, "%d,%d,\n", s.code(i), 700000000+i)
					}
				}
			})
			c := exec.Command(os.Args[0], "-test.run=^TestBoundedMemory$", "-test.v")
			c.Env = append(os.Environ(), "DATANET_BOUNDED="+filepath.Dir(filepath.Dir(o.KeyFile)))
			said, err := c.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, said)
			}
			peak, outcome := bounded(string(said))
			t.Logf("%s: peak %d MiB", outcome, peak>>10)
			if peak == 0 || peak > boundedPeak>>10 {
				t.Errorf("a peak of %d MiB with --memory 256MiB", peak>>10)
			}
			if outcome != "done" && !s.mayBeTooBig {
				t.Error(outcome)
			}
		})
	}
}

func bounded(said string) (peakKiB int64, outcome string) {
	for line := range strings.Lines(said) {
		if rest, ok := strings.CutPrefix(line, "bounded: "); ok {
			number, what, _ := strings.Cut(strings.TrimSpace(rest), " ")
			peakKiB, _ = strconv.ParseInt(number, 10, 64)
			return peakKiB, what
		}
	}
	return 0, "nothing was said"
}

func boundedChild(t *testing.T, dir string) {
	o := keptSite(t, dir)
	o.Memory, o.Threads, o.NoGeography = boundedMemory, 2, true
	outcome := "done"
	if result, err := Run(context.Background(), o); err != nil {
		outcome = err.Error()
	} else {
		os.RemoveAll(result.Extract)
	}
	fmt.Printf("bounded: %d %s\n", peakKiB(t), outcome)
}

func writeLines(t *testing.T, path, header string, lines func(w *bufio.Writer)) {
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	fmt.Fprintln(w, header)
	lines(w)
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
}

// peakKiB is the most memory that this process has had.
func peakKiB(t *testing.T) int64 {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(b), "VmHWM:")
	n, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
	return n
}
