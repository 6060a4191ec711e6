package linkage

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
)

// request is a drafted request, as the text tables change it.
func request(t testing.TB, datasets ...string) *Approval {
	t.Helper()
	a, err := Draft(newWorld(t).l, wish(datasets...), morning)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// The input changes the lines of a good text; the output is what a strict reader says.
func TestApprovalTextTable(t *testing.T) {
	good := request(t, "primary-care", "slam").Text()
	table(t, "testdata/approval_text.txt", func(t *testing.T, input string) string {
		text := good
		for line := range strings.Lines(input) {
			text = changed(t, text, strings.TrimSuffix(line, "\n"))
		}
		if input == "show" {
			return text
		}
		a, err := ParseApproval(text)
		if err == nil {
			if again, err := ParseApproval(a.Text()); err != nil || again.Text() != text || again.Hash() != a.Hash() {
				t.Error("written again it differs")
			}
			return "ok"
		}
		if a != nil || strings.Contains(err.Error(), "SECRET") {
			t.Error("an approval came with the error, or the error quotes the text")
		}
		wantKind(t, err, "integrity")
		return "refused: " + err.Error()
	})
}

// changed does one of: "KEY VALUE" (the first line of this key), "drop KEY", "repeat KEY", "swap KEY KEY", "after KEY LINE",
// "first LINE", "end TEXT", "bytes OLD => NEW" (quoted).
func changed(t *testing.T, text, line string) string {
	lines := strings.SplitAfter(text, "\n")
	at := func(key string) int {
		n := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, key+" ") })
		if n < 0 {
			t.Fatalf("no line %q", key)
		}
		return n
	}
	verb, rest, _ := strings.Cut(line, " ")
	first, second, _ := strings.Cut(rest, " ")
	switch verb {
	case "show", "as-it-is":
	case "drop":
		lines = slices.Delete(lines, at(rest), at(rest)+1)
	case "repeat":
		lines = slices.Insert(lines, at(rest), lines[at(rest)])
	case "swap":
		i, j := at(first), at(second)
		lines[i], lines[j] = lines[j], lines[i]
	case "after":
		lines = slices.Insert(lines, at(first)+1, second+"\n")
	case "first":
		lines[0] = rest + "\n"
	case "end":
		lines = append(lines, unquoted(t, rest))
	case "bytes":
		whole := strings.Join(lines, "")
		first, second, _ := strings.Cut(rest, " => ")
		if !strings.Contains(whole, unquoted(t, first)) {
			t.Fatalf("no %s", first)
		}
		return strings.Replace(whole, unquoted(t, first), unquoted(t, second), 1)
	default:
		lines[at(verb)] = line + "\n"
	}
	return strings.Join(lines, "")
}

func unquoted(t *testing.T, s string) string {
	var text string
	if _, err := fmt.Sscanf(s, "%q", &text); err != nil {
		t.Fatal(err)
	}
	return text
}

// The input is a wish, a field a line; the output is what was drafted, where it is not as wished, or every fault.
func TestDraftTable(t *testing.T) {
	l := newWorld(t).l
	table(t, "testdata/draft.txt", func(t *testing.T, input string) string {
		a := wish("primary-care", "slam")
		for line := range strings.Lines(input) {
			field, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
			wished(t, &a, field, value)
		}
		drafted, err := Draft(l, a, morning)
		var form *FormError
		switch {
		case errors.As(err, &form):
			wantKind(t, err, "use")
			if strings.Contains(err.Error(), "SECRET") {
				t.Error("the error quotes what was written")
			}
			return strings.Join(append(form.Faults(), prefixed("hint: ", form.Hints())...), "\n")
		case err != nil:
			return said(err)
		}
		if again, err := ParseApproval(drafted.Text()); err != nil || again.Text() != drafted.Text() {
			t.Errorf("what was drafted is not read back: %v", err)
		}
		return strings.Join(slices.DeleteFunc(strings.Split(drafted.Text(), "\n"), func(l string) bool {
			word, _, _ := strings.Cut(l, " ")
			return !slices.Contains([]string{"id", "dataset", "pair", "denominator", "cohort", "review", "refresh", "opt-outs", "disclosure"}, word)
		}), "\n")
	})
}

