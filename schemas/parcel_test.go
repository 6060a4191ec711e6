package schemas

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

var parcelMembers = []struct{ name, content string }{
	{"manifest.json", "{}\n"}, {"manifest.sig", ""}, {"patients.parquet", strings.Repeat("p", 1000)}, {"observations.parquet", strings.Repeat("o", 512)},
}

func packed(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	w := NewParcelWriter(&b)
	for _, m := range parcelMembers {
		if err := w.Add(m.name, int64(len(m.content)), strings.NewReader(m.content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// unpack reads the members that are expected, to the end.
func unpack(r io.Reader) ([]string, error) {
	p := NewParcelReader(r)
	var all []string
	for _, m := range parcelMembers {
		size, err := p.Next(m.name)
		if err != nil {
			return nil, err
		}
		content, err := io.ReadAll(p)
		if err != nil {
			return nil, err
		}
		if int64(len(content)) != size {
			return nil, errors.New("another size than it says")
		}
		all = append(all, string(content))
	}
	return all, p.End()
}

func TestParcel(t *testing.T) {
	raw := packed(t)
	if again := packed(t); !bytes.Equal(raw, again) {
		t.Error("packed twice, other bytes")
	}
	got, err := unpack(bytes.NewReader(raw))
	if err != nil || len(got) != len(parcelMembers) {
		t.Fatal(len(got), err)
	}
	for i, m := range parcelMembers {
		if got[i] != m.content {
			t.Errorf("%s: other content", m.name)
		}
	}
	for i := 0; i < len(raw); i += 97 {
		if _, err := unpack(bytes.NewReader(raw[:i])); !errors.Is(err, ErrParcel) {
			t.Errorf("cut off at %d: %v", i, err)
		}
	}
	broken := errors.New("input/output error")
	for _, at := range []int{0, 512, 600, len(raw) - 600, len(raw)} {
		if _, err := unpack(io.MultiReader(bytes.NewReader(raw[:at]), iotest.ErrReader(broken))); !errors.Is(err, broken) {
			t.Errorf("failing at %d: %v", at, err)
		}
	}
	w := NewParcelWriter(io.Discard)
	if err := w.Add("short", 10, strings.NewReader("nine byte")); err == nil {
		t.Error("a file that shrank was packed")
	}
	w = NewParcelWriter(io.Discard)
	if err := w.Add("long", 3, strings.NewReader("four")); err == nil {
		t.Error("a file that grew was packed")
	}
}

// TestParcelStrict: whatever else a tar can hold is refused.
func TestParcelStrict(t *testing.T) {
	plain := func(name string) *tar.Header {
		return &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o600, Size: 1}
	}
	with := func(change func(*tar.Header)) *tar.Header {
		h := plain("manifest.sig")
		change(h)
		return h
	}
	for what, odd := range map[string]*tar.Header{
		"another name":      plain("notes.txt"),
		"repeated name":     plain("manifest.json"),
		"path":              plain("./manifest.sig"),
		"path above":        plain("../manifest.sig"),
		"absolute path":     plain("/manifest.sig"),
		"capitals":          plain("Manifest.sig"),
		"long name":         plain(strings.Repeat("a", 300)),
		"symbolic link":     with(func(h *tar.Header) { h.Typeflag, h.Linkname, h.Size = tar.TypeSymlink, "manifest.json", 0 }),
		"hard link":         with(func(h *tar.Header) { h.Typeflag, h.Linkname, h.Size = tar.TypeLink, "manifest.json", 0 }),
		"folder":            with(func(h *tar.Header) { h.Typeflag, h.Size = tar.TypeDir, 0 }),
		"pipe":              with(func(h *tar.Header) { h.Typeflag, h.Size = tar.TypeFifo, 0 }),
		"device":            with(func(h *tar.Header) { h.Typeflag, h.Size = tar.TypeChar, 0 }),
		"link's name":       with(func(h *tar.Header) { h.Linkname = "x" }),
		"another mode":      with(func(h *tar.Header) { h.Mode = 0o4755 }),
		"an owner":          with(func(h *tar.Header) { h.Uid = 1000 }),
		"an owner's name":   with(func(h *tar.Header) { h.Uname = "analyst" }),
		"a group":           with(func(h *tar.Header) { h.Gid = 100 }),
		"a group's name":    with(func(h *tar.Header) { h.Gname = "staff" }),
		"a time":            with(func(h *tar.Header) { h.ModTime = time.Unix(1, 0) }),
		"a record":          with(func(h *tar.Header) { h.PAXRecords = map[string]string{"comment": "hello"} }),
		"another format":    with(func(h *tar.Header) { h.Format = tar.FormatGNU }),
		"a record of times": with(func(h *tar.Header) { h.AccessTime, h.Format = time.Unix(5, 0), tar.FormatPAX }),
	} {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		for _, h := range []*tar.Header{plain("manifest.json"), odd} {
			if err := w.WriteHeader(h); err != nil {
				t.Fatal(what, err)
			}
			w.Write([]byte("{")[:h.Size])
		}
		w.Close()
		p := NewParcelReader(&b)
		if size, err := p.Next("manifest.json"); err != nil || size != 1 {
			t.Fatal(what, err)
		}
		if _, err := p.Next("manifest.sig"); !errors.Is(err, ErrParcel) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestParcelEnds: nothing follows the last member.
func TestParcelEnds(t *testing.T) {
	raw := packed(t)
	var more bytes.Buffer
	w := tar.NewWriter(&more)
	for _, m := range append(parcelMembers, struct{ name, content string }{"withdrawn.parquet", "x"}) {
		w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: m.name, Mode: 0o600, Size: int64(len(m.content))})
		w.Write([]byte(m.content))
	}
	w.Close()
	for what, b := range map[string][]byte{
		"a member more":       more.Bytes(),
		"a byte more":         append(bytes.Clone(raw), 0),
		"another parcel":      append(bytes.Clone(raw), raw...),
		"zeros":               append(bytes.Clone(raw), make([]byte, 10240)...),
		"no end":              raw[:len(raw)-1024],
		"half an end":         raw[:len(raw)-512],
		"a member within end": append(bytes.Clone(raw[:len(raw)-512]), raw...),
	} {
		if _, err := unpack(bytes.NewReader(b)); !errors.Is(err, ErrParcel) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestParcelLarge: a file of 8 GiB and more, of which only the header is made.
func TestParcelLarge(t *testing.T) {
	var b bytes.Buffer
	const size = 9 << 30
	NewParcelWriter(&b).Add("patients.parquet", size, strings.NewReader(""))
	if got, err := NewParcelReader(&b).Next("patients.parquet"); err != nil || got != size {
		t.Error(got, err)
	}
}
