package linkage

import (
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"
	"unicode"
	"unicode/utf8"
)

// A HubRecord is record 0: whose ledger this is. Ledger and Publisher are verifier keys.
type HubRecord struct {
	Hub       string `json:"hub"` // 32 hex digits
	Name      string `json:"name"`
	Ledger    string `json:"ledger"`
	Publisher string `json:"publisher"`
}

// A PolicyRecord names a disclosure policy under which this hub may publish, and the datasets that may be published
// alone under it. SHA256 is of the policy's parameters, so that changed ones under an old name are noticed.
type PolicyRecord struct {
	Policy   string   `json:"policy"`
	SHA256   string   `json:"sha256"`
	Datasets []string `json:"datasets"`
}

// A TrustRecord sets keys for one dataset: its Guardian's verifier key, its custodian's public token, its sites'
// verifier keys; or it names a deputy of its Guardian, or ends one. What it leaves out stays as it was.
type TrustRecord struct {
	Dataset   string            `json:"dataset"`
	Guardian  string            `json:"guardian,omitempty"`
	Custodian string            `json:"custodian,omitempty"`
	Sites     map[string]string `json:"sites,omitempty"`
	Deputy    *Deputy           `json:"deputy,omitempty"`
	NoDeputy  string            `json:"no_deputy,omitempty"` // the verifier key of a deputy who is one no longer
	// By are notes over Trust.Statement of this record, one from each whose signature it takes.
	By []string `json:"by,omitempty"`
}

// A Deputy may sign, refuse and revoke in the place of a dataset's Guardian, who named them. A deputy changes no keys and names nobody.
type Deputy struct {
	Key   string `json:"key"`   // verifier key
	Until string `json:"until"` // the last day, YYYY-MM-DD
}

const maxBy = 4 // signatures under a trust record; none takes more than two

// A LoadRecord says that a site's extract became part of a dataset. Persons is rounded to 10. Withdrew says that people were
// withdrawn by it from the dataset: what was released before holds them still.
type LoadRecord struct {
	Dataset  string `json:"dataset"`
	Site     string `json:"site"`
	Sequence int64  `json:"sequence"`
	AsAt     string `json:"as_at"`
	Manifest string `json:"manifest_sha256"`
	Persons  int64  `json:"persons"`
	State    string `json:"state_sha256"`
	Withdrew bool   `json:"withdrew,omitempty"`
}

// A PublicationRecord says what was published from which dataset states, and under which policy: alone, as the policy
// record allows, or under an approval.
type PublicationRecord struct {
	Publication string            `json:"publication"`
	AsAt        string            `json:"as_at"`
	Policy      string            `json:"policy"`
	States      map[string]string `json:"state_sha256"` // by dataset
	SHA256      string            `json:"publication_sha256"`
	Approval    string            `json:"approval,omitempty"`
}

func (HubRecord) kind() Kind         { return KindHub }
func (PolicyRecord) kind() Kind      { return KindPolicy }
func (TrustRecord) kind() Kind       { return KindTrust }
func (LoadRecord) kind() Kind        { return KindLoad }
func (PublicationRecord) kind() Kind { return KindPublication }

var (
	hubID       = regexp.MustCompile(`^[0-9a-f]{32}$`)
	datasetName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,62}$`)
	siteName    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{0,31}$`)
	plainID     = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)
)

func (b HubRecord) check() error {
	_, errLedger := parseVKey(b.Ledger)
	_, errPublisher := parseVKey(b.Publisher)
	return all(
		rule(hubID.MatchString(b.Hub), "hub is not 32 hex digits"),
		rule(isTitle(b.Name), "name is empty, longer than 200 characters or not printable"),
		rule(errLedger == nil, "ledger is not a verifier key"),
		rule(errPublisher == nil, "publisher is not a verifier key"),
	)
}

func (b PolicyRecord) check() error {
	return all(
		rule(plainID.MatchString(b.Policy), "policy is not a plain id"),
		rule(isSHA256(b.SHA256), "sha256 is not 64 hex digits"),
		rule(b.Datasets != nil && slices.IsSorted(b.Datasets) && len(slices.Compact(slices.Clone(b.Datasets))) == len(b.Datasets), "datasets are not sorted and each named once"),
		rule(every(b.Datasets, datasetName.MatchString), "a dataset's name is not of the accepted form"),
	)
}

