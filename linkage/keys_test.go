package linkage

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"strings"

	"golang.org/x/mod/sumdb/note"
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
