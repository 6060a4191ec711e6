package main

import (
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/parquet/file"

	"datanet/synth"
)

func (s *secrets) prepare() *patterns {
	if s.patterns != nil {
		return s.patterns
	}
	p := &patterns{words: map[string]string{}, binary: map[string]string{}, base64: map[string]string{}}
	for n := range s.numbers {
		p.number(n)
	}
	for c := range s.postcodes {
		p.words[strings.ToLower(c)] = "a postcode"
	}
	s.patterns = p
	return p
}

func (p *patterns) number(n string) {
	back := []byte(n)
	slices.Reverse(back)
	p.words[n], p.words[string(back)] = "an NHS number", "an NHS number, reversed"
	p.words[hex.EncodeToString([]byte(n))] = "an NHS number in hex"
	for _, way := range []string{n, n[:3] + " " + n[3:6] + " " + n[6:], n[:3] + "-" + n[3:6] + "-" + n[6:]} {
		s256, s1, m5 := sha256.Sum256([]byte(way)), sha1.Sum([]byte(way)), md5.Sum([]byte(way))
		for name, h := range map[string][]byte{"SHA-256": s256[:], "SHA-1": s1[:], "MD5": m5[:]} {
			p.words[hex.EncodeToString(h)[:hashed]] = "an NHS number's " + name
			p.binary[string(h[:8])] = "an NHS number's " + name
			p.base64[base64.StdEncoding.EncodeToString(h)[:12]] = "an NHS number's " + name + " in base64"
		}
		for shift := range 3 {
			p.base64[middle(way, shift)] = "an NHS number in base64"
		}
	}
}

// middle is the part of a text's base64 that does not depend on what stands
// before and after it, when it begins at shift modulo 3.
func middle(text string, shift int) string {
	whole := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("\x00", shift) + text))
	from := []int{0, 2, 3}[shift]
	to := (shift + len(text)) * 8 / 6
	return whole[from:to][:12]
}

// A findings is what a search saw.
type findings struct {
	leaks                    []string
	files, tables, rows, own int
}

func (f *findings) leak(where, what string) {
	if len(f.leaks) < 20 {
		f.leaks = append(f.leaks, where+" holds "+what)
	}
}

