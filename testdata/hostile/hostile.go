// Package hostile does to a good export what the corpus beside it says. It
// serves tests only: those of the stage, and those of the whole program.
//
// The folders emis, mhsds and msds are small good exports. In emis.txt,
// mhsds.txt and msds.txt each case is a title, what is done to the export, and
// what must happen then:
//
//	a NUL in a code, which would hide an opt-out
//	CareRecord_Observation replace "44054006" "4405400\x006"
//	----
//	refused: CareRecord_Observation, line 2: holds a NUL byte, which is no text
//
// Words in quotation marks are as Go writes them. A line that names no table is
// an option of the command. Everybody in the exports is made up, and everything
// that could identify one of them holds one of the Markers.
package hostile

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// Markers are what stands in the exports and may stand nowhere else, in small
// letters.
var Markers = []string{
	"quillmarker", "0dd5eed5", "990000018", "990000026", "990000034", "990000042", "999 000 00", "999-000-00",
	"1987-06-05", "05/06/1987", "19870605", "5061987", "1954-03-21", "21/03/1954", "1961-11-30", "xl1 1aa", "xl11aa", "xl1 1ab", "xl11ab", "7700900",
}

// A Case is one case of the corpus.
type Case struct {
	Section, Title, Input, Want string
}

// Read reads the cases of a format.
func Read(root, format string) ([]Case, error) {
	raw, err := os.ReadFile(filepath.Join(root, format+".txt"))
	if err != nil {
		return nil, err
	}
	var cases []Case
	section := ""
	for _, block := range strings.Split(strings.TrimSpace(string(raw)), "\n\n") {
		if heading, ok := strings.CutPrefix(block, "## "); ok {
			section = heading
		}
		head, want, ok := strings.Cut(block+"\n", "\n----\n")
		title, input, _ := strings.Cut(head, "\n")
		if ok {
			cases = append(cases, Case{section, title, input, strings.TrimSpace(want)})
		}
	}
	if len(cases) == 0 {
		return nil, errors.New("the corpus holds no case")
	}
	return cases, nil
}

// Rewrite replaces what must happen by what did, case by case.
func Rewrite(root, format string, got []string) error {
	path := filepath.Join(root, format+".txt")
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	blocks, next := strings.Split(strings.TrimSpace(string(raw)), "\n\n"), 0
	for i, block := range blocks {
		if head, _, ok := strings.Cut(block+"\n", "\n----\n"); ok {
			blocks[i] = head + "\n----\n" + got[next]
			next++
		}
	}
	return os.WriteFile(path, []byte(strings.Join(blocks, "\n\n")+"\n"), 0o644)
}

// Copy copies a format's good export to a folder that there is.
func Copy(root, format, to string) error {
	return os.CopyFS(to, os.DirFS(filepath.Join(root, format)))
}

// Harm does to the export in a folder what a case says, and returns the
// command's options.
func Harm(dir, input string) (options []string, err error) {
	for line := range strings.Lines(input) {
		words, err := split(line)
		if err != nil {
			return nil, err
		}
		if strings.HasPrefix(words[0], "--") {
			options = append(options, words...)
			continue
		}
		path, err := find(dir, words[0])
		if err != nil {
			return nil, err
		}
		if err := harm(path, words[1], words[2:]); err != nil {
			return nil, fmt.Errorf("%s: %w", strings.TrimSpace(line), err)
		}
	}
	return options, nil
}

// split parts a line at its blanks; a word may be quoted, or end in a quoted part.
func split(line string) (words []string, err error) {
	for line = strings.TrimSpace(line); line != ""; line = strings.TrimSpace(line) {
		word := ""
		for line != "" && line[0] != ' ' {
			if line[0] != '"' {
				word, line = word+line[:1], line[1:]
				continue
			}
			quoted, err := strconv.QuotedPrefix(line)
			if err != nil {
				return nil, fmt.Errorf("%w: %s", err, line)
			}
			text, _ := strconv.Unquote(quoted)
			word, line = word+text, line[len(quoted):]
		}
		words = append(words, word)
	}
	return words, nil
}

func find(dir, table string) (string, error) {
	found, err := filepath.Glob(filepath.Join(dir, "*"+table+"*.csv"))
	if err == nil && len(found) != 1 {
		err = fmt.Errorf("%d files of %s", len(found), table)
	}
	if err != nil {
		return "", err
	}
	return found[0], nil
}

// harm does one thing to one file.
func harm(path, what string, words []string) error {
	if do := places[what]; do != nil {
		return do(path, words)
	}
	do := edits[what]
	if do == nil {
		return errors.New("nobody knows how")
	}
	body, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if body, err = do(body, words); err != nil {
		return err
	}
	return os.WriteFile(path, body, 0o600)
}

