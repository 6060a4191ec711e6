package pseudonym

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/iotest"
)

// siteOf is a site with a wrap file from this custodian.
func siteOf(t *testing.T, k *CustodianKey) *SiteKey {
	t.Helper()
	wrap, err := k.NewWrapFile("Z99001", someDay)
	if err != nil {
		t.Fatal(err)
	}
	site, err := NewSiteKey(k.Dataset, "Z99001", NewLinkageFile(someDay), wrap, someDay)
	if err != nil {
		t.Fatal(err)
	}
	return site
}

// sealFor seals text in uneven pieces.
func sealFor(t *testing.T, k *CustodianKey, text []byte) []byte {
	t.Helper()
	var sealed bytes.Buffer
	w, err := siteOf(t, k).Seal(&sealed)
	if err != nil {
		t.Fatal(err)
	}
	for piece := range slices.Chunk(text, 10_007) {
		if _, err := w.Write(piece); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return sealed.Bytes()
}

func openFor(k *CustodianKey, sealed []byte) ([]byte, error) {
	r, err := k.OpenSealed(bytes.NewReader(sealed))
	if err != nil {
		if r != nil {
			return []byte("a reader beside an error"), err
		}
		return nil, err
	}
	text, err := io.ReadAll(r)
	if n, again := r.Read(make([]byte, 100)); n > 0 || again == nil {
		return text, errors.New("it reads on after its end")
	}
	return text, err
}

// text of n bytes that repeats nothing.
func noise(n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{4}).Read(b)
	return b
}

const chunk = 64 << 10 // age's

func TestSealed(t *testing.T) {
	k := newCustodian(t, "primary-care")
	for _, n := range []int{0, 1, 511, chunk - 1, chunk, chunk + 1, 3*chunk + 5} {
		text := noise(n)
		sealed := sealFor(t, k, text)
		if n > 16 && bytes.Contains(sealed, text[:16]) {
			t.Errorf("%d bytes: they stand there in clear", n)
		}
		if got, err := openFor(k, sealed); err != nil || !bytes.Equal(got, text) {
			t.Errorf("%d bytes: %d came back, %v", n, len(got), err)
		}
		if again := sealFor(t, k, text); n > 0 && bytes.Equal(again, sealed) {
			t.Error("sealed twice, the same bytes")
		}
	}
}

// TestSealedChanged: one changed byte anywhere is refused, and so is a file cut
// off anywhere or added to. Where it names the custodian a change cannot be told
// from another custodian's file; everywhere else it is damage.
func TestSealedChanged(t *testing.T) {
	k := newCustodian(t, "primary-care")
	text := noise(2*chunk + 1000)
	sealed := sealFor(t, k, text)
	header := bytes.Index(sealed, []byte("\n---")) // the lines that name the custodian stand above
	r := rand.New(rand.NewPCG(1, 2))
	places := map[int]bool{len(sealed) - 1: true}
	for i := range min(len(sealed), header+200) {
		places[i] = true
	}
	for len(places) < 900 {
		places[r.IntN(len(sealed))] = true
	}
	for _, edge := range []int{chunk, 2 * chunk} { // around the ends of age's chunks
		for i := range 64 {
			places[header+80+edge-32+i] = true
		}
	}
	for at := range places {
		changed := slices.Clone(sealed)
		changed[at] ^= 1 << r.IntN(8)
		refused(t, fmt.Sprintf("byte %d changed", at), k, changed, text, at < header)
		if at > 0 {
			refused(t, fmt.Sprintf("cut off at %d", at), k, sealed[:at], text, false)
		}
	}
	refused(t, "empty", k, nil, text, false)
	refused(t, "a byte more", k, append(slices.Clone(sealed), 0), text, false)
	refused(t, "twice", k, append(slices.Clone(sealed), sealed...), text, false)
}

// refused: what was returned before the error is a true beginning, and the
// reader did not end as if that were all.
func refused(t *testing.T, what string, k *CustodianKey, sealed, text []byte, mayBeKey bool) {
	t.Helper()
	got, err := openFor(k, sealed)
	var broken *SealedError
	var key *KeyError
	switch {
	case err == nil:
		t.Errorf("%s: %d bytes came back", what, len(got))
	case !errors.As(err, &broken) && (!mayBeKey || !errors.As(err, &key)):
		t.Errorf("%s: %v", what, err)
	case !bytes.HasPrefix(text, got):
		t.Errorf("%s: other bytes came back", what)
	}
}

func TestSealedForAnother(t *testing.T) {
	sealed := sealFor(t, newCustodian(t, "primary-care"), noise(1000))
	got, err := openFor(newCustodian(t, "primary-care"), sealed)
	var key *KeyError
	if !errors.As(err, &key) || len(got) > 0 || len(key.Hints()) == 0 {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

// TestSealedReadError: a disk that fails is not called a changed file.
func TestSealedReadError(t *testing.T) {
	k := newCustodian(t, "primary-care")
	sealed := sealFor(t, k, noise(chunk+5))
	broken := errors.New("input/output error")
	for _, at := range []int{0, 10, 300, chunk, chunk + 100} {
		r, err := k.OpenSealed(io.MultiReader(bytes.NewReader(sealed[:at]), iotest.ErrReader(broken)))
		if err == nil {
			_, err = io.ReadAll(r)
		}
		if !errors.Is(err, broken) {
			t.Errorf("failing at %d: %v", at, err)
		}
	}
	w, err := siteOf(t, k).Seal(failing{})
	if err == nil {
		w.Write(noise(10))
		err = w.Close()
	}
	if err == nil {
		t.Error("sealed to a disk that takes nothing")
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }
