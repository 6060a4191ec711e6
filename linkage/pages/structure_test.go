package pages

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"html"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

func TestStructure(t *testing.T) {
	for name, page := range madePages(t, busy(t)) {
		if strings.HasSuffix(name, ".html") {
			structure(t, name, page)
		}
	}
	for name, page := range madePages(t, newWorld(t)) { // where nobody has asked for anything
		if strings.HasSuffix(name, ".html") {
			structure(t, name, page)
		}
	}
}

func TestStructureFails(t *testing.T) {
	page := string(madePages(t, busy(t))["register-index.html"])
	for name, change := range map[string][2]string{
		"a script": {"</main>", "<script></script></main>"}, "an id twice": {"</main>", `<p id="main"></p></main>`}, "an image from elsewhere": {"</main>", `<img src="https://example.org/x.png"/></main>`},
		"a tag that stays open": {"</main>", "<p></main>"}, "no caption": {"<caption>", "<caption hidden=\"\">"}, "no scope": {` scope="col"`, ""}, "no language": {` lang="en-GB"`, ""},
		"another style": {"<style>", "<style> "}, "a link to nowhere": {"</main>", `<a href="#nowhere">x</a></main>`}, "a handler": {"</main>", `<p onclick="x">x</p></main>`},
	} {
		if faults := faultsOf([]byte(strings.Replace(page, change[0], change[1], 1))); len(faults) == 0 {
			t.Errorf("%s goes unnoticed", name)
		}
	}
}

func structure(t *testing.T, name string, page []byte) {
	t.Helper()
	for _, fault := range faultsOf(page) {
		t.Errorf("%s: %s", name, fault)
	}
}

var allowed = map[string]bool{"html": true, "head": true, "meta": true, "title": true, "style": true, "body": true, "a": true, "header": true, "main": true, "footer": true, "section": true, "article": true,
	"div": true, "span": true, "p": true, "h1": true, "h2": true, "h3": true, "ul": true, "li": true, "dl": true, "dt": true, "dd": true, "strong": true, "code": true,
	"table": true, "caption": true, "thead": true, "tbody": true, "tr": true, "th": true, "td": true}

// faultsOf reads a page as strictly as XML, its unclosed meta tags apart.
func faultsOf(page []byte) (faults []string) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	strict := regexp.MustCompile(`<meta [^>]*>`).ReplaceAllFunc(page, func(m []byte) []byte { return append(bytes.TrimSuffix(m, []byte(">")), "/>"...) })
	strict = regexp.MustCompile(` download>`).ReplaceAll(strict, []byte(` download="">`))
	d := xml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(strict, []byte("<!doctype html>\n"))))
	ids, seen, targets, level, columns, cells := map[string]bool{}, map[string]int{}, []string{}, 0, 0, 0
	tables, captions := 0, 0
	for {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			fault("not well formed: %v", err)
			break
		}
		if end, ok := token.(xml.EndElement); ok && end.Name.Local == "tr" && cells != columns {
			fault("a row of %d cells under %d heads", cells, columns)
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		tag, with := start.Name.Local, map[string]string{}
		seen[tag]++
		if !allowed[tag] {
			fault("a %s", tag)
		}
		for _, a := range start.Attr {
			with[a.Name.Local] = a.Value
			if strings.HasPrefix(a.Name.Local, "on") || a.Name.Local == "style" || a.Name.Local == "src" {
				fault("an attribute %s", a.Name.Local)
			}
		}
		if id, ok := with["id"]; ok {
			if ids[id] || id == "" {
				fault("the id %s twice or empty", id)
			}
			ids[id] = true
		}
		switch tag {
		case "html":
			if with["lang"] != "en-GB" {
				fault("no language")
			}
		case "table":
			tables++
			columns = 0
		case "caption":
			if _, hidden := with["hidden"]; !hidden {
				captions++
			}
		case "tr":
			cells = 0
		case "th", "td":
			cells++
			if with["scope"] == "col" {
				columns++
			}
			if tag == "th" && with["scope"] != "col" && with["scope"] != "row" {
				fault("a head without scope")
			}
		case "a":
			if target, within := strings.CutPrefix(with["href"], "#"); within {
				targets = append(targets, target)
			} else if !regexp.MustCompile(`^[a-z]+\.(csv|json)$`).MatchString(with["href"]) {
				fault("a link to %s", with["href"])
			}
		case "h1", "h2", "h3":
			next := int(tag[1] - '0')
			if next > level+1 {
				fault("h%d after h%d", next, level)
			}
			level = next
		}
		if by, ok := with["aria-labelledby"]; ok {
			targets = append(targets, by)
		}
	}
	for _, target := range targets {
		if !ids[target] {
			fault("nothing has the id %s", target)
		}
	}
	if captions != tables {
		fault("%d tables, %d captions", tables, captions)
	}
	for _, tag := range []string{"header", "main", "footer", "h1", "title", "style"} {
		if seen[tag] != 1 {
			fault("%d times %s", seen[tag], tag)
		}
	}
	if urls := regexp.MustCompile(`(?i)<[^>]*https?:|url\(|@import`).FindString(string(page)); urls != "" {
		fault("it names a place elsewhere")
	}
	return append(faults, policyFaults(page)...)
}

