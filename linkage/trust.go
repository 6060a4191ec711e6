package linkage

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Trust says whose keys count, per dataset, after all records so far. The zero Trust trusts nobody.
type Trust struct {
	hub      string
	asked    bool // a request has been drafted: from now on no key of a Guardian or custodian changes by the operator's wish alone
	datasets map[string]DatasetTrust
	roles    map[string]string // public key → the one role it has, or had
}

// DatasetTrust is who is trusted for one dataset. A field is empty until it has been set.
type DatasetTrust struct {
	Guardian      string            // verifier key
	Custodian     string            // public token
	CustodianVKey string            // the verifier key inside the token
	Sites         map[string]string // verifier key by site
	Deputies      []Deputy          // of the present Guardian, in the order in which they were named
	Former        []string          // the verifier keys of earlier Guardians who signed that another key takes the place of theirs, the first one first
}

// Dataset returns who is trusted for a dataset; the zero value if nobody is.
func (t Trust) Dataset(name string) DatasetTrust { return t.datasets[name] }

// Datasets are the names of all datasets with a trusted key, sorted.
func (t Trust) Datasets() []string { return slices.Sorted(maps.Keys(t.datasets)) }

// deciders are the verifier keys that answer for the dataset on a day: its Guardian's, which comes first, and its deputies'.
func (d DatasetTrust) deciders(day string) []string {
	if d.Guardian == "" {
		return nil
	}
	keys := []string{d.Guardian}
	for _, deputy := range d.Deputies {
		if day <= deputy.Until {
			keys = append(keys, deputy.Key)
		}
	}
	return keys
}

// TrustOf replays the records. A record that breaks a rule of trust is an *IntegrityError, even though it was signed into the
// ledger: whoever holds the ledger key does not thereby hold the Guardians'.
func TrustOf(records []Record) (Trust, error) {
	trust := newTrust()
	for n, record := range records {
		body, err := record.Decode()
		if err == nil {
			err = trust.replay(body)
		}
		if err != nil {
			return Trust{}, atRecord(n, err)
		}
	}
	return trust, nil
}

func newTrust() Trust {
	return Trust{datasets: map[string]DatasetTrust{}, roles: map[string]string{}}
}

func (t *Trust) replay(body Body) error {
	switch body := body.(type) {
	case HubRecord:
		return t.found(body)
	case TrustRecord:
		return t.apply(body)
	case ApprovalRecord:
		t.asked = true
	}
	return nil
}

// found gives the hub's own keys their roles, so that none of them can become a Guardian's, a custodian's or a site's.
func (t *Trust) found(hub HubRecord) error {
	t.hub = hub.Hub
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
	rest := t.rest(want)
	return rest, t.clone().apply(rest)
}

// rest leaves out what is already so.
func (t Trust) rest(want TrustRecord) TrustRecord {
	has, rest := t.datasets[want.Dataset], TrustRecord{Dataset: want.Dataset}
	if want.Guardian != has.Guardian {
		rest.Guardian = want.Guardian
	}
	if want.Custodian != has.Custodian {
		rest.Custodian = want.Custodian
	}
	for site, vkey := range want.Sites {
		if has.Sites[site] != vkey {
			rest.Sites = withSite(rest.Sites, site, vkey)
		}
	}
	if want.Deputy != nil && !slices.Contains(has.Deputies, *want.Deputy) {
		rest.Deputy = want.Deputy
	}
	if has.deputy(want.NoDeputy) >= 0 {
		rest.NoDeputy = want.NoDeputy
	}
	if !rest.Empty() {
		rest.By = want.By
	}
	return rest
}

func withSite(sites map[string]string, site, vkey string) map[string]string {
	if sites == nil {
		sites = map[string]string{}
	}
	sites[site] = vkey
	return sites
}

// deputy is the place of a deputy's key, or -1.
func (d DatasetTrust) deputy(vkey string) int {
	return slices.IndexFunc(d.Deputies, func(deputy Deputy) bool { return deputy.Key == vkey })
}

