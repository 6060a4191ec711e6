package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// An agentOf lists one key, and signs in a way of its own.
type agentOf struct {
	agent.Agent
	sign func(text []byte) ([]byte, error)
}

func (a agentOf) Sign(_ ssh.PublicKey, text []byte) (*ssh.Signature, error) {
	sig, err := a.sign(text)
	return &ssh.Signature{Format: ssh.KeyAlgoED25519, Blob: sig}, err
}

// TestAgentsThatDoNotSign: an agent that lies, says no, or waits for somebody who never answers leaves the record of
// decisions as it was.
func TestAgentsThatDoNotSign(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir) // a socket's path must be short
	s := newSession(t, dir)
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Mkdir("keys", 0o700), os.WriteFile("key.pub", append([]byte(strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))), " a.okafor\n"...), 0o644)); err != nil {
		t.Fatal(err)
	}
	s.must("key", "identity", "--out", "keys/identity")
	s.must("key", "guardian", "--dataset", "maternity", "--name", "c.obi", "--out", "maternity.key")
	s.must("key", "guardian", "--dataset", "maternity", "--name", "applicant", "--out", "applicant.key")
	s.must("hub", "init", "hub")
	s.must("hub", "trust", "--dataset", "slam", "--guardian", "key.pub")
	s.must("hub", "trust", "--dataset", "maternity", "--guardian", s.must("key", "show", "--public", "maternity.key"))
	id := s.drafts([]string{"slam", "maternity"}, s.must("key", "show", "--public", "applicant.key"))
	before, err := os.ReadFile(filepath.Join("hub", "ledger", "records"))
	if err != nil {
		t.Fatal(err)
	}
	_, other, _ := ed25519.GenerateKey(rand.Reader)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for _, c := range []struct {
		what string
		code int
		says string
		sign func(text []byte) ([]byte, error)
	}{
		{"signs with another key", 5, "what signed was not this SSH key", func(text []byte) ([]byte, error) { return ed25519.Sign(other, text), nil }},
		{"signs another text", 5, "what signed was not this SSH key", func(text []byte) ([]byte, error) { return ed25519.Sign(private, append(text, '\n')), nil }},
		{"says no", 5, "the ssh-agent did not sign with the key of key.pub", func([]byte) ([]byte, error) { return nil, errors.New("no") }},
		{"waits until Ctrl-C", 130, "interrupted; nothing was left half-written", func([]byte) ([]byte, error) { cancel(); select {} }},
	} {
		ring := agent.NewKeyring()
		if err := ring.Add(agent.AddedKey{PrivateKey: private}); err != nil {
			t.Fatal(err)
		}
		os.Remove("sock")
		l, err := net.Listen("unix", "sock")
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				go func() { defer conn.Close(); agent.ServeAgent(agentOf{ring, c.sign}, conn) }()
			}
		}()
		s.env["SSH_AUTH_SOCK"] = "sock"
		code, stdout, stderr := s.try(ctx, "approval", "sign", id, "--guardian", "key.pub")
		if code != c.code || stdout != "" || oneError(stderr) != nil || !strings.Contains(stderr, c.says) {
			t.Errorf("an agent that %s: exit code %d\n%s%s", c.what, code, stdout, stderr)
		}
		after, err := os.ReadFile(filepath.Join("hub", "ledger", "records"))
		if err != nil || string(after) != string(before) {
			t.Errorf("an agent that %s: the record has changed (%v)", c.what, err)
		}
		l.Close()
	}
	if out := s.must("approval", "list", "--json"); !strings.Contains(out, `"status": "draft"`) {
		t.Errorf("%s", out)
	}
}