func (b TrustRecord) check() error {
	if err := all(
		rule(datasetName.MatchString(b.Dataset), "dataset is not a dataset's name"),
		rule(!b.Empty(), "no key is set"),
		rule(len(b.By) == 0 || b.changes() == 1, "signatures are given for more than one key"),
		rule(len(b.By) <= maxBy && every(b.By, func(signed string) bool { return signed != "" && len(signed) <= 8<<10 }), "the signatures are more, or longer, than any that count"),
	); err != nil {
		return err
	}
	for name, vkey := range map[string]string{"guardian": b.Guardian, "no_deputy": b.NoDeputy} {
		if _, err := parseVKey(vkey); vkey != "" && err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return all(b.checkCustodian(), b.checkDeputy(), b.checkSites())
}

func (b TrustRecord) checkCustodian() error {
	if b.Custodian == "" {
		return nil
	}
	dataset, _, err := custodianVKey(b.Custodian)
	if err != nil {
		return fmt.Errorf("custodian: %w", err)
	}
	return rule(dataset == b.Dataset, "custodian: the token is for another dataset")
}

func (b TrustRecord) checkDeputy() error {
	if b.Deputy == nil {
		return nil
	}
	if _, err := parseVKey(b.Deputy.Key); err != nil {
		return fmt.Errorf("deputy: %w", err)
	}
	return rule(isDate(b.Deputy.Until), "deputy: until is not a date YYYY-MM-DD")
}

func (b TrustRecord) checkSites() error {
	for site, vkey := range b.Sites {
		if !siteName.MatchString(site) {
			return errors.New("a site's name is not of the accepted form")
		}
		if _, err := parseVKey(vkey); err != nil {
			return fmt.Errorf("site %s: %w", site, err)
		}
	}
	return nil
}

// changes counts the keys that the record sets or ends.
func (b TrustRecord) changes() int {
	n := len(b.Sites)
	for _, set := range []bool{b.Guardian != "", b.Custodian != "", b.Deputy != nil, b.NoDeputy != ""} {
		if set {
			n++
		}
	}
	return n
}

// Empty says that the record would set nothing.
func (b TrustRecord) Empty() bool { return b.changes() == 0 }

func (b LoadRecord) check() error {
	return all(
		rule(datasetName.MatchString(b.Dataset), "dataset is not a dataset's name"),
		rule(siteName.MatchString(b.Site), "site is not a site's name"),
		rule(b.Sequence > 0, "sequence is not positive"),
		rule(isDate(b.AsAt), "as_at is not a date YYYY-MM-DD"),
		rule(isSHA256(b.Manifest), "manifest_sha256 is not 64 hex digits"),
		rule(b.Persons >= 0 && b.Persons%10 == 0, "persons is not rounded to 10"),
		rule(isSHA256(b.State), "state_sha256 is not 64 hex digits"),
	)
}

func (b PublicationRecord) check() error {
	if err := all(
		rule(plainID.MatchString(b.Publication), "publication is not a plain id"),
		rule(isDate(b.AsAt), "as_at is not a date YYYY-MM-DD"),
		rule(plainID.MatchString(b.Policy), "policy is not a plain id"),
		rule(len(b.States) > 0, "no dataset is named"),
		rule(isSHA256(b.SHA256), "publication_sha256 is not 64 hex digits"),
		rule(b.Approval == "" || approvalID.MatchString(b.Approval), "approval is not an approval's id"),
	); err != nil {
		return err
	}
	for dataset, state := range b.States {
		if !datasetName.MatchString(dataset) || !isSHA256(state) {
			return errors.New("state_sha256 does not give a hash for each dataset")
		}
	}
	return nil
}

// rule is nil if it holds, and otherwise says what is wrong.
func rule(holds bool, wrong string) error {
	if holds {
		return nil
	}
	return errors.New(wrong)
}

// all joins what is wrong, on one line.
func all(errs ...error) error {
	var first error
	for _, err := range errs {
		switch {
		case err == nil:
		case first == nil:
			first = err
		default:
			first = fmt.Errorf("%w; %w", first, err)
		}
	}
	return first
}

func every(list []string, holds func(string) bool) bool {
	return !slices.ContainsFunc(list, func(s string) bool { return !holds(s) })
}

func isSHA256(s string) bool {
	raw, err := hex.DecodeString(s)
	return err == nil && len(raw) == hashSize && hex.EncodeToString(raw) == s
}

func isDate(s string) bool {
	at, err := time.Parse(time.DateOnly, s)
	return err == nil && at.Format(time.DateOnly) == s
}

func isTitle(s string) bool {
	unprintable := func(r rune) bool { return !unicode.IsPrint(r) }
	return s != "" && utf8.ValidString(s) && utf8.RuneCountInString(s) <= 200 && !slices.ContainsFunc([]rune(s), unprintable)
}
