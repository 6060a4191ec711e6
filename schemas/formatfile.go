package schemas

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// A source format may come as a file: a site maps an export that nobody here
// has seen. Such a file is read strictly, everything that is wrong with it is
// said at once, and an error points at the line and says what would be right.
// It repeats nothing of the file but names of keys.

// MaxFormatFile is the largest format file that is read, in bytes.
const MaxFormatFile = 1 << 20

// A FormatError lists what is wrong with a format file.
type FormatError struct{ Faults []FormatFault }

// A FormatFault is one thing that is wrong: where, and what would be right.
type FormatFault struct {
	Line int
	Path string // keys from the outermost, with a point between
	Rule string
}

func (f FormatFault) String() string {
	if f.Path == "" {
		return fmt.Sprintf("line %d: %s", f.Line, f.Rule)
	}
	return fmt.Sprintf("line %d, %s: %s", f.Line, f.Path, f.Rule)
}

func (e *FormatError) Error() string {
	if len(e.Faults) == 1 {
		return "the format file does not hold: " + e.Faults[0].String()
	}
	return fmt.Sprintf("the format file does not hold, in %d places", len(e.Faults))
}

// Kind is the kind of failure, which decides the exit code.
func (e *FormatError) Kind() string { return "use" }

// Hints lists the places.
func (e *FormatError) Hints() []string {
	if len(e.Faults) == 1 {
		return []string{"every key is explained in docs/reference/source-format-file.md"}
	}
	const most = 40
	var all []string
	for _, f := range e.Faults[:min(most, len(e.Faults))] {
		all = append(all, f.String())
	}
	if n := len(e.Faults) - most; n > 0 {
		all = append(all, fmt.Sprintf("and %d more", n))
	}
	return all
}

// ReadFormat reads a format file.
func ReadFormat(path string) (*Format, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, &FormatError{[]FormatFault{{Line: 1, Rule: "the file cannot be read"}}}
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, MaxFormatFile+1))
	if err != nil {
		return nil, &FormatError{[]FormatFault{{Line: 1, Rule: "the file cannot be read"}}}
	}
	return ParseFormat(b)
}

// ParseFormat reads a format from the bytes of its file, or returns a
// *FormatError.
func ParseFormat(b []byte) (*Format, error) {
	p := &formatParser{text: b, lines: map[string]int{}}
	switch {
	case len(b) > MaxFormatFile:
		p.fault(1, "", fmt.Sprintf("a format file has at most %d bytes", MaxFormatFile))
		return nil, p.err()
	case !utf8.Valid(b):
		p.fault(1, "", "the file must be in UTF-8")
		return nil, p.err()
	}
	p.tokens = json.NewDecoder(bytes.NewReader(b))
	f := &Format{}
	if p.value(reflect.ValueOf(f).Elem(), "", 0) {
		if _, err := p.tokens.Token(); !errors.Is(err, io.EOF) {
			p.fault(p.line(), "", "something follows the end of the format")
		}
	}
	if len(p.faults) == 0 {
		p.check(f)
	}
	if len(p.faults) > 0 {
		return nil, p.err()
	}
	f.Own = Digest(b)
	return f, nil
}

// A formatParser fills a Format from JSON by the names of its fields, and
// remembers on which line each of them stands.
type formatParser struct {
	text   []byte
	tokens *json.Decoder
	lines  map[string]int
	faults []FormatFault
}

func (p *formatParser) err() error {
	slices.SortStableFunc(p.faults, func(a, b FormatFault) int { return a.Line - b.Line })
	return &FormatError{p.faults}
}

func (p *formatParser) fault(line int, path, rule string) {
	p.faults = append(p.faults, FormatFault{line, path, rule})
}

// line is that of the token read last.
func (p *formatParser) line() int {
	return 1 + bytes.Count(p.text[:min(int(p.tokens.InputOffset()), len(p.text))], []byte{'\n'})
}

// next reads a token. It says no when the file is no JSON from here on.
func (p *formatParser) next(path string) (json.Token, bool) {
	t, err := p.tokens.Token()
	if err == nil {
		return t, true
	}
	line := p.line()
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		line = 1 + bytes.Count(p.text[:min(max(int(syntax.Offset)-1, 0), len(p.text))], []byte{'\n'})
	}
	p.fault(line, path, "the file is no JSON here: a comma, a bracket or a quotation mark is missing or too many")
	return nil, false
}

const deepestFormat = 12

