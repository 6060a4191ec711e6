package pseudonym

import (
	"bytes"
	"errors"
	"io/fs"

	"filippo.io/age"
	"filippo.io/age/armor"
)

// maxKeyFile bounds what is read; real files have one to four thousand bytes.
const maxKeyFile = 1 << 16

// Write creates a key file with mode 0600. Every kind needs at least one
// recipient (each of them opens the file: a second one makes the copy in the
// safe) except *IdentityKey and *LedgerKey, which are written as they are and
// take none. A name that exists is refused, and on any failure nothing is left
// behind. All its errors are *KeyError.
func Write(path string, key Key, to ...age.Recipient) error {
	data, err := lockedText(key, to)
	if err == nil {
		err = writeNew(path, data)
	}
	return writeError(path, err)
}

func lockedText(key Key, to []age.Recipient) ([]byte, error) {
	switch {
	case plain(key.Kind()) && len(to) > 0:
		return nil, refusal("cannot be locked: a file of kind %s is not encrypted", key.Kind())
	case plain(key.Kind()):
		return []byte(textOf(key)), nil
	case len(to) == 0:
		return nil, refusal("cannot be written without a lock").
			hint("give a passphrase, an identity in DATANET_IDENTITY, or --to RECIPIENT")
	}
	return seal(textOf(key), to)
}

func textOf(key Key) string {
	if id, ok := key.(*IdentityKey); ok {
		return id.text()
	}
	return encodeKey(key)
}

func writeError(path string, err error) error {
	var k *KeyError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &k):
		return k.at(path)
	case errors.Is(err, fs.ErrExist):
		return refusal("exists").at(path).because(fs.ErrExist).
			hint("a key is never overwritten: choose another name, or move the old key away")
	}
	return refusal("cannot be written").at(path).because(err)
}

// Read opens a key file and returns its key, as in
//
//	site, err := pseudonym.Read[*pseudonym.SiteKey](path, unlock)
//
// It refuses, with a *KeyError, a file that others can read or change, that is
// no regular file, is too large, is of another kind, does not open with what
// unlock offers, or is not byte for byte as Write made it. Nothing is returned
// beside an error.
func Read[K Key](path string, unlock Unlock) (K, error) {
	var wanted K
	key, err := readKey(path, unlock)
	if err != nil {
		return wanted, err
	}
	k, ok := key.(K)
	if !ok {
		return wanted, refusal("is of kind %s; one of kind %s was wanted", key.Kind(), wanted.Kind()).at(path)
	}
	return k, nil
}

// Describe opens a key file of any kind and returns what may be shown of it.
func Describe(path string, unlock Unlock) (Description, error) {
	key, err := readKey(path, unlock)
	if err != nil {
		return Description{}, err
	}
	return key.Describe(), nil
}

func readKey(path string, unlock Unlock) (Key, error) {
	data, err := readPrivate(path, maxKeyFile)
	if err != nil {
		return nil, err
	}
	encrypted := bytes.HasPrefix(data, []byte(armor.Header))
	if encrypted {
		if data, err = unlock.open(path, data); err != nil {
			return nil, err
		}
	}
	key, err := parseKey(data)
	switch {
	case err != nil:
		return nil, refusal("is not a key file of datanet: %v", err).at(path)
	case plain(key.Kind()) && encrypted:
		return nil, refusal("is encrypted, and a file of kind %s is not", key.Kind()).at(path)
	case !plain(key.Kind()) && !encrypted:
		return nil, refusal("is not encrypted: whoever has read it holds the key").at(path).
			hint("make a new key")
	}
	return key, nil
}

// parseKey reads the text of a key file of any kind.
func parseKey(text []byte) (Key, error) {
	if bytes.Contains(text, []byte("AGE-SECRET-KEY-")) && !bytes.HasPrefix(text, []byte(keyMagic)) {
		k, err := parseIdentity(text)
		if err != nil {
			return nil, err // not k: a nil *IdentityKey is a Key that is not nil
		}
		return k, nil
	}
	return decodeKey(string(text))
}
