package load

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"datanet/pipeline/hub"
	"datanet/pseudonym"
	"datanet/schemas"
)

// An arrangement spoils a copied extract or the options of its load.
type arrangement struct {
	kind  string // of the failure, which decides the exit code
	spoil func(t *testing.T, dir string, o *Options)
	words string // in the error, if it matters
}

func flip(file string, at int) func(*testing.T, string, *Options) {
	return func(t *testing.T, dir string, _ *Options) {
		body := get(t, filepath.Join(dir, file))
		if at < 0 {
			at += len(body)
		}
		body[at] ^= 1
		put(t, filepath.Join(dir, file), body)
	}
}

func table(name, query string) func(*testing.T, string, *Options) {
	return func(t *testing.T, dir string, _ *Options) {
		rewrite(t, dir, shared.sites[siteA], name, query, nil)
	}
}

func says(change func(*schemas.Manifest)) func(*testing.T, string, *Options) {
	return func(t *testing.T, dir string, _ *Options) { resign(t, dir, shared.sites[siteA], change) }
}

func replaced(file string, make func(path string) error) func(*testing.T, string, *Options) {
	return func(t *testing.T, dir string, _ *Options) {
		path := filepath.Join(dir, file)
		if err := errors.Join(os.Rename(path, path+".aside"), os.Rename(path+".aside", filepath.Join(filepath.Dir(dir), filepath.Base(path))), make(path)); err != nil {
			t.Fatal(err)
		}
	}
}

func toAside(path string) error {
	return os.Symlink(filepath.Join("..", filepath.Base(path)), path)
}

func inside(path string) error {
	return os.Symlink("manifest.json", path)
}

func fifo(path string) error { return unix.Mkfifo(path, 0o600) }

func folder(path string) error { return os.Mkdir(path, 0o700) }

func otherCustodian(dataset string) func(*testing.T, string, *Options) {
	return func(t *testing.T, _ string, o *Options) {
		key, err := pseudonym.NewCustodianKey(dataset, made)
		if err != nil {
			t.Fatal(err)
		}
		o.Custodian = key
		if dataset != "primary-care" {
			o.Trusted = key.PublicPart().Verifier
		}
	}
}

// signedAs gives the extract to another key of the same site, which the hub
// trusts, and which was made with other secrets.
func signedAs(make func() (*pseudonym.SiteKey, error)) func(*testing.T, string, *Options) {
	return func(t *testing.T, dir string, o *Options) {
		key, err := make()
		if err != nil {
			t.Fatal(err)
		}
		o.Sites = map[string]string{siteA: key.Public()}
		resign(t, dir, key, func(m *schemas.Manifest) {
			m.Sequence, m.WrapCheck, m.LinkageCheck = 99, key.Wrap.CheckValue(), key.Linkage.CheckValue()
		})
	}
}

func wrongWrap() (*pseudonym.SiteKey, error) {
	other, err := pseudonym.NewCustodianKey(dataset, made)
	if err != nil {
		return nil, err
	}
	return siteKey(other, shared.linkage, siteA)
}

func wrongLinkage() (*pseudonym.SiteKey, error) {
	return siteKey(shared.custodian, pseudonym.NewLinkageFile(made), siteA)
}

