// Package agent asks an ssh-agent of this machine for signatures.
//
// # Promise
//
// It speaks to a unix socket, given by its path, and to nothing else. It asks for two things: which keys are there, and the
// signature of one text by one key of type ssh-ed25519. Nothing is added to the agent, removed from it or locked. A person may take as long as they
// like to confirm a signature; whoever ends the context ends the wait.
//
// # What is not protected
//
// An agent answers everybody who can open its socket: the same user, the administrator, and whoever administers a machine that it is
// forwarded to. It does not show what it signs. What comes back is not verified here; linkage.SSHKey.Signer does that.
package agent

import (
	"bytes"
	"context"
	"errors"
	"net"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// What an agent can fail at.
var (
	ErrNone    = errors.New("no ssh-agent answers")
	ErrNoKey   = errors.New("the ssh-agent does not hold this key")
	ErrRefused = errors.New("the ssh-agent did not sign")
)

// Holds is nil if the agent at a socket holds a key, given as SSH sends it (linkage.SSHKey.Wire).
func Holds(ctx context.Context, socket string, key []byte) error {
	return ask(ctx, socket, func(a agent.ExtendedAgent) error {
		_, err := find(a, key)
		return err
	})
}

// Sign returns the raw Ed25519 signature of a text.
func Sign(ctx context.Context, socket string, key, text []byte) ([]byte, error) {
	var sig []byte
	err := ask(ctx, socket, func(a agent.ExtendedAgent) error {
		held, err := find(a, key)
		if err != nil {
			return err
		}
		signed, err := a.Sign(held, text)
		if err != nil || signed.Format != ssh.KeyAlgoED25519 || len(signed.Rest) > 0 {
			return ErrRefused
		}
		sig = signed.Blob
		return nil
	})
	return sig, err
}

func find(a agent.ExtendedAgent, key []byte) (*agent.Key, error) {
	held, err := a.List()
	if err != nil {
		return nil, ErrNone
	}
	for _, k := range held {
		if bytes.Equal(k.Marshal(), key) {
			return k, nil
		}
	}
	return nil, ErrNoKey
}

func ask(ctx context.Context, socket string, questions func(agent.ExtendedAgent) error) error {
	conn, err := new(net.Dialer).DialContext(ctx, "unix", socket)
	if err != nil {
		return orEnded(ctx, ErrNone)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	return orEnded(ctx, questions(agent.NewClient(conn)))
}

// orEnded says that somebody ended the wait, rather than what that looked like.
func orEnded(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}