// value reads one value into a place of the Format. It says no when nothing
// more can be read.
func (p *formatParser) value(into reflect.Value, path string, depth int) bool {
	t, ok := p.next(path)
	if !ok {
		return false
	}
	p.lines[path] = p.line()
	if into.Kind() == reflect.Pointer {
		into.Set(reflect.New(into.Type().Elem()))
		into = into.Elem()
	}
	switch {
	case depth > deepestFormat:
		p.fault(p.line(), path, "this is deeper than any format")
		return false
	case t == json.Delim('{') && (into.Kind() == reflect.Struct || into.Kind() == reflect.Map):
		return p.object(into, path, depth)
	case t == json.Delim('[') && into.Kind() == reflect.Slice:
		return p.list(into, path, depth)
	}
	switch v := t.(type) {
	case string:
		if into.Kind() == reflect.String {
			into.SetString(v)
			return true
		}
	case bool:
		if into.Kind() == reflect.Bool {
			into.SetBool(v)
			return true
		}
	}
	p.fault(p.line(), path, "must be "+shape(into.Kind()))
	return p.skip(t, path)
}

// shape is what JSON calls a place of the Format.
func shape(k reflect.Kind) string {
	return map[reflect.Kind]string{reflect.Struct: "an object, { … }", reflect.Map: "an object, { … }", reflect.Slice: "a list, [ … ]",
		reflect.String: "a text, in quotation marks", reflect.Bool: "true or false"}[k]
}

// skip passes over the rest of a value that began with this token.
func (p *formatParser) skip(t json.Token, path string) bool {
	for open := 0; ; {
		switch t {
		case json.Delim('{'), json.Delim('['):
			open++
		case json.Delim('}'), json.Delim(']'):
			open--
		}
		if open == 0 {
			return true
		}
		var ok bool
		if t, ok = p.next(path); !ok {
			return false
		}
	}
}

func (p *formatParser) list(into reflect.Value, path string, depth int) bool {
	into.Set(reflect.MakeSlice(into.Type(), 0, 4))
	for i := 0; p.tokens.More(); i++ {
		item := reflect.New(into.Type().Elem()).Elem()
		if !p.value(item, fmt.Sprintf("%s[%d]", path, i), depth+1) {
			return false
		}
		into.Set(reflect.Append(into, item))
	}
	_, ok := p.next(path)
	return ok
}

func (p *formatParser) object(into reflect.Value, path string, depth int) bool {
	seen := map[string]bool{}
	if into.Kind() == reflect.Map {
		into.Set(reflect.MakeMap(into.Type()))
	}
	for p.tokens.More() {
		t, ok := p.next(path)
		if !ok {
			return false
		}
		key, _ := t.(string)
		if !p.member(into, key, seen[key], path, depth) {
			return false
		}
		seen[key] = true
	}
	_, ok := p.next(path)
	return ok
}

// member reads the value of one key.
func (p *formatParser) member(into reflect.Value, key string, twice bool, path string, depth int) bool {
	line, below := p.line(), strings.TrimPrefix(path+"."+keyName(key), ".")
	if strings.HasSuffix(path, ".words") {
		below = path // its keys are words of the source
	}
	place := fieldOf(into, key)
	switch {
	case twice:
		p.fault(line, below, "the key stands there twice")
	case !place.IsValid():
		p.fault(line, below, "there is no such key here; there are "+strings.Join(keysOf(into.Type()), ", "))
	default:
		if !p.value(place, below, depth+1) {
			return false
		}
		p.lines[below] = line
		if into.Kind() == reflect.Map {
			into.SetMapIndex(reflect.ValueOf(key), place)
		}
		return true
	}
	t, ok := p.next(below)
	return ok && p.skip(t, below)
}

// fieldOf is the place of a key: a field by its JSON name, or a new value of a
// map.
func fieldOf(into reflect.Value, key string) reflect.Value {
	if into.Kind() == reflect.Map {
		return reflect.New(into.Type().Elem()).Elem()
	}
	for i := range into.NumField() {
		if jsonName(into.Type().Field(i)) == key {
			return into.Field(i)
		}
	}
	return reflect.Value{}
}

func keysOf(t reflect.Type) []string {
	var keys []string
	for i := range t.NumField() {
		if name := jsonName(t.Field(i)); name != "" {
			keys = append(keys, name)
		}
	}
	return keys
}

func jsonName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return strings.TrimPrefix(name, "-")
}

var plainKey = regexp.MustCompile(`^[a-z][a-z_]{0,29}$`)

// keyName is a key as an error may show it: what looks like none could be
// somebody's name or number.
func keyName(key string) string {
	if plainKey.MatchString(key) {
		return key
	}
	return "(a key)"
}
