package pages

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// ours are the files of a register that says something.
func ours(says string) []File {
	page := `<meta name="generator" content="` + generator + `">` + says
	return []File{{"index.html", []byte(page)}, {"register.csv", []byte(says)}, {"register.json", []byte(says)}}
}

// holds says what a folder holds, and fails if something was left beside it.
func holds(t *testing.T, dir string) string {
	t.Helper()
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(dir), ".new-*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		_, says, _ := strings.Cut(string(text), `">`)
		if says == "" {
			says = string(text)
		}
		all = append(all, e.Name()+"="+says)
	}
	return strings.Join(all, " ")
}

func TestWriteFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "register")
	for _, says := range []string{"first", "second"} {
		if err := WriteRegister(dir, ours(says)); err != nil {
			t.Fatal(err)
		}
		if got, want := holds(t, dir), strings.ReplaceAll("index.html=X register.csv=X register.json=X", "X", says); got != want {
			t.Errorf("it holds %s", got)
		}
	}
	for path, mode := range map[string]os.FileMode{dir: 0o755, filepath.Join(dir, "index.html"): 0o644} {
		if stat, err := os.Stat(path); err != nil || stat.Mode().Perm() != mode {
			t.Errorf("%s: %v %v", path, stat.Mode(), err)
		}
	}
}

// What is not ours is refused and stays.
func TestWriteFolderRefuses(t *testing.T) {
	put := func(path, text string) error {
		return errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600))
	}
	for name, prepare := range map[string]func(dir string) error{
		"somebody's files": func(dir string) error { return put(dir+"/letter.txt", "dear") },
		"a page of others": func(dir string) error { return put(dir+"/index.html", "<p>home</p>") },
		"ours and another": func(dir string) error {
			return errors.Join(WriteRegister(dir, ours("old")), put(dir+"/letter.txt", "dear"))
		},
		"a folder under a name of ours": func(dir string) error {
			return errors.Join(put(dir+"/index.html", string(ours("old")[0].Content)), os.Mkdir(dir+"/register.csv", 0o700))
		},
		"a file":                  func(dir string) error { return put(dir, "text") },
		"a link to a folder":      func(dir string) error { return errors.Join(os.Mkdir(dir+"-real", 0o700), os.Symlink(dir+"-real", dir)) },
		"something in the way":    func(dir string) error { return put(filepath.Dir(dir)+"/.new-register/letter.txt", "dear") },
		"a link in the way":       func(dir string) error { return os.Symlink(filepath.Dir(dir), filepath.Dir(dir)+"/.new-register") },
		"no folder to be made in": func(dir string) error { return os.RemoveAll(filepath.Dir(dir)) },
		"a folder that is not read": func(dir string) error {
			return errors.Join(os.RemoveAll(filepath.Dir(dir)), put(filepath.Dir(dir), "a file"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			above := filepath.Join(t.TempDir(), "above")
			dir := filepath.Join(above, "register")
			if err := errors.Join(os.Mkdir(above, 0o700), prepare(dir)); err != nil {
				t.Fatal(err)
			}
			before := listing(t, above)
			var place *PlaceError
			if err := WriteRegister(dir, ours("new")); !errors.As(err, &place) || place.Kind() != "use" || place.Hints()[0] == "" {
				t.Errorf("it answers %v", err)
			}
			if after := listing(t, above); after != before {
				t.Errorf("it was\n%s\nand is\n%s", before, after)
			}
		})
	}
}

func listing(t *testing.T, dir string) string {
	t.Helper()
	out, err := exec.Command("sh", "-c", `ls -lR "$0" 2>&1; find "$0" -type f -exec cat {} + 2>&1`, dir).Output()
	if err != nil && len(out) == 0 {
		t.Fatal(err)
	}
	return string(out)
}

// What a crash leaves, at any of its steps, the next run takes away.
func TestWriteFolderAfterACrash(t *testing.T) {
	for files := range 4 {
		dir := filepath.Join(t.TempDir(), "register")
		part := filepath.Join(filepath.Dir(dir), ".new-register")
		if err := errors.Join(WriteRegister(dir, ours("old")), os.Mkdir(part, 0o700)); err != nil {
			t.Fatal(err)
		}
		for _, f := range ours("half")[:files] {
			if err := os.WriteFile(filepath.Join(part, f.Name), f.Content[:len(f.Content)/2], 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := WriteRegister(dir, ours("new")); err != nil {
			t.Fatal(err)
		}
		if got := holds(t, dir); got != "index.html=new register.csv=new register.json=new" {
			t.Errorf("it holds %s", got)
		}
	}
}

// On a file system that cannot exchange folders each file is whole, and nothing is left.
func TestFileByFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "register")
	part := filepath.Join(filepath.Dir(dir), ".new-register")
	if err := errors.Join(WriteRegister(dir, ours("old")), fill(part, ours("new"), forEverybody), fileByFile(part, dir), clearPart(part, ours("new"))); err != nil {
		t.Fatal(err)
	}
	if got := holds(t, dir); got != "index.html=new register.csv=new register.json=new" {
		t.Errorf("it holds %s", got)
	}
}

// TestKilled kills a program that writes all the time, at many instants. Whoever looks finds one whole register, old or new.
func TestKilled(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "register")
	if os.Getenv("PAGES_WRITE") != "" {
		for n := 0; ; n++ {
			if err := WriteRegister(os.Getenv("PAGES_WRITE"), ours(strings.Repeat("x", n%7+1))); err != nil {
				t.Fatal(err)
			}
		}
	}
	for n := range 20 {
		c := exec.Command(os.Args[0], "-test.run=^TestKilled$")
		c.Env = append(os.Environ(), "PAGES_WRITE="+dir)
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		for _, err := os.Stat(dir); err != nil; _, err = os.Stat(dir) {
			time.Sleep(time.Millisecond)
		}
		time.Sleep(time.Duration(10+7*n) * time.Millisecond)
		c.Process.Kill()
		c.Wait()
		texts := map[string]bool{}
		for _, f := range ours("")[1:] {
			text, err := os.ReadFile(filepath.Join(dir, f.Name))
			if err != nil {
				t.Fatal(err)
			}
			texts[string(text)] = true
		}
		page, err := os.ReadFile(filepath.Join(dir, "index.html"))
		for text := range texts {
			if err != nil || len(texts) != 1 || !strings.HasSuffix(string(page), `">`+text) || text == "" {
				t.Errorf("kill %d: %d texts, %v", n, len(texts), err)
			}
		}
	}
	if err := WriteRegister(dir, ours("after")); err != nil {
		t.Fatal(err)
	}
	holds(t, dir)
}

func TestWritePage(t *testing.T) {
	dir := t.TempDir()
	page, letter := filepath.Join(dir, "page.html"), filepath.Join(dir, "letter.html")
	if err := os.WriteFile(letter, []byte("<p>dear</p>"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, says := range []string{"first", "second"} {
		if err := WritePage(page, ours(says)[0].Content); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(page)
		stat, errStat := os.Stat(page)
		if errors.Join(err, errStat) != nil || !strings.HasSuffix(string(text), says) || stat.Mode().Perm() != 0o600 {
			t.Errorf("%s, %v", text, err)
		}
	}
	if err := os.Symlink(page, filepath.Join(dir, "link.html")); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{letter, dir, filepath.Join(dir, "link.html"), filepath.Join(dir, "none", "page.html"), filepath.Join(letter, "page.html")} {
		var place *PlaceError
		if err := WritePage(path, []byte("new")); !errors.As(err, &place) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if text, err := os.ReadFile(letter); err != nil || string(text) != "<p>dear</p>" {
		t.Errorf("the letter reads %q, %v", text, err)
	}
}
