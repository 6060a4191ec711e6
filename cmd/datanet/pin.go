package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// pinGuardian keeps, for a custodian, the key of their dataset's Guardian as
// this hub had it first, and refuses another one unless the record of decisions
// has it in the place of the one that is known. Whoever shows a custodian
// another record of decisions cannot put a Guardian of their own into it.
func (a *app) pinGuardian(h *openHub, dataset string) error {
	has := h.trust.Dataset(dataset)
	if has.Guardian == "" {
		return nil
	}
	home, err := a.home()
	if err != nil {
		return err
	}
	path := filepath.Join(home, "guardians", h.ID+"-"+dataset)
	known, err := os.ReadFile(path)
	switch pinned := strings.TrimSpace(string(known)); {
	case errors.Is(err, fs.ErrNotExist):
		if a.watched() {
			fmt.Fprintf(a.err, "The Guardian of %s at this hub has the key\n  %s\nIt is remembered from now on. Compare it with the Guardian, not with the hub.\n", dataset, has.Guardian)
		}
		return keep(path, []byte(has.Guardian+"\n"))
	case err != nil:
		return cannotRemember(path)
	case pinned == has.Guardian:
		return nil
	case !slices.Contains(has.Former, pinned):
		return &integrityError{"the Guardian's key of " + dataset + " at this hub is another one than the one that is remembered here, and nothing in the record of decisions replaced it",
			"ask the Guardian for their key; if it is the new one, remove " + path}
	}
	return keep(path, []byte(has.Guardian+"\n"))
}
