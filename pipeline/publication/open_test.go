package publication

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/sys/unix"

	"datanet/pipeline/engine"
	"datanet/schemas"
)

func kindOf(err error) string {
	var k interface{ Kind() string }
	if errors.As(err, &k) {
		return k.Kind()
	}
	return fmt.Sprint(err)
}

func few() []Count {
	return []Count{{Measure: "hypertension", Values: []string{"", "", "", "", ""}, Numerator: number64(100), Denominator: number64(1000)},
		{Measure: "hypertension", Values: []string{"resident", "", "", "", ""}, Denominator: number64(900)}}
}

func TestPublicationComesBack(t *testing.T) {
	p := newPublisher(t)
	x := p.open(t, p.write(t, p.header(2), few()))
	if x.ID != "0123456789abcdef" || x.Catalogue.Check() != nil || x.Dir() == "" {
		t.Errorf("%+v", x.Header)
	}
	a, err := x.Ask(context.Background(), Question{Measure: "hypertension", Population: "registered"})
	if err != nil || len(a.Rows) != 1 || *a.Rows[0].Numerator != 100 || *a.Rows[0].Value != 10 {
		t.Errorf("%+v %v", a, err)
	}
}

// TestEveryByteIsSigned changes each byte of each of the three files, and cuts
// them everywhere.
func TestEveryByteIsSigned(t *testing.T) {
	p := newPublisher(t)
	dir := p.write(t, p.header(2), few())
	for _, name := range []string{headerFile, countsFile, signatureFile} {
		path := filepath.Join(dir, name)
		whole := get(t, path)
		refused := func(what string, text []byte) {
			put(t, path, text)
			if x, err := Open(dir, p.known); x != nil || kindOf(err) != "integrity" {
				t.Fatalf("%s, %s: %v, %v", name, what, x, err)
			}
		}
		step := max(1, len(whole)/150) // of a long file, every few bytes
		for at := 0; at < len(whole); at += step {
			refused(fmt.Sprint("cut at ", at), whole[:at])
			for _, bit := range []byte{1, 4, 32} {
				text := bytes.Clone(whole)
				text[at] ^= bit
				refused(fmt.Sprint("byte ", at, " changed"), text)
			}
		}
		refused("longer", append(bytes.Clone(whole), '\n'))
		refused("twice", append(bytes.Clone(whole), whole...))
		put(t, path, whole)
	}
	p.open(t, dir)
}

func TestAnotherSignatureBeside(t *testing.T) {
	p, other := newPublisher(t), newPublisher(t)
	dir := p.write(t, p.header(2), few())
	signer, err := note.NewSigner(other.skey)
	if err != nil {
		t.Fatal(err)
	}
	verifier, _ := note.NewVerifier(p.vkey)
	n, err := note.Open(get(t, filepath.Join(dir, signatureFile)), note.VerifierList(verifier))
	if err != nil {
		t.Fatal(err)
	}
	both, err := note.Sign(n, signer)
	if err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(dir, signatureFile), both)
	if _, err := Open(dir, p.known); kindOf(err) != "integrity" {
		t.Error(err)
	}
}

// TestWhoseKeyIsTheCallersToSay: the header is shown to known only once its own
// key has proved right, and known's word is the last.
func TestWhoseKeyIsTheCallersToSay(t *testing.T) {
	p, other := newPublisher(t), newPublisher(t)
	dir := p.write(t, p.header(2), few())
	if _, err := Open(dir, other.known); kindOf(err) != "integrity" {
		t.Errorf("another key: %v", err)
	}
	no := &Refusal{"no", ""}
	if x, err := Open(dir, func(*Header) (string, error) { return "", no }); x != nil || !errors.Is(err, no) {
		t.Errorf("%v %v", x, err)
	}
	h := p.header(2)
	h.Publisher = other.vkey // signed by p
	h.Counts = schemas.Digest(get(t, filepath.Join(dir, countsFile)))
	h.Schema = schemas.Version
	p.forge(t, dir, h)
	asked := false
	if _, err := Open(dir, func(*Header) (string, error) { asked = true; return other.vkey, nil }); kindOf(err) != "integrity" || asked {
		t.Errorf("%v; the caller was asked: %v", err, asked)
	}
}

