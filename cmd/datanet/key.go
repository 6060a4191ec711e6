package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"datanet/linkage"
	"datanet/pseudonym"
)

func newKey(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "key",
		Short: "make and look at key files",
		Long: `Key files are encrypted with age and readable by their owner only. A passphrase
is typed at the terminal; for unattended runs DATANET_IDENTITY names an age
identity file, DATANET_PASSPHRASE_FILE a file with a passphrase.`,
		Example: "  datanet key linkage --out linkage.key",
		Args:    cobra.NoArgs,
	}
	a.command(c, func(context.Context, []string) error { return c.Help() })
	c.AddCommand(newKeyIdentity(a), newKeyLinkage(a), newKeyCustodian(a), newKeyWrap(a), newKeySite(a), newKeyGuardian(a), newKeyShow(a))
	return c
}

// keyOut is what every command that makes a key file takes.
type keyOut struct {
	out string
	to  []string
}

func (o *keyOut) flags(c *cobra.Command) {
	c.Flags().StringVar(&o.out, "out", "", "the key file to make; it must not exist")
	c.Flags().StringArrayVar(&o.to, "to", nil, "seal it to this age recipient (repeatable); a second one makes the copy in the safe")
	c.MarkFlagRequired("out")
}

// free refuses a name that is taken before a passphrase is asked for. Writing
// is exclusive whatever this says.
func (o *keyOut) free() error { return freeName(o.out) }

func freeName(out string) error {
	if out == "" {
		return &useError{"--out is empty", "name the key file to make"}
	}
	if _, err := os.Lstat(out); err == nil {
		return &useError{out + " exists", "a key is never overwritten: choose another name, or move the old key away"}
	}
	if above, err := os.Stat(filepath.Dir(out)); err != nil || !above.IsDir() {
		return &useError{"there is no folder " + filepath.Dir(out), "make the folder first, readable by you only"}
	}
	return nil
}

func validDataset(name string) error {
	if !pseudonym.ValidDataset(name) {
		return &useError{"--dataset is not a dataset's name", "lower-case words joined by hyphens, such as primary-care"}
	}
	return nil
}

func validSite(code string) error {
	if !pseudonym.ValidSite(code) {
		return &useError{"--site is not an ODS code", "three to eight capital letters and digits, such as Z99001"}
	}
	return nil
}

func validName(name string) error {
	if !pseudonym.ValidName(name) {
		return &useError{"--name is not of the accepted form", "letters, digits and . _ @ -, without spaces, such as a.okafor"}
	}
	return nil
}

// make writes a key file and shows what may be shown of it.
func (o *keyOut) make(a *app, key pseudonym.Key) error {
	to, err := a.recipients(o.to)
	if err != nil {
		return err
	}
	if err := pseudonym.Write(o.out, key, to...); err != nil {
		return err
	}
	return a.describe(key.Describe(), o.out)
}

// keyDocument is what --json prints of a key file.
type keyDocument struct {
	pseudonym.Description
	File        string `json:"file"`
	Fingerprint string `json:"fingerprint,omitempty"` // of an SSH key
}

func (a *app) describe(d pseudonym.Description, path string) error {
	return a.sayKey(keyDocument{Description: d, File: path})
}

func (a *app) sayKey(d keyDocument) error {
	return a.say(d, func(w io.Writer) {
		fmt.Fprintf(w, "%s\n  kind     %s\n", d.File, d.Kind)
		for _, line := range [][2]string{{"dataset", d.Dataset}, {"site", d.Site}, {"name", d.Name}, {"id", d.ID}, {"fingerprint", d.Fingerprint}} {
			if line[1] != "" && (line[0] != "id" || d.ID != d.Fingerprint) {
				fmt.Fprintf(w, "  %-8s %s\n", line[0], line[1])
			}
		}
		for _, name := range slices.Sorted(maps.Keys(d.Check)) {
			fmt.Fprintf(w, "  check    %s  %s\n", d.Check[name], name)
		}
		if d.Public != "" {
			fmt.Fprintf(w, "  public   %s\n", d.Public)
		}
	})
}

