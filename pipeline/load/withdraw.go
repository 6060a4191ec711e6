package load

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"datanet/pipeline/engine"
	"datanet/pipeline/hub"
	"datanet/schemas"
)

// A withdrawal takes people whom a site has withdrawn out of every site's rows:
// out of the extract that is being loaded, and, when it is this one that brings
// their codes, out of the other sites' files.
type withdrawal struct {
	*engine.Engine
	dataset  *schemas.Dataset
	dir      string
	seen     hub.State // the dataset as it was looked at
	accepted bool      // a long list was asked about
	staged   []hub.Staged
	newly    int64 // codes that this extract withdraws, and the site's last did not: people, and padding among them
	removed  int64 // rows of theirs at other sites
	lifted   bool  // the site's last extract withdrew people, and this one nobody
}

// rule decides only about the dataset that was looked at.
func (w *withdrawal) rule(state hub.State, in hub.Incoming) (hub.Decision, error) {
	if state.Generation != w.seen.Generation || state.Previous != w.seen.Previous {
		return hub.Decision{}, errChanged
	}
	return hub.Decide(state, in)
}

func (w *withdrawal) notes(site string) []string {
	if w.lifted {
		return []string{fmt.Sprintf("site %s: its last extract withdrew people, and this one withdraws nobody; other sites' next extracts bring them back. Ask the site whether they all opted in again", site)}
	}
	if w.newly == 0 {
		return nil
	}
	return []string{fmt.Sprintf("site %s: about %d people withdrew; their rows are gone from every site's part (about %d of other sites) and history is deleted; releases from before cannot be linked any more",
		site, upTo10(w.newly), upTo10(w.removed))}
}

// upTo10 rounds up to the next ten: lists are padded to it.
func upTo10(n int64) int64 { return (n + 9) / 10 * 10 }

// mostUnasked is how many people of other sites, and which part of them, one list may
// take out of the dataset before somebody has asked the site.
const (
	mostUnasked = 100
	partUnasked = 20 // one in
)

// brake refuses a list that would take out far more of the other sites' people than
// opt out in a while: a site has codes for anybody.
func (w *withdrawal) brake(ctx context.Context, s *hub.Snapshot, site string) error {
	var columns []string
	for _, member := range s.State.Members {
		for _, of := range w.dataset.Members {
			table, column, _ := strings.Cut(of, ".")
			if f, ok := member.File(table); ok && member.Site != site {
				columns = append(columns, fmt.Sprintf("SELECT %q AS person FROM %s", column, engine.ReadParquet(s.Path(f))))
			}
		}
	}
	if len(columns) == 0 {
		return nil
	}
	people := "FROM (SELECT DISTINCT person FROM (" + strings.Join(columns, " UNION ALL ") + ") WHERE person IS NOT NULL)"
	all, err := w.Number(ctx, "counting people of other sites", "SELECT count(*) "+people)
	if err != nil {
		return err
	}
	listed, err := w.Number(ctx, "counting people of other sites", "SELECT count(*) "+people+" WHERE person IN (SELECT person FROM gone)")
	if err != nil || listed <= mostUnasked || listed*partUnasked <= all {
		return err
	}
	return &Unusual{site}
}

func withdraw(ctx context.Context, o Options, m *schemas.Manifest, dir string, staged []hub.Staged) (*withdrawal, error) {
	w := &withdrawal{dir: dir, staged: staged, accepted: o.AcceptWithdrawals}
	s, err := o.Hub.Snapshot(m.Dataset, o.Trusted)
	var empty *hub.UseError
	if err != nil && !errors.As(err, &empty) {
		return nil, err
	}
	folders, lists := []string{dir}, []string{}
	if m.Withdrawn != nil {
		lists = append(lists, filepath.Join(dir, hub.WithdrawnTable+".parquet"))
	}
	if err == nil {
		defer s.Close()
		w.seen = s.State
		last, _ := s.State.Member(m.Site)
		_, listed := last.File(hub.WithdrawnTable)
		w.lifted = listed && m.Withdrawn == nil
		folders = append(folders, filepath.Join(o.Hub.Dir(), "datasets", m.Dataset))
		more, err := withdrawnElsewhere(s, m.Site)
		if err != nil {
			return nil, err
		}
		lists = append(lists, more...)
	}
	if len(lists) == 0 {
		return w, nil
	}
	if w.dataset, err = schemas.DatasetByID(m.Dataset); err != nil {
		return nil, err
	}
	if w.Engine, err = engine.Open(ctx, engine.Options{Threads: o.Threads, Memory: o.Memory, Folders: folders, Spill: filepath.Join(dir, "spill")}); err != nil {
		return nil, err
	}
	defer w.Close()
	err = w.run(ctx, s, m, lists)
	if err != nil && ctx.Err() == nil {
		var broken *hub.IntegrityError
		var unusual *Unusual
		if !errors.As(err, &broken) && !errors.As(err, &unusual) {
			err = fmt.Errorf("withdrawing people of site %s: %w", m.Site, err)
		}
	}
	return w, err
}

