package pipeline

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"datanet/pipeline/engine"
	"datanet/pipeline/hub"
	"datanet/schemas"
)

// People counts whom a dataset holds of each site now: fewer than a site sent,
// where people were withdrawn since. Exact; vkey is the custodian's. A dataset
// without a load is a *hub.UseError.
func People(ctx context.Context, h *hub.Hub, dataset, vkey string) (map[string]int64, error) {
	d, err := schemas.DatasetByID(dataset)
	if err != nil {
		return nil, err
	}
	s, err := h.Snapshot(dataset, vkey)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	e, err := engine.Open(ctx, engine.Options{Folders: []string{filepath.Join(h.Dir(), "datasets", dataset)}})
	if err != nil {
		return nil, err
	}
	defer e.Close()
	held := map[string]int64{}
	for _, m := range s.State.Members {
		var columns []string
		for _, member := range d.Members {
			table, column, _ := strings.Cut(member, ".")
			if f, ok := m.File(table); ok {
				columns = append(columns, fmt.Sprintf("SELECT %q AS person FROM %s", column, engine.ReadParquet(s.Path(f))))
			}
		}
		if held[m.Site], err = e.Number(ctx, "counting people", "SELECT count(DISTINCT person) FROM ("+strings.Join(columns, " UNION ALL ")+")"); err != nil {
			return nil, err
		}
	}
	return held, nil
}
