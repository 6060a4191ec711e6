package linkage

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// cmd/datanet/attack_test.go has the table of attacks. Here is what whole commands are too slow for.

// variants are the changes of a line that are tried: cut off, one byte changed in four ways, removed, one added.
func variants(line []byte) (all [][]byte) {
	for i := range line {
		all = append(all, line[:i], slices.Delete(bytes.Clone(line), i, i+1), slices.Insert(bytes.Clone(line), i, ' '))
		for _, flip := range []byte{1, 2, 0x20, 0x80} {
			changed := bytes.Clone(line)
			changed[i] ^= flip
			all = append(all, changed)
		}
	}
	return all
}

// Whoever holds the ledger's key can sign any line into it. Of a line that others signed nothing can be changed but its time, which nobody signs
// and which the rules bound.
func TestEveryByteOfARecord(t *testing.T) {
	w := newWorld(t)
	a := w.approved("primary-care", "slam")
	other := w.approved("primary-care", "maternity")
	trust := func(line string) Body {
		d, err := w.l.Decisions()
		if err != nil {
			t.Fatal(err)
		}
		return parseWish(t, line, map[string]string{}, d.Trust())
	}
	signer, _ := key("C1", "C1")
	made, err := NewProjectKey(a, "primary-care", "0123456789abcdef", sealedTo("primary-care", "slam"), signer)
	if err != nil {
		t.Fatal(err)
	}
	for what, body := range map[string]Body{
		"another Guardian":  trust("slam guardian=G4 by=G2,G1"),
		"another custodian": trust("slam custodian=C4 by=G2,G3"),
		"a deputy":          trust("slam deputy=D2:2026-12-31 by=G2"),
		"a project key":     made,
	} {
		r := record(t, morning, body)
		line, err := r.encode()
		if err != nil {
			t.Fatal(err)
		}
		admitted := admits(t, w)
		if _, ok := admitted(line); !ok {
			t.Fatalf("%s: the record itself is refused", what)
		}
		tries := variants(line)
		for _, changed := range tries {
			got, ok := admitted(changed)
			if b, err := got.Decode(); ok && err == nil && unheardOf(b) {
				continue // a first key for a dataset that nobody has takes no signature, and gives nothing
			}
			if ok && (got.Kind != r.Kind || !bytes.Equal(got.Body, r.Body)) {
				t.Fatalf("%s: let in as %s", what, changed)
			}
		}
		if len(tries) < 2000 {
			t.Errorf("%s: only %d tries", what, len(tries))
		}
	}
	// A project key as it stands, for another approval.
	made.Approval, made.SHA256 = other.ID, other.SHA256()
	made.Sealed = sealedTo("primary-care", "maternity")
	wantCheck(t, w.append(made), CheckText)
}

// unheardOf says that a record sets a key for a dataset that the world does not have.
func unheardOf(b Body) bool {
	trust, ok := b.(TrustRecord)
	_, known := scopes[trust.Dataset]
	return ok && !known
}

// admits says whether a reader lets a line in behind the others of a ledger, as an honest record or as one that was forged.
func admits(t *testing.T, w *world) func(line []byte) (Record, bool) {
	d, err := w.l.Decisions()
	if err != nil {
		t.Fatal(err)
	}
	return func(line []byte) (Record, bool) {
		r, err := parseRecord(line)
		if err != nil {
			return r, false
		}
		body, err := r.Decode()
		if err != nil || d.allow(body, d.clock(r)) != nil {
			return r, false
		}
		return r, d.trust.clone().replay(body) == nil
	}
}

// What a Guardian signs for a change of keys counts for exactly that change, and not with a byte changed.
func TestEveryByteOfATrustStatement(t *testing.T) {
	w := newWorld(t)
	w.approved("slam")
	d, err := w.l.Decisions()
	if err != nil {
		t.Fatal(err)
	}
	wish := parseWish(t, "slam guardian=G4 by=G2,G1", map[string]string{}, d.Trust())
	if rest, err := d.Trust().Change(wish); err != nil || rest.Empty() {
		t.Fatal(err)
	}
	for n, whole := range wish.By {
		tries := mangled(whole, func(s string) {
			changed := wish
			changed.By = slices.Clone(wish.By)
			changed.By[n] = s
			if _, err := d.Trust().Change(changed); err == nil {
				t.Fatalf("signature %d: changed, it counts: %q", n, s)
			}
		})
		if tries < 1000 {
			t.Errorf("signature %d: only %d tries", n, tries)
		}
	}
}

