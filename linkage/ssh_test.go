package linkage

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/mod/sumdb/note"
)

const (
	sshTestPhrase = "throwaway test"
	// As ssh-keygen -l prints it of testdata/ssh/key.pub.
	sshTestPrint = "SHA256:VLx4jPutDui6thPN/QJN7gqwr+DXvFnqpiYzEFgn95k"
)

func sshFixture(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "ssh", name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// What ssh-keygen wrote is read: a public key, its fingerprint, and both files as the same key.
func TestSSHFilesOfSSHKeygen(t *testing.T) {
	key, comment, err := ParseSSHKey(string(sshFixture(t, "key.pub")))
	if err != nil || comment != "throwaway-test-key" || key.Fingerprint() != sshTestPrint {
		t.Fatalf("%v, %q, %s", err, comment, key.Fingerprint())
	}
	for name, locked := range map[string]bool{"open": false, "locked": true} {
		f, err := ParseSSHFile(sshFixture(t, name))
		if err != nil || f.Key != key || f.Locked != locked {
			t.Fatalf("%s: %v, same key: %v, locked: %v", name, err, f.Key == key, f.Locked)
		}
		sign, err := f.Open(sshTestPhrase)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if sig, err := sign([]byte("x")); err != nil || !ed25519.Verify(key.point[:], []byte("x"), sig) {
			t.Errorf("%s: %v; the signature holds: false", name, err)
		}
	}
}

// The same, with whatever ssh-keygen there is here.
func TestSSHFilesOfThisMachine(t *testing.T) {
	keygen, err := exec.LookPath("ssh-keygen")
	if err != nil {
		t.Skip("SKIPPED: there is no ssh-keygen here; testdata/ssh holds what one wrote")
	}
	for _, options := range [][]string{{"-N", ""}, {"-N", "a b"}, {"-N", "a b", "-a", "3", "-Z", "aes256-cbc"}} {
		file := filepath.Join(t.TempDir(), "key")
		if out, err := exec.Command(keygen, append([]string{"-q", "-t", "ed25519", "-C", "a.okafor", "-f", file}, options...)...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", options, err, out)
		}
		text, _ := os.ReadFile(file)
		line, _ := os.ReadFile(file + ".pub")
		key, _, err := ParseSSHKey(string(line))
		if err != nil {
			t.Fatal(err)
		}
		shown, err := exec.Command(keygen, "-l", "-f", file+".pub").Output()
		if err != nil || !bytes.Contains(shown, []byte(" "+key.Fingerprint()+" ")) {
			t.Errorf("%v: ssh-keygen shows another fingerprint: %v", options, err)
		}
		f, err := ParseSSHFile(text)
		if err != nil || f.Key != key {
			t.Fatalf("%v: %v", options, err)
		}
		if _, err := f.Open(options[1]); err != nil {
			t.Errorf("%v: %v", options, err)
		}
		if _, err := f.Open("another"); f.Locked == (err == nil) {
			t.Errorf("%v: opens with another passphrase: %v", options, err == nil)
		}
	}
}

// RFC 8032, section 7.1, TEST 3: what signs makes the raw signature of the text.
func TestSSHSignatureIsRFC8032(t *testing.T) {
	unhex := func(s string) []byte { b, _ := hex.DecodeString(s); return b }
	seed := unhex("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7")
	block, err := ssh.MarshalPrivateKey(ed25519.NewKeyFromSeed(seed), "")
	if err != nil {
		t.Fatal(err)
	}
	f, err := ParseSSHFile(pem.EncodeToMemory(block))
	if err != nil {
		t.Fatal(err)
	}
	sign, err := f.Open("")
	if err != nil {
		t.Fatal(err)
	}
	sig, err := sign(unhex("af82"))
	if want := "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"; err != nil || hex.EncodeToString(sig) != want {
		t.Errorf("%x, %v", sig, err)
	}
}

// An SSH key and a datanet key file of the same key sign alike: there is one form of signature.
func TestSSHSignsLikeAKeyFile(t *testing.T) {
	const text = "datanet/v1/approval\nid 2026-001\n"
	key, file, private := sshPair(t)
	vkey, err := key.VKey("guardian/slam/a.okafor")
	if err != nil {
		t.Fatal(err)
	}
	hash := strings.Split(vkey, "+")[1]
	own, err := note.NewSigner("PRIVATE+KEY+guardian/slam/a.okafor+" + hash + "+" + base64.StdEncoding.EncodeToString(append([]byte{1}, private.Seed()...)))
	if err != nil {
		t.Fatal(err)
	}
	want, _ := note.Sign(&note.Note{Text: text}, own)
	signer := sshSignerOf(t, file, vkey)
	if got, err := note.Sign(&note.Note{Text: text}, signer); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%v\n%s\nand a key file\n%s", err, got, want)
	}
	for _, other := range []string{"", "SSHSIG\x00", "\x00\x00\x00\x20session", "datanet/v2/approval\n"} {
		if sig, err := signer.Sign([]byte(other)); err == nil || sig != nil {
			t.Errorf("signs %q, which is none of our texts", other)
		}
	}
}