// apply holds a record to the rules of trust, and takes it in.
func (t *Trust) apply(want TrustRecord) error {
	rest := t.rest(want)
	if err := t.signedFor(rest); err != nil {
		return err
	}
	has := t.datasets[rest.Dataset]
	if err := t.applyPeople(&has, rest); err != nil {
		return err
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

// applyPeople sets the keys of the Guardian, of the custodian and of deputies. Deputies go with the Guardian who named them.
func (t *Trust) applyPeople(has *DatasetTrust, rest TrustRecord) (err error) {
	if rest.Guardian != "" {
		if t.asked && has.Guardian != "" { // before, it was replaced by the operator's wish alone, which nobody else need follow
			has.Former = append(slices.Clone(has.Former), has.Guardian)
		}
		has.Guardian, has.Deputies = rest.Guardian, nil
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
	if i := has.deputy(rest.NoDeputy); i >= 0 {
		has.Deputies = slices.Delete(slices.Clone(has.Deputies), i, i+1)
	}
	if rest.Deputy == nil {
		return nil
	}
	if i := has.deputy(rest.Deputy.Key); i >= 0 {
		if rest.Deputy.Until < has.Deputies[i].Until { // or what was signed for less long could undo what was signed for longer, and the other way round
			return &Refusal{reason: "a deputy's last day only moves on", hints: []string{"end the deputy instead, with --no-deputy: that key does not come back"}}
		}
		has.Deputies = slices.Clone(has.Deputies)
		has.Deputies[i] = *rest.Deputy
		return nil
	}
	has.Deputies = append(slices.Clone(has.Deputies), *rest.Deputy)
	return t.take(rest.Deputy.Key, "a deputy's of the Guardian of "+rest.Dataset)
}

// take gives a key its role. A name can be given to any key, so roles go by the key itself: one person with one key in two
// places could otherwise be both of the people whose signatures are needed. A key that makes way keeps its role: it does not come back.
func (t *Trust) take(vkey, role string) error {
	key := publicKey(vkey)
	held, taken := t.roles[key]
	if taken && held == role {
		return &Refusal{reason: "the key for " + role + " made way before, and does not come back", hints: []string{"make a new key"}}
	}
	if taken {
		return &Refusal{
			reason: fmt.Sprintf("the key for %s already is %s: one key has one role in one dataset", role, held),
			hints:  []string{"make a separate key for each role and dataset"},
		}
	}
	t.roles[key] = role
	return nil
}

func (t Trust) clone() *Trust {
	t.datasets, t.roles = maps.Clone(t.datasets), maps.Clone(t.roles)
	if t.datasets == nil {
		t.datasets, t.roles = map[string]DatasetTrust{}, map[string]string{}
	}
	return &t
}

// A keyChange is one key that makes way for another, as it is signed.
type keyChange struct {
	dataset, role, what string // what: the role in words
	old, fresh, until   string // verifier keys, or a custodian's public tokens; old or fresh may be empty
}

// TrustDomain is the first line of what is signed to change a key. No other text that is signed begins with it.
const TrustDomain = "datanet/v1/trust"

// text is what is signed. It names the hub and the key that makes way, so that it serves once: a key that made way does not come back.
func (c keyChange) text(hub string) string {
	text := fmt.Sprintf("%s\nhub %s\ndataset %s\nkey %s\nold %s\nnew %s\n", TrustDomain, hub, c.dataset, c.role, cmp.Or(c.old, "none"), cmp.Or(c.fresh, "none"))
	if c.until != "" {
		text += "until " + c.until + "\n"
	}
	return text
}

// signedChanges are those changes of a record which take somebody's signature.
func (t Trust) signedChanges(rest TrustRecord) []keyChange {
	has := t.datasets[rest.Dataset]
	var changes []keyChange
	if t.asked && rest.Guardian != "" && has.Guardian != "" {
		changes = append(changes, keyChange{rest.Dataset, "guardian", "the Guardian's key", has.Guardian, rest.Guardian, ""})
	}
	if t.asked && rest.Custodian != "" && has.Custodian != "" {
		changes = append(changes, keyChange{rest.Dataset, "custodian", "the custodian's key", has.Custodian, rest.Custodian, ""})
	}
	for _, site := range slices.Sorted(maps.Keys(rest.Sites)) {
		if old := has.Sites[site]; old != "" {
			changes = append(changes, keyChange{rest.Dataset, "site " + site, "the key of site " + site, old, rest.Sites[site], ""})
		}
	}
	if rest.NoDeputy != "" {
		changes = append(changes, keyChange{rest.Dataset, "deputy", "a deputy's key", rest.NoDeputy, "", ""})
	}
	if rest.Deputy != nil {
		changes = append(changes, keyChange{rest.Dataset, "deputy", "a deputy's key", "", rest.Deputy.Key, rest.Deputy.Until})
	}
	return changes
}

// A Statement is what has to be signed before a key changes: Text, once by each of Signers.
type Statement struct {
	Text    string
	Signers []KeySigner
}

// A KeySigner is one of those whose signature a change takes. Any of the keys is theirs.
type KeySigner struct {
	Whose string // in words
	Keys  []string
}

// Statement is what has to be signed for a wanted change; the zero Statement if nothing has to be. A *Refusal says that it cannot be signed
// for, being more than one change.
func (t Trust) Statement(want TrustRecord) (Statement, error) {
	if err := want.check(); err != nil {
		return Statement{}, fmt.Errorf("trust record: %w", err)
	}
	rest := t.rest(want)
	changes := t.signedChanges(rest)
	if len(changes) == 0 {
		return Statement{}, nil
	}
	if rest.changes() > 1 {
		return Statement{}, &Refusal{reason: changes[0].what + " of " + want.Dataset + " takes signatures, and they are for one key at a time",
			hints: []string{"give each key that is set already, and each deputy, in a command of its own"}}
	}
	return Statement{changes[0].text(t.hub), t.signers(changes[0])}, nil
}

// signers is the rule of who decides about keys. A custodian answers for the sites of the dataset, a Guardian for their own deputies. The key of
// a Guardian or of a custodian takes its dataset's present Guardian and the Guardian of another dataset: whoever stole one key cannot take a
// dataset over without the hub's operator, who could record another dataset's Guardian, and no majority of others can replace a Guardian
// who says no.
func (t Trust) signers(c keyChange) []KeySigner {
	has := t.datasets[c.dataset]
	present := KeySigner{"the present Guardian of " + c.dataset, someKey(has.Guardian)}
	switch c.role {
	case "guardian", "custodian":
		other := KeySigner{Whose: "the Guardian of another dataset"}
		for _, name := range t.Datasets() {
			if name != c.dataset {
				other.Keys = append(other.Keys, someKey(t.datasets[name].Guardian)...)
			}
		}
		return []KeySigner{present, other}
	case "deputy":
		return []KeySigner{present}
	}
	return []KeySigner{{"the present custodian of " + c.dataset, someKey(has.CustodianVKey)}}
}

func someKey(vkey string) []string {
	if vkey == "" {
		return nil
	}
	return []string{vkey}
}

// signedFor is nil if everybody whose signature a record takes has signed it.
func (t Trust) signedFor(rest TrustRecord) error {
	if rest.Empty() {
		return nil
	}
	statement, err := t.Statement(rest)
	if err != nil {
		return err
	}
	var missing []string
	for _, signer := range statement.Signers {
		signed, err := signer.signed(rest.By, statement.Text)
		if err != nil {
			return err
		}
		if !signed {
			missing = append(missing, signer.Whose)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	change := t.signedChanges(rest)[0]
	return &Refusal{
		reason: fmt.Sprintf("%s of %s changes only with the signature of %s", change.what, change.dataset, listed(missing)),
		hints:  []string{"sign with: datanet hub trust … --by KEYFILE; a signature made elsewhere is kept with --out FILE, and given with --by FILE"},
	}
}

// signed says whether one of the notes is signed by one of the keys, over this text. A note that one of the keys signed and that does not hold is damage.
func (s KeySigner) signed(notes []string, text string) (bool, error) {
	for _, signed := range notes {
		for _, key := range s.Keys {
			got, err := openAs(signed, key, s.Whose)
			if err == nil && got == text {
				return true, nil
			}
			if err != nil && !errors.As(err, new(*Refusal)) {
				return false, err
			}
		}
	}
	return false, nil
}

// atRecord says where a replay found a rule broken. What Append would have answered to the writer is damage to a reader, who can
// neither ask again nor sign again.
func atRecord(n int, err error) error {
	return broken("the record of decisions breaks its own rules: record %d: %s", n, err)
}
