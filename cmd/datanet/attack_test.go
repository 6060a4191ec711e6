package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

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

// An attacker stands in a world of their own, in which a request for primary care with the mental-health trust is under way.
type attacker struct {
	*storyteller
	id, other string // of the request; and of another one, once it is there

	path    string   // of a file that is changed before each try, and then put back
	changed [][]byte // what it is changed to
}

// attackStages tells the story up to each stage.
func attackStages(t *testing.T) map[string]*storyteller {
	s, stages := tellStory(t), map[string]*storyteller{}
	s.at("2026-11-01 12:00:00")
	stage := func(name string) { stages[name] = s.copied(t) }
	s.founds()
	for _, o := range theSites {
		extracted := s.extracts(o.dataset, o.site, o.source)
		if o.site != "Z99002" { // whose extract is on its way
			s.loads(o.dataset, extracted)
		}
	}
	stage("loaded")
	id := s.drafts("slam", "2026-11-01", "2026-12-10", "--review", "2026-12-05")
	stage("drafted")
	s.sign(id, "primary-care")
	stage("half")
	s.sign(id, "slam")
	stage("approved")
	s.releases(id, "primary-care", "slam")
	stage("released")
	s.says("link", "--approval", id)
	s.says("publish", "--approval", id)
	stage("published")
	return stages
}

// copied is the same world once more, elsewhere.
func (s *storyteller) copied(t *testing.T) *storyteller {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "world")
	if err := copyTree(s.dir, dir); err != nil {
		t.Fatal(err)
	}
	world := map[string]string{}
	for name, path := range s.world {
		world[name] = filepath.Join(dir, strings.TrimPrefix(path, s.dir))
	}
	return &storyteller{t, dir, world, s.now}
}

func enter(t *testing.T, stages map[string]*storyteller, name string) *attacker {
	t.Helper()
	return &attacker{storyteller: stages[name].copied(t), id: "2026-001"}
}

// tries gives a command, once for each change of a file.
func (w *attacker) tries(x attack, args []string) {
	w.Helper()
	if w.path == "" {
		w.repels(x, args)
		return
	}
	whole := w.reads(w.path)
	for _, changed := range w.changed {
		w.writes(w.path, changed)
		w.repels(x, args)
	}
	w.writes(w.path, whole)
}

// repels gives a command that must be refused as the table says.
func (w *attacker) repels(x attack, args []string) {
	w.Helper()
	before, records := w.standing(), w.ledger()
	code, out, errs := w.gives(append(args, "--json")...)
	var said struct {
		Error struct {
			Code           int
			Message, Check string
			Hints          []string
		}
	}
	if err := json.Unmarshal([]byte(errs), &said); err != nil || code != x.code || said.Error.Code != x.code || said.Error.Check != x.check || len(said.Error.Hints) == 0 || len(out) > 0 {
		w.Errorf("datanet %s: exit code %d, want %d and the check %q: %s%s", strings.Join(args, " "), code, x.code, x.check, out, errs)
	}
	if left := different(before, w.standing()); len(left) > 0 {
		w.Errorf("datanet %s left, took or changed: %s", strings.Join(args, " "), strings.Join(left, ", "))
	}
	added, grown := strings.CutPrefix(w.ledger(), records)
	if strings.HasPrefix(x.denied, "none: ") {
		if !grown || added != "" {
			w.Errorf("datanet %s: the record of decisions was changed: %s", strings.Join(args, " "), added)
		}
		return
	}
	record, err := linkage.ParseRecord([]byte(strings.TrimSuffix(added, "\n")))
	if !grown || err != nil || record.Kind != linkage.KindDenied {
		w.Fatalf("datanet %s: not recorded as denied: %v: %s", strings.Join(args, " "), err, added)
	}
	body, err := record.Decode()
	w.must(err)
	if denied := body.(linkage.DeniedRecord); string(denied.Action) != x.action(args) || denied.Check != x.check {
		w.Errorf("datanet %s: recorded as %+v", strings.Join(args, " "), denied)
	}
}

// standing is every file that there is, with the time of its last change: of the hub, all but the ledger, the audit log and locks.
func (w *attacker) standing() []string {
	w.Helper()
	return slices.DeleteFunc(strings.Split(w.listed(), "\n"), func(line string) bool {
		return strings.Contains(line, "/lock ") || strings.HasPrefix(line, "another/ledger/") || strings.HasPrefix(line, "another/audit/")
	})
}

