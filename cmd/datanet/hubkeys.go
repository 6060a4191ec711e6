package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"filippo.io/age"
	"golang.org/x/sys/unix"

	"datanet/pseudonym"
)

func keysDir(dir string) string { return filepath.Clean(dir) + ".keys" }

// unfinished marks a key folder whose hub is still being made. Its maker holds
// a lock on it, so a folder with the mark and without the lock was left by a
// process that died before there was a hub: nothing was ever signed with those
// keys, and they may go.
const unfinished = "unfinished"

// A hubKeys is the key folder of a hub that is being made.
type hubKeys struct {
	dir  string
	mark *os.File
	done bool // the hub is there
}

func newHubKeys(hub string) (*hubKeys, error) {
	k := &hubKeys{dir: keysDir(hub)}
	err := os.Mkdir(k.dir, 0o700)
	if errors.Is(err, fs.ErrExist) && k.abandoned() {
		os.RemoveAll(k.dir)
		err = os.Mkdir(k.dir, 0o700)
	}
	if errors.Is(err, fs.ErrExist) {
		return nil, &useError{"the folder for the hub's keys is there already", "give another name for the hub, or move " + k.dir + " away"}
	}
	if err != nil {
		return nil, &useError{"the folder for the hub's keys cannot be made", "give a folder that you may write"}
	}
	if k.mark, err = lockMark(filepath.Join(k.dir, unfinished), os.O_CREATE|os.O_EXCL); err != nil {
		return nil, &useError{"nothing can be written to the folder for the hub's keys", "see that the disk has room and that you may write to " + k.dir}
	}
	return k, nil
}

// abandoned says whether the maker of a key folder died before the hub was made.
func (k *hubKeys) abandoned() bool {
	mark, err := lockMark(filepath.Join(k.dir, unfinished), 0)
	if err != nil {
		return false
	}
	mark.Close()
	return true
}

func lockMark(path string, flag int) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|flag, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func (k *hubKeys) write(ledger *pseudonym.LedgerKey, publisher *pseudonym.PublisherKey, to []age.Recipient) error {
	return errors.Join(pseudonym.Write(filepath.Join(k.dir, "ledger.key"), ledger),
		pseudonym.Write(filepath.Join(k.dir, "publisher.key"), publisher, to...))
}

// settle leaves the keys of a hub that is there, and nothing of another.
func (k *hubKeys) settle() {
	if k.done {
		os.Remove(filepath.Join(k.dir, unfinished))
	} else {
		os.RemoveAll(k.dir)
	}
	k.mark.Close()
}
