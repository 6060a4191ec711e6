package linkage

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
)

const testHub = "000102030405060708090a0b0c0d0e0f"

var (
	morning               = time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC)
	ledgerKey, ledgerVKey = key("ledger", "the ledger")
	_, publisherVKey      = key("publisher", "the publisher")
)

func hubRecord(t testing.TB) Record {
	return record(t, time.Time{}, HubRecord{Hub: testHub, Name: "Lambeth DataNet", Ledger: ledgerVKey, Publisher: publisherVKey})
}

func loadRecord(t testing.TB, sequence int64) Record {
	return record(t, time.Time{}, LoadRecord{Dataset: "primary-care", Site: "Z99001", Sequence: sequence, AsAt: "2026-10-31",
		Manifest: strings.Repeat("a", 64), Persons: 120, State: strings.Repeat("b", 64)})
}

func record(t testing.TB, at time.Time, body Body) Record {
	t.Helper()
	r, err := NewRecord(at, body)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// founded is a ledger with the hub's record and some loads.
func founded(t testing.TB, loads int) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "ledger")
	if err := Create(dir, Origin(testHub), ledgerKey, morning); err != nil {
		t.Fatal(err)
	}
	l := reopened(t, dir)
	appended(t, l, hubRecord(t))
	for n := range loads {
		appended(t, l, loadRecord(t, int64(n+1)))
	}
	return dir
}

func reopened(t testing.TB, dir string) *Ledger {
	t.Helper()
	l, err := Open(dir, ledgerVKey)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func appended(t testing.TB, l *Ledger, r Record) int64 {
	t.Helper()
	index, err := l.Append(ledgerKey, morning, r)
	if err != nil {
		t.Fatal(err)
	}
	return index
}

func read(t testing.TB, dir, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func write(t testing.TB, dir, name string, raw []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), raw, 0o600); err != nil {
		t.Fatal(err)
	}
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
}

// The figures are those of Certificate Transparency's reference tree; testdata names the source.
func TestTreeIsRFC6962(t *testing.T) {
	var vectors struct {
		Empty  string   `json:"empty_root"`
		Leaves []string `json:"leaves"`
		Roots  []string `json:"roots_after_n_leaves"`
	}
	if err := json.Unmarshal(read(t, "testdata", "merkle_rfc6962.json"), &vectors); err != nil {
		t.Fatal(err)
	}
	if len(vectors.Leaves) != 8 || len(vectors.Roots) != 8 {
		t.Fatal("vectors not found")
	}
	var lines [][]byte
	for _, leaf := range vectors.Leaves {
		line, err := hex.DecodeString(leaf)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	grown, err := plant(lines)
	if err != nil {
		t.Fatal(err)
	}
	for n, want := range append([]string{vectors.Empty}, vectors.Roots...) {
		root, err := grown.root(int64(n))
		if err != nil || hex.EncodeToString(root[:]) != want {
			t.Errorf("root of %d leaves: %x, %v; want %s", n, root, err, want)
		}
	}
}

func TestAppendIsThereAfterOpen(t *testing.T) {
	dir := founded(t, 3)
	l := reopened(t, dir)
	if got := l.Head(); got.Size != 4 || !got.Time.Equal(morning) || l.Origin() != Origin(testHub) {
		t.Fatalf("head %+v", got)
	}
	body, err := l.Records()[3].Decode()
	if err != nil || body.(LoadRecord).Sequence != 3 {
		t.Fatalf("record 3: %+v, %v", body, err)
	}
	if index := appended(t, l, loadRecord(t, 4)); index != 4 {
		t.Fatalf("index %d", index)
	}
	if err := l.Verify(); err != nil {
		t.Fatal(err)
	}
	head, err := ParseHead(l.SignedHead(), ledgerVKey)
	if err != nil || head != l.Head() {
		t.Fatalf("%+v, %v", head, err)
	}
}

func TestModes(t *testing.T) {
	dir := founded(t, 0)
	for _, name := range []string{".", recordsFile, headFile, nextFile, lockFile} {
		stat, err := os.Stat(filepath.Join(dir, name))
		if err != nil || stat.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: %v, %v", name, stat.Mode(), err)
		}
	}
}

// Every truncation and one-byte change of what the head counts, and of the head, is refused; so is every missing file.
func TestMangledIsRefused(t *testing.T) {
	for _, name := range []string{recordsFile, headFile} {
		dir := founded(t, 1)
		whole := read(t, dir, name)
		tries := 0
		try := func(what string, at int, raw []byte) {
			if bytes.HasPrefix(raw, whole) { // no change, or a tail that the head does not count
				return
			}
			tries++
			write(t, dir, name, raw)
			if l, err := Open(dir, ledgerVKey); err == nil || l != nil {
				t.Fatalf("%s: %s at byte %d opened", name, what, at)
			} else if !errors.As(err, new(*IntegrityError)) {
				t.Fatalf("%s: %s at byte %d: %v", name, what, at, err)
			}
		}
		for i := range whole {
			try("truncation", i, whole[:i])
			for _, b := range []byte{whole[i] ^ 1, whole[i] ^ 0x20, whole[i] ^ 0x80, '\n', '\r'} {
				try("change", i, append(append(bytes.Clone(whole[:i]), b), whole[i+1:]...))
			}
			try("removal", i, append(bytes.Clone(whole[:i]), whole[i+1:]...))
			try("insertion", i, append(append(bytes.Clone(whole[:i]), '\n'), whole[i:]...))
		}
		if tries < 1500 {
			t.Fatalf("only %d tries", tries)
		}
		write(t, dir, name, whole)
		reopened(t, dir)
		os.Remove(filepath.Join(dir, name))
		_, err := Open(dir, ledgerVKey)
		wantKind(t, err, "integrity")
	}
}

