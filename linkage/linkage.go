// Package linkage holds what must be true before people are matched across datasets: Caldicott approvals, the hub's record of
// decisions, which this package calls the ledger, who is trusted for which dataset, and the rule of the join.
//
// # Promise
//
// The ledger is append-only. A record whose Append returned is there after a crash. Whoever remembers a signed head can
// tell whether a later ledger still begins with the same records; changing, removing, inserting or reordering a
// record that the head counts is refused by Open, as is any change of the head itself.
//
// Check gives a Permit only under an approval that the Guardian of every one of its datasets has signed, byte for byte, that none
// of them has revoked, on a day inside its dates, and for what it names. Nobody makes a Permit without Check.
//
// # Folder
//
// A ledger is a folder of small text files:
//
//	records   one JSON object a line; a line without its line feed is one leaf of the Merkle tree
//	head      the signed head: how many records, the root of their tree, when
//	next      the signed announcement of the line about to be written, for repair after a crash
//	lock      held (flock) by the one writer
//
// A record has three fields in this order, and one accepted spelling: fields in the order given by its type, no
// spaces, no unknown and no repeated field, times in whole seconds of UTC.
//
//	{"kind":"load","time":"2026-11-01T09:30:00Z","body":{"dataset":"primary-care","site":"Z99001","sequence":1,…}}
//
// Hashes are those of RFC 6962: a leaf is SHA-256(0x00 ‖ line), a node SHA-256(0x01 ‖ left ‖ right), the
// root of no records SHA-256 of nothing. Record 0, and no other, is of kind hub and names the hub and the ledger's key.
//
// The head is a C2SP checkpoint (origin, size, root in base64) with one extension line, the time of writing,
// signed as a note (golang.org/x/mod/sumdb/note) by the ledger key, with exactly one signature:
//
//	datanet/v1/ledger/000102030405060708090a0b0c0d0e0f
//	1
//	jFC0IshjuHapQ+4Gd3T12y3YH/8vW9dbPi5fqaGZpys=
//	time 2026-11-01T09:00:00Z
//
//	— ledger p5K7IUcJNCRCMMZtYrT/9xoypZ8smpOve+qZ7NCYwlVJ4NPfIPjJEFh9WXy2ngEOxqBOKPwroxIgzz1+TVuIBJ0AgQQ=
//
// Example makes these bytes and reads them back. The head's time never goes back. A record may be dated before it
// was appended (signatures travel), but not more than 24 hours ahead of both the last head and the clock, or one wrong
// clock would age every later approval. For the same reason nothing is written with a clock more than 400 days after the last head;
// Resign, which signs the same records again with the present time, can be told that the clock is right.
//
// # Writing
//
// One writer at a time holds lock. It replaces next by the signed hash of the line, appends the line to records and
// syncs it, then replaces head. At a crash between any two of these, records holds at most one line, or part of one,
// that the head does not count. Readers leave it out. The next writer takes it in if next announced it, and cuts it
// off if not: a torn write, or a line that somebody without the ledger key put there. Nobody was told that it was
// recorded, so either is right. Two or more such lines cannot come from a crash and are refused.
//
// A writer that has the ledger open reads the head again and only what was added since, and checks the root of the whole tree, whose
// earlier part it keeps. So the next head is always of the records that were read, and a change behind the writer's back in those
// on disk is found by the next Open and by Verify, which read everything.
//
// # Proofs
//
// Prove gives a file that shows one record's place in the ledger to whoever has the record's line and the ledger's verifier key. It is a C2SP
// tlog-proof (c2sp.org/tlog-proof) without extra data: the record's number, the hashes from the leaf's sibling to the root's
// child, an empty line, the signed head. Only this one spelling is read.
//
//	c2sp.org/tlog-proof@v1
//	index 1
//	jFC0IshjuHapQ+4Gd3T12y3YH/8vW9dbPi5fqaGZpys=
//
//	datanet/v1/ledger/000102030405060708090a0b0c0d0e0f
//	2
//	rldyEt3LHvdT+ROzeL8A/iNUeiaEJLCD5o3dyhRT+yE=
//	time 2026-11-01T09:00:00Z
//
//	— ledger p5K7IUVx4vUMCxO2nsPVCs80BGyoZnoIwPVKehvksG2iwkmnyO8J/bTIGI9VZ9htmkrmzzWl37Tqs2MbBtdEd7VxJQA=
//
// ExampleProof makes such a file and checks it. Consistency gives the hashes with which CheckConsistency shows that of two signed
// heads the newer one extends the older one.
//
// # Export
//
// A whole ledger travels as one text: a line "datanet/v1/export", the signed head, the records. OpenExport makes every check that Open
// makes, except that the key is the one that record 0 names: whoever opens an export compares Key with one they trust.
//
// # Trust
//
// Trust is replayed from the records of kind trust: per dataset a Guardian, deputies, a custodian and sites. One verifier key has one role
// in one dataset, and one that made way never counts again. A key that has been set changes when those whom it concerns have signed a note over
//
//	datanet/v1/trust
//	hub 000102030405060708090a0b0c0d0e0f
//	dataset slam
//	key guardian                  or custodian, deputy, site Z9S01
//	old guardian/slam/a+0f1e2d3c+AQID…    or none
//	new guardian/slam/b+1a2b3c4d+AQID…    or none
//	until 2027-03-31              of a deputy who is named
//
// A Guardian's and a custodian's key take the dataset's present Guardian and the Guardian of another dataset, from the first request on; before
// it, nobody. A site's takes the custodian. A deputy is named and ended by the Guardian, ends with the Guardian's key, and may be named for
// longer, not for less long. A deputy's signature, refusal or revocation counts as the Guardian's.
//
// # Approvals
//
// An approval is one text: ASCII, lines of "key value" that end in a line feed, every key in this order, single spaces. Only
// user, dataset and pair may stand on several lines, and pair on none. A text is read only if writing it again gives the same bytes.
//
//	datanet/v1/approval
//	id 2026-001
//	title Mental illness and diabetes by ward
//	summary We want to see where people live who have both.
//	purpose Planning of community services
//	legal-basis UK GDPR 6(1)(e) and 9(2)(h)
//	dpia DPIA-2026-014
//	applicant applicant+08ede315+ARx4x3nQss5Va+yf+l8ovwsXbZp1+kKqUZ534S2/Lq5o
//	user Jane Doe
//	dataset primary-care patients person,sex,ward
//	dataset slam patients person
//	dataset slam diagnoses person,icd10
//	pair primary-care:slam
//	denominator primary-care
//	cohort all
//	from 2026-11-01
//	until 2027-12-31
//	review 2027-11-01
//	refresh none
//	opt-outs as-loaded
//	disclosure lattice
//	hub 000102030405060708090a0b0c0d0e0f
//	ledger 4 HpT7Hl0+PSOQxz3fih9cmtSTD4QpbMJVOhcImH00Nlw=
//
// Behind the id may stand "supersedes 2025-009". A request that supersedes another one ends it on the first day on which everybody has signed the one and it has begun, whatever becomes of it
// later. The two share a dataset, so that somebody who could end the other signs.
//
// A dataset line names one table with its exact columns. Every two datasets must be named as a pair: approvals of A with B and of A with
// C give neither B with C nor all three. Dates are days of UTC, the first and the last included; nothing is allowed after the review
// day either. Cohort, refresh and opt-outs have one value each, because this version can keep to no other. The last line is the size and
// root of the ledger that the drafter saw, so that the signatures bind the hub to what it had recorded by then.
//
// A Guardian signs a note (golang.org/x/mod/sumdb/note) over exactly this text, with one signature: a note with a further one is
// refused, known or unknown. A refusal and a revocation are notes over a text of their own, whose first line no other message has; the
// last line may be missing:
//
//	datanet/v1/refusal            or datanet/v1/revocation
//	id 2026-001
//	sha256 6a09e667…              of the approval's text
//	dataset slam
//	reason The purpose is too wide.
//
// The custodian who makes a project's key signs a note over what is recorded of it, by whom and sealed to whom:
//
//	datanet/v1/projectkey
//	id 2026-001
//	sha256 6a09e667…
//	by slam
//	check 0123456789abcdef
//	sealed primary-care <base64>
//	sealed slam <base64>
//
// # SSH keys
//
// The signature of a note is a raw Ed25519 signature (RFC 8032) of its text. An SSH key of type ssh-ed25519 (RFC 8709) makes the same
// signatures, from its file or through an agent, so it has no form of its own here: a verifier key holds its public part
// under a name, and a note does not tell where its key was kept. Keys on FIDO security keys (sk-…) sign a hash of the text together with a counter, and cannot be used.
//
// No signature of SSH can be taken for one of ours, or ours for one of theirs. All that is signed here begins with "datanet/v1/", and a
// signer for an SSH key signs nothing else. SSH signs its user authentication over the session's identifier, whose length comes
// first, as a zero byte (RFC 4252, section 7); ssh-keygen -Y and git over the letters SSHSIG; a certificate over the length of its type, a zero
// byte too; and a host key over a hash of at most 64 bytes, which is shorter than any text of ours.
//
// # Rules
//
// These are held to by Append and by every replay, Check's included. Append answers with a *Refusal. A record that breaks one and is in the
// ledger all the same makes the whole ledger refused, as an *IntegrityError: no honest writer left it so.
//
//   - Disclosure policies are recorded before the first request, and none after it.
//   - A request has a new id, names this hub, a policy that it has recorded and a beginning of this ledger, and each of its datasets has a
//     Guardian. Append asks besides that its columns exist. Draft asks besides that its last day is not over, that the applicant's key is not
//     the one of a Guardian who would have to sign, and that its words hold no NHS number and no full postcode: what is recorded stays.
//     For the last, NewRefusal and NewRevocation ask their reasons too.
//   - A site's departure is signed by its dataset's present custodian, with the reason and the key that the site has then, once for each key.
//   - Every other record of a request names it by id and by the SHA-256 of its text; a publication by id alone.
//   - A dataset's present Guardian, or a deputy until the last day, signs, refuses and revokes for that dataset, and nobody else. Where the
//     Guardian is the applicant no deputy signs. The applicant's own key signs nothing of
//     the request. Each Guardian signs once, and not after a refusal, a revocation or the last day. A refusal comes before all have
//     signed, a revocation at any time; one of either is enough to end the request.
//   - The first project key counts. It is made while the request is approved, by the custodian of one of its datasets, and sealed to the
//     custodians of exactly its datasets.
//   - A release, a link and a publication under a request need it approved on their day, and it needs a project key before the first two.
//     All releases of a dataset are as at one date, a link is of the last release of each dataset, and a publication is of the
//     state that was last released of each; of several datasets it comes after a link of these releases. Without a request one dataset is
//     published, which the policy record names.
//
// The day of a record is that of its time, or, when it is dated back by more than 24 hours behind an earlier record, of that one less
// 24 hours. Append also asks with the clock, which never counts as earlier than the head.
//
// # What is not protected
//
// A ledger on one machine proves nothing against the person who has both its folder and its key, unless
// somebody remembers a head: that person can write another history and sign it. Nor does it prove against anybody with the
// folder that its last records were not removed together with the newer head. CheckExtends
// against a remembered head notices both. The ledger is not secret, and its times are the writers' clocks.
//
// Whoever holds the ledger key can record a release, a link or a publication that never was, or leave out one that was; not a
// Guardian's decision, nor a project key. Whoever sets a dataset's first Guardian decides whose signature counts: a Guardian
// compares the keys with people, not with the ledger. Users named in an approval are words; who may read a project's folder is the
// machine's business. Nothing here recalls what somebody has copied.
package linkage
