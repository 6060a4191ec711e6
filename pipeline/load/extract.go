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

	"datanet/schemas"
)

// An extract is what arrived: a folder, or a file that is sealed to the
// custodian. Either is read in the order of its manifest.
type extract struct {
	arrival
	manifest  *schemas.Manifest
	digest    string // sha256 of manifest.json
	signature []byte
}

// An arrival hands out the files of an extract: the manifest, its signature,
// then the tables in the manifest's order.
type arrival interface {
	// next opens the file that must come now, and says how large it is.
	next(name string) (io.ReadCloser, int64, error)
	// alone refuses whatever there is beside these files.
	alone(names []string) error
	// again goes back to the first table of the same manifest.
	again(digest string) error
	close()
}

func open(path string, o Options) (*extract, error) {
	a, err := arrive(path, o)
	if err != nil {
		return nil, err
	}
	x := &extract{arrival: a}
	if err := x.read(); err != nil {
		a.close()
		return nil, err
	}
	return x, nil
}

// arrive tells a folder from a sealed file by what it is, not by its name.
func arrive(path string, o Options) (arrival, error) {
	if info, err := os.Stat(path); err == nil && !info.IsDir() {
		return openParcel(path, o.Custodian)
	}
	return openFolder(path)
}

const manifestFile, signatureFile = "manifest.json", "manifest.sig"

func (x *extract) read() error {
	body, err := x.small(manifestFile)
	if err != nil {
		return err
	}
	if x.signature, err = x.small(signatureFile); err != nil {
		return err
	}
	x.digest = schemas.Digest(body)
	if x.manifest, err = schemas.DecodeManifest(body); err != nil {
		return &IntegrityError{Rule: err.Error(), Hint: again}
	}
	return nil
}

func (x *extract) small(name string) ([]byte, error) {
	f, size, err := x.next(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if size > schemas.MaxManifest {
		return nil, &IntegrityError{Rule: name + " is larger than any such file", Hint: again}
	}
	b, err := io.ReadAll(io.LimitReader(f, schemas.MaxManifest+1))
	if err != nil {
		return nil, reading(name, err)
	}
	if len(b) > schemas.MaxManifest {
		return nil, &IntegrityError{Rule: name + " is larger than any such file", Hint: again}
	}
	return b, nil
}

// reading says what was being read, unless the error knows better.
func reading(name string, err error) error {
	var kinded interface{ Kind() string }
	switch {
	case errors.As(err, &kinded):
		return err
	case errors.Is(err, schemas.ErrParcel):
		return misPacked()
	}
	return fmt.Errorf("reading %s: %w", name, err)
}

// arrived is what a table's file is called while it waits to be re-wrapped.
func arrived(table string) string { return "arrived-" + table + ".parquet" }

// copyTo copies the extract's files and hashes what was copied, so that what
// is read afterwards is what was checked. Nothing else may have come with them.
func (x *extract) copyTo(ctx context.Context, dir string) error {
	names := []string{manifestFile, signatureFile}
	for _, f := range x.manifest.AllFiles() {
		if err := x.copyFile(ctx, f, filepath.Join(dir, arrived(f.Table))); err != nil {
			return err
		}
		names = append(names, f.Name)
	}
	return x.alone(names)
}

func (x *extract) copyFile(ctx context.Context, f schemas.ManifestFile, to string) error {
	in, size, err := x.next(f.Name)
	if err != nil {
		return err
	}
	defer in.Close()
	changed := &IntegrityError{x.manifest.Site, f.Name + " is not the file that the site signed", again}
	if size != f.Bytes {
		return changed
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("copying %s: %w", f.Name, err)
	}
	defer out.Close()
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(out, h), io.LimitReader(interruptible{ctx, in}, f.Bytes+1))
	if err != nil {
		return reading(f.Name, err)
	}
	if n != f.Bytes || hex.EncodeToString(h.Sum(nil)) != f.SHA256 {
		return changed
	}
	return out.Close()
}

// interruptible is a reader that stops when somebody interrupts.
type interruptible struct {
	ctx context.Context
	r   io.Reader
}

func (i interruptible) Read(b []byte) (int, error) {
	if err := i.ctx.Err(); err != nil {
		return 0, err
	}
	return i.r.Read(b)
}
