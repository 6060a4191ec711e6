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
	"time"

	"golang.org/x/mod/sumdb/note"
)

// exportDomain is the first line of a ledger that travels in one file: the signed head and the lines that it counts follow.
const exportDomain = "datanet/v1/export"

// Bytes is the whole ledger in one file, which OpenExport reads.
func (l *Ledger) Bytes() ([]byte, error) {
	var out bytes.Buffer
	out.WriteString(exportDomain + "\n")
	out.Write(l.signed)
	for _, record := range l.records {
		line, err := record.encode()
		if err != nil {
			return nil, err
		}
		out.Write(append(line, '\n'))
	}
	return out.Bytes(), nil
}

// OpenExport reads what Bytes gives, with every check that Open makes. The ledger's key is the one that its own first record names: compare
// VKey, or a remembered head, with what is known of the hub. Nothing can be appended to it.
func OpenExport(raw []byte) (*Ledger, error) {
	if len(raw) > maxRecords {
		return nil, broken("export: larger than a ledger may be")
	}
	rest, ok := bytes.CutPrefix(raw, []byte(exportDomain+"\n"))
	end := bytes.Index(rest, []byte("\n\n"))
	if !ok || end < 0 {
		return nil, broken("export: not a record of decisions in a file")
	}
	signature := bytes.IndexByte(rest[end+2:], '\n')
	if signature < 0 {
		return nil, broken("export: it ends within its head")
	}
	head, lines := rest[:end+2+signature+1], rest[end+2+signature+1:]
	first, _, _ := bytes.Cut(lines, []byte("\n"))
	vkey, err := foundedWith(first)
	if err != nil {
		return nil, broken("export: record 0: %s", err)
	}
	l := &Ledger{vkey: vkey}
	if l.verifier, err = parseVKey(vkey); err != nil {
		return nil, err
	}
	if err := l.take(head, lines); err != nil {
		return nil, err
	}
	return l, nil
}

// OpenFolder is Open for whoever has a ledger's folder and nothing else: its key is the one that its own first record names, as with OpenExport.
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
	vkey, err := foundedWith(bytes.TrimSuffix(first, []byte("\n")))
	if err != nil {
		return nil, broken("record 0: %s", err)
	}
	return Open(dir, vkey)
}

// Carried says that the ledger came as a file, and not as its hub's folder.
func (l *Ledger) Carried() bool { return l.dir == "" }

// Hub is the id of the hub whose ledger this is.
func (l *Ledger) Hub() string { return strings.TrimPrefix(l.head.Origin, originPrefix) }

// VKey is the verifier key of the ledger.
func (l *Ledger) VKey() string { return l.vkey }

// foundedWith is the ledger key that record 0 names.
func foundedWith(line []byte) (string, error) {
	record, err := parseRecord(line)
	if err != nil {
		return "", err
	}
	body, err := record.Decode()
	if err != nil {
		return "", err
	}
	hub, ok := body.(HubRecord)
	if !ok {
		return "", errors.New("it is not the hub's")
	}
	return hub.Ledger, nil
}

// take checks a head and the lines that came with it.
func (l *Ledger) take(signed, raw []byte) error {
	head, err := parseHead(signed, l.verifier)
	if err != nil {
		return err
	}
	lines, tail, err := split(raw, head.Size)
	if err != nil {
		return err
	}
	if len(tail) > 0 {
		return broken("export: more follows than the head counts")
	}
	return l.accept(head, signed, lines, nil)
}

// Resign signs the newest head again with the present time, so that whoever gets a copy knows how old it is at most.
func (l *Ledger) Resign(signer note.Signer, now time.Time, accept bool) error {
	return l.writing(signer, now, func() error {
		head := l.head
		head.Time = l.head.Clock(now)
		signed, err := signNote(head.text(), signer, l.verifier)
		if err != nil {
			return err
		}
		if err := replaceFile(l.dir, headFile, signed); err != nil {
			return fmt.Errorf("writing head: %w", err)
		}
		l.head, l.signed = head, signed
		return nil
	})
}
