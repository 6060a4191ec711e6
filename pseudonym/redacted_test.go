package pseudonym

import (
	"bytes"
	"encoding/base64"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"

	"filippo.io/age"
)

// The secrets of fakeKeys, and the number, in every writing that a leak could
// have.
func leaks(t testing.TB) []string {
	t.Helper()
	out := []string{"9990000018", "8100000999", "39393930303030303138", "57 57 57 48", "0x39, 0x39, 0x39", "OTk5MDAwMDAxOA",
		"39 39 39 30", "SECRET-KEY", "PRIVATE+KEY", "correct horse", "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eH"}
	for _, first := range []byte{0, 0x20, 0x40, 0x60, 0x80} {
		b := fakeBytes(first)[4:12]
		out = append(out, hex.EncodeToString(b), strings.ToUpper(hex.EncodeToString(b)),
			strings.Trim(fmt.Sprint(b), "[]"), strings.Trim(fmt.Sprintf("% x", b), "[]"), strings.Trim(fmt.Sprintf("%#v", b), "[]byte{}"),
			base64.StdEncoding.EncodeToString(fakeBytes(first))[4:16])
	}
	return out
}

func checkNoLeak(t testing.TB, how, text string) {
	t.Helper()
	for _, l := range leaks(t) {
		if strings.Contains(text, l) {
			t.Fatalf("%s shows a secret", how) // and the test does not
		}
	}
}

// secretThings are all values that hold a secret, after use, so that buffers
// are filled.
func secretThings(t testing.TB) map[string]any {
	t.Helper()
	keys := fakeKeys(t)
	site, custodian, publisher := keys[3].(*SiteKey), keys[1].(*CustodianKey), keys[5].(*PublisherKey)
	number := testNumber(t, "9990000018")
	coder := NewCoder(site.Linkage, site.Wrap)
	project := NewProjectCoder(custodian.Wrap.Dataset(), ProjectKey{secretOf(fakeBytes(0x60))}, [32]byte{})
	hasher := publisher.Record.Hasher()
	project.Code(coder.Code(number))
	hasher.Of([]byte("9990000018"))
	id, err := parseIdentity([]byte(fakeIdentity(t).key().String()))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]any{
		"number": number, "linkage key": site.Linkage, "site wrap key": site.Wrap, "wrap key": custodian.Wrap,
		"dataset key": custodian.Wrap.Dataset(), "record key": publisher.Record, "cell key": publisher.Cell,
		"project key": ProjectKey{secretOf(fakeBytes(0x60))}, "signer": site.Signer, "sealing key": custodian.seal,
		"custodian's identity": custodian.Identity(), "state identity": site.state, "coder": coder, "project coder": project,
		"hasher": hasher, "rewrapper": NewRewrapper(site.Wrap, custodian.Wrap.Dataset()), "identity": id, "age identity": id.Identity(),
		"unlock": Unlock{Identities: []age.Identity{id.Identity(), custodian.Identity()},
			Passphrase: func(string) (string, error) { return "correct horse", nil }},
	}
	for _, k := range keys {
		out[k.Kind()+" file"] = k
		out[k.Kind()+" description"] = k.Describe()
	}
	return out
}

// around puts a value where programs put values: fmt can call methods on some
// of these and must print memory for others.
func around(v any) []any {
	type exported struct{ V any }
	type unexported struct{ v any }
	n, _ := v.(NHSNumber)
	k, _ := v.(LinkageKey)
	s, _ := v.(*SiteKey)
	u, _ := v.(Unlock)
	return []any{v, &v, []any{v}, map[string]any{"k": v}, exported{v}, &exported{v}, unexported{v}, &unexported{v},
		struct{ n NHSNumber }{n}, struct{ k LinkageKey }{k}, struct{ s *SiteKey }{s}, struct{ u Unlock }{u},
		[]NHSNumber{n}, map[NHSNumber]LinkageKey{n: k}, fmt.Errorf("wrapped: %v", v)}
}

