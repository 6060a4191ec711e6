package extract

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/csv"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"datanet/pipeline/engine"
	"datanet/testdata/hostile"
)

// corpusFiles are the files that the corpus makes: what the fuzzers begin with.
func corpusFiles(f *testing.F) (files [][]byte) {
	f.Helper()
	for _, s := range systems {
		cases, err := hostile.Read(corpus, s.format)
		if err != nil {
			f.Fatal(err)
		}
		for _, c := range cases {
			files = append(files, changedFile(f, s.format, c)...)
		}
	}
	if len(files) < 150 {
		f.Fatalf("only %d seeds were found", len(files))
	}
	return files
}

// changedFile is the file that a case changes, unless it is no file, or large.
func changedFile(f *testing.F, format string, c hostile.Case) [][]byte {
	f.Helper()
	if strings.Contains(c.Input, "socket") || strings.Contains(c.Input, "pipe") || strings.Contains(c.Input, "device") || strings.Contains(c.Input, "beside") {
		return nil
	}
	dir := filepath.Join(f.TempDir(), "x")
	if err := os.Mkdir(dir, 0o700); err != nil {
		f.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := hostile.Copy(corpus, format, dir); err != nil {
		f.Fatal(err)
	}
	if _, err := hostile.Harm(dir, c.Input); err != nil {
		f.Fatal(err)
	}
	table, _, _ := strings.Cut(c.Input, " ")
	paths, _ := filepath.Glob(filepath.Join(dir, "*"+table+"*.csv"))
	for _, path := range paths {
		if body, err := os.ReadFile(path); err == nil && len(body) < 1<<16 {
			return [][]byte{body}
		}
	}
	return nil
}

// headerRules are all that the header's reader may say.
var headerRules = []string{"has no header", "begins with an empty line", "has a header of more than 65536 bytes", "has more than 1000 columns",
	nulByte, notUTF8Rule, "ends its lines with a carriage return alone", "is separated by something other than commas"}

// FuzzHeader: whatever a file begins with, its header is read as the reference
// below reads it, or refused in words of our own.
func FuzzHeader(f *testing.F) {
	for _, seed := range corpusFiles(f) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		names, err := header(string(text), ',')
		if err != nil {
			said := err.Error()
			if !slices.Contains(headerRules, said) && (foreign(string(text)) == "" || said != "is "+foreign(string(text))+", not comma-separated values") {
				t.Errorf("it says %q", said)
			}
			return
		}
		want, ok := firstRow(strings.TrimPrefix(string(text), "\ufeff"))
		if !ok || len(names) != len(want) || len(names) > maxColumns {
			t.Fatalf("%d names, the reference has %d", len(names), len(want))
		}
		for i := range want {
			if names[i] != strings.TrimSpace(want[i]) || !utf8.ValidString(names[i]) || strings.ContainsAny(names[i], "\x00\r") {
				t.Errorf("name %d is another", i)
			}
		}
	})
}

// firstRow is RFC 4180's first row, by hand.
func firstRow(text string) (fields []string, ok bool) {
	for {
		var field string
		if rest, quoted := strings.CutPrefix(text, `"`); quoted {
			for {
				before, after, closed := strings.Cut(rest, `"`)
				field += strings.ReplaceAll(before, "\r\n", "\n") // as encoding/csv does
				if !closed {
					return nil, false
				}
				if rest, closed = strings.CutPrefix(after, `"`); !closed {
					text = after
					break
				}
				field += `"`
			}
		} else {
			field = text[:len(text)-len(strings.TrimLeftFunc(text, func(r rune) bool { return r != ',' && r != '\n' }))]
			text = text[len(field):]
			if strings.HasPrefix(text, "\n") || text == "" {
				field = strings.TrimSuffix(field, "\r")
			}
		}
		fields = append(fields, field)
		if text = strings.TrimPrefix(text, "\r"); text == "" || text[0] == '\n' {
			return fields, true
		}
		if text[0] != ',' {
			return nil, false
		}
		text = text[1:]
	}
}

