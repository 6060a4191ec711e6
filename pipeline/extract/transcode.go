package extract

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

// The encodings of a format.
const (
	utf8Encoding = "utf-8"
	windows1252  = "windows-1252"
)

// The database reads UTF-8 (its own latin-1 refuses bytes that Windows uses).
// A file in Windows-1252 is put into UTF-8 on its way: the database reads a
// pipe with a name, and nothing of it comes to rest on a disk.

// high are the characters 0x80 to 0x9f of Windows-1252; 0 where it has none.
var high = [32]rune{
	'€', 0, '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', 0, 'Ž', 0,
	0, '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', 0, 'ž', 'Ÿ',
}

// fromWindows1252 appends text in UTF-8 to out. A byte that is no character
// becomes U+FFFD; spelt has refused such a file before.
func fromWindows1252(out, text []byte) []byte {
	for _, b := range text {
		switch {
		case b < 0x80:
			out = append(out, b)
		case b >= 0xa0:
			out = utf8.AppendRune(out, rune(b))
		case high[b-0x80] == 0:
			out = utf8.AppendRune(out, utf8.RuneError)
		default:
			out = utf8.AppendRune(out, high[b-0x80])
		}
	}
	return out
}

// spelt refuses a file that cannot be in Windows-1252, by a byte that is none of
// its characters. (A file in UTF-8 with its mark has no column by that name.)
func (s *source) spelt(ctx context.Context, file *sourceFile) error {
	if s.format.Encoding != windows1252 {
		return nil
	}
	const hint = "the format says that the files are in " + windows1252 + ": is that so?"
	f, err := os.Open(file.path)
	if err != nil {
		return cannotRead(file.table)
	}
	defer f.Close()
	buffer, line := make([]byte, 1<<20), int64(1)
	for ctx.Err() == nil {
		n, err := f.Read(buffer)
		chunk := buffer[:n]
		if at := undefined(chunk); at >= 0 {
			return &SourceError{Table: file.table, Row: line + int64(bytes.Count(chunk[:at], newline)), Rule: "holds a byte that is no character of " + windows1252, Hint: hint}
		}
		line += int64(bytes.Count(chunk, newline))
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return cannotRead(file.table)
		}
	}
	return ctx.Err()
}

// undefined is the place of the first byte that is no character, or -1.
func undefined(chunk []byte) int {
	for i, b := range chunk {
		if b >= 0x80 && b < 0xa0 && high[b-0x80] == 0 {
			return i
		}
	}
	return -1
}

// misspeltLine finds the first line that is not of the format's encoding.
func (s *source) misspeltLine(file *sourceFile) (int64, bool) {
	if s.format.Encoding == windows1252 {
		return 0, false // every byte has been looked at
	}
	return notUTF8(file.path)
}

// transcode gives every file that is not in UTF-8 a pipe to be read from. The
// pipes live in the staging folder until they are stopped.
func (s *source) transcode(stage *staging) (pipes, error) {
	if s.format.Encoding != windows1252 {
		return nil, nil
	}
	var all pipes
	for i, file := range s.files() {
		p, err := newPipe(file.path, filepath.Join(stage.work, fmt.Sprintf("pipe%d", i)))
		if err != nil {
			all.stop()
			return nil, fmt.Errorf("making a pipe: %w", err)
		}
		file.reads, p.table = p.to, file.table
		all = append(all, p)
	}
	return all, nil
}

type pipes []*pipe

func (all pipes) stop() {
	for _, p := range all {
		p.stop()
	}
}

// whole says whether every reader could be given the whole file. One that got
// a part of it took that for the file.
func (all pipes) whole() error {
	for _, p := range all {
		if p.broken.Load() {
			return cannotRead(p.table)
		}
	}
	return nil
}

// A pipe hands a file to whoever opens it, in UTF-8, each time from the
// beginning.
type pipe struct {
	from, to string
	table    string
	ended    atomic.Bool
	broken   atomic.Bool // the file could not be read to its end
	done     chan struct{}
}

func newPipe(from, to string) (*pipe, error) {
	p := &pipe{from: from, to: to, done: make(chan struct{})}
	if err := unix.Mkfifo(to, 0o600); err != nil {
		return nil, err
	}
	go p.serve()
	return p, nil
}

// serve waits for a reader and gives it a pipe of its own: the next reader
// finds another one under the same name. Two readers of one pipe would share
// its bytes. That the database comes twice before the name has changed hands
// cannot be ruled out, but is seen, and then nothing is written.
func (p *pipe) serve() {
	defer close(p.done)
	for {
		w, err := os.OpenFile(p.to, os.O_WRONLY, 0)
		if err != nil || p.ended.Load() {
			w.Close()
			return
		}
		next := p.to + "+"
		if unix.Mkfifo(next, 0o600) != nil || os.Rename(next, p.to) != nil {
			p.broken.Store(true)
			w.Close()
			return
		}
		// From here on nobody can come to this pipe. Nothing has been fed yet, so
		// whoever came before is still there.
		if readers(w) > 1 {
			p.broken.Store(true)
		}
		go p.feed(w)
	}
}

// readers counts the open ends of a pipe that read. All are of this process.
func readers(w *os.File) int {
	var pipe, other unix.Stat_t
	open, err := os.ReadDir("/dev/fd")
	if err != nil || unix.Fstat(int(w.Fd()), &pipe) != nil {
		return math.MaxInt // nobody can say: then it is not believed
	}
	n := 0
	for _, e := range open {
		fd, err := strconv.Atoi(e.Name())
		if err != nil || unix.Fstat(fd, &other) != nil || other.Ino != pipe.Ino || other.Dev != pipe.Dev {
			continue
		}
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0); err == nil && flags&unix.O_ACCMODE != unix.O_WRONLY {
			n++
		}
	}
	return n
}

// feed writes the file into the pipe. Whoever reads may stop before its end.
func (p *pipe) feed(w io.WriteCloser) {
	defer w.Close()
	f, err := os.Open(p.from)
	if err != nil {
		p.broken.Store(true)
		return
	}
	defer f.Close()
	in, out := make([]byte, 64<<10), []byte(nil)
	for !p.ended.Load() {
		n, err := f.Read(in)
		out = fromWindows1252(out[:0], in[:n])
		if _, gone := w.Write(out); gone != nil || errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			p.broken.Store(true)
			return
		}
	}
}

// stop ends the waiting and takes the pipe away.
func (p *pipe) stop() {
	p.ended.Store(true)
	if f, err := os.OpenFile(p.to, os.O_RDONLY|unix.O_NONBLOCK, 0); err == nil {
		<-p.done
		f.Close()
	}
	os.Remove(p.to)
}
