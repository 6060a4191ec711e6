package pseudonym

import (
	"crypto/cipher"
	"crypto/hpke"
)

// ProjectCoder turns dataset codes into the codes of one approved project. It
// holds buffers: one serves one goroutine.
type ProjectCoder struct {
	redacted
	work hidden[recoding]
}

type recoding struct {
	unwrap  cipher.Block
	hash    keyedHash
	message [len(labelProject) + len(Code{})]byte // ends in c
}

// NewProjectCoder returns the coder of a project for a dataset wrapped under w.
// The approval is SHA-256 of the approval note's text, without signature lines.
func NewProjectCoder(w DatasetWrapKey, p ProjectKey, approval [32]byte) *ProjectCoder {
	c := &recoding{unwrap: w.block(), hash: newKeyedHash(p.under(approval))}
	copy(c.message[:], labelProject)
	return &ProjectCoder{work: hide(c)}
}

// Code returns HMAC-SHA256(K_a, "datanet/v1/project\x00" ‖ c), first 16 bytes,
// where c is the dataset code unwrapped. It does not allocate.
func (p *ProjectCoder) Code(dataset Code) Code {
	w := p.work()
	c := w.message[len(labelProject):]
	copy(c, dataset[:])
	w.unwrap.Decrypt(c, c)
	return Code(w.hash.of(w.message[:])[:len(Code{})])
}

// under returns K_a = HKDF-SHA256(K_P, info "datanet/v1/approval/" ‖ h).
func (k ProjectKey) under(approval [32]byte) secret {
	return k.derive(labelApproval + string(approval[:]))
}

// Seal encrypts the project key to a custodian: HPKE (RFC 9180) base mode with
// ML-KEM-768 and X25519, HKDF-SHA256 and AES-256-GCM, 1,168 bytes. The dataset
// and the approval (SHA-256 of its text) are bound into it: the result opens
// for that custodian, dataset and approval only.
func (k ProjectKey) Seal(to CustodianPublic, approval [32]byte) ([]byte, error) {
	if to.seal == nil {
		return nil, refusal("project key cannot be sealed: no custodian was named")
	}
	sealed, err := hpke.Seal(to.seal, hpke.HKDFSHA256(), hpke.AES256GCM(), sealInfo(to.Dataset, approval), k.bytes())
	if err != nil {
		return nil, refusal("project key could not be sealed to the custodian of %s", to.Dataset)
	}
	return sealed, nil
}

// OpenProjectKey opens what ProjectKey.Seal made for this custodian and this
// approval; anything else is refused.
func (k *CustodianKey) OpenProjectKey(sealed []byte, approval [32]byte) (ProjectKey, error) {
	plain, err := hpke.Open(*k.seal.key(), hpke.HKDFSHA256(), hpke.AES256GCM(), sealInfo(k.Dataset, approval), sealed)
	if err != nil || len(plain) != secretSize {
		return ProjectKey{}, refusal("project key does not open: it was sealed to another custodian or dataset, under another approval, or has been changed")
	}
	return ProjectKey{secretOf(plain)}, nil
}

// sealInfo is unambiguous because a dataset's name cannot hold a NUL and the
// hash has a fixed length.
func sealInfo(dataset string, approval [32]byte) []byte {
	return append([]byte(labelSeal+dataset+"\x00"), approval[:]...)
}
