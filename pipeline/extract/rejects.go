package extract

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"datanet/pipeline/engine"
)

// The exact account says of every row of the source that was left out where it
// stands and why, and nothing of what it holds. It is for the site alone: beside
// the source it tells who opted out.

const rejectsName = "rejects.csv"

// A row_at says where a row stands: its table, by the place of the name among the
// export's, the table's file, from 1 by their stamps, and the record of the file,
// from 1 after the header. There is room for a million files of a table.
const recordBits, fileBits = 36, 20

// place is the row_at of the header of a file.
func (s *source) place(f *sourceFile) int64 {
	return (int64(slices.Index(s.names(), f.table))<<fileBits | int64(f.nth)) << recordBits
}

// where is a row_at in words, as the account has it.
func where(tables []string, at int64) string {
	file := at >> recordBits
	return fmt.Sprintf("%s,%d,%d", tables[file>>fileBits], file&(1<<fileBits-1), at&(1<<recordBits-1))
}

// rejects writes the account into the staging folder: a line for each row that a
// canonical table is made of and that was left out, with where it stands and why.
func rejects(ctx context.Context, e *engine.Engine, src *source, path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("writing the account: %w", err)
	}
	defer f.Close()
	w := bufio.NewWriter(f)
	fmt.Fprintln(w, "table,file,row,reason")
	tables := src.names()
	for i := range src.dataset.Tables {
		t := &src.dataset.Tables[i]
		query := "SELECT row_at, reason FROM " + leftOut(src.dataset, t) + " ORDER BY ALL"
		if err := e.Query(ctx, "writing the account", query, func(r *sql.Rows) error {
			var at int64
			var reason string
			if err := r.Scan(&at, &reason); err != nil {
				return err
			}
			_, err := fmt.Fprintf(w, "%s,%s\n", where(tables, at), reason)
			return err
		}); err != nil {
			return err
		}
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("writing the account: %w", err)
	}
	return f.Close()
}

// An exactAccount is where the exact account goes. A nil one goes nowhere. It
// gets its name when the extract has got its own: a run that dies before leaves
// neither, and one that dies between the two leaves an extract whose account a dry
// run writes again.
type exactAccount struct {
	from, to string
	part     *os.File // in the folder of to, locked while its owner lives
}

const partPrefix = ".datanet-rejects-"

// newAccount refuses a place where the account may not stand: in the extract,
// which travels, or over another file.
func newAccount(o Options, stage *staging) (*exactAccount, error) {
	if o.Rejects == "" {
		return nil, nil
	}
	folder, err := filepath.Abs(filepath.Dir(o.Rejects))
	if err == nil {
		folder, err = filepath.EvalSymlinks(folder)
	}
	if err != nil {
		return nil, &UseError{"the folder for the account of rejects is not there", "give --rejects a file in a folder that you may write"}
	}
	to := filepath.Join(folder, filepath.Base(o.Rejects))
	if _, err := os.Lstat(to); !errors.Is(err, fs.ErrNotExist) {
		return nil, &UseError{"something stands where the account of rejects should go", "give --rejects the name of a file that is not there"}
	}
	out, err := filepath.EvalSymlinks(filepath.Dir(stage.to))
	if err != nil {
		return nil, fmt.Errorf("finding the output folder: %w", err)
	}
	for _, extract := range []string{filepath.Join(out, filepath.Base(stage.to)), filepath.Join(out, filepath.Base(stage.root))} {
		if to == extract || strings.HasPrefix(to, extract+string(filepath.Separator)) {
			return nil, &UseError{"the account of rejects would lie inside the extract, which travels", "give --rejects a file elsewhere: it stays at the site"}
		}
	}
	if _, err := os.Lstat(filepath.Join(folder, manifestFile)); err == nil {
		return nil, &UseError{"the account of rejects would lie inside an extract, which travels", "give --rejects a file elsewhere: it stays at the site"}
	}
	return &exactAccount{from: filepath.Join(stage.work, rejectsName), to: to}, nil
}

// sweepParts removes what runs that died left behind beside an account: it tells
// who opted out.
func sweepParts(account string) {
	if account == "" {
		return
	}
	folder := filepath.Dir(account)
	gate, locked, err := lockFolder(folder)
	if err != nil {
		return
	}
	defer gate.Close()
	parts, _ := filepath.Glob(filepath.Join(folder, partPrefix+"*"))
	for _, part := range parts {
		f, err := os.Open(part)
		if err == nil && locked && unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil {
			os.Remove(part)
		}
		f.Close()
	}
}

// prepare puts the whole account beside its place, so that nothing but its name
// is wanting.
func (a *exactAccount) prepare() error {
	if a == nil {
		return nil
	}
	from, err := os.Open(a.from)
	if err != nil {
		return fmt.Errorf("keeping the account: %w", err)
	}
	defer from.Close()
	if err := a.claim(); err != nil {
		return &UseError{"the account of rejects cannot be written", "give --rejects a file in a folder that you may write"}
	}
	if _, err := io.Copy(a.part, from); err != nil {
		return fmt.Errorf("keeping the account: %w", err)
	}
	if err := a.part.Sync(); err != nil {
		return fmt.Errorf("keeping the account: %w", err)
	}
	return nil
}

// claim makes the part and locks it, before anybody could take it for one that a
// dead run has left.
func (a *exactAccount) claim() error {
	gate, _, err := lockFolder(filepath.Dir(a.to))
	if err != nil {
		return err
	}
	defer gate.Close()
	if a.part, err = os.CreateTemp(filepath.Dir(a.to), partPrefix); err != nil { // mode 0600
		return err
	}
	unix.Flock(int(a.part.Fd()), unix.LOCK_EX) // where files cannot be locked nothing is swept
	return nil
}

// name gives the account its name, and never over another file.
func (a *exactAccount) name() error {
	if a == nil {
		return nil
	}
	if err := os.Link(a.part.Name(), a.to); err != nil {
		return &UseError{"the account of rejects could not get its name", "give --rejects the name of a file that is not there"}
	}
	return flush(filepath.Dir(a.to))
}

// discard takes away what has not got its name.
func (a *exactAccount) discard() {
	if a != nil && a.part != nil {
		os.Remove(a.part.Name())
		a.part.Close()
	}
}
