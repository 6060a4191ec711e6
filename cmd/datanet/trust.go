package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/note"

	"datanet/linkage"
	"datanet/pipeline/hub"
	"datanet/pseudonym"
	"datanet/schemas"
)

type trustOptions struct {
	dataset, guardian, name         string
	custodian                       string
	sites, by                       []string
	deputy, noDeputy, until, output string
	request                         string
}

func newHubTrust(a *app) *cobra.Command {
	var o trustOptions
	c := a.command(&cobra.Command{
		Use: "trust --dataset D", Short: "record whom the hub trusts for a dataset",
		Long: `Records public keys: the dataset's Caldicott Guardian, their deputies, its custodian, its
sites. Whose signature a change takes:

  a Guardian's key   the present Guardian's, and that of the Guardian of another dataset
  a custodian's key  the same two (datanet hub rewrap, once the dataset holds something)
  a site's key       the custodian's
  a deputy           the Guardian's

A key that is set for the first time takes none, and a Guardian's or custodian's changes
freely until the first approval is asked for. --by takes a key file, or a signature that
was made elsewhere with --out: at the hub, or from any request that was exported
(--request). A key that made way counts no more, and never again.`,
		Example: `  datanet hub trust --dataset primary-care --site Z99001="$PUBLIC"
  datanet hub trust --dataset slam --deputy "$DEPUTY" --until 2027-03-31 --by guardian.key
  datanet hub trust --dataset slam --guardian "$NEW" --by slam.guardian --out slam.signature
  datanet hub trust --dataset slam --guardian "$NEW" --by slam.signature --by primary-care.guardian`,
		Args: cobra.NoArgs,
	}, func(context.Context, []string) error { return a.runTrust(o) })
	datasetFlag(c, &o.dataset)
	f := c.Flags()
	f.StringVar(&o.guardian, "guardian", "", "the Guardian's verifier key, or public SSH key: its line or its .pub file")
	f.StringVar(&o.name, "name", "", "the Guardian's or deputy's name, for an SSH key whose comment is none")
	f.StringVar(&o.custodian, "custodian", "", "the custodian's public part")
	f.StringArrayVar(&o.sites, "site", nil, "a site's public key, as SITE=KEY (repeatable)")
	f.StringVar(&o.deputy, "deputy", "", "verifier key of a deputy of the Guardian, or public SSH key")
	f.StringVar(&o.until, "until", "", "the deputy's last day, YYYY-MM-DD")
	f.StringVar(&o.noDeputy, "no-deputy", "", "verifier key of a deputy who is one no longer")
	f.StringArrayVar(&o.by, "by", nil, "key file or SSH key to sign the change with, or a signature made with --out (repeatable)")
	f.StringVar(&o.output, "out", "", "write the signature to this file, and change nothing")
	f.StringVar(&o.request, "request", "", "an exported request to go by, where there is no hub; with --by and --out")
	c.MarkFlagsOneRequired("guardian", "custodian", "site", "deputy", "no-deputy")
	c.MarkFlagsRequiredTogether("deputy", "until")
	return c
}

func (o trustOptions) record() (linkage.TrustRecord, error) {
	if _, err := schemas.DatasetByID(o.dataset); err != nil {
		return linkage.TrustRecord{}, err
	}
	want := linkage.TrustRecord{Dataset: o.dataset, Custodian: o.custodian, NoDeputy: o.noDeputy}
	if _, err := note.NewVerifier(o.noDeputy); o.noDeputy != "" && err != nil {
		return want, &useError{"--no-deputy is not a verifier key", "datanet hub status shows the deputies' keys"}
	}
	if o.guardian != "" {
		var err error
		if want.Guardian, err = (publicFlag{"guardian", o.guardian, "name", o.name, asGuardian(o.dataset)}).guardianOf(o.dataset); err != nil {
			return want, err
		}
	}
	if o.custodian != "" {
		if _, err := pseudonym.ParseCustodianPublic(o.custodian); err != nil {
			return want, &useError{"--custodian is not a custodian's public part", "it is what datanet key custodian prints as public, a long word that begins with custodian:"}
		}
	}
	if o.deputy != "" {
		if _, err := date("until", o.until); err != nil {
			return want, err
		}
		vkey, err := (publicFlag{"deputy", o.deputy, "name", o.name, asGuardian(o.dataset)}).guardianOf(o.dataset)
		if err != nil {
			return want, err
		}
		want.Deputy = &linkage.Deputy{Key: vkey, Until: o.until}
	}
	for _, pair := range o.sites {
		site, key, ok := strings.Cut(pair, "=")
		if _, err := note.NewVerifier(key); !ok || err != nil || !pseudonym.ValidSite(site) {
			return want, &useError{"--site is not SITE=KEY", "the key is what datanet key site prints as public, for example Z99001=\"$(datanet key show --public Z99001.key)\""}
		}
		if want.Sites == nil {
			want.Sites = map[string]string{}
		}
		want.Sites[site] = key
	}
	return want, nil
}

