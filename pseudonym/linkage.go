package pseudonym

import "time"

// LinkageFile is the key holder's file: K alone, for `key site` to read.
type LinkageFile struct {
	redacted
	Created time.Time
	Linkage LinkageKey
}

// NewLinkageFile draws a linkage key.
func NewLinkageFile(created time.Time) *LinkageFile {
	return &LinkageFile{Created: day(created), Linkage: NewLinkageKey()}
}

// Kind returns "linkage".
func (*LinkageFile) Kind() string { return kindLinkage }

// Describe returns the check value of K.
func (k *LinkageFile) Describe() Description {
	check := k.Linkage.CheckValue()
	return Description{Kind: kindLinkage, ID: keyID(kindLinkage, check), Created: formatDay(k.Created),
		Check: map[string]string{lineLinkage: check}}
}

func (k *LinkageFile) form(f *form) {
	f.day("created", &k.Created)
	f.secret(lineLinkage, &k.Linkage.secret)
}
