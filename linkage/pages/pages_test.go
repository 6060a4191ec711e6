package pages

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"datanet/linkage"
)

var update = flag.Bool("update", false, "rewrite the pages in testdata")

// madePages are all pages and files of a hub, by the names under which they stand in testdata.
func madePages(t testing.TB, w *world) map[string][]byte {
	t.Helper()
	r, made := w.record(), map[string][]byte{}
	for folder, make := range map[string]func(Record) ([]File, error){"register": Register, "history": History} {
		files, err := make(r)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			made[folder+"-"+f.Name] = f.Content
		}
	}
	for _, d := range r.decisions.All() {
		page, err := Request(r, d.Approval.ID)
		if err != nil {
			t.Fatal(err)
		}
		made["request-"+d.Approval.ID+".html"] = page
	}
	page, err := Status([]byte(statusDocument))
	if err != nil {
		t.Fatal(err)
	}
	made["status.html"] = page
	return made
}

// What datanet hub status --json prints, and fields that a later version may add.
const statusDocument = `{"hub":"000102030405060708090a0b0c0d0e0f","name":"Lambeth DataNet","records":12,"time":"2026-11-03T09:30:00Z","datasets":[
{"dataset":"primary-care","guardian":"guardian/primary-care+08ede315+ARx4x3nQss5Va+yf+l8ovwsXbZp1+kKqUZ534S2/Lq5o","custodian":"","deputies":[{"key":"deputy+08ede315+AR","until":"2027-03-31"}],
"sites":[{"site":"Z99001","as_at":"2026-10-31","sequence":3,"persons":12340,"missing":1,"late":true,"passed":[[2,2],[4,6]],"left":"","sent_by":"Ann"},{"site":"Z99002","as_at":"","sequence":0,"persons":0,"missing":0}]},
{"dataset":"slam","guardian":"","custodian":"","deputies":[],"sites":[]}],"needs":[{"kind":"late","says":"Site Z99001 is late: its data are as at 2026-10-31.","dataset":"primary-care"}],"approvals":{"approved":2,"review-due":1},"stale_projects":["2026-001"],"whole":true}`

func TestGoldenPages(t *testing.T) {
	made := madePages(t, busy(t))
	kept := []string{"register-index.html", "register-register.csv", "register-register.json", "history-decisions.html", "history-decisions.csv", "request-2026-004.html", "status.html"}
	for _, name := range kept {
		path := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(path, made[name], 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(made[name], want) {
			t.Errorf("%s is not as kept (%v): look at it, and run with -update if it is right", name, err)
		}
	}
}

func TestSameRecordSameBytes(t *testing.T) {
	once, again := madePages(t, busy(t)), madePages(t, busy(t))
	for name, page := range once {
		if !bytes.Equal(page, again[name]) {
			t.Errorf("%s differs from one run to the next", name)
		}
	}
}

// What Guardians and the public read does not use the words of developers.
func TestWords(t *testing.T) {
	never := regexp.MustCompile(`(?i)\b(lattice|node|ledger head|tombstone|hpke|merkle|hash|parquet)s?\b`)
	for name, page := range madePages(t, busy(t)) {
		if strings.HasSuffix(name, ".html") {
			text := regexp.MustCompile(`(?s)<style>.*</style>`).ReplaceAllString(string(page), "")
			if found := never.FindString(text); found != "" {
				t.Errorf("%s says %q", name, found)
			}
			if day := regexp.MustCompile(`[^0-9A-Z-]20[0-9]{2}-[0-9]{2}-[0-9]{2}[^0-9-]`).FindString(strings.ReplaceAll(text, "<code>2026-10-31", "")); day != "" {
				t.Errorf("%s writes the day %q not as people do", name, day)
			}
		}
	}
}

// The register shows what was decided, and no draft.
func TestRegisterIsHonest(t *testing.T) {
	w := busy(t)
	files, err := Register(w.record())
	if err != nil {
		t.Fatal(err)
	}
	var document struct {
		Entry int64 `json:"as_of_entry"`
		Uses  []use `json:"uses"`
	}
	if err := json.Unmarshal(files[2].Content, &document); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, u := range document.Uses {
		got[u.ID] = u.Status + " " + u.Since
	}
	want := map[string]string{"2026-001": "superseded 2026-11-01", "2026-002": "refused 2026-11-01", "2026-003": "revoked 2026-11-01", "2026-004": "approved 2026-11-01",
		"2026-005": "awaiting 2026-11-01", "2026-007": "expired 2026-11-03", "2026-008": "not-yet 2026-11-01"}
	for id, stands := range want {
		if got[id] != stands {
			t.Errorf("%s stands as %q, not %q", id, got[id], stands)
		}
	}
	if len(got) != len(want) || document.Entry != w.l.Head().Size-1 {
		t.Errorf("%d requests as of entry %d", len(got), document.Entry)
	}
	for _, f := range files {
		if bytes.Contains(f.Content, []byte("A draft that nobody has signed")) {
			t.Errorf("%s shows a draft", f.Name)
		}
		for _, must := range []string{"Jane Doe", "The columns go beyond the purpose.", "DPIA-2026-11-01", "2026-10-31-2026-001"} {
			if !bytes.Contains(f.Content, []byte(must)) {
				t.Errorf("%s does not say %q", f.Name, must)
			}
		}
	}
}

// Every entry has a row in the file and a place on the page.
func TestHistoryIsWhole(t *testing.T) {
	w := busy(t)
	files, err := History(w.record())
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(files[1].Content)).ReadAll()
	if err != nil || int64(len(rows)) != w.l.Head().Size+1 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for n, record := range w.l.Records() {
		row := rows[n+1]
		if row[0] != strings.TrimPrefix(anchor(n), "#entry-") || row[2] != string(record.Kind) || row[6] == "" || row[7] == "" {
			t.Errorf("entry %d: %q", n, row)
		}
		if !bytes.Contains(files[0].Content, []byte(`id="`+anchor(n)[1:]+`"`)) {
			t.Errorf("the page does not hold entry %d", n)
		}
	}
	who := rows[0][6] == "who" && slices.ContainsFunc(rows, func(r []string) bool {
		return r[2] == "refusal" && r[6] == "guardian/slam" && r[8] == "The columns go beyond the purpose."
	})
	check := slices.ContainsFunc(rows, func(r []string) bool { return r[2] == "denied" && r[9] == "signatures" && r[4] == "2026-002" })
	if !who || !check {
		t.Errorf("who refused and why: %v; the check that failed: %v", who, check)
	}
}

