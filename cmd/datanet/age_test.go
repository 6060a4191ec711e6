package main

import (
	"errors"
	"flag"
	"io"
	"os"

	"filippo.io/age"
	"filippo.io/age/armor"
)

// ageTool does of the age command what the how-tos need, with its own library:
//
//	age -d -i IDENTITY FILE          prints what an armored file holds
//	age -a -r RECIPIENT -o FILE      seals what it reads, armored
func ageTool() {
	f := flag.NewFlagSet("age", flag.ExitOnError)
	open, _ := f.Bool("d", false, ""), f.Bool("a", false, "")
	identity, recipient, out := f.String("i", "", ""), f.String("r", "", ""), f.String("o", "", "")
	f.Parse(os.Args[1:])
	err := ageSeal(*recipient, *out)
	if *open {
		err = ageOpen(*identity, f.Arg(0))
	}
	if err != nil {
		os.Stderr.WriteString("age: error: " + err.Error() + "\n")
		os.Exit(1)
	}
}

func ageOpen(identity, file string) error {
	id, err := os.Open(identity)
	if err != nil {
		return err
	}
	identities, err := age.ParseIdentities(id)
	if err != nil {
		return err
	}
	sealed, err := os.Open(file)
	if err != nil {
		return err
	}
	r, err := age.Decrypt(armor.NewReader(sealed), identities...)
	if err != nil {
		return err
	}
	_, err = io.Copy(os.Stdout, r)
	return err
}

func ageSeal(recipient, out string) error {
	if out == "" {
		return nil // it opens
	}
	to, err := age.ParseX25519Recipient(recipient)
	if err != nil {
		return err
	}
	f, err := os.Create(out)
	if err != nil {
		return err
	}
	a := armor.NewWriter(f)
	w, err := age.Encrypt(a, to)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, os.Stdin)
	return errors.Join(err, w.Close(), a.Close(), f.Close())
}
