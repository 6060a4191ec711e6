package pseudonym

import (
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"hash"
)

// The labels: every byte of them is in the package comment and in the vectors.
const (
	labelNHS      = "datanet/v1/nhs\x00"
	labelLocal    = "datanet/v1/local"
	labelSite     = "datanet/v1/site/"
	labelDataset  = "datanet/v1/dataset"
	labelApproval = "datanet/v1/approval/"
	labelProject  = "datanet/v1/project\x00"
	labelSeal     = "datanet/v1/seal\x00"
)

// Code stands for a person: 16 bytes, in Parquet FIXED_LEN_BYTE_ARRAY(16). A
// site code, a dataset code and a project code of one person have nothing in
// common without the keys.
type Code [16]byte

// String returns the code as 32 lower-case hex digits.
func (c Code) String() string { return hex.EncodeToString(c[:]) }

// keyedHash is one HMAC-SHA256 object and its buffers, all reused: hmac.New for
// each record takes four times as long and five allocations.
type keyedHash struct {
	mac hash.Hash
	sum [sha256.Size]byte
}

func newKeyedHash(k secret) keyedHash {
	mac := hmac.New(sha256.New, k.bytes())
	mac.Reset() // the first Reset keeps the two key blocks for all later ones
	return keyedHash{mac: mac}
}

// of returns HMAC-SHA256(key, message); the slice holds until the next call.
func (h *keyedHash) of(message []byte) []byte {
	h.mac.Reset()
	h.mac.Write(message)
	return h.mac.Sum(h.sum[:0])
}

// Coder makes the codes of one site of one dataset. It holds buffers: one Coder
// serves one goroutine.
type Coder struct {
	redacted
	work hidden[coding]
}

type coding struct {
	linkage, local keyedHash
	wrap           cipher.Block
	message        [len(labelNHS) + nhsDigits]byte // ends in a person's digits
	code           Code
}

// NewCoder returns a coder for the site that holds the linkage key k and the
// wrap key w.
func NewCoder(k LinkageKey, w SiteWrapKey) *Coder {
	c := &coding{
		linkage: newKeyedHash(k.secret),
		local:   newKeyedHash(w.derive(labelLocal)),
		wrap:    w.block(),
	}
	copy(c.message[:], labelNHS)
	return &Coder{work: hide(c)}
}

// Code returns the site code of an NHS number: AES-256(W_{d,s}, c), one block,
// where c is HMAC-SHA256(K, "datanet/v1/nhs\x00" ‖ ten digits), first 16 bytes.
// It does not allocate. A zero NHSNumber panics.
func (c *Coder) Code(n NHSNumber) Code {
	w := c.work()
	return w.wrapped(w.linkageCode(n))
}

// Local returns the site code of a person without a usable NHS number, from the
// source system's own patient id: HMAC-SHA256(HKDF(W_{d,s}, "datanet/v1/local"),
// id), first 16 bytes, wrapped like c. It links to nothing but the same id at
// the same site. It does not allocate. An empty id would make one person of
// everybody without an id: callers refuse such rows, and Local panics.
func (c *Coder) Local(sourceID []byte) Code {
	if len(sourceID) == 0 {
		panic("pseudonym: local code of an empty patient id")
	}
	w := c.work()
	return w.wrapped(Code(w.local.of(sourceID)[:len(Code{})]))
}

// linkageCode returns c. It is equal everywhere for one person, so it is never
// stored.
func (w *coding) linkageCode(n NHSNumber) Code {
	n.digits((*[nhsDigits]byte)(w.message[len(labelNHS):]))
	return Code(w.linkage.of(w.message[:])[:len(Code{})])
}

// wrapped encrypts in a buffer of its own: arguments of an interface's method
// would be allocated.
func (w *coding) wrapped(c Code) Code {
	w.code = c
	w.wrap.Encrypt(w.code[:], w.code[:])
	return w.code
}
