package extract

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"datanet/pipeline/engine"
	"datanet/pseudonym"
	"datanet/schemas"
)

const stagingPrefix = ".datanet-extract-"

// A staging folder stands beside the extract-to-be, on the same file system.
// Its lock is held while its owner lives, so a later run can tell one that a
// crash left behind.
type staging struct {
	root   string // everything
	work   string // coded rows and spilled ones, for this run only
	final  string // becomes the extract, or what is sealed
	to     string // the extract's path
	sealed bool   // it becomes a sealed file, not a folder
	made   bool   // the output folder was not there before
	lock   *os.File
	held   *os.Root // of root, wherever somebody may move it
}

// newStaging refuses to stand in the way of an extract that is there already,
// sealed or not, unless nothing is to be kept.
func newStaging(out, name string, keep, sealed bool) (*staging, error) {
	if keep {
		if err := free(out, name); err != nil {
			sweepAlone(out) // perhaps it was made by a run that died right after
			return nil, err
		}
	}
	_, err := os.Stat(out)
	s := &staging{to: filepath.Join(out, name), made: errors.Is(err, fs.ErrNotExist), sealed: sealed}
	if sealed {
		s.to += schemas.ParcelSuffix
	}
	if err := os.MkdirAll(out, 0o700); err != nil {
		return nil, &UseError{"the output folder cannot be made", "give a folder that you may write with --out"}
	}
	// Under this lock a staging folder without an owner is one that a crash
	// left, and not one that is just being made.
	gate, locked, err := lockFolder(out)
	if err != nil {
		return nil, &UseError{"the output folder cannot be read", "give a folder that you may read and write with --out"}
	}
	defer gate.Close()
	if locked { // where folders cannot be locked nothing is swept
		sweep(out)
	}
	if s.root, err = os.MkdirTemp(out, stagingPrefix); err != nil {
		return nil, &UseError{"nothing can be written to the output folder", "give a folder that you may write with --out"}
	}
	if s.held, err = os.OpenRoot(s.root); err != nil {
		os.Remove(s.root)
		return nil, fmt.Errorf("making the staging folder: %w", err)
	}
	s.work, s.final = filepath.Join(s.root, "work"), filepath.Join(s.root, "extract")
	if err := s.furnish(); err != nil {
		s.remove()
		return nil, fmt.Errorf("making the staging folder: %w", err)
	}
	return s, nil
}

// free says whether an extract's name is: one in either form stands in its way,
// and one cannot be told from the other at the hub.
func free(out, name string) error {
	for _, form := range []string{name, name + schemas.ParcelSuffix} {
		if _, err := os.Lstat(filepath.Join(out, form)); err == nil {
			return &UseError{"there is an extract " + form + " already", "move it away, or give another folder with --out"}
		}
	}
	return nil
}

// lockFolder waits until no other run is at its beginning or its end there.
// Some network file systems lock no folders.
func lockFolder(out string) (gate *os.File, locked bool, err error) {
	gate, err = os.Open(out)
	if err != nil {
		return nil, false, err
	}
	return gate, unix.Flock(int(gate.Fd()), unix.LOCK_EX) == nil, nil
}