// Nothing is recorded that does not hold, whatever signs.
func TestSSHSignerTrustsNoAgent(t *testing.T) {
	key, _, _ := sshPair(t)
	_, _, other := sshPair(t)
	vkey, _ := key.VKey("guardian/slam/a.okafor")
	for what, sign := range map[string]func([]byte) ([]byte, error){
		"another key":  func(text []byte) ([]byte, error) { return ed25519.Sign(other, text), nil },
		"nothing":      func([]byte) ([]byte, error) { return nil, nil },
		"a long thing": func([]byte) ([]byte, error) { return make([]byte, 1<<16), nil },
	} {
		signer, err := key.Signer(vkey, sign)
		if err != nil {
			t.Fatal(err)
		}
		if sig, err := signer.Sign([]byte("datanet/v1/approval\n")); sig != nil || !errors.As(err, new(*KeyError)) {
			t.Errorf("%s: %v", what, err)
		}
	}
	declined := &Refusal{reason: "no"}
	signer, _ := key.Signer(vkey, func([]byte) ([]byte, error) { return nil, declined })
	if _, err := signer.Sign([]byte("datanet/v1/approval\n")); err != error(declined) {
		t.Errorf("what the agent says is lost: %v", err)
	}
	if _, err := key.Signer(vkeyOf("G1"), nil); err == nil {
		t.Error("signs under another key's name")
	}
}

func TestSSHLines(t *testing.T) {
	line := strings.TrimSpace(string(sshFixture(t, "key.pub")))
	kind, rest, _ := strings.Cut(line, " ")
	word, _, _ := strings.Cut(rest, " ")
	wire, _ := base64.StdEncoding.DecodeString(word)
	encoded := func(wire []byte) string { return base64.StdEncoding.EncodeToString(wire) }
	made := func(kind string, fields ...string) string {
		wire := ssh.Marshal(struct{ T string }{kind})
		for _, f := range fields {
			wire = append(wire, ssh.Marshal(struct{ F string }{f})...)
		}
		return kind + " " + encoded(wire)
	}
	for _, good := range []string{line, line + "\n", line + "\r\n", kind + " " + word, kind + " " + word + " two words"} {
		if key, _, err := ParseSSHKey(good); err != nil || key.Fingerprint() != sshTestPrint {
			t.Errorf("%q: %v", good, err)
		}
	}
	for bad, says := range map[string]string{
		"":                         "not the line",
		"ssh-ed25519":              "not the line",
		word:                       "not the line",
		line + "\n" + line:         "not the line",
		" " + line:                 "not the line",
		`command="x" ` + line:      "not the line",
		kind + "  " + word:         "not the line",
		kind + " " + word[:40]:     "not the line",
		kind + " " + word + "AAAA": "not the line",
		kind + " " + encoded(append(bytes.Clone(wire), 0)):            "not the line",
		kind + " " + encoded(wire[:len(wire)-1]):                      "not the line",
		"ssh-rsa " + word:                                             "ssh-rsa",
		"ecdsa-sha2-nistp256 AAAA":                                    "ecdsa",
		made("sk-ssh-ed25519@openssh.com", string(wire[19:]), "ssh:"): "FIDO",
		kind + " " + strings.Fields(made("sk-ssh-ed25519@openssh.com", string(wire[19:]), "ssh:"))[1]: "FIDO",
		"ssh-ed25519-cert-v01@openssh.com AAAA":                                                       "certificate",
		kind + " " + strings.Repeat("A", maxSSHLine):                                                  "not the line",
	} {
		key, _, err := ParseSSHKey(bad)
		var k *KeyError
		if !errors.As(err, &k) || key != (SSHKey{}) || !strings.Contains(k.Error(), says) || len(k.Hints()) == 0 {
			t.Errorf("%.60q: %v", bad, err)
		}
		if err != nil && strings.Contains(fmt.Sprint(err, k.Hints()), word[25:]) {
			t.Errorf("%.60q: what was read is in the error", bad)
		}
	}
}

