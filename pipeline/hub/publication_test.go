package hub

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func publish(h *Hub, asAt, suffix, content string) (string, error) {
	d, err := h.BeginPublication()
	if err != nil {
		return "", err
	}
	defer d.Abort()
	if err := os.WriteFile(filepath.Join(d.Dir(), "publication.json"), []byte(content), 0o600); err != nil {
		return "", err
	}
	return d.Publish(asAt, suffix)
}

func TestPublish(t *testing.T) {
	h := newHub(t)
	_, err := h.NewestPublication()
	wantKind(t, err, "use")
	for _, p := range []struct{ asAt, suffix, newest string }{
		{"2026-12-31", "P-2026-014", "2026-12-31-P-2026-014"}, // a linked one, if there is no other
		{"2026-09-30", "", "2026-09-30"},
		{"2026-10-31", "", "2026-10-31"},
		{"2026-10-31", "P-2026-014", "2026-10-31"},
		{"2025-10-31", "", "2026-10-31"},
	} {
		dir, err := publish(h, p.asAt, p.suffix, "x")
		if err != nil {
			t.Fatal(err)
		}
		if want, _ := h.PublicationDir(p.asAt, p.suffix); dir != want {
			t.Errorf("published in %s, want %s", dir, want)
		}
		newest, err := h.NewestPublication()
		if err != nil || filepath.Base(newest.Dir) != p.newest {
			t.Errorf("newest %+v, %v; want %s", newest, err, p.newest)
		}
	}
	if err := os.Mkdir(filepath.Join(h.Dir(), "publications", "notes"), 0o700); err != nil {
		t.Fatal(err)
	}
	all, err := h.Publications()
	if err != nil || len(all) != 5 || all[0].AsAt != "2026-12-31" || all[1].Suffix != "" {
		t.Errorf("%+v, %v", all, err)
	}
}

func TestPublishRefuses(t *testing.T) {
	h := newHub(t)
	dir, err := publish(h, "2026-10-31", "", "first")
	if err != nil {
		t.Fatal(err)
	}
	_, err = publish(h, "2026-10-31", "", "second")
	wantKind(t, err, "use")
	if !errors.Is(err, os.ErrExist) {
		t.Error(err)
	}
	if raw, err := os.ReadFile(filepath.Join(dir, "publication.json")); err != nil || string(raw) != "first" {
		t.Errorf("%s, %v", raw, err)
	}
	for _, bad := range [][2]string{{"2026-02-30", ""}, {"..", ""}, {"2026-10-31", "../x"}, {"2026-10-31", "a/b"}, {"2026-10-31", "-"}} {
		_, err := publish(h, bad[0], bad[1], "x")
		wantKind(t, err, "use")
	}
	d, err := h.BeginPublication()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/", filepath.Join(d.Dir(), "link")); err != nil {
		t.Fatal(err)
	}
	_, err = d.Publish("2026-11-30", "")
	wantKind(t, err, "use")
	full := errors.New("no space left")
	h.step = func(string) error { return full }
	if _, err := publish(h, "2026-12-31", "", "x"); !errors.Is(err, full) {
		t.Error(err)
	}
	all, err := h.Publications()
	if err != nil || len(all) != 1 {
		t.Errorf("%+v, %v", all, err)
	}
	if entries, _ := os.ReadDir(filepath.Join(h.Dir(), "publications", ".staging")); len(entries) != 1 {
		t.Errorf("staging holds %v", entries)
	}
}
