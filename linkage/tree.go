package linkage

import (
	"fmt"

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

// plant grows a tree from lines. tlog fails only for hashes that are not stored, and all are.
func plant(lines [][]byte) (tree, error) {
	var t tree
	for n, line := range lines {
		hashes, err := tlog.StoredHashes(int64(n), line, t)
		if err != nil {
			return nil, fmt.Errorf("hashing record %d: %w", n, err)
		}
		t = append(t, hashes...)
	}
	return t, nil
}

// root is the root of the tree's first n leaves, for n up to the number planted.
func (t tree) root(n int64) (tlog.Hash, error) {
	return tlog.TreeHash(n, t)
}
