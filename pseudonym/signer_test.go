package pseudonym

import (
	"crypto/ed25519"
	"encoding/hex"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
)

func TestPublishedNote(t *testing.T) {
	v := vectors.Note[0]
	s, err := parseSigner(v.Skey)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := s.SignNote(v.Text)
	if err != nil || string(signed) != v.Signed {
		t.Errorf("%s: signed otherwise than published (%v)", v.ID, err)
	}
	if s.Public() != v.Vkey {
		t.Errorf("%s: verifier key %s, want %s", v.ID, s.Public(), v.Vkey)
	}
	if text, err := VerifyNote([]byte(v.Signed), v.Vkey); err != nil || text != v.Text {
		t.Errorf("%s: %v", v.ID, err)
	}
}

func TestPublishedEd25519(t *testing.T) {
	for _, v := range vectors.Ed25519 {
		key := ed25519.NewKeyFromSeed(unhex(t, v.Seed))
		if hex.EncodeToString(key.Public().(ed25519.PublicKey)) != v.Public {
			t.Errorf("%s: another public key", v.ID)
		}
		if hex.EncodeToString(ed25519.Sign(key, unhex(t, v.Message))) != v.Signature {
			t.Errorf("%s: another signature", v.ID)
		}
	}
}

func TestEveryDamageToANoteIsRefused(t *testing.T) {
	s := fakeSigner(t, "site/primary-care/Z99001")
	signed, err := s.SignNote("extract v1\nrows 12\n")
	if err != nil {
		t.Fatal(err)
	}
	refuse := func(what string, note []byte) {
		t.Helper()
		if text, err := VerifyNote(note, s.Public()); err == nil || text != "" {
			t.Errorf("%s: accepted", what)
		}
	}
	for i := range signed {
		refuse("truncation", signed[:i])
		for bit := range 8 {
			changed := append([]byte(nil), signed...)
			changed[i] ^= 1 << bit
			refuse("change", changed)
		}
	}
	lines := strings.SplitAfter(string(signed), "\n")
	last := lines[len(lines)-2]
	refuse("repeated signature", []byte(string(signed)+last))
	other, _ := newSigner("site/primary-care/Z99002")
	both, err := note.Sign(&note.Note{Text: "extract v1\nrows 12\n"}, s, other)
	if err != nil {
		t.Fatal(err)
	}
	refuse("second signature", both)
	if text, err := VerifyNote(signed, other.Public()); err == nil || text != "" {
		t.Error("accepted under another key")
	}
	if text, err := VerifyNote(signed, "site+zz"); err == nil || text != "" {
		t.Error("accepted under no key")
	}
}

// A key made anew under the same name is another key.
func TestSameNameOtherKey(t *testing.T) {
	a, err := newSigner("ledger/example")
	if err != nil {
		t.Fatal(err)
	}
	b, _ := newSigner("ledger/example")
	signed, _ := a.SignNote("text\n")
	if _, err := VerifyNote(signed, b.Public()); err == nil {
		t.Error("accepted a signature of another key of the name")
	}
	if a.ID() == b.ID() {
		t.Error("two keys have one id")
	}
}

func TestUnsignableTexts(t *testing.T) {
	s := fakeSigner(t, "ledger/example")
	for _, text := range []string{"", "no line feed", "bell\x07\n", "\xff\n"} {
		if signed, err := s.SignNote(text); err == nil || signed != nil {
			t.Errorf("signed %q", text)
		}
	}
}

func TestNames(t *testing.T) {
	for name, c := range map[string]struct {
		valid    func(string) bool
		yes, not string
	}{
		"site":    {ValidSite, "Z99001 RV5 G85001 12345678", "Z9 z99001 Z99001X99 Z-99 Z99001\n ../Z99 Z99001:x É99"},
		"dataset": {ValidDataset, "primary-care slam maternity a a1-b2", "Slam -a a- a--b primary_care 1a a\n a/b " + strings.Repeat("a", 33)},
		"name":    {ValidName, "a.okafor a.okafor@nhs.net Lambeth 1_b", ".a -a a+b a/b a:b é " + strings.Repeat("a", 65)},
	} {
		for _, s := range strings.Fields(c.yes) {
			if !c.valid(s) {
				t.Errorf("%s %q is refused", name, s)
			}
		}
		for _, s := range append(strings.Split(c.not, " "), "", " ", "a b") {
			if c.valid(s) {
				t.Errorf("%s %q is accepted", name, s)
			}
		}
	}
}
