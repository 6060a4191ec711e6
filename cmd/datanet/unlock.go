package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"

	"filippo.io/age"
	"golang.org/x/term"

	"datanet/pseudonym"
)

// Key files open with the identity of DATANET_IDENTITY, else with a passphrase
// from the file of DATANET_PASSPHRASE_FILE (- is standard input), else with one
// typed at the terminal. A passphrase is never a flag.

func (a *app) unlock() (pseudonym.Unlock, error) {
	u := pseudonym.Unlock{Passphrase: func(path string) (string, error) {
		return a.passphrase("Passphrase for " + path + ": ")
	}}
	id, err := a.identity()
	if err != nil || id == nil {
		return u, err
	}
	u.Identities = []age.Identity{id.Identity()}
	return u, nil
}

func (a *app) identity() (*pseudonym.IdentityKey, error) {
	path := a.env("DATANET_IDENTITY")
	if path == "" {
		return nil, nil
	}
	return pseudonym.Read[*pseudonym.IdentityKey](path, pseudonym.Unlock{})
}

// openKey reads a key file of one kind.
func openKey[K pseudonym.Key](a *app, path string) (K, error) {
	u, err := a.unlock()
	if err != nil {
		var none K
		return none, err
	}
	return pseudonym.Read[K](path, u)
}

// recipients is whom a new key file is sealed to: those named, else the
// identity's own, else a new passphrase.
func (a *app) recipients(to []string) ([]age.Recipient, error) {
	var all []age.Recipient
	for _, r := range to {
		recipient, err := pseudonym.ParseRecipient(r)
		if err != nil {
			return nil, err
		}
		all = append(all, recipient)
	}
	if len(all) > 0 {
		return all, nil
	}
	id, err := a.identity()
	if err != nil {
		return nil, err
	}
	if id != nil {
		return []age.Recipient{id.Recipient()}, nil
	}
	phrase, err := a.newPassphrase()
	if err != nil {
		return nil, err
	}
	r, err := pseudonym.PassphraseRecipient(phrase)
	if err != nil {
		return nil, err
	}
	return []age.Recipient{r}, nil
}

const unattended = "for unattended runs: datanet key identity --out FILE, then DATANET_IDENTITY=FILE; or DATANET_PASSPHRASE_FILE=FILE"

func (a *app) passphrase(prompt string) (string, error) {
	if path := a.env("DATANET_PASSPHRASE_FILE"); path != "" {
		return a.passphraseFrom(path)
	}
	if a.in == nil || !term.IsTerminal(int(a.in.Fd())) {
		return "", &useError{"a passphrase is needed and there is no terminal to ask at", unattended}
	}
	fmt.Fprint(a.err, prompt)
	phrase, err := a.typed()
	fmt.Fprintln(a.err)
	if a.ctx.Err() != nil {
		return "", a.ctx.Err()
	}
	if err != nil {
		return "", &useError{"the passphrase could not be read", unattended}
	}
	return string(phrase), nil
}

// typed reads a line that the terminal does not show. Signals are caught for
// the sake of half-written files, so that Ctrl-C would not end the reading by
// itself, nor make the terminal show again what is typed.
func (a *app) typed() ([]byte, error) {
	fd := int(a.in.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return nil, err
	}
	type line struct {
		text []byte
		err  error
	}
	read := make(chan line, 1)
	go func() {
		text, err := term.ReadPassword(fd)
		read <- line{text, err}
	}()
	select {
	case l := <-read:
		return l.text, l.err
	case <-a.ctx.Done():
		return nil, term.Restore(fd, before)
	}
}

// passphraseFrom reads the first line of a file. Standard input is read once:
// its one passphrase opens every key file of the command.
func (a *app) passphraseFrom(path string) (string, error) {
	if path == "-" && a.piped != "" {
		return a.piped, nil
	}
	in := io.Reader(a.in)
	if path != "-" {
		info, err := os.Stat(path)
		if err != nil {
			return "", &useError{"the file of DATANET_PASSPHRASE_FILE cannot be read", unattended}
		}
		if info.Mode().Perm()&0o077 != 0 {
			return "", &keyError{"the passphrase file can be read by others", "chmod 600 " + path}
		}
		f, err := os.Open(path)
		if err != nil {
			return "", &useError{"the file of DATANET_PASSPHRASE_FILE cannot be read", unattended}
		}
		defer f.Close()
		in = f
	}
	line, err := bufio.NewReader(io.LimitReader(in, 4096)).ReadString('\n')
	if line = strings.TrimRight(line, "\r\n"); line == "" || (err != nil && err != io.EOF) {
		return "", &useError{"the passphrase file holds no passphrase on its first line", unattended}
	}
	if path == "-" {
		a.piped = line
	}
	return line, nil
}

// newPassphrase asks twice at a terminal.
func (a *app) newPassphrase() (string, error) {
	first, err := a.passphrase("New passphrase: ")
	if err != nil || a.env("DATANET_PASSPHRASE_FILE") != "" {
		return first, err
	}
	second, err := a.passphrase("The same again: ")
	if err != nil {
		return "", err
	}
	if first != second {
		return "", &useError{"the passphrases differ", "try again"}
	}
	return first, nil
}

// A keyError is a key failure that only the command line can see.
type keyError struct{ rule, hint string }

func (e *keyError) Error() string   { return e.rule }
func (e *keyError) Kind() string    { return "key" }
func (e *keyError) Hints() []string { return []string{e.hint} }
