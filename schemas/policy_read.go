package schemas

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"
)

// ParsePolicy reads a policy strictly: JSON with exactly the keys of the form,
// each once. It says all that is wrong at once, each with its line.
func ParsePolicy(text []byte) (*Policy, error) {
	r := &policyReader{text: text}
	root, ok := r.parse()
	p := &Policy{Digest: Digest(text)}
	if ok {
		r.policy(root, p)
	}
	if len(r.problems) == 0 {
		return p, nil
	}
	slices.SortStableFunc(r.problems, func(a, b PolicyProblem) int { return a.Line - b.Line })
	return nil, &PolicyError{r.problems}
}

// A jsonValue is a JSON value and its line. Of is a string, a bool, a []jsonValue, a
// map[string]jsonValue, or something that no policy holds.
type jsonValue struct {
	line int
	of   any
}

type policyReader struct {
	text     []byte
	tokens   *json.Decoder
	problems []PolicyProblem
}

func (r *policyReader) wrong(line int, format string, args ...any) {
	r.problems = append(r.problems, PolicyProblem{line, fmt.Sprintf(format, args...)})
}

// line is that of a byte.
func (r *policyReader) line(offset int64) int {
	return 1 + bytes.Count(r.text[:min(offset, int64(len(r.text)))], []byte("\n"))
}

func (r *policyReader) parse() (jsonValue, bool) {
	r.tokens = json.NewDecoder(bytes.NewReader(r.text))
	root, err := r.value(0)
	if err == nil {
		if _, err = r.tokens.Token(); errors.Is(err, io.EOF) {
			return root, true
		}
	}
	at := r.tokens.InputOffset()
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		at = syntax.Offset
	}
	r.wrong(r.line(at), "is not JSON from here on, or something follows it")
	return jsonValue{}, false
}

const deepestPolicy = 8

func (r *policyReader) value(depth int) (jsonValue, error) {
	token, err := r.tokens.Token()
	if err != nil {
		return jsonValue{}, err
	}
	v := jsonValue{r.line(r.tokens.InputOffset()), token}
	if depth > deepestPolicy {
		return v, errors.New("too deep")
	}
	switch token {
	case json.Delim('['):
		list := []jsonValue{}
		for r.tokens.More() {
			item, err := r.value(depth + 1)
			if err != nil {
				return v, err
			}
			list = append(list, item)
		}
		v.of = list
	case json.Delim('{'):
		fields := map[string]jsonValue{}
		for r.tokens.More() {
			key, err := r.value(depth + 1)
			if err != nil {
				return v, err
			}
			item, err := r.value(depth + 1)
			if err != nil {
				return v, err
			}
			name, _ := key.of.(string)
			if _, twice := fields[name]; twice {
				r.wrong(key.line, "repeats the key %s", shown(name))
			}
			fields[name] = item
		}
		v.of = fields
	default:
		return v, nil
	}
	_, err = r.tokens.Token() // the bracket that closes it
	return v, err
}

// shown is a key of the file, or a dataset's name, as an error may print it:
// what looks like neither could be somebody's.
func shown(word string) string {
	if !plainKey.MatchString(word) {
		return "of this name"
	}
	return fmt.Sprintf("%q", word)
}

func (r *policyReader) policy(root jsonValue, p *Policy) {
	f := r.fields(root, "a policy", "schema", "id", "version", "title", "from", "review", "approved_by", "datasets", "leave_out",
		"national_opt_out", "withdrawn_codes_travel", "test_numbers")
	if s := r.plain(f["schema"], "schema"); s != "" && s != policySchema {
		r.wrong(f["schema"].line, "schema is not %s", policySchema)
	}
	p.ID = r.token(f["id"], "id", word, "lower-case letters, digits and hyphens, beginning with a letter")
	p.Version = r.token(f["version"], "version", versionForm, "1 to 20 letters, digits, dots and hyphens")
	p.Title = r.plain(f["title"], "title")
	p.From, p.Review = r.day(f["from"], "from"), r.day(f["review"], "review")
	if !p.From.IsZero() && !p.Review.IsZero() && p.Review.Before(p.From) {
		r.wrong(f["review"].line, "review is before from")
	}
	if a := r.fields(f["approved_by"], "approved_by", "name", "role", "date"); a != nil {
		p.ApprovedBy = Approver{r.plain(a["name"], "name"), r.plain(a["role"], "role"), r.day(a["date"], "date")}
	}
	r.datasets(f["datasets"], p)
	r.leaveOut(f["leave_out"], p)
	if n := r.fields(f["national_opt_out"], "national_opt_out", "apply", "why"); n != nil {
		p.NationalOptOut = NationalUse{r.yes(n["apply"], "apply"), r.plain(n["why"], "why")}
	}
	p.WithdrawnCodesTravel = r.yes(f["withdrawn_codes_travel"], "withdrawn_codes_travel")
	for _, v := range r.list(f["test_numbers"], "test_numbers") {
		p.TestNumbers = append(p.TestNumbers, r.matching(v, "a test number", prefixForm, "the first 3 to 10 digits of an NHS number"))
	}
}