// A status other than approved stops every action, from its first second, and not one second before; a clock that is set back changes nothing.
func TestEveryStatusStopsEveryAction(t *testing.T) {
	for _, c := range []struct {
		check  string
		dates  string
		turns  string // the first second in which the check fails; or, for not-yet, in which it no longer does
		happen string // what makes it so, just before
	}{
		{CheckNotYet, "from=2026-11-10", "2026-11-10T00:00:00Z", ""},
		{CheckReview, "review=2026-11-20", "2026-11-21T00:00:00Z", ""},
		{CheckExpired, "until=2026-11-20", "2026-11-21T00:00:00Z", ""},
		{CheckRevoked, "", "2026-11-20T12:00:00Z", "revoke 2026-001 slam G2 Enough."},
		{CheckSuperseded, "", "2026-11-20T00:00:00Z", ""},
	} {
		w := newWorld(t)
		acts := func(lines ...string) {
			for _, line := range lines {
				if got := w.act(line); got != "ok" && !strings.HasPrefix(got, "drafted ") {
					t.Fatalf("%s: %s: %s", c.check, line, got)
				}
			}
		}
		acts("draft primary-care,slam "+c.dates, "sign 2026-001 primary-care G1", "sign 2026-001 slam G2")
		if c.check == CheckSuperseded {
			acts("draft primary-care,slam supersedes=2026-001 from=2026-11-20", "sign 2026-002 primary-care G1", "sign 2026-002 slam G2")
		}
		turns, err := time.Parse(time.RFC3339, c.turns)
		if err != nil {
			t.Fatal(err)
		}
		each := func(at time.Time, refused bool) {
			t.Helper()
			for action, dataset := range map[Action]string{ActionRelease: "slam", ActionLink: "", ActionPublish: "", ActionQuery: ""} {
				want := "permit"
				if refused {
					want = "refused (" + c.check + "): "
				}
				w.now = at
				if got := w.check([]string{"2026-001", string(action), dataset}[:2+min(1, len(dataset))]); !strings.HasPrefix(got, want) {
					t.Errorf("%s: %s at %s: %s", c.check, action, at.Format(time.RFC3339), got)
				}
			}
		}
		each(turns.Add(-time.Second), c.check == CheckNotYet)
		w.now = turns
		if c.happen != "" {
			acts(c.happen)
		}
		each(turns, c.check != CheckNotYet)
		if c.check == CheckNotYet {
			continue
		}
		w.now = turns
		acts("deny 2026-001 " + c.check) // by which the ledger's clock moves on
		each(morning, true)
	}
}

// A head that is dated ahead ends what will have ended by then, and begins nothing.
func TestHeadDatedAhead(t *testing.T) {
	w := newWorld(t)
	for _, line := range []string{"draft slam,maternity from=2026-11-10", "sign 2026-001 slam G2", "sign 2026-001 maternity G3"} {
		w.act(line)
	}
	for day, want := range map[string]string{"2026-11-10": "refused (not-yet)", "2026-12-31": "refused (not-yet)", "2027-01-01": "refused (expired)"} {
		at, err := time.Parse(time.DateOnly, day)
		if err != nil {
			t.Fatal(err)
		}
		ahead := *w.l
		ahead.head.Time = at
		for _, action := range []Action{ActionLink, ActionPublish, ActionQuery} {
			permit, err := Check(&ahead, Ask{Approval: "2026-001", Action: action, Now: morning})
			if got := said(err); !strings.HasPrefix(got, want) || permit.Approval() != nil {
				t.Errorf("%s, with a head of %s: %s", action, day, got)
			}
		}
	}
	w.now = time.Date(2026, 11, 10, 0, 0, 0, 0, time.UTC)
	if got := w.check([]string{"2026-001", "link"}); got != "permit" {
		t.Error(fmt.Sprint("on its first day: ", got))
	}
}
