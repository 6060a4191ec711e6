package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// Of OpenSSH's programs, what the sessions and how-tos need, with the library of
// golang.org/x/crypto: nothing has to be installed, and no agent of the person
// who runs the tests is asked.
//
//	ssh-keygen [-q] -t ed25519 [-C COMMENT] [-N PASSPHRASE] -f FILE     makes a key
//	ssh-keygen -l -f FILE.pub                                           prints its fingerprint
//	ssh-add [-D] [FILE]                                                 gives it a key; -D takes all away
//	ssh-agent -D -a SOCKET                                              an agent until its socket is gone

func sshKeygen() {
	f := flag.NewFlagSet("ssh-keygen", flag.ExitOnError)
	_, kind := f.Bool("q", false, ""), f.String("t", "", "")
	comment, phrase, file, list := f.String("C", "", ""), f.String("N", "", ""), f.String("f", "", ""), f.Bool("l", false, "")
	f.Parse(os.Args[1:])
	if *list {
		sshDone(sshPrint(*file))
		return
	}
	if *kind != "ed25519" {
		sshDone(errors.New("another kind of key"))
	}
	sshDone(sshMake(*file, *comment, *phrase))
}

func sshMake(file, comment, phrase string) error {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	block, err := ssh.MarshalPrivateKey(private, comment)
	if phrase != "" {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(private, comment, []byte(phrase))
	}
	if err != nil {
		return err
	}
	public, err := ssh.NewPublicKey(private.Public())
	if err != nil {
		return err
	}
	line := strings.TrimSpace(strings.TrimSpace(string(ssh.MarshalAuthorizedKey(public)))+" "+comment) + "\n"
	return errors.Join(os.WriteFile(file, pem.EncodeToMemory(block), 0o600), os.WriteFile(file+".pub", []byte(line), 0o644), os.Chmod(file+".pub", 0o644))
}

func sshPrint(file string) error {
	line, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	key, comment, _, _, err := ssh.ParseAuthorizedKey(line)
	if err == nil {
		fmt.Printf("256 %s %s (ED25519)\n", ssh.FingerprintSHA256(key), comment)
	}
	return err
}

func sshAgent() {
	f := flag.NewFlagSet("ssh-agent", flag.ExitOnError)
	socket, _ := f.String("a", "", ""), f.Bool("D", false, "")
	f.Parse(os.Args[1:])
	l, err := net.Listen("unix", *socket)
	sshDone(err)
	ring := agent.NewKeyring()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() { defer conn.Close(); agent.ServeAgent(ring, conn) }()
		}
	}()
	for { // the folder of a session ends with it, and so does its agent
		if _, err := os.Stat(*socket); err != nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func sshAdd() {
	f := flag.NewFlagSet("ssh-add", flag.ExitOnError)
	clear := f.Bool("D", false, "")
	f.Parse(os.Args[1:])
	conn, err := net.Dial("unix", os.Getenv("SSH_AUTH_SOCK"))
	for try := 0; err != nil && try < 200; try++ { // the agent may not have begun yet
		time.Sleep(50 * time.Millisecond)
		conn, err = net.Dial("unix", os.Getenv("SSH_AUTH_SOCK"))
	}
	sshDone(err)
	a := agent.NewClient(conn)
	if *clear {
		sshDone(a.RemoveAll())
		fmt.Fprintln(os.Stderr, "All identities removed.")
		return
	}
	text, err := os.ReadFile(f.Arg(0))
	sshDone(err)
	key, err := ssh.ParseRawPrivateKey(text)
	sshDone(err)
	sshDone(a.Add(agent.AddedKey{PrivateKey: key, Comment: f.Arg(0)}))
	fmt.Fprintf(os.Stderr, "Identity added: %s\n", f.Arg(0))
}

func sshDone(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
