package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"datanet/schemas"
)

// pinGuardian keeps, for a custodian, the key of their dataset's Guardian as it
// was met first, and refuses another one unless the Guardian who is known has
// signed that it takes the place of theirs. Whoever shows a custodian another
// record of decisions, or another hub, cannot put a Guardian of their own into it.
func (a *app) pinGuardian(h *openHub, dataset string) error {
	has := h.trust.Dataset(dataset)
	if has.Guardian == "" {
		return nil
	}
	home, err := a.home()
	if err != nil {
		return err
	}
	// At this hub; and by the custodian's key, wherever: a hub that is new here may have been put in the place of another.
	pins := []string{filepath.Join(home, "guardians", h.ID+"-"+dataset), filepath.Join(home, "guardians", "of-"+schemas.Digest([]byte(has.CustodianVKey)))}
	met := false
	for _, path := range pins { // each of them counts: or a hub could be met first with somebody else's key as the custodian's, and then with this one
		known, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return cannotRemember(path)
		}
		if pinned := strings.TrimSpace(string(known)); pinned != has.Guardian && !slices.Contains(has.Former, pinned) {
			return &integrityError{"the Guardian's key of " + dataset + " at this hub is another one than the one that is remembered here, who did not sign that it takes the place of theirs",
				"ask the Guardian for their key; if it is the new one, remove " + strings.Join(pins, " and ")}
		}
		met = true
	}
	if !met && a.watched() {
		fmt.Fprintf(a.err, "The Guardian of %s at this hub has the key\n  %s\nIt is remembered from now on. Compare it with the Guardian, not with the hub.\n", dataset, has.Guardian)
	}
	return keepAll(pins, has.Guardian)
}

// keepAll keeps a Guardian's key.
func keepAll(paths []string, key string) error {
	for _, path := range paths {
		if known, err := os.ReadFile(path); err == nil && string(known) == key+"\n" {
			continue
		}
		if err := keep(path, []byte(key+"\n")); err != nil {
			return err
		}
	}
	return nil
}
