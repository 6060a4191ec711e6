package hub

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"strings"
)

// tidy is sweep with its test hook.
func (c *commit) tidy(state State) error {
	if err := c.load.hub.before("tidy"); err != nil {
		return err
	}
	return c.sweep(state)
}

// sweep brings the table folders to what the state says. Only names of our own form are touched. After a load that withdrew
// people there is no history: they would be in it. Whom a site withdrew earlier is kept nowhere.
func (c *commit) sweep(state State) error {
	if err := c.forget(state); err != nil {
		return err
	}
	named := map[string]bool{}
	state.files(func(_ Member, f File) error { named[f.Path] = true; return nil })
	return tableFiles(c.root, func(table, site, name string, sequence int64) error {
		file := path.Join(table, "site="+site, name)
		if named[file] {
			return nil
		}
		if member, ok := state.Member(site); ok && sequence < member.Sequence && !state.Forgets && table != WithdrawnTable {
			return toHistory(c.root, file)
		}
		if err := c.root.Remove(file); err != nil {
			return err
		}
		return syncIn(c.root, path.Dir(file))
	})
}

// forget removes the history that a load has made stale, and that of sites that have left. A crash leaves it to the next to
// come, who goes by the same state.
func (c *commit) forget(state State) error {
	if !state.Forgets {
		return c.forgetSites(state)
	}
	if _, err := c.root.Lstat(historyDir); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err := c.load.hub.before("forget"); err != nil {
		return err
	}
	if err := c.root.RemoveAll(historyDir); err != nil {
		return err
	}
	return syncIn(c.root, ".")
}

// forgetSites removes the history of every site that is no member.
func (c *commit) forgetSites(state State) error {
	tables, err := fs.ReadDir(c.root.FS(), historyDir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, table := range tables {
		of := path.Join(historyDir, table.Name())
		if !table.IsDir() || !isTable(table.Name()) {
			continue
		}
		sites, err := fs.ReadDir(c.root.FS(), of)
		if err != nil {
			return err
		}
		for _, entry := range sites {
			site, ours := strings.CutPrefix(entry.Name(), "site=")
			if _, member := state.Member(site); member || !ours || !siteForm.MatchString(site) {
				continue
			}
			if err := c.load.hub.before("forget " + table.Name()); err != nil {
				return err
			}
			if err := errors.Join(c.root.RemoveAll(path.Join(of, entry.Name())), syncIn(c.root, of)); err != nil {
				return err
			}
		}
	}
	return nil
}

func toHistory(root *os.Root, file string) error {
	kept := path.Join(historyDir, file)
	if err := makeDirs(root, path.Dir(kept)); err != nil {
		return err
	}
	if err := root.Rename(file, kept); err != nil {
		return err
	}
	if err := syncIn(root, path.Dir(kept)); err != nil {
		return err
	}
	return syncIn(root, path.Dir(file))
}

// refuseFiles refuses a dataset that has files and no state.
func refuseFiles(root *os.Root, dataset string) error {
	return tableFiles(root, func(string, string, string, int64) error {
		return broken("%s/state: missing, although the dataset has files", dataset)
	})
}

// tableFiles visits every file in the table folders whose name is of our form.
func tableFiles(root *os.Root, visit func(table, site, name string, sequence int64) error) error {
	tables, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return err
	}
	for _, table := range tables {
		if !table.IsDir() || !isTable(table.Name()) {
			continue
		}
		if err := siteFiles(root, table.Name(), visit); err != nil {
			return err
		}
	}
	return nil
}

func siteFiles(root *os.Root, table string, visit func(table, site, name string, sequence int64) error) error {
	sites, err := fs.ReadDir(root.FS(), table)
	if err != nil {
		return err
	}
	for _, entry := range sites {
		site, ok := strings.CutPrefix(entry.Name(), "site=")
		if !ok || !entry.IsDir() || !siteForm.MatchString(site) {
			continue
		}
		files, err := fs.ReadDir(root.FS(), path.Join(table, entry.Name()))
		if err != nil {
			return err
		}
		for _, file := range files {
			if sequence, ok := fileSequence(file.Name()); ok && !file.IsDir() {
				if err := visit(table, site, file.Name(), sequence); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
