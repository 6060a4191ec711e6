package pages

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"datanet/linkage"
)

// An entry is one record in plain words.
type entry struct {
	Number   int
	Time     time.Time
	Kind     linkage.Kind
	What     string // a sentence
	Approval string
	Datasets []string
	Who      string // name of the key that signed; of what nobody signs, the hub's
	ByHub    bool   // nobody else signed it
	Outcome  string // one or two words
	Reason   string // a Guardian's, or why the hub removed something
	Check    string // of what was denied
	Detail   string // name under which a publication or policy is known
	AsAt     string // of what was published, YYYY-MM-DD
}

// entries puts every record into words.
func (r Record) entries() ([]entry, error) {
	all, hub := make([]entry, len(r.records)), ""
	for n, record := range r.records {
		body, err := record.Decode()
		if err != nil {
			return nil, fmt.Errorf("entry %d: %w", n, err)
		}
		if founded, ok := body.(linkage.HubRecord); ok {
			hub = keyName(founded.Ledger)
		}
		e := wordsOf(body)
		e.Number, e.Time, e.Kind = n, record.Time, record.Kind
		if e.Who == "" {
			e.Who, e.ByHub = hub, true
		}
		if a := r.answer(n, e.Approval); a != nil {
			e.What = upper(whoAnswered(*a)) + " " + e.Outcome + " request " + e.Approval + "."
			e.Reason = a.Reason
		}
		all[n] = e
	}
	return all, nil
}

// answer is what a Guardian, or a deputy, decided in the record with this number; nil if it is about something else.
func (r Record) answer(n int, approval string) *linkage.Answer {
	d := r.decisions.Of(approval)
	if d == nil {
		return nil
	}
	answers := append(slices.Collect(maps.Values(d.Signatures)), d.Revocations...)
	if d.Refusal != nil {
		answers = append(answers, *d.Refusal)
	}
	for _, a := range answers {
		if a.Record == n {
			return &a
		}
	}
	return nil
}

func whoAnswered(a linkage.Answer) string {
	if a.Deputy {
		return "a deputy of the Guardian of " + linkage.TitleOf(a.Dataset)
	}
	return "the Guardian of " + linkage.TitleOf(a.Dataset)
}

// wordsOf says what one record is about. Its test knows every kind.
func wordsOf(body linkage.Body) entry {
	switch b := body.(type) {
	case linkage.HubRecord:
		return entry{What: "The record of decisions of " + b.Name + " was begun.", Outcome: "begun"}
	case linkage.PolicyRecord:
		return policyWords(b)
	case linkage.TrustRecord:
		return trustWords(b)
	case linkage.LoadRecord:
		return loadWords(b)
	case linkage.DepartureRecord:
		return entry{What: "Site " + b.Site + " left " + linkage.TitleOf(b.Dataset) + ", and its part was removed.",
			Datasets: []string{b.Dataset}, Who: signerOf(b.Note), Outcome: "left", Reason: noteLine(b.Note, "reason ")}
	case linkage.RewrapRecord:
		return entry{What: "The codes of " + linkage.TitleOf(b.Dataset) + " were made anew for another custodian, whose key is " + tokenName(b.Custodian) + ". They count once that key does.",
			Datasets: []string{b.Dataset}, Outcome: "codes made anew"}
	case linkage.PublicationRecord:
		return publicationWords(b)
	case linkage.ApprovalRecord:
		return approvalWords(b)
	case linkage.SignatureRecord:
		return answerWords(b.Approval, b.Dataset, b.Note, "signed")
	case linkage.RefusalRecord:
		return answerWords(b.Approval, b.Dataset, b.Note, "refused")
	case linkage.RevocationRecord:
		return answerWords(b.Approval, b.Dataset, b.Note, "revoked")
	case linkage.ProjectKeyRecord:
		return projectKeyWords(b)
	case linkage.ReleaseRecord:
		return entry{What: fmt.Sprintf("The approved part of %s, as at %s, was released to request %s: about %s people.", linkage.TitleOf(b.Dataset), dayOf(b.AsAt), b.Approval, thousands(b.Persons)),
			Approval: b.Approval, Datasets: []string{b.Dataset}, Outcome: "released"}
	case linkage.LinkRecord:
		datasets := slices.Sorted(maps.Keys(b.Releases))
		return entry{What: fmt.Sprintf("What was released of %s was joined for request %s: about %s people.", linkage.Titles(datasets), b.Approval, thousands(b.People)),
			Approval: b.Approval, Datasets: datasets, Outcome: "joined"}
	case linkage.DeniedRecord:
		return deniedWords(b)
	case linkage.RemovalRecord:
		return removalWords(b)
	}
	return entry{What: "A record that these pages have no words for."}
}

