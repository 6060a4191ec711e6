package linkage

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// replay holds one record to the rules, and takes it in.
func (d *Decisions) replay(n int, record Record) error {
	if record.Kind == KindLoad || record.Kind == KindDenied { // most records, and no rule is about them
		return d.grow(record)
	}
	body, err := record.Decode()
	if err != nil {
		return err
	}
	if err := d.allow(body, d.clock(record)); err != nil {
		return err
	}
	if err := d.trust.replay(body); err != nil {
		return err
	}
	d.take(n, record.Time, body)
	return d.grow(record)
}

// clock is the earliest time at which the record can have been written: its own, or what those before it imply, so that a
// record that is dated back gains nothing by it.
func (d *Decisions) clock(record Record) time.Time { return d.notBefore(record.Time) }

func (d *Decisions) notBefore(at time.Time) time.Time {
	if earliest := d.latest.Add(-aheadLimit); at.Before(earliest) {
		return earliest
	}
	return at
}

// grow adds the record to the tree, in which approvals point at what their drafter saw.
func (d *Decisions) grow(record Record) error {
	if int64(len(d.grown)) < tlog.StoredHashCount(d.size+1) { // a Ledger has hashed its records already
		line, err := marshal(record)
		if err != nil {
			return err
		}
		hashes, err := tlog.StoredHashes(d.size, line, d.grown)
		if err != nil {
			return err
		}
		d.grown = append(d.grown, hashes...)
	}
	d.size++
	if record.Time.After(d.latest) {
		d.latest = record.Time
	}
	return nil
}

// Allows says whether the rules admit a record now, as Append will ask at the hub. Now is the ledger's clock.
func (d *Decisions) Allows(r Record, now time.Time) error {
	body, err := r.Decode()
	if err != nil {
		return broken("record: %s", err)
	}
	if err := d.allow(body, d.clock(r)); err != nil {
		return err
	}
	return d.allow(body, now)
}

// allow says whether the rules admit a record at a time.
func (d *Decisions) allow(body Body, at time.Time) error {
	switch b := body.(type) {
	case PolicyRecord:
		return d.allowPolicy()
	case DepartureRecord:
		return d.allowDeparture(b)
	case ApprovalRecord:
		a, err := ParseApproval(b.Text)
		if err != nil {
			return err
		}
		return d.allowApproval(a, at)
	case SignatureRecord:
		return d.allowSignature(b, at)
	case RefusalRecord:
		return d.allowRefusal(b, at)
	case RevocationRecord:
		return d.allowRevocation(b, at)
	case RewrapRecord:
		return d.allowRewrap(b)
	case ProjectKeyRecord:
		return d.allowProjectKey(b, at)
	case ReleaseRecord:
		return d.allowRelease(b, at)
	case LinkRecord:
		return d.allowLink(b, at)
	case PublicationRecord:
		return d.allowPublication(b, at)
	case RemovalRecord:
		_, err := d.named(b.Approval, b.SHA256)
		return err
	}
	return nil
}

// take keeps what an allowed record says.
func (d *Decisions) take(n int, at time.Time, body Body) {
	switch b := body.(type) {
	case HubRecord:
		d.hub = b.Hub
	case PolicyRecord:
		d.policies[b.Policy] = b.Datasets
	case DepartureRecord:
		d.takeDeparture(b)
	case TrustRecord:
		d.void(b.Dataset)
	case ApprovalRecord:
		if a, err := ParseApproval(b.Text); err == nil {
			d.list = append(d.list, &Decision{Approval: a, Drafted: at, Signatures: map[string]Answer{}})
			if earlier := d.Of(a.Supersedes); earlier != nil {
				of := d.list[len(d.list)-1]
				of.earlier, earlier.successors = earlier, append(earlier.successors, of)
			}
		}
	case SignatureRecord:
		d.Of(b.Approval).Signatures[b.Dataset] = d.answer(n, at, b.Dataset, b.Note)
	case RefusalRecord:
		answer := d.answer(n, at, b.Dataset, b.Note)
		answer.Reason, _ = reasonIn(textOf(b.Note), refusalDomain, b.Approval, b.SHA256, b.Dataset)
		d.Of(b.Approval).Refusal = &answer
	case RevocationRecord:
		answer := d.answer(n, at, b.Dataset, b.Note)
		answer.Reason, _ = reasonIn(textOf(b.Note), revocationDomain, b.Approval, b.SHA256, b.Dataset)
		of := d.Of(b.Approval)
		of.undone = of.undone || len(of.Revocations) == 0 && of.took() > day(d.notBefore(at))
		of.Revocations = append(of.Revocations, answer)
	default:
		d.takeDone(at, body)
	}
}

