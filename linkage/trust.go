package linkage

import (
	"fmt"
	"maps"
	"slices"
)

// Trust says whose keys count, per dataset, after all records so far. The zero Trust trusts nobody.
type Trust struct {
	datasets map[string]DatasetTrust
	roles    map[string]string // public key → the one role it has
}

// DatasetTrust is who is trusted for one dataset. A field is empty until it has been set.
type DatasetTrust struct {
	Guardian      string            // verifier key
	Custodian     string            // public token
	CustodianVKey string            // the verifier key inside the token
	Sites         map[string]string // verifier key by site
}

// Dataset returns who is trusted for a dataset; the zero value if nobody is.
func (t Trust) Dataset(name string) DatasetTrust { return t.datasets[name] }

// Datasets are the names of all datasets with a trusted key, sorted.
func (t Trust) Datasets() []string { return slices.Sorted(maps.Keys(t.datasets)) }

// TrustOf replays the records. A record that breaks a rule of trust is an *IntegrityError, even though it was signed into the
// ledger: whoever holds the ledger key does not thereby hold the Guardians'.
func TrustOf(records []Record) (Trust, error) {
	trust := Trust{datasets: map[string]DatasetTrust{}, roles: map[string]string{}}
	for n, record := range records {
		if err := trust.replay(record); err != nil {
			return Trust{}, atRecord(n, err)
		}
	}
	return trust, nil
}

func (t *Trust) replay(record Record) error {
	body, err := record.Decode()
	if err != nil {
		return err
	}
	switch body := body.(type) {
	case HubRecord:
		return t.found(body)
	case TrustRecord:
		return t.apply(body)
	}
	return nil
}

// found gives the hub's own keys their roles, so that none of them can become a Guardian's, a custodian's or a site's.
func (t *Trust) found(hub HubRecord) error {
	if err := t.take(hub.Ledger, "the ledger key"); err != nil {
		return err
	}
	return t.take(hub.Publisher, "the publisher key")
}

// Change says which part of a wanted record would be new: setting the same value again is left out, and an empty rest is
// nothing to do. A change that needs more than the hub operator's wish is a *Refusal.
func (t Trust) Change(want TrustRecord) (TrustRecord, error) {
	if err := want.check(); err != nil {
		return TrustRecord{}, fmt.Errorf("trust record: %w", err)
	}
	rest, err := t.rest(want)
	if err != nil {
		return TrustRecord{}, err
	}
	return rest, t.clone().apply(rest)
}

// rest leaves out what is already so, and refuses what would replace a key.
func (t Trust) rest(want TrustRecord) (TrustRecord, error) {
	has, rest := t.datasets[want.Dataset], TrustRecord{Dataset: want.Dataset}
	if want.Guardian != has.Guardian {
		rest.Guardian = want.Guardian
	}
	if want.Custodian != has.Custodian {
		rest.Custodian = want.Custodian
	}
	for site, vkey := range want.Sites {
		switch has.Sites[site] {
		case vkey:
		case "":
			rest.Sites = withSite(rest.Sites, site, vkey)
		default:
			if !signedByCustodian(want, site, has) {
				return TrustRecord{}, needsSignature("the key of site "+site, want.Dataset, "custodian", "with the custodian's key file: datanet hub trust … --by FILE")
			}
			rest.Sites, rest.By = withSite(rest.Sites, site, vkey), want.By
		}
	}
	if rest.Guardian != "" && has.Guardian != "" {
		return TrustRecord{}, needsSignature("the Guardian's key", want.Dataset, "Guardian", noCommand)
	}
	if rest.Custodian != "" && has.Custodian != "" {
		return TrustRecord{}, needsSignature("the custodian's key", want.Dataset, "Guardian", noCommand)
	}
	return rest, nil
}

func withSite(sites map[string]string, site, vkey string) map[string]string {
	if sites == nil {
		sites = map[string]string{}
	}
	sites[site] = vkey
	return sites
}

func (t *Trust) apply(want TrustRecord) error {
	rest, err := t.rest(want)
	if err != nil {
		return err
	}
	has := t.datasets[rest.Dataset]
	if rest.Guardian != "" {
		has.Guardian = rest.Guardian
		if err := t.take(rest.Guardian, "the Guardian's of "+rest.Dataset); err != nil {
			return err
		}
	}
	if rest.Custodian != "" {
		has.Custodian = rest.Custodian
		if _, has.CustodianVKey, err = custodianVKey(rest.Custodian); err != nil {
			return err
		}
		if err := t.take(has.CustodianVKey, "the custodian's of "+rest.Dataset); err != nil {
			return err
		}
	}
	for _, site := range slices.Sorted(maps.Keys(rest.Sites)) {
		has.Sites = withSite(maps.Clone(has.Sites), site, rest.Sites[site])
		if err := t.take(rest.Sites[site], "that of site "+site+" of "+rest.Dataset); err != nil {
			return err
		}
	}
	t.datasets[rest.Dataset] = has
	return nil
}

// take gives a key its role. A name can be given to any key, so roles go by the key itself: one person with one key in two
// places could otherwise be both of the people whose signatures are needed.
func (t *Trust) take(vkey, role string) error {
	key := publicKey(vkey)
	if held, taken := t.roles[key]; taken {
		return &Refusal{
			reason: fmt.Sprintf("the key for %s already is %s: one key has one role in one dataset", role, held),
			hints:  []string{"make a separate key for each role and dataset"},
		}
	}
	t.roles[key] = role
	return nil
}

func (t Trust) clone() *Trust {
	c := Trust{datasets: map[string]DatasetTrust{}, roles: map[string]string{}}
	maps.Copy(c.datasets, t.datasets)
	maps.Copy(c.roles, t.roles)
	return &c
}

const noCommand = "this version has no command for it: the key stays"

// signedByCustodian says whether the dataset's present custodian signed that this site's present key makes way for this one.
func signedByCustodian(want TrustRecord, site string, has DatasetTrust) bool {
	if has.CustodianVKey == "" || want.By == "" {
		return false
	}
	text, err := openAs(want.By, has.CustodianVKey, "custodian")
	return err == nil && text == SiteKeyText(want.Dataset, site, has.Sites[site], want.Sites[site])
}

func needsSignature(key, dataset, signer, hint string) *Refusal {
	return &Refusal{
		reason: fmt.Sprintf("%s of %s is already set, and changes only with the signature of the dataset's present %s", key, dataset, signer),
		hints:  []string{hint},
	}
}

// atRecord says where a replay found a rule broken. What Append would have answered to the writer is damage to a reader, who can
// neither ask again nor sign again.
func atRecord(n int, err error) error {
	return broken("the record of decisions breaks its own rules: record %d: %s", n, err)
}
