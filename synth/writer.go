package synth

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// A writer writes a plan into a folder: sources side by side, one for each
// processor, and the answer key from what they planted.
type writer struct {
	*plan
	dir       string
	rows      int     // to be written, of patients
	written   int     // of people.csv
	seen      []uint8 // by person: what rows stand under the number
	mothersOf map[int32][]int32

	mu   sync.Mutex
	done int
}

// What rows under a person's number can be.
const (
	inPrimaryCare uint8 = 1 << iota
	linksPrimaryCare
	inSLaM
	linksSLaM
	inMaternity
	linksMaternity
	isMother
	isBaby
)

func (w *writer) has(dataset string) bool { return slices.Contains(w.Datasets, dataset) }

func (w *writer) write(ctx context.Context) error {
	if err := os.MkdirAll(filepath.Join(w.dir, "truth"), 0o755); err != nil {
		return err
	}
	w.seen, w.mothersOf = make([]uint8, w.sections.real()), map[int32][]int32{}
	if err := w.writeSources(ctx, w.sources()); err != nil {
		return err
	}
	if w.has(primaryCare) {
		if err := w.joinRegistrations(); err != nil {
			return err
		}
	}
	return w.writePeople()
}

// A source writes one organisation's export.
type source func(context.Context, *recorder) error

// sources are the exports to write, the trusts' first: they take longest.
func (w *writer) sources() (all []source) {
	if w.has(slam) {
		w.rows += len(w.patients)
		all = append(all, w.exporter(w.slam(), w.rates.SLaM.SubmittedAgain, w.writeSLaM))
	}
	if w.has(maternity) {
		w.rows += len(w.pregnancies)
		all = append(all, w.exporter(w.maternity(), w.rates.Maternity.SubmittedAgain, w.writeMaternity))
	}
	for i := range w.practices {
		if w.has(primaryCare) {
			w.rows += len(w.lists[i])
			all = append(all, func(ctx context.Context, r *recorder) error { return w.writePractice(ctx, r, i) })
		}
	}
	return all
}

func (w *writer) writeSources(ctx context.Context, all []source) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(all)) {
		wg.Go(func() {
			r := newRecorder(w.plan)
			for i := int(next.Add(1)) - 1; i < len(all); i = int(next.Add(1)) - 1 {
				if err := all[i](ctx, r); err != nil {
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

// exporter is the source that writes a trust's export.
func (w *writer) exporter(t trust, again float64, write func(context.Context, *export) error) source {
	return func(ctx context.Context, _ *recorder) error {
		e, err := w.newExport(t, again)
		if err == nil {
			err = write(ctx, e)
		}
		if closing := e.close(); err == nil {
			err = closing
		}
		if err == nil {
			w.credit(e.outcomes, e.edges)
		}
		return err
	}
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
		w.credit(f.outcomes, nil)
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

func (w *writer) credit(outcomes []outcome, edges []edge) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, o := range outcomes {
		w.seen[o.owner] |= o.seen
	}
	for _, e := range edges {
		w.mothersOf[e.baby] = append(w.mothersOf[e.baby], e.mother)
	}
}

func (w *writer) summary() *Summary {
	s := &Summary{Truth: filepath.Join(w.Out, "truth"), People: w.written}
	if w.has(primaryCare) {
		d := Dataset{Dataset: primaryCare, Format: emis}
		for i := range w.practices {
			site := w.practices[i].site
			d.Sites = append(d.Sites, Site{site, filepath.Join(w.Out, primaryCare, site)})
			s.Registrations += len(w.lists[i])
		}
		s.Datasets = append(s.Datasets, d)
	}
	for _, t := range []trust{w.slam(), w.maternity()} {
		if w.has(t.dataset) {
			s.Datasets = append(s.Datasets, Dataset{t.dataset, t.format, []Site{{t.site, filepath.Join(w.Out, t.dataset)}}})
		}
	}
	return s
}
