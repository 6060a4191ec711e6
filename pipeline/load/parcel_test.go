package load

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"datanet/pseudonym"
	"datanet/schemas"
)

// members are a folder's plain files in a parcel's order, and behind them
// whatever else lies there.
func members(t *testing.T, dir string) []string {
	t.Helper()
	d, err := schemas.DatasetByID(dataset)
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"manifest.json", "manifest.sig"}
	for _, table := range d.Tables {
		names = append(names, table.Name+".parquet")
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !slices.Contains(names, e.Name()) {
			names = append(names, e.Name())
		}
	}
	return slices.DeleteFunc(names, func(name string) bool {
		info, err := os.Lstat(filepath.Join(dir, name))
		return err != nil || !info.Mode().IsRegular()
	})
}

// sealed packs a folder as a site could whose software is not ours, and seals
// it to a custodian.
func sealed(t *testing.T, dir string, to *pseudonym.CustodianKey) string {
	t.Helper()
	var plain bytes.Buffer
	w := schemas.NewParcelWriter(&plain)
	for _, name := range members(t, dir) {
		body := get(t, filepath.Join(dir, name))
		if err := w.Add(name, int64(len(body)), bytes.NewReader(body)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return seal(t, plain.Bytes(), to)
}

func seal(t *testing.T, plain []byte, to *pseudonym.CustodianKey) string {
	t.Helper()
	site, err := siteKey(to, shared.linkage, siteA)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w, err := site.Seal(&b)
	if err != nil {
		t.Fatal(err)
	}
	w.Write(plain)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "arrived.age")
	put(t, path, b.Bytes())
	return path
}

// TestSealedLoadsTheSame: sealed or not, the hub is the same afterwards, and the
// same extract in the other form is a skip.
func TestSealedLoadsTheSame(t *testing.T) {
	plain, mine := shared.hub(t), shared.hub(t)
	mustLoad(t, shared.extracts[siteA], plain)
	parcel := sealed(t, shared.extracts[siteA], shared.custodian)
	if r := mustLoad(t, parcel, mine); r.Status != "loaded" || r.Site != siteA {
		t.Errorf("%+v", r)
	}
	for _, d := range []string{"patients", "observations", "medications"} {
		if one, two := tree(t, filepath.Join(plain.Hub.Dir(), "datasets", dataset, d)), tree(t, filepath.Join(mine.Hub.Dir(), "datasets", dataset, d)); one != two {
			t.Errorf("%s differs:\n%s%s", d, one, two)
		}
	}
	before := tree(t, mine.Hub.Dir())
	for _, again := range []string{parcel, shared.extracts[siteA]} {
		if r := mustLoad(t, again, mine); r.Status != "skipped" {
			t.Errorf("%+v", r)
		}
	}
	if tree(t, mine.Hub.Dir()) != before {
		t.Error("a skip changed the hub")
	}
	if r := mustLoad(t, parcel, plain); r.Status != "skipped" {
		t.Errorf("%+v", r)
	}
}

// refusedParcel holds a load to a refusal of a kind that leaves the hub as it was.
func refusedParcel(t *testing.T, what, path, kind string, o Options, before string) {
	t.Helper()
	r, err := Run(context.Background(), path, o)
	var kinded interface{ Kind() string }
	if claims(r) || !errors.As(err, &kinded) || kinded.Kind() != kind {
		t.Errorf("%s: %+v beside %v, want a failure of kind %s", what, r, err, kind)
	}
	if err != nil && strings.Contains(err.Error(), filepath.Dir(path)) {
		t.Errorf("%s: the path is repeated: %v", what, err)
	}
	if after := tree(t, o.Hub.Dir()); after != before {
		t.Errorf("%s: the hub changed:\n%s\nwas\n%s", what, after, before)
	}
}

// TestParcelRefused: another custodian's, changed, cut off, added to, or sealed
// around something that is no extract.
func TestParcelRefused(t *testing.T) {
	o := shared.hub(t)
	mustLoad(t, shared.extracts[siteB], o)
	before := tree(t, o.Hub.Dir())
	whole := get(t, sealed(t, shared.extracts[siteA], shared.custodian))
	path := filepath.Join(t.TempDir(), "changed.age")

	other, err := pseudonym.NewCustodianKey(dataset, made)
	if err != nil {
		t.Fatal(err)
	}
	refusedParcel(t, "another custodian's", sealed(t, shared.extracts[siteA], other), "key", o, before)

	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	payload := bytes.Index(whole, []byte("\n---")) + 48
	for i := range 60 {
		at := payload + r.IntN(len(whole)-payload)
		if i < 4 {
			at = []int{payload, payload + 16, len(whole) - 1, len(whole) / 2}[i]
		}
		changed := bytes.Clone(whole)
		changed[at] ^= 1 << r.IntN(8)
		put(t, path, changed)
		refusedParcel(t, "byte changed", path, "integrity", o, before)
		put(t, path, whole[:at])
		refusedParcel(t, "cut off", path, "integrity", o, before)
		if t.Failed() {
			t.Fatalf("seed %d, byte %d", seed, at)
		}
	}
	for what, body := range map[string][]byte{"empty": nil, "a text": []byte("dear custodian\n"), "a byte more": append(bytes.Clone(whole), 0), "an archive": []byte("PK\x03\x04")} {
		put(t, path, body)
		refusedParcel(t, what, path, "integrity", o, before)
	}
	refusedParcel(t, "a device", os.DevNull, "use", o, before)
	refusedParcel(t, "nothing sealed", seal(t, nil, shared.custodian), "integrity", o, before)
	refusedParcel(t, "a text sealed", seal(t, bytes.Repeat([]byte("text "), 1000), shared.custodian), "integrity", o, before)
}

// TestParcelHoldsNothingElse: no path, link, second copy or stowaway is unpacked,
// even beside an extract that the site has signed.
func TestParcelHoldsNothingElse(t *testing.T) {
	o := shared.hub(t)
	mustLoad(t, shared.extracts[siteB], o)
	before := tree(t, o.Hub.Dir())
	dir := shared.extracts[siteA]
	names := members(t, dir)
	stowaway := tar.Header{Typeflag: tar.TypeReg, Name: "notes.txt", Mode: 0o600, Size: 1}
	link := tar.Header{Typeflag: tar.TypeSymlink, Name: "patients.parquet", Linkname: "/etc/passwd", Mode: 0o600}
	outside := tar.Header{Typeflag: tar.TypeReg, Name: "../../../escaped", Mode: 0o600, Size: 1}
	repeated := tar.Header{Typeflag: tar.TypeReg, Name: "manifest.json", Mode: 0o600, Size: 1}
	huge := tar.Header{Typeflag: tar.TypeReg, Name: "manifest.json", Mode: 0o600, Size: 1 << 40}
	for what, put := range map[string]struct {
		header  tar.Header
		at      int
		instead bool
	}{
		"stowaway at the end": {stowaway, len(names), false}, "stowaway within": {stowaway, 3, false}, "stowaway first": {stowaway, 0, false},
		"a link for a table": {link, 2, true}, "a path": {outside, len(names), false}, "a path first": {outside, 0, false},
		"the manifest again": {repeated, len(names), false}, "the manifest twice": {repeated, 1, false}, "a huge manifest": {huge, 0, true},
	} {
		var plain bytes.Buffer
		w := tar.NewWriter(&plain)
		for i := range len(names) + 1 {
			if i == put.at {
				h := put.header
				if err := w.WriteHeader(&h); err != nil {
					t.Fatal(err)
				}
				io.WriteString(w, strings.Repeat("x", int(min(h.Size, 1))))
			}
			if i < len(names) && !(i == put.at && put.instead) {
				body := get(t, filepath.Join(dir, names[i]))
				w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: names[i], Mode: 0o600, Size: int64(len(body))})
				w.Write(body)
			}
		}
		w.Close()
		refusedParcel(t, what, seal(t, plain.Bytes(), shared.custodian), "integrity", o, before)
	}
}

// TestParcelAgain: a load that has to begin again reads the file from its
// beginning, and only while it holds the manifest that was verified.
func TestParcelAgain(t *testing.T) {
	o := shared.hub(t)
	path := sealed(t, shared.extracts[siteA], shared.custodian)
	x, err := open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	defer x.close()
	for range 2 {
		if err := x.copyTo(context.Background(), t.TempDir()); err != nil {
			t.Fatal(err)
		}
		if err := x.again(x.digest); err != nil {
			t.Fatal(err)
		}
	}
	put(t, path, get(t, sealed(t, shared.extracts[siteB], shared.custodian)))
	var changed *IntegrityError
	if err := x.again(x.digest); !errors.As(err, &changed) {
		t.Errorf("another extract in its place: %v", err)
	}
}

// TestParcelInterrupted: nothing in clear stays behind.
func TestParcelInterrupted(t *testing.T) {
	o := shared.hub(t)
	mustLoad(t, shared.extracts[siteB], o)
	before := tree(t, o.Hub.Dir())
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Run(ctx, sealed(t, shared.extracts[siteA], shared.custodian), o); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if after := tree(t, o.Hub.Dir()); after != before {
		t.Errorf("the hub changed:\n%s", after)
	}
}