func prefixed(prefix string, list []string) []string {
	for i, s := range list {
		list[i] = prefix + s
	}
	return list
}

func wished(t *testing.T, a *Approval, field, value string) {
	if field == "applicant" && value != "" {
		_, value = key(value, strings.TrimSuffix(value, "/alias"))
	}
	if of := (map[string]*string{"title": &a.Title, "summary": &a.Summary, "purpose": &a.Purpose, "legal-basis": &a.LegalBasis, "dpia": &a.DPIA,
		"applicant": &a.Applicant, "from": &a.From, "until": &a.Until, "review": &a.Review, "denominator": &a.Denominator, "cohort": &a.Cohort,
		"refresh": &a.Refresh, "opt-outs": &a.OptOuts, "disclosure": &a.Disclosure, "id": &a.ID})[field]; of != nil {
		*of = strings.ReplaceAll(value, `\n`, "\n")
		return
	}
	switch field {
	case "as-it-is":
	case "datasets":
		fresh := wish(strings.Fields(value)...)
		a.Datasets, a.Pairs = fresh.Datasets, fresh.Pairs
	case "columns":
		a.Datasets = nil
		for _, word := range strings.Fields(value) {
			parts := strings.Split(word, ".")
			n := slices.IndexFunc(a.Datasets, func(s Scope) bool { return s.Dataset == parts[0] })
			if n < 0 {
				n, a.Datasets = len(a.Datasets), append(a.Datasets, Scope{Dataset: parts[0]})
			}
			a.Datasets[n].Columns = append(a.Datasets[n].Columns, Column{parts[1], parts[2]})
		}
	case "pairs":
		a.Pairs = nil
		for _, word := range strings.Fields(value) {
			first, second, _ := strings.Cut(word, ":")
			a.Pairs = append(a.Pairs, Pair{first, second})
		}
	case "users":
		a.Users = nil
		if value != "" {
			a.Users = strings.Split(value, ",")
		}
	case "again":
		a.Datasets = append(a.Datasets, a.Datasets[0])
	default:
		t.Fatalf("no field %q", field)
	}
}

// Every truncation and one-byte change of a signed approval, of its text and of each decision's note is refused.
func TestMangledDecisionIsRefused(t *testing.T) {
	w := newWorld(t)
	a, err := w.draft(wish("primary-care", "slam"))
	if err != nil {
		t.Fatal(err)
	}
	signer, _ := key("G2", "G2")
	refusal, err := NewRefusal(a, "slam", "Too wide.", signer)
	if err != nil {
		t.Fatal(err)
	}
	revocation, err := NewRevocation(a, "slam", "", signer)
	if err != nil {
		t.Fatal(err)
	}
	signature := w.signature(a, "slam", "G2")
	decisions, err := w.l.Decisions()
	if err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		whole string
		with  func(string) Body
	}{
		"signature":  {signature.Note, func(s string) Body { b := signature; b.Note = s; return b }},
		"refusal":    {refusal.Note, func(s string) Body { b := refusal; b.Note = s; return b }},
		"revocation": {revocation.Note, func(s string) Body { b := revocation; b.Note = s; return b }},
	} {
		if err := decisions.allow(c.with(c.whole), morning); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		tries := mangled(c.whole, func(s string) {
			if err := decisions.allow(c.with(s), morning); err == nil {
				t.Fatalf("%s: a changed note was let in: %q", what, s)
			}
		})
		if tries < 1000 {
			t.Errorf("%s: only %d tries", what, tries)
		}
	}
	parsed := 0
	mangled(a.Text(), func(s string) {
		changed, err := ParseApproval(s)
		if err != nil {
			return
		}
		parsed++ // another request: its hash is another, so no signature is for it
		if changed.Text() != s || changed.Hash() == a.Hash() {
			t.Fatal("two texts of one approval")
		}
	})
	if parsed == 0 {
		t.Error("no changed text was read: the test above proves nothing")
	}
}

