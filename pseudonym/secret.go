package pseudonym

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"sync"
)

const secretSize = 32

// secret is 32 random bytes; copies of it share one place in memory.
type secret struct {
	redacted
	bits hidden[[secretSize]byte]
}

func newSecret() secret {
	bits := new([secretSize]byte)
	rand.Read(bits[:]) // never fails since Go 1.24: it ends the program instead
	return secret{bits: hide(bits)}
}

// secretOf copies 32 bytes into a secret.
func secretOf(b []byte) secret {
	return secret{bits: hide((*[secretSize]byte)(append([]byte(nil), b...)))}
}

func (s secret) bytes() []byte {
	if s.bits == nil {
		panic("pseudonym: use of a key that was never made or read")
	}
	return s.bits()[:]
}

// derive is HKDF-SHA256 (RFC 5869) without salt, 32 bytes.
func (s secret) derive(info string) secret {
	out, err := hkdf.Key(sha256.New, s.bytes(), nil, info, secretSize)
	if err != nil {
		panic("pseudonym: hkdf: " + err.Error()) // only for lengths above 255 × 32
	}
	return secretOf(out)
}

// block is AES-256 under the secret: a permutation of 16-byte codes (FIPS 197).
func (s secret) block() cipher.Block {
	b, err := aes.NewCipher(s.bytes())
	if err != nil {
		panic("pseudonym: aes: " + err.Error()) // only for other key lengths
	}
	return b
}

// CheckValue returns the first 8 bytes of HMAC-SHA256(key, "kcv") as 16 hex
// digits. It says whether two files hold the same key and nothing else about
// it; it may stand in manifests, logs and messages.
func (s secret) CheckValue() string {
	mac := hmac.New(sha256.New, s.bytes())
	mac.Write([]byte("kcv"))
	return hex.EncodeToString(mac.Sum(nil)[:8])
}

// LinkageKey is K, the key that every site of every dataset shares: it turns an
// NHS number into the code c. Whoever holds it together with a wrap key can
// re-identify stored codes by trying every number.
type LinkageKey struct{ secret }

// NewLinkageKey draws a linkage key from the system's randomness.
func NewLinkageKey() LinkageKey { return LinkageKey{newSecret()} }

// WrapKey is W_d, from which the custodian of dataset d derives each site's
// wrap key and the dataset's own. It never leaves the custodian.
type WrapKey struct{ secret }

// NewWrapKey draws a wrap key from the system's randomness.
func NewWrapKey() WrapKey { return WrapKey{newSecret()} }

// Site returns W_{d,s} = HKDF-SHA256(W_d, info "datanet/v1/site/" ‖ site). The
// site must satisfy ValidSite, so that no two sites share an info string;
// another string is a mistake in the program and panics.
func (w WrapKey) Site(site string) SiteWrapKey {
	if !ValidSite(site) {
		panic("pseudonym: wrap key asked for something that is not a site code")
	}
	return SiteWrapKey{w.derive(labelSite + site)}
}

// Dataset returns W_d' = HKDF-SHA256(W_d, info "datanet/v1/dataset").
func (w WrapKey) Dataset() DatasetWrapKey { return DatasetWrapKey{w.derive(labelDataset)} }

// SiteWrapKey is W_{d,s}, under which one site of one dataset stores codes.
type SiteWrapKey struct{ secret }

// DatasetWrapKey is W_d', under which a hub stores a dataset's codes.
type DatasetWrapKey struct{ secret }

// RecordKey is K_rec, which gives every person the number that cell keys are
// summed from.
type RecordKey struct{ secret }

// NewRecordKey draws a record key from the system's randomness.
func NewRecordKey() RecordKey { return RecordKey{newSecret()} }

// CellKey is K_cell, which turns a cell's sum of record numbers into the
// uniform number its noise is drawn with.
type CellKey struct {
	secret
	drawings *sync.Pool // of *drawing, under this key
}

// NewCellKey draws a cell key from the system's randomness.
func NewCellKey() CellKey { return cellKeyOf(newSecret()) }

func cellKeyOf(s secret) CellKey {
	return CellKey{s, &sync.Pool{New: func() any { return &drawing{hash: newKeyedHash(s)} }}}
}

// ProjectKey is K_P, made for one approved project and sealed to the custodians
// whom the approval names.
type ProjectKey struct{ secret }

// NewProjectKey draws a project key from the system's randomness.
func NewProjectKey() ProjectKey { return ProjectKey{newSecret()} }