func (a *app) runTrust(o trustOptions) error {
	want, err := o.record()
	if err != nil {
		return err
	}
	if o.request != "" {
		return a.signAway(o, want)
	}
	h, err := a.openHub()
	if err != nil {
		return err
	}
	if err := h.sensible(want, a.clock(h)); err != nil {
		return err
	}
	if o.output != "" {
		return a.keepSignature(o, want, h.trust)
	}
	if err := h.handsOver(want); err != nil {
		return err
	}
	statement, err := h.trust.Statement(want)
	if err != nil {
		return err
	}
	if want.By, err = a.signedTrust(o, statement); err != nil {
		return err
	}
	rest, err := h.trust.Change(want)
	if err != nil {
		return a.deny(h, want, err)
	}
	status := "already so"
	if !rest.Empty() {
		if _, err := h.ledgerKey(); err != nil {
			return err
		}
		if err := a.recordTrust(h, rest); err != nil {
			return err
		}
		status = "recorded"
	}
	return a.say(map[string]string{"dataset": o.dataset, "status": status}, func(w io.Writer) { fmt.Fprintf(w, "%s: %s\n", o.dataset, status) })
}

// recordTrust records a change. Guardians and their deputies do not wait for loads.
func (a *app) recordTrust(h *openHub, want linkage.TrustRecord) error {
	record := func() error {
		if err := a.record(h, want); err != nil {
			return err
		}
		return h.Audit(hub.AuditEntry{Time: a.now(), What: "trust", On: want.Dataset, Outcome: "recorded"})
	}
	if want.Custodian == "" && len(want.Sites) == 0 {
		return record()
	}
	return a.alone(h.Dir(), func() (err error) {
		if h, err = a.openHub(); err != nil {
			return err
		}
		// What was done under the keys so far is recorded before: afterwards it no longer could be.
		if err := a.settle(h, want.Dataset); err != nil {
			return err
		}
		if err := h.handsOver(want); err != nil {
			return err
		}
		return record()
	})
}

// handsOver refuses another custodian of a dataset that was begun: its state is signed
// with the present one's key, and is nobody's under another.
func (h *openHub) handsOver(want linkage.TrustRecord) error {
	has := h.trust.Dataset(want.Dataset)
	if want.Custodian == "" || has.Custodian == "" || has.Custodian == want.Custodian {
		return nil
	}
	_, _, err := h.State(want.Dataset, has.CustodianVKey)
	if none := (*hub.UseError)(nil); errors.As(err, &none) && h.state(want.Dataset) == "" {
		return nil
	}
	return &useError{"the dataset was begun under its present custodian's key", "datanet hub rewrap brings it under another one"}
}

// sensible refuses what would be recorded and could serve nobody.
func (h *openHub) sensible(want linkage.TrustRecord, now time.Time) error {
	if want.Deputy != nil && want.Deputy.Until < now.UTC().Format(time.DateOnly) {
		return &useError{"the deputy's last day is over", "give --until a day that is to come"}
	}
	for site, key := range want.Sites {
		if h.decisions.Left(want.Dataset, site) && h.trust.Dataset(want.Dataset).Sites[site] == key {
			return &useError{"site " + site + " has withdrawn, and this is the key that it had then", "a site that comes back makes a new key (datanet key site), and the custodian signs for it with --by"}
		}
	}
	return nil
}

