package linkage

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// A Proof shows to anybody who knows the ledger's verifier key, and has neither the ledger nor a hub, that a record stands in the ledger
// at its place. Nothing in it is believed before Check.
type Proof struct {
	Record int64            // its number
	Path   tlog.RecordProof // from the leaf's sibling up to the root's child
	Head   []byte           // signed
}

const (
	proofDomain = "c2sp.org/tlog-proof@v1"
	maxPath     = 64 // a tree of more levels would have more records than can be counted
	maxProof    = maxHead + (maxPath+2)*64
)

// Prove makes the proof that a record stands in this ledger, as the newest head counts it.
func (l *Ledger) Prove(record int64) (Proof, error) {
	if record < 0 || record >= l.head.Size {
		return Proof{}, fmt.Errorf("proving record %d: the ledger holds %d", record, l.head.Size)
	}
	path, err := tlog.ProveRecord(l.head.Size, record, l.tree)
	if err != nil {
		return Proof{}, fmt.Errorf("proving record %d: %w", record, err)
	}
	return Proof{record, path, l.SignedHead()}, nil
}

// Check says that the line, as Record.Line gives it, is the proof's record of the ledger with this key, and returns the head that counts
// it. Its Origin says whose ledger it is. Errors are an *IntegrityError, or a *KeyError for vkey.
func (p Proof) Check(line []byte, vkey string) (Head, error) {
	head, err := ParseHead(p.Head, vkey)
	if err != nil {
		return Head{}, err
	}
	if err := tlog.CheckRecord(p.Path, head.Size, head.Root, p.Record, leaf(line)); err != nil {
		return Head{}, broken("proof: the record is not number %d of the %d that the head counts", p.Record, head.Size)
	}
	return head, nil
}

// Text is the proof as a file, in the form of C2SP tlog-proof without extra data. Its name ends in .tlog-proof.
func (p Proof) Text() []byte {
	var out bytes.Buffer
	fmt.Fprintf(&out, "%s\nindex %d\n", proofDomain, p.Record)
	for _, hash := range p.Path {
		out.WriteString(formatHash(hash) + "\n")
	}
	out.WriteString("\n")
	out.Write(p.Head)
	return out.Bytes()
}

// ParseProof reads what Text gives, and nothing else: writing it again gives the same bytes. What it proves, Check says.
func ParseProof(raw []byte) (Proof, error) {
	p, ok := readProof(raw)
	if !ok || !bytes.Equal(p.Text(), raw) {
		return Proof{}, broken("proof: not in the form of a proof")
	}
	return p, nil
}

func readProof(raw []byte) (p Proof, ok bool) {
	if len(raw) > maxProof {
		return p, false
	}
	above, head, ok := strings.Cut(string(raw), "\n\n")
	lines := strings.Split(above, "\n")
	if !ok || len(lines) < 2 || len(lines) > 2+maxPath {
		return p, false
	}
	number, ok := strings.CutPrefix(lines[1], "index ")
	record, err := strconv.ParseInt(number, 10, 64)
	if !ok || err != nil || record < 0 {
		return p, false
	}
	p = Proof{Record: record, Head: []byte(head)}
	for _, line := range lines[2:] {
		hash, ok := parseHash(line)
		if !ok {
			return p, false
		}
		p.Path = append(p.Path, hash)
	}
	return p, true
}

// Consistency makes the proof that this ledger, as the newest head counts it, begins with the records that an older head counted. If
// it does not, the error is that of CheckExtends.
func (l *Ledger) Consistency(old Head) (tlog.TreeProof, error) {
	if err := l.CheckExtends(old); err != nil {
		return nil, err
	}
	if old.Size == 0 { // nothing is before anything
		return tlog.TreeProof{}, nil
	}
	proof, err := tlog.ProveTree(l.head.Size, old.Size, l.tree)
	if err != nil {
		return nil, fmt.Errorf("proving that the ledger extends an earlier one: %w", err)
	}
	return proof, nil
}

// CheckConsistency says that of two signed heads of the ledger with this key the newer one extends the older one. It needs nothing
// besides. Errors are an *IntegrityError, or a *KeyError for vkey.
func CheckConsistency(proof tlog.TreeProof, older, newer []byte, vkey string) error {
	old, err := ParseHead(older, vkey)
	if err != nil {
		return err
	}
	head, err := ParseHead(newer, vkey)
	if err != nil {
		return err
	}
	if err := head.follows(old); err != nil {
		return err
	}
	holds := old.Root == emptyRoot && len(proof) == 0
	if old.Size > 0 {
		holds = tlog.CheckTree(proof, head.Size, head.Root, old.Size, old.Root) == nil
	}
	if !holds {
		return broken("proof: the first %d records are not shown to be those of the earlier head", old.Size)
	}
	return nil
}

// emptyRoot is the root of no records, SHA-256 of nothing.
var emptyRoot, _ = tree(nil).root(0)