// policyFaults holds the page's own policy against its style.
func policyFaults(page []byte) (faults []string) {
	style := regexp.MustCompile(`(?s)<style>(.*)</style>`).FindSubmatch(page)
	policy := regexp.MustCompile(`Content-Security-Policy" content="([^"]*)"`).FindSubmatch(page)
	if style == nil || policy == nil {
		return []string{"no style or no policy"}
	}
	digest := sha256.Sum256(style[1])
	want := "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(digest[:]) + "'; base-uri 'none'; form-action 'none'"
	if html.UnescapeString(string(policy[1])) != want {
		return []string{"the policy does not allow this style and nothing else"}
	}
	return nil
}

// Pairs of colours that meet in the stylesheet: text on ground, with the contrast that WCAG 2.2 AA asks for.
var meeting = []struct {
	over, under string
	least       float64
}{
	{"ink", "paper", 4.5}, {"ink", "pale", 4.5}, {"ink", "focus", 4.5}, {"ink", "over-pale", 4.5}, {"soft", "paper", 4.5}, {"soft", "focus", 4.5}, {"link", "paper", 4.5}, {"link-over", "paper", 4.5}, {"link", "focus", 4.5},
	{"paper", "band", 4.5}, {"go", "go-pale", 4.5}, {"wait", "wait-pale", 4.5}, {"over", "over-pale", 4.5}, {"stop", "stop-pale", 4.5},
}

func TestContrast(t *testing.T) {
	colours, used := map[string]string{}, map[string]bool{}
	for _, m := range regexp.MustCompile(`--([a-z-]+): #([0-9a-f]{6});`).FindAllStringSubmatch(style, -1) {
		colours[m[1]] = m[2]
	}
	for _, m := range meeting {
		used[m.over], used[m.under] = true, true
		if got := contrast(t, colours[m.over], colours[m.under]); got < m.least {
			t.Errorf("%s on %s: a contrast of %.2f", m.over, m.under, got)
		}
	}
	for name := range colours {
		if !used[name] && name != "line" { // a line between rows, which says nothing
			t.Errorf("the colour %s is in no pair", name)
		}
	}
	if rest := regexp.MustCompile(`(?s)\A.*?\}`).ReplaceAllString(style, ""); regexp.MustCompile(`#[0-9a-fA-F]{3,8}\b|rgb|hsl`).MatchString(rest) {
		t.Error("a colour stands outside the list of colours")
	}
	for _, m := range regexp.MustCompile(`var\(--([a-z-]+)\)`).FindAllStringSubmatch(style, -1) {
		if colours[m[1]] == "" {
			t.Errorf("the colour %s is not in the list", m[1])
		}
	}
	if got := contrast(t, "767676", "ffffff"); math.Abs(got-4.54) > 0.01 { // the grey that WCAG's own documents give as just enough
		t.Errorf("the known grey has a contrast of %.2f", got)
	}
}

// contrast follows WCAG 2.2, "contrast ratio" and "relative luminance".
func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	x, y := luminance(t, a), luminance(t, b)
	return (math.Max(x, y) + 0.05) / (math.Min(x, y) + 0.05)
}

func luminance(t *testing.T, colour string) (sum float64) {
	t.Helper()
	if len(colour) != 6 {
		t.Fatalf("no colour: %q", colour)
	}
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, err := strconv.ParseUint(colour[2*i:2*i+2], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		c := float64(n) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}
