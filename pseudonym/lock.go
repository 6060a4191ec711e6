package pseudonym

import (
	"bytes"
	"errors"
	"io"

	"filippo.io/age"
	"filippo.io/age/armor"
)

// scryptWorkFactor is log2 of scrypt's N for new files: age's own default,
// about a second. Tests lower it.
var scryptWorkFactor = 18

// maxWorkFactor bounds what a file can make us do: 2^20 is 1 GiB of memory.
const maxWorkFactor = 20

// PassphraseRecipient returns the recipient for a file that a passphrase opens
// (scrypt, N = 2^18, about a second to open). It must be a file's only
// recipient: age refuses to mix it with others.
func PassphraseRecipient(passphrase string) (age.Recipient, error) {
	r, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		return nil, refusal("passphrase is empty")
	}
	r.SetWorkFactor(scryptWorkFactor)
	return r, nil
}

// Unlock is what the caller can open key files with. The zero value opens only
// the kinds that are not encrypted.
type Unlock struct {
	redacted
	// Identities are tried first.
	Identities []age.Identity
	// Passphrase, if not nil, is called with the file's path, at most once, and
	// only when the file's header says that a passphrase opens it. Its error is
	// wrapped in the one that Read returns.
	Passphrase func(path string) (string, error)
}

// passphraseIdentity asks for the passphrase when age shows it a header that
// needs one.
type passphraseIdentity struct {
	path    string
	ask     func(path string) (string, error)
	needed  bool
	refused error // from ask
}

// Unwrap opens a file key with a passphrase.
func (p *passphraseIdentity) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	if len(stanzas) != 1 || stanzas[0].Type != "scrypt" {
		return nil, age.ErrIncorrectIdentity
	}
	p.needed = true
	if p.ask == nil {
		return nil, age.ErrIncorrectIdentity
	}
	passphrase, err := p.ask(p.path)
	if err != nil {
		p.refused = err
		return nil, err
	}
	id, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		return nil, age.ErrIncorrectIdentity // empty
	}
	id.SetMaxWorkFactor(maxWorkFactor)
	return id.Unwrap(stanzas)
}

// open decrypts an armored key file.
func (u Unlock) open(path string, armored []byte) ([]byte, error) {
	sealed, ok := dearmor(armored)
	if !ok {
		return nil, damaged(path)
	}
	p := &passphraseIdentity{path: path, ask: u.Passphrase}
	r, err := age.Decrypt(bytes.NewReader(sealed), append(append([]age.Identity(nil), u.Identities...), p)...)
	if err != nil {
		return nil, p.explain(path, err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, damaged(path)
	}
	return text, nil
}

// explain says why age did not open the file, without age's own words, some of
// which quote the file.
func (p *passphraseIdentity) explain(path string, err error) *KeyError {
	var none *age.NoIdentityMatchError
	switch {
	case p.refused != nil:
		return refusal("is locked with a passphrase").at(path).because(p.refused)
	case !errors.As(err, &none):
		return damaged(path)
	case p.needed && p.ask == nil:
		return refusal("is locked with a passphrase, and none was given").at(path).
			hint("run on a terminal, or name a passphrase file in DATANET_PASSPHRASE_FILE")
	case p.needed:
		return refusal("does not open with this passphrase").at(path)
	}
	return refusal("is locked to a recipient whose identity was not given").at(path).
		hint("name the identity file it was sealed to in DATANET_IDENTITY")
}

func damaged(path string) *KeyError {
	return refusal("is damaged or not an age file as it was written").at(path).
		hint("use the copy in the safe; a key file is never edited, nor sent through anything that changes its line ends")
}

// seal encrypts text to the recipients, armored.
func seal(text string, to []age.Recipient) ([]byte, error) {
	var out bytes.Buffer
	a := armor.NewWriter(&out)
	w, err := age.Encrypt(a, to...)
	if err != nil {
		return nil, refusal("cannot be locked to these recipients together").
			hint("a passphrase must be a file's only lock, and post-quantum recipients cannot be mixed with others")
	}
	io.WriteString(w, text) // a bytes.Buffer below: it cannot fail
	if err := errors.Join(w.Close(), a.Close()); err != nil {
		return nil, refusal("could not be encrypted")
	}
	return out.Bytes(), nil
}

// dearmor removes the armor, and refuses one that is not byte for byte what
// this package writes: age itself forgives white space around it and CR.
func dearmor(armored []byte) ([]byte, bool) {
	sealed, err := io.ReadAll(armor.NewReader(bytes.NewReader(armored)))
	if err != nil {
		return nil, false
	}
	var again bytes.Buffer
	w := armor.NewWriter(&again)
	w.Write(sealed)
	w.Close()
	return sealed, bytes.Equal(again.Bytes(), armored)
}
