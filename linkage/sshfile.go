package linkage

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"

	"golang.org/x/crypto/ssh"
)

// An SSHFile is an OpenSSH private key file with one Ed25519 key, as PROTOCOL.key in OpenSSH's sources describes it. Its private part
// is read by Open, and cannot be printed.
type SSHFile struct {
	Key    SSHKey // as the file has it outside of what a passphrase protects; Open holds the private part to it
	Locked bool   // with a passphrase
	text   func() []byte
}

const (
	sshFileType  = "OPENSSH PRIVATE KEY"
	sshFileMagic = "openssh-key-v1\x00"

	// maxSSHRounds bounds the work that a file can ask for before it opens, as golang.org/x/crypto does. ssh-keygen asks for 16 or 24
	// rounds, the careful for a few hundred.
	maxSSHRounds = 2048
)

// An sshEnvelope is what an OpenSSH private key file holds after its magic.
type sshEnvelope struct {
	Cipher, KDF, KDFOptions string
	Keys                    uint32
	Public                  []byte
	Private                 []byte
	Rest                    []byte `ssh:"rest"`
}

// ParseSSHFile reads the outside of a private key file. It asks for no passphrase, and quotes nothing from the file.
func ParseSSHFile(file []byte) (SSHFile, error) {
	block, rest := pem.Decode(file)
	if block == nil || len(bytes.TrimSpace(rest)) > 0 {
		return SSHFile{}, notSSHFile()
	}
	if block.Type != sshFileType {
		return SSHFile{}, &KeyError{reason: "not a private key in OpenSSH's own format",
			hints: []string{"ssh-keygen -p -f FILE, without -m, writes an Ed25519 key in that format", sshKinds}}
	}
	inside, ok := bytes.CutPrefix(block.Bytes, []byte(sshFileMagic))
	var e sshEnvelope
	if !ok || ssh.Unmarshal(inside, &e) != nil || e.Keys != 1 || len(e.Rest) > 0 {
		return SSHFile{}, notSSHFile()
	}
	key, err := sshKeyOf(e.Public)
	if err != nil {
		return SSHFile{}, err
	}
	if err := e.opens(); err != nil {
		return SSHFile{}, err
	}
	text := bytes.Clone(file)
	return SSHFile{Key: key, Locked: e.Cipher != "none", text: func() []byte { return text }}, nil
}

// opens refuses what could not be opened, or not in reasonable time, with any passphrase.
func (e sshEnvelope) opens() error {
	switch {
	case e.Cipher == "none" && e.KDF == "none" && e.KDFOptions == "":
		return nil
	case e.Cipher != "aes256-ctr" && e.Cipher != "aes256-cbc" || e.KDF != "bcrypt":
		return &KeyError{reason: "the SSH key file is locked in a way that cannot be opened here",
			hints: []string{"lock it in the usual way: ssh-keygen -p -Z aes256-ctr -f FILE"}}
	}
	var options struct {
		Salt   string
		Rounds uint32
	}
	if ssh.Unmarshal([]byte(e.KDFOptions), &options) != nil || options.Rounds == 0 {
		return notSSHFile()
	}
	if options.Rounds > maxSSHRounds {
		return &KeyError{reason: "the SSH key file asks for more rounds than are done here before it opens",
			hints: []string{"lock it anew with fewer: ssh-keygen -p -a 100 -f FILE"}}
	}
	return nil
}

// Open returns what signs with the file's key: the raw Ed25519 signature of a text. The passphrase counts only for a locked file. A file
// whose private part is not that of the public key outside is refused: a signature made with two halves that do not
// belong together gives the private key away.
func (f SSHFile) Open(passphrase string) (sign func(text []byte) ([]byte, error), err error) {
	parsed, err := f.parse(passphrase)
	switch {
	case errors.Is(err, x509.IncorrectPasswordError):
		return nil, &KeyError{reason: "the SSH key file does not open with this passphrase"}
	case err != nil:
		return nil, notSSHFile()
	}
	private, ok := parsed.(*ed25519.PrivateKey)
	if !ok {
		return nil, notSSHFile()
	}
	whole := ed25519.NewKeyFromSeed(private.Seed())
	if !bytes.Equal(whole, *private) || !bytes.Equal(whole[ed25519.SeedSize:], f.Key.point[:]) {
		return nil, &KeyError{reason: "the private part of the SSH key file is not that of its public part: the file is damaged", hints: []string{"use another copy of it"}}
	}
	return func(text []byte) ([]byte, error) { return ed25519.Sign(whole, text), nil }, nil
}

func (f SSHFile) parse(passphrase string) (any, error) {
	if f.Locked {
		return ssh.ParseRawPrivateKeyWithPassphrase(f.text(), []byte(passphrase))
	}
	return ssh.ParseRawPrivateKey(f.text())
}

func notSSHFile() *KeyError {
	return &KeyError{reason: "not a whole OpenSSH private key file of one key", hints: []string{"use another copy of it", sshKinds}}
}
