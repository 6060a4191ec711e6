package linkage

import (
	"bytes"
	"slices"
	"strings"
)

// What travels between a hub and somebody who has none. A request goes out with the whole record of decisions, so that whoever gets it can check all of
// it; an answer comes back as the one record that it will be.
const (
	requestDomain = "datanet/v1/request"
	answerDomain  = "datanet/v1/answer"
)

// CarryRequest is a request as a file: "datanet/v1/request", "id", and the ledger as Bytes gives it.
func CarryRequest(l *Ledger, id string) ([]byte, error) {
	decisions, err := l.Decisions()
	if err != nil {
		return nil, err
	}
	if decisions.Of(id) == nil {
		return nil, unknownApproval(id)
	}
	return append([]byte(requestDomain+"\nid "+id+"\n"), l.Bytes()...), nil
}

// OpenRequest reads what CarryRequest gives, and all that came with it.
func OpenRequest(raw []byte) (id string, l *Ledger, err error) {
	rest, ok := bytes.CutPrefix(raw, []byte(requestDomain+"\nid "))
	line, ledger, whole := bytes.Cut(rest, []byte("\n"))
	if !ok || !whole || !approvalID.Match(line) {
		return "", nil, broken("request: not a request in a file")
	}
	if l, err = OpenExport(ledger); err != nil {
		return "", nil, err
	}
	decisions, err := l.Decisions()
	if err != nil {
		return "", nil, err
	}
	if decisions.Of(string(line)) == nil {
		return "", nil, broken("request: its record of decisions does not hold it")
	}
	return string(line), l, nil
}

// CarryAnswer is a Guardian's decision as a file: "datanet/v1/answer", the hub's id, and the record, which Append takes in at the hub.
func CarryAnswer(hub string, r Record) ([]byte, error) {
	if !slices.Contains([]Kind{KindSignature, KindRefusal, KindRevocation}, r.Kind) {
		return nil, broken("answer: only decisions of Guardians travel so")
	}
	line, err := r.encode()
	if err != nil {
		return nil, err
	}
	return []byte(answerDomain + "\nhub " + hub + "\n" + string(line) + "\n"), nil
}

// OpenAnswer reads what CarryAnswer gives. The record has not been admitted: that is for Append.
func OpenAnswer(raw []byte) (hub string, r Record, err error) {
	lines := strings.Split(string(raw), "\n")
	if len(raw) > maxLine || len(lines) != 4 || lines[0] != answerDomain || lines[3] != "" {
		return "", Record{}, broken("answer: not a Guardian's decision in a file")
	}
	hub, ok := strings.CutPrefix(lines[1], "hub ")
	if !ok || !hubID.MatchString(hub) {
		return "", Record{}, broken("answer: it does not say for which hub it is")
	}
	if r, err = ParseRecord([]byte(lines[2])); err != nil {
		return "", Record{}, err
	}
	if !slices.Contains([]Kind{KindSignature, KindRefusal, KindRevocation}, r.Kind) {
		return "", Record{}, broken("answer: only decisions of Guardians travel so")
	}
	return hub, r, nil
}

// IsRequest and IsAnswer tell what a file poses as, by its first line.
func IsRequest(raw []byte) bool { return bytes.HasPrefix(raw, []byte(requestDomain+"\n")) }

// IsAnswer is IsRequest for an answer.
func IsAnswer(raw []byte) bool { return bytes.HasPrefix(raw, []byte(answerDomain+"\n")) }
