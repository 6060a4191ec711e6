package main

import (
	"bytes"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"datanet/linkage"
	"datanet/pipeline/hub"
	"datanet/pseudonym"
	"datanet/schemas"
)

// An attack is somebody's try to have something done that nobody decided.
type attack struct {
	name   string
	stage  string // of the world, where it begins
	code   int    // 3 or 6
	check  string // that fails, where the code is 3
	denied string // the action of the denied record, or why there is none
	try    func(*attacker) [][]string
}

const (
	damaged = "none: what does not hold cannot be trusted to be added to"
	noHub   = "none: there is no hub where it happens"
)

// attacks are those that a hub must stand up to. Where other tests have the rest of one, they are named here:
//
//	k-1 of k signatures, with k = 3         linkage: "three Guardians, whose signature is missing" in decisions.txt
//	two signatures in one note              linkage: TestFurtherSignaturesAreRefused
//	every byte of a request, of an answer   linkage: TestMangledDecisionIsRefused, TestRequestMangled, TestAnswerMangled
//	every byte of records and head          linkage: TestMangledIsRefused
//	every byte of next                      linkage: TestForgedTail; it counts for nothing while no line lies behind the head
//	every byte of trust records, of what is
//	signed for them, and of a project key   linkage: TestEveryByteOfARecord, TestEveryByteOfATrustStatement
//	every byte of manifest.json and .sig    pipeline/load: TestMangledManifestsAreRefused
//	every byte of a dataset's state         pipeline/hub: TestMangledStateIsRefused
//	every byte of release.json and .sig     everyByteOfARelease, below
//	every status against every action       linkage: TestEveryStatusStopsEveryAction, at both boundaries
//	not yet, expired, the clock set back    TestApprovalsKeepToTheirDays
//	a column more in a table's file         pipeline/link: TestExtraColumn
//	the ledger's key alone                  linkage: "the ledger's key is not a Guardian's" in decisions.txt, TestCheckRefusesBrokenLedger
//	an older state of a dataset put back    TestOlderStatePutBack
var attacks = []attack{
	// The applicant, to whom one Guardian of two has said yes.
	{"k-1 of k signatures: release", "half", 3, "signatures", "release", func(w *attacker) [][]string { return w.steps("release") }},
	{"k-1 of k signatures: link", "half", 3, "signatures", "link", func(w *attacker) [][]string { return w.steps("link") }},
	{"k-1 of k signatures: publish", "half", 3, "signatures", "publish", func(w *attacker) [][]string { return w.steps("publish") }},
	// A Guardian, who signs once more in the place of the other.
	{"the same signature twice", "half", 3, "repeated", "sign", func(w *attacker) [][]string { return w.signAs("primary-care") }},
	// The hub's operator, who files one Guardian's signature as the other's.
	{"the same signature for the other Guardian", "half", 3, "signer", "sign", func(w *attacker) [][]string { return w.imports(w.now(), w.signature("slam")) }},
	// The same, with the ledger's key and other software.
	{"the same signature for the other Guardian, forged in", "half", 6, "", damaged, func(w *attacker) [][]string {
		w.adds(w.signature("slam"))
		return w.steps("release", "link", "publish")
	}},
	// The applicant, to whom the Guardian has signed a tamer request.
	{"a signature over other bytes", "half", 3, "text", "sign", func(w *attacker) [][]string {
		tamer := strings.Replace(w.text(), "\ntitle A story\n", "\ntitle A tamer story\n", 1)
		return w.imports(w.now(), linkage.SignatureRecord{Approval: w.id, SHA256: w.hash(), Dataset: "slam", Note: w.notes(tamer, w.key("slam", "guardian"))})
	}},
	// The applicant, with their own key, that nobody has recorded.
	{"the applicant's key", "drafted", 3, "signer", "sign", func(w *attacker) [][]string { return w.signWith(w.applicant()) }},
	// The applicant, whom a Guardian has made their deputy.
	{"the applicant's key, a deputy's", "drafted", 3, "applicant", "sign", func(w *attacker) [][]string {
		w.says("hub", "trust", "--dataset", "primary-care", "--deputy", w.public(w.applicant()), "--until", "2026-12-31", "--by", w.key("primary-care", "guardian"))
		return w.signWith(w.applicant())
	}},
	// Somebody who has made themselves a key of the Guardian's name.
	{"an unknown Guardian", "half", 3, "signer", "sign", func(w *attacker) [][]string { return w.signWith(w.newKey("slam", "ada")) }},

	// Whoever can write to the hub's folder, and holds no key.
	{"a byte of the ledger's records", "approved", 6, "", damaged, func(w *attacker) [][]string { return w.eachByte(w.in("ledger", "records"), w.steps("release")[0]) }},
	{"a byte of the ledger's head", "approved", 6, "", damaged, func(w *attacker) [][]string { return w.eachByte(w.in("ledger", "head"), w.steps("release")[0]) }},
	{"a byte of a dataset's state", "approved", 6, "", damaged, func(w *attacker) [][]string {
		return w.eachByte(w.in("datasets", "slam", "state"), w.steps("release")[0])
	}},
	{"a byte of a release's description", "released", 6, "", damaged, func(w *attacker) [][]string {
		return w.eachByte(w.released("slam", "release.json"), w.steps("link")[0])
	}},
	{"a byte of a release's signature", "released", 6, "", damaged, func(w *attacker) [][]string { return w.eachByte(w.released("slam", "release.sig"), w.steps("link")[0]) }},
	{"a byte of a release's table", "released", 6, "", damaged, func(w *attacker) [][]string {
		return w.eachByte(w.released("slam", "patients.parquet"), w.steps("link")[0])
	}},
	// Whoever carries an extract to the custodian.
	{"a byte of an extract's manifest", "approved", 6, "", damaged, func(w *attacker) [][]string { return w.eachByte(w.extract("manifest.json"), w.load("Z99002")) }},
	{"a byte of an extract's signature", "approved", 6, "", damaged, func(w *attacker) [][]string { return w.eachByte(w.extract("manifest.sig"), w.load("Z99002")) }},
	// Whoever carries a request to a Guardian: the approval's text and its signatures travel in it. The first line says what the file is.
	{"a byte of a request on its way", "half", 6, "", noHub, func(w *attacker) [][]string {
		request := w.exports("request")
		return w.away(w.eachByte(request, []string{"approval", "show", request}, "datanet/v1/request\n")...)
	}},
	// Whoever carries a Guardian's answer to the hub: a byte of the signature in it.
	{"a byte of a signature on its way", "half", 6, "", damaged, func(w *attacker) [][]string {
		args := w.imports(w.now(), w.made("slam"))
		w.flips(args[0][2], `\n"}`, 40)
		return args
	}},
	// Whoever carries a Guardian's signature for a new key to the hub.
	{"a byte of a trust statement", "approved", 6, "", damaged, func(w *attacker) [][]string {
		statement, key := w.file("statement"), w.public(w.newKey("slam", "new"))
		w.says("hub", "trust", "--dataset", "slam", "--guardian", key, "--by", w.key("slam", "guardian"), "--out", statement)
		return w.eachByte(statement, []string{"hub", "trust", "--dataset", "slam", "--guardian", key, "--by", statement, "--by", w.key("primary-care", "guardian")}, linkage.TrustDomain+"\n")
	}},
	// The hub's operator, with the ledger's key: another deputy than the Guardian named.
	{"a trust record with another key", "approved", 6, "", damaged, func(w *attacker) [][]string {
		deputy := w.public(w.newKey("slam", "deputy"))
		w.says("hub", "trust", "--dataset", "slam", "--deputy", deputy, "--until", "2026-12-31", "--by", w.key("slam", "guardian"))
		mine := w.public(w.newKey("slam", "mine"))
		w.rewrites(func(lines []string) []string { return replaced(lines, deputy, mine) })
		return w.steps("release")
	}},
	// The same: a project key that nobody sealed.
	{"a project key with other bytes", "released", 6, "", damaged, func(w *attacker) [][]string {
		sealed := w.decision().ProjectKey.Sealed
		w.rewrites(func(lines []string) []string { return replaced(lines, sealed["slam"], sealed["primary-care"]) })
		return w.steps("release", "link")
	}},
	// The same, who would have two projects coded alike.
	{"a sealed key moved to another approval", "released", 6, "", damaged, func(w *attacker) [][]string {
		w.second("slam")
		moved := *w.decision().ProjectKey
		moved.Approval, moved.SHA256 = w.other, w.of(w.other).Approval.SHA256()
		w.adds(moved)
		return [][]string{w.release(w.other, "slam"), w.release(w.other, "primary-care")}
	}},
	// The same, in league with a custodian, who signs it.
	{"a sealed key moved by a custodian", "released", 6, "", damaged, func(w *attacker) [][]string {
		w.second("slam")
		key := opened[*pseudonym.CustodianKey](w, w.key("primary-care", "custodian"))
		moved, err := linkage.NewProjectKey(w.of(w.other).Approval, "primary-care", w.decision().ProjectKey.Check, w.decision().ProjectKey.Sealed, key.Signer)
		w.must(err)
		w.adds(moved)
		return [][]string{w.release(w.other, "slam")}
	}},
	// The same: one column more in the signed text. What was given to draft is not read again, and the columns are nowhere else.
	{"an approval widened after signing, its hash kept", "approved", 6, "", damaged, func(w *attacker) [][]string {
		old, wide := w.text(), w.widened()
		w.rewrites(func(lines []string) []string { return replaced(lines, `"text":`+spelt(old), `"text":`+spelt(wide)) })
		return w.steps("release", "link", "publish")
	}},
	{"an approval widened after signing, with its new hash", "approved", 6, "", damaged, func(w *attacker) [][]string {
		old, wide := w.text(), w.widened()
		w.rewrites(func(lines []string) []string {
			return replaced(replaced(lines, `"text":`+spelt(old), `"text":`+spelt(wide)), schemas.Digest([]byte(old)), schemas.Digest([]byte(wide)))
		})
		return w.steps("release", "link", "publish")
	}},
	{"an approval widened after signing, in the signed notes too", "approved", 6, "", damaged, func(w *attacker) [][]string {
		old, wide := w.text(), w.widened()
		w.rewrites(func(lines []string) []string {
			return replaced(replaced(lines, strings.Trim(spelt(old), `"`), strings.Trim(spelt(wide), `"`)), schemas.Digest([]byte(old)), schemas.Digest([]byte(wide)))
		})
		return w.steps("release", "link", "publish")
	}},

	// Somebody named in the approval, a second after its review day: until the last second of that day it stands.
	{"past review", "published", 3, "review", "each", func(w *attacker) [][]string {
		w.at("2026-12-05 23:59:59")
		w.allows(w.everyStep()...)
		w.at("2026-12-06 00:00:00")
		return w.everyStep()
	}},
	// The same, after its last day.
	{"expired", "published", 3, "expired", "each", func(w *attacker) [][]string {
		w.at("2026-12-11 00:00:00")
		return w.everyStep()
	}},
	// The same, before its first day. There is nothing to query yet: linkage has that.
	{"not yet valid", "approved", 3, "not-yet", "each", func(w *attacker) [][]string {
		w.second("slam", "--from", "2026-11-10")
		w.at("2026-11-09 23:59:59")
		return [][]string{w.release(w.other, "slam"), {"link", "--approval", w.other}, {"publish", "--approval", w.other}}
	}},
	// The same, after one Guardian has taken it back.
	{"revoked", "published", 3, "revoked", "each", func(w *attacker) [][]string {
		w.revoke()
		return w.everyStep()
	}},
	// The same, after another request was signed in its place: with the other's first day.
	{"superseded", "published", 3, "superseded", "each", func(w *attacker) [][]string {
		w.other = w.says("approval", "draft", "--supersedes", w.id, "--users", "others", "--from", "2026-11-20")["id"].(string)
		w.sign(w.other, "primary-care", "slam")
		w.at("2026-11-19 23:59:59")
		w.allows(w.everyStep()...)
		w.at("2026-11-20 00:00:00")
		return w.everyStep()
	}},
	// Whoever sets the machine's clock.
	{"the clock set back before a revocation", "published", 3, "revoked", "each", func(w *attacker) [][]string {
		w.at("2026-11-20 12:00:00")
		w.revoke()
		w.at("2026-11-02 12:00:00")
		return w.everyStep()
	}},
	{"the clock set back before the last day", "published", 3, "review", "each", func(w *attacker) [][]string {
		w.at("2026-12-06 00:00:00")
		w.gives(w.steps("link")[0]...) // which is refused, and recorded
		w.at("2026-11-02 12:00:00")
		return w.everyStep()
	}},
	// A Guardian's machine whose clock is years ahead: nobody after it could sign anything any more.
	{"a record dated far in the future", "half", 3, "clock", "sign", func(w *attacker) [][]string { return w.imports(w.now().AddDate(5, 0, 0), w.made("slam")) }},
	// The operator, with the ledger's key.
	{"a record dated far in the future, forged in", "approved", 6, "", damaged, func(w *attacker) [][]string {
		w.addsAt(w.now().AddDate(5, 0, 0), linkage.DeniedRecord{Action: linkage.ActionLink, Check: linkage.CheckRevoked})
		return w.steps("release", "link", "publish")
	}},
	// The same: the record's own clock is set to a day on which the approval will live.
	{"a head dated in the future", "approved", 3, "not-yet", "each", func(w *attacker) [][]string {
		w.second("slam", "--from", "2026-11-10")
		w.heads(time.Date(2026, 11, 10, 12, 0, 0, 0, time.UTC))
		return [][]string{w.release(w.other, "slam"), {"link", "--approval", w.other}, {"publish", "--approval", w.other}}
	}},

	// The operator, who puts back an honest older copy of the whole ledger. The custodian's tool saw the later one.
	{"a ledger cut back to before a revocation", "released", 6, "", damaged, func(w *attacker) [][]string {
		older := w.keepsLedger()
		w.revoke()
		w.restores(older)
		return append(w.steps("release", "link", "publish"), []string{"approval", "verify"}, []string{"hub", "status"})
	}},
	// The same, shown to an auditor who was never here, and has kept the later head.
	{"a ledger cut back, held against a kept head", "released", 6, "", damaged, func(w *attacker) [][]string {
		older := w.keepsLedger()
		w.revoke()
		w.must(os.WriteFile(w.file("kept"), w.reads(w.in("ledger", "head")), 0o600))
		w.restores(older)
		w.forgets()
		return [][]string{{"approval", "verify", w.in("ledger"), "--head", w.file("kept")}}
	}},
	// The same, with two ledgers of one length, each signed with its key, one for either Guardian.
	{"a forked ledger", "half", 6, "", damaged, func(w *attacker) [][]string {
		fork := w.keepsLedger()
		w.says(w.signAs("slam")[0]...)
		seen := w.keepsLedger()
		w.restores(fork)
		w.forgets()
		w.says("approval", "refuse", w.id, "--guardian", w.key("slam", "guardian"), "--reason", "On the other branch")
		w.restores(seen)
		return [][]string{{"approval", "verify"}, {"approval", "show", w.id}, w.steps("release")[0]}
	}},
	// Whoever can write to the folder.
	{"the ledger deleted", "approved", 6, "", damaged, func(w *attacker) [][]string {
		w.must(os.RemoveAll(w.in("ledger")))
		return append(w.steps("release", "link", "publish"), []string{"approval", "verify"})
	}},
	{"the ledger's head deleted", "approved", 6, "", damaged, func(w *attacker) [][]string {
		w.must(os.Remove(w.in("ledger", "head")))
		return append(w.steps("release", "link", "publish"), []string{"approval", "verify"})
	}},
	{"the ledger's records deleted", "approved", 6, "", damaged, func(w *attacker) [][]string {
		w.must(os.Remove(w.in("ledger", "records")))
		return append(w.steps("release", "link", "publish"), []string{"approval", "verify"})
	}},

	// A custodian who gives more than was approved, and signs it.
	{"columns beyond scope", "released", 3, "scope", "link", func(w *attacker) [][]string {
		w.widens("slam")
		return w.steps("link")
	}},
	// A custodian whose dataset nobody asked for.
	{"a dataset beyond the pair", "approved", 3, "scope", "release", func(w *attacker) [][]string { return [][]string{w.release(w.id, "maternity")} }},
	// A linking analyst with the releases of A with B and of A with C.
	{"A-B and A-C used for B-C", "released", 3, "scope", "link", func(w *attacker) [][]string {
		w.both()
		return [][]string{w.links(w.id, w.released("slam"), w.otherReleased("maternity")), w.links(w.other, w.otherReleased("maternity"), w.released("slam"))}
	}},
	{"A-B and A-C used for A-B-C", "released", 3, "scope", "link", func(w *attacker) [][]string {
		w.both()
		return [][]string{w.links(w.id, w.released("primary-care"), w.released("slam"), w.otherReleased("maternity"))}
	}},
	{"A of A-C used for A-B", "released", 6, "", damaged, func(w *attacker) [][]string {
		w.both()
		return [][]string{w.links(w.id, w.otherReleased("primary-care"), w.released("slam"))}
	}},
	// Two Guardians of three, and the operator.
	{"two Guardians replace the third", "drafted", 3, "trust", "trust", func(w *attacker) [][]string {
		return [][]string{{"hub", "trust", "--dataset", "slam", "--guardian", w.public(w.newKey("slam", "new")), "--by", w.key("primary-care", "guardian"), "--by", w.key("maternity", "guardian")}}
	}},
	// The same, with the ledger's key.
	{"two Guardians replace the third, forged in", "drafted", 6, "", damaged, func(w *attacker) [][]string {
		change := linkage.TrustRecord{Dataset: "slam", Guardian: w.public(w.newKey("slam", "new"))}
		statement, err := w.decisions().Trust().Statement(change)
		w.must(err)
		change.By = []string{w.notes(statement.Text, w.key("primary-care", "guardian")), w.notes(statement.Text, w.key("maternity", "guardian"))}
		w.adds(change)
		return [][]string{{"hub", "status"}}
	}},

	// Whoever hands a Guardian yesterday's request, in which nothing is revoked.
	{"an old request after a newer one was seen", "half", 6, "", noHub, func(w *attacker) [][]string {
		older := w.exports("older")
		w.revoke()
		newer := w.exports("newer")
		w.forgets()
		w.away()
		w.says("approval", "show", newer)
		return [][]string{{"approval", "show", older}, {"approval", "verify", older}, {"approval", "import", older},
			{"approval", "sign", older, "--guardian", w.key("slam", "guardian"), "--out", w.file("answer2")}}
	}},
	// Whoever carries a Guardian's answer: to another dataset, request or hub.
	{"an answer moved to another dataset", "half", 3, "scope", "sign", func(w *attacker) [][]string {
		b := w.made("slam")
		b.Dataset = "maternity"
		return w.imports(w.now(), b)
	}},
	{"an answer moved to another request", "half", 3, "text", "sign", func(w *attacker) [][]string {
		b := w.made("slam")
		w.other = w.drafts("slam", "2026-11-02", "2026-12-10")
		b.Approval, b.SHA256 = w.other, w.of(w.other).Approval.SHA256()
		return w.imports(w.now(), b)
	}},
	{"an answer moved to another hub", "half", 3, "hub", "sign", func(w *attacker) [][]string {
		args := w.imports(w.now(), w.made("slam"))
		w.says("hub", "init", w.file("another"))
		w.world["DATANET_HUB"] = w.file("another")
		return args
	}},
	// A deputy, a second after their last day: until its last second they sign.
	{"a deputy after their last day", "half", 3, "signer", "each", func(w *attacker) [][]string {
		deputy := w.newKey("slam", "deputy")
		w.says("hub", "trust", "--dataset", "slam", "--deputy", w.public(deputy), "--until", "2026-11-15", "--by", w.key("slam", "guardian"))
		w.at("2026-11-15 23:59:59")
		w.allows(append(w.signWith(deputy)[0], "--out", w.file("in-time")))
		w.at("2026-11-16 00:00:00")
		return [][]string{w.signWith(deputy)[0], {"approval", "refuse", w.id, "--guardian", deputy, "--reason", "Too late"}, {"approval", "revoke", w.id, "--guardian", deputy, "--reason", "Too late"}}
	}},
	// A Guardian who has left.
	{"a former Guardian's key", "half", 3, "signer", "each", func(w *attacker) [][]string {
		w.says("hub", "trust", "--dataset", "slam", "--guardian", w.public(w.newKey("slam", "new")), "--by", w.key("slam", "guardian"), "--by", w.key("primary-care", "guardian"))
		former := w.key("slam", "guardian")
		return [][]string{w.signWith(former)[0], {"approval", "refuse", w.id, "--guardian", former, "--reason", "As before"}, {"approval", "revoke", w.id, "--guardian", former, "--reason", "As before"}}
	}},

	// Beyond the list. Whoever runs the hub, and asks nobody.
	{"a dataset published without an approval", "loaded", 3, "policy", "publish", func(w *attacker) [][]string { return [][]string{{"publish", "--dataset", "slam"}} }},
	{"a first Guardian replaced before anybody asked", "loaded", 6, "", damaged, func(w *attacker) [][]string {
		w.usurps("primary-care", "slam")
		return w.steps("release")
	}},
	// Whoever can write to the folder, puts an older state back, and waits for the custodian to give all extracts again.
	{"an older state recorded by a load that is a skip", "loaded", 6, "", damaged, func(w *attacker) [][]string {
		w.must(copyTree(w.in("datasets"), w.file("older")))
		w.says(w.load("Z99002")...)
		w.must(os.RemoveAll(w.in("datasets")))
		w.must(os.Rename(w.file("older"), w.in("datasets")))
		return [][]string{w.load("Z99001"), {"publish"}}
	}},
	// Whoever can write to the folder, and puts a hub of their own there, with Guardians of their own and the custodians' datasets.
	{"a hub of one's own in the place of the real one", "loaded", 6, "", damaged, func(w *attacker) [][]string {
		trust := w.decisions().Trust()
		w.must(os.Rename(w.in(), w.file("real")))
		w.must(os.Rename(w.file("hub.keys"), w.file("real.keys")))
		w.says("hub", "init", w.in())
		w.must(os.RemoveAll(w.in("datasets")))
		w.must(copyTree(w.file("real/datasets"), w.in("datasets")))
		for _, dataset := range []string{"primary-care", "slam"} {
			w.says("hub", "trust", "--dataset", dataset, "--custodian", trust.Dataset(dataset).Custodian)
			w.appends(linkage.LoadRecord{Dataset: dataset, Site: "Z99001", Sequence: 1, AsAt: "2026-10-31", Manifest: schemas.Digest(nil), State: schemas.Digest(w.reads(w.in("datasets", dataset, "state")))})
		}
		w.usurps("primary-care", "slam")
		return w.steps("release")
	}},
	// The same, with a publisher's key of their own and the hub's policy.
	{"another publisher in hub.json", "loaded", 6, "", damaged, func(w *attacker) [][]string {
		h, err := hub.Open(w.in())
		w.must(err)
		mine, err := pseudonym.NewPublisherKey(h.ID, w.now())
		w.must(err)
		identity, err := (&app{err: io.Discard, env: func(name string) string { return w.world[name] }}).recipients(nil)
		w.must(err)
		w.must(pseudonym.Write(w.file("mine"), mine, identity...))
		w.writes(w.in("hub.json"), bytes.ReplaceAll(w.reads(w.in("hub.json")), []byte(h.Publisher), []byte(mine.Public())))
		return [][]string{{"publish", "--publisher", w.file("mine")}, {"hub", "verify"}}
	}},
}

// TestAttacks gives each attack a world of its own. What is refused is refused by the named check, and writes nothing but that, into the
// record of decisions and the audit log.
func TestAttacks(t *testing.T) {
	if testing.Short() {
		t.Skip("makes a borough")
	}
	stages := attackStages(t)
	t.Run("what is forged without a change is believed", func(t *testing.T) { believesForgers(enter(t, stages, "half")) })
	t.Run("every byte of a release", func(t *testing.T) { everyByteOfARelease(enter(t, stages, "released")) })
	for _, x := range attacks {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			w := enter(t, stages, x.stage)
			for _, args := range x.try(w) {
				w.tries(x, args)
			}
		})
	}
}
