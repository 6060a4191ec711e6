package pseudonym

import (
	"crypto/hpke"
	"encoding/base64"
	"strings"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"
)

// CustodianPublic is what others need to know of a dataset's custodian. Its
// token, which String writes and ParseCustodianPublic reads, is
//
//	custodian:v1:<dataset>:<verifier key>:<HPKE public key, base64>:<age recipient>
type CustodianPublic struct {
	// Dataset is the dataset's name.
	Dataset string
	// Verifier is the verifier key of the custodian's signatures.
	Verifier string
	// Recipient is the age recipient that extracts are sealed to for their journey.
	Recipient *age.X25519Recipient

	seal hpke.PublicKey
}

const custodianToken = "custodian:v1"

// String returns the token: one word, about 1,800 characters.
func (p CustodianPublic) String() string {
	if p.seal == nil || p.Recipient == nil {
		return ""
	}
	seal := base64.StdEncoding.EncodeToString(p.seal.Bytes())
	return strings.Join([]string{custodianToken, p.Dataset, p.Verifier, seal, p.Recipient.String()}, ":")
}

// ParseCustodianPublic reads a token. It refuses anything that String would not
// write, and a signing key whose name is not the dataset's custodian's.
func ParseCustodianPublic(token string) (CustodianPublic, error) {
	part := strings.Split(token, ":")
	if len(part) != 6 || part[0]+":"+part[1] != custodianToken {
		return CustodianPublic{}, refusal("public part of a custodian is not of the form custodian:v1:…").
			hint("copy the whole token that `key custodian` printed; it holds no white space")
	}
	p := CustodianPublic{Dataset: part[2], Verifier: part[3]}
	v, verr := note.NewVerifier(p.Verifier)
	raw, berr := base64.StdEncoding.DecodeString(part[4])
	seal, serr := hpke.MLKEM768X25519().NewPublicKey(raw)
	recipient, rerr := age.ParseX25519Recipient(part[5])
	if verr != nil || berr != nil || serr != nil || rerr != nil || !ValidDataset(p.Dataset) {
		return CustodianPublic{}, damagedToken()
	}
	p.seal, p.Recipient = seal, recipient
	if v.Name() != custodianName(p.Dataset) || p.String() != token {
		return CustodianPublic{}, damagedToken()
	}
	return p, nil
}

func damagedToken() *KeyError {
	return refusal("public part of a custodian is damaged: one of its keys does not read").
		hint("copy the whole token that `key custodian` printed; it holds no white space")
}
