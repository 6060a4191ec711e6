package load

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"datanet/schemas"
)

// An extract is a folder that arrived. Its files are read through the folder
// as it was opened, and never through a link.
type extract struct {
	root      *os.Root
	manifest  *schemas.Manifest
	digest    string // sha256 of manifest.json
	signature []byte
}

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

// file opens a plain file of the extract. Root keeps links inside the folder but
// follows them there, so the name itself is looked at first; a pipe put in its
// place meanwhile does not block.
func (x *extract) file(name string) (*os.File, error) {
	info, err := x.root.Lstat(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil, &IntegrityError{Rule: name + " is missing", Hint: "give the folder that datanet extract wrote, whole"}
	}
	if err != nil || !info.Mode().IsRegular() {
		return nil, &IntegrityError{Rule: name + " is not a plain file", Hint: again}
	}
	f, err := x.root.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, &IntegrityError{Rule: name + " is not a plain file that can be read", Hint: again}
	}
	if opened, err := f.Stat(); err != nil || !os.SameFile(info, opened) {
		f.Close()
		return nil, &IntegrityError{Rule: name + " is not a plain file", Hint: again}
	}
	return f, nil
}

// arrived is what a table's file is called while it waits to be re-wrapped.
func arrived(table string) string { return "arrived-" + table + ".parquet" }

// copyTo copies the extract's files and hashes what was copied, so that what
// is read afterwards is what was checked.
func (x *extract) copyTo(ctx context.Context, dir string) error {
	for _, f := range x.manifest.AllFiles() {
		if ctx.Err() != nil {
			return ctx.Err()
		}
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