// different are the lines that only one of two lists has.
func different(before, after []string) (lines []string) {
	for _, lists := range [][2][]string{{before, after}, {after, before}} {
		for _, line := range lists[0] {
			if !slices.Contains(lists[1], line) {
				lines = append(lines, line)
			}
		}
	}
	return lines
}

// action is what the denied record says was asked for.
func (x attack) action(args []string) string {
	switch {
	case x.denied != "each":
		return x.denied
	case args[0] == "approval":
		return args[1]
	}
	return args[0]
}

// ledger is what the records hold, at the hub that is at hand.
func (w *attacker) ledger() string {
	raw, err := os.ReadFile(filepath.Join(cmp.Or(w.world["DATANET_HUB"], w.in()), "ledger", "records"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		w.Fatal(err)
	}
	return string(raw)
}

func (w *attacker) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *attacker) reads(path string) []byte {
	w.Helper()
	raw, err := os.ReadFile(path)
	w.must(err)
	return raw
}

func (w *attacker) writes(path string, raw []byte) {
	w.Helper()
	info, err := os.Stat(path)
	w.must(err)
	w.must(os.WriteFile(path, raw, 0o600))
	w.must(os.Chtimes(path, info.ModTime(), info.ModTime()))
}

// in is a path in the hub.
func (w *attacker) in(parts ...string) string {
	return filepath.Join(append([]string{w.file("hub")}, parts...)...)
}

func (w *attacker) released(dataset string, file ...string) string {
	return w.in(append([]string{"projects", w.id, "releases", dataset}, file...)...)
}

func (w *attacker) otherReleased(dataset string) string {
	return w.in("projects", w.other, "releases", dataset)
}

func (w *attacker) extract(file string) string {
	return w.file(filepath.Join("extracts", "primary-care_Z99002_2026-10-31", file))
}

func (w *attacker) load(site string) []string {
	return []string{"load", w.file("extracts/primary-care_" + site + "_2026-10-31"), "--custodian", w.key("primary-care", "custodian")}
}

func (w *attacker) release(id, dataset string) []string {
	return []string{"release", "--approval", id, "--dataset", dataset, "--custodian", w.key(dataset, "custodian")}
}

func (w *attacker) links(id string, releases ...string) []string {
	args := []string{"link", "--approval", id}
	for _, dir := range releases {
		args = append(args, "--release", dir)
	}
	return args
}

// steps are those that the approval allows, as commands.
func (w *attacker) steps(names ...string) (all [][]string) {
	for _, name := range names {
		all = append(all, map[string][]string{
			"release": w.release(w.id, "slam"), "link": {"link", "--approval", w.id}, "publish": {"publish", "--approval", w.id},
			"query": {"query", "--measure", "smi-blood-pressure", "--approval", w.id},
		}[name])
	}
	return all
}

func (w *attacker) everyStep() [][]string { return w.steps("release", "link", "publish", "query") }

// allows gives commands that must succeed.
func (w *attacker) allows(commands ...[]string) {
	w.Helper()
	for _, args := range commands {
		w.says(args...)
	}
}

func (w *attacker) signWith(key string) [][]string {
	return [][]string{{"approval", "sign", w.id, "--guardian", key}}
}

func (w *attacker) signAs(dataset string) [][]string { return w.signWith(w.key(dataset, "guardian")) }

func (w *attacker) revoke() {
	w.Helper()
	w.says("approval", "revoke", w.id, "--guardian", w.key("slam", "guardian"), "--reason", "The study has ended")
}

func (w *attacker) applicant() string { return w.key("applicant-slam2026-11-012026-12-10", "key") }

// newKey makes a Guardian's key that nobody has recorded.
func (w *attacker) newKey(dataset, name string) string {
	w.Helper()
	path := w.file(name + ".key")
	w.says("key", "guardian", "--dataset", dataset, "--name", name, "--out", path)
	return path
}

func (w *attacker) public(key string) string {
	w.Helper()
	return w.says("key", "show", "--public", key)["public"].(string)
}

// opened is a key that somebody in the story holds.
func opened[K pseudonym.Key](w *attacker, path string) K {
	w.Helper()
	key, err := openKey[K](&app{err: io.Discard, env: func(name string) string { return w.world[name] }}, path)
	w.must(err)
	return key
}

