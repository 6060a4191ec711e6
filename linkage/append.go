package linkage

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// aheadLimit is how far ahead of the last head and the clock a record may be dated.
const aheadLimit = 24 * time.Hour

// restLimit is how long a hub may have rested before its clock is doubted. No head is ever earlier than the one before, so a single one
// from a machine whose clock is years ahead would end every approval for good.
const restLimit = 400 * 24 * time.Hour

// Append adds a record and returns its number once it is safely stored. A record with the zero time gets
// the present: now, or the last head's time if that is later. It waits for other writers, and takes in what a crashed one has left.
//
// A *Refusal means that the rules do not allow the record; it was not added. After another error the record is not there
// either, except where the error says that it may be.
func (l *Ledger) Append(signer note.Signer, now time.Time, record Record) (int64, error) {
	var index int64
	err := l.writing(signer, now, false, func() error {
		if record.Time.IsZero() {
			record.Time = l.head.Clock(now)
		}
		if err := l.admit(record, now); err != nil {
			return err
		}
		line, err := record.encode()
		if err != nil {
			return fmt.Errorf("appending record: %w", err)
		}
		index = l.head.Size
		return l.write(signer, now, line)
	})
	return index, err
}

// Recover does what Append does first: it takes in or cuts off what a crashed writer has left behind the head.
func (l *Ledger) Recover(signer note.Signer, now time.Time) error {
	return l.writing(signer, now, false, func() error { return nil })
}

// Resign signs the newest head again, of the same records, with the present time: whoever remembers it knows that until then nothing
// else was recorded. With accept the operator says that the clock is right although the hub has rested for more than 400 days.
func (l *Ledger) Resign(signer note.Signer, now time.Time, accept bool) error {
	return l.writing(signer, now, accept, func() error {
		head := l.head
		head.Time = head.Clock(now)
		return l.sign(signer, head)
	})
}

// writing runs do as the only writer, on a ledger that is up to date and repaired, if the clock can be believed or is accepted.
func (l *Ledger) writing(signer note.Signer, now time.Time, accept bool, do func() error) error {
	if l.Carried() {
		return errors.New("writing ledger: this copy of it was opened from an export, and is for reading only")
	}
	unlock, err := lock(filepath.Join(l.dir, lockFile))
	if err != nil {
		return fmt.Errorf("locking ledger: %w", err)
	}
	defer unlock()
	if err := l.catchUp(); err != nil {
		return err
	}
	if err := l.rested(now); err != nil && !accept {
		return err
	}
	if err := l.repair(signer, now); err != nil {
		return err
	}
	return do()
}

// rested refuses a clock that cannot be right, before it gets into a head.
func (l *Ledger) rested(now time.Time) error {
	if now.Sub(l.head.Time) <= restLimit {
		return nil
	}
	return &Refusal{check: CheckClock, reason: "by this machine's clock the last entry in the record of decisions is more than 400 days old, and an entry with a wrong later date would end every approval for good",
		hints: []string{"correct this machine's clock, and try again", "if nothing was recorded for so long, the hub's operator says once that the clock is right: datanet hub status --accept-clock"}}
}

// catchUp takes in what others have written since this Ledger was read, and reads no more than that. It is for the writer: nobody else
// writes meanwhile. When it does not find what it expects, everything is read again, which says what is wrong.
func (l *Ledger) catchUp() error {
	err := l.readOn()
	if err == nil || !errors.As(err, new(*IntegrityError)) {
		return err
	}
	return l.loadOnce()
}

func (l *Ledger) readOn() error {
	signed, err := readAtMost(filepath.Join(l.dir, headFile), maxHead)
	if err != nil {
		return err
	}
	head, err := parseHead(signed, l.verifier)
	if err != nil {
		return err
	}
	if err := head.follows(l.head); err != nil {
		return err
	}
	raw, err := readFrom(filepath.Join(l.dir, recordsFile), l.length, maxRecords)
	if err != nil {
		return err
	}
	lines, tail, err := split(raw, head.Size-l.head.Size)
	if err != nil {
		return err
	}
	return l.extend(head, signed, lines, tail, l.length+int64(len(raw)-len(tail)))
}

// admit applies the rules that a record must meet before it may be written.
func (l *Ledger) admit(record Record, now time.Time) error {
	if record.Time.After(l.head.Clock(now).Add(aheadLimit)) {
		return &Refusal{check: CheckClock, reason: "the record is dated more than 24 hours ahead of the clock and of the ledger's last entry",
			hints: []string{"check the clocks of this machine and of the one where the record was made"}}
	}
	if err := l.inPlace(l.head, len(l.records), record); err != nil {
		return fmt.Errorf("appending record: %w", err)
	}
	switch record.Kind {
	case KindHub, KindLoad, KindDenied: // any rule of theirs has been applied
		return nil
	}
	return l.govern(record, now)
}

