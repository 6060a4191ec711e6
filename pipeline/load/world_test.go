package load

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"datanet/pipeline/engine"
	extraction "datanet/pipeline/extract"
	"datanet/pipeline/hub"
	"datanet/pseudonym"
	"datanet/schemas"
	"datanet/synth"
)

// A world is a borough with two practices, their keys, and what they extracted.
// It is made once; tests copy what they change.
type world struct {
	dir       string
	linkage   *pseudonym.LinkageFile
	custodian *pseudonym.CustodianKey
	sites     map[string]*pseudonym.SiteKey
	extracts  map[string]string
	truth     string
}

const dataset, siteA, siteB = "primary-care", "Z99001", "Z99002"

var made = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

var shared *world

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "load-")
	if err != nil {
		panic(err)
	}
	shared, err = newWorld(dir)
	code := 1
	if err == nil {
		code = m.Run()
	} else {
		os.Stderr.WriteString(err.Error() + "\n")
	}
	os.RemoveAll(dir)
	os.Exit(code)
}

func newWorld(dir string) (*world, error) {
	w := &world{dir: dir, linkage: pseudonym.NewLinkageFile(made), sites: map[string]*pseudonym.SiteKey{}, extracts: map[string]string{}}
	borough, err := synth.Write(context.Background(), synth.Options{Out: filepath.Join(dir, "borough"), People: 800, Practices: 2, Seed: 7})
	if err != nil {
		return nil, err
	}
	w.truth = borough.Truth
	if w.custodian, err = pseudonym.NewCustodianKey(dataset, made); err != nil {
		return nil, err
	}
	for _, site := range borough.Datasets[0].Sites {
		if w.sites[site.Site], err = siteKey(w.custodian, w.linkage, site.Site); err != nil {
			return nil, err
		}
		if err := w.keep(w.sites[site.Site]); err != nil {
			return nil, err
		}
		if w.extracts[site.Site], err = w.extract(w.sites[site.Site], site.Source, filepath.Join(dir, "extracts", site.Site)); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// keep writes a site's key file, beside which extracting remembers its sequence.
func (w *world) keep(key *pseudonym.SiteKey) error {
	identity, err := pseudonym.NewIdentityKey(made)
	if err != nil {
		return err
	}
	return pseudonym.Write(filepath.Join(w.dir, key.Site+".key"), key, identity.Recipient())
}

func siteKey(c *pseudonym.CustodianKey, l *pseudonym.LinkageFile, site string) (*pseudonym.SiteKey, error) {
	wrap, err := c.NewWrapFile(site, made)
	if err != nil {
		return nil, err
	}
	return pseudonym.NewSiteKey(c.Dataset, site, l, wrap, made)
}

func (w *world) extract(key *pseudonym.SiteKey, source, out string) (string, error) {
	r, err := extraction.Run(context.Background(), extraction.Options{Key: key, KeyFile: filepath.Join(w.dir, key.Site+".key"),
		Source: source, Out: out, Numbers: pseudonym.Test, Tool: "test"})
	if err != nil {
		return "", err
	}
	return r.Extract, nil
}

// hub is a new hub that trusts the world's custodian and sites.
func (w *world) hub(t *testing.T) Options {
	t.Helper()
	publisher, err := pseudonym.NewPublisherKey("hub", made)
	if err != nil {
		t.Fatal(err)
	}
	ledger, err := pseudonym.NewLedgerKey("hub", made)
	if err != nil {
		t.Fatal(err)
	}
	h, err := hub.Init(filepath.Join(t.TempDir(), "hub"), hub.Hub{ID: hub.NewID(), Name: "Test", Publisher: publisher.Public(), Ledger: ledger.Public()}, nil)
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Hub: h, Custodian: w.custodian, Trusted: w.custodian.PublicPart().Verifier, Sites: map[string]string{}, Threads: 2}
	for site, key := range w.sites {
		o.Sites[site] = key.Public()
	}
	return o
}

// copy is an extract that a test may spoil.
func (w *world) copy(t *testing.T, site string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "extract")
	if err := os.CopyFS(to, os.DirFS(w.extracts[site])); err != nil {
		t.Fatal(err)
	}
	return to
}

// resign changes a copied extract's manifest and signs it again, as a site
// could whose software is not ours.
func resign(t *testing.T, dir string, key *pseudonym.SiteKey, change func(*schemas.Manifest)) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	m := &schemas.Manifest{}
	if err := json.Unmarshal(text, m); err != nil {
		t.Fatal(err)
	}
	change(m)
	sign(t, dir, key, m.Encode())
}

func sign(t *testing.T, dir string, key *pseudonym.SiteKey, body []byte) {
	t.Helper()
	sig, err := key.Signer.SignNote(schemas.Statement("manifest", schemas.Digest(body)))
	if err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(dir, "manifest.json"), body)
	put(t, filepath.Join(dir, "manifest.sig"), sig)
}

func put(t *testing.T, path string, body []byte) {
	t.Helper()
	if err := os.WriteFile(path, body, 0o600); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// rewrite replaces one table of a copied extract by a query over it, and signs
// a manifest that fits the new file, unless change says otherwise.
func rewrite(t *testing.T, dir string, key *pseudonym.SiteKey, table, query string, change func(*schemas.ManifestFile)) {
	t.Helper()
	path := filepath.Join(dir, table+".parquet")
	e, err := engine.Open(context.Background(), engine.Options{Folders: []string{dir}})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	ctx := context.Background()
	if err := e.Exec(ctx, "test", "CREATE VIEW t AS SELECT * FROM "+engine.ReadParquet(path)); err != nil {
		t.Fatal(err)
	}
	if err := e.CopyParquet(ctx, "test", query, path+".new"); err != nil {
		t.Fatal(err)
	}
	rows, err := e.Number(ctx, "test", "SELECT count(*) FROM "+engine.ReadParquet(path+".new"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
	resignTable(t, dir, key, table, rows, change)
}

func resignTable(t *testing.T, dir string, key *pseudonym.SiteKey, table string, rows int64, change func(*schemas.ManifestFile)) {
	t.Helper()
	body := get(t, filepath.Join(dir, table+".parquet"))
	resign(t, dir, key, func(m *schemas.Manifest) {
		for i := range m.Files {
			if m.Files[i].Table == table {
				m.Files[i].Rows, m.Files[i].Bytes, m.Files[i].SHA256 = rows, int64(len(body)), schemas.Digest(body)
				if change != nil {
					change(&m.Files[i])
				}
			}
		}
	})
}
