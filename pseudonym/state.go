package pseudonym

import (
	"bytes"
	"errors"
	"io"

	"filippo.io/age"
)

// maxState bounds what is read back: 16 bytes for each of 60 million people.
const maxState = 1 << 30

// StatePath returns the name of the state file that belongs to a key file.
func StatePath(keyFile string) string { return keyFile + ".state" }

// SealState encrypts what a site must remember between extracts to the key's
// own identity and puts it in the place of StatePath(keyFile), atomically and
// durably, mode 0600. Two at once for one key file are the caller's to prevent.
// It does not protect against somebody putting an older state back: the hub
// refuses the repeated sequence that follows.
func (k *SiteKey) SealState(keyFile string, state []byte) error {
	var out bytes.Buffer
	w, err := age.Encrypt(&out, k.state.recipient())
	if err == nil {
		w.Write(state) // a bytes.Buffer below: it cannot fail
		err = w.Close()
	}
	if err != nil {
		return refusal("could not be encrypted").at(StatePath(keyFile))
	}
	if err := replace(StatePath(keyFile), out.Bytes()); err != nil {
		return refusal("cannot be written").at(StatePath(keyFile)).because(err)
	}
	return nil
}

// OpenState returns what SealState wrote last. A site that has never written
// any gets an error for which errors.Is(err, fs.ErrNotExist) holds. A file that
// was changed, belongs to another key or can be read by others is refused.
func (k *SiteKey) OpenState(keyFile string) ([]byte, error) {
	path := StatePath(keyFile)
	sealed, err := readPrivate(path, maxState)
	if err != nil {
		return nil, err
	}
	r, err := age.Decrypt(bytes.NewReader(sealed), k.state)
	if err != nil {
		return nil, unreadableState(path, err)
	}
	state, err := io.ReadAll(r)
	if err != nil {
		return nil, unreadableState(path, err)
	}
	return state, nil
}

func unreadableState(path string, err error) *KeyError {
	var none *age.NoIdentityMatchError
	if errors.As(err, &none) {
		return refusal("was written under another key").at(path).
			hint("a state file goes with the site key file it is named after")
	}
	return refusal("is damaged").at(path).hint("restore it from the site's own copy")
}
