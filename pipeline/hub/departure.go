package hub

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/mod/sumdb/note"
)

// WithdrawSite takes a site's part out of a dataset and out of its history, whole or not at all: the replacement of the state is the
// instant. It waits for readers and loads. Signed is what the custodian signed of the withdrawal; signer and vkey are the custodian's. A site
// of which the dataset holds nothing is a skip, which ends what an earlier call was kept from: Untidy says that one is left.
func (h *Hub) WithdrawSite(dataset, site, signed string, signer note.Signer, vkey string) (Result, error) {
	dir, err := h.datasetDir(dataset)
	if err != nil {
		return Result{}, err
	}
	verifier, err := custodian(vkey)
	if err != nil {
		return Result{}, err
	}
	done := Result{Decision: Decision{Skip: nothingOf}}
	c := &commit{load: &Load{hub: h, dataset: dataset, dir: dir}, signer: signer, verifier: verifier, vkey: vkey}
	if err := c.locked(func() error { done, err = c.depart(site, signed); return err }); err != nil {
		return Result{}, err
	}
	return done, nil
}

// Tidy does what a load or a withdrawal does first: it ends what an earlier one that was cut short was kept from, so that nothing lies there
// that the state does not name. Vkey is the custodian's.
func (h *Hub) Tidy(dataset, vkey string) error {
	dir, err := h.datasetDir(dataset)
	if err != nil {
		return err
	}
	c := &commit{load: &Load{hub: h, dataset: dataset, dir: dir}, vkey: vkey}
	return c.locked(func() error {
		_, _, err := c.present()
		return err
	})
}

// locked runs do with the dataset locked and opened, if it was ever begun.
func (c *commit) locked(do func() error) error {
	lock, err := lockFile(filepath.Join(c.load.dir, "lock"))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("locking dataset: %w", err)
	}
	defer lock.Close()
	if c.root, err = os.OpenRoot(c.load.dir); err != nil {
		return fmt.Errorf("opening dataset: %w", err)
	}
	defer c.root.Close()
	return do()
}

const nothingOf = "the dataset holds nothing of the site"

func (c *commit) depart(site, signed string) (Result, error) {
	state, hash, err := c.present()
	if err != nil {
		return Result{}, err
	}
	if _, member := state.Member(site); !member {
		return Result{Decision: Decision{Skip: nothingOf}, State: state, StateHash: hash}, nil
	}
	next := state.without(site, signed, hash)
	if !next.valid(c.load.dataset) {
		return Result{}, misuse(nil, "the withdrawal would leave a state that is not in its form")
	}
	file, err := next.sign(c.signer, c.verifier)
	if err != nil {
		return Result{}, err
	}
	if err := c.replaceState("state", file); err != nil {
		return Result{}, err
	}
	return Result{State: next, StateHash: hashHex(file), Untidy: c.tidy(next)}, nil
}
