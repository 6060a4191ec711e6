package hub

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
)

const testCheck = "1111111111111111"

var (
	custodianKey, custodianVKey = key("custodian", "the custodian")
	_, publisherVKey            = key("publisher", "the publisher")
	_, ledgerVKey               = key("ledger", "the ledger")
)

// key makes the same key pair for the same seed, under any name.
func key(name, seed string) (signer note.Signer, vkey string) {
	secret := sha256.Sum256([]byte(seed))
	private := ed25519.NewKeyFromSeed(secret[:])
	vkey, err := note.NewEd25519VerifierKey(name, private.Public().(ed25519.PublicKey))
	if err != nil {
		panic(err)
	}
	hash := strings.Split(vkey, "+")[1]
	signer, err = note.NewSigner("PRIVATE+KEY+" + name + "+" + hash + "+" + base64.StdEncoding.EncodeToString(append([]byte{1}, secret[:]...)))
	if err != nil {
		panic(err)
	}
	return signer, vkey
}

func described() Hub {
	return Hub{ID: NewID(), Name: "Lambeth DataNet", Publisher: publisherVKey, Ledger: ledgerVKey}
}

func newHub(t testing.TB) *Hub {
	t.Helper()
	h, err := Init(filepath.Join(t.TempDir(), "hub"), described(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func wantKind(t testing.TB, err error, kind string) {
	t.Helper()
	var kinded interface {
		Kind() string
		Hints() []string
	}
	if !errors.As(err, &kinded) || kinded.Kind() != kind {
		t.Fatalf("got error %v, want kind %s", err, kind)
	}
	if len(kinded.Hints()) == 0 {
		t.Logf("no hint with: %v", err)
	}
}

// tree lists everything below a folder: files with what they hold, except locks.
func tree(t testing.TB, dir string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || entry.Name() == "lock" {
			return err
		}
		raw, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		names = append(names, name+" "+hashHex(raw))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestInit(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "hub")
	h, err := Init(dir, described(), func(unfinished *Hub) error {
		return os.WriteFile(filepath.Join(unfinished.LedgerDir(), "records"), nil, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
	opened, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if opened.ID != h.ID || opened.Name != h.Name || opened.Dir() != dir {
		t.Fatalf("opened %+v", opened)
	}
	if _, err := os.Stat(filepath.Join(opened.LedgerDir(), "records")); err != nil {
		t.Error(err)
	}
	for _, name := range []string{".", "datasets", "ledger", "projects", "publications", "audit"} {
		stat, err := os.Stat(filepath.Join(dir, name))
		if err != nil || !stat.IsDir() || stat.Mode().Perm() != 0o700 {
			t.Errorf("%s: %v, %v", name, stat, err)
		}
	}
	if entries, _ := os.ReadDir(parent); len(entries) != 1 {
		t.Errorf("left beside the hub: %v", entries)
	}
}

func TestInitRefuses(t *testing.T) {
	h := newHub(t)
	before := tree(t, h.Dir())
	_, err := Init(h.Dir(), described(), nil)
	wantKind(t, err, "use")
	if !slices.Equal(before, tree(t, h.Dir())) {
		t.Error("the existing hub was changed")
	}
	_, err = Init(filepath.Join(h.Dir(), hubFile), described(), nil)
	wantKind(t, err, "use")
	_, err = Init(filepath.Join(t.TempDir(), "none", "hub"), described(), nil)
	wantKind(t, err, "use")
	for _, wrong := range []Hub{{}, {ID: NewID(), Name: "a\nb", Publisher: publisherVKey, Ledger: ledgerVKey}, {ID: "x", Name: "n", Publisher: publisherVKey, Ledger: ledgerVKey}} {
		if _, err := Init(filepath.Join(t.TempDir(), "hub"), wrong, nil); err == nil {
			t.Errorf("made a hub of %+v", wrong)
		}
	}
}

func TestInitWholeOrNotAtAll(t *testing.T) {
	parent := t.TempDir()
	failed := errors.New("no ledger")
	if _, err := Init(filepath.Join(parent, "hub"), described(), func(*Hub) error { return failed }); !errors.Is(err, failed) {
		t.Fatal(err)
	}
	if entries, _ := os.ReadDir(parent); len(entries) != 0 {
		t.Errorf("left: %v", entries)
	}
	empty := filepath.Join(parent, "empty")
	if err := os.Mkdir(empty, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Init(empty, described(), nil); err != nil {
		t.Errorf("an empty folder: %v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	_, err := Open(t.TempDir())
	wantKind(t, err, "use")
	_, err = Open(filepath.Join(t.TempDir(), "none"))
	wantKind(t, err, "use")
	h := newHub(t)
	path := filepath.Join(h.Dir(), hubFile)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for what, raw := range map[string][]byte{
		"truncated": whole[:len(whole)-1],
		"unknown":   bytes.Replace(whole, []byte(`"id"`), []byte(`"more": 1, "id"`), 1),
		"version":   bytes.Replace(whole, []byte("v1"), []byte("v2"), 1),
		"key":       bytes.Replace(whole, []byte("publisher+"), []byte("publishes+"), 1),
		"empty":     nil,
	} {
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(h.Dir()); err == nil {
			t.Errorf("%s: opened", what)
		} else {
			wantKind(t, err, "integrity")
		}
	}
	elsewhere := filepath.Join(t.TempDir(), "hub.json")
	if err := errors.Join(os.WriteFile(elsewhere, whole, 0o600), os.Remove(path), os.Symlink(elsewhere, path)); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(h.Dir()); err == nil {
		t.Error("a link was followed")
	}
}