// What people wrote is text wherever it stands.
func TestNothingWrittenIsMarkup(t *testing.T) {
	w := newWorld(t)
	evil := `<script>alert("1")</script> ' onmouseover="x" {{.}} <!--`
	a := w.draft("=HYPERLINK(\"https://example.org\")", func(a *linkage.Approval) {
		a.Summary, a.Purpose, a.LegalBasis, a.DPIA, a.Users = evil, "+1 "+evil, "@SUM(A1)", "-2+3", []string{"'=1+1", evil}
	}, "primary-care", "slam")
	w.sign(a, "primary-care")
	slam, _ := key("guardian/slam")
	w.add(must(linkage.NewRefusal(a, "slam", `=cmd|' /C calc'!A0 </style><script>`, slam)))
	for name, page := range madePages(t, w) {
		switch filepath.Ext(name) {
		case ".html":
			structure(t, name, page)
			if bytes.Contains(page, []byte("onmouseover=\"")) {
				t.Errorf("%s: an attribute was written into it", name)
			}
		case ".csv":
			rows, err := csv.NewReader(bytes.NewReader(page)).ReadAll()
			if err != nil {
				t.Fatal(err)
			}
			for _, row := range rows {
				for _, cell := range row {
					if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
						t.Errorf("%s: a cell begins a formula: %q", name, cell)
					}
				}
			}
		}
	}
	rows, _ := csv.NewReader(bytes.NewReader(madePages(t, w)["register-register.csv"])).ReadAll()
	if got := rows[1][1]; got != "'"+a.Title {
		t.Errorf("the title reads %q", got)
	}
	if got := rows[1][9]; got != "''=1+1; "+evil {
		t.Errorf("the users read %q", got)
	}
}

// Days are written as people do in our own sentences, and stay in what somebody wrote.
func TestDaysOfOthersStay(t *testing.T) {
	w := newWorld(t)
	a := w.draft("Since 2026-01-02", func(a *linkage.Approval) {
		a.Summary = "Since 2026-01-02."
		a.DPIA = "DPIA/2026-01-02"
		a.Users = []string{"Team 2026-01-02"}
	}, "slam")
	b := w.draft("Another", func(b *linkage.Approval) { b.Purpose = "For 2026-11-01" }, "slam")
	for _, must := range []string{"Request 2026-001, Since 2026-01-02, is still being asked for, until 1 November 2027", "Purpose: For 2026-11-01", "From 1 November 2026"} {
		if page := words(string(mustPage(t, w, b.ID))); !strings.Contains(page, must) {
			t.Errorf("the other does not say %q", must)
		}
	}
	page := string(mustPage(t, w, a.ID))
	for _, must := range []string{"Since 2026-01-02.", "DPIA/2026-01-02", "Team 2026-01-02", "Request 2026-001: Since 2026-01-02", "From 1 November 2026 until 31 December 2027"} {
		if !strings.Contains(page, must) {
			t.Errorf("it does not say %q", must)
		}
	}
}

// The request says on its page what it says at a terminal.
func TestRequestSaysTheSame(t *testing.T) {
	r := busy(t).record()
	for _, d := range r.decisions.All() {
		page := words(string(must(Request(r, d.Approval.ID))))
		for _, s := range d.Approval.Sections(r.decisions.All(), r.head.Time) {
			for _, p := range r.dated(s).Paragraphs {
				for _, text := range append([]string{s.Title, p.Text}, p.List...) {
					if !strings.Contains(page, words(text)) {
						t.Errorf("%s does not say %q", d.Approval.ID, text)
					}
				}
			}
		}
	}
	if _, err := Request(r, "2026-999"); err == nil {
		t.Error("a page of no request")
	}
}

func mustPage(t *testing.T, w *world, id string) []byte {
	t.Helper()
	page, err := Request(w.record(), id)
	if err != nil {
		t.Fatal(err)
	}
	return page
}

// words takes tags out.
func words(page string) string {
	text := regexp.MustCompile(`<[^>]*>`).ReplaceAllString(page, " ")
	for _, s := range [][2]string{{"&#34;", `"`}, {"&#39;", "'"}, {"&#43;", "+"}, {"&amp;", "&"}} {
		text = strings.ReplaceAll(text, s[0], s[1])
	}
	return strings.Join(strings.Fields(text), " ")
}
