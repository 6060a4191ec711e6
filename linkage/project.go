package linkage

import (
	"encoding/base64"
	"errors"
	"regexp"
)

// An ApprovalRecord is a request as drafted. Every later record names it by id and by the SHA-256 of its text.
type ApprovalRecord struct {
	Approval string `json:"approval"`
	SHA256   string `json:"approval_sha256"`
	Text     string `json:"text"`
}

// A SignatureRecord is one Guardian's yes: a note over exactly the approval's text, with one signature.
type SignatureRecord struct {
	Approval string `json:"approval"`
	SHA256   string `json:"approval_sha256"`
	Dataset  string `json:"dataset"`
	Note     string `json:"note"`
}

// A RefusalRecord is one Guardian's no. Its note says why.
type RefusalRecord struct {
	Approval string `json:"approval"`
	SHA256   string `json:"approval_sha256"`
	Dataset  string `json:"dataset"`
	Note     string `json:"note"`
}

// A RevocationRecord is one Guardian's end to an approval. Its note says why.
type RevocationRecord struct {
	Approval string `json:"approval"`
	SHA256   string `json:"approval_sha256"`
	Dataset  string `json:"dataset"`
	Note     string `json:"note"`
}

// A ProjectKeyRecord is the project's key, sealed to the custodian of each of the approval's datasets. Note is signed by
// the one of them who made it, and holds all of the rest.
type ProjectKeyRecord struct {
	Approval string            `json:"approval"`
	SHA256   string            `json:"approval_sha256"`
	Check    string            `json:"check"`  // 16 hex digits
	Sealed   map[string]string `json:"sealed"` // base64, by dataset
	Note     string            `json:"note"`
}

// A ReleaseRecord says that a custodian released the approved part of a dataset. Persons is rounded to 10.
type ReleaseRecord struct {
	Approval string `json:"approval"`
	SHA256   string `json:"approval_sha256"`
	Dataset  string `json:"dataset"`
	AsAt     string `json:"as_at"`
	State    string `json:"state_sha256"`
	Release  string `json:"release_sha256"` // of release.json
	Persons  int64  `json:"persons"`
}

// A LinkRecord says that releases were joined. People is rounded to 10.
type LinkRecord struct {
	Approval string            `json:"approval"`
	SHA256   string            `json:"approval_sha256"`
	Releases map[string]string `json:"release_sha256"` // of release.json, by dataset
	Linked   string            `json:"linked_sha256"`  // of linked.json
	People   int64             `json:"people"`
}

// A DeniedRecord says that something was asked for and not allowed. Approval is empty if what was asked was not an approval's id.
type DeniedRecord struct {
	Approval string `json:"approval,omitempty"`
	Action   Action `json:"action"`
	Dataset  string `json:"dataset,omitempty"`
	Check    string `json:"check"` // the check that failed, as Refusal.Check names it
}

// A RemovalRecord says that something made under an approval was removed from the hub, and why.
type RemovalRecord struct {
	Approval string `json:"approval"`
	SHA256   string `json:"approval_sha256"`
	What     string `json:"what"`   // release, linked or publication
	Name     string `json:"name"`   // the release's dataset, the publication's id; empty for linked tables
	Reason   string `json:"reason"` // revoked, superseded, expired, review-due, linked, stale or replaced
}

func (ApprovalRecord) kind() Kind   { return KindApproval }
func (SignatureRecord) kind() Kind  { return KindSignature }
func (RefusalRecord) kind() Kind    { return KindRefusal }
func (RevocationRecord) kind() Kind { return KindRevocation }
func (ProjectKeyRecord) kind() Kind { return KindProjectKey }
func (ReleaseRecord) kind() Kind    { return KindRelease }
func (LinkRecord) kind() Kind       { return KindLink }
func (DeniedRecord) kind() Kind     { return KindDenied }
func (RemovalRecord) kind() Kind    { return KindRemoval }

var (
	approvalID = regexp.MustCompile(`^[0-9]{4}-([0-9]{3}|[1-9][0-9]{3,5})$`)
	checkValue = regexp.MustCompile(`^[0-9a-f]{16}$`)
	checkName  = regexp.MustCompile(`^[a-z][a-z-]{0,31}$`)
	why        = regexp.MustCompile(`^(revoked|superseded|expired|review-due|linked|stale|replaced)$`)
)

// IsApprovalID says whether a word has the form of an approval's id, such as 2026-001.
func IsApprovalID(word string) bool { return approvalID.MatchString(word) }

const maxNote = maxApproval + 1<<10 // an approval's text, a blank line and a signature