// FuzzScan: the scanner agrees with a slow reader that takes the text apart
// field by field, on whether it is refused, where, and what is in it.
func FuzzScan(f *testing.F) {
	for _, seed := range corpusFiles(f) {
		f.Add(seed, bytes.Count(seed[:bytes.IndexByte(append(seed, '\n'), '\n')], []byte{','})+1, 4096)
	}
	f.Add([]byte("a,b\r\n\"1\"\"\r\n\",2\r\n"), 2, 16)
	f.Fuzz(func(t *testing.T, text []byte, columns, longest int) {
		if columns >= 1 && longest >= 16 && longest <= 1<<16 { // a buffer is no smaller
			scansAlike(t, text, columns, longest)
		}
	})
}

// TestScanEveryText: the same for every short text of the signs that matter.
func TestScanEveryText(t *testing.T) {
	const signs, longest = "a,\"\n\r\t", 7
	for length := range longest + 1 {
		text := make([]byte, length)
		for n := range power(len(signs), length) {
			for i := range text {
				text[i] = signs[n%len(signs)]
				n /= len(signs)
			}
			scansAlike(t, text, 2, 16)
		}
	}
}

func power(base, exponent int) int {
	n := 1
	for range exponent {
		n *= base
	}
	return n
}

func scansAlike(t *testing.T, text []byte, columns, longest int) {
	t.Helper()
	got, err := scan(context.Background(), bytes.NewReader(text), columns, longest, ',')
	if err != nil {
		t.Fatal(err)
	}
	want := slowScan(strings.TrimPrefix(string(text), "\ufeff"), columns, longest)
	if (got.fault != "") != (want.fault != "") {
		t.Fatalf("%q: fault %q, the reference %q", text, got.fault, want.fault)
	}
	if got.fault != "" {
		if got.line != want.line && got.fault != nulByte && want.fault != nulByte {
			t.Fatalf("%q: line %d, the reference %d: %q, %q", text, got.line, want.line, got.fault, want.fault)
		}
		return
	}
	want.unseen = strings.ContainsFunc(strings.TrimPrefix(string(text), "\ufeff"), func(r rune) bool { return r == '\t' || r > 127 }) || got.unseen && bytes.HasPrefix(text, []byte(mark))
	if got != want {
		t.Fatalf("%q: %+v, the reference %+v", text, got, want)
	}
}

// slowScan reads one row after the other, each field by field.
func slowScan(text string, columns, longest int) scanned {
	found := scanned{ended: strings.HasSuffix(text, "\n")}
	if strings.Contains(text, "\x00") {
		return scanned{fault: nulByte}
	}
	line, end := int64(1), ""
	for text != "" {
		start := line
		fields, rest, rowEnd, lines, fault := slowRow(text)
		line += lines
		size := len(text) - len(rest)
		text = rest
		switch {
		case size > longest:
			return scanned{fault: tooLong, line: start}
		case fault != "":
			return scanned{fault: fault, line: start}
		case found.rows > 0 && rowEnd != "" && rowEnd != end:
			return scanned{fault: otherEnd, line: start}
		case fields == 0: // an empty line
		case rowEnd == "" && fields < columns:
			return scanned{fault: cutOff}
		case fields != columns:
			return scanned{fault: tooMany, line: start}
		}
		if found.rows == 0 {
			end = rowEnd
		}
		if fields > 0 {
			found.rows++
			found.folded = found.folded || lines > 1 || lines == 1 && rowEnd == ""
		}
	}
	return found
}

// slowRow takes one row off a text: how many fields it has, none when the line
// is empty, how it ends, and how many line ends are in it and behind it.
func slowRow(text string) (fields int, rest, end string, lines int64, fault string) {
	first := true
	for {
		var field string
		field, rest, fault = slowField(text)
		lines += int64(strings.Count(field, "\n"))
		if fault != "" {
			return 0, "", "", lines, fault
		}
		fields++
		text = rest
		if strings.HasPrefix(text, ",") {
			text, first = text[1:], false
			continue
		}
		for _, end := range []string{"\r\n", "\n"} {
			if rest, ok := strings.CutPrefix(text, end); ok {
				if first && field == "" {
					fields = 0
				}
				return fields, rest, end, lines + 1, ""
			}
		}
		if first && (field == "" || field == "\r") {
			fields = 0
		}
		return fields, "", "", lines, "" // the text's end
	}
}