// edits change a file's bytes.
var edits = map[string]func(body []byte, words []string) ([]byte, error){
	"replace": func(b []byte, w []string) ([]byte, error) { return replace(b, w[0], w[1], 1) },
	"every":   func(b []byte, w []string) ([]byte, error) { return replace(b, w[0], w[1], -1) },
	"fill": func(b []byte, w []string) ([]byte, error) {
		return replace(b, w[0], strings.Repeat(w[1], number(w[2])), 1)
	},
	"begin":   func(b []byte, w []string) ([]byte, error) { return append([]byte(w[0]), b...), nil },
	"end":     func(b []byte, w []string) ([]byte, error) { return append(b, w[0]...), nil },
	"bytes":   func(_ []byte, w []string) ([]byte, error) { return []byte(w[0]), nil },
	"cut":     func(b []byte, w []string) ([]byte, error) { return b[:len(b)-number(w[0])], nil },
	"lines":   func(b []byte, w []string) ([]byte, error) { return lines(b, 0, number(w[0])), nil },
	"without": func(b []byte, w []string) ([]byte, error) { return lines(b, number(w[0]), -1), nil },
	"utf16": func(b []byte, w []string) ([]byte, error) {
		return append([]byte{0xff, 0xfe}, bytes.Join(append(bytes.Split(b, nil), nil), []byte{0})...), nil
	},
	"columns": func(b []byte, w []string) ([]byte, error) {
		return append(bytes.Repeat([]byte(w[1]+","), number(w[0])), b...), nil
	},
	"set":   func(b []byte, w []string) ([]byte, error) { return rows(b, w, false) },
	"again": func(b []byte, w []string) ([]byte, error) { return rows(b, w, true) },
	"many":  many,
}

func number(word string) int {
	n, _ := strconv.Atoi(word)
	return n
}

func replace(b []byte, old, by string, n int) ([]byte, error) {
	if !bytes.Contains(b, []byte(old)) {
		return nil, fmt.Errorf("it does not hold %q", old)
	}
	return bytes.Replace(b, []byte(old), []byte(by), n), nil
}

func lines(b []byte, from, to int) []byte {
	all := bytes.SplitAfter(b, []byte("\n"))
	if to < 0 {
		to = len(all)
	}
	return bytes.Join(all[from:to], nil)
}

// rows changes columns of the first row, or of a copy of it at the end.
func rows(b []byte, changes []string, again bool) ([]byte, error) {
	all, err := csv.NewReader(bytes.NewReader(b)).ReadAll()
	if err != nil {
		return nil, err
	}
	row := all[1]
	if again {
		row = slices.Clone(row)
		all = append(all, row)
	}
	for _, change := range changes {
		column, value, _ := strings.Cut(change, "=")
		at := slices.Index(all[0], column)
		if at < 0 {
			return nil, fmt.Errorf("it has no column %s", column)
		}
		row[at] = value
	}
	var out bytes.Buffer
	err = csv.NewWriter(&out).WriteAll(all)
	return out.Bytes(), err
}

// many adds n copies of the first row. A # in a change becomes the copy's number.
func many(b []byte, words []string) ([]byte, error) {
	var out bytes.Buffer
	out.Write(b)
	for i := range number(words[0]) {
		var changes []string
		for _, c := range words[1:] {
			changes = append(changes, strings.ReplaceAll(c, "#", strconv.Itoa(i)))
		}
		copied, err := rows(lines(b, 0, 2), changes, false)
		if err != nil {
			return nil, err
		}
		out.Write(lines(copied, 1, -1))
	}
	return out.Bytes(), nil
}

// places change what lies at a path.
var places = map[string]func(path string, words []string) error{
	"remove": func(path string, _ []string) error { return os.Remove(path) },
	"rename": func(path string, w []string) error {
		return os.Rename(path, filepath.Join(filepath.Dir(path), w[0]))
	},
	"copied": func(path string, w []string) error {
		body, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(filepath.Dir(path), w[0]), body, 0o600)
	},
	"beside": func(path string, w []string) error {
		for i := range number(w[1]) {
			name := strings.ReplaceAll(w[0], "#", strconv.Itoa(i))
			if err := os.WriteFile(filepath.Join(filepath.Dir(path), name), []byte("Quillmarker\n"), 0o600); err != nil {
				return err
			}
		}
		return nil
	},
	"link": func(path string, _ []string) error {
		elsewhere := filepath.Join(filepath.Dir(filepath.Dir(path)), "elsewhere.csv")
		return errors.Join(os.Rename(path, elsewhere), os.Symlink(elsewhere, path))
	},
	"folder": func(path string, _ []string) error { return errors.Join(os.Remove(path), os.Mkdir(path, 0o700)) },
	"pipe":   func(path string, _ []string) error { return errors.Join(os.Remove(path), syscall.Mkfifo(path, 0o600)) },
	"device": func(path string, _ []string) error {
		return errors.Join(os.Remove(path), os.Symlink("/dev/zero", path)) // a device itself needs root
	},
	"socket": socket,
}

// socket makes one under a short name first: a socket's path has a limit.
func socket(path string, _ []string) error {
	dir, err := os.MkdirTemp("", "s")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, "s"), Net: "unix"})
	if err != nil {
		return err
	}
	l.SetUnlinkOnClose(false)
	defer l.Close()
	return os.Rename(filepath.Join(dir, "s"), path)
}