// void takes away the signatures under requests that still wait for others, where the key that made them decides no longer: a new Guardian
// answers anew for what is not approved yet, and can revoke what is.
func (d *Decisions) void(dataset string) {
	keys := d.trust.Dataset(dataset).deciders("")
	for _, of := range d.list {
		if signature, ok := of.Signatures[dataset]; ok && len(of.Missing()) > 0 && !slices.Contains(keys, signature.Guardian) {
			delete(of.Signatures, dataset)
		}
	}
}

func (d *Decisions) takeDone(at time.Time, body Body) {
	switch b := body.(type) {
	case ProjectKeyRecord:
		d.Of(b.Approval).ProjectKey = &b
	case ReleaseRecord:
		of := d.Of(b.Approval)
		of.Releases = append(of.Releases, b)
	case LinkRecord:
		of := d.Of(b.Approval)
		of.Links = append(of.Links, b)
	case PublicationRecord:
		if of := d.Of(b.Approval); of != nil {
			of.Publications, of.published = append(of.Publications, b), append(of.published, day(at))
		}
	case RemovalRecord:
		of := d.Of(b.Approval)
		of.Removals = append(of.Removals, b)
	}
}

// answer is what a note says that the rules have let pass: its one signature is that of the Guardian or of a deputy.
func (d *Decisions) answer(n int, at time.Time, dataset, signed string) Answer {
	has := d.trust.Dataset(dataset)
	answer := Answer{Dataset: dataset, Guardian: has.Guardian, Time: at, Record: n}
	for _, deputy := range has.Deputies {
		if signedAs(signed, deputy.Key) {
			answer.Guardian, answer.Deputy = deputy.Key, true
		}
	}
	return answer
}

// named is the approval that a record names by id and hash.
func (d *Decisions) named(id, hash string) (*Decision, error) {
	of := d.Of(id)
	if of == nil {
		return nil, unknownApproval(id)
	}
	if of.Approval.SHA256() != hash {
		return nil, &Refusal{check: CheckText, reason: "it was made for another text than the one that approval " + id + " has in the record of decisions",
			hints: []string{"a changed request is a new request, with an id of its own"}}
	}
	return of, nil
}

// allowPolicy lets policies be recorded until the first request. From then on Guardians rely on them, and the ledger's key alone must
// not widen what may be published without their signatures.
func (d *Decisions) allowPolicy() error {
	if len(d.list) == 0 {
		return nil
	}
	return &Refusal{check: CheckPolicy, reason: "a request has been drafted under the disclosure policies that the hub has recorded, and they stay as they are",
		hints: []string{"another policy needs a hub of its own"}}
}

// allowApproval holds a request to what this ledger says. Its Guardians must be known by then: else whoever keeps the ledger could
// name one of their own after the other Guardians had signed.
func (d *Decisions) allowApproval(a *Approval, at time.Time) error {
	if d.Of(a.ID) != nil {
		return &Refusal{check: CheckRepeated, reason: "approval " + a.ID + " is already in the record of decisions",
			hints: []string{"draft it again: it gets the next free id"}}
	}
	if a.Hub != d.hub {
		return &Refusal{check: CheckHub, reason: "approval " + a.ID + " was drafted for another hub", hints: []string{"draft it at this hub"}}
	}
	if root, err := d.grown.root(min(a.Seen.Size, d.size)); err != nil || a.Seen.Size > d.size || root != a.Seen.Root {
		return broken("approval %s was drafted on a record of decisions that is not the beginning of this one", a.ID)
	}
	if _, ok := d.policies[a.Disclosure]; !ok {
		return &Refusal{check: CheckPolicy, reason: "approval " + a.ID + " names a disclosure policy that the hub has not recorded",
			hints: []string{"leave --disclosure out: the hub's own is taken"}}
	}
	if err := d.allowSuperseding(a, at); err != nil {
		return err
	}
	for _, name := range a.Names() {
		if d.trust.Dataset(name).Guardian == "" {
			return &Refusal{check: CheckGuardian, reason: "nobody is recorded as the Guardian of " + name,
				hints: []string{"datanet hub trust --dataset " + name + " --guardian VKEY records one"}}
		}
	}
	return nil
}

