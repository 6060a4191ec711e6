package linkage

import (
	"fmt"
	"slices"

	"golang.org/x/mod/sumdb/tlog"
)

// tree holds the stored hashes of a Merkle tree, in tlog's order.
type tree []tlog.Hash

// ReadHashes makes tree a tlog.HashReader.
func (t tree) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		if index < 0 || index >= int64(len(t)) {
			return nil, fmt.Errorf("hash %d is not stored", index)
		}
		hashes[i] = t[index]
	}
	return hashes, nil
}

// plant grows a tree from lines.
func plant(lines [][]byte) (tree, error) { return tree(nil).grow(0, lines) }

// grow is the tree of size leaves with those of further lines. tlog fails only for hashes that are not stored, and all are. The first
// tree stays as it is.
func (t tree) grow(size int64, lines [][]byte) (tree, error) {
	grown := slices.Grow(t[:len(t):len(t)], 2*len(lines))
	for i, line := range lines {
		hashes, err := tlog.StoredHashes(size+int64(i), line, grown)
		if err != nil {
			return nil, fmt.Errorf("hashing record %d: %w", size+int64(i), err)
		}
		grown = append(grown, hashes...)
	}
	return grown, nil
}

// root is the root of the tree's first n leaves, for n up to the number planted.
func (t tree) root(n int64) (tlog.Hash, error) {
	return tlog.TreeHash(n, t)
}
