package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"datanet/pseudonym"
	"datanet/schemas"
)

// A practice of its own, which extracts in processes that can be killed. In
// testscript's way "datanet" is this test binary.
type practice struct {
	*testing.T
	dir       string
	key       *pseudonym.SiteKey
	custodian *pseudonym.CustodianKey
}

const extractName = "primary-care_Z99001_2026-10-31"

// newPractice has keys, an export of some hundred people, and folders for
// extracts and for temporary files.
func newPractice(t *testing.T) *practice {
	t.Helper()
	p := &practice{T: t, dir: t.TempDir()}
	s := newSession(t, p.dir)
	for _, d := range []string{"keys", "out", "tmp"} {
		if err := os.Mkdir(p.in(d), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	s.must("key", "identity", "--out", p.in("keys", "identity"))
	s.must("key", "linkage", "--out", p.in("keys", "linkage.key"))
	s.must("key", "custodian", "--dataset", "primary-care", "--out", p.in("keys", "custodian.key"))
	s.must("key", "wrap", "--dataset", "primary-care", "--site", "Z99001", "--custodian", p.in("keys", "custodian.key"), "--out", p.in("keys", "wrap"))
	s.must("key", "site", "--dataset", "primary-care", "--site", "Z99001", "--linkage", p.in("keys", "linkage.key"), "--wrap", p.in("keys", "wrap"), "--out", p.in("keys", "site.key"))
	s.must("synth", "--out", p.in("borough"), "--people", "400", "--practices", "1", "--seed", "7", "--as-at", "2026-10-31")
	identity, err := pseudonym.Read[*pseudonym.IdentityKey](p.in("keys", "identity"), pseudonym.Unlock{})
	if err != nil {
		t.Fatal(err)
	}
	unlock := pseudonym.Unlock{Identities: []age.Identity{identity.Identity()}}
	if p.key, err = pseudonym.Read[*pseudonym.SiteKey](p.in("keys", "site.key"), unlock); err != nil {
		t.Fatal(err)
	}
	if p.custodian, err = pseudonym.Read[*pseudonym.CustodianKey](p.in("keys", "custodian.key"), unlock); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *practice) in(parts ...string) string {
	return filepath.Join(append([]string{p.dir}, parts...)...)
}

func (p *practice) source() string { return p.in("borough", "primary-care", "Z99001") }

// command is a run of datanet in a process of its own.
func (p *practice) command(args ...string) *exec.Cmd {
	c := exec.Command("datanet", args...)
	c.Env = append(os.Environ(), "DATANET_IDENTITY="+p.in("keys", "identity"), "TMPDIR="+p.in("tmp"), "HOME="+p.in("home"), "DATANET_HUB="+p.in("hub"))
	c.Dir = p.dir
	return c
}

func (p *practice) extract(more ...string) *exec.Cmd {
	return p.command(append([]string{"extract", "--key", p.in("keys", "site.key"), "--source", p.source(), "--out", p.in("out"), "--test-numbers"}, more...)...)
}

// runs gives a command that must succeed.
func (p *practice) runs(c *exec.Cmd) {
	p.Helper()
	if out, err := c.CombinedOutput(); err != nil {
		p.Fatalf("%v: %v\n%s", c.Args[1:], err, out)
	}
}

// names are what lies in a folder of the practice.
func (p *practice) names(dir string) []string {
	p.Helper()
	entries, err := os.ReadDir(p.in(dir))
	if err != nil {
		p.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// whole verifies an extract in either form by other means than load's, and
// returns its number.
func (p *practice) whole(path string) int64 {
	p.Helper()
	files := folderFiles(p.T, path)
	if strings.HasSuffix(path, schemas.ParcelSuffix) {
		files = p.sealedFiles(path)
	}
	m, err := schemas.DecodeManifest(files["manifest.json"])
	if err != nil {
		p.Fatal(err)
	}
	text, err := pseudonym.VerifyNote(files["manifest.sig"], p.key.Public())
	if err != nil || text != schemas.Statement("manifest", schemas.Digest(files["manifest.json"])) {
		p.Errorf("the signature does not hold: %v", err)
	}
	if len(files) != 2+len(m.AllFiles()) {
		p.Errorf("%d files for %d tables", len(files), len(m.AllFiles()))
	}
	for _, f := range m.AllFiles() {
		if sum := sha256.Sum256(files[f.Name]); hex.EncodeToString(sum[:]) != f.SHA256 {
			p.Errorf("%s is not what was signed", f.Name)
		}
	}
	return m.Sequence
}

func folderFiles(t *testing.T, path string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	entries, _ := os.ReadDir(path)
	for _, e := range entries {
		body, err := os.ReadFile(filepath.Join(path, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[e.Name()] = body
	}
	return files
}

func (p *practice) sealedFiles(path string) map[string][]byte {
	p.Helper()
	body, err := os.ReadFile(path)
	if err != nil {
		p.Fatal(err)
	}
	plain, err := p.custodian.OpenSealed(bytes.NewReader(body))
	if err != nil {
		p.Fatal(err)
	}
	parcel, files := schemas.NewParcelReader(plain), map[string][]byte{}
	names := []string{"manifest.json", "manifest.sig"}
	for i := 0; i < len(names); i++ {
		if _, err := parcel.Next(names[i]); err != nil {
			p.Fatal(err)
		}
		if files[names[i]], err = io.ReadAll(parcel); err != nil {
			p.Fatal(err)
		}
		if i == 0 {
			m, err := schemas.DecodeManifest(files[names[0]])
			if err != nil {
				p.Fatal(err)
			}
			for _, f := range m.AllFiles() {
				names = append(names, f.Name)
			}
		}
	}
	if err := parcel.End(); err != nil {
		p.Fatal(err)
	}
	return files
}

// lasts measures how long a run takes, the shortest of three.
func (p *practice) lasts(run func() *exec.Cmd, after func()) (shortest time.Duration) {
	p.Helper()
	for i := range 3 {
		start := time.Now()
		p.runs(run())
		if took := time.Since(start); i == 0 || took < shortest {
			shortest = took
		}
		after()
	}
	return shortest
}
