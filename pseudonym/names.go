package pseudonym

import "regexp"

// Names stand in HKDF info strings, in the names of signing keys (which take
// neither space nor plus), in folder names and in public tokens (which are
// divided by colons). These forms keep all of those unambiguous.
var (
	siteForm    = regexp.MustCompile(`^[A-Z0-9]{3,8}$`)
	datasetForm = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)
	nameForm    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._@-]*$`)
)

const (
	maxDataset = 32
	maxName    = 64
)

// ValidSite reports whether s has the form of an ODS code: three to eight
// capital letters and digits, as in Z99001. It does not ask whether it exists.
func ValidSite(s string) bool { return siteForm.MatchString(s) }

// ValidDataset reports whether s is a dataset's name: lower-case words and
// digits joined by hyphens, as in primary-care, at most 32 bytes.
func ValidDataset(s string) bool { return len(s) <= maxDataset && datasetForm.MatchString(s) }

// ValidName reports whether s can name a Guardian, a publisher or a ledger:
// letters, digits and . _ @ -, beginning with a letter or digit, at most 64
// bytes, as in a.okafor@nhs.net.
func ValidName(s string) bool { return len(s) <= maxName && nameForm.MatchString(s) }
