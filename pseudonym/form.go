package pseudonym

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"filippo.io/age"
)

// The first line of a key file's text, and the prefix of a secret's line: a
// literal that a search for leaked keys finds.
const (
	keyMagic     = "datanet/v1/key"
	secretPrefix = "DATANET-SECRET-KEY-"
)

// The labels of secrets, which also name their check values.
const (
	lineLinkage  = "linkage-key"
	lineWrap     = "wrap-key"
	lineSiteWrap = "site-wrap-key"
	lineRecord   = "record-key"
	lineCell     = "cell-key"
)

const dayForm = "2006-01-02"

func formatDay(t time.Time) string { return t.Format(dayForm) }

// form walks the lines of a key file, filling the key from them or them from
// the key, so that each kind lists its lines once.
type form struct {
	reading bool
	in      []string // lines not yet read
	out     strings.Builder
	at      int // lines passed
	err     error
}

// encodeKey returns the text of a key.
func encodeKey(k Key) string {
	f := &form{}
	f.out.WriteString(keyMagic + "\nkind " + k.Kind() + "\n")
	k.form(f)
	return f.out.String() + sumLine(f.out.String())
}

// sumLine closes a key file with SHA-256 of everything above it. It is no
// protection against people; in a file that is not encrypted it finds damage.
func sumLine(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sum " + hex.EncodeToString(sum[:]) + "\n"
}

// decodeKey reads the text of a key. It accepts exactly what encodeKey writes.
// Its errors name lines and labels, never what stands there.
func decodeKey(text string) (Key, error) {
	lines := strings.Split(text, "\n")
	if lines[0] != keyMagic {
		return nil, fmt.Errorf("line 1: %q expected", keyMagic)
	}
	if len(lines) < 4 || lines[len(lines)-1] != "" {
		return nil, errors.New("it is cut short")
	}
	f := &form{reading: true, in: lines[1 : len(lines)-1], at: 1}
	var k Key
	f.line("kind", nil, func(s string) error {
		if k = blankKey(s); k == nil {
			return errors.New("unknown kind")
		}
		return nil
	})
	if f.err != nil {
		return nil, f.err
	}
	k.form(f)
	f.line("sum", nil, func(string) error { return nil }) // compared below, with all the rest
	switch {
	case f.err != nil:
		return nil, f.err
	case len(f.in) != 0:
		return nil, fmt.Errorf("line %d: unknown line", f.at+1)
	case encodeKey(k) != text:
		return nil, errors.New("it is not as it was written: the sum does not hold")
	}
	return k, nil
}

// line writes or reads "label value". The first error stays and stops reading.
func (f *form) line(label string, value func() string, parse func(string) error) {
	if !f.reading {
		f.out.WriteString(label + " " + value() + "\n")
		return
	}
	if f.err != nil {
		return
	}
	f.at++
	if len(f.in) == 0 {
		f.err = fmt.Errorf("line %d: %s expected, and the text ends", f.at, label)
		return
	}
	found, text, _ := strings.Cut(f.in[0], " ")
	f.in = f.in[1:]
	if found != label {
		f.err = fmt.Errorf("line %d: %s expected", f.at, label)
	} else if err := parse(text); err != nil {
		f.err = fmt.Errorf("line %d: %s: %w", f.at, label, err)
	}
}

func (f *form) name(label string, v *string, valid func(string) bool) {
	f.line(label, func() string { return *v }, func(s string) error {
		if !valid(s) {
			return errors.New("not of the accepted form")
		}
		*v = s
		return nil
	})
}

func (f *form) day(label string, v *time.Time) {
	f.line(label, func() string { return formatDay(*v) }, func(s string) error {
		t, err := time.Parse(dayForm, s)
		if err != nil {
			return errors.New("not a date YYYY-MM-DD") // time's own error quotes the text
		}
		*v = t
		return nil
	})
}

func (f *form) secret(label string, v *secret) {
	f.line(label, func() string { return encodeSecret(v.bytes()) }, func(s string) error {
		raw, err := decodeSecret(s)
		if err != nil {
			return err
		}
		*v = secretOf(raw)
		return nil
	})
}

func (f *form) signer(label string, v *Signer, name string) {
	f.line(label, func() string { return v.mustKey().private }, func(s string) error {
		signer, err := parseSigner(s)
		if err != nil {
			return err
		}
		if signer.Name() != name {
			return errors.New("signing key of another name")
		}
		*v = signer
		return nil
	})
}

func (f *form) seal(label string, v *sealingKey) {
	f.line(label, func() string { return encodeSecret(v.seed.bytes()) }, func(s string) (err error) {
		raw, err := decodeSecret(s)
		if err != nil {
			return err
		}
		*v, err = sealingKeyOf(raw)
		return err
	})
}

func (f *form) identity(label string, v *ageIdentity) {
	f.line(label, func() string { return v.key().String() }, func(s string) error {
		id, err := age.ParseX25519Identity(s)
		if err != nil {
			return errors.New("malformed age identity")
		}
		*v = ageIdentity{key: hide(id)}
		return nil
	})
}

func (f *form) recipient(label string, v **age.X25519Recipient) {
	f.line(label, func() string { return (*v).String() }, func(s string) error {
		r, err := age.ParseX25519Recipient(s)
		if err != nil {
			return errors.New("malformed age recipient")
		}
		*v = r
		return nil
	})
}

func encodeSecret(b []byte) string { return secretPrefix + base64.StdEncoding.EncodeToString(b) }

func decodeSecret(s string) ([]byte, error) {
	encoded, ok := strings.CutPrefix(s, secretPrefix)
	raw, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if !ok || err != nil || len(raw) != secretSize {
		return nil, errors.New("malformed key")
	}
	return raw, nil
}
