package pseudonym

import (
	"bufio"
	"errors"
	"io"

	"filippo.io/age"
)

// Seal returns a writer that encrypts a file to the site's custodian with age
// (age-encryption.org/v1), as it is written and in little memory. Only closing it
// makes the file whole: without its last part it does not open. Its errors are
// those of w.
func (k *SiteKey) Seal(w io.Writer) (io.WriteCloser, error) {
	return age.Encrypt(w, k.Custodian)
}

// OpenSealed returns a reader of what was sealed to this custodian. Every byte
// that it returns was sealed, in this place; that nothing is missing behind it is
// known only when it returns io.EOF, so nothing may be made of what was read before
// that. A file for another custodian is a *KeyError; one that was changed, cut off
// or added to is a *SealedError, except that a change at the very beginning, where
// the custodian is named, looks like a file for another custodian.
func (k *CustodianKey) OpenSealed(r io.Reader) (io.Reader, error) {
	below := &watched{r: r}
	plain, err := age.Decrypt(bufio.NewReaderSize(below, 1<<16), k.identity)
	if err != nil {
		return nil, below.blame(err)
	}
	return &opened{plain: plain, below: below}, nil
}

// A SealedError says that a sealed file is not as it was sealed.
type SealedError struct{ text string }

func (e *SealedError) Error() string { return e.text }

// Kind returns "integrity".
func (e *SealedError) Kind() string { return "integrity" }

// Hints returns what the reader can do about it.
func (e *SealedError) Hints() []string {
	return []string{"ask the site to send it again"}
}

// opened reads what age decrypts, and puts age's errors into our words. After
// an error it returns nothing more.
type opened struct {
	plain io.Reader
	below *watched
	err   error
}

func (o *opened) Read(b []byte) (int, error) {
	if o.err != nil {
		return 0, o.err
	}
	n, err := o.plain.Read(b)
	if err != nil && err != io.EOF {
		n, err = 0, o.below.blame(err)
	}
	o.err = err
	return n, err
}

// watched keeps the error of the file itself, so that a broken disk is not
// taken for a changed file.
type watched struct {
	r   io.Reader
	err error
}

func (w *watched) Read(b []byte) (int, error) {
	n, err := w.r.Read(b)
	if err != nil && err != io.EOF {
		w.err = err
	}
	return n, err
}

// blame says why age stopped, without age's own words, some of which quote the
// file.
func (w *watched) blame(err error) error {
	var none *age.NoIdentityMatchError
	switch {
	case w.err != nil:
		return w.err
	case errors.As(err, &none):
		return refusal("the sealed extract does not open with this custodian's key").
			hint("it was sealed to another custodian, or changed at its beginning: ask the site which dataset its key is for, and to send it again")
	}
	return &SealedError{"this is not a sealed extract, or it was changed or cut off on its way"}
}
