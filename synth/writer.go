package synth

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
)

// A writer writes a plan into a folder: practices side by side, one for each
// processor, and the answer key from what they planted.
type writer struct {
	*plan
	dir  string
	rows int
	seen []uint8 // by person: whether a row stands under the number

	mu   sync.Mutex
	done int
}

const (
	seenIn uint8 = 1 << iota
	seenLinks
)

func (w *writer) write(ctx context.Context) error {
	if err := os.MkdirAll(filepath.Join(w.dir, "truth"), 0o755); err != nil {
		return err
	}
	w.seen = make([]uint8, w.sections.real())
	for _, l := range w.lists {
		w.rows += len(l)
	}
	if err := w.writePractices(ctx); err != nil {
		return err
	}
	if err := w.joinRegistrations(); err != nil {
		return err
	}
	return w.writePeople()
}

func (w *writer) writePractices(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(w.practices)) {
		wg.Go(func() {
			r := newRecorder(w.plan)
			for i := int(next.Add(1)) - 1; i < len(w.practices); i = int(next.Add(1)) - 1 {
				if err := w.writePractice(ctx, r, i); err != nil {
					stop(err)
					return
				}
			}
		})
	}
	wg.Wait()
	w.Progress(w.rows, w.rows)
	return context.Cause(ctx)
}

func (w *writer) writePractice(ctx context.Context, r *recorder, i int) error {
	f, err := w.newFolder(r, i)
	if err == nil {
		err = f.write(w.stepper(ctx))
	}
	if closing := f.close(); err == nil {
		err = closing
	}
	if err == nil {
		w.credit(f.outcomes)
	}
	return err
}

// stepper counts rows, tells of progress now and then, and stops when asked.
func (w *writer) stepper(ctx context.Context) func() error {
	const stride = 500
	n := 0
	return func() error {
		if n++; n%stride == 0 {
			w.progress(stride)
		}
		return ctx.Err()
	}
}

func (w *writer) progress(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.done += n
	w.Progress(w.done, w.rows)
}

func (w *writer) credit(outcomes []outcome) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, o := range outcomes {
		w.seen[o.owner] |= seenIn
		if o.links {
			w.seen[o.owner] |= seenLinks
		}
	}
}

func (w *writer) summary() *Summary {
	d := Dataset{Dataset: primaryCare, Format: emis}
	for i := range w.practices {
		site := w.practices[i].site
		d.Sites = append(d.Sites, Site{site, filepath.Join(w.Out, primaryCare, site)})
	}
	return &Summary{Datasets: []Dataset{d}, Truth: filepath.Join(w.Out, "truth"),
		People: w.sections.real(), Registrations: w.rows}
}
