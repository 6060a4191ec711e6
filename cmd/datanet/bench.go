package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"datanet/pipeline/bench"
)

type benchOptions struct {
	rows      int
	people    int    // 0: as many as a borough's
	copy, dir string // of the processes that measure a copy
}

func newBench(a *app) *cobra.Command {
	var o benchOptions
	c := a.command(&cobra.Command{
		Use: "bench", Short: "how long an extract takes here, beside plain copies of the same file",
		Long: `Writes an export of a made-up practice into a folder of its own, which it removes,
and measures three things on it, each as a process of its own, three times in
turns: datanet extract; a copy of the observations to Parquet with a hash in
place of the patient, which is what somebody might write instead; and the same
copy without a hash. Prints times, peaks of memory and ratios.

Read the ratios: machines differ, and are noisy.`,
		Example: "  datanet bench --rows 5000000 --people 25000", Args: cobra.NoArgs,
	}, func(ctx context.Context, _ []string) error { return a.runBench(ctx, o) })
	f := c.Flags()
	f.IntVar(&o.rows, "rows", 5_000_000, "observations in the export")
	f.IntVar(&o.people, "people", 0, "patients in the export (default: one for each eleven observations, a borough's; a large practice has 25000)")
	f.StringVar(&o.copy, "copy", "", "")
	f.StringVar(&o.dir, "in", "", "")
	f.MarkHidden("copy")
	f.MarkHidden("in")
	return c
}

// A benchReport is what bench prints. Ratios are extract's time over a copy's.
type benchReport struct {
	Rows   int                `json:"rows"`
	People int                `json:"people"`
	Ways   []*benchWay        `json:"ways"`
	Ratios map[string]float64 `json:"ratios"`
	Steps  []benchStep        `json:"steps"` // of extract, medians
}

// A benchWay is one thing that is measured.
type benchWay struct {
	Name    string    `json:"way"`
	Seconds float64   `json:"seconds"` // the median
	Runs    []float64 `json:"runs"`
	PeakMiB int64     `json:"peak_mib"`

	args  []string
	title string
}

type benchStep struct {
	Step    string  `json:"step"`
	Seconds float64 `json:"seconds"`
}

func (a *app) runBench(ctx context.Context, o benchOptions) error {
	if o.copy != "" {
		return benchCopy(ctx, o)
	}
	if o.rows < 1 || o.rows > 1e9 {
		return &useError{"--rows is not a number of observations", "give 1 or more; 5000000 shows what a practice's export takes"}
	}
	if o.people == 0 {
		o.people = bench.Borough(o.rows)
	}
	if o.people < 1 || o.people > min(o.rows, bench.MostPeople) {
		return &useError{"--people is not a number of patients", fmt.Sprintf("give 1 to %d, and no more than observations", bench.MostPeople)}
	}
	dir, err := os.MkdirTemp("", "datanet-bench-")
	if err != nil {
		return fmt.Errorf("making a folder for the export: %w", err)
	}
	defer os.RemoveAll(dir)
	step := a.progress()
	step("writing the export")
	if err := a.benchFolder(ctx, dir, o); err != nil {
		return err
	}
	report, err := measure(ctx, dir, o, step)
	if err != nil {
		return err
	}
	a.progressDone()
	return a.say(report, func(w io.Writer) { printBench(w, report) })
}

// benchFolder writes the export, and keys for its site.
func (a *app) benchFolder(ctx context.Context, dir string, o benchOptions) error {
	in := func(name string) string { return filepath.Join(dir, name) }
	if err := os.Mkdir(in("export"), 0o700); err != nil {
		return err
	}
	if err := bench.Write(in("export"), o.rows, o.people); err != nil {
		return err
	}
	quiet := &app{in: a.in, out: io.Discard, err: io.Discard, now: a.now, env: func(name string) string {
		return map[string]string{"DATANET_IDENTITY": in("identity")}[name]
	}}
	for _, line := range [][]string{
		{"key", "identity", "--out", in("identity")},
		{"key", "linkage", "--out", in("linkage.key")},
		{"key", "custodian", "--dataset", "primary-care", "--out", in("custodian.key")},
		{"key", "wrap", "--dataset", "primary-care", "--site", bench.Site, "--custodian", in("custodian.key"), "--out", in("site.wrap")},
		{"key", "site", "--dataset", "primary-care", "--site", bench.Site, "--linkage", in("linkage.key"), "--wrap", in("site.wrap"), "--out", in("site.key")},
	} {
		if code := quiet.execute(ctx, line); code != 0 {
			return fmt.Errorf("making keys for the export: exit code %d", code)
		}
	}
	return nil
}

