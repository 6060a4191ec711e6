package pseudonym

import (
	"time"

	"filippo.io/age"
)

// SiteKey is a site's file: all that `extract` needs.
type SiteKey struct {
	redacted
	Dataset, Site string
	Created       time.Time
	Linkage       LinkageKey
	Wrap          SiteWrapKey
	// Custodian is the age recipient that extracts are sealed to for their journey.
	Custodian *age.X25519Recipient
	// Signer was born at the site and signs its manifests.
	Signer Signer

	state ageIdentity // opens <key file>.state
}

// NewSiteKey joins the linkage key and a custodian's wrap file into the key of
// a site, and makes the site's own signing key. The dataset and site say what
// the caller believes the wrap file to be; another one is refused.
func NewSiteKey(dataset, site string, l *LinkageFile, w *WrapFile, created time.Time) (*SiteKey, error) {
	if w.Dataset != dataset || w.Site != site {
		return nil, refusal("wrap file is for site %s of %s, not for the site asked for", w.Site, w.Dataset).
			hint("ask the custodian for a wrap file for this site and dataset")
	}
	signer, err := newSigner(siteName(dataset, site))
	if err != nil {
		return nil, err
	}
	state, err := newAgeIdentity()
	if err != nil {
		return nil, err
	}
	return &SiteKey{Dataset: dataset, Site: site, Created: day(created), Linkage: l.Linkage, Wrap: w.Wrap,
		Custodian: w.Custodian, Signer: signer, state: state}, nil
}

// Kind returns "site".
func (*SiteKey) Kind() string { return kindSite }

// Public returns the verifier key of the site's manifests.
func (k *SiteKey) Public() string { return k.Signer.Public() }

// Describe returns the dataset, the site, the check values of K and W_{d,s}
// and the public part.
func (k *SiteKey) Describe() Description {
	return Description{Kind: kindSite, Dataset: k.Dataset, Site: k.Site, ID: k.Signer.ID(), Created: formatDay(k.Created),
		Check:  map[string]string{lineLinkage: k.Linkage.CheckValue(), lineSiteWrap: k.Wrap.CheckValue()},
		Public: k.Public()}
}

func (k *SiteKey) form(f *form) {
	f.name("dataset", &k.Dataset, ValidDataset)
	f.name("site", &k.Site, ValidSite)
	f.day("created", &k.Created)
	f.secret(lineLinkage, &k.Linkage.secret)
	f.secret(lineSiteWrap, &k.Wrap.secret)
	f.recipient("custodian-recipient", &k.Custodian)
	f.identity("state-identity", &k.state)
	f.signer("signing-key", &k.Signer, siteName(k.Dataset, k.Site))
}