// mangled tries every truncation, one-byte change, removal and insertion.
func mangled(whole string, try func(string)) (tries int) {
	for i := range len(whole) {
		variants := []string{whole[:i], whole[:i] + whole[i+1:], whole[:i] + "\n" + whole[i:], whole[:i] + " " + whole[i:]}
		for _, b := range []byte{whole[i] ^ 1, whole[i] ^ 0x20, whole[i] ^ 0x80, '\n', '\r'} {
			variants = append(variants, whole[:i]+string([]byte{b})+whole[i+1:])
		}
		for _, s := range variants {
			if s != whole {
				tries++
				try(s)
			}
		}
	}
	return tries
}

// A note must carry the Guardian's signature and no other, known or not: further ones could say anything to another reader.
func TestFurtherSignaturesAreRefused(t *testing.T) {
	w := newWorld(t)
	a, err := w.draft(wish("primary-care", "slam"))
	if err != nil {
		t.Fatal(err)
	}
	first, _ := key("G1", "G1")
	second, _ := key("G2", "G2")
	unknown, _ := key("mallory", "mallory")
	for _, signers := range [][]note.Signer{{second, first}, {second, unknown}, {unknown, second}, {second, second}, {unknown}, {}} {
		signed, err := note.Sign(&note.Note{Text: a.Text()}, signers...)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.append(SignatureRecord{a.ID, a.SHA256(), "slam", string(signed)}); err == nil {
			t.Errorf("%d signatures were let in", len(signers))
		}
	}
	if got := w.status(a.ID); !strings.HasPrefix(got, "draft: ") {
		t.Fatal(got)
	}
}

// A refusal's note cannot serve as a revocation, nor for another dataset's Guardian, nor for another request.
func TestDecisionsDoNotStandForEachOther(t *testing.T) {
	w := newWorld(t)
	a, errA := w.draft(wish("primary-care", "slam"))
	b, errB := w.draft(wish("primary-care", "slam"))
	if errA != nil || errB != nil {
		t.Fatal(errA, errB)
	}
	signer, _ := key("G2", "G2")
	refusal, err := NewRefusal(a, "slam", "No.", signer)
	if err != nil {
		t.Fatal(err)
	}
	for what, body := range map[string]Body{
		"as a revocation":       RevocationRecord(refusal),
		"as a signature":        SignatureRecord(refusal),
		"for another request":   RefusalRecord{b.ID, b.SHA256(), "slam", refusal.Note},
		"for another Guardian":  RefusalRecord{a.ID, a.SHA256(), "primary-care", refusal.Note},
		"signature as refusal":  RefusalRecord(w.signature(a, "slam", "G2")),
		"of the other's text":   SignatureRecord{b.ID, b.SHA256(), "slam", w.signature(a, "slam", "G2").Note},
		"the head as signature": SignatureRecord{a.ID, a.SHA256(), "slam", string(w.l.SignedHead())},
	} {
		if err := w.append(body); err == nil {
			t.Errorf("%s: let in", what)
		}
	}
}

// Whoever rewrites what lies before a signed request breaks the request: it names the root that its drafter saw.
func TestApprovalsAnchorTheLedger(t *testing.T) {
	w := newWorld(t)
	w.approved("primary-care", "slam")
	records := w.l.Records()
	if _, err := DecisionsOf(records); err != nil {
		t.Fatal(err)
	}
	other, err := NewRecord(morning, PolicyRecord{"lattice", strings.Repeat("b", 64), []string{"primary-care", "slam"}})
	if err != nil {
		t.Fatal(err)
	}
	rewritten := slices.Clone(records)
	rewritten[1] = other
	_, err = DecisionsOf(rewritten)
	wantKind(t, err, "integrity")
	_, err = DecisionsOf(slices.Delete(slices.Clone(records), 4, 5))
	if err == nil {
		t.Fatal("a removed record was not noticed")
	}
}

func TestApprovalsStayApart(t *testing.T) {
	a := request(t, "primary-care", "slam", "maternity")
	c := a.clone()
	c.Users[0], c.Pairs[0], c.Datasets[0].Columns[0] = "Mallory", Pair{}, Column{}
	if a.Users[0] == "Mallory" || a.Pairs[0] == c.Pairs[0] || a.Datasets[0].Columns[0] == c.Datasets[0].Columns[0] {
		t.Fatal("a copy shares with the original")
	}
	if got := a.Columns("slam", "diagnoses"); !slices.Equal(got, []string{"person", "icd10"}) {
		t.Fatal(got)
	}
	if a.Columns("slam", "observations") != nil || a.Columns("gp", "patients") != nil {
		t.Fatal("columns that were not asked for")
	}
	if bytes.Count([]byte(a.Text()), []byte("\npair ")) != 3 {
		t.Fatal("three datasets need three pairs")
	}
}

