package linkage

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// A Head says what a ledger held at one time: the first Size records, whose tree has this Root.
type Head struct {
	Origin string
	Size   int64
	Root   tlog.Hash
	Time   time.Time // of writing, in whole seconds of UTC
}

const (
	originPrefix = "datanet/v1/ledger/"
	timeLayout   = "2006-01-02T15:04:05Z"
)

var originForm = regexp.MustCompile(`^` + originPrefix + `[0-9a-f]{32}$`)

// Origin is the first line of every head of the ledger of this hub. It keeps the heads of two hubs apart.
func Origin(hubID string) string { return originPrefix + hubID }

// ParseHead reads a signed head and checks its one signature. The error is an *IntegrityError or, for vkey, a *KeyError.
func ParseHead(signed []byte, vkey string) (Head, error) {
	verifier, err := parseVKey(vkey)
	if err != nil {
		return Head{}, err
	}
	return parseHead(signed, verifier)
}

func parseHead(signed []byte, verifier note.Verifier) (Head, error) {
	text, ok := openNote(signed, verifier)
	if !ok {
		return Head{}, broken("head: not signed by the ledger key, or changed since")
	}
	h, ok := readHead(text)
	if !ok {
		return Head{}, broken("head: not in the form of a ledger's head")
	}
	return h, nil
}

// text is the signed part. readHead accepts a text only if writing it again gives the same bytes.
func (h Head) text() string {
	return fmt.Sprintf("%s\n%d\n%s\ntime %s\n", h.Origin, h.Size, formatHash(h.Root), h.Time.Format(timeLayout))
}

func readHead(text string) (Head, bool) {
	lines := strings.Split(text, "\n")
	if len(lines) != 5 || !originForm.MatchString(lines[0]) {
		return Head{}, false
	}
	size, errSize := strconv.ParseInt(lines[1], 10, 64)
	root, okRoot := parseHash(lines[2])
	at, errTime := time.Parse("time "+timeLayout, lines[3])
	h := Head{Origin: lines[0], Size: size, Root: root, Time: at}
	return h, errSize == nil && size >= 0 && okRoot && errTime == nil && h.text() == text
}

// announcement is the text of next: the index and hash of the line that the ledger key is about to add. Its first line is
// not a head's, so that neither can be taken for the other.
func announcement(origin string, index int64, leaf tlog.Hash) string {
	return fmt.Sprintf("%s/next\n%d\n%s\n", origin, index, formatHash(leaf))
}

// follows says whether this head can come after an older one; whether its records do, their trees tell.
func (h Head) follows(old Head) error {
	switch {
	case old.Origin != h.Origin:
		return broken("head: it belongs to another hub's ledger than the remembered head")
	case old.Size > h.Size:
		return broken("head: it counts %d records, the remembered head %d: records have been removed", h.Size, old.Size)
	case old.Time.After(h.Time):
		return broken("head: it is dated before the remembered head")
	}
	return nil
}

// Clock is the time to go by: the machine's, unless the head is later. A clock that was set back revives nothing.
func (h Head) Clock(now time.Time) time.Time {
	now = now.UTC().Truncate(time.Second)
	if now.Before(h.Time) {
		return h.Time
	}
	return now
}
