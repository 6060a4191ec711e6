package pseudonym

import (
	"bytes"
	"crypto/hpke"
	"encoding/hex"
	"strings"
	"testing"
)

// The published vector of our KEM and KDF, with another AEAD: a custodian's
// stored key must be that draft's private key.
func TestPublishedHPKE(t *testing.T) {
	v := vectors.HPKE
	key, err := sealingKeyOf(unhex(t, v.SkRm))
	if err != nil {
		t.Fatal(err)
	}
	if got := hex.EncodeToString((*key.key()).PublicKey().Bytes()); got != v.PkRm {
		t.Error("another public key than published")
	}
	r, err := hpke.NewRecipient(unhex(t, v.Enc), *key.key(), hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), unhex(t, v.Info))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := r.Open(unhex(t, v.Encryption.AAD), unhex(t, v.Encryption.CT))
	if err != nil || !bytes.Equal(plain, unhex(t, v.Encryption.PT)) {
		t.Errorf("the published encryption does not open: %v", err)
	}
}

func newCustodian(t testing.TB, dataset string) *CustodianKey {
	t.Helper()
	k, err := NewCustodianKey(dataset, someDay)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestSealedProjectKey(t *testing.T) {
	custodian := newCustodian(t, "primary-care")
	p, approval := NewProjectKey(), [32]byte{1}
	public, err := ParseCustodianPublic(custodian.Public())
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := p.Seal(public, approval)
	if err != nil || len(sealed) != 1168 {
		t.Fatalf("%d bytes, %v", len(sealed), err)
	}
	opened, err := custodian.OpenProjectKey(sealed, approval)
	if err != nil || opened.CheckValue() != p.CheckValue() {
		t.Fatalf("does not open to the key: %v", err)
	}

	// The info string, spelt out.
	info := "datanet/v1/seal\x00primary-care\x00" + string(approval[:])
	plain, err := hpke.Open(*custodian.seal.key(), hpke.HKDFSHA256(), hpke.AES256GCM(), []byte(info), sealed)
	if err != nil || !bytes.Equal(plain, p.bytes()) {
		t.Errorf("sealed otherwise than specified: %v", err)
	}

	sameKeysOtherDataset := *custodian
	sameKeysOtherDataset.Dataset = "slam"
	refuse := func(what string, k *CustodianKey, sealed []byte, approval [32]byte) {
		t.Helper()
		if got, err := k.OpenProjectKey(sealed, approval); err == nil || got.bits != nil {
			t.Errorf("opened %s", what)
		}
	}
	refuse("under another approval", custodian, sealed, [32]byte{2})
	refuse("as another dataset's", &sameKeysOtherDataset, sealed, approval)
	refuse("with another custodian's key", newCustodian(t, "primary-care"), sealed, approval)
	for i := 0; i < len(sealed); i += 7 {
		changed := append([]byte(nil), sealed...)
		changed[i] ^= 1
		refuse("a changed byte", custodian, changed, approval)
		refuse("a truncation", custodian, sealed[:i], approval)
	}
	if _, err := p.Seal(CustodianPublic{}, approval); err == nil {
		t.Error("sealed to nobody")
	}
}

func TestCustodianTokenIsReadInOneWritingOnly(t *testing.T) {
	token := newCustodian(t, "primary-care").Public()
	if strings.ContainsAny(token, " \t\n") {
		t.Error("a token with white space")
	}
	public, err := ParseCustodianPublic(token)
	if err != nil || public.String() != token || public.Dataset != "primary-care" {
		t.Fatalf("%v", err)
	}
	refuse := func(changed string) {
		t.Helper()
		p, err := ParseCustodianPublic(changed)
		if err == nil || p.Dataset != "" || p.seal != nil {
			t.Error("accepted another token")
		} else if len(err.Error()) > 120 {
			t.Error("the message is too long to be ours")
		}
	}
	for i := range token {
		refuse(token[:i])
		// A change inside a public key may well be another public key, which is
		// why trust is a signed record; changes of its writing are refused.
		if i < len("custodian:v1:primary-care:custodian/primary-care+00000000+") || i > len(token)-60 {
			refuse(token[:i] + string(rune(token[i]^1)) + token[i+1:])
		}
	}
	for _, extra := range []string{" ", "\n", ":", "=", "\x00"} {
		refuse(token + extra)
		refuse(extra + token)
	}
	part := strings.Split(token, ":")
	for i := range part {
		without := append(append([]string(nil), part[:i]...), part[i+1:]...)
		refuse(strings.Join(without, ":"))
	}
	part[2] = "slam"
	refuse(strings.Join(part, ":"))
}
