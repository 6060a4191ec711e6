package bench

import (
	"bufio"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestWrite: as many entries as asked for, the same bytes each time, and no
// number outside the range that is never issued.
func TestWrite(t *testing.T) {
	one, two := t.TempDir(), t.TempDir()
	for _, dir := range []string{one, two} {
		if err := Write(dir, 1000, Borough(1000)); err != nil {
			t.Fatal(err)
		}
	}
	entries, err := os.ReadDir(one)
	if err != nil || len(entries) != 7 {
		t.Fatalf("%d files, %v", len(entries), err)
	}
	for _, e := range entries {
		a, _ := os.ReadFile(filepath.Join(one, e.Name()))
		b, _ := os.ReadFile(filepath.Join(two, e.Name()))
		if string(a) != string(b) {
			t.Errorf("%s: other bytes", e.Name())
		}
	}
	if lines := read(t, Observations(one)); len(lines) != 1001 {
		t.Errorf("%d lines of entries", len(lines))
	}
	patients := read(t, filepath.Join(one, fileName("Admin_Patient")))
	if len(patients) != 91 {
		t.Errorf("%d lines of patients", len(patients))
	}
	for _, line := range patients[1:] {
		number := strings.Split(line, ",")[2]
		sum := 0
		for i, digit := range number {
			sum += int(digit-'0') * (10 - i) // all ten: a valid number's is a multiple of 11
		}
		if len(number) != 10 || !strings.HasPrefix(number, "999") || sum%11 != 0 {
			t.Errorf("%s is no test number", number)
		}
	}
}

func TestCopy(t *testing.T) {
	dir := t.TempDir()
	if err := Write(dir, 1000, Borough(1000)); err != nil {
		t.Fatal(err)
	}
	for way := range Ways {
		if err := Copy(context.Background(), way, dir, t.TempDir()); err != nil {
			t.Error(err)
		}
	}
	if err := Copy(context.Background(), "no such way", dir, t.TempDir()); err == nil {
		t.Error("copied in a way that is none")
	}
}

func read(t *testing.T, path string) []string {
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var lines []string
	for s := bufio.NewScanner(f); s.Scan(); {
		lines = append(lines, s.Text())
	}
	return lines
}
