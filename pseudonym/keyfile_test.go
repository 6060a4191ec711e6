package pseudonym

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"filippo.io/age"
	"filippo.io/age/armor"
)

// keyRing is an identity to seal with and what unlocks it.
func keyRing(t testing.TB) (*IdentityKey, Unlock) {
	t.Helper()
	id, err := NewIdentityKey(someDay)
	if err != nil {
		t.Fatal(err)
	}
	return id, Unlock{Identities: []age.Identity{id.Identity()}}
}

// cheapScrypt makes passphrase files fast to open, for one test.
func cheapScrypt(t *testing.T) {
	before := scryptWorkFactor
	scryptWorkFactor = 4
	t.Cleanup(func() { scryptWorkFactor = before })
}

func mustWrite(t testing.TB, path string, k Key, to ...age.Recipient) []byte {
	t.Helper()
	if err := Write(path, k, to...); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func names(t testing.TB, dir string) (out []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

// wantKeyError checks a refusal: its type, that it names the file, and that it
// has the words; it returns the error.
func wantKeyError(t testing.TB, err error, path string, words ...string) *KeyError {
	t.Helper()
	var k *KeyError
	if !errors.As(err, &k) {
		t.Fatalf("not a key error: %v", err)
	}
	for _, w := range append(words, path) {
		if !strings.Contains(k.Error(), w) {
			t.Errorf("%q does not say %q", k.Error(), w)
		}
	}
	if k.Kind() != "key" {
		t.Error("kind is not key")
	}
	return k
}

func roundTrip[K Key](t *testing.T, dir string, id *IdentityKey, unlock Unlock, k K) {
	t.Helper()
	path := filepath.Join(dir, k.Kind()+".key")
	var to []age.Recipient
	if !plain(k.Kind()) {
		to = append(to, id.Recipient())
	}
	data := mustWrite(t, path, k, to...)
	if encrypted := bytes.HasPrefix(data, []byte(armor.Header)); encrypted == plain(k.Kind()) {
		t.Errorf("%s: encrypted: %v", k.Kind(), encrypted)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("%s: mode %v, %v", k.Kind(), info.Mode(), err)
	}
	again, err := Read[K](path, unlock)
	if err != nil {
		t.Fatalf("%s: %v", k.Kind(), err)
	}
	if textOf(again) != textOf(k) && k.Kind() != kindIdentity {
		t.Errorf("%s: reading changed the key", k.Kind())
	}
	d, err := Describe(path, unlock)
	if err != nil || !reflect.DeepEqual(d, again.Describe()) || d.Kind != k.Kind() || d.ID == "" {
		t.Errorf("%s: described as %+v, %v", k.Kind(), d, err)
	}
}

func TestWriteAndRead(t *testing.T) {
	dir := t.TempDir()
	id, unlock := keyRing(t)
	keys := fakeKeys(t)
	roundTrip(t, dir, id, unlock, keys[0].(*LinkageFile))
	roundTrip(t, dir, id, unlock, keys[1].(*CustodianKey))
	roundTrip(t, dir, id, unlock, keys[2].(*WrapFile))
	roundTrip(t, dir, id, unlock, keys[3].(*SiteKey))
	roundTrip(t, dir, id, unlock, keys[4].(*GuardianKey))
	roundTrip(t, dir, id, unlock, keys[5].(*PublisherKey))
	roundTrip(t, dir, id, unlock, keys[6].(*LedgerKey))
	roundTrip(t, dir, id, unlock, id)
	if got := len(names(t, dir)); got != 8 {
		t.Errorf("%d files, 8 were written", got)
	}
}

// What `hub init` makes.
func TestHubKeys(t *testing.T) {
	dir := t.TempDir()
	id, unlock := keyRing(t)
	publisher, err := NewPublisherKey("lambeth", someDay)
	if err != nil {
		t.Fatal(err)
	}
	ledger, err := NewLedgerKey("lambeth", someDay)
	if err != nil {
		t.Fatal(err)
	}
	mustWrite(t, filepath.Join(dir, "publisher.key"), publisher, id.Recipient())
	mustWrite(t, filepath.Join(dir, "ledger.key"), ledger)
	again, err := Read[*PublisherKey](filepath.Join(dir, "publisher.key"), unlock)
	if err != nil {
		t.Fatal(err)
	}
	person := Code{1}
	if again.Cell.Uniform(1, 2) != publisher.Cell.Uniform(1, 2) || again.Record.Hasher().Of(person[:]) != publisher.Record.Hasher().Of(person[:]) {
		t.Error("the noise changed on its way through the file")
	}
	if k, err := Read[*LedgerKey](filepath.Join(dir, "ledger.key"), Unlock{}); err != nil || k.Public() != ledger.Public() {
		t.Errorf("the ledger's key is not read unasked: %v", err)
	}
}

// From the key holder to a site, all through files.
func TestKeysOnTheirWay(t *testing.T) {
	dir := t.TempDir()
	id, unlock := keyRing(t)
	at := func(name string) string { return filepath.Join(dir, name) }
	custodian := newCustodian(t, "slam")
	wrap, err := custodian.NewWrapFile("RV5", someDay)
	if err != nil {
		t.Fatal(err)
	}
	mustWrite(t, at("linkage"), NewLinkageFile(someDay), id.Recipient())
	mustWrite(t, at("wrap"), wrap, id.Recipient())
	mustWrite(t, at("custodian"), custodian, id.Recipient())

	l, err := Read[*LinkageFile](at("linkage"), unlock)
	if err != nil {
		t.Fatal(err)
	}
	w, err := Read[*WrapFile](at("wrap"), unlock)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewSiteKey("slam", "RV6", l, w, someDay); err == nil {
		t.Error("a wrap file served another site")
	}
	if _, err := NewSiteKey("maternity", "RV5", l, w, someDay); err == nil {
		t.Error("a wrap file served another dataset")
	}
	site, err := NewSiteKey("slam", "RV5", l, w, someDay)
	if err != nil {
		t.Fatal(err)
	}
	mustWrite(t, at("site"), site, id.Recipient())
	site, err = Read[*SiteKey](at("site"), unlock)
	if err != nil {
		t.Fatal(err)
	}
	back, err := Read[*CustodianKey](at("custodian"), unlock)
	if err != nil {
		t.Fatal(err)
	}

	if site.Wrap.CheckValue() != back.Wrap.Site("RV5").CheckValue() || site.Linkage.CheckValue() != l.Linkage.CheckValue() {
		t.Error("keys changed on their way")
	}
	if site.Signer.Name() != "site/slam/RV5" || site.Custodian.String() != back.PublicPart().Recipient.String() {
		t.Error("the site's signer or its custodian is another one")
	}
	sealed, err := seal("an extract", []age.Recipient{site.Custodian})
	if err != nil {
		t.Fatal(err)
	}
	opened, err := (Unlock{Identities: []age.Identity{back.Identity()}}).open("extract", sealed)
	if err != nil || string(opened) != "an extract" {
		t.Errorf("what the site seals does not open at the custodian: %v", err)
	}
}

func TestWrongNamesMakeNoKeys(t *testing.T) {
	for what, f := range map[string]func() (any, error){
		"custodian": func() (any, error) { return NewCustodianKey("Primary Care", someDay) },
		"dataset":   func() (any, error) { return NewGuardianKey("a/b", "x", someDay) },
		"guardian":  func() (any, error) { return NewGuardianKey("slam", "Dr A Okafor", someDay) },
		"publisher": func() (any, error) { return NewPublisherKey("a+b", someDay) },
		"ledger":    func() (any, error) { return NewLedgerKey("", someDay) },
		"wrap":      func() (any, error) { return newCustodian(t, "slam").NewWrapFile("z99001", someDay) },
	} {
		k, err := f()
		var key *KeyError
		if !errors.As(err, &key) || !reflect.ValueOf(k).IsNil() || len(key.Hints()) == 0 {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestWrongKindIsNamed(t *testing.T) {
	dir := t.TempDir()
	id, unlock := keyRing(t)
	path := filepath.Join(dir, "k")
	mustWrite(t, path, fakeKeys(t)[4], id.Recipient())
	k, err := Read[*SiteKey](path, unlock)
	wantKeyError(t, err, path, "is of kind guardian; one of kind site was wanted")
	if k != nil {
		t.Error("a key beside an error")
	}
}

func TestNothingIsOverwritten(t *testing.T) {
	dir := t.TempDir()
	id, _ := keyRing(t)
	path := filepath.Join(dir, "k")
	before := mustWrite(t, path, fakeKeys(t)[6])
	err := Write(path, fakeKeys(t)[0], id.Recipient())
	if k := wantKeyError(t, err, path, "exists"); !errors.Is(err, fs.ErrExist) || len(k.Hints()) == 0 {
		t.Errorf("%v", err)
	}
	if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
		t.Error("the file changed")
	}
	link := filepath.Join(dir, "dangling")
	if err := os.Symlink(filepath.Join(dir, "elsewhere"), link); err != nil {
		t.Fatal(err)
	}
	if err := Write(link, fakeKeys(t)[6]); !errors.Is(err, fs.ErrExist) {
		t.Errorf("wrote through a symbolic link: %v", err)
	}
	if got := names(t, dir); !reflect.DeepEqual(got, []string{"dangling", "k"}) {
		t.Errorf("left behind: %v", got)
	}
}

// createExclusive is the way on file systems without links; it keeps the rule.
func TestExclusiveWithoutLinks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "k")
	if err := createExclusive(path, []byte("one")); err != nil {
		t.Fatal(err)
	}
	if err := createExclusive(path, []byte("two")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("%v", err)
	}
	if data, _ := os.ReadFile(path); string(data) != "one" {
		t.Error("overwritten")
	}
}

func TestFailureLeavesNothingBehind(t *testing.T) {
	cheapScrypt(t)
	dir := t.TempDir()
	id, _ := keyRing(t)
	pass, err := PassphraseRecipient("correct horse")
	if err != nil {
		t.Fatal(err)
	}
	key, ledger := fakeKeys(t)[3], fakeKeys(t)[6]
	path := filepath.Join(dir, "k")
	wantKeyError(t, Write(path, key), path, "without a lock")
	wantKeyError(t, Write(path, key, pass, id.Recipient()), path, "together")
	wantKeyError(t, Write(path, key, pass, pass), path, "together")
	wantKeyError(t, Write(path, ledger, id.Recipient()), path, "not encrypted")
	missing := filepath.Join(dir, "no", "k")
	if err := Write(missing, key, id.Recipient()); !errors.Is(err, fs.ErrNotExist) || strings.Count(err.Error(), missing) != 1 {
		t.Errorf("%v", err)
	}
	if got := names(t, dir); got != nil {
		t.Errorf("left behind: %v", got)
	}
}

func TestModeWhateverTheUmask(t *testing.T) {
	for _, mask := range []int{0, 0o077, 0o777} {
		dir := t.TempDir()
		before := syscall.Umask(mask)
		err := Write(filepath.Join(dir, "k"), fakeKeys(t)[6])
		syscall.Umask(before)
		if err != nil {
			t.Fatal(err)
		}
		if info, _ := os.Stat(filepath.Join(dir, "k")); info.Mode() != 0o600 {
			t.Errorf("umask %03o: mode %v", mask, info.Mode())
		}
	}
}

func TestReadableByOthersIsRefused(t *testing.T) {
	dir := t.TempDir()
	path, link := filepath.Join(dir, "k"), filepath.Join(dir, "link")
	mustWrite(t, path, fakeKeys(t)[6])
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	for mode := fs.FileMode(0o600); mode <= 0o677; mode++ {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		for _, p := range []string{path, link} {
			k, err := Read[*LedgerKey](p, Unlock{})
			if mode == 0o600 && err != nil {
				t.Errorf("mode 600: %v", err)
			}
			if mode != 0o600 && (err == nil || k != nil) {
				t.Errorf("mode %o: accepted", mode)
			}
		}
	}
	_, err := Describe(link, Unlock{})
	if k := wantKeyError(t, err, link, "by others", "0677"); len(k.Hints()) == 0 {
		t.Error("no hint")
	}
}

func TestUnreadableFiles(t *testing.T) {
	dir := t.TempDir()
	_, unlock := keyRing(t)
	put := func(name, data string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, words := range map[string]string{
		filepath.Join(dir, "none"):               "no such file",
		dir:                                      "not a regular file",
		fifo:                                     "not a regular file",
		put("empty", ""):                         `line 1: "datanet/v1/key" expected`,
		put("huge", strings.Repeat("x", 1<<17)):  "too large",
		put("bare", encodeKey(fakeKeys(t)[3])):   "not encrypted",
		put("binary", "age-encryption.org/v1\n"): "line 1",
		put("armor", armor.Header+"\n"):          "damaged",
		put("two", strings.Repeat(fakeIdentity(t).key().String()+"\n", 2)):                   "exactly one",
		put("comment", "# public key: age1q\n"+fakeIdentity(t).key().String()+"\n"):          "another identity",
		put("crlf", strings.ReplaceAll(encodeKey(fakeKeys(t)[6]), "\n", "\r\n")):             "line 1",
		put("quoted", "kind AGE-SECRET-KEY-1QQQ\ndatanet/v1/key\nkind site\nDATANET-SECRET"): "exactly one",
	} {
		_, err := Describe(path, unlock)
		k := wantKeyError(t, err, path, words)
		if strings.Contains(k.Error(), "SECRET") || strings.Contains(strings.Join(k.Hints(), ""), "SECRET") {
			t.Error("the message quotes the file")
		}
	}
	if _, err := Describe(filepath.Join(dir, "none"), unlock); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
	sealed, err := seal(encodeKey(fakeKeys(t)[6]), []age.Recipient{fakeIdentity(t).recipient()})
	if err != nil {
		t.Fatal(err)
	}
	path := put("sealedledger", string(sealed))
	_, err = Describe(path, Unlock{Identities: []age.Identity{fakeIdentity(t)}})
	wantKeyError(t, err, path, "is encrypted")
}

func TestEveryDamageToAKeyFileIsRefused(t *testing.T) {
	dir := t.TempDir()
	id, unlock := keyRing(t)
	path := filepath.Join(dir, "k")
	data := mustWrite(t, path, fakeKeys(t)[4], id.Recipient())
	refuse := func(what string, i int, changed []byte) {
		t.Helper()
		text, err := unlock.open(path, changed)
		if err == nil || text != nil {
			t.Fatalf("%s at byte %d: accepted", what, i)
		}
		wantKeyError(t, err, path)
	}
	for i := range data {
		refuse("truncation", i, data[:i])
		for _, mask := range []byte{0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80} {
			changed := append([]byte(nil), data...)
			changed[i] ^= mask
			refuse("change", i, changed)
		}
		refuse("deletion", i, append(append([]byte(nil), data[:i]...), data[i+1:]...))
	}
	for _, extra := range []string{"\n", " ", "\r\n", "x", string(data)} {
		refuse("addition", len(data), append(append([]byte(nil), data...), extra...))
		refuse("addition", 0, append([]byte(extra), data...))
	}
	refuse("line ends", 0, bytes.ReplaceAll(data, []byte("\n"), []byte("\r\n")))

	// The same through the file, once: nothing beside the error.
	data[len(data)/2] ^= 1
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	k, err := Read[*GuardianKey](path, unlock)
	if wantKeyError(t, err, path, "damaged"); k != nil {
		t.Error("a key beside an error")
	}
}

func TestState(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "site.key")
	keys := fakeKeys(t)
	site := keys[3].(*SiteKey)
	if _, err := site.OpenState(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("before the first: %v", err)
	}
	for _, state := range [][]byte{[]byte("sequence 1"), nil, bytes.Repeat([]byte("code"), 1<<18)} {
		if err := site.SealState(path, state); err != nil {
			t.Fatal(err)
		}
		got, err := site.OpenState(path)
		if err != nil || !bytes.Equal(got, state) {
			t.Fatalf("%d bytes became %d, %v", len(state), len(got), err)
		}
	}
	if info, _ := os.Stat(StatePath(path)); info.Mode() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	if got := names(t, dir); !reflect.DeepEqual(got, []string{"site.key.state"}) {
		t.Errorf("left behind: %v", got)
	}

	// What a crash leaves half-written goes with the next one; what is another key's stays.
	for _, name := range []string{".site.key.state.part-123", ".site2.key.state.part-123"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := site.SealState(path, []byte("sequence 3")); err != nil {
		t.Fatal(err)
	}
	if got := names(t, dir); !reflect.DeepEqual(got, []string{".site2.key.state.part-123", "site.key.state"}) {
		t.Errorf("left behind: %v", got)
	}

	if err := site.SealState(path, []byte("sequence 4")); err != nil {
		t.Fatal(err)
	}
	data, _ := os.ReadFile(StatePath(path))
	for i := range data {
		for _, changed := range [][]byte{data[:i], append(append(append([]byte(nil), data[:i]...), data[i]^1), data[i+1:]...)} {
			if err := os.WriteFile(StatePath(path), changed, 0o600); err != nil {
				t.Fatal(err)
			}
			if state, err := site.OpenState(path); err == nil || state != nil {
				t.Fatalf("damage at byte %d: accepted", i)
			}
		}
	}
	if err := os.WriteFile(StatePath(path), data, 0o600); err != nil {
		t.Fatal(err)
	}
	other, err := NewSiteKey("primary-care", "Z99001", keys[0].(*LinkageFile), keys[2].(*WrapFile), someDay)
	if err != nil {
		t.Fatal(err)
	}
	_, err = other.OpenState(path)
	wantKeyError(t, err, StatePath(path), "another key")
	if err := os.Chmod(StatePath(path), 0o640); err != nil {
		t.Fatal(err)
	}
	_, err = site.OpenState(path)
	wantKeyError(t, err, StatePath(path), "others")
	err = site.SealState(filepath.Join(dir, "no", "k"), nil)
	wantKeyError(t, err, "k.state", "cannot be written")
}

func FuzzKeyFile(f *testing.F) {
	id, unlock := keyRing(f)
	for _, k := range fakeKeys(f) {
		sealed, err := seal(encodeKey(k), []age.Recipient{id.Recipient()})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(sealed)
		f.Add(sealed[:len(sealed)/2])
	}
	f.Add([]byte(armor.Header))
	f.Fuzz(func(t *testing.T, data []byte) {
		text, err := unlock.open("k", data)
		if err != nil {
			if text != nil {
				t.Fatal("a text beside an error")
			}
			wantKeyError(t, err, "k")
			return
		}
		// Whatever opens is authenticated, so it was written by this test.
		if _, err := parseKey(text); err != nil {
			t.Fatal(err)
		}
	})
}