func TestNothingPrintsASecret(t *testing.T) {
	verbs := []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%#x", "%d", "%o", "%b", "%c", "%U", "%e", "%g", "%t", "%p", "%10.3s", "%z", "%[2]d"}
	for name, thing := range secretThings(t) {
		for _, v := range around(thing) {
			for _, verb := range verbs {
				checkNoLeak(t, name+" with "+verb, fmt.Sprintf(verb, v))
			}
			checkNoLeak(t, name+" by Print", fmt.Sprint(v)+fmt.Sprintln(v))
			if data, err := json.Marshal(v); err == nil {
				checkNoLeak(t, name+" as JSON", string(data))
			}
			if data, err := xml.Marshal(v); err == nil {
				checkNoLeak(t, name+" as XML", string(data))
			}
			var out bytes.Buffer
			_ = gob.NewEncoder(&out).Encode(v)
			log.New(&out, "", 0).Print(v)
			slog.New(slog.NewTextHandler(&out, nil)).Error("m", "k", v, slog.Group("g", "k", v))
			slog.New(slog.NewJSONHandler(&out, nil)).Error("m", "k", v, slog.Group("g", "k", v))
			checkNoLeak(t, name+" in a log", out.String())
		}
	}
}

func TestRedactedWords(t *testing.T) {
	things := secretThings(t)
	for name, want := range map[string]string{"number": "[nhs number]", "linkage key": "[key]", "site file": "[key]", "signer": "[key]", "unlock": "[key]"} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			if got := fmt.Sprintf(verb, things[name]); got != want {
				t.Errorf("%s with %s prints %s", name, verb, got)
			}
		}
		if data, err := json.Marshal(things[name]); err != nil || string(data) != `"`+want+`"` {
			t.Errorf("%s as JSON: %s, %v", name, data, err)
		}
		if got := fmt.Sprint(things[name].(interface{ LogValue() slog.Value }).LogValue()); got != want {
			t.Errorf("%s in slog: %s", name, got)
		}
	}
}

const panicking = "PSEUDONYM_TEST_PANIC"

//go:noinline
func deep(n NHSNumber, k LinkageKey, s *SiteKey, v any) int {
	if v != nil {
		panic(v)
	}
	return deep(n, k, s, n) + 1
}

// A panic prints its value and, in the traceback, the words of every argument:
// a child process panics and the parent reads what it wrote.
func TestPanicsShowNoSecret(t *testing.T) {
	things := secretThings(t)
	if name := os.Getenv(panicking); name != "" {
		deep(things["number"].(NHSNumber), things["linkage key"].(LinkageKey), things["site file"].(*SiteKey), things[name])
	}
	for _, name := range []string{"number", "linkage key", "site file", "signer", "coder", "unlock"} {
		cmd := exec.Command(os.Args[0], "-test.run=^TestPanicsShowNoSecret$")
		cmd.Env = append(os.Environ(), panicking+"="+name, "GOTRACEBACK=system")
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), "deep(") {
			t.Fatalf("%s: the child did not panic in deep: %v", name, err)
		}
		checkNoLeak(t, "a panic with the "+name, string(out))
		var packed uint64
		for _, d := range "9990000018" {
			packed = packed<<4 | uint64(d-'0')
		}
		for _, word := range []string{fmt.Sprintf("%x", packed), fmt.Sprintf("%x", packed|numberBit), fmt.Sprintf("%x", 9990000018)} {
			if strings.Contains(string(out), word) {
				t.Errorf("%s: the traceback shows the number as a word", name)
			}
		}
	}
}

func TestNumbersCompareInsideAProcess(t *testing.T) {
	if testNumber(t, "999 000 0018") != testNumber(t, "9990000018") || testNumber(t, "9990000018") == testNumber(t, "9990000026") {
		t.Error("== does not compare numbers")
	}
}
