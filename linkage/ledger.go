package linkage

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	recordsFile = "records"
	headFile    = "head"
	nextFile    = "next"
	lockFile    = "lock"

	maxHead    = 1 << 12
	maxRecords = 1 << 28 // far above any hub's lifetime; an import could be hostile
)

// A Ledger is an append-only log of records in a folder, or one that OpenExport holds in memory. Several processes may have a folder's
// open and append to it; one Ledger is for one goroutine.
type Ledger struct {
	dir      string
	vkey     string
	verifier note.Verifier

	head    Head
	signed  []byte // the head as it is signed
	records []Record
	tree    tree
	length  int64  // of what the head counts, in bytes
	tail    []byte // what the records file holds beyond it

	replayed *Decisions // of the first records; nil until they are asked for

	step func(string) // test hook, called after each step of writing
}

// Create makes an empty ledger in dir, which may exist if it holds no ledger. The first record appended must be the hub's.
func Create(dir, origin string, signer note.Signer, now time.Time) error {
	if !originForm.MatchString(origin) {
		return errors.New("creating ledger: its origin is not of the accepted form")
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("creating ledger: %w", err)
	}
	unlock, err := lock(filepath.Join(dir, lockFile))
	if err != nil {
		return fmt.Errorf("creating ledger: %w", err)
	}
	defer unlock()
	if err := refuseExisting(dir); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, recordsFile), nil, 0o600); err != nil {
		return fmt.Errorf("creating ledger: %w", err)
	}
	empty, err := tree(nil).root(0)
	if err != nil {
		return err
	}
	head := Head{Origin: origin, Root: empty, Time: now.UTC().Truncate(time.Second)}
	signed, err := note.Sign(&note.Note{Text: head.text()}, signer)
	if err != nil {
		return &KeyError{reason: "the ledger key cannot sign"}
	}
	return replaceFile(dir, headFile, signed)
}

// refuseExisting lets pass what a Create that was cut short has left: an empty records file without a head.
func refuseExisting(dir string) error {
	_, err := os.Lstat(filepath.Join(dir, headFile))
	records, errRecords := os.Lstat(filepath.Join(dir, recordsFile))
	if err == nil || (errRecords == nil && records.Size() > 0) {
		return fmt.Errorf("creating ledger: %s already holds one: %w", dir, fs.ErrExist)
	}
	return nil
}

// Open reads a ledger and checks all of it: the head's signature, every record the head counts, their tree. It takes no lock and changes
// nothing. Errors are an *IntegrityError, a *KeyError for vkey, or, when there is no such folder, fs.ErrNotExist.
func Open(dir, vkey string) (*Ledger, error) {
	verifier, err := parseVKey(vkey)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(dir); err != nil {
		return nil, fmt.Errorf("opening ledger: %w", err)
	}
	l := &Ledger{dir: dir, vkey: vkey, verifier: verifier}
	if err := l.load(); err != nil {
		return nil, err
	}
	return l, nil
}

// Origin names the hub whose ledger this is; compare it with Origin of the hub's id.
func (l *Ledger) Origin() string { return l.head.Origin }

// Head is the newest head.
func (l *Ledger) Head() Head { return l.head }

// SignedHead is the newest head as signed: what a tool remembers, and ParseHead reads.
func (l *Ledger) SignedHead() []byte { return bytes.Clone(l.signed) }

// Records are the records that the head counts; a record's number is its place, from 0.
func (l *Ledger) Records() []Record { return slices.Clone(l.records) }

// CheckExtends says whether this ledger begins with the records that an older, remembered head counted. It
// computes from what Open has verified and touches nothing.
func (l *Ledger) CheckExtends(old Head) error {
	if err := l.head.follows(old); err != nil {
		return err
	}
	root, err := l.tree.root(old.Size)
	if err != nil {
		return err
	}
	if root != old.Root {
		return broken("records: the first %d are not those of the remembered head: the ledger has been rewritten", old.Size)
	}
	return nil
}

// Key is the verifier key of the ledger's key, which record 0 names.
func (l *Ledger) Key() string { return l.vkey }

// Verify reads everything again, checks that it extends what was read before, and replays the rules of trust and of approvals. What
// does not hold is an *IntegrityError.
func (l *Ledger) Verify() error {
	if l.dir != "" { // an export was read as a whole when it was opened
		if err := l.load(); err != nil {
			return err
		}
	}
	l.replayed = nil
	return l.replayNew()
}

// load reads the folder. A writer may be at work: it only ever adds behind what an earlier head counts, so reading the head
// first is enough, unless so much lies beyond it that either other writers have moved on or somebody has
// tampered. Holding off the writers tells which.
func (l *Ledger) load() error {
	if err := l.loadOnce(); err == nil || !errors.As(err, new(*IntegrityError)) {
		return err
	}
	unlock, err := share(filepath.Join(l.dir, lockFile))
	if err != nil { // a copy without the lock file has no writers
		return l.loadOnce()
	}
	defer unlock()
	return l.loadOnce()
}

