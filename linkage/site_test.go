package linkage

import (
	"errors"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
)

const leaves = "The practice has withdrawn"

// departing is the custodian C's word that a site, whose key is K, leaves primary-care.
func departing(t *testing.T, site, k, reason, c string) DepartureRecord {
	t.Helper()
	signer, _ := key(c, c)
	signed, err := NewDeparture(testHub, "primary-care", site, vkeyOf(k), reason, signer)
	if err != nil {
		t.Fatal(err)
	}
	return DepartureRecord{Dataset: "primary-care", Site: site, State: ledgerHash, Note: signed}
}

func siteKeyed(t *testing.T, w *world, site, old, fresh string) error {
	t.Helper()
	b := TrustRecord{Dataset: "primary-care", Sites: map[string]string{site: vkeyOf(fresh)}}
	if old != "" {
		signer, _ := key("C1", "C1")
		d, err := w.l.Decisions()
		if err != nil {
			t.Fatal(err)
		}
		statement, err := d.Trust().Statement(b)
		if err != nil {
			t.Fatal(err)
		}
		by, err := note.Sign(&note.Note{Text: statement.Text}, signer)
		if err != nil {
			t.Fatal(err)
		}
		b.By = []string{string(by)}
	}
	return w.append(b)
}

// TestDeparture: a site leaves by its custodian's word, once, and is back when the custodian signs for another key of it.
func TestDeparture(t *testing.T) {
	w := newWorld(t)
	for site, k := range map[string]string{"Z99001": "S1", "Z99002": "S2"} {
		if err := siteKeyed(t, w, site, "", k); err != nil {
			t.Fatal(err)
		}
	}
	left := func() bool {
		t.Helper()
		d, err := w.l.Decisions()
		if err != nil {
			t.Fatal(err)
		}
		if d.Left("primary-care", "Z99002") || d.Left("slam", "Z99001") {
			t.Error("another site left")
		}
		return d.Left("primary-care", "Z99001")
	}
	refused := func(what, check string, b Body) {
		t.Helper()
		var r *Refusal
		if err := w.append(b); !errors.As(err, &r) || r.Check() != check {
			t.Errorf("%s: %v", what, err)
		}
	}
	good := departing(t, "Z99001", "S1", leaves, "C1")
	if good.Reason() != leaves {
		t.Errorf("reason %q", good.Reason())
	}
	refused("another custodian", CheckSigner, departing(t, "Z99001", "S1", leaves, "C2"))
	refused("its Guardian", CheckSigner, departing(t, "Z99001", "S1", leaves, "G1"))
	refused("another key", CheckText, departing(t, "Z99001", "S2", leaves, "C1"))
	refused("an unknown site", CheckUnknown, departing(t, "Z99009", "S1", leaves, "C1"))
	other := good
	other.Site = "Z99002"
	refused("signed for another site", CheckText, other)
	other = good
	other.Dataset = "slam"
	refused("signed for another dataset", CheckUnknown, other)
	other = good
	other.Note = strings.Replace(good.Note, "withdrawn", "withdrawN", 1)
	if err := w.append(other); err == nil || left() {
		t.Errorf("a changed reason: %v", err)
	}
	if err := w.append(good); err != nil || !left() {
		t.Fatal(err)
	}
	refused("twice", CheckRepeated, good)
	if err := siteKeyed(t, w, "Z99001", "", "S3"); err == nil || !left() {
		t.Errorf("back without the custodian: %v", err)
	}
	if err := siteKeyed(t, w, "Z99001", "S1", "S3"); err != nil || left() {
		t.Fatalf("not back: %v", err)
	}
	refused("an earlier word", CheckText, good)
	if err := w.append(departing(t, "Z99001", "S3", leaves, "C1")); err != nil || !left() {
		t.Errorf("not again: %v", err)
	}
	if err := siteKeyed(t, w, "Z99001", "S3", "S1"); err == nil {
		t.Error("back with a key that it had before")
	}
}

func TestDepartureReasons(t *testing.T) {
	signer, _ := key("C1", "C1")
	for _, reason := range []string{"", "two\nlines", "patient 999 000 0018", "of SW9 8HE", "caf\u00e9", strings.Repeat("x", maxReason+1)} {
		if _, err := NewDeparture(testHub, "primary-care", "Z99001", vkeyOf("S1"), reason, signer); err == nil {
			t.Errorf("%q was signed", reason)
		}
	}
}

// TestForgedDeparture: the ledger key alone does not make a site leave.
func TestForgedDeparture(t *testing.T) {
	w := newWorld(t)
	if err := siteKeyed(t, w, "Z99001", "", "S1"); err != nil {
		t.Fatal(err)
	}
	forged := record(t, morning, departing(t, "Z99001", "S1", leaves, "C3"))
	_, err := DecisionsOf(append(w.l.Records(), forged))
	wantKind(t, err, "integrity")
}

func TestRewrapRecord(t *testing.T) {
	w := newWorld(t)
	other := strings.Repeat("ab", 32)
	for what, b := range map[string]RewrapRecord{
		"the same state":       {"primary-care", other, other, tokenOf("C9", "primary-care")},
		"another's custodian":  {"primary-care", other, ledgerHash, tokenOf("C9", "slam")},
		"no custodian's token": {"primary-care", other, ledgerHash, vkeyOf("C9")},
		"no state":             {"primary-care", other, "", tokenOf("C9", "primary-care")},
	} {
		if err := w.append(b); err == nil {
			t.Errorf("%s: recorded", what)
		}
	}
	if err := w.append(RewrapRecord{"primary-care", other, ledgerHash, tokenOf("C9", "primary-care")}); err != nil {
		t.Fatal(err)
	}
	d, err := w.l.Decisions()
	if err != nil || d.Trust().Dataset("primary-care").Custodian != tokenOf("C1", "primary-care") {
		t.Errorf("a re-wrapping alone changed who is trusted: %v", err)
	}
}
