package pseudonym

import (
	"time"

	"filippo.io/age"
)

// WrapFile is what a custodian hands to one site, on its way into the site's
// key file.
type WrapFile struct {
	redacted
	Dataset, Site string
	Created       time.Time
	Wrap          SiteWrapKey
	// Custodian is the age recipient that extracts are sealed to for their journey.
	Custodian *age.X25519Recipient
}

// NewWrapFile derives a site's wrap key.
func (k *CustodianKey) NewWrapFile(site string, created time.Time) (*WrapFile, error) {
	if !ValidSite(site) {
		return nil, wrongName("site")
	}
	return &WrapFile{Dataset: k.Dataset, Site: site, Created: day(created),
		Wrap: k.Wrap.Site(site), Custodian: k.identity.recipient()}, nil
}

// Kind returns "wrap".
func (*WrapFile) Kind() string { return kindWrap }

// Describe returns the dataset, the site and the check value of W_{d,s}.
func (k *WrapFile) Describe() Description {
	check := k.Wrap.CheckValue()
	return Description{Kind: kindWrap, Dataset: k.Dataset, Site: k.Site, ID: keyID(wrapName(k.Dataset, k.Site), check),
		Created: formatDay(k.Created), Check: map[string]string{lineSiteWrap: check}}
}

func (k *WrapFile) form(f *form) {
	f.name("dataset", &k.Dataset, ValidDataset)
	f.name("site", &k.Site, ValidSite)
	f.day("created", &k.Created)
	f.secret(lineSiteWrap, &k.Wrap.secret)
	f.recipient("custodian-recipient", &k.Custodian)
}