func answerWords(approval, dataset, note, done string) entry {
	return entry{What: "The Guardian of " + linkage.TitleOf(dataset) + ", or a deputy, " + done + " request " + approval + ".",
		Approval: approval, Datasets: []string{dataset}, Who: signerOf(note), Outcome: done}
}

func policyWords(b linkage.PolicyRecord) entry {
	what := "The rules against disclosure under which this hub publishes were laid down."
	if len(b.Datasets) > 0 {
		what += " Under them " + linkage.Titles(b.Datasets) + " can be published alone, without a request."
	}
	return entry{What: what, Datasets: b.Datasets, Outcome: "laid down", Detail: b.Policy}
}

func trustWords(b linkage.TrustRecord) entry {
	var keys []string
	if b.Guardian != "" {
		keys = append(keys, "the Guardian's key "+keyName(b.Guardian))
	}
	if b.Custodian != "" {
		keys = append(keys, "the custodian's key "+tokenName(b.Custodian))
	}
	for _, site := range slices.Sorted(maps.Keys(b.Sites)) {
		keys = append(keys, "the key "+keyName(b.Sites[site])+" of site "+site)
	}
	if b.Deputy != nil {
		keys = append(keys, "the key "+keyName(b.Deputy.Key)+" of a deputy of the Guardian, until "+dayOf(b.Deputy.Until))
	}
	what := "Keys that count for " + linkage.TitleOf(b.Dataset) + " from now on: " + listed(keys) + "."
	if b.NoDeputy != "" {
		what = "For " + linkage.TitleOf(b.Dataset) + " a deputy of the Guardian, with the key " + keyName(b.NoDeputy) + ", is one no longer."
	}
	var by []string
	for _, signed := range b.By {
		by = append(by, signerOf(signed))
	}
	return entry{What: what, Datasets: []string{b.Dataset}, Who: strings.Join(by, " "), Outcome: "keys changed"}
}

func loadWords(b linkage.LoadRecord) entry {
	what := fmt.Sprintf("Extract number %d of site %s became part of %s: about %s people, as at %s.", b.Sequence, b.Site, linkage.TitleOf(b.Dataset), thousands(b.Persons), dayOf(b.AsAt))
	if b.Withdrew {
		what += " People who had withdrawn since were removed."
	}
	return entry{What: what, Datasets: []string{b.Dataset}, Outcome: "loaded"}
}

func publicationWords(b linkage.PublicationRecord) entry {
	datasets := slices.Sorted(maps.Keys(b.States))
	what := fmt.Sprintf("Counts from %s, as at %s, were published", linkage.Titles(datasets), dayOf(b.AsAt))
	if b.Approval != "" {
		what += " under request " + b.Approval
	}
	return entry{What: what + ".", Approval: b.Approval, Datasets: datasets, Outcome: "published", Detail: b.Publication, AsAt: b.AsAt}
}

func approvalWords(b linkage.ApprovalRecord) entry {
	a, err := linkage.ParseApproval(b.Text)
	if err != nil { // the record would not have been read
		return entry{What: "Request " + b.Approval + " was made.", Approval: b.Approval, Outcome: "asked"}
	}
	return entry{What: "Request " + a.ID + " was made: " + a.Title + ". It asks for " + linkage.Titles(a.Names()) + ", from " + dayOf(a.From) + " until " + dayOf(a.Until) + ". Who asks is named by a key.",
		Approval: a.ID, Datasets: a.Names(), Outcome: "asked", Who: keyName(a.Applicant)}
}

func projectKeyWords(b linkage.ProjectKeyRecord) entry {
	datasets := slices.Sorted(maps.Keys(b.Sealed))
	return entry{What: "The key for the codes of request " + b.Approval + " was made, and closed so that only the custodians of " + linkage.Titles(datasets) + " can open it.",
		Approval: b.Approval, Datasets: datasets, Who: signerOf(b.Note), Outcome: "key made"}
}

// What can be asked of the hub, as in "it was not allowed to …".
var actions = map[linkage.Action]string{
	linkage.ActionRelease: "release data",
	linkage.ActionLink:    "join data",
	linkage.ActionPublish: "publish counts",
	linkage.ActionQuery:   "answer a question",
	linkage.ActionSign:    "take a signature for the Guardian",
	linkage.ActionRefuse:  "take a refusal for the Guardian",
	linkage.ActionRevoke:  "take a revocation for the Guardian",
	linkage.ActionTrust:   "change a key",
	linkage.ActionLoad:    "take in an extract",
}