func newKeyIdentity(a *app) *cobra.Command {
	var out string
	c := a.command(&cobra.Command{
		Use: "identity --out FILE", Short: "make an age identity that opens key files in unattended runs",
		Long:    "Makes an age identity file and prints its recipient. The file is not encrypted: keep it where only the unattended job can read it.",
		Example: "  datanet key identity --out job.identity\n  export DATANET_IDENTITY=job.identity", Args: cobra.NoArgs,
	}, func(context.Context, []string) error {
		if err := freeName(out); err != nil {
			return err
		}
		key, err := pseudonym.NewIdentityKey(a.now())
		if err != nil {
			return err
		}
		if err := pseudonym.Write(out, key); err != nil {
			return err
		}
		return a.describe(key.Describe(), out)
	})
	c.Flags().StringVar(&out, "out", "", "the file to make; it must not exist")
	c.MarkFlagRequired("out")
	return c
}

func newKeyLinkage(a *app) *cobra.Command {
	var o keyOut
	c := a.command(&cobra.Command{
		Use: "linkage --out FILE", Short: "make the linkage key K, once, for every site of every dataset",
		Example: "  datanet key linkage --out linkage.key", Args: cobra.NoArgs,
	}, func(context.Context, []string) error {
		if err := o.free(); err != nil {
			return err
		}
		return o.make(a, pseudonym.NewLinkageFile(a.now()))
	})
	o.flags(c)
	return c
}

func newKeyCustodian(a *app) *cobra.Command {
	var o keyOut
	var dataset string
	c := a.command(&cobra.Command{
		Use: "custodian --dataset D --out FILE", Short: "make the keys of a dataset's custodian",
		Long:    "Makes a dataset's wrap key and the custodian's own keys, and prints the public part for the hub.",
		Example: "  datanet key custodian --dataset primary-care --out custodian.key", Args: cobra.NoArgs,
	}, func(context.Context, []string) error {
		if err := cmp.Or(validDataset(dataset), o.free()); err != nil {
			return err
		}
		key, err := pseudonym.NewCustodianKey(dataset, a.now())
		if err != nil {
			return err
		}
		return o.make(a, key)
	})
	datasetFlag(c, &dataset)
	o.flags(c)
	return c
}

func newKeyWrap(a *app) *cobra.Command {
	var o keyOut
	var dataset, site, custodian string
	c := a.command(&cobra.Command{
		Use: "wrap --dataset D --site S --custodian FILE --out FILE", Short: "make a site's wrap key, for the custodian to send to the site",
		Example: "  datanet key wrap --dataset primary-care --site Z99001 --custodian custodian.key --out Z99001.wrap", Args: cobra.NoArgs,
	}, func(context.Context, []string) error {
		if err := cmp.Or(validDataset(dataset), validSite(site), o.free()); err != nil {
			return err
		}
		key, err := openKey[*pseudonym.CustodianKey](a, custodian)
		if err != nil {
			return err
		}
		if key.Dataset != dataset {
			return &keyError{"the custodian's key is of " + key.Dataset + ", not of " + dataset, "give the custodian's key of this dataset"}
		}
		wrap, err := key.NewWrapFile(site, a.now())
		if err != nil {
			return err
		}
		return o.make(a, wrap)
	})
	datasetFlag(c, &dataset)
	siteFlag(c, &site)
	c.Flags().StringVar(&custodian, "custodian", "", "the custodian's key file")
	c.MarkFlagRequired("custodian")
	o.flags(c)
	return c
}

func newKeySite(a *app) *cobra.Command {
	var o keyOut
	var dataset, site, linkage, wrap string
	c := a.command(&cobra.Command{
		Use: "site --dataset D --site S --linkage FILE --wrap FILE --out FILE", Short: "make a site's key file, at the site",
		Long:    "Joins the linkage key and the site's wrap key into the one file that extract needs. The site's signing key is born here; its public part is for the hub.",
		Example: "  datanet key site --dataset primary-care --site Z99001 --linkage linkage.key --wrap Z99001.wrap --out Z99001.key", Args: cobra.NoArgs,
	}, func(context.Context, []string) error {
		if err := cmp.Or(validDataset(dataset), validSite(site), o.free()); err != nil {
			return err
		}
		l, err := openKey[*pseudonym.LinkageFile](a, linkage)
		if err != nil {
			return err
		}
		w, err := openKey[*pseudonym.WrapFile](a, wrap)
		if err != nil {
			return err
		}
		key, err := pseudonym.NewSiteKey(dataset, site, l, w, a.now())
		if err != nil {
			return err
		}
		return o.make(a, key)
	})
	datasetFlag(c, &dataset)
	siteFlag(c, &site)
	c.Flags().StringVar(&linkage, "linkage", "", "the linkage key file")
	c.Flags().StringVar(&wrap, "wrap", "", "the site's wrap key file, from the custodian")
	c.MarkFlagRequired("linkage")
	c.MarkFlagRequired("wrap")
	o.flags(c)
	return c
}

