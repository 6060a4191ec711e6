package linkage

import (
	"bytes"
	"os"
	"reflect"
	"strings"
	"testing"
)

func TestRecordTable(t *testing.T) {
	table(t, "testdata/records.txt", func(t *testing.T, input string) string {
		r, err := parseRecord([]byte(strings.TrimSpace(input)))
		if err != nil {
			if strings.Contains(err.Error(), "SECRET") {
				t.Error("the error quotes the record")
			}
			return "refused: " + err.Error()
		}
		line, err := r.encode()
		if err != nil || string(line) != strings.TrimSpace(input) {
			t.Errorf("written again: %s, %v", line, err)
		}
		return "ok: " + string(r.Kind)
	})
}

func FuzzRecord(f *testing.F) {
	raw, err := os.ReadFile("testdata/records.txt")
	if err != nil {
		f.Fatal(err)
	}
	seeds := 0
	for line := range bytes.Lines(raw) {
		if bytes.HasPrefix(line, []byte("{")) {
			f.Add(bytes.TrimSpace(line))
			seeds++
		}
	}
	if seeds < 10 {
		f.Fatal("the seeds were not found")
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		r, err := parseRecord(line)
		if err != nil {
			return
		}
		again, err := r.encode()
		if err != nil || !bytes.Equal(line, again) || bytes.ContainsAny(line, "\n\r") {
			t.Fatalf("accepted a second spelling of %q: %q, %v", line, again, err)
		}
		// The fast way and the plain one read the same.
		plain, err := unmarshal[Record](line)
		if fast, ok := readRecord(line); !ok || err != nil || !reflect.DeepEqual(fast, plain) {
			t.Fatalf("read in two ways: %+v and %+v, %v", fast, plain, err)
		}
	})
}

func FuzzHead(f *testing.F) {
	dir := founded(f, 1)
	text, ok := openNote(read(f, dir, headFile), mustVerifier(ledgerVKey))
	if !ok {
		f.Fatal("the seed was not found")
	}
	if _, ok := readHead(text); !ok {
		f.Fatal("the seed is not a head")
	}
	f.Add(text)
	f.Add(announcement(Origin(testHub), 1, leaf(nil)))
	f.Fuzz(func(t *testing.T, text string) {
		if h, ok := readHead(text); ok && h.text() != text {
			t.Fatalf("accepted a second spelling %q", text)
		}
		// Unsigned bytes are never a head, however they are made.
		if _, err := ParseHead([]byte(text), ledgerVKey); err == nil {
			t.Fatal("an unsigned text was taken for a head")
		}
	})
}
