package pseudonym

import "encoding/binary"

// RecordHasher gives persons their record numbers. It holds buffers: one
// serves one goroutine.
type RecordHasher struct {
	redacted
	hash hidden[keyedHash]
}

// Hasher returns a hasher under the record key.
func (k RecordKey) Hasher() *RecordHasher {
	h := newKeyedHash(k.secret)
	return &RecordHasher{hash: hide(&h)}
}

// Of returns the first 8 bytes, big-endian, of HMAC-SHA256(K_rec, person),
// where person is the 16 bytes of a person code. It does not allocate.
func (h *RecordHasher) Of(person []byte) uint64 {
	return binary.BigEndian.Uint64(h.hash().of(person))
}

// drawing is the hash and the buffer of one Uniform.
type drawing struct {
	hash    keyedHash
	message [16]byte
}

// Uniform returns a number in [0,1) with 53 random bits, the same for the same
// sum and n: the top 53 bits of HMAC-SHA256(K_cell, LE64(sum) ‖ LE64(n)),
// times 2⁻⁵³. It is safe for concurrent use, and hardly ever allocates.
func (k CellKey) Uniform(sum, n uint64) float64 {
	if k.drawings == nil {
		panic("pseudonym: use of a key that was never made or read")
	}
	d := k.drawings.Get().(*drawing)
	defer k.drawings.Put(d)
	binary.LittleEndian.PutUint64(d.message[:8], sum)
	binary.LittleEndian.PutUint64(d.message[8:], n)
	return float64(binary.BigEndian.Uint64(d.hash.of(d.message[:]))>>11) * 0x1p-53
}
