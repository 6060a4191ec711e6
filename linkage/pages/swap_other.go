//go:build !linux

package pages

import (
	"errors"
	"io/fs"
	"os"
)

// takePlace puts a new folder where none or an old one is.
func takePlace(part, dir string) error {
	if _, err := os.Lstat(dir); errors.Is(err, fs.ErrNotExist) {
		return os.Rename(part, dir)
	}
	return fileByFile(part, dir)
}