// govern applies the rules of trust and of approvals: those that any later replay will apply, and once more with the clock of now,
// which is never earlier.
func (l *Ledger) govern(record Record, now time.Time) error {
	if err := l.replayNew(); err != nil {
		return err
	}
	decisions := l.replayed
	body, err := record.Decode()
	if err != nil {
		return fmt.Errorf("appending record: %w", err)
	}
	if b, ok := body.(ApprovalRecord); ok {
		a, err := ParseApproval(b.Text)
		if err != nil {
			return err
		}
		if err := a.Known(); err != nil {
			return err
		}
	}
	if err := decisions.allow(body, decisions.clock(record)); err != nil {
		return err
	}
	if err := decisions.allow(body, l.head.Clock(now)); err != nil {
		return err
	}
	return decisions.trust.clone().replay(body)
}

// write announces the line, stores it and then signs it into the head. If the head cannot be written the line is taken
// away again, so that an error means that nothing was recorded.
func (l *Ledger) write(signer note.Signer, now time.Time, line []byte) error {
	signed, err := signNote(announcement(l.head.Origin, l.head.Size, leaf(line)), signer, l.verifier)
	if err != nil {
		return err
	}
	if err := replaceFile(l.dir, nextFile, signed); err != nil {
		return fmt.Errorf("announcing record: %w", err)
	}
	l.did("announced")
	path := filepath.Join(l.dir, recordsFile)
	length, err := fileSize(path)
	if err != nil {
		return fmt.Errorf("writing record: %w", err)
	}
	if err := appendLine(path, line, l.did); err != nil {
		return fmt.Errorf("writing record: %w", errors.Join(err, cut(path, length)))
	}
	l.did("recorded")
	if err := l.count(signer, now, line); err != nil {
		if errors.As(err, new(*maybeError)) {
			return err
		}
		return fmt.Errorf("writing head: %w", errors.Join(err, cut(path, length)))
	}
	l.did("counted")
	return nil
}

// count replaces the head by one that counts this line too.
func (l *Ledger) count(signer note.Signer, now time.Time, line []byte) error {
	record, err := parseRecord(line)
	if err != nil {
		return err
	}
	hashes, err := tlog.StoredHashes(l.head.Size, line, l.tree)
	if err != nil {
		return err
	}
	grown := append(l.tree, hashes...)
	root, err := grown.root(l.head.Size + 1)
	if err != nil {
		return err
	}
	head := Head{Origin: l.head.Origin, Size: l.head.Size + 1, Root: root, Time: l.head.Clock(now)}
	// A repair may run with an earlier clock than the one that admitted the record.
	head.Time = head.Clock(record.Time.Add(-aheadLimit))
	if err := l.sign(signer, head); err != nil {
		return err
	}
	l.tree, l.records, l.length, l.tail = grown, append(l.records, record), l.length+int64(len(line))+1, nil
	return nil
}

// sign puts a newer head in the place of the last one.
func (l *Ledger) sign(signer note.Signer, head Head) error {
	signed, err := signNote(head.text(), signer, l.verifier)
	if err != nil {
		return err
	}
	if err := replaceFile(l.dir, headFile, signed); err != nil {
		return err
	}
	l.head, l.signed = head, signed
	return nil
}

// repair deals with what lies beyond the head. Only a line that the ledger key announced is taken in: else whoever
// can write to the folder could have the key sign a line of their own.
func (l *Ledger) repair(signer note.Signer, now time.Time) error {
	if len(l.tail) == 0 {
		return nil
	}
	line, whole := bytes.CutSuffix(l.tail, []byte("\n"))
	announced, err := l.announced(line)
	if err != nil {
		return err
	}
	if whole && announced {
		return l.count(signer, now, line)
	}
	path := filepath.Join(l.dir, recordsFile)
	length, err := fileSize(path)
	if err != nil {
		return fmt.Errorf("repairing ledger: %w", err)
	}
	if err := cut(path, length-int64(len(l.tail))); err != nil {
		return fmt.Errorf("repairing ledger: %w", err)
	}
	l.tail = nil
	return nil
}

func (l *Ledger) announced(line []byte) (bool, error) {
	signed, err := os.ReadFile(filepath.Join(l.dir, nextFile))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("repairing ledger: %w", err)
	}
	text, ok := openNote(signed, l.verifier)
	return ok && text == announcement(l.head.Origin, l.head.Size, leaf(line)), nil
}

func (l *Ledger) did(step string) {
	if l.step != nil {
		l.step(step)
	}
}