func newKeyGuardian(a *app) *cobra.Command {
	var o keyOut
	var dataset, name string
	c := a.command(&cobra.Command{
		Use: "guardian --dataset D --name N --out FILE", Short: "make a Caldicott Guardian's signing key",
		Example: "  datanet key guardian --dataset primary-care --name ada --out guardian.key", Args: cobra.NoArgs,
	}, func(context.Context, []string) error {
		if err := cmp.Or(validDataset(dataset), validName(name), linkage.Impersonal("name", name), o.free()); err != nil {
			return err
		}
		key, err := pseudonym.NewGuardianKey(dataset, name, a.now())
		if err != nil {
			return err
		}
		return o.make(a, key)
	})
	datasetFlag(c, &dataset)
	c.Flags().StringVar(&name, "name", "", "the Guardian's name in signatures: letters, digits, hyphens")
	c.MarkFlagRequired("name")
	o.flags(c)
	return c
}

func newKeyShow(a *app) *cobra.Command {
	var public bool
	var dataset, name string
	c := a.command(&cobra.Command{
		Use: "show FILE", Short: "say what a key file is, never the key",
		Long: `Says of a key file what it is for, its check value, by which two copies can be
compared, and its public part, which is what others need to know of it.

FILE may be an SSH key of type ssh-ed25519, public (FILE.pub) or private. It belongs to
no dataset by itself: --dataset says whose Guardian's public part is to be shown.`,
		Example: "  datanet key show Z99001.key\n  datanet hub trust --dataset primary-care --site Z99001=\"$(datanet key show --public Z99001.key)\"\n  datanet key show id_ed25519.pub --dataset slam --name a.okafor",
		Args:    cobra.ExactArgs(1),
	}, func(_ context.Context, args []string) error {
		d, err := a.look(args[0], dataset, name)
		if err != nil {
			return err
		}
		if public && !a.json {
			return a.showPublic(d.Description)
		}
		return a.sayKey(d)
	})
	c.Flags().StringVar(&dataset, "dataset", "", "of an SSH key: the dataset whose Guardian has it")
	c.Flags().StringVar(&name, "name", "", "of an SSH key: the Guardian's name, if the key's comment is none")
	c.Flags().BoolVar(&public, "public", false, "print the public part and nothing else")
	return c
}

// look reads a key file of any kind. An SSH key needs no passphrase for what is
// shown of it.
func (a *app) look(path, dataset, name string) (keyDocument, error) {
	d, isSSH, err := describeSSH(path, dataset, name)
	if err != nil || isSSH {
		return d, err
	}
	if dataset != "" || name != "" {
		return d, &useError{"--dataset and --name are for an SSH key", "leave them out: a key file of datanet says itself what it is for"}
	}
	u, err := a.unlock()
	if err != nil {
		return d, err
	}
	d.File = path
	d.Description, err = pseudonym.Describe(path, u)
	return d, err
}

func (a *app) showPublic(d pseudonym.Description) error {
	switch {
	case d.Public == "" && d.Kind == kindSSH:
		return &useError{"an SSH key has a public part for a dataset", "say for which with --dataset D"}
	case d.Public == "":
		return &useError{"a " + d.Kind + " key has no public part", "leave --public out to see what it has"}
	}
	_, err := fmt.Fprintln(a.out, d.Public)
	return err
}

func datasetFlag(c *cobra.Command, dataset *string) {
	c.Flags().StringVar(dataset, "dataset", "", "dataset, for example primary-care")
	c.MarkFlagRequired("dataset")
}

func siteFlag(c *cobra.Command, site *string) {
	c.Flags().StringVar(site, "site", "", "site, as an ODS code")
	c.MarkFlagRequired("site")
}
