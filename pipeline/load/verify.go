package load

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"datanet/pseudonym"
	"datanet/schemas"
)

// An IntegrityError says that an extract is not what its site signed.
type IntegrityError struct{ Site, Rule, Hint string }

func (e *IntegrityError) Error() string {
	if e.Site == "" {
		return "extract: " + e.Rule
	}
	return "extract of site " + e.Site + ": " + e.Rule
}

// Kind is the kind of failure, which decides the exit code.
func (e *IntegrityError) Kind() string { return "integrity" }

// Hints says what to do.
func (e *IntegrityError) Hints() []string { return []string{e.Hint} }

// A KeyError says that an extract and a custodian's key do not belong together.
type KeyError struct{ Rule, Hint string }

func (e *KeyError) Error() string { return e.Rule }

// Kind is the kind of failure, which decides the exit code.
func (e *KeyError) Kind() string { return "key" }

// Hints says what to do.
func (e *KeyError) Hints() []string { return []string{e.Hint} }

// A Refusal says that the hub does not know the site that sent an extract.
type Refusal struct{ Site, Dataset string }

func (e *Refusal) Error() string {
	return fmt.Sprintf("the hub does not trust a site %s of %s", e.Site, e.Dataset)
}

// Kind is the kind of failure, which decides the exit code.
func (e *Refusal) Kind() string { return "governance" }

// Hints says what to do.
func (e *Refusal) Hints() []string {
	return []string{fmt.Sprintf("after checking who sent it: datanet hub trust --dataset %s --site %s=PUBLIC", e.Dataset, e.Site)}
}

// An extract is a folder that arrived. Its files are read through the folder
// as it was opened, and never through a link.
type extract struct {
	root      *os.Root
	manifest  *schemas.Manifest
	digest    string // sha256 of manifest.json
	signature []byte
}

const again = "ask the site to send it again"

func open(folder string) (*extract, error) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, &UseError{"the extract's folder cannot be opened", "give the folder that datanet extract wrote"}
	}
	x := &extract{root: root}
	if err := x.read(); err != nil {
		root.Close()
		return nil, err
	}
	return x, nil
}

func (x *extract) close() { x.root.Close() }

func (x *extract) read() error {
	body, err := x.small("manifest.json")
	if err != nil {
		return err
	}
	if x.signature, err = x.small("manifest.sig"); err != nil {
		return err
	}
	x.digest = schemas.Digest(body)
	if x.manifest, err = schemas.DecodeManifest(body); err != nil {
		return &IntegrityError{Rule: err.Error(), Hint: again}
	}
	return nil
}

func (x *extract) small(name string) ([]byte, error) {
	f, err := x.file(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, schemas.MaxManifest+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	if len(b) > schemas.MaxManifest {
		return nil, &IntegrityError{Rule: name + " is larger than any such file", Hint: again}
	}
	return b, nil
}

// file opens a plain file of the extract.
func (x *extract) file(name string) (*os.File, error) {
	f, err := x.root.OpenFile(name, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil, &IntegrityError{Rule: name + " is missing", Hint: "give the folder that datanet extract wrote, whole"}
	}
	if err != nil {
		return nil, &IntegrityError{Rule: name + " is not a plain file that can be read", Hint: again}
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		f.Close()
		return nil, &IntegrityError{Rule: name + " is not a plain file", Hint: again}
	}
	return f, nil
}

// verify checks who made the extract and under which keys, before any row is
// read: the dataset, the site's signature, the check value of its wrap key,
// and that nothing lies beside what the manifest names.
func (x *extract) verify(o Options) error {
	m := x.manifest
	if m.Dataset != o.Custodian.Dataset {
		return &KeyError{fmt.Sprintf("the extract is of %s, the custodian's key of %s", m.Dataset, o.Custodian.Dataset),
			"give the key of this dataset's custodian with --custodian"}
	}
	if o.Custodian.PublicPart().Verifier != o.Trusted {
		return &KeyError{"the hub does not trust this custodian's key for " + m.Dataset, "datanet hub trust --dataset " + m.Dataset + " --custodian PUBLIC"}
	}
	vkey, ok := o.Sites[m.Site]
	if !ok {
		return &Refusal{m.Site, m.Dataset}
	}
	text, err := pseudonym.VerifyNote(x.signature, vkey)
	if err != nil || text != schemas.Statement("manifest", x.digest) {
		return &IntegrityError{m.Site, "the manifest is not the one that the site signed", again}
	}
	if want := o.Custodian.Wrap.Site(m.Site).CheckValue(); want != m.WrapCheck {
		return &KeyError{fmt.Sprintf("site %s used another wrap key: check value %s, the custodian's is %s", m.Site, m.WrapCheck, want),
			"make the site a key from this custodian's: datanet key wrap"}
	}
	return x.alone()
}

// alone refuses files that the manifest does not name.
func (x *extract) alone() error {
	dir, err := x.root.Open(".")
	if err != nil {
		return err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return err
	}
	known := map[string]bool{"manifest.json": true, "manifest.sig": true}
	for _, f := range x.manifest.Files {
		known[f.Name] = true
	}
	for _, n := range names {
		if !known[n] {
			return &IntegrityError{x.manifest.Site, "a file lies there that the manifest does not name", "move it away; an extract holds what its site signed and nothing else"}
		}
	}
	return nil
}

// arrived is what a table's file is called while it waits to be re-wrapped.
func arrived(table string) string { return "arrived-" + table + ".parquet" }

// copyTo copies the extract's files and hashes what was copied, so that what
// is read afterwards is what was checked.
func (x *extract) copyTo(dir string) error {
	for _, f := range x.manifest.Files {
		if err := x.copyFile(f, filepath.Join(dir, arrived(f.Table))); err != nil {
			return err
		}
	}
	return nil
}

func (x *extract) copyFile(f schemas.ManifestFile, to string) error {
	in, err := x.file(f.Name)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("copying %s: %w", f.Name, err)
	}
	defer out.Close()
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(out, h), io.LimitReader(in, f.Bytes+1))
	if err != nil {
		return fmt.Errorf("copying %s: %w", f.Name, err)
	}
	if n != f.Bytes || hex.EncodeToString(h.Sum(nil)) != f.SHA256 {
		return &IntegrityError{x.manifest.Site, f.Name + " is not the file that the site signed", again}
	}
	return out.Close()
}

// A UseError says that a folder does not fit.
type UseError struct{ Rule, Hint string }

func (e *UseError) Error() string { return e.Rule }

// Kind is the kind of failure, which decides the exit code.
func (e *UseError) Kind() string { return "use" }

// Hints says what to do.
func (e *UseError) Hints() []string { return []string{e.Hint} }
