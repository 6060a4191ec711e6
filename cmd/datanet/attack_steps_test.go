package main

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"datanet/linkage"
	"datanet/pseudonym"
)

// ledger is what the records hold, at the hub that is at hand.
func (w *attacker) ledger() string {
	raw, err := os.ReadFile(filepath.Join(cmp.Or(w.world["DATANET_HUB"], w.in()), "ledger", "records"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		w.Fatal(err)
	}
	return string(raw)
}

func (w *attacker) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *attacker) reads(path string) []byte {
	w.Helper()
	raw, err := os.ReadFile(path)
	w.must(err)
	return raw
}

func (w *attacker) writes(path string, raw []byte) {
	w.Helper()
	info, err := os.Stat(path)
	w.must(err)
	w.must(os.WriteFile(path, raw, 0o600))
	w.must(os.Chtimes(path, info.ModTime(), info.ModTime()))
}

// in is a path in the hub.
func (w *attacker) in(parts ...string) string {
	return filepath.Join(append([]string{w.file("hub")}, parts...)...)
}

func (w *attacker) released(dataset string, file ...string) string {
	return w.in(append([]string{"projects", w.id, "releases", dataset}, file...)...)
}

func (w *attacker) otherReleased(dataset string) string {
	return w.in("projects", w.other, "releases", dataset)
}

func (w *attacker) extract(file string) string {
	return w.file(filepath.Join("extracts", "primary-care_Z99002_2026-10-31", file))
}

func (w *attacker) load(site string) []string {
	return []string{"load", w.file("extracts/primary-care_" + site + "_2026-10-31"), "--custodian", w.key("primary-care", "custodian")}
}

func (w *attacker) release(id, dataset string) []string {
	return []string{"release", "--approval", id, "--dataset", dataset, "--custodian", w.key(dataset, "custodian")}
}

func (w *attacker) links(id string, releases ...string) []string {
	args := []string{"link", "--approval", id}
	for _, dir := range releases {
		args = append(args, "--release", dir)
	}
	return args
}

// steps are those that the approval allows, as commands.
func (w *attacker) steps(names ...string) (all [][]string) {
	for _, name := range names {
		all = append(all, map[string][]string{
			"release": w.release(w.id, "slam"), "link": {"link", "--approval", w.id}, "publish": {"publish", "--approval", w.id},
			"query": {"query", "--measure", "smi-blood-pressure", "--approval", w.id},
		}[name])
	}
	return all
}

func (w *attacker) everyStep() [][]string { return w.steps("release", "link", "publish", "query") }

// allows gives commands that must succeed.
func (w *attacker) allows(commands ...[]string) {
	w.Helper()
	for _, args := range commands {
		w.says(args...)
	}
}

func (w *attacker) signWith(key string) [][]string {
	return [][]string{{"approval", "sign", w.id, "--guardian", key}}
}

func (w *attacker) signAs(dataset string) [][]string { return w.signWith(w.key(dataset, "guardian")) }

func (w *attacker) revoke() {
	w.Helper()
	w.says("approval", "revoke", w.id, "--guardian", w.key("slam", "guardian"), "--reason", "The study has ended")
}

func (w *attacker) applicant() string { return w.key("applicant-slam2026-11-012026-12-10", "key") }

// newKey makes a Guardian's key that nobody has recorded.
func (w *attacker) newKey(dataset, name string) string {
	w.Helper()
	path := w.file(name + ".key")
	w.says("key", "guardian", "--dataset", dataset, "--name", name, "--out", path)
	return path
}

func (w *attacker) public(key string) string {
	w.Helper()
	return w.says("key", "show", "--public", key)["public"].(string)
}

// opened is a key that somebody in the story holds.
func opened[K pseudonym.Key](w *attacker, path string) K {
	w.Helper()
	key, err := openKey[K](&app{err: io.Discard, env: func(name string) string { return w.world[name] }}, path)
	w.must(err)
	return key
}

