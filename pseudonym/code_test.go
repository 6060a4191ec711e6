package pseudonym

import (
	"bytes"
	"crypto/aes"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
)

// vectors is testdata/crypto.json, whose entries name their sources.
var vectors = func() (v struct {
	HMAC []struct {
		ID, Key, Data string
		Want          string `json:"hmac_sha256"`
	} `json:"hmac_sha256_rfc4231"`
	HKDF []struct {
		ID, IKM, Salt, Info, OKM string
		Length                   int
	} `json:"hkdf_sha256_rfc5869"`
	AES []struct {
		ID, Key, Plaintext, Ciphertext string
	} `json:"aes_block"`
	Ed25519 []struct {
		ID, Seed, Public, Message, Signature string
	} `json:"ed25519_rfc8032"`
	HPKE struct {
		Info, SkRm, PkRm, Enc string
		Encryption            struct{ AAD, CT, PT string }
	} `json:"hpke_pq"`
	Note []struct {
		ID, Skey, Vkey, Text, Signed string
	} `json:"tlog_note_go"`
	NHS struct {
		Cases []struct {
			Number, Raw, Canonical string
			Valid                  bool `json:"mod11_valid"`
		} `json:"accept_or_reject"`
		Repeated []struct{ Number string } `json:"repeated_digits_all_pass_mod11"`
		Space    struct {
			Live int `json:"live_England_Wales_IoM"`
			Test int `json:"test_999"`
		}
	} `json:"nhs_number"`
	Codes map[string]string `json:"datanet_codes"`
}) {
	raw, err := os.ReadFile("testdata/crypto.json")
	if err == nil {
		err = json.Unmarshal(raw, &v)
	}
	if err != nil {
		panic(err)
	}
	return v
}()

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func vectorSecret(t testing.TB, name string) secret {
	return secretOf(unhex(t, vectors.Codes[name]))
}

func testNumber(t testing.TB, raw string) NHSNumber {
	t.Helper()
	n, p := ParseNHSNumber([]byte(raw), Test)
	if p != OK {
		t.Fatalf("a test number was refused: %v", p)
	}
	return n
}

func vectorApproval(t testing.TB) [32]byte {
	h := sha256.Sum256([]byte(vectors.Codes["approval_text_utf8"]))
	if hex.EncodeToString(h[:]) != vectors.Codes["approval_sha256"] {
		t.Fatal("approval_sha256 does not hold")
	}
	return h
}

func TestDatanetVectors(t *testing.T) {
	k := LinkageKey{vectorSecret(t, "K")}
	w := WrapKey{vectorSecret(t, "W_d")}
	p := ProjectKey{vectorSecret(t, "K_P")}
	number := testNumber(t, vectors.Codes["nhs_number"])
	coder := NewCoder(k, w.Site(vectors.Codes["site"]))
	site := coder.Code(number)
	dataset := NewRewrapper(w.Site(vectors.Codes["site"]), w.Dataset()).Code(site)
	localHash := newKeyedHash(w.Site(vectors.Codes["site"]).derive(labelLocal))
	id := []byte(vectors.Codes["local_source_patient_id_utf8"])
	local := NewRewrapper(w.Site("Z99001"), w.Dataset()).Code(coder.Local(id))
	project := NewProjectCoder(w.Dataset(), p, vectorApproval(t)).Code(dataset)

	for name, got := range map[string]string{
		"c":                      coder.work().linkageCode(number).String(),
		"W_ds":                   hex.EncodeToString(w.Site(vectors.Codes["site"]).bytes()),
		"W_dataset":              hex.EncodeToString(w.Dataset().bytes()),
		"kcv_K":                  k.CheckValue(),
		"kcv_W_ds":               w.Site(vectors.Codes["site"]).CheckValue(),
		"kcv_K_P":                p.CheckValue(),
		"K_a":                    hex.EncodeToString(p.under(vectorApproval(t)).bytes()),
		"site_code":              site.String(),
		"dataset_code":           dataset.String(),
		"project_code":           project.String(),
		"local_code_before_wrap": hex.EncodeToString(localHash.of(id)[:16]),
	} {
		if got != vectors.Codes[name] {
			t.Errorf("%s = %s, want %s", name, got, vectors.Codes[name])
		}
	}
	var unwrapped Code
	w.Dataset().block().Decrypt(unwrapped[:], local[:])
	if unwrapped.String() != vectors.Codes["local_code_before_wrap"] {
		t.Errorf("local code unwraps to %s", unwrapped)
	}
}