// notes signs a text with a Guardian's key, whatever it is.
func (w *attacker) notes(text, key string) string {
	w.Helper()
	signed, err := opened[*pseudonym.GuardianKey](w, key).Signer.SignNote(text)
	w.must(err)
	return string(signed)
}

func (w *attacker) decisions() *linkage.Decisions {
	w.Helper()
	l, err := linkage.OpenFolder(w.in("ledger"))
	w.must(err)
	d, err := l.Decisions()
	w.must(err)
	return d
}

func (w *attacker) of(id string) *linkage.Decision { return w.decisions().Of(id) }
func (w *attacker) decision() *linkage.Decision    { return w.of(w.id) }
func (w *attacker) text() string                   { return w.decision().Approval.Text() }
func (w *attacker) hash() string                   { return w.decision().Approval.SHA256() }

// made is an honest signature, not given in yet.
func (w *attacker) made(dataset string) linkage.SignatureRecord {
	return linkage.SignatureRecord{Approval: w.id, SHA256: w.hash(), Dataset: dataset, Note: w.notes(w.text(), w.key(dataset, "guardian"))}
}

// signature is the one of primary care's Guardian, filed for a dataset.
func (w *attacker) signature(dataset string) linkage.SignatureRecord {
	b := w.made("primary-care")
	b.Dataset = dataset
	return b
}

// imports writes a decision to a file, as if it had been made from a request, and gives it in.
func (w *attacker) imports(at time.Time, b linkage.Body) [][]string {
	w.Helper()
	record, err := linkage.NewRecord(at.UTC(), b)
	w.must(err)
	l, err := linkage.OpenFolder(w.in("ledger"))
	w.must(err)
	raw, err := linkage.CarryAnswer(l.Hub(), record)
	w.must(err)
	w.must(os.WriteFile(w.file("answer"), raw, 0o600))
	return [][]string{{"approval", "import", w.file("answer")}}
}

// exports writes the request to a file.
func (w *attacker) exports(name string) string {
	w.Helper()
	w.says("approval", "export", w.id, "--out", w.file(name))
	return w.file(name)
}

// away is a machine without a hub.
func (w *attacker) away(commands ...[]string) [][]string {
	w.world["DATANET_HUB"] = ""
	return commands
}

// forgets makes it the machine of somebody who was never here.
func (w *attacker) forgets() { w.must(os.RemoveAll(w.file("home"))) }

// second has another request signed by everybody.
func (w *attacker) second(dataset string, more ...string) {
	w.Helper()
	w.other = w.drafts(dataset, "2026-11-01", "2026-12-09", more...)
	w.sign(w.other, "primary-care", dataset)
}

// both has primary care released once with the trust and once with maternity.
func (w *attacker) both() {
	w.Helper()
	w.second("maternity")
	w.releases(w.other, "primary-care", "maternity")
}

// eachByte has a file changed before each try: its first byte, its middle, its last, and one in each line; and cut off there. What some lines say
// is left out.
func (w *attacker) eachByte(path string, args []string, but ...string) [][]string {
	w.Helper()
	w.path = path
	whole := w.reads(path)
	start := 0
	for _, line := range but {
		if bytes.HasPrefix(whole, []byte(line)) {
			start = len(line)
		}
	}
	places := []int{start, len(whole) / 2, len(whole) - 1}
	for at := start; at < len(whole); {
		end := bytes.IndexByte(whole[at:], '\n')
		if end < 0 || len(places) > mostPlaces {
			break
		}
		places = append(places, at+end/2)
		at += end + 1
	}
	for _, at := range places {
		changed := bytes.Clone(whole)
		changed[at] ^= 1
		w.changed = append(w.changed, changed, whole[:at])
	}
	return [][]string{args}
}

// mostPlaces keeps long files, in which a line is like the others, from taking long.
const mostPlaces = 60

// widened is the text of the request with a column more.
func (w *attacker) widened() string {
	a := w.decision().Approval
	more := w.unasked("slam")
	for i, scope := range a.Datasets {
		if scope.Dataset == "slam" {
			beside := slices.IndexFunc(scope.Columns, func(c linkage.Column) bool { return c.Table == more.Table })
			a.Datasets[i].Columns = slices.Insert(scope.Columns, beside+1, more)
		}
	}
	text := a.Text()
	if _, err := linkage.ParseApproval(text); err != nil {
		w.Fatal(err) // it must be a good request, that nobody signed
	}
	return text
}