func (s *staging) furnish() (err error) {
	if s.lock, err = os.OpenFile(filepath.Join(s.root, "lock"), os.O_CREATE|os.O_RDWR, 0o600); err != nil {
		return err
	}
	if err := unix.Flock(int(s.lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return err
	}
	for _, d := range []string{s.work, filepath.Join(s.work, "spill"), s.final} {
		if err := os.Mkdir(d, 0o700); err != nil {
			return err
		}
	}
	return nil
}

// sweepAlone sweeps a folder in which nothing else is going to happen.
func sweepAlone(out string) {
	if gate, locked, err := lockFolder(out); err == nil {
		defer gate.Close()
		if locked {
			sweep(out)
		}
	}
}

// sweep removes what runs that died left behind.
func sweep(out string) {
	entries, _ := os.ReadDir(out)
	for _, e := range entries {
		if !e.IsDir() || !strings.HasPrefix(e.Name(), stagingPrefix) {
			continue
		}
		dir := filepath.Join(out, e.Name())
		lock, err := os.Open(filepath.Join(dir, "lock"))
		if errors.Is(err, fs.ErrNotExist) || err == nil && unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil {
			os.RemoveAll(dir)
		}
		lock.Close()
	}
}

// remove leaves nothing. A database that was interrupted may still be putting
// down a file while its folder goes: then it is tried again.
func (s *staging) remove() {
	for range 40 {
		if os.RemoveAll(s.root) == nil {
			break
		}
		time.Sleep(25 * time.Millisecond)
	}
	if _, err := os.Lstat(s.root); err != nil { // it was moved
		for _, name := range []string{"work", "extract", parcelName} {
			s.held.RemoveAll(name)
		}
	}
	s.held.Close()
	s.lock.Close()
	if s.made {
		os.Remove(filepath.Dir(s.to)) // stays when it holds anything
	}
}

// sign writes the manifest and its signature.
func (s *staging) sign(signer pseudonym.Signer, manifest []byte) error {
	sig, err := signer.SignNote(schemas.Statement("manifest", schemas.Digest(manifest)))
	if err != nil {
		return fmt.Errorf("signing the manifest: %w", err)
	}
	if err := s.write(manifestFile, manifest); err != nil {
		return err
	}
	return s.write(signatureFile, sig)
}

const manifestFile, signatureFile = "manifest.json", "manifest.sig"

func (s *staging) write(name string, body []byte) error {
	f, err := os.OpenFile(filepath.Join(s.final, name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	if _, err := f.Write(body); err != nil {
		f.Close()
		return fmt.Errorf("writing %s: %w", name, err)
	}
	return f.Close()
}

// finish makes everything durable that is to become the extract: the folder, or
// the file that it is sealed to. All that can fail for want of room has then been
// done.
func (s *staging) finish(ctx context.Context, m *schemas.Manifest, key *pseudonym.SiteKey) error {
	if s.sealed {
		return s.pack(ctx, m, key)
	}
	entries, err := os.ReadDir(s.final)
	if err != nil {
		return err
	}
	for _, e := range entries {
		path := filepath.Join(s.final, e.Name())
		if err := os.Chmod(path, 0o600); err != nil {
			return err
		}
		if err := flush(path); err != nil {
			return err
		}
	}
	return flush(s.final)
}

const parcelName = "parcel"

// parcel is where the sealed file lies until it gets its name.
func (s *staging) parcel() string { return filepath.Join(s.root, parcelName) }

// pack seals manifest, signature and tables to the custodian.
func (s *staging) pack(ctx context.Context, m *schemas.Manifest, key *pseudonym.SiteKey) error {
	f, err := os.OpenFile(s.parcel(), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("sealing: %w", err)
	}
	defer f.Close()
	sealed, err := key.Seal(f)
	if err != nil {
		return fmt.Errorf("sealing: %w", err)
	}
	p := schemas.NewParcelWriter(sealed)
	names := []string{manifestFile, signatureFile}
	for _, file := range m.AllFiles() {
		names = append(names, file.Name)
	}
	for _, name := range names {
		if err := s.packFile(ctx, p, name); err != nil {
			return fmt.Errorf("sealing %s: %w", name, err)
		}
	}
	if err := errors.Join(p.Close(), sealed.Close(), f.Sync()); err != nil {
		return fmt.Errorf("sealing: %w", err)
	}
	return nil
}

func (s *staging) packFile(ctx context.Context, p *schemas.ParcelWriter, name string) error {
	f, err := os.Open(filepath.Join(s.final, name))
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	return p.Add(name, info.Size(), interruptible{ctx, f})
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

// commit gives the finished extract its name.
func (s *staging) commit() (string, error) {
	out := filepath.Dir(s.to)
	gate, _, err := lockFolder(out)
	if err != nil {
		return "", err
	}
	defer gate.Close()
	if err := free(out, strings.TrimSuffix(filepath.Base(s.to), schemas.ParcelSuffix)); err != nil {
		return "", err
	}
	from := s.final
	if s.sealed {
		from = s.parcel()
	}
	if err := os.Rename(from, s.to); err != nil {
		return "", err
	}
	return s.to, flush(out)
}

// flush brings a file or folder to the disk.
func flush(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

// explain puts a failure of the disk that the output lies on into words, without
// its paths. What is wrong with the source has been said by then.
func (s *staging) explain(err error) error {
	var disk *engine.Error
	var path *fs.PathError
	var link *os.LinkError
	if _, lost := os.Lstat(s.root); lost != nil {
		return &UseError{"the output folder was taken away while the extract was being made", "give the same command again, and leave the folder there until it has ended"}
	}
	switch {
	case errors.As(err, &path):
		return &outputError{path.Err}
	case errors.As(err, &link):
		return &outputError{link.Err}
	case errors.As(err, &disk) && disk.Disk:
		return &outputError{errors.New("the disk failed, or is full")}
	}
	return err
}

// An outputError says that the disk took no more.
type outputError struct{ cause error }

func (e *outputError) Error() string {
	return "the extract could not be written: " + e.cause.Error() + "; nothing was kept"
}
func (e *outputError) Unwrap() error { return e.cause }

// Kind is the kind of failure, which decides the exit code.
func (e *outputError) Kind() string { return "unexpected" }

// Hints says what to do.
func (e *outputError) Hints() []string {
	return []string{"see whether there is room in the folder that --out names, in that of the key file and in that of --rejects, and whether they can be written"}
}
