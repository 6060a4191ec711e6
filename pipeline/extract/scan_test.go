package extract

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"datanet/pipeline/engine"
)

// endless is a text with a long middle that nobody holds in memory.
func endless(begin, middle string, times int, end string) io.Reader {
	parts := []io.Reader{strings.NewReader(begin)}
	block := strings.Repeat(middle, 1<<16/len(middle))
	for range times / (1 << 16 / len(middle)) {
		parts = append(parts, strings.NewReader(block))
	}
	return io.MultiReader(append(parts, strings.NewReader(end))...)
}

// TestHundredMegabytes: one field of 100 MB is refused at its line, whatever it
// looks like, and takes no more memory than the longest line that is read.
func TestHundredMegabytes(t *testing.T) {
	for name, text := range map[string]io.Reader{
		"plain":                  endless("a,b\n1,2\n3,", "x", 100<<20, "\n"),
		"quoted":                 endless("a,b\n1,2\n3,\"", "x", 100<<20, "\"\n"),
		"quoted, with line ends": endless("a,b\n1,2\n3,\"", "x\n", 50<<20, "\"\n"),
		"quoted, of rows":        endless("a,b\n1,2\n3,\"", "5,6\n", 25<<20, "\"\n"),
		"of quotation marks":     endless("a,b\n1,2\n3,\"", "\"\"", 50<<20, "\"\n"),
		"never closed":           endless("a,b\n1,2\n\"3,", "x,y\n", 25<<20, ""),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		found, err := scan(context.Background(), text, 2, engine.MaxLine, ',')
		runtime.ReadMemStats(&after)
		if err != nil || found.fault != tooLong || found.line != 3 {
			t.Errorf("%s: %+v %v", name, found, err)
		}
		if taken := after.TotalAlloc - before.TotalAlloc; taken > 4*engine.MaxLine {
			t.Errorf("%s took %d MiB", name, taken>>20)
		}
	}
}

// TestLongestRow: a row of exactly the longest that is read passes, and the
// database reads it; one byte more is refused.
func TestLongestRow(t *testing.T) {
	for _, quoted := range []string{"", `"`} {
		for more := range 2 {
			row := "1," + quoted + strings.Repeat("x", engine.MaxLine-len("1,\n")-2*len(quoted)+more) + quoted + "\n"
			found, err := scan(context.Background(), strings.NewReader("a,b\n"+row), 2, engine.MaxLine, ',')
			if err != nil || (found.fault == tooLong) != (more == 1) || more == 0 && found.fault != "" {
				t.Errorf("%d bytes: %+v %v", len(row), found, err)
			}
		}
	}
}

// TestReadError: what the operating system says of a file names it, and is not repeated.
func TestReadError(t *testing.T) {
	_, err := scan(context.Background(), iotest.TimeoutReader(endless("a,b\n", "1,2\n", 1<<20, "")), 2, engine.MaxLine, ',')
	if err != errUnreadable {
		t.Error(err)
	}
	_, err = scanFile(context.Background(), t.TempDir()+"/Quillmarker.csv", 2, ',')
	if err != errUnreadable {
		t.Error(err)
	}
}

// TestStillWritten: an export that goes on being written, or is replaced, while
// it is read is refused.
func TestStillWritten(t *testing.T) {
	for name, write := range map[string]func(path string) error{
		"a row more": func(path string) error {
			f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			defer f.Close()
			_, err = f.WriteString(strings.Repeat(",", 25) + "\n")
			return err
		},
		"replaced": func(path string) error {
			body, err := os.ReadFile(path)
			return errors.Join(err, os.Rename(path, path+".old"), os.WriteFile(path, body, 0o600))
		},
		"removed": os.Remove,
	} {
		o := newSite(t)
		parseExport(t, somebody).write(o.Source)
		o.Progress = func(step string) {
			if step == "reading and coding" {
				if err := write(path(&o, entries)); err != nil {
					t.Error(err)
				}
			}
		}
		_, err := Run(context.Background(), o)
		var refused *SourceError
		if !errors.As(err, &refused) && name != "removed" || err == nil {
			t.Errorf("%s: %v", name, err)
		}
		if left := written(t, o.Out); len(left) > 0 || stateOf(t, o) != "" || err != nil && strings.Contains(err.Error(), stamp) {
			t.Errorf("%s: left behind %v, or named", name, left)
		}
	}
}

// BenchmarkScan reads rows such as EMIS writes them, without and with quotation marks.
func BenchmarkScan(b *testing.B) {
	row := "{0DD5EED5-0000-4AAA-8AAA-000000000001},{6B000000-0000-4AAA-8AAA-000000000001},2020-02-03,YMD,1001,7.5,mmol/L,false,false,1\n"
	for name, row := range map[string]string{"plain": row, "quoted": `"` + strings.ReplaceAll(strings.TrimSpace(row), ",", `","`) + "\"\n"} {
		text := []byte("a,b,c,d,e,f,g,h,i,j\n" + strings.Repeat(row, 200_000))
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				if found, err := scan(context.Background(), bytes.NewReader(text), 10, engine.MaxLine, ','); err != nil || found.fault != "" {
					b.Fatal(found, err)
				}
			}
		})
	}
}
