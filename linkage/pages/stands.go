package pages

import (
	"slices"
	"strings"
	"time"

	"datanet/linkage"
)

// A standing is how a request stands, for readers who know nothing of this tool.
type standing struct {
	Status linkage.Status
	Word   string
	Since  time.Time
	Says   string
}

var statusWords = map[linkage.Status]string{
	linkage.StatusRefused:    "Refused",
	linkage.StatusRevoked:    "Revoked",
	linkage.StatusSuperseded: "Replaced",
	linkage.StatusExpired:    "Ended",
	linkage.StatusReviewDue:  "Review due",
	linkage.StatusDraft:      "Nobody has signed",
	linkage.StatusAwaiting:   "Waiting for signatures",
	linkage.StatusNotYet:     "Approved, not yet begun",
	linkage.StatusApproved:   "Approved",
}

func (r Record) stands(d *linkage.Decision) standing {
	now := r.head.Time
	status := d.Status(now)
	word := statusWords[status]
	if word == "" {
		word = upper(strings.ReplaceAll(string(status), "-", " "))
	}
	return standing{status, word, since(d, status, now), says(d, status, now)}
}

// says tells in a sentence how a request stands. A Guardian's reason stays as it was written.
func says(d *linkage.Decision, status linkage.Status, now time.Time) string {
	switch status {
	case linkage.StatusRefused:
		return ended(*d.Refusal, "refused")
	case linkage.StatusRevoked:
		return ended(d.Revocations[0], "revoked")
	case linkage.StatusDraft, linkage.StatusAwaiting:
		return "It still needs the signature of each of these Guardians: " + linkage.Titles(d.Missing()) + "."
	}
	return upper(readable(d.Sentence(now))) + "."
}

func ended(a linkage.Answer, done string) string {
	said := upper(whoAnswered(a)) + " " + done + " it on " + longDay(a.Time)
	if a.Reason == "" {
		return said + ", without giving a reason."
	}
	return said + ". Reason: " + a.Reason
}

// since is the first moment at which a request stood as it does.
func since(d *linkage.Decision, status linkage.Status, now time.Time) time.Time {
	switch status {
	case linkage.StatusRefused:
		return d.Refusal.Time
	case linkage.StatusRevoked:
		return d.Revocations[0].Time
	case linkage.StatusSuperseded:
		return begun(d.ReplacedBy(now))
	case linkage.StatusExpired:
		return dayAfter(d.Approval.Until)
	case linkage.StatusReviewDue:
		return dayAfter(d.Approval.Review)
	case linkage.StatusAwaiting:
		return signedAt(d)[0]
	case linkage.StatusNotYet:
		return slices.MaxFunc(signedAt(d), time.Time.Compare)
	case linkage.StatusApproved:
		return begun(d)
	}
	return d.Drafted
}

// signedAt are the times of the signatures, the earliest first.
func signedAt(d *linkage.Decision) []time.Time {
	var times []time.Time
	for _, a := range d.Signatures {
		times = append(times, a.Time)
	}
	slices.SortFunc(times, time.Time.Compare)
	return times
}

// public says whether the register shows a request: once somebody has decided something about it. What nobody has signed or refused is
// a draft, whatever its dates.
func public(d *linkage.Decision) bool {
	return len(d.Signatures) > 0 || d.Refusal != nil || len(d.Revocations) > 0
}

// complete says that every Guardian has signed.
func complete(d *linkage.Decision) bool { return len(d.Missing()) == 0 }

// begun is when an approval that everybody has signed began to count.
func begun(d *linkage.Decision) time.Time {
	first, _ := time.Parse(time.DateOnly, d.Approval.From)
	return slices.MaxFunc(append(signedAt(d), first), time.Time.Compare)
}