// The same key is known by whatever name it has.
func TestSSHKeyIsTheSameUnderAnyName(t *testing.T) {
	key, _, _ := sshPair(t)
	other, _, _ := sshPair(t)
	for _, name := range []string{"guardian/slam/a.okafor", "applicant/b", "x"} {
		vkey, err := key.VKey(name)
		if err != nil || !key.Is(vkey) || other.Is(vkey) {
			t.Errorf("%s: %v, is: %v, another is: %v", name, err, key.Is(vkey), other.Is(vkey))
		}
	}
	for _, name := range []string{"", "a b", "a+b", "a\n"} {
		if vkey, err := key.VKey(name); err == nil {
			t.Errorf("%q names a key: %s", name, vkey)
		}
	}
	if key.Is("") || key.Is("x+00000000+") {
		t.Error("is nothing")
	}
}

func TestSSHKeyOfAGuardian(t *testing.T) {
	w := newWorld(t)
	key, file, _ := sshPair(t)
	trust := w.l.mustTrust(t)
	var r *Refusal
	if _, _, err := trust.GuardedBy(key); !errors.As(err, &r) || r.Check() != CheckSigner {
		t.Fatalf("a key that nobody trusts: %v", err)
	}
	vkey, _ := key.VKey("guardian/slam/a.okafor")
	trust = Trust{datasets: map[string]DatasetTrust{"maternity": {}, "primary-care": trust.Dataset("primary-care"), "slam": {Guardian: vkey}}}
	dataset, known, err := trust.GuardedBy(key)
	if err != nil || dataset != "slam" || known != vkey {
		t.Fatalf("%s, %s, %v", dataset, known, err)
	}
	a := w.approved("primary-care", "slam")
	b, err := NewSignature(a, "slam", sshSignerOf(t, file, vkey))
	if err != nil {
		t.Fatal(err)
	}
	if text, err := openAs(b.Note, vkey, "the Guardian"); err != nil || text != a.Text() {
		t.Errorf("the signature is not over the approval's text: %v", err)
	}
	if err := w.append(b); !errors.As(err, &r) {
		t.Errorf("a hub that does not trust it takes it: %v", err)
	}
}

func (l *Ledger) mustTrust(t *testing.T) Trust {
	t.Helper()
	d, err := l.Decisions()
	if err != nil {
		t.Fatal(err)
	}
	return d.Trust()
}

// Every truncation and one-byte change of a file is refused, or is another way to write the same key.
func TestSSHFileMangled(t *testing.T) {
	for _, name := range []string{"open", "locked"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if name == "locked" && testing.Short() {
				t.Skip("opens a locked file hundreds of times")
			}
			file := sshFixture(t, name)
			key, _, _ := ParseSSHKey(string(sshFixture(t, "key.pub")))
			refused, same := 0, 0
			try := func(what string, i int, mangled []byte) {
				f, err := ParseSSHFile(mangled)
				var sign func([]byte) ([]byte, error)
				if err == nil {
					sign, err = f.Open(sshTestPhrase)
				}
				if err != nil {
					refused++
					if !errors.As(err, new(*KeyError)) {
						t.Errorf("%s at %d: %T", what, i, err)
					}
					return
				}
				same++
				if sig, err := sign([]byte("x")); err != nil || f.Key != key || !ed25519.Verify(key.point[:], []byte("x"), sig) {
					t.Errorf("%s at %d: another key came out of it", what, i)
				}
			}
			for i := range file {
				try("cut off", i, file[:i])
				for _, flip := range []byte{1, 0x80} {
					mangled := bytes.Clone(file)
					mangled[i] ^= flip
					try("changed", i, mangled)
				}
			}
			if refused < len(file) || same == 0 {
				t.Errorf("%d refused, %d the same", refused, same)
			}
		})
	}
}

