package hub

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// RemovePublication takes a publication away: out of its place at once, and then, where a crash leaves it for the next draft to
// clear, for good.
func (h *Hub) RemovePublication(p Publication) error {
	d, err := h.BeginPublication()
	if err != nil {
		return fmt.Errorf("removing publication: %w", err)
	}
	err = os.Rename(p.Dir, filepath.Join(d.Dir(), "removed"))
	if err == nil {
		err = syncPath(h.publications())
	}
	if err := errors.Join(err, d.Abort()); err != nil {
		return fmt.Errorf("removing publication: %w", err)
	}
	return nil
}
