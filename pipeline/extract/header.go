package extract

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode/utf8"
)

// Limits of a header.
const (
	maxHeader  = 64 << 10
	maxColumns = 1000
)

const mark = "\ufeff" // UTF-8's byte order mark

// readHeader reads the names of a file's columns. Its errors are rules: they
// hold nothing of the file, whose first line can be a patient's.
func readHeader(path string, comma byte, encoding string) ([]string, error) {
	info, err := os.Lstat(path)
	if err != nil || !info.Mode().IsRegular() {
		return nil, errNoFile // a link, a folder, a device, a pipe that never ends
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, errNoFile
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxHeader))
	if err != nil {
		return nil, errUnreadable
	}
	if encoding == windows1252 {
		text = fromWindows1252(nil, text)
	}
	return header(string(text), comma)
}

var errNoFile = errors.New("is not a file that can be read")

// header reads the first row of a text, as far as it goes.
func header(text string, comma byte) ([]string, error) {
	if kind := foreign(text); kind != "" {
		return nil, errors.New("is " + kind + ", not comma-separated values")
	}
	names, err := parseHeader(strings.TrimPrefix(text, mark), comma)
	if err != nil {
		return nil, err
	}
	for i, name := range names {
		switch {
		case strings.Contains(name, "\x00"):
			return nil, errors.New(nulByte)
		case !utf8.ValidString(name):
			return nil, errors.New(notUTF8Rule)
		case strings.Contains(name, "\r"):
			return nil, errors.New("ends its lines with a carriage return alone")
		}
		names[i] = strings.TrimSpace(name)
	}
	switch {
	case len(names) > maxColumns:
		return nil, fmt.Errorf("has more than %d columns", maxColumns)
	case len(names) == 1 && strings.ContainsAny(names[0], ",;\t|"):
		return nil, errors.New("is separated by something other than " + commaWord(comma))
	}
	return names, nil
}

// commaWord is what messages call the sign between cells.
func commaWord(comma byte) string {
	return map[byte]string{',': "commas", ';': "semicolons", '|': "bars", '\t': "tabs"}[comma]
}

// parseHeader splits the first line. An empty first line is refused: the
// database would take it for the header, and the header for a row.
func parseHeader(text string, comma byte) ([]string, error) {
	if strings.HasPrefix(text, "\n") || strings.HasPrefix(text, "\r") {
		return nil, errors.New("begins with an empty line")
	}
	r := csv.NewReader(strings.NewReader(text))
	r.Comma = rune(comma)
	names, err := r.Read()
	switch {
	case err != nil:
		return nil, errors.New("has no header")
	case r.InputOffset() == maxHeader:
		return nil, fmt.Errorf("has a header of more than %d bytes", maxHeader)
	}
	return names, nil
}

// foreigners are files that somebody may have called .csv, by how they begin.
var foreigners = []struct{ begin, kind string }{
	{"PK\x03\x04", "a zip archive or a workbook"},
	{"PK\x05\x06", "an empty zip archive"},
	{"\x1f\x8b", "compressed by gzip"},
	{"\x28\xb5\x2f\xfd", "compressed by zstd"},
	{"PAR1", "a Parquet file"},
	{"\x89PNG", "a picture"},
	{"\xff\xd8\xff", "a picture"},
	{"%PDF-", "a PDF"},
	{"\xd0\xcf\x11\xe0", "a workbook"},
	{"age-encryption.org/", "encrypted"},
	{"-----BEGIN ", "encrypted"},
	{"\xff\xfe", "in UTF-16"},
	{"\xfe\xff", "in UTF-16"},
	{"SQLite format 3\x00", "a database"},
}

func foreign(text string) string {
	at := slices.IndexFunc(foreigners, func(f struct{ begin, kind string }) bool { return strings.HasPrefix(text, f.begin) })
	if at < 0 {
		return ""
	}
	return foreigners[at].kind
}
