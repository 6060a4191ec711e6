package publication

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"regexp"
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
	return h.Catalogue.Check()
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
