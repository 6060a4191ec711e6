package pages

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// takePlace puts a new folder where an old one is, in one step; the old one is then under the new one's name. Not every file system can.
func takePlace(part, dir string) error {
	if _, err := os.Lstat(dir); errors.Is(err, fs.ErrNotExist) {
		return os.Rename(part, dir)
	}
	err := unix.Renameat2(unix.AT_FDCWD, part, unix.AT_FDCWD, dir, unix.RENAME_EXCHANGE)
	if err == unix.EINVAL || err == unix.ENOSYS {
		return fileByFile(part, dir)
	}
	return err
}
