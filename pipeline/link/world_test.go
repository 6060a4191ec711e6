package link

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"testing"

	"datanet/linkage"
	"datanet/pipeline/link/linktest"
	"datanet/pipeline/release"
)

func kindOf(err error) string {
	var k interface{ Kind() string }
	if errors.As(err, &k) {
		return k.Kind()
	}
	return ""
}

// releaseAll releases every dataset of an approval into the hub's project, or
// below a folder, and returns where they lie.
func releaseAll(t testing.TB, w *linktest.World, id, out string) (dirs []string) {
	t.Helper()
	for _, d := range w.Decision(id).Approval.Names() {
		o := release.Options{Permit: w.Permit(id, linkage.ActionRelease, d), Hub: w.Hub, Dataset: d, Trusted: w.Trusted(d), Recorded: w.States[d],
			Custodian: w.Custodians[d], Sealed: w.Sealed(id), Record: w.Record, Earlier: w.Released(id, d), Tool: "test", Threads: 2}
		if out != "" {
			o.Out = filepath.Join(out, d)
		}
		done, err := release.Run(context.Background(), o)
		if err != nil {
			t.Fatal(err)
		}
		dirs = append(dirs, done.Release)
	}
	return dirs
}

func options(w *linktest.World, id string) Options {
	return Options{Permit: w.Permit(id, linkage.ActionLink, ""), Hub: w.Hub, Record: w.Record, Earlier: w.LinkedBefore(id), Tool: "test", Threads: 2,
		Known: func(dataset string) *linkage.ReleaseRecord { return w.Released(id, dataset) }}
}

func mustLink(t testing.TB, o Options) *Result {
	t.Helper()
	r, err := Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func noStaging(t *testing.T, w *linktest.World) {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(w.Hub.ProjectsDir(), "*", ".staging", "*"))
	if err != nil || len(slices.DeleteFunc(left, func(p string) bool { return filepath.Base(p) == "lock" })) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}
