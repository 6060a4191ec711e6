package load

import (
	"fmt"
	"time"

	"datanet/pseudonym"
	"datanet/schemas"
)

// verify checks who made the extract and under which keys, before any row is
// read: the dataset, the site's signature and the check value of its wrap key.
func (x *extract) verify(o Options) error {
	m := x.manifest
	if m.Dataset != o.Custodian.Dataset {
		return &KeyError{fmt.Sprintf("the extract is of %s, the custodian's key of %s", m.Dataset, o.Custodian.Dataset),
			"give the key of this dataset's custodian with --custodian"}
	}
	if o.Custodian.PublicPart().Verifier != o.Trusted {
		return &KeyError{"the hub does not trust this custodian's key for " + m.Dataset, "datanet hub trust --dataset " + m.Dataset + " --custodian PUBLIC"}
	}
	vkey, ok := o.Sites[m.Site]
	if !ok {
		return &Refusal{m.Site, m.Dataset}
	}
	if o.Left != nil && o.Left(m.Site) {
		return &Departed{m.Site, m.Dataset}
	}
	if !x.signedBy(vkey) {
		return &IntegrityError{m.Site, "the manifest is not the one that the site signed", again}
	}
	if want := o.Custodian.Wrap.Site(m.Site).CheckValue(); want != m.WrapCheck {
		return &KeyError{fmt.Sprintf("site %s used another wrap key: check value %s, the custodian's is %s", m.Site, m.WrapCheck, want),
			"make the site a key from this custodian's: datanet key wrap"}
	}
	if asAt, err := time.Parse(time.DateOnly, m.AsAt); err != nil || (!o.Today.IsZero() && asAt.After(o.Today.AddDate(0, 0, 1))) {
		return &IntegrityError{m.Site, "its as-at date " + m.AsAt + " lies in the future", "have the site check the date of its export, and of its clock, and extract again"}
	}
	return nil
}

// signedBy accepts one signature, in its one spelling.
func (x *extract) signedBy(vkey string) bool {
	text, err := pseudonym.VerifyNote(x.signature, vkey)
	return err == nil && text == schemas.Statement("manifest", x.digest)
}

// notOlder holds an extract against the record of decisions too. The dataset's folder
// alone does not show that somebody took it away, or put back an older one.
func (x *extract) notOlder(o Options) error {
	if o.Last == nil {
		return nil
	}
	sequence, manifest := o.Last(x.manifest.Site)
	if x.manifest.Sequence > sequence || x.manifest.Sequence == sequence && x.digest == manifest {
		return nil
	}
	return &IntegrityError{x.manifest.Site, fmt.Sprintf("it has the number %d, and the record of decisions has number %d of this site", x.manifest.Sequence, sequence), "load the site's newest extract"}
}
