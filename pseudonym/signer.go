package pseudonym

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// Signer is an Ed25519 signing key with a name, and a note.Signer.
type Signer struct {
	redacted
	key hidden[signingKey]
}

type signingKey struct {
	note.Signer
	private string // PRIVATE+KEY+<name>+<hash>+<key>
	public  string // <name>+<hash>+<key>
}

var errSigningKey = errors.New("malformed signing key")

func newSigner(name string) (Signer, error) {
	private, _, err := note.GenerateKey(rand.Reader, name)
	if err != nil {
		return Signer{}, refusal("signing key could not be made")
	}
	return parseSigner(private)
}

// parseSigner reads PRIVATE+KEY+<name>+<hash>+<key>, in the one way of writing
// it that note.GenerateKey uses.
func parseSigner(private string) (Signer, error) {
	s, err := note.NewSigner(private)
	if err != nil {
		return Signer{}, errSigningKey
	}
	_, encoded, _ := strings.Cut(strings.TrimPrefix(private, "PRIVATE+KEY+"+s.Name()+"+"), "+")
	alg, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil || len(alg) != 1+ed25519.SeedSize {
		return Signer{}, errSigningKey
	}
	pub := ed25519.NewKeyFromSeed(alg[1:]).Public().(ed25519.PublicKey)
	public, err := note.NewEd25519VerifierKey(s.Name(), pub)
	if err != nil {
		return Signer{}, errSigningKey
	}
	canonical := fmt.Sprintf("PRIVATE+KEY+%s+%08x+%s", s.Name(), s.KeyHash(), base64.StdEncoding.EncodeToString(alg))
	if private != canonical {
		return Signer{}, errSigningKey
	}
	return Signer{key: hide(&signingKey{Signer: s, private: private, public: public})}, nil
}

func (s Signer) mustKey() *signingKey {
	if s.key == nil {
		panic("pseudonym: use of a signing key that was never made or read")
	}
	return s.key()
}

// Name returns the key's name, such as site/primary-care/Z99001.
func (s Signer) Name() string { return s.mustKey().Name() }

// KeyHash returns the 32-bit hash that tells keys of one name apart.
func (s Signer) KeyHash() uint32 { return s.mustKey().KeyHash() }

// Sign returns the Ed25519 signature (RFC 8032) of message. It makes Signer a
// note.Signer; to sign a whole text, use SignNote.
func (s Signer) Sign(message []byte) ([]byte, error) { return s.mustKey().Sign(message) }

// Public returns the verifier key, <name>+<hash>+<key>, for VerifyNote.
func (s Signer) Public() string { return s.mustKey().public }

// ID returns <name>+<hash>, which names the key in manifests and logs.
func (s Signer) ID() string { return fmt.Sprintf("%s+%08x", s.Name(), s.KeyHash()) }

// SignNote returns text as a note with one signature line, in the form of
// golang.org/x/mod/sumdb/note. The text must be UTF-8, without control
// characters other than line feeds, and end in a line feed.
func (s Signer) SignNote(text string) ([]byte, error) {
	signed, err := note.Sign(&note.Note{Text: text}, s)
	if err != nil {
		return nil, fmt.Errorf("signing note: %w", err)
	}
	// note.Sign signs texts that note.Open then refuses: find out now.
	if _, err := VerifyNote(signed, s.Public()); err != nil {
		return nil, errors.New("signing note: the text holds control characters or is not UTF-8")
	}
	return signed, nil
}

// VerifyNote returns the text of a note that SignNote made with the key whose
// verifier key is vkey. It is stricter than note.Open: exactly one signature,
// and not one byte that SignNote would write otherwise.
func VerifyNote(signed []byte, vkey string) (text string, err error) {
	v, err := note.NewVerifier(vkey)
	if err != nil {
		return "", fmt.Errorf("verifying note: verifier key: %w", err)
	}
	n, err := note.Open(signed, note.VerifierList(v))
	if err != nil {
		return "", fmt.Errorf("verifying note: %w", err)
	}
	again, err := note.Sign(n) // no signer: only writes what was read
	if err != nil || !strictBase64(signed) || len(n.Sigs) != 1 || len(n.UnverifiedSigs) != 0 || string(again) != string(signed) {
		return "", errors.New("verifying note: not exactly the text and one signature line")
	}
	return n.Text, nil
}

// strictBase64 refuses stray bits in the signature's last letter, which
// decoding passes over and note writes back.
func strictBase64(signed []byte) bool {
	line := bytes.TrimSuffix(signed, []byte("\n"))
	_, err := base64.StdEncoding.Strict().DecodeString(string(line[bytes.LastIndexByte(line, ' ')+1:]))
	return err == nil
}