// allowSuperseding lets a request take the place of one with which it shares a dataset: that dataset's Guardian, who could end the other
// anyway, signs both.
func (d *Decisions) allowSuperseding(a *Approval, at time.Time) error {
	if a.Supersedes == "" {
		return nil
	}
	earlier := d.Of(a.Supersedes)
	if earlier == nil {
		return unknownApproval(a.Supersedes)
	}
	if !slices.ContainsFunc(a.Names(), earlier.Approval.has) {
		return outside(earlier.Approval, "a request that shares no dataset with it cannot take its place", "draft the request without --supersedes")
	}
	if by := earlier.SupersededBy(at); by != nil {
		return &Refusal{check: CheckSuperseded, reason: "approval " + a.Supersedes + " has been superseded already, by " + by.Approval.ID,
			hints: []string{"supersede that one: --supersedes " + by.Approval.ID}}
	}
	return nil
}

// deciding is the approval that a dataset's Guardian is about to decide on, and the keys that can at this time: the Guardian's and
// those of deputies.
func (d *Decisions) deciding(id, hash, dataset string, at time.Time) (of *Decision, keys []string, err error) {
	if of, err = d.named(id, hash); err != nil {
		return nil, nil, err
	}
	if !of.Approval.has(dataset) {
		return nil, nil, outside(of.Approval, "the dataset "+dataset+" is not part of it", "its datasets are "+listed(of.Approval.Names()))
	}
	keys = d.trust.Dataset(dataset).deciders(day(at))
	if len(keys) == 0 {
		return nil, nil, &Refusal{check: CheckGuardian, reason: "nobody is recorded as the Guardian of " + dataset}
	}
	return of, keys, nil
}

func (d *Decisions) allowSignature(b SignatureRecord, at time.Time) error {
	of, keys, err := d.deciding(b.Approval, b.SHA256, b.Dataset, at)
	if err != nil {
		return err
	}
	own := func(key string) bool { return publicKey(key) == publicKey(of.Approval.Applicant) }
	if own(keys[0]) || slices.ContainsFunc(keys, func(key string) bool { return own(key) && signedAs(b.Note, key) }) {
		return &Refusal{check: CheckApplicant, reason: "the applicant's own key cannot sign the request",
			hints: []string{"somebody else must answer for " + b.Dataset + ", or somebody else must apply"}}
	}
	text, err := openAsOne(b.Note, keys, "the Guardian of "+b.Dataset)
	if err != nil {
		return err
	}
	if text != of.Approval.Text() {
		return &Refusal{check: CheckText, reason: "what is signed is not the text of approval " + b.Approval}
	}
	if _, signed := of.Signatures[b.Dataset]; signed {
		return repeated("the Guardian of " + b.Dataset + " has signed approval " + b.Approval + " already")
	}
	return of.open(at, "sign")
}

// open is nil while an approval can still be signed or refused.
func (d *Decision) open(at time.Time, verb string) error {
	switch d.Status(at) {
	case StatusRefused, StatusRevoked, StatusSuperseded, StatusExpired, StatusReviewDue:
		e := d.live(at).(*Refusal)
		return &Refusal{check: e.check, reason: "too late to " + verb + ": " + e.reason, hints: e.hints}
	}
	return nil
}

func (d *Decisions) allowRefusal(b RefusalRecord, at time.Time) error {
	of, keys, err := d.deciding(b.Approval, b.SHA256, b.Dataset, at)
	if err != nil {
		return err
	}
	if err := answered(refusalDomain, b.Approval, b.SHA256, b.Dataset, b.Note, keys); err != nil {
		return err
	}
	if err := of.open(at, "refuse"); err != nil {
		return err
	}
	if len(of.Missing()) == 0 {
		return &Refusal{check: CheckRepeated, reason: "every Guardian has signed approval " + b.Approval + " already",
			hints: []string{"datanet approval revoke ends it at once"}}
	}
	return nil
}

