package main

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"filippo.io/age/armor"
	"golang.org/x/mod/sumdb/note"

	"datanet/cmd/datanet/agent"
	"datanet/linkage"
	"datanet/pseudonym"
)

// A guardian signs for one dataset, wherever the key lies: in a key file of
// datanet, in an OpenSSH private key file, or in an ssh-agent.
type guardian struct {
	Dataset string
	Signer  note.Signer
	vkey    string
}

// ID names the key in the audit log.
func (g *guardian) ID() string { return fmt.Sprintf("%s+%08x", g.Signer.Name(), g.Signer.KeyHash()) }

// openGuardian opens the key that --guardian names. An SSH key says nothing of a
// dataset: whose Guardian's it is says the hub's trust.
func (a *app) openGuardian(path string, trust linkage.Trust) (*guardian, error) {
	if g, isSSH, err := a.openSSH(path, trust.GuardedBy); isSSH || err != nil {
		return g, err
	}
	key, err := openKey[*pseudonym.GuardianKey](a, path)
	if err != nil {
		return nil, err
	}
	return &guardian{key.Dataset, key.Signer, key.Signer.Public()}, nil
}

// A role finds for whom an SSH key signs, and under which verifier key.
type role func(linkage.SSHKey) (dataset, vkey string, err error)

// openSSH opens an SSH key. A file of another kind is left to others.
func (a *app) openSSH(path string, in role) (g *guardian, isSSH bool, err error) {
	if isPublicFile(path) {
		g, err = a.guardianInAgent(path, in)
		return g, true, err
	}
	text, err := pseudonym.ReadPrivate(path)
	if err != nil || !isSSHFile(text) {
		return nil, false, err
	}
	g, err = a.guardianInFile(path, text, in)
	return g, true, err
}

func isPublicFile(path string) bool { return strings.HasSuffix(path, ".pub") }

// isSSHFile says whether a private file is one of those that SSH programs read,
// usable here or not. Datanet's own are armoured by age.
func isSSHFile(text []byte) bool {
	return bytes.HasPrefix(text, []byte("-----BEGIN ")) && !bytes.HasPrefix(text, []byte(armor.Header))
}

func (a *app) guardianInFile(path string, text []byte, in role) (*guardian, error) {
	file, err := linkage.ParseSSHFile(text)
	if err != nil {
		return nil, inFile(path, err)
	}
	return guardianWith(file.Key, in, func() (signText, error) { return a.unlockSSH(path, file) })
}

// signText makes the signature of a text.
type signText = func(text []byte) ([]byte, error)

func (a *app) unlockSSH(path string, file linkage.SSHFile) (signText, error) {
	phrase := ""
	if file.Locked {
		var err error
		if phrase, err = a.passphrase("Passphrase for " + path + ": "); err != nil {
			return nil, err
		}
	}
	sign, err := file.Open(phrase)
	return sign, inFile(path, err)
}

// guardianInAgent goes by the public key. The private one is where the agent has it.
func (a *app) guardianInAgent(path string, in role) (*guardian, error) {
	key, _, err := readPublicFile(path)
	if err != nil {
		return nil, err
	}
	socket := a.env("SSH_AUTH_SOCK")
	return guardianWith(key, in, func() (signText, error) {
		if socket == "" {
			return nil, &keyError{"the key of " + path + " is asked of an ssh-agent, and SSH_AUTH_SOCK names none", "start an agent and add the key with ssh-add; or give the private key file"}
		}
		if err := agentError(path, agent.Holds(a.ctx, socket, key.Wire())); err != nil {
			return nil, err
		}
		return func(text []byte) ([]byte, error) {
			a.progress()("waiting for the ssh-agent to sign")
			defer a.progressDone()
			sig, err := agent.Sign(a.ctx, socket, key.Wire(), text)
			return sig, agentError(path, err)
		}, nil
	})
}

func agentError(path string, err error) error {
	switch {
	case errors.Is(err, agent.ErrNone):
		return &keyError{"no ssh-agent answers at SSH_AUTH_SOCK", "start an agent and add the key with ssh-add; or give the private key file"}
	case errors.Is(err, agent.ErrNoKey):
		return &keyError{"the ssh-agent does not hold the key of " + path, "add it with ssh-add, or unlock the agent or the card; ssh-add -l lists what it holds"}
	case errors.Is(err, agent.ErrRefused):
		return &keyError{"the ssh-agent did not sign with the key of " + path, "confirm it when the agent asks; if it did not ask, look at what it holds with ssh-add -l"}
	}
	return err
}

// guardianWith finds whose key it is before anybody is asked for a passphrase.
func guardianWith(key linkage.SSHKey, in role, open func() (signText, error)) (*guardian, error) {
	dataset, vkey, err := in(key)
	if err != nil {
		return nil, err
	}
	sign, err := open()
	if err != nil {
		return nil, err
	}
	signer, err := key.Signer(vkey, sign)
	if err != nil {
		return nil, err
	}
	return &guardian{dataset, signer, vkey}, nil
}

// inFile says which file a failure is about.
func inFile(path string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("key file %s: %w", path, err)
}