// search looks through a folder. The demo's sources and answer key are where
// these things belong.
func (s *secrets) search(t *testing.T, dir string) *findings {
	t.Helper()
	f := &findings{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if path == filepath.Join(dir, "borough") {
			return fs.SkipDir
		}
		name, _ := filepath.Rel(dir, path)
		s.text(f, "the name "+name, []byte(name))
		if d.IsDir() {
			return nil
		}
		f.files++
		body, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		s.text(f, name, body)
		s.binary(f, name, body)
		if filepath.Ext(path) == ".parquet" {
			return s.table(f, name, body)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

var (
	word      = regexp.MustCompile(`[0-9A-Za-z]+`)
	separated = regexp.MustCompile(`[0-9](?:[ -]?[0-9]){9,}`)
	spaced    = regexp.MustCompile(`(?i)\b[a-z]{1,2}[0-9][0-9a-z]? ?[0-9][a-z]{2}\b`)
	exponent  = regexp.MustCompile(`[0-9]\.[0-9]{5,}[eE]\+?0?9\b`)
	code32    = regexp.MustCompile(`(?i)\b[0-9a-f]{32}\b`)
	base64ish = regexp.MustCompile(`[0-9A-Za-z+/_-]{12,}`)
)

// text looks for everything that can be written down. Digit runs inside a code
// of 32 hex digits are chance; the codes themselves are compared with hashes.
func (s *secrets) text(f *findings, where string, body []byte) {
	p := s.prepare()
	body = bytes.ReplaceAll(body, []byte{0}, nil) // UTF-16 becomes ASCII
	low := bytes.ToLower(body)
	for _, m := range synth.Markers() {
		if bytes.Contains(low, []byte(m)) {
			f.leak(where, "a name, address, telephone number or e-mail")
		}
	}
	for _, w := range word.FindAll(low, -1) {
		s.word(f, where, string(w), p)
	}
	for _, c := range spaced.FindAll(low, -1) {
		if p.words[strings.ReplaceAll(string(c), " ", "")] == "a postcode" {
			f.leak(where, "a postcode")
		}
	}
	for _, e := range exponent.FindAll(low, -1) {
		var v float64
		if fmt.Sscanf(string(e), "%g", &v); s.numbers[fmt.Sprintf("%.0f", v)] {
			f.leak(where, "an NHS number in a spreadsheet's form")
		}
	}
	for _, run := range separated.FindAll(code32.ReplaceAll(low, nil), -1) {
		s.digits(f, where, digits(string(run)), p)
	}
	for _, run := range base64ish.FindAll(body, -1) {
		s.base64(f, where, string(run), p)
	}
}

func (s *secrets) word(f *findings, where, w string, p *patterns) {
	if what := p.words[w]; what != "" {
		f.leak(where, what)
	} else if len(w) > hashed && p.words[w[:hashed]] != "" {
		f.leak(where, p.words[w[:hashed]])
	}
	for i := 0; i+20 <= len(w) && len(w) != 32; i++ {
		if what := p.words[w[i:i+20]]; what != "" {
			f.leak(where, what)
		}
	}
}

// digits looks at each ten digits of a longer run.
func (s *secrets) digits(f *findings, where, run string, p *patterns) {
	for i := 0; i+10 <= len(run); i++ {
		if what := p.words[run[i:i+10]]; what != "" {
			f.leak(where, what)
		}
	}
}

func (s *secrets) base64(f *findings, where, run string, p *patterns) {
	run = strings.NewReplacer("-", "+", "_", "/").Replace(run)
	for i := 0; i+12 <= len(run); i++ {
		if what := p.base64[run[i:i+12]]; what != "" {
			f.leak(where, what)
		}
	}
}

// binary looks for raw hashes at every byte.
func (s *secrets) binary(f *findings, where string, body []byte) {
	p := s.prepare()
	for i := 0; i+8 <= len(body); i++ {
		if what := p.binary[string(body[i:i+8])]; what != "" {
			f.leak(where, what)
		}
	}
}

// table decodes a Parquet file and looks at every value, and at each row
// beside what is known of its own person.
func (s *secrets) table(f *findings, where string, body []byte) error {
	r, err := file.NewParquetReader(bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%s: %w", where, err)
	}
	defer r.Close()
	f.tables++
	seen := map[string]bool{}
	for g := range r.NumRowGroups() {
		if err := s.rows(f, where, r.RowGroup(g), seen); err != nil {
			return fmt.Errorf("%s: %w", where, err)
		}
	}
	return nil
}

// A value that stood in the file before is not looked at again, but for its
// own row's date of birth.
func (s *secrets) rows(f *findings, where string, g *file.RowGroupReader, seen map[string]bool) error {
	births, err := s.birthsOf(g)
	if err != nil {
		return err
	}
	f.rows += len(births)
	for _, own := range births {
		if own != nil {
			f.own++
		}
	}
	for i := range g.NumColumns() {
		at := fmt.Sprintf("%s, column %s", where, g.MetaData().Schema.Column(i).Path())
		err := eachValue(g, i, func(row int, text string, raw []byte) {
			if !seen[text] {
				seen[text] = true
				s.text(f, at, []byte(text))
				s.binary(f, at, raw)
			}
			for birth := range births[row] {
				if saysDay(text, birth) {
					f.leak(at, "the row's own person's date of birth")
				}
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// birthsOf lists what is known of each row's own person.
func (s *secrets) birthsOf(g *file.RowGroupReader) ([]map[string]bool, error) {
	births := make([]map[string]bool, g.NumRows())
	person := g.MetaData().Schema.ColumnIndexByName("person")
	if person < 0 {
		return births, nil
	}
	return births, eachValue(g, person, func(row int, _ string, raw []byte) {
		if len(raw) == 16 {
			births[row] = s.births[[16]byte(raw)]
		}
	})
}

// saysDay: a day, as ISO, as British, or as eight digits.
func saysDay(text, day string) bool {
	y, m, d := day[:4], day[5:7], day[8:]
	for _, form := range []string{day, d + "/" + m + "/" + y, d + "-" + m + "-" + y, y + m + d, d + m + y, d + "." + m + "." + y} {
		if strings.Contains(text, form) {
			return true
		}
	}
	return false
}