func TestFilesThatAreNone(t *testing.T) {
	p := newPublisher(t)
	for _, name := range []string{headerFile, countsFile, signatureFile} {
		for kind, make := range map[string]func(path string) error{
			"integrity":   func(path string) error { return os.Symlink("/dev/zero", path) },
			"integrity ":  func(path string) error { return os.Symlink(headerFile+".real", path) },
			"integrity  ": func(path string) error { return unix.Mkfifo(path, 0o600) },
			"integrity\t": func(path string) error { return os.Mkdir(path, 0o700) },
			"use":         func(string) error { return nil },
		} {
			dir := p.write(t, p.header(2), few())
			path := filepath.Join(dir, name)
			if err := errors.Join(os.Rename(path, path+".real"), make(path)); err != nil {
				t.Fatal(err)
			}
			if x, err := Open(dir, p.known); x != nil || kindOf(err) != strings.TrimSpace(kind) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if _, err := Open(filepath.Join(t.TempDir(), "none"), p.known); kindOf(err) != "use" {
		t.Error(err)
	}
}

// TestOversize: a file is not read beyond what such a file can hold.
func TestOversize(t *testing.T) {
	p := newPublisher(t)
	for name, most := range map[string]int64{headerFile: maxHeader, signatureFile: maxSignature, countsFile: maxCounts} {
		dir := p.write(t, p.header(2), few())
		if err := os.Truncate(filepath.Join(dir, name), most+1); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(dir, p.known); kindOf(err) != "integrity" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestHostileHeaders: validly signed, by a key that the reader trusts for now.
func TestHostileHeaders(t *testing.T) {
	p := newPublisher(t)
	dir := p.write(t, p.header(2), few())
	good := p.open(t, dir).Header
	for name, change := range map[string]func(*Header){
		"no catalogue":        func(h *Header) { h.Catalogue = nil },
		"SQL for an axis":     func(h *Header) { h.Catalogue.Axes[3].ID = `sex") ; ATTACH '/tmp/x' AS y; --` },
		"SQL for a dimension": func(h *Header) { h.Catalogue.Dimensions[1].ID = "x VARCHAR); COPY counts TO '/tmp/x'; --" },
		"cyclic parents":      func(h *Header) { v := h.Catalogue.Axes[1].Values; v[8].Parent, v[9].Parent = v[9].ID, v[8].ID },
		"a view of everything": func(h *Header) {
			h.Catalogue.Views[0].Levels = map[string]int{"area": 2, "ethnicity": 3, "age": 2, "sex": 1, "imd": 1}
		},
		"a view beyond":            func(h *Header) { h.Catalogue.Views[0].Levels["sex"] = 5 },
		"no residents":             func(h *Header) { h.Catalogue.Axes[0].Values[1].ID = "x" },
		"a measure of colours":     func(h *Header) { h.Catalogue.Measures[0].Title = "x\x1b[31m" },
		"a name that turns around": func(h *Header) { h.HubName = "Lambeth\u202egnol" },
		"a list of bells":          func(h *Header) { h.CodeLists = map[string]string{"\a": "1"} },
		"a path for a date":        func(h *Header) { h.AsAt = "../../x" },
		"a hub of a path":          func(h *Header) { h.Hub = "../../../../../../../../etc/passwd" },
		"an id of words":           func(h *Header) { h.ID = "0123 or 1=1" },
		"negative nodes":           func(h *Header) { h.Nodes = -1 },
		"more withheld than there": func(h *Header) { h.Withheld = 3 },
		"another schema":           func(h *Header) { h.Schema = "datanet/v2" },
	} {
		h := good
		h.Catalogue = clone(good.Catalogue)
		change(&h)
		p.forge(t, dir, &h)
		if x, err := Open(dir, p.known); x != nil || kindOf(err) != "integrity" {
			t.Errorf("%s: %v", name, err)
		} else if strings.ContainsAny(err.Error(), "\x1b\a\u202e") {
			t.Errorf("%s: the error repeats it", name)
		}
	}
	text := get(t, filepath.Join(p.write(t, p.header(2), few()), headerFile))
	for name, text := range map[string][]byte{
		"an unknown field": bytes.Replace(text, []byte(`"hub_name"`), []byte(`"note": "", "hub_name"`), 1),
		"something after":  append(bytes.Clone(text), "{}"...),
		"deeply nested":    []byte(`{"schema":"datanet/v1","publisher":"` + p.vkey + `","x":` + strings.Repeat("[", 100000) + strings.Repeat("]", 100000) + `}`),
		"nothing":          nil, "null": []byte("null"), "a list": []byte("[]"),
	} {
		p.forgeText(t, dir, text)
		if x, err := Open(dir, p.known); x != nil || kindOf(err) != "integrity" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestHostileSources: what a header may say of an approval, whoever signs it.
func TestHostileSources(t *testing.T) {
	p := newPublisher(t)
	linked, alone := p.linked(2, "2026-12-31"), p.header(2)
	dir := p.write(t, linked, few())
	alone.Schema, alone.Counts = linked.Schema, linked.Counts // the counts are the same
	id := func(s string) *string { return &s }
	for name, change := range map[string]func(*Header){
		"":                              func(*Header) {},
		"an approval of a path":         func(h *Header) { h.Approval = id("../../x") },
		"an approval without a name":    func(h *Header) { h.Approval = id("") },
		"no approval":                   func(h *Header) { h.Approval = nil },
		"no text of it":                 func(h *Header) { h.ApprovalSHA256 = "" },
		"no last day":                   func(h *Header) { h.LastDay = "" },
		"a last day that is none":       func(h *Header) { h.LastDay = "9999" },
		"a last day of another form":    func(h *Header) { h.LastDay = "2026-12-31T00:00:00Z" },
		"one dataset":                   func(h *Header) { h.Datasets, h.States = h.Datasets[:1], map[string]string{"primary-care": h.State} },
		"a dataset twice":               func(h *Header) { h.Datasets[2] = "slam"; delete(h.States, "maternity") },
		"a dataset of a path":           func(h *Header) { h.Datasets[1] = "../slam"; h.States["../slam"] = h.State },
		"a dataset without a state":     func(h *Header) { delete(h.States, "slam") },
		"a state of no dataset":         func(h *Header) { h.States["other"] = h.State },
		"a state that is no hash":       func(h *Header) { h.States["slam"] = "x" },
		"another dataset's people":      func(h *Header) { h.Dataset = "other" },
		"a measure that needs no other": func(h *Header) { h.Catalogue = clone(alone.Catalogue) },
		"a measure that needs more": func(h *Header) {
			h.Datasets = h.Datasets[:2]
			delete(h.States, "maternity")
		},
	} {
		h := *linked
		h.Datasets, h.States, h.Catalogue = slices.Clone(h.Datasets), maps.Clone(h.States), clone(h.Catalogue)
		change(&h)
		p.forge(t, dir, &h)
		x, err := Open(dir, p.known)
		if name == "" && err != nil || name != "" && (x != nil || kindOf(err) != "integrity") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, change := range map[string]func(*Header){
		"":                     func(*Header) {},
		"a last day alone":     func(h *Header) { h.LastDay = "2026-12-31" },
		"an approval's text":   func(h *Header) { h.ApprovalSHA256 = h.State },
		"datasets":             func(h *Header) { h.Datasets = []string{"primary-care"} },
		"states":               func(h *Header) { h.States = map[string]string{"primary-care": h.State} },
		"a linked measure":     func(h *Header) { h.Catalogue = clone(linked.Catalogue) },
		"another's measures":   func(h *Header) { h.Dataset = "slam" },
		"an approval and more": func(h *Header) { h.Approval = id("2026-014") },
	} {
		h := *alone
		h.Catalogue = clone(h.Catalogue)
		change(&h)
		p.forge(t, dir, &h)
		x, err := Open(dir, p.known)
		if name == "" && err != nil || name != "" && (x != nil || kindOf(err) != "integrity") {
			t.Errorf("alone, %s: %v", name, err)
		}
	}
}

// TestHostileCounts: validly signed tables that no hub writes.
func TestHostileCounts(t *testing.T) {
	p := newPublisher(t)
	q := Question{Measure: "hypertension", Population: "registered"}
	for name, query := range map[string]string{
		"a negative count":              "SELECT * REPLACE (-5::BIGINT AS numerator) FROM t",
		"a numerator above":             "SELECT * REPLACE (5000::BIGINT AS numerator) FROM t",
		"a numerator alone":             "SELECT * REPLACE (NULL::BIGINT AS denominator) FROM t",
		"beyond any population":         "SELECT * REPLACE (9223372036854775807 AS denominator) FROM t",
		"a group without a name":        "SELECT * REPLACE (NULL::VARCHAR AS area) FROM t",
		"a group twice":                 "SELECT * REPLACE ('' AS area) FROM t",
		"a row more":                    "SELECT * FROM t UNION ALL SELECT * FROM t",
		"a column less":                 "SELECT * EXCLUDE (imd) FROM t",
		"a column of another type":      "SELECT * REPLACE (numerator::DOUBLE AS numerator) FROM t",
		"a column more":                 "SELECT *, 'Small' AS reason FROM t",
		"no rows":                       "SELECT * FROM t LIMIT 0",
		"a measure that nobody asks of": "SELECT * REPLACE (NULL::VARCHAR AS measure) FROM t",
	} {
		dir := p.write(t, p.header(2), few())
		respell(t, dir, query)
		h := p.header(2)
		h.Schema, h.Counts = schemas.Version, schemas.Digest(get(t, filepath.Join(dir, countsFile)))
		p.forge(t, dir, h)
		a, err := p.open(t, dir).Ask(context.Background(), q)
		if a != nil || kindOf(err) != "integrity" {
			t.Errorf("%s: %+v %v", name, a, err)
		}
	}
	dir := p.write(t, p.header(2), few())
	put(t, filepath.Join(dir, countsFile), []byte("no table"))
	h := p.header(2)
	h.Schema, h.Counts = schemas.Version, schemas.Digest([]byte("no table"))
	p.forge(t, dir, h)
	if _, err := p.open(t, dir).Ask(context.Background(), q); kindOf(err) != "integrity" {
		t.Errorf("no table: %v", err)
	}
}

func respell(t *testing.T, dir, query string) {
	t.Helper()
	path := filepath.Join(dir, countsFile)
	e, err := engine.Open(context.Background(), engine.Options{Folders: []string{dir}})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	for _, err := range []error{
		e.Exec(context.Background(), "test", "CREATE TABLE t AS SELECT * FROM "+engine.ReadParquet(path)),
		os.Remove(path),
		e.CopyParquet(context.Background(), "test", query, path),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestWhatWasCheckedIsRead: who changes the file after it was opened changes
// no answer.
func TestWhatWasCheckedIsRead(t *testing.T) {
	p := newPublisher(t)
	dir := p.write(t, p.header(2), few())
	x := p.open(t, dir)
	respell(t, dir, "SELECT * REPLACE (500::BIGINT AS numerator) FROM t")
	a, err := x.Ask(context.Background(), Question{Measure: "hypertension", Population: "registered"})
	if err != nil || *a.Rows[0].Numerator != 100 {
		t.Errorf("%+v %v", a, err)
	}
}

// TestNothingUnreadableIsWritten: what Open would refuse is not published.
func TestNothingUnreadableIsWritten(t *testing.T) {
	p := newPublisher(t)
	h := p.header(2)
	h.Catalogue.Axes[0].ID = "x y"
	dir := t.TempDir()
	if err := Write(context.Background(), dir, h, few(), p.sign); err == nil {
		t.Error("written")
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("%v", left)
	}
	want := errors.New("no key")
	err := Write(context.Background(), dir, p.header(2), few(), func(string) ([]byte, error) { return nil, want })
	if _, statErr := os.Stat(filepath.Join(dir, signatureFile)); !errors.Is(err, want) || statErr == nil {
		t.Errorf("%v", err)
	}
}
