package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
)

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:8])
}

// everyCommand visits each command's words.
func everyCommand(visit func(words []string)) {
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		visit(strings.Fields(c.CommandPath())[1:])
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(newRoot(newApp()))
}

func TestEveryCommandExplainsItself(t *testing.T) {
	s := newSession(t, t.TempDir())
	everyCommand(func(words []string) {
		t.Run(strings.Join(append([]string{"datanet"}, words...), " "), func(t *testing.T) {
			code, help, stderr := s.try(t.Context(), append(words, "--help")...)
			if code != 0 || stderr != "" {
				t.Fatalf("--help: exit code %d\n%s", code, stderr)
			}
			_, example, ok := strings.Cut(help, "\nExample:\n")
			if !ok || !strings.HasPrefix(example, "  ") || !strings.Contains(example, "datanet") {
				t.Errorf("no example:\n%s", help)
			}
			if !strings.HasSuffix(help, exitCodes) {
				t.Errorf("the exit codes are not its end:\n%s", help)
			}
			// The policy's name is the publisher's business, who also has to type it.
			text := strings.ReplaceAll(strings.ToLower(help), `(default "lattice")`, "")
			for _, word := range []string{"lattice", " node", " view", "ledger head", "tombstone", "hpke"} {
				if strings.Contains(text, word) {
					t.Errorf("the help says %q, which its readers do not", word)
				}
			}
		})
	})
}

func TestEveryCommandRefusesAnUnknownFlag(t *testing.T) {
	s := newSession(t, t.TempDir())
	everyCommand(func(words []string) {
		name := strings.Join(append([]string{"datanet"}, words...), " ")
		code, stdout, stderr := s.try(t.Context(), append(words, "--no-such-flag")...)
		if err := oneError(stderr); code != 2 || stdout != "" || err != nil {
			t.Errorf("%s --no-such-flag: exit code %d, %v\n%s", name, code, err, stdout)
		}
		if !strings.Contains(stderr, "hint: see "+name+" --help") {
			t.Errorf("the hint does not name the command:\n%s", stderr)
		}
		code, stdout, stderr = s.try(t.Context(), append(words, "--no-such-flag", "--json")...)
		if err := oneDocument(2, stdout, stderr); code != 2 || err != nil {
			t.Errorf("%s --no-such-flag --json: exit code %d, %v", name, code, err)
		}
	})
}

// Whatever a command line holds, it is answered, never crashed on.
func TestOddWords(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir) // some odd names are names that a file can have
	s := newSession(t, dir)
	odd := []string{"", " ", "-", "--", "=", "+", ",", "a\nb", "\x00", "\xff", "../..", "/dev/null", dir, strings.Repeat("9", 400), "💉", "-1", "1e309"}
	everyCommand(func(words []string) {
		flags, _, err := newRoot(newApp()).Find(words)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range odd {
			for _, line := range [][]string{{o}, {o, o}, required(flags, o)} {
				if words := append(append([]string{}, words...), line...); !makesSomething(words, line) {
					if code, _, stderr := s.try(t.Context(), words...); strings.Contains(stderr, "fault in datanet") || (code != 0 && oneError(stderr) != nil) {
						t.Errorf("%q: exit code %d\n%s", words, code, stderr)
					}
				}
			}
		}
	})
}

// required gives each required flag of a command the same value.
func required(c *cobra.Command, value string) []string {
	var line []string
	for _, f := range []string{"measure", "key", "source", "out", "dataset", "site", "custodian", "linkage", "wrap", "name"} {
		if c.Flags().Lookup(f) != nil {
			line = append(line, "--"+f+"="+value)
		}
	}
	return line
}

// makesSomething leaves out what would take long: an odd name is a good name
// for a borough or a hub. A measurement starts this program again, which is a
// test here.
func makesSomething(words, line []string) bool {
	return len(words) == len(line) || words[0] == "demo" || words[0] == "synth" || words[0] == "bench" || strings.HasPrefix(strings.Join(words, " "), "hub init")
}

func TestInterrupted(t *testing.T) {
	if testing.Short() {
		t.Skip("makes a borough")
	}
	dir := filepath.Join(t.TempDir(), "demo")
	s := newSession(t, dir)
	s.must("demo", "--dir", dir, "--people", "1500")
	if err := os.Mkdir(filepath.Join(dir, "late"), 0o700); err != nil {
		t.Fatal(err)
	}
	lines := map[string][]string{
		"publish": {"publish", "--out", filepath.Join(dir, "late", "publication")},
		"extract": {"extract", "--key", filepath.Join(dir, "keys", "Z99001.key"), "--source", filepath.Join(dir, "borough", "primary-care", "Z99001"), "--out", filepath.Join(dir, "late"), "--test-numbers"},
		"synth":   {"synth", "--out", filepath.Join(dir, "late", "borough"), "--people", "200000"},
		"demo":    {"demo", "--dir", filepath.Join(dir, "late", "demo"), "--people", "200000"},
	}
	for name, line := range lines {
		for _, after := range []time.Duration{0, 20, 60, 120} {
			t.Run(fmt.Sprintf("%s after %d ms", name, after), func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(after*time.Millisecond, cancel)
				code, _, stderr := s.try(ctx, line...)
				if code != 130 || oneError(stderr) != nil {
					t.Errorf("exit code %d\n%s", code, stderr)
				}
				left, err := os.ReadDir(filepath.Join(dir, "late"))
				if err != nil || len(left) > 0 {
					t.Errorf("left behind: %v %v", left, err)
				}
			})
		}
	}
}
