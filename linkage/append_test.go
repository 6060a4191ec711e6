package linkage

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestRecordsAreDated(t *testing.T) {
	dir := founded(t, 0)
	l := reopened(t, dir)
	day := 24 * time.Hour
	for _, c := range []struct {
		what       string
		clock, own time.Time
		want       time.Time // zero: refused
	}{
		{"dated now", morning.Add(time.Hour), time.Time{}, morning.Add(time.Hour)},
		{"clock set back", morning.Add(-30 * day), time.Time{}, morning.Add(time.Hour)},
		{"signed earlier, elsewhere", morning.Add(2 * time.Hour), morning.Add(-day), morning.Add(-day)},
		{"a day ahead", morning.Add(2 * time.Hour), morning.Add(26 * time.Hour), morning.Add(26 * time.Hour)},
		{"more than a day ahead", morning.Add(2 * time.Hour), morning.Add(26*time.Hour + time.Second), time.Time{}},
		{"ahead of the head, not of the clock", morning.Add(60 * day), morning.Add(60 * day), morning.Add(60 * day)},
		{"ahead of the clock, not of the head", morning, morning.Add(61 * day), morning.Add(61 * day)},
		{"still the head's time", morning, morning.Add(61*day + time.Second), time.Time{}},
	} {
		r := loadRecord(t, 1)
		r.Time = c.own
		before := read(t, dir, recordsFile)
		index, err := l.Append(ledgerKey, c.clock, r)
		if c.want.IsZero() {
			wantKind(t, err, "governance")
			if !bytes.Equal(before, read(t, dir, recordsFile)) {
				t.Errorf("%s: the refused record was written", c.what)
			}
			continue
		}
		if err != nil {
			t.Fatalf("%s: %v", c.what, err)
		}
		if got := l.Records()[index].Time; !got.Equal(c.want) {
			t.Errorf("%s: dated %v, want %v", c.what, got, c.want)
		}
	}
	reopened(t, dir)
}

func TestAppendRefusesAnotherKey(t *testing.T) {
	dir := founded(t, 1)
	l := reopened(t, dir)
	sameName, _ := key("ledger", "another")
	_, err := l.Append(sameName, morning, loadRecord(t, 2))
	wantKind(t, err, "key")
	if got := reopened(t, dir); got.Head().Size != 2 || len(got.tail) != 0 {
		t.Fatal("something was written")
	}
}

func TestAppendRefusesBreachOfTrust(t *testing.T) {
	dir := founded(t, 0)
	l := reopened(t, dir)
	_, first := key("guardian", "first")
	_, second := key("guardian", "second")
	appended(t, l, record(t, morning, TrustRecord{Dataset: "primary-care", Sites: map[string]string{"Z99001": first}}))
	_, err := l.Append(ledgerKey, morning, record(t, morning, TrustRecord{Dataset: "primary-care", Sites: map[string]string{"Z99001": second}}))
	wantKind(t, err, "governance")
	_, err = l.Append(ledgerKey, morning, hubRecord(t))
	if err == nil {
		t.Fatal("a second hub record was appended")
	}
	if got := reopened(t, dir).Head().Size; got != 2 {
		t.Fatalf("size %d", got)
	}
}

func TestAppendRefusesMadeUpRecords(t *testing.T) {
	l := reopened(t, founded(t, 0))
	for _, r := range []Record{
		{},
		{Kind: "other", Body: []byte(`{}`)},
		{Kind: KindLoad, Body: []byte(`{"dataset": "primary-care"}`)},
		{Kind: KindLoad, Body: []byte("{}\n{}")},
		{Kind: KindPolicy, Body: []byte(`{"policy":"` + strings.Repeat("a", maxLine) + `","sha256":"","datasets":[]}`)},
	} {
		if _, err := l.Append(ledgerKey, morning, r); err == nil {
			t.Errorf("kind %q was appended", r.Kind)
		}
	}
	if err := l.Verify(); err != nil {
		t.Fatal(err)
	}
}