// allowRevocation lets a Guardian end an approval at any time, whoever has signed: it only ever takes away.
func (d *Decisions) allowRevocation(b RevocationRecord, at time.Time) error {
	of, keys, err := d.deciding(b.Approval, b.SHA256, b.Dataset, at)
	if err != nil {
		return err
	}
	if err := answered(revocationDomain, b.Approval, b.SHA256, b.Dataset, b.Note, keys); err != nil {
		return err
	}
	if of.Refusal != nil {
		return repeated("approval " + b.Approval + " has been refused: there is nothing to revoke")
	}
	if slices.ContainsFunc(of.Revocations, func(a Answer) bool { return a.Dataset == b.Dataset }) {
		return repeated("the Guardian of " + b.Dataset + " has revoked approval " + b.Approval + " already")
	}
	return nil
}

// answered checks the note of a refusal or revocation.
func answered(domain, id, hash, dataset, signed string, keys []string) error {
	text, err := openAsOne(signed, keys, "the Guardian of "+dataset)
	if err != nil {
		return err
	}
	if _, ok := reasonIn(text, domain, id, hash, dataset); !ok {
		return &Refusal{check: CheckText, reason: "what is signed is not this decision about approval " + id}
	}
	return nil
}

// running is an approval that is approved at this time.
func (d *Decisions) running(id, hash string, at time.Time) (*Decision, error) {
	of, err := d.named(id, hash)
	if err != nil {
		return nil, err
	}
	return of, of.live(at)
}

func (d *Decisions) allowProjectKey(b ProjectKeyRecord, at time.Time) error {
	of, err := d.running(b.Approval, b.SHA256, at)
	if err != nil {
		return err
	}
	if of.ProjectKey != nil {
		return &Refusal{check: CheckProjectKey, reason: "approval " + b.Approval + " has its project key already: the first one counts",
			hints: []string{"release again: the recorded key is used"}}
	}
	sealed, names := slices.Sorted(maps.Keys(b.Sealed)), slices.Sorted(slices.Values(of.Approval.Names()))
	if !slices.Equal(sealed, names) {
		return &Refusal{check: CheckProjectKey, reason: "the project key of approval " + b.Approval + " is not sealed to exactly the custodians of its datasets",
			hints: []string{"its datasets are " + listed(of.Approval.Names())}}
	}
	return d.madeByCustodian(b, names)
}

// madeByCustodian checks that one of the datasets' custodians made the key, and that each of them is known.
func (d *Decisions) madeByCustodian(b ProjectKeyRecord, datasets []string) error {
	var err error
	made := false
	for _, name := range datasets {
		vkey := d.trust.Dataset(name).CustodianVKey
		if vkey == "" {
			return &Refusal{check: CheckCustodian, reason: "nobody is recorded as the custodian of " + name,
				hints: []string{"datanet hub trust --dataset " + name + " --custodian PUBLIC records one"}}
		}
		text, wrong := openAs(b.Note, vkey, "the custodian of one of its datasets")
		switch {
		case wrong == nil && text != b.text(name):
			return &Refusal{check: CheckText, reason: "what is signed is not this project key"}
		case wrong == nil:
			made = true
		case err == nil || !errors.As(wrong, new(*Refusal)):
			err = wrong
		}
	}
	if made {
		return nil
	}
	return err
}

// allowRelease also keeps to the rule of refresh: a project gets each dataset as it was on one day.
func (d *Decisions) allowRelease(b ReleaseRecord, at time.Time) error {
	of, err := d.running(b.Approval, b.SHA256, at)
	if err != nil {
		return err
	}
	if !of.Approval.has(b.Dataset) {
		return outside(of.Approval, "the dataset "+b.Dataset+" is not part of it", "its datasets are "+listed(of.Approval.Names()))
	}
	if of.Approval.TooOld(b.AsAt, at) {
		return &Refusal{check: CheckOptOuts, reason: fmt.Sprintf("the data of %s are as at %s, and approval %s lets them be %d days old, so that opt-outs since are kept to", b.Dataset, b.AsAt, b.Approval, of.Approval.OptOutDays()),
			hints: []string{"load every site's newest extract first"}}
	}
	for _, earlier := range of.Releases {
		if earlier.Dataset == b.Dataset && earlier.AsAt != b.AsAt {
			return &Refusal{check: CheckRefresh, reason: fmt.Sprintf("%s was released for approval %s as at %s, and the approval allows no refresh", b.Dataset, b.Approval, earlier.AsAt),
				hints: []string{"data of another date need a new request"}}
		}
	}
	return of.keyed()
}

