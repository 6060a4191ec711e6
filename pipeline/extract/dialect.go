package extract

import "bytes"

// A dialect follows the lines of a file and says which of them is no CSV as
// this stage understands it, which is narrower than what the database would
// take: where two readers could see two things in a line, nobody reads it.
//
//   - Rows end in LF or in CRLF, all of a file alike.
//   - Every row has as many fields as the header. An empty line is no row.
//   - A field is either without any quotation mark, or between two of them; there,
//     a mark is written twice, and line ends are text.
//   - No row is longer than the longest that is read.
type dialect struct {
	columns int
	longest int
	comma   byte // between two fields
	marks   bool // a quotation mark may have come by: nothing else needs be searched for one
	returns bool // and a carriage return

	line   int64 // the line at hand, counted from 1
	start  int64 // the line on which its row began
	size   int   // bytes of that row
	fields int   // fields of that row that have ended
	at     place // where in the row the line before ended
	crlf   bool  // rows end in CRLF
	rows   int64 // the header included
	folded bool  // a quoted field went over a line's end
}

// A place is where in a row a byte stands.
type place byte

const (
	fieldStart place = iota // the first byte of a field
	inPlain
	inQuotes
	afterQuote // a mark that ends the field, or is the first of two
)

// What a line can be at fault for. The words follow "line 7: ".
const (
	tooMany    = "has more fields than the header"
	tooFew     = "has fewer fields than the header"
	strayQuote = "has a quotation mark where none may stand"
	openQuote  = "begins a quotation that is never closed, or the file was cut off"
	tooLong    = "is longer than 2 MiB, or a quotation mark is missing"
	otherEnd   = "ends in another way than the line before it: the file mixes line ends"
	strayCR    = "holds a carriage return that ends no line"
	nulByte    = "holds a NUL byte, which is no text"
)

// take looks at the next line, its end included, and returns its fault.
func (d *dialect) take(line []byte) (fault string) {
	d.line++
	if d.at != inQuotes {
		d.start, d.size, d.fields = d.line, 0, 0
	}
	if d.size += len(line); d.size > d.longest {
		return tooLong
	}
	if d.at == inQuotes || d.marks && bytes.IndexByte(line, '"') >= 0 {
		return d.walk(line)
	}
	body, fault := d.end(line)
	switch {
	case fault != "":
		return fault
	case d.returns && bytes.IndexByte(body, '\r') >= 0:
		return strayCR
	case len(body) == 0:
		return ""
	}
	return d.row(bytes.Count(body, []byte{d.comma}) + 1)
}

// end takes the end off a line that ends a row, which must be every other row's.
func (d *dialect) end(line []byte) (body []byte, fault string) {
	body = bytes.TrimSuffix(line, newline)
	if !d.returns {
		return body, ""
	}
	short := bytes.TrimSuffix(body, []byte{'\r'})
	crlf := len(short) < len(body)
	if d.rows == 0 {
		d.crlf = crlf
	}
	if crlf != d.crlf && len(body) < len(line) {
		return nil, otherEnd
	}
	return short, ""
}

func (d *dialect) row(fields int) (fault string) {
	d.rows++
	switch {
	case fields > d.columns:
		return tooMany
	case fields < d.columns:
		return tooFew
	}
	return ""
}

// walk goes through a line with quotation marks: byte by byte outside of them.
func (d *dialect) walk(line []byte) (fault string) {
	for i := 0; i < len(line); i++ {
		switch b := line[i]; {
		case d.at == inQuotes:
			next := bytes.IndexByte(line[i:], '"')
			if next < 0 {
				d.folded = true
				return ""
			}
			i += next
			d.at = afterQuote
		case b == '"' && d.at != inPlain:
			d.at = inQuotes // the field begins, or the mark before stands for itself
		case b == d.comma:
			d.fields++
			d.at = fieldStart
		case b == '\n' || b == '\r' && len(bytes.TrimSuffix(line[i+1:], newline)) == 0:
			return d.close(line)
		case b == '\r' && d.at != afterQuote:
			return strayCR
		case b == '"' || d.at == afterQuote:
			return strayQuote
		default:
			d.at = inPlain
		}
	}
	if d.at == inQuotes {
		return "" // the file's last byte opens a field
	}
	return d.close(line) // the file's last line, without an end
}

// close ends a row within walk.
func (d *dialect) close(line []byte) (fault string) {
	d.at = fieldStart
	if _, fault := d.end(line); fault != "" {
		return fault
	}
	return d.row(d.fields + 1)
}
