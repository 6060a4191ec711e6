package release

import (
	"encoding/base64"

	"datanet/linkage"
	"datanet/pseudonym"
)

// projectKey is the project's key: the first one that was recorded, or, if none
// was, one made here. Two custodians may make one at the same time: whether the
// record took this one or refused it, it is asked again, and the first one
// there counts for both.
func (r *run) projectKey() (pseudonym.ProjectKey, error) {
	sealed, err := r.Sealed()
	if err == nil && sealed == nil {
		sealed, err = r.offerKey()
	}
	if err != nil {
		return pseudonym.ProjectKey{}, err
	}
	return r.openKey(sealed)
}

func (r *run) offerKey() (*linkage.ProjectKeyRecord, error) {
	made, err := r.makeKey()
	if err != nil {
		return nil, err
	}
	refused := r.Record(made)
	first, err := r.Sealed()
	switch {
	case err != nil:
		return nil, err
	case first != nil:
		return first, nil
	case refused != nil:
		return nil, refused
	}
	return nil, &IntegrityError{"the project's key was recorded, but the record of decisions does not show it", "check it: datanet approval verify"}
}

// makeKey draws a project key and seals it to the custodian of each of the
// approval's datasets, this one included. It is forgotten here: what opens from
// the record is what counts.
func (r *run) makeKey() (linkage.ProjectKeyRecord, error) {
	key, sealed := pseudonym.NewProjectKey(), map[string]string{}
	for _, scope := range r.approval.Datasets {
		token := r.Permit.Trust().Dataset(scope.Dataset).Custodian
		if token == "" {
			return linkage.ProjectKeyRecord{}, &Refusal{"the hub trusts no custodian of " + scope.Dataset + ", so the project's key cannot be sealed to them",
				"datanet hub trust --dataset " + scope.Dataset + " --custodian PUBLIC", linkage.CheckCustodian}
		}
		public, err := pseudonym.ParseCustodianPublic(token)
		if err != nil {
			return linkage.ProjectKeyRecord{}, err
		}
		box, err := key.Seal(public, r.Permit.Hash())
		if err != nil {
			return linkage.ProjectKeyRecord{}, err
		}
		sealed[scope.Dataset] = base64.StdEncoding.EncodeToString(box)
	}
	return linkage.NewProjectKey(r.approval, r.Dataset, key.CheckValue(), sealed, r.Custodian.Signer)
}

// openKey opens this custodian's copy. That a custodian of the project signed
// the record is the ledger's own rule: it holds no other. This custodian's key is
// the trusted one, and was when the key was sealed (see Options.Sealed), so what
// does not open was never sealed for this: damage, and not a wrong key.
func (r *run) openKey(k *linkage.ProjectKeyRecord) (pseudonym.ProjectKey, error) {
	if k.Approval != r.approval.ID || k.SHA256 != r.hash {
		return pseudonym.ProjectKey{}, &IntegrityError{"the recorded project key belongs to another approval", "check the record of decisions: datanet approval verify"}
	}
	box, err := base64.StdEncoding.DecodeString(k.Sealed[r.Dataset])
	if err != nil || len(box) == 0 {
		return pseudonym.ProjectKey{}, &IntegrityError{"the project's key was not sealed to the custodian of " + r.Dataset, anotherApproval}
	}
	key, err := r.Custodian.OpenProjectKey(box, r.Permit.Hash())
	if err != nil {
		return pseudonym.ProjectKey{}, &IntegrityError{"the recorded " + err.Error(), anotherApproval}
	}
	if key.CheckValue() != k.Check {
		return pseudonym.ProjectKey{}, &IntegrityError{"the project's key that opens for " + r.Dataset + " is not the recorded one: its check value is " + key.CheckValue() + ", the recorded one " + k.Check, anotherApproval}
	}
	return key, nil
}

const anotherApproval = "nothing of this dataset can be released under this approval: have another one drafted"
