package hub

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestAudit(t *testing.T) {
	h := newHub(t)
	path := filepath.Join(h.Dir(), "audit", "log.jsonl")
	entry := AuditEntry{Time: time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC), Key: "custodian+1a2b3c4d", What: "load", On: "primary-care Z99001 1", Outcome: "loaded"}
	if err := h.Audit(entry); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	want := `{"time":"2026-11-01T09:00:00Z","key":"custodian+1a2b3c4d","what":"load","on":"primary-care Z99001 1","outcome":"loaded"}` + "\n"
	if err != nil || string(raw) != want {
		t.Fatalf("%s, %v", raw, err)
	}
	// A torn line, longer than one read from the end, is taken away; whole lines never are.
	if err := os.WriteFile(path, append(raw, strings.Repeat("x", 10000)...), 0o600); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if err := h.Audit(entry); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	raw, err = os.ReadFile(path)
	if err != nil || string(raw) != strings.Repeat(want, 9) {
		t.Fatalf("%s, %v", raw, err)
	}
	entry.On = "two\nlines"
	if err := h.Audit(entry); err != nil {
		t.Fatal(err)
	}
	raw, err = os.ReadFile(path)
	if err != nil || bytes.Count(raw, []byte("\n")) != 10 {
		t.Fatalf("%s, %v", raw, err)
	}
	for line := range bytes.Lines(raw) {
		if err := json.Unmarshal(line, new(AuditEntry)); err != nil {
			t.Error(err)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(t.TempDir(), "elsewhere"), path); err != nil {
		t.Fatal(err)
	}
	if err := h.Audit(entry); err == nil {
		t.Error("a link was followed")
	}
}