// The package's documentation shows the text that its example prints.
func TestDocumentedApproval(t *testing.T) {
	doc := string(read(t, ".", "linkage.go"))
	_, text, ok := strings.Cut(doc, "//\tdatanet/v1/approval\n")
	text, _, ends := strings.Cut(text, "//\n")
	if !ok || !ends {
		t.Fatal("not found")
	}
	text = approvalDomain + "\n" + strings.ReplaceAll(text, "//\t", "")
	if _, err := ParseApproval(text); err != nil {
		t.Fatal(err)
	}
	if example := string(read(t, ".", "example_test.go")); !strings.Contains(strings.ReplaceAll(example, "\t// ", ""), text) {
		t.Fatal("the example prints another text")
	}
}

func FuzzParseApproval(f *testing.F) {
	seeds := 0
	for _, datasets := range [][]string{{"slam"}, {"primary-care", "slam"}, {"maternity", "slam", "primary-care"}} {
		text := request(f, datasets...).Text()
		if _, err := ParseApproval(text); err != nil {
			f.Fatal(err)
		}
		f.Add(text)
		seeds++
		f.Add(strings.Replace(text, "pair", "dataset", 1))
	}
	if raw, err := os.ReadFile("testdata/approval_text.txt"); err == nil {
		f.Add(string(raw))
		seeds++
	}
	if seeds != 4 {
		f.Fatal("the seeds were not found")
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := ParseApproval(text)
		if err != nil {
			if a != nil {
				t.Fatal("an approval came with the error")
			}
			return
		}
		if a.Text() != text {
			t.Fatalf("accepted a second spelling of %q", text)
		}
		if err := a.wellFormed(); err != nil {
			t.Fatal(err)
		}
		_, _ = a.Known(), a.Plain([]*Decision{{Approval: a}}, morning)
		for _, b := range []byte(text) {
			if b != '\n' && (b < ' ' || b > '~') {
				t.Fatalf("accepted the byte %#x", b)
			}
		}
	})
}

func TestLimits(t *testing.T) {
	l := newWorld(t).l
	for what, c := range map[string]struct {
		widen func(*Approval)
		fault string
	}{
		"title":    {func(a *Approval) { a.Title = strings.Repeat("a", 201) }, "title: is longer than 200 characters"},
		"summary":  {func(a *Approval) { a.Summary = strings.Repeat("a", 4001) }, "summary: is longer than 4000 characters"},
		"users":    {func(a *Approval) { a.Users = make([]string, 101) }, "user: more than 100 people are named"},
		"user":     {func(a *Approval) { a.Users[0] = strings.Repeat("a", 121) }, "user 1: is longer than 120 characters"},
		"datasets": {func(a *Approval) { a.Datasets = make([]Scope, 17) }, "dataset: more than 16 are named"},
		"columns": {func(a *Approval) { a.Datasets[0].Columns = make([]Column, 501) },
			"dataset 1 (primary-care): more than 500 columns are named"},
		"text": {func(a *Approval) {
			for n := range 16 {
				a.Datasets = append(a.Datasets[:0:0], append(a.Datasets, Scope{Dataset: fmt.Sprintf("d%d", n)})...)
			}
			for i := range a.Datasets {
				for n := range 499 {
					a.Datasets[i].Columns = append(a.Datasets[i].Columns, Column{"t", fmt.Sprintf("a%s%d", strings.Repeat("b", 50), n)})
				}
			}
			a.Datasets = a.Datasets[2:]
		}, "text: is longer than 65536 characters"},
	} {
		a := wish("primary-care", "slam")
		c.widen(&a)
		_, err := Draft(l, a, morning)
		var form *FormError
		if !errors.As(err, &form) || !slices.Contains(form.Faults(), c.fault) {
			t.Errorf("%s: %.200v", what, err)
		}
	}
	if _, err := ParseApproval(approvalDomain + "\n" + strings.Repeat("user x\n", 10000)); err == nil {
		t.Error("a text without end was read")
	}
	signer, _ := key("G2", "G2")
	for _, reason := range []string{"Zoë said no.", "two\nlines", strings.Repeat("a", 501), " "} {
		_, err := NewRevocation(request(t, "slam"), "slam", reason, signer)
		wantKind(t, err, "use")
	}
}

