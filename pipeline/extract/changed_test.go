package extract

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"datanet/pseudonym"
)

// during runs an extract and does something to its folders when a step begins.
func during(o Options, step string, do func()) (*Result, error) {
	o.Progress = func(s string) {
		if s == step {
			do()
		}
	}
	return Run(context.Background(), o)
}

// sourceFileOf is the path of a table's file.
func sourceFileOf(t *testing.T, o Options, table string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(o.Source, "*"+table+"*"))
	if err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	return found[0]
}

const reading = "reading and coding"

// TestSourceChanges: whatever happens to a file while it is read is refused,
// names its table and nothing else, and leaves nothing. Once it has been read, nothing
// that happens to it matters.
func TestSourceChanges(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(path string) error{
		"cut short": func(path string) error {
			info, err := os.Stat(path)
			return errors.Join(err, os.Truncate(path, info.Size()/2))
		},
		"emptied": func(path string) error { return os.Truncate(path, 0) },
		"removed": os.Remove,
		"longer": func(path string) error {
			body, err := os.ReadFile(path)
			return errors.Join(err, os.WriteFile(path, append(body, '\n'), 0o600))
		},
		"written again, the same": func(path string) error {
			body, err := os.ReadFile(path)
			return errors.Join(err, os.Remove(path), os.WriteFile(path+".new", body, 0o600), os.Rename(path+".new", path))
		},
		"a folder in its place": func(path string) error { return errors.Join(os.Remove(path), os.Mkdir(path, 0o700)) },
		"a link in its place": func(path string) error {
			body, err := os.ReadFile(path)
			return errors.Join(err, os.Remove(path), os.WriteFile(path+".aside", body, 0o600), os.Symlink(path+".aside", path))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newSite(t)
			population(t, rand.New(rand.NewPCG(1, 1)), 30).write(o.Source)
			path := sourceFileOf(t, o, "Admin_Patient")
			_, err := during(o, reading, func() {
				if err := change(path); err != nil {
					t.Error(err)
				}
			})
			refusedSource(t, o, err, "Admin_Patient")
		})
	}
	t.Run("afterwards", func(t *testing.T) {
		t.Parallel()
		o := newSite(t)
		population(t, rand.New(rand.NewPCG(1, 1)), 30).write(o.Source)
		if _, err := during(o, "sorting", func() { os.RemoveAll(o.Source) }); err != nil {
			t.Error(err)
		}
	})
	t.Run("the lookup", func(t *testing.T) {
		t.Parallel()
		o := newSite(t)
		population(t, rand.New(rand.NewPCG(1, 1)), 30).write(o.Source)
		o.Postcodes = filepath.Join(filepath.Dir(o.Source), "lookup.csv")
		if err := os.Rename(filepath.Join(o.Source, postcodesFile), o.Postcodes); err != nil {
			t.Fatal(err)
		}
		_, err := during(o, reading, func() { os.Truncate(o.Postcodes, 20) })
		refusedSource(t, o, err, lookupName)
	})
}

// refusedSource: the source is to blame, the table is named, no path is, and
// nothing was left.
func refusedSource(t *testing.T, o Options, err error, table string) {
	t.Helper()
	var source *SourceError
	if !errors.As(err, &source) || source.Table != table {
		t.Errorf("%v; want a refusal of %s", err, table)
		return
	}
	if strings.Contains(err.Error(), filepath.Dir(o.Source)) || strings.Contains(err.Error(), ".csv") {
		t.Errorf("the message names a file: %v", err)
	}
	nothingLeft(t, o)
}

func nothingLeft(t *testing.T, o Options) {
	t.Helper()
	if left, err := os.ReadDir(o.Out); err == nil && len(left) > 0 || stateOf(t, o) != "" {
		t.Errorf("left behind: %v", left)
	}
}

