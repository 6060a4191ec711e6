package linkage

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

const (
	exportDomain = "datanet/v1/export"
	headLines    = 6 // four that are signed, an empty one, the signature
)

// Export writes the whole ledger as one text, for whoever has no hub: OpenExport reads it. It holds what is in the ledger's folder, and
// is no more secret than that.
func (l *Ledger) Export(w io.Writer) error {
	_, err := w.Write(l.Bytes())
	return err
}

// Bytes is what Export writes.
func (l *Ledger) Bytes() []byte {
	out := bytes.NewBufferString(exportDomain + "\n")
	out.Write(l.signed)
	for _, r := range l.records {
		line, _ := marshal(r) // it was read from this very line
		out.Write(append(line, '\n'))
	}
	return out.Bytes()
}

// OpenExport reads an exported ledger with every check that Open makes. It is held in memory, and refuses to be written to.
//
// The key it is checked with is the one that its own record 0 names, so an export proves that nobody without that key made it or changed
// it, and nothing about whose key that is. Compare Key with one that you trust, and CheckExtends with a head that you remember. The error is an
// *IntegrityError.
func OpenExport(raw []byte) (*Ledger, error) {
	if int64(len(raw)) > int64(len(exportDomain))+maxHead+maxRecords {
		return nil, brokenExport("it is larger than a ledger may be")
	}
	signed, records, ok := cutExport(bytes.Clone(raw)) // records are parts of it
	if !ok {
		return nil, brokenExport("it is not in the form of one")
	}
	first, _, _ := bytes.Cut(records, []byte("\n"))
	vkey, err := keyOf(first)
	if err != nil {
		return nil, brokenExport("record 0 does not name the ledger's key")
	}
	l := &Ledger{vkey: vkey}
	if l.verifier, err = parseVKey(vkey); err != nil {
		return nil, brokenExport("record 0 does not name the ledger's key")
	}
	if err := l.take(signed, records); err != nil {
		return nil, err
	}
	return l, nil
}

// take accepts what an export holds, which is all that the head counts and no more.
func (l *Ledger) take(signed, records []byte) error {
	head, err := parseHead(signed, l.verifier)
	if err != nil {
		return err
	}
	lines, tail, err := split(records, head.Size)
	if err != nil {
		return err
	}
	if len(tail) > 0 {
		return brokenExport("more follows the %d records that its head counts", head.Size)
	}
	return l.accept(head, signed, lines, nil, int64(len(records)))
}

func cutExport(raw []byte) (signed, records []byte, ok bool) {
	rest, ok := bytes.CutPrefix(raw, []byte(exportDomain+"\n"))
	end := 0
	for range headLines {
		i := bytes.IndexByte(rest[end:], '\n')
		if i < 0 {
			return nil, nil, false
		}
		end += i + 1
	}
	return rest[:end:end], rest[end:], ok && end <= maxHead
}

// OpenFolder is Open for whoever has a copy of a ledger's folder and nothing else. As with OpenExport, its key is the one that its own record 0 names.
func OpenFolder(dir string) (*Ledger, error) {
	f, err := os.Open(filepath.Join(dir, recordsFile))
	if err != nil {
		return nil, fmt.Errorf("opening ledger: %w", err)
	}
	defer f.Close()
	first, err := bufio.NewReader(io.LimitReader(f, maxLine+1)).ReadBytes('\n')
	if err != nil {
		return nil, broken("records: no whole line")
	}
	vkey, err := keyOf(bytes.TrimSuffix(first, []byte("\n")))
	if err != nil {
		return nil, broken("record 0 does not name the ledger's key")
	}
	return Open(dir, vkey)
}

// Carried says that the ledger came as a file, and not as its hub's folder.
func (l *Ledger) Carried() bool { return l.dir == "" }

// Hub is the id of the hub whose ledger this is.
func (l *Ledger) Hub() string { return strings.TrimPrefix(l.head.Origin, originPrefix) }

// keyOf is the verifier key that the hub's record names.
func keyOf(line []byte) (string, error) {
	r, err := parseRecord(line)
	if err != nil || r.Kind != KindHub {
		return "", errors.New("not the hub's record")
	}
	hub, err := unmarshal[HubRecord](r.Body)
	return hub.Ledger, err
}

func brokenExport(format string, args ...any) *IntegrityError {
	e := broken("export: "+format, args...)
	e.hints = []string{"have it exported and sent again, whole and unchanged"}
	return e
}
