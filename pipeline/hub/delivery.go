package hub

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"datanet/schemas"
)

// The files of a release and of a linked project beside their tables.
const (
	ReleaseFile   = "release.json"
	ReleaseSig    = "release.sig"
	LinkedFile    = "linked.json"
	maxSignature  = 4 << 10
	deliverAgain  = "remove it, and have it delivered again, whole"
	mostDelivered = 200 // files of one folder: far above any release's
)

// A Delivery is a folder of plain files of which one description says what the others are. It is read through the folder
// as it was opened, and never through a link.
type Delivery struct {
	root *os.Root
	dir  string
}

// OpenDelivery opens a folder.
func OpenDelivery(dir string) (*Delivery, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("opening folder: %w", err)
	}
	stat, err := os.Lstat(dir)
	if err != nil {
		return nil, misuse(err, filepath.Base(dir)+": not a folder that can be read", "name the folder that datanet release wrote")
	}
	if !stat.IsDir() {
		return nil, delivered("%s: not a folder", filepath.Base(dir))
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, misuse(err, filepath.Base(dir)+": not a folder that can be read", "name the folder that datanet release wrote")
	}
	return &Delivery{root: root, dir: dir}, nil
}

func delivered(format string, args ...any) *IntegrityError {
	return &IntegrityError{reason: fmt.Sprintf(format, args...), hints: []string{deliverAgain}}
}

// Close ends the reading. It may be called twice.
func (d *Delivery) Close() error { return d.root.Close() }

// Dir is the folder, as an absolute path.
func (d *Delivery) Dir() string { return d.dir }

// Small reads a file that is not larger than most.
func (d *Delivery) Small(name string, most int64) ([]byte, error) {
	f, err := d.open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	if int64(len(raw)) > most {
		return nil, delivered("%s: larger than any such file", name)
	}
	return raw, nil
}

func (d *Delivery) open(name string) (*os.File, error) {
	f, err := openPlain(d.root, name)
	if errors.Is(err, os.ErrNotExist) {
		return nil, delivered("%s: missing", name)
	}
	var broken *IntegrityError
	if err != nil && !errors.As(err, &broken) {
		return nil, delivered("%s: not a plain file that can be read", name)
	}
	return f, err
}

// Alone refuses a folder that holds anything but these files. A name found there is not repeated.
func (d *Delivery) Alone(known ...string) error {
	dir, err := d.root.Open(".")
	if err != nil {
		return fmt.Errorf("reading folder: %w", err)
	}
	defer dir.Close()
	found, err := dir.Readdirnames(mostDelivered)
	if err != nil && err != io.EOF {
		return fmt.Errorf("reading folder: %w", err)
	}
	is := map[string]bool{}
	for _, name := range known {
		is[name] = true
	}
	for _, name := range found {
		if !is[name] {
			return delivered("a file lies beside what %s names", known[0])
		}
	}
	return nil
}

// Verify reads a file and compares it with what is said of it.
func (d *Delivery) Verify(name, sha256 string, bytes int64) error {
	return d.Copy(name, sha256, bytes, io.Discard)
}

// Copy writes a file's bytes elsewhere and compares those bytes, as they were written, with what is said of them: what is
// read from there afterwards is what was checked.
func (d *Delivery) Copy(name, sha256 string, bytes int64, to io.Writer) error {
	f, err := d.open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	sha, size, err := hashFile(io.TeeReader(io.LimitReader(f, bytes+1), to))
	if err != nil {
		return fmt.Errorf("reading %s: %w", name, err)
	}
	if sha != sha256 || size != bytes {
		return delivered("%s: not the bytes that its description names", name)
	}
	return nil
}

// CopyTo makes a file of Copy.
func (d *Delivery) CopyTo(name, sha256 string, bytes int64, path string) error {
	out, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("copying %s: %w", name, err)
	}
	return errors.Join(d.Copy(name, sha256, bytes, out), out.Close())
}

// A Released is a release's folder whose description has been read, and nothing more: whose signature it bears is for
// the caller to ask.
type Released struct {
	*Delivery
	Release   *schemas.Release
	Digest    string // SHA-256 of release.json, in hex
	Signature []byte
}

// OpenRelease opens a release's folder, reads its description strictly, and refuses what lies beside it.
func OpenRelease(dir string) (*Released, error) {
	d, err := OpenDelivery(dir)
	if err != nil {
		return nil, err
	}
	r := &Released{Delivery: d}
	if err := r.read(); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return r, nil
}

func (r *Released) read() error {
	raw, err := r.Small(ReleaseFile, schemas.MaxRelease)
	if err != nil {
		return err
	}
	if r.Signature, err = r.Small(ReleaseSig, maxSignature); err != nil {
		return err
	}
	r.Digest = hashHex(raw)
	if r.Release, err = schemas.DecodeRelease(raw); err != nil {
		return delivered("%s: %s", ReleaseFile, err)
	}
	names := []string{ReleaseFile, ReleaseSig}
	for _, t := range r.Release.Tables {
		names = append(names, t.File())
	}
	return r.Alone(names...)
}

// VerifyFiles reads every table and compares it with the description. It reports all that differ.
func (r *Released) VerifyFiles() error {
	var errs []error
	for _, t := range r.Release.Tables {
		errs = append(errs, r.Verify(t.File(), t.SHA256, t.Bytes))
	}
	return errors.Join(errs...)
}

// A LinkedProject is a folder of linked tables, verified.
type LinkedProject struct {
	*Delivery
	Linked *schemas.Linked
	Digest string // SHA-256 of linked.json, in hex
}

// OpenLinked opens a folder of linked tables and verifies all of its bytes: linked.json by the digest that the record of decisions
// has of it, the tables by linked.json. Without a digest it only says what the folder claims to be, after the same checks of its files.
func OpenLinked(dir, digest string) (*LinkedProject, error) {
	if there, err := stands(dir); err == nil && !there {
		return nil, misuse(os.ErrNotExist, "nothing has been linked here", "datanet link --approval ID joins the releases of a project")
	}
	d, err := OpenDelivery(dir)
	if err != nil {
		return nil, err
	}
	l := &LinkedProject{Delivery: d}
	if err := l.read(digest); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return l, nil
}

func (l *LinkedProject) read(digest string) error {
	raw, err := l.Small(LinkedFile, schemas.MaxRelease)
	if err != nil {
		return err
	}
	l.Digest = hashHex(raw)
	if digest != "" && l.Digest != digest {
		return &IntegrityError{reason: LinkedFile + ": not the one that the record of decisions has", hints: []string{"these are not the tables that were linked and recorded: have them removed with datanet hub sweep, and linked again"}}
	}
	if l.Linked, err = schemas.DecodeLinked(raw); err != nil {
		return delivered("%s: %s", LinkedFile, err)
	}
	names := []string{LinkedFile}
	var errs []error
	for _, t := range l.Linked.Tables {
		names = append(names, t.File())
		errs = append(errs, l.Verify(t.File(), t.SHA256, t.Bytes))
	}
	return errors.Join(append(errs, l.Alone(names...))...)
}

// Path is the file of a table of a dataset, or of people and edges when dataset is empty; empty if there is none.
func (l *LinkedProject) Path(dataset, table string) string {
	for _, t := range l.Linked.Tables {
		if t.Dataset == dataset && t.Table == table {
			return filepath.Join(l.Dir(), t.File())
		}
	}
	return ""
}
