package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// writeNew makes a file with what is to travel, whole or not at all, and never
// in the place of another one.
func writeNew(path string, data []byte) error {
	err := linkNew(path, data)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrExist):
		return &useError{path + " is there already", "give another name, or move it away: nothing is written over"}
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission):
		return &useError{path + " cannot be written", "name a file in a folder that is there and that you may write to"}
	}
	return err
}

// linkNew writes under another name first: a name that is there has all of it.
func linkNew(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(data)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Link(f.Name(), path)
}