// A reason is recorded for ever too. What is in a ledger already is read all the same: how else would anybody notice it.
func TestReasonsNameNobody(t *testing.T) {
	w := newWorld(t)
	a, err := w.draft(wish("slam"))
	if err != nil {
		t.Fatal(err)
	}
	signer, _ := key("G2", "G2")
	for _, reason := range []string{"9434765919 asked me", "the patient 943 476 5919", "943-476-5919", "of SE5 8AF", "of se58af"} {
		_, refused := NewRefusal(a, "slam", reason, signer)
		_, revoked := NewRevocation(a, "slam", reason, signer)
		for _, err := range []error{refused, revoked} {
			wantKind(t, err, "use")
			if !strings.HasPrefix(err.Error(), "reason: holds what reads as ") || strings.Contains(err.Error(), "59") || strings.Contains(err.Error(), "8") {
				t.Errorf("%q: %v", reason, err)
			}
		}
	}
	old := a.clone()
	old.ID, old.Title, old.Users = "2026-002", "About 9434765919", []string{"SE5 8AF"}
	b, err := NewApproval(old)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := old.signed("slam", answer(revocationDomain, old.ID, old.SHA256(), "slam", "9434765919 of SE5 8AF"), signer)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range []Body{b, w.signature(old, "slam", "G2"), RevocationRecord{old.ID, old.SHA256(), "slam", signed}} {
		if err := w.append(b); err != nil {
			t.Fatal(err)
		}
	}
	if err := reopened(t, w.dir).Verify(); err != nil {
		t.Fatal(err)
	}
}

// The two numbers stand in public examples of the NHS number's check (943 476 5919 and 401 023 2137, as package synth's test has them too).
// The check notices a change of any one digit.
func TestCheckDigit(t *testing.T) {
	for _, good := range []string{"9434765919", "4010232137"} {
		if impersonal(good) != asNumber {
			t.Error(good)
		}
		for i := range good {
			for d := byte('0'); d <= '9'; d++ {
				if other := good[:i] + string(d) + good[i+1:]; other != good && impersonal(other) != "" {
					t.Errorf("%s is taken for a number", other)
				}
			}
		}
	}
}

// A request is for one hub, and there must be somebody to decide on it and somebody to seal to.
func TestHubsStayApart(t *testing.T) {
	w := newWorld(t)
	a := request(t, "slam")
	a.Hub = strings.Repeat("f", 32)
	b, err := NewApproval(a)
	if err != nil {
		t.Fatal(err)
	}
	wantCheck(t, w.append(b), CheckHub)

	alone := &world{t: t, now: morning, dir: founded(t, 0)}
	alone.l = reopened(t, alone.dir)
	for _, b := range []Body{PolicyRecord{"lattice", ledgerHash, []string{}}, TrustRecord{Dataset: "slam", Guardian: vkeyOf("G2")}} {
		if err := alone.append(b); err != nil {
			t.Fatal(err)
		}
	}
	_, err = alone.draft(wish("primary-care", "slam"))
	wantCheck(t, err, CheckGuardian)
	signed := alone.approved("slam")
	signer, _ := key("C2", "C2")
	made, err := NewProjectKey(signed, "slam", "0123456789abcdef", sealedTo("slam"), signer)
	if err != nil {
		t.Fatal(err)
	}
	wantCheck(t, alone.append(made), CheckCustodian)
}

func wantCheck(t *testing.T, err error, check string) {
	t.Helper()
	var refusal *Refusal
	if !errors.As(err, &refusal) || refusal.Check() != check {
		t.Fatalf("%v, want the check %s", err, check)
	}
}