// Why something was denied, by the check that failed.
var checks = map[string]string{
	linkage.CheckOptOuts:    "the data were older than the approval lets opt-outs be",
	linkage.CheckSite:       "its site is not trusted, or has withdrawn",
	linkage.CheckUnusual:    "it would have withdrawn unusually many people",
	linkage.CheckForm:       "what was asked for is not of the accepted form",
	linkage.CheckUnknown:    "there is no such request",
	linkage.CheckRefused:    "a Guardian had refused the request",
	linkage.CheckRevoked:    "a Guardian had revoked the approval",
	linkage.CheckSuperseded: "another approval had taken its place",
	linkage.CheckStale:      "the record of decisions at hand was an old one",
	linkage.CheckExpired:    "the last day of the approval was over",
	linkage.CheckReview:     "the review of the approval was overdue",
	linkage.CheckSignatures: "not every Guardian had signed",
	linkage.CheckNotYet:     "the first day of the approval had not come",
	linkage.CheckScope:      "it goes beyond what was approved",
	linkage.CheckPermit:     "there was no permission for it",
	linkage.CheckClock:      "it was dated ahead of every clock",
	linkage.CheckTrust:      "the change of a key took signatures that were missing, or the key had another role",
	linkage.CheckGuardian:   "a dataset had no Guardian",
	linkage.CheckCustodian:  "a dataset had no custodian",
	linkage.CheckSigner:     "it was signed with somebody else's key",
	linkage.CheckApplicant:  "whoever asks cannot decide about it",
	linkage.CheckText:       "the text was another one than the recorded one",
	linkage.CheckRepeated:   "it had been decided before",
	linkage.CheckHub:        "the request was made for another hub",
	linkage.CheckPolicy:     "other rules against disclosure apply",
	linkage.CheckProjectKey: "the project's key was missing, or another one",
	linkage.CheckRefresh:    "the data were of another date than those released before",
	linkage.CheckWithdrawn:  "people had withdrawn since",
	linkage.CheckRelease:    "it was not the last release on record",
	linkage.CheckLink:       "the last releases had not been joined",
}

func deniedWords(b linkage.DeniedRecord) entry {
	what := "The hub was asked to " + wordFor(actions, b.Action)
	e := entry{Approval: b.Approval, Outcome: "not allowed", Check: b.Check}
	if b.Dataset != "" {
		e.Datasets = []string{b.Dataset}
		what += " of " + linkage.TitleOf(b.Dataset)
	}
	if b.Approval != "" {
		what += " under request " + b.Approval
	}
	e.What = what + ", and did not: " + wordFor(checks, b.Check) + "."
	return e
}

// Why the hub removed something.
var removals = map[string]string{
	"revoked":    "the approval had been revoked",
	"superseded": "another approval had taken its place",
	"expired":    "its last day was over",
	"review-due": "the review of the approval was overdue",
	"linked":     "it had been joined and was no longer needed",
	"stale":      "people had withdrawn since it was made",
	"replaced":   "a newer one took its place",
}

func removalWords(b linkage.RemovalRecord) entry {
	e := entry{Approval: b.Approval, Outcome: "removed", Reason: wordFor(removals, b.Reason)}
	what := "A publication"
	switch b.What {
	case "release":
		e.Datasets, what = []string{b.Name}, "What had been released of "+linkage.TitleOf(b.Name)
	case "linked":
		what = "The joined data"
	default:
		e.Detail = b.Name
	}
	e.What = what + " of request " + b.Approval + " was removed from the hub."
	if b.What == "linked" {
		e.What = what + " of request " + b.Approval + " were removed from the hub."
	}
	return e
}

// wordFor falls back on the word of the record itself, which says more than nothing.
func wordFor[K ~string](words map[K]string, of K) string {
	if said := words[of]; said != "" {
		return said
	}
	return string(of)
}

// keyName is what a key is called: the part before the first plus sign.
func keyName(vkey string) string {
	name, _, _ := strings.Cut(vkey, "+")
	return name
}

// tokenName is what the key inside a custodian's public token is called.
func tokenName(token string) string {
	parts := strings.Split(token, ":")
	if len(parts) < 4 {
		return ""
	}
	return keyName(parts[3])
}

// noteLine is the rest of the line of a note's text that begins with a word; empty if none does.
func noteLine(note, word string) string {
	text, _, _ := strings.Cut(note, "\n\n")
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, word); ok {
			return strings.TrimSpace(rest)
		}
	}
	return ""
}

// signerOf is the name of the key under a note, which the record of decisions has verified.
func signerOf(note string) string {
	lines := strings.Split(strings.TrimSpace(note), "\n")
	words := strings.Fields(lines[len(lines)-1])
	if len(words) != 3 {
		return ""
	}
	return words[1]
}

// thousands writes 12,340.
func thousands(n int64) string {
	digits := strconv.FormatInt(n, 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