func TestPublishedVectors(t *testing.T) {
	for _, v := range vectors.HMAC {
		mac := hmac.New(sha256.New, unhex(t, v.Key))
		mac.Write(unhex(t, v.Data))
		got := hex.EncodeToString(mac.Sum(nil))
		if got[:len(v.Want)] != v.Want {
			t.Errorf("%s: %s", v.ID, got)
		}
	}
	for _, v := range vectors.HKDF {
		got, err := hkdf.Key(sha256.New, unhex(t, v.IKM), unhex(t, v.Salt), string(unhex(t, v.Info)), v.Length)
		if err != nil || hex.EncodeToString(got) != v.OKM {
			t.Errorf("%s: %x %v", v.ID, got, err)
		}
	}
	for _, v := range vectors.AES {
		b, err := aes.NewCipher(unhex(t, v.Key))
		if err != nil {
			t.Fatal(err)
		}
		var got [16]byte
		b.Encrypt(got[:], unhex(t, v.Plaintext))
		if hex.EncodeToString(got[:]) != v.Ciphertext {
			t.Errorf("%s: %x", v.ID, got)
		}
	}
}

// The keyed hash of this package on RFC 4231's messages, one object for all:
// nothing of one message may reach the next.
func TestKeyedHashIsHMAC(t *testing.T) {
	key := secretOf(bytes.Repeat([]byte{0x0b}, 32))
	h := newKeyedHash(key)
	for range 3 {
		for _, v := range vectors.HMAC {
			message := unhex(t, v.Data)
			want := hmac.New(sha256.New, key.bytes())
			want.Write(message)
			if !bytes.Equal(h.of(message), want.Sum(nil)) {
				t.Errorf("%s: the reused hash differs from a fresh one", v.ID)
			}
		}
	}
}

func randomTestNumbers(t testing.TB, seed uint64, n int) []NHSNumber {
	r := rand.New(rand.NewPCG(seed, seed))
	var out []NHSNumber
	for len(out) < n {
		raw := []byte("9990000000")
		for i := 3; i < 10; i++ {
			raw[i] = '0' + byte(r.IntN(10))
		}
		if n, p := ParseNHSNumber(raw, Test); p == OK {
			out = append(out, n)
		}
	}
	return out
}

func TestThreeLocks(t *testing.T) {
	k, w := NewLinkageKey(), NewWrapKey()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	a, b := NewCoder(k, w.Site("Z99001")), NewCoder(k, w.Site("Z99002"))
	fromA, fromB := NewRewrapper(w.Site("Z99001"), w.Dataset()), NewRewrapper(w.Site("Z99002"), w.Dataset())
	other := NewWrapKey()
	c := NewCoder(k, other.Site("Z99001"))
	fromC := NewRewrapper(other.Site("Z99001"), other.Dataset())
	p, approval := NewProjectKey(), [32]byte{1}
	here, there := NewProjectCoder(w.Dataset(), p, approval), NewProjectCoder(other.Dataset(), p, approval)
	elsewhere := NewProjectCoder(w.Dataset(), p, [32]byte{2})

	seen := map[Code]bool{}
	unique := func(codes ...Code) {
		for _, code := range codes {
			if seen[code] {
				t.Fatal("one code stands for two things")
			}
			seen[code] = true
		}
	}
	distinct := map[NHSNumber]bool{}
	for _, n := range randomTestNumbers(t, seed, 2000) {
		if distinct[n] {
			continue
		}
		distinct[n] = true
		inD, inE := fromA.Code(a.Code(n)), fromC.Code(c.Code(n))
		if inD != fromB.Code(b.Code(n)) {
			t.Fatal("one person of two sites has two dataset codes")
		}
		if here.Code(inD) != there.Code(inE) {
			t.Fatal("one person of two datasets has two project codes")
		}
		unique(a.Code(n), b.Code(n), c.Code(n), inD, inE, here.Code(inD), elsewhere.Code(inD))
	}
}

func TestLocalCodesStayApart(t *testing.T) {
	k, w := NewLinkageKey(), NewWrapKey()
	a, b := NewCoder(k, w.Site("Z99001")), NewCoder(k, w.Site("Z99002"))
	if a.Local([]byte("9990000018")) == a.Code(testNumber(t, "9990000018")) {
		t.Error("a patient id that looks like an NHS number has that person's code")
	}
	first := NewRewrapper(w.Site("Z99001"), w.Dataset()).Code(a.Local([]byte("1")))
	second := NewRewrapper(w.Site("Z99002"), w.Dataset()).Code(b.Local([]byte("1")))
	if first == second {
		t.Error("one patient id at two sites has one dataset code")
	}
	if a.Local([]byte("1")) != NewCoder(NewLinkageKey(), w.Site("Z99001")).Local([]byte("1")) {
		t.Error("local codes depend on the linkage key")
	}
}

func TestRewrapColumnAndBack(t *testing.T) {
	w, next := NewWrapKey(), NewWrapKey()
	column := make([]Code, 1000)
	for i := range column {
		column[i][0], column[i][1] = byte(i), byte(i>>8)
	}
	want := append([]Code(nil), column...)
	forth, back := NewRewrapper(w.Dataset(), next.Dataset()), NewRewrapper(next.Dataset(), w.Dataset())
	forth.Codes(column)
	for i := range column {
		if column[i] != forth.Code(want[i]) {
			t.Fatal("a column and its codes are rewrapped differently")
		}
	}
	back.Codes(column)
	for i := range column {
		if column[i] != want[i] {
			t.Fatal("rewrapping there and back changed a code")
		}
	}
}

