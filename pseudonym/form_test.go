package pseudonym

import (
	"crypto/ed25519"
	"encoding/base64"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"
)

var update = flag.Bool("update", false, "rewrite the golden key files under testdata")

// someDay is in the evening of another zone's next day: files hold UTC days.
var someDay = time.Date(2026, 11, 1, 0, 30, 0, 0, time.FixedZone("BST", 3600))

// fakeBytes are first, first+1, …: 32 bytes that are nobody's secret.
func fakeBytes(first byte) []byte {
	b := make([]byte, 32)
	for i := range b {
		b[i] = first + byte(i)
	}
	return b
}

func fakeSigner(t testing.TB, name string) Signer {
	t.Helper()
	pub := ed25519.NewKeyFromSeed(fakeBytes(0)).Public().(ed25519.PublicKey)
	vkey, err := note.NewEd25519VerifierKey(name, pub)
	if err != nil {
		t.Fatal(err)
	}
	v, err := note.NewVerifier(vkey)
	if err != nil {
		t.Fatal(err)
	}
	s, err := parseSigner(fmt.Sprintf("PRIVATE+KEY+%s+%08x+%s", name, v.KeyHash(),
		base64.StdEncoding.EncodeToString(append([]byte{1}, fakeBytes(0)...))))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// fakeIdentity is an identity whose secret is printed here, and is nobody's.
func fakeIdentity(t testing.TB) ageIdentity {
	t.Helper()
	id, err := age.ParseX25519Identity("AGE-SECRET-KEY-1FXFG3WNE76AYAUPMA9PHPVH0ZT20PNXNFJEQ6MEPKJQ4ZA3EG30Q4JYRXG")
	if err != nil {
		t.Fatal(err)
	}
	return ageIdentity{key: hide(id)}
}

// fakeKeys are one key of each kind in datanet's own form, always the same.
func fakeKeys(t testing.TB) []Key {
	t.Helper()
	seal, err := sealingKeyOf(fakeBytes(0x80))
	if err != nil {
		t.Fatal(err)
	}
	w := WrapKey{secretOf(fakeBytes(0x20))}
	l := &LinkageFile{Created: day(someDay), Linkage: LinkageKey{secretOf(fakeBytes(0))}}
	custodian := &CustodianKey{Dataset: "primary-care", Created: day(someDay), Wrap: w, Signer: fakeSigner(t, "custodian/primary-care"),
		seal: seal, identity: fakeIdentity(t)}
	wrap, err := custodian.NewWrapFile("Z99001", someDay)
	if err != nil {
		t.Fatal(err)
	}
	site, err := NewSiteKey("primary-care", "Z99001", l, wrap, someDay)
	if err != nil {
		t.Fatal(err)
	}
	site.Signer, site.state = fakeSigner(t, "site/primary-care/Z99001"), fakeIdentity(t)
	return []Key{l, custodian, wrap, site,
		&GuardianKey{Dataset: "slam", Name: "a.okafor@nhs.net", Created: day(someDay), Signer: fakeSigner(t, "guardian/slam/a.okafor@nhs.net")},
		&PublisherKey{Name: "lambeth", Created: day(someDay), Record: RecordKey{secretOf(fakeBytes(0x40))},
			Cell: cellKeyOf(secretOf(fakeBytes(0x60))), Signer: fakeSigner(t, "publisher/lambeth")},
		&LedgerKey{Name: "example", Created: day(someDay), Signer: fakeSigner(t, "ledger/example")},
	}
}

// The form is a promise to files that exist: the golden texts are the review of
// any change to it.
func TestGoldenKeyFiles(t *testing.T) {
	for _, k := range fakeKeys(t) {
		golden := filepath.Join("testdata", "keys", k.Kind()+".txt")
		text := encodeKey(k)
		if *update {
			if err := os.WriteFile(golden, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if text != string(want) {
			t.Errorf("%s: the text differs from %s", k.Kind(), golden)
		}
		again, err := decodeKey(string(want))
		if err != nil {
			t.Errorf("%s: %v", k.Kind(), err)
		} else if !reflect.DeepEqual(again.Describe(), k.Describe()) || encodeKey(again) != text {
			t.Errorf("%s: reading changed the key", k.Kind())
		}
	}
}

func TestEveryDamageToAKeysTextIsRefused(t *testing.T) {
	for _, k := range fakeKeys(t) {
		text := encodeKey(k)
		for i := range text {
			refuseText(t, text[:i])
			for _, b := range []byte{text[i] ^ 1, text[i] ^ 0x20, 0, ' ', '\n'} {
				if b != text[i] {
					refuseText(t, text[:i]+string(rune(b))+text[i+1:])
				}
			}
		}
		for _, extra := range []string{"\n", " ", "\r\n", "created 2026-10-31\n", "x"} {
			refuseText(t, text+extra)
			refuseText(t, extra+text)
		}
	}
}

// Lines in another order, twice, missing or unknown are refused for that
// reason, not only because the sum no longer holds.
func TestLinesAreFixed(t *testing.T) {
	for _, k := range fakeKeys(t) {
		lines := strings.SplitAfter(strings.TrimSuffix(encodeKey(k), "\n"), "\n")
		body := lines[:len(lines)-1]
		for i := range body {
			without := append(append([]string(nil), body[:i]...), body[i+1:]...)
			refuseResummed(t, without)
			refuseResummed(t, insert(body, i, body[i]))
			refuseResummed(t, insert(body, i, "note by hand\n"))
			refuseResummed(t, insert(body, i, "\n"))
			refuseResummed(t, insert(without, (i+1)%len(body), body[i]))
			refuseResummed(t, replaceLine(body, i, strings.Replace(body[i], " ", "  ", 1)))
			refuseResummed(t, replaceLine(body, i, strings.TrimSuffix(body[i], "\n")+" \n"))
			refuseResummed(t, replaceLine(body, i, strings.TrimSuffix(body[i], "\n")+"\r\n"))
		}
	}
}

func insert(lines []string, at int, line string) []string {
	return append(append(append([]string(nil), lines[:at]...), line), lines[at:]...)
}

func replaceLine(lines []string, at int, line string) []string {
	out := append([]string(nil), lines...)
	out[at] = line
	return out
}

func refuseResummed(t *testing.T, lines []string) {
	t.Helper()
	body := strings.Join(lines, "")
	text := body + sumLine(body)
	for _, k := range fakeKeys(t) {
		if encodeKey(k) == text {
			return // swapping a line with itself
		}
	}
	if k, err := decodeKey(text); err == nil || k != nil {
		t.Errorf("accepted:\n%s", text)
	}
}

func refuseText(t *testing.T, text string) {
	t.Helper()
	k, err := decodeKey(text)
	if err == nil || k != nil {
		t.Errorf("accepted a changed text, or returned a key beside %v", err)
		return
	}
	checkOwnWords(t, err)
}

// checkOwnWords fails when a message holds anything but a line number, a label
// and words of ours: nothing that stood in the file.
func checkOwnWords(t testing.TB, err error) {
	t.Helper()
	words := err.Error()
	if rest, ok := strings.CutPrefix(words, "line "); ok {
		_, words, _ = strings.Cut(rest, ": ")
	}
	ok := ownWords[words]
	for _, label := range labels {
		rest, found := strings.CutPrefix(words, label)
		ok = ok || found && ownWords[strings.TrimPrefix(rest, ": ")]
	}
	if !ok {
		t.Fatalf("the message holds something of the file: %s", err)
	}
}

var labels = []string{"kind", "dataset", "site", "name", "created", "linkage-key", "wrap-key", "site-wrap-key", "record-key",
	"cell-key", "sealing-key", "custodian-recipient", "identity", "state-identity", "signing-key", "sum", `"datanet/v1/key"`}

var ownWords = map[string]bool{" expected": true, " expected, and the text ends": true, "it is cut short": true, "unknown kind": true,
	"unknown line": true, "it is not as it was written: the sum does not hold": true, "not of the accepted form": true,
	"not a date YYYY-MM-DD": true, "malformed key": true, "malformed signing key": true, "signing key of another name": true,
	"malformed age identity": true, "malformed age recipient": true, "it does not hold exactly one age identity": true,
	"its comment names the public key of another identity": true}

func TestSigningKeyOfAnotherSiteIsRefused(t *testing.T) {
	site := fakeKeys(t)[3].(*SiteKey)
	site.Signer = fakeSigner(t, "site/primary-care/Z99002")
	if _, err := decodeKey(encodeKey(site)); err == nil || !strings.Contains(err.Error(), "another name") {
		t.Errorf("a site key that signs for another site: %v", err)
	}
}

func TestSignerIsReadInOneWritingOnly(t *testing.T) {
	private := fakeSigner(t, "ledger/example").key().private
	hash := private[len("PRIVATE+KEY+ledger/example+"):][:8]
	for _, bad := range []string{
		"", "PRIVATE+KEY", private + "=", private + "\n", " " + private,
		strings.Replace(private, hash, strings.ToUpper(hash), 1),
		strings.Replace(private, "example", "Example", 1),
		strings.Replace(private, "+AQAB", "+AgAB", 1),
		strings.Replace(private, "+AQAB", "+AQ\nAB", 1),
	} {
		if s, err := parseSigner(bad); err == nil || s.key != nil {
			t.Error("accepted another writing of a signing key")
		}
	}
}

func TestDocumentationShowsARealKeyFile(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(encodeKey(fakeKeys(t)[6])) {
		if !strings.Contains(string(doc), "//\t"+line) {
			t.Errorf("doc.go does not show: %s", line)
		}
	}
}

func FuzzKeyText(f *testing.F) {
	for _, k := range fakeKeys(f) {
		text := encodeKey(k)
		f.Add(text)
		f.Add(text[:len(text)/2])
		f.Add(strings.Replace(text, "created 2026", "created 2O26", 1))
	}
	f.Add("# public key: age1x\nAGE-SECRET-KEY-1FXFG3WNE76AYAUPMA9PHPVH0ZT20PNXNFJEQ6MEPKJQ4ZA3EG30Q4JYRXG\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, input := range []string{text, resum(text)} {
			k, err := parseKey([]byte(input))
			if err != nil {
				if k != nil {
					t.Fatal("a key beside an error")
				}
				checkOwnWords(t, err)
				continue
			}
			if k.Kind() != kindIdentity && textOf(k) != input {
				t.Fatal("accepted a text that is not what its key writes")
			}
			k.Describe()
		}
	})
}

// resum gives a text the sum that it needs to be judged by its lines.
func resum(text string) string {
	body, _, _ := strings.Cut(text, "\nsum ")
	return body + "\n" + sumLine(body+"\n")
}