// withdrawnElsewhere are the lists of the other sites, verified.
func withdrawnElsewhere(s *hub.Snapshot, site string) (lists []string, err error) {
	for _, m := range s.State.Members {
		f, ok := m.File(hub.WithdrawnTable)
		if !ok || m.Site == site {
			continue
		}
		if err := s.VerifyFile(f); err != nil {
			return nil, err
		}
		lists = append(lists, s.Path(f))
	}
	return lists, nil
}

func (w *withdrawal) run(ctx context.Context, s *hub.Snapshot, m *schemas.Manifest, lists []string) error {
	if err := w.Exec(ctx, "reading who withdrew", "CREATE TEMP TABLE gone AS SELECT DISTINCT person FROM "+engine.ReadParquet(lists...)); err != nil {
		return err
	}
	for i, staged := range w.staged {
		t := w.dataset.TableByName(staged.Table)
		if t == nil {
			continue
		}
		name, rows, err := w.without(ctx, t, filepath.Join(w.dir, staged.Name), "kept-"+staged.Name)
		if err != nil {
			return err
		}
		if name != "" {
			w.staged[i].Name, w.staged[i].Rows = name, rows
		}
	}
	if m.Withdrawn == nil {
		return nil
	}
	if err := w.count(ctx, s, m); err != nil {
		return err
	}
	if s == nil {
		return nil
	}
	if w.newly > 0 && !w.accepted {
		if err := w.brake(ctx, s, m.Site); err != nil {
			return err
		}
	}
	for _, member := range s.State.Members {
		if member.Site == m.Site {
			continue
		}
		if err := w.elsewhere(ctx, s, member); err != nil {
			return err
		}
	}
	return nil
}

// count tells who is withdrawn for the first time.
func (w *withdrawal) count(ctx context.Context, s *hub.Snapshot, m *schemas.Manifest) (err error) {
	query := "SELECT count(*) FROM " + engine.ReadParquet(filepath.Join(w.dir, hub.WithdrawnTable+".parquet")) + " t"
	if s != nil {
		member, _ := s.State.Member(m.Site)
		if f, ok := member.File(hub.WithdrawnTable); ok {
			if err := s.VerifyFile(f); err != nil {
				return err
			}
			query += " WHERE t.person NOT IN (SELECT person FROM " + engine.ReadParquet(s.Path(f)) + ")"
		}
	}
	w.newly, err = w.Number(ctx, "counting who withdrew", query)
	return err
}

// elsewhere writes another site's files anew, those that hold somebody who
// withdrew.
func (w *withdrawal) elsewhere(ctx context.Context, s *hub.Snapshot, member hub.Member) error {
	for _, f := range member.Files {
		t := w.dataset.TableByName(f.Table)
		if t == nil {
			continue
		}
		if err := s.VerifyFile(f); err != nil {
			return err
		}
		name, rows, err := w.without(ctx, t, s.Path(f), "site-"+member.Site+"-"+f.Table+".parquet")
		if err != nil {
			return err
		}
		if name != "" {
			w.staged = append(w.staged, hub.Staged{Name: name, Table: f.Table, Rows: rows, Site: member.Site, Sequence: member.Sequence})
			w.removed += f.Rows - rows
		}
	}
	return nil
}

// without writes a table anew, in its order, without the rows about anybody who
// withdrew, whosever row it is. It writes nothing when there is none.
func (w *withdrawal) without(ctx context.Context, t *schemas.Table, path, to string) (name string, rows int64, err error) {
	var about, columns []string
	for _, c := range t.Columns {
		columns = append(columns, "t."+c.SQL())
		if c.Role == schemas.Person {
			about = append(about, "coalesce(t."+c.SQL()+" IN (SELECT person FROM gone), false)")
		}
	}
	from, somebody := engine.ReadParquet(path)+" t", "("+strings.Join(about, " OR ")+")"
	found, err := w.Number(ctx, "looking for who withdrew", "SELECT count(*) FROM "+from+" WHERE "+somebody)
	if err != nil || found == 0 {
		return "", 0, err
	}
	query := "SELECT " + strings.Join(columns, ", ") + " FROM " + from + " WHERE NOT " + somebody + " ORDER BY t.file_row_number"
	if err := w.CopyParquet(ctx, "removing who withdrew", query, filepath.Join(w.dir, to)); err != nil {
		return "", 0, err
	}
	rows, err = w.Number(ctx, "counting", "SELECT count(*) FROM "+engine.ReadParquet(filepath.Join(w.dir, to)))
	return to, rows, err
}
