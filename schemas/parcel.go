package schemas

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"time"
)

// ParcelSuffix ends the name of a sealed extract.
const ParcelSuffix = ".age"

// A parcel is what a sealed extract holds inside its encryption: a plain tar of
// manifest.json, manifest.sig and the manifest's files, in this order, and
// nothing else. Every member is a file of mode 0600, of nobody and of no time,
// so that nothing of the machine travels and the same extract is the same
// parcel.

// A ParcelWriter writes a parcel, a member at a time.
type ParcelWriter struct{ tar *tar.Writer }

// NewParcelWriter begins a parcel.
func NewParcelWriter(w io.Writer) *ParcelWriter { return &ParcelWriter{tar.NewWriter(w)} }

// Add writes one member of exactly size bytes.
func (p *ParcelWriter) Add(name string, size int64, content io.Reader) error {
	if err := p.tar.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: parcelMode}); err != nil {
		return err
	}
	n, err := io.Copy(p.tar, content)
	if err == nil && n != size {
		err = fmt.Errorf("%s is shorter than it was", name)
	}
	return err
}

// Close ends the parcel. It does not close what is below.
func (p *ParcelWriter) Close() error { return p.tar.Close() }

const parcelMode = 0o600

// A ParcelReader reads a parcel strictly and in its order. It makes no file, so
// no name in it can lead anywhere.
type ParcelReader struct {
	below *counted
	tar   *tar.Reader
	end   int64 // where the last member that was found ends, in whole blocks
}

// NewParcelReader begins to read a parcel.
func NewParcelReader(r io.Reader) *ParcelReader {
	below := &counted{r: r}
	return &ParcelReader{below: below, tar: tar.NewReader(below)}
}

// counted says how far a reader has been read.
type counted struct {
	r io.Reader
	n int64
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	return n, err
}

const parcelBlock = 512

// ErrParcel says that a parcel is not of the one form that ParcelWriter makes.
// What it holds instead is not told: nobody has signed it.
var ErrParcel = errors.New("is not packed as a sealed extract is")

// Next says how many bytes the next member has, which must have this name. Its
// content is then what Read returns. An error that is not ErrParcel is the
// reader's below.
func (p *ParcelReader) Next(name string) (size int64, err error) {
	h, err := p.tar.Next()
	if err != nil {
		return 0, parcelError(err)
	}
	if !isMember(h, name) {
		return 0, ErrParcel
	}
	p.end = p.below.n + (h.Size+parcelBlock-1)/parcelBlock*parcelBlock
	return h.Size, nil
}

// isMember holds a header to the one that Add writes. A size of 8 GiB and more
// needs a record of its own.
func isMember(h *tar.Header, name string) bool {
	_, sized := h.PAXRecords["size"]
	plain := len(h.PAXRecords) == 0 && h.Format == tar.FormatUSTAR
	return h.Name == name && h.Typeflag == tar.TypeReg && h.Mode == parcelMode && h.Size >= 0 &&
		h.Linkname == "" && h.Uid == 0 && h.Gid == 0 && h.Uname == "" && h.Gname == "" && h.ModTime.Equal(time.Unix(0, 0)) &&
		(plain || sized && len(h.PAXRecords) == 1 && h.Format == tar.FormatPAX)
}

// Read reads the member that Next found.
func (p *ParcelReader) Read(b []byte) (int, error) {
	n, err := p.tar.Read(b)
	if err != nil && err != io.EOF {
		err = parcelError(err)
	}
	return n, err
}

// End refuses whatever follows the last member but the two empty blocks that end
// a tar, and reads to the very end: only there does encryption prove that nothing
// was cut off.
func (p *ParcelReader) End() error {
	if _, err := p.tar.Next(); err != io.EOF {
		if err == nil {
			err = ErrParcel
		}
		return parcelError(err)
	}
	_, err := io.Copy(io.Discard, io.LimitReader(p.below, 1))
	if err == nil && p.below.n != p.end+2*parcelBlock {
		err = ErrParcel
	}
	return err
}

func parcelError(err error) error {
	if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, tar.ErrHeader) || errors.Is(err, tar.ErrInsecurePath) || errors.Is(err, tar.ErrFieldTooLong) {
		return ErrParcel
	}
	return err
}