var refusals = map[string]arrangement{
	"custodian of another dataset":     {"key", otherCustodian("slam"), "primary-care"},
	"custodian whom the hub knows not": {"key", otherCustodian(dataset), ""},
	"hub without a custodian":          {"key", func(_ *testing.T, _ string, o *Options) { o.Trusted = "" }, ""},
	"unknown site":                     {"governance", func(_ *testing.T, _ string, o *Options) { o.Sites = nil }, siteA},
	"another wrap key":                 {"key", signedAs(wrongWrap), siteA},
	"another linkage key":              {"key", signedAs(wrongLinkage), siteA},
	"signature of another site": {"integrity", func(t *testing.T, dir string, _ *Options) {
		sign(t, dir, shared.sites[siteB], get(t, filepath.Join(dir, "manifest.json")))
	}, siteA},
	"signature of another kind": {"integrity", func(t *testing.T, dir string, _ *Options) {
		sig, err := shared.sites[siteA].Signer.SignNote(schemas.Statement("publication", schemas.Digest(get(t, filepath.Join(dir, "manifest.json")))))
		if err != nil {
			t.Fatal(err)
		}
		put(t, filepath.Join(dir, "manifest.sig"), sig)
	}, siteA},

	"flipped byte of the manifest":  {"integrity", flip("manifest.json", 40), ""},
	"flipped byte of the signature": {"integrity", flip("manifest.sig", -20), ""},
	"flipped byte of a table":       {"integrity", flip("observations.parquet", 5000), "observations.parquet"},
	"flipped last byte of a table":  {"integrity", flip("medications.parquet", -1), "medications.parquet"},
	"a table longer by a byte": {"integrity", func(t *testing.T, dir string, _ *Options) {
		path := filepath.Join(dir, "patients.parquet")
		put(t, path, append(get(t, path), 0))
	}, ""},
	"a table cut short": {"integrity", func(t *testing.T, dir string, _ *Options) {
		path := filepath.Join(dir, "patients.parquet")
		put(t, path, get(t, path)[:100])
	}, ""},
	"a table missing": {"integrity", func(t *testing.T, dir string, _ *Options) { os.Remove(filepath.Join(dir, "patients.parquet")) }, "missing"},
	"no manifest":     {"integrity", func(t *testing.T, dir string, _ *Options) { os.Remove(filepath.Join(dir, "manifest.json")) }, "missing"},
	"no signature":    {"integrity", func(t *testing.T, dir string, _ *Options) { os.Remove(filepath.Join(dir, "manifest.sig")) }, "missing"},
	"oversize manifest": {"integrity", func(t *testing.T, dir string, _ *Options) {
		put(t, filepath.Join(dir, "manifest.json"), bytes.Repeat([]byte(" "), schemas.MaxManifest+1))
	}, "larger"},
	"a file too many":         {"integrity", func(t *testing.T, dir string, _ *Options) { put(t, filepath.Join(dir, "notes.txt"), nil) }, "does not name"},
	"a folder too many":       {"integrity", func(t *testing.T, dir string, _ *Options) { os.Mkdir(filepath.Join(dir, "more"), 0o700) }, ""},
	"table behind a link":     {"integrity", replaced("patients.parquet", toAside), "plain file"},
	"table linked inside":     {"integrity", replaced("patients.parquet", inside), "plain file"},
	"manifest behind a link":  {"integrity", replaced("manifest.json", toAside), "plain file"},
	"signature behind a link": {"integrity", replaced("manifest.sig", toAside), "plain file"},
	"table is a pipe":         {"integrity", replaced("patients.parquet", fifo), "plain file"},
	"manifest is a pipe":      {"integrity", replaced("manifest.json", fifo), "plain file"},
	"table is a folder":       {"integrity", replaced("patients.parquet", folder), ""},

	"a table elsewhere":     {"integrity", says(func(m *schemas.Manifest) { m.Files[0].Name = "../patients.parquet" }), ""},
	"another schema":        {"integrity", says(func(m *schemas.Manifest) { m.Schema = "datanet/v2" }), ""},
	"a delta":               {"integrity", says(func(m *schemas.Manifest) { m.Kind = "delta" }), ""},
	"a site that is a path": {"integrity", says(func(m *schemas.Manifest) { m.Site = "../../x" }), ""},
	"an older sequence":     {"integrity", says(func(m *schemas.Manifest) { m.Sequence = 1; m.Persons += 10 }), "loaded"},
	"from the future": {"integrity", func(t *testing.T, dir string, o *Options) {
		o.Today = made
		resign(t, dir, shared.sites[siteA], func(m *schemas.Manifest) { m.Sequence, m.AsAt = 7, "2026-11-03" })
	}, "future"},
	"an older date": {"integrity", says(func(m *schemas.Manifest) { m.Sequence = 7; m.AsAt = "2020-01-01" }), "before"},
	"more rows than there are": {"integrity", func(t *testing.T, dir string, _ *Options) {
		rewrite(t, dir, shared.sites[siteA], "observations", "SELECT * FROM t", func(f *schemas.ManifestFile) { f.Rows++ })
	}, "rows"},
	"fewer rows than there are": {"integrity", func(t *testing.T, dir string, _ *Options) {
		rewrite(t, dir, shared.sites[siteA], "observations", "SELECT * FROM t", func(f *schemas.ManifestFile) { f.Rows-- })
	}, "rows"},
	"people whom the patients lack": {"integrity", table("observations", "SELECT * REPLACE (uuid() AS person) FROM t"), "people whom no other table knows"},
	"one stranger":                  {"integrity", table("medications", "SELECT * FROM t UNION ALL (SELECT * REPLACE (uuid() AS person) FROM t LIMIT 1)"), ""},
	"a patient without a code":      {"integrity", table("patients", "SELECT * FROM t UNION ALL (SELECT * REPLACE (NULL::UUID AS person) FROM t LIMIT 1)"), ""},
	"an entry without a code":       {"integrity", table("observations", "SELECT * FROM t UNION ALL (SELECT * REPLACE (NULL::UUID AS person) FROM t LIMIT 1)"), ""},
	"rows of another site":          {"integrity", table("patients", "SELECT * REPLACE ('"+siteB+"' AS site) FROM t"), "another site"},
	"a column more":                 {"integrity", table("patients", "SELECT *, 'free text' AS note FROM t"), "schema"},
	"a column less":                 {"integrity", table("patients", "SELECT * EXCLUDE (religion) FROM t"), "schema"},
	"a column of another type":      {"integrity", table("patients", "SELECT * REPLACE (birth_year::VARCHAR AS birth_year) FROM t"), "schema"},
	"columns in another order":      {"integrity", table("medications", "SELECT concept, * EXCLUDE (concept) FROM t"), "schema"},
	"no Parquet at all": {"integrity", func(t *testing.T, dir string, _ *Options) {
		put(t, filepath.Join(dir, "patients.parquet"), []byte("not a table"))
		resignTable(t, dir, shared.sites[siteA], "patients", 1, nil)
	}, "schema"},
}