func (l *Ledger) loadOnce() error {
	signed, err := readAtMost(filepath.Join(l.dir, headFile), maxHead)
	if err != nil {
		return err
	}
	head, err := parseHead(signed, l.verifier)
	if err != nil {
		return err
	}
	raw, err := readAtMost(filepath.Join(l.dir, recordsFile), maxRecords)
	if err != nil {
		return err
	}
	lines, tail, err := split(raw, head.Size)
	if err != nil {
		return err
	}
	return l.accept(head, signed, lines, tail, int64(len(raw)-len(tail)))
}

// accept checks the lines against the head, and the whole against what was read before, and keeps it.
func (l *Ledger) accept(head Head, signed []byte, lines [][]byte, tail []byte, length int64) error {
	fresh := &Ledger{dir: l.dir, vkey: l.vkey, verifier: l.verifier, step: l.step}
	if err := fresh.extend(head, signed, lines, tail, length); err != nil {
		return err
	}
	if l.signed != nil {
		if err := fresh.CheckExtends(l.head); err != nil {
			return err
		}
	}
	*l = *fresh
	return nil
}

// extend takes in the lines that follow those taken in so far, if together they are what the head was signed for. The root covers the
// earlier ones too, as they were when they were read.
func (l *Ledger) extend(head Head, signed []byte, lines [][]byte, tail []byte, length int64) error {
	grown, err := l.tree.grow(l.head.Size, lines)
	if err != nil {
		return err
	}
	root, err := grown.root(head.Size)
	if err != nil {
		return err
	}
	if root != head.Root {
		return broken("records: they are not the %d records that the head was signed for", head.Size)
	}
	records, err := l.parse(head, lines)
	if err != nil {
		return err
	}
	l.head, l.signed, l.records, l.tree = head, signed, append(l.records, records...), grown
	l.length, l.tail = length, tail
	return nil
}

// parse reads every record strictly, although their hashes hold: the ledger key proves who wrote them, not that they mean something.
func (l *Ledger) parse(head Head, lines [][]byte) ([]Record, error) {
	records := make([]Record, len(lines))
	for i, line := range lines {
		n := len(l.records) + i
		record, err := parseRecord(line)
		if err != nil {
			return nil, broken("record %d: %s", n, err)
		}
		if err := l.inPlace(head, n, record); err != nil {
			return nil, broken("record %d: %s", n, err)
		}
		if record.Time.After(head.Time.Add(aheadLimit)) {
			return nil, broken("record %d: dated more than 24 hours after the head", n)
		}
		records[i] = record
	}
	return records, nil
}

// inPlace checks that record 0 alone is the hub's, and names this ledger.
func (l *Ledger) inPlace(head Head, n int, record Record) error {
	if (record.Kind == KindHub) != (n == 0) {
		return errors.New("the hub's record is the first one, and the only one of its kind")
	}
	if n > 0 {
		return nil
	}
	hub, err := unmarshal[HubRecord](record.Body)
	if err != nil {
		return err
	}
	return all(
		rule(Origin(hub.Hub) == head.Origin, "it names another hub than the head"),
		rule(hub.Ledger == l.vkey, "it names another ledger key than the one that signed the head"),
	)
}

// split cuts the file into the lines that the head counts and what lies beyond: nothing, part of a line, or one line.
func split(raw []byte, size int64) (lines [][]byte, tail []byte, err error) {
	for int64(len(lines)) < size {
		line, rest, whole := bytes.Cut(raw, []byte("\n"))
		if !whole {
			return nil, nil, broken("records: %d whole lines, and the head counts %d records", len(lines), size)
		}
		lines, raw = append(lines, line), rest
	}
	if i := bytes.IndexByte(raw, '\n'); i >= 0 && i != len(raw)-1 {
		return nil, nil, broken("records: more lies beyond the %d records that the head counts than a crash can leave", size)
	}
	return lines, raw, nil
}

// readAtMost reads a file of the ledger. A missing one is damage, because the folder is there.
func readAtMost(path string, limit int64) ([]byte, error) { return readFrom(path, 0, limit) }

// readFrom reads what a file of the ledger holds from a place on.
func readFrom(path string, from, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, broken("%s: missing from the ledger", filepath.Base(path))
	}
	if err != nil {
		return nil, fmt.Errorf("reading ledger: %w", err)
	}
	defer f.Close()
	if stat, err := f.Stat(); err != nil || stat.Size() < from {
		return nil, errors.Join(broken("%s: shorter than it was", filepath.Base(path)), err)
	}
	raw, err := io.ReadAll(io.NewSectionReader(f, from, limit+1-from))
	if err != nil {
		return nil, fmt.Errorf("reading ledger: %w", err)
	}
	if from+int64(len(raw)) > limit {
		return nil, broken("%s: larger than a ledger's may be", filepath.Base(path))
	}
	return raw, nil
}

// leaf is the hash of one line.
func leaf(line []byte) tlog.Hash { return tlog.RecordHash(line) }