// ApprovalOf is the id of the approval that a record is about; "" if it is about none.
func ApprovalOf(body Body) string {
	switch b := body.(type) {
	case ApprovalRecord:
		return b.Approval
	case SignatureRecord:
		return b.Approval
	case RefusalRecord:
		return b.Approval
	case RevocationRecord:
		return b.Approval
	case ProjectKeyRecord:
		return b.Approval
	case ReleaseRecord:
		return b.Approval
	case LinkRecord:
		return b.Approval
	case PublicationRecord:
		return b.Approval
	case DeniedRecord:
		return b.Approval
	case RemovalRecord:
		return b.Approval
	}
	return ""
}

// DatasetOf is the dataset that a record about an approval is for; "" if it is for all of it.
func DatasetOf(body Body) string {
	switch b := body.(type) {
	case SignatureRecord:
		return b.Dataset
	case RefusalRecord:
		return b.Dataset
	case RevocationRecord:
		return b.Dataset
	case ReleaseRecord:
		return b.Dataset
	case DeniedRecord:
		return b.Dataset
	}
	return ""
}

// bound checks the two fields by which a record says what it belongs to.
func bound(approval, hash string) error {
	return all(
		rule(approvalID.MatchString(approval), "approval is not an approval's id"),
		rule(isSHA256(hash), "approval_sha256 is not 64 hex digits"),
	)
}

func (b ApprovalRecord) check() error {
	if err := bound(b.Approval, b.SHA256); err != nil {
		return err
	}
	a, err := ParseApproval(b.Text)
	if err != nil {
		return err
	}
	return all(
		rule(a.ID == b.Approval, "approval is not the id in the text"),
		rule(a.SHA256() == b.SHA256, "approval_sha256 is not the text's"),
	)
}

func (b SignatureRecord) check() error  { return decided(b.Approval, b.SHA256, b.Dataset, b.Note) }
func (b RefusalRecord) check() error    { return decided(b.Approval, b.SHA256, b.Dataset, b.Note) }
func (b RevocationRecord) check() error { return decided(b.Approval, b.SHA256, b.Dataset, b.Note) }

func decided(approval, hash, dataset, note string) error {
	return all(
		bound(approval, hash),
		rule(datasetName.MatchString(dataset), "dataset is not a dataset's name"),
		rule(note != "" && len(note) <= maxNote, "note is empty or too long"),
	)
}

func (b ProjectKeyRecord) check() error {
	if err := all(
		bound(b.Approval, b.SHA256),
		rule(checkValue.MatchString(b.Check), "check is not 16 hex digits"),
		rule(len(b.Sealed) > 0, "the key is sealed to nobody"),
		rule(b.Note != "" && len(b.Note) <= maxNote, "note is empty or too long"),
	); err != nil {
		return err
	}
	for dataset, sealed := range b.Sealed {
		raw, err := base64.StdEncoding.Strict().DecodeString(sealed)
		if !datasetName.MatchString(dataset) || err != nil || len(raw) == 0 || len(raw) > 1<<13 || base64.StdEncoding.EncodeToString(raw) != sealed {
			return errors.New("sealed does not give base64 for each dataset")
		}
	}
	return nil
}

func (b ReleaseRecord) check() error {
	return all(
		bound(b.Approval, b.SHA256),
		rule(datasetName.MatchString(b.Dataset), "dataset is not a dataset's name"),
		rule(isDate(b.AsAt), "as_at is not a date YYYY-MM-DD"),
		rule(isSHA256(b.State), "state_sha256 is not 64 hex digits"),
		rule(isSHA256(b.Release), "release_sha256 is not 64 hex digits"),
		rule(b.Persons >= 0 && b.Persons%10 == 0, "persons is not rounded to 10"),
	)
}

func (b LinkRecord) check() error {
	if err := all(
		bound(b.Approval, b.SHA256),
		rule(len(b.Releases) > 1, "fewer than two releases are named"),
		rule(isSHA256(b.Linked), "linked_sha256 is not 64 hex digits"),
		rule(b.People >= 0 && b.People%10 == 0, "people is not rounded to 10"),
	); err != nil {
		return err
	}
	for dataset, release := range b.Releases {
		if !datasetName.MatchString(dataset) || !isSHA256(release) {
			return errors.New("release_sha256 does not give a hash for each dataset")
		}
	}
	return nil
}

func (b DeniedRecord) check() error {
	return all(
		rule(b.Approval == "" || approvalID.MatchString(b.Approval), "approval is not an approval's id"),
		rule(b.Action.known(), "action is not a known one"),
		rule(b.Dataset == "" || datasetName.MatchString(b.Dataset), "dataset is not a dataset's name"),
		rule(checkName.MatchString(b.Check), "check is not a check's name"),
	)
}

func (b RemovalRecord) check() error {
	var name bool
	switch b.What {
	case "release":
		name = datasetName.MatchString(b.Name)
	case "linked":
		name = b.Name == ""
	case "publication":
		name = plainID.MatchString(b.Name)
	}
	return all(
		bound(b.Approval, b.SHA256),
		rule(name, "what and name do not say what was removed"),
		rule(why.MatchString(b.Reason), "reason is not a known one"),
	)
}