// signedTrust collects the signatures that a change takes: those that were
// made before, and those that key files make now.
func (a *app) signedTrust(o trustOptions, statement linkage.Statement) ([]string, error) {
	if statement.Text == "" {
		return nil, nil
	}
	var notes []string
	for n, path := range o.by {
		made, err := readPlain(path, 16<<10)
		if err == nil && strings.HasPrefix(string(made), linkage.TrustDomain+"\n") {
			notes = append(notes, string(made))
			continue
		}
		none := &keyError{fmt.Sprintf("the key of --by number %d is none whose signature this change takes", n+1), "it takes that of " + signersOf(statement)}
		signer, err := a.trustSigner(path, func(key linkage.SSHKey) (string, string, error) {
			vkey, whose := keyAmong(statement, key.Is)
			if whose == "" {
				return "", "", none
			}
			return o.dataset, vkey, nil
		})
		if err != nil {
			return nil, err
		}
		_, whose := keyAmong(statement, func(vkey string) bool { return vkey == signer.vkey })
		if whose == "" {
			return nil, none
		}
		if err := a.confirm(fmt.Sprintf("As %s you sign:\n\n%s\nTo sign it, type the dataset", whose, indented(statement.Text)), o.dataset); err != nil {
			return nil, err
		}
		signed, err := note.Sign(&note.Note{Text: statement.Text}, signer.Signer)
		if err != nil {
			return nil, err
		}
		notes = append(notes, string(signed))
	}
	return notes, nil
}

func indented(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n  ") + "\n"
}

// keyAmong finds a key of those whose signature a change takes, and says whose it is.
func keyAmong(statement linkage.Statement, is func(vkey string) bool) (vkey, whose string) {
	for _, s := range statement.Signers {
		if i := slices.IndexFunc(s.Keys, is); i >= 0 {
			return s.Keys[i], s.Whose
		}
	}
	return "", ""
}

func signersOf(statement linkage.Statement) string {
	var whose []string
	for _, s := range statement.Signers {
		whose = append(whose, s.Whose)
	}
	return strings.Join(whose, " and that of ")
}

// trustSigner opens the key file of somebody whose signature changes keys.
func (a *app) trustSigner(path string, in role) (*guardian, error) {
	if g, isSSH, err := a.openSSH(path, in); isSSH || err != nil {
		return g, err
	}
	key, err := openKey[pseudonym.Key](a, path)
	if err != nil {
		return nil, err
	}
	switch k := key.(type) {
	case *pseudonym.GuardianKey:
		return &guardian{k.Dataset, k.Signer, k.Signer.Public()}, nil
	case *pseudonym.CustodianKey:
		return &guardian{k.Dataset, k.Signer, k.Signer.Public()}, nil
	}
	return nil, &keyError{"a key of kind " + key.Kind() + " changes no keys", "--by takes the key file of a Guardian or of a custodian, or a signature made with --out"}
}

// signAway signs a change of keys by the record of decisions that came with a
// request, for whoever has no hub.
func (a *app) signAway(o trustOptions, want linkage.TrustRecord) error {
	if o.output == "" {
		return &useError{"a change of keys is recorded at the hub", "with --request give --out FILE for the signature, and send that to the hub"}
	}
	c, err := a.openRequest(o.request)
	if err != nil {
		return err
	}
	return a.keepSignature(o, want, c.trust)
}

// keepSignature writes the one signature that was made, for somebody else to
// add theirs to.
func (a *app) keepSignature(o trustOptions, want linkage.TrustRecord, trust linkage.Trust) error {
	if len(o.by) != 1 {
		return &useError{"--out keeps one signature", "give one key file with --by"}
	}
	statement, err := trust.Statement(want)
	if err != nil {
		return err
	}
	if statement.Text == "" {
		return &useError{"nothing is to be signed for this change", "give the command at the hub, without --out"}
	}
	notes, err := a.signedTrust(o, statement)
	if err != nil {
		return err
	}
	if err := writeNew(o.output, []byte(notes[0])); err != nil {
		return err
	}
	return a.say(map[string]any{"dataset": o.dataset, "status": "signed", "out": o.output}, func(w io.Writer) {
		fmt.Fprintf(w, "%s: signed. It counts once it is recorded: whoever runs the hub gives the same command there, with --by %s%s\n", o.output, o.output, others(statement))
	})
}

// others says whose signature is needed besides one.
func others(statement linkage.Statement) string {
	if len(statement.Signers) < 2 {
		return ""
	}
	return ", and with --by KEYFILE or FILE of the other who has to sign; it takes that of " + signersOf(statement)
}
