package publication

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

const (
	headerFile    = "publication.json"
	countsFile    = "counts.parquet"
	signatureFile = "publication.sig"

	// Well above any publication there is: the standard catalogue's counts take
	// one megabyte.
	maxHeader    = 4 << 20
	maxCounts    = 64 << 20
	maxSignature = 4 << 10
)

// file reads one of the three files: a plain file, never through a link, and
// no more of it than such a file can hold.
func (p *Publication) file(name string, most int64) ([]byte, error) {
	f, err := os.OpenFile(filepath.Join(p.dir, name), os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ENOTDIR) {
		return nil, &UseError{"there is no publication here: " + name + " is missing", "give the folder that datanet publish wrote with --publication"}
	}
	if err != nil {
		return nil, &IntegrityError{name + " is not a plain file that can be read", fetchAgain}
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, &IntegrityError{name + " is not a plain file", fetchAgain}
	}
	b, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	if int64(len(b)) > most {
		return nil, &IntegrityError{name + " is larger than any such file", fetchAgain}
	}
	return b, nil
}