func readPublicFile(path string) (key linkage.SSHKey, comment string, err error) {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return key, "", cannotReadPublic(path)
	}
	text, err := readPlain(real, 16<<10)
	if err != nil {
		return key, "", cannotReadPublic(path)
	}
	key, comment, err = linkage.ParseSSHKey(string(text))
	return key, comment, inFile(path, err)
}

func cannotReadPublic(path string) error {
	return &keyError{"key file " + path + " cannot be read", "a name that ends in .pub is a public SSH key, such as ssh-keygen writes beside the private one"}
}

// A publicFlag is a flag that takes a verifier key, the line of a public SSH key
// or the .pub file that holds one. An SSH key is named by its comment, or by a
// flag of its own.
type publicFlag struct {
	flag, value    string
	nameFlag, name string
	role           func(name string) (string, error) // under which the key signs
}

// asGuardian is the role of a dataset's Guardian.
func asGuardian(dataset string) func(string) (string, error) {
	return func(name string) (string, error) { return pseudonym.GuardianName(dataset, name) }
}

// asApplicant is the role of who asks, in no dataset's name.
func asApplicant(name string) (string, error) { return "applicant/" + name, nil }

// vkey is the verifier key that the flag means.
func (p publicFlag) vkey() (string, error) {
	key, comment, isSSH, err := p.ssh()
	switch {
	case err != nil:
		return "", err
	case isSSH:
		return nameSSH(key, comment, p.nameFlag, p.name, p.role)
	case p.name != "":
		return "", &useError{"--" + p.nameFlag + " is for an SSH key", "leave it out: a verifier key has its name in it"}
	}
	if _, err := note.NewVerifier(p.value); err != nil {
		return "", &useError{"--" + p.flag + " is not a verifier key", "it is what datanet key guardian prints as public, or the public key of an SSH key of type ssh-ed25519: its line or its .pub file"}
	}
	return p.value, nil
}

// guardianOf is vkey for somebody who decides about a dataset: a key that was made
// for another one could sign nothing here.
func (p publicFlag) guardianOf(dataset string) (string, error) {
	vkey, err := p.vkey()
	if err == nil && !strings.HasPrefix(vkey, "guardian/"+dataset+"/") {
		return "", &useError{"--" + p.flag + " is not the key of a Guardian or deputy of " + dataset, "one is made with: datanet key guardian --dataset " + dataset + " --name NAME --out FILE"}
	}
	return vkey, err
}

func (p publicFlag) ssh() (key linkage.SSHKey, comment string, isSSH bool, err error) {
	for _, begin := range []string{"ssh-", "sk-", "ecdsa-"} {
		if strings.HasPrefix(p.value, begin) && !isPublicFile(p.value) {
			key, comment, err = linkage.ParseSSHKey(p.value)
			return key, comment, true, err
		}
	}
	if !isPublicFile(p.value) {
		return key, "", false, nil
	}
	key, comment, err = readPublicFile(p.value)
	return key, comment, true, err
}

// nameSSH is an SSH key's verifier key in a role.
func nameSSH(key linkage.SSHKey, comment, nameFlag, name string, role func(string) (string, error)) (string, error) {
	if name == "" {
		name = comment
	}
	if !pseudonym.ValidName(name) {
		return "", &useError{"the SSH key has no name of the accepted form", "give --" + nameFlag + ": letters, digits and . _ @ -, without spaces, such as a.okafor"}
	}
	as, err := role(name)
	if err != nil {
		return "", err
	}
	return key.VKey(as)
}

const kindSSH = "ssh"

// describeSSH says of an SSH key, public or private, what key show prints. A key
// file that is none is left to others.
func describeSSH(path, dataset, name string) (doc keyDocument, isSSH bool, err error) {
	key, comment, isSSH, err := anySSH(path)
	if err != nil || !isSSH {
		return doc, isSSH, err
	}
	doc = keyDocument{Description: pseudonym.Description{Kind: kindSSH, ID: key.Fingerprint()}, File: path, Fingerprint: key.Fingerprint()}
	switch {
	case dataset == "" && name == "":
		return doc, true, nil
	case !pseudonym.ValidDataset(dataset):
		return doc, true, validDataset(dataset)
	}
	if doc.Public, err = nameSSH(key, comment, "name", name, asGuardian(dataset)); err != nil {
		return doc, true, err
	}
	words := strings.SplitN(doc.Public, "+", 3)
	doc.Dataset, doc.ID = dataset, words[0]+"+"+words[1]
	doc.Name = strings.TrimPrefix(words[0], "guardian/"+dataset+"/")
	return doc, true, nil
}

func anySSH(path string) (key linkage.SSHKey, comment string, isSSH bool, err error) {
	if isPublicFile(path) {
		key, comment, err = readPublicFile(path)
		return key, comment, true, err
	}
	text, err := pseudonym.ReadPrivate(path)
	if err != nil || !isSSHFile(text) {
		return key, "", false, err
	}
	file, err := linkage.ParseSSHFile(text)
	return file.Key, "", true, inFile(path, err)
}
