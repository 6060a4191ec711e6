package linkage

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
)

// Every record of ledgers of many sizes is proved, and by no proof of another record, size or ledger.
func TestProofs(t *testing.T) {
	for size := int64(1); size <= 9; size++ {
		l := reopened(t, founded(t, int(size-1)))
		other := reopened(t, founded(t, 12))
		for n := range size {
			p, err := l.Prove(n)
			if err != nil {
				t.Fatal(err)
			}
			line := lineOf(t, l, n)
			if head, err := p.Check(line, ledgerVKey); err != nil || head != l.Head() {
				t.Fatalf("record %d of %d: %+v, %v", n, size, head, err)
			}
			if again, err := ParseProof(p.Text()); err != nil || !bytes.Equal(again.Text(), p.Text()) {
				t.Fatalf("record %d of %d: read again: %v", n, size, err)
			}
			for m := range size {
				_, err := Proof{m, p.Path, p.Head}.Check(line, ledgerVKey)
				if (err == nil) != (m == n) {
					t.Errorf("record %d of %d as number %d: %v", n, size, m, err)
				}
			}
			_, err = Proof{n, p.Path, other.SignedHead()}.Check(line, ledgerVKey)
			wantKind(t, err, "integrity")
			_, err = p.Check(append(line, ' '), ledgerVKey)
			wantKind(t, err, "integrity")
			_, err = p.Check(line, publisherVKey)
			wantKind(t, err, "integrity")
		}
		for _, n := range []int64{-1, size} {
			if _, err := l.Prove(n); err == nil {
				t.Errorf("record %d of %d was proved", n, size)
			}
		}
	}
}

func lineOf(t testing.TB, l *Ledger, n int64) []byte {
	t.Helper()
	line, err := l.Records()[n].Line()
	if err != nil {
		t.Fatal(err)
	}
	return line
}

// Nothing of a proof can be changed: no byte of its file is outside what is checked.
func TestMangledProofIsRefused(t *testing.T) {
	l := reopened(t, founded(t, 10))
	p, err := l.Prove(7)
	if err != nil {
		t.Fatal(err)
	}
	line := lineOf(t, l, 7)
	mangle(t, p.Text(), 3000, func(raw []byte) error {
		p, err := ParseProof(raw)
		if err == nil {
			_, err = p.Check(line, ledgerVKey)
		}
		return err
	})
}

// mangle holds that every truncation, and every change, removal and insertion of a byte is refused as damage.
func mangle(t *testing.T, whole []byte, least int, open func([]byte) error) {
	t.Helper()
	if err := open(whole); err != nil {
		t.Fatal(err)
	}
	tries := 0
	try := func(what string, at int, raw []byte) {
		if bytes.Equal(raw, whole) {
			return
		}
		tries++
		if err := open(raw); err == nil {
			t.Errorf("%s at byte %d was accepted", what, at)
		} else {
			wantKind(t, err, "integrity")
		}
	}
	for i := range whole {
		try("truncation", i, whole[:i])
		for _, b := range []byte{whole[i] ^ 1, whole[i] ^ 0x20, whole[i] ^ 0x80, '\n', '\r', '0', ' '} {
			try("change", i, append(append(bytes.Clone(whole[:i]), b), whole[i+1:]...))
		}
		try("removal", i, append(bytes.Clone(whole[:i]), whole[i+1:]...))
		try("insertion", i, append(append(bytes.Clone(whole[:i]), '\n'), whole[i:]...))
	}
	try("addition", len(whole), append(bytes.Clone(whole), '\n'))
	if tries < least {
		t.Fatalf("only %d tries", tries)
	}
}

// The spec is c2sp.org/tlog-proof. It allows extra data, which nothing signs and this version does not write: it is refused, like any
// other spelling.
func TestProofForm(t *testing.T) {
	l := reopened(t, founded(t, 1))
	p, err := l.Prove(1)
	if err != nil {
		t.Fatal(err)
	}
	text := string(p.Text())
	want := fmt.Sprintf("c2sp.org/tlog-proof@v1\nindex 1\n%s\n\n%s", formatHash(leaf(lineOf(t, l, 0))), l.SignedHead())
	if text != want {
		t.Fatalf("got\n%s\nwant\n%s", text, want)
	}
	hash := formatHash(leaf(nil))
	for what, raw := range map[string]string{
		"empty":          "",
		"extra data":     strings.Replace(text, "index", "extra YQ==\nindex", 1),
		"leading zero":   strings.Replace(text, "index 1", "index 01", 1),
		"sign":           strings.Replace(text, "index 1", "index +1", 1),
		"negative":       strings.Replace(text, "index 1", "index -1", 1),
		"another number": strings.Replace(text, "index 1", "index 9223372036854775808", 1),
		"hash in hex":    strings.Replace(text, "\n\n", "\n"+strings.Repeat("0", 64)+"\n\n", 1),
		"too many":       strings.Replace(text, "\n\n", "\n"+strings.Repeat(hash+"\n", maxPath)+"\n", 1),
		"too large":      text + strings.Repeat("\n", maxProof),
	} {
		if _, err := ParseProof([]byte(raw)); err == nil {
			t.Errorf("%s: accepted", what)
		}
	}
}