func (d *Decisions) allowLink(b LinkRecord, at time.Time) error {
	of, err := d.running(b.Approval, b.SHA256, at)
	if err != nil {
		return err
	}
	if !slices.Equal(slices.Sorted(maps.Keys(b.Releases)), slices.Sorted(slices.Values(of.Approval.Names()))) {
		return outside(of.Approval, "what is linked is not exactly its datasets", "its datasets are "+listed(of.Approval.Names()))
	}
	for _, name := range of.Approval.Names() {
		if last := of.lastRelease(name); last == nil || last.Release != b.Releases[name] {
			return &Refusal{check: CheckRelease, reason: "what is linked of " + name + " is not the last release that the record of decisions holds for approval " + b.Approval,
				hints: []string{"datanet release --approval " + b.Approval + " --dataset " + name + " --custodian KEYFILE"}}
		}
	}
	return nil
}

// lastRelease is the one that counts: an earlier one may hold people who have been removed since.
func (d *Decision) lastRelease(dataset string) (last *ReleaseRecord) {
	for i := range d.Releases {
		if d.Releases[i].Dataset == dataset {
			last = &d.Releases[i]
		}
	}
	return last
}

// keyed is nil once there is a project key, without which there can be no project codes.
func (d *Decision) keyed() error {
	if d.ProjectKey != nil {
		return nil
	}
	return &Refusal{check: CheckProjectKey, reason: "approval " + d.Approval.ID + " has no project key in the record of decisions yet",
		hints: []string{"the first custodian to release makes it"}}
}

func (d *Decisions) allowPublication(b PublicationRecord, at time.Time) error {
	if b.Approval == "" {
		return d.allowAlone(b)
	}
	of := d.Of(b.Approval)
	if of == nil {
		return unknownApproval(b.Approval)
	}
	if err := of.live(at); err != nil {
		return err
	}
	if !slices.Equal(slices.Sorted(maps.Keys(b.States)), slices.Sorted(slices.Values(of.Approval.Names()))) {
		return outside(of.Approval, "what is published is not exactly its datasets", "its datasets are "+listed(of.Approval.Names()))
	}
	if b.Policy != of.Approval.Disclosure {
		return &Refusal{check: CheckPolicy, reason: "approval " + b.Approval + " was signed for another disclosure policy"}
	}
	if err := of.linkedLast(); err != nil {
		return err
	}
	for _, name := range of.Approval.Names() {
		if last := of.lastRelease(name); last == nil || last.State != b.States[name] {
			return &Refusal{check: CheckRelease, reason: "what is published of " + name + " is not the state that was last released for approval " + b.Approval,
				hints: []string{"datanet release --approval " + b.Approval + " --dataset " + name + " --custodian KEYFILE"}}
		}
	}
	return nil
}

// linkedLast is nil once the last releases of several datasets have been linked. What was linked of earlier ones may hold people who
// have been removed since.
func (d *Decision) linkedLast() error {
	reason := "nothing has been linked under approval " + d.Approval.ID
	switch links := len(d.Links); {
	case len(d.Approval.Datasets) == 1 || links > 0 && d.isLast(d.Links[links-1].Releases):
		return nil
	case links > 0:
		reason = "what was last released for approval " + d.Approval.ID + " has not been linked yet"
	}
	return &Refusal{check: CheckLink, reason: reason, hints: []string{"datanet link --approval " + d.Approval.ID}}
}

// isLast says whether these are the last releases of all datasets.
func (d *Decision) isLast(releases map[string]string) bool {
	return every(d.Approval.Names(), func(name string) bool {
		last := d.lastRelease(name)
		return last != nil && last.Release == releases[name]
	})
}

// allowAlone is the rule for what is published without an approval: one dataset, which the hub's policy record names.
func (d *Decisions) allowAlone(b PublicationRecord) error {
	for dataset := range b.States {
		if len(b.States) > 1 || !slices.Contains(d.policies[b.Policy], dataset) {
			return &Refusal{check: CheckUnknown, reason: "the hub's policy record does not allow this to be published without an approval",
				hints: []string{"name the approval with --approval"}}
		}
	}
	return nil
}

func repeated(reason string) *Refusal {
	return &Refusal{check: CheckRepeated, reason: reason, hints: []string{"nothing is left to do"}}
}
