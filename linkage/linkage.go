// Package linkage holds what must be true before people are matched across datasets: the hub's record of
// decisions, which this package calls the ledger, and who is trusted for which dataset.
//
// # Promise
//
// The ledger is append-only. A record whose Append returned is there after a crash. Whoever remembers a signed head can
// tell whether a later ledger still begins with the same records; changing, removing, inserting or reordering a
// record that the head counts is refused by Open, as is any change of the head itself.
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
// clock would age every later approval.
//
// # Writing
//
// One writer at a time holds lock. It replaces next by the signed hash of the line, appends the line to records and
// syncs it, then replaces head. At a crash between any two of these, records holds at most one line, or part of one,
// that the head does not count. Readers leave it out. The next writer takes it in if next announced it, and cuts it
// off if not: a torn write, or a line that somebody without the ledger key put there. Nobody was told that it was
// recorded, so either is right. Two or more such lines cannot come from a crash and are refused.
//
// # Trust
//
// Trust is replayed from the records of kind trust: per dataset a Guardian, a custodian and sites. A key that has been set
// is not changed by a further record alone, and one verifier key has one role in one dataset.
//
// # What is not protected
//
// A ledger on one machine proves nothing against the person who has both its folder and its key, unless
// somebody remembers a head: that person can write another history and sign it. Nor does it prove against anybody with the
// folder that its last records were not removed together with the newer head. CheckExtends
// against a remembered head notices both. The ledger is not secret, and its times are the writers' clocks.
package linkage