// TestSourceThatIsNoFile: a pipe would wait for ever, a folder holds no rows.
func TestSourceThatIsNoFile(t *testing.T) {
	t.Parallel()
	for name, make := range map[string]func(path string) error{
		"pipe":   func(path string) error { return unix.Mkfifo(path, 0o600) },
		"folder": func(path string) error { return os.Mkdir(path, 0o700) },
		"link":   func(path string) error { return os.Symlink(os.DevNull, path) },
		"device": func(path string) error { return os.Symlink("/dev/zero", path) },
		"unreadable": func(path string) error {
			if os.Geteuid() == 0 {
				return errors.ErrUnsupported // root reads everything
			}
			return os.WriteFile(path, []byte("x\n"), 0)
		},
	} {
		for _, table := range []string{"Admin_Patient", "CareRecord_Observation", postcodesFile} {
			t.Run(name+" for "+table, func(t *testing.T) {
				t.Parallel()
				o := newSite(t)
				population(t, rand.New(rand.NewPCG(1, 1)), 5).write(o.Source)
				path := sourceFileOf(t, o, table)
				if err := os.Remove(path); err != nil {
					t.Fatal(err)
				}
				if err := make(path); errors.Is(err, errors.ErrUnsupported) {
					t.Skip("SKIPPED: run as somebody else than root to see this")
				} else if err != nil {
					t.Fatal(err)
				}
				_, err := Run(context.Background(), o)
				if table == postcodesFile {
					table = lookupName
				}
				refusedSource(t, o, err, table)
			})
		}
	}
}

// TestReadErrorNamesNoFile: the system's errors hold paths.
func TestReadErrorNamesNoFile(t *testing.T) {
	err := unreadable(&fs.PathError{Op: "read", Path: "/exports/a patient's name.csv", Err: unix.EIO})
	var source *SourceError
	if !errors.As(err, &source) || strings.Contains(err.Error(), "patient") || !strings.Contains(err.Error(), "input/output error") {
		t.Error(err)
	}
}

// TestOutputGoesAway: the output folder is taken away, filled by somebody else, or
// cannot be written any more, at each step.
func TestOutputGoesAway(t *testing.T) {
	t.Parallel()
	name := "primary-care_Z99001_2026-10-31"
	for what, c := range map[string]struct {
		do   func(o Options) error
		says string
	}{
		"taken away":             {func(o Options) error { return os.RemoveAll(o.Out) }, "taken away"},
		"moved":                  {func(o Options) error { return os.Rename(o.Out, o.Out+"-moved") }, "taken away"},
		"a file in its place":    {func(o Options) error { return errors.Join(os.RemoveAll(o.Out), os.WriteFile(o.Out, nil, 0o600)) }, "taken away"},
		"an extract is there":    {func(o Options) error { return os.Mkdir(filepath.Join(o.Out, name), 0o700) }, "there is an extract"},
		"a sealed one is there":  {func(o Options) error { return os.WriteFile(filepath.Join(o.Out, name+".age"), []byte("x"), 0o600) }, "there is an extract"},
		"cannot be written":      {func(o Options) error { return notRoot(os.Chmod(o.Out, 0o500)) }, ""},
		"its staging is emptied": {func(o Options) error { return emptyStaging(o.Out) }, ""},
	} {
		for _, step := range []string{reading, "sorting", "checking what was written", "sealing"} {
			for _, sealed := range []bool{false, true} {
				if step == "sealing" && !sealed {
					continue
				}
				t.Run(what+" at "+step, func(t *testing.T) {
					t.Parallel()
					o := newSite(t)
					o.Seal = sealed
					population(t, rand.New(rand.NewPCG(1, 1)), 10).write(o.Source)
					var spoilt error
					result, err := during(o, step, func() { spoilt = c.do(o) })
					os.Chmod(o.Out, 0o700)
					switch {
					case errors.Is(spoilt, errors.ErrUnsupported):
						t.Skip("SKIPPED: run as somebody else than root to see this")
					case spoilt != nil:
						t.Fatal(spoilt)
					case err == nil:
						t.Fatalf("an extract %s", result.Extract)
					}
					if !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), filepath.Dir(o.Out)) {
						t.Errorf("%v", err)
					}
					var source *SourceError
					if errors.As(err, &source) {
						t.Errorf("the source is blamed: %v", err)
					}
					for _, dir := range []string{o.Out, o.Out + "-moved"} {
						for _, left := range filesBelow(dir) {
							if strings.HasSuffix(left, ".parquet") || strings.HasPrefix(left, "manifest") {
								t.Errorf("left behind in %s: %s", filepath.Base(dir), left)
							}
						}
					}
				})
			}
		}
	}
}

