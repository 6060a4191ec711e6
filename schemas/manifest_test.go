package schemas

import (
	"bytes"
	"strings"
	"testing"
)

func manifest() *Manifest {
	m := &Manifest{Schema: Version, Dataset: "primary-care", Site: "Z99001", AsAt: "2026-10-31", Sequence: 3, Kind: "full",
		SourceFormat: "emis 8.2", Tool: "test", TestNumbers: true, Persons: 120, LeftOut: 10,
		LinkageCheck: "0123456789abcdef", WrapCheck: "fedcba9876543210", Policy: "starter 2026-11", PolicyDigest: Digest([]byte("policy")), Withheld: []string{"86406008"}, NationalOptOut: "2026-10-30",
		Withdrawn: &ManifestFile{Table: "withdrawn", Name: "withdrawn.parquet", Rows: 2, Bytes: 300, SHA256: Digest([]byte("withdrawn"))},
		CodeLists: map[string]string{"smi": "2026-11"},
		Geography: IMDEdition, Previous: Digest(nil)}
	for _, t := range []string{"patients", "observations", "medications"} {
		m.Files = append(m.Files, ManifestFile{Table: t, Name: t + ".parquet", Rows: 5, Bytes: 1000, SHA256: Digest([]byte(t))})
	}
	return m
}

func TestManifestComesBack(t *testing.T) {
	text := manifest().Encode()
	m, err := DecodeManifest(text)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(m.Encode(), text) || m.ExtractName() != "primary-care_Z99001_2026-10-31" {
		t.Errorf("%+v", m)
	}
}

// Whatever byte is changed: what is accepted says exactly what the bytes say.
func TestMangledManifests(t *testing.T) {
	text := manifest().Encode()
	for n := range text {
		if m, err := DecodeManifest(text[:n]); err == nil || m != nil {
			t.Fatalf("the first %d bytes are accepted", n)
		}
	}
	for at := range text {
		for _, b := range []byte{text[at] ^ 1, text[at] ^ 32, ' ', '"', 0, 0xff} {
			mangled := bytes.Clone(text)
			mangled[at] = b
			m, err := DecodeManifest(mangled)
			if (err == nil) != (m != nil) {
				t.Fatalf("byte %d: %v beside %v", at, m, err)
			}
			if err == nil && !bytes.Equal(m.Encode(), mangled) {
				t.Fatalf("byte %d: accepted as something else", at)
			}
		}
	}
	for name, other := range map[string][]byte{
		"trailing":   append(bytes.Clone(text), '\n'),
		"twice":      append(bytes.Clone(text), text...),
		"repeated":   bytes.Replace(text, []byte(`"site":`), []byte(`"site": "Z99002", "site":`), 1),
		"other case": bytes.Replace(text, []byte(`"site":`), []byte(`"SITE":`), 1),
		"unknown":    bytes.Replace(text, []byte(`"site":`), []byte(`"note": "", "site":`), 1),
		"oversize":   append(bytes.Clone(text), bytes.Repeat([]byte(" "), MaxManifest)...),
		"array":      []byte("[]"), "null": []byte("null"), "empty": nil,
	} {
		if m, err := DecodeManifest(other); err == nil || m != nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

func TestManifestsThatNoExtractWrites(t *testing.T) {
	for name, change := range map[string]func(*Manifest){
		"schema":           func(m *Manifest) { m.Schema = "datanet/v2" },
		"dataset":          func(m *Manifest) { m.Dataset = "hospital" },
		"site of a path":   func(m *Manifest) { m.Site = "../Z99001" },
		"site of colours":  func(m *Manifest) { m.Site = "\x1b[31mZ" },
		"no site":          func(m *Manifest) { m.Site = "" },
		"date":             func(m *Manifest) { m.AsAt = "31/10/2026" },
		"no such day":      func(m *Manifest) { m.AsAt = "2026-02-30" },
		"sequence 0":       func(m *Manifest) { m.Sequence = 0 },
		"endless sequence": func(m *Manifest) { m.Sequence = 1 << 62 },
		"kind":             func(m *Manifest) { m.Kind = "delta" },
		"exact total":      func(m *Manifest) { m.Persons = 123 },
		"exact left out":   func(m *Manifest) { m.LeftOut = 3 },
		"negative total":   func(m *Manifest) { m.Persons = -10 },
		"check value":      func(m *Manifest) { m.WrapCheck = "0123" },
		"other check":      func(m *Manifest) { m.LinkageCheck = strings.Repeat("\n", 16) },
		"previous":         func(m *Manifest) { m.Previous = "first" },
		"tool":             func(m *Manifest) { m.Tool = "a\x07" },
		"long list":        func(m *Manifest) { m.CodeLists["x"] = strings.Repeat("v", 1000) },
		"fewer files":      func(m *Manifest) { m.Files = m.Files[1:] },
		"other order":      func(m *Manifest) { m.Files[0], m.Files[1] = m.Files[1], m.Files[0] },
		"table twice":      func(m *Manifest) { m.Files[1] = m.Files[0] },
		"file elsewhere":   func(m *Manifest) { m.Files[0].Name = "../patients.parquet" },
		"hash":             func(m *Manifest) { m.Files[0].SHA256 = strings.ToUpper(m.Files[0].SHA256) },
		"negative rows":    func(m *Manifest) { m.Files[0].Rows = -1 },
		"negative bytes":   func(m *Manifest) { m.Files[0].Bytes = -1 },
		"policy's hash":    func(m *Manifest) { m.PolicyDigest = "" },
		"withheld":         func(m *Manifest) { m.Withheld = []string{"86406008", "86406007"} },
		"withheld twice":   func(m *Manifest) { m.Withheld = []string{"86406008", "86406008"} },
		"others withheld":  func(m *Manifest) { m.Withheld = []string{"B20"} },
		"list's date":      func(m *Manifest) { m.NationalOptOut = "yesterday" },
		"nobody withdrawn": func(m *Manifest) { m.Withdrawn.Rows = 0 },
		"withdrawn":        func(m *Manifest) { m.Withdrawn.Name = "../withdrawn.parquet" },
	} {
		m := manifest()
		change(m)
		if got, err := DecodeManifest(m.Encode()); err == nil || got != nil {
			t.Errorf("%s is accepted", name)
		} else if strings.ContainsAny(err.Error(), "\x1b\x07\n") {
			t.Errorf("%s: the error repeats the value", name)
		}
	}
}

func FuzzDecodeManifest(f *testing.F) {
	f.Add(manifest().Encode())
	f.Add([]byte(`{"schema":"datanet/v1"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if m, err := DecodeManifest(text); err == nil && !bytes.Equal(m.Encode(), text) {
			t.Error("accepted as something else")
		}
	})
}

func TestStatementsDoNotPassAsEachOther(t *testing.T) {
	if Statement("manifest", Digest(nil)) == Statement("publication", Digest(nil)) {
		t.Error("one statement for two kinds")
	}
}