// TestRefusals: each is of its kind, and leaves every byte of the hub as it was.
func TestRefusals(t *testing.T) {
	o := shared.hub(t)
	if _, err := Run(context.Background(), shared.extracts[siteA], o); err != nil {
		t.Fatal(err)
	}
	before := tree(t, o.Hub.Dir())
	for name, a := range refusals {
		t.Run(name, func(t *testing.T) {
			dir, mine := shared.copy(t, siteA), o
			resign(t, dir, shared.sites[siteA], func(m *schemas.Manifest) { m.Sequence = 5 })
			a.spoil(t, dir, &mine)
			r, err := Run(context.Background(), dir, mine)
			var kind interface{ Kind() string }
			if claims(r) || !errors.As(err, &kind) || kind.Kind() != a.kind {
				t.Fatalf("%v beside %v, want a failure of kind %s", r, err, a.kind)
			}
			if !strings.Contains(err.Error(), a.words) {
				t.Errorf("%v does not say %q", err, a.words)
			}
			if strings.Contains(err.Error(), "Error:") || strings.Contains(err.Error(), dir) {
				t.Errorf("the database's words are repeated: %v", err)
			}
			if name == "a folder too many" {
				return // it could not be sealed: see TestParcelHoldsNothingElse
			}
			sealed := sealed(t, dir, mine.Custodian)
			r, sealedErr := Run(context.Background(), sealed, mine)
			if claims(r) || !errors.As(sealedErr, &kind) || kind.Kind() != a.kind {
				t.Fatalf("sealed: %v beside %v, want a failure of kind %s", r, sealedErr, a.kind)
			}
			if sealedErr.Error() != err.Error() && !strings.Contains(sealedErr.Error(), schemas.ErrParcel.Error()) {
				t.Errorf("sealed: %v, but as a folder: %v", sealedErr, err)
			}
			if after := tree(t, o.Hub.Dir()); after != before {
				t.Errorf("the hub changed:\n%s\nwas\n%s", after, before)
			}
		})
	}
}

