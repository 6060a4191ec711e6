package agent_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	keyring "golang.org/x/crypto/ssh/agent"

	"datanet/cmd/datanet/agent"
)

// serve answers at a unix socket with an agent's keys, in this process.
func serve(t *testing.T, answer func(net.Conn)) string {
	t.Helper()
	// Not t.TempDir: a socket's path has about a hundred characters at most.
	dir, err := os.MkdirTemp("", "agent")
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(dir, "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close(); os.RemoveAll(dir) })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() { defer conn.Close(); answer(conn) }()
		}
	}()
	return socket
}

func serving(a keyring.Agent) func(net.Conn) {
	return func(c net.Conn) { keyring.ServeAgent(a, c) }
}

func newKey(t *testing.T) (private ed25519.PrivateKey, wire []byte) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return private, key.Marshal()
}

func TestAgentSigns(t *testing.T) {
	ring := keyring.NewKeyring()
	private, wire := newKey(t)
	other, _ := newKey(t)
	for _, k := range []ed25519.PrivateKey{other, private} {
		if err := ring.Add(keyring.AddedKey{PrivateKey: k}); err != nil {
			t.Fatal(err)
		}
	}
	socket := serve(t, serving(ring))
	if err := agent.Holds(t.Context(), socket, wire); err != nil {
		t.Fatal(err)
	}
	text := []byte("datanet/v1/approval\nid 2026-001\n")
	sig, err := agent.Sign(t.Context(), socket, wire, text)
	if err != nil || !ed25519.Verify(private.Public().(ed25519.PublicKey), text, sig) {
		t.Errorf("%v; %d bytes", err, len(sig))
	}
}

func TestAgentDoesNotSign(t *testing.T) {
	private, wire := newKey(t)
	_, absent := newKey(t)
	holding := func() keyring.Agent {
		ring := keyring.NewKeyring()
		if err := ring.Add(keyring.AddedKey{PrivateKey: private}); err != nil {
			t.Fatal(err)
		}
		return ring
	}
	locked := holding()
	if err := locked.Lock([]byte("x")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what   string
		socket string
		key    []byte
		want   error
	}{
		{"no socket", filepath.Join(t.TempDir(), "none"), wire, agent.ErrNone},
		{"a name that is empty", "", wire, agent.ErrNone},
		{"another key", serve(t, serving(holding())), absent, agent.ErrNoKey},
		{"a locked agent", serve(t, serving(locked)), wire, agent.ErrNoKey},
		{"somebody who declines", serve(t, serving(declining{holding()})), wire, agent.ErrRefused},
		{"a signature of another kind", serve(t, serving(otherwise{holding()})), wire, agent.ErrRefused},
		{"something else than an agent", serve(t, func(c net.Conn) { c.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n")) }), wire, agent.ErrNone},
		{"an end without an answer", serve(t, func(net.Conn) {}), wire, agent.ErrNone},
	} {
		sig, err := agent.Sign(t.Context(), c.socket, c.key, []byte("text"))
		if !errors.Is(err, c.want) || sig != nil {
			t.Errorf("%s: %v, %d bytes", c.what, err, len(sig))
		}
	}
}

// declining lists its keys and signs with none, as after "no" to a question.
type declining struct{ keyring.Agent }

func (declining) Sign(ssh.PublicKey, []byte) (*ssh.Signature, error) { return nil, errors.New("no") }

// otherwise answers with a signature by RSA.
type otherwise struct{ keyring.Agent }

func (otherwise) Sign(_ ssh.PublicKey, data []byte) (*ssh.Signature, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		return nil, err
	}
	return signer.Sign(rand.Reader, data)
}

// An agent may wait for somebody to confirm, as long as that takes. Whoever ends the command ends the wait.
func TestAgentWaitEnds(t *testing.T) {
	asked := make(chan bool, 1)
	socket := serve(t, func(c net.Conn) {
		c.Read(make([]byte, 1))
		asked <- true
		c.Read(make([]byte, 1<<10))
		c.Read(make([]byte, 1)) // until the other end is gone
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-asked; cancel() }()
	_, wire := newKey(t)
	if _, err := agent.Sign(ctx, socket, wire, []byte("text")); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// OpenSSH's own agent, where there is one.
func TestOpenSSHAgent(t *testing.T) {
	programs := map[string]string{"ssh-agent": "", "ssh-add": "", "ssh-keygen": ""}
	for name := range programs {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Skip("SKIPPED: there is no " + name + " here; the other tests speak to a keyring of golang.org/x/crypto")
		}
		programs[name] = path
	}
	dir, err := os.MkdirTemp("", "agent")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	socket, file := filepath.Join(dir, "s"), filepath.Join(dir, "key")
	a := exec.Command(programs["ssh-agent"], "-D", "-a", socket)
	if err := a.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { a.Process.Kill(); a.Wait() }()
	if out, err := exec.Command(programs["ssh-keygen"], "-q", "-t", "ed25519", "-N", "", "-f", file).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	line, err := os.ReadFile(file + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	key, _, _, _, err := ssh.ParseAuthorizedKey(line)
	if err != nil {
		t.Fatal(err)
	}
	add := func(options ...string) {
		t.Helper()
		c := exec.Command(programs["ssh-add"], append(options, file)...)
		c.Env = append(os.Environ(), "SSH_AUTH_SOCK="+socket, "SSH_ASKPASS=/bin/false", "SSH_ASKPASS_REQUIRE=force")
		for try := 0; ; try++ { // the socket is there when the agent is ready
			out, err := c.CombinedOutput()
			if err == nil {
				return
			}
			if !strings.Contains(string(out), "Error connecting") || try > 1000 {
				t.Fatalf("%v\n%s", err, out)
			}
			c = &exec.Cmd{Path: c.Path, Args: c.Args, Env: c.Env}
		}
	}
	add()
	text := []byte("datanet/v1/approval\nid 2026-001\n")
	sig, err := agent.Sign(t.Context(), socket, key.Marshal(), text)
	if err != nil || key.Verify(text, &ssh.Signature{Format: ssh.KeyAlgoED25519, Blob: sig}) != nil {
		t.Fatalf("%v; %d bytes", err, len(sig))
	}
	add("-c") // from now on it asks, and nobody says yes
	if sig, err := agent.Sign(t.Context(), socket, key.Marshal(), text); !errors.Is(err, agent.ErrRefused) || sig != nil {
		t.Errorf("nobody confirmed: %v", err)
	}
}
