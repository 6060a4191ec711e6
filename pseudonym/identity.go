package pseudonym

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"time"

	"filippo.io/age"
)

// IdentityKey is an age identity file, in the form that age-keygen writes: it
// opens key files in unattended runs, without a passphrase.
type IdentityKey struct {
	redacted
	created  time.Time // zero when read
	identity age.Identity
	private  func() string
	public   string
}

// NewIdentityKey makes an X25519 identity.
func NewIdentityKey(created time.Time) (*IdentityKey, error) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		return nil, refusal("identity could not be made")
	}
	k, err := identityOf(id)
	if err != nil {
		return nil, err
	}
	k.created = day(created)
	return k, nil
}

// identityOf wraps one of age's own identities, X25519 or hybrid.
func identityOf(id age.Identity) (*IdentityKey, error) {
	switch id := id.(type) {
	case *age.X25519Identity:
		return &IdentityKey{identity: unwrapper{id.Unwrap}, private: id.String, public: id.Recipient().String()}, nil
	case *age.HybridIdentity:
		return &IdentityKey{identity: unwrapper{id.Unwrap}, private: id.String, public: id.Recipient().String()}, nil
	}
	return nil, errors.New("unknown type of age identity")
}

// Kind returns "identity".
func (*IdentityKey) Kind() string { return kindIdentity }

// Identity returns the identity, for Unlock. It cannot be printed.
func (k *IdentityKey) Identity() age.Identity { return k.identity }

// Recipient returns the recipient that key files are sealed to for this
// identity, for Write.
func (k *IdentityKey) Recipient() age.Recipient {
	r, err := ParseRecipient(k.public)
	if err != nil {
		panic("pseudonym: recipient of an identity: " + err.Error()) // age wrote it
	}
	return r
}

// Public returns the recipient as text, age1….
func (k *IdentityKey) Public() string { return k.public }

// Describe returns the recipient.
func (k *IdentityKey) Describe() Description {
	d := Description{Kind: kindIdentity, ID: k.public, Public: k.public}
	if !k.created.IsZero() {
		d.Created = formatDay(k.created)
	}
	return d
}

func (*IdentityKey) form(*form) { panic("pseudonym: an identity has age's own form") }

// text writes the file as age-keygen does.
func (k *IdentityKey) text() string {
	return fmt.Sprintf("# created: %s\n# public key: %s\n%s\n", formatDay(k.created), k.public, k.private())
}

// parseIdentity reads an age-keygen file that holds one identity. A comment
// that names another public key is refused: somebody would seal to it.
func parseIdentity(data []byte) (*IdentityKey, error) {
	ids, err := age.ParseIdentities(bytes.NewReader(data))
	if err != nil || len(ids) != 1 {
		return nil, errors.New("it does not hold exactly one age identity")
	}
	k, err := identityOf(ids[0])
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(data)) {
		public, ok := strings.CutPrefix(line, "# public key:")
		if ok && strings.TrimSpace(public) != k.public {
			return nil, errors.New("its comment names the public key of another identity")
		}
	}
	return k, nil
}

// unwrapper is an age identity without the String method that prints its key.
type unwrapper struct {
	unwrap func([]*age.Stanza) ([]byte, error)
}

// Unwrap opens a file key.
func (u unwrapper) Unwrap(stanzas []*age.Stanza) ([]byte, error) { return u.unwrap(stanzas) }

// ageIdentity is an X25519 identity inside a key file, without its String.
type ageIdentity struct {
	redacted
	key hidden[age.X25519Identity]
}

func newAgeIdentity() (ageIdentity, error) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		return ageIdentity{}, refusal("identity could not be made")
	}
	return ageIdentity{key: hide(id)}, nil
}

func (i ageIdentity) recipient() *age.X25519Recipient { return i.key().Recipient() }

// Unwrap opens a file key.
func (i ageIdentity) Unwrap(stanzas []*age.Stanza) ([]byte, error) { return i.key().Unwrap(stanzas) }

// ParseRecipient reads an age recipient, age1…, of the X25519 or the hybrid
// post-quantum kind. Its error does not quote the text, which may be an
// identity given by mistake.
func ParseRecipient(s string) (age.Recipient, error) {
	if r, err := age.ParseX25519Recipient(s); err == nil {
		return r, nil
	}
	if r, err := age.ParseHybridRecipient(s); err == nil {
		return r, nil
	}
	e := refusal("recipient is not an age recipient")
	if strings.HasPrefix(strings.ToUpper(s), "AGE-SECRET-KEY-") {
		return nil, e.hint("this is an identity, a secret: give its recipient, age1…, and clear the shell's history")
	}
	return nil, e.hint("a recipient is what `key identity` printed, one word that begins with age1")
}