// Between any two heads of a ledger there is a proof, and none between heads of which one does not extend the other.
func TestConsistency(t *testing.T) {
	l := reopened(t, founded(t, 0))
	heads, proofs := [][]byte{}, map[[2]int]tlog.TreeProof{}
	for n := range 9 {
		if n > 0 {
			appended(t, l, loadRecord(t, int64(n)))
		}
		heads = append(heads, l.SignedHead())
		for m, older := range heads {
			old, err := ParseHead(older, ledgerVKey)
			if err != nil {
				t.Fatal(err)
			}
			proof, err := l.Consistency(old)
			if err != nil {
				t.Fatal(err)
			}
			proofs[[2]int{m, n}] = proof
		}
	}
	for pair, proof := range proofs {
		if err := CheckConsistency(proof, heads[pair[0]], heads[pair[1]], ledgerVKey); err != nil {
			t.Errorf("%v: %v", pair, err)
		}
		for i := range proof {
			changed := append(tlog.TreeProof{}, proof...)
			changed[i][7] ^= 1
			wantKind(t, CheckConsistency(changed, heads[pair[0]], heads[pair[1]], ledgerVKey), "integrity")
		}
		longer := append(append(tlog.TreeProof{}, proof...), leaf(nil))
		wantKind(t, CheckConsistency(longer, heads[pair[0]], heads[pair[1]], ledgerVKey), "integrity")
		if pair[0] < pair[1] {
			wantKind(t, CheckConsistency(proof, heads[pair[1]], heads[pair[0]], ledgerVKey), "integrity")
		}
	}
	forked := reopened(t, founded(t, 0))
	for n := range 9 {
		appended(t, forked, loadRecord(t, int64(100+n)))
	}
	for _, older := range heads[1:] {
		old, _ := ParseHead(older, ledgerVKey)
		_, err := forked.Consistency(old)
		wantKind(t, err, "integrity")
		for _, proof := range proofs {
			wantKind(t, CheckConsistency(proof, older, forked.SignedHead(), ledgerVKey), "integrity")
		}
	}
	wantKind(t, CheckConsistency(nil, heads[0], heads[0], "none"), "key")
	wantKind(t, CheckConsistency(nil, heads[0], heads[0], publisherVKey), "integrity")
}

// An empty ledger's head is before every other of the ledger, and needs no proof.
func TestConsistencyFromNothing(t *testing.T) {
	dir := t.TempDir()
	if err := Create(dir, Origin(testHub), ledgerKey, morning); err != nil {
		t.Fatal(err)
	}
	l := reopened(t, dir)
	empty := l.SignedHead()
	appended(t, l, hubRecord(t))
	old, err := ParseHead(empty, ledgerVKey)
	if err != nil {
		t.Fatal(err)
	}
	proof, err := l.Consistency(old)
	if err != nil || len(proof) != 0 {
		t.Fatal(proof, err)
	}
	if err := CheckConsistency(proof, empty, l.SignedHead(), ledgerVKey); err != nil {
		t.Fatal(err)
	}
	wantKind(t, CheckConsistency(tlog.TreeProof{leaf(nil)}, empty, l.SignedHead(), ledgerVKey), "integrity")
}

func FuzzProof(f *testing.F) {
	l := reopened(f, founded(f, 6))
	for n := range int64(7) {
		p, err := l.Prove(n)
		if err != nil {
			f.Fatal(err)
		}
		if _, err := ParseProof(p.Text()); err != nil {
			f.Fatal("the seed is not a proof")
		}
		f.Add(p.Text())
	}
	first := lineOf(f, l, 0)
	f.Fuzz(func(t *testing.T, raw []byte) {
		p, err := ParseProof(raw)
		if err != nil {
			return
		}
		if !bytes.Equal(p.Text(), raw) {
			t.Fatalf("accepted a second spelling %q", raw)
		}
		// Whatever is accepted proves record 0 to be number 0, and nothing else.
		if _, err := p.Check(first, ledgerVKey); err == nil && p.Record != 0 {
			t.Fatalf("record 0 was proved to be number %d", p.Record)
		}
	})
}
