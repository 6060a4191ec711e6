package extract

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"datanet/pipeline/engine"
	"datanet/pseudonym"
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

// TestAgainstDuckDB measures the stage beside what somebody might write
// instead, over one file in one run. It is asked for by
//
//	DATANET_BENCH_ROWS=5000000 go test -run TestAgainstDuckDB -v ./pipeline/extract
//
// and is no test of time: it prints ratios. Every measurement is a process of
// its own, so that its peak of memory is its own too.
func TestAgainstDuckDB(t *testing.T) {
	rows, err := strconv.Atoi(os.Getenv("DATANET_BENCH_ROWS"))
	if err != nil {
		t.Skip("asked for by DATANET_BENCH_ROWS")
	}
	dir := os.Getenv("DATANET_BENCH_DIR")
	if dir == "" {
		dir = t.TempDir()
		writeLarge(t, dir, rows)
	}
	if way := os.Getenv("DATANET_BENCH_WAY"); way != "" {
		measure(t, way, dir)
		return
	}
	seconds, peak := map[string][]float64{}, map[string]int64{}
	ways := []string{"plain copy", "sha256 copy", "extract"}
	for range 3 {
		for _, way := range ways {
			s, kib := spawn(t, way, dir)
			seconds[way] = append(seconds[way], s)
			peak[way] = max(peak[way], kib)
		}
	}
	median := func(way string) float64 { slices.Sort(seconds[way]); return seconds[way][1] }
	for _, way := range ways {
		t.Logf("%-12s %6.2f s (%.2f of plain, %.2f of sha256), peak %d MiB, runs %.2f", way, median(way),
			median(way)/median("plain copy"), median(way)/median("sha256 copy"), peak[way]>>10, seconds[way])
	}
}

type measured struct {
	Seconds float64
	PeakKiB int64
}

func spawn(t *testing.T, way, dir string) (float64, int64) {
	report := filepath.Join(t.TempDir(), "report.json")
	c := exec.Command(os.Args[0], "-test.run=^TestAgainstDuckDB$")
	c.Env = append(os.Environ(), "DATANET_BENCH_WAY="+way, "DATANET_BENCH_DIR="+dir, "DATANET_BENCH_REPORT="+report)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", way, err, out)
	}
	b, err := os.ReadFile(report)
	if err != nil {
		t.Fatal(err)
	}
	var m measured
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	return m.Seconds, m.PeakKiB
}

func measure(t *testing.T, way, dir string) {
	work := map[string]func(){"extract": func() { largeExtract(t, dir) },
		"plain copy": func() { largeCopy(t, dir, "c0") }, "sha256 copy": func() { largeCopy(t, dir, "sha256(c0 || 'salt of sixteen b')") }}[way]
	start := time.Now()
	work()
	b, _ := json.Marshal(measured{time.Since(start).Seconds(), peakKiB(t)})
	if err := os.WriteFile(os.Getenv("DATANET_BENCH_REPORT"), b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func largeExtract(t *testing.T, dir string) {
	o := newSite(t)
	o.Source, o.Threads, o.NoGeography = dir, 0, true
	last := time.Now()
	o.Progress = func(step string) {
		fmt.Fprintf(os.Stderr, "%v\n%s: ", time.Since(last), step)
		last = time.Now()
	}
	if _, err := Run(context.Background(), o); err != nil {
		t.Fatal(err)
	}
}

func largeCopy(t *testing.T, dir, person string) {
	ctx, out := context.Background(), t.TempDir()
	e, err := engine.Open(ctx, engine.Options{Folders: []string{dir, out}, Spill: filepath.Join(out, "spill")})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	from := engine.ReadCSV(filepath.Join(dir, fileName("CareRecord_Observation")), 10)
	query := "SELECT " + person + " AS person, c2 AS date, c3 AS precision, c4 AS code, c5 AS value, c6 AS unit FROM " + from
	if err := e.CopyParquet(ctx, "copying", query, filepath.Join(out, "x.parquet")); err != nil {
		t.Fatal(err)
	}
}

func peakKiB(t *testing.T) int64 {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(b), "VmHWM:")
	n, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
	return n
}

// writeLarge writes one practice with about eleven entries a person, grouped by
// patient as a real export is, in the columns that the stage reads.
func writeLarge(t *testing.T, dir string, rows int) {
	people := max(1, rows*9/100)
	x := parseExport(t, "patient anna\n")
	for i := range 200 {
		x.add("Coding_ClinicalCode", map[string]string{"CodeId": fmt.Sprint(1000 + i), "SnomedCTConceptId": conceptOf(1000 + i)})
	}
	// One entry in 25 tells an ethnicity, as about one in ten people is asked twice.
	for i, concept := range []string{"494131000000105", "107691000000105", "92491000000104", "110751000000108", "92401000000106", "92481000000101", "92521000000101", "1024701000000100"} {
		x.rows["Coding_ClinicalCode"][i]["SnomedCTConceptId"] = concept
	}
	x.write(dir)
	guid := func(i int) string { return fmt.Sprintf("{%08X-AAAA-4AAA-8AAA-%012X}", i*2654435761%(1<<32), i) }
	writeLines(t, filepath.Join(dir, fileName("Admin_Patient")),
		"PatientGuid,OrganisationGuid,NhsNumber,Sex,DateOfBirth,DateOfDeath,DateOfRegistration,DateofDeactivation,Postcode,PatientTypeDescription,DummyType,Deleted,SpineSensitive,IsConfidential",
		func(w *bufio.Writer) {
			for i, n := 0, 0; i < people; n++ {
				number := fmt.Sprintf("999%07d", n)
				if _, problem := pseudonym.ParseNHSNumber([]byte(number), pseudonym.Test); problem != pseudonym.OK {
					continue
				}
				fmt.Fprintf(w, "%s,{GP},%s,F,19%02d-05-06,,2010-03-04,,XL1 1AA,Regular,false,false,false,false\n", guid(i), number, 30+i%70)
				i++
			}
		})
	r := rand.New(rand.NewPCG(1, 1))
	writeLines(t, filepath.Join(dir, fileName("CareRecord_Observation")),
		"PatientGuid,OrganisationGuid,EffectiveDate,EffectiveDatePrecision,CodeId,Value,NumericUnit,Deleted,IsConfidential,ProcessingId",
		func(w *bufio.Writer) {
			for i := range rows {
				fmt.Fprintf(w, "%s,{GP},20%02d-%02d-%02d,YMD,%d,%d.%d,mmol/L,false,false,%d\n", guid(i*people/rows),
					10+r.IntN(16), 1+r.IntN(12), 1+r.IntN(28), 1000+r.IntN(200), r.IntN(200), r.IntN(10), i)
			}
		})
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