const benchTurns = 3

// measure runs every way in turns, so that a machine that slows down slows them all.
func measure(ctx context.Context, dir string, o benchOptions, step func(string)) (*benchReport, error) {
	export := filepath.Join(dir, "export")
	ways := []*benchWay{
		{Name: "extract", title: "datanet extract", args: []string{"extract", "--key", filepath.Join(dir, "site.key"), "--source", export, "--out", filepath.Join(dir, "out"),
			"--test-numbers", "--no-geography", "--json"}},
		{Name: "sha256", title: "copy with sha256", args: []string{"bench", "--copy", "sha256", "--in", export}},
		{Name: "plain", title: "plain copy", args: []string{"bench", "--copy", "plain", "--in", export}},
	}
	steps := map[string][]float64{}
	var order []string
	for turn := range benchTurns {
		for _, w := range ways {
			step(fmt.Sprintf("%s, %d of %d", w.title, turn+1, benchTurns))
			out, err := w.run(ctx, dir)
			if err != nil {
				return nil, err
			}
			for _, s := range stepsOf(out) {
				if steps[s.Step] == nil {
					order = append(order, s.Step)
				}
				steps[s.Step] = append(steps[s.Step], s.Seconds)
			}
		}
	}
	r := &benchReport{Rows: o.rows, People: o.people, Ways: ways, Ratios: map[string]float64{}}
	for _, w := range ways {
		w.Seconds = median(w.Runs)
	}
	for _, w := range ways[1:] {
		r.Ratios["extract/"+w.Name] = ways[0].Seconds / w.Seconds
	}
	for _, name := range order {
		r.Steps = append(r.Steps, benchStep{name, median(steps[name])})
	}
	return r, nil
}

// benchProcess marks the environment of the processes that are measured.
const benchProcess = "DATANET_BENCH_PROCESS"

// run is one process of a way. What it wrote goes at once.
func (w *benchWay) run(ctx context.Context, dir string) ([]byte, error) {
	out := filepath.Join(dir, "out")
	if err := os.MkdirAll(out, 0o700); err != nil {
		return nil, err
	}
	defer os.RemoveAll(out)
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding this program: %w", err)
	}
	var stdout bytes.Buffer
	if os.Getenv(benchProcess) != "" {
		return nil, &useError{"a measurement does not measure itself", "see datanet bench --help"}
	}
	c := exec.CommandContext(ctx, self, w.args...)
	c.Args[0] = os.Args[0] // as it was called
	c.Env = append(os.Environ(), "DATANET_IDENTITY="+filepath.Join(dir, "identity"), benchProcess+"=1")
	c.Stdout = &stdout
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) }
	began := time.Now()
	if err := c.Run(); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("measuring %s: %w", w.title, err)
	}
	w.Runs = append(w.Runs, time.Since(began).Seconds())
	if usage, ok := c.ProcessState.SysUsage().(*syscall.Rusage); ok {
		w.PeakMiB = max(w.PeakMiB, usage.Maxrss>>10) // kibibytes on Linux
	}
	return stdout.Bytes(), nil
}

func stepsOf(out []byte) []benchStep {
	var result struct{ Steps []benchStep }
	json.Unmarshal(out, &result) // a copy prints nothing
	return result.Steps
}

func median(of []float64) float64 {
	sorted := slices.Sorted(slices.Values(of))
	return sorted[len(sorted)/2]
}

// benchCopy is the work of a process that measures a copy.
func benchCopy(ctx context.Context, o benchOptions) error {
	out, err := os.MkdirTemp(filepath.Dir(o.dir), "copy-")
	if err != nil {
		return &useError{"--copy is for bench itself", "see datanet bench --help"}
	}
	defer os.RemoveAll(out)
	return bench.Copy(ctx, o.copy, o.dir, out)
}

func printBench(w io.Writer, r *benchReport) {
	fmt.Fprintf(w, "%s observations of %s, median of %d runs\n", thousands(int64(r.Rows)), people(int64(r.People)), benchTurns)
	for _, way := range r.Ways {
		fmt.Fprintf(w, "  %-18s %7.2f s  peak %5d MiB", way.title, way.Seconds, way.PeakMiB)
		if ratio, ok := r.Ratios["extract/"+way.Name]; ok {
			fmt.Fprintf(w, "  extract takes %.2f times as long", ratio)
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintln(w, "Where extract's time goes")
	for _, s := range r.Steps {
		fmt.Fprintf(w, "  %-28s %7.2f s\n", s.Step, s.Seconds)
	}
	fmt.Fprintln(w, "Read the ratios: machines differ, and are noisy.")
}
