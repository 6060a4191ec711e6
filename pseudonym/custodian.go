package pseudonym

import (
	"crypto/hpke"
	"errors"
	"time"

	"filippo.io/age"
)

// CustodianKey is a custodian's file: everything that only the custodian of one
// dataset holds.
type CustodianKey struct {
	redacted
	Dataset string
	Created time.Time
	Wrap    WrapKey
	Signer  Signer

	seal     sealingKey
	identity ageIdentity
}

// NewCustodianKey makes the keys of a dataset's custodian.
func NewCustodianKey(dataset string, created time.Time) (*CustodianKey, error) {
	if !ValidDataset(dataset) {
		return nil, wrongName("dataset")
	}
	signer, err := newSigner(custodianName(dataset))
	if err != nil {
		return nil, err
	}
	seal, err := newSealingKey()
	if err != nil {
		return nil, err
	}
	identity, err := newAgeIdentity()
	if err != nil {
		return nil, err
	}
	return &CustodianKey{Dataset: dataset, Created: day(created), Wrap: NewWrapKey(),
		Signer: signer, seal: seal, identity: identity}, nil
}

// Kind returns "custodian".
func (*CustodianKey) Kind() string { return kindCustodian }

// Identity returns the age identity that opens extracts sealed to the custodian.
func (k *CustodianKey) Identity() age.Identity { return k.identity }

// PublicPart returns what others need to know of the custodian.
func (k *CustodianKey) PublicPart() CustodianPublic {
	return CustodianPublic{Dataset: k.Dataset, Verifier: k.Signer.Public(),
		Recipient: k.identity.recipient(), seal: (*k.seal.key()).PublicKey()}
}

// Public returns the token of PublicPart.
func (k *CustodianKey) Public() string { return k.PublicPart().String() }

// Describe returns the dataset, the check value of W_d and the public part.
func (k *CustodianKey) Describe() Description {
	return Description{Kind: kindCustodian, Dataset: k.Dataset, ID: k.Signer.ID(), Created: formatDay(k.Created),
		Check: map[string]string{lineWrap: k.Wrap.CheckValue()}, Public: k.Public()}
}

func (k *CustodianKey) form(f *form) {
	f.name("dataset", &k.Dataset, ValidDataset)
	f.day("created", &k.Created)
	f.secret(lineWrap, &k.Wrap.secret)
	f.seal("sealing-key", &k.seal)
	f.identity("identity", &k.identity)
	f.signer("signing-key", &k.Signer, custodianName(k.Dataset))
}

// sealingKey is a custodian's HPKE private key, and the 32-byte seed it is
// stored as.
type sealingKey struct {
	redacted
	seed secret
	key  hidden[hpke.PrivateKey]
}

func newSealingKey() (sealingKey, error) {
	key, err := hpke.MLKEM768X25519().GenerateKey()
	if err != nil {
		return sealingKey{}, refusal("sealing key could not be made")
	}
	seed, err := key.Bytes()
	if err != nil {
		return sealingKey{}, refusal("sealing key could not be made")
	}
	return sealingKeyOf(seed)
}

func sealingKeyOf(seed []byte) (sealingKey, error) {
	key, err := hpke.MLKEM768X25519().NewPrivateKey(seed)
	if err != nil || len(seed) != secretSize {
		return sealingKey{}, errors.New("malformed key")
	}
	return sealingKey{seed: secretOf(seed), key: hide(&key)}, nil
}