// unasked is a column that the request does not name.
func (w *attacker) unasked(dataset string) linkage.Column {
	d, err := schemas.DatasetByID(dataset)
	w.must(err)
	for _, t := range d.Tables {
		asked := w.decision().Approval.Columns(dataset, t.Name)
		for _, column := range t.ColumnNames() {
			if len(asked) > 0 && !slices.Contains(asked, column) {
				return linkage.Column{Table: t.Name, Name: column}
			}
		}
	}
	w.Fatal("everything is asked for")
	return linkage.Column{}
}

// spelt is a text as a record spells it.
func spelt(text string) string {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(text); err != nil {
		panic(err)
	}
	return strings.TrimSuffix(out.String(), "\n")
}

func replaced(lines []string, old, fresh string) []string {
	return strings.Split(strings.ReplaceAll(strings.Join(lines, "\n"), old, fresh), "\n")
}

// rewrites changes the record of decisions as whoever holds the ledger's key can, with other software: any lines, and a head that is signed
// for them. Nobody has seen another head.
func (w *attacker) rewrites(change func(lines []string) []string) {
	w.Helper()
	old := strings.Split(strings.TrimSuffix(w.ledger(), "\n"), "\n")
	lines := change(slices.Clone(old))
	if slices.Equal(lines, old) {
		w.Fatal("nothing was rewritten")
	}
	w.forgets()
	w.signsLedger(lines, w.now())
}

// usurps makes the attacker the Guardian of datasets, and has a request of their own signed.
func (w *attacker) usurps(datasets ...string) {
	w.Helper()
	for _, dataset := range datasets {
		w.says("hub", "trust", "--dataset", dataset, "--guardian", w.public(w.newKey(dataset, "mine-"+dataset)))
	}
	w.id = w.drafts("slam", "2026-11-01", "2026-12-10")
	for _, dataset := range datasets {
		w.says("approval", "sign", w.id, "--guardian", w.file("mine-"+dataset+".key"))
	}
}

// appends adds a record that any hub's operator could add.
func (w *attacker) appends(b linkage.Body) {
	w.Helper()
	key, err := pseudonym.Read[*pseudonym.LedgerKey](w.file("hub.keys/ledger.key"), pseudonym.Unlock{})
	w.must(err)
	l, err := linkage.OpenFolder(w.in("ledger"))
	w.must(err)
	w.must(appendRecord(l, key, w.now(), b))
}

func (w *attacker) adds(b linkage.Body) { w.addsAt(w.now(), b) }

func (w *attacker) addsAt(at time.Time, b linkage.Body) {
	w.Helper()
	record, err := linkage.NewRecord(at.UTC(), b)
	w.must(err)
	line, err := record.Line()
	w.must(err)
	w.rewrites(func(lines []string) []string { return append(lines, string(line)) })
}

// heads signs a new head for what is there.
func (w *attacker) heads(at time.Time) {
	w.Helper()
	w.signsLedger(strings.Split(strings.TrimSuffix(w.ledger(), "\n"), "\n"), at)
}

func (w *attacker) signsLedger(lines []string, at time.Time) {
	w.Helper()
	var hashes []tlog.Hash
	stored := tlog.HashReaderFunc(func(indexes []int64) (found []tlog.Hash, err error) {
		for _, i := range indexes {
			found = append(found, hashes[i])
		}
		return found, nil
	})
	for n, line := range lines {
		more, err := tlog.StoredHashes(int64(n), []byte(line), stored)
		w.must(err)
		hashes = append(hashes, more...)
	}
	root, err := tlog.TreeHash(int64(len(lines)), stored)
	w.must(err)
	origin, _, _ := strings.Cut(string(w.reads(w.in("ledger", "head"))), "\n")
	text := fmt.Sprintf("%s\n%d\n%s\ntime %s\n", origin, len(lines), root, at.UTC().Format("2006-01-02T15:04:05Z"))
	key, err := pseudonym.Read[*pseudonym.LedgerKey](w.file("hub.keys/ledger.key"), pseudonym.Unlock{})
	w.must(err)
	head, err := key.Signer.SignNote(text)
	w.must(err)
	w.writes(w.in("ledger", "records"), []byte(strings.Join(lines, "\n")+"\n"))
	w.writes(w.in("ledger", "head"), head)
}

