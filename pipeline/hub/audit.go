package hub

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// An AuditEntry says who did what under which policy. It holds no person's code and no count of people.
type AuditEntry struct {
	Time    time.Time `json:"time"`
	Key     string    `json:"key"`               // key id or user
	What    string    `json:"what"`              // load, publish, …
	On      string    `json:"on"`                // a dataset, a site, a publication
	Policy  string    `json:"policy,omitempty"`  // disclosure policy, where one applies
	Outcome string    `json:"outcome,omitempty"` // loaded, skipped, refused, …
}

// Audit adds a line to the audit log and returns once it is stored. A line that a crash left torn is taken away first.
func (h *Hub) Audit(entry AuditEntry) error {
	entry.Time = entry.Time.UTC().Truncate(time.Second)
	line, err := json.Marshal(entry)
	if err != nil {
		return fmt.Errorf("writing audit log: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(h.dir, "audit", "log.jsonl"), os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return fmt.Errorf("writing audit log: %w", err)
	}
	if err := errors.Join(appendAudit(f, append(line, '\n')), f.Close(), syncPath(filepath.Join(h.dir, "audit"))); err != nil {
		return fmt.Errorf("writing audit log: %w", err)
	}
	return nil
}

func appendAudit(f *os.File, line []byte) error {
	if err := flock(f, unix.LOCK_EX); err != nil {
		return err
	}
	end, err := lastLineEnd(f)
	if err != nil {
		return err
	}
	if err := f.Truncate(end); err != nil {
		return err
	}
	_, err = f.WriteAt(line, end)
	return errors.Join(err, f.Sync())
}

// lastLineEnd is where the last whole line ends, searched from the end of the file.
func lastLineEnd(f *os.File) (int64, error) {
	end, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return 0, err
	}
	chunk := make([]byte, 4096)
	for end > 0 {
		start := max(0, end-int64(len(chunk)))
		part := chunk[:end-start]
		if _, err := f.ReadAt(part, start); err != nil {
			return 0, err
		}
		if i := bytes.LastIndexByte(part, '\n'); i >= 0 {
			return start + int64(i) + 1, nil
		}
		end = start
	}
	return 0, nil
}
