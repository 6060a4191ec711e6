package pseudonym

import "crypto/cipher"

// Rewrapper turns codes stored under one wrap key into codes stored under
// another. It is safe for concurrent use.
type Rewrapper struct {
	redacted
	from, to cipher.Block
}

// storedUnder is the keys that stored codes can be wrapped with.
type storedUnder interface {
	SiteWrapKey | DatasetWrapKey
	block() cipher.Block
}

// NewRewrapper returns a rewrapper from a site's codes to its dataset's, or,
// when a custodian changes the wrap key, from the dataset's old codes to its
// new ones. A wrong from key gives plausible codes that match nobody: compare
// check values first.
func NewRewrapper[K storedUnder](from K, to DatasetWrapKey) *Rewrapper {
	return &Rewrapper{from: from.block(), to: to.block()}
}

// Code returns AES-256(to, AES-256⁻¹(from, stored)).
func (r *Rewrapper) Code(stored Code) Code {
	r.from.Decrypt(stored[:], stored[:])
	r.to.Encrypt(stored[:], stored[:])
	return stored
}

// Codes rewraps a column in place, without allocating.
func (r *Rewrapper) Codes(stored []Code) {
	for i := range stored {
		c := stored[i][:]
		r.from.Decrypt(c, c)
		r.to.Encrypt(c, c)
	}
}