func notRoot(err error) error {
	if os.Geteuid() == 0 {
		return errors.ErrUnsupported
	}
	return err
}

// emptyStaging removes what a run has written so far, and its folders.
func emptyStaging(out string) error {
	found, err := filepath.Glob(filepath.Join(out, stagingPrefix+"*", "*"))
	for _, path := range found {
		err = errors.Join(err, os.RemoveAll(path))
	}
	return err
}

// filesBelow are the names of all files below a folder, however deep.
func filesBelow(dir string) (names []string) {
	filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			names = append(names, e.Name())
		}
		return nil
	})
	return names
}

// TestOutputThatIsNone: nothing can be written there from the beginning.
func TestOutputThatIsNone(t *testing.T) {
	t.Parallel()
	for what, spoil := range map[string]func(o *Options) error{
		"a file":       func(o *Options) error { return errors.Join(os.RemoveAll(o.Out), os.WriteFile(o.Out, nil, 0o600)) },
		"below a file": func(o *Options) error { o.Out = filepath.Join(o.KeyFile, "out"); return nil },
		"a broken link": func(o *Options) error {
			return errors.Join(os.RemoveAll(o.Out), os.Symlink(o.Out+"-nowhere", o.Out))
		},
		"not to be written": func(o *Options) error { return notRoot(os.Chmod(o.Out, 0o500)) },
		"not to be read":    func(o *Options) error { return notRoot(os.Chmod(o.Out, 0o300)) },
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			o := newSite(t)
			population(t, rand.New(rand.NewPCG(1, 1)), 5).write(o.Source)
			if err := spoil(&o); errors.Is(err, errors.ErrUnsupported) {
				t.Skip("SKIPPED: run as somebody else than root to see this")
			} else if err != nil {
				t.Fatal(err)
			}
			_, err := Run(context.Background(), o)
			os.Chmod(o.Out, 0o700)
			var use *UseError
			if !errors.As(err, &use) || strings.Contains(err.Error(), filepath.Dir(o.Source)) {
				t.Errorf("%v", err)
			}
			nothingLeft(t, o)
		})
	}
}

// TestSealedExtract opens for the custodian, and holds what the folder of the same
// source holds.
func TestSealedExtract(t *testing.T) {
	t.Parallel()
	day := time.Date(2026, 10, 31, 0, 0, 0, 0, time.UTC)
	custodian, err := pseudonym.NewCustodianKey("primary-care", day)
	if err != nil {
		t.Fatal(err)
	}
	wrap, err := custodian.NewWrapFile("Z99001", day)
	if err != nil {
		t.Fatal(err)
	}
	o := newSite(t)
	if o.Key, err = pseudonym.NewSiteKey("primary-care", "Z99001", pseudonym.NewLinkageFile(day), wrap, day); err != nil {
		t.Fatal(err)
	}
	population(t, rand.New(rand.NewPCG(2, 2)), 40).write(o.Source)
	plain, err := Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	o.Seal, o.Out = true, o.Out+"-sealed"
	sealed, err := Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	if sealed.Sequence != plain.Sequence+1 || !sealed.Sealed || plain.Sealed {
		t.Errorf("%+v after %+v", sealed, plain)
	}
	names := unpack(t, custodian, sealed.Extract, func(name string, body []byte) {
		if strings.HasSuffix(name, ".parquet") {
			if want, err := os.ReadFile(filepath.Join(plain.Extract, name)); err != nil || string(want) != string(body) {
				t.Errorf("%s is another one: %v", name, err)
			}
		}
	})
	if want := []string{"manifest.json", "manifest.sig", "patients.parquet", "observations.parquet", "medications.parquet"}; !slices.Equal(names, want) {
		t.Errorf("%v, not %v", names, want)
	}
	if info, err := os.Stat(sealed.Extract); err != nil || info.Mode() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	if left := written(t, o.Out); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
}

// unpack opens a sealed extract and hands each file to look. It returns their
// names in order.
func unpack(t *testing.T, custodian *pseudonym.CustodianKey, path string, look func(name string, body []byte)) []string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	plain, err := custodian.OpenSealed(f)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for r := tar.NewReader(plain); ; {
		h, err := r.Next()
		if err == io.EOF {
			return names
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		look(h.Name, body)
		names = append(names, h.Name)
	}
}
