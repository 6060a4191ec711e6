package linkage

import (
	"encoding/base64"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// A world is a hub with three datasets in which a text table acts, one line after another.
type world struct {
	t     testing.TB
	dir   string
	l     *Ledger
	now   time.Time
	count int64
}

var scopes = map[string]Scope{
	"primary-care": {"primary-care", []Column{{"patients", "person"}, {"patients", "sex"}, {"patients", "ward"}}},
	"slam":         {"slam", []Column{{"patients", "person"}, {"diagnoses", "person"}, {"diagnoses", "icd10"}}},
	"maternity":    {"maternity", []Column{{"pregnancies", "person"}, {"pregnancies", "smoking"}}},
}

// newWorld trusts the Guardians G1, G2, G3 and the custodians C1, C2, C3 of primary-care, slam and maternity.
func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, dir: filepath.Join(t.TempDir(), "ledger"), now: morning}
	if err := Create(w.dir, Origin(testHub), ledgerKey, morning); err != nil {
		t.Fatal(err)
	}
	w.l = reopened(t, w.dir)
	bodies := []Body{hubBody(), PolicyRecord{"lattice", ledgerHash, []string{"primary-care"}}}
	for n, dataset := range []string{"primary-care", "slam", "maternity"} {
		bodies = append(bodies, TrustRecord{Dataset: dataset, Guardian: vkeyOf(fmt.Sprintf("G%d", n+1)), Custodian: tokenOf(fmt.Sprintf("C%d", n+1), dataset)})
	}
	for _, b := range bodies {
		if err := w.append(b); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

func hubBody() HubRecord {
	return HubRecord{Hub: testHub, Name: "Lambeth DataNet", Ledger: ledgerVKey, Publisher: publisherVKey}
}

func vkeyOf(name string) string {
	_, vkey := key(name, name)
	return vkey
}

func tokenOf(name, dataset string) string {
	return "custodian:v1:" + dataset + ":" + vkeyOf(name) + ":aHBrZQ==:age1example"
}

func (w *world) append(b Body) error { return w.appendAt(time.Time{}, b) }

func (w *world) appendAt(at time.Time, b Body) error {
	r, err := NewRecord(at, b)
	if err == nil {
		_, err = w.l.Append(ledgerKey, w.now, r)
	}
	return err
}

// wish is a request for some datasets, with the defaults of the tables.
func wish(datasets ...string) Approval {
	a := Approval{
		Title: "Mental illness and diabetes by ward", Summary: "We want to see where people with both live.",
		Purpose: "Planning of community services", LegalBasis: "UK GDPR 6(1)(e) and 9(2)(h); section 251 support 26/CAG/0000",
		DPIA: "DPIA-2026-014", Applicant: vkeyOf("applicant"), Users: []string{"Jane Doe", "John Roe"},
		From: "2026-11-01", Until: "2026-12-31", Pairs: allPairs(datasets),
	}
	for _, name := range datasets {
		scope := scopes[name]
		a.Datasets = append(a.Datasets, Scope{name, slices.Clone(scope.Columns)})
	}
	return a
}

func (w *world) draft(a Approval) (*Approval, error) {
	drafted, err := Draft(w.l, a, w.now)
	if err != nil {
		return nil, err
	}
	b, err := NewApproval(drafted)
	if err == nil {
		err = w.append(b)
	}
	return drafted, err
}

// approved drafts and signs.
func (w *world) approved(datasets ...string) *Approval {
	w.t.Helper()
	a, err := w.draft(wish(datasets...))
	if err != nil {
		w.t.Fatal(err)
	}
	for _, name := range datasets {
		if err := w.append(w.signature(a, name, guardian(name))); err != nil {
			w.t.Fatal(err)
		}
	}
	return a
}

func guardian(dataset string) string {
	return map[string]string{"primary-care": "G1", "slam": "G2", "maternity": "G3"}[dataset]
}

func custodian(dataset string) string { return strings.Replace(guardian(dataset), "G", "C", 1) }

func (w *world) signature(a *Approval, dataset, signer string) SignatureRecord {
	w.t.Helper()
	with, _ := key(signer, strings.TrimSuffix(signer, "/alias"))
	b, err := NewSignature(a, dataset, with)
	if err != nil {
		w.t.Fatal(err)
	}
	return b
}

func sealedTo(datasets ...string) map[string]string {
	sealed := map[string]string{}
	for _, name := range datasets {
		sealed[name] = base64.StdEncoding.EncodeToString([]byte("sealed to " + name))
	}
	return sealed
}

func (w *world) of(id string) *Approval {
	d, err := w.l.Decisions()
	if err != nil {
		w.t.Fatal(err)
	}
	if of := d.Of(id); of != nil {
		return of.Approval
	}
	a := wish("primary-care", "slam")
	a.ID, a.Disclosure, a.Hub, a.Seen = id, "lattice", testHub, Seen{Size: 1}
	a.complete()
	return &a
}

// options takes the words "key=value" out of a line.
func options(words []string) (rest []string, options map[string]string) {
	options = map[string]string{}
	for _, word := range words {
		if name, value, ok := strings.Cut(word, "="); ok {
			options[name] = value
			continue
		}
		rest = append(rest, word)
	}
	return rest, options
}

// act does what one line says, and answers with one line.
func (w *world) act(line string) string {
	words, with := options(strings.Fields(line))
	switch words[0] {
	case "clock":
		at, err := time.Parse(time.RFC3339, words[1])
		if err != nil {
			w.t.Fatal(err)
		}
		w.now = at
		return "it is " + words[1]
	case "draft":
		a, err := w.draft(w.wished(words[1], with))
		if err != nil {
			return said(err)
		}
		return "drafted " + a.ID
	case "draft-for": // as draft, and the key of who asks is put in afterwards, which Draft does not see
		a, err := Draft(w.l, w.wished(words[2], with), w.now)
		if err != nil {
			return said(err)
		}
		_, a.Applicant = key(words[1], strings.TrimSuffix(words[1], "/alias"))
		b, err := NewApproval(a)
		if err == nil {
			err = w.append(b)
		}
		return or(map[bool]string{true: "drafted " + a.ID}[err == nil], said(err))
	case "beside":
		return w.beside(words[1])
	case "status":
		return w.status(words[1])
	case "check":
		return w.check(words[1:])
	case "forge":
		b, err := w.body(words[1:], with)
		if err != nil {
			return said(err)
		}
		return w.forge(b, with)
	}
	b, err := w.body(words, with)
	if err != nil {
		return said(err)
	}
	at, err := time.Parse(time.RFC3339, or(with["at"], time.Time{}.Format(time.RFC3339))) // with the zero time Append dates it
	if err != nil {
		w.t.Fatal(err)
	}
	return said(w.appendAt(at, b))
}

// beside is what a Guardian reads about other requests, a paragraph a line.
func (w *world) beside(id string) string {
	d, err := w.l.Decisions()
	if err != nil {
		return said(err)
	}
	_, rest, _ := strings.Cut(d.Of(id).Approval.Plain(d.All(), w.l.Head().Clock(w.now)), "\nWhat else it lets people join\n")
	section, _, _ := strings.Cut(rest, "\n\n")
	var out strings.Builder
	for line := range strings.Lines(section) {
		if !strings.HasPrefix(line, "    ") || strings.HasPrefix(line, "    Somebody") || strings.HasPrefix(line, "    What was") || strings.HasPrefix(line, "    N") {
			out.WriteString("\n")
		}
		out.WriteString(" " + strings.TrimSpace(line))
	}
	return strings.ReplaceAll(strings.TrimSpace(out.String()), "\n ", "\n")
}

func (w *world) wished(datasets string, with map[string]string) Approval {
	a := wish(strings.Split(datasets, ",")...)
	for name, field := range map[string]*string{"from": &a.From, "until": &a.Until, "review": &a.Review, "policy": &a.Disclosure, "id": &a.ID, "supersedes": &a.Supersedes, "opt-outs": &a.OptOuts} {
		if value, ok := with[name]; ok {
			*field = strings.ReplaceAll(value, "/", " ")
		}
	}
	if name := with["applicant"]; name != "" {
		_, a.Applicant = key(name, strings.TrimSuffix(name, "/alias"))
	}
	return a
}

// body makes a record's body: "sign 2026-001 slam G2".
func (w *world) body(words []string, with map[string]string) (b Body, err error) {
	w.t.Helper()
	id := words[1]
	a := w.of(id)
	switch words[0] {
	case "sign":
		b = w.signed(a, words, with)
	case "refuse":
		signer, _ := key(words[3], words[3])
		b, err = NewRefusal(a, words[2], strings.Join(words[4:], " "), signer)
	case "revoke":
		signer, _ := key(words[3], words[3])
		b, err = NewRevocation(a, words[2], strings.Join(words[4:], " "), signer)
	case "key":
		signer, _ := key(words[3], words[3])
		to := a.Names()
		if with["to"] != "" {
			to = strings.Split(with["to"], ",")
		}
		b, err = NewProjectKey(a, words[2], "0123456789abcdef", sealedTo(to...), signer)
	case "release":
		b = ReleaseRecord{id, a.SHA256(), words[2], or(with["as-at"], "2026-10-31"), stateHash(with), releaseHash(with), 120}
	case "link":
		releases := map[string]string{}
		for _, name := range strings.Split(words[2], ",") {
			releases[name] = releaseHash(with)
		}
		b = LinkRecord{id, a.SHA256(), releases, ledgerHash, 120}
	case "publish":
		b = w.published(words[1:], with)
	case "remove":
		b = RemovalRecord{id, a.SHA256(), "linked", "", words[2]}
	case "deny":
		b = DeniedRecord{id, ActionLink, "", words[2]}
	case "policy":
		b = PolicyRecord{words[1], ledgerHash, strings.Split(words[2], ",")}
	case "trust":
		b, err = w.trust(words[1:], with)
	default:
		w.t.Fatalf("no verb %q", words[0])
	}
	return b, err
}

// trust changes keys: "trust slam G4" sets a Guardian's, "trust slam deputy=D2:2026-12-31 by=G2" names a deputy.
func (w *world) trust(words []string, with map[string]string) (TrustRecord, error) {
	d, err := w.l.Decisions()
	if err != nil {
		return TrustRecord{}, err
	}
	line := words[0]
	if len(words) > 1 {
		line += " guardian=" + words[1]
	}
	for _, name := range []string{"deputy", "no-deputy", "by"} {
		if with[name] != "" {
			line += " " + name + "=" + with[name]
		}
	}
	return parseWish(w.t.(*testing.T), line, map[string]string{}, d.Trust()), nil
}

func (w *world) signed(a *Approval, words []string, with map[string]string) Body {
	dataset := words[2]
	b := w.signature(a, a.Names()[0], words[3])
	if with["text"] == "changed" {
		changed := a.clone()
		changed.Title = "Something else"
		other := w.signature(changed, a.Names()[0], words[3])
		b.Note = other.Note
		if with["hash"] == "changed" {
			b.SHA256 = other.SHA256
		}
	}
	b.Dataset = dataset
	return b
}

func (w *world) published(words []string, with map[string]string) Body {
	states := map[string]string{}
	for _, name := range strings.Split(words[len(words)-1], ",") {
		states[name] = stateHash(with)
	}
	w.count++
	b := PublicationRecord{Publication: fmt.Sprintf("2026-10-31-%d", w.count), AsAt: "2026-10-31", Policy: or(with["policy"], "lattice"), States: states, SHA256: ledgerHash}
	if len(words) > 1 {
		b.Approval = words[0]
	}
	return b
}

func stateHash(with map[string]string) string { return strings.Repeat(or(with["state"], "c"), 64) }

// releaseHash stands for the one that is named by a hex digit, "release=b".
func releaseHash(with map[string]string) string { return strings.Repeat(or(with["release"], "a"), 64) }

func or(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}

func (w *world) status(id string) string {
	d, err := w.l.Decisions()
	if err != nil {
		return said(err)
	}
	at := w.l.Head().Clock(w.now)
	return string(d.Of(id).Status(at)) + ": " + d.Of(id).Sentence(at)
}

// check asks "2026-001 release slam".
func (w *world) check(words []string) string {
	ask := Ask{Approval: words[0], Action: Action(words[1]), Now: w.now}
	if len(words) > 2 {
		ask.Dataset = words[2]
	}
	permit, err := Check(w.l, ask)
	if err == nil {
		if err := permit.For(ask.Action, ask.Dataset); err != nil {
			w.t.Error(err)
		}
		return "permit"
	}
	if permit.Approval() != nil || permit.For(ask.Action, ask.Dataset) == nil {
		w.t.Error("a permit came with the refusal")
	}
	return said(err)
}

// forge is what a reader says of a ledger into which whoever holds its key has signed the record, past Append.
func (w *world) forge(b Body, with map[string]string) string {
	at, err := time.Parse(time.RFC3339, or(with["at"], w.now.Format(time.RFC3339)))
	if err != nil {
		w.t.Fatal(err)
	}
	r, err := NewRecord(at, b)
	if err != nil {
		return said(err)
	}
	d, err := DecisionsOf(append(w.l.Records(), r))
	if err == nil && d == nil || err != nil && d != nil {
		w.t.Error("something came with the error, or nothing without one")
	}
	return said(err)
}

func said(err error) string {
	var refusal *Refusal
	var kinded interface{ Kind() string }
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &refusal):
		return "refused (" + refusal.Check() + "): " + err.Error()
	case errors.As(err, &kinded):
		return kinded.Kind() + " error: " + err.Error()
	}
	return "error: " + err.Error()
}
