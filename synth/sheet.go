package synth

import (
	"os"
	"strconv"
	"strings"
)

// A sheet is a CSV file being written: RFC 4180, lines ended by LF. Its
// methods append one field each, in the order of the columns; end closes the
// row. The first error stays and is told by close.
type sheet struct {
	file   *os.File
	buf    []byte
	quote  bool // every field in quotes, as EMIS writes them
	width  int
	fields int
	err    error
}

const sheetBuffer = 128 << 10

func createSheet(path string, columns []string, quote bool) (*sheet, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return nil, err
	}
	s := &sheet{file: f, buf: make([]byte, 0, sheetBuffer+8<<10), quote: quote, width: len(columns)}
	for _, c := range columns {
		s.text(c)
	}
	s.end()
	return s, nil
}

func (s *sheet) open() {
	s.fields++
	if s.quote {
		s.buf = append(s.buf, '"')
	}
}

func (s *sheet) shut() {
	if s.quote {
		s.buf = append(s.buf, '"', ',')
		return
	}
	s.buf = append(s.buf, ',')
}

func (s *sheet) text(v string) {
	if s.quote && strings.IndexByte(v, '"') >= 0 {
		v = strings.ReplaceAll(v, `"`, `""`)
	}
	s.open()
	s.buf = append(s.buf, v...)
	s.shut()
}

// blank is n empty fields.
func (s *sheet) blank(n int) {
	for range n {
		s.open()
		s.shut()
	}
}

func (s *sheet) guid(g guid) {
	s.open()
	s.buf = appendGUID(s.buf, g)
	s.shut()
}

func (s *sheet) int(v int) {
	s.open()
	s.buf = strconv.AppendInt(s.buf, int64(v), 10)
	s.shut()
}

// tenths writes v/10 with one decimal.
func (s *sheet) tenths(v int) {
	s.open()
	s.buf = strconv.AppendInt(s.buf, int64(v/10), 10)
	s.buf = append(s.buf, '.', byte('0'+v%10))
	s.shut()
}

func (s *sheet) bool(v bool) {
	if v {
		s.text("true")
		return
	}
	s.text("false")
}

func (s *sheet) day(d day) {
	s.open()
	if d != never {
		s.buf = appendDay(s.buf, d)
	}
	s.shut()
}

func (s *sheet) month(d day) {
	s.open()
	if d != never {
		s.buf = appendMonth(s.buf, d)
	}
	s.shut()
}

func (s *sheet) year(d day) {
	s.open()
	if d != never {
		s.buf = strconv.AppendInt(s.buf, int64(d.year()), 10)
	}
	s.shut()
}

// clock writes a time of day during surgery hours, chosen by n.
func (s *sheet) clock(n uint64) {
	hour, minute, second := 8+n%10, n/10%60, n/600%60
	s.open()
	s.buf = append(s.buf, byte('0'+hour/10), byte('0'+hour%10), ':', byte('0'+minute/10), byte('0'+minute%10),
		':', byte('0'+second/10), byte('0'+second%10))
	s.shut()
}

// stamp writes a day and the time so many seconds after its midnight.
func (s *sheet) stamp(d day, seconds int) {
	two := func(n int) []byte { return []byte{byte('0' + n/10), byte('0' + n%10)} }
	s.open()
	s.buf = append(appendDay(s.buf, d), 'T')
	s.buf = append(append(s.buf, two(seconds/3600)...), ':')
	s.buf = append(append(s.buf, two(seconds/60%60)...), ':')
	s.buf = append(s.buf, two(seconds%60)...)
	s.shut()
}

// id writes a trust's local id: the marker, a letter for what it names, and
// a number of seven digits.
func (s *sheet) id(what byte, n int) {
	s.open()
	s.buf = append(append(s.buf, idMarker...), what)
	for unit := 1_000_000; unit > 0; unit /= 10 {
		s.buf = append(s.buf, byte('0'+n/unit%10))
	}
	s.shut()
}

func (s *sheet) end() {
	if s.fields != s.width {
		panic("synth: a row of " + s.file.Name() + " has " + strconv.Itoa(s.fields) + " fields")
	}
	s.buf[len(s.buf)-1] = '\n'
	s.fields = 0
	if len(s.buf) >= sheetBuffer {
		s.flush()
	}
}

func (s *sheet) flush() {
	if s.err == nil {
		_, s.err = s.file.Write(s.buf)
	}
	s.buf = s.buf[:0]
}

func (s *sheet) close() error {
	s.flush()
	if err := s.file.Close(); s.err == nil {
		s.err = err
	}
	return s.err
}
