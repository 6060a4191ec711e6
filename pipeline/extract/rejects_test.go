package extract

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestRejects compares the exact account with the plain-Go reference on random
// people: every row that is left out, where it stands, and why.
func TestRejects(t *testing.T) {
	t.Parallel()
	seed := seedOf(t)
	for threads := 1; threads <= 2; threads++ {
		o := newSite(t)
		o.Threads = threads
		x := population(t, rand.New(rand.NewPCG(seed, 99)), 200)
		x.write(o.Source)
		o.Rejects = filepath.Join(t.TempDir(), "rejects.csv")
		if _, err := Run(context.Background(), o); err != nil {
			t.Fatal(err)
		}
		got := strings.Split(strings.TrimSpace(readFile(t, o.Rejects)), "\n")
		want := newReference(x, o).rejects()
		if got[0] != "table,file,row,reason" {
			t.Errorf("header %s", got[0])
		}
		got = got[1:]
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("DATANET_SEED=%d, %d threads: %d lines, the reference has %d", seed, threads, len(got), len(want))
			for i := range min(len(got), len(want)) {
				if got[i] != want[i] {
					t.Fatalf("first: got %s, want %s", got[i], want[i])
				}
			}
		}
		if info, _ := os.Stat(o.Rejects); info.Mode().Perm() != 0o600 {
			t.Errorf("mode %v", info.Mode())
		}
	}
}

// rejects is the reference's exact account.
func (f *reference) rejects() []string {
	var lines []string
	for i, p := range f.people {
		if p.gate != "" {
			lines = append(lines, fmt.Sprintf("Admin_Patient,1,%d,%s", i+1, p.gate))
		}
	}
	for table, codes := range map[string]string{"CareRecord_Observation": "Coding_ClinicalCode", "Prescribing_IssueRecord": "Coding_DrugCode"} {
		for i, row := range f.x.rows[table] {
			if _, reason := f.gate(row, codes); reason != "" {
				lines = append(lines, fmt.Sprintf("%s,1,%d,%s", table, i+1, reason))
			}
		}
	}
	return lines
}

// TestRejectsManyRows needs more rows than one buffer of the reader: the row is
// the file's, whatever reads it.
func TestRejectsManyRows(t *testing.T) {
	t.Parallel()
	o := newSite(t)
	o.Threads = 2
	writeLarge(t, o.Source, 400_000)
	path := path(&o, entries)
	lines := strings.Split(readFile(t, path), "\n")
	var want []string
	for _, n := range []int{1, 2, 1000, 150_000, 399_999, 400_000} {
		lines[n] = strings.Replace(lines[n], ",false,false,", ",true,false,", 1)
		want = append(want, fmt.Sprintf("CareRecord_Observation,1,%d,deleted", n))
	}
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	o.Rejects, o.DryRun = filepath.Join(t.TempDir(), "rejects.csv"), true
	if _, err := Run(context.Background(), o); err != nil {
		t.Fatal(err)
	}
	if got := readFile(t, o.Rejects); got != "table,file,row,reason\n"+strings.Join(want, "\n")+"\n" {
		t.Errorf("got\n%s", got)
	}
}

// TestRejectsRefused: nowhere but where a new file may stand, and nothing is
// left when it may not.
func TestRejectsRefused(t *testing.T) {
	t.Parallel()
	o := newSite(t)
	parseExport(t, somebody).write(o.Source)
	taken := filepath.Join(t.TempDir(), "taken")
	if err := os.WriteFile(taken, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	linked := filepath.Join(t.TempDir(), "linked")
	os.Symlink(o.Out, linked)
	for name, message := range map[string]string{
		taken:                                 "something stands where the account of rejects should go",
		filepath.Join(o.Out, "none", "x.csv"): "the folder for the account of rejects is not there",
		filepath.Join(o.Out, "primary-care_Z99001_2026-10-31"):              "the account of rejects would lie inside the extract, which travels",
		filepath.Join(linked, "primary-care_Z99001_2026-10-31"):             "the account of rejects would lie inside the extract, which travels",
		filepath.Join(o.Out, "primary-care_Z99001_2026-10-31", "x.csv"):     "the folder for the account of rejects is not there",
		filepath.Join(o.Out, "..", "out", "primary-care_Z99001_2026-10-31"): "the account of rejects would lie inside the extract, which travels",
	} {
		o.Rejects = name
		_, err := Run(context.Background(), o)
		refused(t, err, "use", message)
	}
	if left := written(t, o.Out); len(left) > 0 || readFile(t, taken) != "mine" {
		t.Errorf("left behind: %v", left)
	}
}

// TestRejectsOfNothing: an account of nobody still says so.
func TestRejectsOfNothing(t *testing.T) {
	t.Parallel()
	o := newSite(t)
	writeLarge(t, o.Source, 100)
	o.Rejects = filepath.Join(o.Out, "rejects.csv")
	if _, err := Run(context.Background(), o); err != nil {
		t.Fatal(err)
	}
	if got := readFile(t, o.Rejects); got != "table,file,row,reason\n" {
		t.Errorf("got %q", got)
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestRejectsOfDeadRuns: what a run that died left of an account goes; that of one
// that lives stays.
func TestRejectsOfDeadRuns(t *testing.T) {
	t.Parallel()
	o := newSite(t)
	parseExport(t, somebody).write(o.Source)
	folder := t.TempDir()
	o.Rejects = filepath.Join(folder, "rejects.csv")
	live, err := os.Create(filepath.Join(folder, partPrefix+"live"))
	if err != nil {
		t.Fatal(err)
	}
	defer live.Close()
	if err := unix.Flock(int(live.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, partPrefix+"dead"), []byte("table,file,row,reason\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Run(context.Background(), o); err != nil {
		t.Fatal(err)
	}
	if left := written(t, folder); !slices.Equal(left, []string{partPrefix + "live", "rejects.csv"}) {
		t.Errorf("there lies %v", left)
	}
}