// A failure to write leaves the old ledger, and the next Append works.
func TestFailureLeavesTheOldLedger(t *testing.T) {
	for _, name := range []string{nextFile + ".new", headFile + ".new"} {
		dir := founded(t, 1)
		l := reopened(t, dir)
		obstacle := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Join(obstacle, "full"), 0o700); err != nil {
			t.Fatal(err)
		}
		before := read(t, dir, recordsFile)
		if _, err := l.Append(ledgerKey, morning, loadRecord(t, 2)); err == nil {
			t.Fatalf("%s: no error", name)
		}
		if !bytes.Equal(before, read(t, dir, recordsFile)) {
			t.Errorf("%s: the record stayed", name)
		}
		os.RemoveAll(obstacle)
		if index := appended(t, l, loadRecord(t, 3)); index != 2 {
			t.Errorf("%s: index %d", name, index)
		}
		reopened(t, dir)
	}
}

// What a crash can leave behind the head: nothing, part of the announced line, or all of it. Readers see the old records; the
// next writer takes in the whole line, and nothing less.
func TestTornTail(t *testing.T) {
	whole := founded(t, 2)
	newer := read(t, whole, recordsFile)
	next := read(t, whole, nextFile)
	older := founded(t, 1)
	short := read(t, older, recordsFile)
	if !bytes.HasPrefix(newer, short) {
		t.Fatal("the two ledgers differ")
	}
	head := read(t, older, headFile)
	for end := len(short); end <= len(newer); end++ {
		dir := older
		write(t, dir, headFile, head)
		write(t, dir, recordsFile, newer[:end])
		write(t, dir, nextFile, next)
		l := reopened(t, dir)
		if l.Head().Size != 2 || len(l.Records()) != 2 {
			t.Fatalf("reader at %d: %+v", end, l.Head())
		}
		if !bytes.Equal(read(t, dir, recordsFile), newer[:end]) {
			t.Fatalf("reader at %d wrote", end)
		}
		if err := l.Recover(ledgerKey, morning); err != nil {
			t.Fatal(err)
		}
		want := int64(2)
		if end == len(newer) {
			want = 3
		}
		if l.Head().Size != want || reopened(t, dir).Head().Size != want {
			t.Fatalf("writer at %d: size %d, want %d", end, l.Head().Size, want)
		}
	}
}

// A line that the ledger key did not announce is never signed, and more than one line is never a crash.
func TestForgedTail(t *testing.T) {
	_, mallory := key("mallory", "mallory")
	forged, err := record(t, morning, TrustRecord{Dataset: "slam", Guardian: mallory}).encode()
	if err != nil {
		t.Fatal(err)
	}
	forged = append(forged, '\n')
	dir := founded(t, 1)
	whole := read(t, dir, recordsFile)
	write(t, dir, recordsFile, append(bytes.Clone(whole), forged...))
	l := reopened(t, dir)
	if index := appended(t, l, loadRecord(t, 2)); index != 2 {
		t.Fatalf("index %d", index)
	}
	if bytes.Contains(read(t, dir, recordsFile), forged) {
		t.Fatal("the forged line stayed")
	}
	whole = read(t, dir, recordsFile)
	write(t, dir, recordsFile, append(append(bytes.Clone(whole), forged...), forged...))
	_, err = Open(dir, ledgerVKey)
	wantKind(t, err, "integrity")
	_, err = l.Append(ledgerKey, morning, loadRecord(t, 3))
	wantKind(t, err, "integrity")
}

func TestZeroTrust(t *testing.T) {
	var none Trust
	if got := none.Dataset("primary-care"); got.Guardian != "" || len(none.Datasets()) != 0 {
		t.Fatal("the zero Trust trusts somebody")
	}
	_, vkey := key("guardian", "g")
	rest, err := none.Change(TrustRecord{Dataset: "primary-care", Guardian: vkey})
	if err != nil || rest.Guardian != vkey {
		t.Fatalf("%+v, %v", rest, err)
	}
	var refusal *Refusal
	if errors.As(err, &refusal) {
		t.Fatal(refusal)
	}
}
