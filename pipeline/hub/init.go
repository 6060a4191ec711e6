package hub

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Init makes a hub in dir, whole or not at all: it is built beside dir and moved there when it is finished. Fill, unless
// nil, is called with the unfinished hub, to found its record of decisions; its error abandons the hub. Dir may be an empty folder.
func Init(dir string, h Hub, fill func(unfinished *Hub) error) (*Hub, error) {
	h.Schema = hubSchema
	if err := h.check(); err != nil {
		return nil, fmt.Errorf("making hub: %w", err)
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("making hub: %w", err)
	}
	if err := refuseOccupied(dir); err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Dir(dir)); err != nil {
		return nil, misuse(err, "a hub cannot be made here: the folder above it is not there", "make the folder above it first")
	}
	base := filepath.Join(filepath.Dir(dir), "."+filepath.Base(dir)+".staging")
	s, err := stage(base)
	if err != nil {
		return nil, fmt.Errorf("making hub: %w", err)
	}
	defer removeBase(base)
	defer s.remove()
	h.dir = s.content()
	if err := h.build(fill); err != nil {
		return nil, fmt.Errorf("making hub: %w", err)
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, os.ErrNotExist) { // removes an empty folder only
		return nil, errors.Join(refuseOccupied(dir), err)
	}
	if err := s.move(dir); err != nil {
		return nil, errors.Join(refuseOccupied(dir), err)
	}
	h.dir = dir
	return &h, nil
}

func (h *Hub) build(fill func(*Hub) error) error {
	for _, name := range []string{"datasets", "ledger", "projects", "publications", "audit"} {
		if err := os.Mkdir(filepath.Join(h.dir, name), 0o700); err != nil {
			return err
		}
	}
	raw, err := marshal(h)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(h.dir, hubFile), raw, 0o600); err != nil {
		return err
	}
	if err := h.before("fill"); err != nil {
		return err
	}
	if fill == nil {
		return nil
	}
	return fill(h)
}

func refuseOccupied(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return misuse(err, "a hub cannot be made here: not a folder that can be read", "name a folder that does not exist yet")
	}
	if len(entries) > 0 {
		return misuse(os.ErrExist, "a hub cannot be made here: the folder is not empty", "name a folder that does not exist yet")
	}
	return nil
}

// removeBase leaves the folder to whoever else is making the same hub.
func removeBase(base string) {
	if entries, err := os.ReadDir(base); err == nil && len(entries) == 1 {
		os.Remove(filepath.Join(base, "lock"))
		os.Remove(base)
	}
}
