package publication

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"slices"
	"time"
	"unicode"

	"golang.org/x/mod/sumdb/note"

	"datanet/schemas"
)

const otherVersion = "use the version of datanet that published it, or a newer one"

// decode reads the header. The first thing that is taken from it is the key
// that it says has signed it, and nothing else until that proves true.
func (p *Publication) decode(text, sig []byte) error {
	var claim struct{ Schema, Publisher string }
	if err := json.Unmarshal(text, &claim); err != nil || claim.Schema != schemas.Version {
		return &IntegrityError{"publication.json is not of this version", otherVersion}
	}
	if err := signed(text, sig, claim.Publisher); err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&p.Header); err != nil {
		return &IntegrityError{"publication.json is not of this version", otherVersion}
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return &IntegrityError{"something follows publication.json", fetchAgain}
	}
	if !printable(text) {
		return &IntegrityError{"publication.json holds text that cannot be printed", fetchAgain}
	}
	return p.Header.check()
}

// signed accepts one note with one signature in its one spelling: note.Open
// skips signatures that it does not know, and base64 skips stray bits.
func signed(text, sig []byte, vkey string) error {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return &IntegrityError{"the publisher's key is not a verifier key", "it is printed by datanet hub init"}
	}
	n, err := note.Open(sig, note.VerifierList(verifier))
	if err != nil || len(n.Sigs) != 1 || n.Text != schemas.Statement("publication", schemas.Digest(text)) {
		return &IntegrityError{"publication.json is not what the hub's publisher signed", fetchAgain}
	}
	raw, err := base64.StdEncoding.DecodeString(n.Sigs[0].Base64)
	whole := n.Text + "\n— " + verifier.Name() + " " + base64.StdEncoding.EncodeToString(raw) + "\n"
	if err != nil || whole != string(sig) {
		return &IntegrityError{"publication.sig is not exactly one signature", fetchAgain}
	}
	return nil
}

var (
	idForm   = regexp.MustCompile(`^[0-9a-f]{16}$`)
	hubForm  = regexp.MustCompile(`^[0-9a-f]{32}$`)
	hashForm = regexp.MustCompile(`^[0-9a-f]{64}$`)
	nameForm = regexp.MustCompile(`^[a-z][a-z0-9-]{0,62}$`)
)

// check holds a header to what the code relies on.
func (h *Header) check() error {
	_, err := time.Parse(time.DateOnly, h.AsAt)
	if err != nil || h.Catalogue == nil || h.Nodes < 0 || h.Withheld < 0 || h.Withheld > h.Nodes || h.Audit.ExactRecoveries < 0 ||
		!idForm.MatchString(h.ID) || !hubForm.MatchString(h.Hub) || !nameForm.MatchString(h.Dataset) || !hashForm.MatchString(h.State) {
		return &IntegrityError{"publication.json does not say what a publication says", fetchAgain}
	}
	if err := h.Catalogue.Check(); err != nil {
		return err
	}
	if err := h.checkMissing(); err != nil {
		return err
	}
	return h.checkSources()
}

// checkMissing: what is not available is not answered either, and says why.
func (h *Header) checkMissing() error {
	for _, n := range h.NotAvailable {
		_, counted := h.Catalogue.Measure(n.Measure)
		if counted == nil || !nameForm.MatchString(n.Measure) || n.Title == "" || len(n.Policies) == 0 || n.Sites < 1 || n.Sites > n.Of {
			return &IntegrityError{"publication.json does not say why a measure is not available", fetchAgain}
		}
	}
	return nil
}

// checkSources: a linked publication says under which approval and until when;
// another says nothing of the kind; and neither holds a measure that needs more
// than was counted.
func (h *Header) checkSources() error {
	holds := h.ApprovalSHA256 == "" && h.LastDay == "" && h.Datasets == nil && h.States == nil
	if h.Approval != nil {
		holds = schemas.ApprovalID(*h.Approval) && hashForm.MatchString(h.ApprovalSHA256) && isDay(h.LastDay) && h.joins()
	}
	for i := range h.Catalogue.Measures {
		m := &h.Catalogue.Measures[i]
		holds = holds && (len(m.Linked) > 0) == (h.Approval != nil) &&
			!slices.ContainsFunc(m.Datasets(), func(d string) bool { return !slices.Contains(h.Sources(), d) })
	}
	if !holds {
		return &IntegrityError{"publication.json does not say of which datasets, and under which approval, it is", fetchAgain}
	}
	return nil
}

// joins says whether the datasets are two or more, each once with its state,
// and the one whose people are counted is among them.
func (h *Header) joins() bool {
	for i, d := range h.Datasets {
		if !nameForm.MatchString(d) || !hashForm.MatchString(h.States[d]) || slices.Contains(h.Datasets[:i], d) {
			return false
		}
	}
	return len(h.Datasets) > 1 && len(h.States) == len(h.Datasets) && slices.Contains(h.Datasets, h.Dataset)
}

func isDay(s string) bool {
	at, err := time.Parse(time.DateOnly, s)
	return err == nil && at.Format(time.DateOnly) == s
}

// readable refuses a question after the last day.
func (h *Header) readable(now time.Time) error {
	switch today := now.UTC().Format(time.DateOnly); {
	case h.LastDay == "":
		return nil
	case now.IsZero():
		return &Refusal{"this publication may be read until " + h.LastDay + ", and the day is not known", "set the machine's clock"}
	case today > h.LastDay:
		return &Refusal{"this publication may be read no longer: its last day under approval " + h.ApprovalID() + " was " + h.LastDay,
			"ask the hub that published it for a newer one; this copy can be removed"}
	}
	return nil
}

// printable says whether every text of a JSON document may go to a terminal:
// no control characters, nothing that turns the direction of writing.
func printable(document []byte) bool {
	var v any
	return json.Unmarshal(document, &v) == nil && allPrintable(v)
}

func allPrintable(v any) bool {
	switch v := v.(type) {
	case string:
		for _, r := range v {
			if !unicode.IsPrint(r) {
				return false
			}
		}
	case []any:
		for _, x := range v {
			if !allPrintable(x) {
				return false
			}
		}
	case map[string]any:
		for k, x := range v {
			if !allPrintable(k) || !allPrintable(x) {
				return false
			}
		}
	}
	return true
}
