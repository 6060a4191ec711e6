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
	dataset *schemas.Dataset
	dir     string
	seen    hub.State // the dataset as it was looked at
	staged  []hub.Staged
	newly   int64 // people whom this extract withdraws, and the site's last did not
	removed int64 // rows of theirs at other sites
}

// rule decides only about the dataset that was looked at.
func (w *withdrawal) rule(state hub.State, in hub.Incoming) (hub.Decision, error) {
	if state.Generation != w.seen.Generation || state.Previous != w.seen.Previous {
		return hub.Decision{}, errChanged
	}
	return hub.Decide(state, in)
}

func (w *withdrawal) notes(site string) []string {
	if w.newly == 0 {
		return nil
	}
	return []string{fmt.Sprintf("site %s: %d people withdrew; their rows are gone from every site's part (%d of other sites) and history is deleted; releases from before cannot be linked any more",
		site, w.newly, w.removed)}
}

func withdraw(ctx context.Context, o Options, m *schemas.Manifest, dir string, staged []hub.Staged) (*withdrawal, error) {
	w := &withdrawal{dir: dir, staged: staged}
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
		if !errors.As(err, &broken) {
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