func TestHeadTakesOneSignature(t *testing.T) {
	dir := founded(t, 0)
	other, _ := key("other", "other")
	text, ok := openNote(read(t, dir, headFile), mustVerifier(ledgerVKey))
	if !ok {
		t.Fatal("head does not open")
	}
	both, err := note.Sign(&note.Note{Text: text}, ledgerKey, other)
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, headFile, both)
	_, err = Open(dir, ledgerVKey)
	wantKind(t, err, "integrity")
}

func mustVerifier(vkey string) note.Verifier {
	verifier, err := parseVKey(vkey)
	if err != nil {
		panic(err)
	}
	return verifier
}

func TestOpenRefusesOtherKeysAndFolders(t *testing.T) {
	dir := founded(t, 0)
	_, other := key("ledger", "another")
	_, err := Open(dir, other)
	wantKind(t, err, "integrity")
	for _, vkey := range []string{"", "ledger", ledgerVKey + "\n", strings.ToUpper(ledgerVKey), ledgerVKey[:len(ledgerVKey)-2]} {
		_, err = Open(dir, vkey)
		wantKind(t, err, "key")
	}
	if _, err := Open(filepath.Join(dir, "none"), ledgerVKey); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("got %v", err)
	}
}

func TestCreate(t *testing.T) {
	dir := founded(t, 1)
	before := read(t, dir, recordsFile)
	if err := Create(dir, Origin(testHub), ledgerKey, morning); !errors.Is(err, fs.ErrExist) {
		t.Fatalf("second Create: %v", err)
	}
	if !bytes.Equal(before, read(t, dir, recordsFile)) {
		t.Fatal("second Create changed the records")
	}
	os.Remove(filepath.Join(dir, headFile))
	if err := Create(dir, Origin(testHub), ledgerKey, morning); !errors.Is(err, fs.ErrExist) {
		t.Fatalf("Create over records without a head: %v", err)
	}
	cutShort := t.TempDir()
	write(t, cutShort, recordsFile, nil)
	if err := Create(cutShort, Origin(testHub), ledgerKey, morning); err != nil {
		t.Fatal(err)
	}
	if err := Create(filepath.Join(t.TempDir(), "x"), "go.sum database tree", ledgerKey, morning); err == nil {
		t.Fatal("another origin was accepted")
	}
}

// A rewritten or shortened ledger, signed by its own key, opens; a remembered head tells.
func TestRememberedHead(t *testing.T) {
	dir := founded(t, 5)
	l := reopened(t, dir)
	var heads []Head
	for size := range int64(7) {
		root, err := l.tree.root(size)
		if err != nil {
			t.Fatal(err)
		}
		heads = append(heads, Head{Origin: l.Origin(), Size: size, Root: root, Time: morning})
	}
	for _, old := range heads {
		if err := l.CheckExtends(old); err != nil {
			t.Errorf("size %d: %v", old.Size, err)
		}
	}
	shorter := reopened(t, founded(t, 4))
	wantKind(t, shorter.CheckExtends(heads[6]), "integrity")
	other := founded(t, 0)
	rewritten := reopened(t, other)
	for n := range 6 {
		appended(t, rewritten, loadRecord(t, int64(100+n)))
	}
	wantKind(t, rewritten.CheckExtends(heads[6]), "integrity")
	wantKind(t, rewritten.CheckExtends(heads[2]), "integrity")
	later := heads[6]
	later.Time = morning.Add(time.Second)
	wantKind(t, l.CheckExtends(later), "integrity")
	foreign := heads[2]
	foreign.Origin = Origin(strings.Repeat("f", 32))
	wantKind(t, l.CheckExtends(foreign), "integrity")

	for _, name := range []string{recordsFile, headFile} {
		write(t, dir, name, read(t, other, name))
	}
	wantKind(t, l.Verify(), "integrity")
	_, err := l.Append(ledgerKey, morning, loadRecord(t, 9))
	wantKind(t, err, "integrity")
}

func TestLedgerKeyAloneMakesNoSense(t *testing.T) {
	for what, body := range map[string]Body{
		"another hub":    HubRecord{Hub: strings.Repeat("f", 32), Name: "n", Ledger: ledgerVKey, Publisher: publisherVKey},
		"another ledger": HubRecord{Hub: testHub, Name: "n", Ledger: publisherVKey, Publisher: ledgerVKey},
		"no hub":         PolicyRecord{Policy: "lattice", SHA256: strings.Repeat("a", 64), Datasets: []string{}},
	} {
		dir := filepath.Join(t.TempDir(), "ledger")
		if err := Create(dir, Origin(testHub), ledgerKey, morning); err != nil {
			t.Fatal(err)
		}
		l := reopened(t, dir)
		if _, err := l.Append(ledgerKey, morning, record(t, morning, body)); err == nil {
			t.Errorf("%s: appended", what)
		}
		// Signed all the same, by other software with the key.
		line, err := record(t, morning, body).encode()
		if err != nil {
			t.Fatal(err)
		}
		write(t, dir, recordsFile, append(line, '\n'))
		if err := l.count(ledgerKey, morning, line); err != nil {
			t.Fatal(err)
		}
		_, err = Open(dir, ledgerVKey)
		wantKind(t, err, "integrity")
	}
}
