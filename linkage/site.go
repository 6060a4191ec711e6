package linkage

import (
	"cmp"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// The kinds of record about a dataset's whole make-up, beside loads.
const (
	KindDeparture Kind = "departure"
	KindRewrap    Kind = "rewrap"
)

// A DepartureRecord says that a site has withdrawn from a dataset and that its part was removed. Note is what the dataset's custodian signed of
// it, with the site's key at the time: that key's extracts are refused until the custodian signs for another one. State is the dataset's
// state afterwards, empty when nothing was ever loaded. Releases of earlier states hold the site's people still.
type DepartureRecord struct {
	Dataset string `json:"dataset"`
	Site    string `json:"site"`
	State   string `json:"state_sha256,omitempty"`
	Note    string `json:"note"`
}

// A RewrapRecord says that a dataset was re-wrapped under another custodian's key, ready for that custodian to be trusted. From the record on that
// makes Custodian, a public token, the dataset's, State is in the place of Before. A record of another state in between ends it.
type RewrapRecord struct {
	Dataset   string `json:"dataset"`
	Before    string `json:"before_sha256"`
	State     string `json:"state_sha256"`
	Custodian string `json:"custodian"`
}

func (DepartureRecord) kind() Kind { return KindDeparture }
func (RewrapRecord) kind() Kind    { return KindRewrap }

func (b DepartureRecord) check() error {
	return all(
		rule(datasetName.MatchString(b.Dataset), "dataset is not a dataset's name"),
		rule(siteName.MatchString(b.Site), "site is not a site's name"),
		rule(b.State == "" || isSHA256(b.State), "state_sha256 is not 64 hex digits"),
		rule(b.Note != "" && len(b.Note) <= 4<<10, "note is empty or too long"),
	)
}

func (b RewrapRecord) check() error {
	dataset, _, err := custodianVKey(b.Custodian)
	return all(
		rule(datasetName.MatchString(b.Dataset), "dataset is not a dataset's name"),
		rule(isSHA256(b.Before), "before_sha256 is not 64 hex digits"),
		rule(isSHA256(b.State) && b.State != b.Before, "state_sha256 is not another 64 hex digits"),
		rule(err == nil && dataset == b.Dataset, "custodian is not the public part of a custodian of the dataset"),
	)
}

// departureDomain is the first line of what a custodian signs, as in
//
//	datanet/v1/departure
//	hub 000102030405060708090a0b0c0d0e0f
//	dataset primary-care
//	site Z99001
//	key site/primary-care/Z99001+…
//	reason The practice has withdrawn.
const departureDomain = "datanet/v1/departure"

// NewDeparture gives the note with which a custodian says that a site leaves. Key is the site's, as the record of decisions has it now. The reason is
// one line that everybody may read: it must not hold an NHS number or a postcode.
func NewDeparture(hub, dataset, site, key, reason string, custodian note.Signer) (string, error) {
	if wrong := cmp.Or(wrongLine(reason, maxReason), impersonal(reason)); wrong != "" {
		return "", &FormError{faults: []string{"reason: " + wrong}, hints: hintsFor(wrong)}
	}
	signed, err := note.Sign(&note.Note{Text: departure(hub, dataset, site, key) + "reason " + reason + "\n"}, custodian)
	if err != nil {
		return "", &KeyError{reason: "the key given cannot sign"}
	}
	return string(signed), nil
}

func departure(hub, dataset, site, key string) string {
	return fmt.Sprintf("%s\nhub %s\ndataset %s\nsite %s\nkey %s\n", departureDomain, hub, dataset, site, key)
}

// Reason is why the site left. It is read from the note, whose signature the replay has checked.
func (b DepartureRecord) Reason() string {
	_, reason, _ := strings.Cut(b.Note, "\nreason ")
	reason, _, _ = strings.Cut(reason, "\n")
	return reason
}

// Left says whether a site has withdrawn from a dataset, and has had no other key since.
func (d *Decisions) Left(dataset, site string) bool {
	key, left := d.left[dataset+"/"+site]
	return left && key == d.trust.Dataset(dataset).Sites[site]
}

// allowDeparture lets the dataset's present custodian, and nobody else, record that a known site leaves: once for each key.
func (d *Decisions) allowDeparture(b DepartureRecord) error {
	has := d.trust.Dataset(b.Dataset)
	switch {
	case has.CustodianVKey == "":
		return &Refusal{check: CheckCustodian, reason: "nobody is recorded as the custodian of " + b.Dataset}
	case has.Sites[b.Site] == "":
		return &Refusal{check: CheckUnknown, reason: "the hub knows no site " + b.Site + " of " + b.Dataset, hints: []string{"datanet hub status shows its sites"}}
	case d.Left(b.Dataset, b.Site):
		return repeated("site " + b.Site + " has withdrawn from " + b.Dataset + " already")
	}
	text, err := openAs(b.Note, has.CustodianVKey, "the custodian of "+b.Dataset)
	if err != nil {
		return err
	}
	reason, ok := strings.CutPrefix(text, departure(d.hub, b.Dataset, b.Site, has.Sites[b.Site])+"reason ")
	if reason = strings.TrimSuffix(reason, "\n"); !ok || wrongLine(reason, maxReason) != "" {
		return &Refusal{check: CheckText, reason: "what is signed is not this withdrawal of site " + b.Site}
	}
	return nil
}

// allowRewrap lets a re-wrapping be announced for a custodian who is not the present one. It counts from when that one is trusted.
func (d *Decisions) allowRewrap(b RewrapRecord) error {
	if d.trust.Dataset(b.Dataset).Custodian == b.Custodian {
		return repeated("this custodian is the one of " + b.Dataset + " already")
	}
	return nil
}

func (d *Decisions) takeDeparture(b DepartureRecord) {
	d.left[b.Dataset+"/"+b.Site] = d.trust.Dataset(b.Dataset).Sites[b.Site]
}