// slowField takes one field off a text, its quotation marks included.
func slowField(text string) (field, rest, fault string) {
	if !strings.HasPrefix(text, `"`) {
		at := strings.IndexAny(text+"\n", ",\n")
		field = text[:at]
		if at < len(text) && text[at] == '\n' || at == len(text) {
			field = strings.TrimSuffix(field, "\r")
		}
		switch {
		case strings.Contains(field, `"`):
			return field, "", strayQuote
		case strings.Contains(field, "\r"):
			return field, "", strayCR
		}
		if at == len(text) {
			return field, "", ""
		}
		return field, text[len(field):], ""
	}
	for at := 1; ; {
		next := strings.IndexByte(text[at:], '"')
		if next < 0 {
			return text, "", openQuote
		}
		at += next + 1
		if at < len(text) && text[at] == '"' {
			at++
			continue
		}
		rest = text[at:]
		if rest == "" || rest == "\r" || rest[0] == ',' || rest[0] == '\n' || strings.HasPrefix(rest, "\r\n") {
			return text[:at], rest, ""
		}
		return text[:at], "", strayQuote
	}
}

// FuzzDialect: of any text that the scanner lets pass, the database reads the
// rows that encoding/csv reads, or refuses it for not being UTF-8.
func FuzzDialect(f *testing.F) {
	for _, seed := range corpusFiles(f) {
		f.Add(seed)
	}
	r := rand.New(rand.NewPCG(4, 4180))
	for range 500 {
		f.Add([]byte("a,b" + pick(r, "\n", "\r\n") + words(r, 2+r.IntN(12))))
	}
	dir := f.TempDir()
	e, err := engine.Open(context.Background(), engine.Options{Private: true, Threads: 1, Folders: []string{dir}})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { e.Close() })
	path := filepath.Join(dir, "x.csv")
	f.Fuzz(func(t *testing.T, text []byte) {
		names, err := header(string(text[:min(len(text), maxHeader)]), ',')
		if err != nil || len(names) == 1 {
			return // no table has one column: an empty line would be a row of it
		}
		found, err := scan(context.Background(), bytes.NewReader(text), len(names), 1<<16, ',')
		if err != nil || found.fault != "" || !found.ended {
			return
		}
		r := csv.NewReader(strings.NewReader(strings.TrimPrefix(string(text), mark)))
		want, err := r.ReadAll()
		if err != nil || int64(len(want)) != found.rows {
			t.Fatalf("encoding/csv reads %d rows of %d: %v", len(want), found.rows, err)
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		file := &sourceFile{path: path, columns: len(names), folded: found.folded}
		got, err := cells(e, file)
		if err != nil {
			if utf8.Valid(text) {
				t.Fatalf("the database refuses what the scanner let pass: %v", err)
			}
			return
		}
		sameCells(t, got, want[1:])
	})
}

// words strings together what matters in a small file of two columns.
func words(r *rand.Rand, n int) string {
	var text strings.Builder
	for range n {
		text.WriteString(pick(r, "x,y\n", "x,y\r\n", "\"x\",\"y\"\n", "\"x\ny\",\"\"\n", "\"x\"\"y\",z\n", ",\n", "\n", "\"\r\n,\"", ",", "\"", "\n", "\r", " ", "\ufeff", "é", "\xff", "\\", "#", "x"))
	}
	return text.String()
}

// cells reads a file through the database.
func cells(e *engine.Engine, file *sourceFile) (rows [][]string, err error) {
	err = e.Query(context.Background(), "reading", "SELECT columns(*) FROM "+file.read(), func(r *sql.Rows) error {
		row, err := textRow(r)
		rows = append(rows, row)
		return err
	})
	return rows, err
}

// sameCells: encoding/csv makes CRLF in a field LF; an empty cell is missing.
func sameCells(t *testing.T, got, want [][]string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d rows, encoding/csv has %d", len(got), len(want))
	}
	for i, row := range want {
		for j, cell := range row {
			if cell == "" {
				cell = "."
			}
			if strings.ReplaceAll(got[i][j], "\r\n", "\n") != cell {
				t.Fatalf("row %d, cell %d: %q, encoding/csv has %q", i, j, got[i][j], cell)
			}
		}
	}
}
