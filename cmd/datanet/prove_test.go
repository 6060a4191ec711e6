package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"datanet/linkage"
	"datanet/pipeline/hub"
	"datanet/pseudonym"
)

// TestProofsOfTwoHubs: somebody with a key of their own makes a proof in the name of a hub that this tool knows, and puts one in the
// name of a hub that nobody has met behind it.
func TestProofsOfTwoHubs(t *testing.T) {
	dir := t.TempDir()
	s := newSession(t, dir)
	if err := os.Mkdir(filepath.Join(dir, "keys"), 0o700); err != nil {
		t.Fatal(err)
	}
	s.must("key", "identity", "--out", filepath.Join(dir, "keys", "identity"))
	s.must("hub", "init", filepath.Join(dir, "hub"))
	s.must("approval", "list")
	known, err := hub.Open(filepath.Join(dir, "hub"))
	if err != nil {
		t.Fatal(err)
	}
	key, err := pseudonym.NewLedgerKey(known.ID, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	forged := filepath.Join(dir, "forged")
	if err := os.Mkdir(forged, 0o700); err != nil {
		t.Fatal(err)
	}
	write := func(name string, content []byte) {
		if err := os.WriteFile(filepath.Join(forged, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("ledger.vkey", []byte(key.Public()+"\n"))
	prove := func(id, name string, record int64) {
		l := forgedLedger(t, filepath.Join(dir, name), id, key, known.Publisher)
		proof, err := l.Prove(record)
		if err != nil {
			t.Fatal(err)
		}
		line, err := l.Records()[record].Line()
		if err != nil {
			t.Fatal(err)
		}
		write(name+".json", line)
		write(name+".tlog-proof", proof.Text())
	}
	refused := func(why string) {
		t.Helper()
		code, stdout, stderr := s.try(context.Background(), "approval", "verify", forged)
		if code != 6 || stdout != "" || !strings.Contains(stderr, why) {
			t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
		}
	}
	prove(known.ID, "0", 0)
	refused("not signed by the ledger key")
	prove(hub.NewID(), "1", 1)
	refused("more than one hub")
}

// forgedLedger is a record of decisions in a hub's name, of two entries.
func forgedLedger(t *testing.T, dir, id string, key *pseudonym.LedgerKey, publisher string) *linkage.Ledger {
	t.Helper()
	if err := linkage.Create(dir, linkage.Origin(id), key.Signer, time.Now()); err != nil {
		t.Fatal(err)
	}
	l, err := linkage.Open(dir, key.Public())
	if err != nil {
		t.Fatal(err)
	}
	for _, body := range []linkage.Body{
		linkage.HubRecord{Hub: id, Name: "A hub", Ledger: key.Public(), Publisher: publisher},
		linkage.DeniedRecord{Action: linkage.ActionTrust, Check: linkage.CheckTrust},
	} {
		if err := appendRecord(l, key, time.Now(), body); err != nil {
			t.Fatal(err)
		}
	}
	return l
}
