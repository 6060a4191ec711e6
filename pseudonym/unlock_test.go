package pseudonym

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"filippo.io/age/armor"
)

func TestPassphrases(t *testing.T) {
	cheapScrypt(t)
	path := filepath.Join(t.TempDir(), "k")
	to, err := PassphraseRecipient("correct horse")
	if err != nil {
		t.Fatal(err)
	}
	mustWrite(t, path, fakeKeys(t)[3], to)
	asked := 0
	answer := func(pass string, err error) Unlock {
		_, ring := keyRing(t)
		ring.Passphrase = func(p string) (string, error) {
			asked++
			if p != path {
				t.Errorf("asked for %s", p)
			}
			return pass, err
		}
		return ring
	}
	if _, err := Read[*SiteKey](path, answer("correct horse", nil)); err != nil {
		t.Error(err)
	}
	_, err = Read[*SiteKey](path, answer("wrong", nil))
	wantKeyError(t, err, path, "does not open with this passphrase")
	_, err = Read[*SiteKey](path, answer("", nil))
	wantKeyError(t, err, path, "does not open with this passphrase")
	interrupted := errors.New("interrupted")
	_, err = Read[*SiteKey](path, answer("", interrupted))
	if wantKeyError(t, err, path, "interrupted"); !errors.Is(err, interrupted) {
		t.Error("the callback's error is not underneath")
	}
	if asked != 4 {
		t.Errorf("asked %d times for 4 readings", asked)
	}
	_, err = Read[*SiteKey](path, Unlock{})
	if k := wantKeyError(t, err, path, "none was given"); len(k.Hints()) == 0 {
		t.Error("no hint")
	}
	if _, err := PassphraseRecipient(""); err == nil {
		t.Error("an empty passphrase is accepted")
	}
}

func TestPassphraseIsAskedOnlyWhenNeeded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "k")
	id, unlock := keyRing(t)
	_, stranger := keyRing(t)
	mustWrite(t, path, fakeKeys(t)[3], id.Recipient(), fakeIdentity(t).recipient())
	never := func(string) (string, error) { t.Error("asked for a passphrase"); return "", nil }
	unlock.Passphrase, stranger.Passphrase = never, never
	if _, err := Read[*SiteKey](path, unlock); err != nil {
		t.Error(err)
	}
	if _, err := Read[*SiteKey](path, Unlock{Identities: []age.Identity{fakeIdentity(t)}}); err != nil {
		t.Errorf("the second recipient: %v", err)
	}
	_, err := Read[*SiteKey](path, stranger)
	wantKeyError(t, err, path, "locked to a recipient")
}

// A file made to cost hours is refused at once.
func TestWorkFactorIsBounded(t *testing.T) {
	before := scryptWorkFactor
	scryptWorkFactor = 4
	to, err := PassphraseRecipient("correct horse")
	scryptWorkFactor = before
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := seal("text", []age.Recipient{to})
	if err != nil {
		t.Fatal(err)
	}
	raw, _ := dearmor(sealed)
	raw = bytes.Replace(raw, []byte(" 4\n"), []byte(" 22\n"), 1)
	var costly bytes.Buffer
	w := armor.NewWriter(&costly)
	w.Write(raw)
	w.Close()
	start := time.Now()
	_, err = Unlock{Passphrase: func(string) (string, error) { return "correct horse", nil }}.open("k", costly.Bytes())
	wantKeyError(t, err, "k", "damaged")
	if time.Since(start) > time.Second/4 {
		t.Error("it was worked on")
	}
}

// The default costs what it should: the hook above is for tests only.
func TestDefaultWorkFactor(t *testing.T) {
	if scryptWorkFactor != 18 || maxWorkFactor < scryptWorkFactor {
		t.Errorf("new files cost 2^%d", scryptWorkFactor)
	}
}

func TestIdentityFiles(t *testing.T) {
	dir := t.TempDir()
	id, _ := keyRing(t)
	path := filepath.Join(dir, "id")
	data := mustWrite(t, path, id)
	if !strings.Contains(string(data), "# public key: "+id.Public()+"\n") {
		t.Error("the recipient is not in a comment")
	}
	// age's own parser reads it, and ours reads what age-keygen writes.
	if ids, err := age.ParseIdentities(bytes.NewReader(data)); err != nil || len(ids) != 1 {
		t.Errorf("age does not read it: %v", err)
	}
	hybrid, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	pq := filepath.Join(dir, "pq")
	text := "# created: 2026-10-31T09:00:00Z\n# public key: " + hybrid.Recipient().String() + "\n" + hybrid.String() + "\n"
	if err := os.WriteFile(pq, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	k, err := Read[*IdentityKey](pq, Unlock{})
	if err != nil {
		t.Fatal(err)
	}
	site := filepath.Join(dir, "site")
	mustWrite(t, site, fakeKeys(t)[3], k.Recipient())
	if _, err := Read[*SiteKey](site, Unlock{Identities: []age.Identity{k.Identity()}}); err != nil {
		t.Errorf("a post-quantum identity: %v", err)
	}
}

func TestRecipientsGivenByMistake(t *testing.T) {
	id, _ := keyRing(t)
	if _, err := ParseRecipient(id.Public()); err != nil {
		t.Error(err)
	}
	for _, s := range []string{"", "age1", "ssh-ed25519 AAAA", id.private(), strings.ToLower(id.private())} {
		r, err := ParseRecipient(s)
		k := wantKeyError(t, err, "recipient")
		if r != nil || len(s) > 8 && strings.Contains(k.Error()+strings.Join(k.Hints(), ""), s[len(s)-8:]) {
			t.Error("accepted or quoted")
		}
	}
}