func TestRewrapperIsSafeForConcurrentUse(t *testing.T) {
	w := NewWrapKey()
	r := NewRewrapper(w.Site("Z99001"), w.Dataset())
	want := r.Code(Code{7})
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			for range 1000 {
				if r.Code(Code{7}) != want {
					t.Error("another code under concurrent use")
				}
			}
		})
	}
	wait.Wait()
}

func mustPanic(t *testing.T, what string, f func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Errorf("%s did not panic", what)
		}
	}()
	f()
}

func TestMisuseNeverGivesACode(t *testing.T) {
	k, w := NewLinkageKey(), NewWrapKey().Site("Z99001")
	coder := NewCoder(k, w)
	mustPanic(t, "the code of a refused number", func() { coder.Code(NHSNumber{}) })
	mustPanic(t, "the local code of an empty id", func() { coder.Local(nil) })
	mustPanic(t, "a coder without a linkage key", func() { NewCoder(LinkageKey{}, w) })
	mustPanic(t, "a coder without a wrap key", func() { NewCoder(k, SiteWrapKey{}) })
	mustPanic(t, "a wrap key for no site", func() { NewWrapKey().Site("") })
	mustPanic(t, "a draw without a key", func() { CellKey{}.Uniform(1, 1) })
	mustPanic(t, "the check value of no key", func() { CellKey{}.CheckValue() })
	mustPanic(t, "a signature without a key", func() { Signer{}.Sign(nil) })
}

func TestNothingIsAllocatedPerRow(t *testing.T) {
	w := NewWrapKey()
	coder := NewCoder(NewLinkageKey(), w.Site("Z99001"))
	project := NewProjectCoder(w.Dataset(), NewProjectKey(), [32]byte{})
	rewrap := NewRewrapper(w.Site("Z99001"), w.Dataset())
	hasher := NewRecordKey().Hasher()
	raw, id, column := []byte(" 999-000-0018 "), []byte("{id}"), make([]Code, 8)
	number := testNumber(t, "9990000018")
	for what, f := range map[string]func(){
		"ParseNHSNumber": func() { ParseNHSNumber(raw, Test) },
		"refusals":       func() { ParseNHSNumber(id, Test) },
		"Coder.Code":     func() { coder.Code(number) },
		"Coder.Local":    func() { coder.Local(id) },
		"Project.Code":   func() { project.Code(Code{}) },
		"Rewrap.Codes":   func() { rewrap.Codes(column) },
		"RecordHasher":   func() { hasher.Of(column[0][:]) },
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s: %v allocations", what, n)
		}
	}
}

func BenchmarkCode(b *testing.B) {
	w := NewWrapKey()
	coder := NewCoder(NewLinkageKey(), w.Site("Z99001"))
	number := testNumber(b, "9990000018")
	b.ReportAllocs()
	for b.Loop() {
		coder.Code(number)
	}
}

func BenchmarkParseAndCode(b *testing.B) {
	coder := NewCoder(NewLinkageKey(), NewWrapKey().Site("Z99001"))
	raw := []byte("999 000 0018")
	b.ReportAllocs()
	for b.Loop() {
		n, _ := ParseNHSNumber(raw, Test)
		coder.Code(n)
	}
}

// BenchmarkReusedHMAC is what Code costs at least: crypto/hmac alone, as fast
// as it can be used.
func BenchmarkReusedHMAC(b *testing.B) {
	mac := hmac.New(sha256.New, make([]byte, 32))
	message, sum := make([]byte, 25), make([]byte, 32)
	b.ReportAllocs()
	for b.Loop() {
		mac.Reset()
		mac.Write(message)
		mac.Sum(sum[:0])
	}
}

// BenchmarkFreshHMAC is the obvious way, an object for each record.
func BenchmarkFreshHMAC(b *testing.B) {
	key, message := make([]byte, 32), make([]byte, 25)
	b.ReportAllocs()
	for b.Loop() {
		mac := hmac.New(sha256.New, key)
		mac.Write(message)
		mac.Sum(nil)
	}
}

func BenchmarkRewrap(b *testing.B) {
	w := NewWrapKey()
	r := NewRewrapper(w.Site("Z99001"), w.Dataset())
	b.Run("Code", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			r.Code(Code{1})
		}
	})
	column := make([]Code, 1024)
	b.Run("Codes/1024", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			r.Codes(column)
		}
	})
}

func BenchmarkProjectCode(b *testing.B) {
	p := NewProjectCoder(NewWrapKey().Dataset(), NewProjectKey(), [32]byte{})
	b.ReportAllocs()
	for b.Loop() {
		p.Code(Code{1})
	}
}