// notes signs a text with a Guardian's key, whatever it is.
func (w *attacker) notes(text, key string) string {
	w.Helper()
	signed, err := opened[*pseudonym.GuardianKey](w, key).Signer.SignNote(text)
	w.must(err)
	return string(signed)
}

func (w *attacker) decisions() *linkage.Decisions {
	w.Helper()
	l, err := linkage.OpenFolder(w.in("ledger"))
	w.must(err)
	d, err := l.Decisions()
	w.must(err)
	return d
}

func (w *attacker) of(id string) *linkage.Decision { return w.decisions().Of(id) }
func (w *attacker) decision() *linkage.Decision    { return w.of(w.id) }
func (w *attacker) text() string                   { return w.decision().Approval.Text() }
func (w *attacker) hash() string                   { return w.decision().Approval.SHA256() }

// made is an honest signature, not given in yet.
func (w *attacker) made(dataset string) linkage.SignatureRecord {
	return linkage.SignatureRecord{Approval: w.id, SHA256: w.hash(), Dataset: dataset, Note: w.notes(w.text(), w.key(dataset, "guardian"))}
}

// signature is the one of primary care's Guardian, filed for a dataset.
func (w *attacker) signature(dataset string) linkage.SignatureRecord {
	b := w.made("primary-care")
	b.Dataset = dataset
	return b
}

// imports writes a decision to a file, as if it had been made from a request, and gives it in.
func (w *attacker) imports(at time.Time, b linkage.Body) [][]string {
	w.Helper()
	record, err := linkage.NewRecord(at.UTC(), b)
	w.must(err)
	l, err := linkage.OpenFolder(w.in("ledger"))
	w.must(err)
	raw, err := linkage.CarryAnswer(l.Hub(), record)
	w.must(err)
	w.must(os.WriteFile(w.file("answer"), raw, 0o600))
	return [][]string{{"approval", "import", w.file("answer")}}
}

// exports writes the request to a file.
func (w *attacker) exports(name string) string {
	w.Helper()
	w.says("approval", "export", w.id, "--out", w.file(name))
	return w.file(name)
}

// away is a machine without a hub.
func (w *attacker) away(commands ...[]string) [][]string {
	w.world["DATANET_HUB"] = ""
	return commands
}

// forgets makes it the machine of somebody who was never here.
func (w *attacker) forgets() { w.must(os.RemoveAll(w.file("home"))) }

// second has another request signed by everybody.
func (w *attacker) second(dataset string, more ...string) {
	w.Helper()
	w.other = w.drafts(dataset, "2026-11-01", "2026-12-09", more...)
	w.sign(w.other, "primary-care", dataset)
}

// both has primary care released once with the trust and once with maternity.
func (w *attacker) both() {
	w.Helper()
	w.second("maternity")
	w.releases(w.other, "primary-care", "maternity")
}

// eachByte has a file changed before each try: its first byte, its middle, its last, and one in each line; and cut off there. What some lines say
// is left out.
func (w *attacker) eachByte(path string, args []string, but ...string) [][]string {
	w.Helper()
	w.path = path
	whole := w.reads(path)
	start := 0
	for _, line := range but {
		if bytes.HasPrefix(whole, []byte(line)) {
			start = len(line)
		}
	}
	places := []int{start, len(whole) / 2, len(whole) - 1}
	for at := start; at < len(whole); {
		end := bytes.IndexByte(whole[at:], '\n')
		if end < 0 || len(places) > mostPlaces {
			break
		}
		places = append(places, at+end/2)
		at += end + 1
	}
	for _, at := range places {
		changed := bytes.Clone(whole)
		changed[at] ^= 1
		w.changed = append(w.changed, changed, whole[:at])
	}
	return [][]string{args}
}

// mostPlaces keeps long files, in which a line is like the others, from taking long.
const mostPlaces = 60
