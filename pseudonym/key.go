package pseudonym

import "time"

// Key is the content of a key file: one of *IdentityKey, *LinkageFile,
// *CustodianKey, *WrapFile, *SiteKey, *GuardianKey, *PublisherKey, *LedgerKey.
// Printing one prints [key].
type Key interface {
	// Kind returns the word on the file's second line.
	Kind() string
	// Describe returns what may be shown of the key.
	Describe() Description

	form(*form)
}

// Description is what may be shown of a key file, and all that `key show` knows
// of it: never the key.
type Description struct {
	Kind    string `json:"kind"`
	Dataset string `json:"dataset,omitempty"`
	Site    string `json:"site,omitempty"`
	Name    string `json:"name,omitempty"`
	// ID tells this key from others of its name: <name>+<hash of the signing
	// key>, or <name>+<check value> for files without a signing key.
	ID string `json:"id"`
	// Created is a UTC day, YYYY-MM-DD, or empty for an identity.
	Created string `json:"created,omitempty"`
	// Check holds the check value of each secret, 16 hex digits, under the name
	// of its line: linkage-key, wrap-key, site-wrap-key, record-key, cell-key.
	Check map[string]string `json:"check,omitempty"`
	// Public is the part to hand to others, or empty.
	Public string `json:"public,omitempty"`
}

const (
	kindIdentity  = "identity"
	kindLinkage   = "linkage"
	kindCustodian = "custodian"
	kindWrap      = "wrap"
	kindSite      = "site"
	kindGuardian  = "guardian"
	kindPublisher = "publisher"
	kindLedger    = "ledger"
)

// blankKey returns an empty key of a kind of datanet's own format, or nil.
func blankKey(kind string) Key {
	switch kind {
	case kindLinkage:
		return new(LinkageFile)
	case kindCustodian:
		return new(CustodianKey)
	case kindWrap:
		return new(WrapFile)
	case kindSite:
		return new(SiteKey)
	case kindGuardian:
		return new(GuardianKey)
	case kindPublisher:
		return new(PublisherKey)
	case kindLedger:
		return new(LedgerKey)
	}
	return nil
}

// plain reports whether a kind's file is written without encryption: an
// identity opens the others, and the ledger's key proves nothing against the
// hub's own operator, who must be able to append unasked.
func plain(kind string) bool { return kind == kindIdentity || kind == kindLedger }

// The names of signing keys: the first word keeps one kind's signatures from
// passing for another's.
func siteName(dataset, site string) string     { return "site/" + dataset + "/" + site }
func custodianName(dataset string) string      { return "custodian/" + dataset }
func guardianName(dataset, name string) string { return "guardian/" + dataset + "/" + name }
func publisherName(name string) string         { return "publisher/" + name }
func ledgerName(name string) string            { return "ledger/" + name }
func wrapName(dataset, site string) string     { return "wrap/" + dataset + "/" + site }
func keyID(name, check string) string          { return name + "+" + check }

// day is the UTC day of t; time zones have no place in a key file.
func day(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }

func wrongName(what string) *KeyError {
	e := refusal("%s is not of the accepted form", what)
	switch what {
	case "dataset":
		return e.hint("a dataset is lower-case words joined by hyphens, such as primary-care")
	case "site":
		return e.hint("a site is an ODS code, three to eight capital letters and digits, such as Z99001")
	}
	return e.hint("a name is letters, digits and . _ @ -, without spaces, such as a.okafor")
}