// claims says whether a result tells more than which extract it was about.
func claims(r *Result) bool {
	return r != nil && (r.Status != "" || r.Reason != "" || r.StateHash != "" || r.Notes != nil)
}

// TestWrongKeysAreNamed: the site and both check values, which are no secrets.
func TestWrongKeysAreNamed(t *testing.T) {
	o := shared.hub(t)
	if _, err := Run(context.Background(), shared.extracts[siteB], o); err != nil {
		t.Fatal(err)
	}
	wrap, err := wrongWrap()
	if err != nil {
		t.Fatal(err)
	}
	dir := shared.copy(t, siteA)
	resign(t, dir, wrap, func(m *schemas.Manifest) { m.WrapCheck = wrap.Wrap.CheckValue() })
	o.Sites[siteA] = wrap.Public()
	_, err = Run(context.Background(), dir, o)
	for _, word := range []string{siteA, wrap.Wrap.CheckValue(), shared.custodian.Wrap.Site(siteA).CheckValue()} {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%v does not name %s", err, word)
		}
	}
	linkage, err := wrongLinkage()
	if err != nil {
		t.Fatal(err)
	}
	resign(t, dir, linkage, func(m *schemas.Manifest) {
		m.WrapCheck, m.LinkageCheck = linkage.Wrap.CheckValue(), linkage.Linkage.CheckValue()
	})
	o.Sites[siteA] = linkage.Public()
	_, err = Run(context.Background(), dir, o)
	var mismatch *hub.KeyMismatch
	if !errors.As(err, &mismatch) || mismatch.Site != siteA || mismatch.Extract != linkage.Linkage.CheckValue() || mismatch.Dataset != shared.linkage.Linkage.CheckValue() {
		t.Errorf("%v", err)
	}
}

// TestMangledManifestsAreRefused changes every byte of the two small files, and
// cuts them everywhere.
func TestMangledManifestsAreRefused(t *testing.T) {
	o := shared.hub(t)
	dir := shared.copy(t, siteA)
	accepted := func() bool {
		x, err := open(dir, o)
		if err != nil {
			return false
		}
		defer x.close()
		return x.verify(o) == nil
	}
	if !accepted() {
		t.Fatal("the extract itself is refused")
	}
	for _, name := range []string{"manifest.json", "manifest.sig"} {
		path := filepath.Join(dir, name)
		whole := get(t, path)
		for at := range whole {
			put(t, path, whole[:at])
			if accepted() {
				t.Fatalf("the first %d bytes of %s are accepted", at, name)
			}
			for _, b := range []byte{whole[at] ^ 1, whole[at] ^ 4, whole[at] ^ 32} {
				mangled := bytes.Clone(whole)
				mangled[at] = b
				put(t, path, mangled)
				if accepted() {
					t.Fatalf("byte %d of %s may be %q for %q", at, name, b, whole[at])
				}
			}
		}
		for _, more := range []string{"\n", "— x+00000000+AAAA\n", string(whole)} {
			put(t, path, append(bytes.Clone(whole), more...))
			if accepted() {
				t.Fatalf("%s may be followed by %q", name, more)
			}
		}
		put(t, path, whole)
	}
}

func TestFolderThatIsNone(t *testing.T) {
	_, err := Run(context.Background(), filepath.Join(t.TempDir(), "none"), shared.hub(t))
	var use *UseError
	if !errors.As(err, &use) {
		t.Error(err)
	}
}

// tree is every file below a folder with its digest.
func tree(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, path)
		b.WriteString(rel)
		if e.Type().IsRegular() {
			body, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			b.WriteString(" " + schemas.Digest(body)[:16])
		}
		b.WriteString("\n")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}
