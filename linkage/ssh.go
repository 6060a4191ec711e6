package linkage

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/mod/sumdb/note"
)

// An SSHKey is the public part of an SSH key of type ssh-ed25519. Two of the same key are equal, whatever was written beside it.
type SSHKey struct{ point [ed25519.PublicKeySize]byte }

// maxSSHLine bounds a public key line; one of Ed25519 has about a hundred characters.
const maxSSHLine = 4 << 10

// ParseSSHKey reads the one line of an OpenSSH public key file (type, base64, and a comment, which may be missing).
func ParseSSHKey(line string) (key SSHKey, comment string, err error) {
	line = strings.TrimRight(line, "\r\n")
	if len(line) > maxSSHLine || strings.ContainsAny(line, "\r\n") {
		return SSHKey{}, "", notSSHLine()
	}
	kind, rest, _ := strings.Cut(line, " ")
	encoded, comment, _ := strings.Cut(rest, " ")
	if kind != ssh.KeyAlgoED25519 {
		return SSHKey{}, "", otherSSHKind(kind)
	}
	wire, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil {
		return SSHKey{}, "", notSSHLine()
	}
	key, err = sshKeyOf(wire)
	return key, strings.TrimSpace(comment), err
}

// sshKeyOf reads a public key as SSH sends it (RFC 8709, section 4), in its one spelling.
func sshKeyOf(wire []byte) (SSHKey, error) {
	parsed, err := ssh.ParsePublicKey(wire)
	if err != nil {
		return SSHKey{}, otherSSHKind(typeOf(wire))
	}
	holder, ok := parsed.(ssh.CryptoPublicKey)
	if !ok {
		return SSHKey{}, otherSSHKind(parsed.Type())
	}
	public, ok := holder.CryptoPublicKey().(ed25519.PublicKey)
	if !ok || parsed.Type() != ssh.KeyAlgoED25519 {
		return SSHKey{}, otherSSHKind(parsed.Type())
	}
	if !bytes.Equal(parsed.Marshal(), wire) {
		return SSHKey{}, notSSHLine()
	}
	return SSHKey{[ed25519.PublicKeySize]byte(public)}, nil
}

// typeOf is the type that a public key says it has, or "".
func typeOf(wire []byte) string {
	var head struct {
		Type string
		Rest []byte `ssh:"rest"`
	}
	if ssh.Unmarshal(wire, &head) != nil {
		return ""
	}
	return head.Type
}

func (k SSHKey) public() ssh.PublicKey {
	public, err := ssh.NewPublicKey(ed25519.PublicKey(k.point[:]))
	if err != nil {
		panic("linkage: an Ed25519 key is no SSH key: " + err.Error()) // only for other types and lengths
	}
	return public
}

// Wire is the key as agents know it.
func (k SSHKey) Wire() []byte { return k.public().Marshal() }

// Fingerprint is SHA256:… as ssh-keygen -l prints it.
func (k SSHKey) Fingerprint() string { return ssh.FingerprintSHA256(k.public()) }

// VKey is the verifier key of this key under a name, such as guardian/slam/a.okafor.
func (k SSHKey) VKey(name string) (string, error) {
	vkey, err := note.NewEd25519VerifierKey(name, ed25519.PublicKey(k.point[:]))
	if err == nil {
		_, err = parseVKey(vkey)
	}
	if err != nil {
		return "", &KeyError{reason: "the name for the key is not of the accepted form", hints: []string{"a name has neither spaces nor a plus sign"}}
	}
	return vkey, nil
}

// Is says whether a verifier key is this key, under whatever name.
func (k SSHKey) Is(vkey string) bool {
	// The first byte of what a verifier key encodes is the algorithm, and 1 is Ed25519.
	return publicKey(vkey) == base64.StdEncoding.EncodeToString(append([]byte{1}, k.point[:]...))
}

// GuardedBy says for which dataset this key is the Guardian's, or a deputy's, and under which verifier key. It is a *Refusal if it is nobody's here.
func (t Trust) GuardedBy(k SSHKey) (dataset, vkey string, err error) {
	for _, name := range t.Datasets() {
		for _, vkey := range t.Dataset(name).deciders("") {
			if k.Is(vkey) {
				return name, vkey, nil
			}
		}
	}
	return "", "", &Refusal{check: CheckSigner, reason: "this SSH key is no Guardian's of any dataset, as the record of decisions has it now",
		hints: []string{"datanet hub status shows whose keys count; datanet key show FILE.pub shows this one's fingerprint"}}
}

// signedPrefix begins everything that is signed in this package. A Signer for an SSH key signs nothing else, so that no program of
// ours can be led to sign a message of SSH with it.
const signedPrefix = "datanet/v1/"

// Signer signs notes with this key, under the name that the verifier key gives it. Sign makes the raw Ed25519 signature (RFC 8032) of a
// text, wherever the private part is; what it returns is verified, so that no wrong signature is ever recorded.
func (k SSHKey) Signer(vkey string, sign func(text []byte) ([]byte, error)) (note.Signer, error) {
	verifier, err := parseVKey(vkey)
	if err != nil {
		return nil, err
	}
	if !k.Is(vkey) {
		return nil, &KeyError{reason: "the SSH key is not the one of the verifier key"}
	}
	return &sshSigner{verifier, sign}, nil
}

type sshSigner struct {
	verifier note.Verifier
	sign     func(text []byte) ([]byte, error)
}

func (s *sshSigner) Name() string    { return s.verifier.Name() }
func (s *sshSigner) KeyHash() uint32 { return s.verifier.KeyHash() }

func (s *sshSigner) Sign(text []byte) ([]byte, error) {
	if !bytes.HasPrefix(text, []byte(signedPrefix)) {
		return nil, &KeyError{reason: "an SSH key signs only texts that begin with " + signedPrefix}
	}
	sig, err := s.sign(text)
	if err != nil {
		return nil, err
	}
	if !s.verifier.Verify(text, sig) {
		return nil, &KeyError{reason: "what signed was not this SSH key: the signature does not hold",
			hints: []string{"look at what the agent holds with: ssh-add -l"}}
	}
	return sig, nil
}

const sshKinds = "what works is a key of type ssh-ed25519: in a file, as ssh-keygen -t ed25519 makes it, or in an ssh-agent, which is how smart cards and tokens with OpenPGP or PIV come"

func notSSHLine() *KeyError {
	return &KeyError{reason: "not the line of an OpenSSH public key", hints: []string{"it reads: ssh-ed25519, a space, a long word that begins with AAAA, and a comment", sshKinds}}
}

// otherSSHKind says why a key of a type cannot sign here. The type comes from outside, and only known ones are named.
func otherSSHKind(kind string) *KeyError {
	switch {
	case strings.Contains(kind, "-cert-v"):
		return &KeyError{reason: "an SSH certificate is not a key", hints: []string{"give the public key that it was made for, the file without -cert", sshKinds}}
	case strings.HasPrefix(kind, "sk-"):
		return &KeyError{reason: "an SSH key on a FIDO security key (sk-ssh-ed25519) cannot sign here: it signs a statement of its own with a counter, and never the request's text",
			hints: []string{sshKinds}}
	}
	for _, known := range []string{"ssh-rsa", "ssh-dss", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"} {
		if kind == known {
			return &KeyError{reason: "an SSH key of type " + known + " cannot sign here", hints: []string{sshKinds}}
		}
	}
	return notSSHLine()
}
