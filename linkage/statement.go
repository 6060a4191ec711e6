package linkage

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// The first lines of what Guardians and custodians sign beside approvals. None of these texts can be taken for another.
const (
	refusalDomain    = "datanet/v1/refusal"
	revocationDomain = "datanet/v1/revocation"
	projectKeyDomain = "datanet/v1/projectkey"
)

const maxReason = 500

// NewApproval makes the record of a request.
func NewApproval(a *Approval) (ApprovalRecord, error) {
	b := ApprovalRecord{Approval: a.ID, SHA256: a.SHA256(), Text: a.Text()}
	return b, b.check()
}

// NewSignature makes the record of a Guardian's yes: a note over exactly the approval's text.
func NewSignature(a *Approval, dataset string, guardian note.Signer) (SignatureRecord, error) {
	signed, err := a.signed(dataset, a.Text(), guardian)
	return SignatureRecord{a.ID, a.SHA256(), dataset, signed}, err
}

// NewRefusal makes the record of a Guardian's no. The reason may be empty, and must not hold an NHS number or a postcode.
func NewRefusal(a *Approval, dataset, reason string, guardian note.Signer) (RefusalRecord, error) {
	signed, err := a.answered(refusalDomain, dataset, reason, guardian)
	return RefusalRecord{a.ID, a.SHA256(), dataset, signed}, err
}

// NewRevocation makes the record with which a Guardian ends an approval. Its reason is as a refusal's.
func NewRevocation(a *Approval, dataset, reason string, guardian note.Signer) (RevocationRecord, error) {
	signed, err := a.answered(revocationDomain, dataset, reason, guardian)
	return RevocationRecord{a.ID, a.SHA256(), dataset, signed}, err
}

// NewProjectKey makes the record of a project's key. Dataset is the custodian's who made the key and signs; check is the
// key's check value; sealed holds the key for the custodian of each dataset, in base64.
func NewProjectKey(a *Approval, dataset, check string, sealed map[string]string, custodian note.Signer) (ProjectKeyRecord, error) {
	b := ProjectKeyRecord{Approval: a.ID, SHA256: a.SHA256(), Check: check, Sealed: maps.Clone(sealed)}
	signed, err := a.signed(dataset, b.text(dataset), custodian)
	if err != nil {
		return ProjectKeyRecord{}, err
	}
	b.Note = signed
	return b, b.check()
}

func (a *Approval) answered(domain, dataset, reason string, guardian note.Signer) (string, error) {
	if reason != "" {
		if wrong := cmp.Or(wrongLine(reason, maxReason), impersonal(reason)); wrong != "" {
			return "", &FormError{faults: []string{"reason: " + wrong}, hints: hintsFor(wrong)}
		}
	}
	return a.signed(dataset, answer(domain, a.ID, a.SHA256(), dataset, reason), guardian)
}

func (a *Approval) signed(dataset, text string, signer note.Signer) (string, error) {
	if err := a.wellFormed(); err != nil {
		return "", err
	}
	if !a.has(dataset) {
		return "", outside(a, "the dataset "+dataset+" is not part of it", "its datasets are "+listed(a.Names()))
	}
	signed, err := note.Sign(&note.Note{Text: text}, signer)
	if err != nil {
		return "", cannotSign(err)
	}
	return string(signed), nil
}

// cannotSign keeps what a key that lies elsewhere says of itself, and that somebody ended the wait for it.
func cannotSign(err error) error {
	var known interface{ Kind() string }
	if errors.As(err, &known) || errors.Is(err, context.Canceled) {
		return err
	}
	return &KeyError{reason: "the key given cannot sign"}
}

// answer is the text of a refusal or revocation.
func answer(domain, id, hash, dataset, reason string) string {
	text := fmt.Sprintf("%s\nid %s\nsha256 %s\ndataset %s\n", domain, id, hash, dataset)
	if reason != "" {
		text += "reason " + reason + "\n"
	}
	return text
}

// reasonIn reads the reason out of an answer's text, and accepts only what answer writes.
func reasonIn(text, domain, id, hash, dataset string) (reason string, ok bool) {
	rest, ok := strings.CutPrefix(text, answer(domain, id, hash, dataset, ""))
	if !ok || rest == "" {
		return "", ok
	}
	reason = strings.TrimSuffix(strings.TrimPrefix(rest, "reason "), "\n")
	return reason, wrongLine(reason, maxReason) == "" && text == answer(domain, id, hash, dataset, reason)
}

// text is what the custodian of a dataset signs when making the project's key.
func (b ProjectKeyRecord) text(dataset string) string {
	text := fmt.Sprintf("%s\nid %s\nsha256 %s\nby %s\ncheck %s\n", projectKeyDomain, b.Approval, b.SHA256, dataset, b.Check)
	for _, name := range slices.Sorted(maps.Keys(b.Sealed)) {
		text += "sealed " + name + " " + b.Sealed[name] + "\n"
	}
	return text
}

// openAs returns the text of a note that carries exactly one signature, that of the trusted key. A signature of that key that
// does not hold is damage; one of another key is somebody who may not decide this.
func openAs(signed, vkey, whose string) (string, error) {
	verifier, err := parseVKey(vkey)
	if err != nil {
		return "", err
	}
	if text, ok := openNote([]byte(signed), verifier); ok {
		return text, nil
	}
	_, err = note.Open([]byte(signed), note.VerifierList(verifier))
	if errors.As(err, new(*note.UnverifiedNoteError)) {
		return "", &Refusal{check: CheckSigner, reason: "not signed with the key of " + whose + ", as the record of decisions has it now",
			hints: []string{"datanet hub status shows whose keys count"}}
	}
	return "", broken("the signature of %s does not hold", whose)
}

// openAsOne is openAs for the first of several trusted keys that signed. One that did not sign is no damage.
func openAsOne(signed string, vkeys []string, whose string) (text string, err error) {
	for _, vkey := range vkeys {
		if text, err = openAs(signed, vkey, whose); err == nil || !errors.As(err, new(*Refusal)) {
			return text, err
		}
	}
	return "", err
}

// signedAs says whether this key signed a note.
func signedAs(signed, vkey string) bool {
	verifier, err := parseVKey(vkey)
	if err != nil {
		return false
	}
	_, ok := openNote([]byte(signed), verifier)
	return ok
}

// textOf is the text of a note whose signature has been checked.
func textOf(signed string) string {
	i := strings.LastIndex(signed, "\n\n")
	return signed[:max(i+1, 0)]
}
