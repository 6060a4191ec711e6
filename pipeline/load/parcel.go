package load

import (
	"io"
	"os"

	"golang.org/x/sys/unix"

	"datanet/pseudonym"
	"datanet/schemas"
)

// inParcel is an extract that arrived sealed. It is opened as it is read, from its beginning
// to its end, into memory and into the load's own folder: nothing of it lies
// in clear anywhere else.
type inParcel struct {
	*schemas.ParcelReader
	file      *os.File
	custodian *pseudonym.CustodianKey
}

func openParcel(path string, custodian *pseudonym.CustodianKey) (*inParcel, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, &UseError{"the sealed extract cannot be opened", "give the file that datanet extract --seal wrote"}
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		f.Close()
		return nil, &UseError{"the extract is neither a folder nor a file", "give the folder, or the sealed file, that datanet extract wrote"}
	}
	p := &inParcel{file: f, custodian: custodian}
	if err := p.unseal(); err != nil {
		f.Close()
		return nil, err
	}
	return p, nil
}

// unseal begins to read at the file's beginning.
func (p *inParcel) unseal() error {
	if _, err := p.file.Seek(0, io.SeekStart); err != nil {
		return reading("the sealed extract", err)
	}
	plain, err := p.custodian.OpenSealed(p.file)
	if err != nil {
		return reading("the sealed extract", err)
	}
	p.ParcelReader = schemas.NewParcelReader(plain)
	return nil
}

// again reads up to the first table once more, in case a load has to begin
// again. The file must still hold the manifest that was verified.
func (p *inParcel) again(digest string) error {
	if err := p.unseal(); err != nil {
		return err
	}
	x := &extract{arrival: p}
	if err := x.read(); err != nil {
		return err
	}
	if x.digest != digest {
		return &IntegrityError{Rule: "the sealed file was changed while it was read", Hint: again}
	}
	return nil
}

func (p *inParcel) close() { p.file.Close() }

func (p *inParcel) next(name string) (io.ReadCloser, int64, error) {
	size, err := p.Next(name)
	if err != nil {
		return nil, 0, reading(name, err)
	}
	return io.NopCloser(p), size, nil
}

// alone refuses members that the manifest does not name, and reads to the end:
// until there a part could have been cut off.
func (p *inParcel) alone([]string) error {
	if err := p.End(); err != nil {
		return reading("the end of the sealed extract", err)
	}
	return nil
}

// misPacked is for what opens and is no extract. Anybody who knows the
// custodian's recipient can seal; what is inside, a site has signed or not.
func misPacked() error {
	return &IntegrityError{Rule: "the sealed file " + schemas.ErrParcel.Error(), Hint: again}
}