// A file whose halves do not belong together would give the key away with a signature: under the wrong public half, two
// signatures of one text tell the private one.
func TestSSHFileOfTwoHalves(t *testing.T) {
	mine, _, private := sshPair(t)
	other, _, _ := sshPair(t)
	for what, halves := range map[string]struct{ outside, inside SSHKey }{
		"outside": {other, mine}, "inside": {mine, other}, "both": {other, other},
	} {
		whole := slices.Concat(private.Seed(), halves.inside.point[:])
		inner := ssh.Marshal(struct {
			Check1, Check2 uint32
			Type           string
			Public         []byte
			Private        []byte
			Comment        string
			Pad            []byte `ssh:"rest"`
		}{7, 7, ssh.KeyAlgoED25519, halves.inside.point[:], whole, "", nil})
		body := append([]byte(sshFileMagic), ssh.Marshal(sshEnvelope{Cipher: "none", KDF: "none", Keys: 1, Public: halves.outside.Wire(), Private: inner})...)
		f, err := ParseSSHFile(pem.EncodeToMemory(&pem.Block{Type: sshFileType, Bytes: body}))
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if sign, err := f.Open(""); err == nil || sign != nil || !strings.Contains(err.Error(), "is not that of its public part") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// What cannot be used is said to be so, before anybody types a passphrase.
func TestSSHFilesThatCannotSign(t *testing.T) {
	key, _, _ := sshPair(t)
	file := func(e sshEnvelope) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: sshFileType, Bytes: append([]byte(sshFileMagic), ssh.Marshal(e)...)})
	}
	rounds := func(n uint32) string {
		return string(ssh.Marshal(struct {
			Salt   string
			Rounds uint32
		}{"0123456789abcdef", n}))
	}
	sk := ssh.Marshal(struct{ Type, Key, App string }{"sk-ssh-ed25519@openssh.com", string(key.point[:]), "ssh:"})
	for _, c := range []struct {
		what string
		file []byte
		says string
	}{
		{"nothing", nil, "not a whole"},
		{"two blocks", slices.Concat(sshFixture(t, "open"), sshFixture(t, "open")), "not a whole"},
		{"another format", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte{1}}), "OpenSSH's own format"},
		{"two keys", file(sshEnvelope{Cipher: "none", KDF: "none", Keys: 2, Public: key.Wire()}), "not a whole"},
		{"a security key", file(sshEnvelope{Cipher: "none", KDF: "none", Keys: 1, Public: sk}), "FIDO"},
		{"another cipher", file(sshEnvelope{Cipher: "chacha20-poly1305@openssh.com", KDF: "bcrypt", KDFOptions: rounds(16), Keys: 1, Public: key.Wire()}), "locked in a way"},
		{"a million rounds", file(sshEnvelope{Cipher: "aes256-ctr", KDF: "bcrypt", KDFOptions: rounds(1e6), Keys: 1, Public: key.Wire()}), "rounds"},
		{"no rounds", file(sshEnvelope{Cipher: "aes256-ctr", KDF: "bcrypt", KDFOptions: rounds(0), Keys: 1, Public: key.Wire()}), "not a whole"},
	} {
		_, err := ParseSSHFile(c.file)
		var k *KeyError
		if !errors.As(err, &k) || !strings.Contains(k.Error(), c.says) || len(k.Hints()) == 0 {
			t.Errorf("%s: %v", c.what, err)
		}
	}
	f, err := ParseSSHFile(sshFixture(t, "locked"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Open("wrong"); err == nil || strings.Contains(err.Error(), "wrong") || !strings.Contains(err.Error(), "does not open with this passphrase") {
		t.Error(err)
	}
}

// Whatever is printed of a file or a signer holds nothing of the private part.
func TestSSHKeysPrintNothing(t *testing.T) {
	key, file, private := sshPair(t)
	vkey, _ := key.VKey("x")
	secrets := []string{string(private.Seed()), hex.EncodeToString(private.Seed()), fmt.Sprint(private.Seed()), fmt.Sprintf("%#v", private.Seed()), "BEGIN"}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q"} {
		for _, value := range []any{file, &file, sshSignerOf(t, file, vkey)} {
			for _, secret := range secrets {
				if said := fmt.Sprintf(verb, value); strings.Contains(said, strings.Trim(secret, "[]")) {
					t.Errorf("%s of a %T prints the key", verb, value)
				}
			}
		}
	}
}

func sshPair(t testing.TB) (SSHKey, SSHFile, ed25519.PrivateKey) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "throwaway")
	if err != nil {
		t.Fatal(err)
	}
	f, err := ParseSSHFile(pem.EncodeToMemory(block))
	if err != nil {
		t.Fatal(err)
	}
	return f.Key, f, private
}

func sshSignerOf(t testing.TB, f SSHFile, vkey string) note.Signer {
	t.Helper()
	sign, err := f.Open("")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := f.Key.Signer(vkey, sign)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}
