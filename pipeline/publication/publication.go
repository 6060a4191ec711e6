// Package publication is the frozen folder of published counts, and the only
// thing that planners' tools can reach.
//
// # Format
//
// A publication is a folder of three files:
//
//	publication.json    what it is: the Header below, with the catalogue
//	counts.parquet      one row for each measure and group:
//	                    measure, one column for each axis of the catalogue (the id of a
//	                    value, empty for All), numerator, denominator (both empty where
//	                    withheld, the denominator alone may be shown)
//	publication.sig     a note (golang.org/x/mod/sumdb/note) of the hub's publisher over
//	                    "datanet/v1/publication", a line feed, the SHA-256 of
//	                    publication.json in hex, a line feed
//
// publication.json names the SHA-256 of counts.parquet, so the one signature
// covers both, and every byte of the three files. Every number in counts.parquet has been through disclosure
// control. Nothing in the folder says why a number is withheld, and there is no
// person and no exact small count in it.
//
// A publication may come from anywhere. Nothing of it is looked at closely before
// the signature of the key that it names holds; then the catalogue is held to what
// the code relies on (schemas.Catalogue.Check), texts to what may be printed, and
// counts to what counts can be. Whether that key is the hub's is the caller's to
// say. What was checked is what is read: questions go to a copy in memory.
//
// # Linked publications
//
// One that was counted from several datasets, which an approval let be joined,
// names the approval, those datasets, and its last day. Until the end of that day
// (UTC) it answers, and after it refuses, wherever it lies; what day it is comes
// with each question. It holds only measures that need the linkage, and beside the
// numerator of each the denominator of its own.
//
// # What is not protected
//
// The last day is kept by our program: the three files can be read by others, and a
// clock can be set back. A copy cannot be recalled. The folder is not secret: it must be safe in any
// hands, which is what disclosure control and its audit are for.
package publication

import (
	"datanet/schemas"
)

// A Header says what a publication is. It carries the catalogue that it was
// made with, so that the folder explains itself.
type Header struct {
	Schema         string             `json:"schema"`
	ID             string             `json:"id"`
	Hub            string             `json:"hub"`
	HubName        string             `json:"hub_name"`
	Publisher      string             `json:"publisher"` // verifier key
	Dataset        string             `json:"dataset"`   // whose people are counted
	AsAt           string             `json:"as_at"`
	Policy         string             `json:"policy"`                    // name
	PolicyText     string             `json:"policy_parameters"`         // as the record of decisions has them
	Approval       *string            `json:"approval"`                  // id; null for a dataset alone, which has none of the next four
	ApprovalSHA256 string             `json:"approval_sha256,omitempty"` // of its text
	LastDay        string             `json:"last_day,omitempty"`        // YYYY-MM-DD, UTC, inclusive
	Datasets       []string           `json:"datasets,omitempty"`        // that were joined, in the approval's order
	States         map[string]string  `json:"states_sha256,omitempty"`   // of each of them, as it was released
	Tool           string             `json:"tool"`
	CodeLists      map[string]string  `json:"code_lists"`
	State          string             `json:"state_sha256"` // of what was counted: the dataset's state, or the joined tables' linked.json
	Counts         string             `json:"counts_sha256"`
	Nodes          int                `json:"nodes"`
	Withheld       int                `json:"withheld"`
	Audit          Audit              `json:"audit"`
	Catalogue      *schemas.Catalogue `json:"catalogue"`

	NotAvailable []schemas.NotAvailable `json:"not_available,omitempty"` // measures that nobody was counted for, and why
}

// Sources lists the datasets that were counted.
func (h *Header) Sources() []string {
	if h.Approval == nil {
		return []string{h.Dataset}
	}
	return h.Datasets
}

// SourceStates are the hashes of the states of Sources, by dataset.
func (h *Header) SourceStates() map[string]string {
	if h.Approval == nil {
		return map[string]string{h.Dataset: h.State}
	}
	return h.States
}

// ApprovalID is the approval's id; empty for a dataset alone.
func (h *Header) ApprovalID() string {
	if h.Approval == nil {
		return ""
	}
	return *h.Approval
}

// Audit is what may be said in public of the audit.
type Audit struct {
	ExactRecoveries int `json:"exact_recoveries"`
}

// A Count is one published row. The zero Count is withheld.
type Count struct {
	Measure     string
	Values      []string // value ids in the order of the catalogue's axes
	Numerator   *int64
	Denominator *int64
}

// A Publication is an opened publication whose signature and hashes hold. It
// may answer several questions at once.
type Publication struct {
	Header
	dir    string
	digest string // SHA-256 of publication.json, in hex
	bytes  int64
	counts counts
}

// Open reads a publication and checks it. The publisher's verifier key comes
// from known, which is given the header once the key that the header names has
// proved to have signed it: known returns the key that must have signed, or an
// error.
func Open(dir string, known func(*Header) (vkey string, err error)) (*Publication, error) {
	p := &Publication{dir: dir}
	text, err := p.file(headerFile, maxHeader)
	if err != nil {
		return nil, err
	}
	sig, err := p.file(signatureFile, maxSignature)
	if err != nil {
		return nil, err
	}
	if err := p.decode(text, sig); err != nil {
		return nil, err
	}
	vkey, err := known(&p.Header)
	if err != nil {
		return nil, err
	}
	if err := signed(text, sig, vkey); err != nil {
		return nil, err
	}
	if p.counts.parquet, err = p.file(countsFile, maxCounts); err != nil {
		return nil, err
	}
	if schemas.Digest(p.counts.parquet) != p.Counts {
		return nil, &IntegrityError{"counts.parquet is not what the hub's publisher signed", fetchAgain}
	}
	p.digest, p.bytes = schemas.Digest(text), int64(len(text)+len(sig)+len(p.counts.parquet))
	return p, nil
}

// Digest is the SHA-256 of what was signed, publication.json, in hex: how a record
// of decisions knows it.
func (p *Publication) Digest() string { return p.digest }

// Bytes is how much its files hold.
func (p *Publication) Bytes() int64 { return p.bytes }

// Dir is the publication's folder.
func (p *Publication) Dir() string { return p.dir }

// Close frees the memory that questions took. A publication that was asked
// nothing need not be closed.
func (p *Publication) Close() error { return p.counts.close() }
