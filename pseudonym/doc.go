// Package pseudonym turns NHS numbers into keyed codes, and keeps the keys.
//
// # What is promised
//
// A person's NHS number becomes a site code at the site that holds it, a
// dataset code at the dataset's hub, and a project code in one approved
// project. The codes are 16 bytes that nobody can compute, recognise or match
// without the keys:
//
//   - One person has the same dataset code whichever site of the dataset sent
//     the row, and the same project code whichever dataset it comes from.
//   - Codes of one person at two sites, in two datasets, or in two projects have
//     nothing in common for who lacks the keys.
//   - A blank, malformed, repeated-digit, out-of-range or check-digit-failing
//     number has no code, so it cannot link two people.
//   - Keys, and NHS numbers once read, are printed by nothing: fmt, JSON, slog,
//     panics and error messages show [key] and [nhs number].
//
// Three locks make that so, and nobody holds two of them for long: sites hold K
// and their own W_{d,s}; the custodian of dataset d holds W_d, never K; the
// project key K_P is sealed to the custodians whom an approval names.
//
// # Codes, byte by byte
//
// All keys are 32 bytes. HMAC is HMAC-SHA256 (RFC 2104, RFC 4231), HKDF is
// HKDF-SHA256 without salt, 32 bytes long (RFC 5869), AES is one block of
// AES-256 (FIPS 197), ‖ joins bytes, [:16] takes the first 16. The labels are
// ASCII, and \x00 in them is one zero byte.
//
//	c              HMAC(K, "datanet/v1/nhs\x00" ‖ ten ASCII digits)[:16]
//	W_{d,s}        HKDF(W_d, info "datanet/v1/site/" ‖ site)
//	W_d'           HKDF(W_d, info "datanet/v1/dataset")
//	site code      AES(W_{d,s}, c)                                 Coder.Code
//	dataset code   AES(W_d', c) = AES(W_d', AES⁻¹(W_{d,s}, site))  Rewrapper.Code
//	local          HMAC(HKDF(W_{d,s}, info "datanet/v1/local"), source patient id)[:16],
//	               in the place of c                               Coder.Local
//	h              SHA-256 of the approval note's text, without signature lines
//	K_a            HKDF(K_P, info "datanet/v1/approval/" ‖ h, 32 raw bytes)
//	project code   HMAC(K_a, "datanet/v1/project\x00" ‖ c)[:16]    ProjectCoder.Code
//	sealed K_P     HPKE (RFC 9180, base mode): ML-KEM-768 with X25519, HKDF-SHA256,
//	               AES-256-GCM, info "datanet/v1/seal\x00" ‖ dataset ‖ "\x00" ‖ h, no
//	               associated data; 1,120 bytes of encapsulation, 32 + 16 of K_P
//	sealed extract age (age-encryption.org/v1) to the custodian's X25519 recipient;
//	               what is inside is not this package's
//	check value    HMAC(key, "kcv")[:8], as 16 hex digits
//	record number  HMAC(K_rec, person code)[:8], big-endian
//	uniform        HMAC(K_cell, LE64(sum) ‖ LE64(n)), its top 53 bits × 2⁻⁵³
//
// A site is an ODS code (ValidSite), a dataset a hyphenated word
// (ValidDataset): info strings cannot run into each other. v1 in a label is the
// only version; v2 would be new labels and new files.
//
// For example, with K the bytes 00 to 1f and W_d the bytes 20 to 3f, test number
// 999 000 0018 at site Z99001 has
//
//	c             32b8c1b4b69531ca1a960ced8e384758
//	site code     7e8525e0e21ed15150821d4e93ae6bc5
//	dataset code  95563a270da21af16f3d391c9154a4a7
//
// # Key files
//
// A key file is a text of lines "label value", in the order below, each ended
// by one line feed. Nothing may be added, left out, moved or written otherwise:
// a text is accepted only if writing its key again gives the same bytes.
//
//	datanet/v1/key                            always
//	kind <kind>                               linkage, custodian, wrap, site, guardian, publisher or ledger
//	dataset <dataset>                         custodian, wrap, site, guardian
//	site <site>                               wrap, site
//	name <name>                               guardian, publisher, ledger
//	created <YYYY-MM-DD>                      always; a UTC day
//	linkage-key DATANET-SECRET-KEY-<base64>   linkage, site: K
//	wrap-key DATANET-SECRET-KEY-<base64>      custodian: W_d
//	site-wrap-key DATANET-SECRET-KEY-<base64> wrap, site: W_{d,s}
//	record-key DATANET-SECRET-KEY-<base64>    publisher: K_rec
//	cell-key DATANET-SECRET-KEY-<base64>      publisher: K_cell
//	sealing-key DATANET-SECRET-KEY-<base64>   custodian: the HPKE private key's seed
//	custodian-recipient age1…                 wrap, site: who sealed extracts open for
//	identity AGE-SECRET-KEY-1…                custodian: opens sealed extracts
//	state-identity AGE-SECRET-KEY-1…          site: opens <key file>.state
//	signing-key PRIVATE+KEY+<name>+…          all but linkage and wrap: Ed25519, x/mod/sumdb/note
//	sum <64 hex digits>                       always; SHA-256 of everything above it
//
// Signing keys are named after what they sign for, and a key of another name is
// refused: site/<dataset>/<site>, custodian/<dataset>,
// guardian/<dataset>/<name>, publisher/<name>, ledger/<name>.
//
// A ledger's file is that text as it is, here with a key that is no secret:
//
//	datanet/v1/key
//	kind ledger
//	name example
//	created 2026-10-31
//	signing-key PRIVATE+KEY+ledger/example+d87894f8+AQABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f
//	sum f7cbb66881c8b8ee006da532405d44cd6589bdc389422205d0976d6662da6913
//
// Every other file is that text encrypted with age (age-encryption.org/v1), in
// age's ASCII armor, to a passphrase or to one or more recipients; the age
// command opens it. An identity file is what age-keygen writes. All of them
// have mode 0600, are never written over, and are refused when others could
// read or change them.
//
// # What is not protected
//
//   - K together with a W reverses codes: all 272.7 million numbers can be tried
//     in half a minute. A custodian together with any site of the dataset, or a
//     site by itself for its own codes, can re-identify.
//   - A code has no integrity of its own. Unwrapped under a wrong key it becomes
//     another plausible code: compare check values before reading rows.
//   - Rows can be recognised by their content. Codes do not make them anonymous.
//   - Keys in use lie in memory. Nothing here wipes it: crypto/hmac, crypto/aes
//     and the garbage collector keep copies. Programs that use keys live
//     shortly, switch core dumps off, and run with encrypted disks and swap.
//   - AES is constant-time where the processor has AES instructions.
//   - An older state file, put back, is not noticed here.
//   - The sum of a ledger's file finds damage, not tampering.
package pseudonym