var (
	versionForm = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z.-]{0,19}$`)
	nhsForm     = regexp.MustCompile(`[0-9]{10}|[0-9]{3}[.-][0-9]{3}[.-][0-9]{4}`)
	prefixForm  = regexp.MustCompile(`^[0-9]{3,10}$`)
)

func (r *policyReader) datasets(v jsonValue, p *Policy) {
	list := r.list(v, "datasets")
	for _, item := range list {
		name := r.plain(item, "a dataset")
		if _, err := DatasetByID(name); err != nil && name != "" {
			r.wrong(item.line, "there is no dataset %s; known: %s", shown(name), strings.Join(DatasetIDs(), ", "))
		}
		p.Datasets = append(p.Datasets, name)
	}
	if v.of != nil && len(list) == 0 {
		r.wrong(v.line, "datasets names none: the policy would hold for nothing")
	}
}

func (r *policyReader) leaveOut(v jsonValue, p *Policy) {
	for _, item := range r.list(v, "leave_out") {
		f := r.fields(item, "an entry of leave_out", "list", "why")
		if f == nil {
			continue
		}
		left := LeftOut{r.matching(f["list"], "list", word, "a code list's name: lower-case letters, digits and hyphens"), r.plain(f["why"], "why")}
		if left.List != "" && slices.Contains(p.Lists(), left.List) {
			r.wrong(f["list"].line, "leaves the list %s out twice", left.List)
		}
		p.LeaveOut = append(p.LeaveOut, left)
	}
}

// fields takes an object with exactly these keys; nil when it is none.
func (r *policyReader) fields(v jsonValue, what string, keys ...string) map[string]jsonValue {
	fields, ok := v.of.(map[string]jsonValue)
	if !ok {
		if v.line > 0 {
			r.wrong(v.line, "%s is not an object in braces", what)
		}
		return nil
	}
	for _, name := range sortedKeys(fields) {
		if !slices.Contains(keys, name) {
			r.wrong(fields[name].line, "%s has no key %s; known: %s", what, shown(name), strings.Join(keys, ", "))
		}
	}
	for _, name := range keys {
		if _, there := fields[name]; !there {
			r.wrong(v.line, "%s lacks the key %s", what, name)
		}
	}
	return fields
}

// A key that is missing has been said: the readers below pass over line 0.

func (r *policyReader) list(v jsonValue, what string) []jsonValue {
	list, ok := v.of.([]jsonValue)
	if !ok && v.line > 0 {
		r.wrong(v.line, "%s is not a list in brackets", what)
	}
	return list
}

// plain takes a text that may be printed anywhere.
func (r *policyReader) plain(v jsonValue, what string) string {
	s, ok := v.of.(string)
	if v.line > 0 && (!ok || strings.TrimSpace(s) == "" || !printable(s)) {
		r.wrong(v.line, "%s is not a text of 1 to 200 printable characters", what)
		return ""
	}
	return s
}

func (r *policyReader) matching(v jsonValue, what string, form *regexp.Regexp, means string) string {
	s, ok := v.of.(string)
	if v.line > 0 && (!ok || !form.MatchString(s)) {
		r.wrong(v.line, "%s is not %s", what, means)
		return ""
	}
	return s
}

// token takes what every manifest will repeat: it may hold no NHS number.
func (r *policyReader) token(v jsonValue, what string, form *regexp.Regexp, means string) string {
	s := r.matching(v, what, form, means)
	if nhsForm.MatchString(s) {
		r.wrong(v.line, "%s holds ten digits as an NHS number has them", what)
		return ""
	}
	return s
}

func (r *policyReader) day(v jsonValue, what string) time.Time {
	s, _ := v.of.(string)
	day, err := time.Parse(time.DateOnly, s)
	if v.line > 0 && (err != nil || day.Year() < 1900) {
		r.wrong(v.line, "%s is not a day as 2026-10-31", what)
	}
	return day
}

func (r *policyReader) yes(v jsonValue, what string) bool {
	yes, ok := v.of.(bool)
	if v.line > 0 && !ok {
		r.wrong(v.line, "%s is not true or false", what)
	}
	return yes
}
