package linkage

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// parseVKey reads an encoded verifier key in its one accepted spelling. note.NewVerifier alone would also take upper-case
// hash digits and line feeds in the base64, so that one key could be written in several ways.
func parseVKey(vkey string) (note.Verifier, error) {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return nil, notVKey()
	}
	key, err := base64.StdEncoding.DecodeString(publicKey(vkey))
	if err != nil || vkey != fmt.Sprintf("%s+%08x+%s", verifier.Name(), verifier.KeyHash(), base64.StdEncoding.EncodeToString(key)) {
		return nil, notVKey()
	}
	return verifier, nil
}

func notVKey() *KeyError {
	return &KeyError{reason: "not a verifier key", hints: []string{"a verifier key reads name+8 hex digits+base64, and is printed when its key is made"}}
}

// publicKey is the part of a verifier key that does not depend on the name its holder gave it: what follows the second +,
// which may itself hold more of them.
func publicKey(vkey string) string {
	_, vkey, _ = strings.Cut(vkey, "+")
	_, key, _ := strings.Cut(vkey, "+")
	return key
}

// custodianVKey takes the dataset and the verifier key out of a custodian's public token. The other parts, for sealing to
// the custodian, are read by those who seal.
func custodianVKey(token string) (dataset, vkey string, err error) {
	parts := strings.Split(token, ":")
	if len(parts) != 6 || parts[0] != "custodian" || parts[1] != "v1" || !datasetName.MatchString(parts[2]) || parts[4] == "" || parts[5] == "" {
		return "", "", &KeyError{reason: "not a custodian's public token",
			hints: []string{"it reads custodian:v1:DATASET:…, and is printed when the custodian's key is made"}}
	}
	if _, err := parseVKey(parts[3]); err != nil {
		return "", "", err
	}
	return parts[2], parts[3], nil
}

// openNote returns the text of a signed note that carries exactly one signature, the verifier's, in its one accepted
// spelling. note.Open skips signatures it does not know and base64 skips stray bits: both would let changed bytes pass.
func openNote(signed []byte, verifier note.Verifier) (string, bool) {
	n, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil || len(n.Sigs) != 1 {
		return "", false
	}
	sig, err := base64.StdEncoding.DecodeString(n.Sigs[0].Base64)
	if err != nil {
		return "", false
	}
	whole := n.Text + "\n— " + verifier.Name() + " " + base64.StdEncoding.EncodeToString(sig) + "\n"
	return n.Text, bytes.Equal(signed, []byte(whole))
}

// signNote signs text and checks the result, so that a signer that is not the verifier's leaves no trace in the ledger.
func signNote(text string, signer note.Signer, verifier note.Verifier) ([]byte, error) {
	signed, err := note.Sign(&note.Note{Text: text}, signer)
	if err != nil {
		return nil, &KeyError{reason: "the ledger key cannot sign"}
	}
	if _, ok := openNote(signed, verifier); !ok {
		return nil, &KeyError{reason: "the key given is not this ledger's", hints: []string{"a ledger is written with the key that it was created with"}}
	}
	return signed, nil
}

const hashSize = sha256.Size

// parseHash reads a hash in the base64 spelling that formatHash writes, and no other.
func parseHash(s string) (hash [hashSize]byte, ok bool) {
	raw, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil || len(raw) != hashSize || base64.StdEncoding.EncodeToString(raw) != s {
		return hash, false
	}
	return [hashSize]byte(raw), true
}

func formatHash(hash [hashSize]byte) string {
	return base64.StdEncoding.EncodeToString(hash[:])
}