// keepsLedger is the ledger as it is, to be put back.
func (w *attacker) keepsLedger() map[string][]byte {
	w.Helper()
	return map[string][]byte{"records": w.reads(w.in("ledger", "records")), "head": w.reads(w.in("ledger", "head"))}
}

func (w *attacker) restores(kept map[string][]byte) {
	w.Helper()
	for name, raw := range kept {
		w.writes(w.in("ledger", name), raw)
	}
}

// flips changes the byte that lies some way before a mark, at its last place in the file.
func (w *attacker) flips(path, mark string, before int) {
	w.Helper()
	raw := w.reads(path)
	raw[bytes.LastIndex(raw, []byte(mark))-before] ^= 1
	w.writes(path, raw)
}

// widens puts in the place of a release one that holds a column more, honestly made under another request and then described as this one's, and
// signed, by the dataset's custodian.
func (w *attacker) widens(dataset string) {
	w.Helper()
	a, err := linkage.ParseApproval(w.widened())
	w.must(err)
	var columns strings.Builder
	for _, scope := range a.Datasets {
		for _, c := range scope.Columns {
			fmt.Fprintln(&columns, scope.Dataset, c.Table, c.Name)
		}
	}
	w.must(os.WriteFile(w.file("columns"), []byte(columns.String()), 0o600))
	w.second(dataset, "--columns", w.file("columns"))
	w.releases(w.other, "primary-care", dataset)
	narrow, err := schemas.DecodeRelease(w.reads(w.released(dataset, hub.ReleaseFile)))
	w.must(err)
	w.must(os.RemoveAll(w.released(dataset)))
	w.must(os.Rename(w.otherReleased(dataset), w.released(dataset)))
	wide, err := schemas.DecodeRelease(w.reads(w.released(dataset, hub.ReleaseFile)))
	w.must(err)
	wide.Approval, wide.ApprovalSHA256, wide.ProjectCheck = narrow.Approval, narrow.ApprovalSHA256, narrow.ProjectCheck
	signed, err := opened[*pseudonym.CustodianKey](w, w.key(dataset, "custodian")).Signer.SignNote(schemas.Statement("release", schemas.Digest(wide.Encode())))
	w.must(err)
	w.writes(w.released(dataset, hub.ReleaseFile), wide.Encode())
	w.writes(w.released(dataset, hub.ReleaseSig), signed)
}

// believesForgers: what whoever holds the ledger's key signs anew without a change is accepted, so that what is refused in the table is
// refused for its change.
func believesForgers(w *attacker) {
	w.forgets()
	w.heads(w.now())
	w.says("approval", "verify")
	w.adds(w.made("slam"))
	w.allows(w.release(w.id, "slam"), w.release(w.id, "primary-care"))
}

// everyByteOfARelease: whatever is changed in a release's description or its signature, it is no longer what its custodian signed and
// the record of decisions has.
func everyByteOfARelease(w *attacker) {
	trusted, recorded := w.decisions().Trust().Dataset("slam").CustodianVKey, w.decision().Releases[1]
	holds := func() bool {
		x, err := hub.OpenRelease(w.released("slam"))
		if err != nil {
			return false
		}
		defer x.Close()
		text, err := pseudonym.VerifyNote(x.Signature, trusted)
		return err == nil && text == schemas.Statement("release", x.Digest) && x.Digest == recorded.Release
	}
	if recorded.Dataset != "slam" || !holds() {
		w.Fatal("the release itself does not hold")
	}
	for _, name := range []string{hub.ReleaseFile, hub.ReleaseSig} {
		path := w.released("slam", name)
		whole := w.reads(path)
		for at := range whole {
			for _, changed := range [][]byte{whole[:at], append(append(bytes.Clone(whole[:at]), whole[at]^1), whole[at+1:]...), append(append(bytes.Clone(whole[:at]), whole[at]^0x20), whole[at+1:]...)} {
				w.must(os.WriteFile(path, changed, 0o600))
				if holds() {
					w.Fatalf("%s: with byte %d changed it holds", name, at)
				}
			}
		}
		w.writes(path, whole)
	}
}
