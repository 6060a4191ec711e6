package linkage

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// A Kind says what a record is about.
type Kind string

// The kinds of record. A reader refuses a ledger with a kind that it does not know: it could be a revocation.
const (
	KindHub         Kind = "hub"
	KindPolicy      Kind = "policy"
	KindTrust       Kind = "trust"
	KindLoad        Kind = "load"
	KindPublication Kind = "publication"

	KindApproval   Kind = "approval"
	KindSignature  Kind = "signature"
	KindRefusal    Kind = "refusal"
	KindRevocation Kind = "revocation"
	KindProjectKey Kind = "projectkey"
	KindRelease    Kind = "release"
	KindLink       Kind = "link"
	KindDenied     Kind = "denied"
	KindRemoval    Kind = "removal"
)

// A Record is one line of the ledger.
type Record struct {
	Kind Kind            `json:"kind"`
	Time time.Time       `json:"time"` // when it happened, in whole seconds of UTC
	Body json.RawMessage `json:"body"` // of the type that belongs to Kind
}

// A Body is what a record says: one of HubRecord, PolicyRecord, TrustRecord, LoadRecord, DepartureRecord, RewrapRecord, PublicationRecord, and of projects
// ApprovalRecord, SignatureRecord, RefusalRecord, RevocationRecord, ProjectKeyRecord, ReleaseRecord, LinkRecord, DeniedRecord,
// RemovalRecord.
type Body interface {
	kind() Kind
	check() error
}

// NewRecord makes a record, or says what in the body is not of the accepted form. With the zero time,
// Append dates it.
func NewRecord(at time.Time, body Body) (Record, error) {
	if err := body.check(); err != nil {
		return Record{}, fmt.Errorf("%s record: %w", body.kind(), err)
	}
	raw, err := marshal(body)
	if err != nil {
		return Record{}, err
	}
	return Record{Kind: body.kind(), Time: at.UTC().Truncate(time.Second), Body: raw}, nil
}

// Decode returns the record's body, strictly read.
func (r Record) Decode() (Body, error) {
	switch r.Kind {
	case KindHub:
		return decodeBody[HubRecord](r.Body)
	case KindPolicy:
		return decodeBody[PolicyRecord](r.Body)
	case KindTrust:
		return decodeBody[TrustRecord](r.Body)
	case KindLoad:
		return decodeBody[LoadRecord](r.Body)
	case KindPublication:
		return decodeBody[PublicationRecord](r.Body)
	case KindApproval:
		return decodeBody[ApprovalRecord](r.Body)
	case KindSignature:
		return decodeBody[SignatureRecord](r.Body)
	case KindRefusal:
		return decodeBody[RefusalRecord](r.Body)
	case KindRevocation:
		return decodeBody[RevocationRecord](r.Body)
	case KindProjectKey:
		return decodeBody[ProjectKeyRecord](r.Body)
	case KindRelease:
		return decodeBody[ReleaseRecord](r.Body)
	case KindLink:
		return decodeBody[LinkRecord](r.Body)
	case KindDenied:
		return decodeBody[DeniedRecord](r.Body)
	case KindRemoval:
		return decodeBody[RemovalRecord](r.Body)
	case KindDeparture:
		return decodeBody[DepartureRecord](r.Body)
	case KindRewrap:
		return decodeBody[RewrapRecord](r.Body)
	}
	return nil, errors.New("a kind of record that this version does not know")
}

func decodeBody[T Body](raw []byte) (Body, error) {
	body, err := unmarshal[T](raw)
	if err != nil {
		return nil, err
	}
	if err := body.check(); err != nil {
		return nil, err
	}
	return body, nil
}

// maxLine bounds a record, so that a hostile file cannot make one that no tool would open.
const maxLine = 1 << 20

// encode gives the record's line, without its line feed, after reading it back as strictly as any later reader will.
func (r Record) encode() ([]byte, error) {
	line, err := marshal(r)
	if err != nil {
		return nil, err
	}
	_, err = parseRecord(line)
	return line, err
}

// Line gives the record as one line of text, without its line feed: how it travels to somebody who has no hub.
func (r Record) Line() ([]byte, error) { return r.encode() }

// ParseRecord reads what Line gives. The record has not been admitted to any ledger: Append asks for more than its form.
func ParseRecord(line []byte) (Record, error) {
	r, err := parseRecord(bytes.Clone(line)) // the record's body is a part of the line
	if err != nil {
		return Record{}, broken("record: %s", err)
	}
	return r, nil
}

// parseRecord reads one line, which stays with the record. Its errors never quote the line.
func parseRecord(line []byte) (Record, error) {
	if len(line) > maxLine {
		return Record{}, errors.New("longer than a record may be")
	}
	if r, ok := readRecord(line); ok {
		return r, nil
	}
	r, err := unmarshal[Record](line)
	if err != nil {
		return Record{}, err
	}
	if r.Time.IsZero() || r.Time.Format(timeLayout) != r.Time.Format(time.RFC3339Nano) {
		return Record{}, errors.New("its time is not in whole seconds of UTC")
	}
	_, err = r.Decode()
	return r, err
}

// readRecord reads a line of the one accepted spelling at half the cost of unmarshal, which says of every other line what is wrong. It
// may look at the three fields as text because Decode accepts the body only as JSON that is spelled in one way.
func readRecord(line []byte) (Record, bool) {
	rest, ok := bytes.CutPrefix(line, []byte(`{"kind":"`))
	kind, rest, okKind := bytes.Cut(rest, []byte(`","time":"`))
	spelled, rest, okTime := bytes.Cut(rest, []byte(`","body":`))
	body, okBody := bytes.CutSuffix(rest, []byte("}"))
	at, err := time.Parse(timeLayout, string(spelled))
	if !ok || !okKind || !okTime || !okBody || err != nil || at.IsZero() || at.Format(timeLayout) != string(spelled) {
		return Record{}, false
	}
	r := Record{Kind: Kind(kind), Time: at, Body: slices.Clip(body)}
	_, err = r.Decode()
	return r, err == nil
}

// marshal writes JSON in the one spelling that unmarshal accepts.
func marshal(v any) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, errors.New("not a value that JSON can hold")
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

// unmarshal accepts a JSON text only if writing its value again gives the same bytes. That refuses unknown and
// repeated fields, other orders, other cases and spaces at one stroke: a text that means one thing to one reader
// cannot mean another to the next. encoding/json's own errors quote field names, so they stop here.
func unmarshal[T any](raw []byte) (T, error) {
	var v T
	if err := json.Unmarshal(raw, &v); err != nil {
		return v, errors.New("not a record's JSON")
	}
	again, err := marshal(v)
	if err != nil || !bytes.Equal(raw, again) {
		return v, errors.New("not in the one accepted spelling (an unknown, repeated, missing or reordered field, or a space)")
	}
	return v, nil
}
